//! Summarises ended trials by rate and decides between an answer and a refusal. Shared by the
//! probes that compare final losses (`sweep`, `random`).
//!
//! - A rate counts as *diverged* when any of its seeds exploded, ended with a non-finite loss, or
//!   ended clearly above the untrained loss ([`Outcome`]). It never enters an average.
//! - *Learned*: the best mean is at least [`LEARNED`] of the untrained loss below it.
//! - *Noise-only*, with two or more seeds: the range of the means is below [`RANGE`] standard
//!   errors of a mean, the noise being the pooled within-rate deviation over the better half of the
//!   rates (close to the divergence edge the noise is many times larger and says nothing of the
//!   rest). With one seed: the losses in order of rate look like a random order, by the rank
//!   version of von Neumann's ratio (Bartels 1982), from [`ORDERED`] rates on; with fewer rates the
//!   range must be [`PLAIN`] of the fall from the untrained loss to the best.
//!   Losses that fall from a flat left end to a rate above which training diverges are no noise:
//!   rates too low to move are alike, and divergence does not come from noise ([`FALLS`]).
//! - *Answer*: from [`SMOOTHED`] rates on the lowest point of the log losses smoothed over
//!   [`KERNEL`] octaves of the rate (Nadaraya 1964), because the lowest single loss is mostly a
//!   lucky one: 25 full runs of one seed lost 15 % that way and lose 5 % smoothed
//!   (bench/README.md).
//! - *Interval* (80 %): from the lowest to the highest rate whose mean is within 1.28 standard
//!   errors of a difference of the best, widened on each side by 0.4 of the gap (in log) to the
//!   next rate: without noise the best lies evenly within half a gap, so that this holds it in 80 %
//!   of cases; with 1 % of noise in 86 to 93 % (`tests/probes`). Needs two seeds; with one there is
//!   none.
//!
//! It does not model the landscape: `race` does.

use super::suspect::suspicion;
use crate::divergence::{Outcome, lowest_diverged, untrained_loss};
use crate::lr::Lr;
use crate::stats::{Z80, mean, median};
use crate::trial::Trial;
use crate::{Answer, Estimate, Rate, Reason, Refusal, Remedy, Side};

/// A fall by less than this share of |untrained loss| does not count as learning: untrained
/// networks wander by about that much.
pub(crate) const LEARNED: f64 = 0.005;
/// With one seed and few rates, a range of this share of the fall from the untrained loss is taken
/// for a difference: a grid that brackets the best rate has an end that learns little.
const PLAIN: f64 = 0.2;
/// Range of the means, in standard errors, from which rates differ: above the 5 % point of the
/// studentized range, which lies between 5.6 and 9.8 for the degrees of freedom of 3 to 20 rates
/// with 2 or 3 seeds. A real landscape spans hundreds.
const RANGE: f64 = 12.0;
/// Fewest rates for the test of order.
const ORDERED: usize = 8;
/// The losses fall plainly if they fall by this share of the highest of them ...
const FALLS: f64 = 0.1;
/// ... and never rise by more than this share of the fall.
const WOBBLE: f64 = 0.1;
/// Fewest rates whose losses are smoothed.
const SMOOTHED: usize = 6;
/// Width of the kernel in octaves, at least; half the distance of the rates where they are further
/// apart.
const KERNEL: f64 = 1.0;
/// A rate that diverged counts as this much above the log of the untrained loss.
const BROKEN: f64 = 0.7;
/// Share of the gap to the next rate by which the interval reaches beyond the rates in it.
const REACH: f64 = 0.4;
/// Trials below this many optimizer steps mislead even when decayed. A full run may be shorter.
pub(crate) const MIN_STEPS: u64 = 50;
/// Rates within this relative difference are the same: JSON may change the last digit.
const SAME_RATE: f64 = 1e-9;

/// Whether two rates are the same up to the last digits.
pub(crate) fn same_rate(a: Lr, b: Lr) -> bool {
    (a.get() / b.get() - 1.0).abs() < SAME_RATE
}

/// A refusal as an estimate.
pub(crate) fn refused(
    reason: Reason,
    because: impl Into<String>,
    remedies: &[Remedy],
    trials: &[Trial],
    cost_runs: f64,
) -> Estimate {
    let because = because.into();
    Estimate {
        answer: Answer::Refused(Refusal { reason, because: because.clone(), remedies: remedies.into() }),
        divergence_lr: lowest_diverged(trials),
        cost_runs,
        why: because,
        landscape: Vec::new(),
    }
}

