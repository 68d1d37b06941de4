//! What breaks studies in the field, against the real binary: a child that floods it, and clocks
//! that jump.

use crate::harness::Bench;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Child, Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// What `stepsize` may take, whatever a child prints (it takes 30 MB or so of itself).
const MEMORY_KB: u64 = 120_000;
/// What a study of one trial may take on the disk.
const STORE_BYTES: u64 = 2_000_000;

/// Highest memory of a process so far, in kB; 0 once it has ended.
fn peak(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find(|l| l.starts_with("VmHWM"));
    line.and_then(|l| l.split_whitespace().nth(1)?.parse().ok()).unwrap_or(0)
}

/// Waits for the end; the output, and the highest memory that was seen.
fn watched(mut child: Child) -> (Output, u64) {
    let mut most = 0;
    while child.try_wait().unwrap().is_none() {
        most = most.max(peak(child.id()));
        std::thread::sleep(Duration::from_millis(5));
    }
    (child.wait_with_output().unwrap(), most)
}

/// One trial whose command is this shell text; its evaluations.
fn flooded(script: &str) -> Vec<(u64, f64)> {
    let bench = Bench::new();
    std::fs::write(bench.path("train.sh"), script).unwrap();
    let line = "sweep --steps 100 --low 0.1 --high 0.1 --seeds 1 --study x --trials runs -- sh train.sh {lr} {steps}";
    let begin = Instant::now();
    let child = bench.command(line).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let (output, memory) = watched(child);
    let err = String::from_utf8_lossy(&output.stderr);
    // One rate is no landscape: the sweep may refuse, but it does not fail.
    assert!(matches!(output.status.code(), Some(0 | 3)), "{err}");
    let stored: u64 =
        ["stepsize.db", "stepsize.db-wal"].iter().filter_map(|n| bench.path(n).metadata().ok()).map(|m| m.len()).sum();
    // Nothing of what was printed is kept beside the readings.
    let kept = std::fs::read_dir(bench.path("runs/t0")).unwrap().count();
    println!("{memory} kB, {stored} bytes stored, {:.1} s", begin.elapsed().as_secs_f64());
    assert!(memory > 0 && memory < MEMORY_KB, "{memory} kB");
    assert!(stored < STORE_BYTES && kept == 0, "{stored} bytes, {kept} files");
    let export = bench.run("export x").out;
    let events = export.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let events: Vec<Value> = events.collect();
    assert!(events.iter().any(|e| e["event"] == "ended" && e["end"]["how"] == "finished"), "{export}");
    let evals = events.iter().filter(|e| e["event"] == "eval");
    evals.map(|e| (e["step"].as_u64().unwrap(), e["val_loss"].as_f64().unwrap())).collect()
}

/// A gigabyte between the readings, ten megabytes before each.
#[test]
fn a_child_that_prints_a_gigabyte_is_read_to_its_end_in_bounded_memory() {
    let script = "words=$(printf '%01000d' 0 | tr 0 x); i=0; while [ $i -lt 100 ]; do i=$((i + 1))
                  yes \"$words\" | head -c 10000000; echo; echo step $i val_loss $((200 - i)); done";
    let evals = flooded(script);
    let expected: Vec<(u64, f64)> = (1..=100).map(|i| (i, (200 - i) as f64)).collect();
    assert_eq!(evals, expected);
}

/// A hundred megabytes on one line, of which the beginning and the end are readings.
#[test]
fn a_line_of_a_hundred_megabytes_costs_no_more_than_its_end() {
    let script = "echo step 50 val_loss 0.5; printf 'noise '; head -c 100000000 /dev/zero | tr '\\0' x; echo
                  head -c 100000000 /dev/zero | tr '\\0' y >&2; echo step 100 val_loss 0.25";
    assert_eq!(flooded(script), [(50, 0.5), (100, 0.25)]);
}

/// Millions of readings: what is kept of them is bounded, and the last one counts.
#[test]
fn a_child_that_prints_a_million_readings_is_thinned() {
    let script = "awk 'BEGIN { for (i = 1; i <= 1000000; i++) printf \"step %d loss %d\\n\", i / 10000, 2000000 - i }'
                  echo step 100 val_loss 0.25";
    assert_eq!(flooded(script), [(100, 0.25)]);
}

/// The library that shifts the clock of a process; `None` says so loudly, and on CI it is a
/// failure.
pub fn faketime() -> Option<String> {
    let places = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib", "/usr/lib64"];
    let found = places.iter().map(|p| format!("{p}/faketime/libfaketimeMT.so.1")).find(|p| Path::new(p).exists());
    if found.is_none() {
        assert!(std::env::var("CI").is_err(), "CI needs libfaketime (package faketime)");
        eprintln!("SKIPPED: no libfaketime; clock jumps are not tested (install the package faketime)");
    }
    found
}

