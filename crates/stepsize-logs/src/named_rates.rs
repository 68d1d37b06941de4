//! [`by_names`]: the rates of runs that are named by nothing but a number, `0.1/log.txt`,
//! `mlp_1e-3_64.csv`.

use crate::judgement::RunRead;
use std::collections::BTreeMap;
use stepsize::diagnosis::jobs::next_number;

/// Fewest runs that a number must tell apart.
const RUNS: usize = 3;
/// Least factor between the lowest and the highest of the numbers: other settings below 1 (a
/// dropout, a momentum) are tried over less.
const SPAN: f64 = 10.0;
/// Words before a number that is another setting, or tells runs of one setting apart.
const OTHERS: [&str; 26] = [
    "wd",
    "decay",
    "weight",
    "dropout",
    "drop",
    "p",
    "momentum",
    "mom",
    "beta",
    "beta1",
    "beta2",
    "gamma",
    "eps",
    "epsilon",
    "lambda",
    "lam",
    "reg",
    "l1",
    "l2",
    "tau",
    "temp",
    "temperature",
    "noise",
    "sigma",
    "std",
    "clip",
];
/// Words before a number that repeats a run.
const REPEATS: [&str; 6] = ["seed", "run", "rep", "trial", "fold", "version"];

/// A path cut at its numbers.
struct Cut {
    /// The text with a mark for each number.
    form: String,
    /// Each number with the word before it.
    numbers: Vec<(String, f64)>,
}

/// Gives the runs of which neither the log nor a setting says a rate that of their names: where the
/// paths of three runs or more differ in one number, and that spans a factor of ten and is no whole
/// number in all of them.
pub(crate) fn by_names(runs: &mut [RunRead]) {
    let mut alike: BTreeMap<String, Vec<(usize, Cut)>> = BTreeMap::new();
    for (i, run) in runs.iter().enumerate().filter(|(_, r)| r.record.base_lr().is_none() && r.run.is_empty()) {
        let cut = cut(&run.file);
        alike.entry(cut.form.clone()).or_default().push((i, cut));
    }
    for members in alike.into_values() {
        let Some(at) = telling(&members) else { continue };
        for (i, cut) in members {
            let (run, rate) = (&mut runs[i], cut.numbers[at].1);
            run.record.facts.lr = Some(rate);
            if let Some(taken) = &mut run.taken {
                taken.rate = Some((rate, "the number in the name".to_owned()));
            }
        }
    }
}

/// The place of the number that is the rate.
fn telling(members: &[(usize, Cut)]) -> Option<usize> {
    let numbers = |at: usize| members.iter().filter_map(move |(_, cut)| cut.numbers.get(at));
    let count = members.first().filter(|_| members.len() >= RUNS)?.1.numbers.len();
    let first = |at: usize| numbers(at).next().map_or(f64::NAN, |n| n.1);
    let mut differ = (0..count)
        .filter(|at| numbers(*at).any(|n| n.1 != first(*at)) && !numbers(*at).any(|n| REPEATS.contains(&n.0.as_str())));
    let at = differ.next().filter(|_| differ.next().is_none())?;
    let (low, high) = numbers(at).fold((f64::INFINITY, 0.0f64), |(low, high), n| (low.min(n.1), high.max(n.1)));
    let rate = numbers(at).all(|n| n.1 > 0.0 && !OTHERS.contains(&n.0.as_str()));
    (rate && high >= SPAN * low && numbers(at).any(|n| n.1.fract() != 0.0)).then_some(at)
}

/// Cuts a path at the numbers that are words of their own.
fn cut(path: &str) -> Cut {
    let path = path.to_ascii_lowercase();
    let (mut form, mut numbers, mut rest) = (String::new(), Vec::new(), path.as_str());
    while let Some((before, number, after)) = next_number(rest) {
        let word = before.trim_end_matches(['_', '-', '=', ' ']).rsplit(|c: char| !c.is_ascii_alphanumeric()).next();
        numbers.push((word.unwrap_or("").to_owned(), number.parse().unwrap_or(f64::NAN)));
        form += &unrepeated(before);
        form.push('#');
        rest = after;
    }
    form += &unrepeated(rest);
    Cut { form, numbers }
}

/// The text without the numbers that are one word with what they repeat: `run2`, `seed0`.
fn unrepeated(text: &str) -> String {
    let bare = |token: &str| {
        let word = token.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
        let name = word.trim_end_matches(|c: char| c.is_ascii_digit());
        if REPEATS.contains(&name) { token.replacen(word, name, 1) } else { token.to_owned() }
    };
    text.split_inclusive(|c: char| !c.is_ascii_alphanumeric()).map(bare).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use stepsize::diagnosis::Record;

    #[track_caller]
    fn rates(files: &[&str], expected: &[f64]) {
        let run = |file: &&str| RunRead {
            file: (*file).to_owned(),
            run: String::new(),
            record: Record::default(),
            taken: None,
        };
        let mut runs: Vec<RunRead> = files.iter().map(run).collect();
        by_names(&mut runs);
        let found: Vec<f64> = runs.iter().filter_map(|r| r.record.facts.lr).collect();
        assert_eq!(found, expected, "{files:?}");
    }

    #[test]
    fn a_number_that_spans_a_decade_is_the_rate() {
        rates(&["x/0.1.csv", "x/0.01.csv", "x/1.csv"], &[0.1, 0.01, 1.0]);
        rates(&["x/0.1/out", "x/0.003/out", "x/0.01/out"], &[0.1, 0.003, 0.01]);
        rates(
            &["mlp_adam_1e-3_64_run1.txt", "mlp_adam_1.1e-2_64_run2.txt", "mlp_adam_3e-1_64_run1.txt"],
            &[1e-3, 1.1e-2, 0.3],
        );
    }

    #[test]
    fn other_numbers_are_no_rates() {
        for files in [
            ["x/1.csv", "x/10.csv", "x/100.csv"],
            ["x/0.1.csv", "x/0.3.csv", "x/0.5.csv"],
            ["x/wd_0.1.csv", "x/wd_0.01.csv", "x/wd_0.001.csv"],
            ["x/0.1_16.csv", "x/0.01_32.csv", "x/0.001_64.csv"],
            ["x/seed_0.csv", "x/seed_10.csv", "x/seed_1.5.csv"],
            ["a/0.1.csv", "b/0.01.csv", "c/1.csv"],
        ] {
            rates(&files, &[]);
        }
    }
}
