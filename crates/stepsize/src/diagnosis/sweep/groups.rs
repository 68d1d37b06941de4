//! [`groups`]: which runs are of one job.

use crate::diagnosis::Record;

/// A run of so few readings may lack a series for having ended before its first reading.
const FEW: usize = 2;

/// Indices of runs that belong together: the same losses, the same facts but for the rate, the seed and the name. Groups of one
/// are given too.
pub fn groups(records: &[Record]) -> Vec<Vec<usize>> {
    let losses = |i: usize| [!records[i].loss.is_empty(), !records[i].val_loss.is_empty()];
    let key = |r: &Record| {
        let f = &r.facts;
        let other: Vec<String> = f.other.iter().filter(|(k, _)| !varies(k)).map(|(k, v)| format!("{k}={v}")).collect();
        (f.classes, f.total_steps.map(f64::to_bits), f.optimizer.clone(), f.schedule.clone(), other)
    };
    let mut found: Vec<(_, Vec<usize>)> = Vec::new();
    let mut add = |i: usize, losses: [bool; 2]| {
        let key = (losses, key(&records[i]));
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

/// Names of facts that differ between runs of one job.
fn varies(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    [
        "lr",
        "learning_rate",
        "eta",
        "seed",
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
    ]
    .iter()
    .any(|w| {
        name.split(['_', '/', '.', '-', ' ']).any(|p| p == *w)
            || name.contains("learning_rate")
            || name.contains("learningrate")
    })
}
