//! Stepsize: what learning rate should I use?
//!
//! Specs go in, events come out, and everything else is a function of events:
//! `lr(step) = base x schedule(step) x controller`.

pub mod compare;
pub mod controller;
mod curve;
pub mod diagnosis;
mod draws;
mod engine;
mod error;
mod event;
pub mod landscape;
mod lr;
pub mod notation;
mod policy;
pub mod probe;
pub mod pruner;
pub mod quadratic;
pub mod report;
pub mod schedule;
mod train;
pub mod transfer;
mod trial;

pub use controller::Controller;
pub use curve::{Curve, Point};
pub use diagnosis::{Diagnosis, Finding, Record, diagnose};
pub use engine::{Engine, Evaluation, Seen, Snapshot};
pub use error::{Error, Result};
pub use event::{Act, Event, VERSION};
pub use lr::Lr;
pub use policy::Policy;
pub use probe::{Estimate, Probe};
pub use pruner::Pruner;
pub use report::Report;
pub use schedule::Schedule;
pub use train::{Kept, evaluation_steps, resume, train};
pub use trial::{Acted, End, Trial, TrialId, TrialSpec, fold, fold_one};
