//! What each command shows on a narrow and on a wide screen, and where only ASCII can be shown.

use crate::harness::{Bench, answered, refused};

/// A line of each verb that prints for people, with what its text begins with and what it has to
/// hold. Code, JSON, man pages and completions have lines of any length.
const LINES: [(&str, &str, &str); 27] = [
    ("help", "Stepsize", "Usage: stepsize"),
    ("--help", "Stepsize", "Usage: stepsize"),
    ("find --help", "", "--budget"),
    ("train --help", "", "--controller"),
    ("diagnose --help", "", "--fail-on"),
    ("help schedules", "", "one_cycle("),
    ("help controllers", "", "plateau_torch("),
    ("help codes", "", "LR001"),
    ("help json", "", "p_keeps_98_pct"),
    ("help exit-codes", "", "130"),
    ("help environment", "", "COLUMNS"),
    ("find --model linear --steps 400", "lr ", "80 %"),
    ("find --model linear --steps 400 --dry-run", "", "steps"),
    ("sweep --model linear --steps 120 --low 1e-3 --high 1 --per-decade 2 --seeds 2", "lr ", "80 %"),
    ("range-test --steps 200", "", "loss"),
    ("compare --data wine --model linear --steps 60 --seeds 2 --ways cosine,triangular2", "", "valley"),
    ("train --model linear --lr 0.02 --steps 60 --curve a.csv", "", "validation"),
    ("train --model linear --lr 0.2 --steps 60 --curve b.csv", "", "validation"),
    ("diagnose a.csv", "", "lr"),
    ("diagnose a.csv b.csv --explain", "", "lr"),
    ("schedule warmup(10%)~then~cosine --steps 120000 --lr 0.1", "", "step"),
    ("transfer --lr 3e-4 --from cosine,~10k~steps --to linear,~40k~steps", "", "interval"),
    ("demo --still", "birds", "yellow"),
    ("doctor", "ok ", "version"),
    ("show x", "lr ", "x┊ diverges"),
    ("show r", "refused: ", "do: "),
    ("studies", "", "x"),
];

fn prepared() -> Bench {
    let bench = Bench::new();
    bench.record("x", &answered());
    bench.record("r", &refused());
    bench
}

#[test]
fn no_line_of_any_command_is_wider_than_the_terminal() {
    let bench = prepared();
    let mut wrong = Vec::new();
    for columns in [60, 80, 120] {
        for (line, begin, holds) in LINES {
            let output = bench.command(line).env("COLUMNS", columns.to_string()).output().unwrap();
            let text = String::from_utf8(output.stdout).unwrap();
            let wide: Vec<&str> = text.lines().filter(|line| line.chars().count() > columns).collect();
            if !text.starts_with(begin) || !text.contains(holds) || !wide.is_empty() {
                wrong.push(format!(
                    "{line}: {columns} columns: {wide:#?}\n{}",
                    if wide.is_empty() { &text } else { "" }
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn where_only_ascii_can_be_shown_nothing_else_is() {
    let bench = prepared();
    let mut wrong = Vec::new();
    for (line, ..) in LINES {
        let mut command = bench.command(line);
        let output = command.env_remove("LANG").env("LC_ALL", "C").output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let other: Vec<&str> = text.lines().filter(|line| !line.is_ascii()).collect();
        if !other.is_empty() || text.is_empty() {
            wrong.push(format!("{line}: {other:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The first screen of all: what `stepsize find` and its picture look like at three widths.
#[test]
fn an_answer_at_three_widths() {
    let bench = prepared();
    let shown = [60, 80, 120].map(|columns| {
        let output = bench.command("show x").env("COLUMNS", columns.to_string()).output().unwrap();
        format!("{}\n{}", "-".repeat(columns), String::from_utf8(output.stdout).unwrap())
    });
    insta::assert_snapshot!(shown.concat());
}

#[test]
fn the_story_at_three_widths() {
    let bench = Bench::new();
    let shown = [60, 80, 120].map(|columns| {
        let output = bench.command("demo --still").env("COLUMNS", columns.to_string()).output().unwrap();
        format!("{}\n{}", "-".repeat(columns), String::from_utf8(output.stdout).unwrap())
    });
    insta::assert_snapshot!(shown.concat());
}
