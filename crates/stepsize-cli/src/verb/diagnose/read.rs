//! Reads the named logs into records. A file that cannot be read is reported; the others are judged
//! all the same.

use crate::args::DiagnoseArgs;
use crate::done::Fault;
use stepsize::diagnosis::Record;
use stepsize::fold;
use stepsize_logs::{Run, meaning};
use stepsize_study::{Studies, logfiles};

/// What was read.
#[derive(Debug, Default)]
pub struct Runs {
    /// The file, the name of the run in it, and the record.
    pub records: Vec<(String, String, Record)>,
    /// Files that could not be read, with the reason.
    pub failed: Vec<(String, String)>,
}

/// Reads the study and the files that the arguments name.
pub fn all(args: &DiagnoseArgs) -> Result<Runs, Fault> {
    these(args, logfiles::collect(&args.paths))
}

/// Reads the study that the arguments name, and takes these files.
pub fn these(args: &DiagnoseArgs, files: Vec<logfiles::Found>) -> Result<Runs, Fault> {
    let mut found = Runs::default();
    if let Some(name) = &args.study {
        study(args, name, &mut found)?;
    }
    for (path, runs) in files {
        let asked = args.paths.contains(&path);
        let name = path.display().to_string();
        match runs {
            // A folder holds files of many kinds; one without a loss is not an error there.
            Ok(runs) if !asked && !runs.iter().any(is_training) => {}
            runs => found.take(&name, runs.map_err(|e| e.to_string())),
        }
    }
    for (_, _, record) in &mut found.records {
        if let Some(lr) = args.lr {
            record.facts.lr = Some(lr.get());
        }
        record.facts.classes = args.classes.or(record.facts.classes);
    }
    Ok(found)
}

impl Runs {
    fn take(&mut self, file: &str, read: Result<Vec<Run>, String>) {
        match read {
            Ok(runs) if !runs.iter().any(is_training) => {
                self.failed.push((
                    file.to_owned(),
                    "it holds no training log: no loss and no score was found in it".to_owned(),
                ));
            }
            Ok(runs) => {
                for run in runs.iter().filter(|r| is_training(r)) {
                    for record in meaning::records(run, file) {
                        let name = record.name.strip_prefix(file).unwrap_or(&record.name);
                        let name = name.trim_start_matches(['#', ' ']).to_owned();
                        self.records.push((file.to_owned(), name, record));
                    }
                }
            }
            Err(why) => self.failed.push((file.to_owned(), why)),
        }
    }
}

/// Whether a run holds anything to judge.
fn is_training(run: &Run) -> bool {
    meaning::records(run, "").iter().any(|r| !r.loss.is_empty() || !r.val_loss.is_empty() || !r.score.is_empty())
}

fn study(args: &DiagnoseArgs, name: &str, found: &mut Runs) -> Result<(), Fault> {
    let events = Studies::look(&args.file.db)?.events(name)?;
    for (id, trial) in fold(&events) {
        found.records.push((format!("study {name}"), id.to_string(), Record::of_trial(&trial)));
    }
    Ok(())
}
