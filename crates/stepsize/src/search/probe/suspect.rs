//! Signs that the trials of a search cannot be compared. A search looks for them before it believes
//! any reading.
//!
//! - *The rate is not used*: two trials at different rates, of one seed and length, learned, and
//!   all their readings are equal to the last digit. Trials at rates too low to move anything are
//!   equal too at the printed precision, and so are networks that died: neither has learned.
//!   Or the log prints a rate, and it is the same one although different ones were given.
//! - *A trial continues another one's checkpoint*: the first reading of an ended trial lies in the
//!   last tenth of its length, where another trial of that length had readings in its first half;
//!   or its loss before any step is one that only training reached; or the first readings of all
//!   trials cannot be those of one network ([`super::begun`]).

use super::begun::{Inherits, chance, inherits};
use super::evidence::same_rate;
use crate::curve::Point;
use crate::lr::Lr;
use crate::spec::{End, TrialId};
use crate::trial::Trial;
use crate::{Reason, Remedy};

/// A fall by less than this share of the first loss is no learning. Above the noise of mini-batches
/// of most jobs; a script that ignores its rate falls by much more in a sixteenth of its run, or is
/// refused because nothing learned.
const LEARNED: f64 = 0.02;
/// Fewest equal readings after the first step that are taken for a proof, where the trials have so
/// many.
const READINGS: usize = 2;
/// Printed rates within this relative difference are the same.
const SAME_PRINTED: f64 = 1e-6;
/// With one reading a trial (a program that prints its loss at the end only) this many trials must
/// agree: a factor of ten apart each, they span three decades, in which a loss that depends on its
/// rate moves.
const ALONE: usize = 4;
/// A first reading later than this share of a trial's length is late, ...
const LATE: f64 = 0.9;
/// ... if another trial of the length had one before this share.
const EARLY: f64 = 0.5;
/// A loss before the first step that has made up this share of what training reached is not the
/// loss of an untrained network, ...
const TRAINED: f64 = 0.7;
/// ... if training took away this share of the untrained loss: random weights of one network differ
/// by less (a command may ignore its seed).
const FALLEN: f64 = 0.5;

/// What is wrong with the trials.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Suspicion {
    /// Trials at these two rates are the same, reading by reading.
    RateUnused {
        /// Lower rate.
        low: Lr,
        /// Higher rate.
        high: Lr,
        /// How many readings agree.
        readings: usize,
    },
    /// Trials at these two rates print the same rate.
    OtherRatePrinted {
        /// Lower rate.
        low: Lr,
        /// Higher rate.
        high: Lr,
        /// The highest rate that both printed.
        printed: f64,
    },
    /// A trial did not begin at the beginning: its first reading is this late, or its first loss
    /// this good.
    Continues {
        /// The trial.
        trial: TrialId,
        /// Step of its first reading.
        step: u64,
        /// Its length.
        steps: u64,
        /// Its first loss.
        loss: f64,
    },
    /// A trial began where training had brought the network before it, though its counter began
    /// anew.
    Inherits(Inherits),
}

impl Suspicion {
    /// The reason for a refusal, what was seen, and what to do.
    pub(crate) fn reason(self) -> (Reason, String, Vec<Remedy>) {
        match self {
            Self::RateUnused { low, high, readings } => (
                Reason::RateUnused,
                format!(
                    "the trials at {low} and at {high} are equal to the last digit in {readings} reading{}",
                    if readings == 1 { "" } else { "s" }
                ),
                vec![Remedy::CheckRateIsUsed],
            ),
            Self::OtherRatePrinted { low, high, printed } => (
                Reason::RateUnused,
                format!("the trials at {low} and at {high} both print a rate of {printed}"),
                vec![Remedy::CheckRateIsUsed],
            ),
            Self::Continues { trial, step, steps, loss } => (
                Reason::Continued,
                format!(
                    "trial {trial} of {steps} steps begins at step {step} with a loss of {loss:.4}: it loaded what an \
                     earlier trial had saved"
                ),
                vec![Remedy::SeparateTrials],
            ),
            Self::Inherits(Inherits { trial, loss, other, began, step }) => (
                Reason::Continued,
                format!(
                    "at step {step} trial {trial} has a loss of {loss:.4}, and trial {other} had one of {began:.4} there, which \
                     no difference of their rates explains: the command loads what the trial before it has saved, without \
                     saying so"
                ),
                vec![Remedy::SeparateTrials],
            ),
        }
    }
}

