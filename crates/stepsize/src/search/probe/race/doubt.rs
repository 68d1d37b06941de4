//! Whether the rate matters at all, told by replication: rates that may differ by noise only are
//! run again with a second seed, and the variance between rates is compared with that between
//! seeds.
//!
//! Doubt is raised where no rate of the bracket is a wall, where hardly anything was learned, and
//! where the readings of single trials scatter so much (or are so few that their scatter is not
//! known) that the differences between rates may be that scatter. Trials are compared at the last
//! step that all of them have reached: one that was ended early counts as well.
//!
//! First the best and the worst rate are repeated; if they do not settle it, up to
//! [`REPEATED`] rates (analysis of variance, Fisher 1925). The thresholds are above those of F,
//! because the rates were chosen by their readings: with normal noise alone 4 % of brackets of 3 to
//! 6 rates pass (simulated, 40,000 each), where the 5 % points of F would let 6 to 7 % pass.

use super::order::{Triple, follow_the_rate};
use super::plan::PLAINLY_LEARNED;
use super::reading::{Book, Ending, Entry};
use super::refuse;
use crate::Refusal;
use crate::stats::{mean, median};

/// Whether the rate matters at all.
pub(super) enum Doubt {
    /// It does.
    None,
    /// Unknown until these have run with another seed: (log2 lr, steps).
    Unsettled(Vec<(f64, u64)>),
    /// Two seeds did not tell: the end of the search will ([`judge_left`]).
    Left,
    /// It does not.
    Noise(Refusal),
}

/// If even the worst rate of the bracket has learned this share of what the best has, no wall was
/// seen.
const NO_WALL: f64 = 0.6;
/// The range of the rates in standard deviations of the scatter within a trial, from which on they
/// differ: the range of 6 normal draws is above 4.8 once in a hundred times.
const RANGE: f64 = 8.0;
/// A fall of this many standard deviations of the scatter can be seen at all.
const SEEN: f64 = 3.0;
/// Ratio of the variance between the best and the worst rate to that between their seeds, from
/// which on these two settle it.
const EXTREMES: f64 = 100.0;
/// Ratio of the variance between rates to that between seeds from which on the rate matters, for 2,
/// 3 and 4 rates ...
const RATIOS: [f64; 3] = [60.0, 14.0, 9.0];
/// ... and below which it does not. In between the search goes on, and all its readings decide in
/// the end.
const NOISE_RATIO: f64 = 0.5;
/// The same where the budget pays for one second seed only: the variance of single readings between
/// three rates or more to that of one pair of seeds. F(2, 1) and F(4, 1) are above it in 3.5 and
/// 3.8 % of draws.
const ONE_PAIR: f64 = 400.0;
/// Most rates that are repeated.
const REPEATED: usize = 4;

/// What a rate has shown with the first seed and, where it was repeated, with the second, at the
/// step at which all are compared.
struct Repeated {
    x: f64,
    first: f64,
    again: Option<f64>,
}

/// Judges the rates `xs` of the bracket, with trials of `n` steps.
pub(super) fn doubt(book: &Book, xs: &[f64], n: u64) -> Doubt {
    let mut runs: Vec<&Entry> = xs.iter().filter_map(|&x| book.find(x, n)).filter(|e| !e.exploded()).collect();
    let Some(best) = runs.iter().copied().min_by(|a, b| a.value().total_cmp(&b.value())) else { return Doubt::None };
    let fall = book.untrained - best.value();
    let sd = scatter(book.entries.iter().filter(|e| !e.exploded())).map(|sd| sd.min(best.scatter().unwrap_or(sd)));
    if let Some(sd) = sd.filter(|sd| fall < SEEN * sd) {
        return Doubt::Noise(refuse::drowned(fall, sd));
    }
    if runs.len() < 3 {
        return alone(book, best, fall, sd);
    }
    // Rates that made it worse differ from seed to seed by more than others.
    if runs.iter().filter(|e| !e.broke(book.untrained)).count() >= 3 {
        runs.retain(|e| !e.broke(book.untrained));
    }
    // Three that ran to their end tell more than more that are compared at an early step.
    if runs.iter().filter(|e| e.end != Ending::Behind).count() >= 3 {
        runs.retain(|e| e.end != Ending::Behind);
    }
    let again: Vec<&Entry> = runs.iter().filter_map(|e| book.find_again(e.x, n)).collect();
    let Some(step) = runs.iter().chain(&again).filter_map(|e| e.last_step()).min() else { return Doubt::None };
    let mut pairs: Vec<Repeated> = runs
        .iter()
        .filter_map(|e| {
            let again = again.iter().find(|a| a.x == e.x).and_then(|a| a.at(step));
            Some(Repeated { x: e.x, first: e.at(step)?, again })
        })
        .collect();
    // The best, then its neighbours in value: the order in which they may be confused.
    pairs.sort_by(|a, b| a.first.total_cmp(&b.first));
    let [best, .., worst] = &pairs[..] else { return Doubt::None };
    let range = worst.first - best.first;
    let no_wall = book.untrained - worst.first >= NO_WALL * (book.untrained - best.first);
    let scattered = sd.is_none_or(|sd| range < RANGE * sd);
    if pairs.len() < 3 || !(no_wall || fall < PLAINLY_LEARNED || scattered) {
        return Doubt::None;
    }
    if settled_by_one(&pairs) {
        return Doubt::None;
    }
    if pairs.len() > REPEATED {
        pairs.drain(REPEATED - 1..pairs.len() - 1);
    }
    let ends = [0, pairs.len() - 1];
    let missing = |which: &[usize]| -> Vec<(f64, u64)> {
        which.iter().map(|&i| &pairs[i]).filter(|p| book.find_again(p.x, n).is_none()).map(|p| (p.x, n)).collect()
    };
    let all: Vec<usize> = (0..pairs.len()).collect();
    for (which, least) in [(&ends[..], EXTREMES), (&all[..], RATIOS[pairs.len().min(REPEATED) - 2])] {
        let unsettled = missing(which);
        if !unsettled.is_empty() {
            return Doubt::Unsettled(unsettled);
        }
        let known: Vec<(f64, f64)> = which.iter().filter_map(|&i| Some((pairs[i].first, pairs[i].again?))).collect();
        // A rate that breaks with another seed matters.
        if known.len() < which.len() || variances(&known).is_some_and(|(between, within)| between > least * within) {
            return Doubt::None;
        }
    }
    let known: Vec<(f64, f64)> = pairs.iter().filter_map(|p| Some((p.first, p.again?))).collect();
    let (between, within) = variances(&known).unwrap_or_default();
    if between > NOISE_RATIO * within {
        return Doubt::Left;
    }
    Doubt::Noise(refuse::seeds_differ_as_much(known.len(), n, (between / 2.0).sqrt(), within.sqrt()))
}

