//! Logs of many loggers, in small (`tests/cases`): what of each is read (the series, the steps, the
//! rate, how many runs there are), and what is said of it.

use crate::harness::Bench;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The table of what must come out: `path: what is read`, for the first run of each.
const EXPECTED: &str = include_str!("../cases/expected.txt");

/// What must be said: `path: words`.
const VERDICTS: &str = include_str!("../cases/verdicts.txt");
/// Share by which a best rate may differ from the one that is named: a schedule's peak is a little
/// below its base.
const SAME_RATE: f64 = 0.02;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases")
}

/// Every input: a file, or a folder that is read as a whole.
fn inputs() -> Vec<String> {
    let names = |path: &Path| -> Vec<String> {
        let mut all: Vec<String> =
            std::fs::read_dir(path).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        all.sort();
        all
    };
    let mut out: Vec<String> = names(&folder().join("logs")).iter().map(|n| format!("logs/{n}")).collect();
    for group in names(&folder().join("diagnose")) {
        out.extend(names(&folder().join("diagnose").join(&group)).iter().map(|n| format!("diagnose/{group}/{n}")));
    }
    out
}

fn short(value: &Value) -> String {
    value.as_f64().map_or_else(|| "-".to_owned(), |v| ((v * 1e4).round() / 1e4).to_string())
}

fn series(read: &Value, role: &str) -> String {
    let s = &read[role];
    let Some(name) = s["name"].as_str() else { return String::new() };
    let broken = s["not_finite"].as_u64().filter(|b| *b > 0).map_or_else(String::new, |b| format!(", {b} not finite"));
    format!("{role} {name} {} ({} .. {}{broken}); ", s["readings"], short(&s["first"]), short(&s["last"]))
}

/// What was read, in a line.
fn line(list: &[Value]) -> String {
    let runs: Vec<&Value> = list.iter().filter(|o| o["read"].is_object()).collect();
    let Some(first) = runs.first() else { return format!("not read: {}", list[0]["because"].as_str().unwrap()) };
    let rates: Vec<String> = runs.iter().map(|o| o["lr"].as_f64().map_or("?".to_owned(), |v| v.to_string())).collect();
    let read = &first["read"];
    let all: String = ["loss", "validation", "score"].iter().map(|role| series(read, role)).collect();
    let counter = read["counter"].as_str().filter(|c| !c.is_empty()).unwrap_or("none");
    let steps = format!("{} .. {}", short(&read["steps"][0]), short(&read["steps"][1]));
    format!("{} at {}; {all}counter {counter} {steps}", runs.len(), rates.join(" "))
}

#[test]
fn what_is_read_from_each_input_is_what_is_there() {
    let bench = Bench::new();
    let expected: BTreeMap<&str, &str> =
        EXPECTED.lines().filter(|l| !l.starts_with('#')).filter_map(|l| l.split_once(": ")).collect();
    let mut wrong = String::new();
    for input in inputs() {
        let mut command = bench.command("diagnose --json");
        let output = command.arg(folder().join(&input)).output().unwrap();
        let list: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{input}: {e}"));
        let seen = line(list.as_array().unwrap());
        let seen = seen.replace(&format!("{}/", folder().display()), "");
        if expected.get(input.as_str()) != Some(&seen.as_str()) {
            wrong += &format!("{input}: {seen}\n");
        }
    }
    assert!(wrong.is_empty(), "these differ from tests/cases/expected.txt:\n{wrong}");
}

