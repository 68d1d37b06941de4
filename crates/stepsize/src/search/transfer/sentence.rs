//! [`PlanText`]: a run as people describe it, such as `wsd(0.2), 40k steps, batch 256`.

use super::Plan;
use crate::{Error, Result, Schedule};
use std::str::FromStr;

/// Largest whole number that is exact in the notation `1.5M`, which is read as a double.
const LARGEST: f64 = 9_007_199_254_740_992.0;

/// What a text says of a run: a schedule, `N steps` and `batch N`, separated by commas, in any
/// order. Each part may be missing.
///
/// Numbers may be written as `40000`, `40k`, `1.5M` or `4e4`.
///
/// ```
/// use stepsize::transfer::PlanText;
/// let text: PlanText = "wsd(0.2, sqrt), 40k steps, batch 256".parse()?;
/// assert_eq!(text.schedule.as_deref(), Some("wsd(0.2, sqrt)"));
/// assert_eq!((text.steps, text.batch), (Some(40_000), Some(256)));
/// # Ok::<(), stepsize::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PlanText {
    /// The schedule in its notation; it is read once the number of steps is known.
    pub schedule: Option<String>,
    /// Optimizer steps.
    pub steps: Option<u64>,
    /// Rows a step.
    pub batch: Option<u64>,
}

impl PlanText {
    /// The plan of this text. What it leaves out is taken from `other`.
    ///
    /// # Errors
    /// When the schedule or the number of steps is missing from both texts, or the schedule does
    /// not parse.
    pub fn plan(&self, other: &Self) -> Result<Plan> {
        let missing = |what: &str| {
            Error::invalid(format!("the {what} is missing; write it as in \"cosine, 10k steps, batch 64\""))
        };
        let steps = self.steps.or(other.steps).ok_or_else(|| missing("number of steps"))?;
        let schedule = self.schedule.as_ref().or(other.schedule.as_ref()).ok_or_else(|| missing("schedule"))?;
        Ok(Plan { schedule: Schedule::parse(schedule, steps)?, steps, batch: self.batch.or(other.batch) })
    }
}

impl FromStr for PlanText {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let mut found = Self::default();
        for (start, part) in parts(text) {
            let error = |word: &str, message: String| {
                let at = start + word.as_ptr() as usize - part.as_ptr() as usize;
                Error::notation(message, text, text[..at].chars().count())
            };
            let number = |word: &str| {
                let message = || format!("{word:?} is not a whole number above 0, such as 40000, 40k or 1.5M");
                whole(word).ok_or_else(|| error(word, message()))
            };
            let words: Vec<&str> = part.split_whitespace().collect();
            let twice = |what: &str| Err(error(part.trim(), format!("a second {what}; a run has one")));
            match words.as_slice() {
                [] => {}
                [n, "steps" | "step"] | ["steps", n] => {
                    if found.steps.replace(number(n)?).is_some() {
                        return twice("number of steps");
                    }
                }
                ["batch", n] | [n, "batch"] | ["batch", "size", n] => {
                    if found.batch.replace(number(n)?).is_some() {
                        return twice("batch size");
                    }
                }
                _ => {
                    if found.schedule.replace(part.trim().to_owned()).is_some() {
                        return twice("schedule");
                    }
                }
            }
        }
        Ok(found)
    }
}

/// The parts between commas outside of parentheses, each with the place of its first byte.
fn parts(text: &str) -> Vec<(usize, &str)> {
    let (mut depth, mut start, mut found) = (0i32, 0, Vec::new());
    for (i, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth == 0 => {
                found.push((start, &text[start..i]));
                start = i + 1;
            }
            _ => {}
        }
    }
    found.push((start, &text[start..]));
    found
}

/// A count as people write it: `40000`, `40k`, `1.5M`, `1e4`; `None` where it is no whole number
/// from 1 to 2^53.
///
/// ```
/// use stepsize::transfer::whole;
/// assert_eq!((whole("10k"), whole("1e6"), whole("2.5")), (Some(10_000), Some(1_000_000), None));
/// ```
pub fn whole(word: &str) -> Option<u64> {
    let (digits, unit) = match word.char_indices().last()? {
        (at, 'k' | 'K') => (&word[..at], 1e3),
        (at, 'm' | 'M') => (&word[..at], 1e6),
        _ => (word, 1.0),
    };
    let value = digits.parse::<f64>().ok()? * unit;
    (value >= 1.0 && value.fract() == 0.0 && value < LARGEST).then_some(value as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<PlanText> {
        text.parse()
    }

    #[test]
    fn a_run_is_read_from_words_in_any_order() {
        let found = read("batch 256, wsd(0.2, sqrt), 40k steps").unwrap();
        assert_eq!(
            (found.schedule.as_deref(), found.steps, found.batch),
            (Some("wsd(0.2, sqrt)"), Some(40_000), Some(256))
        );
        assert_eq!(read("batch 1.5k").unwrap(), PlanText { batch: Some(1500), ..PlanText::default() });
        assert_eq!(read("").unwrap(), PlanText::default());
        assert!(whole("1.5").is_none() && whole("0").is_none() && whole("1e99").is_none());
    }

    #[test]
    fn an_error_points_at_the_part_that_is_wrong() {
        let column = |text: &str| read(text).unwrap_err().column();
        assert_eq!(column("cosine, x steps"), Some(8));
        assert_eq!(column("10 steps, 20 steps"), Some(10));
        assert_eq!(column("cosine,  linear"), Some(9));
        assert_eq!(column("batch 8, ß(1), batch size 1.5"), Some(26));
        let shown = read("cosine, x steps").unwrap_err().to_string();
        assert!(shown.contains("\"x\" is not a whole number") && shown.ends_with("        ^"), "{shown}");
    }

    #[test]
    fn a_plan_takes_what_its_text_leaves_out_from_the_other() {
        let from = read("cosine, 10k steps, batch 64").unwrap();
        let to = read("40k steps").unwrap().plan(&from).unwrap();
        assert_eq!(
            (to.schedule.to_string(), to.steps, to.batch),
            (Schedule::parse("cosine", 40_000).unwrap().to_string(), 40_000, Some(64))
        );
        let error = |text: &str| read(text).unwrap().plan(&PlanText::default()).unwrap_err().to_string();
        assert!(
            error("10k steps").contains("the schedule is missing")
                && error("cosine").contains("the number of steps is missing")
        );
        assert!(error("cosin, 10k steps").contains("cosin"));
    }
}
