//! [`Rewind`]: when the loss breaks, goes back to an earlier state, cuts the rate and skips the
//! batches since.
//!
//! This is done by hand in large runs (PaLM, Chowdhery et al. 2022, arXiv 2204.02311, section 5.1:
//! back about 100 steps, skipping 200 to 500 batches). The loss is broken when
//! 1. it is not finite, or for `run` steps in a row above four times the first loss;
//! 2. *burst*: for `run` steps in a row it is more than `spike` mean deviations above its moving
//!    average (weight 0.03 a step, after 20 steps), and above it by a tenth of what the run has
//!    gained, so that one bad batch or the noise at the end of a run does not count;
//! 3. *drift*: the moving average has lost more than half of what the run had gained;
//! 4. *dead*: after a return it stands still near the first loss for [`DEAD`] steps, with no noise.
//!
//! Then the factor is multiplied by `cut`, and the loop goes back to a state of at least
//! `every / 2` steps ago and skips the batches since. The step count goes back too, so the run
//! keeps its whole schedule. Over `recover` steps the factor climbs back, because a first break may
//! be the fault of the data. A break before twice that many good steps is the fault of the rate:
//! then the level that the factor climbs to is cut as well. With `recover` 0 it never climbs. After
//! `attempts` returns it tries a lower base, once: from the beginning, at a tenth of the rate,
//! which stays. Then the controller does nothing more, and a broken loss ends the run. A dead
//! network has no good state since, so that return goes to the beginning too.

use super::spec::Parameters;
use super::state::{StateReader, Writer};
use super::{Controller, Metric, Needs, Observation, Request, State};
use crate::notation::Call;
use crate::{Error, Lr, Result};
use std::fmt;

/// Parameters of the rewind.
#[derive(Debug, Clone, PartialEq)]
pub struct Rewind {
    /// Multiplier of the factor at each return, above 0 and at most 1. With 1 only the batches are
    /// skipped.
    pub cut: f64,
    /// Mean deviations above the average that count as a burst.
    pub spike: f64,
    /// Steps in a row that make a burst.
    pub run: u64,
    /// Steps from one kept state to the next.
    pub every: u64,
    /// Most returns in a run, before the last one at a lower base.
    pub attempts: u64,
    /// Good steps over which the factor climbs back; 0: it stays cut.
    pub recover: u64,
}

/// Weight of one step in the moving averages. They span about thirty steps, as the gradient norms
/// of ZClip do (arXiv 2504.02507).
const WEIGHT: f64 = 0.03;
/// Steps before the averages are trusted.
const WARM: u64 = 20;
/// Multiple of the first loss that counts as broken: fastai's range test stops there.
const BLOWN: f64 = 4.0;
/// Steps after a return over which a loss that stands still is that of a dead network: the averages
/// have then forgotten the break.
const DEAD: u64 = 100;
/// Mean deviation, and change over [`DEAD`] steps, as shares of the loss, below which it stands
/// still. The losses of mini-batches of 64 differ by 3 % and more where a network computes
/// anything; at a high rate the biases of a dead one still move its loss by 1 %.
const STILL: (f64, f64) = (0.02, 0.01);
/// Share of the first loss above which a network has learned nothing.
const NOTHING: f64 = 0.95;
/// What is left of the rate at the last return.
const LOWER: f64 = 0.1;
/// Steps to go back to the beginning: more than any run has.
const BEGINNING: u64 = u64::MAX / 4;
/// What is said of a network that has died.
const UNITS: &str = "the units are dead";

impl Default for Rewind {
    fn default() -> Self {
        Self { cut: 0.5, spike: 8.0, run: 3, every: 100, attempts: 8, recover: 0 }
    }
}

