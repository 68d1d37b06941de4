//! [`words`]: a feature of a curve as a clause of a sentence.

use super::super::{percent, show};
use crate::Placement;
use crate::diagnosis::Feature;

/// Shares below this are shown as 0 %, so they are worded instead.
const NOTHING: f64 = 0.005;

/// Two amounts whose logs differ by less than this are alike.
const ALIKE: f64 = 0.05;
/// From here on a scatter or a rise, as a share of the loss or of its fall, is one to people.
const SHAKES: f64 = 0.05;
/// Share of the fall from which it came early, share of the run within which it came at once, and
/// the least fall that shows late in a run.
const EARLY: f64 = 0.5;
const SOON: f64 = 0.1;
const LATE: f64 = 0.05;
/// How often a loss that shakes rises late in a run, as a share of the parts of it.
const OFTEN: f64 = 0.3;
/// Fall of the log loss below which it is little.
const LITTLE: f64 = 0.7;
/// Correlation of neighbours within which they are as good as independent.
const UNTIED: f64 = 0.2;
/// A rise of the log loss above this is told in times, not as a share.
const TIMES: f64 = 1.1;

/// A feature with its value, for people. `None` when the log does not show it, and for features
/// that tell people nothing.
pub(super) fn words(feature: Feature, value: f64) -> Option<String> {
    if value.is_nan() {
        return None;
    }
    let small = value < NOTHING;
    Some(match feature {
        Feature::Drop if value < NOTHING => "the loss did not fall".to_owned(),
        Feature::Drop if (-value).exp() < NOTHING => "the loss fell to less than 1 % of its start".to_owned(),
        Feature::Drop => format!("the loss fell to {} of its start", percent((-value).exp())),
        Feature::Share2 => share("on a log scale, the loss", "half", value),
        Feature::Share4 => share("on a log scale, the loss", "quarter", value),
        Feature::Share8 => share("on a log scale, the loss", "eighth", value),
        Feature::Share16 => share("on a log scale, the loss", "16th", value),
        Feature::Share32 => share("on a log scale, the loss", "32nd", value),
        Feature::Share64 => share("on a log scale, the loss", "64th", value),
        Feature::FlatShare2 => share("the loss", "half", value),
        Feature::FlatShare8 => share("the loss", "eighth", value),
        Feature::FlatShare32 => share("the loss", "32nd", value),
        Feature::ValShare2 => share("on a log scale, the validation loss", "half", value),
        Feature::ValShare4 => share("on a log scale, the validation loss", "quarter", value),
        Feature::ValShare8 => share("on a log scale, the validation loss", "eighth", value),
        Feature::Slope1 => fell("the loss", "over the second half of the run", value),
        Feature::Slope2 => fell("the loss", "between 1/4 and 1/2 of the run", value),
        Feature::Slope4 => fell("the loss", "between 1/8 and 1/4 of the run", value),
        Feature::Slope8 => fell("the loss", "between 1/16 and 1/8 of the run", value),
        Feature::Slope16 => fell("the loss", "between 1/32 and 1/16 of the run", value),
        Feature::ValSlope1 => fell("the validation loss", "over the second half of the run", value),
        Feature::ValSlope2 => fell("the validation loss", "between 1/4 and 1/2 of the run", value),
        Feature::RelSlope1 => part("on a log scale, the loss", "in the second half of the run", value),
        Feature::RelSlope2 => part("on a log scale, the loss", "between 1/4 and 1/2 of the run", value),
        Feature::RelSlope4 => part("on a log scale, the loss", "between 1/8 and 1/4 of the run", value),
        Feature::ValRelSlope1 => part("on a log scale, the validation loss", "in the second half of the run", value),
        Feature::Bend1 => bend("in the second half of the run", value),
        Feature::Bend2 => bend("between 1/4 and 1/2 of the run", value),
        Feature::NoiseEnd => varies("at the end", value),
        Feature::NoiseStart => varies("at the start", value),
        Feature::NoiseRel if small => "at the end the loss varies by next to nothing of its fall".to_owned(),
        Feature::NoiseRel => format!("at the end the loss varies by {}", of_fall(value)),
        Feature::NoiseRatio if value.abs() < ALIKE => "the loss varies as much at the end as at the start".to_owned(),
        Feature::NoiseRatio => {
            format!("the loss varies {} times as much at the end as at the start", show(value.exp()))
        }
        Feature::ValNoiseRel if small => "the validation loss varies by next to nothing of its fall".to_owned(),
        Feature::ValNoiseRel => format!("the validation loss varies by {}", of_fall(value)),
        Feature::Rise if small => "the loss never rose above its start".to_owned(),
        Feature::Rise => format!("the loss rose to {} times its start", show(value.exp())),
        Feature::WorstOverStart if small => "no reading of the loss lies above its start".to_owned(),
        Feature::WorstOverStart => format!("the highest reading of the loss is {} times its start", show(value.exp())),
        Feature::EndOverBest if small => "the loss ends at its best".to_owned(),
        Feature::EndOverBest => format!("the loss ends above its best by {}", of_fall(value)),
        Feature::ValEndOverBest if small => "the validation loss ends at its best".to_owned(),
        Feature::ValEndOverBest => format!("the validation loss ends above its best by {}", of_fall(value)),
        Feature::ValBestAt if value > 1.0 - NOTHING => "the validation loss was best at the end".to_owned(),
        Feature::ValBestAt if small => "the validation loss was best at the start".to_owned(),
        Feature::ValBestAt => format!("the validation loss was best at {} of the run", percent(value)),
        Feature::Gap => format!("the validation loss ends at {} times the training loss", show(value.exp())),
        Feature::GapRel if value.abs() < NOTHING => "training and validation loss end together".to_owned(),
        Feature::ScoreEnd => format!("the score ends at {}", show(value)),
        Feature::ScoreGain2 => score("half", value),
        Feature::ScoreGain4 => score("quarter", value),
        Feature::ScoreGain8 => score("eighth", value),
        Feature::DecayDrop => fell("the loss", "after the rate had halved", value),
        Feature::DecayRel => part("on a log scale, the loss", "after the rate had halved", value),
        Feature::DecayGain if value > 0.0 => "the loss fell faster after the rate had halved than before".to_owned(),
        Feature::DecayGain => "the loss fell no faster after the rate had halved than before".to_owned(),
        Feature::Neighbours if value < -UNTIED => "neighbouring readings alternate between high and low".to_owned(),
        Feature::Neighbours if value < UNTIED => "neighbouring readings scatter on their own".to_owned(),
        Feature::Neighbours => "neighbouring readings move together".to_owned(),
        Feature::HalfAt => format!("half of the fall was made {}", within(value)),
        Feature::NineTenthsAt => format!("nine tenths of the fall were made {}", within(value)),
        Feature::DrawUp if small => "the smoothed loss never rose again".to_owned(),
        Feature::DrawUp => format!("the smoothed loss rose again by {}", of_fall(value)),
        Feature::Adam if value > 0.5 => "the optimizer is of the Adam family".to_owned(),
        Feature::Adam => "the optimizer is not of the Adam family".to_owned(),
        Feature::Ups if small => "late in the run the averaged loss never rose".to_owned(),
        Feature::Ups => {
            format!("late in the run the averaged loss rose from one part to the next {} of the time", percent(value))
        }
        Feature::GradChange if value.abs() < ALIKE => "the gradient norm ends where it began".to_owned(),
        Feature::GradChange => format!("the gradient norm ends at {} times its start", show(value.exp())),
        Feature::ExcessStart => times("the first loss is", value, "what the score beside it explains"),
        Feature::ExcessEnd => times("the last loss is", value, "what the score beside it explains"),
        Feature::EndToChance => times("the loss ends at", value.ln(), "the loss of guessing"),
        // Habits of logging, the rate itself, and numbers without a plain meaning.
        Feature::FirstAt
        | Feature::Spikes
        | Feature::ValDrop
        | Feature::FirstGap
        | Feature::GapRel
        | Feature::ScoreBestAt
        | Feature::ScoreNoise
        | Feature::LrLog10
        | Feature::LrEndLog2
        | Feature::LrHalfAt
        | Feature::LrPeakAt
        | Feature::GradNoise
        | Feature::GradWorst
        | Feature::PointsLog2
        | Feature::Tail
        | Feature::StartOverChance
        | Feature::EndOverChance => return None,
    })
}

