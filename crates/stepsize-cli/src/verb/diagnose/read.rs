//! What the named logs hold: runs of [`logfiles::collect`] become records; a file that fails becomes a line and stops nothing.

use crate::args::DiagnoseArgs;
use crate::done::Fault;
use stepsize::diagnosis::{Facts, Record, Series};
use stepsize::{Trial, fold};
use stepsize_logs::{Run, meaning};
use stepsize_study::{Studies, logfiles};

/// What was read.
#[derive(Debug, Default)]
pub struct Runs {
    /// Records with the file they come from and the run's name in it.
    pub records: Vec<(String, String, Record)>,
    /// Files that could not be read, with why.
    pub failed: Vec<(String, String)>,
}

/// Reads everything that was named.
pub fn all(args: &DiagnoseArgs) -> Result<Runs, Fault> {
    these(args, logfiles::collect(&args.paths))
}

/// The study that was named, and files that were read.
pub fn these(args: &DiagnoseArgs, files: Vec<logfiles::Found>) -> Result<Runs, Fault> {
    let mut found = Runs::default();
    if let Some(name) = &args.study {
        study(args, name, &mut found)?;
    }
    for (path, runs) in files {
        let asked = args.paths.contains(&path);
        let name = path.display().to_string();
        match runs {
            // In a folder there are numbers of many kinds; those without a loss are no fault.
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
        found.records.push((format!("study {name}"), id.to_string(), of_trial(&trial)));
    }
    Ok(())
}

/// A trial as a record.
pub fn of_trial(trial: &Trial) -> Record {
    let curve = |c: &stepsize::Curve| Series::new(c.points().iter().map(|p| (p.step as f64, p.loss)));
    let facts = Facts {
        lr: Some(trial.spec.lr.get()),
        total_steps: Some(trial.spec.steps as f64),
        running: trial.end.is_none(),
        ..Facts::default()
    };
    Record {
        name: trial.id.to_string(),
        loss: curve(&trial.train),
        val_loss: curve(&trial.val),
        lr: Series::new(trial.train.points().iter().map(|p| (p.step as f64, p.lr))),
        score: curve(&trial.score),
        grad_norm: Series::default(),
        facts,
    }
}
