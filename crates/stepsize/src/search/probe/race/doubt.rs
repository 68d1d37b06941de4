//! Whether the rate matters at all.
//!
//! Trials whose loss does not depend on the rate differ all the same, by noise; each may even be a
//! smooth curve to a level of its own. So all that was read is weighed: by how much a landscape of
//! rates explains it better than noise ([`for_a_landscape`]). Where that is not very plain, a rate
//! near zero is tried: whatever the job, it leaves the loss where it was, which noise does not.
//! Where that does not settle it, the best rate is run again with a second seed, which noise would
//! draw to the middle, then the worst. What is open then is asked of longer trials, and judged at
//! the end by all trials of the search.
//!
//! On the jobs of the bench, and on losses without a rate in them (`tests/probes/noise.rs`), this
//! tells more than the comparison of a few pairs of seeds did (bench/README.md).

use super::plan::{BOTTOM, Purse};
use super::reading::{Book, Ending, Entry};
use super::refuse;
use super::stage::PLAINLY_LEARNED;
use crate::landscape::{Context, Reading, for_a_landscape};
use crate::stats::{mean, median};
use crate::{Job, Refusal};
use std::collections::BTreeMap;
use std::f64::consts::SQRT_2;

/// Whether the rate matters at all.
pub(super) enum Doubt {
    /// It does.
    None,
    /// Unknown until this has run: (log2 lr, steps).
    Try(f64, u64),
    /// Unknown until this has run with another seed: (log2 lr, steps).
    Repeat(f64, u64),
    /// Unknown: the end of the search will tell.
    Open,
    /// It does not.
    Noise(Refusal),
}

/// A fall of this many standard deviations of the scatter can be seen at all.
const SEEN: f64 = 3.0;
/// A fall of this many is clear of it.
const CLEAR: f64 = 5.0;
/// Log ratio of the likelihoods of a landscape and of noise from which on the rate matters,
/// whatever else was seen; ...
const VERY_PLAINLY: f64 = 4.0;
/// ... from which on it matters where a rate near zero left the loss where it was, also if no rate
/// was repeated; ...
const PLAINLY: f64 = 1.0;
/// ... from which on it matters once the best rate was repeated, for each trial (of noise every
/// trial speaks against a landscape, on the average by twice this, and no landscape is quite as it
/// should be), ...
const ENOUGH: f64 = -0.4;
/// ... but not below this; ...
const LEAST: f64 = -4.0;
/// ... and below which no sign but the plainest counts, and two repeated rates end the search.
const HOPELESS: f64 = -9.0;
/// Ratio of the variance between the best and the worst rate to that between their seeds, from
/// which on these two settle it: where all rates learn nearly alike, only replication shows that
/// small differences are real. Where the likelihood is hopeless, its square is asked for.
const EXTREMES: f64 = 100.0;

/// A rate so many octaves below the best, some three powers of ten, is near zero, ...
const NEAR_ZERO: f64 = 9.75;
/// ... and moves the loss by less than this share of what the best does.
const STILL: f64 = 0.1;
/// Then it matters too where the order of the losses has such log odds ([`in_order`]): that of five
/// trials, or of four and four.
const IN_ORDER: f64 = 2.0;
/// Then it matters, whatever else was seen, where the share is below this in two readings or more
/// ...
const STOOD: f64 = 0.02;
/// ... and some trial fell by this much (log), to about a third. With 0.3 half as many searches are
/// refused at one run, but two of nine answers more keep nothing.
const FAR: f64 = 1.0;
/// What moves it by more than this share, at a rate near zero, is not the rate.
const MUCH: f64 = 0.5;

