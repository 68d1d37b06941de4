//! Trees and confidence for kinds of jobs that the first trees never saw
//! (`bench/diagnosis_beyond.py`), and what the advice brings there.
//!
//! More trees are grown on top of the shipped ones. The chance that the odds give a verdict is
//! replaced by the share of verdicts of such a chance that were right: monotone, by pooling
//! neighbours (Ayer and others 1955, "An empirical distribution function for sampling with
//! incomplete information"). What is printed was judged with the family of each log left out.
//!
//! The corpus holds rates that are far off at equal parts; people seldom choose those, and they are
//! the easy ones. So chances are chosen and measured on rates within a factor of 32 of the best.

use super::boost::{Growth, Row, grow_on};
use super::fit::{place, shipped_numbers};
use super::score::{self, Judged};
use super::scripts;
use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use stepsize::Placement;
use stepsize::diagnosis::model::{DIVERGED, Model, Odds, Say, Sure};
use stepsize::diagnosis::{Features, Record, diagnose_with};

/// Octaves from the best rate within which verdicts are measured: farther off, few people choose.
const NEAR: f64 = 5.0;
/// Verdicts that are pooled at least: a share of fewer is noise.
const POOLED: usize = 60;
/// Verdicts that are assumed beside the pooled ones, with the share of all.
const PRIOR: f64 = 10.0;
/// Bounds on the moves of the rate that are compared, in factors.
const BOUNDS: [f64; 5] = [2.0, 3.0, 4.0, 10.0, 1e9];

/// Groups of families of which each is judged by trees that were grown on the others.
pub const FOLDS: usize = 6;
/// How the trees on top of the shipped ones are grown.
const GROWTH: Growth = Growth { rounds: 50, depth: 3, rate: 0.1, leaf: 6.0, ridge: 4.0, features: 0.4 };
/// Weight of a job: that of its rows together.
const WEIGHT: f64 = 60.0;
/// Shares of verdicts that must be right, by which the least chances are chosen: of "too low" and
/// "diverged"; of "too high" those whose rate was too high or diverged.
const RIGHT: [f64; 3] = [0.7, 0.85, 0.85];
/// Least chance of these verdicts, in hundredths, whatever the shares: below it people would act on
/// the toss of a coin.
const FLOOR: u32 = 70;
/// The same of "good", and the most of them that may be off by a factor of four.
const GOOD: (f64, f64) = (0.65, 0.15);

/// A log with what is true of its run.
struct Log {
    family: String,
    job: usize,
    logs: usize,
    record: Record,
    truth: Placement,
    octaves: f64,
    lr: f64,
}

/// A log that was judged.
struct Seen<'a> {
    family: &'a str,
    judged: Judged,
    /// Chance of the verdict by the odds, where the trees gave it.
    chance: Option<f64>,
    /// Code of the first finding.
    code: &'static str,
    odds: Odds,
}

/// Grows trees for these kinds of jobs on top of the model's (unless `keep`), and measures how sure
/// its verdicts are, with the family of each log left out; the model with both.
pub fn calibrate(dirs: &[&str], held: &str, mut model: Model, keep: bool) -> Result<Model, Box<dyn Error>> {
    model.sure = Sure::default();
    let (mut all, mut games) = (Vec::new(), Vec::new());
    for dir in dirs {
        logs(dir, &mut all)?;
        games.extend(scripts::games(dir)?);
    }
    let families: BTreeSet<&str> = all.iter().map(|s| s.family.as_str()).collect();
    let fold = |family: &str| families.iter().position(|f| *f == family).unwrap_or(0) % FOLDS;
    let grown =
        |on: &[&Log]| if keep { model.clone() } else { grow_on(&model, &rows(&model, on), GROWTH, &shipped_numbers()) };
    let folds: Vec<usize> = (0..FOLDS).collect();
    let mut models =
        crate::cache::parallel(&folds, |f| grown(&all.iter().filter(|l| fold(&l.family) != *f).collect::<Vec<_>>()));
    let mut chosen = model.say;
    let near = |s: &Seen<'_>| s.judged.octaves.abs() <= NEAR;
    if !keep {
        let seen = all.iter().map(|l| judge(&models[fold(&l.family)], l)).filter(near);
        chosen = least(&seen.collect::<Vec<_>>(), chosen);
        models.iter_mut().for_each(|m| m.say = chosen);
    }
    let (seen, far): (Vec<_>, Vec<_>) = all.iter().map(|l| judge(&models[fold(&l.family)], l)).partition(near);
    // Each log with how sure its verdict is by the families of the other folds.
    let mut out: Vec<Judged> = Vec::new();
    for own in folds {
        let sure = measured(seen.iter().filter(|s| fold(s.family) != own));
        for s in seen.iter().filter(|s| fold(s.family) == own) {
            let confidence = s.chance.map_or(s.judged.confidence, |c| sure.of(s.judged.said, c));
            out.push(Judged { confidence, ..s.judged.clone() });
        }
    }
    println!(
        "{chosen:?}\n{} logs of {} families, and {} of rates farther off\n",
        seen.len(),
        families.len(),
        far.len()
    );
    println!("{}\n{}\n{}", score::table(&out), score::calibration(&out), score::advice(&out));
    println!("{}\n{}\n{}", by_family(&seen), by_code(&seen), by_bound(&seen));
    println!("Of rates farther off:\n\n{}", score::table(&far.iter().map(|s| s.judged.clone()).collect::<Vec<_>>()));
    let whole: Vec<&Log> = all.iter().collect();
    let mut made = Model { say: chosen, ..grown(&whole) };
    let silent = games.iter().filter(|r| diagnose_with(&made, r).verdict == Placement::Unknown).count();
    println!("games: {} logs, no verdict on {silent}", games.len());
    made.sure = measured(seen.iter());
    let mut other = Vec::new();
    logs(held, &mut other)?;
    let judged: Vec<Seen<'_>> = other.iter().map(|l| judge(&made, l)).collect();
    let plain: Vec<Judged> = judged.iter().map(|s| s.judged.clone()).collect();
    println!(
        "\n### {held}, neither grown on nor measured\n\n{}\n{}\n{}",
        score::table(&plain),
        score::calibration(&plain),
        score::advice(&plain)
    );
    Ok(made)
}

