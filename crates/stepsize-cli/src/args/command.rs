//! Any training command: what is run, and how its log is read.

use super::ClusterArgs;
use clap::Args;
use std::path::PathBuf;
use stepsize::pruner::PrunerKind;

/// Options of the built-in engine, which a command has no use for.
const ENGINE: [&str; 9] =
    ["data", "target", "model", "optimizer", "batch_size", "weight_decay", "clip_norm", "val_fraction", "epochs"];

/// A training command after `--`, and how it is run and read.
#[derive(Debug, Args)]
pub struct CommandArgs {
    /// Train with this command instead: {lr}, {lr:float}, {steps}, {seed}, {trial} and {trial_dir} are filled in, and are in
    /// the environment as STEPSIZE_LR, ...
    #[arg(last = true, value_name = "CMD", num_args = 1.., conflicts_with_all = ENGINE)]
    pub argv: Vec<String>,
    /// The command is one text for the shell: -- 'python train.py --lr {lr} | tee log'
    #[arg(long, requires = "argv", help_heading = "Command")]
    pub shell: bool,
    /// The command reads its rate from the environment variable STEPSIZE_LR
    #[arg(long, requires = "argv", help_heading = "Command")]
    pub lr_from_env: bool,
    /// Compare runs by this metric instead of the one chosen by its name
    #[arg(long, value_name = "NAME", requires = "argv", help_heading = "Command")]
    pub metric: Option<String>,
    /// High is good
    #[arg(long, requires = "argv", help_heading = "Command")]
    pub maximize: bool,
    /// The counter that --steps counts
    #[arg(long, value_name = "NAME", requires = "argv", help_heading = "Command")]
    pub step: Option<String>,
    /// Read the metric with this pattern: `val=([0-9.]+)` or `it (?<step>[0-9]+) val (?<val_loss>[0-9.]+)`
    #[arg(long, value_name = "REGEX", requires = "argv", help_heading = "Command")]
    pub regex: Option<String>,
    /// Read the metric from files instead of the output: '{trial_dir}/**/metrics.csv'
    #[arg(long, value_name = "PATTERN", requires = "argv", help_heading = "Command")]
    pub log: Option<String>,
    /// GPUs, one run each: 0,1 sets CUDA_VISIBLE_DEVICES to 0 or 1
    #[arg(long, value_name = "LIST", value_delimiter = ',', requires = "argv", help_heading = "Command")]
    pub gpus: Vec<String>,
    /// A run that takes longer fails the search: 90, 90s, 15m or 2h
    #[arg(long, value_name = "TIME", value_parser = time, requires = "argv", help_heading = "Command")]
    pub timeout: Option<std::time::Duration>,
    /// Keep the directories of the runs ({trial_dir}) in this one
    #[arg(long, value_name = "DIR", requires = "argv", help_heading = "Command")]
    pub trials: Option<PathBuf>,
    /// End runs early by this rule instead of the search's own: none, one-sided, diverging, median, halving. Under a schedule that
    /// decays, median and halving may end the best rate
    #[arg(long, value_name = "RULE", help_heading = "Command")]
    pub kill_rule: Option<PrunerKind>,
    #[command(flatten)]
    pub cluster: ClusterArgs,
}

/// Seconds, or a number with s, m or h.
pub(super) fn time(text: &str) -> Result<std::time::Duration, String> {
    let (number, unit) = match text.char_indices().last() {
        Some((at, 's')) => (&text[..at], 1.0),
        Some((at, 'm')) => (&text[..at], 60.0),
        Some((at, 'h')) => (&text[..at], 3600.0),
        _ => (text, 1.0),
    };
    let seconds = number.parse::<f64>().ok().map(|n| n * unit).filter(|s| *s > 0.0);
    seconds
        .and_then(|s| std::time::Duration::try_from_secs_f64(s).ok())
        .ok_or_else(|| format!("a time is 90, 90s, 15m or 2h and above 0, not {text}"))
}
