//! Arguments of `stepsize playground`.

use clap::Args;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub struct PlaygroundArgs {
    /// Record the experiments and write them as one page, index.html in this directory, which
    /// needs no server [default: serve the playground until Ctrl-C]
    #[arg(long, value_name = "DIR")]
    pub export: Option<PathBuf>,
    /// Port on this machine; a free one where it is taken
    #[arg(long, value_name = "N", default_value_t = stepsize_serve::PORT, conflicts_with = "export")]
    pub port: u16,
}
