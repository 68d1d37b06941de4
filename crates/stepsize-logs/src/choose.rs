//! [`choose`]: which of the names in a log is the metric, the step, the rate.

use crate::names::{
    CounterKind, DataSplit, bare_split, is_counter, is_grad_norm, is_rate, maximizes, metric_direction, plain, weight,
};
use stepsize::{Error, Result};

/// What the user asked for. Each part may be left open.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Wanted {
    /// The name of the metric in the log; case and punctuation do not matter.
    pub metric: Option<String>,
    /// The name of the counter of steps or epochs.
    pub step: Option<String>,
    /// Whether high is good.
    pub maximize: Option<bool>,
}

/// The names of a log by their meaning.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    /// The metric by which runs are compared.
    pub metric: String,
    /// Whether a high metric is good.
    pub maximize: bool,
    /// The training loss, if it is not the metric.
    pub train: Option<String>,
    /// The counter of steps, or of epochs if there is no other.
    pub step: Option<String>,
    /// The learning rate.
    pub lr: Option<String>,
    /// The gradient norm.
    pub grad_norm: Option<String>,
    /// One line for people: what was chosen and why.
    pub why: String,
    /// Why the metric was chosen.
    reason: String,
}

impl Choice {
    fn new(metric: &str, reason: String, wanted: Option<bool>) -> Self {
        let known = if bare_split(metric).is_some() { None } else { maximizes(metric) };
        let direction = match (wanted, known) {
            (Some(_), _) => "as asked",
            (None, Some(_)) => "by its name",
            (None, None) => "direction not known by name, assumed",
        };
        let mut choice = Self {
            metric: metric.to_owned(),
            maximize: wanted.or(known).unwrap_or(false),
            train: None,
            step: None,
            lr: None,
            grad_norm: None,
            why: String::new(),
            reason,
        };
        choice.tell(direction);
        choice
    }

    fn tell(&mut self, direction: &str) {
        self.why = format!(
            "reading `{}` ({}; {} is better, {direction})",
            self.metric,
            self.reason,
            if self.maximize { "higher" } else { "lower" }
        );
    }

    fn tell_step(&mut self) {
        match &self.step {
            Some(step) => self.why += &format!(", counted by `{step}`"),
            None => self.why += ", readings are counted",
        }
    }

    /// Whether the metric is named after its data alone (`Train=0.7  Test=0.6`): its name does not
    /// say whether high is good.
    pub fn is_bare(&self) -> bool {
        bare_split(&self.metric).is_some()
    }

    /// The same where the readings show that high is good: training makes them rise.
    #[must_use]
    pub fn rising(mut self) -> Self {
        self.maximize = true;
        self.train = self.train.filter(|train| bare_split(train).is_none());
        self.reason = self.reason.replace(" loss", " metric");
        self.tell("as training makes it rise");
        self.tell_step();
        self
    }
}

/// Chooses among the names of a log: validation before test before training, and a loss before
/// another metric.
///
/// # Errors
/// `is_invalid` if a wanted name is not in the log, or if none is wanted and no name is that of a
/// known metric.
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
            // spaCy: `LOSS TOK2VEC`, a sum over the steps since the last row, beside `SCORE`: where
            // all losses are of parts, the score of the whole is what runs are compared by.
            let part = |n: &str| weight(n) > 1;
            let whole = names.iter().find(|n| plain(n) == "score").and_then(|n| Some((rank(n)?, *n)));
            let best = best.map(|best| whole.filter(|_| best.0.1 == 0 && part(best.1)).unwrap_or(best));
            let (rank, name) = best.ok_or_else(|| {
                Error::invalid(format!(
                    "no metric is known by its name in this log; it has {}; name one of them as the metric, or, if none is a \
                     loss or a score, let the program print one",
                    seen()
                ))
            })?;
            let split = match (rank.0, bare_split(name)) {
                (0, _) | (_, Some(DataSplit::Validation | DataSplit::Evaluation)) => "a validation",
                (1, _) | (_, Some(DataSplit::Test)) => "a test",
                (3, _) | (_, Some(DataSplit::Train)) => "a training",
                _ => "the only kind of",
            };
            let kind = if rank.1 == 0 || rank.1 == 3 { "loss" } else { "metric" };
            let others = names.iter().filter(|n| metric_direction(n).is_some()).count() - 1;
            let among = if others > 0 { format!(", taken from {} metrics", others + 1) } else { String::new() };
            (name, format!("{split} {kind}{among}"))
        }
    };
    let step = match &wanted.step {
        Some(name) => Some(find("step", name)?),
        None => counter(&names),
    };
    let held_out = |name: &str| bare_split(name).is_some_and(DataSplit::is_held_out);
    let train = names
        .iter()
        .filter(|n| **n != metric && metric_direction(n) == Some(false) && !held_out(n))
        .filter_map(|n| rank(n).filter(|r| r.0 >= 2).map(|r| (r, *n)))
        .min_by_key(|(rank, _)| *rank)
        .map(|(_, n)| n.to_owned());
    let mut choice = Choice {
        train,
        step: step.map(str::to_owned),
        lr: names.iter().find(|n| is_rate(n)).map(|n| (*n).to_owned()),
        grad_norm: names.iter().find(|n| is_grad_norm(n)).map(|n| (*n).to_owned()),
        ..Choice::new(metric, reason, wanted.maximize)
    };
    choice.tell_step();
    Ok(choice)
}

