//! Arguments of `stepsize transfer` and `stepsize refine`.

use clap::{Args, ValueEnum};
use std::path::PathBuf;
use stepsize::Lr;

/// Kind of optimizer: decides the batch-size rule of `transfer` and the weights of `refine`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FamilyName {
    /// SGD, with or without momentum
    Sgd,
    /// Adam, AdamW and their relatives
    Adam,
}

#[derive(Debug, Args)]
pub struct TransferArgs {
    /// Tuned rate
    #[arg(long, value_name = "LR", allow_negative_numbers = true)]
    pub lr: Lr,
    /// Run it was tuned for: schedule, steps and batch, such as 'cosine, 10k steps, batch 64'
    #[arg(long, value_name = "RUN")]
    pub from: String,
    /// Run to convert it to; omitted parts stay the same
    #[arg(long, value_name = "RUN")]
    pub to: String,
    /// Kind of optimizer, which decides the batch-size rule
    #[arg(long, value_enum, default_value_t = FamilyName::Adam, value_name = "KIND")]
    pub optimizer: FamilyName,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct RefineArgs {
    /// Gradient norms of an earlier run in step order: a .csv or .jsonl with a column grad_norm, or
    /// one number per line; `stepsize train --grad-norms --curve FILE` writes such a file
    pub log: PathBuf,
    /// Steps of the new run [default: the number of norms]
    #[arg(long, value_name = "N")]
    pub steps: Option<u64>,
    /// Kind of optimizer: SGD weights steps by the inverse squared norm, Adam by the inverse norm
    #[arg(long, value_enum, default_value_t = FamilyName::Adam, value_name = "KIND")]
    pub optimizer: FamilyName,
    /// Window of the running median over the norms, as a share of the run
    #[arg(long, default_value_t = 0.1, value_name = "X")]
    pub width: f64,
    /// Number of straight pieces of the new schedule
    #[arg(long, default_value_t = 20, value_name = "N")]
    pub pieces: usize,
    /// Print only the notation
    #[arg(long)]
    pub notation: bool,
}
