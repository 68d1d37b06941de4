//! Transfer of a tuned rate to another schedule, horizon, batch size or optimizer family, with what
//! is known of the error.
//!
//! Three factors, each with its rule: the schedule by the last-iterate bound of SGD ([`Constants`];
//! Schaipp et al. 2025, arXiv 2501.18965), the horizon by [`HORIZON`], the batch by [`batch_rule`].
//! `docs/transfer.md` has the formulas and what is known of them. Uncertainties are standard
//! deviations in octaves (log2 of the rate), added as independent. They are judgements from the
//! sources named at each rule, not calibrated. The rules do not know the job: a search
//! ([`crate::probe::Race`]) is better wherever it can be paid for.

mod bound;
mod refine;
mod sentence;

pub use bound::Constants;
pub use refine::refine;
pub use sentence::{PlanText, whole};

use crate::stats::Z80;
use crate::{Error, Lr, Result, Schedule};
use serde::Serialize;

/// Exponent of the horizon with its deviation: first where both schedules decay over 30 % of the
/// run or more, then for other schedules.
///
/// 124M-parameter Llama runs of 15k to 50k steps (the public logs of Schaipp et al.): 0.27 with a
/// decay of 10 %, 0.24 at 20 %, 0.11 at 40 %, 0.08 at 60 %, 0.14 at 90 %. Sweeps of the Step Law
/// (arXiv 2503.04715) at fixed size and batch: median 0, 10 to 90 % of them -0.21 to 0.29. The
/// convex bound says 0.5, Bjorck et al. (arXiv 2409.19913) about 0.3.
pub const HORIZON: [(f64, f64); 2] = [(0.15, 0.15), (0.25, 0.15)];

/// Share of the run over which a rate must decay for the first exponent of [`HORIZON`]. Between the
/// decays of 20 % and 40 %, where the measured exponents change.
const LONG_DECAY: f64 = 0.3;
/// A rate at this share of its peak or more does not decay yet. Chosen by eye.
const PEAK: f64 = 0.9;
/// Steps at which the decay of a schedule is looked for: a thousandth of the run is finer than
/// [`LONG_DECAY`] needs.
const SAMPLES: u64 = 1000;
/// Deviation of the rule for schedules in octaves: a floor, and a share of the distance. On the
/// logs of Schaipp et al. the ratio was off by up to 0.2 octaves between decays of 10, 20 and 90 %,
/// and by one octave between a constant rate and a decay of 90 %.
const SCHEDULE_ERROR: (f64, f64) = (0.1, 0.35);

/// Which family of optimizers a rate is for: the rules for batch sizes differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OptimizerFamily {
    /// The step is in proportion to the gradient.
    Sgd,
    /// The step does not depend on the size of the gradient: Adam and its relatives.
    #[default]
    Adam,
}

/// A run for which a rate is known or wanted.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The schedule, over `steps` steps.
    pub schedule: Schedule,
    /// Optimizer steps.
    pub steps: u64,
    /// Rows a step; `None` when it is not known.
    pub batch: Option<u64>,
}

/// One rule that was used, with its factor.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Factor {
    /// `schedule`, `horizon` or `batch`.
    pub what: &'static str,
    /// Multiplier of the rate.
    pub factor: f64,
    /// Standard deviation in octaves.
    pub octaves: f64,
    /// The rule with its numbers.
    pub rule: String,
    /// Where it comes from.
    pub source: &'static str,
}

/// The rate for the other plan, with its uncertainty and the rules used.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Transfer {
    /// The rate.
    pub lr: Lr,
    /// Lower end of the 80 % interval.
    pub low: Lr,
    /// Upper end of it.
    pub high: Lr,
    /// Standard deviation in octaves.
    pub octaves: f64,
    /// Ratio of the bounds on the loss above the best, at the same length and batch: below 1 the
    /// new schedule is better.
    pub bound_ratio: f64,
    /// The rules used, each with its factor.
    pub parts: Vec<Factor>,
}

