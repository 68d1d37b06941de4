//! A disk that is full at every write of a study in turn: the search ends with a fault that says
//! so, and the same command continues it once there is room.

use crate::harness::{Bench, Seen};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Bytes of a page of the file system.
const PAGE: usize = 4096;
/// Pages that each run has more than the run before; one, if `STEPSIZE_DISK` is set.
const STRIDE: usize = 12;
/// Room for the whole study.
const ROOM: usize = 4 << 20;
/// Tells the witness which trial begins, and prints a curve with its best rate at 0.1.
const SCRIPT: &str = r#"
echo "$STEPSIZE_TRIAL" >> "$BEGUN"
awk -v lr="$1" -v n="$2" 'BEGIN { d = log(lr / 0.1); for (i = 1; i <= n; i++)
    printf "step %d val_loss %.6f\n", i, 0.1 + 0.05 * d * d + 1 / i }'
"#;
const LINE: &str = "sweep --json --steps 200 --low 0.001 --high 10 --per-decade 1 --seeds 2 --study x --db disk/a.db";

/// A small file system in memory; unmounted at the end.
struct Disk(PathBuf);

impl Disk {
    /// `None` where this user may not mount.
    fn new(place: &Path, bytes: usize) -> Option<Self> {
        std::fs::create_dir_all(place).unwrap();
        let size = format!("size={bytes}");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(place).output();
        mounted.is_ok_and(|out| out.status.success()).then(|| Self(place.to_owned()))
    }

    fn resize(&self, bytes: usize) {
        let size = format!("remount,size={bytes}");
        assert!(Command::new("mount").args(["-o", &size]).arg(&self.0).status().unwrap().success());
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

fn run(bench: &Bench) -> Seen {
    let mut command = bench.command(LINE);
    command.args(["--", "sh", "train.sh", "{lr}", "{steps}"]).env("BEGUN", bench.path("begun"));
    Seen::from(command.output().unwrap())
}

fn begun(bench: &Bench) -> Vec<String> {
    let text = std::fs::read_to_string(bench.path("begun")).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

fn ended(bench: &Bench) -> BTreeSet<String> {
    let export = bench.run("export x --db disk/a.db").out;
    let events = export.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    events.filter(|e| e["event"] == "ended").map(|e| e["trial"].to_string()).collect()
}

#[test]
fn a_disk_that_is_full_at_any_write_loses_and_repeats_nothing() {
    let (mut full, mut kept, mut whole) = (0, 0, None);
    let stride = if std::env::var_os("STEPSIZE_DISK").is_some() { 1 } else { STRIDE };
    for pages in (1..).step_by(stride) {
        let bench = Bench::new();
        std::fs::write(bench.path("train.sh"), SCRIPT).unwrap();
        let Some(disk) = Disk::new(&bench.path("disk"), pages * PAGE) else {
            eprintln!("SKIPPED: this user may not mount a file system; the full disk is not tested");
            return;
        };
        let first = run(&bench);
        if first.code == Some(0) {
            whole = Some(first.out);
            drop(disk);
            break;
        }
        full += 1;
        assert_eq!(first.code, Some(1), "{pages} pages: {}{}", first.out, first.err);
        let said =
            ["the disk is full", "the disk refused", "No space left"].iter().any(|what| first.err.contains(what));
        assert!(said && first.err.contains("a.db"), "{pages} pages: {}", first.err);
        let before = begun(&bench).len();
        disk.resize(ROOM);
        let over =
            if bench.run("studies --db disk/a.db").out.contains("sweep") { ended(&bench) } else { BTreeSet::new() };
        kept += over.len();
        let again = run(&bench);
        assert_eq!(again.code, Some(0), "{pages} pages: {}", again.err);
        let repeated: Vec<String> = begun(&bench).split_off(before).into_iter().filter(|t| over.contains(t)).collect();
        assert!(repeated.is_empty(), "{pages} pages: {repeated:?} of {over:?} ran again");
        let answer: Value = serde_json::from_str(&again.out).unwrap();
        assert!((answer["lr"].as_f64().unwrap() - 0.1).abs() < 1e-9, "{answer}");
        drop(disk);
    }
    println!("the disk was full {full} times, each time {stride} pages later; {kept} trials had ended by then");
    assert!(whole.is_some() && full > 5 && kept > 10, "{full} {kept}");
}
