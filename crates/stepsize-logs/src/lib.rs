//! What training logs say: bytes in, points out, incrementally.
//!
//! Pure: this crate opens no file and knows no clock. [`text`] reads single log lines, [`choose`] says which of the names is
//! the metric.

mod choose;
mod literal;
pub mod text;

pub use choose::{Choice, Wanted, choose, epoch_rank, maximizes, step_rank};
