//! [`Task`]: a training job that is ready to run, any number of times, on any threads.

use crate::data::{Builtin, DataSource, Dataset, Split, TargetKind, Targets};
use crate::network::{self, Architecture};
use crate::run::EngineRun;
use crate::spec::{ModelSpec, OptimizerSpec};
use std::sync::Arc;
use stepsize::{Engine, Error, Result};

/// What is trained: data, model, optimizer and their settings. All but the rate, which is what a
/// search looks for.
///
/// The default: the digits with `mlp:128,64`, SGD with momentum 0.9, batches of 64.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskConfig {
    /// Where the data comes from.
    pub data: DataSource,
    /// What the target of a table is taken for; `None`: known from its values.
    pub target_kind: Option<TargetKind>,
    /// The network.
    pub model: ModelSpec,
    /// The optimizer.
    pub optimizer: OptimizerSpec,
    /// Rows a step, at least 1 and at most the training rows.
    pub batch_size: usize,
    /// Weight decay, finite and >= 0: added to the gradient for SGD and Adam, separate from it for
    /// AdamW.
    pub weight_decay: f64,
    /// Largest norm of the whole gradient, above 0; larger gradients are scaled down to it.
    pub clip_norm: Option<f64>,
    /// Share of the rows that is held out for validation, in `0..1` (at most 2048 of them are
    /// used).
    pub val_fraction: f64,
    /// Seed that chooses the validation rows. The seed of a run does not change them.
    pub split_seed: u64,
}

impl Default for TaskConfig {
    fn default() -> Self {
        Self {
            data: DataSource::Builtin(Builtin::Digits),
            target_kind: None,
            model: ModelSpec::mlp([128, 64]),
            optimizer: OptimizerSpec::SGD,
            batch_size: 64,
            weight_decay: 0.0,
            clip_norm: None,
            val_fraction: 0.2,
            split_seed: 0,
        }
    }
}

/// A loaded and split job. Cloning is cheap: the data is shared.
#[derive(Debug, Clone)]
pub struct Task {
    inner: Arc<TaskData>,
}

#[derive(Debug)]
struct TaskData {
    config: TaskConfig,
    dataset: Arc<Dataset>,
    architecture: Architecture,
}

impl TaskConfig {
    fn check(&self) -> Result<()> {
        self.model.check()?;
        self.optimizer.check()?;
        if self.batch_size == 0 {
            return Err(Error::invalid("the batch size is 0; give at least 1"));
        }
        if !(self.weight_decay >= 0.0 && self.weight_decay.is_finite()) {
            return Err(Error::invalid(format!("the weight decay {} is not a finite number >= 0", self.weight_decay)));
        }
        if let Some(limit) = self.clip_norm
            && !(limit > 0.0 && limit.is_finite())
        {
            return Err(Error::invalid(format!("the clipping norm {limit} is not a finite number above 0")));
        }
        if !(self.val_fraction > 0.0 && self.val_fraction < 1.0) {
            return Err(Error::invalid(format!("the validation share {} is not between 0 and 1", self.val_fraction)));
        }
        Ok(())
    }
}

impl Task {
    /// Loads, splits and scales the data, once.
    ///
    /// # Errors
    /// When the data cannot be read or used, or the parts of `config` do not fit each other. The
    /// message says what was seen and what to do.
    pub fn load(config: TaskConfig) -> Result<Self> {
        config.check()?;
        let context = match config.model {
            ModelSpec::CharLm { context, .. } => Some(context),
            _ => None,
        };
        let split = Split { fraction: config.val_fraction, seed: config.split_seed };
        let dataset = Dataset::load(&config.data, split, context, config.target_kind)?;
        if config.batch_size > dataset.train.len() {
            return Err(Error::invalid(format!(
                "the batch size {} is above the {} training rows: make it smaller",
                config.batch_size,
                dataset.train.len()
            )));
        }
        let architecture = Architecture::new(&config.model, &dataset)?;
        Ok(Self { inner: Arc::new(TaskData { config, dataset: Arc::new(dataset), architecture }) })
    }

    /// The same task with another optimizer; the data is shared.
    ///
    /// # Errors
    /// When a number of the optimizer is not legal.
    pub fn with_optimizer(&self, optimizer: OptimizerSpec) -> Result<Self> {
        optimizer.check()?;
        let TaskData { config, dataset, architecture } = &*self.inner;
        let config = TaskConfig { optimizer, ..config.clone() };
        let (dataset, architecture) = (Arc::clone(dataset), architecture.clone());
        Ok(Self { inner: Arc::new(TaskData { config, dataset, architecture }) })
    }

    /// A fresh run. `seed` determines the initial weights and the order of the data, bit for bit.
    ///
    /// # Errors
    /// Never at present; for devices that can fail.
    pub fn engine(&self, seed: u64) -> Result<Box<dyn Engine>> {
        Ok(Box::new(EngineRun::new(self.clone(), seed, network::on_device(self.architecture()))))
    }

    /// The task in one line:
    /// `digits (1797 rows, 64 features, 10 classes), mlp:128,64, sgd momentum 0.9, batch 64`.
    pub fn describe(&self) -> String {
        let c = &self.inner.config;
        let mut text = format!(
            "{} ({}), {}, {}, batch {}",
            c.data,
            self.inner.dataset.summary,
            c.model,
            c.optimizer.describe(),
            c.batch_size
        );
        if c.weight_decay > 0.0 {
            text += &format!(", weight decay {}", c.weight_decay);
        }
        if let Some(limit) = c.clip_norm {
            text += &format!(", clipped to norm {limit}");
        }
        if c.val_fraction != TaskConfig::default().val_fraction {
            text += &format!(", {} held out", c.val_fraction);
        }
        text
    }

    /// Number of steps in an epoch; the last short batch is left out.
    pub fn steps_per_epoch(&self) -> u64 {
        (self.inner.dataset.train.len() / self.inner.config.batch_size) as u64
    }

    /// The meaning of [`stepsize::Evaluation::score`] here: `accuracy` or `r2`.
    pub fn score_name(&self) -> &'static str {
        match self.inner.dataset.targets {
            Targets::Classes { .. } => "accuracy",
            Targets::Values(_) => "r2",
        }
    }

    /// What was repaired or left out while loading, one sentence each.
    pub fn warnings(&self) -> &[String] {
        &self.inner.dataset.warnings
    }

    /// What was asked for.
    pub fn config(&self) -> &TaskConfig {
        &self.inner.config
    }

    pub(crate) fn dataset(&self) -> &Dataset {
        &self.inner.dataset
    }

    pub(crate) fn architecture(&self) -> &Architecture {
        &self.inner.architecture
    }

    /// All that determines a run beside its state. A snapshot fits only the same text.
    pub(crate) fn job(&self) -> String {
        let c = &self.inner.config;
        format!("{}, split {} of seed {}", self.describe(), c.val_fraction, c.split_seed)
    }
}