impl Rewind {
    /// The controller.
    ///
    /// # Errors
    /// When a parameter is outside its range.
    pub fn build(self) -> Result<Box<dyn Controller>> {
        let legal = self.cut > 0.0
            && self.cut <= 1.0
            && self.spike > 0.0
            && self.spike.is_finite()
            && self.run > 0
            && self.every > 0
            && (1..=1000).contains(&self.attempts);
        if !legal {
            return Err(Error::invalid(format!(
                "rewind needs 0 < cut <= 1, spike > 0, run >= 1, every >= 1 and 1 to 1000 attempts, not {self}"
            )));
        }
        Ok(Box::new(Live {
            spec: self,
            factor: 1.0,
            ceiling: 1.0,
            attempts: 0,
            good: 0,
            streak: 0,
            blown: 0,
            seen: 0,
            first: 0.0,
            best: 0.0,
            mean: 0.0,
            deviation: 0.0,
            mark: f64::MAX,
        }))
    }
}

impl Parameters for Rewind {
    fn read(call: &Call) -> Result<Self> {
        let a = call.arguments(&["cut", "spike", "run", "every", "attempts", "recover"], &[])?;
        let d = Self::default();
        Ok(Self {
            cut: a.number("cut")?.unwrap_or(d.cut),
            spike: a.number("spike")?.unwrap_or(d.spike),
            run: a.count("run")?.unwrap_or(d.run),
            every: a.count("every")?.unwrap_or(d.every),
            attempts: a.count("attempts")?.unwrap_or(d.attempts),
            recover: a.count("recover")?.unwrap_or(d.recover),
        })
    }

    fn start(&self, _base: Lr) -> Result<Box<dyn Controller>> {
        self.clone().build()
    }
}

impl fmt::Display for Rewind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cut, spike, run, every, attempts, recover } = self;
        write!(
            f,
            "rewind(cut={cut:?}, spike={spike:?}, run={run}, every={every}, attempts={attempts}, recover={recover})"
        )
    }
}

struct Live {
    spec: Rewind,
    factor: f64,
    /// The level that the factor climbs back to.
    ceiling: f64,
    /// Returns so far.
    attempts: u64,
    /// Steps since the last return.
    good: u64,
    /// Broken steps in a row: by the average, and by the first loss.
    streak: u64,
    blown: u64,
    /// Number of losses in the averages.
    seen: u64,
    first: f64,
    /// Lowest average.
    best: f64,
    mean: f64,
    deviation: f64,
    /// The average when it was last held against itself.
    mark: f64,
}

impl Live {
    /// Says what is broken, if anything. A good loss enters the averages.
    fn judge(&mut self, loss: f64) -> Option<String> {
        if !loss.is_finite() {
            return Some(format!("the loss is {loss}"));
        }
        if self.seen == 0 {
            (self.first, self.mean, self.best) = (loss, loss, loss);
        }
        self.blown = if loss > BLOWN * self.first.abs() { self.blown + 1 } else { 0 };
        if self.blown >= self.spec.run {
            return Some(format!("the loss {loss:.4e} is over {BLOWN} times the first, {:.4e}", self.first));
        }
        let (above, gain) = (loss - self.mean, self.first - self.best);
        if self.seen >= WARM && above > self.spec.spike * self.deviation && above > 0.1 * gain.max(0.0) {
            self.streak += 1;
            // A suspect loss stays out of the averages, or it would hide those that follow.
            let deviations = above / self.deviation;
            return (self.streak >= self.spec.run).then(|| {
                format!("the loss {loss:.4e} is {deviations:.0} deviations above its average {:.4e}", self.mean)
            });
        }
        self.streak = 0;
        self.seen += 1;
        // At first means over all losses, then moving ones.
        let weight = WEIGHT.max(1.0 / self.seen as f64);
        self.deviation += weight * (above.abs() - self.deviation);
        self.mean += weight * above;
        if self.seen >= WARM {
            self.best = self.best.min(self.mean);
            let back = self.mean - self.best;
            if gain > 4.0 * self.deviation && back > 0.5 * gain {
                let share = 100.0 * back / gain;
                return Some(format!(
                    "the average loss {:.4e} has given back {share:.0} % of what was gained",
                    self.mean
                ));
            }
        }
        if self.attempts > 0 && self.good > 0 && self.good.is_multiple_of(DEAD) {
            let size = self.mean.abs();
            let stands = self.deviation < STILL.0 * size && (self.mean - self.mark).abs() < STILL.1 * size;
            if stands && self.mean > NOTHING * self.first {
                return Some(format!("the loss stands still at {:.4e}: {UNITS}", self.mean));
            }
            self.mark = self.mean;
        }
        None
    }
}

