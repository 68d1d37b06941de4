//! The effects: the study loop, stores (files) and executors (threads; later processes and clusters).
//!
//! Data flows one way: a probe asks for specs, an executor turns specs into events, a store keeps every event before
//! it is acted on, and trials, estimates and reports are functions of the events.

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
