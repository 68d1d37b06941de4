//! Sweeps as people make them: a few of the rates of a job, a factor of 10^(1/2) or of 10 apart, a
//! log each. The best rate often lies at their edge or beyond.
//!
//! How sure a verdict of a sweep is was measured here: [`measure`] prints what each kind of
//! evidence was worth, and the reliability with the family of each job left out.

use super::corpora::family;
use super::draw::Draw;
use super::score::{self, Judged};
use super::scripts::{self, Job, Log};
use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use stepsize::Placement;
use stepsize::diagnosis::model::Model;
use stepsize::diagnosis::sweep::{Sweep, SweepEvidence};
use stepsize::diagnosis::{Diagnosis, Record, Series, between, diagnose_with};

/// Groups of families of which each is judged by the others.
const FOLDS: usize = 6;
/// Sweeps drawn from each job, of logs with a validation loss and of those without.
const DRAWN: usize = 12;
/// Fewest and most rates of a sweep.
const SIZES: (usize, usize) = (3, 7);
/// Rates of the job by which the best may lie beyond a sweep: people begin near it.
const BESIDE: usize = 2;
/// Length to which all logs of a job are stretched: some count epochs, some steps.
const LENGTH: f64 = 1000.0;
/// Parts into which verdicts of one kind of evidence are cut, and fewest verdicts of a part.
const PARTS: (usize, usize) = (6, 60);
/// Verdicts that are assumed beside those of a part, with the share of all of its kind.
const PRIOR: f64 = 10.0;

/// A verdict of a sweep, with what it rests on.
struct Seen {
    family: String,
    evidence: SweepEvidence,
    judged: Judged,
    /// Whether the likeliest verdict is right, said or not.
    right: bool,
}

/// Draws sweeps from the jobs below these directories and prints what they say, and how often it
/// is right.
pub fn measure(dirs: &[&str], model: &Model) -> Result<(), Box<dyn Error>> {
    let mut jobs: Vec<(usize, Job)> = Vec::new();
    for dir in dirs {
        jobs.extend(scripts::jobs(dir)?.into_iter().enumerate());
    }
    let made = crate::cache::parallel(&jobs, |(number, job)| drawn(*number, job, model));
    let mut all = Vec::new();
    let (mut inside, mut beyond, mut refused) = ([0; 2], [0; 2], 0);
    for one in made {
        all.extend(one.seen);
        refused += one.refused;
        for (sum, more) in inside.iter_mut().zip(one.inside).chain(beyond.iter_mut().zip(one.beyond)) {
            *sum += more;
        }
    }
    let judged: Vec<Judged> = all.iter().map(|s| s.judged.clone()).collect();
    println!("{}\n{}\n{}", score::table(&judged), score::calibration(&judged), score::advice(&judged));
    println!(
        "{} sweeps whose best rate is among the rates tried: within one of them in {}. {} whose best rate is the outermost or \
         beyond: said so in {}. Not compared: {refused}",
        inside[0], inside[1], beyond[0], beyond[1]
    );
    println!("\nHow often each kind of evidence was right (share of the draws, or octaves: right, verdicts):");
    for (kind, points) in worth(&all.iter().collect::<Vec<_>>()) {
        let shown: Vec<String> = points.iter().map(|p| format!("({:.3}, {:.3}) {}", p.0, p.1, p.2)).collect();
        println!("{kind}: {}", shown.join("  "));
    }
    let families: BTreeSet<&str> = all.iter().map(|s| s.family.as_str()).collect();
    let fold = |s: &Seen| families.iter().position(|f| *f == s.family).unwrap_or(0) % FOLDS;
    let mut out: Vec<Judged> = Vec::new();
    for own in 0..FOLDS {
        let others = worth(&all.iter().filter(|s| fold(s) != own).collect::<Vec<_>>());
        for s in all.iter().filter(|s| fold(s) == own) {
            let points: Vec<_> = others.get(s.evidence.kind()).into_iter().flatten().map(|p| (p.0, p.1)).collect();
            let confidence = between(&points, s.evidence.strength());
            out.push(Judged { confidence, ..s.judged.clone() });
        }
    }
    println!("\nConfidence by the other families:\n\n{}", score::calibration(&out));
    Ok(())
}

struct Drawn {
    seen: Vec<Seen>,
    /// Sweeps of this kind, and those that were right.
    inside: [usize; 2],
    beyond: [usize; 2],
    refused: usize,
}

