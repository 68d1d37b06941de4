//! Trials that began with the weights of an earlier one, although their counter began anew: a
//! command that loads its last checkpoint without a word.
//!
//! How far a loss has come at its first reading depends on the rate alone where every trial starts
//! from the same weights: it is the untrained loss at rates near zero, falls with the rate, and
//! rises again where the rate does harm. So no rate between two others begins well above both.
//! Where each trial continues the one before it, the first trials do.

use crate::curve::Point;
use crate::spec::TrialId;
use crate::stats::{median, noise};
use crate::trial::Trial;

/// How far above both others the first reading must lie: this share of all that was learned since
/// the first trial began, ...
const ABOVE: f64 = 0.5;
/// ... and so many standard deviations of single readings, or noise alone would show it.
const CLEAR: f64 = 5.0;
/// Where less than this share of the loss was learned, nothing is told.
const LEARNED: f64 = 0.25;
/// A trial that begins where the one before it ended does so within this share of what was learned,
/// ...
const SAME: f64 = 0.2;
/// ... within this where it is of another seed, ...
const SAME_OF_SEEDS: f64 = 0.05;
/// ... and a rate that is tried again begins elsewhere if the readings differ by more than this.
const ELSEWHERE: f64 = 0.5;
/// Rates within this many octaves are one.
const ONE_RATE: f64 = 1e-3;

/// A trial that began with the weights of an earlier one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Inherits {
    /// The trial.
    pub trial: TrialId,
    /// Its first loss.
    pub loss: f64,
    /// An earlier trial, at a rate of at least as much.
    pub other: TrialId,
    /// The first loss of that one, at the same step.
    pub began: f64,
    /// That step.
    pub step: u64,
}

/// The readings that a trial is compared by, or those of training where these are too few.
fn compared(trial: &Trial) -> &[Point] {
    if trial.val.points().len() > 1 { trial.val.points() } else { trial.train.points() }
}

/// By how much two readings may differ by chance alone: [`CLEAR`] standard deviations of single
/// readings about the curves of their trials, 0 where too few were read.
pub(super) fn chance(trials: &[&Trial]) -> f64 {
    let scatter = |t: &&Trial| {
        let losses: Vec<f64> = compared(t).iter().map(|p| p.loss).filter(|loss| loss.is_finite()).collect();
        noise(&losses)
    };
    CLEAR * median(&trials.iter().filter_map(scatter).collect::<Vec<_>>()).unwrap_or(0.0)
}

/// How a trial began and how it ended.
struct Begun<'a> {
    trial: &'a Trial,
    first: Point,
    last: Point,
}

impl<'a> Begun<'a> {
    fn new(trial: &'a Trial) -> Option<Self> {
        let points = compared(trial);
        let (first, last) = (*points.first()?, *points.last()?);
        let known = first.loss.is_finite() && last.loss.is_finite() && first.step < last.step;
        known.then_some(Self { trial, first, last })
    }

    fn x(&self) -> f64 {
        self.trial.spec.lr.log2()
    }

    fn is_before(&self, other: &Self) -> bool {
        self.trial.id < other.trial.id
    }

    fn inherits(&self, from: &Self) -> Inherits {
        let (trial, other) = (self.trial.id, from.trial.id);
        Inherits { trial, loss: self.first.loss, other, began: from.first.loss, step: from.first.step }
    }
}

