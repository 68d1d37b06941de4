//! The reference in `docs/reference`: made from the tables of the program, and true of what it
//! prints, reads and sets.

use crate::harness::{Bench, Seen};
use crate::manual::{blesses, read, root};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

#[test]
fn the_reference_is_what_the_tables_of_the_program_say() {
    let bench = Bench::new();
    let seen = bench.run("help all --markdown made");
    assert_eq!((seen.code, seen.err.as_str()), (Some(0), ""));
    let kept = root().join("docs/reference");
    let mut names = BTreeSet::new();
    for folder in ["", "pictures"] {
        for entry in fs::read_dir(bench.path("made").join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                continue;
            }
            let name = Path::new(folder).join(path.file_name().unwrap());
            if blesses() {
                fs::create_dir_all(kept.join(folder)).unwrap();
                fs::copy(&path, kept.join(&name)).unwrap();
            }
            let same = fs::read(kept.join(&name)).is_ok_and(|kept| kept == fs::read(&path).unwrap());
            assert!(
                same,
                "docs/reference/{} is not what the program says; make it anew with STEPSIZE_BLESS=1",
                name.display()
            );
            names.insert(name);
        }
        let there = fs::read_dir(kept.join(folder)).unwrap().map(|entry| entry.unwrap().path());
        for path in there.filter(|path| path.is_file()) {
            let name = Path::new(folder).join(path.file_name().unwrap());
            assert!(names.contains(&name), "docs/reference/{} is no longer made; remove it", name.display());
        }
    }
}

#[test]
fn every_topic_fits_the_terminal_and_a_wrong_one_names_a_similar_one() {
    let bench = Bench::new();
    let all = bench.run("help all");
    assert!(all.out.lines().all(|line| line.chars().count() <= 88), "{}", all.out);
    assert!(all.out.contains("▁▃▆█") && all.out.contains("STEPSIZE_TRIAL_DIR"), "{}", all.out);
    let ascii = Seen::from(bench.command("help schedules").env("LC_ALL", "C").output().unwrap());
    assert!(ascii.out.is_ascii(), "{}", ascii.out);
    for (wrong, right) in
        [("codez", "'codes'"), ("schedulers", "'schedules'"), ("fnd", "'find'"), ("env", "'environment'")]
    {
        let seen = bench.run(&format!("help {wrong}"));
        assert!(seen.code == Some(2) && seen.err.contains(right), "{wrong}: {}", seen.err);
    }
}

/// The paths of the fields of a JSON value, as the reference has them.
fn fields(value: &Value, path: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            for (name, value) in object {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                fields(value, &path, found);
                found.insert(path);
            }
        }
        Value::Array(items) => {
            let path = if path.is_empty() { String::new() } else { format!("{path}[]") };
            items.iter().for_each(|item| fields(item, &path, found));
        }
        _ => {}
    }
}

/// The rows of a table of the reference: of each heading the names.
fn tables(page: &str) -> Vec<(String, BTreeSet<String>)> {
    let mut found: Vec<(String, BTreeSet<String>)> = Vec::new();
    for line in page.lines() {
        if let Some(title) = line.strip_prefix("## ") {
            found.push((title.to_owned(), BTreeSet::new()));
        } else if let (Some(name), Some(last)) = (line.strip_prefix("| `"), found.last_mut()) {
            last.1.insert(name.split('`').next().unwrap().to_owned());
        }
    }
    found
}

