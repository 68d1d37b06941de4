//! Diagnosis: where the rate of a run lies, judged from its log alone, with the numbers that show
//! it and what to do next.
//!
//! [`diagnose`] reads one [`Record`]. Divergence, a collapse and a loss that stands at that of
//! guessing are rules. Whether a rate that trained is too low, about right or too high comes from
//! the shape of the curve ([`Features`], [`model`]), with chances that were calibrated on labelled
//! runs. The verdict is "unknown" when they do not suffice, and for logs of kinds that were not
//! learned (`scope`). Further rules find what else is wrong ([`Code`] lists all findings). Several
//! runs of one job ([`jobs`]) that differ in the rate are compared with each other ([`sweep`]):
//! that is far surer than any single curve.
//!
//! A loss that is not annealed is never compared with an annealed one. No rule says "lower the
//! rate" because a loss fell when the rate was lowered: at 20 to 70 % of a run that favours rates
//! three to four times too small. Error rates: `docs/diagnose.md`.

mod advice;
mod code;
mod features;
pub mod jobs;
pub mod model;
mod record;
mod rules;
mod scope;
mod stats;
pub mod sweep;

pub use code::{Code, Severity};
pub use features::{Feature, Features};
pub use record::{Facts, Record, Series, Weights};
pub use scope::is_game;
pub use stats::between;

use crate::Placement;
use model::{Model, Odds};
use rules::Decided;
use scope::Outside;

/// Fewest readings of the loss whose shape is judged. The logs that were learned from hold 20 and
/// more; of verdicts on the same logs thinned to 10 readings 19 of 21 were right, to 6 or 7
/// readings 13 of 17.
const FEWEST: usize = 10;

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
    /// Chance that the verdict is right, 0..1; 0 for "unknown", which claims nothing.
    pub confidence: f64,
    /// The evidence for the verdict in a sentence; for "unknown" the reason.
    pub because: String,
    /// Chances of too low, good and too high (the last with diverged); `None` when a rule decided,
    /// or the log holds too little or is of a kind that was not learned.
    pub chances: Option<[f64; 3]>,
    /// The side on which the rate does not lie, too low or too high (then it did not diverge
    /// either), and the chance that this is right. It may be known where the verdict is not.
    pub ruled_out: Option<(Placement, f64)>,
    /// The rate to try next: a correction by a factor of 3 (10 after a divergence at the start), or
    /// for "unknown" twice or half the rate, away from the side that is ruled out. `None` when the
    /// rate is not known, or nothing in the log points to one.
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
    let outside = Outside::of(&seen);
    let Placed { verdict, confidence, octaves, chances, ruled_out, finding: first } = match rules::decide(&seen) {
        Some(decided) => decided.into(),
        None => place(model, &seen, outside, base, &findings),
    };
    let next_lr = base.zip(octaves).map(|(lr, octaves)| tidy(lr * octaves.exp2()));
    let hidden = outside.is_some_and(Outside::hides_start);
    // A side that is ruled out leaves the advice of one direction.
    let leaning = match ruled_out {
        Some((Placement::TooHigh, _)) if verdict == Placement::Unknown => Placement::TooLow,
        Some(_) if verdict == Placement::Unknown => Placement::TooHigh,
        _ => verdict,
    };
    findings
        .retain(|f| f.code != first.code && rules::agrees(f.code, leaning) && !(hidden && rules::needs_start(f.code)));
    let idle = findings.iter().chain([&first]).any(|f| f.code == Code::Idle);
    findings.retain(|f| {
        !(record.facts.boosted && f.code != Code::Overfit
            || record.facts.table
            || record.facts.game && rules::needs_fall(f.code)
            || idle && rules::needs_learning(f.code)
            || leaning == Placement::TooLow && rules::lowers(f))
    });
    let because = first.evidence.clone();
    findings.insert(0, first);
    Diagnosis { verdict, confidence, because, chances, ruled_out, next_lr, findings }
}

/// A verdict on a run, with its finding.
struct Placed {
    verdict: Placement,
    confidence: f64,
    /// From the rate of the run to the next one; `None` where nothing points to one.
    octaves: Option<f64>,
    chances: Option<[f64; 3]>,
    ruled_out: Option<(Placement, f64)>,
    finding: Finding,
}

impl Placed {
    /// What gives no verdict.
    fn unknown(finding: Finding) -> Self {
        Decided { verdict: Placement::Unknown, octaves: None, finding }.into()
    }
}

impl From<Decided> for Placed {
    fn from(Decided { verdict, octaves, finding }: Decided) -> Self {
        Self { verdict, confidence: finding.confidence, octaves, chances: None, ruled_out: None, finding }
    }
}

