//! One suite for all executors of commands: this machine, Slurm, Ray.
//!
//! Tests named `local` run always. The clusters are real: `tests/cluster/run` starts them and runs
//! the tests that are ignored here.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test may fail loudly

mod commands;
mod places;

use commands::{alive, end_of, evals, pids, sh, spec, text, until};
use places::{Kind, World};
use std::time::{Duration, Instant};
use stepsize::{End, Event, TrialId};
use stepsize_study::Handle;
use stepsize_study::testing::executor as contract;

/// A test at every place.
macro_rules! at_every_place {
    ($($name:ident),*) => {$(
        mod $name {
            use crate::places::Kind;
            #[test]
            fn local() {
                super::suite::$name(Kind::Local);
            }
            #[test]
            #[ignore = "needs Slurm: tests/cluster/run"]
            fn slurm() {
                super::suite::$name(Kind::Slurm);
            }
            #[test]
            #[ignore = "needs Ray: tests/cluster/run"]
            fn ray() {
                super::suite::$name(Kind::Ray);
            }
        }
    )*};
}

at_every_place!(
    it_keeps_the_contract_of_an_executor,
    exits_tell_what_they_mean,
    a_log_comes_whole_and_in_order,
    a_killed_trial_is_a_failure,
    a_cancelled_trial_ends_with_all_its_processes,
    a_trial_that_ignores_term_ends,
    a_trial_that_waits_is_cancelled_and_never_runs,
    a_trial_handed_over_twice_runs_once,
    a_trial_that_takes_too_long_is_ended,
    a_killed_coordinator_loses_and_repeats_nothing,
    a_cluster_out_of_reach_changes_nothing,
    a_lost_job_is_run_again
);

mod suite {
    use super::*;

    fn run(world: &World, script: &str) -> Vec<Event> {
        let mut executor = world.executor(sh(script));
        executor.submit(TrialId(0), &spec(0.25, 5)).unwrap();
        until(executor.as_mut(), 1)
    }

    pub fn it_keeps_the_contract_of_an_executor(kind: Kind) {
        let mut worlds = Vec::new();
        let mut fresh = || {
            worlds.push(World::new(kind));
            let long = "echo step 0 loss 0.9; test {steps} -gt 5 && exec sleep 600; echo step 5 loss 0.5";
            worlds.last().unwrap().executor(sh(long))
        };
        contract::every_trial_ends_once(&mut fresh);
        contract::a_trial_reports_in_order_and_finishes(&mut fresh);
        contract::a_cancelled_trial_ends(&mut fresh);
        contract::cancelling_an_ended_trial_does_nothing(&mut fresh);
        contract::waiting_ends_when_nothing_happens(&mut fresh);
    }

    pub fn exits_tell_what_they_mean(kind: Kind) {
        let world = World::new(kind);
        let good = "test {lr:float} = 0.25 && test $STEPSIZE_LR = 0.25 && test $STEPSIZE_STEPS = {steps} && test -d {trial_dir} && \
                    echo \"it's $OMP_NUM_THREADS threads\" && echo epoch 5 loss 0.5";
        let events = run(&world, good);
        assert_eq!((end_of(&events), evals(&events)), (End::Finished, vec![(5, 0.5)]), "{events:?}");
        if kind != Kind::Local {
            let handles = events.iter().filter(|e| matches!(e, Event::Submitted { .. })).count();
            assert_eq!(handles, 2, "an intent, then a number: {events:?}");
        }
        let End::Failed { why } = end_of(&run(&World::new(kind), "echo out of luck; exit 3")) else { panic!() };
        assert!(why.contains("exit code 3 before it printed a metric") && why.contains("out of luck"), "{why}");
        let missing = end_of(&run(&World::new(kind), "exec no-such-program"));
        assert!(matches!(&missing, End::Failed { why } if why.contains("127")), "{missing:?}");
    }

