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
use stepsize::diagnosis::{Features, diagnose_with};

/// Octaves from the best rate within which verdicts are measured: farther off, few people choose.
const NEAR: f64 = 5.0;
/// Bounds on the moves of the rate that are compared, in factors.
const BOUNDS: [f64; 5] = [2.0, 3.0, 4.0, 10.0, 1e9];

/// Groups of families of which each is judged by trees that were grown on the others.
pub const FOLDS: usize = 6;
/// How the trees on top of the shipped ones are grown.
const GROWTH: Growth = Growth { rounds: 12, depth: 3, rate: 0.1, leaf: 6.0, ridge: 4.0, features: 0.4 };
/// Weight of a job: that of its rows together.
const WEIGHT: f64 = 60.0;
/// Least chances of verdicts. Of those between 0.60 and 0.65 "too low" was right in 8 of 12 and
/// "too high" in 7 of 18, on families left out and foreign ones. "Good" is never said. Rates two to
/// four times off look alike, and it was right in half of its cases whatever its chance. Divergence
/// has its rule; the trees may add what is plain.
const SAY: Say = Say { low: 0.6, good: 0.99, high: 0.65, far: 0.0, diverged: 0.85, not: 0.2 };
/// Factors of the log odds and leaks that are tried, in hundredths: first, last, stride.
const SCALES: (u32, u32, usize) = (30, 150, 2);
const SIDES: (u32, u32, usize) = (0, 40, 2);
const GOODS: (u32, u32, usize) = (0, 16, 2);

/// One line a log of what was judged, for whoever looks for the reason of a figure.
const LIST: &str = "target/diagnosis-list.tsv";

/// A log that was judged.
struct Seen<'a> {
    family: &'a str,
    judged: Judged,
    /// Whether the trees judged it.
    by_trees: bool,
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

/// Grows trees for these kinds of jobs on top of the model's (unless `keep`), and measures how sure
/// its verdicts are, with the family of each log left out; the model with both. Trees that are kept
/// have seen what was grown on, so the first of those corpora is judged by the first trees, which
/// have not.
pub fn calibrate(corpora: &Corpora<'_>, model: Model, keep: bool) -> Result<Model, Box<dyn Error>> {
    let mut model = Model { say: SAY, ranges: Ranges::default(), ..model };
    let all = whole(if keep { &corpora.grown[..1] } else { corpora.grown })?;
    let (wide, foreign) = (whole(&corpora.grown[..1])?, whole(corpora.foreign)?);
    let mut games = Vec::new();
    for (dir, _) in &corpora.grown[..1] {
        games.extend(scripts::games(dir)?);
    }
    let families: BTreeSet<&str> = all.iter().map(|s| s.family.as_str()).collect();
    let fold = |family: &str| families.iter().position(|f| *f == family).unwrap_or(0) % FOLDS;
    if !keep {
        // The first trees saw none of these families, and are too sure of all of them.
        let seen: Vec<Seen<'_>> = all.iter().map(|l| judge(&model, l)).collect();
        model.scale = tempered(&seen.iter().filter(near).collect::<Vec<_>>()).0;
    }
    let grown =
        |on: &[&Log]| if keep { model.clone() } else { grow_on(&model, &rows(&model, on), GROWTH, &shipped_numbers()) };
    let folds: Vec<usize> = (0..FOLDS).collect();
    let mut models =
        crate::cache::parallel(&folds, |f| grown(&all.iter().filter(|l| fold(&l.family) != *f).collect::<Vec<_>>()));
    if keep {
        models.iter_mut().for_each(|m| m.trees.truncate(FIRST));
    }
    let mut made = grown(&all.iter().collect::<Vec<_>>());
    let known = || wide.iter().chain(&foreign);
    made.ranges = ranges(known(), |_| false);
    let judged = |models: &[Model]| all.iter().map(|l| judge(&models[fold(&l.family)], l)).collect::<Vec<_>>();
    let first = judged(&models);
    let strange: Vec<Seen<'_>> = foreign.iter().map(|l| judge(&made, l)).collect();
    let of_foreign = || strange.iter().filter(near);
    let fitted = || first.iter().filter(near);
    for (own, model) in models.iter_mut().enumerate() {
        let others = fitted().filter(|s| fold(s.family) != own).chain(of_foreign());
        (model.scale, model.leak) = tempered(&others.collect::<Vec<_>>());
        model.ranges = ranges(known(), |f| families.contains(f) && fold(f) == own);
    }
    let last = judged(&models);
    let mut list = String::from(LIST_HEAD);
    listed(&mut list, "left out", &last);
    let (seen, far): (Vec<_>, Vec<_>) = last.iter().partition(near);
    println!("{} logs of {} families, and {} of rates farther off\n", seen.len(), families.len(), far.len());
    println!("{}", tables(&seen));
    println!("{}\n{}\n{}", by_family(&seen), by_code(&seen), by_bound(&seen));
    println!("Of rates farther off:\n\n{}", score::table(&plain(&far)));
    let kinds: Vec<&str> = foreign.iter().map(|l| l.family.as_str()).collect::<BTreeSet<_>>().into_iter().collect();
    let left = crate::cache::parallel(&kinds, |kind| {
        let others = fitted().chain(of_foreign().filter(|s| s.family != *kind));
        let (scale, leak) = tempered(&others.collect::<Vec<_>>());
        let ranges = ranges(known(), |f| f == *kind);
        let model = Model { scale, leak, ranges, ..made.clone() };
        foreign.iter().filter(|l| l.family == *kind).map(|l| judge(&model, l)).collect::<Vec<_>>()
    });
    let left: Vec<Seen<'_>> = left.into_iter().flatten().collect();
    listed(&mut list, "foreign, left out", &left);
    let (seen, far): (Vec<_>, Vec<_>) = left.iter().partition(near);
    println!("\n### Foreign jobs, each family left out of the confidence, and {} of rates farther off\n", far.len());
    println!("{}\n{}", tables(&seen), by_family(&seen));
    (made.scale, made.leak) = tempered(&fitted().chain(of_foreign()).collect::<Vec<_>>());
    println!("scale {:.2} (that of the first trees {:.2}), {:?}", made.scale, model.scale, made.leak);
    let silent = games.iter().filter(|r| diagnose_with(&made, r).verdict == Placement::Unknown).count();
    println!("games: {} logs, no verdict on {silent}", games.len());
    judged_only(corpora.held, &made, &mut list);
    std::fs::write(LIST, list)?;
    Ok(made)
}

