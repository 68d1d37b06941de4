//! [`rejoin`]: parts of one run that look like several, because its counter begins again with each
//! epoch and no epoch is named.
//!
//! A run that begins anew begins with the loss of an untrained model; an epoch begins where the one
//! before ended.

use crate::names::{DataSplit, metric_direction};
use crate::run::{NamedSeries, Run};

/// Runs in a row that may be parts of one.
const PARTS: usize = 3;
/// Share by which the last counts of two parts may differ.
const LENGTH: f64 = 0.2;
/// From the end of a part to the beginning of the next one, the loss rises by less than this share
/// of how far it fell in all, in this share of the cases.
const JUMP: f64 = 0.3;
const MOST: f64 = 0.8;
/// Readings at most that are the beginning of a part, and its end.
const FEW: usize = 10;
/// The loss fell by so many times what it moves from reading to reading.
const CLEAR: f64 = 3.0;

/// Joins runs that follow each other without a start of a program between them, where the loss
/// goes on from one to the next. Each comes with whether a start is before it.
pub(super) fn rejoin(runs: Vec<(Run, bool)>, may: bool) -> Vec<Run> {
    let (runs, apart): (Vec<Run>, Vec<bool>) = runs.into_iter().unzip();
    if !may || runs.len() < PARTS {
        return runs;
    }
    let mut parts = Vec::new();
    let mut at = 0;
    while at < runs.len() {
        let count = parts_from(runs.get(at..).unwrap_or(&[]), apart.get(at..).unwrap_or(&[]));
        parts.push(count);
        at += count;
    }
    let mut runs = runs.into_iter();
    let mut out = Vec::with_capacity(parts.len());
    for count in parts {
        let next: Vec<Run> = runs.by_ref().take(count).collect();
        match goes_on(&next) {
            true => out.extend(joined(next)),
            false => out.extend(next),
        }
    }
    out
}

/// How many of these runs, from the first on, may be parts of one.
fn parts_from(runs: &[Run], apart: &[bool]) -> usize {
    let Some(first) = runs.first() else { return 1 };
    let alike = |(run, apart): &(&Run, &bool)| !**apart && is_alike(first, run);
    let count = 1 + runs.iter().zip(apart).skip(1).take_while(alike).count();
    // The last part may have been cut short.
    let shorter = |run: &Run| is_begun_alike(first, run);
    let cut = count >= PARTS && apart.get(count) == Some(&false) && runs.get(count).is_some_and(shorter);
    count + usize::from(cut)
}

/// The training loss with the most readings.
fn loss(run: &Run) -> Option<&NamedSeries> {
    let trained = |s: &&NamedSeries| {
        metric_direction(&s.name) == Some(false)
            && !DataSplit::in_name(&s.name).is_some_and(DataSplit::is_held_out)
            && !s.points.is_empty()
            && s.points.iter().all(|p| p.1.is_finite())
    };
    run.series.iter().filter(trained).max_by_key(|s| s.points.len())
}

/// The first and the last count of the loss, and its number of readings.
fn ends(run: &Run) -> Option<(f64, f64, usize)> {
    let points = &loss(run)?.points;
    Some((points.first()?.0, points.last()?.0, points.len()))
}

/// Whether two runs have the same loss and counter, and begin at the same count.
fn is_begun_alike(a: &Run, b: &Run) -> bool {
    let named = !a.counter.is_empty() && a.counter == b.counter;
    named
        && loss(a).zip(loss(b)).is_some_and(|(a, b)| a.name == b.name)
        && ends(a).zip(ends(b)).is_some_and(|(a, b)| a.0 == b.0 && b.1 <= a.1 * (1.0 + LENGTH))
}

/// Whether two runs also end at about the same count.
fn is_alike(a: &Run, b: &Run) -> bool {
    is_begun_alike(a, b) && ends(a).zip(ends(b)).is_some_and(|(a, b)| b.1 >= a.1 * (1.0 - LENGTH))
}

/// Whether the loss goes on from each part to the next.
fn goes_on(parts: &[Run]) -> bool {
    let parts: Vec<&[(f64, f64)]> = parts.iter().map(|run| loss(run).map_or(&[][..], |s| &s.points)).collect();
    if parts.len() < PARTS {
        return false;
    }
    // Runs of one reading each say nothing apart.
    if parts.iter().all(|part| part.len() == 1) {
        return true;
    }
    let mean = |part: &[(f64, f64)]| part.iter().map(|p| p.1).sum::<f64>() / part.len().max(1) as f64;
    let few = |part: &[(f64, f64)]| (part.len() / 5).clamp(1, FEW);
    let start = |part: &[(f64, f64)]| mean(part.get(..few(part)).unwrap_or(&[]));
    let end = |part: &[(f64, f64)]| mean(part.get(part.len() - few(part)..).unwrap_or(&[]));
    let lowest = parts.iter().map(|part| end(part)).fold(f64::INFINITY, f64::min);
    let fall = parts.first().map_or(0.0, |part| start(part)) - lowest;
    let mut moves: Vec<f64> = parts.iter().flat_map(|p| p.windows(2).map(|w| (w[1].1 - w[0].1).abs())).collect();
    moves.sort_unstable_by(f64::total_cmp);
    let usual = moves.get(moves.len() / 2).copied().unwrap_or(0.0);
    let small = parts.windows(2).filter(|w| start(w[1]) - end(w[0]) < JUMP * fall).count();
    fall > CLEAR * usual && small as f64 >= MOST * (parts.len() - 1) as f64
}

/// The parts as one run, one behind the other.
fn joined(parts: Vec<Run>) -> Option<Run> {
    let again = parts.len() - 1;
    let mut parts = parts.into_iter();
    let mut run = parts.next()?;
    let length = ends(&run).map_or(1.0, |(begin, end, count)| match count {
        1 => end.max(1.0),
        _ => end + (end - begin) / (count - 1) as f64 - begin,
    });
    for (at, part) in parts.enumerate() {
        let offset = (at + 1) as f64 * length;
        for mut series in part.series {
            series.points.iter_mut().for_each(|point| point.0 += offset);
            match run.series.iter_mut().find(|s| s.name == series.name) {
                Some(known) => {
                    known.points.append(&mut series.points);
                    known.seen += series.seen;
                }
                None => run.series.push(series),
            }
        }
        for (name, value) in part.facts {
            run.facts.entry(name).or_insert(value);
        }
    }
    run.facts.remove("total_steps");
    let note = format!("`{}` begins again {again} times, where the loss goes on: it counts within epochs", run.counter);
    run.notes.push(note);
    Some(run)
}