    pub fn a_log_comes_whole_and_in_order(kind: Kind) {
        let world = World::new(kind);
        let script = "i=0; while [ $i -lt 3000 ]; do i=$((i+1)); echo step $i val_loss 0.$i; echo noise >&2; done; printf 'step 3001 val_loss 0.125'";
        let mut commands = sh(script);
        commands.horizon = 3001;
        let mut executor = world.executor(commands);
        executor.submit(TrialId(0), &spec(0.25, 3001)).unwrap();
        let events = until(executor.as_mut(), 1);
        assert_eq!(end_of(&events), End::Finished);
        // A long curve is thinned; what is kept is in order, to the last line, which has no end.
        let points = evals(&events);
        assert!(points.len() > 12 && points.is_sorted_by(|a, b| a.0 < b.0), "{points:?}");
        assert_eq!(points.last(), Some(&(3001, 0.125)));
    }

    pub fn a_killed_trial_is_a_failure(kind: Kind) {
        let End::Failed { why } = end_of(&run(&World::new(kind), "echo loss 0.5; kill -9 $$")) else { panic!() };
        assert!(why.contains("signal 9"), "{why}");
    }

    /// Two processes that write down their numbers and live on.
    const FAMILY: &str = "sh -c 'TRAP; echo $$ >> {trial_dir}/pids; while :; do sleep 0.05; done' & TRAP; \
                          echo $$ >> {trial_dir}/pids; echo step 1 loss 0.5; while :; do sleep 0.05; done";

    fn cancelled(kind: Kind, trap: &str) {
        let world = World::new(kind);
        let mut executor = world.executor(sh(&FAMILY.replace("TRAP", trap)));
        executor.submit(TrialId(0), &spec(0.25, 5)).unwrap();
        let family = world.wait(executor.as_mut(), |w| pids_there(w, "t0/pids", 2));
        assert!(family.iter().all(|p| alive(*p)));
        executor.cancel(TrialId(0)).unwrap();
        assert_eq!(end_of(&until(executor.as_mut(), 1)), End::Stopped);
        let begin = Instant::now();
        while family.iter().any(|p| alive(*p)) && begin.elapsed() < Duration::from_secs(5) {
            std::thread::sleep(Duration::from_millis(20));
        }
        assert!(!family.iter().any(|p| alive(*p)), "a process was left behind");
    }

    fn pids_there(world: &World, name: &str, count: usize) -> Option<Vec<u32>> {
        let path = world.dir.join(name);
        let whole = std::fs::read_to_string(&path).is_ok_and(|t| t.ends_with('\n') && t.lines().count() >= count);
        whole.then(|| pids(&path, count))
    }

    pub fn a_cancelled_trial_ends_with_all_its_processes(kind: Kind) {
        cancelled(kind, ":");
    }

    pub fn a_trial_that_ignores_term_ends(kind: Kind) {
        cancelled(kind, "trap \"\" TERM");
    }

    pub fn a_trial_that_waits_is_cancelled_and_never_runs(kind: Kind) {
        // Another study has both processors.
        let other = World::new(kind);
        let mut busy = other.executor(sh("echo loss 0.5; touch {trial_dir}/runs; sleep 120"));
        if kind != Kind::Local {
            for (trial, lr) in [(0, 0.1), (1, 0.2)] {
                busy.submit(TrialId(trial), &spec(lr, 5)).unwrap();
                other.wait(busy.as_mut(), |w| w.dir.join(format!("t{trial}/runs")).exists().then_some(()));
            }
        }
        let world = World::new(kind);
        let mut executor = world.executor(sh("touch {trial_dir}/ran; echo loss 0.5; sleep 60"));
        executor.submit(TrialId(0), &spec(0.25, 5)).unwrap();
        if kind != Kind::Local {
            let begin = Instant::now();
            while begin.elapsed() < Duration::from_secs(2) {
                let event = executor.next(Duration::from_millis(50)).unwrap();
                assert!(matches!(event, None | Some(Event::Submitted { .. })), "{event:?}");
            }
        }
        executor.cancel(TrialId(0)).unwrap();
        let begin = Instant::now();
        assert_eq!(end_of(&until(executor.as_mut(), 1)), End::Stopped);
        drop(busy);
        if kind != Kind::Local {
            assert!(begin.elapsed() < Duration::from_secs(20));
            // The processors are free again, and it still does not run.
            std::thread::sleep(Duration::from_secs(3));
            assert!(!world.dir.join("t0/ran").exists());
        }
    }