impl Controller for Live {
    fn metric(&self) -> Metric {
        Metric::TrainLoss
    }

    fn needs(&self) -> Needs {
        Needs { keep: Some(self.spec.every), ..Needs::default() }
    }

    fn factor(&self) -> f64 {
        self.factor
    }

    fn observe(&mut self, seen: &Observation) -> Result<Request> {
        let Some(why) = self.judge(seen.value) else {
            self.good += 1;
            if self.factor < self.ceiling {
                let climb = self.spec.cut.powf(-1.0 / self.spec.recover.max(1) as f64);
                self.factor = (self.factor * climb).min(self.ceiling);
            }
            return Ok(Request::Go);
        };
        if self.attempts > self.spec.attempts {
            return Ok(Request::Go);
        }
        let last = self.attempts == self.spec.attempts;
        let again = self.attempts > 0 && self.good < 2 * self.spec.recover;
        self.attempts += 1;
        if again || self.spec.recover == 0 {
            self.ceiling *= self.spec.cut;
        }
        self.factor = (self.factor * self.spec.cut).min(self.ceiling);
        if last {
            self.factor *= LOWER;
            self.ceiling = self.factor;
        }
        self.mark = f64::MAX;
        (self.good, self.streak, self.blown) = (0, 0, 0);
        if (1..WARM).contains(&self.seen) {
            // The averages hold little else than the break.
            (self.seen, self.mean, self.best, self.deviation) = (1, self.first, self.first, 0.0);
        }
        // The losses behind the averages will be seen again. Without this the drift that was just
        // judged would be judged again at once.
        self.mean = self.mean.min(self.best + 2.0 * self.deviation);
        if last {
            let why = format!("{why}; after {} returns a last one, at a tenth of the rate", self.spec.attempts);
            return Ok(Request::Rewind { back: BEGINNING, why });
        }
        let back = if why.ends_with(UNITS) { BEGINNING } else { self.spec.every / 2 };
        let why = format!("{why}; return {} of at most {}", self.attempts, self.spec.attempts);
        Ok(Request::Rewind { back, why })
    }

    fn save(&self) -> State {
        Writer::new()
            .put("factor", self.factor)
            .put("ceiling", self.ceiling)
            .put("attempts", self.attempts as f64)
            .put("good", self.good as f64)
            .put("streak", self.streak as f64)
            .put("blown", self.blown as f64)
            .put("seen", self.seen as f64)
            .put("first", self.first)
            .put("best", self.best)
            .put("mean", self.mean)
            .put("deviation", self.deviation)
            .put("mark", self.mark)
            .state()
    }

    fn restore(&mut self, state: &State) -> Result<()> {
        let mut reader = StateReader::new("rewind", state);
        let (factor, ceiling) = (reader.within("factor", 0.0, 1.0)?, reader.within("ceiling", 0.0, 1.0)?);
        reader.within("attempts", 0.0, self.spec.attempts as f64 + 1.0)?;
        let (attempts, good) = (reader.count("attempts")?, reader.count("good")?);
        let (streak, blown, seen) = (reader.count("streak")?, reader.count("blown")?, reader.count("seen")?);
        let mut loss = |name: &str| reader.within(name, f64::MIN, f64::MAX);
        let (first, best, mean) = (loss("first")?, loss("best")?, loss("mean")?);
        let mark = loss("mark")?;
        let deviation = reader.within("deviation", 0.0, f64::MAX)?;
        reader.finish()?;
        (self.factor, self.ceiling, self.attempts, self.good) = (factor, ceiling, attempts, good);
        (self.streak, self.blown, self.seen) = (streak, blown, seen);
        (self.first, self.best, self.mean, self.deviation) = (first, best, mean, deviation);
        self.mark = mark;
        Ok(())
    }
}
