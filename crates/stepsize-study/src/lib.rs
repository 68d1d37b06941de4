//! The effects of Stepsize: the study loop, the stores that keep its events, and the executors that
//! run its trials.
//!
//! - [`Study`] asks a probe for trials, stores every event before acting on it, and concludes. With
//!   an executor it runs to its end ([`Study::run`]); a caller that trains by itself asks and
//!   tells. Killed at any moment, it resumes by replay.
//! - [`Executor`]: where trials run. [`InProcess`] uses threads of this process, [`Local`] commands
//!   on this machine, [`Cluster`] Slurm or Ray.
//! - [`Store`]: where events are kept. [`Memory`] forgets them, [`Sqlite`] holds one study in a
//!   file of many ([`Studies`]).
//! - [`Tracker`]: trials in folders of TensorBoard, MLflow and Weights & Biases, as they run.
//! - [`logfiles`] and [`mlflow`] find and read the training logs of a folder.
//!
//! ```
//! use std::sync::Arc;
//! use std::sync::atomic::AtomicBool;
//! use stepsize::Job;
//! use stepsize::probe::Race;
//! use stepsize::quadratic::NoisyQuadratic;
//! use stepsize::{Engine, Question, Schedule};
//! use stepsize_study::{InProcess, Memory, Study};
//!
//! # fn main() -> stepsize::Result<()> {
//! let job = Job::new(400, Schedule::parse("cosine", 400)?, 0)?;
//! let question = Question::in_words("find", "a noisy quadratic", job.clone());
//! let study = Study::open(&question, Box::new(Race::new(job)), Box::new(Memory::new()))?;
//! // Two trials at once, each on an engine of its own.
//! let engines =
//!     Arc::new(|seed| Ok(Box::new(NoisyQuadratic::new().with_reading_noise(0.01, seed)) as Box<dyn Engine>));
//! let (mut pool, stop) = (InProcess::new(2, engines)?, AtomicBool::new(false));
//! let result = study.run(&mut pool, &stop, &mut |_| {})?;
//! assert!(result.estimate.lr().is_some() && !result.interrupted);
//! # Ok(())
//! # }
//! ```
//!
//! Executors and stores of third parties can be held to our contracts with
//! `stepsize_study::testing` (feature `testing`).
//!
//! # Platforms
//!
//! Linux and macOS: process groups, signals and file modes are those of Unix. On Linux alone,
//! trials that a killed process left running are found and ended when their study resumes, and the
//! end of a silent child is seen at once.
//!
//! # Features
//!
//! `tls`: Ray dashboards behind https (`rays://HOST:PORT`), for requests and for logs. Off by
//! default, since it adds 14 packages and about 35 s of one processor to a build; `ray://` through
//! an SSH tunnel needs none of it.

#[cfg(not(unix))]
compile_error!("stepsize-study runs on Linux and macOS: it needs the process groups and signals of Unix");

pub mod executor;
pub mod logfiles;
pub mod mlflow;
mod optuna;
pub mod store;
mod study;
#[cfg(feature = "testing")]
pub mod testing;
mod track;

pub use executor::{Cluster, Commands, Executor, Handle, InProcess, Local, On, Place};
pub use store::{Memory, Sqlite, Store, Studies};
pub use study::{Next, Study, StudyResult};
pub use track::{EventFile, TrackTo, Tracker};
