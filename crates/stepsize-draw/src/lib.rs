//! The answers of Stepsize as text, figures, pages and JSON. Data in, bytes out: nothing is written
//! or printed here, so the command line and Python show the same.
//!
//! - [`show`]: a [`stepsize::Report`] as text for a terminal; [`figure`]: as SVG and PNG; [`page`]:
//!   as one self-contained HTML page; [`json`]: as the JSON object.
//! - [`compare`] and [`diagnosis`]: the same for comparisons and for diagnoses of logs.
//! - [`peers`]: a schedule as code for PyTorch and optax.
//! - [`chart`]: the plots in the units of their data, for the script of the pages.
//! - [`view`]: the numbers behind the figures (axes, ticks, the fitted landscape); [`number`]:
//!   rates, losses and times with as many digits as they deserve.
//!
//! ```
//! use stepsize::Job;
//! use stepsize::probe::{Grid, Probe};
//! use stepsize::{End, Event, Lr, Question, Report, Schedule, TrialId, fold};
//! use stepsize_draw::{figure, show};
//!
//! # fn main() -> stepsize::Result<()> {
//! let job = Job::new(100, Schedule::constant(), 0)?;
//! let grid = Grid::new(job.clone(), Lr::new(0.001)?, Lr::new(0.1)?, 2)?;
//! // Trials whose final losses are made up: a search would train them.
//! let mut events = Vec::new();
//! for (i, spec) in grid.ask(&[])?.into_iter().enumerate() {
//!     let (trial, lr) = (TrialId(i as u32), spec.lr.get());
//!     events.push(Event::Started { trial, spec });
//!     for (step, val_loss) in [(0, 2.0), (100, 0.5 + (lr / 0.02).ln().powi(2) / 20.0)] {
//!         events.push(Event::Eval { trial, step, lr, val_loss, score: None });
//!     }
//!     events.push(Event::Ended { trial, end: End::Finished, steps: 100, seconds: None });
//! }
//! let trials: Vec<_> = fold(&events).into_values().collect();
//! let report = Report::new(&Question::in_words("sweep", "a made-up task", job), &grid.estimate(&trials)?, &trials);
//! let text = show::report(&report, show::Style::plain(80));
//! assert!(text.contains("cost"));
//! assert!(figure::svg(&report).starts_with("<svg"));
//! # Ok(())
//! # }
//! ```

#![recursion_limit = "256"]

pub mod chart;
pub mod compare;
pub mod diagnosis;
pub mod figure;
pub mod json;
pub mod number;
pub mod page;
pub mod peers;
pub mod show;
pub mod view;
