//! Lines of a value alone, in a file that is named for a metric, or beside its step and its split.

use crate::gather::Gather;
use crate::names::{DataSplit, metric_direction};
use crate::number;

/// Puts the numbers of a line without names into a row, if it is one. `metric` is the name of the
/// file, if that is one of a metric.
pub(super) fn nameless(line: &str, metric: Option<&str>, gather: &mut Gather) -> bool {
    if let Some((metric, (step, value))) = metric.and_then(|metric| Some((metric, bare(line)?))) {
        step.into_iter().for_each(|step| gather.number("step", step));
        gather.number(metric, value);
    } else if let Some((name, step, value)) = pair_of_metric(line) {
        gather.number("step", step);
        gather.number(name, value);
    } else if let Some((step, split, value)) = loss_of_split(line) {
        gather.number("step", step);
        gather.number(&format!("{}_loss", split.prefix()), value);
    } else if let Some((step, value)) = share_and_loss(line) {
        gather.number("step", step);
        gather.number("loss", value);
    } else {
        return false;
    }
    true
}

/// `loss: (3, 0.25)`: a metric with its step and value, and nothing else.
fn pair_of_metric(line: &str) -> Option<(&str, f64, f64)> {
    let (name, pair) = line.trim().strip_suffix(')')?.split_once(": (")?;
    let (step, value) = pair.split_once(',')?;
    let whole = step.bytes().all(|b| b.is_ascii_digit());
    let named = name.len() <= 64 && metric_direction(name).is_some();
    (named && whole).then_some((name, step.parse().ok()?, value.trim().parse().ok()?))
}

/// A value, with or without its step, on a line that holds nothing else. The step is the one of two
/// numbers that is whole, else the first.
fn bare(line: &str) -> Option<(Option<f64>, f64)> {
    let mut words = line.split_whitespace();
    let (first, second) = (words.next()?, words.next());
    let value = |word: &str| number::whole(word.as_bytes());
    if words.next().is_some() {
        return None;
    }
    let whole = |word: &str| word.bytes().all(|b| b.is_ascii_digit());
    let (one, two) = (value(first)?, second.map(value));
    match (second, two) {
        (Some(second), Some(two)) if whole(second) && !whole(first) => Some((Some(two?), one)),
        (_, Some(two)) if one.fract() == 0.0 => Some((Some(one), two?)),
        // Either may be the metric.
        (_, Some(_)) => None,
        _ => Some((None, one)),
    }
}

/// The step, the split and the loss of a line that holds nothing else: `250 val 3.28`.
fn loss_of_split(line: &str) -> Option<(f64, DataSplit, f64)> {
    // Most lines begin with another byte.
    line.trim_start().as_bytes().first().filter(|b| b.is_ascii_digit())?;
    let mut words = line.split_whitespace();
    let (step, split, value) = (words.next()?, words.next()?, words.next()?);
    let whole = step.bytes().all(|b| b.is_ascii_digit()) && value.contains('.') && words.next().is_none();
    let split = DataSplit::of_word(split).filter(|_| whole)?;
    Some((number::whole(step.as_bytes())?, split, number::whole(value.as_bytes())?))
}

/// The step and the loss of a line that ends as the translation tutorial of PyTorch prints them:
/// `1m 4s (- 3m 0s) (5000 6%) 2.85`.
fn share_and_loss(line: &str) -> Option<(f64, f64)> {
    let (before, value) = line.trim_end().rsplit_once("%) ")?;
    let (step, share) = before.rsplit_once('(')?.1.split_once(' ')?;
    let whole = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let (step, value) = (Some(step).filter(|step| whole(step) && whole(share.trim()))?, value.trim_start());
    Some((
        number::whole(step.as_bytes())?,
        Some(value).filter(|v| v.contains('.')).and_then(|v| number::whole(v.as_bytes()))?,
    ))
}
