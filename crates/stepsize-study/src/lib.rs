//! The effects: the study loop, stores, and executors (threads in this process, commands on this
//! machine, Slurm and Ray).
//!
//! Data flows one way: a probe asks for specs, an executor turns specs into events, a store keeps
//! every event before anything rests on it, and trials, estimates and reports are functions of the
//! events.
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
mod session;
pub mod store;
mod study;

pub use executor::{Cluster, Commands, Executor, Handle, InProcess, Local, On, Place};
pub use session::{Next, Session};
pub use store::{Memory, Sqlite, Store, Studies};
pub use study::{Question, StudyResult, study};
