//! [`RunEnd`]: where the runs of one job ended.

use super::{By, Tried};
use crate::Placement;
use crate::diagnosis::rules::{TWICE, WORSE, ending, overcoming};
use crate::diagnosis::stats::noise;
use crate::diagnosis::{Code, Diagnosis, Record, Series};

/// A run shorter than this share of the longest did not finish the job.
const WHOLE: f64 = 0.9;
/// A loss that ended within this share of where it began has not fallen.
const IDLE: f64 = 0.02;
/// Least confidence of a verdict on one run that says on which side the rates of a sweep lie of
/// which none learned.
const SURE: f64 = 0.8;
/// A log shorter than this share of the longest ended early.
const EARLY: f64 = 0.5;
/// Fewest rates whose logs must end early for it to be divergence: a single one may be of a run
/// that has not finished.
const ENDED: usize = 2;
/// A rate this many times below the best hardly moves the loss before the first reading, which is
/// then the untrained loss.
const SLOW: f64 = 30.0;

/// Least gain of the score at its best rate over that at the rate with the best loss, as a share of
/// the range of scores.
const SCORED: f64 = 0.03;

/// Where one run ended.
#[derive(Debug, Clone, Copy)]
pub(super) struct RunEnd<'a> {
    record: &'a Record,
    lr: f64,
    /// Final loss; `None` when it diverged or did not finish.
    loss: Option<f64>,
    diverged: bool,
    early: bool,
    /// The first of several readings; a table of final losses does not show the start.
    pub first: Option<f64>,
    /// Standard deviation of the final loss.
    pub noise: Option<f64>,
    /// Whether the loss stands at that of guessing, or ended no lower than it began.
    idle: bool,
    /// Whether the loss stands at that of guessing.
    dead: bool,
    /// The score at the end, of a whole run.
    score: Option<f64>,
}

/// The ends of runs whose rate is known, and what they are compared by.
pub(super) fn of<'a>(runs: &[(&'a Record, &Diagnosis)]) -> (Vec<RunEnd<'a>>, By) {
    let by = match () {
        // The losses of a game do not fall as a run gets better.
        () if runs.iter().any(|(r, _)| r.facts.game) => By::Score,
        () if runs.iter().any(|(r, _)| !r.val_loss.is_empty()) => By::Validation,
        () if runs.iter().any(|(r, _)| !r.loss.is_empty()) => By::Training,
        () => By::Score,
    };
    let span = |r: &Record| if by == By::Score { r.score.span() } else { r.span() };
    let longest = runs.iter().filter_map(|(r, _)| span(r)).map(|s| s.1).fold(0.0, f64::max);
    let end = |(record, diagnosis): &(&'a Record, &Diagnosis)| {
        let is = |code: Code| diagnosis.findings.first().is_some_and(|f| f.code == code);
        let diverged = diagnosis.verdict == Placement::Diverged || is(Code::Diverged);
        let whole = span(record).is_some_and(|s| s.1 >= WHOLE * longest);
        let early = span(record).is_none_or(|s| s.1 < EARLY * longest) && !record.facts.running;
        let loss = if by == By::Score { ending(&record.score.values()).map(|s| -s) } else { record.final_loss() };
        let first = |s: &Series| s.points().first().filter(|_| s.len() > 1).map(|p| p.1);
        let below = |first: Option<f64>, last: Option<f64>| {
            first.zip(last).is_none_or(|(first, last)| last < first - IDLE * first.abs())
        };
        // A run that is too long for its data learned, though its validation loss rose.
        let fell = match record.val_loss.len() {
            0 | 1 => below(first(&record.loss), loss),
            _ => {
                let learned = record.loss.len() > 1 && below(first(&record.loss), ending(&record.loss.values()));
                below(first(&record.val_loss), loss) || learned
            }
        };
        Some(RunEnd {
            record,
            dead: is(Code::Dead),
            idle: by != By::Score && (is(Code::Dead) || is(Code::Idle) || !fell),
            score: ending(&record.score.values()).filter(|_| whole && !diverged),
            lr: record.base_lr()?,
            loss: loss.filter(|_| whole && !diverged),
            diverged,
            early: early && !diverged,
            noise: (!diverged).then(|| spread(record, by)).flatten(),
            first: first(&record.val_loss).or_else(|| first(&record.loss)),
        })
    };
    (runs.iter().filter_map(end).collect(), by)
}

