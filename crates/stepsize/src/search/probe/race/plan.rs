//! Which probes to run: the bracket, its repetition where the rate may not matter, and the
//! candidates of the refinement.

use super::lattice;
use super::reading::{Book, Ending, Entry};
use crate::defaults::FIRST_SHARE;
use crate::lr::Lr;
use crate::{Job, Reason, Refusal, Remedy};

/// Distance between bracketing probes: a factor of ten, in octaves, on the lattice.
pub(in crate::search::probe) const STRIDE: f64 = 3.25;
/// Longest probe, as a share of the full run.
const LONGEST: f64 = 0.251;
/// Highest and lowest `log2 lr` to go to.
const TOP: f64 = 8.0;
const BOTTOM: f64 = -26.0;
/// Probes below this many steps mislead even when decayed (25-step probes of a 400-step job: 5x too
/// high).
const MIN_STEPS: u64 = 40;
/// Below this many steps a probe says nothing at all.
const FEWEST_STEPS: u64 = 5;
/// A fall of log loss below this is "nothing learned".
const LEARNED: f64 = 0.1;
/// Below this fall of log loss a reading must also stand out from the others: a network that died
/// at too high a rate ends at the loss of a constant guess, somewhat below that of random weights,
/// and so do all its neighbours.
const PLAINLY_LEARNED: f64 = 0.2;
/// Readings within this much log loss of each other are alike.
const ALIKE: f64 = 0.03;
/// Probes are made at most this many octaves beside the rates that are likely best: a reading far
/// from them can only help through the model, and the model is the weaker evidence.
const BESIDE: f64 = 2.0;
/// The middle between the highest rate that trained and the lowest that broke is probed if these
/// are this many octaves apart.
const WIDE_GAP: f64 = 2.0;
/// Above this `log2 lr`, a rate at which nothing was learned may be too high as well as too low:
/// the network may have died.
const DEAD_ABOVE: f64 = -10.0;
/// Most rates beyond the first two on the way outward.
pub(in crate::search::probe) const WIDENINGS: usize = 8;

/// What to do next.
#[derive(Debug)]
pub(super) enum NextProbe {
    /// Run these probes: (log2 lr, steps).
    Probe(Vec<(f64, u64)>),
    /// Run these probes with the second seed.
    Again(Vec<(f64, u64)>),
    /// The bracket stands; refine from probes of this length.
    Refine(u64),
    /// No answer.
    Refuse(Refusal),
}

/// Length of the first probes.
fn first_length(job: &Job) -> u64 {
    let mut n = (job.steps / FIRST_SHARE).max(1);
    while n < MIN_STEPS && n * 2 <= job.steps.div_ceil(8) {
        n *= 2;
    }
    n
}

/// Replays the bracket on the trials so far: two probes a decade apart, then outward while the best
/// is the outermost. Where the next rate outward broke, the middle between it and the best is
/// tried.
pub(super) fn bracket(job: &Job, book: &Book, start: f64, max_cost: f64) -> NextProbe {
    let mut n = first_length(job);
    if n < FEWEST_STEPS {
        return NextProbe::Refuse(no_room(n, job.steps));
    }
    let mut xs = vec![start, start + STRIDE];
    let (mut spent, mut widenings) = (0.0, 0);
    // The lowest rate that broke, at any length; whether shorter probes showed that lower rates are
    // worse.
    let (mut ceiling, mut closed_below) = (f64::INFINITY, false);
    loop {
        let missing: Vec<(f64, u64)> = xs.iter().filter(|&&x| book.find(x, n).is_none()).map(|&x| (x, n)).collect();
        if !missing.is_empty() {
            return NextProbe::Probe(missing);
        }
        let stage = Stage::new(book, &xs, n, ceiling);
        ceiling = stage.ceiling;
        let outward = stage.outward(closed_below).filter(|_| widenings < WIDENINGS);
        if let Some(x) = outward {
            xs.push(x);
            widenings += 1;
            continue;
        }
        let Stage { low, high, best, trained, learned, .. } = stage;
        if trained == f64::NEG_INFINITY {
            return NextProbe::Refuse(all_exploded(low, high));
        }
        if learned {
            // Rates less than a decade apart may well be alike.
            let decades: Vec<f64> = xs.iter().copied().filter(|x| ((x - start) / STRIDE).fract() == 0.0).collect();
            match doubt(book, &decades, n) {
                Doubt::None => {}
                Doubt::Unsettled(wanted) => return NextProbe::Again(wanted),
                Doubt::Noise(refusal) => return NextProbe::Refuse(refusal),
            }
            let open_above = best == high && high + STRIDE < ceiling;
            return if open_above || best == low && !closed_below {
                NextProbe::Refuse(at_edge(low, high, open_above))
            } else {
                NextProbe::Refine(n)
            };
        }
        // Nothing learned at this length: the highest rate that trained at twice the length, while
        // it can be paid.
        let run: u64 = xs.iter().filter_map(|&x| book.find(x, n)).map(|e| e.run).sum();
        spent += run as f64 / job.steps as f64;
        n *= 2;
        if n > job.steps / 4 || spent + n as f64 / job.steps as f64 > max_cost.max(0.6) {
            return NextProbe::Refuse(nothing(n / 2, job.steps, low, high));
        }
        closed_below |= low < trained;
        xs = vec![trained];
    }
}

