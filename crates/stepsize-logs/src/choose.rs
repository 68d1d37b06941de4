//! Which of the names in a log is the metric, the step, the rate.

use stepsize::{Error, Result};

/// Low is good for a metric with one of these in its name.
const MINIMIZE: [&str; 36] = [
    "loss",
    "nll",
    "ppl",
    "perplexity",
    "bpb",
    "bpc",
    "bpd",
    "error",
    "err",
    "rmse",
    "mse",
    "mae",
    "mape",
    "rmsle",
    "logloss",
    "mlogloss",
    "xent",
    "crossentropy",
    "entropy",
    "wer",
    "cer",
    "fid",
    "cost",
    "l1",
    "l2",
    "kl",
    "objective",
    "ce",
    "regret",
    "negloglik",
    "fval",
    "fun",
    "hinge",
    "inertia",
    "deviance",
    "distortion",
];

/// High is good for a metric with one of these in its name.
const MAXIMIZE: [&str; 27] = [
    "acc",
    "accuracy",
    "f1",
    "auc",
    "auroc",
    "reward",
    "return",
    "bleu",
    "rouge",
    "r2",
    "map",
    "map50",
    "ap",
    "miou",
    "iou",
    "dice",
    "ndcg",
    "mrr",
    "recall",
    "precision",
    "psnr",
    "ssim",
    "score",
    "top1",
    "top5",
    "success",
    "correct",
];

/// Names with one of these are about speed, size or state, not about how good the model is.
const ASIDE: [&str; 26] = [
    "time", "eta", "mem", "memory", "mfu", "scale", "norm", "gnorm", "lr", "rate", "decay", "momentum", "sec",
    "seconds", "speed", "runtime", "per", "rank", "size", "coef", "weight", "skipped", "flops", "elapsed", "best",
    "wall",
];

/// Counters of optimizer steps, the best first.
const STEPS: [&str; 18] = [
    "global_step",
    "trainer_global_step",
    "train_global_step",
    "num_updates",
    "step",
    "steps",
    "_step",
    "train_step",
    "iteration",
    "iterations",
    "iter",
    "iters",
    "it",
    "update",
    "updates",
    "batch",
    "minibatch",
    "round",
];

/// Counters of passes over the data, then of data.
const EPOCHS: [&str; 5] = ["epoch", "epochs", "ep", "tokens", "samples"];

/// What the user asked for; all of it may be left open.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Wanted {
    /// The metric's name, as in the log; case and punctuation do not matter.
    pub metric: Option<String>,
    /// The name of the step or epoch.
    pub step: Option<String>,
    /// Whether high is good.
    pub maximize: Option<bool>,
}

/// What the names of a log mean.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    /// The metric to compare runs by.
    pub metric: String,
    /// Whether a high metric is good.
    pub maximize: bool,
    /// The training loss, where it is another column than the metric.
    pub train: Option<String>,
    /// The counter of steps, or of epochs where there is no other.
    pub step: Option<String>,
    /// The learning rate.
    pub lr: Option<String>,
    /// The gradient norm.
    pub grad_norm: Option<String>,
    /// One line: what was chosen and why.
    pub why: String,
}