/// Judges what was read, with trials of `n` steps about the best rate.
pub(super) fn doubt(book: &Book, job: &Job, n: u64, purse: Purse) -> Doubt {
    let mut runs: Vec<&Entry> = book.entries.iter().filter(|e| e.steps == n && !e.exploded()).collect();
    runs.sort_by(|a, b| a.value().total_cmp(&b.value()));
    let Some(best) = runs.first() else { return Doubt::None };
    let seen = |e: &&Entry| e.scatter().is_some_and(|sd| book.untrained - e.value() >= SEEN * sd);
    let fall = book.untrained - best.value();
    let scattered = scatter(runs.iter().copied());
    let clear = scattered.is_some_and(|sd| fall >= CLEAR * sd);
    // Noise has no part in that the highest rates exploded, and only they, where a fall is plain.
    // Of single readings another seed tells the scatter.
    if book.exploded_on_top() {
        let alone = scattered.is_none() && fall > PLAINLY_LEARNED;
        let again = book.find_again(best.x, n).filter(|_| alone);
        let agree = again.is_some_and(|again| fall >= SEEN * (again.value() - best.value()).abs() / SQRT_2);
        if clear || agree {
            return Doubt::None;
        }
        if alone && again.is_none() && purse.pays(n, job) {
            return Doubt::Repeat(best.x, n);
        }
    }
    if let Some(sd) = scattered.filter(|_| !runs.iter().any(seen)) {
        // The readings of a curve that bends scatter too. Only a fall that does not come again with
        // another seed is noise.
        match book.find_again(best.x, n) {
            None if purse.pays(n, job) => return Doubt::Repeat(best.x, n),
            Some(again) if book.untrained - again.value() > fall / 2.0 => {}
            _ => return Doubt::Noise(refuse::drowned(fall, sd)),
        }
    }
    // Too few readings to weigh tell nothing.
    let (support, trials) = support(book, job).unwrap_or((f64::NEG_INFINITY, 0));
    if support >= VERY_PLAINLY {
        return Doubt::None;
    }
    // Whatever the job, a rate near zero leaves the loss where it was. Noise does not.
    let trained = book.entries.iter().filter(|e| !e.exploded());
    let low = trained.min_by(|a, b| a.x.total_cmp(&b.x)).unwrap_or(best);
    let near_zero = best.x - NEAR_ZERO;
    // That is told by two readings, where the loss fell plainly or clear of its scatter. What it
    // fell from is known where it was read before the first step; else such a trial shows it.
    let told = best.curve.len() > 1 && (fall > PLAINLY_LEARNED || clear);
    let begun = book.all().any(|e| e.curve.first().is_some_and(|(step, _)| *step == 0));
    let tell = told || best.curve.len() > 1 && !begun;
    if tell && low.x > near_zero && near_zero >= BOTTOM && purse.pays(n, job) {
        return Doubt::Try(near_zero, n);
    }
    let learned_again = |e: &Entry| {
        let again = book.find_again(e.x, n).map_or(f64::INFINITY, Entry::value);
        book.untrained - e.value().max(again) > fall / 2.0
    };
    let hope = support >= HOPELESS;
    let plain = if hope { EXTREMES } else { EXTREMES * EXTREMES };
    let enough = (ENOUGH * trials as f64).max(LEAST);
    let deepest = book.all().map(|e| book.untrained - e.value()).fold(fall, f64::max);
    let stood = |share: f64| share.abs() < STOOD && low.curve.len() > 2 && deepest >= FAR;
    let enough = match moved(low, best, book.untrained).filter(|_| told) {
        Some(share) if share.abs() < STILL => {
            let learned = || in_order(book) >= IN_ORDER || hope && runs.iter().any(|e| learned_again(e));
            if support >= enough || stood(share) || learned() {
                return Doubt::None;
            }
            enough
        }
        Some(share) if share.abs() > MUCH => VERY_PLAINLY,
        None if support >= PLAINLY => return Doubt::None,
        _ => enough,
    };
    let repeated = book.again.iter().filter(|e| e.steps == n).count();
    let last = |e: &Entry| e.curve.last().map_or(f64::INFINITY, |(_, y)| *y);
    runs.retain(|e| book.find_again(e.x, n).is_none());
    runs.sort_by(|a, b| last(a).total_cmp(&last(b)));
    let next = match repeated {
        0 => runs.first(),
        1 if support < enough => runs.last(),
        _ => None,
    };
    match next.filter(|_| purse.pays(n, job)) {
        Some(next) => Doubt::Repeat(next.x, n),
        None if support >= enough || repeated > 1 && differ(book, n) > plain => Doubt::None,
        None if repeated > 1 && !hope => Doubt::Noise(refuse::like_noise(book, job, purse.budget)),
        None => Doubt::Open,
    }
}

/// By which share of what the best rate does a rate near zero moves the loss, at the last step that
/// both reached; `None` where the low rate is not near zero.
fn moved(low: &Entry, best: &Entry, untrained: f64) -> Option<f64> {
    let step = low.last_step()?.min(best.last_step()?);
    let share = low.fallen(step)? / (untrained - best.at(step)?);
    Some(share).filter(|_| low.x <= best.x - NEAR_ZERO)
}

