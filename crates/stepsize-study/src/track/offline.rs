//! Trials as offline runs of Weights & Biases, one folder each, all of one group:
//! `wandb/offline-run-DATE_TIME-ID/run-ID.wandb`. `wandb sync wandb/offline-run-*` sends them.

use super::{TrackedEnd, TrialSink, make, name, unique, word};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use stepsize::{Answer, Error, Estimate, Result, TrialId, TrialSpec};
use stepsize_logs::{OfflineHead, OfflineRun};

/// The project of all runs.
const PROJECT: &str = "stepsize";
/// Letters of the id of a run, as W&B has them.
const ID: usize = 8;

/// A moment, a step, and values by name.
type Row = (f64, u64, Vec<(&'static str, f64)>);

/// The runs of a search.
pub(super) struct OfflineRuns {
    folder: PathBuf,
    group: String,
    trials: BTreeMap<TrialId, Grown>,
    /// Steps and costs so far, for the run of the search.
    ends: Vec<Row>,
}

/// A file that grows.
struct Grown {
    run: OfflineRun,
    path: PathBuf,
    file: File,
    /// What holds for a step that is not written yet: W&B has one row a step.
    row: Option<Row>,
}

impl OfflineRuns {
    pub fn open(folder: &Path) -> Result<Self> {
        let folder = folder.join("wandb");
        make(&folder)?;
        Ok(Self { folder, group: format!("search-{}", unique(ID)), trials: BTreeMap::new(), ends: Vec::new() })
    }

    fn grow(&self, at: f64, name: &str, config: &[(&str, String)]) -> Result<Grown> {
        let id = unique(ID);
        let folder = self.folder.join(format!("offline-run-{}-{id}", stamp(at)));
        make(&folder)?;
        make(&folder.join("files"))?;
        let path = folder.join(format!("run-{id}.wandb"));
        let file = File::create(&path).map_err(|e| Error::io("write", &path, e))?;
        let head = OfflineHead { id: &id, project: PROJECT, group: &self.group, name, begun: at, config };
        let mut grown = Grown { run: OfflineRun::new(&head), path, file, row: None };
        grown.flush()?;
        Ok(grown)
    }
}

impl Grown {
    fn point(&mut self, at: f64, step: u64, values: &[(&'static str, f64)]) {
        match &mut self.row {
            Some((_, open, row)) if *open == step => row.extend_from_slice(values),
            _ => {
                self.close_row();
                self.row = Some((at, step, values.to_vec()));
            }
        }
    }

    fn close_row(&mut self) {
        if let Some((at, step, row)) = self.row.take() {
            self.run.history(at, step, &row);
        }
    }

    fn flush(&mut self) -> Result<()> {
        let bytes = self.run.take();
        self.file.write_all(&bytes).map_err(|e| Error::io("write", &self.path, e))
    }
}

impl TrialSink for OfflineRuns {
    fn begin(&mut self, at: f64, trial: TrialId, spec: &TrialSpec) -> Result<()> {
        let config = [
            ("lr", format!("{:?}", spec.lr.get())),
            ("steps", spec.steps.to_string()),
            ("seed", spec.seed.to_string()),
            ("trial", trial.0.to_string()),
        ];
        let grown = self.grow(at, &name(trial, spec), &config)?;
        self.trials.insert(trial, grown);
        Ok(())
    }

    fn point(&mut self, at: f64, trial: TrialId, step: u64, values: &[(&'static str, f64)]) -> Result<()> {
        if let Some(grown) = self.trials.get_mut(&trial) {
            grown.point(at, step, values);
        }
        Ok(())
    }

    fn end(&mut self, at: f64, trial: TrialId, ended: &TrackedEnd<'_>) -> Result<()> {
        if let Some(mut grown) = self.trials.remove(&trial) {
            grown.close_row();
            grown.run.summary(&[("end", format!("\"{}\"", word(ended.end)))]);
            grown.run.exit(u8::from(matches!(ended.end, stepsize::End::Failed { .. })));
            grown.flush()?;
        }
        let loss = ended.val_loss.map(|loss| ("trial_val_loss", loss));
        let row = [("trial_lr", ended.lr), ("cost", ended.cost)].into_iter().chain(loss).collect();
        self.ends.push((at, ended.taken, row));
        Ok(())
    }

    fn concluded(&mut self, at: f64, _taken: u64, estimate: &Estimate) -> Result<()> {
        let begun = self.ends.first().map_or(at, |(at, ..)| *at);
        let mut search = self.grow(begun, "search", &[])?;
        for (at, taken, row) in std::mem::take(&mut self.ends) {
            search.run.history(at, taken, &row);
        }
        let text = |text: &str| serde_json::Value::from(text).to_string();
        let answer = match &estimate.answer {
            Answer::Rate(rate) => ("answer", format!("{:?}", rate.lr.get())),
            Answer::Refused(refusal) => ("refused", text(&refusal.because)),
        };
        search.run.summary(&[answer, ("cost", format!("{:?}", estimate.cost_runs)), ("why", text(&estimate.why))]);
        search.run.exit(0);
        search.flush()
    }

    fn flush(&mut self) -> Result<()> {
        self.trials.values_mut().try_for_each(Grown::flush)
    }
}

impl Drop for OfflineRuns {
    /// What a search left open ends as failed.
    fn drop(&mut self) {
        for mut grown in std::mem::take(&mut self.trials).into_values() {
            grown.close_row();
            grown.run.exit(1);
            let _ = grown.flush();
        }
    }
}

/// `20260131_235959` in UTC, for the name of a folder.
fn stamp(at: f64) -> String {
    let seconds = at.max(0.0) as u64;
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    // Days since 1 March of year 0 in eras of 400 years (Howard Hinnant, "chrono-compatible
    // low-level date algorithms").
    let shifted = days + 719_468;
    let (era, day) = (shifted / 146_097, shifted % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let of_year = day - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let date = of_year - (153 * month + 2) / 5 + 1;
    let (month, carry) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    let year = year + 400 * era + carry;
    format!("{year:04}{month:02}{date:02}_{:02}{:02}{:02}", rest / 3600, rest / 60 % 60, rest % 60)
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_date_is_that_of_the_calendar() {
        // `date -u -d @1795967496 +%Y%m%d_%H%M%S` and the like.
        assert_eq!(super::stamp(0.0), "19700101_000000");
        assert_eq!(super::stamp(951_782_400.0), "20000229_000000");
        assert_eq!(super::stamp(1_795_967_496.5), "20261129_155136");
    }
}
