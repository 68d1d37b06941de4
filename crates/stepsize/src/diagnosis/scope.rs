//! [`Outside`]: the logs from which one curve cannot tell where the rate lies.
//!
//! The trees were fitted to whole runs of small networks that train from scratch. Among 390 public
//! runs that they advised to raise were published recipes, fine-tunes and resumed parts, whose
//! rates were right. Nothing in the shape of a curve tells such a run from a small one with a low
//! rate. So no verdict is given there, but the experiment is named that gives one.

mod late;
mod start;

use super::rules::{percent, show};
use super::stats::{median, noise};
use super::{Feature, Record, RuleInput, Series, Weights, tidy};
pub(super) use late::{falls_on, rises_evenly, rises_throughout, rose_again, stood_still, unshaken};
use start::below_guessing;
pub(super) use start::{from_scratch, may_be_tuned};

/// A log begins in mid-run when its first step lies this many strides from zero ...
const STRIDES: f64 = 2.5;
/// ... and at more than this share of its last step. The fitted logs begin earlier.
const LATE: f64 = 0.1;
/// Steps from which a run is far longer than any that was fitted: ten times the longest.
const LONG: f64 = 20_000.0;
/// Rates below these are those of large networks and of fine-tunes: of gradient descent, and of
/// other or unknown optimizers. Small networks that train from scratch need higher ones, so the
/// trees take any such rate for too low.
const SMALL: (f64, f64) = (3e-4, 1e-3);
/// Fall of the log loss below which a classifier has hardly learned. A fine-tune learns more.
const HARDLY: f64 = 0.1;
/// Share by which both losses must move to move in opposite directions, and deviations of a
/// reading.
const OPPOSED: (f64, f64) = (0.1, 3.0);
/// A last reading this many times the one before it, and as many deviations above it, stands apart.
const APART: (f64, f64) = (1.5, 6.0);
/// A loss that ends this many times its first readings below zero has no floor: that it falls
/// shows nothing.
const BOTTOMLESS: f64 = 10.0;
/// Fewest readings of a loss whose ends are compared.
const READINGS: usize = 5;

/// Why a log lies outside of what was learned.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Outside {
    /// The readings are of as many runs.
    Table,
    /// Its steps are rounds of gradient boosting.
    Boosted,
    /// The loss is that of one side of a game.
    Game,
    /// The log begins at this step, in mid-run.
    MidRun(f64),
    /// The run began with weights that were trained before.
    Trained,
    /// The first loss is this share of the loss of guessing.
    BelowGuessing(f64),
    /// A person ended the run before it was over.
    Interrupted,
    /// A base rate as of fine-tunes and large networks.
    SmallRate(f64),
    /// A run of so many steps.
    Long(f64),
    /// The training loss rises while the validation loss falls.
    Opposed,
    /// The training loss rises evenly through the second half of the run.
    Rising,
    /// The last validation loss alone stands far above the others.
    LastReading(f64),
    /// The loss ends so far below zero.
    Bottomless(f64),
    /// The loss begins at zero and rises.
    Zero,
}

impl Outside {
    /// The first reason that holds, if any.
    pub fn of(seen: &RuleInput<'_>) -> Option<Self> {
        let record = seen.record;
        let facts = &record.facts;
        if facts.table {
            return Some(Self::Table);
        }
        if facts.boosted {
            return Some(Self::Boosted);
        }
        if facts.game {
            return Some(Self::Game);
        }
        if let Some(step) = begins_late(record) {
            return Some(Self::MidRun(step));
        }
        if facts.weights == Weights::Trained || says_trained(record) {
            return Some(Self::Trained);
        }
        if let Some(share) = below_guessing(seen) {
            return Some(Self::BelowGuessing(share));
        }
        if let Some(last) = last_apart(&record.val_loss) {
            return Some(Self::LastReading(last));
        }
        if facts.interrupted {
            return Some(Self::Interrupted);
        }
        if let Some(end) = bottomless(&record.loss).or_else(|| bottomless(&record.val_loss)) {
            return Some(Self::Bottomless(end));
        }
        if begins_at_zero(record.main()) {
            return Some(Self::Zero);
        }
        if opposed(record) {
            return Some(Self::Opposed);
        }
        if rises_evenly(&record.loss) {
            return Some(Self::Rising);
        }
        if facts.weights == Weights::Fresh {
            return None;
        }
        if let Some(lr) = small_rate(seen) {
            return Some(Self::SmallRate(lr));
        }
        record.span().map(|s| s.1).filter(|last| *last >= LONG).map(Self::Long)
    }

    /// Whether the log does not show the beginning of a training from scratch, so that no finding
    /// about the beginning holds.
    pub fn hides_start(self) -> bool {
        matches!(self, Self::MidRun(_) | Self::Trained | Self::BelowGuessing(_))
    }

