//! Arguments of `stepsize playground`.

use clap::Args;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub struct PlaygroundArgs {
    /// Record every experiment and write them as one page, index.html in this directory, which
    /// needs no server
    #[arg(long, value_name = "DIR")]
    pub export: PathBuf,
}