/// A rate as an estimate.
pub(crate) fn answered(
    lr: Lr,
    interval: Option<(Lr, Lr)>,
    why: impl Into<String>,
    trials: &[Trial],
    cost_runs: f64,
) -> Estimate {
    Estimate {
        answer: Answer::Rate(Rate { lr, interval, p_keeps_98_pct: None }),
        divergence_lr: lowest_diverged(trials),
        cost_runs,
        why: why.into(),
        landscape: Vec::new(),
    }
}

/// All seeds of one rate.
#[derive(Debug, Clone)]
pub(crate) struct RateResult {
    /// The rate.
    pub(crate) lr: Lr,
    /// Final losses, one per seed.
    pub(crate) losses: Vec<f64>,
    /// Whether any seed diverged.
    pub(crate) diverged: bool,
}

impl RateResult {
    /// Mean over seeds; `None` when a seed diverged or none finished.
    pub(crate) fn mean(&self) -> Option<f64> {
        mean(&self.losses).filter(|_| !self.diverged)
    }
}

/// Readings in the order of their rates.
#[derive(Debug, Clone)]
pub(crate) struct Evidence {
    readings: Vec<RateResult>,
    untrained: Option<f64>,
}

impl Evidence {
    /// Groups trials by rate, without those that say nothing about it (stopped, pruned, failed).
    pub(crate) fn of<'a>(trials: impl IntoIterator<Item = &'a Trial>) -> Self {
        let (mut readings, mut starts): (Vec<RateResult>, Vec<f64>) = (Vec::new(), Vec::new());
        for trial in trials {
            let outcome = Outcome::of(trial);
            if outcome == Outcome::Unknown {
                continue;
            }
            starts.extend(untrained_loss(trial));
            let at = readings.iter().position(|r| same_rate(r.lr, trial.spec.lr)).unwrap_or_else(|| {
                readings.push(RateResult { lr: trial.spec.lr, losses: Vec::new(), diverged: false });
                readings.len() - 1
            });
            match outcome {
                Outcome::Loss(loss) => readings[at].losses.push(loss),
                _ => readings[at].diverged = true,
            }
        }
        readings.sort_by(|a, b| a.lr.get().total_cmp(&b.lr.get()));
        Self { readings, untrained: median(&starts) }
    }

    /// Rates with a mean, in order.
    fn sound(&self) -> impl Iterator<Item = (usize, f64)> + '_ {
        self.readings.iter().enumerate().filter_map(|(i, r)| r.mean().map(|m| (i, m)))
    }

    /// Index and mean loss of the best rate; on a tie, the lower rate.
    fn best(&self) -> Option<(usize, f64)> {
        self.sound().min_by(|a, b| a.1.total_cmp(&b.1))
    }

    /// Whether the best rate fell below the untrained loss by `share` of it; `true` when there is
    /// nothing to compare.
    fn learned(&self, share: f64) -> bool {
        match (self.best(), self.untrained) {
            (Some((_, best)), Some(start)) => start - best > share * start.abs(),
            _ => true,
        }
    }

    /// Side on which to try further rates: where the best rate is the outermost; upward when
    /// nothing was learned and the highest rate did not diverge; downward when all diverged.
    pub(crate) fn outward(&self) -> Option<Side> {
        let top = self.readings.len().checked_sub(1)?;
        let Some((best, _)) = self.best() else { return Some(Side::Low) };
        if !self.learned(LEARNED) || self.range() == 0.0 {
            return (!self.readings[top].diverged).then_some(Side::High);
        }
        if best == 0 { Some(Side::Low) } else { (best == top).then_some(Side::High) }
    }

    /// Highest minus lowest mean.
    fn range(&self) -> f64 {
        let (low, high) = self.sound().fold((f64::MAX, f64::MIN), |(l, h), (_, m)| (l.min(m), h.max(m)));
        (high - low).max(0.0)
    }

    /// Pooled within-rate deviation over the better half of the rates; `None` with one seed.
    fn noise(&self) -> Option<f64> {
        let mut sound: Vec<(usize, f64)> = self.sound().collect();
        sound.sort_by(|a, b| a.1.total_cmp(&b.1));
        sound.truncate(sound.len().div_ceil(2).max(2));
        let (mut squares, mut free) = (0.0, 0usize);
        for (i, mean) in sound {
            squares += self.readings[i].losses.iter().map(|l| (l - mean).powi(2)).sum::<f64>();
            free += self.readings[i].losses.len() - 1;
        }
        (free > 0).then(|| (squares / free as f64).sqrt())
    }

    /// Why the rates cannot be told apart, if they cannot.
    fn noise_only(&self, best: usize) -> Option<String> {
        let means: Vec<f64> = self.sound().map(|(_, m)| m).collect();
        if self.falls_to_divergence(best) {
            return None;
        }
        if let Some(noise) = self.noise() {
            let error = noise / (self.readings[best].losses.len() as f64).sqrt();
            let range = self.range();
            return (range < RANGE * error).then(|| {
                format!("the means of {} rates span {range:.3e}, the noise of one mean is {error:.3e}", means.len())
            });
        }
        if means.len() >= ORDERED {
            let z = order(&means);
            return (z > -1.645).then(|| {
                format!("with one seed, the losses of {} rates follow no order in the rate (z = {z:.1})", means.len())
            });
        }
        let (rates, range) = (means.len(), self.range());
        let fall = self.untrained.zip(self.readings[best].mean()).map_or(0.0, |(start, least)| start - least);
        (fall <= 0.0 || range < PLAIN * fall).then(|| {
            format!("with one seed and {rates} rates, a range of {range:.3e} in a fall of {fall:.3e} may be noise")
        })
    }

    /// Whether the losses fall, without a rise on the way, to the best rate or one next to it, and
    /// a higher rate diverged.
    fn falls_to_divergence(&self, best: usize) -> bool {
        let sound: Vec<(usize, f64)> = self.sound().filter(|(i, _)| *i <= best).collect();
        let broke_above = self.readings[best..].iter().any(|r| r.diverged);
        let (Some(first), Some(last)) = (sound.first(), sound.last()) else { return false };
        let (fall, highest) = (first.1 - last.1, sound.iter().map(|s| s.1.abs()).fold(0.0, f64::max));
        let steady = sound.windows(2).all(|w| w[1].1 - w[0].1 <= WOBBLE * fall);
        broke_above && sound.len() >= 3 && fall >= FALLS * highest && steady
    }

    /// Index of the rate with the lowest smoothed loss; that with the lowest mean where there are
    /// few rates, or where the lowest point is the outermost.
    fn smoothed_best(&self, best: usize) -> usize {
        let untrained = self.untrained.filter(|start| *start > 0.0);
        let known: Vec<(usize, f64, f64)> = self
            .readings
            .iter()
            .enumerate()
            .filter_map(|(i, r)| {
                let loss = if r.diverged { untrained?.ln() + BROKEN } else { r.mean().filter(|m| *m > 0.0)?.ln() };
                Some((i, r.lr.log2(), loss))
            })
            .collect();
        let sound = self.sound().count();
        if sound < SMOOTHED || known.len() < sound {
            return best;
        }
        let gaps: Vec<f64> = known.windows(2).map(|w| w[1].1 - w[0].1).collect();
        let width = KERNEL.max(median(&gaps).unwrap_or(0.0) / 2.0);
        let smooth = |x: f64| {
            let (weights, sum) = known.iter().fold((0.0, 0.0), |(weights, sum), (_, other, loss)| {
                let weight = (-0.5 * ((x - other) / width).powi(2)).exp();
                (weights + weight, sum + weight * loss)
            });
            sum / weights
        };
        let lowest = known.iter().filter(|k| !self.readings[k.0].diverged).map(|k| (k.0, smooth(k.1)));
        let at = lowest.min_by(|a, b| a.1.total_cmp(&b.1)).map_or(best, |l| l.0);
        if at == 0 || at + 1 == self.readings.len() { best } else { at }
    }

    /// The 80 % interval; `None` with one seed.
    fn interval(&self, best: usize, least: f64) -> Option<(Lr, Lr)> {
        let error = self.noise()? * (2.0 / self.readings[best].losses.len() as f64).sqrt();
        let near: Vec<usize> = self.sound().filter(|(_, m)| m - least <= Z80 * error).map(|(i, _)| i).collect();
        let (&first, &last) = (near.first()?, near.last()?);
        let towards = |near: usize, far: usize| {
            let (near, far) = (self.readings[near].lr.log2(), self.readings[far].lr.log2());
            Lr::from_log2(near + REACH * (far - near))
        };
        let low = if first == 0 { self.readings[0].lr } else { towards(first, first - 1) };
        let top = self.readings.len() - 1;
        let high = if last == top { self.readings[top].lr } else { towards(last, last + 1) };
        Some((low, high))
    }

    /// The answer: the rate with the lowest mean, or a refusal.
    pub(crate) fn conclude(&self, trials: &[Trial], cost_runs: f64) -> Estimate {
        let refuse =
            |reason, because: String, remedies: &[Remedy]| refused(reason, because, remedies, trials, cost_runs);
        if let Some(found) = suspicion(trials) {
            let (reason, because, remedies) = found.reason();
            return refuse(reason, because, &remedies);
        }
        let tried = self.readings.len();
        if tried < 3 {
            return refuse(
                Reason::TooShort,
                format!("only {tried} {} a result; 3 are needed", if tried == 1 { "rate has" } else { "rates have" }),
                &[Remedy::MoreRates, Remedy::Resume],
            );
        }
        let (low, high) = (self.readings[0].lr, self.readings[tried - 1].lr);
        let Some((best, least)) = self.best() else {
            return refuse(
                Reason::AllDiverged,
                format!("every one of {tried} rates from {low} to {high} diverged"),
                &[Remedy::LowerRates, Remedy::StabilizeTraining, Remedy::CheckModelAndData],
            );
        };
        if !self.learned(LEARNED) || self.range() <= 1e-9 * least.abs() {
            return refuse(
                Reason::Flat,
                format!(
                    "no rate from {low} to {high} learned: best loss {least:.4}, untrained {}",
                    show(self.untrained)
                ),
                &[Remedy::CheckRateIsUsed, Remedy::CheckModelAndData, Remedy::WiderSpan, Remedy::LongerRun],
            );
        }
        if let Some(because) = self.noise_only(best) {
            return refuse(Reason::NoiseOnly, because, &[Remedy::MoreSeeds, Remedy::LongerRun, Remedy::WiderSpan]);
        }
        let lowest = self.readings[best].lr;
        if let Some(side) = self.outward() {
            let (which, remedy) = match side {
                Side::Low => ("lowest", Remedy::LowerRates),
                Side::High => ("highest", Remedy::HigherRates),
            };
            return refuse(
                Reason::AtEdge,
                format!("the best rate, {lowest}, is the {which} one tried: the optimum may lie beyond it"),
                &[remedy],
            );
        }
        let at = self.smoothed_best(best);
        let lr = self.readings[at].lr;
        let seeds = self.readings[at].losses.len();
        let diverged = self.readings.iter().filter(|r| r.diverged).count();
        let which = if at == best {
            format!("lowest mean final loss, {least:.4},")
        } else {
            format!(
                "lowest final loss when smoothed over the rate (the lowest single one, {least:.4}, is at {lowest}),"
            )
        };
        let why = format!(
            "{which} of {tried} rates from {low} to {high} ({seeds} seed{}, {diverged} diverged)",
            if seeds == 1 { "; its noise is not known" } else { "s" }
        );
        let interval = self
            .interval(best, least)
            .map(|(low, high)| (if lr < low { lr } else { low }, if lr > high { lr } else { high }));
        answered(lr, interval, why, trials, cost_runs)
    }
}

