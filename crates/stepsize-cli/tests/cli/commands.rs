//! Any training command: the example scripts as they are, and commands that break.

use crate::harness::{Bench, Seen};
use serde_json::Value;
use std::process::Command;

/// A Python that has these modules; `None` says so loudly, and on CI it is a failure.
fn python(modules: &str) -> Option<String> {
    let chosen = std::env::var("STEPSIZE_PYTHON").ok();
    let candidates = chosen.into_iter().chain(["python3".to_owned(), "/usr/bin/python3".to_owned()]);
    let has = |python: &String| {
        let run = Command::new(python).args(["-c", &format!("import {modules}")]).output();
        run.is_ok_and(|o| o.status.success())
    };
    let found = candidates.into_iter().find(has);
    if found.is_none() {
        assert!(std::env::var("CI").is_err(), "CI needs a Python with {modules}");
        eprintln!("SKIPPED: no Python with {modules}; set STEPSIZE_PYTHON to one");
    }
    found
}

/// Runs `stepsize WORDS -- COMMAND`.
fn stepsize(bench: &Bench, options: &str, command: &[&str]) -> Seen {
    let mut run = bench.command(options);
    Seen::from(run.arg("--").args(command).output().unwrap())
}

fn example(name: &str) -> String {
    format!("{}/../../examples/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// The `--json` object of an answer.
fn answer(seen: &Seen) -> Value {
    assert_eq!(seen.code, Some(0), "{}{}", seen.out, seen.err);
    serde_json::from_str(&seen.out).unwrap()
}

/// Final validation loss of an example.
fn loss(python: &str, script: &str, arguments: &[&str]) -> f64 {
    let output = Command::new(python).arg(example(script)).args(arguments).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let last = text.lines().last().unwrap().replace("val_loss:", "val loss");
    last.split("val loss ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap()
}

#[test]
fn a_numpy_script_as_it_is() {
    let Some(python) = python("numpy") else { return };
    let bench = Bench::new();
    let script = example("numpy_train.py");
    let command = [&python, &script, "--lr", "{lr}", "--steps", "{steps}", "--seed", "{seed}"];
    let seen = stepsize(&bench, "find --steps 2000 --json", &command);
    let found = answer(&seen);
    assert!(seen.err.contains("reading `val_loss`") && seen.err.contains("counted by `step`"), "{}", seen.err);
    let cost = found["cost_runs"].as_f64().unwrap();
    assert!(cost <= 0.63, "{cost}");
    // By hand over 0.001 .. 1: 0.031 at the best, 0.15; from 0.2 on it diverges.
    let lr = found["lr"].as_f64().unwrap().to_string();
    let reached = loss(&python, "numpy_train.py", &["--lr", &lr]);
    assert!(reached < 0.06, "lr {lr} gives {reached}");
    assert_eq!(found["schedule"], "its own");
}

#[test]
fn a_scikit_learn_script_as_it_is() {
    let Some(python) = python("numpy, sklearn") else { return };
    let bench = Bench::new();
    let script = example("sklearn_train.py");
    let command = [&python, &script, "--eta0={lr}", "--epochs={steps}"];
    let seen = stepsize(&bench, "find --steps 48 --json", &command);
    let lr = answer(&seen)["lr"].as_f64().unwrap().to_string();
    assert!(seen.err.contains("reading `val_loss`") && seen.err.contains("counted by `Epoch`"), "{}", seen.err);
    // By hand: 0.16 at the best, about 0.1; 0.40 at 0.003, 0.32 at 1.
    let reached = loss(&python, "sklearn_train.py", &["--eta0", &lr]);
    assert!(reached < 0.25, "lr {lr} gives {reached}");
}

#[test]
fn another_metric_can_be_named() {
    let Some(python) = python("numpy, sklearn") else { return };
    let bench = Bench::new();
    let script = example("sklearn_train.py");
    let options = "sweep --steps 3 --low 0.01 --high 1 --per-decade 1 --seeds 1 --metric val_acc --json";
    let seen = stepsize(&bench, options, &[&python, &script, "--eta0", "{lr}", "--epochs", "{steps}"]);
    assert!(seen.err.contains("reading `val_acc` (asked for; higher is better"), "{}", seen.err);
    let object: Value = serde_json::from_str(&seen.out).unwrap();
    for point in object["points"].as_array().unwrap() {
        let (loss, score) = (point["loss"].as_f64().unwrap(), point["score"].as_f64().unwrap());
        assert!((loss + score - 1.0).abs() < 1e-9 && score > 0.5, "{point}");
    }
}

#[test]
fn a_broken_command_costs_one_trial_and_shows_its_last_lines() {
    let bench = Bench::new();
    let script = "echo run >> runs; echo 'FileNotFoundError: data.bin' >&2; exit 1 # {lr} {steps}";
    let seen = stepsize(&bench, "find --steps 100 --jobs 4 --shell", &[script]);
    assert_eq!((seen.code, seen.out.as_str()), (Some(1), ""), "{}", seen.err);
    assert!(seen.err.contains("FileNotFoundError: data.bin") && seen.err.contains("exit code 1"), "{}", seen.err);
    assert_eq!(bench.read("runs"), b"run\n");
}

#[test]
fn a_command_without_steps_says_that_the_interval_is_wide() {
    let Some(python) = python("numpy") else { return };
    let bench = Bench::new();
    let seen = stepsize(&bench, "find --steps 2000", &[&python, &example("numpy_train.py"), "--lr", "{lr}"]);
    assert_eq!(seen.code, Some(0), "{}{}", seen.out, seen.err);
    assert!(seen.out.contains("interval is wide"), "{}", seen.out);
}

#[test]
fn wrong_arguments_name_the_remedy() {
    let bench = Bench::new();
    for (options, command, what) in [
        ("find --steps 9", vec!["train", "--lr", "0.1"], "{lr}"),
        ("find --steps 9", vec!["train", "{rate}"], "{{rate}}"),
        ("find", vec!["train", "{lr}"], "--steps"),
        ("find --steps 9 --model cnn", vec!["train", "{lr}"], "--model"),
        ("find --steps 9 --shell", vec!["train", "{lr}"], "one word"),
        ("find --steps 9 --regex loss", vec!["train", "{lr}"], "group"),
        ("find --steps 9 --timeout soon", vec!["train", "{lr}"], "90s"),
        ("find --metric loss", vec![], "--"),
        ("find --steps 9 train.py {lr}", vec![], "put `--` before"),
    ] {
        let seen = stepsize(&bench, options, &command);
        assert_eq!((seen.code, seen.out.as_str()), (Some(2), ""), "{options}: {}", seen.err);
        assert!(seen.err.contains(what), "{options}: {}", seen.err);
    }
}

/// A curve over rates with its best at 0.1; how often it was run is written down.
const VALLEY: &str = "echo run >> runs; awk -v lr={lr} -v n={steps} 'BEGIN { d = log(lr / 0.1)
    for (i = 1; i <= n; i++) printf \"step %d val_loss %.6f\\n\", i, 0.1 + 0.05 * d * d + 1 / i }'";

#[test]
fn a_budget_holds_for_every_search_by_command() {
    for (search, runs, cost) in [
        ("sweep --seeds 3 --max-cost 20", 18, 18.0),
        ("sweep --random 5 --seeds 2 --max-cost 9.5", 5, 5.0),
        ("sweep --seeds 1 --low 0.01 --high 1 --per-decade 1 --max-cost 3", 3, 3.0),
        ("find --probe grid --max-cost 17", 17, 17.0),
        ("find --probe random --max-cost 12", 10, 10.0),
        ("find --probe descent --max-cost 1", 1, 1.0),
        ("range-test --low 0.01 --high 1 --max-cost 1", 7, 0.35),
    ] {
        let bench = Bench::new();
        let seen = stepsize(&bench, &format!("{search} --steps 20 --jobs 2 --json --shell"), &[VALLEY]);
        assert!(matches!(seen.code, Some(0 | 3)), "{search}: {}", seen.err);
        let found: Value = serde_json::from_str(&seen.out).unwrap();
        let spent = found["cost_runs"].as_f64().unwrap();
        let ran = String::from_utf8(bench.read("runs")).unwrap().lines().count();
        assert_eq!((ran, (spent * 1e6).round() / 1e6), (runs, cost), "{search}");
    }
    // What the budget does not pay for at all is said before anything runs.
    for search in
        ["sweep --max-cost 8", "find --probe grid --max-cost 0.5", "range-test --max-cost 0.01", "sweep --max-cost 0"]
    {
        let bench = Bench::new();
        let seen = stepsize(&bench, &format!("{search} --steps 20 --shell"), &[VALLEY]);
        assert!(seen.code == Some(2) && seen.err.contains("budget"), "{search}: {}", seen.err);
        assert!(!bench.path("runs").exists(), "{search}");
    }
}

/// Two losses; low rates fall behind, and from 1 on both break.
const TWO_LOSSES: &str = "awk -v lr={lr} -v n={steps} 'BEGIN { d = log(lr / 0.1)
    for (i = 0; i <= n; i++) { broken = lr >= 1 && i > n / 3; loss = 0.1 + 0.05 * d * d * i / n + 1 / (1 + 9 * i * lr)
        printf \"step %d train_loss %s\\nstep %d val_loss %s\\n\", i, broken ? \"nan\" : loss, i, broken ? \"nan\" : loss } }'";

#[test]
fn a_search_does_not_depend_on_how_many_runs_there_are_at_a_time_nor_on_how_fast_they_print() {
    let slow = format!("{TWO_LOSSES} | while read -r line; do echo \"$line\"; sleep 0.001; done");
    let points = |command: &str, jobs: u32| {
        let bench = Bench::new();
        let seen = stepsize(&bench, &format!("find --steps 640 --start 0.1 --jobs {jobs} --json --shell"), &[command]);
        let found = answer(&seen);
        (found["lr"].clone(), found["cost_runs"].clone(), found["points"].clone())
    };
    let first = points(TWO_LOSSES, 1);
    let early = |p: &Value| p["diverged"] == false && p["steps_run"].as_u64() < p["steps"].as_u64();
    assert!(first.2.as_array().unwrap().iter().any(early), "none was ended early: {}", first.2);
    for (command, jobs) in [(TWO_LOSSES, 2), (TWO_LOSSES, 4), (&slow, 2)] {
        assert_eq!(points(command, jobs), first, "{jobs} at a time, {command}");
    }
}

#[test]
fn a_command_is_compared_at_fixed_rates_and_after_searches() {
    let Some(python) = python("numpy") else { return };
    let bench = Bench::new();
    let script = example("numpy_train.py");
    let line = "compare --steps 100 --seeds 1 --low 1e-3 --high 1";
    let command = [&python, &script, "--lr", "{lr}", "--steps", "{steps}", "--seed", "{seed}"];
    let seen = stepsize(&bench, &format!("{line} --json --study c"), &command);
    let compared = answer(&seen);
    assert!(seen.err.contains("reading `val_loss`"), "{}", seen.err);
    let names = |object: &Value| -> Vec<String> {
        object["ways"].as_array().unwrap().iter().map(|w| w["name"].as_str().unwrap().to_owned()).collect()
    };
    let all = ["fixed", "grid, short runs", "0.1, 0.01, 0.001, short runs", "first fall, two orders lower", "find"];
    assert_eq!(names(&compared), all);
    assert_eq!(compared["ways"][0]["cells"].as_array().unwrap().len(), 4);
    assert_eq!(compared["schedule"], "of the command");
    assert_eq!(bench.run("show c --json").out, seen.out);
    // Without {steps} there are no shorter runs to search by, and its ways are its own.
    let whole = [&python, &script, "--lr", "{lr}", "--steps", "100"];
    assert_eq!(names(&answer(&stepsize(&bench, &format!("{line} --json"), &whole))), ["fixed"]);
    let chosen = stepsize(&bench, &format!("{line} --ways cosine"), &whole);
    assert!(chosen.code == Some(2) && chosen.err.contains("--ways"), "{}", chosen.err);
}

#[test]
fn a_command_that_ignores_its_rate_is_refused_after_the_first_trials_that_show_it() {
    let bench = Bench::new();
    let script = "i=0; while [ $i -lt 8 ]; do i=$((i+1)); echo \"step $((i * $2 / 8)) loss 0.$((90 - 8 * i))\"; done";
    for verb in ["find", "sweep --seeds 1 --per-decade 1"] {
        let seen =
            stepsize(&bench, &format!("{verb} --steps 800 --json"), &["sh", "-c", script, "sh", "{lr}", "{steps}"]);
        assert_eq!(seen.code, Some(3), "{verb}: {}{}", seen.out, seen.err);
        let found: Value = serde_json::from_str(&seen.out).unwrap();
        assert_eq!(found["refused"], "rate_unused", "{verb}: {found}");
        assert!(found["advice"].as_str().unwrap().contains("optimizer uses the rate"), "{verb}: {found}");
        assert!(verb != "find" || found["cost_runs"].as_f64().unwrap() <= 0.2, "{found}");
    }
}

#[test]
fn a_command_that_loads_the_checkpoint_of_another_trial_is_refused() {
    let bench = Bench::new();
    let script = "s=0; [ -f last ] && s=$(cat last); i=0; while [ $i -lt 8 ]; do i=$((i+1)); \
                  echo \"step $((s + i * $2 / 8)) loss 0.$((90 - 8 * i))$((s % 7))\"; done; echo $((s + $2)) > last";
    let seen = stepsize(&bench, "find --steps 800 --json", &["sh", "-c", script, "sh", "{lr}", "{steps}"]);
    assert_eq!(seen.code, Some(3), "{}{}", seen.out, seen.err);
    let found: Value = serde_json::from_str(&seen.out).unwrap();
    assert_eq!(found["refused"], "continued", "{found}");
    assert!(found["advice"].as_str().unwrap().contains("{trial_dir}"), "{found}");
}

#[test]
fn without_a_terminal_progress_is_a_line_a_trial_and_quiet_is_quiet() {
    let bench = Bench::new();
    let line = "sweep --steps 20 --low 0.01 --high 0.1 --per-decade 2 --seeds 1 --jobs 1";
    let script = "for~i~in~1~2~3;~do~sleep~0.4;~echo~step=$i~loss=$i;~done;~:~{lr}~{steps}";
    let seen = bench.run(&format!("{line} --shell -- {script}"));
    let lines: Vec<&str> = seen.err.lines().filter(|l| l.contains(": trial ")).collect();
    assert!(lines.len() >= 2 && lines[0].contains("of 60 steps asked for so far"), "{}", seen.err);
    assert!(lines.iter().all(|l| l.ends_with("left for these")), "{}", seen.err);
    let quiet = bench.run(&format!("{line} --quiet --shell -- {script}"));
    assert_eq!((quiet.err.as_str(), quiet.code), ("", seen.code));
}

#[test]
fn an_answer_ends_with_the_full_run_to_type_and_then_run_runs_it() {
    let bench = Bench::new();
    // Loss after s steps at rate r: a bowl about 0.1 that gets deeper with the steps.
    let script = "echo~{lr}~{steps}~>>~runs;~awk~-v~r={lr}~-v~s={steps}~'BEGIN{for(i=0;i<=s;i+=s/10){d=log(r/0.1);\
                  print~\"step=\"~i~\"~val_loss=\"~0.2+0.02*d*d+2*exp(-i/(8+40/(1+d*d)))}}'";
    let line = format!("find --steps 400 --then-run --shell -- {script}");
    let seen = bench.run(&line);
    assert_eq!(seen.code, Some(0), "{}{}", seen.out, seen.err);
    let next = seen.out.lines().find(|l| l.starts_with("next: sh -c ")).unwrap();
    let runs = String::from_utf8(bench.read("runs")).unwrap();
    let last = runs.lines().last().unwrap();
    assert!(last.ends_with(" 400") && next.contains(&format!("echo {last} >> runs")), "{next}\n{runs}");
    assert!(seen.out.contains("step=400 val_loss="), "its output was not passed through: {}", seen.out);
}

#[test]
fn a_trial_that_fails_once_is_tried_again_and_a_broken_command_is_not() {
    let bench = Bench::new();
    // The second trial loses its connection once; or it and the third are never run to their end.
    let script = |broken: &str| {
        format!(
            "echo~{{lr}}~>>~runs;~n=$(wc~-l~<~runs);~if~[~$n~=~2~{broken}~];~then~echo~connection~reset~by~peer;~exit~7;~fi;\
             ~for~i~in~1~2~3;~do~echo~step=$i~loss=$((9-i));~done;~:~{{steps}}"
        )
    };
    let line = "sweep --steps 3 --low 0.01 --high 0.1 --per-decade 2 --seeds 1 --jobs 1 --shell";
    let seen = bench.run(&format!("{line} -- {}", script("")));
    assert!(matches!(seen.code, Some(0 | 3)), "{}{}", seen.out, seen.err);
    assert!(seen.err.contains("failed:") && seen.err.contains("exit code 7"), "{}", seen.err);
    assert_eq!(String::from_utf8(bench.read("runs")).unwrap().lines().count(), 4);
    for (bench, line, broken, runs) in [
        (Bench::new(), line.replace("--shell", "--retries 2 --shell"), "-o~$n~-gt~2", 7),
        (Bench::new(), line.replace("--shell", "--retries 0 --shell"), "", 2),
        (Bench::new(), line.to_owned(), "-o~$n~=~1", 2),
    ] {
        let seen = bench.run(&format!("{line} -- {}", script(broken)));
        assert_eq!(seen.code, Some(1), "{}", seen.out);
        assert!(seen.err.contains("error: ") && seen.err.contains("connection reset by peer"), "{}", seen.err);
        assert_eq!(String::from_utf8(bench.read("runs")).unwrap().lines().count(), runs, "{}", seen.err);
    }
}

/// A curve with its best rate at 0.1; the trial at 0.01 fails each time.
const FLAKY: &str = r#"
echo "$1" >> begun
case "$1" in 0.01) echo "Connection reset by peer" >&2; exit 1;; esac
awk -v lr="$1" -v n="$2" 'BEGIN { d = log(lr / 0.1); for (i = 1; i <= n; i++)
    printf "step %d val_loss %.6f\n", i, 0.1 + 0.05 * d * d + 3 / i }'
"#;

#[test]
fn a_search_goes_on_without_a_trial_that_fails_twice_and_says_so() {
    let bench = Bench::new();
    std::fs::write(bench.path("flaky.sh"), FLAKY).unwrap();
    let line = "sweep --steps 40 --low 0.001 --high 10 --per-decade 1 --seeds 2 --json --study x";
    let command = ["sh", "flaky.sh", "{lr}", "{steps}"];
    let seen = stepsize(&bench, line, &command);
    let found = answer(&seen);
    assert!((found["lr"].as_f64().unwrap() - 0.1).abs() < 1e-9, "{found}");
    let why = found["why"].as_str().unwrap();
    assert!(why.contains("could not be run and is left out"), "{why}");
    assert!(
        seen.err.contains("Connection reset by peer") && seen.err.contains("left out, after 2 failures each"),
        "{}",
        seen.err
    );
    // Never taken for divergence.
    assert!(found["divergence_lr"].is_null(), "{found}");
    let begun = || std::fs::read_to_string(bench.path("begun")).unwrap();
    let tries = |text: &str| text.lines().filter(|rate| *rate == "0.01").count();
    assert_eq!(tries(&begun()), 4, "two seeds, two tries each");
    // Once it can be run, the same command runs it, and nothing else.
    let before = begun().lines().count();
    std::fs::write(bench.path("flaky.sh"), FLAKY.replace("exit 1", ":")).unwrap();
    let again = answer(&stepsize(&bench, line, &command));
    assert_eq!((again["points"].as_array().unwrap().len(), begun().lines().count() - before), (10, 2));
    assert!(!again["why"].as_str().unwrap().contains("left out"), "{again}");
    // Without retries the first failure ends the search, and where most fail so does the third.
    std::fs::write(bench.path("flaky.sh"), FLAKY).unwrap();
    let seen = stepsize(&bench, &line.replace("--study x", "--retries 0"), &command);
    assert!(seen.code == Some(1) && seen.err.contains("Connection reset"), "{}", seen.err);
    std::fs::write(bench.path("flaky.sh"), FLAKY.replace("0.01)", "0.01|0.1*|1*)")).unwrap();
    let seen = stepsize(&bench, &line.replace("--study x", ""), &command);
    assert!(seen.code == Some(1) && seen.err.contains("Connection reset"), "{}", seen.err);
}

#[test]
fn the_first_trial_is_tried_again_where_its_failure_may_pass_and_not_where_the_job_is_broken() {
    for (words, code, tries) in [("Connection reset by peer", Some(0), 2), ("No module named numpy", Some(1), 1)] {
        let bench = Bench::new();
        let script = FLAKY.replace("case \"$1\" in 0.01)", "case \"$(wc -l <begun | tr -d ' ')\" in 1)");
        std::fs::write(bench.path("flaky.sh"), script.replace("Connection reset by peer", words)).unwrap();
        let line = "sweep --steps 40 --low 0.001 --high 10 --per-decade 1 --seeds 2 --jobs 1 --json";
        let seen = stepsize(&bench, line, &["sh", "flaky.sh", "{lr}", "{steps}"]);
        assert_eq!(seen.code, code, "{words}: {}{}", seen.out, seen.err);
        let begun = std::fs::read_to_string(bench.path("begun")).unwrap();
        assert_eq!(begun.lines().filter(|rate| *rate == "0.001").count(), if tries == 2 { 3 } else { 1 }, "{begun}");
    }
}

#[test]
fn what_is_wrong_with_a_log_or_a_metric_is_named_for_what_it_is() {
    let bench = Bench::new();
    std::fs::write(bench.path("other.csv"), "step,loss\n1,2\n").unwrap();
    let cases = [
        (
            "--log metrics-*.csv",
            "echo step 1 val_loss 3",
            "no file matches the pattern of its log (`--log PATTERN`), `metrics-*.csv`",
        ),
        ("--log metrics-*.csv", "echo step 1 val_loss 3", ". has other.csv"),
        (
            "--log metrics-*.csv",
            "echo step 1 val_loss 3",
            "it prints `val_loss`, which is read where no pattern is given",
        ),
        ("--log no-such/*.csv", "echo done", "`no-such/*.csv`: there is no directory no-such;"),
        ("--metric acc", "echo step 1 acc: n/a loss 3", "it prints acc as text, not as a number"),
        (
            "--metric step",
            "echo step 1 loss 3; echo step 2 loss 2",
            "step counts the steps of the run and is no metric",
        ),
        ("--metric acc", "echo step 1 loss 3", "no metric `acc` in this log; it has step, loss"),
        ("", "cat; read line || { echo EOFError: EOF when reading a line >&2; exit 1; }", "it reads standard input"),
        ("", "echo step 1 loss 2; echo torch.OutOfMemoryError: CUDA out of memory >&2; exit 1", "lower its batch size"),
    ];
    for (options, script, what) in cases {
        let script = format!("{script} # {{lr}} {{steps}}");
        let seen = stepsize(&bench, &format!("find --steps 320 --shell {options}"), &[&script]);
        assert!(seen.code == Some(1) && seen.err.contains(what), "{options} {script}: {}", seen.err);
        assert!(!seen.err.contains("diverge"), "{}", seen.err);
    }
}
