//! [`Judgement`]: from the runs of several logs to a verdict on each, and to what the runs of one
//! job say together. The command line and Python share it.

use crate::meaning::{Asked, Taken, rate_in, read};
use crate::named_rates::by_names;
use crate::run::Run;
use stepsize::diagnosis::jobs::{NamedRun, Verdicts};
use stepsize::diagnosis::{Diagnosis, Record, sweep::Sweep};

/// Names of series that an error lists.
const LISTED: usize = 12;

/// One run that was read.
#[derive(Debug, Clone)]
pub struct RunRead {
    /// The file, or the name that stands for one.
    pub file: String,
    /// The name of the run in it; empty where the file holds one run.
    pub run: String,
    /// What the log says.
    pub record: Record,
    /// Which series that is; `None` for a trial of a study.
    pub taken: Option<Taken>,
}

/// The runs of several logs, in the order of their files.
#[derive(Debug, Clone, Default)]
pub struct RunsRead {
    /// The runs.
    pub records: Vec<RunRead>,
    /// Files that could not be read, with the reason.
    pub failed: Vec<(String, String)>,
    /// What the search of a study answered, in words, where the runs are its trials.
    pub answer: Option<String>,
}

impl RunsRead {
    /// Takes the runs of the log `file`, or the reason why there are none. `named` says that the
    /// user named the file; others, found in a folder, may hold no loss. `argument` words an
    /// argument of this name for people (`--metric`, `metric=`).
    pub fn take(
        &mut self,
        (file, named): (&str, bool),
        runs: stepsize::Result<Vec<Run>>,
        asked: &Asked,
        argument: impl Fn(&str) -> String,
    ) {
        let runs = match runs {
            Ok(runs) if !named && !runs.iter().any(|r| is_training(r, asked)) => return,
            Ok(runs) => runs,
            Err(why) => return self.failed.push((file.to_owned(), why.to_string())),
        };
        let before = self.records.len();
        let mut why = None;
        for run in &runs {
            match read(run, file, asked) {
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
        number(self.records.get_mut(before..).unwrap_or(&mut []));
        if self.records.len() == before {
            self.failed.push((file.to_owned(), why.unwrap_or_else(|| nothing_in(&runs, argument))));
        }
    }
}

/// Gives runs of one file that have no name their numbers, so that people can tell them apart.
fn number(records: &mut [RunRead]) {
    if records.iter().filter(|r| r.run.is_empty()).count() > 1 {
        for (i, record) in records.iter_mut().enumerate().filter(|(_, r)| r.run.is_empty()) {
            record.run = format!("run {}", i + 1);
        }
    }
}

/// Whether a run holds anything to judge.
fn is_training(run: &Run, asked: &Asked) -> bool {
    read(run, "", asked).is_ok_and(|all| all.iter().any(|(r, _)| holds_any(r)))
}

fn holds_any(record: &Record) -> bool {
    !record.loss.is_empty() || !record.val_loss.is_empty() || !record.score.is_empty()
}

/// Why runs without a loss and without a score cannot be judged.
fn nothing_in(runs: &[Run], argument: impl Fn(&str) -> String) -> String {
    let (metric, maximize) = (argument("metric"), argument("maximize"));
    if runs.iter().any(|r| r.facts.get("direction_of_value").is_some_and(|d| d == "unknown")) {
        return format!(
            "whether high or low is good for its column `value` is not known; name `value` with {metric}, and give \
             {maximize} if high is good"
        );
    }
    let mut names: Vec<&str> = runs.iter().flat_map(|r| &r.series).map(|s| s.name.as_str()).collect();
    names.dedup();
    names.truncate(LISTED);
    let has =
        if names.is_empty() { String::new() } else { format!("; it has {}: name one with {metric}", names.join(", ")) };
    format!("it holds no training log: no loss and no score was found in it{has}")
}

/// One run and its verdict.
#[derive(Debug, Clone)]
pub struct Judged {
    /// The file, or the name that stands for one.
    pub file: String,
    /// The name of the run in it; empty where the file holds one run.
    pub run: String,
    /// What the log says.
    pub record: Record,
    /// Which series that is; `None` for a trial of a study.
    pub taken: Option<Taken>,
    /// The verdict on it, with its findings.
    pub diagnosis: Diagnosis,
    /// The sweep to which it belongs, as an index into [`Judgement::sweeps`].
    pub sweep: Option<usize>,
}

impl Judged {
    /// The run for people: its file, and its name there.
    pub fn name(&self) -> String {
        if self.run.is_empty() { self.file.clone() } else { format!("{} {}", self.file, self.run) }
    }
}

/// All runs, the sweeps among them, and the files that failed.
#[derive(Debug, Clone, Default)]
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

impl Judgement {
    /// Judges every run by itself, then compares those of one job with each other (not with
    /// `alone`).
    pub fn new(mut found: RunsRead, alone: bool) -> Self {
        by_names(&mut found.records);
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
        Self { runs, sweeps, failed: found.failed, answer: found.answer }
    }
}
