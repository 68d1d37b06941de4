//! [`records`]: turns a run into the [`Record`] that a diagnosis reads. It finds the training loss,
//! the validation loss, the rate, the gradient norm and the score among the series, and the facts
//! that are known by their names.
//!
//! A table with one row for each run (a sweep: no step, rates that are spread) becomes one record
//! for each row.

use crate::choose::rank;
use crate::names::{CounterKind, DataSplit, bare_split, is_grad_norm, is_rate};
use crate::run::{NamedSeries, Run};
use std::collections::BTreeMap;
use stepsize::diagnosis::{Facts, Record, Series, is_game};

/// Rows of a table that may be a sweep; more rows are a log of steps.
const SWEEP_ROWS: std::ops::RangeInclusive<usize> = 3..=200;

/// A loss that is left out at least this often at the end was not finite.
const LEFT_OUT: usize = 3;

/// The records of a run: one, or one for each row of a sweep. `path` names the file for people and
/// may contain the rate (`lr0.01/metrics.csv`).
///
/// ```
/// use stepsize_logs::{Run, NamedSeries, meaning};
/// let series = |name: &str, v: [f64; 2]| {
///     NamedSeries { name: name.into(), points: vec![(0.0, v[0]), (1.0, v[1])], seen: 2 }
/// };
/// let series = vec![series("train/loss", [2.3, 1.0]), series("eval/loss", [2.2, 1.1])];
/// let run = Run { series, ..Run::default() };
/// let records = meaning::records(&run, "runs/lr_1e-3/log.csv");
/// assert_eq!((records[0].loss.len(), records[0].val_loss.len()), (2, 2));
/// assert_eq!(records[0].base_lr(), Some(1e-3));
/// ```
pub fn records(run: &Run, path: &str) -> Vec<Record> {
    let record = record(run, path);
    rows(run, &record).unwrap_or_else(|| vec![record])
}

fn record(run: &Run, path: &str) -> Record {
    let lowest = |pass: &dyn Fn((u8, u8, usize)) -> bool| {
        let all = run.series.iter().filter_map(|s| Some((rank(&s.name)?, s))).filter(|(r, _)| pass(*r));
        all.min_by_key(|(r, s)| (r.1, r.0, std::cmp::Reverse(s.points.len().min(3)), r.2)).map(|(_, s)| s)
    };
    // Held-out scores come first.
    let score = lowest(&|r| r.1 == 2 && r.0 < 2).or_else(|| lowest(&|r| r.1 == 2));
    // In reinforcement learning the losses of policy and critic do not show how good the run is,
    // only that it broke.
    let rewarded = score.is_some_and(|s| is_reward(&s.name));
    // A name that is only a split is its loss where no loss is named.
    let named = run.series.iter().any(|s| rank(&s.name).is_some_and(|r| r.1 < 3));
    let bare = |held_out: bool| {
        run.series.iter().find(|s| !named && bare_split(&s.name).map(DataSplit::is_held_out) == Some(held_out))
    };
    let tells = |s: &&NamedSeries| !rewarded || s.points.last().is_some_and(|p| !p.1.is_finite());
    let val = lowest(&|r| r.1 < 2 && r.0 < 2).filter(tells).or_else(|| bare(true));
    let train = lowest(&|r| r.1 < 2 && r.0 >= 2).filter(tells).or_else(|| bare(false));
    // Of several groups of parameters, the one with the highest rate stands for the run.
    let rate = run
        .series
        .iter()
        .filter(|s| is_rate(&s.name) && s.points.iter().any(|p| p.1 > 0.0))
        .max_by(|a, b| peak(a).total_cmp(&peak(b)));
    let norm = run.series.iter().find(|s| is_grad_norm(&s.name));
    let tidy = |s: Option<&NamedSeries>| s.map_or_else(Series::default, |s| Series::new(s.points.iter().copied()));
    let loss = |s: Option<&NamedSeries>| {
        s.map_or_else(Series::default, |s| Series::new(s.points.iter().copied().chain(left_out(run, s))))
    };
    let name = if run.name.is_empty() { path.to_owned() } else { format!("{path}#{}", run.name) };
    let mut facts = facts(run, path);
    let binary = [train, val].into_iter().flatten().any(|s| is_binary(&s.name));
    facts.classes = facts.classes.or(binary.then_some(2));
    facts.game = train.or(val).is_some_and(|s| is_game(&s.name, run.series.iter().map(|s| s.name.as_str())));
    Record {
        loss: loss(train),
        val_loss: loss(val),
        lr: tidy(rate),
        grad_norm: tidy(norm),
        score: tidy(score),
        facts,
        name,
    }
}

fn is_reward(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name.contains("reward") || name.split(|c: char| !c.is_alphanumeric()).any(|p| p == "return" || p == "returns")
}

