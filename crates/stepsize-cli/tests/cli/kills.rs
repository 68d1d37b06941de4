//! Kill -9 of `stepsize` while it runs a command, at seeded random moments: no finished trial is
//! lost or runs again, and nothing that an earlier process started is alive once the next one has
//! started a trial.

use crate::harness::Bench;
use rand::{RngExt, SeedableRng};
use serde_json::Value;
use std::collections::BTreeSet;
use std::process::Stdio;
use std::time::{Duration, Instant};

/// Kills, unless `STEPSIZE_KILLS` says another number.
const KILLS: usize = 60;
/// The longest life of a process: about a third of a study.
const LIFE: Duration = Duration::from_millis(400);
/// Tells the witness which trial begins, its process and who started that, goes silent (a closed
/// pipe then does not end it), prints a curve with its best rate at 0.1, and leaves a helper in a
/// session of its own that lives as long as it may.
const SCRIPT: &str = r#"
echo "$STEPSIZE_TRIAL $$ $PPID" >> begun
setsid sleep 30 > /dev/null 2>&1 & helper=$!
echo "$STEPSIZE_TRIAL $helper $$" >> helpers
sleep 0.05
awk -v lr="$1" -v n="$2" 'BEGIN { for (i = 1; i <= n; i++) {
    d = log(lr / 0.1); printf "step %d val_loss %.6f\n", i, 0.1 + 0.05 * d * d + 1 / i } }'
kill "$helper"
"#;
const LINE: &str = "sweep --json --steps 20 --jobs 2 --seeds 3 --study x -- sh train.sh {lr} {steps}";

/// Trial, process and its parent, of every line of a witness.
fn witness(bench: &Bench, name: &str) -> Vec<[u32; 3]> {
    let text = std::fs::read_to_string(bench.path(name)).unwrap_or_default();
    let whole = text.rfind('\n').map_or("", |at| &text[..at]);
    let numbers = |line: &str| line.split(' ').map(|n| n.parse().unwrap()).collect::<Vec<u32>>();
    whole.lines().map(|line| numbers(line).try_into().unwrap()).collect()
}

fn ended(bench: &Bench) -> BTreeSet<u32> {
    let export = bench.run("export x").out;
    let events = export.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    events.filter(|e| e["event"] == "ended").map(|e| u32::try_from(e["trial"].as_u64().unwrap()).unwrap()).collect()
}

fn alive(process: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
}

/// Lives for `life`, or until it is done; whether it was killed. Looks for what the processes
/// `before` it left.
fn lives(bench: &Bench, life: Duration, before: &[[u32; 3]], orphans: &mut usize) -> bool {
    let mut child = bench.command(LINE).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let (begin, child_id) = (Instant::now(), child.id());
    // Not a line that a trial of the process before has just written.
    let ours = |line: &[u32; 3]| line[2] == child_id;
    let mut looked = false;
    while begin.elapsed() < life && child.try_wait().unwrap().is_none() {
        if !looked && witness(bench, "begun").iter().any(ours) {
            looked = true;
            *orphans += before.iter().filter(|line| alive(line[1])).count();
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    child.kill().unwrap();
    let output = child.wait_with_output().unwrap();
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code().is_none_or(|code| code == 0), "{err}");
    output.status.code().is_none()
}

#[test]
fn a_killed_search_by_command_loses_and_repeats_nothing_and_leaves_no_orphan() {
    let wanted = std::env::var("STEPSIZE_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(KILLS);
    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(7);
    let (mut kills, mut lost, mut repeated, mut orphans, mut left) = (0, 0, 0, 0, 0);
    while kills < wanted {
        let bench = Bench::new();
        std::fs::write(bench.path("train.sh"), SCRIPT).unwrap();
        let (mut over, mut done) = (BTreeSet::new(), false);
        while !done {
            let (begun, helpers) = (witness(&bench, "begun"), witness(&bench, "helpers"));
            let before: Vec<[u32; 3]> = begun.iter().chain(&helpers).copied().collect();
            let life = if kills < wanted { LIFE.mul_f64(random.random()) } else { Duration::from_secs(60) };
            let killed = lives(&bench, life, &before, &mut orphans);
            kills += usize::from(killed);
            // At once: what a kill leaves ends by itself in a tenth of a second, helpers apart.
            let now = witness(&bench, "begun").into_iter().chain(witness(&bench, "helpers"));
            left += now.filter(|line| killed && alive(line[1])).count();
            repeated += witness(&bench, "begun")[begun.len()..].iter().filter(|line| over.contains(&line[0])).count();
            if bench.path("stepsize.db").exists() && bench.run("studies").out.contains("sweep") {
                let now = ended(&bench);
                lost += over.difference(&now).count();
                over = now;
                done = !killed;
            }
        }
        let all = witness(&bench, "begun").into_iter().chain(witness(&bench, "helpers"));
        let begin = Instant::now();
        for [_, process, _] in all {
            // The last helpers were told to end a moment ago; of themselves they would live six
            // times as long.
            while alive(process) && begin.elapsed() < Duration::from_secs(5) {
                std::thread::sleep(Duration::from_millis(1));
            }
            orphans += usize::from(alive(process));
        }
        let answer: Value = serde_json::from_str(&bench.run("show x --json").out).unwrap();
        assert!((answer["lr"].as_f64().unwrap() - 0.1).abs() < 1e-9, "{answer}");
    }
    println!(
        "{kills} kills: {lost} lost, {repeated} repeated, {left} processes left by kills, {orphans} of them stayed"
    );
    assert_eq!((lost, repeated, orphans), (0, 0, 0));
    // The kills did leave something to be found.
    assert!(left > wanted / 4, "{left}");
}
