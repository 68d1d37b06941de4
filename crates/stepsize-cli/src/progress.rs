//! Progress on standard error: steps done of those planned so far, the time left, and how the last
//! trial ended. A bar on a terminal; elsewhere (`nohup`, Slurm, CI) one line a trial and at least
//! one a minute.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use stepsize::{End, Estimate, Event, Probe, Pruner, Result, Trial, TrialId, TrialSpec, Wish, fold_one};
use stepsize_draw::number::{count, loss, rate, seconds};

/// How often the bar is redrawn.
const TICK: Duration = Duration::from_millis(120);
/// A search that is over by then shows no lines.
const FIRST_LINE: Duration = Duration::from_secs(2);
/// The longest silence between two lines.
const SILENCE: Duration = Duration::from_secs(60);

/// What a search may take.
#[derive(Debug, Clone, Copy)]
pub struct Allowance {
    /// Steps of a full run.
    pub full: u64,
    /// Most full runs, where there is a budget.
    pub runs: Option<f64>,
    /// Steps that a former process took.
    pub spent: u64,
}

/// What follows a study on standard error.
pub struct Progress {
    bar: ProgressBar,
    lines: Option<ProgressLines>,
    quiet: bool,
    trials: BTreeMap<TrialId, Trial>,
    allowance: Allowance,
    /// Steps of the trials that have ended: those that a budget counts, else those asked for.
    over: u64,
    /// Steps of each trial that runs.
    running: BTreeMap<TrialId, u64>,
    /// Steps of all trials that have started.
    started: u64,
}

impl Progress {
    /// Progress labelled `what`; nothing at all if `quiet`.
    pub fn new(what: &str, quiet: bool, allowance: Allowance) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr_with_hz(10));
        if quiet || !terminal {
            bar.set_draw_target(ProgressDrawTarget::hidden());
        }
        let template = "{spinner} {prefix} {bar:24} {pos}/{len} steps, {eta} left  {wide_msg}";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("━╸─"));
        }
        bar.set_prefix(what.to_owned());
        bar.enable_steady_tick(TICK);
        let lines = (!quiet && !terminal).then(|| ProgressLines::new(what.to_owned(), bar.clone(), allowance));
        let over = if allowance.runs.is_some() { allowance.spent } else { 0 };
        bar.set_position(over);
        Self { bar, lines, quiet, trials: BTreeMap::new(), allowance, over, running: BTreeMap::new(), started: 0 }
    }

    /// Takes in one event. `planned` is the number of steps asked for so far.
    pub fn watch(&mut self, event: &Event, planned: u64) {
        // Curves are not needed here, and a long study has millions of steps. A program may print
        // only some of them.
        if let Event::Step { trial, step, .. } = event {
            let most = self.trials.get(trial).map_or(u64::MAX, |known| known.spec.steps);
            self.running.insert(*trial, most.min(step + 1));
            self.bar.set_position(self.over + self.running.values().sum::<u64>());
            return;
        }
        match event {
            Event::Started { spec, .. } => self.started += spec.steps,
            Event::Asked { wish: Wish::Budget { runs }, .. } => self.allowance.runs = Some(*runs),
            _ => {}
        }
        let planned = match self.allowance.runs {
            Some(runs) => (runs * self.allowance.full as f64).round() as u64,
            None => planned.max(self.started),
        };
        if self.bar.length() != Some(planned) {
            self.bar.set_length(planned);
        }
        fold_one(&mut self.trials, event);
        if let Event::Ended { trial, end, steps, .. } = event {
            let Some(known) = self.trials.get(trial) else { return };
            self.over += if self.allowance.runs.is_some() { *steps } else { known.spec.steps };
            self.running.remove(trial);
            self.bar.set_position(self.over + self.running.values().sum::<u64>());
            let lr = rate(known.spec.lr.get());
            let message = match end {
                End::Diverged { why, .. } => format!("lr {lr} diverged ({})", brief(why)),
                End::Finished => match known.val.last() {
                    Some(point) => format!("lr {lr}: loss {}", loss(point.loss)),
                    None => format!("lr {lr} ended"),
                },
                End::Failed { why } => {
                    let why = brief(why);
                    if self.trials.values().any(|t| matches!(t.end, Some(End::Finished))) {
                        self.say(&format!("trial {} at lr {lr} failed: {why}", trial.0));
                    }
                    format!("lr {lr} failed")
                }
                _ => format!("lr {lr} stopped"),
            };
            if let Some(lines) = &self.lines {
                lines.say(format!("trial {}, {} steps, {message}", trial.0, count(*steps)));
            }
            self.bar.set_message(message);
        }
    }

    /// Writes a note to standard error, above the bar.
    pub fn say(&self, line: &str) {
        if !self.quiet {
            self.bar.suspend(|| eprintln!("note: {line}"));
        }
    }

    /// Removes the bar.
    pub fn clear(&mut self) {
        self.lines = None;
        self.bar.finish_and_clear();
    }
}

/// Why a trial failed, in a line: what happened, and the last that it printed.
fn brief(why: &str) -> String {
    let mut lines = why.lines();
    let first = lines.next().unwrap_or_default();
    match lines.next_back().map(|line| line.trim_start_matches([' ', '|'])).filter(|line| !line.is_empty()) {
        Some(last) => format!("{}: {last}", first.trim_end_matches("; its last lines:")),
        None => first.to_owned(),
    }
}

