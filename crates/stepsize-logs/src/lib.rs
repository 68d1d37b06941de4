//! What training logs say: bytes in, runs out, incrementally.
//!
//! Pure: this crate opens no file and knows no clock. [`LogReader`] reads a log of any [`Format`] in bounded memory, [`detect`]
//! tells the format from the first bytes. [`text`] reads single log lines, [`choose`] says which of the names is the metric.

mod carry;
mod choose;
mod decode;
mod document;
mod events;
mod format;
mod gap;
mod gather;
mod literal;
pub mod meaning;
mod mlflow;
mod number;
mod prose;
mod reader;
mod records;
mod run;
mod table;
pub mod text;
mod thin;
mod wandb;

pub use choose::{Choice, Wanted, choose, epoch_rank, is_counter, maximizes, step_rank};
pub use format::{Format, HEAD, detect};
pub use gather::name_facts;
pub use reader::LogReader;
pub use run::{NamedSeries, Run};
pub use thin::thinned;