/// Judges the logs below directories to which nothing was fitted by the model as it is.
pub fn judge_only(dirs: &[&str], model: &Model) -> Result<(), Box<dyn Error>> {
    let mut list = String::from(LIST_HEAD);
    judged_only(dirs, model, &mut list);
    Ok(std::fs::write(LIST, list)?)
}

/// Nothing is made of these logs, so the others are judged where some are not there.
fn judged_only(dirs: &[&str], model: &Model, list: &mut String) {
    for dir in dirs {
        let mut other = Vec::new();
        if let Err(why) = logs(dir, &mut other) {
            println!("\n### Not judged: {why}");
            continue;
        }
        let judged: Vec<Seen<'_>> = other.iter().map(|l| judge(model, l)).collect();
        listed(list, dir, &judged);
        let (seen, far): (Vec<_>, Vec<_>) = judged.iter().partition(near);
        println!(
            "\n### {dir}, neither grown on nor measured, and {} logs of rates farther off\n\n{}",
            far.len(),
            tables(&seen)
        );
        println!("{}", by_family(&seen));
    }
}

/// Columns of [`LIST`]; the features follow.
const LIST_HEAD: &str =
    "set\tfamily\tlog\toctaves\ttruth\tsaid\tconfidence\truled_out\tby_trees\tcode\tbecause\tsums\tfeatures\n";

fn listed(out: &mut String, set: &str, seen: &[Seen<'_>]) {
    for s in seen {
        let j = &s.judged;
        let ruled_out = j.ruled_out.map_or_else(|| "-".to_owned(), |(side, chance)| format!("{side} {chance:.3}"));
        let numbers = |all: &[f64]| all.iter().map(|v| format!("{v:.4}")).collect::<Vec<_>>().join(" ");
        *out += &format!(
            "{set}\t{}\t{}\t{:.2}\t{}\t{}\t{:.3}\t{ruled_out}\t{}\t{}\t{}\t{}\t{}\n",
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

/// The weight of a log of each family, so that all families weigh the same.
fn weights<'a>(seen: impl Iterator<Item = &'a &'a Seen<'a>>) -> BTreeMap<&'a str, f64> {
    let mut out: BTreeMap<&str, f64> = BTreeMap::new();
    seen.for_each(|s| *out.entry(s.family).or_default() += 1.0);
    out.values_mut().for_each(|n| *n = 1.0 / *n);
    out
}

/// The factor of the log odds and the leaks with the lowest log loss of too low, good and too high.
fn tempered(seen: &[&Seen<'_>]) -> (f64, Leak) {
    let told: Vec<&Seen<'_>> = seen.iter().copied().filter(|s| s.by_trees).collect();
    let weights = weights(told.iter());
    let steps = |(from, to, by): (u32, u32, usize)| (from..=to).step_by(by).map(|h| f64::from(h) / 100.0);
    let loss = |&(scale, leak): &(f64, Leak)| -> f64 {
        let model = Model { scale, leak, ..Model::default() };
        let one =
            |s: &&Seen<'_>| -weights[s.family] * model.odds_of(s.sums).three()[side(s.judged.truth)].max(1e-9).ln();
        told.iter().map(one).sum()
    };
    let leaks = steps(SIDES).flat_map(|side| steps(GOODS).map(move |good| Leak { side, good }));
    let tried = leaks.flat_map(|leak| steps(SCALES).map(move |scale| (scale, leak)));
    let best = tried.map(|t| (loss(&t), t)).min_by(|a, b| a.0.total_cmp(&b.0));
    best.map_or((1.0, Leak::default()), |best| best.1)
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
    Seen {
        family: &log.family,
        by_trees: found.chances.is_some(),
        code: found.findings[0].code.as_str(),
        because: found.because.clone(),
        odds: model.odds(&features),
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

fn by_family(all: &[&Seen<'_>]) -> String {
    let mut by: BTreeMap<&str, Vec<&Judged>> = BTreeMap::new();
    all.iter().for_each(|s| by.entry(s.family).or_default().push(&s.judged));
    let mut out = String::from(
        "| family | logs | no verdict | right, of those with one | wrong way | moved by 4 or more |\n|---|---|---|---|---|---|\n",
    );
    for (family, logs) in by {
        let said: Vec<&&Judged> = logs.iter().filter(|j| j.said != Placement::Unknown).collect();
        let right = said.iter().filter(|j| j.said == j.truth).count();
        let wrong = logs.iter().filter(|j| wrong_way(j)).count();
        let far = logs.iter().filter(|j| j.advised.is_some_and(|a| a.abs() > 1.99)).count();
        out += &format!(
            "| {family} | {} | {} | {} | {} | {far} |\n",
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
