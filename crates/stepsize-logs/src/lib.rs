//! What training logs say: bytes in, runs out, as the bytes arrive and in bounded memory.
//!
//! Pure: this crate opens no file and reads no clock. (A large table is parsed with a second
//! thread.)
//!
//! - [`detect`] finds the [`Format`] from the first bytes; [`LogReader`] reads it. Formats: CSV and
//!   other tables, JSON lines and documents, TensorBoard, Weights & Biases, MLflow, and plain text
//!   in which lines hold names and numbers.
//! - [`Run`] is what a log says of one run: series of readings, and facts such as the optimizer.
//! - [`choose`] finds the metric, the step and the rate among the names. What a name means stands
//!   in one table, `names.rs`.
//! - [`meaning`] turns a run into the records that [`stepsize::diagnose`] judges, [`judgement`]
//!   judges the runs of several logs together; [`text`] reads single lines. [`tensorboard`] writes
//!   event files, [`OfflineRun`] those of Weights & Biases.
//!
//! ```
//! use stepsize_logs::{LogReader, detect, meaning};
//!
//! # fn main() -> stepsize::Result<()> {
//! let log = b"step,lr,loss,val_loss\n0,0.1,2.3,2.31\n100,0.1,1.2,1.35\n200,0.1,0.9,1.1\n";
//! let mut reader = LogReader::new(detect(log, "run.csv"), "run.csv");
//! for piece in log.chunks(16) {
//!     reader.push(piece)?; // as they come from a file or a pipe
//! }
//! let runs = reader.finish()?;
//! assert_eq!(runs[0].counter, "step");
//! let val_loss = runs[0].series("val_loss").expect("a column of the table");
//! assert_eq!(val_loss.points, [(0.0, 2.31), (100.0, 1.35), (200.0, 1.1)]);
//! let record = &meaning::records(&runs[0], "run.csv")[0];
//! println!("{:?}", stepsize::diagnose(record).findings);
//! # Ok(())
//! # }
//! ```

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
pub mod judgement;
mod labels;
mod literal;
pub mod meaning;
mod mlflow;
mod named_rates;
mod names;
mod norms;
mod notebook;
mod number;
mod offline;
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
pub use offline::{OfflineHead, OfflineRun};
pub use reader::LogReader;
pub use run::{NamedSeries, Run};
pub use thin::thinned;
