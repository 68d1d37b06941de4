//! Arguments of `stepsize compare`.

use super::{CommandArgs, SpanArgs, StudyArgs, TaskArgs};
use clap::Args;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub struct CompareArgs {
    /// Rates in each factor of ten
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub per_decade: u32,
    /// Seeds for each way and rate
    #[arg(long, default_value_t = 3, value_name = "N")]
    pub seeds: u64,
    /// Compare these ways only, beside the fixed rate: words that their names hold
    #[arg(long, value_name = "WORD", value_delimiter = ',')]
    pub ways: Vec<String>,
    /// Rates from badly low to badly high [default: 1e-4 to 10]
    #[command(flatten)]
    pub span: SpanArgs,
    #[command(flatten)]
    pub task: TaskArgs,
    #[command(flatten)]
    pub command: CommandArgs,
    /// Print one JSON object instead of text
    #[arg(long, help_heading = "Output")]
    pub json: bool,
    /// Write a page with the pictures, the table and the sentences, one file, no network needed
    #[arg(long, value_name = "FILE.html", help_heading = "Output")]
    pub report: Option<PathBuf>,
    /// Write the valleys as PNG
    #[arg(long, value_name = "FILE.png", help_heading = "Output")]
    pub png: Option<PathBuf>,
    /// Write the valleys as SVG
    #[arg(long, value_name = "FILE.svg", help_heading = "Output")]
    pub svg: Option<PathBuf>,
    #[command(flatten)]
    pub kept: StudyArgs,
}
