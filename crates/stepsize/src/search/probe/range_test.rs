//! [`RangeTest`]: one short run whose rate is ramped from far too low to far too high (Smith 2015,
//! arXiv 1506.01186, section 3.3).
//!
//! What a range test measures well is the upper edge: the rate at which training breaks. Where the
//! loss *starts* to fall is mostly a property of the ramp (after k steps of an exponential ramp all
//! steps before add up to about one decade of it), and smoothing moves it by up to two decades. So
//! our own rule, [`RangeTestRule::Edge`], finds the edge and divides it by [`MARGIN`]:
//! - losses are smoothed by a running median of five, centred, so that no feature moves;
//! - the *edge* is the first rate after the lowest smoothed loss where half of what was learned is
//!   lost again, or where a loss is not finite;
//! - the answer is the edge divided by 4: the best rate is "usually within a factor of two of the
//!   largest that converges" (Bengio 2012, arXiv 1206.5533, section 3.3.1), and Smith takes a third
//!   or a fourth of it as lower end.
//!
//! [`RangeTestRule::Peer`] follows another tool, with that tool's ramp, smoothing and stop rule
//! (`probe/suggest.rs`). [`RangeTestRule::Accuracy`] is Smith's: `base` where the score starts to
//! rise, `max` where it stops rising.
//!
//! Every rule needs enough losses, a fall beyond the noise, and a run that is not broken from the
//! start. Otherwise the probe refuses, even where the tool would name a rate. One run gives no
//! interval.

use crate::defaults::{RANGE_TEST_STEPS, range_test_span};
use crate::divergence::untrained_loss;
use crate::lr::Lr;
use crate::probe::Probe;
use crate::probe::evidence::{LEARNED, answered, refused};
use crate::probe::suggest::{Finder, Ramp, Suggestion};
use crate::question::RangeTestRule;
use crate::schedule::{Schedule, Shape};
use crate::spec::TrialSpec;
use crate::stats::{median, step_noise};
use crate::trial::Trial;
use crate::{Error, Estimate, Job, Reason, Remedy, Result};

/// Divisor from the edge to the answer; the source is in the head comment.
pub(super) const MARGIN: f64 = 4.0;
/// Fewest losses from which a shape can be read: the tools drop 15 and take differences of the
/// rest.
const LEAST: usize = 20;
/// A fall below this many standard deviations of a mini-batch loss is noise: the start and the
/// minimum of a running median of five over a few hundred readings differ by about three.
const NOISE: f64 = 4.0;
/// Fewest scores for Smith's reading.
const SCORES: usize = 8;
/// Share of the rise of the score at which it starts (and, from above, stops) to rise.
const RISE: f64 = 0.1;

/// Where the score starts and stops to rise in a range test (Smith 2015): the bounds of a cyclical
/// schedule.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounds {
    /// Rate at which the score has made the first tenth of its rise.
    pub base: f64,
    /// Rate at which it has made all but the last tenth; beyond, it slows, gets ragged or falls.
    pub max: f64,
}

/// One run on a ramp.
#[derive(Debug, Clone)]
pub struct RangeTest {
    job: Job,
    low: Lr,
    high: Lr,
    steps: u64,
    ramp: Ramp,
    reading: RangeTestRule,
}

impl RangeTest {
    /// An exponential ramp from `low` to `high` over `steps`, read at the edge.
    ///
    /// # Errors
    /// When `low >= high` or there are fewer than 20 steps.
    ///
    /// ```
    /// use stepsize::Job;
    /// use stepsize::probe::{Probe, RangeTest};
    /// use stepsize::{Lr, Schedule};
    /// let job = Job::new(1000, Schedule::constant(), 0)?;
    /// let test = RangeTest::new(job, Lr::new(1e-6)?, Lr::new(10.0)?, 200)?;
    /// let trial = &test.ask(&[])?[0];
    /// assert!((trial.lr.get() * trial.schedule.factor(199) / 10.0 - 1.0).abs() < 1e-12);
    /// # Ok::<(), stepsize::Error>(())
    /// ```
    pub fn new(job: Job, low: Lr, high: Lr, steps: u64) -> Result<Self> {
        if low >= high {
            return Err(Error::invalid(format!("a range test needs low < high, not {low} to {high}")));
        }
        if steps < LEAST as u64 {
            return Err(Error::invalid(format!("a range test needs at least {LEAST} steps, not {steps}")));
        }
        Ok(Self { job, low, high, steps, ramp: Ramp::Exponential, reading: RangeTestRule::Edge })
    }

