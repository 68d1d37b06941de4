//! `stepsize resume`: the command that began a study, once more, in the directory where it was begun.

use crate::args::{Cli, ShowArgs, Verb};
use crate::done::Fault;
use clap::Parser;
use std::path::PathBuf;
use stepsize_study::Studies;

/// That command, with the outputs asked for now.
pub fn command(args: ShowArgs) -> Result<Cli, Fault> {
    let name = args.named.name;
    let fault = |what: String| Fault::failure(format!("cannot resume study {name:?}: {what}"));
    let db = args.named.file.db;
    let (mut cli, directory) = first_command(&Studies::look(&db)?, &name)?;
    // Before the directory changes.
    let db = std::path::absolute(&db).map_err(|e| fault(e.to_string()))?;
    let output = match &mut cli.verb {
        Verb::Find(search) => &mut search.output,
        Verb::Sweep(search) => &mut search.output,
        Verb::RangeTest(search) => &mut search.output,
        Verb::Compare(compare) => {
            if args.output.price_per_hour.is_some() {
                return Err(Fault::usage("--price-per-hour is for searches; a comparison counts steps"));
            }
            compare.kept.file.db = db;
            compare.files = args.output.files;
            std::env::set_current_dir(&directory).map_err(|e| fault(format!("{}: {e}", directory.display())))?;
            return Ok(cli);
        }
        _ => return Err(fault("its command is no search".to_owned())),
    };
    output.kept.file.db = db;
    output.draw = args.output;
    std::env::set_current_dir(&directory).map_err(|e| fault(format!("{}: {e}", directory.display())))?;
    Ok(cli)
}

/// The command that began the study, and where.
pub fn first_command(studies: &Studies, name: &str) -> Result<(Cli, PathBuf), Fault> {
    let fault = |what: String| Fault::failure(format!("the command of study {name:?} cannot be run again: {what}"));
    let (words, directory) = studies.command(name)?;
    if words.first().is_some_and(|word| word == "python") {
        let (program, directory) = (words.join(" "), directory.display());
        return Err(fault(format!("it is asked from Python; run that program again: `{program}` in {directory}")));
    }
    let cli = Cli::try_parse_from(std::iter::once("stepsize").chain(words.iter().map(String::as_str)))
        .map_err(|e| fault(format!("it is not understood any more: {e}")))?;
    Ok((cli, directory))
}
