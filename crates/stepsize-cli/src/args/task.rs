//! The task (data, model, optimizer) and the full run (length, schedule, seed).

use clap::{Args, ValueEnum};
use stepsize_engine::{DataSource, ModelSpec, OptimizerSpec};

/// What the target of a table is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TaskKind {
    /// A number
    Regression,
    /// A class
    Classification,
}

/// What the built-in engine trains.
#[derive(Debug, Args)]
pub struct EngineArgs {
    /// Data: digits, diabetes, wine, breast_cancer, text or a file (.csv, .tsv, .txt, IDX images)
    #[arg(long, default_value = "digits", value_name = "DATA", help_heading = "Task")]
    pub data: DataSource,
    /// Column to predict [default: the last one]
    #[arg(long, value_name = "COLUMN", help_heading = "Task")]
    pub target: Option<String>,
    /// What the target is [default: known from its values]
    #[arg(long, value_enum, value_name = "KIND", help_heading = "Task")]
    pub task: Option<TaskKind>,
    /// Network: linear, mlp:128,64, mlp:128,64,norm, cnn, charlm [default: mlp:128,64; charlm for
    /// a text]
    #[arg(long, value_name = "MODEL", help_heading = "Task")]
    pub model: Option<ModelSpec>,
    /// Optimizer: sgd, sgd:0.9 (momentum), nesterov:0.9, adam, adamw, adam:0.9,0.999,1e-8,
    /// schedule_free_sgd, schedule_free_adamw; methods that set their own rate (--lr 1): prodigy,
    /// dadapt_adam, dog, ldog, mechanic(adamw), momo, schedule_free_plus, momo_adam (--lr 0.01)
    #[arg(long, default_value = "sgd:0.9", value_name = "OPT", help_heading = "Task")]
    pub optimizer: OptimizerSpec,
    /// Rows per step
    #[arg(long, default_value_t = 64, value_name = "N", help_heading = "Task")]
    pub batch_size: usize,
    /// Weight decay: added to the gradient (sgd, adam) or decoupled from it (adamw)
    #[arg(long, default_value_t = 0.0, value_name = "X", allow_negative_numbers = true, help_heading = "Task")]
    pub weight_decay: f64,
    /// Clip the norm of gradients to this value
    #[arg(long, value_name = "X", allow_negative_numbers = true, help_heading = "Task")]
    pub clip_norm: Option<f64>,
    /// Share of rows held out for validation
    #[arg(long, default_value_t = 0.2, value_name = "X", allow_negative_numbers = true, help_heading = "Task")]
    pub val_fraction: f64,
}

/// Reads a number of steps: 2000, 10k, 1e6.
pub(super) fn steps(text: &str) -> Result<u64, String> {
    stepsize::transfer::whole(text).ok_or_else(|| {
        format!("{text} is not a number of steps; write a whole number above 0, such as 2000, 10k or 1e6")
    })
}

/// The full run.
#[derive(Debug, Args)]
pub struct TaskArgs {
    #[command(flatten)]
    pub engine: EngineArgs,
    /// Length of the full run in optimizer steps [default: 2000]; for a command, in the command's
    /// own unit
    #[arg(long, value_name = "N", conflicts_with = "epochs", value_parser = steps, help_heading = "Task")]
    pub steps: Option<u64>,
    /// Length of the full run in passes over the data
    #[arg(long, value_name = "N", help_heading = "Task")]
    pub epochs: Option<f64>,
    /// Schedule: constant, linear, cosine, 'warmup(10%) then cosine', ... [default: cosine; for a
    /// command, its own]
    #[arg(long, value_name = "TEXT", help_heading = "Task")]
    pub schedule: Option<String>,
    /// Seed of the weights and of the data order
    #[arg(long, default_value_t = 0, value_name = "N", help_heading = "Task")]
    pub seed: u64,
    /// Runs at once [default: the processors of this machine; for a command: 1, or one per GPU]
    #[arg(long, value_name = "N", help_heading = "Task")]
    pub jobs: Option<usize>,
}
