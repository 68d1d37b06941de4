//! [`Book`]: what the trials say, as readings of log loss, with divergence as a ceiling.

use crate::landscape::Reading;
use crate::lr::Lr;
use crate::probe::Job;
use crate::schedule::Schedule;
use crate::trial::{End, Trial};

/// A constant-rate run is read at its shorter lengths down to this many steps; below, the transient of the first steps
/// decides.
const MIN_PREFIX: u64 = 30;

/// Outcome of one probe.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    pub x: f64,
    pub steps: u64,
    pub end: Ending,
}

/// How a probe ended, as the search sees it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Ending {
    /// Ran to its end at this log loss.
    Read(f64),
    /// Ended early: a higher rate was ahead.
    Behind,
    /// Exploded.
    Diverged,
}

impl Entry {
    /// Log loss at the end, for comparison: infinite when there is none.
    pub fn value(&self) -> f64 {
        match self.end {
            Ending::Read(y) => y,
            Ending::Behind | Ending::Diverged => f64::INFINITY,
        }
    }
}

/// All that the trials say.
#[derive(Debug)]
pub(super) struct Book {
    /// Probes with the first seed.
    pub entries: Vec<Entry>,
    /// Probes that were repeated with the second seed.
    pub again: Vec<Entry>,
    pub readings: Vec<Reading>,
    /// Log of the untrained loss.
    pub untrained: f64,
    /// Lowest `log2 lr` that exploded; infinite when none did.
    pub ceiling: f64,
}

impl Book {
    pub fn new(job: &Job, done: &[Trial]) -> Self {
        let log = log_loss(done);
        let (mut entries, mut again) = (Vec::new(), Vec::new());
        let mut readings = Vec::new();
        let full = progress(&job.schedule, job.steps);
        for trial in done {
            let (x, steps) = (trial.spec.lr.log2(), trial.spec.steps);
            let s = |n: u64| (progress(&trial.spec.schedule, n) / full).log2();
            let end = match (trial.final_loss().map(&log), &trial.end) {
                (Some(y), _) => {
                    readings.push(Reading { x, s: s(steps), y });
                    Ending::Read(y)
                }
                (None, Some(End::Pruned { .. })) => {
                    // On the left wall the loss depends on the sum of the rates only, so a low rate's un-annealed
                    // reading is worth as much as the end of a run with the same sum.
                    let last = trial.val.last().filter(|p| p.step > 0 && p.loss.is_finite());
                    readings.extend(last.map(|p| Reading { x, s: s(p.step), y: log(p.loss) }));
                    Ending::Behind
                }
                (None, Some(End::Finished | End::Diverged { .. })) => Ending::Diverged,
                (None, _) => continue,
            };
            if trial.spec.seed == job.seed { &mut entries } else { &mut again }.push(Entry { x, steps, end });
            if job.is_horizon_free() && matches!(end, Ending::Read(_)) {
                for n in [steps / 2, steps / 4, steps / 8].into_iter().filter(|&n| n >= MIN_PREFIX) {
                    let at = trial.val.points().iter().find(|p| p.step == n && p.loss.is_finite());
                    readings.extend(at.map(|p| Reading { x, s: s(n), y: log(p.loss) }));
                }
            }
        }
        let untrained = untrained(done).map_or(0.0, &log);
        let ceiling = entries
            .iter()
            .chain(&again)
            .filter(|e| e.end == Ending::Diverged)
            .map(|e| e.x)
            .fold(f64::INFINITY, f64::min);
        Self { entries, again, readings, untrained, ceiling }
    }

    /// The probe at `x` of `steps`, if it was made.
    pub fn find(&self, x: f64, steps: u64) -> Option<&Entry> {
        self.entries.iter().find(|e| (e.x - x).abs() < 1e-6 && e.steps == steps)
    }

    /// The probe at `x` of `steps` with the second seed, if it was made.
    pub fn find_again(&self, x: f64, steps: u64) -> Option<&Entry> {
        self.again.iter().find(|e| (e.x - x).abs() < 1e-6 && e.steps == steps)
    }