    pub fn a_trial_handed_over_twice_runs_once(kind: Kind) {
        let world = World::new(kind);
        let mut executor =
            world.executor(sh("echo begun >> {trial_dir}/begun; echo loss 0.5; sleep 1; echo loss 0.25"));
        executor.submit(TrialId(0), &spec(0.25, 5)).unwrap();
        if kind != Kind::Local {
            assert!(executor.submit(TrialId(0), &spec(0.25, 5)).is_err());
            world.wait(executor.as_mut(), |w| w.dir.join("t0/begun").exists().then_some(()));
            // As a second job would: the reply to the first call was lost.
            let again = std::process::Command::new("sh").arg(world.dir.join("t0/job/run.sh")).status().unwrap();
            assert!(again.success());
        }
        assert_eq!(end_of(&until(executor.as_mut(), 1)), End::Finished);
        assert_eq!(std::fs::read_to_string(world.dir.join("t0/begun")).unwrap(), "begun\n");
    }

    pub fn a_trial_that_takes_too_long_is_ended(kind: Kind) {
        let world = World::new(kind);
        let mut commands = sh("echo $$ > {trial_dir}/pid; echo loss 0.5; exec sleep 60; echo {lr}");
        commands.timeout = Some(Duration::from_secs(2));
        let mut executor = world.executor(commands);
        executor.submit(TrialId(0), &spec(0.25, 5)).unwrap();
        let End::Failed { why } = end_of(&until(executor.as_mut(), 1)) else { panic!() };
        assert!(why.contains("did not end within 2 s"), "{why}");
        let process = pids(&world.dir.join("t0/pid"), 1)[0];
        assert!(!alive(process));
    }

    pub fn a_killed_coordinator_loses_and_repeats_nothing(kind: Kind) {
        places::killed_coordinator(kind);
    }

    pub fn a_cluster_out_of_reach_changes_nothing(kind: Kind) {
        if kind == Kind::Local {
            return; // this machine is always in reach
        }
        let world = World::new(kind).behind_proxy();
        let script =
            "echo begun >> {trial_dir}/begun; for i in 1 2 3 4 5 6 7 8; do echo step $i val_loss 0.$i; sleep 1; done";
        let mut commands = sh(script);
        commands.horizon = 8;
        let mut executor = world.executor(commands);
        executor.submit(TrialId(0), &spec(0.25, 8)).unwrap();
        world.wait(executor.as_mut(), |w| w.dir.join("t0/begun").exists().then_some(()));
        let back = world.out_of_reach(Duration::from_secs(5));
        let events = until(executor.as_mut(), 1);
        back.join().unwrap();
        assert_eq!(end_of(&events), End::Finished, "{events:?}");
        let losses: Vec<f64> = evals(&events).iter().map(|e| e.1).collect();
        assert_eq!(losses, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8], "nothing twice, nothing missing");
        assert_eq!(std::fs::read_to_string(world.dir.join("t0/begun")).unwrap(), "begun\n");
        let notices = world.notices();
        assert!(notices.iter().any(|n| n.contains("left as they are")), "{notices:?}");
        assert!(notices.iter().any(|n| n.contains("answers again")), "{notices:?}");
    }

    pub fn a_lost_job_is_run_again(kind: Kind) {
        if kind == Kind::Local {
            return; // what this machine loses it loses whole
        }
        let world = World::new(kind);
        let script = match kind {
            // Its node fails.
            Kind::Slurm => {
                "echo begun >> {trial_dir}/../begun; echo step 1 val_loss 0.9
                            test \"$(cat {trial_dir}/../begun | wc -l)\" = 1 && exec sleep 60; echo step 5 val_loss 0.5"
            }
            // It takes Ray's minder of the job with it.
            _ => {
                "echo begun >> {trial_dir}/../begun; echo step 1 val_loss 0.9
                  if [ \"$(cat {trial_dir}/../begun | wc -l)\" = 1 ]; then
                      p=$$; while [ \"$p\" -gt 1 ]; do
                          case $(cat /proc/$p/comm) in ray::JobSuperv*) sleep 1; kill -9 $p; exec sleep 5;; esac
                          p=$(sed 's/.*) . \\([0-9]*\\) .*/\\1/' /proc/$p/stat)
                      done
                  fi
                  echo step 5 val_loss 0.5"
            }
        };
        let mut executor = world.executor(sh(script));
        executor.submit(TrialId(0), &spec(0.25, 5)).unwrap();
        world.wait(executor.as_mut(), |w| w.dir.join("begun").exists().then_some(()));
        if kind == Kind::Slurm {
            let host = std::process::Command::new("hostname").arg("-s").output().unwrap().stdout;
            let node = format!("NodeName={}", String::from_utf8(host).unwrap().trim());
            for words in [&["State=DOWN", "Reason=test"][..], &["State=RESUME"]] {
                // A node that is back already cannot be resumed.
                let _ = std::process::Command::new("scontrol").args(["update", &node]).args(words).output().unwrap();
                std::thread::sleep(Duration::from_secs(1));
            }
        }
        let events = until(executor.as_mut(), 1);
        let begun = std::fs::read_to_string(world.dir.join("begun")).unwrap();
        assert_eq!(
            (end_of(&events), begun.as_str()),
            (End::Finished, "begun\nbegun\n"),
            "{events:?} {:?}",
            world.notices()
        );
        let anew = events.iter().position(|e| matches!(e, Event::Started { .. })).unwrap();
        assert_eq!(evals(&events[anew..]).iter().map(|e| e.1).collect::<Vec<_>>(), [0.9, 0.5]);
    }
}

