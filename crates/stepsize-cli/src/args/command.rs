//! A training command of the user: how it is run, and how its log is read.

use super::ClusterArgs;
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use std::path::PathBuf;
use stepsize::pruner::PrunerKind;

/// Options of the built-in engine, which mean nothing to a command.
const ENGINE: [&str; 10] = [
    "data",
    "target",
    "task",
    "model",
    "optimizer",
    "batch_size",
    "weight_decay",
    "clip_norm",
    "val_fraction",
    "epochs",
];

/// A training command after `--`, and how it is run and read.
#[derive(Debug, Args)]
pub struct CommandArgs {
    /// Train with this command; {lr}, {lr:float}, {steps}, {seed}, {trial} and {trial_dir} are
    /// replaced by their values, which are also in the environment as STEPSIZE_LR, STEPSIZE_STEPS,
    /// ...
    #[arg(last = true, value_name = "CMD", num_args = 1.., conflicts_with_all = ENGINE)]
    pub argv: Vec<String>,
    /// Run the command in a shell; it is one quoted text: -- 'python train.py --lr {lr} | tee log'
    #[arg(long, requires = "argv", help_heading = "Command")]
    pub shell: bool,
    /// The command reads its rate from the environment variable STEPSIZE_LR
    #[arg(long, requires = "argv", help_heading = "Command")]
    pub lr_from_env: bool,
    /// Judge runs by this metric instead of the one Stepsize picks
    #[arg(long, value_name = "NAME", requires = "argv", help_heading = "Command")]
    pub metric: Option<String>,
    /// More is better for the metric
    #[arg(long, requires = "argv", help_heading = "Command")]
    pub maximize: bool,
    /// The log's counter in whose unit --steps is given
    #[arg(long, value_name = "NAME", requires = "argv", help_heading = "Command")]
    pub step: Option<String>,
    /// Find the metric with this pattern: `val=([0-9.]+)` or `it (?<step>[0-9]+) val
    /// (?<val_loss>[0-9.]+)`
    #[arg(long, value_name = "REGEX", requires = "argv", help_heading = "Command")]
    pub regex: Option<String>,
    /// Read the metric from files instead of the output: '{trial_dir}/**/metrics.csv'
    #[arg(long, value_name = "PATTERN", requires = "argv", help_heading = "Command")]
    pub log: Option<String>,
    /// GPUs of this machine, one run on each: 0,1 sets CUDA_VISIBLE_DEVICES to 0 or 1
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = gpu, requires = "argv", help_heading = "Command")]
    pub gpus: Vec<String>,
    /// Fail the search if one run takes longer: 90, 90s, 15m or 2h
    #[arg(long, value_name = "TIME", value_parser = time, requires = "argv", help_heading = "Command")]
    pub timeout: Option<std::time::Duration>,
    /// Directory that keeps the runs' own directories ({trial_dir})
    #[arg(long, value_name = "DIR", requires = "argv", help_heading = "Command")]
    pub trials: Option<PathBuf>,
    /// Rule that ends runs early, instead of the search's own. With a decaying schedule median and
    /// halving may end the best rate
    #[arg(long, alias = "kill-rule", value_name = "RULE", value_parser = pruners(), help_heading = "Command")]
    pub pruner: Option<PrunerKind>,
    #[command(flatten)]
    pub cluster: ClusterArgs,
}

/// The pruners by name.
fn pruners() -> impl TypedValueParser<Value = PrunerKind> {
    PossibleValuesParser::new(PrunerKind::ALL.map(PrunerKind::name)).try_map(|name| name.parse())
}

/// Reads a GPU as `CUDA_VISIBLE_DEVICES` names it: a number or an identifier.
fn gpu(text: &str) -> Result<String, String> {
    let number = !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
    match number || ["GPU-", "MIG-"].iter().any(|known| text.starts_with(known)) {
        true => Ok(text.to_owned()),
        false => Err(format!(
            "{text} is not a GPU; write their numbers, such as 0,1, or GPU-... as nvidia-smi -L lists them"
        )),
    }
}

/// Reads a time: seconds, or a number with s, m or h.
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
        .ok_or_else(|| format!("{text} is not a time above 0; write 90, 90s, 15m or 2h"))
}