/// The first suspicion that the ended trials raise.
pub(crate) fn suspicion(trials: &[Trial]) -> Option<Suspicion> {
    let ended: Vec<&Trial> =
        trials.iter().filter(|t| matches!(t.end, Some(End::Finished | End::Pruned { .. }))).collect();
    // A run that continues another one is the worse fault: its readings say nothing of anything.
    let continued = continues(&ended).or_else(|| inherits(&ended).map(Suspicion::Inherits));
    continued.or_else(|| other_rate(&ended)).or_else(|| unused(&ended))
}

/// The rates that a trial printed: readings carry the given one where none was.
pub(super) fn printed(trial: &Trial) -> Vec<f64> {
    let points = trial.train.points().iter().chain(trial.val.points());
    points.map(|p| p.lr).filter(|lr| *lr != trial.spec.lr.get() && *lr > 0.0).collect()
}

fn other_rate(trials: &[&Trial]) -> Option<Suspicion> {
    let highest =
        |t: &Trial| Some(printed(t)).filter(|p| p.len() >= READINGS).map(|p| p.into_iter().fold(0.0, f64::max));
    let known: Vec<(Lr, f64)> = trials.iter().filter_map(|t| Some((t.spec.lr, highest(t)?))).collect();
    let (&(first, printed), others) = known.split_first()?;
    // All of them: a schedule may cap the rate at some.
    let same = others.iter().all(|(_, p)| (p / printed - 1.0).abs() < SAME_PRINTED);
    let apart = others.iter().find(|(lr, _)| (lr.log2() - first.log2()).abs() > 1.0)?.0;
    let (low, high) = if first < apart { (first, apart) } else { (apart, first) };
    same.then_some(Suspicion::OtherRatePrinted { low, high, printed })
}

fn unused(trials: &[&Trial]) -> Option<Suspicion> {
    trials.iter().enumerate().find_map(|(i, first)| {
        let of_group = |t: &&&Trial| t.spec.steps == first.spec.steps && t.spec.seed == first.spec.seed;
        if trials[..i].iter().any(|t| of_group(&t)) {
            return None; // judged with the first of its group
        }
        let mut rates = vec![first.spec.lr];
        let mut readings = 0;
        for other in trials[i + 1..].iter().filter(of_group) {
            // A loss that is symmetric about its best rate has equal readings at two rates, and
            // others elsewhere: all trials must be equal.
            readings = equal(first, other)?;
            if !rates.iter().any(|rate| same_rate(*rate, other.spec.lr)) {
                rates.push(other.spec.lr);
            }
        }
        let [a, b, ..] = rates[..] else { return None };
        let proof = readings >= READINGS && learned(first) || readings == 1 && rates.len() >= ALONE;
        let (low, high) = if a < b { (a, b) } else { (b, a) };
        proof.then_some(Suspicion::RateUnused { low, high, readings })
    })
}

/// Readings after the first step that two trials have in common, if they are all of them and all
/// equal.
fn equal(a: &Trial, b: &Trial) -> Option<usize> {
    let moved = |points: &[Point]| points.iter().filter(|p| p.step > 0).map(|p| (p.step, p.loss)).collect::<Vec<_>>();
    let all = |t: &Trial| (moved(t.train.points()), moved(t.val.points()));
    let (ours, theirs) = (all(a), all(b));
    // NaN equals nothing: a run that broke is no proof.
    (ours == theirs).then_some(ours.0.len() + ours.1.len()).filter(|n| *n > 0)
}

