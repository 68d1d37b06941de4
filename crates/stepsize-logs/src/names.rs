//! What the names in a log mean: splits of the data, counters, metrics. Every reader asks here.
//!
//! A name is compared in its plain form: lower case, everything that is not a letter or a digit as
//! `_`.

/// The data that a metric was measured on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DataSplit {
    /// Held-out data that is looked at during training.
    Validation,
    /// The same under the name `eval`, which many trainers give it.
    Evaluation,
    /// Held-out data for the end.
    Test,
    /// Data that the model is trained on.
    Train,
}

/// Words that name a split.
const SPLITS: [(&str, DataSplit); 11] = [
    ("train", DataSplit::Train),
    ("training", DataSplit::Train),
    // CatBoost
    ("learn", DataSplit::Train),
    ("val", DataSplit::Validation),
    ("valid", DataSplit::Validation),
    ("validation", DataSplit::Validation),
    ("dev", DataSplit::Validation),
    ("eval", DataSplit::Evaluation),
    ("evaluation", DataSplit::Evaluation),
    ("test", DataSplit::Test),
    ("testing", DataSplit::Test),
];

/// Names of counters of optimizer steps, in their plain form; the best first.
const STEPS: [&str; 17] = [
    "global_step",
    "trainer_global_step",
    "train_global_step",
    "num_updates",
    "step",
    "steps",
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

/// Names of counters of passes over the data, then of data; the best first.
const EPOCHS: [&str; 5] = ["epoch", "epochs", "ep", "tokens", "samples"];

/// Low is good for a metric with one of these words in its name.
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

/// High is good for a metric with one of these words in its name.
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

/// Names with one of these words are about speed, size or state, not about how good the model is.
const ASIDE: [&str; 26] = [
    "time", "eta", "mem", "memory", "mfu", "scale", "norm", "gnorm", "lr", "rate", "decay", "momentum", "sec",
    "seconds", "speed", "runtime", "per", "rank", "size", "coef", "weight", "skipped", "flops", "elapsed", "best",
    "wall",
];

impl DataSplit {
    /// The split that a whole word names, in any case.
    pub(crate) fn of_word(word: &str) -> Option<Self> {
        SPLITS.iter().find(|(known, _)| word.eq_ignore_ascii_case(known)).map(|(_, split)| *split)
    }

    /// The split that a word in a name names: `val/loss`, `valid_0_auc`, `evalLoss`, `valloss`. Of
    /// several it is the first of validation, test and training.
    ///
    /// ```
    /// use stepsize_logs::DataSplit;
    /// assert_eq!(DataSplit::in_name("valid_0_auc"), Some(DataSplit::Validation));
    /// assert_eq!(DataSplit::in_name("value_loss"), None);
    /// ```
    pub fn in_name(name: &str) -> Option<Self> {
        let found = words(name).filter_map(|word| {
            let word = word.trim_end_matches(char::is_numeric);
            Self::of_word(word).or_else(|| Self::before_metric(word))
        });
        found.min()
    }

    /// The split whose name a metric follows without a mark: `valloss`, `testacc`.
    fn before_metric(word: &str) -> Option<Self> {
        let word = word.to_ascii_lowercase();
        let metric = |rest: &str| MINIMIZE.contains(&rest) || MAXIMIZE.contains(&rest);
        let follows = |known: &str| word.strip_prefix(known).is_some_and(metric);
        SPLITS.iter().find(|(known, _)| follows(known)).map(|(_, split)| *split)
    }

    /// Whether the model is not trained on it.
    pub fn is_held_out(self) -> bool {
        self != Self::Train
    }

    /// What stands before the names of its metrics: `val` in `val_loss`.
    pub(crate) fn prefix(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Validation => "val",
            Self::Evaluation => "eval",
            Self::Test => "test",
        }
    }
}

/// The words of a name: between marks, and from a small letter to a capital one.
fn words(name: &str) -> impl Iterator<Item = &str> {
    name.split(|c: char| !c.is_alphanumeric()).flat_map(|part| {
        let mut rest = part;
        std::iter::from_fn(move || {
            let bytes = rest.as_bytes();
            let hump =
                bytes.windows(2).position(|w| matches!(w, [a, b] if a.is_ascii_lowercase() && b.is_ascii_uppercase()));
            let (word, more) = rest.split_at_checked(hump.map_or(rest.len(), |at| at + 1))?;
            rest = more;
            (!word.is_empty()).then_some(word)
        })
    })
}

/// What a name counts. The smaller of two is the better known one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CounterKind {
    /// Optimizer steps, with the rank among the names for them.
    Step(usize),
    /// Epochs or data, with the rank among the names for them.
    Epoch(usize),
    /// Nothing: it is a reading.
    Value,
}

impl CounterKind {
    /// What this name counts.
    pub fn of(name: &str) -> Self {
        match place(name, STEPS.iter().chain(&EPOCHS).copied()) {
            Some(rank) if rank < STEPS.len() => Self::Step(rank),
            Some(rank) => Self::Epoch(rank - STEPS.len()),
            None => Self::Value,
        }
    }

