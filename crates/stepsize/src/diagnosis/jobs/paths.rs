//! The paths of runs of one job, masked such that they are equal.
//!
//! The path of a run differs from those of the other runs of its job in its rate and its seed only
//! (`lr0.1_seed0.csv`). Where it names no rate, we mask the numbers and hashes of the last path
//! component that varies while all other components agree (`run07.csv`, `version_3/metrics.csv`,
//! `3f9a1c2/log.txt`).

use std::cmp::Ordering;
use std::collections::{BTreeSet, HashMap};

/// Words after which a number is the rate, the seed, or the count of a run.
const COUNTERS: [&str; 10] =
    ["learning_rate", "learningrate", "eta0", "eta", "lr", "seed", "run", "trial", "version", "rep"];
/// Shortest random name. Chosen by eye.
const SHORTEST: usize = 4;

/// The components of a path in small letters. TensorBoard and W&B give their files another name in
/// every run, and MLflow draws a name for it, so they all get one.
pub(super) fn parts(file: &str, run: &str) -> Vec<String> {
    let whole = match run {
        "" => file.to_owned(),
        run if is_drawn(run) => format!("{file}/#"),
        run => format!("{file}/{}", run.replace("row ", "row")),
    };
    let part = |p: &str| match p {
        p if p.contains("tfevents") => "events".to_owned(),
        p if p.ends_with(".wandb") => "run.wandb".to_owned(),
        p if is_folder_of_wandb(p) => "run".to_owned(),
        p => p.to_ascii_lowercase(),
    };
    whole.split('/').map(part).collect()
}

/// What is known of the names that a component takes while all others agree.
#[derive(Debug, Clone, Copy)]
struct Names {
    /// Whether it takes several.
    several: bool,
    random: bool,
    drawn: bool,
}

/// Paths, with the names of their components by what stands before and after them.
pub(super) struct Paths<'a> {
    paths: &'a [Vec<String>],
    names: HashMap<(String, String), Names>,
}

impl<'a> Paths<'a> {
    pub fn new(paths: &'a [Vec<String>]) -> Self {
        let mut all: HashMap<_, BTreeSet<&str>> = HashMap::new();
        for path in paths {
            for (at, part) in path.iter().enumerate() {
                all.entry(around(path, at)).or_default().insert(part);
            }
        }
        let of = |all: &BTreeSet<&str>| Names { several: all.len() > 1, random: random(all), drawn: drawn(all) };
        Self { paths, names: all.into_iter().map(|(around, all)| (around, of(&all))).collect() }
    }

    /// The component that tells runs apart, the last that varies while all others agree, or the
    /// last; with its names.
    fn telling(&self, path: &[String]) -> (usize, Option<Names>) {
        let names = |at: usize| self.names.get(&around(path, at)).copied();
        let tells = |at: usize| Some((at, names(at).filter(|n| n.several)?));
        let last = path.len() - 1;
        (0..path.len()).rev().find_map(tells).map_or_else(|| (last, names(last)), |(at, names)| (at, Some(names)))
    }

    /// The paths without their rate and seed, or without the numbers and hashes of the component
    /// that tells runs apart.
    pub fn masked(&self, names_rate: impl Fn(&str) -> bool) -> Vec<String> {
        let mask = |path: &Vec<String>| {
            if names_rate(&path.join("/")) {
                return path.iter().map(|p| dated(&named(p))).collect::<Vec<_>>().join("/");
            }
            let (at, names) = self.telling(path);
            let part = |(i, p): (usize, &String)| match i.cmp(&at) {
                Ordering::Less => p.clone(),
                Ordering::Equal if names.is_some_and(|n| n.drawn) => "#".to_owned(),
                Ordering::Equal if names.is_some_and(|n| n.random) => numbered(&p.replacen(last_word(p), "#", 1)),
                _ => numbered(p),
            };
            path.iter().enumerate().map(part).collect::<Vec<_>>().join("/")
        };
        self.paths.iter().map(mask).collect()
    }

    /// The paths with a mark for the component that tells runs apart, whatever its name is.
    pub fn unnamed(&self) -> Vec<String> {
        let mask = |path: &Vec<String>| {
            let (before, after) = around(path, self.telling(path).0);
            format!("{before}/#/{after}")
        };
        self.paths.iter().map(mask).collect()
    }
}

fn around(path: &[String], at: usize) -> (String, String) {
    (path[..at].join("/"), path[at + 1..].join("/"))
}