fn learned(trial: &Trial) -> bool {
    let fell = |points: &[Point]| match (points.first(), points.last()) {
        (Some(first), Some(last)) => first.loss - last.loss > LEARNED * first.loss.abs(),
        _ => false,
    };
    fell(trial.val.points()) || fell(trial.train.points())
}

/// The first reading of a trial, of either kind.
fn first(trial: &Trial) -> Option<&Point> {
    let (train, val) = (trial.train.first(), trial.val.first());
    train.into_iter().chain(val).min_by_key(|p| p.step)
}

fn continues(trials: &[&Trial]) -> Option<Suspicion> {
    let at = |t: &Trial| first(t).map(|p| p.step as f64 / t.spec.steps.max(1) as f64);
    trials.iter().find_map(|t| {
        let begun = first(t)?;
        let same = || trials.iter().filter(|o| o.id < t.id && o.spec.steps == t.spec.steps);
        let late = at(t)? > LATE && same().any(|o| at(o).is_some_and(|share| share < EARLY));
        let found = Suspicion::Continues { trial: t.id, step: begun.step, steps: t.spec.steps, loss: begun.loss };
        (late || is_trained(t, trials)).then_some(found)
    })
}

/// Whether the loss before the first step is one that only training reached in the trials before
/// it. A program may print its first loss after its first update, though.
fn is_trained(trial: &Trial, trials: &[&Trial]) -> bool {
    // Another seed has other weights and another untrained loss.
    let before = || trials.iter().filter(|o| o.id < trial.id && o.spec.seed == trial.spec.seed);
    let (Some(start), Some(untrained)) = (trial.start_loss(), before().find_map(|o| o.start_loss())) else {
        return false;
    };
    let reached = before().filter_map(|o| o.final_loss()).fold(untrained, f64::min);
    let fall = untrained - reached;
    let trained = fall > FALLEN * untrained.abs() && untrained - start > chance(trials).max(TRAINED * fall);
    trained && !before().any(|o| one_update_reaches(start, trial, o))
}

