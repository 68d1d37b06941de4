//! The arguments of `stepsize diagnose`.

use clap::{Args, ValueEnum};
use std::path::PathBuf;
use stepsize::Placement;

const ABOUT: &str = "\
Reads training logs of any tool and says of each run whether its learning rate was too low, about right, too high, or \
whether it diverged; what else is wrong (plateau, spikes, overfit, missing warm-up, a schedule of the wrong length ...); \
and what to do: a rate to try, or the one run that would settle it. \"Cannot tell from this log, because ...\" is an answer.

Several runs of one job at different rates are compared with each other, which is far surer than any single curve.

  stepsize diagnose runs/                         every log below a folder
  stepsize diagnose log.csv 'out/*.jsonl' --json  files and patterns; a list of objects
  train.py | stepsize diagnose -                  standard input
  stepsize diagnose --study mine                  the trials of a study
  stepsize diagnose trainer.log --follow          a run that still goes on
  stepsize diagnose runs/ --fail-on diverged,too_high   for CI

Exit codes: 0 done; 4 a run has a verdict named by --fail-on; 1 nothing could be read, or with --strict any file could not.";

#[derive(Debug, Args)]
#[command(long_about = ABOUT)]
pub struct DiagnoseArgs {
    /// Logs: files, folders, patterns with * and ?, or - for standard input
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// The trials of this study
    #[arg(long, value_name = "NAME")]
    pub study: Option<String>,
    #[command(flatten)]
    pub file: super::FileArgs,
    /// Read on as the log grows, and say when the verdict changes; ends with the verdict "diverged", or Ctrl-C
    #[arg(long, conflicts_with_all = ["study", "sarif", "report"])]
    pub follow: bool,
    /// The base rate of the runs, where the logs do not tell it
    #[arg(long, value_name = "LR", allow_negative_numbers = true)]
    pub lr: Option<stepsize::Lr>,
    /// Classes of the classification, where the logs do not tell it
    #[arg(long, value_name = "N")]
    pub classes: Option<u32>,
    /// Judge every run by itself, even if others of the same job are there
    #[arg(long)]
    pub alone: bool,
    /// Exit with code 4 if a run has one of these verdicts: too_low, good, too_high, diverged, unknown
    #[arg(long, value_name = "VERDICTS", value_delimiter = ',')]
    pub fail_on: Vec<Word>,
    /// Exit with code 1 if any file could not be read
    #[arg(long)]
    pub strict: bool,
    /// Print a list of objects, one a run
    #[arg(long, help_heading = "Output", conflicts_with = "sarif")]
    pub json: bool,
    /// Print SARIF 2.1.0, for code-scanning tools
    #[arg(long, help_heading = "Output")]
    pub sarif: bool,
    /// Write a page with every curve and its evidence, one file, no network needed
    #[arg(long, value_name = "FILE.html", help_heading = "Output")]
    pub report: Option<PathBuf>,
}

/// A verdict as an argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum Word {
    TooLow,
    Good,
    TooHigh,
    Diverged,
    Unknown,
}

impl From<Word> for Placement {
    fn from(word: Word) -> Self {
        match word {
            Word::TooLow => Placement::TooLow,
            Word::Good => Placement::Good,
            Word::TooHigh => Placement::TooHigh,
            Word::Diverged => Placement::Diverged,
            Word::Unknown => Placement::Unknown,
        }
    }
}