/// The best known counter among the names.
fn counter<'a>(names: &[&'a str]) -> Option<&'a str> {
    names.iter().copied().filter(|n| is_counter(n)).min_by_key(|n| CounterKind::of(n))
}

/// How well a name serves to compare runs: split, kind, how far it is from the whole metric and its
/// number of words (of a name that is a split's alone: which split); less is better. `None`: it is
/// not a metric.
pub(crate) fn rank(name: &str) -> Option<(u8, u8, usize)> {
    let maximize = metric_direction(name)?;
    if let Some(split) = bare_split(name) {
        return Some((4, 3, split as usize));
    }
    let split = match DataSplit::in_name(name) {
        Some(DataSplit::Validation | DataSplit::Evaluation) => 0,
        Some(DataSplit::Test) => 1,
        None => 2,
        Some(DataSplit::Train) => 3,
    };
    let plain = plain(name);
    let kind = if maximize { 2 } else { u8::from(!plain.contains("loss") && !plain.contains("nll")) };
    // A letter may be anything: a class in a table of confusions, too.
    let words = if plain.len() == 1 { 64 } else { plain.split('_').count().min(15) };
    Some((split, kind, 16 * weight(name) + words))
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
        metric(&["i", "f", "mean_absolute_error"], "mean_absolute_error", false);
        metric(&["epoch", "Loss", "Acc@1"], "Loss", false);
        metric(&["train/box_loss", "metrics/mAP50(B)", "lr/pg0", "val/box_loss"], "val/box_loss", false);
        metric(&["loss_scale", "lm_loss", "loss"], "loss", false);
        metric(&["valid_0_auc", "training_auc"], "valid_0_auc", true);
        metric(&["eval-rmse", "train-rmse"], "eval-rmse", false);
        metric(&["episode_reward_mean", "time"], "episode_reward_mean", true);
        metric(&["r2", "lr"], "r2", true);
        metric(&["it", "f(x)", "|grad|"], "f(x)", false);
        metric(&["epoch", "loss", "train", "test"], "loss", false);
        metric(&["iterations", "Train", "Test"], "Test", false);
        let choice = metric(&["train", "test", "valid"], "valid", false);
        assert_eq!(choice.train.as_deref(), Some("train"));
        metric(&["iteration", "neg_log_lik", "grad_norm"], "neg_log_lik", false);
        metric(&["objective", "val_hinge"], "val_hinge", false);
        metric(&["mean_reward", "entropy"], "mean_reward", true);
        metric(&["E", "LOSS_TOK2VEC", "LOSS_TAGGER", "TAG_ACC", "SCORE"], "SCORE", true);
        metric(&["epoch", "loss", "score"], "loss", false);
        metric(&["cross_entropy", "entropy"], "cross_entropy", false);
        metric(&["Iter", "Alpha", "TRAIN_entropy", "VALID_entropy"], "VALID_entropy", false);
    }

    #[test]
    fn the_other_columns() {
        let choice = metric(&["loss", "grad_norm", "learning_rate", "epoch", "eval_loss", "step"], "eval_loss", false);
        assert_eq!(choice.train.as_deref(), Some("loss"));
        assert_eq!(choice.step.as_deref(), Some("step"));
        assert_eq!(choice.lr.as_deref(), Some("learning_rate"));
        assert_eq!(choice.grad_norm.as_deref(), Some("grad_norm"));
        assert_eq!(choice.why.lines().count(), 1);
        // PyKEEN shows the loss of the epoch before, NaN at first, beside that of this one.
        assert!(metric(&["epoch", "loss", "prev_loss"], "loss", false).train.is_none());
    }

    #[test]
    fn a_name_of_data_alone_does_not_say_whether_high_is_good() {
        let choice = metric(&["Iter", "Train", "Test"], "Test", false);
        assert!(choice.is_bare() && choice.why.contains("a test loss"), "{}", choice.why);
        assert!(choice.why.contains("assumed), counted by `Iter`"), "{}", choice.why);
        let score = choice.rising();
        assert!(score.maximize && score.train.is_none());
        assert!(score.why.contains("higher is better, as training makes it rise), counted by"), "{}", score.why);
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
