//! The command line of Stepsize: arguments in, one verb, text out.

#![recursion_limit = "256"]

mod args;
mod done;
mod progress;
mod search;
mod task;
mod verb;
mod work;

use args::{Cli, Verb};
use clap::Parser;
use done::{Done, Fault};
use std::process::ExitCode;
use stepsize_draw::{figure, number, page, show};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help for a closed pipe is no failure of ours.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(done::USAGE));
        }
    };
    match run(cli) {
        Ok(done) => done.print(),
        Err(fault) => fault.print(),
    }
}

fn run(cli: Cli) -> Result<Done, Fault> {
    let style = cli.style();
    match cli.verb {
        Verb::Find(args) => verb::find::run(&args, style),
        Verb::RangeTest(args) => verb::range_test::run(&args, style),
        Verb::Sweep(args) => verb::sweep::run(&args, style),
        Verb::Train(args) => verb::train::run(&args, style),
        Verb::Diagnose(args) => verb::diagnose::run(&args, style),
        Verb::Schedule(args) => verb::schedule::run(&args, style),
        Verb::Studies(args) => verb::studies::run(&args),
        Verb::Show(args) => verb::show::run(&args, style),
        Verb::Resume(args) => run(verb::resume::command(args)?),
        Verb::Export(args) => verb::export::run(&args),
        Verb::Rm(args) => verb::rm::run(&args),
        Verb::Completions(args) => verb::completions::run(&args),
        Verb::Man(args) => verb::man::run(&args),
    }
}
