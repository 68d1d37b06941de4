//! `stepsize resume`: the command that began a study, once more, in the directory where it was begun.

use crate::args::{Cli, ShowArgs, Verb};
use crate::done::Fault;
use clap::Parser;
use stepsize_study::Studies;

/// That command, with the outputs asked for now.
pub fn command(args: ShowArgs) -> Result<Cli, Fault> {
    let name = args.named.name;
    let fault = |what: String| Fault::failure(format!("cannot resume study {name:?}: {what}"));
    let db = args.named.file.db;
    let (words, directory) = Studies::look(&db)?.command(&name)?;
    if words.first().is_some_and(|word| word == "python") {
        let (program, directory) = (words.join(" "), directory.display());
        return Err(fault(format!("it is asked from Python; run that program again: `{program}` in {directory}")));
    }
    // Before the directory changes.
    let db = std::path::absolute(&db).map_err(|e| fault(e.to_string()))?;
    let mut cli = Cli::try_parse_from(std::iter::once("stepsize").chain(words.iter().map(String::as_str)))
        .map_err(|e| fault(format!("its command is not understood any more: {e}")))?;
    let output = match &mut cli.verb {
        Verb::Find(search) => &mut search.output,
        Verb::Sweep(search) => &mut search.output,
        Verb::RangeTest(search) => &mut search.output,
        _ => return Err(fault(format!("`stepsize {}` is no search", words.join(" ")))),
    };
    output.kept.file.db = db;
    output.draw = args.output;
    std::env::set_current_dir(&directory).map_err(|e| fault(format!("{}: {e}", directory.display())))?;
    Ok(cli)
}
