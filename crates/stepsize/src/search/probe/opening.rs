//! [`Opening`]: compares only the first sixteenth of full runs, for a command whose length cannot
//! be set.
//!
//! Such a run always decays its rate over the full horizon. Its losses in mid-run favour rates 3 to
//! 4 times too small, so losses from 0.1 to 0.8 of a run must never be compared. In the first 2 to
//! 6 % the schedule has hardly begun and the bias is small. The reading is the mean log loss over
//! the last two thirds of the first sixteenth. Rates are tried a factor of ten apart until the best
//! lies between worse ones, then half-way to its neighbours. The answer is the vertex of the
//! parabola through the best three plus [`SHIFT`].
//!
//! The interval is wide on purpose, [`BELOW`] octaves down and [`ABOVE`] up: the best rate at the
//! beginning is often too high for the whole run, and jobs differ much. With `{steps}` in the
//! command the search is `race`, which is sharper.

use crate::divergence::lowest_diverged;
use crate::lr::Lr;
use crate::probe::Probe;
use crate::probe::evidence::{answered, refused};
use crate::probe::race::{STRIDE, WIDENINGS, rounded_up};
use crate::spec::{End, TrialSpec};
use crate::trial::Trial;
use crate::{Estimate, Job, Reason, Remedy, Result};

/// The part of the run that is compared.
const SHARE: u64 = 16;
/// Octaves from the best rate of an opening to the answer. A compromise between the 57 fit jobs of
/// `bench/`, where a whole run's best lies 1.3 octaves below (median), and ten command jobs: +0.3,
/// -0.2 and -0.7 octaves have a regret of 53, 42 and 34 % on the former and of 49, 52 and 73 % on
/// the latter.
const SHIFT: f64 = -0.2;
/// Octaves by which the interval extends below and above the answer: it contains the best rate in
/// 80 % of the searches on the fit jobs.
const BELOW: f64 = 4.0;
const ABOVE: f64 = 1.3;
/// A mean log loss that is lower than that of the lowest rate by less than this is no difference.
const ALIKE: f64 = 0.03;

/// A search by the first part of full runs.
#[derive(Debug, Clone)]
pub struct Opening {
    job: Job,
    start: Lr,
    max_cost: f64,
}

impl Opening {
    /// A search for `job` that starts at `start` and spends at most `max_cost` full runs.
    ///
    /// # Errors
    /// When `max_cost` pays for less than three openings.
    pub fn new(job: Job, start: Lr, max_cost: f64) -> Result<Self> {
        let least = 3.0 * length(&job) as f64 / job.steps as f64;
        if max_cost.is_nan() || max_cost < least {
            return Err(crate::Error::invalid(format!(
                "a search by openings needs a budget of at least {least:.2} full runs, not {max_cost}"
            )));
        }
        Ok(Self { job, start, max_cost })
    }

    /// Rates wanted next, in octaves, and all rates of the plan so far; none when the plan is
    /// complete.
    fn plan(&self, done: &[Trial]) -> (Vec<f64>, Vec<(f64, f64)>) {
        let read = |x: f64| done.iter().find(|t| (t.spec.lr.log2() - x).abs() < 1e-6).map(|t| reading(&self.job, t));
        let start = self.start.log2();
        let mut xs = vec![start, start + STRIDE];
        for round in 0..=WIDENINGS {
            let missing: Vec<f64> = xs.iter().copied().filter(|x| read(*x).is_none()).collect();
            if !missing.is_empty() {
                return (missing, Vec::new());
            }
            let known = sorted(&xs, read);
            let (low, high) = (known[0].0, known[known.len() - 1].0);
            let outward = match best(&known) {
                None => Some(low - STRIDE),
                Some(0) => Some(low - STRIDE),
                Some(at) if at + 1 == known.len() => Some(high + STRIDE),
                Some(_) => None,
            };
            match outward {
                Some(x) if round < WIDENINGS => xs.push(x),
                Some(_) => return (Vec::new(), known),
                None => break,
            }
        }
        let known = sorted(&xs, read);
        let Some(middle) = best(&known).map(|at| known[at].0) else { return (Vec::new(), known) };
        xs.extend([middle - STRIDE / 2.0, middle + STRIDE / 2.0]);
        let missing: Vec<f64> = xs.iter().copied().filter(|x| read(*x).is_none()).collect();
        (missing, sorted(&xs, read))
    }
}

/// Steps of an opening.
fn length(job: &Job) -> u64 {
    (job.steps / SHARE).max(1)
}

/// Readings in the order of their rates: (log2 lr, mean log loss); infinite where the run diverged.
fn sorted(xs: &[f64], read: impl Fn(f64) -> Option<f64>) -> Vec<(f64, f64)> {
    let mut known: Vec<(f64, f64)> = xs.iter().filter_map(|&x| Some((x, read(x)?))).collect();
    known.sort_by(|a, b| a.0.total_cmp(&b.0));
    known
}

/// Index of the lowest finite reading.
fn best(known: &[(f64, f64)]) -> Option<usize> {
    let finite = known.iter().enumerate().filter(|(_, k)| k.1.is_finite());
    finite.min_by(|a, b| a.1.1.total_cmp(&b.1.1)).map(|(at, _)| at)
}

