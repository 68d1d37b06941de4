//! [`by_facts`]: which logs say that they are of one job.

use crate::diagnosis::Record;

/// A run with so few readings may have ended before the first reading of a series.
const FEW: usize = 2;

/// Words in the names of facts that differ between runs of one job.
const VARIES: [&str; 14] =
    ["lr", "eta", "seed", "random", "name", "id", "command", "dir", "path", "time", "date", "host", "pid", "uuid"];

/// Indices of the records that belong together: the same losses, and the same facts but for the
/// rate, the seed and names. A record that belongs to no other is a group of one.
pub fn by_facts(records: &[&Record]) -> Vec<Vec<usize>> {
    let losses = |i: usize| [!records[i].loss.is_empty(), !records[i].val_loss.is_empty()];
    let key = |r: &Record| {
        let f = &r.facts;
        let other: Vec<String> = f.other.iter().filter(|(k, _)| !varies(k)).map(|(k, v)| format!("{k}={v}")).collect();
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
    name.contains("learning_rate") || name.contains("learningrate") || words.any(|w| VARIES.contains(&w))
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
    }
}
