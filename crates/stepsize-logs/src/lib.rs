//! What training logs say: bytes in, runs out, incrementally.
//!
//! Pure: this crate opens no file and knows no clock. [`LogReader`] reads a log of any [`Format`] in bounded memory, [`detect`]
//! tells the format from the first bytes. [`text`] reads single log lines, [`choose`] says which of the names is the metric.

mod carry;
mod choose;
mod clock;
mod decode;
mod document;
mod events;
mod format;
mod gap;
mod gather;
mod json;
mod literal;
pub mod meaning;
mod mlflow;
mod names;
mod number;
mod prose;
mod reader;
mod records;
mod run;
mod table;
pub mod text;
mod thin;
mod wandb;

pub use choose::{Choice, Wanted, choose};
pub use clock::{LogPosition, RawClock};
pub use format::{Format, HEAD, detect};
pub use gather::name_facts;
pub use names::{CounterKind, DataSplit, is_counter, maximizes};
pub use reader::LogReader;
pub use run::{NamedSeries, Run};
pub use thin::thinned;
