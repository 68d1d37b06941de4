//! `stepsize diagnose`: a verdict on any training log.

mod follow;
mod output;
mod read;
mod reading;

use crate::args::DiagnoseArgs;
use crate::done::{Done, FAILED_ON, Fault};
use crate::files;
use read::{RunRead, Runs};
use stepsize::Placement;
use stepsize::diagnosis::jobs::{NamedRun, Verdicts};
use stepsize::diagnosis::{Diagnosis, Record, sweep::Sweep};
use stepsize_draw::show::Style;
use stepsize_logs::meaning::{Taken, rate_in};

/// One run and what is said of it.
pub struct Judged {
    /// The file.
    pub file: String,
    /// Its name within the file; empty where the file holds one run.
    pub run: String,
    /// What the log says.
    pub record: Record,
    /// Which series that is.
    pub taken: Option<Taken>,
    /// The verdict on it, with its findings.
    pub diagnosis: Diagnosis,
    /// The sweep to which it belongs, as an index into [`Judgement::sweeps`].
    pub sweep: Option<usize>,
}

/// All runs, the sweeps among them, and the files that failed.
pub struct Judgement {
    /// Runs in the order of their files.
    pub runs: Vec<Judged>,
    /// Runs of one job that were compared with each other.
    pub sweeps: Vec<Sweep>,
    /// Files that could not be read, with the reason.
    pub failed: Vec<(String, String)>,
    /// What the search answered whose trials these are.
    pub answer: Option<String>,
}

/// Reads, judges, prints.
pub fn run(args: &DiagnoseArgs, style: Style) -> Result<Done, Fault> {
    if args.paths.is_empty() && args.study.is_none() {
        return Err(Fault::usage(
            "name logs to diagnose: files, folders, patterns, - for standard input, or --study NAME",
        ));
    }
    if args.follow {
        return follow::run(args, style);
    }
    files::try_places([&args.report])?;
    let judgement = judge(read::all(args)?, args.alone);
    let written = args.report.as_ref().map(|path| files::write(path, output::page(&judgement).as_bytes()));
    let text = match () {
        () if args.json => format!("{:#}\n", output::json(&judgement, args.explain)),
        () if args.sarif => format!("{:#}\n", output::sarif(&judgement)),
        () => output::text(&judgement, args.explain, style),
    };
    for (file, why) in &judgement.failed {
        eprintln!("cannot read {file}: {why}");
    }
    let unread = !judgement.failed.is_empty() && (args.strict || judgement.runs.is_empty());
    let code = code(judgement.runs.iter().map(|r| r.diagnosis.verdict), unread, args);
    Ok(Done::with_code(text, code).and_unwritten(written.and_then(Result::err).into_iter().collect()))
}

/// The exit code for these verdicts. `unread` says that a file which matters could not be read.
fn code(mut verdicts: impl Iterator<Item = Placement>, unread: bool, args: &DiagnoseArgs) -> u8 {
    let named: Vec<Placement> = args.fail_on.iter().map(|w| Placement::from(*w)).collect();
    match () {
        () if verdicts.any(|v| named.contains(&v)) => FAILED_ON,
        () if unread => 1,
        () => 0,
    }
}

/// Judges every run by itself, then compares those of one job with each other (not with `alone`).
pub fn judge(found: Runs, alone: bool) -> Judgement {
    let seen: Vec<NamedRun<'_>> =
        found.records.iter().map(|r| NamedRun { file: &r.file, run: &r.run, record: &r.record }).collect();
    // The trials of a search are compared by the search.
    let alone = alone || found.answer.is_some();
    let Verdicts { diagnoses, sweep_of, sweeps } = Verdicts::judge(&seen, alone, |path| rate_in(path).is_some());
    let judged = found.records.into_iter().zip(diagnoses).zip(sweep_of);
    let runs = judged
        .map(|((read, mut diagnosis), sweep)| {
            diagnosis.next_lr = diagnosis.next_lr.filter(|_| found.answer.is_none());
            let RunRead { file, run, record, taken } = read;
            Judged { file, run, record, taken, diagnosis, sweep }
        })
        .collect();
    Judgement { runs, sweeps, failed: found.failed, answer: found.answer }
}
