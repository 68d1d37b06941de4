//! [`records`]: turns a run into the [`Record`] that a diagnosis reads. It finds the training loss,
//! the validation loss, the rate, the gradient norm and the score among the series, and the facts
//! that are known by their names. [`read`] also says what it took.
//!
//! A table with one row for each run (a sweep: no step, rates that are spread) becomes one record
//! for each row.

mod bare;
mod boosting;
mod pick;
mod rates;
mod rows;
mod sums;
mod taken;
mod twins;

pub use rates::rate_in;
pub(crate) use sums::SUM;
pub use taken::{Role, SeenSeries, Taken};

use crate::choose::rank;
use crate::names::{CounterKind, DataSplit, is_accuracy, weight};
use crate::number;
use crate::run::{NamedSeries, Run};
use pick::Picked;
use std::collections::{BTreeMap, HashSet};
use stepsize::Result;
use stepsize::diagnosis::{Facts, Record, Series, is_game};

/// A loss that is left out at least this often at the end was not finite.
const LEFT_OUT: usize = 3;

/// What the user says of the names in a log. Each part may be left open.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Asked {
    /// The name of the metric by which the run is judged; case and punctuation do not matter.
    pub metric: Option<String>,
    /// Whether high is good for it.
    pub maximize: Option<bool>,
    /// The name of the series of the rate.
    pub rate: Option<String>,
    /// The base rate, whatever the log says.
    pub lr: Option<f64>,
    /// The number of classes, whatever the log says.
    pub classes: Option<u32>,
}

impl Asked {
    /// Puts the base rate and the number of classes where the log had others or none.
    fn settle(&self, facts: &mut Facts, rate: &mut Option<(f64, String)>) {
        if self.rate.is_some() {
            (facts.lr, *rate) = (None, None);
        }
        if let Some(lr) = self.lr {
            facts.lr = Some(lr);
            *rate = Some((lr, "the argument lr".to_owned()));
        }
        facts.classes = self.classes.or(facts.classes);
    }
}

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
    read(run, path, &Asked::default())
        .map(|all| all.into_iter().map(|(record, _)| record).collect())
        .unwrap_or_default()
}

/// As [`records`], each with what it was made of, and with the names that the user gives.
///
/// # Errors
/// `is_invalid` if a name that was asked for is not in the run; the message has those that are.
pub fn read(run: &Run, path: &str, asked: &Asked) -> Result<Vec<(Record, Taken)>> {
    let summed = sums::with_sums(run).or_else(|| bare::with_loss(run).filter(|_| asked.metric.is_none()));
    let run = summed.as_ref().unwrap_or(run);
    let picked = Picked::of(run, asked)?;
    let record = record(run, path, &picked);
    let mut taken = Taken::new(run, &picked.roles());
    taken.losses_of(&record, (picked.log_loss, picked.log_val));
    taken.rate = record.facts.lr.map(|lr| (lr, source_of_rate(run).to_owned()));
    let mut out: Vec<(Record, Taken)> = match rows::sweep_rows(run, &record) {
        Some(records) => records.into_iter().map(|r| (r, taken.clone())).collect(),
        None => vec![(record, taken)],
    };
    out.iter_mut().for_each(|(record, taken)| asked.settle(&mut record.facts, &mut taken.rate));
    Ok(out)
}

fn record<'a>(run: &'a Run, path: &str, picked: &Picked<'a>) -> Record {
    let tidy = |s: Option<&NamedSeries>| s.map_or_else(Series::default, |s| Series::new(s.points.iter().copied()));
    let broken = picked.norm.map(broken_steps).unwrap_or_default();
    let loss = |s: Option<&NamedSeries>, log: bool| {
        let Some(s) = s else { return Series::default() };
        let value = |(step, value): &(f64, f64)| match () {
            // The Trainer of Hugging Face writes a loss that is not finite as 0.0.
            () if *value == 0.0 && broken.contains(&step.to_bits()) => (*step, f64::NAN),
            () if log => (*step, value.ln()),
            () => (*step, *value),
        };
        Series::new(s.points.iter().map(value).chain(left_out(run, s)))
    };
    let name = if run.name.is_empty() { path.to_owned() } else { format!("{path}#{}", run.name) };
    let mut facts = facts(run, path);
    facts.lr = facts.lr.or_else(|| rates::of_stem(path, picked.rate));
    // What was applied above the rate of the configuration, or never came near it, was another one,
    // or a multiple of it.
    let other = |(lr, applied)| rates::exceeds(applied, lr) || rates::stays_below(applied, lr);
    if facts.lr.zip(picked.rate).is_some_and(other) {
        facts.lr = None;
    }
    facts.boosted = boosting::is_boosted(run);
    facts.other_score = picked.score.is_some_and(|s| !is_accuracy(&s.name));
    let binary = [picked.loss, picked.val].into_iter().flatten().any(|s| is_binary(&s.name));
    facts.classes = facts.classes.or(binary.then_some(2));
    // A part of a loss is minimized with the whole; one that compares with the data falls whatever
    // the other network does.
    let compares = |name: &str| {
        let name = name.to_ascii_lowercase();
        name.split(|c: char| !c.is_alphanumeric()).any(|w| matches!(w, "mel" | "rec" | "recon" | "reconstruction"))
    };
    let whole = |name: &'a str| if weight(name) > 1 && !compares(name) { "loss" } else { name };
    let names = || run.series.iter().map(|s| s.name.as_str());
    facts.game = picked.loss.or(picked.val).is_some_and(|s| is_game(whole(&s.name), names()));
    Record {
        loss: loss(picked.loss, picked.log_loss),
        val_loss: loss(picked.val, picked.log_val),
        lr: tidy(picked.rate),
        grad_norm: tidy(picked.norm),
        score: tidy(picked.score),
        facts,
        name,
    }
}

