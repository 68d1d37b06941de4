//! Which runs are of one job, from what their logs hold and from where the logs lie.
//!
//! [`of_one_job`] groups runs whose logs agree ([`by_facts`]: the same series, the same
//! configuration but for the rate and the seed) and whose paths agree once the parts that tell runs
//! apart are masked (`paths`). Runs whose repeated rates end far apart are of different jobs,
//! whatever their names say, and stay alone.

mod facts;
mod paths;

pub use facts::by_facts;
use paths::Paths;
pub use paths::next_number;

use super::sweep::Sweep;
use super::{Code, Diagnosis, Finding, Record, diagnose};
use crate::Placement;
use std::collections::{BTreeMap, BTreeSet};

/// Most that runs at the same rate may differ to be of one job: the median distance of their final
/// losses, in logs. Chosen by eye, not fitted.
const REPEATS: f64 = 0.25;
/// The same as a share of the distance between the best and the worst rate: losses near zero vary
/// by factors between seeds, and by far larger ones between rates.
const REPEATS_OF_RANGE: f64 = 0.25;
/// Fewest rates beside each other that look like a sweep.
const RATES: usize = 3;
/// Fewest settings in which runs must agree to be of one job whatever their names are.
const SETTINGS: usize = 3;
/// Two rates are the same within this, in logs: what is left after a rate was printed and read
/// again.
const SAME_RATE: f64 = 1e-6;

/// A run with the place of its log.
#[derive(Debug, Clone, Copy)]
pub struct LoggedRun<'a> {
    /// Path of the file.
    pub file: &'a str,
    /// Name of the run within the file; empty where the file holds one run.
    pub run: &'a str,
    /// What the log says.
    pub record: &'a Record,
    /// What is said of the run by itself.
    pub diagnosis: &'a Diagnosis,
}

/// Groups of two or more runs that are of one job, as indices into `runs`.
///
/// `names_rate` says whether a path, in small letters, names a learning rate (as `lr0.1_seed2.csv`
/// does).
///
/// ```
/// use stepsize::diagnosis::jobs::{LoggedRun, of_one_job};
/// use stepsize::diagnosis::{Record, Series, diagnose};
///
/// let falling = (0..50).map(|i| (f64::from(i), 1.0 / f64::from(i + 1)));
/// let record = Record { loss: Series::new(falling), ..Record::default() };
/// let diagnosis = diagnose(&record);
/// let run = |file| LoggedRun { file, run: "", record: &record, diagnosis: &diagnosis };
/// let runs = [run("mlp/lr0.1.csv"), run("cnn/lr0.1.csv"), run("mlp/lr0.3.csv")];
/// assert_eq!(of_one_job(&runs, |path| path.contains("lr")), [vec![0, 2]]);
/// ```
pub fn of_one_job(runs: &[LoggedRun<'_>], names_rate: impl Fn(&str) -> bool) -> Vec<Vec<usize>> {
    grouped(runs, names_rate).jobs
}

/// Judges every run by itself, then compares those of one job with each other (not with `alone`).
pub struct Verdicts {
    /// The verdict on each run, in the order of the runs.
    pub diagnoses: Vec<Diagnosis>,
    /// The sweep to which each run belongs, as an index into `sweeps`.
    pub sweep_of: Vec<Option<usize>>,
    /// Runs of one job that were compared with each other.
    pub sweeps: Vec<Sweep>,
}

/// A run that is to be judged, with the place of its log.
#[derive(Debug, Clone, Copy)]
pub struct NamedRun<'a> {
    /// Path of the file.
    pub file: &'a str,
    /// Name of the run within the file; empty where the file holds one run.
    pub run: &'a str,
    /// What the log says.
    pub record: &'a Record,
}

