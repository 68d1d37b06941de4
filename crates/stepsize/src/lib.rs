//! Stepsize: what learning rate should I use?
//!
//! Specs go in, events come out, and everything else is a function of events:
//! `lr(step) = base x schedule(step) x controller`.

mod curve;
pub mod diagnosis;
mod draws;
mod error;
mod estimate;
mod event;
mod job;
mod lr;
mod placement;
mod question;
mod rate;
mod run;
mod search;
mod spec;
mod trial;

pub use rate::{controller, notation, schedule};
pub use run::quadratic;
pub use search::{compare, landscape, probe, pruner, report, transfer};

pub use controller::Controller;
pub use curve::{Curve, Point};
pub use diagnosis::{Diagnosis, Finding, Record, diagnose};
pub use error::{Error, Result};
pub use estimate::{Answer, Band, Estimate, Rate, Reason, Refusal};
pub use event::{Act, Event, VERSION};
pub use job::Job;
pub use lr::Lr;
pub use placement::Placement;
pub use probe::Probe;
pub use pruner::Pruner;
pub use question::{FindProbe, Question, QuestionKind, SweepRates};
pub use rate::policy::Policy;
pub use report::Report;
pub use run::engine::{Engine, Evaluation, GradientStats, Snapshot};
pub use run::train::{Kept, evaluation_steps, resume, train};
pub use schedule::Schedule;
pub use spec::{End, TrialId, TrialSpec};
pub use trial::{Acted, Trial, fold, fold_one};
