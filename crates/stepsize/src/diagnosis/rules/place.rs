//! `LR000`, `LR002`, `LR003`, `LR004`: where the rate lies, in words: what of the curve's shape spoke for the verdict most.
//!
//! The verdict itself is the model's; this file only tells it.

use super::{Finding, RuleInput, diverged, percent, show};
use crate::Placement;
use crate::diagnosis::model::{DIVERGED, Odds};
use crate::diagnosis::tidy;

/// Numbers told at most.
const MOST: usize = 3;

/// Why nothing is said of the rate.
pub fn unknown(why: String, advice: String, numbers: Vec<(&'static str, f64)>, confidence: f64) -> Finding {
    Finding {
        code: "LR000",
        title: "cannot tell",
        evidence: format!("cannot tell from this log, because {why}"),
        numbers,
        advice,
        confidence,
        span: None,
    }
}

/// The verdict, with its chance, as a finding; `octaves` is the correction that is advised.
pub fn place(
    seen: &RuleInput<'_>,
    (verdict, confidence): (Placement, f64),
    odds: &Odds,
    octaves: f64,
    base: Option<f64>,
) -> Finding {
    let [low, good, high] = odds.three();
    let (code, title, places): (_, _, &[usize]) = match verdict {
        Placement::TooLow => ("LR002", "rate too low", &[0, 1]),
        Placement::TooHigh => ("LR003", "rate too high", &[3, 4]),
        Placement::Diverged => (diverged::CODE, diverged::TITLE, &[DIVERGED]),
        _ => ("LR004", "rate about right", &[2]),
    };
    let named: Vec<&'static str> =
        odds.because(places).into_iter().filter(|n| words(n, seen.features.get(n)).is_some()).take(MOST).collect();
    let told: Vec<String> = named.iter().filter_map(|n| words(n, seen.features.get(n))).collect();
    let mut numbers: Vec<(&'static str, f64)> =
        vec![("chance_too_low", low), ("chance_good", good), ("chance_too_high", high)];
    numbers.extend(named.iter().map(|n| (*n, seen.features.get(n))));
    let factor = octaves.abs().exp2();
    let to = base.map_or_else(String::new, |lr| format!(", to {}", show(tidy(lr * octaves.exp2()))));
    let chances = format!("too low {}, good {}, too high {}", percent(low), percent(good), percent(high));
    let advice = match verdict {
        Placement::TooLow => format!("raise the rate about {} times{to}, with a short warm-up", show(factor.round())),
        Placement::TooHigh => format!("divide the rate by about {}{to}", show(factor.round())),
        Placement::Diverged => diverged::ADVICE.to_owned(),
        Placement::Good => {
            "keep the rate; two runs at half and at twice the rate would show how much room there is".to_owned()
        }
        _ => format!(
            "run once more with the rate {} {}{to}, to the same length and with the same schedule: the two logs together \
             settle it",
            if octaves > 0.0 { "times" } else { "divided by" },
            show(factor.round()),
        ),
    };
    let shape = if told.is_empty() { "the shape as a whole".to_owned() } else { told.join("; ") };
    if verdict == Placement::Unknown {
        let why = format!("curves like this one come from rates of every kind ({chances})");
        return unknown(why, advice, numbers, confidence);
    }
    let evidence = format!("{shape} ({chances})");
    Finding { code, title, evidence, numbers, advice, confidence, span: None }
}

/// A number of the shape in words.
fn words(name: &str, value: f64) -> Option<String> {
    if value.is_nan() {
        return None;
    }
    let at = |tail: &str| match tail {
        "2" => "half",
        "4" => "a quarter",
        "8" => "an eighth",
        "16" => "a sixteenth",
        "32" => "a 32nd",
        "64" => "a 64th",
        _ => "the end",
    };
    let tail = name.rsplit('_').next().unwrap_or_default();
    Some(match name {
        "drop" => format!("the loss fell to {} of its start", percent((-value).exp())),
        n if n.starts_with("share_") || n.starts_with("flat_share_") => {
            format!("at {} of the run {} of the fall was made", at(tail), percent(value))
        }
        n if n.starts_with("val_share_") => {
            format!("at {} of the run {} of the validation loss's fall was made", at(tail), percent(value))
        }
        "slope_1" | "rel_slope_1" => "how steeply the loss still falls at the end".to_owned() + &of(value),
        n if n.starts_with("slope_") || n.starts_with("rel_slope_") => {
            format!("the fall over the octave before {} of the run is {}", at(tail), show(value))
        }
        "bend_1" | "bend_2" => format!("the fall changes by {} of itself an octave", percent(value)),
        "val_slope_1" | "val_rel_slope_1" | "val_slope_2" => {
            "how steeply the validation loss falls late".to_owned() + &of(value)
        }
        "noise_end" => format!("the loss shakes by {} at the end", percent(value)),
        "noise_start" => format!("the loss shakes by {} at the start", percent(value)),
        "noise_rel" => format!("the shaking at the end is {} of the whole fall", percent(value)),
        "noise_ratio" => format!("the shaking at the end is {} times that at the start", show(value.exp())),
        "val_noise_rel" => format!("the validation loss shakes by {} of its fall", percent(value)),
        "rise" => format!("the loss rose to {} of its start", percent(value.exp())),
        "worst_over_start" => format!("the worst loss is {} of the start", percent(value.exp())),
        "end_over_best" => format!("the loss ends {} of its fall above its best", percent(value)),
        "val_end_over_best" => format!("the validation loss ends {} of its fall above its best", percent(value)),
        "val_best_at" => format!("the validation loss was best at {} of the run", percent(value)),
        "gap" | "gap_rel" => "the gap between training and validation loss".to_owned() + &of(value),
        "score_end" => format!("the score ends at {}", show(value)),
        n if n.starts_with("score_gain_") => format!("the score rose by {} after {} of the run", show(value), at(tail)),
        "decay_drop" | "decay_rel" | "decay_gain" => "how much fell while the rate decayed".to_owned() + &of(value),
        "neighbours" => format!("neighbouring losses correlate by {}", show(value)),
        "half_at" => format!("half of the fall was made at {} of the run", percent(value.exp2())),
        "nine_tenths_at" => format!("nine tenths of the fall were made at {} of the run", percent(value.exp2())),
        "draw_up" => format!("the loss rose again by {} of its fall at most", percent(value)),
        "adam" => "the kind of optimizer".to_owned(),
        "ups" => format!("{} of the late blocks rise", percent(value)),
        "grad_change" => format!("the gradient norm ends at {} times its start", show(value.exp())),
        "excess_start" | "excess_end" => {
            format!("the loss is {} times what the score explains", show(value.exp()))
        }
        "end_to_chance" => format!("the loss ends at {} of that of guessing", percent(value)),
        _ => return None,
    })
}

fn of(value: f64) -> String {
    format!(" ({})", show(value))
}
