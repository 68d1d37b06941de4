//! Trees and confidence for kinds of jobs that the first trees never saw
//! (`bench/diagnosis_beyond.py`, `bench/diagnosis_other.py`), and what the advice brings there.
//!
//! More trees are grown on top of the shipped ones. They are too sure of kinds of jobs that they
//! never saw. So three numbers make their chances honest, fitted with the family of each log left
//! out: a factor of the log odds, and two leaks between good runs and either side. Each family
//! counts the same, since the next job is of another. What is printed was judged with the family of
//! each log left out, by the numbers of the others.
//!
//! The corpus holds rates that are far off at equal parts; people seldom choose those, and they are
//! the easy ones. So chances are fitted and measured on rates within a factor of 32 of the best.

use super::boost::{Growth, Row, grow_on};
use super::corpora::{Corpora, Log, logs, ranges, whole};
use super::fit::{FIRST, place, shipped_numbers};
use super::score::{self, Judged};
use super::scripts;
use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use stepsize::Placement;
use stepsize::diagnosis::model::{Leak, Model, Odds, PLACES, Ranges, Say};
use stepsize::diagnosis::{Features, diagnose_with, say};

/// Octaves from the best rate within which verdicts are measured: farther off, few people choose.
const NEAR: f64 = 5.0;
/// Bounds on the moves of the rate that are compared, in factors.
const BOUNDS: [f64; 5] = [2.0, 3.0, 4.0, 10.0, 1e9];

/// How the trees on top of the shipped ones are grown.
const GROWTH: Growth = Growth { rounds: 12, depth: 3, rate: 0.1, leaf: 6.0, ridge: 4.0, features: 0.4 };
/// Weight of a job: that of its rows together.
const WEIGHT: f64 = 60.0;
/// Least chances of verdicts. Of those between 0.60 and 0.65 "too low" was right in 8 of 12 and
/// "too high" in 7 of 18, on families left out and foreign ones. "Good" is never said. Rates two to
/// four times off look alike, and it was right in half of its cases whatever its chance. Divergence
/// has its rule; the trees may add what is plain.
const SAY: Say = Say { low: 0.6, good: 0.99, high: 0.65, far: 0.0, diverged: 0.85, not: 0.2 };
/// The side to which a curve leans, for whether something speaks against that.
const LEANS: Say = Say { low: 0.5, high: 0.5, ..SAY };
/// Factors of the log odds and leaks that are tried, in hundredths: first, last, stride.
const SCALES: (u32, u32, usize) = (30, 150, 2);
const SIDES: (u32, u32, usize) = (0, 40, 2);
const GOODS: (u32, u32, usize) = (0, 16, 2);

/// One line a log of what was judged, for whoever looks for the reason of a figure.
const LIST: &str = "target/diagnosis-list.tsv";

/// A factor of the log odds, and leaks.
type Numbers = (f64, Leak);

/// A log that was judged.
struct Seen<'a> {
    family: &'a str,
    judged: Judged,
    /// Whether the trees judged it.
    by_trees: bool,
    /// Whether something speaks against the verdict that the trees would give.
    torn: bool,
    /// Code of the first finding, and its reason.
    code: &'static str,
    because: String,
    odds: Odds,
    sums: [f64; PLACES],
    log: &'a Log,
}

/// Whether its rate is one that people choose.
fn near(seen: &&Seen<'_>) -> bool {
    seen.judged.octaves.abs() <= NEAR
}

/// Grows trees for these kinds of jobs on top of the first ones, which saw none of them and are too
/// sure of all of them.
pub fn adapt(grown: &[(&str, usize)], first: &Model) -> Result<Model, Box<dyn Error>> {
    let first = Model { say: SAY, ranges: Ranges::default(), ..first.clone() };
    let all = whole(grown)?;
    let (scale, _) = tempered(&all.iter().map(|l| judge(&first, l)).collect::<Vec<_>>()).0;
    let first = Model { scale, ..first };
    Ok(grow_on(&first, &rows(&first, &all.iter().collect::<Vec<_>>()), GROWTH, &shipped_numbers()))
}

