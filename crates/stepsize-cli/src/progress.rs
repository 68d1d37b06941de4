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
use stepsize::{End, Estimate, Event, Probe, Pruner, Result, Trial, TrialId, TrialSpec, fold_one};
use stepsize_draw::number::{count, loss, rate, seconds};

/// How often the bar is redrawn.
const TICK: Duration = Duration::from_millis(120);
/// A search that is over by then shows no lines.
const FIRST_LINE: Duration = Duration::from_secs(2);
/// The longest silence between two lines.
const SILENCE: Duration = Duration::from_secs(60);

/// What follows a study on standard error.
pub struct Progress {
    bar: ProgressBar,
    lines: Option<ProgressLines>,
    quiet: bool,
    trials: BTreeMap<TrialId, Trial>,
    /// Steps of the trials that have ended, as asked for, and those of each that runs.
    over: u64,
    running: BTreeMap<TrialId, u64>,
    /// Steps of all trials that have started.
    started: u64,
}

impl Progress {
    /// Progress labelled `what`; nothing at all if `quiet`.
    pub fn new(what: &str, quiet: bool) -> Self {
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
        let lines = (!quiet && !terminal).then(|| ProgressLines::new(what.to_owned(), bar.clone()));
        Self { bar, lines, quiet, trials: BTreeMap::new(), over: 0, running: BTreeMap::new(), started: 0 }
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
        if let Event::Started { spec, .. } = event {
            self.started += spec.steps;
        }
        // A budget that changed has another plan, which is not counted before it starts.
        let planned = planned.max(self.started);
        if self.bar.length() != Some(planned) {
            self.bar.set_length(planned);
        }
        fold_one(&mut self.trials, event);
        if let Event::Ended { trial, end, steps, .. } = event {
            let Some(known) = self.trials.get(trial) else { return };
            self.over += known.spec.steps;
            self.running.remove(trial);
            self.bar.set_position(self.over + self.running.values().sum::<u64>());
            let lr = rate(known.spec.lr.get());
            let message = match end {
                End::Diverged { .. } => format!("lr {lr} diverged"),
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
    fn new(what: String, bar: ProgressBar) -> Self {
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
                    eprintln!("{what}: {news}; {}", standing(&bar, begin.elapsed()));
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

/// How far it is: steps done, of how many asked for so far, and the time that these leave.
fn standing(bar: &ProgressBar, elapsed: Duration) -> String {
    let (done, planned) = (bar.position(), bar.length().unwrap_or(0));
    let left = match done {
        0 => "time left not known yet".to_owned(),
        done => {
            let each = elapsed.as_secs_f64() / done as f64;
            format!("about {} left for these", seconds(each * planned.saturating_sub(done) as f64))
        }
    };
    format!("{} of {} steps asked for so far, {left}", count(done), count(planned))
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
