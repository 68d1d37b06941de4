//! Which probes to run: the bracket, and the candidates of the refinement.

use super::belief::Belief;
use super::doubt::{Doubt, doubt};
use super::lattice;
use super::rare::{self, Rare};
use super::reading::Book;
use super::refuse;
use super::stage::Stage;
use crate::defaults::{FIRST_SHARE, FIRST_SHARE_OF_LONG, LONG_RUN, RACE_BUDGET, RACE_BUDGET_SHORT, RACE_PROBES};
use crate::{Error, Job, Reason, Refusal, Result};

/// Distance between bracketing probes: a factor of ten, in octaves, on the lattice.
pub(in crate::search::probe) const STRIDE: f64 = 3.25;
/// Longest probe by the budget in full runs: from the first number on, this share of the full run.
/// With T/2 instead of T/4 two runs buy half the regret; below one run it makes no difference
/// (bench/README.md).
pub(super) const LONGEST: [(f64, f64); 3] = [(3.0, 1.0), (1.01, 0.5), (0.0, 0.25)];
/// Seeds that full runs take in turn. Runs of one seed share their noise at neighbouring rates, so
/// that with one seed the search would be ever more certain of the best rate of that seed.
pub(super) const SEEDS: u64 = 4;
/// Fewest probes of the first length that can lead to an answer.
pub(super) const FEWEST_PROBES: u64 = 4;
/// Rates that must have been probed where the budget ends before the best lies between worse ones.
const FEWEST_READ: usize = 3;
/// With less than this many runs to spend, a long run begins with shorter probes.
const SMALL_BUDGET: f64 = 0.5;
/// Room for rounding in sums of steps over steps.
const EPSILON: f64 = 1e-9;
/// Highest and lowest `log2 lr` to go to.
pub(super) const TOP: f64 = 8.0;
pub(super) const BOTTOM: f64 = -26.0;
/// Lowest and highest start, in octaves: the search finds its way from there by itself.
pub(super) const STARTS: (f64, f64) = (-20.0, 4.75);
/// First probes are doubled up to this many steps, ...
const FEW_STEPS: u64 = 20;
/// ... and up to this many while the budget pays for [`RACE_PROBES`] of them: the best rates of
/// runs of 320 and 512 steps are as well told by T/16 as those of longer runs, but T/8 is better
/// for all.
const ENOUGH_STEPS: u64 = 40;
/// Below this many steps a probe says nothing at all.
const FEWEST_STEPS: u64 = 5;
/// Probes are made at most this many octaves beside the rates that are likely best: a reading far
/// from them can only help through the model, and the model is the weaker evidence.
const BESIDE: f64 = 2.0;
/// Most rates beyond the first two on the way outward.
pub(in crate::search::probe) const WIDENINGS: usize = 8;

/// What to do next.
#[derive(Debug)]
pub(super) enum NextProbe {
    /// Run these probes: (log2 lr, steps).
    Probe(Vec<(f64, u64)>),
    /// Run these probes with the second seed.
    Again(Vec<(f64, u64)>),
    /// The bracket stands; refine from probes of the first length. `doubted`: what was read so far
    /// may be noise.
    Refine { first: u64, doubted: bool },
    /// No answer.
    Refuse(Refusal),
}

impl NextProbe {
    /// Whether what was read may be noise.
    fn is_doubted(&self) -> bool {
        match self {
            Self::Refine { doubted, .. } => *doubted,
            Self::Refuse(refusal) => refusal.reason == Reason::NoiseOnly,
            Self::Probe(_) | Self::Again(_) => false,
        }
    }
}

/// What may be spent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Purse {
    /// The budget of the search, in full runs.
    pub budget: f64,
    /// What is left of it.
    pub left: f64,
}

impl Purse {
    /// Longest probe, in steps of a run of `steps`.
    pub fn longest(self, steps: u64) -> u64 {
        let share = LONGEST.iter().find(|(from, _)| self.budget >= *from).map_or(0.25, |l| l.1);
        ((steps as f64 * share) as u64).max(1)
    }

    pub fn pays(self, steps: u64, job: &Job) -> bool {
        steps as f64 / job.steps as f64 <= self.left + EPSILON
    }
}