/// What is wrong with what was said of an input, if anything.
fn fault(said: &[Value], words: &str) -> Option<String> {
    if let Some(rates) = words.strip_prefix("best") {
        let mut best: Vec<f64> = said.iter().filter_map(|o| o["sweep"]["best_lr"].as_f64()).collect();
        best.dedup();
        let wanted: Vec<f64> = rates.split_whitespace().map(|w| w.parse().unwrap()).collect();
        let same = best.len() == wanted.len() && best.iter().zip(&wanted).all(|(a, b)| (a / b - 1.0).abs() < SAME_RATE);
        return (!same).then(|| format!("the best rates are {best:?}"));
    }
    let may: Vec<&str> = words.split(' ').filter(|w| !w.starts_with(['!', '+', '-'])).collect();
    said.iter().find_map(|object| {
        let verdict = object["verdict"].as_str().unwrap();
        let codes: Vec<&str> = object["findings"].as_array()?.iter().filter_map(|f| f["code"].as_str()).collect();
        let forbidden = words.split(' ').any(|w| match w.split_at(1) {
            ("!", other) => verdict == other,
            ("+", code) => !codes.contains(&code),
            ("-", code) => codes.contains(&code),
            _ => false,
        });
        (forbidden || !may.is_empty() && !may.contains(&verdict)).then(|| format!("{verdict} with {codes:?}"))
    })
}

#[test]
fn what_is_said_of_each_input_is_what_must_be() {
    let bench = Bench::new();
    let mut wrong = String::new();
    for (input, words) in VERDICTS.lines().filter(|l| !l.starts_with('#')).filter_map(|l| l.split_once(": ")) {
        let output = bench.command("diagnose --json").arg(folder().join(input)).output().unwrap();
        let list: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{input}: {e}"));
        if let Some(fault) = fault(&list, words) {
            wrong += &format!("{input}: {fault}, not {words}\n");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn the_user_names_what_is_to_be_read() {
    let bench = Bench::new();
    let rows: String =
        (0..30).map(|i| format!("update {i} lap {} quality={} rho={}\n", i / 10, 0.1 * f64::from(i), 3.0)).collect();
    std::fs::write(bench.path("odd.txt"), rows).unwrap();
    let read = |line: &str| {
        let seen = bench.run(line);
        let list: Value = serde_json::from_str(&seen.out).unwrap_or_else(|e| panic!("{line}: {e}\n{}", seen.err));
        line_of(&list[0])
    };
    fn line_of(object: &Value) -> String {
        line(std::slice::from_ref(object))
    }
    assert!(
        read("diagnose odd.txt --json").contains("it has lap, quality, rho"),
        "{}",
        read("diagnose odd.txt --json")
    );
    assert_eq!(
        read("diagnose odd.txt --metric quality --maximize --lr rho --json"),
        "1 at 3; score quality 30 (0 .. 2.9); counter update 0 .. 29"
    );
    assert_eq!(
        read("diagnose odd.txt --metric quality --lr 0.5 --json"),
        "1 at 0.5; loss quality 30 (0 .. 2.9); counter update 0 .. 29"
    );
    assert!(read("diagnose odd.txt --metric quality --step lap --json").contains("counter lap 0 .. 2."));
    assert_eq!(
        read(
            "diagnose odd.txt --regex lap~(?<epoch>[0-9]+).*quality=(?<loss>[0-9.]+) --metric loss --step epoch --json"
        )
        .split("; ")
        .nth(1),
        Some("loss loss 30 (0 .. 2.9)")
    );
    assert!(read("diagnose odd.txt --metric c --json").contains("no metric `c` in this log; it has"));
    assert_eq!(bench.run("diagnose odd.txt --regex nothing").code, Some(2));
}

#[test]
fn one_line_says_what_was_taken_and_explain_lists_all() {
    let bench = Bench::new();
    let rows: String = (0..30).map(|i| format!("{i},{},{},0.1\n", 2.0 - 0.05 * f64::from(i), i * 7)).collect();
    std::fs::write(bench.path("a.csv"), format!("epoch,loss,speed,lr\n{rows}")).unwrap();
    let seen = bench.run("diagnose a.csv --explain").out;
    let told = seen.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(told.contains("read loss loss (30, 2 .. 0.55); rate lr (30, 0.1 .. 0.1); counter epoch 0 .. 29"), "{seen}");
    for line in ["series of a.csv", "speed", "not used", "30 readings"] {
        assert!(seen.contains(line), "{line}: {seen}");
    }
    assert!(!bench.run("diagnose a.csv").out.contains("not used"));
}