fn place(
    model: &Model,
    seen: &RuleInput<'_>,
    outside: Option<Outside>,
    base: Option<f64>,
    findings: &[Finding],
) -> Placed {
    let main = seen.record.main();
    if main.len() < FEWEST {
        if main.is_empty() && seen.record.score.len() > 1 {
            let why = "it holds a score and no loss, and a score is judged only beside other runs of its job";
            let finding = rules::unknown(why, scope::twice_more("run it", base), Vec::new());
            return Placed::unknown(finding);
        }
        let why = match main.len() {
            0 => "the log holds no loss".to_owned(),
            1 => format!("the log holds one reading of the loss; a verdict needs at least {FEWEST}"),
            n => format!("the log holds {n} readings of the loss; a verdict needs at least {FEWEST}"),
        };
        let advice =
            "log the training loss more often: twenty readings or more over the run, the first within its first \
                      hundredth"
                .to_owned();
        let finding = rules::unknown(&why, advice, vec![("readings", main.len() as f64)]);
        return Placed::unknown(finding);
    }
    if let Some(reason) = outside {
        return Placed::unknown(rules::outside(reason, base));
    }
    if let Some((feature, value)) = model.ranges.outside(&seen.features) {
        return Placed::unknown(rules::unseen(feature, value, base));
    }
    let odds = model.odds(&seen.features);
    let chances = Some(odds.three());
    let (verdict, confidence) = match say(model, &odds) {
        (Placement::TooHigh, chance) if chance >= BROKE && rules::ends_far_above(seen) => (Placement::Diverged, chance),
        said => said,
    };
    let against = match verdict {
        Placement::TooLow => against_low(seen, findings),
        Placement::TooHigh => against_high(model, seen, findings),
        // The curve of a run that comes down this far is not that of one that broke.
        Placement::Diverged if rules::learned(main) => {
            Some("the loss came down to less than half of its start".to_owned())
        }
        _ => None,
    };
    if let Some(found) = against {
        return Placed { chances, ..Placed::unknown(rules::torn(verdict, &found, base)) };
    }
    let ruled_out = rule_out(model, &odds);
    let octaves = match verdict {
        Placement::Diverged => Some(rules::octaves(seen, None)),
        _ => correction(verdict, ruled_out),
    };
    let finding = rules::place(seen, (verdict, confidence), &odds, ruled_out, octaves, base);
    Placed { verdict, confidence, octaves, chances, ruled_out, finding }
}

/// Least chance of "too high" with which losses that end far above their first readings diverged.
/// Below it the first of single batches may have lain low by chance.
const BROKE: f64 = 0.8;
/// Least chance of "too high" by the training loss alone.
const BY_TRAINING: f64 = 0.6;

/// That the training loss alone does not show a rate too high, if so. A validation loss that shakes
/// may be of few data, and one that rises of a run that is too long for its data, at any rate.
fn by_validation_only(model: &Model, seen: &RuleInput<'_>, findings: &[Finding]) -> Option<String> {
    let record = seen.record;
    if record.val_loss.is_empty() || record.loss.len() < FEWEST {
        return None;
    }
    let alone = Record { val_loss: Series::default(), score: Series::default(), ..record.clone() };
    let chance = model.odds(&Features::of(&alone)).three()[2];
    let overfit = findings.iter().find(|f| f.code == Code::Overfit);
    let why = || overfit.map_or_else(|| "the training loss alone does not show it".to_owned(), |f| f.evidence.clone());
    (chance < BY_TRAINING).then(why)
}

/// What in a run speaks against a rate that is too low, if anything does: what comes from rates
/// that are too high, if from any.
fn against_low(seen: &RuleInput<'_>, findings: &[Finding]) -> Option<String> {
    let such = |f: &&Finding| matches!(f.code, Code::Oscillation | Code::Quick) || rules::died(f);
    findings
        .iter()
        .find(such)
        .map(|f| f.evidence.clone())
        .or_else(|| scope::rose_again(seen.record.main()))
        .or_else(|| scope::stood_still(seen.record))
        .or_else(|| scope::may_be_tuned(seen))
}

/// What in a run speaks against a rate that is too high, if anything does.
fn against_high(model: &Model, seen: &RuleInput<'_>, findings: &[Finding]) -> Option<String> {
    by_validation_only(model, seen, findings)
        .or_else(|| scope::unshaken(&seen.features))
        .or_else(|| scope::falls_on(&seen.features))
}

/// Octaves from the rate of a run with this verdict to the next one. A run whose verdict is unknown
/// moves only away from the side that is ruled out.
pub fn correction(verdict: Placement, ruled_out: Option<(Placement, f64)>) -> Option<f64> {
    match verdict {
        Placement::TooLow => Some(advice::MOVE),
        Placement::TooHigh => Some(-advice::MOVE),
        Placement::Diverged => Some(-advice::BROKE_EARLY),
        Placement::Good => Some(0.0),
        Placement::Unknown => {
            ruled_out.map(|(side, _)| if side == Placement::TooHigh { advice::EXPERIMENT } else { -advice::EXPERIMENT })
        }
    }
}

/// How much less likely a side that is ruled out must be than the other: where neither is likely,
/// chance decides which of them is the less likely.
const UNLIKE: f64 = 0.5;

/// The side on which a run with these odds does not lie, and the chance that this is right.
pub fn rule_out(model: &Model, odds: &Odds) -> Option<(Placement, f64)> {
    let [low, _, high] = odds.three();
    let (side, chance) = if high <= low { (Placement::TooHigh, high) } else { (Placement::TooLow, low) };
    (chance <= model.say.not && chance <= UNLIKE * low.max(high)).then_some((side, 1.0 - chance))
}

/// The verdict for these odds, and the chance that it is right; 0 for "unknown".
pub fn say(model: &Model, odds: &Odds) -> (Placement, f64) {
    let [low, good, high] = odds.three();
    let diverged = odds.chances[model::DIVERGED];
    match () {
        () if diverged >= model.say.diverged => (Placement::Diverged, diverged),
        () if low >= model.say.low => (Placement::TooLow, low),
        () if high >= model.say.high => (Placement::TooHigh, high),
        () if good >= model.say.good && odds.far() <= model.say.far => (Placement::Good, good),
        () => (Placement::Unknown, 0.0),
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
