//! Where results are written and studies are kept.

use crate::done::Fault;
use clap::Args;
use std::path::PathBuf;
use std::time::Duration;
use stepsize_study::TrackTo;

/// Files to write.
#[derive(Debug, Args)]
pub struct FilesArgs {
    /// Print one JSON object instead of text
    #[arg(long, help_heading = "Output")]
    pub json: bool,
    /// Write an HTML page with all pictures: one file, works offline
    #[arg(long, value_name = "FILE.html", help_heading = "Output")]
    pub report: Option<PathBuf>,
    /// Write the pictures as a PNG file
    #[arg(long, value_name = "FILE.png", help_heading = "Output")]
    pub png: Option<PathBuf>,
    /// Write the pictures as an SVG file
    #[arg(long, value_name = "FILE.svg", help_heading = "Output")]
    pub svg: Option<PathBuf>,
    /// Show no progress and no notes on standard error
    #[arg(long, short, help_heading = "Output")]
    pub quiet: bool,
}

/// How the answer of a search is shown.
#[derive(Debug, Args)]
pub struct DrawArgs {
    #[command(flatten)]
    pub files: FilesArgs,
    /// Price of one trial-hour; adds the cost in money
    #[arg(long, value_name = "PRICE", help_heading = "Output")]
    pub price_per_hour: Option<f64>,
}

/// What a search may take.
#[derive(Debug, Args)]
pub struct LimitArgs {
    /// Stop after this time, and answer from what has ended: 90, 90s, 30m or 2h
    #[arg(long, value_name = "TIME", value_parser = super::command::time, help_heading = "Limits")]
    pub max_time: Option<Duration>,
    /// Spend at most this much; needs --price-per-hour
    #[arg(long, value_name = "PRICE", help_heading = "Limits")]
    pub max_price: Option<f64>,
    /// Time of one step: the search is planned for what --max-time and --max-price leave, and its
    /// time and price are told before it starts
    #[arg(long, value_name = "SECONDS", help_heading = "Limits")]
    pub seconds_per_step: Option<f64>,
    /// Try a trial that failed for another reason than its rate again, so often; then continue
    /// without it where the answer can stand on the rest. 0: end the search
    #[arg(long, value_name = "N", default_value_t = 1, help_heading = "Limits")]
    pub retries: u32,
    /// Print the trials it would begin with, and run nothing
    #[arg(long, help_heading = "Limits")]
    pub dry_run: bool,
}

/// Whom a search tells, and where else its trials are written.
#[derive(Debug, Args)]
pub struct ReachArgs {
    /// Run this command at the end, also after a refusal, a failure or Ctrl-C: 'notify-send
    /// {message}'. {result}, {lr}, {message}, ... are replaced, and are in its environment as
    /// STEPSIZE_RESULT, ...; the text of the answer is its input
    #[arg(long, value_name = "CMD", help_heading = "Output")]
    pub notify: Option<String>,
    /// Also write the trials there as they run: tensorboard:DIR, mlflow:DIR (a folder of runs) or
    /// wandb-offline:DIR; can be repeated
    #[arg(long, value_name = "KIND:DIR", help_heading = "Output")]
    pub log_to: Vec<TrackTo>,
}

/// How the answer is shown, and where the search is kept.
#[derive(Debug, Args)]
pub struct OutputArgs {
    #[command(flatten)]
    pub limits: LimitArgs,
    #[command(flatten)]
    pub reach: ReachArgs,
    #[command(flatten)]
    pub draw: DrawArgs,
    #[command(flatten)]
    pub live: super::LiveArgs,
    #[command(flatten)]
    pub kept: StudyArgs,
}

/// Where a search is kept.
#[derive(Debug, Args)]
pub struct StudyArgs {
    /// Keep the search under this name; the same command continues it and runs no finished trial
    /// again
    #[arg(long, value_name = "NAME", help_heading = "Study")]
    pub study: Option<String>,
    #[command(flatten)]
    pub file: FileArgs,
}

impl StudyArgs {
    /// A name for the study that is the same from every directory of this machine; `None` when it
    /// is not kept.
    pub fn mark(&self) -> Result<Option<String>, Fault> {
        let Some(name) = &self.study else { return Ok(None) };
        let file = std::path::absolute(&self.file.db);
        let file = file.map_err(|e| Fault::failure(format!("cannot tell where {} is: {e}", self.file.db.display())))?;
        Ok(Some(format!("{}#{name}", file.display())))
    }
}

/// Study file where none is named, in the current directory.
pub const DB: &str = "stepsize.db";

/// The study file.
#[derive(Debug, Args)]
pub struct FileArgs {
    /// Study file (SQLite), on a local disk
    #[arg(long, value_name = "FILE", default_value = DB, help_heading = "Study")]
    pub db: PathBuf,
}

/// One study of a study file.
#[derive(Debug, Args)]
pub struct NamedArgs {
    /// Name of the study
    pub name: String,
    #[command(flatten)]
    pub file: FileArgs,
}
