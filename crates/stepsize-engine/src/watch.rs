//! [`Watched`]: a run whose weights and mistakes can be looked at between its steps. For pictures:
//! a search needs no more than [`stepsize::Engine`].

use crate::data::{Inputs, Targets};
use crate::matrix::Matrix;
use crate::network::{self, Batch};
use crate::run::EngineRun;
use crate::task::Task;
use stepsize::{Engine, Evaluation, GradientStats, Result, Snapshot};

/// A run and the weights that it began with.
pub struct Watched {
    run: EngineRun,
    initial: Vec<Matrix>,
}

/// What a network says of one held-out example.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ReadExample {
    /// Place of the example in the order of [`Task::held_out`].
    pub example: usize,
    /// Its class.
    pub truth: usize,
    /// The class that the network gives; `None` when its outputs are not numbers.
    pub answer: Option<usize>,
}

impl ReadExample {
    /// Whether the answer is the class.
    pub fn is_right(&self) -> bool {
        self.answer == Some(self.truth)
    }
}

/// Held-out images and their classes.
#[derive(Debug, Clone, PartialEq)]
pub struct HeldOut {
    /// Height and width.
    pub shape: [usize; 2],
    /// One image after another, row by row: 0 the darkest pixel of all, 255 the brightest.
    pub pixels: Vec<u8>,
    /// The class of each.
    pub classes: Vec<usize>,
}

impl Task {
    /// A fresh run as [`Task::engine`] makes it, bit for bit, that can be looked at.
    ///
    /// # Errors
    /// Never at present; for devices that can fail.
    pub fn watched(&self, seed: u64) -> Result<Watched> {
        let run = EngineRun::new(self.clone(), seed, network::on_device(self.architecture()));
        Ok(Watched { run, initial: self.architecture().initial(seed) })
    }

    /// The images that no run trains on; `None` when the examples are not images.
    pub fn held_out(&self) -> Option<HeldOut> {
        let data = self.dataset();
        let (shape, Inputs::Rows { values, width }, Targets::Classes { ids, .. }) =
            (data.image?, &data.inputs, &data.targets)
        else {
            return None;
        };
        let (low, high) = values.iter().fold((f32::MAX, f32::MIN), |(low, high), v| (low.min(*v), high.max(*v)));
        let scale = 255.0 / (high - low).max(f32::MIN_POSITIVE);
        let image = |row: &u32| &values[*row as usize * width..(*row as usize + 1) * width];
        let pixels = data.validation.iter().flat_map(image).map(|v| ((v - low) * scale).round() as u8).collect();
        let classes = data.validation.iter().map(|row| ids[*row as usize] as usize).collect();
        Some(HeldOut { shape, pixels, classes })
    }
}

impl Watched {
    /// How far the weights are from where they began: Euclidean norm of the difference over that of
    /// the first weights. Not finite when a weight is not.
    pub fn moved(&self) -> f64 {
        let (mut moved, mut began) = (0.0, 0.0);
        for (now, first) in self.run.parameters().iter().zip(&self.initial) {
            for (a, b) in now.values.iter().zip(&first.values) {
                moved += (f64::from(*a) - f64::from(*b)).powi(2);
                began += f64::from(*b).powi(2);
            }
        }
        (moved / began).sqrt()
    }

    /// The weights into each unit of the first layer, one unit after another. Where the inputs are
    /// the pixels of an image, those of a dense layer are an image of the same shape.
    pub fn first_weights(&self) -> Vec<Vec<f32>> {
        let parameters = self.run.parameters();
        let Some(Matrix { values, shape: [_, units] }) = parameters.first() else { return Vec::new() };
        (0..*units).map(|unit| values.iter().skip(unit).step_by(*units).copied().collect()).collect()
    }

    /// What the network says of every held-out example now; empty where the targets are not
    /// classes.
    ///
    /// # Errors
    /// When the engine broke.
    pub fn judged(&mut self) -> Result<Vec<ReadExample>> {
        let task = self.run.task().clone();
        let data = task.dataset();
        let Targets::Classes { ids, count } = &data.targets else { return Ok(Vec::new()) };
        let outputs = self.run.outputs(Batch::gather(data, &data.validation))?;
        let rows = data.validation.iter().zip(outputs.chunks_exact(*count)).enumerate();
        Ok(rows
            .map(|(example, (row, out))| {
                // As the accuracy counts: of equal outputs the first one, and NaN is never an
                // answer.
                let most = out.iter().fold(f32::NEG_INFINITY, |m, o| if o.is_nan() || *o > m { *o } else { m });
                ReadExample { example, truth: ids[*row as usize] as usize, answer: out.iter().position(|o| *o == most) }
            })
            .collect())
    }
}

impl Engine for Watched {
    fn step(&mut self, lr: f64) -> Result<f64> {
        self.run.step(lr)
    }

    fn step_seeing(&mut self, decide: &mut dyn FnMut(&GradientStats) -> Result<f64>) -> Result<f64> {
        self.run.step_seeing(decide)
    }

    fn skip(&mut self, batches: u64) -> Result<bool> {
        self.run.skip(batches)
    }

    fn evaluate(&mut self) -> Result<Evaluation> {
        self.run.evaluate()
    }

    fn save(&mut self) -> Result<Snapshot> {
        self.run.save()
    }

    fn restore(&mut self, snapshot: &Snapshot) -> Result<()> {
        self.run.restore(snapshot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TaskConfig;

    fn task(model: &str) -> Task {
        Task::load(TaskConfig { model: model.parse().unwrap(), ..TaskConfig::default() }).unwrap()
    }

    #[test]
    fn a_watched_run_is_the_run_and_its_mistakes_are_those_that_the_accuracy_counts() {
        let task = task("mlp:16");
        let (mut plain, mut watched) = (task.engine(3).unwrap(), task.watched(3).unwrap());
        assert_eq!(watched.moved(), 0.0);
        for _ in 0..30 {
            assert_eq!(plain.step(0.05).unwrap(), watched.step(0.05).unwrap());
            let judged = watched.judged().unwrap();
            let right = judged.iter().filter(|j| j.is_right()).count() as f64 / judged.len() as f64;
            assert_eq!(plain.evaluate().unwrap().score, Some(right));
        }
        assert!((0.01..10.0).contains(&watched.moved()), "{}", watched.moved());
    }

    #[test]
    fn the_first_weights_are_images_of_the_digits_shape() {
        let task = task("mlp:16");
        let (watched, held_out) = (task.watched(0).unwrap(), task.held_out().unwrap());
        let weights = watched.first_weights();
        assert_eq!((weights.len(), weights[0].len(), held_out.shape), (16, 64, [8, 8]));
        assert_eq!(weights[5][7], watched.run.parameters()[0].values[7 * 16 + 5]);
        assert_eq!(held_out.pixels.len(), 64 * held_out.classes.len());
        assert!(held_out.pixels.contains(&0) && held_out.pixels.contains(&255));
    }

    #[test]
    fn broken_weights_have_moved_without_bound_and_give_no_answer() {
        let mut watched = task("linear").watched(0).unwrap();
        for _ in 0..20 {
            watched.step(1e38).unwrap();
        }
        assert!(!watched.moved().is_finite());
        assert!(watched.judged().unwrap().iter().any(|j| j.answer.is_none()));
    }
}
