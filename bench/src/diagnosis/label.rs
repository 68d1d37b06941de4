//! The true verdict on each run, from the sweep of its job and not from its own curve. The rule:
//!
//! - **best rate**: the lowest mean over seeds of the final validation loss among all rates of the
//!   job; the vertex of the parabola through it and its neighbours, in logs. A job whose best is
//!   its outermost rate is left out, and one that was solved: many rates do that.
//! - **diverged**: a loss that is not finite; or, at a rate above the best, a training loss whose
//!   median over the last tenth is 5 % above that of the untrained network (mean of the first
//!   twentieth of the run at the lowest rate, which hardly moves), or a validation loss that ends
//!   at more than twice that of the untrained network while the training loss did not come down to
//!   half of it (else it is overfitting).
//! - **good**: within a factor of 2 of the best rate, or within a factor of 4 with a final loss
//!   within 5 % of the best.
//! - **too low**, **too high**: the others, by their side.

use super::runs::Run;
use std::collections::BTreeMap;
use stepsize::Placement;

/// Worse than untrained by this share is diverged.
const WORSE: f64 = 0.05;

/// A best loss below this share of the untrained one is zero up to rounding.
pub const SOLVED: f64 = 2e-4;

/// What all runs of a job show together.
#[derive(Debug, Clone)]
pub struct Truth {
    pub best_lr: f64,
    pub best_loss: f64,
    /// Training loss of the untrained network.
    pub untrained: f64,
    /// Rate and mean final loss.
    pub means: Vec<(f64, f64)>,
}

/// The rate of the lowest mean.
pub fn best_of(runs: &[Run]) -> f64 {
    means(runs).into_iter().min_by(|a, b| a.1.total_cmp(&b.1)).map_or(1e-3, |m| m.0)
}

fn means(runs: &[Run]) -> Vec<(f64, f64)> {
    let mut losses: BTreeMap<u64, Vec<f64>> = BTreeMap::new();
    for run in runs {
        let cap = 2.0 * run.untrained();
        let loss = if broken(run) { cap } else { run.final_val().min(cap) };
        losses.entry(run.lr.to_bits()).or_default().push(if loss.is_finite() { loss } else { cap });
    }
    losses.into_iter().map(|(lr, l)| (f64::from_bits(lr), l.iter().sum::<f64>() / l.len() as f64)).collect()
}

fn broken(run: &Run) -> bool {
    run.train.iter().any(Option::is_none) || run.val.iter().any(|v| v.1.is_none())
}

/// Median training loss of the last tenth.
pub fn end_train(run: &Run) -> f64 {
    let train = run.train();
    let mut tenth = train[train.len() - (train.len() / 10).clamp(1, train.len())..].to_vec();
    tenth.sort_by(f64::total_cmp);
    tenth[tenth.len() / 2]
}

fn mean(part: &[f64]) -> f64 {
    part.iter().sum::<f64>() / part.len().max(1) as f64
}

/// Place of the lowest loss among rising rates, and the rate of the vertex of the parabola about
/// it, in logs. `None` when it is the outermost one, or below `solved`.
pub fn vertex(means: &[(f64, f64)], solved: f64) -> Option<(usize, f64)> {
    let at = (0..means.len()).min_by(|a, b| means[*a].1.total_cmp(&means[*b].1))?;
    if at == 0 || at + 1 == means.len() || means[at].1 < solved {
        return None;
    }
    let y: Vec<f64> = means[at - 1..=at + 1].iter().map(|p| p.1.ln()).collect();
    let x: Vec<f64> = means[at - 1..=at + 1].iter().map(|p| p.0.ln()).collect();
    // Newton's form of the parabola through three points.
    let (first, second) = ((y[1] - y[0]) / (x[1] - x[0]), (y[2] - y[1]) / (x[2] - x[1]));
    let bend = (second - first) / (x[2] - x[0]);
    let vertex = if bend > 0.0 { (x[0] + x[1]) / 2.0 - first / (2.0 * bend) } else { x[1] };
    Some((at, vertex.clamp((x[0] + x[1]) / 2.0, (x[1] + x[2]) / 2.0).exp()))
}

/// Whether a run at a rate above the best diverged, from its final losses and those of the
/// untrained network.
pub fn worse(train: f64, untrained: f64, val: f64, val_untrained: f64) -> bool {
    let twice = val > val_untrained + val_untrained.abs() && train > untrained - 0.5 * untrained.abs();
    train.is_nan() || train > untrained + WORSE * untrained.abs() || twice
}

/// The true verdict on a run `octaves` above the best rate that ended at `ratio` times its loss.
pub fn verdict(diverged: bool, octaves: f64, ratio: f64) -> Placement {
    let close = octaves.abs() <= 1.0 || octaves.abs() < 2.0 && ratio <= 1.05;
    match () {
        () if diverged => Placement::Diverged,
        () if close => Placement::Good,
        () if octaves < 0.0 => Placement::TooLow,
        () => Placement::TooHigh,
    }
}

impl Truth {
    /// `None` when the best rate is the outermost one, or the job was solved.
    pub fn of(runs: &[Run]) -> Option<Self> {
        let means = means(runs);
        let (at, best_lr) = vertex(&means, SOLVED * runs.first()?.untrained())?;
        let slowest = runs.iter().min_by(|a, b| a.lr.total_cmp(&b.lr))?.train();
        let untrained = mean(&slowest[..slowest.len().div_ceil(20)]);
        Some(Self { best_lr, best_loss: means[at].1, untrained, means })
    }

    /// Octaves above the best rate.
    pub fn octaves(&self, lr: f64) -> f64 {
        (lr / self.best_lr).log2()
    }

    /// Whether a run diverged.
    pub fn diverged(&self, run: &Run) -> bool {
        broken(run) || run.lr > self.best_lr && worse(end_train(run), self.untrained, run.final_val(), run.untrained())
    }

    /// The true verdict on a run.
    pub fn label(&self, run: &Run) -> Placement {
        let mean = self.means.iter().find(|m| (m.0 / run.lr - 1.0).abs() < 1e-9).map_or(f64::INFINITY, |m| m.1);
        verdict(self.diverged(run), self.octaves(run.lr), mean / self.best_loss)
    }
}
