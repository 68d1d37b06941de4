//! [`groups`]: which runs are of one job.

use crate::diagnosis::Record;

/// Indices of runs that belong together: the same names of series, the same facts but for the rate, the seed and the name.
/// Groups of one are given too.
pub fn groups(records: &[Record]) -> Vec<Vec<usize>> {
    let key = |r: &Record| {
        let has = [&r.loss, &r.val_loss, &r.lr, &r.grad_norm, &r.score].map(|s| !s.is_empty());
        // A run that broke early may lack what is logged late.
        let f = &r.facts;
        let other: Vec<String> = f.other.iter().filter(|(k, _)| !varies(k)).map(|(k, v)| format!("{k}={v}")).collect();
        (has[0], has[1], f.classes, f.total_steps.map(f64::to_bits), f.optimizer.clone(), f.schedule.clone(), other)
    };
    let mut found: Vec<(_, Vec<usize>)> = Vec::new();
    for (i, record) in records.iter().enumerate() {
        let key = key(record);
        match found.iter_mut().find(|(k, _)| *k == key) {
            Some((_, members)) => members.push(i),
            None => found.push((key, vec![i])),
        }
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
