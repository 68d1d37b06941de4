//! `stepsize resume`: runs the command that began a study once more, in the directory where it
//! began.
//!
//! The question of a study says what is asked and not how trials run: the data file, the training
//! command, the number of jobs, GPUs, the cluster and the directory of the trials are in the
//! recorded command line only. So that is what is parsed.

use crate::answer;
use crate::args::{Cli, DrawArgs, OutputArgs, ResumeArgs, Verb};
use crate::done::Fault;
use crate::unnamed;
use clap::Parser;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use stepsize::{Event, Wish};
use stepsize_study::Studies;

/// The command that began a study.
pub struct Recorded {
    /// As parsed.
    pub cli: Cli,
    /// Its words, the name of the program first.
    pub words: Vec<OsString>,
    /// The directory where it began.
    directory: PathBuf,
}

/// The command of a study with the outputs that are asked for now. Changes to its directory.
pub fn command(args: ResumeArgs) -> Result<Recorded, Fault> {
    let named = unnamed::resolved(args.named)?;
    let name = named.name;
    let fault = |what: String| Fault::failure(format!("cannot resume study {name:?}: {what}"));
    let db = named.file.db;
    let mut recorded = recorded(&Studies::look(&db)?, &name)?;
    if let Some(runs) = args.budget {
        ask_for(runs, &db, &name)?;
    }
    // Before the directory changes.
    let db = std::path::absolute(&db).map_err(|e| fault(e.to_string()))?;
    match &mut recorded.cli.verb {
        Verb::Find(search) => redirect(&mut search.output, db, args.output),
        Verb::Sweep(search) => redirect(&mut search.output, db, args.output),
        Verb::RangeTest(search) => redirect(&mut search.output, db, args.output),
        Verb::Compare(_) if args.output.price_per_hour.is_some() => return Err(Fault::usage(answer::NO_PRICE)),
        Verb::Compare(compare) => {
            compare.kept.file.db = db;
            compare.files = args.output.files;
        }
        _ => return Err(fault("its command is not a search".to_owned())),
    }
    let directory = &recorded.directory;
    std::env::set_current_dir(directory).map_err(|e| fault(format!("{}: {e}", directory.display())))?;
    Ok(recorded)
}

/// Asks for another budget, which the search takes in when it continues.
fn ask_for(runs: f64, db: &Path, name: &str) -> Result<(), Fault> {
    let studies = Studies::open(db)?;
    let events = studies.facts(name)?;
    let begun = events.iter().find_map(|event| match event {
        Event::Study { question, .. } => Some(question),
        _ => None,
    });
    if let Some(question) = begun {
        question.with_budget(runs).map_err(|e| Fault::usage(format!("--budget {runs}: {e}")))?;
    }
    Ok(studies.wish(name, &Wish::Budget { runs })?)
}

fn redirect(output: &mut OutputArgs, db: PathBuf, draw: DrawArgs) {
    output.kept.file.db = db;
    output.draw = draw;
}

/// The command that began the study, and where.
pub fn recorded(studies: &Studies, name: &str) -> Result<Recorded, Fault> {
    let fault = |what: String| Fault::failure(format!("the command of study {name:?} cannot run again: {what}"));
    let (words, directory) = studies.command(name)?;
    if words.first().is_some_and(|word| word == "python") {
        let (program, directory) = (words.join(" "), directory.display());
        return Err(fault(format!("it was asked from Python; run that program again: `{program}` in {directory}")));
    }
    let words: Vec<OsString> = std::iter::once("stepsize".to_owned()).chain(words).map(OsString::from).collect();
    let cli = Cli::try_parse_from(&words).map_err(|e| fault(format!("this version does not understand it: {e}")))?;
    Ok(Recorded { cli, words, directory })
}
