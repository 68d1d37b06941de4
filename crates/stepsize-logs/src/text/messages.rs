//! Lines of one kind only: the end of a run that broke, and counters without a name.

use crate::literal::{self, Value};
use crate::names::metric_direction;
use crate::number;

/// What a program says when a loss is not finite. The second must follow the first within
/// [`NEAR`] characters.
const BROKEN: [(&str, &str); 9] = [
    ("loss", "nan"),
    ("loss", "infinite"),
    ("loss", "not finite"),
    ("loss", "non-finite"),
    ("nan", "loss"),
    ("non-finite", "loss"),
    ("infinite", "loss"),
    ("diverged", "loss"),
    ("loss", "exploding"),
];
const NEAR: usize = 40;
/// Words of a line that is a setting, a remark or a step that was skipped.
const HARMLESS: [&str; 9] = ["skip", "if ", "_nan", "nan_", "filter", "scale", "detect_anomaly", "terminate", "ignor"];

/// Whether a line says that the loss is not finite, and the step that it names, else NaN. It must
/// hold no reading of its own.
pub(crate) fn broken_at(line: &str) -> Option<f64> {
    if line.len() > 400 {
        return None;
    }
    let lower = line.to_ascii_lowercase();
    let near = |(first, second): &(&str, &str)| {
        lower.match_indices(first).take(4).filter(|(at, _)| is_word(&lower, *at, first.len())).find_map(|(at, _)| {
            let at = at + first.len();
            lower.get(at..)?.find(second).filter(|gap| *gap <= NEAR && is_word(&lower, at + gap, second.len()))
        })
    };
    if BROKEN.iter().find_map(near).is_none() || HARMLESS.iter().any(|word| lower.contains(word)) {
        return None;
    }
    let counter = ["iteration", "iter", "step", "update", "batch"].into_iter().find_map(|word| {
        let rest = lower.get(lower.find(word)? + word.len()..)?.trim_start_matches(['=', ':', ' ', '#']);
        let end = rest.bytes().take_while(u8::is_ascii_digit).count();
        rest.get(..end)?.parse::<f64>().ok()
    });
    Some(counter.unwrap_or(f64::NAN))
}

/// Whether no letter stands beside the part of a line.
fn is_word(line: &str, at: usize, length: usize) -> bool {
    let letter = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = line.as_bytes();
    !letter(at.checked_sub(1).and_then(|i| bytes.get(i))) && !letter(bytes.get(at + length))
}

/// The step and the rate of a line that ends with `[1200, 0.0001]`, as VITS prints them.
pub(crate) fn step_and_rate(line: &str) -> Option<(f64, f64)> {
    let inside = line.trim_end().strip_suffix(']')?.rsplit_once('[')?.1;
    let (step, rate) = inside.split_once(',')?;
    let (step, rate) = (number::whole(step.as_bytes())?, number::whole(rate.as_bytes())?);
    (step >= 0.0 && step.fract() == 0.0 && rate > 0.0 && rate < 1.0).then_some((step, rate))
}

/// The rate that a scheduler of PyTorch says it applies from now on: `Adjusting learning rate of
/// group 0 to 1.0e-02.`
pub(crate) fn adjusted_rate(line: &str) -> Option<f64> {
    let message = match line.strip_prefix("Epoch ") {
        Some(rest) => rest.split_once(": adjusting ")?.1,
        None => line.strip_prefix("Adjusting ")?,
    };
    let rate = message.strip_prefix("learning rate of group 0 to ")?;
    number::whole(rate.trim().trim_end_matches('.').as_bytes())
}

/// Numbers in a list from which on it is a curve.
const CURVE: usize = 4;

/// The metric and the numbers of a line that is a list of its readings: `val_losses = [0.9, 0.7,
/// 0.6, 0.5]`.
pub(crate) fn list_of(line: &str) -> Option<(&str, Vec<f64>)> {
    let (name, list) = line.trim().strip_suffix(']')?.split_once('[')?;
    let name = name.trim().trim_end_matches(['=', ':', ' ']);
    let values: Option<Vec<f64>> = list.split(',').map(|n| number::told(n.as_bytes())).collect();
    let values = values.filter(|v| v.len() >= CURVE)?;
    let named = name.len() <= 64 && metric_direction(name).is_some();
    named.then_some((name, values))
}

/// The lists of a line that holds a history as Python prints it: `{'loss': [0.9, 0.7, 0.6, 0.5],
/// 'val_loss': [...]}`.
pub(crate) fn lists_of(line: &str) -> Option<Vec<(String, Vec<f64>)>> {
    let begin = memchr::memchr(b'{', line.as_bytes())?;
    let text = line.get(begin..)?;
    if !text.contains(": [") {
        return None;
    }
    let (Value::Map(entries), _) = literal::parse(text)? else { return None };
    let numbers = |value: &Value<'_>| match value {
        Value::List(all) if all.len() >= CURVE => all.iter().map(Value::number).collect::<Option<Vec<f64>>>(),
        _ => None,
    };
    let lists: Vec<(String, Vec<f64>)> =
        entries.iter().filter_map(|(name, value)| Some((name.to_string(), numbers(value)?))).collect();
    lists.iter().any(|(name, _)| metric_direction(name).is_some()).then_some(lists)
}