    /// The test of another tool: its span and length (1e-7 to 10 in 100 steps; Lightning 1e-8 to
    /// 1), ramp and rule.
    ///
    /// # Errors
    /// None with these constants.
    pub fn of(job: Job, suggestion: Suggestion) -> Result<Self> {
        let rule = RangeTestRule::Peer(suggestion);
        let (low, high) = range_test_span(rule);
        Ok(Self::new(job, Lr::new(low)?, Lr::new(high)?, RANGE_TEST_STEPS)?.with_reading(rule))
    }

    /// Raises the rate along another ramp.
    pub fn with_ramp(mut self, ramp: Ramp) -> Self {
        self.ramp = ramp;
        self
    }

    /// Reads the curve by another rule.
    pub fn with_reading(mut self, reading: RangeTestRule) -> Self {
        self.reading = reading;
        self
    }

    /// The tool whose ramp is run. Ours is torch-lr-finder's: both ends of the span are included.
    fn finder(&self) -> Finder {
        match self.reading {
            RangeTestRule::Peer(suggestion) => suggestion.finder(),
            RangeTestRule::Edge | RangeTestRule::Accuracy => Finder::TorchLrFinder,
        }
    }

    fn spec(&self) -> Result<TrialSpec> {
        let (low, high) = (self.low.get(), self.high.get());
        let rates = self.finder().rates(low, high, self.steps as usize, self.ramp);
        let (lr, steps) = (Lr::new(rates[0])?, rates.len() as u64);
        let schedule = match (self.finder(), self.ramp) {
            (Finder::TorchLrFinder, Ramp::Exponential) => Schedule::range_test(high / low, steps, Shape::Exponential)?,
            (Finder::TorchLrFinder, Ramp::Linear) => Schedule::range_test(high / low, steps, Shape::Linear)?,
            // The other tools never reach the end, skip a point or overshoot.
            _ => Schedule::table(rates.iter().map(|r| r / lr.get()))?,
        };
        Ok(TrialSpec { lr, schedule, steps, seed: self.job.seed, stop_on_divergence: true })
    }
}

/// Centred running median of five; losses that are not finite are left out.
fn smooth(losses: &[f64]) -> Vec<f64> {
    (0..losses.len())
        .map(|i| {
            let near = &losses[i.saturating_sub(2)..(i + 3).min(losses.len())];
            let near: Vec<f64> = near.iter().copied().filter(|l| l.is_finite()).collect();
            median(&near).unwrap_or(f64::NAN)
        })
        .collect()
}

/// Index of the edge, `None` when the run never broke; or why the evidence is unfit.
fn edge_index(losses: &[f64], untrained: Option<f64>) -> std::result::Result<Option<usize>, (Reason, String)> {
    let sound = losses.iter().position(|l| !l.is_finite()).unwrap_or(losses.len());
    let smooth = smooth(&losses[..sound]);
    let Some(&first) = smooth.first() else {
        return Err(match losses.first() {
            Some(_) => (Reason::AllDiverged, "the first loss is not finite".into()),
            None => (Reason::TooShort, "no loss was read".into()),
        });
    };
    let start = untrained.unwrap_or(first);
    let least = (0..sound).fold(0, |best, i| if smooth[i] < smooth[best] { i } else { best });
    let (fall, noise) = (first - smooth[least], step_noise(&losses[..sound]).unwrap_or(f64::NAN));
    let broken = sound < losses.len() || smooth[sound - 1] > start + 0.5 * start.abs();
    if sound < LEAST {
        return Err(if broken {
            (Reason::AllDiverged, format!("training broke after {sound} steps, before anything was learned"))
        } else {
            (Reason::TooShort, format!("{sound} losses were read; {LEAST} are needed"))
        });
    }
    if fall <= (LEARNED * start.abs()).max(f64::EPSILON * first.abs()) {
        return Err(if broken {
            (Reason::AllDiverged, "training broke before the loss fell".into())
        } else {
            (Reason::Flat, format!("the loss never fell: untrained {start:.4}, lowest {:.4}", smooth[least]))
        });
    }
    if fall < NOISE * noise {
        return Err((Reason::NoiseOnly, format!("the loss fell by {fall:.3e}, its noise is {noise:.3e}")));
    }
    let lost = smooth[least] + fall / 2.0;
    Ok((least..sound).find(|&i| smooth[i] > lost).or((sound < losses.len()).then_some(sound)))
}

