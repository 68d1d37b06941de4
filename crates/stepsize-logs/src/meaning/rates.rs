//! The base rate: in a name, and among the series of a run.

use crate::names::{is_bias, is_rate};
use crate::run::NamedSeries;

/// Logarithm of the factor by which the rate of a name and the highest that was applied may differ.
const CONFIRMED: f64 = 0.05;
/// A rate so many times below that of the configuration is another one.
const SCALED: f64 = 2.0;
/// Readings from which on a number that only falls is a rate.
const FALLING: usize = 5;

/// The series of the rate. Of several groups of parameters the one with the highest rate stands for
/// the run, but never that of the biases: trainers warm it up from above, and it begins at its
/// highest while the others rise.
pub(super) fn applied(all: &[NamedSeries]) -> Option<&NamedSeries> {
    let rates = || all.iter().filter(|s| is_rate(&s.name) && s.points.iter().any(|p| p.1 > 0.0));
    let Some(longest) = rates().map(|s| s.points.len()).max() else { return alpha(all) };
    let rises = |s: &NamedSeries| s.points.first().is_some_and(|p| p.1 < 0.9 * peak(s));
    let some_rise = rates().any(rises);
    let moves = |s: &NamedSeries| s.points.windows(2).any(|w| w[0].1 != w[1].1);
    let some_move = rates().any(moves);
    let order = |s: &&NamedSeries| {
        let falls = some_rise && !rises(s) && s.points.last().is_some_and(|p| p.1 < 0.9 * peak(s));
        // A column of the configuration beside the rate that is applied.
        let stands = some_move && !moves(s);
        (s.points.len() * 4 < longest, is_bias(&s.name), falls, stands)
    };
    rates().min_by(|a, b| order(a).cmp(&order(b)).then(peak(b).total_cmp(&peak(a))))
}

/// The rate under the name that word2vec gives it. Other things of this name do not fall all the
/// time.
fn alpha(all: &[NamedSeries]) -> Option<&NamedSeries> {
    let falls = |s: &&NamedSeries| {
        s.points.len() >= FALLING
            && s.points.windows(2).all(|w| w[1].1 <= w[0].1)
            && s.points.iter().all(|p| (0.0..1.0).contains(&p.1))
            && s.points.last().is_some_and(|p| p.1 < 0.9 * peak(s))
    };
    all.iter().filter(|s| s.name.eq_ignore_ascii_case("alpha")).find(falls)
}

/// Whether a rate was applied, again and again, that lies above this one.
pub(super) fn exceeds(applied: &NamedSeries, rate: f64) -> bool {
    let above = |p: &&(f64, f64)| p.1.is_finite() && p.1 > rate * (1.0 + CONFIRMED);
    applied.points.iter().filter(above).count() >= FALLING
}

/// Whether the rate that was applied rose and fell again far below this one, which was scaled for
/// the batch: `Init_lr 0.01`, applied 3e-5 .. 3e-4 .. 1e-4.
pub(super) fn stays_below(applied: &NamedSeries, rate: f64) -> bool {
    let [first, .., last] = applied.points.as_slice() else { return false };
    let top = peak(applied);
    applied.points.len() >= FALLING && first.1 < 0.9 * top && last.1 < 0.99 * top && top * SCALED < rate
}

fn peak(series: &NamedSeries) -> f64 {
    series.points.iter().map(|p| p.1).filter(|v| v.is_finite()).fold(0.0, f64::max)
}

/// The rate in a name: `lr=0.1`, `lr_1e-3`, `lr0.01-seed2`, `eta-0.5`, `learning_rate_3e-4`,
/// and, without the point that some file systems mind, `lr0p01` and `lr_0_01`.
pub fn rate_in(name: &str) -> Option<f64> {
    let name = name.to_ascii_lowercase();
    for word in ["learning_rate", "learningrate", "learning-rate", "eta0", "eta", "lr"] {
        for (at, _) in name.match_indices(word) {
            let before = name[..at].chars().next_back();
            if before.is_some_and(char::is_alphanumeric) {
                continue;
            }
            let rest = name[at + word.len()..].trim_start_matches(['=', '_', '-', ':', ' ', '~']);
            let end = rest
                .char_indices()
                .find(|(i, c)| {
                    let sign = matches!(c, '-' | '+') && rest[..*i].ends_with('e');
                    !(c.is_ascii_digit() || *c == '.' || sign || matches!(c, 'e' | 'p') && *i > 0)
                })
                .map_or(rest.len(), |(i, _)| i);
            // `lr0.01.csv` is 0.01.
            let mut text = rest[..end].trim_end_matches(['.', 'e', 'p', '-', '+']).replacen('p', ".", 1);
            if let ("0", Some(after)) = (text.as_str(), rest.strip_prefix("0_").or_else(|| rest.strip_prefix("0-"))) {
                let digits = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
                text = format!("0.{}", &after[..digits]);
            }
            if let Some(rate) = text.parse::<f64>().ok().filter(|r| *r > 0.0 && r.is_finite()) {
                // `lr_5e4` left out the minus.
                let minus = text.split_once('e').filter(|(_, exponent)| !exponent.starts_with('+') && rate >= 10.0);
                let small = minus.and_then(|(digits, exponent)| format!("{digits}e-{exponent}").parse().ok());
                return Some(small.unwrap_or(rate));
            }
        }
    }
    None
}

