//! [`turned`]: which level of a document is the run, where the names of the lists do not say so.
//!
//! `{"baseline": {"train_loss": [...]}, "ours": {...}}` has the runs outside, the metrics inside.
//! `{"train_loss": {"baseline": [...], "ours": [...]}}` has them the other way round, and
//! `{"train_loss": [[...], [...]]}` names its runs by their place only.

use super::{CURVE, List};
use crate::names::{CounterKind, bare_split, is_rate, metric_direction};
use std::collections::{BTreeMap, BTreeSet};

/// Most runs that are told apart by their place in a list alone.
const PLACES: usize = 64;
/// By what factor the losses of several runs may differ at their beginning; those of parts of a
/// loss differ by more.
const ALIKE: f64 = 2.0;

/// The lists with their runs outside and their metrics inside, if they stand the other way round.
pub(super) fn turned(all: &[List]) -> Option<Vec<List>> {
    by_name(all).or_else(|| by_place(all))
}

/// The metric that the object around a list has the name of.
fn metric_of(list: &List) -> Option<(&str, &str)> {
    let (above, metric) = list.parent.rsplit_once('/').unwrap_or(("", &list.parent));
    metric_direction(metric).map(|_| (above, metric))
}

fn begins(list: &List) -> Option<f64> {
    list.numbers.first().map(|m| m.value)
}

/// Lists that are named for the runs, within objects that are named for their metrics.
fn by_name(all: &[List]) -> Option<Vec<List>> {
    let of_run = |l: &List| {
        let known = metric_direction(&l.name).is_some() || bare_split(&l.name).is_some() || is_rate(&l.name);
        !known && CounterKind::of(&l.name) == CounterKind::Value
    };
    let mut runs: BTreeMap<&str, Vec<&List>> = BTreeMap::new();
    for list in all {
        match metric_of(list).filter(|_| list.record.is_none() && of_run(list)) {
            Some(_) => runs.entry(&list.parent).or_default().push(list),
            // A metric beside them is that of a whole, and they are its parts or its classes.
            None if list.record.is_some() || metric_direction(&list.name).is_some() => return None,
            None => {}
        }
    }
    // The parts of a loss have a name each as well, but other sizes.
    let alike = |lists: &Vec<&List>| {
        let firsts: Vec<f64> = lists.iter().filter_map(|l| begins(l)).collect();
        let high = firsts.iter().copied().fold(0.0, f64::max);
        lists.len() > 1 && firsts.iter().all(|f| *f > 0.0 && *f * ALIKE >= high)
    };
    let (_, losses) =
        runs.iter().find(|(path, _)| metric_direction(path.rsplit('/').next().unwrap_or(path)) == Some(false))?;
    alike(losses).then(|| {
        let turn = |list: &List| match metric_of(list).filter(|_| of_run(list)) {
            Some((above, metric)) => moved(list, above, &list.name, metric),
            None => list.clone(),
        };
        all.iter().map(turn).collect()
    })
}

/// Lists within lists, each of which is a curve from its beginning to its end: the runs of several
/// seeds. Those of the epochs of one run go on from one to the next.
fn by_place(all: &[List]) -> Option<Vec<List>> {
    let placed = |l: &List| {
        let (metric, place) = l.name.split_once('/')?;
        Some((metric.to_owned(), place.parse::<usize>().ok()?)).filter(|_| l.record.is_none())
    };
    let mut curves: BTreeMap<(&str, String), Vec<&List>> = BTreeMap::new();
    for list in all {
        if let Some((metric, _)) = placed(list) {
            curves.entry((&list.parent, metric)).or_default().push(list);
        }
    }
    let anew = |metric: &str, lists: &[&List]| {
        let ends = |of: &dyn Fn(&List) -> Option<f64>| -> Vec<f64> { lists.iter().filter_map(|l| of(l)).collect() };
        let (firsts, lasts) = (ends(&begins), ends(&|l| l.numbers.last().map(|m| m.value)));
        let least = |v: &[f64]| v.iter().copied().fold(f64::INFINITY, f64::min);
        let most = |v: &[f64]| v.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        (2..=PLACES).contains(&lists.len())
            && lists.iter().all(|l| l.numbers.seen() >= CURVE)
            && match metric_direction(metric) {
                Some(false) => least(&firsts) > most(&lasts),
                Some(true) => most(&firsts) < least(&lasts),
                None => false,
            }
    };
    let counts: BTreeSet<usize> =
        curves.iter().filter(|((_, metric), lists)| anew(metric, lists)).map(|(_, lists)| lists.len()).collect();
    let several = |list: &List, metric: &str| {
        let lists = curves.get(&(list.parent.as_str(), metric.to_owned()));
        metric_direction(metric).is_some() && lists.is_some_and(|l| counts.contains(&l.len()))
    };
    (!counts.is_empty()).then(|| {
        let turn = |list: &List| match placed(list).filter(|(metric, _)| several(list, metric)) {
            Some((metric, place)) => moved(list, &list.parent, &place.to_string(), &metric),
            None => list.clone(),
        };
        all.iter().map(turn).collect()
    })
}

/// A list of the run `run` below `above`.
fn moved(list: &List, above: &str, run: &str, metric: &str) -> List {
    let mark = if above.is_empty() { "" } else { "/" };
    List { parent: format!("{above}{mark}{run}"), name: metric.to_owned(), ..list.clone() }
}
