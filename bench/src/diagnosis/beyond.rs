//! How sure verdicts on kinds of jobs are that the trees never saw (`bench/diagnosis_beyond.py`,
//! `bench/diagnosis_scripts.py`), and what their advice brings.
//!
//! The chance that the odds give a verdict is replaced by the share of verdicts of such a chance
//! that were right: monotone, by pooling neighbours (Ayer and others 1955, "An empirical
//! distribution function for sampling with incomplete information"). What is printed was judged
//! with the family of each log left out.

use super::score::{self, Judged};
use super::scripts;
use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use stepsize::Placement;
use stepsize::diagnosis::model::{Model, Sure};
use stepsize::diagnosis::{Features, diagnose_with};

/// Verdicts that are pooled at least: a share of fewer is noise.
const POOLED: usize = 60;
/// Verdicts that are assumed beside the pooled ones, with the share of all.
const PRIOR: f64 = 10.0;
/// Bounds on the moves of the rate that are compared, in factors.
const BOUNDS: [f64; 5] = [2.0, 3.0, 4.0, 10.0, 1e9];

/// A log that was judged.
struct Seen {
    family: String,
    judged: Judged,
    /// Chance of the verdict by the odds, where the trees gave it.
    chance: Option<f64>,
    /// Code of the first finding.
    code: &'static str,
    /// Expected octaves above the best by the odds.
    expected: f64,
}

/// Measures how sure the verdicts of this model are; the model with what was measured.
pub fn calibrate(dirs: &[&str], mut model: Model) -> Result<Model, Box<dyn Error>> {
    model.sure = Sure::default();
    let (mut all, mut games) = (Vec::new(), Vec::new());
    for dir in dirs {
        for job in scripts::jobs(dir)? {
            for log in &job.logs {
                let found = diagnose_with(&model, &log.record);
                let lr = log.record.base_lr().unwrap_or(job.rates[log.at]);
                all.push(Seen {
                    family: family(&job.name),
                    chance: found.chances.map(|_| found.confidence).filter(|_| found.verdict != Placement::Unknown),
                    code: found.findings[0].code.as_str(),
                    expected: model.odds(&Features::of(&log.record)).octaves(),
                    judged: Judged::alone(log.truth, log.octaves, &found, lr),
                });
            }
        }
        games.extend(scripts::games(dir)?);
    }
    // Each log with how sure its verdict is by the other families.
    let families: BTreeSet<&str> = all.iter().map(|s| s.family.as_str()).collect();
    let mut held: Vec<Judged> = Vec::new();
    for family in &families {
        let sure = measured(all.iter().filter(|s| s.family != *family));
        for seen in all.iter().filter(|s| s.family == *family) {
            let confidence = seen.chance.map_or(seen.judged.confidence, |c| sure.of(seen.judged.said, c));
            held.push(Judged { confidence, ..seen.judged.clone() });
        }
    }
    println!("{} logs of {} families\n\n{}\n{}", all.len(), families.len(), score::table(&held), score::calibration(&held));
    println!("{}", score::advice(&held));
    println!("{}\n{}\n{}", by_family(&all), by_code(&all), by_bound(&all));
    let silent = games.iter().filter(|r| diagnose_with(&model, r).verdict == Placement::Unknown).count();
    println!("games: {} logs, no verdict on {silent}", games.len());
    model.sure = measured(all.iter());
    Ok(model)
}

/// The second word of the name of a job, or all of it.
fn family(job: &str) -> String {
    let mut words = job.split('_');
    match (words.next(), words.next()) {
        (Some(number), Some(name)) if number.bytes().all(|b| b.is_ascii_digit()) => name.to_owned(),
        _ => job.to_owned(),
    }
}

fn measured<'a>(all: impl Iterator<Item = &'a Seen>) -> Sure {
    let mut by: BTreeMap<Placement, Vec<(f64, f64)>> = BTreeMap::new();
    for seen in all {
        if let Some(chance) = seen.chance {
            let right = f64::from(u8::from(seen.judged.said == seen.judged.truth));
            by.entry(seen.judged.said).or_default().push((chance, right));
        }
    }
    let mut sure = Sure::default();
    for (verdict, mut points) in by {
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        let share = points.iter().map(|p| p.1).sum::<f64>() / points.len() as f64;
        let size = points.len().div_ceil(8).max(POOLED);
        // Mean chance, share that was right, weight; neighbours in the wrong order are pooled.
        let mut pools: Vec<(f64, f64, f64)> = Vec::new();
        for part in points.chunks(size) {
            let n = part.len() as f64;
            let right = (part.iter().map(|p| p.1).sum::<f64>() + PRIOR * share) / (n + PRIOR);
            pools.push((part.iter().map(|p| p.0).sum::<f64>() / n, right, n));
            while let [.., a, b] = pools[..] {
                if a.1 <= b.1 {
                    break;
                }
                pools.truncate(pools.len() - 2);
                let n = a.2 + b.2;
                pools.push(((a.0 * a.2 + b.0 * b.2) / n, (a.1 * a.2 + b.1 * b.2) / n, n));
            }
        }
        sure.set(verdict, pools.into_iter().map(|p| (p.0, p.1)).collect());
    }
    sure
}

fn share(a: usize, b: usize) -> String {
    if b == 0 { "-".to_owned() } else { format!("{:.0} %", 100.0 * a as f64 / b as f64) }
}

fn wrong_way(j: &Judged) -> bool {
    let high = |p: Placement| matches!(p, Placement::TooHigh | Placement::Diverged);
    j.truth == Placement::TooLow && high(j.said) || high(j.truth) && j.said == Placement::TooLow
}

fn by_family(all: &[Seen]) -> String {
    let mut by: BTreeMap<&str, Vec<&Judged>> = BTreeMap::new();
    all.iter().for_each(|s| by.entry(&s.family).or_default().push(&s.judged));
    let mut out = String::from("| family | logs | no verdict | right, of those with one | wrong way | moved by 4 or more |\n|---|---|---|---|---|---|\n");
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

fn by_code(all: &[Seen]) -> String {
    let mut by: BTreeMap<(&str, String), Vec<&Judged>> = BTreeMap::new();
    all.iter().for_each(|s| by.entry((s.code, s.judged.said.to_string())).or_default().push(&s.judged));
    let mut out = String::from("| code | verdict | logs | right | too high or diverged | octaves off (median) |\n|---|---|---|---|---|---|\n");
    for ((code, said), logs) in by {
        let right = logs.iter().filter(|j| j.said == j.truth).count();
        let high = logs.iter().filter(|j| matches!(j.truth, Placement::TooHigh | Placement::Diverged)).count();
        let mut off: Vec<f64> = logs.iter().map(|j| j.octaves).collect();
        off.sort_by(f64::total_cmp);
        let middle = off[off.len() / 2];
        out += &format!("| {code} | {said} | {} | {} | {} | {middle:.1} |\n", logs.len(), share(right, logs.len()), share(high, logs.len()));
    }
    out
}

/// What other bounds on the move of the rate would bring, for verdicts of the trees.
fn by_bound(all: &[Seen]) -> String {
    let mut out = String::from("| verdict | at most a factor of | octaves off before | after | worse by an octave or more |\n|---|---|---|---|---|\n");
    for said in [Placement::TooLow, Placement::TooHigh] {
        let those: Vec<&Seen> = all.iter().filter(|s| s.judged.said == said && s.chance.is_some()).collect();
        for bound in BOUNDS {
            let moved = |s: &Seen| s.judged.octaves - s.expected.clamp(-bound.log2(), bound.log2());
            let median = |f: &dyn Fn(&Seen) -> f64| {
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
