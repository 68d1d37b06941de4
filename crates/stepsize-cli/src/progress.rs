//! Progress on standard error, on a terminal only: steps done of those planned so far, the time
//! left, and how the last trial ended.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use stepsize::{End, Estimate, Event, Probe, Pruner, Result, Trial, TrialSpec, fold_one};

/// How often the bar is redrawn.
const TICK: Duration = Duration::from_millis(120);

/// A bar that follows a study.
pub struct Progress {
    bar: ProgressBar,
    trials: std::collections::BTreeMap<stepsize::TrialId, Trial>,
}

impl Progress {
    /// A bar labelled `what`; hidden when standard error is not a terminal.
    pub fn new(what: &str) -> Self {
        let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr_with_hz(10));
        if !std::io::stderr().is_terminal() {
            bar.set_draw_target(ProgressDrawTarget::hidden());
        }
        let template = "{spinner} {prefix} {bar:24} {pos}/{len} steps, {eta} left  {wide_msg}";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("━╸─"));
        }
        bar.set_prefix(what.to_owned());
        bar.enable_steady_tick(TICK);
        Self { bar, trials: Default::default() }
    }

    /// Takes in one event. `planned` is the number of steps asked for so far.
    pub fn watch(&mut self, event: &Event, planned: u64) {
        // Curves are not needed here, and a long study has millions of steps.
        if let Event::Step { .. } = event {
            self.bar.inc(1);
            return;
        }
        if self.bar.length() != Some(planned) {
            self.bar.set_length(planned);
        }
        fold_one(&mut self.trials, event);
        if let Event::Ended { trial, end, steps, .. } = event {
            let Some(known) = self.trials.get(trial) else { return };
            self.bar.set_position(self.bar.position() + known.spec.steps.saturating_sub(*steps));
            let lr = stepsize_draw::number::rate(known.spec.lr.get());
            self.bar.set_message(match end {
                End::Diverged { .. } => format!("lr {lr} diverged"),
                End::Finished => match known.val.last() {
                    Some(point) => format!("lr {lr}: loss {}", stepsize_draw::number::loss(point.loss)),
                    None => format!("lr {lr} ended"),
                },
                _ => format!("lr {lr} stopped"),
            });
        }
    }

    /// Writes a note to standard error, above the bar.
    pub fn say(&self, line: &str) {
        self.bar.suspend(|| eprintln!("note: {line}"));
    }

    /// Removes the bar.
    pub fn clear(&self) {
        self.bar.finish_and_clear();
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
