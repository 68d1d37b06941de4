//! [`export`]: the playground as one static page with recorded experiments, for a manual: it needs
//! no server and works from `file://`. Its rates are those that were recorded; each experiment has
//! its command below it.

use super::{Ask, Experiment, SideBySide, pages};
use crate::shell;
use serde_json::{Value, json};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use stepsize::{Error, Result};

/// Rates of the small network that are recorded: from one that learns nothing to one that breaks.
const TRAIN: &str = "0.0001,0.0005,0.002,0.01,0.03,0.1,0.3,1,3,10";
/// Rates at which the birds are seen.
const BIRDS: [&str; 15] =
    ["0.01", "0.02", "0.05", "0.1", "0.2", "0.35", "0.5", "0.7", "1", "1.5", "2", "4", "8", "16", "50"];
/// Base rates of the ways beside each other.
const WAYS: [&str; 5] = ["0.01", "0.03", "0.1", "0.3", "1"];
/// Guesses.
const GUESSES: [&str; 7] = ["0.0001", "0.001", "0.01", "0.03", "0.1", "0.3", "1"];
/// Searches.
const PROBES: [&str; 3] = ["range-test", "descent", "first-fall"];
/// Schedules.
const SCHEDULES: [&str; 12] = [
    "warmup(10%) then cosine",
    "constant",
    "linear",
    "cosine(floor=0.1)",
    "warmup(5%) then wsd(20%, sqrt)",
    "multi_step(0.1, 50%, 75%)",
    "step(20%, 0.5)",
    "inverse_sqrt(100)",
    "one_cycle",
    "triangular(10%)",
    "sgdr(25%, floor=0.05)",
    "0.1 + 0.9 * repeat(cosine, times=4)",
];
/// Significant digits of recorded numbers; a picture shows three.
const DIGITS: usize = 6;

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exported {
    /// The page.
    pub page: PathBuf,
    /// Experiments in it.
    pub experiments: usize,
    /// Its size in bytes.
    pub bytes: usize,
}

/// Records all experiments and writes the page `index.html` into `directory`. `watch` is told what
/// is recorded next.
///
/// # Errors
/// When the directory or the page cannot be written, or the engine broke.
pub fn export(directory: &Path, watch: &mut dyn FnMut(&str)) -> Result<Exported> {
    std::fs::create_dir_all(directory).map_err(|e| Error::io("make the directory", directory, e))?;
    let mut records = Vec::new();
    for (name, parameters) in plan() {
        watch(&format!("{name} {parameters}"));
        records.push(record(name, &parameters)?);
    }
    let text = page(&records);
    let page = directory.join("index.html");
    std::fs::write(&page, &text).map_err(|e| Error::io("write to", &page, e))?;
    Ok(Exported { page, experiments: records.len(), bytes: text.len() })
}

/// Names and parameters (`name=value`) of what is recorded.
fn plan() -> Vec<(&'static str, String)> {
    let lr = |name: &'static str, rates: &[&str]| -> Vec<_> {
        rates.iter().map(|rate| (name, format!("lr={rate}"))).collect()
    };
    let mut all: Vec<(&'static str, String)> =
        SCHEDULES.iter().map(|text| ("schedule", format!("text={}", encoded(text)))).collect();
    all.push(("train", format!("lr={TRAIN}")));
    all.extend(lr("birds", &BIRDS));
    all.extend(PROBES.iter().map(|probe| ("search", format!("probe={probe}"))));
    all.extend(lr("ways", &WAYS));
    all.extend(lr("guess", &GUESSES));
    all
}

/// Computes one experiment. The page finds it by its parameters.
fn record(name: &str, query: &str) -> Result<Value> {
    let ask = Ask::new(query)?;
    let experiment = match name {
        // A page shows three of the rates, any three.
        "train" => Some(Experiment::Runs(Box::new(SideBySide::rates(&ask, Some(usize::MAX))?))),
        _ => Experiment::of(name, query)?,
    };
    let experiment = experiment.ok_or_else(|| Error::internal(format!("no experiment is called {name}")))?;
    let mut events = Vec::new();
    experiment.play(&mut |value| {
        events.push(rounded(value));
        ControlFlow::Continue(())
    })?;
    Ok(json!({ "name": name, "parameters": ask.pairs(), "events": events }))
}

/// The same with fewer digits, for a smaller page.
fn rounded(value: Value) -> Value {
    match value {
        Value::Number(number) if number.is_f64() => match number.as_f64() {
            Some(exact) if exact != 0.0 => {
                let text = format!("{exact:.*e}", DIGITS - 1);
                text.parse::<f64>().map_or(Value::Number(number), |short| json!(short))
            }
            _ => Value::Number(number),
        },
        Value::Array(items) => Value::Array(items.into_iter().map(rounded).collect()),
        Value::Object(fields) => {
            Value::Object(fields.into_iter().map(|(name, value)| (name, rounded(value))).collect())
        }
        other => other,
    }
}

/// The page with everything in it.
fn page(records: &[Value]) -> String {
    let data = json!({ "recorded": records, "version": env!("CARGO_PKG_VERSION") });
    let whole = shell::document(pages::TITLE, "", "", pages::BODY, &data);
    let policy = "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; \
                  script-src 'unsafe-inline'; img-src data:\">\n";
    let link = "<link rel=\"stylesheet\" href=\"\">\n<script src=\"\" defer></script>\n";
    let head = format!("{policy}<style>\n{}</style>\n", pages::STYLE);
    // The script comes last: what it fills and what it reads are then there.
    let script = format!("<script>\n{}</script>\n</body>\n</html>\n", pages::SCRIPT);
    whole.replace(link, &head).replace("</body>\n</html>\n", &script)
}

/// A text in an address.
fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    text.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_recorded_comes_back_by_its_parameters() {
        let text = "0.1 + 0.9 * repeat(cosine, times=4)";
        let kept = record("schedule", &format!("text={}", encoded(text))).unwrap();
        assert_eq!(
            (kept["parameters"]["text"].as_str(), kept["events"].as_array().map(Vec::len)),
            (Some(text), Some(1))
        );
        assert_eq!(rounded(json!([0.123456789, 5, "a", null])), json!([0.123457, 5, "a", null]));
    }

    #[test]
    fn every_planned_experiment_exists() {
        for (name, query) in plan().into_iter().filter(|(name, _)| *name != "train") {
            assert!(matches!(Experiment::of(name, &query), Ok(Some(_))), "{name} {query}");
        }
    }

    #[test]
    fn the_page_needs_nothing_beside_it() {
        let text = page(&[json!({ "name": "birds", "parameters": {}, "events": ["</script>"] })]);
        assert!(!text.contains("src=\"") && !text.contains("href=\"/"), "a link to another file");
        assert!(text.contains("\\u003c/script>") && text.contains(pages::SCRIPT) && text.ends_with("</html>\n"));
    }
}
