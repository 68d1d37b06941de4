//! [`BreakingPoint`]: where training breaks.
//!
//! From seed to seed the lowest rate that breaks differs little. From one length to the next it
//! moves: downwards by a tenth of an octave in the mean, but by half an octave up or down. So the
//! breaking point is a hidden value that walks from the shortest trials to the full run, and each
//! trial is a noisy look at it: a hidden Markov model, filtered on a lattice of places (Rabiner
//! 1989, section III). Its three constants were chosen by how well it tells which full runs of
//! other seeds explode, from made-up searches on the jobs of the bench
//! (`bench/landscapes/breaking.py`: where it says 1, 7, 15, 29, 50 and 70 %, 1, 8, 12, 29, 50 and
//! 68 % are true).

use super::reading::{Book, Ending};
use super::{LATTICE, plan};
use crate::Job;

/// Scale of the logistic curve by which runs of different seeds break beside the breaking point,
/// octaves.
const BY_SEED: f64 = 0.2;
/// Mean walk of the breaking point for an octave of length, octaves ...
const DRIFT: f64 = -0.1;
/// ... and the scale of its spread, of a density 1 / cosh.
const SPREAD: f64 = 0.3;
/// Farthest step of the walk that is looked at, in steps of the lattice.
const FARTHEST: i32 = 16;
/// Least probability of what was seen: some runs break for a reason of their own.
const LEAST: f64 = 1e-4;

/// A trial as a look at the breaking point.
#[derive(Debug, Clone, Copy)]
struct Look {
    x: f64,
    /// Octaves by which it is shorter than the full run.
    octaves: f64,
    broke: bool,
}

/// What is known of the lowest rate at which a full run breaks.
#[derive(Debug, Clone)]
pub(super) struct BreakingPoint {
    /// The trials, the shortest first.
    looks: Vec<Look>,
    /// Probability of each place of the lattice; empty where no trial broke.
    places: Vec<f64>,
    /// The lowest rate that broke, `log2`; infinite when none did.
    pub ceiling: f64,
}

fn logistic(z: f64) -> f64 {
    1.0 / (1.0 + (-z).exp())
}

/// The places, `log2 lr`.
fn lattice() -> impl Iterator<Item = f64> + Clone {
    let count = ((plan::TOP - plan::BOTTOM) / LATTICE) as u32;
    (0..=count).map(|i| plan::BOTTOM + LATTICE * f64::from(i))
}

fn normalized(mut weights: Vec<f64>) -> Vec<f64> {
    let sum: f64 = weights.iter().sum();
    weights.iter_mut().for_each(|w| *w /= sum);
    weights
}

/// The places after a walk over `octaves` of length.
fn walked(places: &[f64], octaves: f64) -> Vec<f64> {
    let density = |step: i32| {
        let z = (f64::from(step) * LATTICE - DRIFT * octaves) / (SPREAD * octaves.sqrt());
        1.0 / z.cosh()
    };
    let steps: Vec<(i32, f64)> = (-FARTHEST..=FARTHEST).map(|k| (k, density(k))).collect();
    let at = |i: i32| usize::try_from(i).ok().and_then(|i| places.get(i)).copied().unwrap_or(0.0);
    let to = |i: usize| steps.iter().map(|(k, density)| density * at(i as i32 - k)).sum();
    normalized((0..places.len()).map(to).collect())
}

impl BreakingPoint {
    /// Of all trials that ended.
    pub fn new(book: &Book, job: &Job) -> Self {
        let looks = book.all().filter_map(|e| {
            let (broke, steps) = match e.end {
                Ending::Broke => (true, e.steps),
                Ending::Read(y) if y <= book.untrained => (false, e.steps),
                Ending::Behind => (false, e.last_step().unwrap_or(1)),
                Ending::Read(_) | Ending::Unread => return None,
            };
            let octaves = (job.steps as f64 / steps.max(1) as f64).log2().max(0.0);
            Some(Look { x: e.x, octaves, broke })
        });
        Self::of(looks.collect())
    }

    fn of(mut looks: Vec<Look>) -> Self {
        looks.sort_by(|a, b| b.octaves.total_cmp(&a.octaves));
        let ceiling = looks.iter().filter(|l| l.broke).map(|l| l.x).fold(f64::INFINITY, f64::min);
        let mut places = Vec::new();
        if ceiling.is_finite() {
            places = normalized(lattice().map(|_| 1.0).collect());
            let mut octaves = f64::INFINITY;
            for look in &looks {
                if look.octaves < octaves && octaves.is_finite() {
                    places = walked(&places, octaves - look.octaves);
                }
                octaves = look.octaves;
                let seen = |place: f64| {
                    let sign = if look.broke { 1.0 } else { -1.0 };
                    logistic(sign * (look.x - place) / BY_SEED).max(LEAST)
                };
                places = normalized(places.iter().zip(lattice()).map(|(p, place)| p * seen(place)).collect());
            }
            if octaves > 0.0 {
                places = walked(&places, octaves);
            }
        }
        Self { looks, places, ceiling }
    }

    /// With one more trial, of `2^-octaves` of the full run.
    pub fn with(&self, x: f64, octaves: f64, broke: bool) -> Self {
        let mut looks = self.looks.clone();
        looks.push(Look { x, octaves, broke });
        Self::of(looks)
    }

    /// [`BreakingPoint::probability`] at each of `xs`.
    pub fn probabilities(&self, xs: &[f64]) -> Vec<f64> {
        xs.iter().map(|&x| self.probability(x)).collect()
    }

    /// Probability that a full run at `x` breaks; zero where no trial broke.
    pub fn probability(&self, x: f64) -> f64 {
        self.places.iter().zip(lattice()).map(|(p, place)| p * logistic((x - place) / BY_SEED)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(x: f64, octaves: f64, broke: bool) -> Look {
        Look { x, octaves, broke }
    }

    #[test]
    fn where_nothing_broke_nothing_is_feared() {
        let unbroken = BreakingPoint::of(vec![look(-3.0, 4.0, false), look(0.0, 4.0, false)]);
        assert_eq!((unbroken.ceiling, unbroken.probability(5.0)), (f64::INFINITY, 0.0));
    }

    #[test]
    fn the_risk_rises_with_the_rate_and_is_larger_below_what_broke_shorter_trials() {
        let known = |octaves| BreakingPoint::of(vec![look(-4.0, octaves, false), look(-3.0, octaves, true)]);
        let risks: Vec<f64> = [-8.0, -5.0, -4.0, -3.5, -3.0, 0.0].map(|x| known(4.0).probability(x)).to_vec();
        assert!(risks.is_sorted() && risks[0] < 0.01 && risks[5] > 0.95, "{risks:?}");
        assert!(risks[2] < 0.5 && 0.5 < risks[3], "{risks:?}");
        let below = [0.0, 2.0, 4.0].map(|octaves| known(octaves).probability(-4.5));
        assert!(below[0] < 0.05 && below[0] < below[1] && below[1] < below[2] && below[2] > 0.15, "{below:?}");
    }

    #[test]
    fn a_longer_trial_outweighs_shorter_ones() {
        let short = BreakingPoint::of(vec![look(-4.0, 4.0, false), look(-2.0, 4.0, true)]);
        let (survived, broke) = (short.with(-3.0, 0.0, false), short.with(-3.0, 0.0, true));
        let risk = |known: &BreakingPoint| known.probability(-3.25);
        assert!(risk(&survived) < 0.1 && risk(&short) > 0.15 && risk(&broke) > risk(&short), "{:?}", risk(&short));
        assert_eq!(broke.ceiling, -3.0);
    }
}
