//! The verdict of a sweep on one of its rates, what it rests on, and how often such verdicts were
//! right.

use super::{By, Sweep};
use crate::diagnosis::stats::between;
use crate::{Placement, Side};

/// Octaves beside the best rate that are good whatever the losses say: a factor of 2, which no
/// search resolves.
const ALWAYS: f64 = 1.0;
/// Octaves beside the best rate within which a rate with a loss as good is good, too: a factor of
/// 4, as in the labels.
const NEAR: f64 = 2.0;
/// Loss above the best, as a share, that still is as good.
const CLOSE: f64 = 0.05;

/// Least chance of a verdict: below it people would act on the toss of a coin.
const LEAST: f64 = 0.6;

/// What a verdict of a sweep rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ground {
    /// The log shows that the run diverged.
    Broke,
    /// Only an early end does.
    EndedEarly,
    /// No run of the sweep learned.
    NoneLearned,
    /// The best rate is the outermost, and more may lie beyond.
    Edge,
    /// Loss and score disagree: the rate is about the best, or off to a side.
    Torn(bool),
    /// Validation losses, likewise.
    HeldOut(bool),
    /// Training losses or scores, likewise: they favour other rates.
    Training(bool),
    /// Too few rates for a fit, likewise.
    Few(bool),
}

/// What a verdict of a sweep rests on, and how strong that is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SweepEvidence {
    ground: Ground,
    strength: f64,
}

impl SweepEvidence {
    /// The kind of evidence in a word.
    pub const fn kind(&self) -> &'static str {
        match self.ground {
            Ground::Broke => "broke",
            Ground::EndedEarly => "ended_early",
            Ground::NoneLearned => "none_learned",
            Ground::Edge => "edge",
            Ground::Torn(true) => "torn_best",
            Ground::Torn(false) => "torn_off",
            Ground::HeldOut(true) => "held_out_best",
            Ground::HeldOut(false) => "held_out_off",
            Ground::Training(true) => "training_best",
            Ground::Training(false) => "training_off",
            Ground::Few(true) => "few_best",
            Ground::Few(false) => "few_off",
        }
    }

    /// Among evidence of one kind: the share of the draws of the best rate that agree with the
    /// verdict, or the octaves to the best rate where there are no draws.
    pub const fn strength(&self) -> f64 {
        self.strength
    }

    /// How often verdicts with such evidence were right: measured by `stepsize-bench diagnosis
    /// sweeps` on all its jobs, but for early ends, for sweeps of which no run learned and for
    /// losses that disagree with scores, which are judgements; and an outermost rate that is best
    /// is set lower than measured (54 to 62 %), so that it gets no verdict.
    fn right(&self) -> f64 {
        let points: &[(f64, f64)] = match self.ground {
            Ground::Broke => &[(1.0, 0.92)],
            Ground::EndedEarly => &[(1.0, 0.7)],
            Ground::NoneLearned => &[(1.0, 0.65)],
            Ground::Edge => &[(0.0, 0.5), (0.9, 0.53)],
            Ground::Torn(true) => &[(0.0, 0.5)],
            Ground::Torn(false) => &[(0.0, 0.8)],
            Ground::HeldOut(true) => &[(0.2, 0.61), (0.4, 0.85), (0.7, 0.87), (0.87, 0.92), (0.98, 0.96)],
            Ground::HeldOut(false) => &[(0.0, 0.7), (0.84, 0.82), (0.98, 0.945), (0.995, 0.96), (1.0, 0.98)],
            Ground::Training(true) => &[(0.25, 0.42), (0.8, 0.67)],
            Ground::Training(false) => &[(0.0, 0.66), (0.87, 0.73), (0.985, 0.77), (0.998, 0.83), (1.0, 0.91)],
            Ground::Few(true) => &[(0.0, 0.78)],
            Ground::Few(false) => &[(1.0, 0.78), (1.6, 0.83), (3.0, 0.91), (6.4, 0.93)],
        };
        between(points, self.strength)
    }
}

impl Sweep {
    /// The verdict on one of its rates, and how sure; "unknown" where such verdicts were right too
    /// seldom, as that the outermost rate is good.
    pub fn verdict(&self, lr: f64, diverged: bool) -> (Placement, f64) {
        let (verdict, evidence) = self.judge(lr, diverged);
        match evidence.right() {
            right if right < LEAST => (Placement::Unknown, 0.0),
            right => (verdict, right),
        }
    }

    /// The likeliest verdict on one of its rates, and what it rests on.
    pub fn evidence(&self, lr: f64, diverged: bool) -> (Placement, SweepEvidence) {
        self.judge(lr, diverged)
    }

    fn judge(&self, lr: f64, diverged: bool) -> (Placement, SweepEvidence) {
        let own = self.tried.iter().find(|t| t.is_at(lr));
        let broke = diverged || own.is_some_and(|t| t.loss.is_none()) && (self.dead || lr > self.vertex);
        let sure = |ground| SweepEvidence { ground, strength: 1.0 };
        if broke {
            let early = !self.dead && !diverged && self.ended_early.is_some_and(|early| lr >= early);
            return (Placement::Diverged, sure(if early { Ground::EndedEarly } else { Ground::Broke }));
        }
        if self.dead {
            return (Placement::TooHigh, sure(Ground::NoneLearned));
        }
        let octaves = (lr / self.vertex).log2();
        let best = self.tried.iter().filter_map(|t| t.loss).fold(f64::INFINITY, f64::min);
        let limit = best + CLOSE * best.abs() + self.noise;
        let close = own.and_then(|t| t.loss).is_some_and(|l| l <= limit) && octaves.abs() < NEAR;
        // Loss and score may each have their best: between them a rate is good by one of the two.
        let by_score = self.best_by_score.map_or(octaves, |best| (lr / best).log2());
        let (above_all, below_all) = (octaves.min(by_score) > ALWAYS, octaves.max(by_score) < -ALWAYS);
        let verdict = match () {
            () if close || !above_all && !below_all => Placement::Good,
            () if below_all => Placement::TooLow,
            () => Placement::TooHigh,
        };
        (verdict, self.ground(verdict, lr))
    }

    fn ground(&self, verdict: Placement, lr: f64) -> SweepEvidence {
        // Of the outermost rate itself nothing more is known than that it is the best so far.
        let beyond = match (verdict, self.outermost) {
            (Placement::TooLow, side) => side == Some(Side::Low),
            (Placement::TooHigh, side) => side == Some(Side::High),
            (_, side) => side.is_some(),
        };
        let octaves = |draw: f64| lr.log2() - draw;
        let agrees = |draw: &&f64| match verdict {
            Placement::Good => octaves(**draw).abs() <= ALWAYS,
            Placement::TooLow => octaves(**draw) < -ALWAYS,
            _ => octaves(**draw) > ALWAYS,
        };
        let best = verdict == Placement::Good;
        let share = self.draws.iter().filter(agrees).count() as f64 / self.draws.len().max(1) as f64;
        let (ground, strength) = match () {
            () if beyond => (Ground::Edge, share),
            () if self.best_by_score.is_some() => (Ground::Torn(best), share),
            () if self.draws.is_empty() => (Ground::Few(best), octaves(self.vertex.log2()).abs()),
            () if self.by == By::Validation => (Ground::HeldOut(best), share),
            () => (Ground::Training(best), share),
        };
        SweepEvidence { ground, strength }
    }
}
