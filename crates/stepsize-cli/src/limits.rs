//! What a search may take in time and money, and what it will take.

use crate::args::LimitArgs;
use crate::done::{Done, Fault};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use stepsize::probe::Race;
use stepsize::{Event, FindProbe, Question, QuestionKind, Trial};
use stepsize_draw::number::{count, money, plural, rate, seconds};
use stepsize_draw::show::{Style, wrapped};

/// The share of the time and money left that is planned for: a trial that is cut at the limit has
/// cost its time and says nothing.
const PLANNED: f64 = 0.9;
/// The longest sleep of the watch over limits, in seconds.
const LONGEST: f64 = 86_400.0;
/// A budget that differs by less than this share is the same one.
const SAME: f64 = 0.05;

/// The limits of a search.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Most seconds by the clock.
    time: Option<f64>,
    /// Most seconds of trials that the price pays for, all together.
    paid: Option<f64>,
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
        let seconds_per_step = positive("--seconds-per-step", args.seconds_per_step)?;
        let paid = match (positive("--max-price", args.max_price)?, per_hour) {
            (Some(price), Some(per_hour)) => Some(price / per_hour * 3600.0),
            (Some(_), None) => {
                return Err(Fault::usage("--max-price needs --price-per-hour, the price of a trial-hour"));
            }
            (None, _) => None,
        };
        let time = args.max_time.map(|time| time.as_secs_f64());
        Ok(Self { time, paid, jobs: jobs.max(1) as f64, per_hour, seconds_per_step, retries: args.retries })
    }

    /// How many trials run at a time, as a rule: a search that looks at each result before the next
    /// trial seldom has two.
    fn at_once(&self, question: &Question) -> f64 {
        match question.kind {
            QuestionKind::Find { probe: FindProbe::Sweep | FindProbe::Random, .. }
            | QuestionKind::Sweep { .. }
            | QuestionKind::Compare { .. }
            | QuestionKind::Words(_) => self.jobs,
            QuestionKind::Find { .. } | QuestionKind::RangeTest { .. } => 1.0,
        }
    }

    /// Seconds of trials that the limits leave after so many seconds by the clock and of trials.
    fn left(&self, question: &Question, clock: f64, trials: f64) -> Option<f64> {
        let time = self.time.map(|time| (time - clock).max(0.0) * self.at_once(question));
        let paid = self.paid.map(|paid| (paid - trials).max(0.0));
        [time, paid].into_iter().flatten().reduce(f64::min)
    }

    /// Lowers the budget of a search to what the limits allow, where the time of a step is known.
    pub fn bound(&self, question: &mut Question) {
        let (Some(limit), Some(step)) = (self.left(question, 0.0, 0.0), self.seconds_per_step) else { return };
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

    /// Gives the budget that the limits leave, where it has changed: from the time that the trials
    /// took so far. Only the default search plans with what is left.
    pub fn replan(self, question: &Question) -> impl FnMut(&[Trial]) -> Option<f64> + use<> {
        let (question, begin) = (question.clone(), Instant::now());
        let usual = match question.kind {
            QuestionKind::Find { probe: FindProbe::Race, .. } => usual_budget(&question),
            _ => None,
        };
        let mut known = usual;
        move |trials| {
            let (steps, seconds) = longest(trials)?;
            let spent = timed(trials).map(|(_, seconds)| seconds).sum();
            let left = self.left(&question, begin.elapsed().as_secs_f64(), spent)?;
            let taken: u64 = trials.iter().map(|t| t.steps_run).sum();
            let more = PLANNED * left / seconds * steps as f64;
            let runs = usual?.min((taken as f64 + more) / question.job.steps as f64);
            let changed = (runs / known? - 1.0).abs() > SAME;
            changed.then(|| *known.insert(runs))
        }
    }

    /// What is said when a limit has ended the search: what the whole search takes at the speed of
    /// its trials.
    pub fn over(&self, question: &Question, trials: &[Trial]) -> String {
        let limit = match (self.time, self.paid) {
            (Some(time), None) => format!("the time that the search may take, {}, is over", seconds(time)),
            _ => "the time or money that the search may take is over".to_owned(),
        };
        let whole = usual_budget(question).zip(longest(trials)).map(|(runs, (steps, took))| {
            let whole = runs * question.job.steps as f64 * took / steps as f64;
            format!("; at the speed of its trials the whole search takes about {}", seconds(whole))
        });
        limit + &whole.unwrap_or_default() + "; what follows rests on the trials that had ended"
    }

    /// What the search will take if a step takes `measured` seconds, or as long as was said.
    /// `planned` is the number of steps asked for so far.
    pub fn estimate(&self, question: &Question, planned: u64, measured: Option<f64>) -> Option<String> {
        let step = measured.or(self.seconds_per_step)?;
        let all = question.job.steps as f64;
        let mut steps = usual_budget(question).map_or(planned as f64, |runs| runs * all);
        if let Some(limit) = self.left(question, 0.0, 0.0) {
            steps = steps.min(limit / step);
        }
        let time = steps * step;
        let price = self
            .per_hour
            .map_or(String::new(), |price| format!(", {} at {} an hour", money(time / 3600.0 * price), money(price)));
        let at_once = self.at_once(question);
        let how = match () {
            () if at_once > 1.0 => format!(" with {at_once} trials at a time"),
            () if self.jobs > 1.0 => ", as most of its trials run one at a time".to_owned(),
            () => String::new(),
        };
        // What a search asks for next depends on its first trials.
        let open = matches!(question.kind, QuestionKind::Find { .. }) && usual_budget(question).is_none();
        let what = if open { "the first trials" } else { "the search" };
        Some(format!("{what} will take about {:.2} runs, {}{how}{price}", steps / all, seconds(time / at_once)))
    }
}