/// The log ratio of the likelihoods of a landscape and of noise, by the last reading of each trial,
/// and how many these are; `None` of too few. Where only the highest rates broke, that speaks for a
/// landscape too, by as much as there are ways to choose so many of the trials that exploded. Where
/// a network that died ended tells little then (two walls know no step), and counts only if there
/// are too few others.
fn support(book: &Book, job: &Job) -> Option<(f64, usize)> {
    let broke = |e: &&Entry| e.end == Ending::Broke;
    let broke_on_top = book.all().filter(|e| !broke(e)).all(|e| e.x < book.ceiling);
    let exploded: Vec<f64> = book.all().filter(|e| e.exploded()).map(|e| e.x).collect();
    let lowest = exploded.iter().copied().fold(f64::INFINITY, f64::min);
    let context = Context { untrained: book.untrained, ceiling: lowest, horizon_free: job.is_horizon_free() };
    let weighed = |with_dead: bool| {
        let whole = book.all().filter(|e| if with_dead { !e.exploded() } else { !broke(e) });
        let whole = whole.filter(|e| e.end != Ending::Unread && e.s.is_finite());
        let reading = |e: &Entry| Some(Reading { x: e.x, s: e.s, y: e.curve.last()?.1, seed: e.seed });
        let readings: Vec<Reading> = whole.filter_map(reading).collect();
        let highest = readings.iter().map(|r| r.x).fold(f64::NEG_INFINITY, f64::max);
        let on_top = if lowest > highest { exploded.len() } else { 0 };
        let ways: f64 = (1..=on_top).map(|k| ((readings.len() + k) as f64 / k as f64).ln()).sum();
        Some((for_a_landscape(&readings, context, job.seed)? + ways, readings.len()))
    };
    Some(false).filter(|_| broke_on_top).and_then(weighed).or_else(|| weighed(true))
}

/// Log odds against noise of the order of the losses: of the readings of one length and seed, how
/// many orders there are, over how many of them fall up to some rate and rise from there. Zero
/// where one set of readings has another order.
fn in_order(book: &Book) -> f64 {
    let mut sets: BTreeMap<(u64, u64), Vec<(f64, f64)>> = BTreeMap::new();
    for e in book.all() {
        sets.entry((e.steps, e.seed)).or_default().extend(e.end_reading().map(|y| (e.x, y)));
    }
    let mut odds = 0.0;
    for readings in sets.values_mut() {
        readings.sort_by(|a, b| a.0.total_cmp(&b.0));
        if !readings.windows(2).map(|w| w[1].1 > w[0].1).is_sorted() {
            return 0.0;
        }
        odds += (3..=readings.len()).map(|k| (k as f64 / 2.0).ln()).sum::<f64>();
    }
    odds
}

/// The variance between the rates that were repeated, with trials of `n` steps, over that between
/// their seeds, at the last step that all of them reached; 0 where fewer than two are known.
fn differ(book: &Book, n: u64) -> f64 {
    let pairs: Vec<(&Entry, &Entry)> =
        book.entries.iter().filter(|e| e.steps == n).filter_map(|e| Some((e, book.find_again(e.x, n)?))).collect();
    let Some(step) = pairs.iter().flat_map(|(a, b)| [a, b]).filter_map(|e| e.last_step()).min() else { return 0.0 };
    let known: Vec<(f64, f64)> = pairs.iter().filter_map(|(a, b)| Some((a.at(step)?, b.at(step)?))).collect();
    let (between, within) = variances(&known).filter(|_| known.len() > 1).unwrap_or((0.0, 1.0));
    between / within
}

/// Variance of one reading between rates and between seeds, from pairs of readings.
fn variances(pairs: &[(f64, f64)]) -> Option<(f64, f64)> {
    let means: Vec<f64> = pairs.iter().map(|(a, b)| (a + b) / 2.0).collect();
    let (centre, count) = (mean(&means)?, pairs.len() as f64);
    let between = 2.0 * means.iter().map(|m| (m - centre).powi(2)).sum::<f64>() / (count - 1.0).max(1.0);
    let within = pairs.iter().map(|(a, b)| (a - b).powi(2) / 2.0).sum::<f64>() / count;
    Some((between, within))
}

/// The scatter within a trial, the median of the trials; `None` where none has enough readings.
fn scatter<'a>(runs: impl Iterator<Item = &'a Entry>) -> Option<f64> {
    let known: Vec<f64> = runs.filter_map(Entry::scatter).collect();
    median(&known)
}

#[cfg(test)]
mod tests {
    use super::variances;

    #[test]
    fn equal_seeds_leave_all_variance_between_the_rates() {
        assert_eq!(variances(&[(1.0, 1.0), (3.0, 3.0)]), Some((4.0, 0.0)));
        assert_eq!(variances(&[(1.0, 3.0), (3.0, 1.0)]), Some((0.0, 2.0)));
        assert_eq!(variances(&[]), None);
    }
}