/// Measures how sure the verdicts of these trees are, with the family of each log left out; the
/// model with the confidence of all families.
pub fn calibrate(corpora: &Corpora<'_>, model: Model) -> Result<Model, Box<dyn Error>> {
    let mut made = Model { say: LEANS, scale: 1.0, leak: Leak::default(), ..model };
    let all = whole(corpora.sets)?;
    let usual = || all.iter().filter(|l| corpora.usual.contains(&l.set.as_str()));
    made.ranges = ranges(usual(), |_| false);
    let first = Model { trees: made.trees.iter().take(FIRST).cloned().collect(), ..made.clone() };
    // By set and family: trees that have not seen it, and the ranges of the others.
    let kinds: BTreeSet<(&str, &str)> = all.iter().map(|l| (l.set.as_str(), l.family.as_str())).collect();
    let kinds: Vec<(&str, &str)> = kinds.into_iter().collect();
    let blind = crate::cache::parallel(&kinds, |(set, family)| {
        let trees = if corpora.grown.contains(set) { &first } else { &made };
        Model { ranges: ranges(usual(), |f| f == *family), ..trees.clone() }
    });
    let mut blind: BTreeMap<(&str, &str), Model> = kinds.into_iter().zip(blind).collect();
    let judged = |blind: &BTreeMap<(&str, &str), Model>| -> Vec<Seen<'_>> {
        crate::cache::parallel(&all, |l| judge(&blind[&(l.set.as_str(), l.family.as_str())], l))
    };
    let (of_all, of_others) = tempered(&judged(&blind));
    for ((_, family), model) in &mut blind {
        (model.scale, model.leak) = of_others[*family];
        model.say = SAY;
    }
    (made.scale, made.leak) = of_all;
    made.say = SAY;
    let last = judged(&blind);
    let mut list = String::from(LIST_HEAD);
    listed(&mut list, &last);
    std::fs::write(LIST, list)?;
    let (seen, far): (Vec<_>, Vec<_>) = last.iter().partition(near);
    println!("{} logs of {} families, and {} of rates farther off\n", seen.len(), of_others.len(), far.len());
    println!("{}\n{}\n{}", tables(&seen), by_code(&seen), by_bound(&seen));
    println!("Of rates farther off:\n\n{}", score::table(&plain(&far)));
    println!("{}\n{}", by("corpus", &seen, |s| &s.log.set), by("family", &seen, |s| s.family));
    println!("scale {:.2}, {:?}", made.scale, made.leak);
    let mut games = Vec::new();
    for (set, _) in corpora.sets {
        games.extend(scripts::games(set)?);
    }
    let silent = games.iter().filter(|r| diagnose_with(&made, r).verdict == Placement::Unknown).count();
    println!("games: {} logs, no verdict on {silent}", games.len());
    Ok(made)
}

/// Judges the logs below directories by the model as it is.
pub fn judge_only(dirs: &[&str], model: &Model) -> Result<(), Box<dyn Error>> {
    let mut list = String::from(LIST_HEAD);
    for dir in dirs {
        let mut other = Vec::new();
        logs(dir, &mut other)?;
        let judged: Vec<Seen<'_>> = other.iter().map(|l| judge(model, l)).collect();
        listed(&mut list, &judged);
        let (seen, far): (Vec<_>, Vec<_>) = judged.iter().partition(near);
        println!("\n### {dir}: {} logs, and {} of rates farther off\n\n{}", seen.len(), far.len(), tables(&seen));
        println!("{}", by("family", &seen, |s| s.family));
    }
    Ok(std::fs::write(LIST, list)?)
}

/// Columns of [`LIST`]; the features follow.
const LIST_HEAD: &str =
    "set\tfamily\tlog\toctaves\ttruth\tsaid\tconfidence\truled_out\tby_trees\tcode\tbecause\tsums\tfeatures\n";

