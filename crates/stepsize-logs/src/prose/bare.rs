//! Lines of a value alone, in a file that is named for a metric, or beside its step and its split.

use crate::names::DataSplit;
use crate::number;

/// A value, with or without its step, on a line that holds nothing else. The step is the one of two
/// numbers that is whole, else the first.
pub(super) fn bare(line: &str) -> Option<(Option<f64>, f64)> {
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
pub(super) fn loss_of_split(line: &str) -> Option<(f64, DataSplit, f64)> {
    // Most lines begin with another byte.
    line.trim_start().as_bytes().first().filter(|b| b.is_ascii_digit())?;
    let mut words = line.split_whitespace();
    let (step, split, value) = (words.next()?, words.next()?, words.next()?);
    let whole = step.bytes().all(|b| b.is_ascii_digit()) && value.contains('.') && words.next().is_none();
    let split = DataSplit::of_word(split).filter(|_| whole)?;
    Some((number::whole(step.as_bytes())?, split, number::whole(value.as_bytes())?))
}
