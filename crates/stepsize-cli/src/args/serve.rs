//! Arguments of `stepsize serve`, and of `--live`.

use super::FileArgs;
use clap::Args;
use std::net::IpAddr;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub struct ServeArgs {
    #[command(flatten)]
    pub file: FileArgs,
    /// Port; a free one where it is taken
    #[arg(long, default_value_t = stepsize_serve::PORT, value_name = "N")]
    pub port: u16,
    /// Address to listen on; beyond this machine, reading needs the token too
    #[arg(long, default_value = "127.0.0.1", value_name = "ADDRESS")]
    pub bind: IpAddr,
    /// Ask for the token to read, too: other users of this machine can reach the port
    #[arg(long)]
    pub private: bool,
    /// File with the token for changes, at least 16 letters and digits [default: a random one]
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// Price of one trial-hour; adds the cost in money
    #[arg(long, value_name = "PRICE")]
    pub price_per_hour: Option<f64>,
    /// Print the address of the playground
    #[arg(long)]
    pub playground: bool,
}

/// A page that shows a command while it runs.
#[derive(Debug, Clone, Args)]
pub struct LiveArgs {
    /// Show it in the browser while it runs; prints the address
    #[arg(long, alias = "open", help_heading = "Output")]
    pub live: bool,
    /// Port of the live page; a free one where it is taken
    #[arg(long, requires = "live", default_value_t = stepsize_serve::PORT, value_name = "N", help_heading = "Output")]
    pub live_port: u16,
}
