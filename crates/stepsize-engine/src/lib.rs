//! The embedded engine of Stepsize: trains small networks on real data behind [`stepsize::Engine`].
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
//! This is the only crate that knows Burn. A [`Task`] is loaded once; every [`Task::engine`] is an independent run that
//! stays on its caller's thread, so that many rates are many engines on a thread pool. The same seed and the same rates
//! give the same losses bit for bit on one machine, whatever else the process does and however many threads it has. Another
//! kind of CPU has other kernels and rounds otherwise; weights and the order of the data are the same everywhere.

mod data;
#[cfg(test)]
mod golden;
mod network;
mod objective;
mod optimizer;
mod rng;
mod run;
mod sampler;
mod snapshot;
mod spec;
mod task;

pub use data::{Builtin, DataSource};
pub use spec::{ModelSpec, OptimizerSpec};
pub use task::{Task, TaskConfig};