/// Length of the first probes, before anything has run.
fn first_length(job: &Job, budget: f64) -> u64 {
    let long = job.steps >= LONG_RUN && budget < SMALL_BUDGET;
    let mut n = (job.steps / if long { FIRST_SHARE_OF_LONG } else { FIRST_SHARE }).max(1);
    let paid = |n: u64| (RACE_PROBES * n) as f64 <= budget * job.steps as f64;
    while n < ENOUGH_STEPS && n * 2 <= job.steps.div_ceil(8) && (n < FEW_STEPS || paid(n * 2)) {
        n *= 2;
    }
    n
}

/// The budget of a search for which none is given, in full runs.
pub(super) fn default_budget(job: &Job) -> f64 {
    let probes = (RACE_PROBES * first_length(job, RACE_BUDGET)) as f64 / job.steps as f64;
    if probes > RACE_BUDGET { RACE_BUDGET_SHORT } else { RACE_BUDGET }
}

/// The smallest budget that can lead to an answer for `job`, in full runs, rounded up to
/// hundredths.
pub(super) fn least_budget(job: &Job) -> f64 {
    rounded_up(FEWEST_PROBES as f64 * first_length(job, 0.0) as f64 / job.steps as f64, 100.0)
}

/// A budget in full runs as a person types it: the next larger multiple of one run over `parts`.
pub(crate) fn rounded_up(runs: f64, parts: f64) -> f64 {
    (runs * parts - EPSILON).ceil() / parts
}

/// The refusal of a budget in full runs that cannot lead to an answer.
fn shortfall(job: &Job, runs: f64) -> Option<Refusal> {
    let least = least_budget(job);
    (runs + EPSILON < least).then(|| refuse::unpaid(runs, first_length(job, 0.0), job.steps, least))
}

/// Checks that a budget in full runs can lead to an answer.
pub(super) fn check_budget(job: &Job, runs: f64) -> Result<()> {
    let raise = |refusal: Refusal| format!("{}; raise the budget to {} or more", refusal.because, least_budget(job));
    shortfall(job, runs).map_or(Ok(()), |refusal| Err(Error::invalid(raise(refusal))))
}