/// The steps at which a gradient norm was not finite, as bits.
fn broken_steps(norm: &NamedSeries) -> HashSet<u64> {
    norm.points.iter().filter(|p| !p.1.is_finite()).map(|p| p.0.to_bits()).collect()
}

fn split_is_held_out(name: &str) -> bool {
    DataSplit::in_name(name).is_some_and(DataSplit::is_held_out)
}

/// Whether the name is that of a cross-entropy of two classes, as users of XGBoost, LightGBM, Keras
/// and PyTorch call it.
fn is_binary(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let parts = || name.split(|c: char| !c.is_alphanumeric());
    parts().any(|p| p == "bce") || name.contains("binary") || parts().any(|p| p == "logloss") && !name.contains("multi")
}

/// The steps from which on a loss was left out, while a series logged beside it from the first step
/// (an accuracy, the rate) continues with the counter of both: the loss was not finite. Without a
/// counter nothing shows that the two were due together.
fn left_out(run: &Run, loss: &NamedSeries) -> Vec<(f64, f64)> {
    let count = loss.points.len();
    let whole = |s: &NamedSeries| s.seen == s.points.len() as u64;
    if count < 2 || !whole(loss) || run.counter.is_empty() {
        return Vec::new();
    }
    // Of what is told within the last epoch only, the loss was not due.
    let (Some(first), Some(last)) = (loss.points.first(), loss.points.last()) else { return Vec::new() };
    let due = last.0 + (last.0 - first.0) / (count - 1) as f64 * (LEFT_OUT as f64 - 0.5);
    let beside = |s: &&NamedSeries| {
        s.points.len() >= count + LEFT_OUT
            && s.points.last().is_some_and(|p| p.0 >= due)
            && whole(s)
            && rank(&s.name).is_none_or(|r| r.1 >= 2)
            && s.points.iter().zip(&loss.points).all(|(a, b)| a.0 == b.0)
    };
    let other = run.series.iter().find(beside);
    other.map(|s| s.points.iter().skip(count).map(|p| (p.0, f64::NAN)).collect()).unwrap_or_default()
}

/// Facts that are fields of [`Facts`] or have no use there; the others are kept under their names.
const KNOWN: [&str; 10] = [
    "lr",
    "num_classes",
    "total_steps",
    "total_epochs",
    "optimizer",
    "schedule",
    "seed",
    "command",
    "interrupted",
    "rows_are_runs",
];

fn facts(run: &Run, path: &str) -> Facts {
    let number = |name: &str| run.facts.get(name).and_then(|v| told(v)).filter(|v| v.is_finite());
    let words = |name: &str| run.facts.get(name).map(|v| v.to_ascii_lowercase());
    let total = if CounterKind::of(&run.counter).is_epoch() { "total_epochs" } else { "total_steps" };
    let lr = number("lr").filter(|lr| *lr > 0.0).or_else(|| rate_in(&run.name)).or_else(|| rate_in(path));
    let other: BTreeMap<String, String> =
        run.facts.iter().filter(|(k, _)| !KNOWN.contains(&k.as_str())).map(|(k, v)| (k.clone(), v.clone())).collect();
    Facts {
        lr: lr.filter(|lr| *lr > 0.0),
        classes: number("num_classes").filter(|c| *c >= 2.0 && *c < 1e7).map(|c| c as u32),
        total_steps: number(total),
        optimizer: words("optimizer"),
        schedule: words("schedule"),
        table: run.facts.contains_key("rows_are_runs"),
        interrupted: run.facts.contains_key("interrupted"),
        other,
        ..Facts::default()
    }
}