/// The first sign among the trials, in the order in which they ran.
pub(crate) fn inherits(trials: &[&Trial]) -> Option<Inherits> {
    let mut all: Vec<Begun<'_>> = trials.iter().filter_map(|t| Begun::new(t)).collect();
    all.sort_by_key(|b| b.trial.id);
    let start = all.first()?.first.loss;
    let learned = start - all.iter().map(|b| b.last.loss.min(b.first.loss)).fold(f64::INFINITY, f64::min);
    if learned < LEARNED * start.abs() {
        return None;
    }
    let chance = chance(trials);
    all.iter().find_map(|early| {
        let same_step = |b: &&Begun<'_>| b.first.step == early.first.step && early.is_before(b);
        let later: Vec<&Begun<'_>> = all.iter().filter(same_step).collect();
        // Another seed has other weights.
        let below = |b: &&&Begun<'_>| {
            early.first.loss - b.first.loss > chance.max(ABOVE * learned) && b.trial.spec.seed == early.trial.spec.seed
        };
        let lower = later.iter().filter(below).find(|b| b.x() < early.x() - ONE_RATE);
        let higher = later.iter().filter(below).any(|b| b.x() > early.x() + ONE_RATE);
        let again = later.iter().find(|b| {
            let before = all.iter().rev().find(|o| o.is_before(b));
            // Networks of two seeds may begin far apart, on data of a wide scale.
            let one_seed = b.trial.spec.seed == early.trial.spec.seed;
            let same = if one_seed { SAME } else { SAME_OF_SEEDS };
            let known = one_seed || b.first.step > 0;
            let continues = known && before.is_some_and(|o| (b.first.loss - o.last.loss).abs() < same * learned);
            let elsewhere = (b.first.loss - early.first.loss).abs() > chance.max(ELSEWHERE * learned);
            (b.x() - early.x()).abs() < ONE_RATE && continues && elsewhere
        });
        lower.filter(|_| higher).or(again).map(|b| b.inherits(early))
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::super::suspect::tests::trial;
    use super::*;

    fn found(trials: &[Trial]) -> Option<Inherits> {
        inherits(&trials.iter().collect::<Vec<_>>())
    }

    #[test]
    fn a_lower_rate_that_begins_far_below_a_higher_one_began_with_its_weights() {
        let first = trial(0, 0.01, &[], &[(10, 2.2), (100, 1.6)]);
        let second = trial(1, 0.1, &[], &[(10, 1.0), (100, 0.3)]);
        let third = trial(2, 1.0, &[], &[(10, 1.2), (100, 1.3)]);
        let still = trial(3, 1e-4, &[], &[(10, 0.9), (100, 0.9)]);
        let all = [first, second, third, still];
        assert_eq!(found(&all[..3]), None, "so may fresh runs");
        let seen = found(&all).unwrap();
        assert_eq!((seen.trial, seen.other, seen.step), (TrialId(3), TrialId(0), 10));
    }

    #[test]
    fn what_noise_shows_is_no_sign() {
        let first = trial(0, 0.01, &[], &[(10, 2.2), (40, 1.1), (70, 2.4), (100, 1.6)]);
        let second = trial(1, 0.1, &[], &[(10, 1.0), (40, 2.1), (70, 0.9), (100, 2.3)]);
        let third = trial(2, 1e-4, &[], &[(10, 0.9), (40, 1.9), (70, 1.1), (100, 2.0)]);
        assert_eq!(found(&[first, second, third]), None);
    }

    #[test]
    fn a_rate_that_does_harm_at_first_is_no_checkpoint() {
        // The start was far too high: what is lower begins better, what is higher begins worse.
        let trials = [
            trial(0, 0.01, &[], &[(10, 3.0), (100, 2.0)]),
            trial(1, 0.1, &[], &[(10, 5.0), (100, 3.0)]),
            trial(2, 0.001, &[], &[(10, 1.5), (100, 0.9)]),
            trial(3, 1e-4, &[], &[(10, 2.1), (100, 1.4)]),
        ];
        assert_eq!(found(&trials), None);
    }

    #[test]
    fn a_rate_that_begins_elsewhere_when_it_is_tried_again_continues_the_trial_before() {
        let first = trial(0, 0.5, &[], &[(5, 1.0), (100, 0.4)]);
        let broken = trial(1, 8.0, &[], &[(5, 7.7), (100, 2.3)]);
        let again = trial(2, 0.5, &[], &[(5, 2.4), (100, 1.9)]);
        let seen = found(&[first.clone(), broken.clone(), again]).unwrap();
        assert_eq!((seen.trial, seen.other), (TrialId(2), TrialId(0)));
        // Chance puts a first reading elsewhere, but not to where the trial before it ended.
        assert_eq!(found(&[first, broken, trial(2, 0.5, &[], &[(5, 1.7), (100, 0.5)])]), None);
    }

    #[test]
    fn networks_of_two_seeds_that_begin_far_apart_are_no_sign() {
        let first = trial(0, 0.01, &[], &[(0, 53.0), (100, 1.1)]);
        let still = trial(1, 1e-5, &[], &[(0, 53.0), (10, 15.0)]);
        let mut again = trial(2, 0.01, &[], &[(0, 14.7), (100, 1.1)]);
        again.spec.seed = 1;
        assert_eq!(found(&[first, still, again]), None);
    }
}