/// The judgement at the end of a search that was left in doubt, by all readings, also those of
/// trials that were ended early.
pub(super) fn judge_left(book: &Book) -> Option<Refusal> {
    let readings: Vec<Triple> = book.readings.iter().map(|r| (r.x, r.s, r.y)).collect();
    (!follow_the_rate(&readings)).then(|| refuse::no_order(readings.len()))
}

/// A rate that learned alone, in trials longer than those of the bracket: with another seed it must
/// learn as well, unless single readings scatter by much less than it fell.
fn alone(book: &Book, best: &Entry, fall: f64, sd: Option<f64>) -> Doubt {
    if sd.is_some_and(|sd| fall > RANGE * sd) {
        return Doubt::None;
    }
    match book.find_again(best.x, best.steps) {
        None => Doubt::Unsettled(vec![(best.x, best.steps)]),
        Some(again) if (again.value() - best.value()).abs() < fall / RANGE => Doubt::None,
        Some(again) if book.untrained - again.value() > fall / 2.0 => Doubt::Left,
        Some(again) => Doubt::Noise(refuse::drowned(fall, (again.value() - best.value()).abs())),
    }
}

/// The scatter within a trial, the median of the trials; `None` where none has enough readings.
fn scatter<'a>(runs: impl Iterator<Item = &'a Entry>) -> Option<f64> {
    let known: Vec<f64> = runs.filter_map(Entry::scatter).collect();
    median(&known)
}

/// Whether the only rate that was repeated tells the differences between all rates from noise.
fn settled_by_one(pairs: &[Repeated]) -> bool {
    let mut known = pairs.iter().filter_map(|p| Some((p.first, p.again?)));
    let (Some((first, again)), None) = (known.next(), known.next()) else { return false };
    let Some(centre) = mean(&pairs.iter().map(|p| p.first).collect::<Vec<_>>()) else { return false };
    let between = pairs.iter().map(|p| (p.first - centre).powi(2)).sum::<f64>() / (pairs.len() as f64 - 1.0);
    between > ONE_PAIR * (first - again).powi(2) / 2.0
}

/// Variance of one reading between rates and between seeds, from pairs of readings.
fn variances(pairs: &[(f64, f64)]) -> Option<(f64, f64)> {
    let means: Vec<f64> = pairs.iter().map(|(a, b)| (a + b) / 2.0).collect();
    let (centre, count) = (mean(&means)?, pairs.len() as f64);
    let between = 2.0 * means.iter().map(|m| (m - centre).powi(2)).sum::<f64>() / (count - 1.0).max(1.0);
    let within = pairs.iter().map(|(a, b)| (a - b).powi(2) / 2.0).sum::<f64>() / count;
    Some((between, within))
}

#[cfg(test)]
mod tests {
    use super::{Repeated, settled_by_one, variances};

    #[test]
    fn one_pair_of_seeds_settles_what_rates_do_plainly() {
        let rates = |again| {
            let run = |x, first, again| Repeated { x, first, again };
            [run(-3.0, 1.0, Some(again)), run(-6.0, 1.2, None), run(-9.0, 1.4, None)]
        };
        assert!(settled_by_one(&rates(1.01)) && settled_by_one(&rates(1.0)));
        assert!(!settled_by_one(&rates(1.1)));
        let none = rates(1.0).map(|r| Repeated { again: None, ..r });
        let two = rates(1.0).map(|r| Repeated { again: Some(r.first), ..r });
        assert!(!settled_by_one(&none) && !settled_by_one(&two));
    }

    #[test]
    fn equal_seeds_leave_all_variance_between_the_rates() {
        assert_eq!(variances(&[(1.0, 1.0), (3.0, 3.0)]), Some((4.0, 0.0)));
        assert_eq!(variances(&[(1.0, 3.0), (3.0, 1.0)]), Some((0.0, 2.0)));
        assert_eq!(variances(&[]), None);
    }
}