    /// The reason, following on "because".
    pub fn why(self) -> String {
        match self {
            Self::Table => "it is a table of results, a run in each row, and no rate tells the runs apart".to_owned(),
            Self::Game => {
                "its losses are those of a game (adversarial or reinforcement learning), which do not fall as a \
                           run gets better"
                    .to_owned()
            }
            Self::Boosted => {
                "it is of gradient boosting: a round adds a tree, its rate scales that tree, and the verdicts were \
                 learned from networks"
                    .to_owned()
            }
            Self::MidRun(step) => format!(
                "it begins at step {}: a resumed or annealed part looks like a run whose rate is too low",
                show(step)
            ),
            Self::Trained => {
                "the run began with trained weights: a fine-tune looks like a run whose rate is too low".to_owned()
            }
            Self::BelowGuessing(share) => format!(
                "the first loss is {} of that of guessing: the weights were trained before, and a fine-tune looks like a run \
                 whose rate is too low",
                percent(share)
            ),
            Self::Interrupted => {
                "the run was interrupted: the beginning of a run looks like a whole one whose rate is too low"
                    .to_owned()
            }
            Self::SmallRate(lr) => format!(
                "the rate is {}, as in fine-tunes and large models, and the verdicts on single curves were learned from small \
                 models",
                show(lr)
            ),
            Self::Long(steps) => format!(
                "the run has {} steps, and the verdicts on single curves were learned from runs of up to 2000",
                show(steps)
            ),
            Self::Opposed => {
                "the training loss rises while the validation loss falls: what is minimized may change during \
                              the run"
                    .to_owned()
            }
            Self::Rising => {
                "the training loss rises evenly through the second half of the run: what is minimized may change \
                             during the run"
                    .to_owned()
            }
            Self::Bottomless(end) => format!(
                "the loss ends at {}, many times its start below zero: it has no floor, and a run that breaks falls, too",
                show(end)
            ),
            Self::Zero => {
                "the loss begins at 0 and rises: no untrained model has such a loss, so it may be a placeholder or another \
                 quantity"
                    .to_owned()
            }
            Self::LastReading(last) => {
                format!(
                    "the last validation loss, {}, stands alone above the others: the run may have broken there or not",
                    show(last)
                )
            }
        }
    }

    /// The one experiment that tells, for a run at the rate `base`.
    pub fn experiment(self, base: Option<f64>) -> String {
        match self {
            Self::Game => format!(
                "judge the run by what it makes (a reward, a score of the samples): {}, and name that score as the metric",
                twice_more("run it", base)
            ),
            Self::Table => {
                "diagnose the logs of the runs themselves, or add a column with the rate of each run".to_owned()
            }
            Self::Boosted => {
                "set the number of rounds by early stopping, halve the rate once, and keep the one with the \
                              better validation result"
                    .to_owned()
            }
            Self::MidRun(_) => twice_more("from the checkpoint with which this part began, run it", base),
            Self::Long(_) => format!(
                "search on a shorter run with `stepsize find` and carry the rate over with `stepsize transfer`; or {}",
                twice_more("from a checkpoint, run a tenth of the length and its decay", base)
            ),
            Self::Zero => "take another series as the loss, or log this one from the first step on".to_owned(),
            Self::LastReading(_) => "run a few more evaluations: a run that has broken stays there".to_owned(),
            _ => twice_more("run it", base),
        }
    }
}

/// The experiment that settles a single verdict: the same run at two other rates. Three rates make
/// a sweep.
pub(super) fn twice_more(what: &str, base: Option<f64>) -> String {
    let at = match base {
        Some(lr) => format!("at {} and at {}", show(tidy(lr / 2.0)), show(tidy(2.0 * lr))),
        None => "at half and at twice the rate".to_owned(),
    };
    format!("{what} twice more, {at}, with the same length and schedule, and diagnose the three logs together")
}

/// The last loss, where it lies many times the first ones below zero.
fn bottomless(series: &Series) -> Option<f64> {
    let values = series.values();
    let first = values.iter().take(READINGS).map(|v| v.abs()).fold(0.0, f64::max);
    let end = super::rules::ending(&values)?;
    (values.len() > READINGS && end < -BOTTOMLESS * first.max(1.0)).then_some(end)
}

/// Whether the first reading of a loss is zero and a later one is not: a placeholder, or no loss.
pub(super) fn begins_at_zero(series: &Series) -> bool {
    let values = series.values();
    values.first().is_some_and(|first| *first == 0.0) && values.iter().any(|v| *v > 0.0)
}

fn begins_late(record: &Record) -> Option<f64> {
    let (first, last) = record.span()?;
    let main = record.main();
    let mut at: Vec<f64> = main.points().iter().map(|p| p.0).chain(main.broken().iter().copied()).collect();
    at.sort_by(f64::total_cmp);
    let strides: Vec<f64> = at.windows(2).map(|w| w[1] - w[0]).collect();
    let stride = median(&strides)?;
    (first > STRIDES * stride && first > LATE * last).then_some(first)
}