/// What a killed coordinator leaves is adopted or removed by rule, call by call.
mod recovery {
    use super::*;

    pub fn rules(kind: Kind) {
        let world = World::new(kind);
        let script = "echo begun >> {trial_dir}/../begun; echo step 1 val_loss 0.9; sleep 4; echo step 5 val_loss 0.5";
        let mut first = world.executor(sh(script));
        first.submit(TrialId(3), &spec(0.25, 5)).unwrap();
        let mut handles = Vec::new();
        while !world.dir.join("begun").exists() {
            if let Some(Event::Submitted { trial, handle }) = first.next(Duration::from_millis(50)).unwrap() {
                handles.push(Handle { trial, text: handle, open: true });
            }
        }
        // As after a kill: the thread that looks after the cluster job is gone, the cluster job is
        // not.
        std::mem::forget(first);
        // Only the intent was stored.
        handles.truncate(1);
        let mut second = world.executor(sh(script));
        second.recover(&handles).unwrap();
        second.submit(TrialId(3), &spec(0.25, 5)).unwrap();
        let events = until(second.as_mut(), 1);
        assert_eq!(end_of(&events), End::Finished);
        assert_eq!(evals(&events).iter().map(|e| e.1).collect::<Vec<_>>(), [0.9, 0.5], "read from its start");
        assert_eq!(text(&world.dir.join("begun")), "begun", "it ran once");
        drop(second);
        // An ended trial's job is never taken up, whatever it says.
        handles[0].open = false;
        let mut third = world.executor(sh(script));
        third.recover(&handles).unwrap();
        third.submit(TrialId(3), &spec(0.25, 5)).unwrap();
        assert_eq!(end_of(&until(third.as_mut(), 1)), End::Finished);
        assert_eq!(std::fs::read_to_string(world.dir.join("begun")).unwrap(), "begun\nbegun\n");
        assert!(world.dir.join("t3.2").is_dir());
    }

    #[test]
    #[ignore = "needs Slurm: tests/cluster/run"]
    fn slurm() {
        rules(Kind::Slurm);
    }

    #[test]
    #[ignore = "needs Ray: tests/cluster/run"]
    fn ray() {
        rules(Kind::Ray);
    }
}
