//! [`Event`]: the one wire and file format, as JSON lines. Everything else is a function of events.
//!
//! Numbers that JSON cannot hold (NaN, infinities) are written as `null` and read back as NaN: a non-finite loss is a
//! fact to be kept, not a value to compute with.

use crate::probe::{Estimate, Job};
use crate::trial::{End, TrialId, TrialSpec};
use serde::{Deserialize, Deserializer, Serialize};

/// Version of the event format; a reader refuses a higher one.
pub const VERSION: u32 = 1;

/// Something that happened. Facts only: no event says what should be done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A study began.
    Study {
        /// [`VERSION`] of the writer.
        version: u32,
        /// What is asked, for people: command, probe and options.
        question: String,
        /// What is trained, for people.
        task: String,
        /// The full run.
        job: Job,
    },
    /// A trial began.
    Started {
        /// Which trial.
        trial: TrialId,
        /// What it runs.
        spec: TrialSpec,
    },
    /// A trial was handed to what runs it, outside this process.
    Submitted {
        /// Which trial.
        trial: TrialId,
        /// By which its executor finds it again after this process was killed; opaque to all others.
        handle: String,
    },
    /// One optimizer step was taken.
    Step {
        /// Which trial.
        trial: TrialId,
        /// Zero-based step that was taken.
        step: u64,
        /// Applied rate.
        lr: f64,
        /// Mini-batch loss before the update.
        #[serde(deserialize_with = "nan_if_null")]
        loss: f64,
    },
    /// The model was evaluated after `step` steps (0: untrained).
    Eval {
        /// Which trial.
        trial: TrialId,
        /// Steps taken before this evaluation.
        step: u64,
        /// Rate applied at the last step taken (at step 0: that of the first).
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
        /// Zero-based step after which it did.
        step: u64,
        /// What happened.
        act: Act,
        /// Its factor from now on.
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
        /// Steps that were run, also counted in the cost when the trial was stopped.
        steps: u64,
        /// Wall-clock seconds; `None` from an executor without a clock.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        seconds: Option<f64>,
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
    /// The run went back: what it showed from step `to` on is void.
    Rewound {
        /// Step with which it goes on.
        to: u64,
        /// Batches that were passed over.
        skipped: u64,
    },
    /// Branches were run and forgotten.
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
    fn every_loss_comes_back_to_the_last_bit() {
        for loss in [1.7239308100190993, 1.1922607483095207, 0.37102871650029123, f64::MIN_POSITIVE, 1e308] {
            let event = Event::Step { trial: TrialId(3), step: 7, lr: loss, loss };
            assert_eq!(Event::from_json(&event.to_json()).unwrap(), event);
        }
    }
}
