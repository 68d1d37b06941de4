//! Training logs: bytes in, runs out, incrementally.
//!
//! This crate opens no file and knows no time of day. Its only thread reads later rows of a large
//! table (`table/dense.rs`).
//!
//! - [`detect`] recognizes the [`Format`] of a log from its first bytes.
//! - [`LogReader`] reads a log of any format in bounded memory and returns its [`Run`]s.
//! - [`text`] reads single log lines.
//! - [`choose`] finds the metric, the step and the rate among the names of a log; what a name means
//!   stands in one table, `names.rs`.
//! - [`meaning`] turns a run into the record that a diagnosis reads.
//! - [`tensorboard`] writes event files.

mod carry;
mod choose;
mod clock;
mod crc;
mod decode;
mod document;
mod format;
mod gap;
mod gather;
mod json;
mod literal;
pub mod meaning;
mod mlflow;
mod names;
mod norms;
mod number;
mod prose;
mod protobuf;
mod reader;
mod records;
mod run;
mod table;
pub mod tensorboard;
pub mod text;
mod thin;
mod wandb;

pub use choose::{Choice, Wanted, choose};
pub use clock::{LogPosition, RawClock};
pub use format::{Format, HEAD, detect};
pub use gather::name_facts;
pub use names::{CounterKind, DataSplit, is_counter, maximizes};
pub use norms::gradient_norms;
pub use reader::LogReader;
pub use run::{NamedSeries, Run};
pub use thin::thinned;
