//! [`Belief`]: what the search knows, as samples of the full run's loss over a grid of rates, and
//! what is asked of them: the answer, the interval, and what a further probe would help.

use super::breaking::BreakingPoint;
use super::reading::{Book, Entry};
use super::{LATTICE, certainty, lattice};
use crate::Job;
use crate::landscape::{Context, Landscape};

/// Quantile bins of the predicted reading in the value-of-information estimate.
const BINS: usize = 4;
/// Regret above this counts as this much: a catastrophe is a catastrophe.
const REGRET_CAP: f64 = 1.0;

/// The posterior on a grid of rates: what is asked of it for the choice of probes and for the
/// answer.
pub(super) struct Belief {
    pub fit: Landscape,
    pub grid: Vec<f64>,
    /// Regret of each sample (outer) at each rate of the grid (inner), over the best rate that may
    /// be the answer.
    regret: Vec<Vec<f64>>,
    /// At each rate the share of the samples under which it keeps [`certainty::KEPT`].
    pub keeps: Vec<f64>,
    pub breaking: BreakingPoint,
    /// Probability that a full run breaks, at each rate of the grid.
    pub risk: Vec<f64>,
    /// Index of the lowest rate that may be the answer.
    pub lowest: usize,
    /// Octaves from the longest probe to the full run.
    pub octaves: f64,
}

/// Below a cliff ([`Book::cliff`]) the answer falls by at most this many octaves per octave of
/// length, from the longest probe to the full run, ...
const CLIFF_SHIFT: f64 = 0.25;
/// ... or to this risk of breaking. The model alone, which must allow for walls that move with the
/// length, would go far too low. The interval is not bounded so.
const CLIFF_RISK: f64 = 0.1;
/// Regret of a run that diverges: more than any that does not ([`REGRET_CAP`]). With less, a rate
/// that diverged seemed better than many that only might be bad.
const DIVERGED_REGRET: f64 = 2.0;

impl Belief {
    pub fn new(book: &Book, job: &Job) -> Self {
        let context = Context { untrained: book.untrained, ceiling: book.ceiling, horizon_free: job.is_horizon_free() };
        // What a rate near zero did is left out here too, or the answer would wander down to it.
        let readings = book.telling();
        let fit = Landscape::fit(&readings, context, job.seed);
        let high = book.tried().1;
        let low = readings.iter().map(|r| r.x).fold(high, f64::min);
        let top = (high + 2.0).min(book.ceiling - LATTICE);
        let low = lattice((low - 3.0).min(top - 4.0));
        let count = ((top - low) / LATTICE).floor().max(1.0) as usize;
        let grid: Vec<f64> = (0..=count).map(|i| low + LATTICE * i as f64).collect();
        let by_rate: Vec<Vec<f64>> = grid.iter().map(|&x| fit.losses(x, 0.0)).collect();
        let keeps = certainty::keeps(&by_rate, book.untrained);
        let breaking = BreakingPoint::new(book, job);
        let risk = breaking.probabilities(&grid);
        let safe = grid.iter().zip(&risk).take_while(|(_, risk)| **risk <= CLIFF_RISK).last().map(|(x, _)| *x);
        let shifted = |best: &Entry| best.x - CLIFF_SHIFT * (job.steps as f64 / best.steps as f64).log2();
        let least = book.cliff().map_or(f64::NEG_INFINITY, |best| shifted(best).min(safe.unwrap_or(best.x)));
        let least = lattice(least.min(top - 1.0));
        let lowest = grid.iter().position(|&x| x >= least).unwrap_or(0);
        let regret = (0..fit.len())
            .map(|i| {
                let least = by_rate.iter().skip(lowest).map(|l| l[i]).fold(f64::INFINITY, f64::min);
                by_rate.iter().map(|l| (l[i] - least).min(REGRET_CAP).exp_m1()).collect()
            })
            .collect();
        let longest = book.entries.iter().filter(|e| e.value().is_finite()).map(|e| e.steps).max().unwrap_or(1);
        let octaves = (job.steps as f64 / longest as f64).log2().max(0.0);
        Self { fit, grid, regret, keeps, breaking, risk, lowest, octaves }
    }

