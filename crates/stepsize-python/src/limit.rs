//! `Limit`: what a caller allowed a search, of which the core sees only what is left for the steps
//! of trials.

use pyo3::prelude::*;
use stepsize::{Answer, Estimate, Remedy};

/// What the caller allowed.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub struct Limit {
    /// The budget that was given, in full runs.
    budget: Option<f64>,
    /// Price of evaluations, as a share of the steps of trials, where the next budget pays for
    /// them.
    share: f64,
    /// Full runs that are spent beside trials.
    beside: f64,
    /// The time that was given, and the full runs that it pays for, where it is what limits.
    pub seconds: Option<(f64, f64)>,
}

impl Limit {
    /// Gives the budgets in a refusal as the caller must give them, and leaves out those that are
    /// not larger. `inner` is the one that the search was made with.
    pub fn word(&self, estimate: &mut Estimate, inner: f64) {
        let Answer::Refused(refusal) = &mut estimate.answer else { return };
        refusal
            .remedies
            .retain(|remedy| !matches!(remedy, Remedy::LargerBudget { at_least: Some(runs) } if *runs <= inner));
        for remedy in &mut refusal.remedies {
            if let Remedy::LargerBudget { at_least: Some(runs) } = remedy {
                *runs = ((*runs * (1.0 + self.share) + self.beside) * 20.0 - 1e-6).ceil() / 20.0;
            }
        }
        let outer = match (self.seconds, self.budget) {
            (Some((seconds, _)), _) => format!("the time of {seconds} s"),
            (None, Some(budget)) => format!("the budget of {budget} full runs"),
            (None, None) => return,
        };
        for text in [&mut refusal.because, &mut estimate.why] {
            *text = text.replace(&format!("the budget of {inner} full runs"), &outer);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use stepsize::{Reason, Refusal};

    fn worded(limit: &Limit) -> Refusal {
        worded_with(limit, Remedy::LargerBudget { at_least: Some(1.2) })
    }

    fn worded_with(limit: &Limit, first: Remedy) -> Refusal {
        let because = "the budget of 0.8 full runs was spent before".to_owned();
        let remedies = vec![first, Remedy::LongerRun];
        let refusal = Refusal { reason: Reason::TooShort, because: because.clone(), remedies };
        let mut estimate = Estimate {
            answer: Answer::Refused(refusal),
            divergence_lr: None,
            cost_runs: 0.0,
            why: because,
            landscape: Vec::new(),
        };
        limit.word(&mut estimate, 0.8);
        let Answer::Refused(refusal) = estimate.answer else { unreachable!() };
        assert_eq!(refusal.because, estimate.why);
        refusal
    }

    #[test]
    fn budgets_are_those_of_the_caller() {
        let mut limit = Limit { budget: Some(1.0), share: 0.25, beside: 0.01, seconds: None };
        assert_eq!(worded(&limit).because, "the budget of 1 full runs was spent before");
        assert_eq!(worded(&limit).remedies[0], Remedy::LargerBudget { at_least: Some(1.55) });
        limit.seconds = Some((30.0, 0.8));
        assert_eq!(worded(&limit).because, "the time of 30 s was spent before");
        limit.seconds = None;
        let mut small = worded_with(&limit, Remedy::LargerBudget { at_least: Some(0.8) });
        assert_eq!(small.remedies.pop(), Some(Remedy::LongerRun)); // and no budget that is not larger
        assert!(small.remedies.is_empty());
        limit = Limit { budget: None, share: 0.0, beside: 0.0, seconds: None };
        assert_eq!(worded(&limit).because, "the budget of 0.8 full runs was spent before");
        assert_eq!(worded(&limit).remedies[0], Remedy::LargerBudget { at_least: Some(1.2) });
    }
}