/// Whether the first update of `trial` may have brought the loss to `start`: at its lower rate
/// `other` was there after as many updates as make up the ratio of the rates, or twice as many.
fn one_update_reaches(start: f64, trial: &Trial, other: &Trial) -> bool {
    let updates = 2.0 * trial.spec.lr.get() / other.spec.lr.get();
    let mut points = other.val.points().iter().chain(other.train.points());
    points.any(|p| p.step as f64 <= updates && p.loss <= start)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::schedule::Schedule;
    use crate::spec::TrialSpec;

    pub(in crate::search::probe) fn trial(id: u32, lr: f64, train: &[(u64, f64)], val: &[(u64, f64)]) -> Trial {
        let spec = TrialSpec {
            lr: Lr::new(lr).unwrap(),
            schedule: Schedule::constant(),
            steps: 100,
            seed: 0,
            stop_on_divergence: true,
        };
        let mut trial = Trial::new(TrialId(id), spec);
        for &(step, loss) in train {
            trial.train.push(Point { step, lr, loss });
        }
        for &(step, loss) in val {
            trial.val.push(Point { step, lr, loss });
        }
        trial.end = Some(End::Finished);
        trial
    }

    #[test]
    fn equal_trials_at_different_rates_that_learned_show_that_the_rate_is_not_used() {
        let same = [(10, 2.1), (50, 1.2), (90, 0.8)];
        let trials = [trial(0, 0.01, &same, &[(100, 0.7)]), trial(1, 0.1, &same, &[(100, 0.7)])];
        let Some(Suspicion::RateUnused { low, high, readings: 4 }) = suspicion(&trials) else {
            panic!("{:?}", suspicion(&trials))
        };
        assert!((low.get(), high.get()) == (0.01, 0.1));
        let other = trial(2, 1.0, &[(10, 2.1), (50, 1.2), (90, 0.8001)], &[(100, 0.7)]);
        assert_eq!(suspicion(&[trials[0].clone(), other.clone()]), None);
        assert_eq!(suspicion(&[trials[0].clone(), trials[1].clone(), other]), None);
    }

    #[test]
    fn one_printed_rate_for_two_given_ones_shows_that_they_are_not_used() {
        let printing = |id, lr, rates: &[f64]| {
            let mut made = trial(id, lr, &[], &[]);
            for (at, rate) in rates.iter().enumerate() {
                made.train.push(Point { step: at as u64, lr: *rate, loss: 2.0 - lr - at as f64 / 10.0 });
            }
            made
        };
        let fixed = [printing(0, 0.01, &[0.003, 0.003]), printing(1, 0.1, &[0.003, 0.002])];
        assert!(matches!(suspicion(&fixed), Some(Suspicion::OtherRatePrinted { .. })));
        let used = [printing(0, 0.01, &[0.01, 0.005]), printing(1, 0.1, &[0.1, 0.05])];
        assert_eq!(suspicion(&used), None);
        let warming = [printing(0, 0.01, &[0.001, 0.002, 0.003]), printing(1, 0.1, &[0.01, 0.02, 0.03])];
        assert_eq!(suspicion(&warming), None);
    }

    #[test]
    fn rates_too_low_to_move_and_dead_networks_are_no_sign() {
        let still = [(10, 2.31), (50, 2.29), (90, 2.30)];
        assert_eq!(suspicion(&[trial(0, 1e-6, &still, &[]), trial(1, 1e-5, &still, &[])]), None);
        let guessing = std::f64::consts::LN_10;
        let dead = [(50, guessing), (90, guessing)];
        assert_eq!(suspicion(&[trial(0, 1.0, &dead, &[]), trial(1, 10.0, &dead, &[])]), None);
    }

    #[test]
    fn one_equal_reading_a_trial_needs_four_rates() {
        let one = |id, lr| trial(id, lr, &[], &[(100, 0.5211)]);
        let mut trials = vec![one(0, 0.001), one(1, 0.01), one(2, 0.1)];
        assert_eq!(suspicion(&trials), None);
        trials.push(one(3, 1.0));
        assert!(matches!(suspicion(&trials), Some(Suspicion::RateUnused { .. })));
    }

    #[test]
    fn a_first_reading_at_the_end_is_that_of_a_run_that_continues_another() {
        let fresh = trial(0, 0.01, &[(10, 2.2), (90, 1.0)], &[(100, 0.9)]);
        let late = trial(1, 0.1, &[(99, 0.5)], &[(100, 0.4)]);
        let found = suspicion(&[fresh.clone(), late.clone()]);
        assert!(matches!(found, Some(Suspicion::Continues { trial: TrialId(1), step: 99, .. })), "{found:?}");
        // Where every trial is read at its end only, a late reading is how this program logs.
        assert_eq!(suspicion(&[late, trial(2, 0.01, &[], &[(100, 0.6)])]), None);
    }

    #[test]
    fn a_loss_before_the_first_step_that_training_reached_is_that_of_a_checkpoint() {
        let fresh = trial(0, 0.01, &[], &[(0, 2.3), (100, 0.9)]);
        let resumed = trial(1, 0.1, &[], &[(0, 0.9), (100, 0.5)]);
        assert!(matches!(suspicion(&[fresh.clone(), resumed]), Some(Suspicion::Continues { .. })));
        let other_weights = trial(1, 0.1, &[], &[(0, 1.9), (100, 0.5)]);
        assert_eq!(suspicion(&[fresh, other_weights]), None);
        // One update at a high rate does as much as many at a low one.
        let quick = trial(0, 0.01, &[], &[(0, 2.3), (20, 0.9), (100, 0.8)]);
        let first_after_an_update = trial(1, 0.1, &[], &[(0, 1.0), (100, 0.5)]);
        assert_eq!(suspicion(&[quick, first_after_an_update]), None);
        // Half of what little was learned may be the difference between two networks.
        let slow = trial(0, 1e-4, &[], &[(0, 2.3), (100, 2.2)]);
        assert_eq!(suspicion(&[slow, trial(1, 0.1, &[], &[(0, 2.2), (100, 0.5)])]), None);
    }
}
