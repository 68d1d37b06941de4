//! Loss and score: cross-entropy with accuracy for classes, squared error with R2 for numbers.
//!
//! Losses are means over the rows of a batch. Squared error is not halved (as PyTorch's `MSELoss`),
//! and is in units of the target's variance over the training rows, since targets are standardised.
//! Non-finite outputs give a non-finite loss and count as wrong; nothing here panics on them.

use crate::data::Targets;
use stepsize::Evaluation;

/// Loss and gradient with respect to `outputs` for the examples `rows`.
pub(crate) fn judge(targets: &Targets, rows: &[u32], outputs: &[f32]) -> (f64, Vec<f32>) {
    match targets {
        Targets::Classes { ids, count } => cross_entropy(ids, *count, rows, outputs),
        Targets::Values(values) => {
            let scale = 2.0 / rows.len() as f32;
            let mut sum = 0.0;
            let gradient = rows.iter().zip(outputs).map(|(row, output)| {
                let error = output - values[*row as usize];
                sum += f64::from(error) * f64::from(error);
                scale * error
            });
            let gradient = gradient.collect();
            (sum / rows.len() as f64, gradient)
        }
    }
}

fn cross_entropy(ids: &[u32], count: usize, rows: &[u32], outputs: &[f32]) -> (f64, Vec<f32>) {
    let scale = 1.0 / rows.len() as f32;
    let mut gradient = vec![0.0f32; outputs.len()];
    let mut sum = 0.0;
    for ((row, out), grad) in rows.iter().zip(outputs.chunks_exact(count)).zip(gradient.chunks_exact_mut(count)) {
        let class = ids[*row as usize] as usize;
        let (most, total) = exponentials(out, grad);
        sum += f64::from(most) + f64::from(total).ln() - f64::from(out[class]);
        let share = scale / total;
        for g in grad.iter_mut() {
            *g *= share;
        }
        grad[class] -= scale;
    }
    (sum / rows.len() as f64, gradient)
}

/// Writes `exp(out - max)` into `into`. Returns the largest output, and the sum of what was
/// written.
fn exponentials(out: &[f32], into: &mut [f32]) -> (f32, f32) {
    let most = largest(out);
    let mut total = 0.0;
    for (e, o) in into.iter_mut().zip(out) {
        *e = (o - most).exp();
        total += *e;
    }
    (most, total)
}

/// The largest output, or NaN if any is NaN: then the loss is NaN too.
fn largest(out: &[f32]) -> f32 {
    out.iter().fold(f32::NEG_INFINITY, |most, o| if o.is_nan() || *o > most { *o } else { most })
}

/// Sums over evaluated batches.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    loss: f64,
    right: f64,
    rows: usize,
    sum: f64,
    squares: f64,
}

impl Tally {
    /// Adds the examples `rows`.
    pub(crate) fn add(&mut self, targets: &Targets, rows: &[u32], outputs: &[f32]) {
        self.rows += rows.len();
        match targets {
            Targets::Classes { ids, count } => {
                let mut scratch = vec![0.0; *count];
                for (row, out) in rows.iter().zip(outputs.chunks_exact(*count)) {
                    let class = ids[*row as usize] as usize;
                    let (most, total) = exponentials(out, &mut scratch);
                    self.loss += f64::from(most) + f64::from(total).ln() - f64::from(out[class]);
                    // of equal outputs the first one is the answer; NaN is never an answer
                    let answer = out.iter().position(|o| *o == most);
                    self.right += f64::from(u8::from(answer == Some(class)));
                }
            }
            Targets::Values(values) => {
                for (row, output) in rows.iter().zip(outputs) {
                    let target = f64::from(values[*row as usize]);
                    self.loss += (f64::from(*output) - target).powi(2);
                    self.sum += target;
                    self.squares += target * target;
                }
            }
        }
    }

    /// Means over everything added.
    pub(crate) fn evaluation(&self, targets: &Targets) -> Evaluation {
        let rows = self.rows as f64;
        let score = match targets {
            Targets::Classes { .. } => self.right / rows,
            Targets::Values(_) => 1.0 - self.loss / (self.squares - self.sum * self.sum / rows),
        };
        Evaluation { val_loss: self.loss / rows, score: score.is_finite().then_some(score) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gradient_is_the_slope_of_the_loss() {
        let classes = Targets::Classes { ids: vec![2, 0], count: 3 };
        let values = Targets::Values(vec![0.5, -1.0]);
        for (targets, outputs) in [(classes, vec![0.1, -0.4, 0.3, 1.0, 2.0, -0.5]), (values, vec![0.2, 0.3])] {
            let (_, gradient) = judge(&targets, &[0, 1], &outputs);
            for i in 0..outputs.len() {
                let loss = |delta: f32| {
                    let mut moved = outputs.clone();
                    moved[i] += delta;
                    judge(&targets, &[0, 1], &moved).0
                };
                let slope = (loss(1e-2) - loss(-1e-2)) / 2e-2;
                assert!((slope - f64::from(gradient[i])).abs() < 1e-4, "{slope} {}", gradient[i]);
            }
        }
    }

    #[test]
    fn broken_outputs_give_a_broken_loss_and_no_panic() {
        let classes = Targets::Classes { ids: vec![1], count: 2 };
        for outputs in [[f32::NAN, 1.0], [1.0, f32::NAN], [f32::INFINITY, 0.0], [f32::NEG_INFINITY; 2]] {
            assert!(!judge(&classes, &[0], &outputs).0.is_finite(), "{outputs:?}");
            let mut tally = Tally::default();
            tally.add(&classes, &[0], &outputs);
            assert!(!tally.evaluation(&classes).val_loss.is_finite());
            assert_eq!(tally.evaluation(&classes).score, Some(0.0));
        }
        let values = Targets::Values(vec![0.0, 1.0]);
        let mut tally = Tally::default();
        tally.add(&values, &[0, 1], &[f32::NAN, 0.0]);
        assert_eq!(tally.evaluation(&values).score, None);
    }
}