impl Verdicts {
    /// Judges these runs; `alone` compares none of them. `names_rate` is that of [`of_one_job`].
    ///
    /// Runs that lie side by side at several rates and could not be compared get a finding
    /// (`LR033`) that says why.
    pub fn judge(runs: &[NamedRun<'_>], alone: bool, names_rate: impl Fn(&str) -> bool) -> Self {
        let mut diagnoses: Vec<Diagnosis> = runs.iter().map(|r| diagnose(r.record)).collect();
        let mut made = Self { diagnoses: Vec::new(), sweep_of: vec![None; runs.len()], sweeps: Vec::new() };
        let mut reasons: Vec<(Vec<usize>, String)> = Vec::new();
        if !alone {
            let logged: Vec<LoggedRun<'_>> = runs
                .iter()
                .zip(&diagnoses)
                .map(|(r, diagnosis)| LoggedRun { file: r.file, run: r.run, record: r.record, diagnosis })
                .collect();
            let groups = grouped(&logged, names_rate);
            reasons = groups.apart;
            for members in groups.jobs {
                let seen: Vec<_> = members.iter().map(|i| (runs[*i].record, &diagnoses[*i])).collect();
                match Sweep::compare(&seen) {
                    Ok(sweep) => {
                        members.iter().for_each(|i| made.sweep_of[*i] = Some(made.sweeps.len()));
                        made.sweeps.push(sweep);
                    }
                    // Parts of one log, appended, are no sweep that failed.
                    Err(_) if appended(&logged, &members) => {}
                    Err(why) => reasons.push((members, why)),
                }
            }
        }
        for (i, at) in made.sweep_of.iter().enumerate() {
            if let Some(sweep) = at.and_then(|at| made.sweeps.get(at)) {
                sweep.settle(runs[i].record, &mut diagnoses[i]);
            }
        }
        for (members, why) in reasons {
            let nameless = members.iter().any(|i| runs[*i].record.base_lr().is_none());
            for i in members.into_iter().filter(|i| made.sweep_of[*i].is_none()) {
                diagnoses[i].findings.push(not_compared(&why, nameless));
            }
        }
        made.diagnoses = diagnoses;
        made
    }
}

/// `nameless`: the rate of some of the runs is not known.
fn not_compared(why: &str, nameless: bool) -> Finding {
    let advice = match nameless {
        true => "name the rate of each run in its path (lr0.01/log.txt) or in a config.json beside its log",
        false => "run the same job at three rates or more, alike in all but the rate, and diagnose those logs together",
    };
    Finding {
        code: Code::NoSweep,
        evidence: format!("the runs beside this one were not compared with it, because {why}"),
        numbers: Vec::new(),
        advice: advice.to_owned(),
        confidence: 0.0,
        span: None,
    }
}

/// Runs by job, and groups of runs that look like a job and are not, with the reason.
struct Groups {
    jobs: Vec<Vec<usize>>,
    apart: Vec<(Vec<usize>, String)>,
}

fn grouped(runs: &[LoggedRun<'_>], names_rate: impl Fn(&str) -> bool) -> Groups {
    let parts: Vec<Vec<String>> = runs.iter().map(|r| paths::parts(r.file, r.run)).collect();
    let paths = Paths::new(&parts);
    let mut by_path: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (i, path) in paths.masked(names_rate).into_iter().enumerate() {
        by_path.entry(path).or_default().push(i);
    }
    let mut out = Groups { jobs: Vec::new(), apart: Vec::new() };
    for members in by_path.into_values() {
        let records: Vec<&Record> = members.iter().map(|i| runs[*i].record).collect();
        let mut parted = Vec::new();
        for group in by_facts(&records) {
            let group: Vec<usize> = group.into_iter().map(|g| members[g]).collect();
            if group.len() > 1 && repeat_alike(runs, &group) {
                out.jobs.push(group);
            } else if group.len() > 1 && appended(runs, &group) {
                // Runs of one log that no rate and no name tells apart.
            } else if group.len() > 1 {
                let why = "runs at the same rate end far apart: they are of different jobs, or differ in a setting that no log \
                           names";
                out.apart.push((group, why.to_owned()));
            } else {
                parted.extend(group);
            }
        }
        // Rows of results are a sweep, if not one of many rates.
        let results = members.len() > RATES && records.iter().all(|r| is_result(r));
        let tried = if results { 2 } else { RATES };
        if rates(runs, &members) >= tried && !parted.is_empty() {
            let differ = facts::differing(&records);
            let what = if differ.is_empty() { "their settings".to_owned() } else { differ.join(", ") };
            out.apart.push((parted, format!("they differ in {what}")));
        }
    }
    by_settings(runs, &paths, &mut out);
    out
}

/// Adds the jobs of runs whose names do not agree, such as those that people gave them, but whose
/// settings do, in all but the rate.
fn by_settings(runs: &[LoggedRun<'_>], paths: &Paths<'_>, out: &mut Groups) {
    let mut by_place: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    let of_job: BTreeSet<usize> = out.jobs.iter().flatten().copied().collect();
    for (i, place) in paths.unnamed().into_iter().enumerate() {
        if !of_job.contains(&i) && facts::settings(&[runs[i].record]).len() >= SETTINGS {
            by_place.entry(place).or_default().push(i);
        }
    }
    for members in by_place.into_values() {
        let records: Vec<&Record> = members.iter().map(|i| runs[*i].record).collect();
        for group in by_facts(&records) {
            let group: Vec<usize> = group.into_iter().map(|g| members[g]).collect();
            if rates(runs, &group) >= RATES && repeat_alike(runs, &group) {
                out.apart.iter_mut().for_each(|(apart, _)| apart.retain(|i| !group.contains(i)));
                out.jobs.push(group);
            }
        }
    }
}

/// Whether these runs were appended to one log: they have no rates that look like a sweep.
fn appended(runs: &[LoggedRun<'_>], members: &[usize]) -> bool {
    let mut files = members.iter().map(|i| runs[*i].file);
    let first = files.next();
    // The rows of a table of results are no parts of a log.
    let parts = !members.iter().all(|i| is_result(runs[*i].record));
    parts && files.all(|file| Some(file) == first) && rates(runs, members) < RATES
}

/// Whether a record is a row of results, and no curve.
fn is_result(record: &Record) -> bool {
    [&record.loss, &record.val_loss, &record.score].into_iter().all(|s| s.len() <= 1)
}

/// Number of different rates of these runs.
fn rates(runs: &[LoggedRun<'_>], members: &[usize]) -> usize {
    let mut all: Vec<f64> = members.iter().filter_map(|i| runs[*i].record.base_lr()).collect();
    all.sort_by(f64::total_cmp);
    all.dedup_by(|a, b| (*a / *b).ln().abs() < SAME_RATE);
    all.len()
}

/// Whether runs at the same rate end alike, where a rate was run more than once.
fn repeat_alike(runs: &[LoggedRun<'_>], group: &[usize]) -> bool {
    let trained: Vec<(f64, f64)> = group
        .iter()
        .map(|i| &runs[*i])
        .filter(|r| r.diagnosis.verdict != Placement::Diverged)
        .filter_map(|r| Some((r.record.base_lr()?, r.record.final_loss()?)))
        .collect();
    let mut apart: Vec<f64> = Vec::new();
    for (i, a) in trained.iter().enumerate() {
        for b in &trained[i + 1..] {
            if (a.0 / b.0).ln().abs() < SAME_RATE && a.1 > 0.0 && b.1 > 0.0 {
                apart.push((a.1 / b.1).ln().abs());
            }
        }
    }
    apart.sort_by(f64::total_cmp);
    let logs = || trained.iter().filter(|t| t.1 > 0.0).map(|t| t.1.ln());
    let range = logs().fold(f64::NEG_INFINITY, f64::max) - logs().fold(f64::INFINITY, f64::min);
    apart.get(apart.len() / 2).is_none_or(|m| *m < REPEATS.max(REPEATS_OF_RANGE * range))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::{Facts, Series, diagnose};

    fn ending(lr: f64, end: f64) -> Record {
        let curve = (0..60).map(|i| (f64::from(i), end + (2.3 - end) * (-f64::from(i) / 6.0).exp()));
        Record { loss: Series::new(curve), facts: Facts { lr: Some(lr), ..Facts::default() }, ..Record::default() }
    }

    fn groups(runs: &[(&str, &str, Record)]) -> Vec<Vec<usize>> {
        let seen: Vec<Diagnosis> = runs.iter().map(|r| diagnose(&r.2)).collect();
        let logged: Vec<LoggedRun<'_>> = runs
            .iter()
            .zip(&seen)
            .map(|((file, run, record), diagnosis)| LoggedRun { file, run, record, diagnosis })
            .collect();
        of_one_job(&logged, |path| path.contains("lr"))
    }

    #[test]
    fn paths_and_facts_must_both_agree() {
        let mut other = ending(0.3, 0.5);
        other.facts.classes = Some(10);
        let runs = [
            ("job/lr0.1.csv", "", ending(0.1, 0.5)),
            ("job/lr0.3.csv", "", ending(0.3, 0.4)),
            ("job/lr0.9.csv", "", other),
            ("more/lr0.1.csv", "", ending(0.1, 0.5)),
        ];
        assert_eq!(groups(&runs), [vec![0, 1]]);
    }

    #[test]
    fn runs_at_one_rate_that_end_far_apart_are_of_other_jobs() {
        let at = |a: f64, b: f64| {
            [("x/run1.csv", "", ending(0.1, a)), ("x/run2.csv", "", ending(0.1, b)), ("x/run3.csv", "", ending(0.2, a))]
        };
        assert_eq!(groups(&at(0.5, 0.52)), [vec![0, 1, 2]]);
        assert_eq!(groups(&at(0.5, 0.05)), [] as [Vec<usize>; 0]);
    }

    #[test]
    fn rows_of_one_file_are_told_apart_by_their_number() {
        let runs = [("a.csv", "row 1", ending(0.1, 0.5)), ("a.csv", "row 2", ending(0.2, 0.5))];
        assert_eq!(groups(&runs), [vec![0, 1]]);
    }

    #[test]
    fn runs_with_names_of_their_own_agree_in_their_settings() {
        let with = |lr: f64, depth: &str, settings: usize| {
            let mut r = ending(lr, 0.5);
            let all = [("batch_size", "32"), ("depth", depth), ("dataset", "rings"), ("width", "64")];
            r.facts.other.extend(all[..settings].iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())));
            r
        };
        let named = |settings: usize| {
            [
                ("x/baseline/log.txt", "", with(0.1, "2", settings)),
                ("x/slower/log.txt", "", with(0.03, "2", settings)),
                ("x/deeper/log.txt", "", with(0.1, "8", settings)),
                ("x/careful/log.txt", "", with(0.01, "2", settings)),
            ]
        };
        assert_eq!(groups(&named(4)), [vec![0, 1, 3]]);
        assert_eq!(groups(&named(1)), [] as [Vec<usize>; 0]);
    }

    #[test]
    fn seeds_near_zero_vary_by_factors_and_are_of_one_job() {
        let rows = [
            (1e-3, 0.7),
            (1e-3, 0.43),
            (1e-2, 0.038),
            (1e-2, 0.02),
            (0.1, 4e-8),
            (0.1, 2.5e-8),
            (1.0, 0.9),
            (1.0, 0.5),
        ];
        let runs: Vec<(String, Record)> = rows
            .iter()
            .enumerate()
            .map(|(i, (lr, end))| (format!("x/lr{lr}_seed{i}.csv"), ending(*lr, *end)))
            .collect();
        let named: Vec<(&str, &str, Record)> = runs.iter().map(|(f, r)| (f.as_str(), "", r.clone())).collect();
        assert_eq!(groups(&named), [(0..8).collect::<Vec<_>>()]);
    }

    #[test]
    fn runs_that_could_not_be_compared_say_why() {
        let with = |lr: f64, wd: &str| {
            let mut r = ending(lr, 0.5);
            r.facts.other.insert("weight_decay".into(), wd.into());
            r
        };
        let records = [with(0.1, "0"), with(0.2, "0.1"), with(0.3, "0.2")];
        let files = ["x/lr0.1.csv", "x/lr0.2.csv", "x/lr0.3.csv"];
        let runs: Vec<NamedRun<'_>> =
            files.iter().zip(&records).map(|(file, record)| NamedRun { file, run: "", record }).collect();
        let made = Verdicts::judge(&runs, false, |path| path.contains("lr"));
        assert!(made.sweeps.is_empty());
        for d in &made.diagnoses {
            let why = d.findings.iter().find(|f| f.code == Code::NoSweep).map(|f| f.evidence.as_str());
            assert!(why.is_some_and(|w| w.contains("weight_decay")), "{why:?}");
        }
        let alone = Verdicts::judge(&runs, true, |path| path.contains("lr"));
        assert!(alone.diagnoses.iter().all(|d| d.findings.iter().all(|f| f.code != Code::NoSweep)));
        // Alike in all but the rate, they are one sweep.
        let records = [0.1, 0.2, 0.3].map(|lr| with(lr, "0.1"));
        let runs: Vec<NamedRun<'_>> =
            files.iter().zip(&records).map(|(file, record)| NamedRun { file, run: "", record }).collect();
        let made = Verdicts::judge(&runs, false, |path| path.contains("lr"));
        assert_eq!((made.sweeps.len(), made.sweep_of), (1, vec![Some(0); 3]));
    }
}