/// The number in a setting, as configurations print it.
fn told(text: &str) -> Option<f64> {
    let text = text.trim().trim_matches(['"', '\'']);
    number::told(text.as_bytes()).or_else(|| number::whole(text.replacen(',', ".", 1).as_bytes()))
}

/// Where the base rate of [`facts`] is from.
fn source_of_rate(run: &Run) -> &'static str {
    match () {
        () if run.facts.get("lr").and_then(|v| told(v)).is_some_and(|lr| lr > 0.0) => "the configuration",
        () if rate_in(&run.name).is_some() => "the name of the run",
        () => "the name of the file",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn series(name: &str, values: &[f64]) -> NamedSeries {
        let points = values.iter().enumerate().map(|(i, v)| (i as f64, *v)).collect();
        NamedSeries { name: name.into(), points, seen: values.len() as u64 }
    }

    #[test]
    fn a_loss_that_is_left_out_for_good_was_not_finite() {
        let run = |loss: &[f64], beside: &str, name: &str| Run {
            series: vec![series(name, loss), series(beside, &[0.1; 8])],
            counter: "epoch".into(),
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
        // Without a counter nothing shows that both were due together.
        let uncounted = Run { counter: String::new(), ..run(&[2.3, 4.0, 9.0], "accuracy", "loss") };
        assert_eq!(broken(&uncounted), 0);
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
                series("mean_reward", &[0.1, 0.5, 0.6]),
                series("policy_loss", &[1.0, 2.0, 1.0]),
                series("entropy", &[1.0, 0.1, 0.1]),
            ],
            ..Run::default()
        };
        let record = &records(&run, "a.csv")[0];
        assert_eq!((record.loss.len(), record.val_loss.len(), record.score.len()), (0, 0, 3));
        // A reward that was read once drops no curve.
        let run =
            Run { series: vec![series("return", &[1.0]), series("val_loss", &[1.0, 0.5, 0.4])], ..Run::default() };
        assert_eq!(records(&run, "a.txt")[0].val_loss.len(), 3);
    }

    #[test]
    fn a_loss_of_zero_beside_a_gradient_that_broke_was_not_finite() {
        let run = Run {
            series: vec![series("loss", &[2.3, 0.0, 0.0]), series("grad_norm", &[1.0, f64::NAN, f64::NAN])],
            counter: "epoch".into(),
            ..Run::default()
        };
        assert_eq!(records(&run, "a.txt")[0].loss.broken(), [1.0, 2.0]);
    }

    #[test]
    fn a_curve_before_a_summary_and_the_whole_before_its_parts() {
        let long = [1.0, 0.5, 0.4];
        let taken = |all: &[(&str, &[f64])]| {
            let run = Run { series: all.iter().map(|(n, v)| series(n, v)).collect(), ..Run::default() };
            let (_, taken) = read(&run, "a.txt", &Asked::default()).unwrap().remove(0);
            [Role::Loss, Role::Validation, Role::Score].map(|r| taken.of(r).map(|s| s.name.clone()).unwrap_or_default())
        };
        assert_eq!(
            taken(&[("loss_cls", &long), ("total_loss", &long), ("val_acc", &long)]),
            ["total_loss", "", "val_acc"]
        );
        assert_eq!(taken(&[("loss", &[0.7]), ("train_loss", &long)]), ["train_loss", "", ""]);
        assert_eq!(taken(&[("dynamics_loss_epoch", &long), ("train_loss_epoch", &long)]), ["train_loss_epoch", "", ""]);
        assert_eq!(taken(&[("loss", &long), ("val_err", &[80.0, 70.0, 60.0])]), ["loss", "", ""]);
        assert_eq!(taken(&[("train_obj", &long), ("valid_obj", &long)]), ["train_obj", "valid_obj", ""]);
        assert_eq!(taken(&[("loss_disc", &long), ("loss_mel", &long)]), ["loss_mel", "", ""]);
    }

    #[test]
    fn what_is_asked_for_is_taken() {
        let run = Run {
            series: vec![series("loss", &[1.0, 0.5]), series("quality", &[0.1, 0.5]), series("speed", &[0.1, 0.1])],
            ..Run::default()
        };
        let asked = Asked {
            metric: Some("Quality".into()),
            maximize: Some(true),
            rate: Some("speed".into()),
            ..Asked::default()
        };
        let (record, taken) = read(&run, "a.txt", &asked).unwrap().remove(0);
        assert_eq!((record.loss.len(), record.score.values(), record.base_lr()), (0, vec![0.1, 0.5], Some(0.1)));
        assert!(taken.to_string().contains("score quality (2, 0.1 .. 0.5)"), "{taken}");
        let wrong = Asked { metric: Some("f1".into()), ..Asked::default() };
        assert!(read(&run, "a.txt", &wrong).unwrap_err().to_string().contains("it has loss, quality, speed"));
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