fn show(loss: Option<f64>) -> String {
    loss.map_or_else(|| "unknown".into(), |l| format!("{l:.4}"))
}

/// Rank version of von Neumann's ratio as a standard normal score: far below zero when neighbours
/// are alike, around zero for a random order (Bartels 1982: mean 2, variance `4(n-2)(5n^2-2n-9) /
/// (5n(n+1)(n-1)^2)`).
fn order(values: &[f64]) -> f64 {
    let n = values.len() as f64;
    let rank = |v: f64| {
        let below = values.iter().filter(|&&o| o < v).count() as f64;
        let ties = values.iter().filter(|&&o| o == v).count() as f64;
        below + (ties + 1.0) / 2.0
    };
    let ranks: Vec<f64> = values.iter().map(|&v| rank(v)).collect();
    let center = mean(&ranks).unwrap_or(f64::NAN);
    let spread: f64 = ranks.iter().map(|r| (r - center).powi(2)).sum();
    if spread == 0.0 {
        return 0.0;
    }
    let ratio = ranks.windows(2).map(|w| (w[1] - w[0]).powi(2)).sum::<f64>() / spread;
    let variance = 4.0 * (n - 2.0) * (5.0 * n * n - 2.0 * n - 9.0) / (5.0 * n * (n + 1.0) * (n - 1.0).powi(2));
    (ratio - 2.0) / variance.sqrt()
}