#[test]
fn the_reference_of_json_has_every_field_that_is_printed_and_no_other() {
    let bench = Bench::new();
    bench.run("train --lr 0.1 --steps 60 --curve a.csv");
    bench.run("train --lr 0.001 --steps 60 --curve b.csv");
    fs::create_dir(bench.path("runs")).unwrap();
    for lr in ["0.003", "0.03", "0.3"] {
        bench.run(&format!("train --lr {lr} --steps 60 --curve runs/lr_{lr}.csv"));
    }
    let of = |title: &str| match title.split([',', ' ']).next().unwrap() {
        "find" => vec![
            "find --steps 200 --json --price-per-hour 2",
            // Refused: what it has to say differs.
            "find --steps 8 --json",
            "find --data text --steps 12 --json --budget 0.9",
        ],
        "train" => vec!["train --lr 1 --steps 100 --controller rewind --json"],
        "diagnose" => vec!["diagnose a.csv b.csv --explain --json", "diagnose runs --explain --json"],
        "compare" => {
            vec!["compare --data wine --model linear --batch-size 16 --steps 80 --seeds 2 --ways cosine,prodigy --json"]
        }
        "transfer" => {
            vec!["transfer --lr 3e-4 --from cosine,~10k~steps,~batch~64 --to linear,~40k~steps,~batch~128 --json"]
        }
        "doctor" => vec!["doctor --json"],
        "demo" => vec!["demo --json"],
        other => panic!("no command for the JSON of {other}"),
    };
    // Objects whose own fields depend on the case.
    let free = ["end", "acts", "findings[].numbers", "remedies[]", "read", "chances"];
    for (title, known) in tables(&read(&root().join("docs/reference/json.md"))) {
        let mut seen = BTreeSet::new();
        for line in of(&title) {
            let ran = bench.run(line);
            let value =
                serde_json::from_str(&ran.out).unwrap_or_else(|e| panic!("{line}: {e}\n{}{}", ran.out, ran.err));
            fields(&value, "", &mut seen);
        }
        let below = |path: &String| {
            free.iter().any(|free| path.starts_with(&format!("{free}.")) || path.starts_with(&format!("{free}[]")))
        };
        let missing: Vec<&String> = seen.iter().filter(|path| !known.contains(*path) && !below(path)).collect();
        assert!(missing.is_empty(), "{title}: not in the reference: {missing:?}");
        let gone: Vec<&String> = known.iter().filter(|path| !seen.contains(*path) && !below(path)).collect();
        assert!(gone.is_empty(), "{title}: in the reference, but not printed: {gone:?}");
    }
}

#[test]
fn the_reference_of_the_environment_has_every_variable() {
    let known: BTreeSet<String> =
        tables(&read(&root().join("docs/reference/environment.md"))).into_iter().flat_map(|(_, names)| names).collect();
    // What a trial gets.
    let bench = Bench::new();
    let script = "env | grep ^STEPSIZE_ | cut -d= -f1 > seen.txt; echo step 1 val_loss 1";
    let mut run = bench.command("find --steps 16 --shell --lr-from-env --budget 1");
    run.env_remove("STEPSIZE_BLESS").env_remove("STEPSIZE_PYTHON").args(["--", script]).output().unwrap();
    let seen = String::from_utf8(bench.read("seen.txt")).unwrap();
    assert!(seen.lines().count() >= 6, "{seen}");
    seen.lines().for_each(|name| assert!(known.contains(name), "{name} is not in the reference"));
    // What the sources read or set.
    let mut sources = vec![root().join("crates")];
    let mut found = BTreeSet::new();
    while let Some(path) = sources.pop() {
        if path.is_dir() {
            let skipped = ["tests", "golden", "target", "testing"].iter().any(|name| path.ends_with(name));
            sources.extend(fs::read_dir(&path).unwrap().map(|e| e.unwrap().path()).filter(|_| !skipped));
        } else if path.extension().is_some_and(|extension| extension == "rs")
            && !["golden.rs", "tests.rs"].iter().any(|name| path.ends_with(name))
        {
            let text = read(&path);
            let text = text.split("mod tests {").next().unwrap();
            for call in ["env::var(\"", "env::var_os(\"", ".env(\"", ".env_remove(\"", "set(\""] {
                let names = text.split(call).skip(1).filter_map(|rest| rest.split('"').next());
                found.extend(names.filter(|name| is_variable(name)).map(str::to_owned));
            }
        }
    }
    assert!(found.len() >= 5, "{found:?}");
    let missing: Vec<&String> = found.iter().filter(|name| !known.contains(*name)).collect();
    assert!(missing.is_empty(), "not in the reference (crates/stepsize-cli/src/verb/reference/fields.rs): {missing:?}");
}

fn is_variable(name: &str) -> bool {
    name.len() > 1 && name.chars().all(|c| c.is_ascii_uppercase() || c == '_')
}