    /// Lowest and highest rate that was tried.
    pub fn tried(&self) -> (f64, f64) {
        let xs = || self.entries.iter().map(|e| e.x);
        (xs().fold(f64::INFINITY, f64::min), xs().fold(f64::NEG_INFINITY, f64::max))
    }

    /// Highest `log2 lr` below the ceiling that did not explode and did not end worse than untrained.
    pub fn survived(&self) -> f64 {
        let alive = self
            .entries
            .iter()
            .filter(|e| e.x < self.ceiling && (e.value() <= self.untrained || e.end == Ending::Behind));
        alive.map(|e| e.x).fold(f64::NEG_INFINITY, f64::max)
    }

    /// Lowest rate that exploded, or that ended worse than untrained above the best reading.
    pub fn divergence(&self) -> Option<Lr> {
        let best = self.best()?.x;
        self.entries
            .iter()
            .filter(|e| match e.end {
                Ending::Read(y) => y > self.untrained && e.x > best,
                Ending::Behind => false,
                Ending::Diverged => true,
            })
            .map(|e| e.x)
            .min_by(f64::total_cmp)
            .map(Lr::from_log2)
    }

    /// The entry with the lowest loss among the longest probes that were read (any, when none was).
    pub fn best(&self) -> Option<&Entry> {
        self.entries.iter().min_by(|a, b| a.value().total_cmp(&b.value()))
    }

    /// The evidence in a sentence, for people.
    pub fn story(&self, done: &[Trial], lr: Lr) -> String {
        let longest = self.entries.iter().map(|e| e.steps).max().unwrap_or(0);
        let (low, high) = self.tried();
        let diverged = self.entries.iter().filter(|e| e.end == Ending::Diverged).count();
        let mut text = format!(
            "{} probes of up to {longest} steps between {} and {}",
            done.len(),
            Lr::from_log2(low),
            Lr::from_log2(high)
        );
        if diverged > 0 {
            text += &format!(", {diverged} of them diverged");
        }
        text + &format!("; {lr} has the least expected regret for the full run.")
    }
}

/// Sum of the schedule's factors over the first `steps` steps: how far a run moves for its base rate.
fn progress(schedule: &Schedule, steps: u64) -> f64 {
    (0..steps).map(|t| schedule.factor(t)).sum::<f64>().max(f64::MIN_POSITIVE)
}

/// The untrained loss: an evaluation after 0 steps; where no trial has one (many commands evaluate after training only), the
/// first reading at the lowest rate, which has moved least.
fn untrained(done: &[Trial]) -> Option<f64> {
    let first = |t: &Trial| t.val.first().map(|p| p.loss).filter(|l| l.is_finite()).map(|l| (t.spec.lr.get(), l));
    let lowest = || done.iter().filter_map(first).min_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, loss)| loss);
    done.iter().find_map(Trial::start_loss).or_else(lowest)
}

/// Losses below this share of the untrained loss are as good as zero: there a ratio of two losses is noise, and would outweigh how
/// near a rate is to where training breaks.
const NEGLIGIBLE: f64 = 2e-4;

/// Logarithm of a loss, which has no more weight below [`NEGLIGIBLE`]. Where a job's loss reaches zero or below (a likelihood of continuous targets, a reward with its
/// sign turned) it is measured from a floor a tenth of the seen range below the lowest reading.
fn log_loss(done: &[Trial]) -> impl Fn(f64) -> f64 + use<> {
    let all = || done.iter().flat_map(|t| t.val.points()).map(|p| p.loss).filter(|l| l.is_finite());
    let lowest = all().fold(f64::INFINITY, f64::min);
    let start = untrained(done).unwrap_or(lowest);
    let offset = if lowest > 0.0 { -NEGLIGIBLE * start } else { lowest - 0.1 * (start - lowest).abs().max(1e-12) };
    move |loss| (loss - offset).max(f64::MIN_POSITIVE).ln()
}
