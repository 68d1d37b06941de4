//! Stepsize: what learning rate should I use?
//!
//! Specs go in, events come out, and everything else is a function of events:
//! `lr(step) = base x schedule(step) x controller`.

mod curve;
pub mod diagnosis;
mod draws;
mod error;
mod event;
mod lr;
mod placement;
mod rate;
mod run;
mod search;
mod side;
mod trial;

pub use rate::{controller, notation, schedule};
pub use run::quadratic;
pub use search::{compare, landscape, probe, pruner, report, transfer};

pub use controller::Controller;
pub use curve::{Curve, Point};
pub use diagnosis::{Diagnosis, Finding, Record, diagnose};
pub use error::{Error, Result};
pub use event::{Act, Event, VERSION};
pub use lr::Lr;
pub use placement::Placement;
pub use probe::{Estimate, Probe};
pub use pruner::Pruner;
pub use rate::policy::Policy;
pub use report::Report;
pub use run::engine::{Engine, Evaluation, GradientStats, Snapshot};
pub use run::train::{Kept, evaluation_steps, resume, train};
pub use schedule::Schedule;
pub use side::Side;
pub use trial::{Acted, End, Trial, TrialId, TrialSpec, fold, fold_one};
