//! [`Remedy`]: what a person can do about a refusal, as data.
//!
//! A probe knows what would help, not how it is typed. Each front end words a remedy in its own
//! terms: the command line as options of the verb that was used, Python as arguments. `Display`
//! gives words that fit everywhere, for callers of the library without words of their own.

use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;

/// One thing that may turn a refusal into an answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum Remedy {
    /// Nothing has to be done: every rate that was tried does equally well.
    UseAnyRate,
    /// More steps in the full run.
    LongerRun,
    /// More steps in each trial.
    LongerTrials {
        /// Fewest steps that can give an answer, where that is known.
        at_least: Option<u64>,
    },
    /// More seeds per rate.
    MoreSeeds,
    /// More rates in the same span.
    MoreRates,
    /// Rates below the lowest one tried.
    LowerRates,
    /// Rates above the highest one tried.
    HigherRates,
    /// Rates beyond both ends of the span.
    WiderSpan,
    /// A first guess below the one that was used.
    LowerStart,
    /// A first guess above the one that was used.
    HigherStart,
    /// A larger budget for the search.
    LargerBudget {
        /// Full runs with which the search could go on, where that is known.
        #[serde(default)]
        at_least: Option<f64>,
    },
    /// A length that is given in optimizer steps, not in epochs.
    CountSteps,
    /// A training command that prints its loss oftener.
    EvaluateOftener {
        /// At least once in so many steps.
        every: u64,
    },
    /// More rows per step, which makes the loss less noisy.
    LargerBatches,
    /// A sweep of full runs instead of a search by short ones.
    CompareFullRuns {
        /// Seeds per rate.
        seeds: u32,
    },
    /// A training command that can be told its number of steps.
    AcceptSteps,
    /// Reading the loss of a range test instead of its score.
    ReadLoss,
    /// A check that the optimizer uses the rate it is given.
    CheckRateIsUsed,
    /// A directory for each trial, so that none loads the checkpoint of another.
    SeparateTrials,
    /// A check of the unit of the rate and of the scale of the model.
    CheckRateScale,
    /// A check of model, data and loss for faults, such as values that are not finite.
    CheckModelAndData,
    /// Warm-up or gradient clipping in the training itself.
    StabilizeTraining,
    /// Letting the search run to its end. Whether the trials so far are kept is known to the front
    /// end only.
    Resume,
    /// Advice recorded by a version that stored text, in the words of that version.
    Recorded {
        /// The text.
        text: String,
    },
}

impl fmt::Display for Remedy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Remedy::UseAnyRate => "use any of these rates: they do equally well",
            Remedy::LongerRun => "train for more steps",
            Remedy::LongerTrials { at_least: None } => "make the trials longer",
            Remedy::LongerTrials { at_least: Some(steps) } => {
                return write!(f, "make the trials at least {steps} steps long");
            }
            Remedy::MoreSeeds => "add seeds",
            Remedy::MoreRates => "try more rates",
            Remedy::LowerRates => "try lower rates",
            Remedy::HigherRates => "try higher rates",
            Remedy::WiderSpan => "widen the span of rates",
            Remedy::LowerStart => "start from a lower rate",
            Remedy::HigherStart => "start from a higher rate",
            Remedy::LargerBudget { at_least: None } => "raise the budget",
            Remedy::LargerBudget { at_least: Some(runs) } => {
                return write!(f, "raise the budget to {runs} full runs or more");
            }
            Remedy::CountSteps => "give the length in optimizer steps instead of epochs",
            Remedy::EvaluateOftener { every } => {
                return write!(f, "let the training print its loss at least every {every} steps");
            }
            Remedy::LargerBatches => "use larger batches",
            Remedy::CompareFullRuns { seeds } => {
                return write!(f, "compare full runs with {seeds} seed{}", if *seeds == 1 { "" } else { "s" });
            }
            Remedy::AcceptSteps => "let the command take its number of steps as an argument",
            Remedy::ReadLoss => "read the loss instead of the score",
            Remedy::CheckRateIsUsed => "check that the optimizer uses the rate it is given",
            Remedy::SeparateTrials => {
                "give each trial a directory of its own for its checkpoints, or switch resuming off"
            }
            Remedy::CheckRateScale => {
                "check the unit of the rate: a model whose best rate is this far out is usually badly scaled"
            }
            Remedy::CheckModelAndData => "check model, data and loss for faults and for values that are not finite",
            Remedy::StabilizeTraining => "add warm-up or gradient clipping to the training",
            Remedy::Resume => "let the search run to its end",
            Remedy::Recorded { text } => text,
        })
    }
}

/// Reads remedies, or the single text that was recorded before there were any.
pub(crate) fn or_text<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Remedy>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Stored {
        Remedies(Vec<Remedy>),
        Text(String),
    }
    Ok(match Stored::deserialize(from)? {
        Stored::Remedies(remedies) => remedies,
        Stored::Text(text) => vec![Remedy::Recorded { text }],
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::{Reason, Refusal};

    #[test]
    fn advice_of_an_older_log_is_read_as_it_was_worded() {
        let old = r#"{"reason":"at_edge","because":"b","advice":"end higher (--high)"}"#;
        let read: Refusal = serde_json::from_str(old).unwrap();
        assert_eq!(read.remedies, [Remedy::Recorded { text: "end higher (--high)".into() }]);
        assert_eq!(read.remedies[0].to_string(), "end higher (--high)");
    }

    #[test]
    fn remedies_are_stored_by_name() {
        let remedies = vec![Remedy::CompareFullRuns { seeds: 3 }, Remedy::LongerTrials { at_least: None }];
        let refusal = Refusal { reason: Reason::NoiseOnly, because: "b".into(), remedies };
        let text = serde_json::to_string(&refusal).unwrap();
        assert_eq!(
            text,
            r#"{"reason":"noise_only","because":"b","remedies":[{"action":"compare_full_runs","seeds":3},{"action":"longer_trials","at_least":null}]}"#
        );
        assert_eq!(serde_json::from_str::<Refusal>(&text).unwrap(), refusal);
    }
}