/// Transfers `lr` from one plan to another.
///
/// # Errors
/// When only one of the plans has a batch size, a length is zero, or the result is not a rate.
pub fn transfer(lr: Lr, from: &Plan, to: &Plan, family: OptimizerFamily) -> Result<Transfer> {
    let mut parts = Vec::new();
    // Both schedules at one length: the horizon has a rule of its own.
    let here = Constants::new(&from.schedule, from.steps)?;
    let there = Constants::new(&to.schedule.compress(to.steps, from.steps)?, from.steps)?;
    if from.schedule != to.schedule.compress(to.steps, from.steps)? {
        let factor = there.rate() / here.rate();
        let (floor, share) = SCHEDULE_ERROR;
        let octaves = floor + share * factor.log2().abs();
        parts.push(Factor {
            what: "schedule",
            factor,
            octaves,
            rule: format!(
                "ratio of the best rates of the last-iterate bound, {:.4} to {:.4} at {} steps",
                here.rate(),
                there.rate(),
                from.steps
            ),
            source: "Schaipp et al. 2025, arXiv 2501.18965",
        });
    }
    if from.steps != to.steps {
        let doublings = (to.steps as f64 / from.steps as f64).log2();
        let decays = |plan: &Plan| decay_share(&plan.schedule, plan.steps) >= LONG_DECAY;
        let decayed = decays(to) && decays(from);
        let (beta, sd) = HORIZON[usize::from(!decayed)];
        parts.push(Factor {
            what: "horizon",
            factor: (-beta * doublings).exp2(),
            octaves: sd * doublings.abs(),
            rule: format!(
                "rate ~ steps^-{beta}, exponent +- {sd} ({})",
                if decayed { "the rate decays over 30 % of the run or more" } else { "a short decay, or none" }
            ),
            source: "public runs of Schaipp et al. 2025 (arXiv 2501.18965) and of the Step Law (arXiv 2503.04715)",
        });
    }
    match (from.batch, to.batch) {
        (Some(a), Some(b)) if a != b => parts.push(batch_rule(a, b, family)?),
        (Some(_), None) | (None, Some(_)) => {
            return Err(Error::invalid(
                "only one of the two runs has a batch size: name both, or none if it stays the same",
            ));
        }
        _ => {}
    }
    let octaves = parts.iter().map(|p| p.octaves * p.octaves).sum::<f64>().sqrt();
    let center = parts.iter().map(|p| p.factor).product::<f64>() * lr.get();
    let at = |z: f64| Lr::new(center * (z * octaves).exp2());
    Ok(Transfer {
        lr: at(0.0)?,
        low: at(-Z80)?,
        high: at(Z80)?,
        octaves,
        bound_ratio: there.bound() / here.bound(),
        parts,
    })
}

/// The rule for batch sizes. As long as the batch is small beside the noise scale, the rate is
/// linear in it for SGD (Goyal et al. 2017, arXiv 1706.02677) and grows with its square root for
/// Adam (Malladi et al. 2022, arXiv 2205.10287). Both level off near the noise scale; beyond it
/// more rows gain nothing (with Adam the best rate even falls, Li et al. 2024, arXiv 2405.14578).
/// The sweeps of the Step Law, which straddle it, show an exponent of 0.26 (10 to 90 % of them:
/// 0.16 to 0.55).
///
/// # Errors
/// When a batch size is zero.
pub fn batch_rule(from: u64, to: u64, family: OptimizerFamily) -> Result<Factor> {
    if from == 0 || to == 0 {
        return Err(Error::invalid("a batch size is 0; it must be at least 1"));
    }
    let doublings = (to as f64 / from as f64).log2();
    // Two deviations reach from the full rule down to about no change.
    let (exponent, sd, rule, source) = match family {
        OptimizerFamily::Sgd => (
            0.75,
            0.3,
            "SGD: linear while the batch is small, none beyond the noise scale",
            "Goyal et al. 2017, arXiv 1706.02677; McCandlish et al. 2018, arXiv 1812.06162",
        ),
        OptimizerFamily::Adam => (
            0.4,
            0.2,
            "Adam: square root while the batch is small, none or less beyond the noise scale",
            "Malladi et al. 2022, arXiv 2205.10287; Step Law sweeps, arXiv 2503.04715",
        ),
    };
    Ok(Factor {
        what: "batch",
        factor: (exponent * doublings).exp2(),
        octaves: sd * doublings.abs(),
        rule: format!("rate ~ batch^{exponent}, exponent +- {sd} ({rule})"),
        source,
    })
}