/// Replays the bracket on the trials so far: two probes a decade apart, then outward while the best
/// is the outermost. Where the next rate outward broke, the middle between it and the best is
/// tried. Where noise explains the losses as well as the rate does, longer trials are tried: what
/// the rate does grows with the length.
pub(super) fn bracket(job: &Job, book: &Book, start: f64, purse: Purse) -> NextProbe {
    let mut n = first_length(job, purse.budget);
    if n < FEWEST_STEPS && !job.own_schedule {
        return NextProbe::Refuse(refuse::no_room(n, job.steps));
    }
    if let Some(refusal) = shortfall(job, purse.budget) {
        return NextProbe::Refuse(refusal);
    }
    match rare::length(job, book, n, purse) {
        Rare::End(readable) => n = readable,
        Rare::Learn(longer) => return NextProbe::Probe(vec![(start, longer)]),
        Rare::Refuse(refusal) => return NextProbe::Refuse(refusal),
    }
    // The first trial of a command shows how often it prints its loss.
    if job.own_schedule && book.all().next().is_none() {
        return NextProbe::Probe(vec![(start, n)]);
    }
    let mut xs = vec![start, start + STRIDE];
    let mut widenings = 0;
    // The lowest rate that broke, at any length; whether shorter probes showed that lower rates are
    // worse.
    let (mut ceiling, mut closed_below) = (f64::INFINITY, false);
    // What follows from shorter trials that may be noise, if longer ones cannot be paid for.
    let mut doubted: Option<NextProbe> = None;
    loop {
        let pays = purse.pays(n, job);
        let missing: Vec<(f64, u64)> = xs.iter().filter(|&&x| book.find(x, n).is_none()).map(|&x| (x, n)).collect();
        if !missing.is_empty() && purse.pays(n * missing.len() as u64, job) {
            return NextProbe::Probe(missing);
        }
        if !missing.is_empty() {
            xs.retain(|&x| book.find(x, n).is_some());
            let stage = Stage::new(book, &xs, n, ceiling, pays);
            if xs.len() < FEWEST_READ || !stage.plainly_learned {
                return doubted.unwrap_or_else(|| NextProbe::Refuse(refuse::spent(&missing, book, job, purse.budget)));
            }
            return settled(job, book, n, purse);
        }
        let stage = Stage::new(book, &xs, n, ceiling, pays);
        ceiling = stage.ceiling;
        let outward = stage.outward(closed_below).filter(|_| widenings < WIDENINGS);
        let closed = stage.closed(closed_below);
        // What the budget does not pay for is not needed where the best lies between worse ones.
        let needed = |x: &f64| book.find(*x, n).is_some() || pays || !closed;
        if let Some(x) = outward.filter(needed) {
            xs.push(x);
            widenings += 1;
            continue;
        }
        let Stage { low, high, best, trained, learned, .. } = stage;
        if trained == f64::NEG_INFINITY {
            return NextProbe::Refuse(refuse::all_exploded(low, high));
        }
        if learned {
            let (lowest, highest) = book.tried();
            let open_above = best == highest && high + STRIDE < ceiling && !closed;
            let next = settled(job, book, n, purse);
            let longer = rare::readable(book, 2 * n);
            let begun = book.find(best, longer).is_some() || purse.pays(FEWEST_PROBES * longer, job);
            if next.is_doubted() && longer <= purse.longest(job.steps) && begun {
                (doubted, xs, closed_below, widenings) = (Some(next), vec![best], false, 0);
                n = longer;
                continue;
            }
            return match next {
                NextProbe::Refine { .. } if open_above || best == lowest && !closed_below => {
                    NextProbe::Refuse(refuse::at_edge(lowest, highest, open_above))
                }
                next => next,
            };
        }
        if let Some(doubted) = doubted {
            return doubted;
        }
        // Nothing learned at this length: the best rate, or the highest that trained where none
        // moved the loss, at twice the length, while it can be paid.
        let longer = rare::readable(book, 2 * n);
        let again = if stage.moved && best < trained { best } else { trained };
        if longer > purse.longest(job.steps) || book.find(again, longer).is_none() && !purse.pays(longer, job) {
            return NextProbe::Refuse(refuse::nothing(n, book, job, purse.budget));
        }
        closed_below |= low < again;
        (n, xs, widenings) = (longer, vec![again], 0);
    }
}

/// What to do once rates were probed at `n` steps and learned: refinement, unless their differences
/// may be noise.
fn settled(job: &Job, book: &Book, n: u64, purse: Purse) -> NextProbe {
    match doubt(book, job, n, purse) {
        Doubt::None => NextProbe::Refine { first: n, doubted: false },
        Doubt::Open => NextProbe::Refine { first: n, doubted: true },
        Doubt::Try(x, n) => NextProbe::Probe(vec![(x, n)]),
        Doubt::Repeat(x, n) => NextProbe::Again(vec![(x, n)]),
        Doubt::Noise(refusal) => NextProbe::Refuse(refusal),
    }
}

/// Seed of the next probe of `n` steps: full runs take [`SEEDS`] seeds in turn.
pub(super) fn seed_of_next(job: &Job, book: &Book, n: u64) -> u64 {
    let full = book.all().filter(|e| e.steps == n && n == job.steps).count() as u64;
    job.seed.wrapping_add(full % SEEDS)
}

