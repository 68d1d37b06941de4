//! The logs of the jobs of all scripts but the first, by what is made of them.

use super::scripts;
use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use stepsize::Placement;
use stepsize::diagnosis::model::Ranges;
use stepsize::diagnosis::{Features, Record};

/// A log with what is true of its run.
pub struct Log {
    /// The directory of its corpus.
    pub set: String,
    pub family: String,
    pub job: usize,
    pub logs: usize,
    pub record: Record,
    pub truth: Placement,
    pub octaves: f64,
    pub lr: f64,
}

/// Logs with which the confidence is fitted.
pub struct Corpora<'a> {
    /// Directories, each with the number of its families.
    pub sets: &'a [(&'a str, usize)],
    /// Those on which the later trees were grown.
    pub grown: &'a [&'a str],
    /// Those that say what is usual.
    pub usual: &'a [&'a str],
}

/// All logs below directories, which must hold so many families each: what is made of fewer would
/// take the place of what was made of all.
pub fn whole(dirs: &[(&str, usize)]) -> Result<Vec<Log>, Box<dyn Error>> {
    let mut all = Vec::new();
    for (dir, least) in dirs {
        let families = scripts::names(dir)?.iter().map(|job| family(job)).collect::<BTreeSet<_>>().len();
        if families < *least {
            return Err(format!(
                "{dir} holds {families} families of {least}, so the shipped model is not overwritten: make the others, too \
                 (docs/diagnose.md has the commands)"
            )
            .into());
        }
        logs(dir, &mut all)?;
    }
    Ok(all)
}

/// Between which values the features of logs lie, those of the family `but` left out. Of each
/// family its first job counts, so that a corpus with more jobs makes the same.
pub fn ranges<'a>(logs: impl Iterator<Item = &'a Log>, but: impl Fn(&str) -> bool) -> Ranges {
    let mut ranges = Ranges::default();
    let mut first: BTreeMap<&str, usize> = BTreeMap::new();
    for log in logs.filter(|l| !but(&l.family)) {
        if *first.entry(&log.family).or_insert(log.job) == log.job {
            ranges.hold(&Features::of(&log.record));
        }
    }
    ranges
}

/// Adds the logs below a directory.
pub fn logs(dir: &str, all: &mut Vec<Log>) -> Result<(), Box<dyn Error>> {
    for (number, job) in scripts::jobs(dir)?.into_iter().enumerate() {
        let logs = job.logs.len();
        for log in job.logs {
            let lr = log.record.base_lr().unwrap_or(job.rates[log.at]);
            let scripts::Log { record, truth, octaves, .. } = log;
            all.push(Log {
                set: dir.to_owned(),
                family: family(&job.name),
                job: number,
                logs,
                record,
                truth,
                octaves,
                lr,
            });
        }
    }
    Ok(())
}

/// The second word of the name of a job, or all of it.
pub fn family(job: &str) -> String {
    let mut words = job.split('_');
    match (words.next(), words.next()) {
        (Some(number), Some(name)) if number.bytes().all(|b| b.is_ascii_digit()) => name.to_owned(),
        _ => job.to_owned(),
    }
}
