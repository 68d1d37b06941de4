//! Diagnosis: where a run's rate lies, judged from its log alone, with the numbers that say so and what to do next.
//!
//! [`diagnose`] reads one [`Record`]. Divergence is a rule ([`rules`]); whether a rate that trained is too low, about right
//! or too high is told by the shape of the curve ([`Features`], [`model`]), with chances that were calibrated on labelled
//! runs, and it is "unknown" when they do not suffice. [`rules`] also name what else is wrong. With several runs of one job
//! that differ in the rate, [`sweep`] compares them instead: that is far surer than any single curve.
//!
//! An un-annealed loss is never compared with an annealed one, and no rule says "lower the rate" because a loss fell when
//! the rate was lowered: at 20 to 70 % of a run that favours rates three to four times too small. Error rates:
//! `docs/diagnose.md`.

mod features;
pub mod model;
mod record;
pub mod rules;
mod stats;
pub mod sweep;

pub use features::{Features, NAMES};
pub use record::{Facts, Record, Series};
pub use rules::Rule;

use crate::Placement;
use model::{Model, Odds};

/// Readings of the loss below which no shape is seen.
const FEWEST: usize = 6;
/// Octaves down that are advised after a divergence: the median distance of the labelled diverged runs from the best rate
/// of their job, cut to what costs little if it was too much.
const AFTER_DIVERGENCE: f64 = 3.3;
/// Octaves of the step that is advised when the verdict is open.
const EXPERIMENT: f64 = 1.0;

/// Something seen in a log: what, by which numbers, and what to do about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// Stable code, such as `LR001`.
    pub code: &'static str,
    /// What it is, in a few words.
    pub title: &'static str,
    /// The numbers that fired it, in a sentence.
    pub evidence: String,
    /// The same numbers by name.
    pub numbers: Vec<(&'static str, f64)>,
    /// What to do.
    pub advice: String,
    /// How sure, 0..1: measured for verdicts, a judgement for the others.
    pub confidence: f64,
    /// The steps where it is seen, to be marked on the curve.
    pub span: Option<(f64, f64)>,
}

/// What is said of one run.
#[derive(Debug, Clone, PartialEq)]
pub struct Diagnosis {
    /// Where the rate lies.
    pub verdict: Placement,
    /// Chance that the verdict is right; for "unknown" the chance of the likeliest place.
    pub confidence: f64,
    /// The evidence for the verdict in a sentence; for "unknown" why it cannot be told.
    pub because: String,
    /// Chances of too low, good and too high among runs that did not diverge; `None` when no shape was seen.
    pub chances: Option<[f64; 3]>,
    /// The rate to try next: a correction, or the one experiment that would settle it. `None` when the rate is not known, or when
    /// the log holds too little for any.
    pub next_lr: Option<f64>,
    /// The finding of the verdict first, then what else was seen.
    pub findings: Vec<Finding>,
}

/// What rules look at.
#[derive(Debug)]
pub struct RuleInput<'a> {
    /// The log.
    pub record: &'a Record,
    /// Its shape.
    pub features: Features,
}

/// Judges one run by its log alone.
///
/// ```
/// use stepsize::diagnosis::{Record, Series, diagnose};
/// use stepsize::Placement;
/// let exploding = (0..50).map(|i| (f64::from(i), 2.3 * 1.3f64.powi(i)));
/// let seen = diagnose(&Record { loss: Series::new(exploding), ..Record::default() });
/// assert_eq!((seen.verdict, seen.findings[0].code), (Placement::Diverged, "LR001"));
/// ```
pub fn diagnose(record: &Record) -> Diagnosis {
    diagnose_with(Model::shipped(), record)
}

/// The same with another model: for those who fit one.
pub fn diagnose_with(model: &Model, record: &Record) -> Diagnosis {
    let seen = RuleInput { record, features: Features::of(record) };
    let mut findings: Vec<Finding> = rules::all().iter().filter_map(|rule| rule.check(&seen)).collect();
    let base = record.base_lr();
    let diverged = findings.iter().position(|f| f.code == rules::DIVERGED).map(|at| findings.remove(at));
    let (verdict, confidence, octaves, chances, first) = match diverged {
        Some(finding) => (Placement::Diverged, finding.confidence, Some(-AFTER_DIVERGENCE), None, finding),
        None => place(model, &seen, base),
    };
    let next_lr = base.zip(octaves).map(|(lr, octaves)| tidy(lr * octaves.exp2()));
    if matches!(verdict, Placement::TooHigh | Placement::Diverged) {
        // One run gets one direction: what is too high to learn is not told to be raised.
        findings.retain(|f| f.code != rules::IDLE);
    }
    let because = first.evidence.clone();
    findings.insert(0, first);
    Diagnosis { verdict, confidence, because, chances, next_lr, findings }
}

/// Placement, confidence, octaves to go (`None`: the log gives no reason for any), chances, finding.
type Placed = (Placement, f64, Option<f64>, Option<[f64; 3]>, Finding);

fn place(model: &Model, seen: &RuleInput<'_>, base: Option<f64>) -> Placed {
    let main = seen.record.main();
    if main.len() < FEWEST {
        let why = match main.len() {
            0 => "the log holds no loss".to_owned(),
            1 => format!("the log holds one reading of the loss; a shape needs at least {FEWEST}"),
            n => format!("the log holds {n} readings of the loss; a shape needs at least {FEWEST}"),
        };
        let advice =
            "log the training loss more often: twenty readings or more over the run, the first within its first \
                      hundredth"
                .to_owned();
        let finding = rules::unknown(why, advice, vec![("readings", main.len() as f64)], 0.0);
        return (Placement::Unknown, 0.0, None, None, finding);
    }
    let odds = model.odds(&seen.features);
    let chances = odds.three();
    let (verdict, confidence) = say(model, &odds);
    let octaves = correction(verdict, &odds);
    let finding = rules::place(seen, (verdict, confidence), &odds, octaves, base);
    (verdict, confidence, Some(octaves), Some(chances), finding)
}

/// Octaves to go from the rate of a run with these odds and this verdict.
pub fn correction(verdict: Placement, odds: &Odds) -> f64 {
    let [low, _, high] = odds.three();
    match verdict {
        Placement::TooLow => (-odds.octaves()).clamp(1.0, 4.5),
        Placement::TooHigh => -odds.octaves().clamp(1.0, 3.5),
        Placement::Diverged => -AFTER_DIVERGENCE,
        Placement::Unknown if low >= high => EXPERIMENT,
        Placement::Unknown => -EXPERIMENT,
        Placement::Good => 0.0,
    }
}

/// The verdict for these odds, and its chance.
pub fn say(model: &Model, odds: &Odds) -> (Placement, f64) {
    let [low, good, high] = odds.three();
    let diverged = odds.chances[model::DIVERGED];
    match () {
        () if diverged >= model.say.diverged => (Placement::Diverged, diverged),
        () if low >= model.say.low => (Placement::TooLow, low),
        () if high >= model.say.high => (Placement::TooHigh, high),
        () if good >= model.say.good && odds.far() <= model.say.far => (Placement::Good, good),
        () => (Placement::Unknown, low.max(good).max(high)),
    }
}

/// Two significant digits: more would claim what is not known.
pub fn tidy(lr: f64) -> f64 {
    if !(lr > 0.0 && lr.is_finite()) {
        return lr;
    }
    format!("{lr:.1e}").parse().unwrap_or(lr)
}

#[cfg(test)]
mod tests;
