//! Which runs are of one job: the library compares what the logs say; here the paths are asked too.
//!
//! The path of a run of the same job differs in its rate and its seed only (`lr0.1_seed0.csv`), or, where it names no rate, in
//! the numbers of its last part that tells runs apart (`run07.csv`, `version_3/metrics.csv`). Runs whose
//! repeated rates end far apart are of different jobs, whatever their names say, and are left alone.

use super::Judged;
use std::collections::BTreeMap;
use stepsize::diagnosis::sweep::groups;
use stepsize::report::Verdict;

/// Names that files have in every run's own folder.
const GENERIC: [&str; 14] = [
    "metrics",
    "log",
    "logs",
    "train",
    "training",
    "output",
    "results",
    "history",
    "trainer_state",
    "stdout",
    "progress",
    "run",
    "events",
    "scalars",
];
/// Most that repeated rates may differ, in log loss (median), to be of one job.
const REPEATS: f64 = 0.25;

/// Groups of two or more runs that are of one job.
pub fn together(runs: &[Judged]) -> Vec<Vec<usize>> {
    let mut by_path: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (i, run) in runs.iter().enumerate() {
        by_path.entry(masked(&run.file, &run.run)).or_default().push(i);
    }
    let mut out = Vec::new();
    for members in by_path.into_values() {
        let records: Vec<_> = members.iter().map(|i| runs[*i].record.clone()).collect();
        for group in groups(&records) {
            let group: Vec<usize> = group.into_iter().map(|g| members[g]).collect();
            if group.len() > 1 && alike(runs, &group) {
                out.push(group);
            }
        }
    }
    out
}

/// The path with its rate and seed, or the numbers of its last telling part, taken out.
fn masked(file: &str, run: &str) -> String {
    let whole = if run.is_empty() { file.to_owned() } else { format!("{file}/{}", run.replace("row ", "row")) };
    let lower = whole.to_ascii_lowercase();
    if stepsize_logs::meaning::rate_in(&lower).is_some() {
        return lower.split('/').map(named).collect::<Vec<_>>().join("/");
    }
    let mut parts: Vec<String> = lower.split('/').map(str::to_owned).collect();
    let stem = |p: &str| {
        p.split('.').next().unwrap_or_default().trim_end_matches(|c: char| c.is_ascii_digit() || c == '_').to_owned()
    };
    let last = parts.len() - 1;
    let at = if last > 0
        && GENERIC.contains(&stem(&parts[last]).as_str())
        && !parts[last].contains(|c: char| c.is_ascii_digit())
    {
        last - 1
    } else {
        last
    };
    parts[at] = digits(&parts[at]);
    parts.join("/")
}

/// Numbers after words of the rate and the seed, and numbers that only count runs, taken out.
fn named(part: &str) -> String {
    let mut out = String::new();
    let mut rest = part;
    'next: while let Some(c) = rest.chars().next() {
        for word in ["learning_rate", "learningrate", "eta0", "eta", "lr", "seed", "run", "trial", "version", "rep"] {
            let before = out.chars().next_back();
            if rest.starts_with(word) && !before.is_some_and(char::is_alphabetic) {
                let tail = rest[word.len()..].trim_start_matches(['=', '_', '-', ':', ' ']);
                let number = tail.find(|c: char| !(c.is_ascii_digit() || ".e-+".contains(c))).unwrap_or(tail.len());
                if number > 0 {
                    out += word;
                    out.push('#');
                    rest = &tail[number..];
                    continue 'next;
                }
            }
        }
        out.push(c);
        rest = &rest[c.len_utf8()..];
    }
    out
}

fn digits(part: &str) -> String {
    let mut out = String::new();
    for c in part.chars() {
        match c.is_ascii_digit() {
            true if out.ends_with('#') => {}
            true => out.push('#'),
            false => out.push(c),
        }
    }
    out
}

/// Whether runs at the same rate end alike, where a rate was run more than once.
fn alike(runs: &[Judged], group: &[usize]) -> bool {
    let trained: Vec<(f64, f64)> = group
        .iter()
        .map(|i| &runs[*i])
        .filter(|r| r.diagnosis.verdict != Verdict::Diverged)
        .filter_map(|r| Some((r.record.base_lr()?, r.record.final_loss()?)))
        .collect();
    let mut apart: Vec<f64> = Vec::new();
    for (i, a) in trained.iter().enumerate() {
        for b in &trained[i + 1..] {
            if (a.0 / b.0).ln().abs() < 1e-6 && a.1 > 0.0 && b.1 > 0.0 {
                apart.push((a.1 / b.1).ln().abs());
            }
        }
    }
    apart.sort_by(f64::total_cmp);
    apart.get(apart.len() / 2).is_none_or(|m| *m < REPEATS)
}

#[cfg(test)]
mod tests {
    use super::masked;

    #[test]
    fn paths_of_one_job_are_alike() {
        let same = |a: &str, b: &str| assert_eq!(masked(a, ""), masked(b, ""), "{a} {b}");
        let other = |a: &str, b: &str| assert_ne!(masked(a, ""), masked(b, ""), "{a} {b}");
        same("out/lr0.1_seed0.csv", "out/lr1e-3_seed2.csv");
        same("out/mlp-lr=0.1/metrics.csv", "out/mlp-lr=0.01/metrics.csv");
        same("job/run01.jsonl", "job/run12.jsonl");
        same("lightning_logs/version_0/metrics.csv", "lightning_logs/version_11/metrics.csv");
        same("job/run02_lr0.1.csv", "job/run04_lr0.3.csv");
        other("job03_lr0.1.csv", "job04_lr0.1.csv");
        other("a/run1.csv", "b/run1.csv");
        other("cnn_lr0.1.csv", "mlp_lr0.1.csv");
    }
}
