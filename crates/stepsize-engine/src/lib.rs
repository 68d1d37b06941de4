//! The embedded engine of Stepsize: it trains small networks on real data behind
//! [`stepsize::Engine`].
//!
//! - [`Task`]: data, model and optimizer, loaded once ([`TaskConfig`]). Each [`Task::engine`] is an
//!   independent run for one seed.
//! - [`DataSource`]: built-in sets ([`Builtin`]) or files (CSV, IDX, text; Parquet with the feature
//!   `parquet`).
//! - [`ModelSpec`] and [`OptimizerSpec`]: `mlp:128,64`, `cnn`, `charlm:8,8,32`; `sgd:0.9`, `adamw`,
//!   `prodigy` and others.
//! - [`Watched`]: a run whose weights and mistakes can be looked at between steps. [`ways`]: the
//!   ways to set the rate that `stepsize compare` compares.
//!
//! ```
//! use stepsize_engine::{Task, TaskConfig};
//! # fn main() -> stepsize::Result<()> {
//! let task = Task::load(TaskConfig { model: "mlp:32".parse()?, ..TaskConfig::default() })?;
//! let mut run = task.engine(0)?;
//! let first = run.step(0.1)?;
//! for _ in 0..50 {
//!     run.step(0.1)?;
//! }
//! assert!(run.evaluate()?.val_loss < first);
//! # Ok(())
//! # }
//! ```
//!
//! A run stays on the thread of its caller, so many rates are many
//! engines on a pool of threads. The same seed and the same rates give the same losses bit for bit
//! on one machine, whatever the number of threads. Another kind of CPU has other kernels and rounds
//! differently; initial weights and the order of the data are the same everywhere.

mod data;
#[cfg(test)]
mod golden;
mod matrix;
mod network;
mod objective;
mod optimizer;
mod rng;
mod run;
mod sampler;
mod snapshot;
mod spec;
mod task;
mod watch;
pub mod ways;

pub use data::{Builtin, DataSource, TargetKind};
pub use spec::{ModelSpec, OptimizerSpec, reference};
pub use task::{Task, TaskConfig};
pub use watch::{HeldOut, ReadExample, Watched};
