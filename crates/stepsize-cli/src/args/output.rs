//! Where results go.

use clap::Args;
use std::path::PathBuf;

/// What is written, and where.
#[derive(Debug, Args)]
pub struct DrawArgs {
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
    /// Price of one hour of one running trial: adds the cost in money
    #[arg(long, value_name = "PRICE", help_heading = "Output")]
    pub price_per_hour: Option<f64>,
}

/// What is written and recorded.
#[derive(Debug, Args)]
pub struct OutputArgs {
    #[command(flatten)]
    pub draw: DrawArgs,
    /// Record every event in this file; the same command with the same file goes on where it ended
    #[arg(long, value_name = "FILE.jsonl", help_heading = "Output")]
    pub events: Option<PathBuf>,
}
