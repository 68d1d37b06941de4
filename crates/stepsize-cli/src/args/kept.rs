//! Arguments of the verbs on studies that are kept: `show`, `resume`, `export`.

use super::{DrawArgs, NamedArgs};
use clap::{Args, ValueEnum};
use std::path::PathBuf;

#[derive(Debug, Args)]
pub struct ShowArgs {
    #[command(flatten)]
    pub named: NamedArgs,
    #[command(flatten)]
    pub output: DrawArgs,
}

#[derive(Debug, Args)]
pub struct ResumeArgs {
    #[command(flatten)]
    pub named: NamedArgs,
    /// Spend at most this many full runs in all, instead of the budget of the study
    #[arg(long, value_name = "RUNS", allow_negative_numbers = true)]
    pub budget: Option<f64>,
    #[command(flatten)]
    pub output: DrawArgs,
}

#[derive(Debug, Args)]
pub struct ExportArgs {
    #[command(flatten)]
    pub named: NamedArgs,
    /// What to write
    #[arg(long, value_enum, default_value_t = ExportForm::Json)]
    pub format: ExportForm,
    /// File to write [default: standard output]; a directory for tensorboard
    #[arg(long, value_name = "PATH", required_if_eq("format", "tensorboard"))]
    pub out: Option<PathBuf>,
}

/// Formats of `stepsize export`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExportForm {
    /// One row per reading
    Csv,
    /// One event per line, complete
    Json,
    /// One directory per trial, with its curves
    Tensorboard,
}