/// Whether a value of a feature is to people a sign of such a verdict. Trees weigh it beside many
/// others, and may take a smooth start for a sign of steps that are too large.
pub(super) fn is_sign(feature: Feature, value: f64, verdict: Placement) -> bool {
    let high = match verdict {
        Placement::TooLow => false,
        Placement::TooHigh | Placement::Diverged => true,
        Placement::Good | Placement::Unknown => return true,
    };
    match feature {
        Feature::NoiseEnd | Feature::NoiseRel | Feature::ValNoiseRel => (value >= SHAKES) == high,
        Feature::Rise | Feature::WorstOverStart | Feature::EndOverBest | Feature::ValEndOverBest | Feature::DrawUp => {
            (value >= SHAKES) == high
        }
        Feature::NoiseRatio => (value > 0.0) == high,
        // How much of the fall came early ...
        Feature::Share2
        | Feature::Share4
        | Feature::Share8
        | Feature::Share16
        | Feature::Share32
        | Feature::Share64
        | Feature::FlatShare2
        | Feature::FlatShare8
        | Feature::FlatShare32
        | Feature::ValShare2
        | Feature::ValShare4
        | Feature::ValShare8 => (value >= EARLY) == high,
        Feature::HalfAt | Feature::NineTenthsAt => (value.exp2() < SOON) == high,
        // ... and how much came late.
        Feature::Slope1 | Feature::Slope2 | Feature::ValSlope1 | Feature::ValSlope2 => (value < LATE) == high,
        Feature::RelSlope1 | Feature::RelSlope2 | Feature::ValRelSlope1 => (value < LATE) == high,
        Feature::Ups => (value >= OFTEN) == high,
        Feature::Neighbours => (value < UNTIED) == high,
        Feature::Drop => value < LITTLE,
        Feature::DecayDrop | Feature::DecayRel | Feature::DecayGain => high && value > 0.0,
        Feature::GradChange => (value > 0.0) == high,
        Feature::ValBestAt => (value < EARLY) == high,
        _ => false,
    }
}

