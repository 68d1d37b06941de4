//! Live progress of a run on stderr: steps, time left, loss, rate, validation, a verdict, and what
//! the controller does.

use super::shown::verdict;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;
use stepsize::{Act, Event, Trial};
use stepsize_draw::number::{loss, rate};

/// Weight of the past in the loss that is shown.
const PAST: f64 = 0.95;

/// The bar, or lines.
pub struct TrainProgress {
    bar: ProgressBar,
    terminal: bool,
    lines: bool,
    smooth: Option<f64>,
    val: String,
    optimizer: String,
}

impl TrainProgress {
    /// For this run, made by `optimizer`; without a terminal nothing, or `lines`.
    pub fn new(trial: &Trial, optimizer: String, lines: bool) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let target = if terminal { ProgressDrawTarget::stderr_with_hz(10) } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(trial.spec.steps), target).with_position(trial.steps_run);
        if let Ok(style) = ProgressStyle::with_template("train {bar:10} {pos}/{len} steps, {eta} left  {wide_msg}") {
            bar.set_style(style.progress_chars("━╸─"));
        }
        Self { bar, terminal, lines: lines && !terminal, smooth: None, val: String::new(), optimizer }
    }

    /// Takes in one event; `trial` holds it already.
    pub fn see(&mut self, event: &Event, trial: &Trial) {
        match event {
            Event::Step { step, lr, loss: value, .. } => {
                let smooth = self.smooth.filter(|s| s.is_finite()).map_or(*value, |s| PAST * s + (1.0 - PAST) * value);
                self.smooth = Some(smooth);
                self.bar.set_position(step + 1);
                if step.is_multiple_of(10) {
                    // What a narrow terminal cuts off comes last.
                    self.bar.set_message(format!("loss {}{}  lr {}", loss(smooth), self.val, rate(*lr)));
                }
            }
            Event::Eval { step, lr, val_loss, score, .. } => {
                if !self.terminal && !self.lines {
                    return;
                }
                let score = score.map_or(String::new(), |s| format!(" ({})", loss(s)));
                let verdict = verdict(trial, &self.optimizer);
                self.val = format!("  val {}  {verdict}", loss(*val_loss));
                if self.lines {
                    let train = self.smooth.map_or(String::new(), |s| format!("loss {}  ", loss(s)));
                    let (steps, lr) = (trial.spec.steps, rate(*lr));
                    eprintln!("step {step}/{steps}  {train}lr {lr}  val {}{score}  {verdict}", loss(*val_loss));
                }
            }
            Event::Acted { step, act, factor, why, .. } if self.terminal || self.lines => {
                let what = match act {
                    Act::Changed => format!("controller: {why}"),
                    Act::Rewound { to, skipped } => {
                        format!(
                            "went back to step {to}, rate times {} ({skipped} batches skipped): {why}",
                            rate(*factor)
                        )
                    }
                    Act::Branched { .. } => format!("branches: {why}"),
                };
                self.bar.suspend(|| eprintln!("step {step}: {what}"));
            }
            _ => {}
        }
    }

    /// Takes the bar away.
    pub fn clear(&self) {
        self.bar.finish_and_clear();
    }
}
