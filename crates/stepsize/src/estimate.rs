//! [`Estimate`]: the answer of a search: a rate with its interval, or a refusal with its reason.

use crate::{Lr, Remedy};
use serde::{Deserialize, Serialize};

/// Why no rate is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// No rate learned enough to be compared; perhaps the loss does not depend on the rate.
    Flat,
    /// Differences between rates are no larger than those between seeds.
    NoiseOnly,
    /// Every rate diverged.
    AllDiverged,
    /// Too little was run to tell.
    TooShort,
    /// The best rate is the outermost one tried, even after widening.
    AtEdge,
    /// The evidence contradicts what the method needs.
    Unfit,
    /// Trials at different rates are equal to the last digit.
    RateUnused,
    /// A trial continued an earlier one instead of beginning anew.
    Continued,
}

/// The answer "I cannot tell, because ...".
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Refusal {
    /// Class of the reason.
    pub reason: Reason,
    /// What was seen, with numbers.
    pub because: String,
    /// What may lead to an answer, the most promising first. Never empty.
    #[serde(alias = "advice", deserialize_with = "crate::remedy::or_text")]
    pub remedies: Vec<Remedy>,
}

/// A rate and how certain it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rate {
    /// Recommended base rate.
    pub lr: Lr,
    /// The 80 % interval of the best rate, lower end first; `None` from methods without one.
    pub interval: Option<(Lr, Lr)>,
    /// Probability that the full run at `lr` keeps at least 98 % of the improvement that the best
    /// rate makes over the untrained loss, 0 to 1; `None` from methods that do not state one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p_keeps_98_pct: Option<f64>,
}

/// A rate, or a refusal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// A rate.
    Rate(Rate),
    /// No rate, and why.
    Refused(Refusal),
}

/// Expected final loss at one rate, with its 80 % band: the fitted landscape, for pictures.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Band {
    /// Rate.
    pub lr: Lr,
    /// 10 % quantile of the full run's loss.
    pub low: f64,
    /// Median.
    pub mid: f64,
    /// 90 % quantile.
    pub high: f64,
    /// Probability that the full run at `lr` keeps at least 98 % of the improvement that the best
    /// rate makes over the untrained loss; `None` from methods that do not state one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p_keeps_98_pct: Option<f64>,
}

/// The conclusion of a probe.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// A rate or a refusal.
    pub answer: Answer,
    /// Lowest rate that diverged (exploded, or ended worse than untrained), if any did; see
    /// [`crate::divergence`].
    pub divergence_lr: Option<Lr>,
    /// Steps spent, in full runs.
    pub cost_runs: f64,
    /// One or two sentences: the evidence behind the answer.
    pub why: String,
    /// Expected final loss over rates, where the method has a model.
    pub landscape: Vec<Band>,
}

impl Estimate {
    /// The recommended rate, if there is one.
    pub fn lr(&self) -> Option<Lr> {
        match &self.answer {
            Answer::Rate(rate) => Some(rate.lr),
            Answer::Refused(_) => None,
        }
    }

    /// The expected final loss of a full run at `lr`, where the method has a model that reaches to
    /// it: the point of the landscape that is nearest, at most a factor of 2 away.
    pub fn predicted(&self, lr: Lr) -> Option<Band> {
        let far = |band: &Band| (band.lr.log2() - lr.log2()).abs();
        let nearest = self.landscape.iter().min_by(|a, b| far(a).total_cmp(&far(b)))?;
        (far(nearest) <= 1.0).then_some(*nearest)
    }

    /// The refusal, if it is one.
    pub fn refusal(&self) -> Option<&Refusal> {
        match &self.answer {
            Answer::Rate(_) => None,
            Answer::Refused(refusal) => Some(refusal),
        }
    }
}