fn logs(dir: &str, all: &mut Vec<Log>) -> Result<(), Box<dyn Error>> {
    for (number, job) in scripts::jobs(dir)?.into_iter().enumerate() {
        let logs = job.logs.len();
        for log in job.logs {
            let lr = log.record.base_lr().unwrap_or(job.rates[log.at]);
            let scripts::Log { record, truth, octaves, .. } = log;
            all.push(Log { family: family(&job.name), job: number, logs, record, truth, octaves, lr });
        }
    }
    Ok(())
}

fn judge<'a>(model: &Model, log: &'a Log) -> Seen<'a> {
    let found = diagnose_with(model, &log.record);
    // Without what was measured, the confidence is the chance by the odds.
    let odds = model.odds(&Features::of(&log.record));
    let bare = stepsize::diagnosis::say(&Model { sure: Sure::default(), trees: Vec::new(), ..model.clone() }, &odds).1;
    Seen {
        family: &log.family,
        chance: found.chances.map(|_| bare).filter(|_| found.verdict != Placement::Unknown),
        code: found.findings[0].code.as_str(),
        odds,
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

/// The least chances of verdicts that reach the shares in [`RIGHT`] and [`GOOD`].
fn least(seen: &[Seen<'_>], mut say: Say) -> Say {
    let free: Vec<&Seen<'_>> =
        seen.iter().filter(|s| !["LR001", "LR024", "LR025", "LR019"].contains(&s.code)).collect();
    let find = |of: &dyn Fn(&Odds) -> f64, right: &dyn Fn(&Judged) -> bool, share: f64| {
        let reached = |t: &f64| {
            let said: Vec<&&Seen<'_>> = free.iter().filter(|s| of(&s.odds) >= *t).collect();
            said.iter().filter(|s| right(&s.judged)).count() as f64 >= share * said.len() as f64
        };
        (FLOOR..97).map(|i| f64::from(i) / 100.0).find(reached).unwrap_or(0.97)
    };
    let high = |j: &Judged| matches!(j.truth, Placement::TooHigh | Placement::Diverged);
    say.low = find(&|o| o.three()[0], &|j| j.truth == Placement::TooLow, RIGHT[0]);
    say.diverged = find(&|o| o.chances[DIVERGED], &|j| j.truth == Placement::Diverged, RIGHT[1]);
    say.high = find(&|o| o.three()[2], &high, RIGHT[2]);
    // Never said where no least chance brings the shares.
    (say.good, say.far) = (0.99, 0.0);
    let mut best = 0;
    for good in (40..90).step_by(2).map(|i| f64::from(i) / 100.0) {
        for far in [0.02, 0.04, 0.06, 0.08, 0.1, 0.15] {
            let model = Model { say: Say { good, far, ..say }, ..Model::default() };
            let said: Vec<&&Seen<'_>> =
                free.iter().filter(|s| stepsize::diagnosis::say(&model, &s.odds).0 == Placement::Good).collect();
            let right = said.iter().filter(|s| s.judged.truth == Placement::Good).count();
            let off = said.iter().filter(|s| s.judged.octaves.abs() >= 2.0).count();
            if right > best && right as f64 >= GOOD.0 * said.len() as f64 && off as f64 <= GOOD.1 * said.len() as f64 {
                (best, say.good, say.far) = (right, good, far);
            }
        }
    }
    say
}

/// The second word of the name of a job, or all of it.
pub fn family(job: &str) -> String {
    let mut words = job.split('_');
    match (words.next(), words.next()) {
        (Some(number), Some(name)) if number.bytes().all(|b| b.is_ascii_digit()) => name.to_owned(),
        _ => job.to_owned(),
    }
}

fn measured<'a>(all: impl Iterator<Item = &'a Seen<'a>>) -> Sure {
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

fn by_family(all: &[Seen<'_>]) -> String {
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

fn by_code(all: &[Seen<'_>]) -> String {
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
fn by_bound(all: &[Seen<'_>]) -> String {
    let mut out = String::from(
        "| verdict | at most a factor of | octaves off before | after | worse by an octave or more |\n|---|---|---|---|---|\n",
    );
    for said in [Placement::TooLow, Placement::TooHigh] {
        let those: Vec<&Seen<'_>> = all.iter().filter(|s| s.judged.said == said && s.chance.is_some()).collect();
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