/// Smith's bounds from scores that rise (accuracy, R2) over rates that rise; `None` from fewer than
/// eight finite scores, or scores that never rise.
///
/// The score at the lowest rate is the floor and the highest of its running median of three the
/// top; `base` is the first rate above a tenth of that rise, `max` the first above nine tenths.
pub fn smith(lrs: &[f64], scores: &[f64]) -> Option<Bounds> {
    let sound: Vec<(f64, f64)> = lrs.iter().copied().zip(scores.iter().copied()).filter(|p| p.1.is_finite()).collect();
    if sound.len() < SCORES {
        return None;
    }
    let smooth: Vec<f64> = (0..sound.len())
        .map(|i| {
            let near: Vec<f64> = sound[i.saturating_sub(1)..(i + 2).min(sound.len())].iter().map(|p| p.1).collect();
            median(&near).unwrap_or(f64::NAN)
        })
        .collect();
    let top = smooth.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let rise = top - smooth[0];
    let first_above = |share: f64| smooth.iter().position(|s| *s > smooth[0] + share * rise).map(|i| sound[i].0);
    (rise > 0.0).then_some(())?;
    Some(Bounds { base: first_above(RISE)?, max: first_above(1.0 - RISE)? })
}

impl Probe for RangeTest {
    fn name(&self) -> &'static str {
        "range-test"
    }

    fn ask(&self, done: &[Trial]) -> Result<Vec<TrialSpec>> {
        Ok(if done.is_empty() { vec![self.spec()?] } else { Vec::new() })
    }

    fn estimate(&self, done: &[Trial]) -> Result<Estimate> {
        let cost = self.job.cost_runs(done);
        let refuse = |reason, because: String, remedies: &[Remedy]| Ok(refused(reason, because, remedies, done, cost));
        let Some(trial) = done.first() else {
            return refuse(Reason::TooShort, "no trial has ended".into(), &[Remedy::Resume]);
        };
        let (lrs, losses) = (trial.train.lrs(), trial.train.losses());
        let edge = match edge_index(&losses, untrained_loss(trial)) {
            Ok(edge) => edge,
            Err((reason, because)) => {
                let longer = Remedy::LongerTrials { at_least: None };
                let remedies = match reason {
                    Reason::AllDiverged => vec![Remedy::LowerRates, Remedy::CheckModelAndData],
                    Reason::TooShort => vec![longer],
                    Reason::NoiseOnly => vec![longer, Remedy::LargerBatches],
                    _ => vec![Remedy::HigherRates, longer, Remedy::CheckRateIsUsed],
                };
                return refuse(reason, because, &remedies);
            }
        };
        let edge = edge.and_then(|i| lrs.get(i)).and_then(|&lr| Lr::new(lr).ok());
        let mut estimate = match self.reading {
            RangeTestRule::Edge => match edge {
                Some(edge) => {
                    let why = format!("training breaks at {edge}; the answer is a quarter of that");
                    answered(edge * MARGIN.recip(), None, why, done, cost)
                }
                None => {
                    let last = lrs.last().and_then(|&lr| Lr::new(lr).ok());
                    let last = last.map_or_else(String::new, |lr| format!(" up to a rate of {lr}"));
                    refused(Reason::AtEdge, format!("training did not break{last}"), &[Remedy::HigherRates], done, cost)
                }
            },
            RangeTestRule::Peer(suggestion) => {
                let recorded = suggestion.finder().record(&losses);
                match suggestion.suggest(&lrs, &recorded, self.steps as usize).map(Lr::new) {
                    Some(Ok(lr)) => {
                        answered(lr, None, format!("{} ({})", suggestion.says(), suggestion.name()), done, cost)
                    }
                    _ => refused(
                        Reason::TooShort,
                        format!("{} has no answer for {} recorded losses", suggestion.name(), recorded.len()),
                        &[Remedy::LongerTrials { at_least: None }],
                        done,
                        cost,
                    ),
                }
            }
            RangeTestRule::Accuracy => {
                let scores = trial.score.losses();
                match smith(&trial.score.lrs(), &scores) {
                    Some(Bounds { base, max }) => {
                        let why =
                            format!("the score begins to climb at {} and flattens at {}", short(base), short(max));
                        answered(Lr::new(max)?, None, why, done, cost)
                    }
                    None => refused(
                        if scores.len() < SCORES { Reason::TooShort } else { Reason::Flat },
                        format!("{} scores show no rise; {SCORES} or more are needed", scores.len()),
                        &[Remedy::ReadLoss],
                        done,
                        cost,
                    ),
                }
            }
        };
        estimate.divergence_lr = edge;
        Ok(estimate)
    }
}

/// A rate with three digits, for people.
fn short(rate: f64) -> String {
    format!("{rate:.2e}").parse::<f64>().map_or_else(|_| rate.to_string(), |rate| rate.to_string())
}
