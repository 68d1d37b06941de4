//! [`Book`]: what the trials say, as readings of log loss, with divergence as a ceiling.

use crate::landscape::Reading;
use crate::lr::Lr;
use crate::probe::Job;
use crate::trial::Trial;

/// A constant-rate run is read at its shorter lengths down to this many steps; below, the transient of the first steps
/// decides.
const MIN_PREFIX: u64 = 30;

/// Outcome of one probe.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    pub x: f64,
    pub steps: u64,
    /// Log loss at the end; `None` when it diverged.
    pub y: Option<f64>,
}

/// All that the trials say.
#[derive(Debug)]
pub(super) struct Book {
    pub entries: Vec<Entry>,
    pub readings: Vec<Reading>,
    /// Log of the untrained loss.
    pub untrained: f64,
    /// Lowest `log2 lr` that exploded; infinite when none did.
    pub ceiling: f64,
}

impl Book {
    pub fn new(job: &Job, done: &[Trial]) -> Self {
        let log = log_loss(done);
        let mut entries = Vec::new();
        let mut readings = Vec::new();
        for trial in done.iter().filter(|t| t.finished() || t.diverged()) {
            let (x, steps) = (trial.spec.lr.log2(), trial.spec.steps);
            let y = trial.final_loss().map(&log);
            entries.push(Entry { x, steps, y });
            let Some(y) = y else { continue };
            let s = |n: u64| (n as f64 / job.steps as f64).log2();
            readings.push(Reading { x, s: s(steps), y });
            if job.is_horizon_free() {
                for n in [steps / 2, steps / 4, steps / 8].into_iter().filter(|&n| n >= MIN_PREFIX) {
                    let at = trial.val.points().iter().find(|p| p.step == n && p.loss.is_finite());
                    readings.extend(at.map(|p| Reading { x, s: s(n), y: log(p.loss) }));
                }
            }
        }
        let untrained = done.iter().find_map(Trial::start_loss).map_or(0.0, &log);
        let ceiling = entries.iter().filter(|e| e.y.is_none()).map(|e| e.x).fold(f64::INFINITY, f64::min);
        Self { entries, readings, untrained, ceiling }
    }

    /// The probe at `x` of `steps`, if it was made.
    pub fn find(&self, x: f64, steps: u64) -> Option<&Entry> {
        self.entries.iter().find(|e| (e.x - x).abs() < 1e-6 && e.steps == steps)
    }

    /// Lowest and highest rate that was tried.
    pub fn tried(&self) -> (f64, f64) {
        let xs = || self.entries.iter().map(|e| e.x);
        (xs().fold(f64::INFINITY, f64::min), xs().fold(f64::NEG_INFINITY, f64::max))
    }

    /// Highest `log2 lr` below the ceiling that did not explode and did not end worse than untrained.
    pub fn survived(&self) -> f64 {
        let alive = self.entries.iter().filter(|e| e.x < self.ceiling && e.y.is_some_and(|y| y <= self.untrained));
        alive.map(|e| e.x).fold(f64::NEG_INFINITY, f64::max)
    }

    /// Lowest rate that exploded, or that ended worse than untrained above the best reading.
    pub fn divergence(&self) -> Option<Lr> {
        let best = self.best()?.x;
        self.entries
            .iter()
            .filter(|e| e.y.is_none_or(|y| y > self.untrained && e.x > best))
            .map(|e| e.x)
            .min_by(f64::total_cmp)
            .map(Lr::from_log2)
    }

    /// The entry with the lowest loss among the longest probes that were read (any, when none was).
    pub fn best(&self) -> Option<&Entry> {
        self.entries.iter().min_by(|a, b| a.y.unwrap_or(f64::INFINITY).total_cmp(&b.y.unwrap_or(f64::INFINITY)))
    }

    /// The evidence in a sentence, for people.
    pub fn story(&self, done: &[Trial], lr: Lr) -> String {
        let longest = self.entries.iter().map(|e| e.steps).max().unwrap_or(0);
        let (low, high) = self.tried();
        let diverged = self.entries.iter().filter(|e| e.y.is_none()).count();
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

/// Logarithm of a loss. Where a job's loss reaches zero or below (a likelihood of continuous targets, a reward with its
/// sign turned) it is measured from a floor a tenth of the seen range below the lowest reading.
fn log_loss(done: &[Trial]) -> impl Fn(f64) -> f64 + use<> {
    let all = || done.iter().flat_map(|t| t.val.points()).map(|p| p.loss).filter(|l| l.is_finite());
    let lowest = all().fold(f64::INFINITY, f64::min);
    let start = done.iter().find_map(Trial::start_loss).unwrap_or(lowest);
    let offset = if lowest > 0.0 { 0.0 } else { lowest - 0.1 * (start - lowest).abs().max(1e-12) };
    move |loss| (loss - offset).max(f64::MIN_POSITIVE).ln()
}
