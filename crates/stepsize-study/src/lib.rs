//! The part of Stepsize that touches the world. A [`Study`] asks a probe for trials, an
//! [`Executor`] runs them (threads in this process, commands on this machine, Slurm and Ray), and a
//! [`Store`] keeps every event before anything is done about it. [`logfiles`] reads folders of
//! training logs.
//!
//! Data flows one way: a probe asks for specs, an executor turns specs into events, and trials,
//! estimates and reports are functions of the events.

pub mod executor;
pub mod logfiles;
pub mod mlflow;
pub mod store;
mod study;

pub use executor::{Cluster, Commands, Executor, Handle, InProcess, Local, On, Place};
pub use store::{Memory, Sqlite, Store, Studies};
pub use study::{Next, Study, StudyResult};
