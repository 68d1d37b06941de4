//! Arguments of `stepsize train`.

use super::TaskArgs;
use clap::Args;
use std::path::PathBuf;
use stepsize::Lr;
use stepsize::controller::ControllerSpec;

/// Help of `--controller`.
fn controllers() -> String {
    format!(
        "Controller, such as 'plateau(patience=10)' or 'rewind * greedy'; the names are {}",
        ControllerSpec::names().join(", ")
    )
}

#[derive(Debug, Args)]
pub struct TrainArgs {
    /// Base learning rate
    #[arg(long, value_name = "LR", allow_negative_numbers = true, required_unless_present = "resume")]
    pub lr: Option<Lr>,
    #[arg(long, value_name = "TEXT", help = controllers())]
    pub controller: Option<String>,
    /// Checkpoint file: resume from it if it exists; written periodically, at the end, and on
    /// Ctrl-C
    #[arg(long, value_name = "FILE")]
    pub resume: Option<PathBuf>,
    /// Steps between checkpoints [default: a twentieth of the run]
    #[arg(long, value_name = "N", requires = "resume")]
    pub checkpoint_every: Option<u64>,
    /// Keep the state with the best validation loss in this file; --resume accepts it too
    #[arg(long, value_name = "FILE")]
    pub best: Option<PathBuf>,
    /// Stop after N evaluations in a row without a better validation loss
    #[arg(long, value_name = "N")]
    pub early_stop: Option<u64>,
    /// Number of evaluations, evenly spaced
    #[arg(long, default_value_t = 20, value_name = "N")]
    pub evaluations: u64,
    /// Write the curve to this file (.csv or .jsonl) during the run; a longer curve is not replaced
    #[arg(long, value_name = "FILE")]
    pub curve: Option<PathBuf>,
    /// Write TensorBoard events to this directory during the run
    #[arg(long, value_name = "DIR")]
    pub tensorboard: Option<PathBuf>,
    /// Also record the gradient norm of each step, from which `stepsize refine` derives a schedule
    #[arg(long)]
    pub grad_norms: bool,
    /// Without a terminal, print a line per evaluation on standard error
    #[arg(long)]
    pub progress: bool,
    /// Run this command at the end, whatever it is; see `stepsize find --help`
    #[arg(long, value_name = "CMD")]
    pub notify: Option<String>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub live: super::LiveArgs,
    #[command(flatten)]
    pub task: TaskArgs,
}