/// What the bracket's probes of one length say.
struct Stage {
    low: f64,
    high: f64,
    best: f64,
    /// The highest rate that trained; minus infinity when none did.
    trained: f64,
    /// The lowest that broke; infinite when none did.
    ceiling: f64,
    learned: bool,
    /// Whether the lowest rate changed the loss.
    low_moved: bool,
}

impl Stage {
    fn new(book: &Book, xs: &[f64], n: u64, ceiling: f64) -> Self {
        let value = |x: f64| book.find(x, n).map_or(f64::INFINITY, Entry::value);
        let broke = |x: &f64| book.find(*x, n).is_some_and(|e| e.broke(book.untrained));
        let ceiling = xs.iter().copied().filter(broke).fold(ceiling, f64::min);
        let best = xs.iter().copied().min_by(|a, b| value(*a).total_cmp(&value(*b))).unwrap_or(f64::NAN);
        let low = xs.iter().copied().fold(f64::INFINITY, f64::min);
        let fall = book.untrained - value(best);
        let alike: Vec<f64> = xs.iter().copied().filter(|&x| value(x) - value(best) < ALIKE).collect();
        // A rate below that is worse: what the best has learned, it has learned by moving further.
        let rises = alike.iter().all(|&x| low < x);
        Self {
            low,
            high: xs.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            best,
            trained: xs.iter().copied().filter(|&x| x < ceiling).fold(f64::NEG_INFINITY, f64::max),
            ceiling,
            learned: fall >= PLAINLY_LEARNED || fall >= LEARNED && (rises || alike.len() < 2),
            low_moved: value(low).is_finite() && (value(low) - book.untrained).abs() > ALIKE,
        }
    }

    /// The next rate to probe, if the best may lie beyond those tried.
    fn outward(&self, closed_below: bool) -> Option<f64> {
        let down = Some(self.low - STRIDE).filter(|x| *x >= BOTTOM);
        let up = Some(self.high + STRIDE).filter(|x| *x <= TOP && *x < self.ceiling);
        let gap = self.ceiling - self.trained;
        let between = Some(lattice(self.trained + gap / 2.0)).filter(|_| gap.is_finite() && gap > WIDE_GAP);
        // A rate that is too low leaves the loss where it was. One that moved it without learning
        // is too high.
        if self.trained == f64::NEG_INFINITY || !self.learned && self.low_moved {
            return down;
        }
        if !self.learned {
            return up.or(between).or(down.filter(|x| *x + STRIDE > DEAD_ABOVE));
        }
        let upward = up.or(between).filter(|_| self.best == self.trained);
        upward.or(down.filter(|_| self.best == self.low && !closed_below))
    }
}

/// Whether the rate matters at all.
enum Doubt {
    None,
    /// Unknown until these have run with another seed.
    Unsettled(Vec<(f64, u64)>),
    /// It does not.
    Noise(Refusal),
}

/// If even the worst rate of the bracket has learned this share of what the best has, no wall was
/// seen.
const NO_WALL: f64 = 0.6;
/// Most rates that are repeated.
const REPEATED: usize = 4;
/// Least ratio of the variance between rates to that between seeds: the 6 % point of F for 4 rates
/// and 2 seeds (9 % for 3 rates). At 10 two jobs of the bench with real, small differences were
/// refused.
const VARIANCE_RATIO: f64 = 6.0;

