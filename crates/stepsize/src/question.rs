//! [`Question`]: what a study asks, as a typed value. It is in the first event of the study, and
//! whoever continues the study must ask the same. The text for people is derived from it.
//!
//! A question says everything that decides which trials are run and what is concluded from them,
//! and nothing about where they run. [`Question::probe`] makes the probe, so that equal questions
//! have the same answer.

mod differ;
mod names;
mod version_1;
mod way;

pub use names::{FindProbe, PrunerKind, RangeTestRule};
pub use way::{Family, Way};

use crate::job::Job;
use crate::lr::Lr;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use std::fmt::{self, Display, Write as _};

/// What a study asks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Question {
    /// What is asked about the job.
    #[serde(rename = "question")]
    pub kind: QuestionKind,
    /// The pruner that a person asked for; `None` for the probe's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pruner: Option<PrunerKind>,
    /// What is trained, in words. Two studies with different words are different studies.
    pub task: String,
    /// The full run.
    pub job: Job,
}

/// What is asked about a job, with every option that decides which trials are run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum QuestionKind {
    /// The best rate.
    Find {
        /// The method of search.
        probe: FindProbe,
        /// Where the search starts; `None` for the probe's own start.
        start: Option<Lr>,
        /// The most that the search may spend, in full runs; `None` for the probe's own limit.
        budget: Option<f64>,
        /// Lowest rate; `None` for the probe's own.
        low: Option<Lr>,
        /// Highest rate; `None` for the probe's own.
        high: Option<Lr>,
    },
    /// The loss over a span of rates.
    Sweep {
        /// Which rates of the span.
        #[serde(flatten)]
        rates: SweepRates,
        /// Lowest rate.
        low: Lr,
        /// Highest rate.
        high: Lr,
        /// Whether a grid grows beyond the span when its best rate is the outermost one. Drawn
        /// rates never do.
        widen: bool,
        /// Seeds per rate.
        seeds: u32,
        /// Length of each trial; `None` for that of the full run.
        trial_steps: Option<u64>,
        /// The most that the sweep may spend, in full runs.
        budget: Option<f64>,
    },
    /// A range test (Smith 2015).
    RangeTest {
        /// How a rate is read off the losses.
        rule: RangeTestRule,
        /// Whether the rate rises by equal differences instead of equal factors.
        linear: bool,
        /// First rate.
        low: Lr,
        /// Last rate.
        high: Lr,
        /// Length of the test; of each short trial where there are several.
        trial_steps: u64,
        /// Whether it is made of short trials at constant rates, because the rate cannot be raised
        /// during a run.
        short_trials: bool,
        /// The most that the test may spend, in full runs.
        budget: Option<f64>,
    },
    /// A comparison of ways to set the rate.
    Compare {
        /// Lowest rate.
        low: Lr,
        /// Highest rate.
        high: Lr,
        /// Rates per factor of ten.
        per_decade: u32,
        /// Seeds per way and rate.
        seeds: u64,
        /// The words by which a person chose the ways; empty for all of them.
        only: Vec<String>,
        /// The ways themselves, so that a later version can show the comparison even if it knows
        /// other ways.
        ways: Vec<Way>,
        /// Whether ways that search with shorter runs are compared too.
        searches: bool,
    },
    /// A question in words: of a program with a probe of its own, and of every study before version
    /// 2 of the event format.
    #[serde(untagged)]
    Words(String),
}

/// The rates of a sweep.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SweepRates {
    /// So many rates per factor of ten, evenly spaced in the logarithm.
    PerDecade(u32),
    /// So many rates, drawn log-uniformly.
    Random(u32),
}

/// How options and probes are spelled.
struct Spelling {
    budget: &'static str,
    trial_steps: &'static str,
    probe: fn(FindProbe) -> &'static str,
}

/// As the command line spells them today.
const TODAY: Spelling = Spelling { budget: "budget", trial_steps: "trial-steps", probe: FindProbe::name };

impl Question {
    /// A question in words, for a study with a probe that is not one of [`QuestionKind`].
    pub fn in_words(question: impl Into<String>, task: impl Into<String>, job: Job) -> Self {
        Self { kind: QuestionKind::Words(question.into()), pruner: None, task: task.into(), job }
    }

    /// Checks that a study with the question `recorded` can be continued with this one.
    ///
    /// # Errors
    /// [`Error::is_state`] when the questions differ. The message names the fields and both values.
    pub fn check(&self, recorded: &Question) -> Result<()> {
        let asked = match (&recorded.kind, &self.kind) {
            (QuestionKind::Words(_), kind) if !matches!(kind, QuestionKind::Words(_)) => self.of_version_1(),
            _ => self.clone(),
        };
        if asked == *recorded {
            return Ok(());
        }
        Err(Error::state(format!(
            "this study asks another question; choose another name for this one{}",
            differ::lines(recorded, &asked)
        )))
    }
}

impl QuestionKind {
    /// The kind in one word: `find`, `sweep`, `range-test` or `compare`; of a question in words its
    /// first one.
    pub fn name(&self) -> &str {
        match self {
            Self::Find { .. } => "find",
            Self::Sweep { .. } => "sweep",
            Self::RangeTest { .. } => "range-test",
            Self::Compare { .. } => "compare",
            Self::Words(text) => text.split(' ').next().unwrap_or_default(),
        }
    }

    fn text(&self, spelling: &Spelling) -> String {
        match self {
            Self::Find { probe, start, budget, low, high } => {
                let mut text = format!("find --probe {}", (spelling.probe)(*probe));
                for (name, value) in [("low", low), ("high", high), ("start", start)] {
                    option(&mut text, name, value.map(Lr::get));
                }
                option(&mut text, spelling.budget, *budget);
                text
            }
            Self::Sweep { rates, low, high, widen: _, seeds, trial_steps, budget } => {
                let (name, count) = match rates {
                    SweepRates::PerDecade(count) => ("per-decade", count),
                    SweepRates::Random(count) => ("random", count),
                };
                let mut text = format!("sweep --{name} {count} --low {low} --high {high} --seeds {seeds}");
                option(&mut text, spelling.trial_steps, *trial_steps);
                option(&mut text, spelling.budget, *budget);
                text
            }
            Self::RangeTest { rule, linear, low, high, trial_steps, short_trials: _, budget } => {
                let linear = if *linear { " --linear" } else { "" };
                let mut text = format!("range-test --rule {}{linear} --low {low} --high {high}", rule.name());
                option(&mut text, spelling.trial_steps, Some(trial_steps));
                option(&mut text, spelling.budget, *budget);
                text
            }
            Self::Compare { low, high, per_decade, seeds, only, ways: _, searches: _ } => {
                let mut text = format!("compare --low {low} --high {high} --per-decade {per_decade} --seeds {seeds}");
                option(&mut text, "ways", (!only.is_empty()).then(|| only.join(",")));
                text
            }
            Self::Words(text) => text.clone(),
        }
    }
}

fn option(text: &mut String, name: &str, value: Option<impl Display>) {
    if let Some(value) = value {
        let _ = write!(text, " --{name} {value}");
    }
}

impl Display for Question {
    /// The question as a command line asks it, without the task: `find --probe race --budget 0.5`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.kind.text(&TODAY))?;
        match self.pruner {
            Some(rule) => write!(f, " --pruner {}", rule.name()),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