fn listed(out: &mut String, seen: &[Seen<'_>]) {
    for s in seen {
        let j = &s.judged;
        let ruled_out = j.ruled_out.map_or_else(|| "-".to_owned(), |(side, chance)| format!("{side} {chance:.3}"));
        let numbers = |all: &[f64]| all.iter().map(|v| format!("{v:.4}")).collect::<Vec<_>>().join(" ");
        *out += &format!(
            "{}\t{}\t{}\t{:.2}\t{}\t{}\t{:.3}\t{ruled_out}\t{}\t{}\t{}\t{}\t{}\n",
            s.log.set,
            s.family,
            s.log.record.name,
            j.octaves,
            j.truth,
            j.said,
            j.confidence,
            u8::from(s.by_trees),
            s.code,
            s.because,
            numbers(&s.sums),
            numbers(Features::of(&s.log.record).values()),
        );
    }
}

fn plain(seen: &[&Seen<'_>]) -> Vec<Judged> {
    seen.iter().map(|s| s.judged.clone()).collect()
}

fn tables(seen: &[&Seen<'_>]) -> String {
    let all = plain(seen);
    [score::table(&all), score::calibration(&all), score::ruled_out(&all), score::advice(&all)].join("\n")
}

/// The factor of the log odds and the leaks with the lowest log loss of too low, good and too high:
/// by all families, and for each family by the others. Each family counts the same. Only logs that
/// may get a verdict from the trees count.
fn tempered<'a>(seen: &[Seen<'a>]) -> (Numbers, BTreeMap<&'a str, Numbers>) {
    let mut by: BTreeMap<&str, Vec<&Seen<'_>>> = BTreeMap::new();
    seen.iter().for_each(|s| by.entry(s.family).or_default().push(s));
    let told = |s: &&&Seen<'_>| s.by_trees && !s.torn && near(s);
    let by: Vec<(&str, Vec<&Seen<'_>>)> =
        by.into_iter().map(|(family, logs)| (family, logs.iter().filter(told).copied().collect())).collect();
    let steps = |(from, to, by): (u32, u32, usize)| (from..=to).step_by(by).map(|h| f64::from(h) / 100.0);
    let leaks = steps(SIDES).flat_map(|side| steps(GOODS).map(move |good| Leak { side, good }));
    let tried: Vec<Numbers> = leaks.flat_map(|leak| steps(SCALES).map(move |scale| (scale, leak))).collect();
    // By what was tried, then family.
    let losses = crate::cache::parallel(&tried, |(scale, leak)| {
        let model = Model { scale: *scale, leak: *leak, ..Model::default() };
        let one = |s: &&Seen<'_>| -model.odds_of(s.sums).three()[side(s.judged.truth)].max(1e-9).ln();
        by.iter().map(|(_, logs)| logs.iter().map(one).sum::<f64>() / logs.len().max(1) as f64).collect::<Vec<f64>>()
    });
    let best = |but: Option<usize>| {
        let sum = |l: &Vec<f64>| l.iter().sum::<f64>() - but.map_or(0.0, |own| l[own]);
        let best = tried.iter().zip(&losses).min_by(|a, b| sum(a.1).total_cmp(&sum(b.1)));
        best.map_or((1.0, Leak::default()), |b| *b.0)
    };
    (best(None), by.iter().enumerate().map(|(own, (family, _))| (*family, best(Some(own)))).collect())
}

/// Place of a verdict among too low, good and too high.
fn side(truth: Placement) -> usize {
    match truth {
        Placement::TooLow => 0,
        Placement::Good => 1,
        _ => 2,
    }
}

fn judge<'a>(model: &Model, log: &'a Log) -> Seen<'a> {
    let found = diagnose_with(model, &log.record);
    let features = Features::of(&log.record);
    let odds = model.odds(&features);
    let by_trees = found.chances.is_some();
    let would = say(model, &odds).0 != Placement::Unknown;
    Seen {
        family: &log.family,
        by_trees,
        torn: by_trees && would && found.verdict == Placement::Unknown,
        code: found.findings[0].code.as_str(),
        because: found.because.clone(),
        odds,
        sums: model.sums(features.values()),
        log,
        judged: Judged::alone(log.truth, log.octaves, &found, log.lr),
    }
}

/// Rows for the trees: all logs that no rule judges.
fn rows(model: &Model, logs: &[&Log]) -> Vec<Row> {
    let free = |l: &&&Log| !diagnose_with(model, &l.record).findings.first().is_some_and(|f| f.code.decides());
    let row = |l: &&Log| Row {
        values: Features::of(&l.record).values().to_vec(),
        place: place(l.truth, l.octaves),
        weight: WEIGHT / l.logs as f64,
        job: l.job,
    };
    logs.iter().filter(free).map(row).collect()
}

