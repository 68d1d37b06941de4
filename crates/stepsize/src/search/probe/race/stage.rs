//! [`Stage`]: what the probes of one length say, and where the next one belongs.

use super::lattice;
use super::plan::{BOTTOM, STRIDE, TOP};
use super::reading::{Book, Entry};

/// A fall of log loss below this is "nothing learned".
const LEARNED: f64 = 0.05;
/// The same where the readings of a trial hardly scatter: this many standard deviations of their
/// scatter, ...
const PLAIN: f64 = 8.0;
/// ... but not below this.
const SMALLEST: f64 = 0.015;
/// The same where readings are too few to scatter: other seeds are asked whether noise made it.
const LEARNED_BY_FEW: f64 = 0.03;
/// A fall of log loss above this is one that the rate may have made.
const MOVED: f64 = 0.005;
/// Below this fall of log loss a reading must also stand out from the others: a network that died
/// at too high a rate ends at the loss of a constant guess, somewhat below that of random weights,
/// and so do all its neighbours.
pub(super) const PLAINLY_LEARNED: f64 = 0.2;
/// Readings within this much log loss of each other are alike.
const ALIKE: f64 = 0.03;
/// The middle between the highest rate that trained and the lowest that broke is probed if these
/// are this many octaves apart.
const WIDE_GAP: f64 = 2.0;
/// Above this `log2 lr`, a rate at which nothing was learned may be too high as well as too low:
/// the network may have died.
const DEAD_ABOVE: f64 = -10.0;

/// What the bracket's probes of one length say.
pub(super) struct Stage {
    pub low: f64,
    pub high: f64,
    pub best: f64,
    /// The highest rate that trained; minus infinity when none did.
    pub trained: f64,
    /// The lowest that broke; infinite when none did.
    pub ceiling: f64,
    pub learned: bool,
    pub plainly_learned: bool,
    /// Whether the best rate moved the loss downwards.
    pub moved: bool,
    /// Whether the lowest rate changed the loss.
    low_moved: bool,
    /// The middle of the highest rate that trained and the lowest that broke, where these are far
    /// apart. Where the budget does not pay for it, what was tried between them serves.
    between: Option<f64>,
}

impl Stage {
    /// Of the probes at `xs` of `n` steps. `ceiling`: the lowest rate that broke at another length;
    /// `pays`: whether the budget pays for one more.
    pub fn new(book: &Book, xs: &[f64], n: u64, ceiling: f64, pays: bool) -> Self {
        let value = |x: f64| book.find(x, n).map_or(f64::INFINITY, Entry::value);
        let broke = |x: &f64| book.find(*x, n).is_some_and(|e| e.broke(book.untrained));
        let ceiling = xs.iter().copied().filter(broke).fold(ceiling, f64::min);
        let best = xs.iter().copied().min_by(|a, b| value(*a).total_cmp(&value(*b))).unwrap_or(f64::NAN);
        let low = xs.iter().copied().fold(f64::INFINITY, f64::min);
        let fall = book.untrained - value(best);
        // Where readings hardly scatter, a small fall and small differences can be seen.
        let scatter = book.find(best, n).and_then(Entry::scatter);
        let least = scatter.map_or(LEARNED_BY_FEW, |sd| (PLAIN * sd).clamp(SMALLEST, LEARNED));
        let alike = ALIKE.min(fall.max(SMALLEST) / 3.0);
        let alike: Vec<f64> = xs.iter().copied().filter(|&x| value(x) - value(best) < alike).collect();
        // A rate below that is worse: what the best has learned, it has learned by moving further.
        let rises = alike.iter().all(|&x| low < x);
        let trained = xs.iter().copied().filter(|&x| x < ceiling).fold(f64::NEG_INFINITY, f64::max);
        let gap = ceiling - trained;
        let middle = Some(lattice(trained + gap / 2.0)).filter(|_| gap.is_finite() && gap > WIDE_GAP);
        let inside = |e: &Entry| e.steps >= n && trained < e.x && e.x < ceiling;
        let between = middle.filter(|&x| pays || book.find(x, n).is_some() || !book.entries.iter().any(inside));
        Self {
            low,
            high: xs.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            best,
            trained,
            ceiling,
            between,
            learned: fall >= PLAINLY_LEARNED || fall >= least && (rises || alike.len() < 2),
            plainly_learned: fall >= PLAINLY_LEARNED,
            moved: fall > MOVED,
            low_moved: value(low).is_finite() && (value(low) - book.untrained).abs() > ALIKE,
        }
    }

    /// Whether the best rate learned and lies between worse ones, or below one that broke.
    pub fn closed(&self, closed_below: bool) -> bool {
        let above = self.best < self.high || self.ceiling.is_finite();
        self.learned && above && (self.best > self.low || closed_below)
    }

    /// The next rate to probe, if the best may lie beyond those tried.
    pub fn outward(&self, closed_below: bool) -> Option<f64> {
        let down = Some(self.low - STRIDE).filter(|x| *x >= BOTTOM);
        let up = Some(self.high + STRIDE).filter(|x| *x <= TOP && *x < self.ceiling);
        // A rate that is too low leaves the loss where it was. One that moved it without learning
        // is too high.
        if self.trained == f64::NEG_INFINITY || !self.learned && self.low_moved {
            return down;
        }
        if !self.learned {
            return up.or(self.between).or(down.filter(|x| *x + STRIDE > DEAD_ABOVE));
        }
        let upward = up.or(self.between).filter(|_| self.best == self.trained);
        upward.or(down.filter(|_| self.best == self.low && !closed_below))
    }
}
