//! `stepsize man [VERB]`: manual pages in roff.

use crate::args::{Cli, ManArgs};
use crate::done::{Done, Fault};
use clap::CommandFactory;

/// One page.
pub fn run(args: &ManArgs) -> Result<Done, Fault> {
    let mut command = Cli::command();
    command.build();
    let command = match &args.verb {
        None => command,
        Some(verb) => command.find_subcommand(verb).cloned().ok_or_else(|| {
            let verbs: Vec<&str> = command.get_subcommands().map(|c| c.get_name()).collect();
            Fault::usage(format!("there is no verb '{verb}'; the verbs are {}", verbs.join(", ")))
        })?,
    };
    let mut text = Vec::new();
    clap_mangen::Man::new(command)
        .render(&mut text)
        .map_err(|e| Fault::failure(format!("cannot make the manual page: {e}")))?;
    Ok(Done::answer(String::from_utf8_lossy(&text)))
}
