//! Where results go.

use crate::done::Fault;
use clap::Args;
use std::path::PathBuf;

/// What is written, and where.
#[derive(Debug, Args)]
pub struct FilesArgs {
    /// Print one JSON object instead of text
    #[arg(long, help_heading = "Output")]
    pub json: bool,
    /// Write a page with all pictures, one file, no network needed
    #[arg(long, value_name = "FILE.html", help_heading = "Output")]
    pub report: Option<PathBuf>,
    /// Write the pictures as PNG
    #[arg(long, value_name = "FILE.png", help_heading = "Output")]
    pub png: Option<PathBuf>,
    /// Write the pictures as SVG
    #[arg(long, value_name = "FILE.svg", help_heading = "Output")]
    pub svg: Option<PathBuf>,
}

/// How a search is told.
#[derive(Debug, Args)]
pub struct DrawArgs {
    #[command(flatten)]
    pub files: FilesArgs,
    /// Price of one hour of one running trial: adds the cost in money
    #[arg(long, value_name = "PRICE", help_heading = "Output")]
    pub price_per_hour: Option<f64>,
}

/// What is written and recorded.
#[derive(Debug, Args)]
pub struct OutputArgs {
    #[command(flatten)]
    pub draw: DrawArgs,
    #[command(flatten)]
    pub kept: StudyArgs,
}

/// Where a search is kept.
#[derive(Debug, Args)]
pub struct StudyArgs {
    /// Keep the search under this name; after any end the same command goes on, and no finished trial runs again
    #[arg(long, value_name = "NAME", help_heading = "Study")]
    pub study: Option<String>,
    #[command(flatten)]
    pub file: FileArgs,
}

impl StudyArgs {
    /// Names the study on this machine, the same from whatever directory; `None` when it is not kept.
    pub fn mark(&self) -> Result<Option<String>, Fault> {
        let Some(name) = &self.study else { return Ok(None) };
        let file = std::path::absolute(&self.file.db);
        let file = file.map_err(|e| Fault::failure(format!("cannot tell where {} is: {e}", self.file.db.display())))?;
        Ok(Some(format!("{}#{name}", file.display())))
    }
}

/// The file of studies.
#[derive(Debug, Args)]
pub struct FileArgs {
    /// File of studies (SQLite), on a local disk
    #[arg(long, value_name = "FILE", default_value = "stepsize.db", help_heading = "Study")]
    pub db: PathBuf,
}

/// One study of the file.
#[derive(Debug, Args)]
pub struct NamedArgs {
    /// Name of the study
    pub name: String,
    #[command(flatten)]
    pub file: FileArgs,
}