/// Whether the name is that of a cross-entropy of two classes, as users of XGBoost, LightGBM, Keras
/// and PyTorch call it.
fn is_binary(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let parts = || name.split(|c: char| !c.is_alphanumeric());
    parts().any(|p| p == "bce") || name.contains("binary") || parts().any(|p| p == "logloss") && !name.contains("multi")
}

/// The steps from which on a loss was left out, while a series logged beside it from the first step
/// (an accuracy, the rate) continues: the loss was not finite. Pandas writes NaN as an empty cell,
/// many tools write it as JSON's null.
fn left_out(run: &Run, loss: &NamedSeries) -> Vec<(f64, f64)> {
    let count = loss.points.len();
    let whole = |s: &NamedSeries| s.seen == s.points.len() as u64;
    if count < 2 || !whole(loss) {
        return Vec::new();
    }
    let beside = |s: &&NamedSeries| {
        s.points.len() >= count + LEFT_OUT
            && whole(s)
            && rank(&s.name).is_none_or(|r| r.1 >= 2)
            && s.points.iter().zip(&loss.points).all(|(a, b)| a.0 == b.0)
    };
    let other = run.series.iter().find(beside);
    other.map(|s| s.points.iter().skip(count).map(|p| (p.0, f64::NAN)).collect()).unwrap_or_default()
}

fn peak(series: &NamedSeries) -> f64 {
    series.points.iter().map(|p| p.1).filter(|v| v.is_finite()).fold(0.0, f64::max)
}

/// Facts that are fields of [`Facts`] or have no use there; the others are kept under their names.
const KNOWN: [&str; 8] =
    ["lr", "num_classes", "total_steps", "total_epochs", "optimizer", "schedule", "seed", "command"];

fn facts(run: &Run, path: &str) -> Facts {
    let number = |name: &str| run.facts.get(name).and_then(|v| v.trim().parse::<f64>().ok()).filter(|v| v.is_finite());
    let words = |name: &str| run.facts.get(name).map(|v| v.to_ascii_lowercase());
    let total = if CounterKind::of(&run.counter).is_epoch() { "total_epochs" } else { "total_steps" };
    let told = number("lr").or_else(|| rate_in(&run.name)).or_else(|| rate_in(path));
    let other: BTreeMap<String, String> =
        run.facts.iter().filter(|(k, _)| !KNOWN.contains(&k.as_str())).map(|(k, v)| (k.clone(), v.clone())).collect();
    Facts {
        lr: told.filter(|lr| *lr > 0.0),
        classes: number("num_classes").filter(|c| *c >= 2.0 && *c < 1e7).map(|c| c as u32),
        total_steps: number(total),
        optimizer: words("optimizer"),
        schedule: words("schedule"),
        other,
        ..Facts::default()
    }
}

/// The rate in a name: `lr=0.1`, `lr_1e-3`, `lr0.01-seed2`, `eta-0.5`, `learning_rate_3e-4`.
pub fn rate_in(name: &str) -> Option<f64> {
    let name = name.to_ascii_lowercase();
    for word in ["learning_rate", "learningrate", "learning-rate", "eta0", "eta", "lr"] {
        for (at, _) in name.match_indices(word) {
            let before = name[..at].chars().next_back();
            if before.is_some_and(char::is_alphanumeric) {
                continue;
            }
            let rest = name[at + word.len()..].trim_start_matches(['=', '_', '-', ':', ' ', '~']);
            let end = rest
                .char_indices()
                .find(|(i, c)| {
                    let sign = *c == '-' && rest[..*i].ends_with('e');
                    !(c.is_ascii_digit() || *c == '.' || sign || *c == 'e' && *i > 0)
                })
                .map_or(rest.len(), |(i, _)| i);
            let text = rest[..end].trim_end_matches(['.', 'e', '-']);
            // `lr0p01` is not read; `lr0.01.csv` is 0.01.
            if let Some(rate) = text.parse::<f64>().ok().filter(|r| *r > 0.0 && r.is_finite()) {
                return Some(rate);
            }
        }
    }
    None
}