/// Rates a decade apart that all learn alike, or hardly at all, may differ by noise only. They are
/// run once more with another seed, and the variance between rates is compared with that between
/// seeds (analysis of variance, Fisher 1925).
fn doubt(book: &Book, xs: &[f64], n: u64) -> Doubt {
    let entries: Vec<&Entry> = xs.iter().filter_map(|&x| book.find(x, n)).collect();
    if entries.iter().any(|e| e.end == Ending::Behind) {
        return Doubt::None;
    }
    let mut read: Vec<(f64, f64)> =
        entries.iter().filter(|e| e.value().is_finite()).map(|e| (e.x, e.value())).collect();
    let extreme = |pick: fn(f64, f64) -> f64, from: f64| read.iter().map(|r| r.1).fold(from, pick);
    let (best, worst) = (extreme(f64::min, f64::INFINITY), extreme(f64::max, f64::NEG_INFINITY));
    let no_wall = book.untrained - worst >= NO_WALL * (book.untrained - best);
    let hardly_learned = book.untrained - best < PLAINLY_LEARNED;
    if read.len() < 3 || !(no_wall || hardly_learned) {
        return Doubt::None;
    }
    // The best, then its neighbours in value: the order in which they may be confused.
    read.sort_by(|a, b| a.1.total_cmp(&b.1));
    if read.len() > REPEATED {
        read.drain(REPEATED - 1..read.len() - 1);
    }
    let missing: Vec<(f64, u64)> =
        read.iter().filter(|r| book.find_again(r.0, n).is_none()).map(|r| (r.0, n)).collect();
    if !missing.is_empty() {
        return Doubt::Unsettled(missing);
    }
    let pairs: Vec<(f64, f64)> =
        read.iter().filter_map(|r| Some((r.1, book.find_again(r.0, n)?.value()))).filter(|p| p.1.is_finite()).collect();
    if pairs.len() < read.len() {
        return Doubt::None;
    }
    let count = pairs.len() as f64;
    let means: Vec<f64> = pairs.iter().map(|(a, b)| (a + b) / 2.0).collect();
    let centre = means.iter().sum::<f64>() / count;
    let between = 2.0 * means.iter().map(|m| (m - centre).powi(2)).sum::<f64>() / (count - 1.0);
    let within = pairs.iter().map(|(a, b)| (a - b).powi(2) / 2.0).sum::<f64>() / count;
    if between > VARIANCE_RATIO * within {
        return Doubt::None;
    }
    Doubt::Noise(Refusal {
        reason: Reason::NoiseOnly,
        because: format!(
            "{} rates, each run for {n} steps with two seeds, differ by {:.2} % and the seeds by {:.2} % (standard deviations)",
            pairs.len(),
            100.0 * (between / 2.0).sqrt(),
            100.0 * within.sqrt()
        ),
        remedies: vec![Remedy::UseAnyRate, Remedy::LongerRun, Remedy::CompareFullRuns { seeds: 3 }],
    })
}

fn no_room(n: u64, steps: u64) -> Refusal {
    Refusal {
        reason: Reason::TooShort,
        because: format!("trials for a run of {steps} steps would have {n}, which is too few to learn from"),
        remedies: vec![Remedy::CompareFullRuns { seeds: 1 }],
    }
}

fn all_exploded(low: f64, high: f64) -> Refusal {
    Refusal {
        reason: Reason::AllDiverged,
        because: format!("every rate from {} to {} diverged", Lr::from_log2(low), Lr::from_log2(high)),
        remedies: vec![Remedy::LowerStart, Remedy::CheckModelAndData],
    }
}

fn at_edge(low: f64, high: f64, above: bool) -> Refusal {
    let (which, x, remedy) = match above {
        true => ("highest", high, Remedy::CheckRateIsUsed),
        false => ("lowest", low, Remedy::CheckRateScale),
    };
    Refusal {
        reason: Reason::AtEdge,
        because: format!(
            "the {which} rate tried, {}, is still the best of those from {} to {}",
            Lr::from_log2(x),
            Lr::from_log2(low),
            Lr::from_log2(high)
        ),
        remedies: vec![remedy],
    }
}

fn nothing(n: u64, steps: u64, low: f64, high: f64) -> Refusal {
    Refusal {
        reason: Reason::Flat,
        because: format!(
            "no rate from {} to {} learned anything in {n} of {steps} steps",
            Lr::from_log2(low),
            Lr::from_log2(high)
        ),
        remedies: vec![Remedy::LongerRun, Remedy::LargerBudget, Remedy::CheckModelAndData],
    }
}

/// Probes that the refinement may choose from: (log2 lr, steps).
///
/// The first one repeats a tried rate at another length, because only such a pair shows how the
/// landscape moves with the horizon.
pub(super) fn candidates(
    job: &Job,
    book: &Book,
    grid: &[f64],
    likely: (f64, f64),
    first: u64,
    left: f64,
) -> Vec<(f64, u64)> {
    let lengths: Vec<u64> = std::iter::successors(Some(first), |n| Some(n * 2))
        .take_while(|&n| n == first || n as f64 <= LONGEST * job.steps as f64)
        .filter(|&n| n as f64 / job.steps as f64 <= left)
        .collect();
    let free = |rates: Vec<f64>| -> Vec<(f64, u64)> {
        let near = |x: f64, n: u64| book.entries.iter().any(|e| e.steps == n && (e.x - x).abs() < 0.3);
        lengths.iter().flat_map(|&n| rates.iter().map(move |&x| (x, n))).filter(|&(x, n)| !near(x, n)).collect()
    };
    let pairs = if lengths_used(book) > 1 { Vec::new() } else { free(book.best().map(|e| e.x).into_iter().collect()) };
    if !pairs.is_empty() {
        return pairs;
    }
    let (low, high) = (likely.0 - BESIDE, (likely.1 + BESIDE).min(book.ceiling - 0.4));
    free(grid.iter().copied().filter(|&x| x >= low && x <= high && lattice(x * 0.5) * 2.0 == x).collect())
}

fn lengths_used(book: &Book) -> usize {
    let mut lengths: Vec<u64> = book.entries.iter().map(|e| e.steps).collect();
    lengths.sort_unstable();
    lengths.dedup();
    lengths.len()
}
