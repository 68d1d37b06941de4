//! A search of a simulated day whose controller is killed every twenty simulated minutes.

use crate::chaos::faketime;
use crate::harness::Bench;
use serde_json::Value;
use std::collections::BTreeSet;
use std::process::Stdio;
use std::time::{Duration, Instant};

/// Simulated seconds in a real one.
const FASTER: u32 = 600;
/// Simulated minutes between two kills.
const EVERY: u32 = 20;
/// Takes eight simulated minutes and tells the witness its trial and the time.
const TRAIN: &str = r#"
echo "$STEPSIZE_TRIAL $(date +%s)" >> begun
for i in 1 2 3 4; do
    sleep 120
    awk -v lr="$1" -v i=$i 'BEGIN { d = log(lr / 0.1); printf "step %d val_loss %.6f\n", 5 * i, 0.1 + 0.05 * d * d + 1 / i }'
done
"#;

/// Trials that have ended.
fn ended(bench: &Bench) -> BTreeSet<u64> {
    let export = bench.run("export x").out;
    let events = export.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    events.filter(|e| e["event"] == "ended").map(|e| e["trial"].as_u64().unwrap()).collect()
}

/// Two simulated hours of its life, or as many as `STEPSIZE_HOURS` says.
#[test]
fn a_search_that_is_killed_every_twenty_minutes_of_a_day_loses_and_repeats_nothing() {
    let Some(library) = faketime() else { return };
    let hours: u32 = std::env::var("STEPSIZE_HOURS").ok().and_then(|text| text.parse().ok()).unwrap_or(2);
    let bench = Bench::new();
    std::fs::write(bench.path("train.sh"), TRAIN).unwrap();
    // Trials enough for the hours: two at once, of eight minutes.
    let line = "sweep --json --steps 20 --jobs 2 --low 0.001 --high 10 --per-decade 10 --seeds 9 --timeout 2h --max-time 1000h \
                --study x -- sh train.sh {lr} {steps}";
    let (mut over, mut kills, mut late, mut repeated) = (BTreeSet::new(), 0, 0, Vec::new());
    let begin = Instant::now();
    let begun = || std::fs::read_to_string(bench.path("begun")).unwrap_or_default();
    let mut lives = 0;
    while lives < hours * 60 / EVERY {
        lives += 1;
        let before = begun().lines().count();
        let mut command = bench.command(line);
        let faster = format!("{:+}s x{FASTER}", begin.elapsed().as_secs() * u64::from(FASTER));
        command.env("LD_PRELOAD", &library).env("FAKETIME", faster).env("FAKETIME_DONT_RESET", "1");
        let said = std::fs::File::create(bench.path("said")).unwrap();
        let mut child = command.stdout(Stdio::null()).stderr(said).spawn().unwrap();
        std::thread::sleep(Duration::from_secs(u64::from(EVERY * 60 / FASTER)));
        match child.try_wait().unwrap() {
            None => {
                kills += 1;
                child.kill().unwrap();
                child.wait().unwrap();
            }
            // The seconds in which what the last kill left has to end are a hundredth of one here.
            Some(_) => {
                let said = String::from_utf8(bench.read("said")).unwrap();
                assert!(said.contains("which an earlier run of this study left: it does not end"), "{said}");
                late += 1;
            }
        }
        let text = begun();
        let trials = text.lines().skip(before).filter_map(|l| l.split(' ').next()?.parse::<u64>().ok());
        repeated.extend(trials.filter(|trial| over.contains(trial)));
        let now = ended(&bench);
        assert!(over.is_subset(&now), "lost: {:?}", over.difference(&now));
        over = now;
    }
    let times: Vec<i64> = begun().lines().filter_map(|l| l.split(' ').nth(1)?.parse().ok()).collect();
    let day = (times.iter().max().unwrap() - times.iter().min().unwrap()) as f64 / 3600.0;
    println!(
        "{hours} simulated hours ({day:.1} by the clock of the trials): {kills} kills, {late} starts that did not wait for \
         what the last kill left, {} trials ended, 0 lost, {} repeated",
        over.len(),
        repeated.len()
    );
    assert!(repeated.is_empty(), "{repeated:?}");
    assert!(kills >= lives / 2 && over.len() as u32 >= kills / 3, "{kills} of {lives}, {}", over.len());
    // The simulated clock ran as fast as was asked for, or this tested something else.
    assert!(day > 0.6 * f64::from(hours), "{day}");
}
