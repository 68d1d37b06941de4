//! Arguments of `stepsize demo`.

use clap::Args;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Birds after the first yellow one
    #[arg(long, default_value_t = 29, value_name = "N")]
    pub birds: u16,
    /// Seed of their colours
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub seed: u64,
    /// Three rates to compare, low to high, instead of the ones Stepsize finds
    #[arg(long, value_name = "LOW,GOOD,HIGH", value_delimiter = ',', num_args = 1..=3)]
    pub rates: Vec<f64>,
    /// Show the final picture without animation
    #[arg(long)]
    pub still: bool,
    /// Write the picture as a PNG file
    #[arg(long, value_name = "FILE.png")]
    pub png: Option<PathBuf>,
    /// Write the picture as an SVG file
    #[arg(long, value_name = "FILE.svg")]
    pub svg: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}