/// Probes that the refinement may choose from: (log2 lr, steps). The first one repeats a tried rate
/// at another length, because only such a pair shows how the landscape moves with the horizon. The
/// `answer` so far is one of them: at T/2 or T that shows whether it breaks.
pub(super) fn candidates(
    job: &Job,
    book: &Book,
    belief: &Belief,
    answer: f64,
    first: u64,
    doubted: bool,
    purse: Purse,
) -> Vec<(f64, u64)> {
    let longest = purse.longest(job.steps);
    // In doubt many readings tell more than a few long ones.
    let longest = if doubted { longest.min((longest / 4).max(2 * first)) } else { longest };
    let lengths: Vec<u64> = std::iter::successors(Some(first), |n| Some(rare::readable(book, n * 2)))
        .take_while(|&n| n == first || n <= longest)
        .filter(|&n| purse.pays(n, job))
        .collect();
    let free = |rates: Vec<f64>| -> Vec<(f64, u64)> {
        let near = |x: f64, n: u64| {
            let seed = seed_of_next(job, book, n);
            book.all().any(|e| e.steps == n && e.seed == seed && (e.x - x).abs() < 0.3)
        };
        lengths.iter().flat_map(|&n| rates.iter().map(move |&x| (x, n))).filter(|&(x, n)| !near(x, n)).collect()
    };
    let pairs = if lengths_used(book) > 1 { Vec::new() } else { free(book.best().map(|e| e.x).into_iter().collect()) };
    if !pairs.is_empty() {
        return pairs;
    }
    let (grid, likely) = (&belief.grid[belief.lowest..], belief.likely());
    let (low, high) = (likely.0 - BESIDE, (likely.1 + BESIDE).min(book.ceiling - 0.4));
    // Long probes tell neighbours apart.
    let fine = 2 * purse.longest(job.steps) >= job.steps;
    let chosen = |x: f64| x == answer || x <= high && (fine || lattice(x * 0.5) * 2.0 == x);
    free(grid.iter().copied().filter(|&x| x >= low && chosen(x)).collect())
}

fn lengths_used(book: &Book) -> usize {
    let mut lengths: Vec<u64> = book.entries.iter().map(|e| e.steps).collect();
    lengths.sort_unstable();
    lengths.dedup();
    lengths.len()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::{Curve, End, Lr, Point, Schedule, Trial, TrialId};

    fn job(steps: u64) -> Job {
        Job::new(steps, Schedule::constant(), 7).unwrap()
    }

    #[test]
    fn full_runs_take_four_seeds_in_turn_and_shorter_ones_the_first() {
        let job = job(1000);
        let mut done: Vec<Trial> = Vec::new();
        let mut seeds = Vec::new();
        for i in 0..6 {
            let seed = seed_of_next(&job, &Book::new(&job, &done), 1000);
            seeds.push(seed);
            let spec = job.trial(Lr::from_log2(f64::from(i)), 1000, seed).unwrap();
            done.push(Trial { end: Some(End::Finished), ..Trial::new(TrialId(i as u32), spec) });
            assert_eq!(seed_of_next(&job, &Book::new(&job, &done), 500), 7);
        }
        assert_eq!(seeds, [7, 8, 9, 10, 7, 8]);
    }

    #[test]
    fn what_was_tried_in_a_gap_serves_where_the_budget_does_not_pay_for_its_middle() {
        // The last trial makes the highest rate look dead: a ceiling, with a wide gap below it.
        let trials = [(-6.75, 40, 1.12), (-3.5, 40, 1.35), (-10.0, 40, 1.36), (-6.75, 160, 0.88), (-6.0, 40, 1.01)];
        let job = job(640);
        let ended = trials.iter().enumerate().map(|(i, &(x, steps, last))| {
            let spec = job.trial(Lr::from_log2(x), steps, 7).unwrap();
            let at = |step: u64| Point {
                step,
                lr: spec.lr.get(),
                loss: 1.386 + (last - 1.386) * step as f64 / steps as f64,
            };
            let val: Curve = (0..=8).map(|i| at(i * steps / 8)).collect();
            Trial { val, end: Some(End::Finished), steps_run: steps, ..Trial::new(TrialId(i as u32), spec) }
        });
        let done: Vec<Trial> = ended.collect();
        let book = Book::new(&job, &done);
        assert_eq!(book.ceiling, -3.5);
        let next = |left| bracket(&job, &book, -6.75, Purse { budget: 1.0, left });
        assert!(matches!(next(0.5), NextProbe::Probe(wanted) if wanted == [(-5.25, 40)]));
        let without = next(0.03);
        assert!(!matches!(&without, NextProbe::Refuse(r) if r.reason == Reason::TooShort), "{without:?}");
    }

    #[test]
    fn first_probes_are_longer_where_the_budget_pays_for_them() {
        assert_eq!([0.25, 0.625, 1.0, 2.0].map(|budget| first_length(&job(320), budget)), [20, 20, 40, 40]);
        assert_eq!([0.25, 0.625].map(|budget| first_length(&job(1000), budget)), [62, 62]);
        assert_eq!(default_budget(&job(320)), RACE_BUDGET);
        assert_eq!(default_budget(&job(160)), RACE_BUDGET_SHORT);
    }
}
