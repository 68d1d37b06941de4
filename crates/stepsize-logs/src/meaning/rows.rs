//! [`sweep_rows`]: a table with one row for each run, as records.

use crate::gather::is_ramp;
use crate::names::is_rate;
use crate::run::{NamedSeries, Run};
use stepsize::diagnosis::{Facts, Record, Series};

/// Rows of a table that may be a sweep; more rows are a log of steps.
const SWEEP_ROWS: std::ops::RangeInclusive<usize> = 3..=200;

/// Rows at one rate, on average, of a schedule that falls in steps.
const PLATEAU: usize = 3;

/// Whether a rate only falls once it is at its highest, in plateaus, and no seed tells the rows of
/// a plateau apart: a schedule in the rows of one run.
fn is_stepped(run: &Run, rate: &NamedSeries) -> bool {
    let values: Vec<f64> = rate.points.iter().map(|p| p.1).collect();
    let top = values.iter().copied().fold(0.0, f64::max);
    let falling = values.get(values.iter().position(|v| *v == top).unwrap_or(0)..).unwrap_or(&[]);
    let steps = falling.windows(2).filter(|w| w[0] != w[1]).count() + 1;
    let seeded = run.series.iter().any(|s| s.name.to_ascii_lowercase().contains("seed"));
    falling.is_sorted_by(|a, b| a >= b)
        && falling.len() >= PLATEAU * steps
        && falling.len() * 2 >= values.len()
        && !seeded
}

/// The rows of a sweep as records, if the table is one.
pub(super) fn sweep_rows(run: &Run, whole: &Record) -> Option<Vec<Record>> {
    let rate = run.series.iter().find(|s| is_rate(&s.name))?;
    let count = rate.points.len();
    let beside = |s: &Series| s.len() + s.broken().len() == count;
    if !run.counter.is_empty()
        || !SWEEP_ROWS.contains(&count)
        || ![&whole.loss, &whole.val_loss, &whole.score].into_iter().any(beside)
    {
        return None;
    }
    let values: Vec<f64> = rate.points.iter().map(|p| p.1).collect();
    // A warm-up rises, and a decay falls, by the same difference from row to row.
    if is_ramp(&values) || whole.facts.game || is_stepped(run, rate) {
        return None;
    }
    let mut rates: Vec<f64> = rate.points.iter().map(|p| p.1).filter(|r| *r > 0.0 && r.is_finite()).collect();
    if rates.len() < count {
        return None;
    }
    rates.sort_by(f64::total_cmp);
    rates.dedup();
    let (low, high) = (rates.first()?, rates.last()?);
    // A schedule moves in small steps; a sweep does not.
    let step = (high / low).powf(1.0 / (rates.len().max(2) - 1) as f64);
    if rates.len() < 3 || high / low < 4.0 || step < 1.2 {
        return None;
    }
    let at = |series: &Series, step: f64| -> Vec<(f64, f64)> {
        if series.broken().contains(&step) {
            return vec![(0.0, f64::NAN)];
        }
        series.points().iter().filter(|p| p.0 == step).map(|p| (0.0, p.1)).collect()
    };
    let made = rate.points.iter().map(|(step, lr)| Record {
        name: format!("{} row {}", whole.name, step + 1.0),
        loss: Series::new(at(&whole.loss, *step)),
        val_loss: Series::new(at(&whole.val_loss, *step)),
        score: Series::new(at(&whole.score, *step)),
        facts: Facts { lr: Some(*lr), ..whole.facts.clone() },
        ..Record::default()
    });
    Some(made.collect())
}
