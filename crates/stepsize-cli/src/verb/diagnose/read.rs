//! Reads the named logs into records. A file that cannot be read is reported; the others are judged
//! all the same.

use crate::args::{DiagnoseArgs, RateOrName};
use crate::done::Fault;
use stepsize::diagnosis::Record;
use stepsize::{Lr, QuestionKind, Report, fold};
use stepsize_draw::number::rate;
use stepsize_logs::Run;
use stepsize_logs::meaning::{self, Asked, Taken};
use stepsize_study::{Studies, logfiles};

/// What was read.
#[derive(Debug, Default)]
pub struct Runs {
    /// The runs in the order of their files.
    pub records: Vec<RunRead>,
    /// Files that could not be read, with the reason.
    pub failed: Vec<(String, String)>,
    /// What the search of a study answered, in words.
    pub answer: Option<String>,
}

/// One run that was read.
#[derive(Debug)]
pub struct RunRead {
    /// The file.
    pub file: String,
    /// The name of the run in it.
    pub run: String,
    /// What the log says.
    pub record: Record,
    /// Which series that is; `None` for a trial of a study.
    pub taken: Option<Taken>,
}

/// Reads the study and the files that the arguments name.
pub fn all(args: &DiagnoseArgs) -> Result<Runs, Fault> {
    these(args, logfiles::collect_as(&args.paths, &args.reading()).map_err(|e| Fault::usage(e.to_string()))?)
}

/// Reads the study that the arguments name, and takes these files.
pub fn these(args: &DiagnoseArgs, files: Vec<logfiles::Found>) -> Result<Runs, Fault> {
    let mut found = Runs::default();
    if let Some(name) = &args.study {
        study(args, name, &mut found)?;
    }
    let asked = args.asked().map_err(|e| Fault::usage(e.to_string()))?;
    for (path, runs) in files {
        let named = args.paths.contains(&path);
        let name = path.display().to_string();
        match runs {
            // A folder holds files of many kinds; one without a loss is not an error there.
            Ok(runs) if !named && !runs.iter().any(|r| is_training(r, &asked)) => {}
            runs => found.take(&name, runs.map_err(|e| e.to_string()), &asked),
        }
    }
    for RunRead { record, taken, .. } in &mut found.records {
        match (&args.lr, taken) {
            (Some(RateOrName::Rate(lr)), taken) => {
                record.facts.lr = Some(lr.get());
                if let Some(taken) = taken {
                    taken.rate = Some((lr.get(), "--lr".to_owned()));
                }
            }
            (Some(RateOrName::Name(_)), Some(taken)) => {
                record.facts.lr = None;
                taken.rate = None;
            }
            _ => {}
        }
        record.facts.classes = args.classes.or(record.facts.classes);
    }
    Ok(found)
}

impl Runs {
    fn take(&mut self, file: &str, read: Result<Vec<Run>, String>, asked: &Asked) {
        let runs = match read {
            Ok(runs) => runs,
            Err(why) => return self.failed.push((file.to_owned(), why)),
        };
        let before = self.records.len();
        let mut why = None;
        for run in &runs {
            match meaning::read(run, file, asked) {
                Ok(records) => {
                    self.records.extend(records.into_iter().filter(|(r, _)| holds_any(r)).map(|(record, taken)| {
                        let name = record.name.strip_prefix(file).unwrap_or(&record.name);
                        let run = name.trim_start_matches(['#', ' ']).to_owned();
                        RunRead { file: file.to_owned(), run, record, taken: Some(taken) }
                    }))
                }
                Err(error) => why = Some(error.to_string()),
            }
        }
        if self.records.len() == before {
            let none = || nothing_in(&runs);
            self.failed.push((file.to_owned(), why.unwrap_or_else(none)));
        }
    }
}

/// Why runs without a loss and without a score cannot be judged.
fn nothing_in(runs: &[Run]) -> String {
    if runs.iter().any(|r| r.facts.get("direction_of_value").is_some_and(|d| d == "unknown")) {
        return "whether high or low is good for its column `value` is not known; add --metric value, and --maximize if \
                high is good"
            .to_owned();
    }
    let mut names: Vec<&str> = runs.iter().flat_map(|r| &r.series).map(|s| s.name.as_str()).collect();
    names.dedup();
    names.truncate(12);
    let has =
        if names.is_empty() { String::new() } else { format!("; it has {}: name one with --metric", names.join(", ")) };
    format!("it holds no training log: no loss and no score was found in it{has}")
}

/// Whether a run holds anything to judge.
fn is_training(run: &Run, asked: &Asked) -> bool {
    meaning::read(run, "", asked).is_ok_and(|all| all.iter().any(|(r, _)| holds_any(r)))
}

fn holds_any(record: &Record) -> bool {
    !record.loss.is_empty() || !record.val_loss.is_empty() || !record.score.is_empty()
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

fn study(args: &DiagnoseArgs, name: &str, found: &mut Runs) -> Result<(), Fault> {
    let events = Studies::look(&args.file.db)?.events(name)?;
    // A search knows that its trials are short; their verdicts are of runs of that length.
    found.answer = answered(name, &Report::from_events(&events)?);
    for (id, trial) in fold(&events) {
        let (file, run) = (format!("study {name}"), id.to_string());
        found.records.push(RunRead { file, run, record: Record::of_trial(&trial), taken: None });
    }
    Ok(())
}