/// The rate that is the whole name of a file, `0.1.csv`, where the log confirms it: it applied a
/// rate as high, which a warm-up or the first decay may have kept a little lower.
pub(super) fn of_stem(path: &str, applied: Option<&NamedSeries>) -> Option<f64> {
    let file = path.rsplit('/').next()?;
    let stem = file.rsplit_once('.')?.0;
    let number = stem.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'-'));
    let rate = stem.parse::<f64>().ok().filter(|r| number && *r > 0.0)?;
    ((peak(applied?) / rate).ln().abs() < CONFIRMED).then_some(rate)
}

#[cfg(test)]
mod tests {
    use super::super::tests::series;
    use super::*;

    #[test]
    fn the_group_that_is_warmed_up_from_above_is_not_the_base() {
        let groups = [
            series("lr/pg0", &[0.003, 0.006, 0.01, 0.008]),
            series("lr/pg1", &[0.003, 0.006, 0.01, 0.008]),
            series("lr/pg2", &[0.07, 0.04, 0.01, 0.008]),
        ];
        assert_eq!(applied(&groups).unwrap().name, "lr/pg0");
        let groups =
            [series("lr_bias", &[0.2, 0.2]), series("lr_backbone", &[0.01, 0.01]), series("lr_head", &[0.1, 0.1])];
        assert_eq!(applied(&groups).unwrap().name, "lr_head");
        // Printed with too few digits.
        assert_eq!(applied(&[series("lr", &[0.0, 0.0])]), None);
        let factors = [series("BIAS_LR_FACTOR", &[1.0]), series("lr", &[0.01, 0.02])];
        assert_eq!(applied(&factors).unwrap().name, "lr");
    }

    #[test]
    fn a_rate_that_was_scaled_never_comes_near_that_of_the_configuration() {
        let applied = series("lr", &[3e-5, 2e-4, 3e-4, 3e-4, 2.9e-4]);
        assert!(stays_below(&applied, 0.01));
        assert!(!stays_below(&applied, 4e-4));
        // A warm-up that was cut short, and a run that goes on from a checkpoint.
        assert!(!stays_below(&series("lr", &[1e-5, 2e-5, 3e-5, 4e-5, 5e-5]), 0.01));
        assert!(!stays_below(&series("lr", &[5e-4, 4e-4, 3e-4, 2e-4, 1e-4]), 0.01));
    }

    #[test]
    fn a_file_that_is_named_by_its_rate() {
        let applied = [series("lr", &[0.0996, 0.05, 0.0])];
        assert_eq!(of_stem("runs/0.1.csv", Some(&applied[0])), Some(0.1));
        assert_eq!(of_stem("1e-1.log", Some(&applied[0])), Some(0.1));
        for path in ["0.2.csv", "0.1x.csv", "0", "log.csv", "-0.1.csv"] {
            assert_eq!(of_stem(path, Some(&applied[0])), None, "{path}");
        }
        assert_eq!(of_stem("0.1.csv", None), None);
    }

    #[test]
    fn rates_in_names() {
        for (name, rate) in [
            ("runs/lr=0.1/log.txt", 0.1),
            ("lr_1e-3.csv", 1e-3),
            ("mlp-lr0.01-seed2.jsonl", 0.01),
            ("learning_rate_3e-4/x", 3e-4),
            ("a_eta0_0.5.csv", 0.5),
            ("job3_lr2.csv", 2.0),
            ("lr1e+03.txt", 1e3),
            ("lr_5e4.log", 5e-4),
            ("a_lr-0p003.log", 0.003),
            ("lr1p5e-3/log.txt", 1.5e-3),
            ("x_lr_0_01_seed_2.log", 0.01),
        ] {
            assert_eq!(rate_in(name), Some(rate), "{name}");
        }
        for name in ["beta0.9", "clr0.1", "log.csv", "lr.csv", "early_lr_schedule"] {
            assert_eq!(rate_in(name), None, "{name}");
        }
    }
}
