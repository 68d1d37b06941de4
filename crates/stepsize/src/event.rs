//! [`Event`]: the one wire and file format, as JSON lines. Everything else is a function of events.
//!
//! Numbers that JSON cannot hold (NaN, infinities) are written as `null` and read back as NaN: a
//! non-finite loss is a fact to keep, not a value to compute with.

use crate::estimate::Estimate;
use crate::question::Question;
use crate::spec::{End, TrialId, TrialSpec};
use crate::wish::Wish;
use serde::{Deserialize, Deserializer, Serialize};

/// Version of the event format. Version 1 had the question of a study as text; it is still read.
pub const VERSION: u32 = 2;

/// Something that happened. No event says what should be done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A study began.
    Study {
        /// [`VERSION`] of the writer.
        version: u32,
        /// What it asks.
        #[serde(flatten)]
        question: Question,
    },
    /// A trial began.
    Started {
        /// Which trial.
        trial: TrialId,
        /// What it runs.
        spec: TrialSpec,
    },
    /// A trial was handed to something outside this process that runs it.
    Submitted {
        /// Which trial.
        trial: TrialId,
        /// Lets its executor find it again after this process was killed. Opaque to everybody else.
        handle: String,
    },
    /// One optimizer step was taken.
    Step {
        /// Which trial.
        trial: TrialId,
        /// The step, counted from 0.
        step: u64,
        /// The rate that was applied.
        lr: f64,
        /// Mini-batch loss, before the update.
        #[serde(deserialize_with = "nan_if_null")]
        loss: f64,
    },
    /// The model was evaluated after `step` steps (0: untrained).
    Eval {
        /// Which trial.
        trial: TrialId,
        /// Steps taken before this evaluation.
        step: u64,
        /// Rate applied at the last step taken; at step 0, the rate of the first step.
        lr: f64,
        /// Validation loss.
        #[serde(deserialize_with = "nan_if_null")]
        val_loss: f64,
        /// Accuracy or R2, where the task has one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        score: Option<f64>,
    },
    /// A controller acted.
    Acted {
        /// Which trial.
        trial: TrialId,
        /// Step after which it acted, counted from 0.
        step: u64,
        /// What happened.
        act: Act,
        /// Its factor from then on.
        factor: f64,
        /// Why, for people.
        why: String,
    },
    /// A trial ended.
    Ended {
        /// Which trial.
        trial: TrialId,
        /// How.
        end: End,
        /// Steps that were run. They count as cost, also when the trial was stopped.
        steps: u64,
        /// Wall-clock seconds; `None` from an executor without a clock.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        seconds: Option<f64>,
    },
    /// A person asked something of the search while it ran.
    Asked {
        /// What.
        wish: Wish,
        /// The trial that it is about, or that a rate became.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        trial: Option<TrialId>,
        /// Trials of the method's own plan that were asked for by then.
        planned: u32,
    },
    /// The study drew its conclusion from the trials so far.
    Concluded {
        /// The answer or the refusal.
        estimate: Estimate,
    },
}

/// What a controller did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "act", rename_all = "snake_case")]
pub enum Act {
    /// Its factor changed.
    Changed,
    /// The run went back to an earlier state. Its readings from step `to` on are void.
    Rewound {
        /// Step at which it continues.
        to: u64,
        /// Batches that were skipped.
        skipped: u64,
    },
    /// Short branches were run from the same state; none of them was kept.
    Branched {
        /// Multiples of the rate that were tried.
        factors: Vec<f64>,
        /// Validation loss at the end of each; `None` where it diverged.
        losses: Vec<Option<f64>>,
        /// Steps of each.
        steps: u64,
    },
}

pub(crate) fn nan_if_null<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    Ok(Option::<f64>::deserialize(deserializer)?.unwrap_or(f64::NAN))
}

impl Event {
    /// The question, if this is the beginning of a study.
    pub fn question(&self) -> Option<&Question> {
        match self {
            Self::Study { question, .. } => Some(question),
            _ => None,
        }
    }

    /// The event as one line of JSON, without the line end.
    pub fn to_json(&self) -> String {
        // Serialising plain data with string keys into memory has no failing path.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads one line of JSON.
    ///
    /// # Errors
    /// When the line is not an event of this version.
    pub fn from_json(line: &str) -> crate::Result<Self> {
        serde_json::from_str(line)
            .map_err(|e| crate::Error::invalid(format!("not an event: {e}: {line}")).with_source(e))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nan_loss_survives_the_wire() {
        let event = Event::Step { trial: TrialId(3), step: 7, lr: 0.1, loss: f64::NAN };
        let Event::Step { loss, step, .. } = Event::from_json(&event.to_json()).unwrap() else { panic!() };
        assert!(loss.is_nan() && step == 7);
    }

    #[test]
    fn a_conclusion_that_holds_the_former_chances_is_still_read() {
        let line = r#"{"event":"concluded","estimate":{"answer":{"rate":{"lr":0.1,"interval":[0.05,0.2],
            "p_within_0_25_pct":null,"p_within_1_pct":0.8}},"divergence_lr":2.0,"cost_runs":1.5,"why":"it fits",
            "landscape":[]}}"#;
        let Event::Concluded { estimate } = Event::from_json(line).unwrap() else { panic!() };
        assert_eq!((estimate.lr().map(|lr| lr.get()), estimate.cost_runs), (Some(0.1), 1.5));
    }

    #[test]
    fn every_loss_comes_back_to_the_last_bit() {
        for loss in [1.7239308100190993, 1.1922607483095207, 0.37102871650029123, f64::MIN_POSITIVE, 1e308] {
            let event = Event::Step { trial: TrialId(3), step: 7, lr: loss, loss };
            assert_eq!(Event::from_json(&event.to_json()).unwrap(), event);
        }
    }
}
