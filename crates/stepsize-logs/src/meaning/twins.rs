//! Series of a run that tell the same as another one: of the other split, or as a mean.

use super::pick::CURVE;
use crate::choose::rank;
use crate::names::{DataSplit, plain, weight};
use crate::run::{NamedSeries, Run};

/// Logarithm of the factor by which a mean and one of its parts may differ.
const ALIKE: f64 = 1.0;

/// A series with so many times more readings is of another kind of rows.
const OFTEN: usize = 3;

/// The mean of a validation, which tells more than its last batch: `valid_mean_loss` beside
/// `valid_loss`. A sum over all samples is another number.
pub(super) fn mean_of<'a>(run: &'a Run, val: &NamedSeries) -> Option<&'a NamedSeries> {
    let means = |name: &str| plain(name).split('_').any(|w| matches!(w, "mean" | "avg" | "average"));
    let last = |s: &NamedSeries| s.points.last().map_or(f64::NAN, |p| p.1);
    let such = |s: &&NamedSeries| {
        means(&s.name)
            && DataSplit::in_name(&s.name) == DataSplit::in_name(&val.name)
            && crate::names::metric_direction(&s.name) == Some(false)
            && weight(&s.name) == weight(&val.name)
            && s.points.len() == val.points.len()
            && (last(s) / last(val)).ln().abs() < ALIKE
    };
    if means(&val.name) { None } else { run.series.iter().find(such) }
}

/// The average under the name of a score, which tells more than that of one batch: `val_top1_avg`
/// beside `val_top1`.
pub(super) fn average_of<'a>(run: &'a Run, score: &NamedSeries) -> Option<&'a NamedSeries> {
    let name = format!("{}_avg", plain(&score.name));
    run.series.iter().find(|s| plain(&s.name) == name && s.points.len() == score.points.len())
}

/// The series of the training that is measured as the validation is, where the loss is another
/// metric, `tr_rmse` beside `va_rmse` and `obj`, or is told as often without a split, as the last
/// batch in a progress bar: `Train Loss` beside `Val Loss` and `loss`.
pub(super) fn twin<'a>(run: &'a Run, loss: Option<&NamedSeries>, val: Option<&NamedSeries>) -> Option<&'a NamedSeries> {
    let (loss, metric) = (loss?, without_split(&val?.name)?);
    let same = without_split(&loss.name).unwrap_or_else(|| plain(&loss.name)) == metric;
    let split = DataSplit::in_name(&loss.name).is_some();
    if split && same || !same && plain(&loss.name).contains("loss") {
        return None;
    }
    let such = |s: &&NamedSeries| {
        DataSplit::in_name(&s.name) == Some(DataSplit::Train)
            && without_split(&s.name).is_some_and(|name| name == metric)
            && s.points.len() >= loss.points.len()
    };
    run.series.iter().find(such)
}

/// The loss that says that it is of the training, told as often as one that does not and may be of
/// anything, where no validation is: `train_loss` beside the `loss` of an evaluation.
pub(super) fn trained<'a>(
    run: &'a Run,
    loss: Option<&NamedSeries>,
    val: Option<&NamedSeries>,
) -> Option<&'a NamedSeries> {
    let loss = loss.filter(|l| val.is_none() && DataSplit::in_name(&l.name).is_none())?;
    let such = |s: &&NamedSeries| {
        DataSplit::in_name(&s.name) == Some(DataSplit::Train)
            && rank(&s.name).is_some_and(|r| r.1 == 0)
            && weight(&s.name) <= weight(&loss.name)
            && s.points.len() >= loss.points.len().max(CURVE)
            && s.points != loss.points
    };
    run.series.iter().find(such)
}

/// The series that is said to be of the training, where the loss is not and is told far less often:
/// `loss_train` of some batches beside `loss`, which is of other data then.
pub(super) fn named_twin<'a>(run: &'a Run, loss: &NamedSeries) -> Option<&'a NamedSeries> {
    let such = |s: &&NamedSeries| {
        DataSplit::in_name(&s.name) == Some(DataSplit::Train)
            && without_split(&s.name).is_some_and(|name| name == plain(&loss.name))
            && s.points.len() >= OFTEN * loss.points.len()
    };
    run.series.iter().find(such).filter(|_| DataSplit::in_name(&loss.name).is_none())
}

/// The validation of a series by its short name, `v_loss` beside `loss`, where it is not that of
/// the value of a state.
pub(super) fn short_twin<'a>(run: &'a Run, series: &NamedSeries) -> Option<&'a NamedSeries> {
    let agent = |s: &NamedSeries| {
        plain(&s.name)
            .split('_')
            .any(|w| matches!(w, "pi" | "p" | "q" | "policy" | "value" | "critic" | "actor" | "entropy"))
    };
    let name = plain(&series.name);
    let such = |s: &&NamedSeries| {
        plain(&s.name).strip_prefix('v').is_some_and(|rest| rest.trim_start_matches('_') == name)
            && s.points.len() <= series.points.len()
    };
    run.series.iter().find(such).filter(|_| !run.series.iter().any(agent))
}

/// What a name with a split says without it: `rmse` for `va_rmse`.
fn without_split(name: &str) -> Option<String> {
    DataSplit::in_name(name)?;
    let plain = plain(name);
    let other = |w: &&str| DataSplit::of_short(w).or_else(|| DataSplit::of_word(w)).is_none();
    let words: Vec<&str> = plain.split('_').filter(other).collect();
    Some(words.join("_")).filter(|rest| !rest.is_empty() && *rest != plain)
}
