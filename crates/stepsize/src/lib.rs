//! Stepsize finds learning rates. This crate is its pure core: schedules, controllers, searches and
//! the diagnosis of training logs, without I/O, clocks, threads or tensors.
//!
//! Specs go in, events come out, and everything else is a function of events. The rate of a step is
//! `lr(step) = base x schedule(step) x controller`; only [`Policy`] computes it.
//!
//! # The five types
//!
//! - [`Schedule`]: the rate over steps, as a factor of the base rate. It is plain data, written
//!   `"warmup(5%) then cosine"` ([`notation`]).
//! - [`Controller`]: a further factor that depends on what training shows, for example on a plateau
//!   of the loss ([`controller`]).
//! - [`Engine`]: one training run that takes steps at any rate. Implement it to search on a model
//!   of your own; [`train()`] is the loop that runs one.
//! - [`Event`]: a fact about a study or a trial. A [`Trial`] is a fold of events, and so resume is
//!   replay.
//! - [`Probe`]: a search. It plans trials ([`TrialSpec`]) from the trials that have ended, and
//!   reads an [`Estimate`] off them: a rate with an interval, or a refusal with the reason.
//!   [`probe::Race`] is the default one.
//!
//! Beside the search: [`diagnose`] reads what a log shows about its rate, [`compare`] ranks tasks
//! and optimizers, [`transfer`] scales a rate to another batch size or width, and [`Report`] holds
//! what front ends show.
//!
//! # A whole search
//!
//! The model is a noisy quadratic whose best rate is known (`quadratic`, feature `testing`). The
//! crate `stepsize-study` has this loop with storage, threads, commands and clusters.
//!
//! ```
//! use std::ops::ControlFlow;
//! use stepsize::probe::Race;
//! use stepsize::quadratic::NoisyQuadratic;
//! use stepsize::{Job, Policy, Probe, Schedule, Trial, TrialId, evaluation_steps, fold_one, train};
//!
//! # fn main() -> stepsize::Result<()> {
//! // The question: which base rate is best for a run of 400 steps with cosine decay?
//! let job = Job::new(400, Schedule::parse("cosine", 400)?, 0)?;
//! let race = Race::new(job.clone());
//! let mut trials: Vec<Trial> = Vec::new();
//! loop {
//!     // The next batch of trials; none when another one is not worth its cost.
//!     let batch = race.ask(&trials)?;
//!     if batch.is_empty() {
//!         break;
//!     }
//!     for spec in batch {
//!         let id = TrialId(trials.len() as u32);
//!         let mut engine = NoisyQuadratic::new().with_reading_noise(0.01, spec.seed);
//!         let mut policy = Policy::new(spec.lr, spec.schedule.clone());
//!         let mut seen = [(id, Trial::new(id, spec.clone()))].into();
//!         train(&mut engine, id, &spec, &mut policy, &evaluation_steps(spec.steps, 8), &mut |event| {
//!             fold_one(&mut seen, &event);
//!             ControlFlow::Continue(())
//!         })?;
//!         trials.extend(seen.into_values());
//!     }
//! }
//! let estimate = race.estimate(&trials)?;
//! let lr = estimate.lr().ok_or_else(|| stepsize::Error::invalid(&estimate.why))?;
//! assert!((0.05..2.0).contains(&lr.get()), "the quadratic diverges from 2 on");
//! assert!(estimate.cost_runs <= 1.0, "all trials together are no longer than one full run");
//! # Ok(())
//! # }
//! ```
//!
//! More: `examples/implement_engine.rs` and `examples/write_probe.rs` of this crate. Engines and
//! controllers of third parties can be held to our contracts with `stepsize::testing` (feature
//! `testing`).

pub mod birds;
mod curve;
pub mod defaults;
pub mod diagnosis;
pub mod divergence;
mod draws;
mod error;
mod estimate;
mod event;
mod job;
mod lr;
mod placement;
mod question;
mod rate;
mod remedy;
mod run;
mod search;
mod side;
mod spec;
mod stats;
#[cfg(feature = "testing")]
pub mod testing;
mod trial;
mod wish;

pub use rate::{controller, notation, reference, schedule};
#[cfg(feature = "testing")]
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
pub use remedy::Remedy;
pub use report::Report;
pub use run::engine::{Engine, Evaluation, GradientStats, Snapshot};
pub use run::train::{Kept, evaluation_steps, resume, train};
pub use schedule::Schedule;
pub use side::Side;
pub use spec::{End, TrialId, TrialSpec};
pub use trial::{Acted, Trial, fold, fold_one};
pub use wish::Wish;
