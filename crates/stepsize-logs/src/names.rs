//! What the names in a log mean: splits of the data, counters, metrics. Every reader asks here.
//!
//! A name is compared in its plain form: lower case, everything that is not a letter or a digit as
//! `_`, and the words of `camelCase` apart.

mod component;
mod form;
mod vocabulary;

pub(crate) use component::{is_accuracy, is_evaluated, weight};
pub(crate) use form::plain;
use form::{before_set, flat, is_other, place, plain_char, without_index, without_marks};
use vocabulary::{
    ASIDE, EPOCHS, FACTORS, MAXIMIZE, METRICS, MINIMIZE, SHARED, SHARES, SPLIT_SHAPES, SPLITS, STEPS, Shapes,
};

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

impl DataSplit {
    /// The split that a whole word names, in any case.
    pub(crate) fn of_word(word: &str) -> Option<Self> {
        // Asked of every word of a line.
        static SHAPES: Shapes = SPLIT_SHAPES;
        let found = match SHAPES.fit(word) {
            true => SPLITS.iter().find(|(known, _)| word.eq_ignore_ascii_case(known)),
            // `validación`
            false if word.is_ascii() => None,
            false => SPLITS.iter().find(|(known, _)| word.chars().map(plain_char).eq(known.chars())),
        };
        found.map(|(_, split)| *split)
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
        before_set(name).and_then(Self::of_word).or_else(|| found.min()).or_else(|| Self::short(name))
    }

    /// The split that stands in short before a metric: `tr_rmse`, `va_loss`.
    fn short(name: &str) -> Option<Self> {
        let (first, rest) = name.split_once('_')?;
        Self::of_short(first).filter(|_| listed(&rest.to_ascii_lowercase()).is_some())
    }

    /// The split of such a short word, which is one only before a metric.
    pub(crate) fn of_short(word: &str) -> Option<Self> {
        match word {
            "tr" | "TR" | "Tr" => Some(Self::Train),
            "va" | "vl" | "VA" | "Va" => Some(Self::Validation),
            "te" | "TE" | "Te" => Some(Self::Test),
            _ => None,
        }
    }

