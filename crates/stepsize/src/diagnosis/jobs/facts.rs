//! [`by_facts`]: which logs say that they are of one job.

use crate::diagnosis::Record;

/// A run with so few readings may have ended before the first reading of a series.
const FEW: usize = 2;

/// Words in the names of facts that differ between runs of one job: the rate, the seed, where and
/// when a run was, and what came out.
const VARIES: [&str; 62] = [
    "lr",
    "eta",
    "seed",
    "fold",
    "run",
    "trial",
    "job",
    "exp",
    "experiment",
    "random",
    "name",
    "id",
    "command",
    "dir",
    "path",
    "time",
    "date",
    "host",
    "pid",
    "uuid",
    "datetime",
    "timestamp",
    "start",
    "end",
    "started",
    "finished",
    "created",
    "updated",
    "runtime",
    "duration",
    "elapsed",
    "seconds",
    "minutes",
    "hours",
    "min",
    "sec",
    "hostname",
    "node",
    "machine",
    "gpu",
    "device",
    "cuda",
    "user",
    "note",
    "notes",
    "comment",
    "tag",
    "tags",
    "state",
    "status",
    "number",
    "index",
    "row",
    "url",
    "summary",
    "result",
    "results",
    "metrics",
    "best",
    "final",
    "cost",
    "memory",
];
/// Parts of the names of results.
const RESULTS: [&str; 14] = [
    "loss",
    "acc",
    "accuracy",
    "perplexity",
    "ppl",
    "error",
    "score",
    "f1",
    "auc",
    "bleu",
    "rouge",
    "precision",
    "recall",
    "reward",
];
/// Fewest runs of which each must have a value of its own for a text to be a note and no setting.
const NOTES: usize = 3;

/// Indices of the records that belong together: the same losses, and the same facts but for the
/// rate, the seed and names. A record that belongs to no other is a group of one.
pub fn by_facts(records: &[&Record]) -> Vec<Vec<usize>> {
    let losses = |i: usize| [!records[i].loss.is_empty(), !records[i].val_loss.is_empty()];
    let notes: Vec<&str> = settings(records).into_iter().filter(|k| is_note(records, k)).collect();
    let key = |r: &Record| {
        let f = &r.facts;
        let tells = |k: &str| !varies(k) && !notes.contains(&k);
        let other: Vec<String> = f.other.iter().filter(|(k, _)| tells(k)).map(|(k, v)| format!("{k}={v}")).collect();
        (f.classes, f.total_steps.map(f64::to_bits), f.optimizer.clone(), f.schedule.clone(), other)
    };
    let mut found: Vec<(_, Vec<usize>)> = Vec::new();
    let mut add = |i: usize, losses: [bool; 2]| {
        let key = (losses, key(records[i]));
        match found.iter_mut().find(|(k, _)| *k == key) {
            Some((_, members)) => members.push(i),
            None => found.push((key, vec![i])),
        }
    };
    let few = |i: &usize| records[*i].loss.len() + records[*i].val_loss.len() <= FEW;
    let all: Vec<usize> = (0..records.len()).collect();
    let usual = all.iter().filter(|i| !few(i)).map(|i| losses(*i)).max();
    for i in all {
        let own = losses(i);
        let lacks = |usual: &[bool; 2]| few(&i) && own.iter().zip(usual).all(|(own, usual)| own <= usual);
        add(i, usual.filter(lacks).unwrap_or(own));
    }
    found.into_iter().map(|(_, members)| members).collect()
}

fn varies(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let mut words = name.split(['_', '/', '.', '-', ' ']);
    name.contains("learning_rate")
        || name.contains("learningrate")
        || name.contains("lrate")
        || words.any(|w| VARIES.contains(&w) || RESULTS.contains(&w))
}

/// The names of all facts that may tell jobs apart.
pub(super) fn settings<'a>(records: &[&'a Record]) -> Vec<&'a str> {
    let mut names: Vec<&str> =
        records.iter().flat_map(|r| r.facts.other.keys()).map(String::as_str).filter(|k| !varies(k)).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// Whether a fact is a text of its own for every run: a date, a place, a note. A number may be a
/// setting that was drawn for every run.
fn is_note(records: &[&Record], name: &str) -> bool {
    let values: Vec<&str> = records.iter().filter_map(|r| r.facts.other.get(name)).map(|v| v.trim()).collect();
    let mut apart = values.clone();
    apart.sort_unstable();
    apart.dedup();
    apart.len() >= NOTES
        && apart.len() == records.len()
        && values.iter().all(|v| v.parse::<f64>().is_err() && !matches!(*v, "true" | "false" | "True" | "False"))
}

/// The names of the settings in which these runs differ, for people; the rate and the seed are
/// none.
pub(super) fn differing(records: &[&Record]) -> Vec<String> {
    let mut out: Vec<String> = settings(records)
        .into_iter()
        .filter(|k| !is_note(records, k))
        .filter(|k| {
            let first = records.first().and_then(|r| r.facts.other.get(*k));
            records.iter().any(|r| r.facts.other.get(*k) != first)
        })
        .map(str::to_owned)
        .collect();
    let mut differ = |name: &str, of: fn(&Record) -> Option<String>| {
        if records.first().is_some_and(|first| records.iter().any(|r| of(r) != of(first))) {
            out.push(name.to_owned());
        }
    };
    differ("the optimizer", |r| r.facts.optimizer.clone());
    differ("the schedule", |r| r.facts.schedule.clone());
    differ("the number of classes", |r| r.facts.classes.map(|c| c.to_string()));
    differ("the planned length", |r| r.facts.total_steps.map(|t| t.to_string()));
    differ("the losses that they log", |r| Some(format!("{}{}", r.loss.is_empty(), r.val_loss.is_empty())));
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::Series;

    #[test]
    fn runs_of_other_jobs_stay_apart() {
        let run = || Record { loss: Series::new((0..60).map(|i| (f64::from(i), 1.0))), ..Record::default() };
        let mut records = [run(), run(), run()];
        records[1].facts.other.insert("model".into(), "cnn".into());
        records[2].facts.other.insert("seed".into(), "3".into());
        assert_eq!(by_facts(&records.iter().collect::<Vec<_>>()), [vec![0, 2], vec![1]]);
        assert_eq!(differing(&records.iter().collect::<Vec<_>>()), ["model"]);
    }

    #[test]
    fn dates_notes_and_results_do_not_part_runs_and_settings_do() {
        let run = |i: usize| {
            let mut r = Record { loss: Series::new((0..60).map(|i| (f64::from(i), 1.0))), ..Record::default() };
            let facts = [
                ("created", format!("2024-05-0{i} 10:0{i}")),
                ("where it ran", format!("rack {i}")),
                ("summary/val/loss", format!("0.{i}")),
                ("val_acc", format!("0.{i}")),
                ("weight_decay", (if i < 3 { "0.1" } else { "0.01" }).to_owned()),
            ];
            r.facts.other.extend(facts.map(|(k, v)| (k.to_owned(), v)));
            r
        };
        let records: Vec<Record> = (0..6).map(run).collect();
        let all: Vec<&Record> = records.iter().collect();
        assert_eq!(by_facts(&all), [vec![0, 1, 2], vec![3, 4, 5]]);
        assert_eq!(differing(&all), ["weight_decay"]);
    }
}