    /// Whether it counts steps.
    pub fn is_step(self) -> bool {
        matches!(self, Self::Step(_))
    }

    /// Whether it counts epochs or data.
    pub fn is_epoch(self) -> bool {
        matches!(self, Self::Epoch(_))
    }
}

/// Whether a name counts steps, epochs or data.
pub fn is_counter(name: &str) -> bool {
    CounterKind::of(name) != CounterKind::Value
}

/// Whether a name is that of a counter or of a metric.
pub(crate) fn is_known(name: &str) -> bool {
    is_counter(name) || maximizes(name).is_some()
}

/// Whether high is good, as far as the name shows it.
pub fn maximizes(name: &str) -> Option<bool> {
    let plain = plain(name);
    if bare_split(name).is_some() {
        return Some(false);
    }
    // The value of a plain function, as optimizers print it; a likelihood that is minimized.
    if matches!(plain.as_str(), "f" | "f_x") || plain.contains("neg_log_lik") || plain.contains("negative_log_lik") {
        return Some(false);
    }
    plain.rsplit('_').find_map(|word| {
        // The entropy of a policy is not a loss.
        if word == "entropy" && !plain.contains("cross") {
            return None;
        }
        direction(word)
    })
}

/// Whether high is good for a metric of which this is a word, in lower case.
fn direction(word: &str) -> Option<bool> {
    let known = |word: &str| MAXIMIZE.contains(&word) || MINIMIZE.contains(&word);
    let word = if known(word) { word } else { word.trim_end_matches(char::is_numeric) };
    if MINIMIZE.contains(&word) || word.ends_with("loss") {
        Some(false)
    } else {
        (MAXIMIZE.contains(&word) || word.ends_with("accuracy")).then_some(true)
    }
}

/// The split of a name that is nothing but a split, as the columns `step  train  valid` have it for
/// their losses.
pub(crate) fn bare_split(name: &str) -> Option<DataSplit> {
    let place = place(name, SPLITS.iter().map(|(known, _)| *known))?;
    SPLITS.get(place).map(|(_, split)| *split)
}

/// As [`maximizes`], but nothing for names about speed, size or state.
pub(crate) fn metric_direction(name: &str) -> Option<bool> {
    let aside = is_rate(name) || plain(name).split('_').any(|p| ASIDE.contains(&p));
    if aside { None } else { maximizes(name) }
}

pub(crate) fn is_rate(name: &str) -> bool {
    let plain = plain(name);
    plain.contains("learning_rate") || plain.split('_').any(|p| matches!(p, "lr" | "lr0" | "learningrate" | "stepsize"))
}

pub(crate) fn is_grad_norm(name: &str) -> bool {
    let plain = plain(name);
    plain.contains("gnorm") || plain.contains("grad") && plain.contains("norm")
}

fn plain_char(c: char) -> char {
    if c.is_alphanumeric() { c.to_ascii_lowercase() } else { '_' }
}

/// A name without the marks around it.
#[inline]
fn without_marks(name: &str) -> &str {
    match name.as_bytes() {
        [first, .., last] if first.is_ascii_alphanumeric() && last.is_ascii_alphanumeric() => name,
        _ => name.trim_matches(|c: char| !c.is_alphanumeric()),
    }
}

/// The plain form of a name.
pub(crate) fn plain(name: &str) -> String {
    without_marks(name).chars().map(plain_char).collect()
}

/// Where the plain form of a name is among `known`, which are ASCII. The line reader asks this of
/// every name, so the form is not made.
#[inline]
fn place<'a>(name: &str, mut known: impl Iterator<Item = &'a str>) -> Option<usize> {
    let name = without_marks(name);
    let plain = |byte: u8| if byte.is_ascii_alphanumeric() { byte.to_ascii_lowercase() } else { b'_' };
    match name.is_ascii() {
        true => known.position(|known| name.len() == known.len() && name.bytes().map(plain).eq(known.bytes())),
        false => known.position(|known| name.chars().map(plain_char).eq(known.chars())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_is_known_however_it_is_written() {
        for name in ["train_step", "train/step", "trainer/global_step", "global-step", "_step", "Epoch", "Num Updates"]
        {
            assert!(is_counter(name), "{name}");
        }
        for name in ["steps_per_epoch", "epoch_time", "loss", "items", ""] {
            assert!(!is_counter(name), "{name}");
        }
        assert!(CounterKind::of("global_step") < CounterKind::of("iter"));
        assert!(CounterKind::of("iter") < CounterKind::of("epoch"));
    }

    #[test]
    fn a_split_is_a_word_of_the_name() {
        for (name, split) in [
            ("val_loss", Some(DataSplit::Validation)),
            ("eval/loss", Some(DataSplit::Evaluation)),
            ("test1-acc", Some(DataSplit::Test)),
            ("trainLoss", Some(DataSplit::Train)),
            ("testacc", Some(DataSplit::Test)),
            ("train_val_loss", Some(DataSplit::Validation)),
            ("value_loss", None),
            ("valueloss", None),
            ("latest_loss", None),
            ("retrieval_loss", None),
            ("loss", None),
        ] {
            assert_eq!(DataSplit::in_name(name), split, "{name}");
        }
    }
}