/// A share of the fall that was made in the first `part` of the run.
fn share(what: &str, part: &str, value: f64) -> String {
    if value < NOTHING {
        format!("{what} did not fall in the first {part} of the run")
    } else if value > 1.0 + NOTHING {
        format!("{what} was lower after the first {part} of the run than at its end")
    } else {
        format!("{what} made {} of its fall in the first {part} of the run", percent(value))
    }
}

/// A share of the fall that was made at some time.
fn part(what: &str, when: &str, value: f64) -> String {
    if value < NOTHING {
        format!("{what} did not fall {when}")
    } else if value > 1.0 + NOTHING {
        format!("{what} fell {when} by more than it did in all")
    } else {
        format!("{what} made {} of its fall {when}", percent(value))
    }
}

/// A fall of the log of a loss, as the share that the loss itself lost.
fn fell(what: &str, when: &str, value: f64) -> String {
    match value {
        v if v.abs() < NOTHING => format!("{what} did not change {when}"),
        v if (-v).exp() < NOTHING => format!("{what} fell to next to nothing {when}"),
        v if v > 0.0 => format!("{what} fell by {} {when}", percent(-(-v).exp_m1())),
        v if -v > TIMES => format!("{what} rose {} times {when}", show((-v).exp())),
        v => format!("{what} rose by {} {when}", percent((-v).exp_m1())),
    }
}

/// A ratio, from its log.
fn times(what: &str, value: f64, of: &str) -> String {
    if value.abs() < ALIKE { format!("{what} {of}") } else { format!("{what} {} times {of}", show(value.exp())) }
}

/// A share of the fall; one above all of it is that of a loss that hardly fell.
fn of_fall(value: f64) -> String {
    if value > 1.0 { "more than all of its fall".to_owned() } else { format!("{} of its fall", percent(value)) }
}

/// Within which part of the run, from the binary log of a time.
fn within(value: f64) -> String {
    let time = value.exp2();
    if time < NOTHING { "at once".to_owned() } else { format!("within the first {} of the run", percent(time)) }
}

fn bend(when: &str, value: f64) -> String {
    if value > 0.0 { format!("the fall grew steeper {when}") } else { format!("the fall levelled off {when}") }
}

fn varies(when: &str, value: f64) -> String {
    if value < NOTHING {
        format!("the loss is smooth {when}")
    } else {
        format!("the loss varies by {} {when}", percent(value))
    }
}

fn score(part: &str, value: f64) -> String {
    if value.abs() < NOTHING {
        return format!("the score did not rise after the first {part} of the run");
    }
    format!("the score rose by {} after the first {part} of the run", show(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_value_is_a_sign_of_both_sides() {
        for feature in Feature::ALL.into_iter().filter(|f| *f != Feature::Drop) {
            for value in [-2.0, -0.3, 0.0, 0.01, 0.2, 0.6, 3.0] {
                let of = |verdict| is_sign(feature, value, verdict);
                assert!(!(of(Placement::TooLow) && of(Placement::TooHigh)), "{feature} {value}");
                assert_eq!(of(Placement::TooHigh), of(Placement::Diverged));
            }
        }
        assert!(
            is_sign(Feature::NoiseEnd, 0.4, Placement::TooHigh)
                && !is_sign(Feature::NoiseStart, 0.01, Placement::TooHigh)
        );
    }

    #[test]
    fn what_would_be_shown_as_nothing_is_worded() {
        let told = |feature, value| words(feature, value).unwrap();
        assert_eq!(told(Feature::WorstOverStart, 0.0), "no reading of the loss lies above its start");
        assert_eq!(told(Feature::NoiseStart, 0.001), "the loss is smooth at the start");
        assert_eq!(told(Feature::Slope1, -2f64.ln()), "the loss rose by 100 % over the second half of the run");
        assert_eq!(told(Feature::Slope1, 2f64.ln()), "the loss fell by 50 % over the second half of the run");
        for feature in Feature::ALL {
            assert_eq!(words(feature, f64::NAN), None);
            for value in [0.0, 1e-3, 1.0, 7.0] {
                let empty = |w: &str| {
                    w.contains(" 0 %") || w.contains("100 % of its start") || w.contains("00 % of its fall in")
                };
                assert!(
                    words(feature, value).is_none_or(|w| !empty(&w) || value == 1.0 && !w.contains(" 0 %")),
                    "{feature}: {:?}",
                    words(feature, value)
                );
            }
        }
    }
}
