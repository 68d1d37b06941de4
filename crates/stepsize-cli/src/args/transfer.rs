//! Arguments of `stepsize transfer` and `stepsize refine`.

use clap::{Args, ValueEnum};
use std::path::PathBuf;
use stepsize::Lr;

/// Which rule for the batch size, and which weights for a refined schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FamilyName {
    /// SGD, with or without momentum
    Sgd,
    /// Adam, AdamW and their kin
    Adam,
}

#[derive(Debug, Args)]
pub struct TransferArgs {
    /// The tuned rate
    #[arg(long, value_name = "LR", allow_negative_numbers = true)]
    pub lr: Lr,
    /// The run it was tuned for: schedule, steps and batch, such as 'cosine, 10k steps, batch 64'
    #[arg(long, value_name = "RUN")]
    pub from: String,
    /// The run it is wanted for; what is left out stays the same
    #[arg(long, value_name = "RUN")]
    pub to: String,
    /// Optimizer: batch rules differ
    #[arg(long, value_enum, default_value_t = FamilyName::Adam, value_name = "KIND")]
    pub optimizer: FamilyName,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct RefineArgs {
    /// Gradient norms of an earlier run, in order of steps: a .csv with a column grad_norm, a .jsonl with such a key, or one
    /// number a line; `stepsize train --grad-norms --curve FILE` writes one
    pub log: PathBuf,
    /// Steps of the new run [default: as many as there are norms]
    #[arg(long, value_name = "N")]
    pub steps: Option<u64>,
    /// Optimizer: weights are the inverse squared norm for SGD, the inverse norm for Adam
    #[arg(long, value_enum, default_value_t = FamilyName::Adam, value_name = "KIND")]
    pub optimizer: FamilyName,
    /// Width of the running median that smooths the norms, as a share of the run
    #[arg(long, default_value_t = 0.1, value_name = "X")]
    pub width: f64,
    /// Straight pieces of the new schedule
    #[arg(long, default_value_t = 20, value_name = "N")]
    pub pieces: usize,
    /// Print the notation only
    #[arg(long)]
    pub notation: bool,
}