fn drawn(number: usize, job: &Job, model: &Model) -> Drawn {
    let mut out = Drawn { seen: Vec::new(), inside: [0; 2], beyond: [0; 2], refused: 0 };
    let mut draw = Draw::new(1 + number as u64);
    let whole = lengths(job);
    for held_out in [true, false] {
        for _ in 0..DRAWN {
            let size = SIZES.0 + draw.below(SIZES.1 - SIZES.0 + 1);
            let stride = if 2 * (size - 1) < job.rates.len() { 1 + draw.below(2) } else { 1 };
            let Some(free) = job.rates.len().checked_sub(1 + (size - 1) * stride) else { continue };
            let from = draw.below(free + 1);
            let at: Vec<usize> = (0..size).map(|i| from + i * stride).collect();
            if job.best + BESIDE < at[0] || job.best > at[size - 1] + BESIDE {
                continue;
            }
            let logs: Vec<&Log> = at
                .iter()
                .filter_map(|at| {
                    let such = |l: &&Log| l.at == *at && l.record.val_loss.is_empty() != held_out;
                    let those: Vec<&Log> = job.logs.iter().filter(such).collect();
                    (!those.is_empty()).then(|| *draw.of(&those))
                })
                .collect();
            if logs.len() < size {
                continue;
            }
            let records: Vec<Record> = logs.iter().map(|l| stretched(l, job.rates[l.at], &whole)).collect();
            let found: Vec<Diagnosis> = records.iter().map(|r| diagnose_with(model, r)).collect();
            let pairs: Vec<(&Record, &Diagnosis)> = records.iter().zip(&found).collect();
            let Some(sweep) = Sweep::of(&pairs) else {
                out.refused += 1;
                continue;
            };
            let place = |lr: f64| at.iter().filter(|i| job.rates[**i] < lr * 0.999).count();
            let edge = job.best <= at[0] || job.best >= at[size - 1];
            if edge {
                out.beyond[0] += 1;
                out.beyond[1] += usize::from(sweep.outermost.is_some() || sweep.dead);
            } else {
                out.inside[0] += 1;
                let nearest = (0..size).min_by_key(|i| at[*i].abs_diff(job.best)).unwrap_or(0);
                out.inside[1] += usize::from(place(sweep.best).abs_diff(nearest) <= 1);
            }
            for (log, diagnosis) in logs.iter().zip(&found) {
                let lr = job.rates[log.at];
                let judged = Judged::beside(log.truth, log.octaves, diagnosis, lr, &sweep);
                let (likeliest, evidence) = sweep.evidence(lr, diagnosis.verdict == Placement::Diverged);
                // Of a sweep whose rates are all too high nothing more is claimed.
                let broke = sweep.dead && likeliest == Placement::TooHigh && log.truth == Placement::Diverged;
                let right = likeliest == log.truth || broke;
                out.seen.push(Seen { family: family(&job.name), evidence, judged, right });
            }
        }
    }
    out
}

/// The way in which a log was written, by its file: `run03_style.log` or `lr0.1_seed0_style.log`.
fn style(record: &Record) -> &str {
    let file = record.name.rsplit('/').next().unwrap_or(&record.name);
    let run = ["_seed", "run"].iter().find_map(|word| file.split_once(word));
    run.and_then(|(_, rest)| rest.split_once('_')).map_or("", |(_, style)| style)
}

/// The last step of a whole run in each way of logging.
fn lengths(job: &Job) -> BTreeMap<&str, f64> {
    let mut out = BTreeMap::new();
    for log in &job.logs {
        let last = log.record.span().map_or(0.0, |s| s.1);
        let known: &mut f64 = out.entry(style(&log.record)).or_default();
        *known = known.max(last);
    }
    out
}

/// The record at its rate, with steps such that whole runs are of one length.
fn stretched(log: &Log, lr: f64, whole: &BTreeMap<&str, f64>) -> Record {
    let by = LENGTH / whole.get(style(&log.record)).copied().unwrap_or(LENGTH).max(f64::MIN_POSITIVE);
    let series = |s: &Series| {
        let broken = s.broken().iter().map(|step| (*step, f64::NAN));
        let mut all: Vec<(f64, f64)> = s.points().iter().copied().chain(broken).collect();
        all.sort_by(|a, b| a.0.total_cmp(&b.0));
        Series::new(all.into_iter().map(|(step, value)| (step * by, value)))
    };
    let mut record = log.record.clone();
    for s in [&mut record.loss, &mut record.val_loss, &mut record.lr, &mut record.grad_norm, &mut record.score] {
        *s = series(s);
    }
    record.facts.lr = Some(lr);
    record
}

/// For each kind of evidence its strength, the share of its verdicts that were right, and their
/// number, both rising: neighbours in the wrong order are pooled.
fn worth(all: &[&Seen]) -> BTreeMap<&'static str, Vec<(f64, f64, usize)>> {
    let mut by: BTreeMap<&'static str, Vec<(f64, f64)>> = BTreeMap::new();
    for s in all {
        let right = f64::from(u8::from(s.right));
        by.entry(s.evidence.kind()).or_default().push((s.evidence.strength(), right));
    }
    by.into_iter()
        .map(|(kind, mut points)| {
            points.sort_by(|a, b| a.0.total_cmp(&b.0));
            let share = points.iter().map(|p| p.1).sum::<f64>() / points.len() as f64;
            let mut pools: Vec<(f64, f64, usize)> = Vec::new();
            for part in points.chunks(points.len().div_ceil(PARTS.0).max(PARTS.1)) {
                let n = part.len() as f64;
                let right = (part.iter().map(|p| p.1).sum::<f64>() + PRIOR * share) / (n + PRIOR);
                pools.push((part.iter().map(|p| p.0).sum::<f64>() / n, right, part.len()));
                while let [.., a, b] = pools[..] {
                    if a.1 <= b.1 {
                        break;
                    }
                    pools.truncate(pools.len() - 2);
                    let (m, n) = (a.2 as f64, b.2 as f64);
                    pools.push(((a.0 * m + b.0 * n) / (m + n), (a.1 * m + b.1 * n) / (m + n), a.2 + b.2));
                }
            }
            (kind, pools)
        })
        .collect()
}
