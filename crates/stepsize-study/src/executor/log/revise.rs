//! [`revised`]: what the names of a log mean, once a whole run was read: another metric where the
//! first one was not printed to the end, and the direction of one whose name does not say it.

use super::column::MetricColumn;
use stepsize_logs::{Choice, LogPosition, Wanted, choose, is_counter};

/// A metric whose newest reading lies before this share of the run was not read at its end.
const UNREAD: f64 = 0.9;
/// Readings from which on a rise is one.
const ENOUGH: usize = 3;

/// The choice among the names of a run of `steps` steps.
///
/// # Errors
/// A message for the user if no name is a metric.
pub(super) fn revised(
    wanted: &Wanted,
    names: &[String],
    columns: &[MetricColumn],
    steps: u64,
) -> Result<Choice, String> {
    if names.is_empty() {
        let unit = if steps == 1 { "step" } else { "steps" };
        return Err(format!(
            "nothing that it printed in a run of {steps} {unit} reads like `loss 0.52`: let it print its loss at the end of \
             a run, however short, or oftener; or name the pattern of its log, or the pattern of the metric"
        ));
    }
    let choice = to_the_end(wanted, choose(names, wanted).map_err(|e| e.to_string())?, names, columns);
    Ok(if wanted.maximize.is_none() { by_readings(choice, columns) } else { choice })
}

/// The choice, or another one among the names that are read to the end of the run: a validation
/// loss that is printed more rarely than the run is long says nothing of its end. A name that is
/// printed once, when the run is over, is no other: Trainers print the mean of all losses there.
fn to_the_end(wanted: &Wanted, first: Choice, names: &[String], columns: &[MetricColumn]) -> Choice {
    // A program may count its evaluations by another name than its steps.
    let counted = |p: LogPosition| if p.own.is_finite() || p.steps.is_finite() { p.own.max(p.steps) } else { p.epochs };
    let reach = |c: &MetricColumn| c.last().map_or(f64::NAN, |last| counted(last.place));
    let row = |c: &MetricColumn| c.last().map_or(0.0, |last| last.row as f64);
    let most = |of: &dyn Fn(&MetricColumn) -> f64| columns.iter().map(of).fold(f64::NAN, f64::max);
    // By its counter and by its place in the log: counters of two units cannot be compared.
    let (end, end_row) = (most(&reach), most(&row));
    // Without a counter of its own a reading is placed by that of all rows.
    let steps = |c: &MetricColumn| c.last().filter(|last| last.place.own.is_nan()).map(|last| last.place.steps);
    let end_steps = columns.iter().filter_map(MetricColumn::last).map(|l| l.place.steps).fold(f64::NAN, f64::max);
    let early = |c: &MetricColumn| {
        reach(c) < UNREAD * end && row(c) < UNREAD * end_row || steps(c).is_some_and(|at| at < UNREAD * end_steps)
    };
    let late = |name: &str| !columns.iter().any(|c| c.name == name && early(c));
    if wanted.metric.is_some() || late(&first.metric) {
        return first;
    }
    let count = |name: &str| columns.iter().find(|c| c.name == name).map_or(0, MetricColumn::count);
    let often = |name: &str| is_counter(name) || count(name) >= count(&first.metric);
    let read: Vec<&String> = names.iter().filter(|n| late(n) && often(n)).collect();
    let Ok(mut other) = choose(&read, wanted) else { return first };
    other.why += &format!("; {} was not printed again before the end of the run", first.metric);
    other
}

/// The choice, where its metric is named after its data alone (libFM prints `Train=0.72 Test=0.66`,
/// which are errors of a regression and accuracies of a classification): shares that training makes
/// rise are accuracies.
fn by_readings(choice: Choice, columns: &[MetricColumn]) -> Choice {
    let column = |name: &str| columns.iter().find(|c| c.name == name);
    let trained = choice.train.as_deref().and_then(column).or_else(|| column(&choice.metric));
    if choice.is_bare() && trained.is_some_and(is_rising_share) { choice.rising() } else { choice }
}

/// Whether all readings are shares, and the last third is higher than the first.
fn is_rising_share(column: &MetricColumn) -> bool {
    let values: Vec<f64> = column.values().collect();
    let third = values.len().div_ceil(3);
    let sum = |part: Option<&[f64]>| part.unwrap_or_default().iter().sum::<f64>();
    values.len() > ENOUGH
        && values.iter().all(|v| (0.0..=1.0).contains(v))
        && sum(values.get(values.len() - third..)) > sum(values.get(..third))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn score(train: &[f64], test: &[f64], names: &[&str; 3]) -> bool {
        let columns: Vec<MetricColumn> = [(names[1], train), (names[2], test)]
            .into_iter()
            .map(|(name, values)| {
                let mut column = MetricColumn::new(name);
                values.iter().enumerate().for_each(|(i, v)| column.push(i as u64, LogPosition::default(), 0.1, *v));
                column
            })
            .collect();
        by_readings(choose(names, &Wanted::default()).unwrap(), &columns).maximize
    }

    #[test]
    fn shares_that_rise_in_training_are_a_score_and_a_loss_that_breaks_is_none() {
        let names = ["Iter", "Train", "Test"];
        assert!(score(&[0.70, 0.71, 0.72, 0.72, 0.73], &[0.66, 0.66, 0.65, 0.66, 0.66], &names));
        assert!(!score(&[0.9, 0.8, 0.7, 0.6, 0.5], &[0.9, 0.95, 0.97, 0.98, 0.99], &names), "it overfits");
        assert!(!score(&[0.9, 0.95, 1.2, 3.0, 9.0], &[0.9, 0.9, 1.4, 4.0, 9.0], &names), "it diverges");
        assert!(!score(&[0.7, 0.8], &[0.7, 0.8], &names), "too few to tell");
        let named = ["step", "train_loss", "test_loss"];
        assert!(!score(&[0.5, 0.6, 0.7, 0.8, 0.9], &[0.5, 0.6, 0.7, 0.8, 0.9], &named), "its name says it");
    }
}
