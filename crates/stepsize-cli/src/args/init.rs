//! Arguments of `stepsize init`.

use clap::Args;
use std::time::Duration;

#[derive(Debug, Args)]
pub struct InitArgs {
    /// The training command, with or without {lr}, {steps} and {seed} [default: train.py, main.py
    /// or run.py of this directory]
    #[arg(last = true, value_name = "CMD", num_args = 1..)]
    pub argv: Vec<String>,
    /// Length of the full run, in the unit of the command [default: that of the command]
    #[arg(long, value_name = "N", value_parser = super::task::steps)]
    pub steps: Option<u64>,
    /// Judge runs by this metric instead of the one Stepsize picks
    #[arg(long, value_name = "NAME")]
    pub metric: Option<String>,
    /// End the dry run after this time: 90, 90s, 15m or 2h
    #[arg(long, value_name = "TIME", value_parser = super::command::time, default_value = "60s")]
    pub timeout: Duration,
    /// Replace a stepsize.toml that is there
    #[arg(long)]
    pub force: bool,
    /// Print the JSON schema of stepsize.toml, for editors, and do nothing else
    #[arg(long)]
    pub schema: bool,
}