/// Chooses among the names of a log; validation before test before training, a loss before another metric.
///
/// # Errors
/// `is_invalid` if a wanted name is not among them, or if no name is known as a metric and none was wanted.
pub fn choose<S: AsRef<str>>(names: &[S], wanted: &Wanted) -> Result<Choice> {
    let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
    let seen = || if names.is_empty() { "no name with a number".to_owned() } else { names.join(", ") };
    let find = |what: &str, name: &str| {
        let exact = names.iter().find(|n| **n == name);
        exact.or_else(|| names.iter().find(|n| plain(n) == plain(name))).copied().ok_or_else(|| {
            Error::invalid(format!("no {what} `{name}` in this log; it has {}; name one of them", seen()))
        })
    };
    let (metric, reason) = match &wanted.metric {
        Some(name) => (find("metric", name)?, "asked for".to_owned()),
        None => {
            let best = names.iter().filter_map(|n| Some((rank(n)?, *n))).min_by_key(|(rank, _)| *rank);
            let (rank, name) = best.ok_or_else(|| {
                Error::invalid(format!(
                    "no metric is known by its name in this log; it has {}; name one of them as the metric",
                    seen()
                ))
            })?;
            let split = ["a validation", "a test", "the only kind of", "a training", "an unnamed"]
                .get(usize::from(rank.0))
                .unwrap_or(&"a");
            let kind = if rank.1 == 0 || rank.1 == 3 { "loss" } else { "metric" };
            let others = names.iter().filter(|n| metric_direction(n).is_some()).count() - 1;
            (name, format!("{split} {kind}, before {others} other{}", if others == 1 { "" } else { "s" }))
        }
    };
    let known = maximizes(metric);
    let maximize = wanted.maximize.or(known).unwrap_or(false);
    let step = match &wanted.step {
        Some(name) => Some(find("step", name)?),
        None => counter(&names),
    };
    let train = names
        .iter()
        .filter(|n| **n != metric && metric_direction(n) == Some(false))
        .filter_map(|n| rank(n).filter(|r| r.0 >= 2).map(|r| (r, *n)))
        .min_by_key(|(rank, _)| *rank)
        .map(|(_, n)| n.to_owned());
    let direction = match (wanted.maximize, known) {
        (Some(_), _) => "as asked",
        (None, Some(_)) => "by its name",
        (None, None) => "direction not known by name, assumed",
    };
    let why = format!(
        "metric {metric} ({reason}; {} is good, {direction}); step {}",
        if maximize { "high" } else { "low" },
        step.unwrap_or("counted by readings")
    );
    Ok(Choice {
        metric: metric.to_owned(),
        maximize,
        train,
        step: step.map(str::to_owned),
        lr: names.iter().find(|n| is_rate(n)).map(|n| (*n).to_owned()),
        grad_norm: names.iter().find(|n| is_grad_norm(n)).map(|n| (*n).to_owned()),
        why,
    })
}

/// Whether high is good, as far as the name tells.
pub fn maximizes(name: &str) -> Option<bool> {
    let plain = plain(name);
    if bare_split(name).is_some() {
        return Some(false);
    }
    // The value of a plain function, as optimizers print it; the likelihood that is made small.
    if matches!(plain.as_str(), "f" | "f_x") || plain.contains("neg_log_lik") || plain.contains("negative_log_lik") {
        return Some(false);
    }
    let mut parts = plain.rsplit('_');
    parts.find_map(|part| {
        // That of a policy is no loss.
        if part == "entropy" && !plain.contains("cross") {
            return None;
        }
        let part = if MAXIMIZE.contains(&part) || MINIMIZE.contains(&part) {
            part
        } else {
            part.trim_end_matches(char::is_numeric)
        };
        if MINIMIZE.contains(&part) || part.ends_with("loss") {
            Some(false)
        } else {
            (MAXIMIZE.contains(&part) || part.ends_with("accuracy")).then_some(true)
        }
    })
}

/// Whether a name is that of a split alone, as a table's `step  train  valid` has it for their losses: whether of the held-out one.
pub(crate) fn bare_split(name: &str) -> Option<bool> {
    match plain(name).as_str() {
        "train" | "training" => Some(false),
        "val" | "valid" | "validation" | "dev" | "eval" | "test" => Some(true),
        _ => None,
    }
}

/// Place of a counter of steps among its like; less is better.
pub fn step_rank(name: &str) -> Option<usize> {
    let plain = plain(name);
    STEPS.iter().position(|s| s.trim_matches('_') == plain)
}

/// Place of a counter of epochs or data among its like.
pub fn epoch_rank(name: &str) -> Option<usize> {
    let plain = plain(name);
    EPOCHS.iter().position(|s| *s == plain)
}

/// Whether a name counts steps, epochs or data.
pub fn is_counter(name: &str) -> bool {
    step_rank(name).is_some() || epoch_rank(name).is_some()
}

/// Whether a name is that of a counter or of a metric.
pub(crate) fn is_known(name: &str) -> bool {
    is_counter(name) || maximizes(name).is_some()
}

/// The best counter among the names.
fn counter<'a>(names: &[&'a str]) -> Option<&'a str> {
    let best = |place: fn(&str) -> Option<usize>| {
        names.iter().filter_map(|n| Some((place(n)?, *n))).min_by_key(|(place, _)| *place).map(|(_, n)| n)
    };
    best(step_rank).or_else(|| best(epoch_rank))
}

/// Lower case, everything that is no letter or digit made `_`.
fn plain(name: &str) -> String {
    let all: String = name.chars().map(|c| if c.is_alphanumeric() { c.to_ascii_lowercase() } else { '_' }).collect();
    all.trim_matches('_').to_owned()
}