fn share(a: usize, b: usize) -> String {
    if b == 0 { "-".to_owned() } else { format!("{:.0} %", 100.0 * a as f64 / b as f64) }
}

fn wrong_way(j: &Judged) -> bool {
    let high = |p: Placement| matches!(p, Placement::TooHigh | Placement::Diverged);
    j.truth == Placement::TooLow && high(j.said) || high(j.truth) && j.said == Placement::TooLow
}

/// The verdicts of each group of logs.
fn by<'a>(what: &str, all: &[&'a Seen<'a>], of: impl Fn(&'a Seen<'a>) -> &'a str) -> String {
    let mut by: BTreeMap<&str, Vec<&Judged>> = BTreeMap::new();
    all.iter().for_each(|s| by.entry(of(s)).or_default().push(&s.judged));
    let mut out = format!(
        "| {what} | logs | no verdict | said, in the mean | right | wrong way | moved by 4 or more |\n|---|---|---|---|---|---|---|\n"
    );
    for (group, logs) in by {
        let said: Vec<&&Judged> = logs.iter().filter(|j| j.said != Placement::Unknown).collect();
        let right = said.iter().filter(|j| j.said == j.truth).count();
        let wrong = logs.iter().filter(|j| wrong_way(j)).count();
        let far = logs.iter().filter(|j| j.advised.is_some_and(|a| a.abs() > 1.99)).count();
        let sure = said.iter().map(|j| j.confidence).sum::<f64>() / said.len() as f64;
        let sure = if said.is_empty() { "-".to_owned() } else { format!("{:.0} %", 100.0 * sure) };
        out += &format!(
            "| {group} | {} | {} | {sure} | {} | {} | {far} |\n",
            logs.len(),
            share(logs.len() - said.len(), logs.len()),
            share(right, said.len()),
            share(wrong, logs.len()),
        );
    }
    out
}

fn by_code(all: &[&Seen<'_>]) -> String {
    let mut by: BTreeMap<(&str, String), Vec<&Judged>> = BTreeMap::new();
    all.iter().for_each(|s| by.entry((s.code, s.judged.said.to_string())).or_default().push(&s.judged));
    let mut out = String::from(
        "| code | verdict | logs | right | too high or diverged | octaves off (median) |\n|---|---|---|---|---|---|\n",
    );
    for ((code, said), logs) in by {
        let right = logs.iter().filter(|j| j.said == j.truth).count();
        let high = logs.iter().filter(|j| matches!(j.truth, Placement::TooHigh | Placement::Diverged)).count();
        let mut off: Vec<f64> = logs.iter().map(|j| j.octaves).collect();
        off.sort_by(f64::total_cmp);
        let middle = off[off.len() / 2];
        out += &format!(
            "| {code} | {said} | {} | {} | {} | {middle:.1} |\n",
            logs.len(),
            share(right, logs.len()),
            share(high, logs.len())
        );
    }
    out
}

/// What other bounds on the move of the rate would bring, for verdicts of the trees.
fn by_bound(all: &[&Seen<'_>]) -> String {
    let mut out = String::from(
        "| verdict | at most a factor of | octaves off before | after | worse by an octave or more |\n|---|---|---|---|---|\n",
    );
    for said in [Placement::TooLow, Placement::TooHigh] {
        let those: Vec<&Seen<'_>> = all.iter().copied().filter(|s| s.judged.said == said && s.by_trees).collect();
        for bound in BOUNDS {
            let moved = |s: &Seen<'_>| s.judged.octaves - s.odds.octaves().clamp(-bound.log2(), bound.log2());
            let median = |f: &dyn Fn(&Seen<'_>) -> f64| {
                let mut v: Vec<f64> = those.iter().map(|s| f(s)).collect();
                v.sort_by(f64::total_cmp);
                v.get(v.len() / 2).copied().unwrap_or(f64::NAN)
            };
            let worse = those.iter().filter(|s| moved(s).abs() >= s.judged.octaves.abs() + 0.99).count();
            out += &format!(
                "| {said} | {} | {:.1} | {:.1} | {} |\n",
                if bound > 1e6 { "-".to_owned() } else { bound.to_string() },
                median(&|s| s.judged.octaves.abs()),
                median(&|s| moved(s).abs()),
                share(worse, those.len())
            );
        }
    }
    out
}
