//! [`with_loss`]: the loss in a table without names of columns.

use crate::gather::is_ramp;
use crate::run::{NamedSeries, Run};

/// Rows from which on a table without names is a curve.
const ROWS: usize = 6;
/// The mean of the first quarter of a loss exceeds that of the last by this factor.
const FALL: f64 = 1.4;
/// Columns without names from which on a table of so few rows holds a list in each.
const COLUMNS: usize = 20;
const LISTS: usize = 4;
/// Rates of a schedule have few different values.
const FEW: usize = 3;

/// The run with a loss, where its columns have no names: the first counts evenly in whole numbers,
/// and exactly one of the others falls as a loss does. Otherwise `None`: two that fall may be a
/// loss and an error, or a loss and its rate.
pub(super) fn with_loss(run: &Run) -> Option<Run> {
    let unnamed = |s: &NamedSeries| s.name.starts_with("column_");
    if run.counter.is_empty() && run.series.len() >= COLUMNS && run.series.iter().all(unnamed) {
        return of_rows(run);
    }
    let [step, others @ ..] = run.series.as_slice() else { return None };
    if !run.counter.is_empty() || !run.series.iter().all(unnamed) || !counts(step) {
        return None;
    }
    let mut falling = others.iter().filter(|s| s.points.len() == step.points.len() && falls(s));
    let (loss, more) = (falling.next()?, falling.next());
    if more.is_some() {
        return None;
    }
    let points = step.points.iter().zip(&loss.points).map(|(step, loss)| (step.1, loss.1)).collect();
    let mut run = run.clone();
    run.notes.push(format!("the table has no names of columns; {} is the only one that falls", loss.name));
    run.counter.clone_from(&step.name);
    run.series = vec![NamedSeries { name: format!("loss of {}", loss.name), points, seen: loss.seen }];
    Some(run)
}

/// The run with a loss, where each of a few rows is a series, as NumPy writes a list of lists: the
/// first that falls.
fn of_rows(run: &Run) -> Option<Run> {
    let rows = run.series.iter().map(|s| s.points.len()).min().filter(|rows| (1..=LISTS).contains(rows))?;
    let row = |row: usize| {
        let value = |(i, s): (usize, &NamedSeries)| s.points.get(row).map(|p| (i as f64, p.1));
        let points: Vec<(f64, f64)> = run.series.iter().enumerate().filter_map(value).collect();
        NamedSeries { name: format!("loss of row {}", row + 1), seen: points.len() as u64, points }
    };
    let loss = (0..rows).map(row).find(falls)?;
    let mut run = run.clone();
    run.notes.push(format!("the table has no names, and its rows are series; {} is the first that falls", loss.name));
    run.series = vec![loss];
    Some(run)
}

/// Whether a column rises evenly in whole numbers.
fn counts(series: &NamedSeries) -> bool {
    let values: Vec<f64> = series.points.iter().map(|p| p.1).collect();
    let steps: Vec<f64> = values.windows(2).map(|w| w[1] - w[0]).collect();
    let first = steps.first().copied().unwrap_or(0.0);
    values.len() >= ROWS && first > 0.0 && first.fract() == 0.0 && steps.iter().all(|s| *s == first)
}

/// Whether a column falls as a loss does, and not as a rate.
fn falls(series: &NamedSeries) -> bool {
    let values: Vec<f64> = series.points.iter().map(|p| p.1).collect();
    let quarter = (values.len() / 4).max(1);
    let mean = |part: Option<&[f64]>| part.unwrap_or(&[]).iter().sum::<f64>() / quarter as f64;
    let mut distinct: Vec<u64> = values.iter().map(|v| v.to_bits()).collect();
    distinct.sort_unstable();
    distinct.dedup();
    values.iter().all(|v| *v > 0.0 && v.is_finite())
        && mean(values.get(..quarter)) > FALL * mean(values.get(values.len() - quarter..))
        && distinct.len() * FEW > values.len()
        && !is_ramp(&values)
}
