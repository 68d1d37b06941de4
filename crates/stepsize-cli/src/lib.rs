//! The command line of Stepsize. [`main`] takes the arguments, runs one verb, prints, and returns
//! the exit code.
//!
//! A library with one function, because two programs use it: the binary `stepsize` of this crate,
//! and the command of the same name in the Python wheel.
//!
//! | module | holds |
//! |---|---|
//! | `args` | the arguments and their help, as clap derives them |
//! | `verb` | one file for each verb: `find`, `sweep`, `compare`, `train`, `diagnose`, ... |
//! | `work`, `task` | from arguments to what is trained: the embedded engine, or a command here or on a cluster |
//! | `search`, `progress`, `limits`, `unnamed` | how every search runs, its progress, what it may take, and what is kept of one without a name |
//! | `project` | `stepsize.toml`, whose keys become arguments |
//! | `notify` | the command that is told of the end |
//! | `answer`, `remedy`, `files`, `next` | how every search ends: text, advice, files, the full run at the answer |
//! | `done` | what a verb returns: output, exit code, faults |

#![recursion_limit = "256"]

mod answer;
mod args;
mod done;
mod files;
mod limits;
mod live;
mod next;
mod notify;
mod progress;
mod project;
mod remedy;
mod search;
mod task;
mod unnamed;
mod verb;
mod work;

use args::{Cli, Verb};
use clap::Parser;
use done::{Done, Fault};
use notify::Notify;
use std::ffi::OsString;
use unnamed::Unnamed;

/// Runs the command line `words` (the first is the name of the program), prints the result and
/// returns the exit code.
pub fn main(words: impl IntoIterator<Item = OsString>) -> u8 {
    let words: Vec<OsString> = words.into_iter().collect();
    if let Some((topic, directory)) = verb::reference::asked(&words) {
        return match verb::reference::run(topic, directory, args::ColourWhen::Auto.style()) {
            Ok(done) => done.print(),
            Err(fault) => fault.print(),
        };
    }
    done::remember_verb(&words);
    if let Some(message) = verb::reference::unknown(&words) {
        return Fault::usage(message).print();
    }
    let (words, added) = match project::apply(words) {
        Ok(both) => both,
        Err(fault) => return fault.print(),
    };
    let cli = match Cli::try_parse_from(&words) {
        Ok(cli) => cli,
        Err(error) => {
            if let Some(message) = misplaced(&words, &error) {
                return Fault::usage(message).print();
            }
            // A reader that has closed the pipe is not an error.
            let _ = error.print();
            if let Some(note) = added.as_ref().and_then(project::Added::note).filter(|_| error.use_stderr()) {
                eprintln!("note: {note}");
            }
            return u8::try_from(error.exit_code()).unwrap_or(done::USAGE);
        }
    };
    if let Some(note) = added.as_ref().and_then(project::Added::note).filter(|_| cli.notes()) {
        eprintln!("note: {note}");
    }
    let (result, notify) = run(cli, words);
    let result = result.map_err(|fault| match &added {
        Some(added) => fault.and_more(|message| added.origin(message)),
        None => fault,
    });
    let told = match &result {
        Ok(done) => done.told(),
        Err(fault) => fault.told(),
    };
    let code = match result {
        Ok(done) => done.print(),
        Err(fault) => fault.print(),
    };
    if let Some(notify) = notify {
        notify.send(&told, code);
    }
    code
}

/// What to say of an argument that a search does not take there: a rate, or a command.
fn misplaced(words: &[OsString], error: &clap::Error) -> Option<String> {
    let verb = words.get(1).and_then(|verb| verb.to_str())?;
    let searches = ["find", "sweep", "range-test", "compare"].contains(&verb);
    let argument = error.get(clap::error::ContextKind::InvalidArg).filter(|_| searches)?.to_string();
    let unknown = error.kind() == clap::error::ErrorKind::UnknownArgument;
    match argument.as_str() {
        "--lr" => Some(
            "a search looks for the rate and takes no --lr; `--start LR` of find is a first guess, `stepsize train --lr LR` \
             trains at one"
                .to_owned(),
        ),
        command if unknown && !command.starts_with('-') => Some(format!(
            "{command} is no option of {verb}; if a command begins with it, put `--` before: `stepsize {verb} --steps N -- \
             {command} ...`"
        )),
        _ => None,
    }
}

/// Runs one verb. `words` is the command line, which a kept study records. Also gives the command
/// that is told of the end.
fn run(mut cli: Cli, mut words: Vec<OsString>) -> (Result<Done, Fault>, Option<Notify>) {
    if let Verb::Resume(args) = cli.verb {
        return match verb::resume::command(args) {
            Ok(recorded) => run(recorded.cli, recorded.words),
            Err(fault) => (Err(fault), None),
        };
    }
    let notify = match Notify::new(&cli) {
        Ok(notify) => notify,
        Err(fault) => return (Err(fault), None),
    };
    let unnamed = Unnamed::keep(&mut cli, &mut words);
    let result = verb(cli, &words);
    if let Some(unnamed) = unnamed {
        unnamed.end(&result);
    }
    (result, notify)
}

fn verb(cli: Cli, words: &[OsString]) -> Result<Done, Fault> {
    let style = cli.style();
    match cli.verb {
        Verb::Init(args) => verb::init::run(&args),
        Verb::Find(args) => verb::find::run(&args, words, style),
        Verb::RangeTest(args) => verb::range_test::run(&args, words, style),
        Verb::Sweep(args) => verb::sweep::run(&args, words, style),
        Verb::Compare(args) => verb::compare::run(&args, words, style),
        Verb::Train(args) => verb::train::run(&args, style),
        Verb::Diagnose(args) => verb::diagnose::run(&args, style),
        Verb::Schedule(args) => verb::schedule::run(&args, style),
        Verb::Transfer(args) => verb::transfer::run(&args, style),
        Verb::Refine(args) => verb::refine::run(&args, style),
        Verb::Demo(args) => verb::demo::run(&args, style),
        Verb::Playground(args) => verb::playground::run(&args),
        Verb::Serve(args) => verb::serve::run(&args),
        Verb::Studies(args) => verb::studies::run(&args, style),
        Verb::Show(args) => verb::show::run(&args, style),
        // Its search runs in its place.
        Verb::Resume(_) => Ok(Done::answer("")),
        Verb::Export(args) => verb::export::run(&args),
        Verb::Rm(args) => verb::rm::run(&args),
        Verb::Doctor(args) => verb::doctor::run(&args, style),
        Verb::Completions(args) => verb::completions::run(&args),
        Verb::Man(args) => verb::man::run(&args),
    }
}
