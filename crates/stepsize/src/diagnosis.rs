//! Diagnosis: where the rate of a run lies, judged from its log alone, with the numbers that show
//! it and what to do next.
//!
//! [`diagnose`] reads one [`Record`]. Divergence is a rule. Whether a rate that trained is too low,
//! about right or too high comes from the shape of the curve ([`Features`], [`model`]), with
//! chances that were calibrated on labelled runs; the verdict is "unknown" when they do not
//! suffice. Further rules find what else is wrong ([`Code`] lists all findings). Several runs of
//! one job ([`jobs`]) that differ in the rate are compared with each other ([`sweep`]): that is far
//! surer than any single curve.
//!
//! A loss that is not annealed is never compared with an annealed one. No rule says "lower the
//! rate" because a loss fell when the rate was lowered: at 20 to 70 % of a run that favours rates
//! three to four times too small. Error rates: `docs/diagnose.md`.

mod code;
mod features;
pub mod jobs;
pub mod model;
mod record;
mod rules;
mod stats;
pub mod sweep;

pub use code::{Code, Severity};
pub use features::{Feature, Features};
pub use record::{Facts, Record, Series};

use crate::Placement;
use model::{Model, Odds};

/// Fewest readings of the loss that show a shape.
const FEWEST: usize = 6;
/// Octaves down that are advised after a divergence, a factor of 10. The labelled diverged runs lay
/// farther from the best rate of their job (median); this costs little if it was too much.
const AFTER_DIVERGENCE: f64 = 3.3;
/// Octaves of the experiment that is advised when the verdict is unknown.
const EXPERIMENT: f64 = 1.0;
/// Bounds in octaves on the advice for a rate that is too low: the advice changes something, and
/// does not leave the labelled range.
const RAISE: (f64, f64) = (1.0, 4.5);
/// The same for a rate that is too high.
const LOWER: (f64, f64) = (1.0, 3.5);

/// Something seen in a log: what, by which numbers, and what to do about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// What it is; it has the title and the severity.
    pub code: Code,
    /// The numbers that show it, in a sentence.
    pub evidence: String,
    /// The same numbers by name.
    pub numbers: Vec<(&'static str, f64)>,
    /// What to do.
    pub advice: String,
    /// Chance of being right, 0..1: measured for verdicts, a judgement for the other findings.
    pub confidence: f64,
    /// First and last step at which it shows, for marks on the curve.
    pub span: Option<(f64, f64)>,
}

/// The verdict on one run, with its reasons.
#[derive(Debug, Clone, PartialEq)]
pub struct Diagnosis {
    /// Where the rate lies.
    pub verdict: Placement,
    /// Chance that the verdict is right, 0..1; for "unknown" the chance of the likeliest place.
    pub confidence: f64,
    /// The evidence for the verdict in a sentence; for "unknown" the reason.
    pub because: String,
    /// Chances of too low, good and too high (the last with diverged); `None` when a rule decided
    /// or the log holds too little.
    pub chances: Option<[f64; 3]>,
    /// The rate to try next: a correction, or the one experiment that would settle the verdict.
    /// `None` when the rate is not known or the log holds too little.
    pub next_lr: Option<f64>,
    /// The finding of the verdict first, then the others.
    pub findings: Vec<Finding>,
}

/// What rules look at.
#[derive(Debug)]
struct RuleInput<'a> {
    record: &'a Record,
    features: Features,
}

/// Judges one run by its log alone.
///
/// ```
/// use stepsize::diagnosis::{Record, Series, diagnose};
/// use stepsize::Placement;
/// let exploding = (0..50).map(|i| (f64::from(i), 2.3 * 1.3f64.powi(i)));
/// let seen = diagnose(&Record { loss: Series::new(exploding), ..Record::default() });
/// assert_eq!((seen.verdict, seen.findings[0].code.as_str()), (Placement::Diverged, "LR001"));
/// ```
pub fn diagnose(record: &Record) -> Diagnosis {
    diagnose_with(Model::shipped(), record)
}

/// Like [`diagnose`] with another model, for those who fit one.
pub fn diagnose_with(model: &Model, record: &Record) -> Diagnosis {
    let seen = RuleInput { record, features: Features::of(record) };
    let mut findings: Vec<Finding> = rules::ALL.iter().filter_map(|check| check(&seen)).collect();
    let base = record.base_lr();
    let diverged = findings.iter().position(|f| f.code == Code::Diverged).map(|at| findings.remove(at));
    let (verdict, confidence, octaves, chances, first) = match diverged {
        Some(finding) => (Placement::Diverged, finding.confidence, Some(-AFTER_DIVERGENCE), None, finding),
        None => place(model, &seen, base),
    };
    let next_lr = base.zip(octaves).map(|(lr, octaves)| tidy(lr * octaves.exp2()));
    if matches!(verdict, Placement::TooHigh | Placement::Diverged) {
        // One run gets one direction: a rate too high to learn is not to be raised, which `Idle`
        // advises.
        findings.retain(|f| f.code != Code::Idle);
    }
    let because = first.evidence.clone();
    findings.insert(0, first);
    Diagnosis { verdict, confidence, because, chances, next_lr, findings }
}

/// Placement, confidence, octaves from the rate of the run to the next one (`None`: the log holds
/// too little), chances, finding.
type Placed = (Placement, f64, Option<f64>, Option<[f64; 3]>, Finding);

fn place(model: &Model, seen: &RuleInput<'_>, base: Option<f64>) -> Placed {
    let main = seen.record.main();
    if main.len() < FEWEST {
        let why = match main.len() {
            0 => "the log holds no loss".to_owned(),
            1 => format!("the log holds one reading of the loss; a verdict needs at least {FEWEST}"),
            n => format!("the log holds {n} readings of the loss; a verdict needs at least {FEWEST}"),
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

/// Octaves from the rate of a run with these odds and this verdict to the next one.
pub fn correction(verdict: Placement, odds: &Odds) -> f64 {
    let [low, _, high] = odds.three();
    match verdict {
        Placement::TooLow => (-odds.octaves()).clamp(RAISE.0, RAISE.1),
        Placement::TooHigh => -odds.octaves().clamp(LOWER.0, LOWER.1),
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

/// A rate with two significant digits: more would claim what is not known.
pub fn tidy(lr: f64) -> f64 {
    if !(lr > 0.0 && lr.is_finite()) {
        return lr;
    }
    format!("{lr:.1e}").parse().unwrap_or(lr)
}

#[cfg(test)]
mod tests;
