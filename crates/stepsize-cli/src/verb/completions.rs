//! `stepsize completions SHELL`.

use crate::args::{Cli, CompletionsArgs};
use crate::done::{Done, Fault};
use clap::CommandFactory;

/// The completions, made in memory: the generator panics when its reader goes away.
pub fn run(args: &CompletionsArgs) -> Result<Done, Fault> {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "stepsize", &mut text);
    Ok(Done::answer(String::from_utf8_lossy(&text)))
}