    /// Mean regret by rate over the samples `among`, with the `risk` to diverge at each rate.
    fn expected(&self, among: &[usize], risk: &[f64]) -> Vec<f64> {
        let mut sum = vec![0.0; self.grid.len()];
        for &i in among {
            for (total, r) in sum.iter_mut().zip(&self.regret[i]) {
                *total += r;
            }
        }
        let mean = |total: f64| total / among.len() as f64;
        sum.iter().zip(risk).map(|(&total, risk)| (1.0 - risk) * mean(total) + risk * DIVERGED_REGRET).collect()
    }

    pub fn all(&self) -> Vec<usize> {
        (0..self.fit.len()).collect()
    }

    /// Index of the rate with the least expected regret.
    pub fn best(&self, among: &[usize], risk: &[f64]) -> usize {
        let expected = self.expected(among, risk);
        let may_be = expected.iter().enumerate().skip(self.lowest);
        may_be.min_by(|a, b| a.1.total_cmp(b.1)).map_or(self.lowest, |(i, _)| i)
    }

    /// Expected regret of choosing on the samples `among`. The rate is chosen on one half and
    /// judged on the other: chosen and judged on the same few samples, every probe would seem to
    /// help.
    pub fn least(&self, among: &[usize], risk: &[f64]) -> f64 {
        let (even, odd): (Vec<usize>, Vec<usize>) = among.iter().partition(|i| *i % 2 == 0);
        if even.is_empty() || odd.is_empty() {
            return self.expected(among, risk)[self.best(among, risk)];
        }
        let cross = |choose: &[usize], judge: &[usize]| self.expected(judge, risk)[self.best(choose, risk)];
        let (a, b) = (cross(&even, &odd), cross(&odd, &even));
        (a * odd.len() as f64 + b * even.len() as f64) / among.len() as f64
    }

    /// Expected least regret after a reading at `x`, `s` with `seed`: the samples are sorted by the
    /// reading they predict (with seeded noise) and cut into bins; within each bin the best rate is
    /// chosen anew.
    pub fn after(&self, x: f64, s: f64, seed: u64) -> f64 {
        let risk = self.breaking.probability(x);
        let then = |broke: bool| self.breaking.with(x, -s, broke).probabilities(&self.grid);
        let survives = then(false);
        let (expected, sd) = self.fit.next_reading(x, s, seed);
        let mut order: Vec<(f64, usize)> = expected
            .iter()
            .enumerate()
            // Low-discrepancy noise (golden ratio), the same for every candidate: common random
            // numbers.
            .map(|(i, y)| (y + sd * probit((0.5 + i as f64 * 0.618_033_988_749_895).fract()), i))
            .collect();
        order.sort_by(|a, b| a.0.total_cmp(&b.0));
        let size = order.len().div_ceil(BINS);
        let bins: Vec<f64> = order
            .chunks(size)
            .map(|bin| {
                let among: Vec<usize> = bin.iter().map(|b| b.1).collect();
                self.least(&among, &survives) * among.len() as f64
            })
            .collect();
        let read = bins.iter().sum::<f64>() / order.len() as f64;
        if risk < 1e-3 { read } else { (1.0 - risk) * read + risk * self.least(&self.all(), &then(true)) }
    }

    /// Where the best rate likely lies among those that may be the answer, in octaves.
    pub fn likely(&self) -> (f64, f64) {
        let (low, high) = self.quantiles(0.1, 0.9);
        let least = self.grid[self.lowest];
        (low.max(least), high.max(least))
    }

    /// Two quantiles of the best rate, in octaves.
    pub fn quantiles(&self, low: f64, high: f64) -> (f64, f64) {
        let mut best: Vec<f64> = self
            .regret
            .iter()
            .map(|r| {
                let at = r.iter().enumerate().min_by(|a, b| a.1.total_cmp(b.1)).map_or(0, |(i, _)| i);
                self.grid[at]
            })
            .collect();
        best.sort_by(f64::total_cmp);
        let at = |q: f64| best[((best.len() - 1) as f64 * q).round() as usize];
        (at(low), at(high))
    }
}

/// Inverse of the normal distribution (Tocher's logistic approximation; error below 0.02 for |z| <
/// 2.5, and only an order and a spread are needed).
fn probit(u: f64) -> f64 {
    let u = u.clamp(1e-3, 1.0 - 1e-3);
    (u / (1.0 - u)).ln() / 1.702
}
