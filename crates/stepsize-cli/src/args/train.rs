//! Arguments of `stepsize train`.

use super::TaskArgs;
use clap::Args;
use std::path::PathBuf;
use stepsize::Lr;

#[derive(Debug, Args)]
pub struct TrainArgs {
    /// Base learning rate
    #[arg(long, value_name = "LR", allow_negative_numbers = true, required_unless_present = "resume")]
    pub lr: Option<Lr>,
    /// Controller, such as 'plateau(patience=10)' or 'rewind * greedy'; plateau, plateau_torch, plateau_keras, plateau_optax,
    /// greedy, greedy_transformers, hypergradient, polyak, branch, rewind
    #[arg(long, value_name = "TEXT")]
    pub controller: Option<String>,
    /// Checkpoint: goes on from it if it is there, and is written as the run goes, at its end and on Ctrl-C
    #[arg(long, value_name = "FILE")]
    pub resume: Option<PathBuf>,
    /// Steps between checkpoints [default: a twentieth of the run]
    #[arg(long, value_name = "N", requires = "resume")]
    pub checkpoint_every: Option<u64>,
    /// Keep the state with the best validation loss in this file; --resume takes it too
    #[arg(long, value_name = "FILE")]
    pub best: Option<PathBuf>,
    /// Stop when N evaluations in a row brought no better validation loss
    #[arg(long, value_name = "N")]
    pub early_stop: Option<u64>,
    /// Evaluations of the run, evenly spaced
    #[arg(long, default_value_t = 20, value_name = "N")]
    pub evaluations: u64,
    /// Write the curve to this file (.csv or .jsonl), also as the run goes
    #[arg(long, value_name = "FILE")]
    pub curve: Option<PathBuf>,
    /// Write TensorBoard events to this directory as the run goes
    #[arg(long, value_name = "DIR")]
    pub tensorboard: Option<PathBuf>,
    /// Record the norm of each step's gradient too: `stepsize refine` makes a schedule of them
    #[arg(long)]
    pub grad_norms: bool,
    /// Without a terminal: a line for each evaluation on standard error
    #[arg(long)]
    pub progress: bool,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub task: TaskArgs,
}