    /// The split whose name a metric follows without a mark: `valloss`, `testacc`.
    fn before_metric(word: &str) -> Option<Self> {
        let word = word.to_ascii_lowercase();
        let follows = |known: &str| word.strip_prefix(known).is_some_and(|rest| listed(rest).is_some());
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

/// The first letters of the names of counters, a bit each.
const COUNTERS: u32 = initials(STEPS) | initials(EPOCHS);

const fn initials(names: &[&str]) -> u32 {
    let (mut letters, mut i) = (0, 0);
    while i < names.len() {
        letters |= 1 << (names[i].as_bytes()[0] - b'a');
        i += 1;
    }
    letters
}

/// The ranks of the names of counters of each length, a bit each: steps, then epochs.
const LENGTHS: [u64; LONGEST_COUNTER] = {
    let mut lengths = [0; LONGEST_COUNTER];
    let mut i = 0;
    while i < STEPS.len() + EPOCHS.len() {
        let name = if i < STEPS.len() { STEPS[i] } else { EPOCHS[i - STEPS.len()] };
        lengths[name.len()] |= 1 << i;
        i += 1;
    }
    lengths
};
const LONGEST_COUNTER: usize = 24;

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
    /// The rank of the count in a progress bar.
    pub(crate) const BAR: usize = STEPS.len() - 1;

    /// What this name counts.
    pub fn of(name: &str) -> Self {
        // The counters of loggers that sort their names, and of records that keep them in a part:
        // `time/iterations`, `total/steps`, `data/step`.
        let name = match name.split_once('/') {
            Some(("time" | "total" | "counters" | "progress" | "info" | "misc" | "data" | "metrics", rest)) => rest,
            _ => without_index(name),
        };
        // Nearly all names are those of readings: most are known by their first letter.
        let first = without_marks(name).as_bytes().first().map_or(0, |b| b.to_ascii_lowercase().wrapping_sub(b'a'));
        if first < 26 && COUNTERS >> first & 1 == 0 {
            return Self::Value;
        }
        // Of those, few have its length.
        let mut ranks = LENGTHS.get(without_marks(name).len()).copied().unwrap_or(0);
        if !name.is_ascii() {
            ranks = u64::MAX;
        }
        while ranks != 0 {
            let rank = ranks.trailing_zeros() as usize;
            ranks &= ranks - 1;
            let known = STEPS.get(rank).or_else(|| EPOCHS.get(rank.checked_sub(STEPS.len())?));
            if known.is_some_and(|known| place(name, std::iter::once(*known)).is_some()) {
                return if rank < STEPS.len() { Self::Step(rank) } else { Self::Epoch(rank - STEPS.len()) };
            }
        }
        Self::Value
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
    if bare_split(name).is_some() {
        return Some(false);
    }
    let flat = flat(name);
    // The value of a plain function, as optimizers print it; a likelihood that is minimized; bits.
    let bits = ["bit_dim", "bits_dim", "bits_per_dim", "bits_byte"].iter().any(|b| flat.contains(b));
    let negative = || ["neg_log_lik", "negative_log_lik", "neg_lik"].iter().any(|n| flat.contains(n));
    if bits || matches!(flat.as_str(), "f" | "f_x") || negative() {
        return Some(false);
    }
    // spaCy: the mean of precision and recall
    if matches!(flat.as_str(), "ner_f" | "ents_f" | "spans_f") {
        return Some(true);
    }
    if ["top_1", "top_5"]
        .iter()
        .any(|top| flat.split_once(top).is_some_and(|(_, rest)| !rest.starts_with(|c: char| c.is_ascii_digit())))
    {
        return Some(true);
    }
    // `loss_dice`: whatever else a loss is named for.
    if flat.split('_').any(|word| matches!(word, "loss" | "losses" | "cost")) {
        return Some(false);
    }
    // The entropy of a policy is not a loss; that of held-out data is (`VALID entropy: 8.4`).
    let cross = flat.contains("cross") || DataSplit::in_name(name).is_some_and(DataSplit::is_held_out);
    let of = |word: &str| if word == "entropy" && !cross { None } else { direction(word) };
    // `Mse Score`: what it scores says more.
    let told = |w: &&str| !matches!(*w, "score" | "scores");
    let score = |name: &str| name.rsplit('_').filter(|w| !told(w)).find_map(of);
    let last = |name: &str| name.rsplit('_').filter(told).find_map(of).or_else(|| score(name));
    let found = last(&flat).or_else(|| last(&Some(plain(name)).filter(|plain| *plain != flat)?));
    // `L_rec`, `train_L_vae`
    found.or_else(|| {
        name.match_indices("L_").any(|(at, _)| at == 0 || name[..at].ends_with(['_', '/'])).then_some(false)
    })
}

/// Whether high is good for a metric of which this is a word, in lower case.
fn direction(word: &str) -> Option<bool> {
    listed(word).or_else(|| listed(word.trim_end_matches(char::is_numeric))).or_else(|| match () {
        // `noloss`: games that were not lost.
        () if word == "noloss" => None,
        () if ["loss", "losses", "verlust"].iter().any(|end| word.ends_with(end)) => Some(false),
        () if ["accuracy", "accuracies", "score", "genauigkeit"].iter().any(|end| word.ends_with(end)) => Some(true),
        // `valacc`
        () => SPLITS.iter().find_map(|(split, _)| word.strip_prefix(split)).and_then(listed),
    })
}

/// Whether high is good for the metric that this word, or the word of which it is the plural,
/// names.
fn listed(word: &str) -> Option<bool> {
    static SHAPES: Shapes = METRICS;
    let known = |word: &str| match () {
        () if !SHAPES.fit(word) => None,
        () if MINIMIZE.contains(&word) => Some(false),
        () => MAXIMIZE.contains(&word).then_some(true),
    };
    known(word).or_else(|| match word.strip_suffix('s')? {
        single if single.ends_with("ie") => known(&format!("{}y", single.trim_end_matches("ie"))),
        single => known(single).or_else(|| known(single.strip_suffix('e')?)),
    })
}

/// The split of a name that is nothing but a split, as the columns `step  train  valid` have it for
/// their losses.
pub(crate) fn bare_split(name: &str) -> Option<DataSplit> {
    let place = place(name, SPLITS.iter().map(|(known, _)| *known))?;
    SPLITS.get(place).filter(|(known, _)| listed(known).is_none()).map(|(_, split)| *split)
}

/// As [`maximizes`], but nothing for names about speed, size or state.
pub(crate) fn metric_direction(name: &str) -> Option<bool> {
    let plain = plain(name);
    let mut before = "";
    let aside = plain.split('_').any(|word| {
        let share = word == "rate" && SHARES.contains(&std::mem::replace(&mut before, word));
        before = word;
        let shared = || word == "per" && SHARED.iter().any(|unit| plain.ends_with(unit));
        !share && ASIDE.contains(&word) && !shared()
    });
    if aside || is_other(&plain, name) { None } else { maximizes(name).or_else(|| component::short_loss(name)) }
}

/// Whether a name is that of the rate that is applied; not that of a factor of it, or of a setting
/// of its schedule.
pub(crate) fn is_rate(name: &str) -> bool {
    let plain = plain(name);
    let word =
        |w: &str| matches!(w, "lr" | "lrs" | "lr0" | "learningrate" | "learnrate" | "lrate" | "stepsize" | "lernrate");
    let foreign =
        || ["tasa_de_aprend", "taxa_de_aprend", "taux_d_apprent", "tasso_di_apprend"].iter().any(|n| plain.contains(n));
    let names = plain.contains("learning_rate")
        || plain.contains("learn_rate")
        || plain == "l_r"
        || plain.starts_with("ta") && foreign()
        || plain.split('_').any(word)
        || flat(name).split('_').any(word);
    names && !plain.rsplit('_').next().is_some_and(|last| FACTORS.contains(&last)) && !plain.contains("reduc")
}

/// Whether a rate is that of the biases, which some trainers warm up from above.
pub(crate) fn is_bias(name: &str) -> bool {
    plain(name).split('_').any(|word| matches!(word, "bias" | "biases"))
}

pub(crate) fn is_grad_norm(name: &str) -> bool {
    let plain = plain(name);
    plain.contains("gnorm") || plain.contains("grad") && plain.contains("norm")
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
    fn metrics_in_the_plural_and_in_camel_case() {
        for (name, high) in [
            ("train_losses", Some(false)),
            ("val_accuracies", Some(true)),
            ("ValAcc", Some(true)),
            ("valacc", Some(true)),
            ("TrainLoss", Some(false)),
            ("mIoU", Some(true)),
            ("bbox_mAP", Some(true)),
            ("train_obj", Some(false)),
            ("perplexities", Some(false)),
            ("errors", Some(false)),
            ("epoch_loss_mean", Some(false)),
            ("loss_dice", Some(false)),
            ("noloss_d4", None),
            ("glossary", None),
            ("classes", None),
        ] {
            assert_eq!(maximizes(name), high, "{name}");
        }
        for name in ["SCORE_THRESH_TEST", "loss_scale", "lr_loss", "grad_acc", "loss_weight"] {
            assert_eq!(metric_direction(name), None, "{name}");
        }
    }

    #[test]
    fn a_factor_of_the_rate_is_not_the_rate() {
        for name in
            ["lr", "learning_rate", "trainLR", "LR", "learning_rates", "lr/pg0", "lr-SGD", "lr_scheduler/lr", "L.r"]
        {
            assert!(is_rate(name), "{name}");
        }
        for name in [
            "BIAS_LR_FACTOR",
            "lr_mult",
            "lr_decay",
            "lr_scheduler",
            "min_lr_ratio",
            "reduced_learning_rate",
            "clr",
            "rate",
        ] {
            assert!(!is_rate(name), "{name}");
        }
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