/// The lists of a line within a dictionary that Python prints over several lines: `'loss': [0.9,
/// 0.7, 0.6, 0.5], 'val_loss': [...]}`.
pub(crate) fn lists_in(line: &str) -> Option<Vec<(String, Vec<f64>)>> {
    let lists: Vec<(String, Vec<f64>)> = memchr::memmem::find_iter(line.as_bytes(), ": [")
        .filter_map(|at| {
            let before = line.get(..at)?;
            let quote = before.chars().next_back().filter(|q| matches!(q, '\'' | '"'))?;
            let (_, name) = before.trim_end_matches(quote).rsplit_once(quote)?;
            let (list, _) = line.get(at + 3..)?.split_once(']')?;
            let values: Option<Vec<f64>> = list.split(',').map(|n| number::told(n.as_bytes())).collect();
            Some((name.to_owned(), values.filter(|v| v.len() >= CURVE)?))
        })
        .collect();
    lists.iter().any(|(name, _)| metric_direction(name).is_some()).then_some(lists)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_of_a_run_that_broke() {
        for (line, step) in [
            ("FloatingPointError: Loss became infinite or NaN at iteration=370!", Some(370.0)),
            ("NaN loss detected at step 12, stopping", Some(12.0)),
            ("ERROR:tensorflow:Model diverged with loss = NaN.", Some(f64::NAN)),
            ("NanLossDuringTrainingError: NaN loss during training.", Some(f64::NAN)),
            ("Your loss is probably exploding. Try lowering the learning rate", Some(f64::NAN)),
            ("logging_nan_inf_filter: loss", None),
            ("skipping batch with nan loss", None),
            ("loss: announce", None),
            ("finance loss", None),
        ] {
            assert_eq!(broken_at(line).map(f64::to_bits), step.map(f64::to_bits), "{line}");
        }
    }

    #[test]
    fn lists_of_readings() {
        assert_eq!(list_of("val_losses = [0.9, 0.7, nan, 0.5]").map(|(n, v)| (n, v.len())), Some(("val_losses", 4)));
        for line in ["milestones: [30, 60, 90, 120]", "loss [1, 2]", "[1, 2, 3, 4]", "loss: [a, b, c, d]"] {
            assert_eq!(list_of(line), None, "{line}");
        }
    }

    #[test]
    fn a_history_as_python_prints_it() {
        let history = "INFO: {'loss': [0.9, 0.7, nan, 0.5], 'lr': [0.1, 0.1, 0.1, 0.1], 'epoch': [1, 2]}";
        let names = |line: &str| lists_of(line).map(|l| l.into_iter().map(|(n, v)| (n, v.len())).collect::<Vec<_>>());
        assert_eq!(names(history), Some(vec![("loss".to_owned(), 4), ("lr".to_owned(), 4)]));
        for line in ["{'sizes': [64, 32, 16, 8]}", "{'loss': [0.5, 0.25]}", "{'loss': 0.5}", "{ [", "loss: [1, 2]"] {
            assert_eq!(names(line), None, "{line}");
        }
    }

    #[test]
    fn the_end_of_a_dictionary_of_several_lines() {
        let lists = lists_in("), 'accuracy': [25.7, 36.7, 46.7, 50.1], 'loss': [2.0, 1.7, 1.4, 1.3]}").unwrap();
        assert_eq!(
            lists.iter().map(|(n, v)| (n.as_str(), v[3])).collect::<Vec<_>>(),
            [("accuracy", 50.1), ("loss", 1.3)]
        );
        assert_eq!(lists_in("), 'sizes': [1, 2, 3, 4], 'loss': [0.5, 0.25]}"), None);
    }

    #[test]
    fn a_rate_that_is_applied_from_now_on() {
        assert_eq!(adjusted_rate("Adjusting learning rate of group 0 to 1.0000e-02."), Some(0.01));
        assert_eq!(adjusted_rate("Epoch 00001: adjusting learning rate of group 0 to 1.9513e-03."), Some(1.9513e-3));
        for line in ["Adjusting learning rate of group 1 to 1.0e-02.", "Reducing learning rate of group 0 to 1e-3."] {
            assert_eq!(adjusted_rate(line), None, "{line}");
        }
    }

    #[test]
    fn a_step_and_a_rate_without_names() {
        assert_eq!(step_and_rate("2023-05-05 10:00:00,124 INFO [25, 0.001]"), Some((25.0, 0.001)));
        for line in ["[1, 2, 0.5]", "[0.5, 0.1]", "shape [64, 64]", "]", "[,]"] {
            assert_eq!(step_and_rate(line), None, "{line}");
        }
    }
}