/// The rows of a sweep as records, if the table is one.
fn rows(run: &Run, whole: &Record) -> Option<Vec<Record>> {
    let rate = run.series.iter().find(|s| is_rate(&s.name))?;
    let count = rate.points.len();
    if !run.counter.is_empty() || !SWEEP_ROWS.contains(&count) {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn series(name: &str, values: &[f64]) -> NamedSeries {
        let points = values.iter().enumerate().map(|(i, v)| (i as f64, *v)).collect();
        NamedSeries { name: name.into(), points, seen: values.len() as u64 }
    }

    #[test]
    fn a_loss_that_is_left_out_for_good_was_not_finite() {
        let run = |loss: &[f64], beside: &str, name: &str| Run {
            series: vec![series(name, loss), series(beside, &[0.1; 8])],
            ..Run::default()
        };
        let broken = |run: &Run| {
            let record = &records(run, "a.csv")[0];
            record.loss.broken().len() + record.val_loss.broken().len()
        };
        assert_eq!(broken(&run(&[2.3, 4.0, 9.0], "accuracy", "loss")), 5);
        assert_eq!(broken(&run(&[2.3, 4.0, 9.0], "lr", "val_loss")), 5);
        // Evaluated once before the first step; the rows of a last test; another loss that goes on.
        assert_eq!(broken(&run(&[2.3], "lr", "val_loss")), 0);
        assert_eq!(broken(&run(&[2.3; 6], "accuracy", "loss")), 0);
        assert_eq!(broken(&run(&[2.3, 4.0, 9.0], "train_loss", "val_loss")), 0);
        // An evaluation of every second step.
        let mut sparse = run(&[2.3, 2.0, 1.9], "lr", "val_loss");
        sparse.series[0].points.iter_mut().for_each(|p| p.0 *= 2.0);
        assert_eq!(broken(&sparse), 0);
    }

    #[test]
    fn names_find_their_place() {
        let v = [1.0, 0.5, 0.4];
        let run = Run {
            series: ["epoch", "loss", "accuracy", "val_loss", "val_accuracy", "lr", "grad_norm"]
                .map(|n| series(n, &if n.ends_with("accuracy") { [0.1, 0.2, 0.3] } else { v }))
                .to_vec(),
            counter: "epoch".into(),
            facts: BTreeMap::from([
                ("num_classes".into(), "10".into()),
                ("total_epochs".into(), "30".into()),
                ("optimizer".into(), "AdamW".into()),
                ("hidden".into(), "64".into()),
            ]),
            ..Run::default()
        };
        let record = &records(&run, "a.csv")[0];
        assert_eq!([&record.loss, &record.val_loss, &record.lr, &record.grad_norm].map(Series::len), [3; 4]);
        assert_eq!(record.score.values(), [0.1, 0.2, 0.3]);
        assert_eq!((record.facts.classes, record.facts.total_steps), (Some(10), Some(30.0)));
        assert_eq!(record.facts.optimizer.as_deref(), Some("adamw"));
        assert_eq!(record.facts.other.get("hidden").map(String::as_str), Some("64"));
    }

    #[test]
    fn splits_without_a_name_are_their_losses_where_no_loss_is_named() {
        let of = |names: &[&str]| {
            let run = Run { series: names.iter().map(|n| series(n, &[1.0, 0.5])).collect(), ..Run::default() };
            let record = records(&run, "a.txt").remove(0);
            (record.loss.len(), record.val_loss.len(), record.score.len())
        };
        assert_eq!(of(&["train", "valid", "lr"]), (2, 2, 0));
        assert_eq!(of(&["loss", "train", "test"]), (2, 0, 0));
        assert_eq!(of(&["train", "val", "accuracy"]), (0, 0, 2));
    }

    #[test]
    fn a_reward_is_not_told_by_the_losses_of_its_policy() {
        let run = Run {
            series: vec![
                series("mean_reward", &[0.1, 0.5]),
                series("policy_loss", &[1.0, 2.0]),
                series("entropy", &[1.0, 0.1]),
            ],
            ..Run::default()
        };
        let record = &records(&run, "a.csv")[0];
        assert_eq!((record.loss.len(), record.val_loss.len(), record.score.len()), (0, 0, 2));
    }

    #[test]
    fn rates_in_names() {
        for (name, rate) in [
            ("runs/lr=0.1/log.txt", 0.1),
            ("lr_1e-3.csv", 1e-3),
            ("mlp-lr0.01-seed2.jsonl", 0.01),
            ("learning_rate_3e-4/x", 3e-4),
            ("a_eta0_0.5.csv", 0.5),
            ("job3_lr2.csv", 2.0),
        ] {
            assert_eq!(rate_in(name), Some(rate), "{name}");
        }
        for name in ["beta0.9", "clr0.1", "log.csv", "lr.csv", "early_lr_schedule"] {
            assert_eq!(rate_in(name), None, "{name}");
        }
    }

    #[test]
    fn a_table_of_runs_is_a_sweep_and_a_schedule_is_not() {
        let table = |rates: &[f64]| Run {
            series: vec![series("lr", rates), series("val_loss", &vec![0.5; rates.len()])],
            ..Run::default()
        };
        let found = records(&table(&[1e-3, 1e-2, 1e-1, 1.0]), "sweep.csv");
        assert_eq!((found.len(), found[2].base_lr()), (4, Some(0.1)));
        assert_eq!(records(&table(&[0.1, 0.09, 0.08, 0.07]), "log.csv").len(), 1);
        let steps = Run { counter: "step".into(), ..table(&[1e-3, 1e-2, 1e-1, 1.0]) };
        assert_eq!(records(&steps, "log.csv").len(), 1);
    }
}
