//! `LR000`, `LR002`, `LR003`, `LR004`: where the rate lies, with the features of the curve that
//! moved the verdict most.
//!
//! The verdict itself is the model's; this file words it.

mod words;

use super::{advice, diverged, percent, show};
use crate::Placement;
use crate::diagnosis::model::{DIVERGED, Odds};
use crate::diagnosis::scope::{Outside, twice_more};
use crate::diagnosis::{Code, Feature, Finding, RuleInput, tidy};
use words::{is_sign, words};

/// Features named at most: more do not fit in a sentence.
const MOST: usize = 3;

/// A chance by the trees for people: they are never sure.
fn chance(share: f64) -> String {
    match share {
        s if s < 0.01 => "under 1 %".to_owned(),
        s if s > 0.99 => "over 99 %".to_owned(),
        s => percent(s),
    }
}

/// The finding when nothing can be said of the rate; `why` follows on "because".
pub fn unknown(why: &str, advice: String, numbers: Vec<(&'static str, f64)>) -> Finding {
    Finding {
        code: Code::CannotTell,
        evidence: format!("cannot tell from this log, because {why}"),
        numbers,
        advice,
        confidence: 0.0,
        span: None,
    }
}

/// The finding for a log of a kind that was not learned.
pub fn outside(reason: Outside, base: Option<f64>) -> Finding {
    unknown(&reason.why(), reason.experiment(base), Vec::new())
}

/// The finding for a log with a number that no learned run had.
pub fn unseen(feature: Feature, value: f64, base: Option<f64>) -> Finding {
    let what =
        words(feature, value).unwrap_or_else(|| format!("one number of its curve, `{feature}`, is {}", show(value)));
    let why = format!("{what}: no run that the verdicts were learned from shows that");
    unknown(&why, twice_more("run it", base), vec![(feature.name(), value)])
}

/// The finding where the curve as a whole is like those of such a verdict, and something speaks
/// against it.
pub fn torn(verdict: Placement, against: &str, base: Option<f64>) -> Finding {
    let such = such(verdict);
    let why = format!("the curve as a whole is like those of {such}, but {against}");
    unknown(&why, twice_more("run it", base), Vec::new())
}

/// The runs of such a verdict.
fn such(verdict: Placement) -> &'static str {
    match verdict {
        Placement::TooLow => "rates that are too low",
        Placement::TooHigh => "rates that are too high",
        Placement::Diverged => "runs that diverged",
        _ => "rates that are about right",
    }
}

/// The verdict, with its chance, as a finding. `octaves` is the correction that is advised, `base`
/// the rate of the run.
pub fn place(
    seen: &RuleInput<'_>,
    (verdict, confidence): (Placement, f64),
    odds: &Odds,
    ruled_out: Option<(Placement, f64)>,
    octaves: Option<f64>,
    base: Option<f64>,
) -> Finding {
    let [low, good, high] = odds.three();
    // The places of the model that speak for the verdict.
    let (code, places): (_, &[usize]) = match verdict {
        Placement::TooLow => (Code::TooLow, &[0, 1]),
        Placement::TooHigh => (Code::TooHigh, &[3, 4]),
        Placement::Diverged => (Code::Diverged, &[DIVERGED]),
        _ => (Code::AboutRight, &[2]),
    };
    let told: Vec<(Feature, String)> = odds
        .because(places)
        .into_iter()
        .filter(|feature| is_sign(*feature, seen.features.get(*feature), verdict))
        .filter_map(|feature| Some((feature, words(feature, seen.features.get(feature))?)))
        .take(MOST)
        .collect();
    let mut numbers: Vec<(&'static str, f64)> =
        vec![("chance_too_low", low), ("chance_good", good), ("chance_too_high", high)];
    numbers.extend(told.iter().map(|(feature, _)| (feature.name(), seen.features.get(*feature))));
    let octaves = octaves.unwrap_or(0.0);
    let change = advice::change(octaves);
    let to = base.map_or_else(String::new, |lr| format!(", to {}", show(tidy(lr * octaves.exp2()))));
    let chances = format!("too low {}, good {}, too high {}", chance(low), chance(good), chance(high));
    let advice = match verdict {
        Placement::TooLow | Placement::TooHigh => {
            format!("{change}{to}, and diagnose both logs again: one curve shows the side, not how far")
        }
        Placement::Diverged => diverged::advice(octaves),
        Placement::Good => {
            "keep the rate; two runs at half and at twice the rate would show how much room there is".to_owned()
        }
        Placement::Unknown => twice_more("run it", base),
    };
    if verdict == Placement::Unknown {
        let rates = match ruled_out {
            Some((Placement::TooHigh, _)) => "good rates and from rates too low, seldom from rates too high",
            Some(_) => "good rates and from rates too high, seldom from rates too low",
            None => "rates of every kind",
        };
        return unknown(&format!("curves like this one come from {rates} ({chances})"), advice, numbers);
    }
    let words: Vec<String> = told.into_iter().map(|(_, words)| words).collect();
    let shape = if words.is_empty() { "the curve as a whole decides".to_owned() } else { words.join("; ") };
    let evidence = format!("{shape}. Curves like this one come from {} ({chances})", such(verdict));
    Finding { code, evidence, numbers, advice, confidence, span: None }
}