/// Whether a setting names a checkpoint to start from.
fn says_trained(record: &Record) -> bool {
    let starts = |key: &str| {
        ["pretrain", "finetun", "fine_tun", "fine-tun", "resume", "init_from", "load_from", "init_checkpoint", "lora"]
            .iter()
            .any(|word| key.contains(word))
    };
    let set = |value: &str| {
        let value = value.trim().trim_matches(['"', '\'']).to_ascii_lowercase();
        !matches!(
            value.as_str(),
            "" | "false" | "none" | "null" | "no" | "0" | "scratch" | "never" | "allow" | "auto" | "{}" | "[]"
        )
    };
    record.facts.other.iter().any(|(k, v)| starts(&k.to_ascii_lowercase()) && set(v))
}

fn small_rate(seen: &RuleInput<'_>) -> Option<f64> {
    let facts = &seen.record.facts;
    let lr = seen.record.base_lr()?;
    let descent = facts.optimizer.as_ref().is_some_and(|o| o.contains("sgd") || o.contains("momentum"));
    if lr >= if descent { SMALL.0 } else { SMALL.1 } {
        return None;
    }
    // From scratch and hardly learned: the curve itself shows that the rate is too low.
    let hardly = from_scratch(seen) && seen.features.get(Feature::Drop) < HARDLY;
    (!hardly).then_some(lr)
}

/// Start and end of a series as medians of three readings, and the noise of one.
fn ends(series: &Series) -> Option<(f64, f64, f64)> {
    let values = series.values();
    if values.len() < READINGS {
        return None;
    }
    Some((median(&values[..3])?, median(&values[values.len() - 3..])?, noise(&values).unwrap_or(0.0)))
}

fn opposed(record: &Record) -> bool {
    let (share, deviations) = OPPOSED;
    let Some(((a, b, sd), (va, vb, vsd))) = ends(&record.loss).zip(ends(&record.val_loss)) else { return false };
    b - a > (share * a.abs()).max(deviations * sd) && va - vb > (share * va.abs()).max(deviations * vsd)
}

fn last_apart(val: &Series) -> Option<f64> {
    let values = val.values();
    let (last, before) = values.split_last()?;
    if before.len() + 1 < READINGS || !val.broken().is_empty() {
        return None;
    }
    let highest = before.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let level = *before.last()?;
    let (times, deviations) = APART;
    let apart = *last > highest && *last > times * level && level > 0.0;
    (apart && last - level > deviations * noise(before).unwrap_or(0.0)).then_some(*last)
}

/// Words for the two sides of an adversarial game; a loss of one counts beside a loss of the other.
const SIDES: [&[&str]; 2] = [&["d", "dis", "disc", "discriminator"], &["g", "gen", "generator"]];
/// Words that name a loss of reinforcement learning.
const REINFORCED: [&str; 8] = ["policy", "pg", "vf", "critic", "actor", "surrogate", "qf", "td"];
/// Words in the name of a loss that may be any sum.
const PLAIN: [&str; 8] = ["loss", "train", "training", "total", "all", "mean", "avg", "sum"];
/// Most words in the name of a loss of one side: more of them name a part.
const WORDS: usize = 3;

/// Whether a loss is that of one side of a game, by its name and the names of all series of its
/// log. A loss named for what it measures (`loss_mel`, `recon_loss`) is not, whatever stands beside
/// it.
///
/// ```
/// use stepsize::diagnosis::is_game;
/// assert!(is_game("loss_g", ["loss_g", "loss_d"]));
/// assert!(is_game("loss", ["loss", "policy_loss", "value_loss"]));
/// assert!(!is_game("loss_mel", ["loss_mel", "loss_disc"]));
/// assert!(!is_game("loss", ["loss", "val_loss"]));
/// ```
pub fn is_game<'a>(taken: &str, all: impl IntoIterator<Item = &'a str>) -> bool {
    let all: Vec<Vec<String>> = all.into_iter().map(words).collect();
    let has = |w: &[String], of: &[&str]| w.iter().any(|w| of.contains(&w.as_str()));
    let sided = |w: &[String], side: usize| w.len() <= WORDS && is_loss(w) && has(w, SIDES[side]);
    let both = [0, 1].iter().all(|side| all.iter().any(|w| sided(w, *side)));
    let game = |w: &[String]| is_loss(w) && (has(w, &REINFORCED) || both && (sided(w, 0) || sided(w, 1)));
    let own = words(taken);
    let plain = own.iter().all(|w| PLAIN.contains(&w.as_str()));
    game(&own) || plain && all.iter().any(|w| game(w))
}

fn is_loss(words: &[String]) -> bool {
    words.iter().any(|w| w.starts_with("loss") || w.ends_with("loss"))
}

/// The words of a name in small letters; `lossD` and `LossG` are two words each.
fn words(name: &str) -> Vec<String> {
    let mut out = vec![String::new()];
    let mut lower = false;
    for c in name.chars() {
        if !c.is_ascii_alphanumeric() || c.is_ascii_uppercase() && lower {
            out.push(String::new());
        }
        if c.is_ascii_alphanumeric() {
            out.last_mut().into_iter().for_each(|w| w.push(c.to_ascii_lowercase()));
        }
        lower = c.is_ascii_lowercase();
    }
    out.retain(|w| !w.is_empty());
    out
}
