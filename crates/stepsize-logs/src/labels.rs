//! [`parted`]: runs whose curves stand beside each other under names of their own.
//!
//! `epoch,resnet_train_loss,resnet_val_loss,vgg_train_loss,vgg_val_loss` holds two runs. The parts
//! of one loss have names of the same form, but begin at other sizes, and stand beside a whole.

use crate::names::{DataSplit, is_rate, metric_direction, weight};
use crate::run::{NamedSeries, Run};
use std::collections::BTreeMap;

/// By what factor the losses of several runs may differ at their beginning.
const ALIKE: f64 = 2.0;
/// The weight of a word that says nothing of a metric.
const UNKNOWN: usize = 4;

/// The runs, each of those that hold several in parts.
pub(crate) fn parted(runs: Vec<Run>) -> Vec<Run> {
    match runs.as_slice() {
        [run] => parts(run).unwrap_or(runs),
        _ => runs,
    }
}

/// The label and the metric in a name: what stands before the split.
fn split_at_label(name: &str) -> Option<(&str, &str)> {
    let mut begin = 0;
    for word in name.split_inclusive(|c: char| !c.is_alphanumeric()) {
        let bare = word.trim_end_matches(|c: char| !c.is_alphanumeric());
        if DataSplit::of_word(bare).is_some() {
            let (label, metric) = name.split_at(begin);
            return Some((label.trim_end_matches(|c: char| !c.is_alphanumeric()), metric));
        }
        begin += word.len();
    }
    None
}

/// Whether all words of a label say nothing of a metric, as those of a model do not.
fn is_label(label: &str) -> bool {
    let words = || label.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty());
    words().all(|w| matches!(weight(w), 1 | UNKNOWN) && metric_direction(w).is_none())
        && words().any(|w| weight(w) == UNKNOWN)
}

fn parts(run: &Run) -> Option<Vec<Run>> {
    let metrics = run.series.iter().filter(|s| metric_direction(&s.name).is_some());
    let mut order: Vec<&str> = Vec::new();
    let mut parts: BTreeMap<&str, Vec<(&str, &NamedSeries)>> = BTreeMap::new();
    for series in metrics {
        let (label, metric) = split_at_label(&series.name).filter(|(label, _)| is_label(label))?;
        if !order.contains(&label) {
            order.push(label);
        }
        parts.entry(label).or_default().push((metric, series));
    }
    let names = |part: &[(&str, &NamedSeries)]| {
        let mut names: Vec<String> = part.iter().map(|(metric, _)| (*metric).to_owned()).collect();
        names.sort();
        names
    };
    let mut all = parts.values().map(|part| names(part));
    let first = all.next()?;
    let loss = first.iter().find(|metric| metric_direction(metric) == Some(false))?;
    let begins = |part: &Vec<(&str, &NamedSeries)>| {
        part.iter().find(|(metric, _)| metric == loss).and_then(|(_, s)| s.points.first()).map(|p| p.1)
    };
    let firsts: Vec<f64> = parts.values().filter_map(begins).collect();
    let high = firsts.iter().copied().fold(0.0, f64::max);
    let alike = firsts.iter().all(|f| *f > 0.0 && *f * ALIKE >= high);
    if parts.len() < 2 || first.len() < 2 || !all.all(|names| names == first) || !alike {
        return None;
    }
    // The rate of a run has its label too; the others are of all.
    let own = |label: &str, s: &NamedSeries| {
        is_rate(&s.name) && (s.name.starts_with(label) || !order.iter().any(|l| s.name.starts_with(l)))
    };
    let made = order.iter().map(|label| {
        let curves = parts.get(label).into_iter().flatten();
        let named = curves.map(|(metric, s)| NamedSeries { name: (*metric).to_owned(), ..(*s).clone() });
        let rates = run.series.iter().filter(|s| own(label, s)).cloned();
        Run { name: (*label).to_owned(), series: named.chain(rates).collect(), ..run.clone() }
    });
    Some(made.collect())
}
