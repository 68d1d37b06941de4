//! A warm-up of a fixed number of steps that is longer than the trials: they then say what the rate
//! does while it rises, not what it does in the full run.

use super::suspect::printed;
use crate::curve::Point;
use crate::trial::Trial;

/// A printed rate that ends above this many times its first one rises, ...
const RISING: f64 = 1.2;
/// ... and has not reached the given rate while it is below this share of it, ...
const STILL_BELOW: f64 = 0.95;
/// ... in more readings than this.
const READINGS: usize = 2;
/// Share of its fall that a loss has made by the middle of a trial in which the rate rises from
/// zero: a quarter where the loss falls in proportion to the sum of the rates. At a constant rate
/// it is half or more, 0.5 to 0.9 with momentum, which also begins slowly.
const LATE: f64 = 0.42;
/// A fall below this share of the first loss tells nothing of its shape, ...
const LEAST: f64 = 0.01;
/// ... nor does one above this share of what the best trial of the length made: it flattens.
const FLATTENS: f64 = 0.7;
/// Fewest readings that show a shape.
const CURVE: usize = 4;
/// Fewest trials that must show it, and all that can must.
const TRIALS: usize = 2;

/// What speaks for a warm-up that is longer than the trials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Warming {
    /// The printed rate still rose at the end of every trial that printed one.
    Printed,
    /// No rate is printed, and the loss fell late in every trial whose curve has a shape.
    Late,
}

impl Warming {
    /// What the trials show, if they show it.
    pub(crate) fn of(trials: &[Trial]) -> Option<Self> {
        let mut known = trials.iter().filter_map(rises).peekable();
        if known.peek().is_some() {
            return known.all(|rises| rises).then_some(Self::Printed);
        }
        let shares: Vec<f64> = trials.iter().filter_map(|t| share_by_half(t, trials)).collect();
        (shares.len() >= TRIALS && shares.iter().all(|share| *share < LATE)).then_some(Self::Late)
    }

    /// What to say to people beside an answer.
    pub(crate) fn remark(self) -> &'static str {
        match self {
            Self::Printed => {
                " The printed rate still rose at the end of every trial: a warm-up of a fixed number of steps is longer than \
                 they are, and the best rate of the full run may be lower. Let the warm-up be a share of the run, or raise \
                 the budget."
            }
            Self::Late => {
                " In every trial below the best rate the loss fell mostly in the second half. If the command has a warm-up \
                 of a fixed number of steps, it is longer than the trials, and the best rate of the full run may be lower: \
                 let the warm-up be a share of the run, or raise the budget."
            }
        }
    }
}

/// Whether the rate that a trial printed still rose at its end; `None` where it printed too few.
fn rises(trial: &Trial) -> Option<bool> {
    let rates = printed(trial);
    let (first, last) = (rates.first()?, rates.last()?);
    let falls = rates.windows(2).any(|w| w[1] < w[0]);
    let rising = !falls && *last > RISING * first && *last < STILL_BELOW * trial.spec.lr.get();
    (rates.len() > READINGS).then_some(rising)
}

/// The share of its fall that a trial's loss made by the middle of its readings; `None` where it
/// has too few, hardly fell, or the rate is not below that of the best trial of its length.
fn share_by_half(trial: &Trial, trials: &[Trial]) -> Option<f64> {
    let (fall, points) = (fallen(trial)?, trial.val.points());
    let same = trials.iter().filter(|t| t.spec.steps == trial.spec.steps);
    let (most, best) = same.filter_map(|t| Some((fallen(t)?, t.spec.lr))).max_by(|a, b| a.0.total_cmp(&b.0))?;
    let (first, last) = (points.first()?, points.last()?);
    let shaped = points.len() >= CURVE && trial.spec.lr < best;
    let told = shaped && fall >= LEAST * first.loss.abs() && fall <= FLATTENS * most;
    told.then(|| (first.loss - at(points, (first.step + last.step) as f64 / 2.0)) / fall)
}

/// How far the loss of a finished trial fell from its first reading to its last.
fn fallen(trial: &Trial) -> Option<f64> {
    Some(trial.val.first()?.loss - trial.final_loss()?).filter(|fall| fall.is_finite())
}

/// The loss at `step`, on the line between two readings.
fn at(points: &[Point], step: f64) -> f64 {
    let around = points.windows(2).find(|w| w[1].step as f64 >= step);
    around.map_or(f64::NAN, |w| {
        let share = (step - w[0].step as f64) / (w[1].step - w[0].step).max(1) as f64;
        w[0].loss + share * (w[1].loss - w[0].loss)
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::super::suspect::tests::trial;
    use super::*;

    #[test]
    fn a_printed_rate_that_still_rises_at_the_end_of_every_trial_is_a_warm_up() {
        let printing = |id, lr, rates: &[f64]| {
            let mut made = trial(id, lr, &[], &[]);
            for (at, rate) in rates.iter().enumerate() {
                made.train.push(Point { step: at as u64, lr: *rate, loss: 2.0 - lr - at as f64 / 10.0 });
            }
            made
        };
        let warming = [printing(0, 0.01, &[0.001, 0.002, 0.003]), printing(1, 0.1, &[0.01, 0.02, 0.03])];
        assert_eq!(Warming::of(&warming), Some(Warming::Printed));
        assert_eq!(Warming::of(&[printing(0, 0.01, &[0.01, 0.005]), printing(1, 0.1, &[0.1, 0.05])]), None);
        assert_eq!(Warming::of(&[printing(0, 0.01, &[0.001, 0.01, 0.005])]), None);
    }

    /// Trials whose loss falls exponentially with the sum of the rates, which rise for `warmup`
    /// steps.
    fn falling(warmup: u64, printed: bool) -> Vec<Trial> {
        let one = |(id, lr): (u32, f64)| {
            let mut sum = 0.0;
            let mut made = trial(id, lr, &[], &[(0, 2.3)]);
            for step in 1..=100u64 {
                let rate = lr * (step as f64 / warmup as f64).min(1.0);
                sum += rate;
                if step.is_multiple_of(10) {
                    let lr = if printed { rate } else { lr };
                    made.val.push(Point { step, lr, loss: 2.3 * f64::exp(-sum) });
                }
            }
            made
        };
        [0.01, 0.03, 0.5].into_iter().enumerate().map(|(id, lr)| one((id as u32, lr))).collect()
    }

    #[test]
    fn losses_that_fall_late_at_all_rates_below_the_best_are_a_sign_of_a_warm_up_that_is_not_printed() {
        assert_eq!(Warming::of(&falling(400, false)), Some(Warming::Late));
        assert_eq!(Warming::of(&falling(1, false)), None);
        assert_eq!(Warming::of(&falling(20, false)), None, "it is over within the trials");
        assert_eq!(Warming::of(&falling(400, true)), Some(Warming::Printed));
    }
}