/// How long the rate decays: the share of the run after the last step at [`PEAK`] or more.
fn decay_share(schedule: &Schedule, steps: u64) -> f64 {
    let samples = steps.min(SAMPLES);
    let at = |i: u64| schedule.factor(i * steps / samples.max(1));
    let peak = (0..samples).map(at).fold(0.0, f64::max);
    let last = (0..samples).rev().find(|i| at(*i) >= PEAK * peak).unwrap_or(0);
    1.0 - (last + 1) as f64 / samples.max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    use super::bound::tests::beside_linear;

    fn plan(text: &str, steps: u64, batch: Option<u64>) -> Plan {
        Plan { schedule: Schedule::parse(text, steps).unwrap(), steps, batch }
    }

    #[test]
    fn a_rate_is_transferred_with_its_reasons() {
        let lr = Lr::new(3e-4).unwrap();
        let (from, to) = (plan("cosine", 10_000, Some(64)), plan("wsd(20%)", 40_000, Some(256)));
        let t = transfer(lr, &from, &to, OptimizerFamily::Adam).unwrap();
        assert_eq!(t.parts.iter().map(|p| p.what).collect::<Vec<_>>(), ["schedule", "horizon", "batch"]);
        let schedule = beside_linear("wsd(20%)", 10_000).0 / beside_linear("cosine", 10_000).0;
        assert!((t.parts[0].factor - schedule).abs() < 1e-3, "{:?}", t.parts);
        assert!(
            (t.parts[1].factor - 2f64.powf(-0.5)).abs() < 1e-9 && (t.parts[2].factor - 2f64.powf(0.8)).abs() < 1e-9
        );
        let product: f64 = t.parts.iter().map(|p| p.factor).product();
        assert!((t.lr.get() / (3e-4 * product) - 1.0).abs() < 1e-9);
        assert!(t.low < t.lr && t.lr < t.high);
        // There and back is where it began.
        let back = transfer(t.lr, &to, &from, OptimizerFamily::Adam).unwrap();
        assert!((back.lr.get() / 3e-4 - 1.0).abs() < 5e-3, "{}", back.lr);
        // Nothing changes: nothing is uncertain.
        let same = transfer(lr, &from, &from, OptimizerFamily::Sgd).unwrap();
        assert!(same.parts.is_empty() && same.low == lr && same.high == lr && same.bound_ratio == 1.0);
        assert!(transfer(lr, &from, &plan("cosine", 10_000, None), OptimizerFamily::Sgd).unwrap_err().is_invalid());
    }

    #[test]
    fn refinement_gives_linear_for_constant_norms_and_a_warm_up_for_large_first_ones() {
        let flat = refine(&[2.0; 1000], 500, OptimizerFamily::Sgd, 0.05, 50).unwrap();
        assert_eq!(flat.steps(), Some(500));
        for step in [0u64, 100, 250, 400, 499] {
            assert!((flat.factor(step) - (1.0 - step as f64 / 500.0)).abs() < 0.03, "{step} {}", flat.factor(step));
        }
        let norms: Vec<f64> = (0..1000).map(|k| 1.0 + 4.0 * (-(k as f64) / 50.0).exp()).collect();
        let warm = refine(&norms, 1000, OptimizerFamily::Sgd, 0.02, 100).unwrap();
        assert!(warm.factor(0) < 0.1 && warm.factor(200) > 0.8 && warm.factor(999) < 0.02, "{warm}");
        let adam = refine(&norms, 1000, OptimizerFamily::Adam, 0.02, 100).unwrap();
        assert!(adam.factor(0) > warm.factor(0));
        assert_eq!(warm.to_string().parse::<Schedule>().unwrap(), warm);
        assert!(refine(&[1.0; 5], 100, OptimizerFamily::Sgd, 0.1, 10).is_err());
        assert!(refine(&[0.0; 50], 100, OptimizerFamily::Sgd, 0.1, 10).is_err());
    }
}
