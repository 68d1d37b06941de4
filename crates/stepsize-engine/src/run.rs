//! [`EngineRun`]: one training run, behind the [`Engine`] trait.

use crate::matrix::Matrix;
use crate::network::{Batch, Network};
use crate::objective::{Tally, judge};
use crate::optimizer::Optimizer;
use crate::sampler::Sampler;
use crate::snapshot::TrainState;
use crate::task::Task;
use std::borrow::Cow;
use stepsize::{Engine, Error, Evaluation, GradientStats, Result, Snapshot};

/// Rows evaluated at once: enough for fast products, few enough for the cache.
const EVALUATION_ROWS: usize = 512;

/// One training run. It uses the thread that calls it and no other.
pub(crate) struct EngineRun {
    task: Task,
    seed: u64,
    network: Box<dyn Network>,
    parameters: Vec<Matrix>,
    optimizer: Optimizer,
    sampler: Sampler,
    /// Weights before the last move, if that step showed its gradient; else empty.
    before: Vec<f32>,
}

impl EngineRun {
    /// At step 0.
    pub(crate) fn new(task: Task, seed: u64, network: Box<dyn Network>) -> Self {
        let parameters = task.architecture().initial(seed);
        let config = task.config();
        let lengths: Vec<usize> = parameters.iter().map(|p| p.values.len()).collect();
        let optimizer = Optimizer::new(&config.optimizer, config.weight_decay, config.clip_norm, &lengths);
        let sampler = Sampler::new(seed, config.batch_size);
        Self { task, seed, network, parameters, optimizer, sampler, before: Vec::new() }
    }

    /// What is trained.
    pub(crate) fn task(&self) -> &Task {
        &self.task
    }

    /// The parameters at which the run is evaluated now.
    pub(crate) fn parameters(&self) -> Cow<'_, [Matrix]> {
        self.optimizer.evaluated(&self.parameters).map_or(Cow::Borrowed(&self.parameters), Cow::Owned)
    }

    /// Outputs for `batch`, row by row.
    pub(crate) fn outputs(&self, batch: Batch) -> Result<Vec<f32>> {
        self.network.outputs(&self.parameters(), batch)
    }

    /// Loss and gradients of the next batch.
    fn gradients(&mut self) -> Result<(f64, Vec<Matrix>)> {
        let dataset = self.task.dataset();
        let rows = self.sampler.next(&dataset.train);
        let batch = Batch::gather(dataset, rows);
        let mut objective = |outputs: &[f32]| judge(&dataset.targets, rows, outputs);
        self.network.gradients(&self.parameters, batch, &mut objective)
    }

    /// Norm of the gradient, and its cosine with the last move if there was one. Keeps the present
    /// weights for the next call.
    fn look(&mut self, gradients: &[Matrix]) -> (f64, Option<f64>) {
        let size = self.before.len();
        let (mut square, mut moved, mut downhill, mut now) = (0.0, 0.0, 0.0, Vec::with_capacity(size));
        for (parameter, gradient) in self.parameters.iter().zip(gradients) {
            let (p, g) = (&parameter.values, &gradient.values);
            square += g.iter().map(|g| f64::from(*g) * f64::from(*g)).sum::<f64>();
            if size > 0 {
                for ((p, g), before) in p.iter().zip(g).zip(&self.before[now.len()..]) {
                    let step = f64::from(*p) - f64::from(*before);
                    moved += step * step;
                    downhill -= step * f64::from(*g);
                }
            }
            now.extend_from_slice(p);
        }
        self.before = now;
        let cosine = downhill / (square * moved).sqrt();
        (square.sqrt(), cosine.is_finite().then_some(cosine))
    }
}

fn legal(lr: f64) -> Result<()> {
    if lr >= 0.0 && lr.is_finite() {
        Ok(())
    } else {
        Err(Error::invalid(format!("cannot train at the rate {lr}: give a finite number >= 0")))
    }
}

impl Engine for EngineRun {
    fn step(&mut self, lr: f64) -> Result<f64> {
        legal(lr)?;
        let (loss, gradients) = self.gradients()?;
        self.before.clear();
        self.optimizer.step(lr, loss, &mut self.parameters, gradients)?;
        Ok(loss)
    }

    fn step_seeing(&mut self, decide: &mut dyn FnMut(&GradientStats) -> Result<f64>) -> Result<f64> {
        let (loss, gradients) = self.gradients()?;
        let (norm, alignment) = self.look(&gradients);
        let lr = decide(&GradientStats { loss, norm, alignment })?;
        legal(lr)?;
        self.optimizer.step(lr, loss, &mut self.parameters, gradients)?;
        Ok(loss)
    }

    fn skip(&mut self, batches: u64) -> Result<bool> {
        self.sampler.position += batches;
        Ok(true)
    }

    fn evaluate(&mut self) -> Result<Evaluation> {
        let dataset = self.task.dataset();
        let parameters = self.parameters();
        let mut tally = Tally::default();
        for rows in dataset.validation.chunks(EVALUATION_ROWS) {
            let outputs = self.network.outputs(&parameters, Batch::gather(dataset, rows))?;
            tally.add(&dataset.targets, rows, &outputs);
        }
        Ok(tally.evaluation(&dataset.targets))
    }

    fn save(&mut self) -> Result<Snapshot> {
        let mut arrays: Vec<_> = self.parameters.iter().map(|p| p.values.clone()).collect();
        let time = self.optimizer.time;
        let (kept, numbers) = self.optimizer.state();
        arrays.extend(kept.into_iter().map(|array| array.clone()));
        let (seed, position, before) = (self.seed, self.sampler.position, self.before.clone());
        let state = TrainState { seed, position, time, arrays, before, numbers };
        Ok(state.encode(&self.task.job()))
    }

    fn restore(&mut self, snapshot: &Snapshot) -> Result<()> {
        let shapes: Vec<[usize; 2]> = self.task.architecture().parameters().iter().map(|p| p.shape).collect();
        let (kept, numbers) = self.optimizer.state();
        let lengths: Vec<usize> = shapes.iter().map(|s| s[0] * s[1]).chain(kept.iter().map(|a| a.len())).collect();
        let state = TrainState::decode(snapshot, &self.task.job(), &lengths, numbers.len())?;
        let size: usize = shapes.iter().map(|s| s[0] * s[1]).sum();
        if !state.before.is_empty() && state.before.len() != size {
            let found = state.before.len();
            return Err(Error::state(format!("the snapshot holds {found} weights before the last move, not {size}")));
        }
        self.before = state.before;
        let mut arrays = state.arrays.into_iter();
        self.parameters = shapes.iter().zip(&mut arrays).map(|(s, values)| Matrix::new(values, *s)).collect();
        self.optimizer.restore(state.time, arrays, &state.numbers);
        self.seed = state.seed;
        self.sampler = Sampler::new(state.seed, self.task.config().batch_size);
        self.sampler.position = state.position;
        Ok(())
    }
}