pub(crate) fn is_rate(name: &str) -> bool {
    let plain = plain(name);
    plain.contains("learning_rate") || plain.split('_').any(|p| matches!(p, "lr" | "lr0" | "learningrate" | "stepsize"))
}

pub(crate) fn is_grad_norm(name: &str) -> bool {
    let plain = plain(name);
    plain.contains("gnorm") || plain.contains("grad") && plain.contains("norm")
}

fn metric_direction(name: &str) -> Option<bool> {
    let aside = is_rate(name) || plain(name).split('_').any(|p| ASIDE.contains(&p));
    if aside { None } else { maximizes(name) }
}

/// How fit a name is to compare runs by: split, kind, then the plainest name.
pub(crate) fn rank(name: &str) -> Option<(u8, u8, usize)> {
    let maximize = metric_direction(name)?;
    if bare_split(name).is_some() {
        return Some((4, 3, 1));
    }
    let plain = plain(name);
    let has = |list: &[&str]| plain.split(['_']).any(|p| list.contains(&p.trim_end_matches(char::is_numeric)));
    let split = if has(&["val", "valid", "validation", "eval", "evaluation", "dev"]) {
        0
    } else if has(&["test", "testing"]) {
        1
    } else if has(&["train", "training", "learn"]) {
        3
    } else {
        2
    };
    let kind = if maximize { 2 } else { u8::from(!plain.contains("loss") && !plain.contains("nll")) };
    Some((split, kind, plain.split('_').count()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn metric(names: &[&str], expected: &str, maximize: bool) -> Choice {
        let choice = choose(names, &Wanted::default()).unwrap();
        assert_eq!((choice.metric.as_str(), choice.maximize), (expected, maximize), "{}", choice.why);
        choice
    }

    #[test]
    fn validation_before_training_and_loss_before_others() {
        metric(&["loss", "accuracy", "val_loss", "val_accuracy"], "val_loss", false);
        metric(&["train_loss", "val_accuracy"], "val_accuracy", true);
        metric(&["epoch", "Loss", "Acc@1"], "Loss", false);
        metric(&["train/box_loss", "metrics/mAP50(B)", "lr/pg0", "val/box_loss"], "val/box_loss", false);
        metric(&["loss_scale", "lm_loss", "loss"], "loss", false);
        metric(&["valid_0_auc", "training_auc"], "valid_0_auc", true);
        metric(&["eval-rmse", "train-rmse"], "eval-rmse", false);
        metric(&["episode_reward_mean", "time"], "episode_reward_mean", true);
        metric(&["r2", "lr"], "r2", true);
        metric(&["it", "f(x)", "|grad|"], "f(x)", false);
        metric(&["epoch", "loss", "train", "test"], "loss", false);
        metric(&["iteration", "neg_log_lik", "grad_norm"], "neg_log_lik", false);
        metric(&["objective", "val_hinge"], "val_hinge", false);
        metric(&["mean_reward", "entropy"], "mean_reward", true);
        metric(&["cross_entropy", "entropy"], "cross_entropy", false);
    }

    #[test]
    fn the_other_columns() {
        let choice = metric(&["loss", "grad_norm", "learning_rate", "epoch", "eval_loss", "step"], "eval_loss", false);
        assert_eq!(choice.train.as_deref(), Some("loss"));
        assert_eq!(choice.step.as_deref(), Some("step"));
        assert_eq!(choice.lr.as_deref(), Some("learning_rate"));
        assert_eq!(choice.grad_norm.as_deref(), Some("grad_norm"));
        assert_eq!(choice.why.lines().count(), 1);
    }

    #[test]
    fn what_is_wanted_wins_and_a_wrong_name_says_what_there_is() {
        let wanted = Wanted { metric: Some("VAL acc".into()), step: Some("epoch".into()), maximize: Some(false) };
        let choice = choose(&["step", "epoch", "loss", "val_acc"], &wanted).unwrap();
        assert_eq!(
            (choice.metric.as_str(), choice.maximize, choice.step.as_deref()),
            ("val_acc", false, Some("epoch"))
        );
        let error = choose(&["loss"], &wanted).unwrap_err();
        assert!(error.is_invalid() && error.to_string().contains("it has loss"), "{error}");
        assert!(choose(&["time", "lr"], &Wanted::default()).is_err());
        assert!(choose::<&str>(&[], &Wanted::default()).is_err());
    }
}
