//! Reads the named logs into records. A file that cannot be read is reported; the others are judged
//! all the same.

use crate::args::DiagnoseArgs;
use crate::done::Fault;
use stepsize::diagnosis::Record;
use stepsize::{Lr, QuestionKind, Report, fold};
use stepsize_draw::number::rate;
use stepsize_logs::judgement::{RunRead, RunsRead};
use stepsize_study::{Studies, logfiles};

/// Reads the study and the files that the arguments name.
pub fn all(args: &DiagnoseArgs) -> Result<RunsRead, Fault> {
    these(args, logfiles::collect_as(&args.paths, &args.reading()).map_err(|e| Fault::usage(e.to_string()))?)
}

/// Reads the study that the arguments name, and takes these files.
pub fn these(args: &DiagnoseArgs, files: Vec<logfiles::Found>) -> Result<RunsRead, Fault> {
    let mut found = RunsRead::default();
    let asked = args.asked().map_err(|e| Fault::usage(e.to_string()))?;
    if let Some(name) = &args.study {
        study(args, name, &mut found)?;
    }
    for (path, runs) in files {
        let named = args.paths.contains(&path);
        found.take((&path.display().to_string(), named), runs, &asked, |argument| format!("--{argument}"));
    }
    Ok(found)
}

/// The answer of a search; none of a comparison, which has no single one.
fn answered(name: &str, report: &Report) -> Option<String> {
    if matches!(report.question.kind, QuestionKind::Compare { .. }) {
        return None;
    }
    let between = |(low, high): (Lr, Lr)| format!(", 80 % interval {} .. {}", rate(low.get()), rate(high.get()));
    let answer = match report.lr() {
        Some(lr) => format!("lr {}{}", rate(lr.get()), report.interval().map_or_else(String::new, between)),
        None => "refused".to_owned(),
    };
    Some(format!("the search of study {name} answers: {answer}; each trial is judged as a run of its own length"))
}

fn study(args: &DiagnoseArgs, name: &str, found: &mut RunsRead) -> Result<(), Fault> {
    let events = Studies::look(&args.file.db)?.events(name)?;
    // A search knows that its trials are short; their verdicts are of runs of that length.
    found.answer = answered(name, &Report::from_events(&events)?);
    for (id, trial) in fold(&events) {
        let (file, run) = (format!("study {name}"), id.to_string());
        let mut record = Record::of_trial(&trial);
        record.facts.classes = args.classes.or(record.facts.classes);
        found.records.push(RunRead { file, run, record, taken: None });
    }
    Ok(())
}
