//! What a search may take in time and money, and what it will take.

use crate::args::LimitArgs;
use crate::done::{Done, Fault};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;
use stepsize::probe::Race;
use stepsize::{FindProbe, Question, QuestionKind};
use stepsize_draw::number::{count, money, plural, rate, seconds};

/// The limits of a search.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Seconds of trials, all together.
    trials: Option<f64>,
    /// Trials at a time.
    jobs: f64,
    per_hour: Option<f64>,
    seconds_per_step: Option<f64>,
    /// How often a trial that failed is tried again.
    pub retries: u32,
}

impl Limits {
    /// Those of `args` for `jobs` trials at a time at this price of a trial-hour.
    pub fn new(args: &LimitArgs, jobs: usize, per_hour: Option<f64>) -> Result<Self, Fault> {
        let positive = |name: &str, value: Option<f64>| match value {
            Some(value) if !(value > 0.0 && value.is_finite()) => {
                Err(Fault::usage(format!("{name} is {value}; it must be above 0")))
            }
            value => Ok(value),
        };
        let jobs = jobs.max(1) as f64;
        let seconds_per_step = positive("--seconds-per-step", args.seconds_per_step)?;
        let paid = match (positive("--max-price", args.max_price)?, per_hour) {
            (Some(price), Some(per_hour)) => Some(price / per_hour * 3600.0),
            (Some(_), None) => {
                return Err(Fault::usage("--max-price needs --price-per-hour, the price of a trial-hour"));
            }
            (None, _) => None,
        };
        let timed = args.max_time.map(|time| time.as_secs_f64() * jobs);
        let trials = [paid, timed].into_iter().flatten().reduce(f64::min);
        Ok(Self { trials, jobs, per_hour, seconds_per_step, retries: args.retries })
    }

    /// Lowers the budget of a search to what the limits allow, where the time of a step is known.
    pub fn bound(&self, question: &mut Question) {
        let (Some(limit), Some(step)) = (self.trials, self.seconds_per_step) else { return };
        let runs = limit / (step * question.job.steps as f64);
        let usual = usual_budget(question);
        if let QuestionKind::Find { budget, .. }
        | QuestionKind::Sweep { budget, .. }
        | QuestionKind::RangeTest { budget, .. } = &mut question.kind
            && budget.or(usual).is_none_or(|given| runs < given)
        {
            *budget = Some(runs);
        }
    }

    /// The clock time after which the search stops.
    pub fn clock(&self) -> Option<Duration> {
        Duration::try_from_secs_f64(self.trials? / self.jobs).ok()
    }

    /// What the search will take if a step takes `measured` seconds, or as long as was said.
    /// `planned` is the number of steps asked for so far.
    pub fn estimate(&self, question: &Question, planned: u64, measured: Option<f64>) -> Option<String> {
        let step = measured.or(self.seconds_per_step)?;
        let all = question.job.steps as f64;
        let steps = usual_budget(question).map_or(planned as f64, |runs| runs * all);
        let time = steps * step;
        let price = self
            .per_hour
            .map_or(String::new(), |price| format!(", {} at {} an hour", money(time / 3600.0 * price), money(price)));
        let at_once = if self.jobs > 1.0 { format!(" with {} trials at a time", self.jobs) } else { String::new() };
        Some(format!(
            "the search will take about {:.2} runs, {}{at_once}{price}",
            steps / all,
            seconds(time / self.jobs)
        ))
    }
}

/// The budget of a search in full runs: as given, or that of the default search.
pub fn usual_budget(question: &Question) -> Option<f64> {
    match question.kind {
        QuestionKind::Find { probe: FindProbe::Race, budget, .. } => {
            Some(budget.unwrap_or_else(|| Race::new(question.job.clone()).max_cost()))
        }
        QuestionKind::Find { budget, .. } | QuestionKind::Sweep { budget, .. } => budget,
        _ => None,
    }
}

/// The trials that a search would begin with.
pub fn dry_run(question: &Question, limits: &Limits) -> Result<Done, Fault> {
    let specs = question.probe().map_err(Fault::usage)?.ask(&[])?;
    let steps: u64 = specs.iter().map(|spec| spec.steps).sum();
    let runs = steps as f64 / question.job.steps as f64;
    let mut lines = vec![format!("{question}; {}", question.task)];
    lines.push(format!("would begin with {}, {runs:.2} runs; nothing has run:", plural(specs.len() as u64, "trial")));
    lines.extend(
        specs
            .iter()
            .map(|spec| format!("  lr {}, {} steps, seed {}", rate(spec.lr.get()), count(spec.steps), spec.seed)),
    );
    lines.extend(limits.estimate(question, steps, None));
    Ok(Done::answer(lines.join("\n") + "\n"))
}

/// Sets a flag after a time, unless it is dropped before.
pub struct Timer {
    end: Option<Sender<()>>,
    passed: Arc<AtomicBool>,
    waiter: Option<JoinHandle<()>>,
}

impl Timer {
    /// Sets `flag` after `time`; without one never.
    pub fn new(time: Option<Duration>, flag: Arc<AtomicBool>) -> Self {
        let passed = Arc::new(AtomicBool::new(false));
        let (end, over) = channel::<()>();
        let mine = Arc::clone(&passed);
        let waiter = time.map(|time| {
            std::thread::spawn(move || {
                if over.recv_timeout(time) == Err(RecvTimeoutError::Timeout) {
                    mine.store(true, Ordering::Relaxed);
                    flag.store(true, Ordering::Relaxed);
                }
            })
        });
        Self { end: Some(end), passed, waiter }
    }

    /// Whether the time has passed.
    pub fn passed(&self) -> bool {
        self.passed.load(Ordering::Relaxed)
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        self.end = None;
        if let Some(waiter) = self.waiter.take() {
            let _ = waiter.join();
        }
    }
}