/// Standard deviation of the final loss, from how its last third varies.
fn spread(record: &Record, by: By) -> Option<f64> {
    let values = match by {
        By::Validation => record.val_loss.values(),
        By::Training => record.loss.values(),
        By::Score => record.score.values(),
    };
    let averaged = if by == By::Validation { 1 } else { Record::tail(values.len()) };
    Some(noise(&values[values.len() * 2 / 3..])? / (averaged as f64).sqrt())
}

/// Marks runs at the highest rates as diverged when the logs of all of them end early while those
/// of the others are whole. Returns the lowest rate of them.
pub(super) fn ended_early(ends: &mut [RunEnd<'_>]) -> Option<f64> {
    let highest = ends.iter().filter(|e| e.loss.is_some()).map(|e| e.lr).fold(0.0, f64::max);
    let mut early: Vec<f64> = ends.iter().filter(|e| e.early).map(|e| e.lr).collect();
    early.sort_by(f64::total_cmp);
    early.dedup();
    let first = early.first().copied().filter(|lr| *lr > highest && early.len() >= ENDED)?;
    ends.iter_mut().filter(|e| e.early).for_each(|e| e.diverged = true);
    Some(first)
}

/// A run above the best rate diverged if it ended above the untrained loss, which we take to be the
/// first reading of the slowest run. The training loss decides where it is logged. A run still
/// recovering from a spike counts only if a lower rate diverged, too.
pub(super) fn worse_than_untrained(ends: &mut [RunEnd<'_>]) {
    let trained = ends.iter().filter_map(|e| Some((e.lr, e.loss?)));
    let Some((best, _)) = trained.min_by(|a, b| a.1.total_cmp(&b.1)) else { return };
    let Some(slowest) = ends.iter().min_by(|a, b| a.lr.total_cmp(&b.lr)).filter(|e| e.lr * SLOW <= best) else {
        return;
    };
    let first = |s: &Series| s.points().first().map(|p| p.1);
    let (train, val) = (first(&slowest.record.loss), first(&slowest.record.val_loss));
    let mut above: Vec<&mut RunEnd<'_>> = ends.iter_mut().filter(|e| e.lr > best).collect();
    above.sort_by(|a, b| a.lr.total_cmp(&b.lr));
    let mut lower = false;
    for end in above {
        let values = end.record.loss.values();
        let above = |last: f64, untrained: f64, share: f64| last > untrained + share * untrained.abs();
        let last_val = end.record.val_loss.points().last();
        let by_val = |share: f64| val.zip(last_val).is_some_and(|(untrained, last)| above(last.1, untrained, share));
        let worse = match (train, ending(&values).filter(|_| values.len() > 1)) {
            // A running mean stays high after an explosion from which the run recovered.
            (Some(untrained), Some(last)) => {
                above(last, untrained, WORSE) && (lower || !overcoming(&values) || by_val(WORSE))
            }
            _ => by_val(TWICE),
        };
        if worse && end.loss.is_some() {
            (end.diverged, end.loss) = (true, None);
        }
        lower |= end.diverged;
    }
}

/// Whether no run learned anything: those that did not diverge stand at the loss of guessing, or
/// where they began. Returns whether the rates are known to be too high: some run diverged, or lost
/// what it had learned.
pub(super) fn none_learned(ends: &[RunEnd<'_>], runs: &[(&Record, &Diagnosis)]) -> Option<bool> {
    let trained: Vec<&RunEnd<'_>> = ends.iter().filter(|e| e.loss.is_some()).collect();
    // A run that ends where another one is dead has not learned either.
    let level = trained.iter().filter(|e| e.dead).find_map(|e| e.loss);
    let at_level = |e: &RunEnd<'_>| level.zip(e.loss).is_some_and(|(level, l)| (l - level).abs() < IDLE * level.abs());
    if trained.iter().any(|e| !e.idle && !at_level(e)) || trained.is_empty() && !ends.iter().any(|e| e.diverged) {
        return None;
    }
    let high = |d: &Diagnosis| matches!(d.verdict, Placement::Diverged | Placement::TooHigh) && d.confidence >= SURE;
    let lowest = runs.iter().filter(|(_, d)| high(d)).filter_map(|(r, _)| r.base_lr()).reduce(f64::min);
    // A run below it that stands where it began may be too slow: the best rate may lie between. Of
    // 14 such sweeps of the foreign jobs none was of rates that are all too high.
    let slow = |e: &&RunEnd<'_>| !e.dead && !at_level(e) && lowest.is_some_and(|lr| e.lr < lr);
    Some(lowest.is_some() && !trained.iter().any(slow))
}

/// The rates, rising, each with the mean of the scores at the end of its runs.
fn scores(ends: &[RunEnd<'_>]) -> Vec<(f64, f64)> {
    let mut all: Vec<(f64, f64)> = ends.iter().filter_map(|e| Some((e.lr, e.score?))).collect();
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    let same = |a: &(f64, f64), b: &(f64, f64)| (a.0 / b.0).ln().abs() < super::SAME_RATE;
    all.chunk_by(same).map(|c| (c[0].0, c.iter().map(|p| p.1).sum::<f64>() / c.len() as f64)).collect()
}

/// The rates, rising, each with the mean of its losses. A rate at which half of the runs diverged
/// or more has no loss.
pub(super) fn rates(ends: &[RunEnd<'_>]) -> Vec<Tried> {
    let mut tried: Vec<Tried> = Vec::new();
    for end in ends {
        if !end.diverged && end.loss.is_none() {
            continue;
        }
        let at = match tried.iter().position(|t| t.is_at(end.lr)) {
            Some(at) => at,
            None => {
                tried.push(Tried { lr: end.lr, loss: None, runs: 0, diverged: 0 });
                tried.len() - 1
            }
        };
        let entry = &mut tried[at];
        let trained = (entry.runs - entry.diverged) as f64;
        entry.runs += 1;
        match end.loss {
            Some(loss) => entry.loss = Some((entry.loss.unwrap_or(0.0) * trained + loss) / (trained + 1.0)),
            None => entry.diverged += 1,
        }
    }
    tried.sort_by(|a, b| a.lr.total_cmp(&b.lr));
    for t in &mut tried {
        if 2 * t.diverged >= t.runs {
            t.loss = None;
        }
    }
    tried
}

/// The rate with the best score, where it is more than one rate away from the best by loss and its
/// score clearly better.
pub(super) fn other_by_score(ends: &[RunEnd<'_>], tried: &[Tried], best: f64) -> Option<f64> {
    let scores = scores(ends);
    let (top, low) = scores.iter().fold((None, f64::INFINITY), |(top, low): (Option<(f64, f64)>, f64), s| {
        (Some(top.filter(|t| t.1 >= s.1).unwrap_or(*s)), low.min(s.1))
    });
    let top = top?;
    let own = scores.iter().find(|s| (s.0 / best).ln().abs() < super::SAME_RATE)?.1;
    let at = |lr: f64| tried.iter().position(|t| t.is_at(lr));
    let apart = at(top.0)?.abs_diff(at(best)?);
    (scores.len() >= super::FEWEST && apart > 1 && top.1 - own > SCORED * (top.1 - low)).then_some(top.0)
}