/// Mean log loss of a trial over the last two thirds of the opening; infinite when it diverged. A
/// metric that reaches zero or below is averaged as it is: only differences between rates count.
fn reading(job: &Job, trial: &Trial) -> f64 {
    if !matches!(trial.end, Some(End::Finished)) {
        return f64::INFINITY;
    }
    let length = length(job);
    let late = |p: &&crate::Point| p.step * 3 >= length && p.step <= length && p.loss.is_finite();
    let curve = if trial.val.points().len() > trial.train.points().len() { &trial.val } else { &trial.train };
    let losses: Vec<f64> = curve.points().iter().filter(late).map(|p| p.loss).collect();
    let losses = if losses.is_empty() { trial.final_loss().into_iter().collect() } else { losses };
    if losses.is_empty() {
        return f64::INFINITY;
    }
    let positive = losses.iter().all(|l| *l > 0.0);
    losses.iter().map(|l| if positive { l.ln() } else { *l }).sum::<f64>() / losses.len() as f64
}

/// Abscissa of the vertex of the parabola through three points, kept between the outer two.
fn vertex(p: [(f64, f64); 3]) -> f64 {
    let [(x0, y0), (x1, y1), (x2, y2)] = p;
    let (a, b) = ((x1 - x0) * (y1 - y2), (x1 - x2) * (y1 - y0));
    let bottom = a - b;
    if bottom.abs() < 1e-12 || ![y0, y1, y2].iter().all(|y| y.is_finite()) {
        return x1;
    }
    (x1 - 0.5 * ((x1 - x0) * a - (x1 - x2) * b) / bottom).clamp(x0, x2)
}

impl Opening {
    /// Steps of the longest opening: more than were asked for where the command is read more
    /// rarely.
    fn longest(&self, done: &[Trial]) -> u64 {
        done.iter().map(Trial::steps_paid).max().unwrap_or(0).max(length(&self.job))
    }
}

impl Probe for Opening {
    fn name(&self) -> &'static str {
        "opening"
    }

    fn ask(&self, done: &[Trial]) -> Result<Vec<TrialSpec>> {
        let (mut missing, _) = self.plan(done);
        let each = self.longest(done) as f64 / self.job.steps as f64;
        let left = ((self.max_cost - self.job.cost_runs(done)) / each + 1e-9).max(0.0) as usize;
        missing.truncate(left);
        let spec = |x: &f64| {
            let lr = Lr::from_log2(*x);
            let (schedule, seed) = (self.job.schedule.clone(), self.job.seed);
            Ok(TrialSpec { lr, schedule, steps: length(&self.job), seed, stop_on_divergence: true })
        };
        missing.iter().map(spec).collect()
    }

    fn estimate(&self, done: &[Trial]) -> Result<Estimate> {
        let cost = self.job.cost_runs(done);
        let refuse = |reason, because: String, remedies: &[Remedy]| Ok(refused(reason, because, remedies, done, cost));
        let xs: Vec<f64> = done.iter().map(|t| t.spec.lr.log2()).collect();
        let known = sorted(&xs, |x| done.iter().find(|t| t.spec.lr.log2() == x).map(|t| reading(&self.job, t)));
        let tried = |i: usize| known.get(i).map_or(String::new(), |k| Lr::from_log2(k.0).to_string());
        let finite: Vec<(f64, f64)> = known.iter().copied().filter(|k| k.1.is_finite()).collect();
        let Some(at) = best(&finite).filter(|_| finite.len() >= 3) else {
            return if finite.is_empty() && known.len() > 2 {
                let because = format!("every rate from {} to {} diverged", tried(0), tried(known.len() - 1));
                refuse(Reason::AllDiverged, because, &[Remedy::LowerStart, Remedy::CheckModelAndData])
            } else {
                let each = self.longest(done);
                let rarely = match each > length(&self.job) {
                    true => format!(": the first loss is that of step {each} of {}", self.job.steps),
                    false => String::new(),
                };
                let because = format!("only {} openings were read; 3 are needed{rarely}", finite.len());
                let least = cost + (3 - finite.len()) as f64 * each as f64 / self.job.steps as f64;
                let least = (least > self.max_cost).then(|| rounded_up(least, 100.0));
                refuse(Reason::TooShort, because, &[Remedy::LargerBudget { at_least: least }, Remedy::Resume])
            };
        };
        let least = finite[at].1;
        // Worse rates above show where training breaks, not that anything was learned.
        if finite[0].1 - least < ALIKE {
            let because = format!(
                "in the first 1/{SHARE} of the run no rate from {} to {} lowered the loss",
                tried(0),
                tried(known.len() - 1)
            );
            return refuse(Reason::Flat, because, &[Remedy::AcceptSteps, Remedy::CheckRateIsUsed]);
        }
        let capped = lowest_diverged(done).is_some_and(|edge| edge.log2() > finite[at].0);
        if at == 0 || (at + 1 == finite.len() && !capped) {
            let because = format!("the best rate, {}, is the outermost one tried", Lr::from_log2(finite[at].0));
            let outward = if at == 0 { Remedy::LowerStart } else { Remedy::HigherStart };
            return refuse(Reason::AtEdge, because, &[outward, Remedy::CheckRateScale]);
        }
        let top = finite.get(at + 1).copied().unwrap_or(finite[at]);
        let lowest = vertex([finite[at - 1], finite[at], top]);
        let edge = lowest_diverged(done).map_or(f64::INFINITY, Lr::log2);
        let x = (lowest + SHIFT).min(edge - 1.0);
        let (low, high) = (x - BELOW, (x + ABOVE).min(edge));
        let lr = Lr::from_log2(x);
        let share = match self.longest(done) {
            steps if steps > length(&self.job) => format!("{steps} steps"),
            _ => format!("1/{SHARE}"),
        };
        let why = format!(
            "the first {share} of {} full runs between {} and {}; the interval is wide because openings are a weak guide: with \
             {{steps}} in the command whole short runs could be compared",
            known.len(),
            tried(0),
            tried(known.len() - 1)
        );
        Ok(answered(lr, Some((Lr::from_log2(low), Lr::from_log2(high))), why, done, cost))
    }
}