/// Masks the numbers after [`COUNTERS`].
fn named(part: &str) -> String {
    let mut out = String::new();
    let mut rest = part;
    'next: while let Some(c) = rest.chars().next() {
        for word in COUNTERS {
            let before = out.chars().next_back();
            if rest.starts_with(word) && !before.is_some_and(char::is_alphabetic) {
                let tail = rest[word.len()..].trim_start_matches(['=', '_', '-', ':', ' ']);
                // `lr_0_01` is one number.
                let zero = if tail.starts_with("0_") { 2 } else { 0 };
                let number = tail[zero..].find(|c: char| !(c.is_ascii_digit() || ".ep-+".contains(c)));
                let number = number.map_or(tail.len(), |at| zero + at);
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

/// Masks dates, times and zero-padded counts with the numbers that follow them, by which tools tell
/// the runs of a search apart: `train_00003_3_lr#_2024-05-01_10-00-00`.
fn dated(part: &str) -> String {
    let mut out = String::new();
    let mut masked = false;
    for token in part.split_inclusive(|c: char| !c.is_ascii_alphanumeric()) {
        let word = token.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
        let padded = word.len() > 1 && word.starts_with('0') && !out.ends_with('.');
        let year = (word.len() == 4 || word.len() == 8) && (word.starts_with("19") || word.starts_with("20"));
        masked = is_number(word) && (masked || padded || year);
        out += if masked { "#" } else { word };
        out += &token[word.len()..];
    }
    out
}

/// The last word of a file name, without its extensions.
fn last_word(part: &str) -> &str {
    let stem = part.split('.').next().unwrap_or(part);
    stem.rsplit(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or(stem)
}

/// Whether the last words of names are random: all of one length, and most of them hashes of
/// letters and digits, which words seldom are.
fn random(names: &BTreeSet<&str>) -> bool {
    let words: Vec<&str> = names.iter().map(|n| last_word(n)).collect();
    let mixed = |w: &&&str| w.contains(|c: char| c.is_ascii_digit()) && w.contains(|c: char| c.is_ascii_alphabetic());
    let length = words.first().map_or(0, |w| w.len());
    length >= SHORTEST
        && words.iter().all(|w| w.len() == length)
        && words.iter().filter(mixed).count() * 2 > words.len()
        && words.iter().filter(|w| is_hash(w)).count() * 2 > words.len()
}

/// Whether names are drawn, as W&B and MLflow draw them.
fn drawn(names: &BTreeSet<&str>) -> bool {
    names.len() > 1 && names.iter().all(|name| is_drawn(name))
}

/// Whether W&B names a folder so: `run-20240501_101112-xkjqslwm`, `offline-run-...`.
fn is_folder_of_wandb(name: &str) -> bool {
    let parts: Vec<&str> = name.trim_start_matches("offline-").splitn(3, '-').collect();
    let date = |date: &str| date.len() == 15 && date.split('_').all(is_number);
    matches!(parts[..], ["run", day, id] if date(day) && id.bytes().all(|b| b.is_ascii_alphanumeric()))
}

/// Whether a name is two words and a number, `calm-lake-7`.
fn is_drawn(name: &str) -> bool {
    let is_word = |w: &str| w.len() > 1 && w.bytes().all(|b| b.is_ascii_lowercase());
    match name.split('-').collect::<Vec<_>>()[..] {
        [a, b, number] => is_word(a) && is_word(b) && is_number(number),
        _ => false,
    }
}

/// Masks numbers and hashes; a number with a point or an exponent is one number.
fn numbered(part: &str) -> String {
    let mut out = String::new();
    for token in whole_numbers(part).split_inclusive(|c: char| !c.is_ascii_alphanumeric()) {
        let word = token.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
        if is_number(word) || is_hash(word) {
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

fn is_number(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|b| b.is_ascii_digit())
}

/// The text with every number that has a point or an exponent written as "0", so that `sweep_1`,
/// `sweep_0.3` and `sweep_1e-3` are alike.
fn whole_numbers(part: &str) -> String {
    let (mut out, mut rest) = (String::new(), part);
    while let Some((before, _, after)) = next_number(rest) {
        out += before;
        out.push('0');
        rest = after;
    }
    out + rest
}

/// The text before the first number that is a word of its own, that number in digits with point and
/// exponent, and the text after it.
///
/// ```
/// use stepsize::diagnosis::jobs::next_number;
/// assert_eq!(next_number("mlp2_1e-3.csv"), Some(("mlp2_", "1e-3", ".csv")));
/// ```
pub fn next_number(text: &str) -> Option<(&str, &str, &str)> {
    let bytes = text.as_bytes();
    let digits = |mut at: usize| {
        while bytes.get(at).is_some_and(u8::is_ascii_digit) {
            at += 1;
        }
        at
    };
    let mut at = 0;
    while at < bytes.len() {
        let starts = at == 0 || !bytes[at - 1].is_ascii_alphanumeric();
        let mut end = if starts { digits(at) } else { at };
        if end == at {
            at += 1;
            continue;
        }
        if bytes.get(end) == Some(&b'.') && digits(end + 1) > end + 1 {
            end = digits(end + 1);
        }
        let sign = usize::from(matches!(bytes.get(end + 1), Some(b'-' | b'+')));
        if bytes.get(end) == Some(&b'e') && digits(end + 1 + sign) > end + 1 + sign {
            end = digits(end + 1 + sign);
        }
        if !bytes.get(end).is_some_and(u8::is_ascii_alphanumeric) {
            return Some((text.get(..at)?, text.get(at..end)?, text.get(end..)?));
        }
        at = end;
    }
    None
}

/// Whether a word is a hash or a random name. A hash has six hexadecimal digits or more (seven if
/// all are letters: English has words of six). A random name changes between letters and digits,
/// and its letters are too few in a row to be words.
fn is_hash(word: &str) -> bool {
    let digit = word.contains(|c: char| c.is_ascii_digit());
    let hex = word.len() >= if digit { 6 } else { 7 } && word.bytes().all(|b| b.is_ascii_hexdigit());
    let turns = word.as_bytes().windows(2).filter(|w| w[0].is_ascii_digit() != w[1].is_ascii_digit()).count();
    let longest = word.split(|c: char| c.is_ascii_digit()).map(str::len).max().unwrap_or(0);
    hex || word.len() >= SHORTEST && turns >= 2 && longest <= 2 || word.len() >= 8 && turns >= 3 && longest <= 4
}

#[cfg(test)]
mod tests {
    use super::{Paths, parts};

    /// Checks the jobs of paths: equal numbers for one job.
    #[track_caller]
    fn jobs(paths: &[&str], expected: &[usize]) {
        let paths: Vec<Vec<String>> = paths.iter().map(|p| parts(p, "")).collect();
        let names = Paths::new(&paths)
            .masked(|path| ["lr0", "lr1", "lr=0", "lr_0", "lr_1"].iter().any(|rate| path.contains(rate)));
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
        jobs(&["s/sweep_1.csv", "s/sweep_1e-3.csv", "s/sweep_0.03.csv", "s/sweep_10.csv"], &[0, 0, 0, 0]);
        jobs(&["0.01.csv", "1.csv", "10.csv", "3e-4.csv"], &[0, 0, 0, 0]);
        jobs(&["job/7f3a9c2/out.txt", "job/1234567/out.txt", "job/abcdefa/out.txt", "job/r2d2/out.txt"], &[0, 0, 0, 0]);
        jobs(&["job/run_a1b2.log", "job/run_1a2b.log", "job/run_abc1.log", "job/run_7f3c.log"], &[0, 0, 0, 0]);
        jobs(&["job/9fe1/version_0/metrics.csv", "job/a1b2/version_0/metrics.csv"], &[0, 0]);
        jobs(&["lr_0.1/events.out.tfevents.17.vm.1.0", "lr_1/events.out.tfevents.18.vm.2.0"], &[0, 0]);
        jobs(&["wandb/calm-lake-3/log.txt", "wandb/red-moss-12/log.txt", "wandb/wild-owl-7/log.txt"], &[0, 0, 0]);
        jobs(&["t_00000_0_lr=0.1_2024-05-01_10-00-00/o", "t_00001_1_lr=0.01_2024-05-01_10-07-31/o"], &[0, 0]);
        jobs(&["lr0p1_seed0.csv", "lr0p03_seed2.csv"], &[0, 0]);
        jobs(&["lr_0_1_seed0.csv", "lr_0_03_seed2.csv"], &[0, 0]);
        jobs(
            &["run-20240501_101112-3k5j2l1m/run-3k5j2l1m.wandb", "run-20240501_111213-a1b9c3d2/run-a1b9c3d2.wandb"],
            &[0, 0],
        );
        let names = ["calm-lake-3", "red-moss-12"].map(|run| parts(&format!("mlruns/1/{run}f3a9"), run));
        assert_eq!(names[0].last(), names[1].last());
    }

    #[test]
    fn paths_of_other_jobs_are_not() {
        jobs(&["job03_lr0.1.csv", "job04_lr0.1.csv"], &[0, 1]);
        jobs(&["a/run1.csv", "b/run1.csv", "a/run2.csv", "b/run2.csv"], &[0, 1, 0, 1]);
        jobs(&["a/run1/log.txt", "a/run2/log.txt", "b/run1/log.txt", "b/run2/log.txt"], &[0, 0, 1, 1]);
        jobs(&["cnn_lr0.1.csv", "mlp_lr0.1.csv"], &[0, 1]);
        jobs(&["mlp_64_lr0.1.csv", "mlp_128_lr0.1.csv", "mlp_1024_512_lr0.1.csv"], &[0, 1, 2]);
        jobs(&["resnet/log.txt", "decoder/log.txt", "resnet50v2/log.txt"], &[0, 1, 2]);
    }
}
