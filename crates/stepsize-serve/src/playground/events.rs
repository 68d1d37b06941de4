//! [`TrialEvents`]: the events of a search as a page wants them: the steps of a trial in pieces.

use serde_json::{Value, json};
use std::collections::BTreeMap;
use stepsize::divergence::Outcome;
use stepsize::{Event, Trial, TrialId, fold_one};

/// Steps in one piece: enough that a piece is worth its head, few enough to see a curve grow.
const PIECE: usize = 10;

/// Turns events into pieces.
#[derive(Debug, Default)]
pub struct TrialEvents {
    trials: BTreeMap<TrialId, Trial>,
    rates: Vec<f64>,
    losses: Vec<f64>,
}

impl TrialEvents {
    /// What a page is told about `event`.
    pub fn of(&mut self, event: &Event) -> Vec<Value> {
        fold_one(&mut self.trials, event);
        match event {
            Event::Started { trial, spec } => vec![json!({
                "event": "trial", "trial": trial.0, "lr": spec.lr, "steps": spec.steps, "seed": spec.seed,
            })],
            Event::Step { trial, lr, loss, .. } => {
                self.rates.push(*lr);
                self.losses.push(*loss);
                if self.losses.len() < PIECE { Vec::new() } else { vec![self.piece(*trial)] }
            }
            Event::Ended { trial, end, steps, .. } => {
                let piece = (!self.losses.is_empty()).then(|| self.piece(*trial));
                let known = self.trials.get(trial);
                let outcome = known.map(Outcome::of);
                let ended = json!({
                    "event": "ended", "trial": trial.0, "end": end, "steps": steps,
                    "loss": known.and_then(Trial::final_loss), "untrained": known.and_then(Trial::start_loss),
                    "diverged": outcome == Some(Outcome::Diverged),
                });
                piece.into_iter().chain([ended]).collect()
            }
            _ => Vec::new(),
        }
    }

    fn piece(&mut self, trial: TrialId) -> Value {
        let (rates, losses) = (std::mem::take(&mut self.rates), std::mem::take(&mut self.losses));
        json!({ "event": "points", "trial": trial.0, "rates": rates, "losses": losses })
    }
}