/// Steps and seconds of the trials that made a step.
fn timed(trials: &[Trial]) -> impl Iterator<Item = (u64, f64)> {
    trials.iter().filter_map(|t| Some((t.steps_run, t.seconds?))).filter(|(steps, _)| *steps > 0)
}

/// Those of the longest trial: of a short one most is start.
fn longest(trials: &[Trial]) -> Option<(u64, f64)> {
    timed(trials).max_by_key(|(steps, _)| *steps)
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
pub fn dry_run(question: &Question, limits: &Limits, style: Style) -> Result<Done, Fault> {
    let specs = question.probe().map_err(Fault::usage)?.ask(&[])?;
    let steps: u64 = specs.iter().map(|spec| spec.steps).sum();
    let runs = steps as f64 / question.job.steps as f64;
    let mut lines = vec![wrapped("", &format!("{question}; {}", question.task), style)];
    lines.push(format!("would begin with {}, {runs:.2} runs; nothing has run:", plural(specs.len() as u64, "trial")));
    lines.extend(
        specs
            .iter()
            .map(|spec| format!("  lr {}, {} steps, seed {}", rate(spec.lr.get()), count(spec.steps), spec.seed)),
    );
    lines.extend(limits.estimate(question, steps, None).map(|line| wrapped("", &line, style)));
    Ok(Done::answer(lines.join("\n") + "\n"))
}

/// Sets a flag when the time or the money of a search is over, unless it is dropped before.
pub struct Timer {
    running: Option<Sender<f64>>,
    passed: Arc<AtomicBool>,
    waiter: Option<JoinHandle<()>>,
}

impl Timer {
    /// Sets `flag` at the limits of time and price.
    pub fn new(limits: &Limits, flag: Arc<AtomicBool>) -> Self {
        let passed = Arc::new(AtomicBool::new(false));
        let (running, changes) = channel::<f64>();
        let mine = Arc::clone(&passed);
        let limited = limits.time.is_some() || limits.paid.is_some();
        let (mut time, mut paid) = (limits.time.unwrap_or(f64::INFINITY), limits.paid.unwrap_or(f64::INFINITY));
        let work = move || {
            let (mut trials, mut at) = (0.0, Instant::now());
            while time > 0.0 && paid > 0.0 {
                let wait = time.min(if trials > 0.0 { paid / trials } else { f64::INFINITY });
                let change = changes.recv_timeout(Duration::from_secs_f64(wait.min(LONGEST)));
                let gone = std::mem::replace(&mut at, Instant::now()).elapsed().as_secs_f64();
                (time, paid) = (time - gone, paid - gone * trials);
                match change {
                    Ok(change) => trials += change,
                    Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => return,
                }
            }
            mine.store(true, Ordering::Relaxed);
            flag.store(true, Ordering::Relaxed);
        };
        let waiter = limited.then(|| std::thread::spawn(work));
        Self { running: Some(running), passed, waiter }
    }

    /// Counts the trials that run, which are paid for.
    pub fn see(&self, event: &Event) {
        let change = match event {
            Event::Started { .. } => 1.0,
            Event::Ended { .. } => -1.0,
            _ => return,
        };
        if let Some(running) = &self.running {
            let _ = running.send(change); // without a limit nobody counts
        }
    }

    /// Whether the time has passed.
    pub fn passed(&self) -> bool {
        self.passed.load(Ordering::Relaxed)
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        self.running = None;
        if let Some(waiter) = self.waiter.take() {
            let _ = waiter.join();
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use stepsize::{Job, Lr, Schedule, TrialId};

    /// A limit in seconds by the clock, and one in paid seconds of trials.
    fn limits(time: Option<f64>, paid: Option<f64>) -> Limits {
        Limits { time, paid, jobs: 4.0, per_hour: None, seconds_per_step: None, retries: 1 }
    }

    #[test]
    fn what_follows_is_planned_for_the_time_and_the_money_that_are_left() {
        let job = Job::new(2000, Schedule::cosine(2000).unwrap(), 0).unwrap();
        let kind = QuestionKind::Find { probe: FindProbe::Race, start: None, budget: None, low: None, high: None };
        let question = Question { kind, ..Question::in_words("find", "a task", job.clone()) };
        let spec = job.trial(Lr::new(0.1).unwrap(), 100, 0).unwrap();
        let trials = [Trial { steps_run: 100, seconds: Some(100.0), ..Trial::new(TrialId(0), spec) }];
        // 0.9 of 1000 s, one trial at a time: 900 steps beside the 100 that were run.
        let mut plan = limits(Some(1000.0), None).replan(&question);
        assert_eq!(plan(&[]), None);
        let runs = plan(&trials).unwrap();
        assert!((0.45..=0.5).contains(&runs), "{runs}");
        assert_eq!(plan(&trials), None);
        // Of the money for 200 s of trials 100 are spent.
        let runs = limits(None, Some(200.0)).replan(&question)(&trials).unwrap();
        assert!((runs - 0.095).abs() < 1e-9, "{runs}");
        // Limits that are never reached change nothing; neither do those of a plan in one piece.
        assert_eq!(limits(Some(1e6), Some(1e6)).replan(&question)(&trials), None);
        let sweep = Question::in_words("sweep", "a task", job);
        assert_eq!(limits(Some(1000.0), None).replan(&sweep)(&trials), None);
    }

    #[test]
    fn a_search_is_ended_when_the_trials_that_run_have_used_up_the_money() {
        let flag = Arc::new(AtomicBool::new(false));
        let timer = Timer::new(&limits(None, Some(0.05)), Arc::clone(&flag));
        let spec = Job::new(9, Schedule::constant(), 0).unwrap().trial(Lr::new(0.1).unwrap(), 9, 0).unwrap();
        std::thread::sleep(Duration::from_millis(100));
        assert!(!timer.passed(), "nothing runs, so nothing is paid for");
        timer.see(&Event::Started { trial: TrialId(0), spec });
        while !flag.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(5));
        }
        assert!(timer.passed());
    }
}
