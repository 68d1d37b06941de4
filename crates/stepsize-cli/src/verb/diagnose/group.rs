//! Which runs are of one job: the library compares what the logs say; here the paths are asked too.
//!
//! The path of a run of the same job differs in its rate and its seed only (`lr0.1_seed0.csv`), or, where it names no rate, in
//! the numbers and hashes of the part that tells runs apart (`run07.csv`, `version_3/metrics.csv`, `3f9a1c2/log.txt`): the last one
//! that has several values beside the same others. Runs whose repeated rates end far apart are of different jobs, whatever
//! their names say, and are left alone.

use super::Judged;
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use stepsize::Placement;
use stepsize::diagnosis::sweep::groups;

/// Most that repeated rates may differ, in log loss (median), to be of one job.
const REPEATS: f64 = 0.25;

/// Groups of two or more runs that are of one job.
pub fn together(runs: &[Judged]) -> Vec<Vec<usize>> {
    let paths: Vec<Vec<String>> = runs.iter().map(|r| parts(&r.file, &r.run)).collect();
    let mut by_path: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (i, path) in masked(&paths).into_iter().enumerate() {
        by_path.entry(path).or_default().push(i);
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

/// The parts of a path in small letters. The files of TensorBoard have names of their own in every run.
fn parts(file: &str, run: &str) -> Vec<String> {
    let whole = if run.is_empty() { file.to_owned() } else { format!("{file}/{}", run.replace("row ", "row")) };
    let part = |p: &str| if p.contains("tfevents") { "events".to_owned() } else { p.to_ascii_lowercase() };
    whole.split('/').map(part).collect()
}

/// The paths with their rate and seed, or the numbers and hashes of the part that tells runs apart, taken out.
fn masked(paths: &[Vec<String>]) -> Vec<String> {
    // The values of a part, by what stands before and after it.
    let around = |path: &[String], at: usize| (path[..at].join("/"), path[at + 1..].join("/"));
    let mut values: HashMap<(String, String), BTreeSet<&str>> = HashMap::new();
    for path in paths {
        for (at, part) in path.iter().enumerate() {
            values.entry(around(path, at)).or_default().insert(part);
        }
    }
    let random: HashSet<_> = values.iter().filter(|(_, names)| random(names)).map(|(around, _)| around).collect();
    let mask = |path: &Vec<String>| {
        if stepsize_logs::meaning::rate_in(&path.join("/")).is_some() {
            return path.iter().map(|p| named(p)).collect::<Vec<_>>().join("/");
        }
        let tells = |at: &usize| values.get(&around(path, *at)).is_some_and(|v| v.len() > 1);
        let at = (0..path.len()).rev().find(tells).unwrap_or(path.len() - 1);
        let random = random.contains(&around(path, at));
        let part = |(i, p): (usize, &String)| match i.cmp(&at) {
            Ordering::Less => p.clone(),
            Ordering::Equal if random => numbered(&p.replacen(last_word(p), "#", 1)),
            _ => numbered(p),
        };
        path.iter().enumerate().map(part).collect::<Vec<_>>().join("/")
    };
    paths.iter().map(mask).collect()
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

/// The last word of a name before its ending.
fn last_word(part: &str) -> &str {
    let stem = part.split('.').next().unwrap_or(part);
    stem.rsplit(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or(stem)
}

/// Whether the last words of names are random: of one length, and most of letters and digits, which words seldom are.
fn random(names: &BTreeSet<&str>) -> bool {
    let words: Vec<&str> = names.iter().map(|n| last_word(n)).collect();
    let mixed = |w: &&&str| w.contains(|c: char| c.is_ascii_digit()) && w.contains(|c: char| c.is_ascii_alphabetic());
    let length = words.first().map_or(0, |w| w.len());
    length >= 4
        && words.iter().all(|w| w.len() == length)
        && words.iter().filter(mixed).count() * 2 > words.len()
        && words.iter().filter(|w| is_hash(w)).count() * 2 > words.len()
}

/// Numbers and hashes taken out.
fn numbered(part: &str) -> String {
    let mut out = String::new();
    for token in part.split_inclusive(|c: char| !c.is_ascii_alphanumeric()) {
        let word = token.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
        if is_hash(word) {
            out.push('#');
        } else {
            for c in word.chars() {
                match c.is_ascii_digit() {
                    true if out.ends_with('#') => {}
                    true => out.push('#'),
                    false => out.push(c),
                }
            }
        }
        out += &token[word.len()..];
    }
    out
}

/// Whether a word is a hash or a random name: six or seven hexadecimal digits or more, or letters and numbers in turn, none of them a word.
fn is_hash(word: &str) -> bool {
    let digit = word.contains(|c: char| c.is_ascii_digit());
    let hex = word.len() >= if digit { 6 } else { 7 } && word.bytes().all(|b| b.is_ascii_hexdigit());
    let turns = word.as_bytes().windows(2).filter(|w| w[0].is_ascii_digit() != w[1].is_ascii_digit()).count();
    let longest = word.split(|c: char| c.is_ascii_digit()).map(str::len).max().unwrap_or(0);
    hex || word.len() >= 4 && turns >= 2 && longest <= 2 || word.len() >= 8 && turns >= 3 && longest <= 4
}

/// Whether runs at the same rate end alike, where a rate was run more than once.
fn alike(runs: &[Judged], group: &[usize]) -> bool {
    let trained: Vec<(f64, f64)> = group
        .iter()
        .map(|i| &runs[*i])
        .filter(|r| r.diagnosis.verdict != Placement::Diverged)
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
    use super::{masked, parts};

    /// The paths with their runs told by number: equal numbers for one job.
    #[track_caller]
    fn jobs(paths: &[&str], expected: &[usize]) {
        let paths: Vec<Vec<String>> = paths.iter().map(|p| parts(p, "")).collect();
        let names = masked(&paths);
        let mut seen: Vec<&String> = Vec::new();
        let numbers: Vec<usize> = names
            .iter()
            .map(|n| {
                seen.iter().position(|s| *s == n).unwrap_or_else(|| {
                    seen.push(n);
                    seen.len() - 1
                })
            })
            .collect();
        assert_eq!(numbers, expected, "{names:?}");
    }

    #[test]
    fn paths_of_one_job_are_alike() {
        jobs(&["out/lr0.1_seed0.csv", "out/lr1e-3_seed2.csv"], &[0, 0]);
        jobs(&["out/mlp-lr=0.1/metrics.csv", "out/mlp-lr=0.01/metrics.csv"], &[0, 0]);
        jobs(&["job/run01.jsonl", "job/run12.jsonl"], &[0, 0]);
        jobs(&["lightning_logs/version_0/metrics.csv", "lightning_logs/version_11/metrics.csv"], &[0, 0]);
        jobs(&["job/run02_lr0.1.csv", "job/run04_lr0.3.csv"], &[0, 0]);
        jobs(&["job/7f3a9c2/out.txt", "job/1234567/out.txt", "job/abcdefa/out.txt", "job/r2d2/out.txt"], &[0, 0, 0, 0]);
        jobs(&["job/run_a1b2.log", "job/run_1a2b.log", "job/run_abc1.log", "job/run_7f3c.log"], &[0, 0, 0, 0]);
        jobs(&["job/9fe1/version_0/metrics.csv", "job/a1b2/version_0/metrics.csv"], &[0, 0]);
        jobs(&["lr_0.1/events.out.tfevents.17.vm.1.0", "lr_1/events.out.tfevents.18.vm.2.0"], &[0, 0]);
        jobs(&["wandb/run-20240501_101112-3k5j2l1m/x.wandb", "wandb/run-20240501_111213-a1b9c3d2/x.wandb"], &[0, 0]);
    }

    #[test]
    fn paths_of_other_jobs_are_not() {
        jobs(&["job03_lr0.1.csv", "job04_lr0.1.csv"], &[0, 1]);
        jobs(&["a/run1.csv", "b/run1.csv", "a/run2.csv", "b/run2.csv"], &[0, 1, 0, 1]);
        jobs(&["a/run1/log.txt", "a/run2/log.txt", "b/run1/log.txt", "b/run2/log.txt"], &[0, 0, 1, 1]);
        jobs(&["cnn_lr0.1.csv", "mlp_lr0.1.csv"], &[0, 1]);
        jobs(&["resnet/log.txt", "decoder/log.txt", "resnet50v2/log.txt"], &[0, 1, 2]);
    }
}
