//! Commands as trials: what they print, how they end, and that nothing of them is left behind.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test may fail loudly

mod commands;

use commands::{alive, end_of, evals, pids, run, sh, spec, until};
use std::time::Duration;
use stepsize::{End, Event, TrialId};
use stepsize_study::{Executor, Local};

const STEPS: &str = "for i in 1 2 3 4 5; do echo step $i train_loss 0.$i val_loss 0.5$i; done";

fn failed(script: &str) -> String {
    match end_of(&run(sh(script), 5)) {
        End::Failed { why } => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_printed_becomes_events() {
    let events = run(sh(STEPS), 5);
    let vals: Vec<(u64, f64)> = evals(&events);
    assert_eq!(vals, [(1, 0.51), (2, 0.52), (3, 0.53), (4, 0.54), (5, 0.55)]);
    let train = events.iter().filter(|e| matches!(e, Event::Step { .. })).count();
    assert_eq!((train, end_of(&events)), (5, End::Finished));
}

#[test]
fn standard_error_redraws_and_json_are_read_too() {
    let redraws = "printf 'epoch 1 loss 0.9\\repoch 5 loss 0.25\\r' >&2";
    assert_eq!(evals(&run(sh(redraws), 5)).last(), Some(&(5, 0.25)));
    let json = r#"echo '{"epoch": 1, "loss": 0.9}'; echo '{"epoch": 5, "loss": 0.25}'"#;
    assert_eq!(evals(&run(sh(json), 5)).last(), Some(&(5, 0.25)));
}

#[test]
fn values_reach_the_command_by_argument_and_environment() {
    let script = "test {lr:float} = 0.25 && test $STEPSIZE_LR = 0.25 && test $STEPSIZE_STEPS = {steps} && \
                  test -d {trial_dir} && test $STEPSIZE_SEED = {seed} && test {trial} = 0 && echo loss 1";
    assert_eq!(end_of(&run(sh(script), 5)), End::Finished);
}

#[test]
fn an_argument_is_never_a_shell_text() {
    let words = ["echo", "loss 0.5", "; touch ran-{lr} $(touch ran-{lr})"];
    let events = run(commands::of(&words), 5);
    assert_eq!(end_of(&events), End::Finished);
    assert!(!std::path::Path::new("ran-0.25").exists());
}

#[test]
fn nan_is_divergence_even_when_the_command_goes_on_and_ends_well() {
    for script in [
        "echo step 1 loss 0.5; echo step 2 loss nan; echo step 3 loss 0.4; exit 0",
        "echo step 1 loss 0.5; echo step 2 loss inf; sleep 60",
        "for i in 1 2 3 4; do echo step $i loss ${i}e9; done; echo step 5 loss 1; echo step 0 loss 1e-3",
    ] {
        let diverged = matches!(end_of(&run(sh(script), 5)), End::Diverged { .. });
        assert_eq!(diverged, !script.contains("e9"), "{script}");
    }
    let exploded = "echo loss 0.5; for i in 1 2 3; do echo loss 900$i; done; sleep 60";
    assert!(matches!(end_of(&run(sh(exploded), 5)), End::Diverged { why, .. } if why.contains("times")));
}

#[test]
fn a_crash_before_any_metric_shows_the_last_lines() {
    let why = failed("echo starting; echo 'No such file: data.csv' >&2; exit 3");
    assert!(why.contains("exit code 3 before it printed a metric"), "{why}");
    assert!(why.contains("starting") && why.contains("No such file: data.csv"), "{why}");
    assert!(failed("kill -9 $$").contains("signal 9"));
    let memory = failed("echo 'torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB' >&2; exit 1");
    assert!(memory.contains("lower its batch size"), "{memory}");
    assert!(failed("exit 0").contains("it printed nothing"));
    assert!(failed("echo hello").contains("let it print its loss"));
    assert!(failed("echo hello 3").contains("as the metric, or, if none is a loss or a score"));
}

#[test]
fn a_crash_that_speaks_of_overflow_is_divergence_once_the_command_has_worked() {
    // What standard output says after it changes nothing: the two pipes are read in no order.
    let script = "echo loss 0.5; test {trial} = 1 || exit 0
                  echo 'ValueError: Floating-point overflow' >&2; sleep 0.1; echo loss 0.5; exit 1";
    let mut local = Local::new(sh(script)).unwrap();
    local.submit(TrialId(0), &spec(0.25, 5)).unwrap();
    assert_eq!(end_of(&until(&mut local, 1)), End::Finished);
    local.submit(TrialId(1), &spec(0.5, 5)).unwrap();
    assert!(matches!(end_of(&until(&mut local, 1)), End::Diverged { .. }));
}

#[test]
fn a_program_that_is_not_there_is_named() {
    let mut local = Local::new(commands::of(&["no-such-program", "{lr}"])).unwrap();
    let error = local.submit(TrialId(0), &spec(0.25, 5)).unwrap_err().to_string();
    assert!(error.contains("no-such-program") && error.contains("PATH"), "{error}");
}

#[test]
fn a_silent_command_is_ended_at_its_timeout() {
    let mut commands = sh("sleep 60; echo {lr}");
    commands.timeout = Some(Duration::from_millis(200));
    let End::Failed { why } = end_of(&run(commands, 5)) else { panic!() };
    assert!(why.contains("did not end within 0.2 s") && why.contains("printed nothing"), "{why}");
}

/// Two processes beside the leader, one in the background; all ignore TERM where told to.
const FAMILY: &str = "sh -c 'TRAP; echo $$ >> {trial_dir}/pids; while :; do sleep 0.05; done' & TRAP; echo $$ >> {trial_dir}/pids; \
                      echo step 1 loss 0.5; while :; do sleep 0.05; done";

fn cancelled(trap: &str) {
    let dir = commands::directory();
    let mut commands = sh(&FAMILY.replace("TRAP", trap));
    (commands.dir, commands.temporary, commands.grace) = (dir.clone(), false, Duration::from_millis(200));
    let mut local = Local::new(commands).unwrap();
    local.submit(TrialId(0), &spec(0.25, 5)).unwrap();
    let family = pids(&dir.join("t0/pids"), 2);
    assert!(family.iter().all(|p| alive(*p)));
    local.cancel(TrialId(0)).unwrap();
    assert_eq!(end_of(&until(&mut local, 1)), End::Stopped);
    assert!(!family.iter().any(|p| alive(*p)), "a process was left behind");
    std::fs::remove_dir_all(dir).unwrap();
}

#[test]
fn a_cancelled_trial_ends_with_all_its_processes() {
    cancelled(":");
}

#[test]
fn a_trial_that_ignores_term_is_killed() {
    cancelled("trap \"\" TERM");
}

#[test]
fn what_an_ended_command_left_in_the_background_is_ended() {
    let dir = commands::directory();
    let mut commands = sh("sleep 60 >/dev/null 2>&1 & echo $! > {trial_dir}/pids; echo loss 0.5");
    (commands.dir, commands.temporary) = (dir.clone(), false);
    assert_eq!(end_of(&run(commands, 5)), End::Finished);
    assert!(!alive(pids(&dir.join("t0/pids"), 1)[0]));
    std::fs::remove_dir_all(dir).unwrap();
}

#[test]
fn a_dropped_executor_leaves_nothing() {
    let dir = commands::directory();
    let mut commands = sh(&FAMILY.replace("TRAP", ":"));
    (commands.dir, commands.temporary) = (dir.clone(), false);
    let mut local = Local::new(commands).unwrap();
    local.submit(TrialId(0), &spec(0.25, 5)).unwrap();
    let family = pids(&dir.join("t0/pids"), 2);
    drop(local);
    assert!(!family.iter().any(|p| alive(*p)));
    std::fs::remove_dir_all(dir).unwrap();
}

#[test]
fn a_hundred_megabytes_of_one_line_and_of_many_are_passed_over() {
    for output in ["head -c 100000000 /dev/zero | tr '\\0' x", "yes 'some words and no metric' | head -c 20000000"] {
        let events = run(sh(&format!("{output}; echo; echo loss 0.5")), 5);
        assert_eq!(evals(&events), [(5, 0.5)]);
    }
    let peak = commands::peak_kilobytes();
    assert!(peak < 200_000, "{peak} KB");
}

#[test]
fn only_one_trial_runs_until_a_metric_was_seen_then_one_a_slot_and_gpu() {
    let mut commands = sh("echo $CUDA_VISIBLE_DEVICES > {trial_dir}/gpu; echo loss 0.5; sleep 60");
    let dir = commands::directory();
    (commands.dir, commands.temporary) = (dir.clone(), false);
    (commands.jobs, commands.gpus) = (2, vec!["4".into(), "7".into()]);
    let mut local = Local::new(commands).unwrap();
    assert_eq!(local.slots(), 1);
    local.submit(TrialId(0), &spec(0.25, 5)).unwrap();
    while local.slots() == 1 {
        let event = local.next(Duration::from_millis(10)).unwrap();
        assert!(matches!(event, None | Some(Event::Submitted { .. })), "{event:?}");
    }
    assert_eq!(local.slots(), 2);
    local.submit(TrialId(1), &spec(0.5, 5)).unwrap();
    let gpu = |name: &str| commands::text(&dir.join(name).join("gpu"));
    assert_eq!((gpu("t0"), gpu("t1")), ("4".into(), "7".into()));
    drop(local);
    std::fs::remove_dir_all(dir).unwrap();
}

#[test]
fn metrics_are_read_from_files_of_a_trial() {
    let mut commands = sh(
        "mkdir {trial_dir}/v0; echo loss 9; printf '{\"epoch\": 1, \"val_loss\": 0.5}\\n{\"epoch\": 5, \"val_loss\": 0.25}' \
                           > {trial_dir}/v0/log.jsonl",
    );
    commands.log = Some("{trial_dir}/*/log.jsonl".into());
    assert_eq!(evals(&run(commands, 5)), [(1, 0.5), (5, 0.25)]);
}

#[test]
fn a_command_without_steps_is_ended_after_the_part_that_is_compared() {
    let mut commands = sh("i=0; while :; do i=$((i+1)); echo step $i loss 0.$i; sleep 0.005; done");
    commands.horizon = 1000;
    let events = run(commands, 20);
    assert_eq!(end_of(&events), End::Finished);
    assert!(evals(&events).iter().all(|e| e.0 <= 20) && evals(&events).len() > 3, "{events:?}");
}

#[test]
fn high_is_good_is_known_by_name_and_can_be_said() {
    let known = run(sh("echo epoch 5 val_acc 0.75"), 5);
    assert_eq!(evals(&known), [(5, 0.25)]);
    let mut commands = sh("echo epoch 5 fitness 3 loss 1");
    commands.reading.metric = Some("fitness".into());
    commands.reading.maximize = Some(true);
    assert_eq!(evals(&run(commands, 5)), [(5, -3.0)]);
}

#[test]
fn a_pattern_reads_what_has_no_name() {
    let mut commands = sh("echo 'it 5 -> 0.125 (0.3)'");
    commands.reading.regex = Some("-> ([0-9.]+)".into());
    assert_eq!(evals(&run(commands, 5)), [(5, 0.125)]);
    let mut commands = sh("echo");
    commands.reading.regex = Some("no group".into());
    assert!(Local::new(commands).err().unwrap().to_string().contains("group"));
}

#[test]
fn a_log_that_counts_in_another_unit_is_scaled() {
    let script = "for i in 100 200 300 400; do echo iter $i val_loss 0.5; done";
    let steps: Vec<u64> = evals(&run(sh(script), 4)).iter().map(|e| e.0).collect();
    assert_eq!(steps, [1, 2, 3, 4]);
    let both = "for i in 1 2 3 4; do echo epoch $i; echo iter ${i}00 val_loss 0.5; done";
    let steps: Vec<u64> = evals(&run(sh(both), 4)).iter().map(|e| e.0).collect();
    assert_eq!(steps, [1, 2, 3, 4]);
}

/// Steps of the training curve.
fn steps(events: &[Event]) -> Vec<u64> {
    let step = |e: &Event| match e {
        Event::Step { step, .. } => Some(*step),
        _ => None,
    };
    events.iter().filter_map(step).collect()
}

/// nanoGPT prints `step` when it evaluates and `iter` for its mini-batches, both in iterations.
const NANOGPT: &str = "for i in 0 25 50 75 100; do
    if [ $((i % 50)) = 0 ]; then echo \"step $i: train loss 2.$i, val loss 3.$i\"; fi
    echo \"iter $i: loss 2.9$i, time 120.33ms, mfu 11.2%\"; done";

#[test]
fn two_counters_of_one_unit_each_place_their_own_readings() {
    let events = run(sh(NANOGPT), 100);
    assert_eq!(evals(&events), [(0, 3.0), (50, 3.5), (100, 3.1)]);
    assert_eq!(steps(&events), [0, 25, 50, 75, 99]);
}

#[test]
fn two_counters_of_different_units_are_both_fractions_of_the_run() {
    // Four micro-batches a step.
    let script = "for i in 0 50 100 150 200 250 300 350 400; do
        if [ $((i % 200)) = 0 ]; then echo \"step $((i / 4)): train loss 2.1, val loss 3.$i\"; fi
        echo \"iter $i: loss 2.9$i\"; done";
    let events = run(sh(script), 100);
    assert_eq!(evals(&events), [(0, 3.0), (50, 3.2), (100, 3.4)]);
    assert_eq!(steps(&events), [0, 12, 25, 37, 50, 62, 75, 87, 99]);
    // And asked for in neither unit: `--steps 10` epochs of 10 steps.
    let events = run(sh(script), 10);
    assert_eq!(evals(&events), [(0, 3.0), (5, 3.2), (10, 3.4)]);
    assert_eq!(steps(&events), [0, 1, 2, 3, 5, 6, 7, 8, 9]);
}

#[test]
fn a_counter_that_begins_anew_each_epoch_places_nothing() {
    // mmdet: iterations within the epoch beside the loss, the metric by epochs.
    let mmdet = "for e in 1 2 3 4; do for i in 50 100; do
        echo \"2026/01/01 10:00:00 - mmengine - INFO - Epoch(train) [$e][$i/100]  lr: 2.0000e-02  eta: 0:10:00  time: 0.1  loss: 0.$e$i\"; done
        echo \"2026/01/01 10:00:00 - mmengine - INFO - Epoch(val) [$e][20/20]  coco/bbox_mAP: 0.$e\"; done";
    let by = |metric: &str, script: &str, steps| {
        let mut commands = sh(script);
        commands.reading.metric = Some(metric.into());
        run(commands, steps)
    };
    let at = |events: &[Event]| evals(events).iter().map(|e| e.0).collect::<Vec<_>>();
    assert_eq!(at(&run(sh(mmdet), 4)), [1, 2, 3, 4], "the validation's metric");
    let events = by("loss", mmdet, 4);
    assert!(steps(&events).is_sorted() && steps(&events).last() == Some(&3), "{events:?}");
    for (unit, epoch) in [(400, 100), (4000, 1000)] {
        let places = at(&by("loss", mmdet, unit));
        assert!(places.is_sorted() && places.last() == Some(&unit), "{unit}: {places:?}");
        assert!(places.contains(&(2 * epoch)), "{unit}: {places:?}");
    }
    // Iterations only (mmseg): the metric's own line counts the validation's batches.
    let mmseg = "for i in 100 200 300 400; do echo \"Iter(train) [ $i/400]  lr: 1e-2  loss: 1.$i\"
        if [ $((i % 200)) = 0 ]; then echo \"Iter(val) [50/50]  aAcc: 80.$i  mIoU: 40.$i  mAcc: 50.$i\"; fi; done";
    assert_eq!(at(&by("val_mIoU", mmseg, 400)), [200, 400]);
}

/// Counters within the epoch beside one that counts on.
#[test]
fn batches_within_an_epoch_are_no_steps() {
    let script = "for e in 1 2 3 4; do for b in 1 2 3; do echo epoch $e batch $b loss 0.$e$b; done
        echo epoch $e global_step $((e * 30)) val_loss 0.$e; done";
    let events = run(sh(script), 120);
    assert_eq!(evals(&events), [(30, 0.1), (60, 0.2), (90, 0.3), (120, 0.4)]);
    assert!(steps(&events).is_sorted(), "{events:?}");
}