/// Tells the witness its trial and the time, and takes some.
const TRAIN: &str = r#"
echo "$STEPSIZE_TRIAL $(date +%s)" >> begun
for i in 1 2 3 4; do
    sleep 0.05
    echo "$(date +%s)" >> times
    awk -v lr="$1" -v i=$i 'BEGIN { d = log(lr / 0.1); printf "step %d val_loss %.6f\n", 5 * i, 0.1 + 0.05 * d * d + 1 / i }'
done
"#;

/// The wall clock jumps an hour forth and back, again and again, while a study runs, is killed and
/// continues: no trial is ended by it (each takes a quarter of a second and may take 30),
/// none is lost, none runs again that had ended, and the answer is that of steady clocks.
#[test]
fn jumps_of_the_wall_clock_lose_nothing_and_end_nothing() {
    let Some(library) = faketime() else { return };
    let bench = Bench::new();
    let (clock, stop) = (bench.path("clock"), Arc::new(AtomicBool::new(false)));
    std::fs::write(bench.path("train.sh"), TRAIN).unwrap();
    let shift = Arc::new(Mutex::new(0));
    let set = {
        let (clock, shift) = (clock.clone(), Arc::clone(&shift));
        move |hours: i32| {
            let mut now = shift.lock().unwrap();
            *now = hours;
            let new = clock.with_extension("new");
            std::fs::write(&new, format!("{:+}h\n", hours)).unwrap();
            std::fs::rename(new, &clock).unwrap();
        }
    };
    set(0);
    let jumper = std::thread::spawn({
        let (stop, set) = (Arc::clone(&stop), set.clone());
        move || {
            for hours in [1, -1, 0, 2, -2].into_iter().cycle() {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                set(hours);
                std::thread::sleep(Duration::from_millis(70));
            }
        }
    });
    let line = "sweep --json --steps 20 --jobs 2 --seeds 2 --timeout 30s --study x -- sh train.sh {lr} {steps}";
    let start = || {
        let mut command = bench.command(line);
        command
            .env("LD_PRELOAD", &library)
            .env("FAKETIME_TIMESTAMP_FILE", &clock)
            // Read the file at every call; the steady clocks are what a jump of the wall clock
            // leaves alone.
            .env("FAKETIME_NO_CACHE", "1")
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
            .env("FAKETIME_DONT_RESET", "1");
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let ended = || -> BTreeSet<u64> {
        let export = bench.run("export x").out;
        let events = export.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        events.filter(|e| e["event"] == "ended").map(|e| e["trial"].as_u64().unwrap()).collect()
    };
    let begun = || std::fs::read_to_string(bench.path("begun")).unwrap_or_default();
    // Three kills at growing ages, the clock in another place at each start.
    let mut over = BTreeSet::new();
    let mut again = Vec::new();
    for age in [500, 900, 1300] {
        let before = begun().lines().count();
        let mut child = start();
        std::thread::sleep(Duration::from_millis(age));
        child.kill().unwrap();
        child.wait().unwrap();
        again.extend(begun().lines().skip(before).map(str::to_owned).filter(|l| is_of(l, &over)));
        let now = ended();
        assert!(over.is_subset(&now), "{over:?} {now:?}");
        over = now;
    }
    let before = begun().lines().count();
    let output = start().wait_with_output().unwrap();
    let err = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{err}");
    again.extend(begun().lines().skip(before).map(str::to_owned).filter(|l| is_of(l, &over)));
    stop.store(true, Ordering::Relaxed);
    jumper.join().unwrap();
    assert!(!over.is_empty() && again.is_empty(), "{over:?} {again:?}");

    // The children saw jumps both ways, so this test tested something.
    let times = std::fs::read_to_string(bench.path("times")).unwrap();
    let times: Vec<i64> = times.lines().filter_map(|l| l.parse().ok()).collect();
    let jumps = |least: i64| times.windows(2).filter(|w| (w[1] - w[0]) * least.signum() >= least.abs()).count();
    assert!(jumps(3000) > 3 && jumps(-3000) > 3, "{times:?}");

    let export = bench.run("export x").out;
    for event in export.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()) {
        if event["event"] == "ended" {
            assert_eq!(event["end"]["how"], "finished", "{event}");
            let seconds = event["seconds"].as_f64().unwrap();
            assert!((0.1..25.0).contains(&seconds), "{event}");
        }
    }
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!((answer["lr"].as_f64().unwrap() - 0.1).abs() < 1e-9, "{answer}");
    let wall = answer["cost"]["wall_seconds"].as_f64().unwrap();
    assert!((0.0..120.0).contains(&wall), "{wall}");
    assert!(bench.run("studies").out.contains("concluded"));
    assert_eq!(bench.run("show x").code, Some(0));
}

/// Whether a line of the witness is of one of these trials.
fn is_of(line: &str, trials: &BTreeSet<u64>) -> bool {
    line.split(' ').next().and_then(|n| n.parse().ok()).is_some_and(|n| trials.contains(&n))
}
