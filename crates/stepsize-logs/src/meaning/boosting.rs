//! [`is_boosted`]: whether a log is of gradient boosting, whose rounds are trees and no steps.

use crate::names::{DataSplit, metric_direction};
use crate::run::Run;

/// What XGBoost and LightGBM call their metrics, and networks do not.
const OWN: [&str; 7] = ["mlogloss", "merror", "aucpr", "rmsle", "binary_logloss", "multi_logloss", "binary_error"];
/// What they call others.
const SHARED: [&str; 10] = ["logloss", "error", "rmse", "mae", "mape", "auc", "ndcg", "map", "l1", "l2"];

/// Whether the names are those of gradient boosting: `train-rmse` and `validation_0-auc` of
/// XGBoost, `valid_0_l2` of LightGBM, `learn` of CatBoost.
pub(super) fn is_boosted(run: &Run) -> bool {
    let rounds = matches!(run.counter.as_str(), "iter" | "iteration" | "iterations" | "");
    let learn = |name: &str| {
        name == "learn" || name.strip_prefix("learn_").is_some_and(|metric| metric_direction(metric).is_some())
    };
    let told = |name: &str| {
        let Some((set, metric)) = name.rsplit_once(['-', '/']).or_else(|| lightgbm(name)) else { return false };
        let of_data = DataSplit::in_name(set).is_some() && !set.contains(|c: char| c.is_ascii_uppercase());
        let numbered = name.contains('-') || set == "training" || set.ends_with(|c: char| c.is_ascii_digit());
        of_data && (OWN.contains(&metric) || numbered && SHARED.contains(&metric))
    };
    rounds && run.series.iter().any(|s| told(&s.name) || learn(&s.name))
}

/// `valid_0_binary_logloss`, `training_l2`: the data and the metric.
fn lightgbm(name: &str) -> Option<(&str, &str)> {
    let metric = OWN.iter().chain(&SHARED).find_map(|m| name.strip_suffix(m)?.strip_suffix('_').map(|set| (set, *m)));
    metric.filter(|(set, _)| *set == "training" || set.trim_end_matches(char::is_numeric).ends_with('_'))
}
