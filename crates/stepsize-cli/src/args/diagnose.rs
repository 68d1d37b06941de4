//! The arguments of `stepsize diagnose`.

use clap::{Args, ValueEnum};
use std::path::PathBuf;
use stepsize::{Lr, Placement};
use stepsize_logs::meaning::Asked;
use stepsize_study::executor::LogOptions;

const ABOUT: &str = "\
Reads the training logs of any tool. For each run it says whether the learning rate was too low, about right or too \
high, or whether the run diverged; what else is wrong (plateau, spikes, overfitting, missing warm-up, a schedule of the \
wrong length ...); and what to do: a rate to try, or the one run that would settle it. If the log does not show it, the \
answer is \"cannot tell from this log, because ...\".

Several runs of one job at different rates are compared with each other, which is far more certain than a single curve.

  stepsize diagnose runs/                         every log below a folder
  stepsize diagnose log.csv 'out/*.jsonl' --json  files and patterns; a list of objects
  train.py | stepsize diagnose -                  standard input
  stepsize diagnose --study mine                  the trials of a study
  stepsize diagnose trainer.log --follow          a run that is still training
  stepsize diagnose runs/ --fail-on diverged,too_high   for CI
  stepsize diagnose log.txt --explain             every series of the log and what it is taken as
  stepsize diagnose log.txt --metric dev_score --maximize --step updates --lr opt/rate

Exit codes: 0 done; 4 a run has a verdict named by --fail-on; 1 no file could be read, or with --strict some file could not.";

#[derive(Debug, Args)]
#[command(long_about = ABOUT)]
pub struct DiagnoseArgs {
    /// Logs: files, folders, patterns with * and ?, or - for standard input
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Judge the trials of this study
    #[arg(long, value_name = "NAME")]
    pub study: Option<String>,
    #[command(flatten)]
    pub file: super::FileArgs,
    /// Keep reading as the log grows and report each change of the verdict; ends at "diverged" or
    /// Ctrl-C
    #[arg(long, conflicts_with_all = ["study", "sarif", "report"])]
    pub follow: bool,
    #[command(flatten)]
    pub live: super::LiveArgs,
    /// Base rate of the runs, for logs that do not contain it; or the name of the rate in the log
    #[arg(long, value_name = "LR|NAME", allow_negative_numbers = true)]
    pub lr: Option<RateOrName>,
    /// Number of classes, for logs that do not contain it
    #[arg(long, value_name = "N")]
    pub classes: Option<u32>,
    /// Judge runs by this metric instead of the one Stepsize picks
    #[arg(long, value_name = "NAME", help_heading = "Reading")]
    pub metric: Option<String>,
    /// More is better for the metric
    #[arg(long, help_heading = "Reading")]
    pub maximize: bool,
    /// The log's counter of steps
    #[arg(long, value_name = "NAME", help_heading = "Reading")]
    pub step: Option<String>,
    /// Find the metric with this pattern: `val=([0-9.]+)` or `it (?<step>[0-9]+) val
    /// (?<val_loss>[0-9.]+)`
    #[arg(long, value_name = "REGEX", help_heading = "Reading")]
    pub regex: Option<String>,
    /// List every series of the logs and what it is taken as
    #[arg(long, help_heading = "Reading", conflicts_with_all = ["sarif", "follow"])]
    pub explain: bool,
    /// Judge each run by itself, without comparing runs of the same job
    #[arg(long)]
    pub alone: bool,
    /// Exit with code 4 if a run has one of these verdicts
    #[arg(long, value_name = "VERDICTS", value_delimiter = ',')]
    pub fail_on: Vec<Word>,
    /// Exit with code 1 if any file could not be read
    #[arg(long)]
    pub strict: bool,
    /// Print a JSON list with one object per run
    #[arg(long, help_heading = "Output", conflicts_with = "sarif")]
    pub json: bool,
    /// Print SARIF 2.1.0, for code-scanning tools
    #[arg(long, help_heading = "Output")]
    pub sarif: bool,
    /// Write an HTML page with every curve and its evidence: one file, works offline
    #[arg(long, value_name = "FILE.html", help_heading = "Output")]
    pub report: Option<PathBuf>,
}

/// A rate, or the name of one.
#[derive(Debug, Clone, PartialEq)]
pub enum RateOrName {
    Rate(Lr),
    Name(String),
}

impl std::str::FromStr for RateOrName {
    type Err = stepsize::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.parse::<f64>() {
            Ok(_) => text.parse().map(Self::Rate),
            Err(_) => Ok(Self::Name(text.to_owned())),
        }
    }
}

impl DiagnoseArgs {
    /// How files are read.
    pub fn reading(&self) -> LogOptions {
        LogOptions {
            metric: self.metric.clone(),
            step: self.step.clone(),
            maximize: self.maximize.then_some(true),
            regex: self.regex.clone(),
        }
    }

    /// What the names in the logs mean.
    ///
    /// # Errors
    /// If the pattern is not a regular expression or has no group.
    pub fn asked(&self) -> stepsize::Result<Asked> {
        let (rate, lr) = match &self.lr {
            Some(RateOrName::Name(name)) => (Some(name.clone()), None),
            Some(RateOrName::Rate(lr)) => (None, Some(lr.get())),
            None => (None, None),
        };
        let maximize = self.maximize.then_some(true);
        Ok(Asked { metric: self.reading().named_metric()?, maximize, rate, lr, classes: self.classes })
    }
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
