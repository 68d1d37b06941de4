//! Commands that write their metrics to files: every format, growing and written anew, by the
//! readers of logs.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test may fail loudly

mod commands;

use commands::{end_of, evals, run, sh};
use stepsize::End;

/// What a script writes under a name, read by a pattern.
#[track_caller]
fn written(script: &str, pattern: &str, steps: u64) -> Vec<(u64, f64)> {
    let mut commands = sh(&format!("cd {{trial_dir}}; mkdir -p v0; {script}"));
    commands.log = Some(format!("{{trial_dir}}/{pattern}"));
    let events = run(commands, steps);
    assert_eq!(end_of(&events), End::Finished, "{script}");
    evals(&events)
}

fn fixture(name: &str) -> String {
    format!("{}/../stepsize-logs/tests/fixtures/{name}", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn tables_grow() {
    let csv = "echo epoch,loss,val_loss >v0/metrics.csv; for i in 1 2 3; do sleep 0.3; echo $i,9,0.$i >>v0/metrics.csv; done; \
               printf '4,9,0.4\\n5,9,0.5' >>v0/metrics.csv";
    let wanted = [(1, 0.1), (2, 0.2), (3, 0.3), (4, 0.4), (5, 0.5)];
    assert_eq!(written(csv, "**/metrics.csv", 5), wanted);
    let tabs = "printf 'step\\tval_loss\\n' >log; for i in 1 2 3 4 5; do printf \"$i\\t0.$i\\n\" >>log; done";
    assert_eq!(written(tabs, "log", 5), wanted);
    let lightning =
        "printf 'epoch,step,train_loss,val_loss\\n0,4,1,\\n0,4,,0.5\\n1,9,0.5,\\n1,9,,0.25\\n' >v0/metrics.csv";
    assert_eq!(written(lightning, "v0/*.csv", 10), [(4, 0.5), (9, 0.25)]);
}

#[test]
fn documents_are_written_anew() {
    let state = "row() { echo \"{\\\"step\\\": $1, \\\"eval_loss\\\": 0.$1}\"; }; all=$(row 1); \
                 for i in 2 3 4 5; do all=\"$all, $(row $i)\"; \
                 echo \"{\\\"max_steps\\\": 5, \\\"log_history\\\": [$all]}\" >v0/trainer_state.json; sleep 0.3; done";
    let wanted = [(1, 0.1), (2, 0.2), (3, 0.3), (4, 0.4), (5, 0.5)];
    assert_eq!(written(state, "v0/trainer_state.json", 5), wanted);
    let history = "echo '{\"epoch\": [1, 2, 3, 4], \"val_loss\": [0.5, 0.25, 0.125, 0.5]}' >history.json";
    assert_eq!(written(history, "*.json", 4), [(1, 0.5), (2, 0.25), (3, 0.125), (4, 0.5)]);
}

#[test]
fn event_files_and_records() {
    let copy = format!(
        "head -c 900 {0} >v0/events.out.tfevents.1; sleep 0.5; tail -c +901 {0} >>v0/events.out.tfevents.1",
        fixture("tensorboardx.tfevents")
    );
    let seen = written(&copy, "**/*tfevents*", 19);
    assert!(seen.len() > 10 && (seen.last().unwrap().1 - 2.0 * 0.9f64.powi(19)).abs() < 0.05, "{seen:?}");
    let nested = "for i in 1 2 3; do echo \"{\\\"step\\\": $i, \\\"eval\\\": {\\\"loss\\\": 0.$i}}\" >>log.jsonl; done";
    assert_eq!(written(nested, "log.jsonl", 3), [(1, 0.1), (2, 0.2), (3, 0.3)]);
}

#[test]
fn a_file_that_diverges_ends_the_trial() {
    let mut commands = sh("cd {trial_dir}; printf 'step,loss\\n1,0.5\\n2,nan\\n' >metrics.csv; sleep 60");
    commands.log = Some("{trial_dir}/metrics.csv".into());
    assert!(matches!(end_of(&run(commands, 5)), End::Diverged { step: 2, .. }));
}

#[test]
fn tables_are_read_from_standard_output_too() {
    let fastai = "echo 'epoch     train_loss  valid_loss  time'; echo '0         0.5        0.25      00:12'; \
                  echo '1         0.4        0.125     00:12'";
    assert_eq!(evals(&run(sh(fastai), 2)), [(1, 0.25), (2, 0.125)]);
    let csv = "echo step,val_loss; echo 1,0.5; echo 2,0.25";
    assert_eq!(evals(&run(sh(csv), 2)), [(1, 0.5), (2, 0.25)]);
}