/// Writes a line where something happened, and one where nothing did for a minute.
struct ProgressLines {
    sender: Option<Sender<String>>,
    writer: Option<JoinHandle<()>>,
}

impl ProgressLines {
    fn new(what: String, bar: ProgressBar, allowance: Allowance) -> Self {
        let (sender, receiver) = channel::<String>();
        let begin = Instant::now();
        let writer = std::thread::spawn(move || {
            loop {
                let news = match receiver.recv_timeout(SILENCE) {
                    Ok(news) => news,
                    Err(RecvTimeoutError::Timeout) => "still running".to_owned(),
                    Err(RecvTimeoutError::Disconnected) => return,
                };
                if begin.elapsed() >= FIRST_LINE {
                    eprintln!("{what}: {news}; {}", standing(&bar, begin.elapsed(), allowance));
                }
            }
        });
        Self { sender: Some(sender), writer: Some(writer) }
    }

    fn say(&self, news: String) {
        if let Some(sender) = &self.sender {
            let _ = sender.send(news);
        }
    }
}

impl Drop for ProgressLines {
    fn drop(&mut self) {
        self.sender = None;
        if let Some(writer) = self.writer.take() {
            let _ = writer.join();
        }
    }
}

/// How far it is: steps done, of at most how many or of how many asked for so far, and the time
/// that these leave.
fn standing(bar: &ProgressBar, elapsed: Duration, allowance: Allowance) -> String {
    let (done, planned) = (bar.position(), bar.length().unwrap_or(0));
    let spent = if allowance.runs.is_some() { allowance.spent } else { 0 };
    let left = match done.saturating_sub(spent) {
        0 => None,
        ours => Some(seconds(elapsed.as_secs_f64() / ours as f64 * planned.saturating_sub(done) as f64)),
    };
    let (done, planned) = (count(done), count(planned));
    match (allowance.runs, left) {
        (Some(_), Some(left)) => format!("{done} of at most {planned} steps, at most about {left} left"),
        (Some(_), None) => format!("{done} of at most {planned} steps, time left not known yet"),
        (None, Some(left)) => format!("{done} of {planned} steps asked for so far, about {left} left for these"),
        (None, None) => format!("{done} of {planned} steps asked for so far, time left not known yet"),
    }
}

/// A probe that counts the steps it asks for, so that there is a total to measure progress against.
pub struct Counted {
    probe: Box<dyn Probe>,
    planned: Arc<AtomicU64>,
}

impl Counted {
    /// Adds the steps that `probe` asks for to `planned`.
    pub fn new(probe: Box<dyn Probe>, planned: Arc<AtomicU64>) -> Self {
        Self { probe, planned }
    }
}

impl Probe for Counted {
    fn name(&self) -> &'static str {
        self.probe.name()
    }

    fn ask(&self, done: &[Trial]) -> Result<Vec<TrialSpec>> {
        let specs = self.probe.ask(done)?;
        self.planned.fetch_add(specs.iter().map(|s| s.steps).sum(), Ordering::Relaxed);
        Ok(specs)
    }

    fn estimate(&self, done: &[Trial]) -> Result<Estimate> {
        self.probe.estimate(done)
    }

    fn pruner(&self) -> Option<&dyn Pruner> {
        self.probe.pruner()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use stepsize::{Job, Lr, Schedule};

    #[test]
    fn progress_counts_steps_not_readings_and_is_measured_against_the_budget() {
        let spec = Job::new(1000, Schedule::constant(), 0).unwrap().trial(Lr::new(0.1).unwrap(), 125, 0).unwrap();
        let events = [
            Event::Started { trial: TrialId(0), spec },
            Event::Step { trial: TrialId(0), step: 49, lr: 0.1, loss: 1.0 },
            Event::Ended { trial: TrialId(0), end: End::Finished, steps: 100, seconds: None },
            Event::Asked { wish: Wish::Budget { runs: 0.4 }, trial: None, planned: 1 },
        ];
        let stand = |allowance: Allowance, seen: usize| {
            let mut progress = Progress::new("race", true, allowance);
            events[..seen].iter().for_each(|event| progress.watch(event, 125));
            standing(&progress.bar, Duration::from_secs(10), allowance)
        };
        let allowance = Allowance { full: 1000, runs: Some(0.6), spent: 100 };
        assert_eq!(stand(allowance, 1), "100 of at most 600 steps, time left not known yet");
        assert_eq!(stand(allowance, 2), "150 of at most 600 steps, at most about 1 min 30 s left");
        assert_eq!(stand(allowance, 3), "200 of at most 600 steps, at most about 40 s left");
        assert_eq!(stand(allowance, 4), "200 of at most 400 steps, at most about 20 s left");
        // Without a budget what was asked for is all that is known.
        let open = Allowance { runs: None, ..allowance };
        assert_eq!(stand(open, 2), "50 of 125 steps asked for so far, about 15 s left for these");
        assert_eq!(stand(open, 3), "125 of 125 steps asked for so far, about 0 s left for these");
    }
}
