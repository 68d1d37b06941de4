//! The conformance modes of the range test against what the real packages recorded and suggested
//! (`golden/finders.json`, written by `golden/finders.py`).
#![allow(clippy::unwrap_used, clippy::panic)] // a test helper may fail loudly

use serde_json::Value;
use stepsize::probe::suggest::{Finder, Ramp, Suggestion};

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| value.as_str().unwrap().parse().unwrap())
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(number).collect()
}

fn close(a: f64, b: f64, relative: f64) -> bool {
    (a.is_nan() && b.is_nan()) || a == b || (a - b).abs() <= relative * b.abs()
}

#[test]
fn rates_losses_and_suggestions_equal_the_packages() {
    let rows: Vec<Value> = serde_json::from_str(include_str!("golden/finders.json")).unwrap();
    let (mut curves, mut answers, mut refusals, mut wrong) = (0, 0, 0, Vec::new());
    for row in &rows {
        let name = row["name"].as_str().unwrap();
        let (low, high) = (number(&row["low"]), number(&row["high"]));
        let ramp = if row["mode"] == "linear" { Ramp::Linear } else { Ramp::Exponential };
        let mut script = numbers(&row["script"]);
        let n = script.len();
        // One iteration more than asked for: ignite makes it.
        script.push(script[n - 1]);
        for (key, finder, own) in [
            (
                "fastai",
                Finder::Fastai,
                &[
                    ("valley", Suggestion::Valley),
                    ("slide", Suggestion::Slide),
                    ("minimum", Suggestion::Minimum),
                    ("steep", Suggestion::Steep),
                ] as &[_],
            ),
            ("torch_lr_finder", Finder::TorchLrFinder, &[("steepest", Suggestion::TorchLrFinder)]),
            ("ignite", Finder::Ignite, &[("ignite", Suggestion::Ignite)]),
            ("lightning", Finder::Lightning, &[("lightning", Suggestion::Lightning)]),
        ] {
            let real = &row[key];
            if real.is_null() {
                continue;
            }
            curves += 1;
            let rates = finder.rates(low, high, n, ramp);
            let losses = finder.record(&script[..rates.len()]);
            let (real_rates, real_losses) = (numbers(&real["lrs"]), numbers(&real["losses"]));
            assert_eq!((losses.len(), losses.len()), (real_losses.len(), real_rates.len()), "{name} {key}");
            for k in 0..losses.len() {
                assert!(close(rates[k], real_rates[k], 1e-12), "{name} {key} {k}: {} {}", rates[k], real_rates[k]);
                // fastai's are single-precision numbers, the same to the last bit (1e-15: reading
                // JSON).
                let (ours, theirs) = (losses[k], real_losses[k]);
                let tolerance = if finder == Finder::Fastai { 1e-15 } else { 1e-12 };
                assert!(close(ours, theirs, tolerance), "{name} {key} {k}: {ours} {theirs}");
            }
            for (method, suggestion) in own {
                assert_eq!(suggestion.finder(), finder);
                // On the package's own record, and from the raw losses through our record of them.
                for lossy in [&real_losses, &losses] {
                    let ours = suggestion.suggest(&rates, lossy, n);
                    match &real["answers"][method] {
                        Value::String(_) => {
                            refusals += 1;
                            if ours.is_some() {
                                wrong.push(format!("{name} {method}: {ours:?}, the package raises"));
                            }
                        }
                        value => {
                            answers += 1;
                            let theirs = number(value);
                            if !ours.is_some_and(|o| close(o, theirs, 1e-12)) {
                                wrong.push(format!("{name} {method}: {ours:?}, the package {theirs}"));
                            }
                        }
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), answers + refusals, wrong.join("\n"));
    // Answers and refusals count twice: from the real record and from ours.
    assert_eq!((rows.len(), curves, answers, refusals), (21, 82, 248, 30));
}
