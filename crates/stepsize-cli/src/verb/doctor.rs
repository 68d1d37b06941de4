//! `stepsize doctor`: whether trials would run here or on a cluster, and how to fix what is wrong.

use crate::args::DoctorArgs;
use crate::done::{Done, Fault};
use crate::remedy::with_options;
use std::path::{Path, PathBuf};
use stepsize_draw::show::{Style, wrapped};
use stepsize_study::executor::{Check, doctor};

/// Runs the checks and prints them; exit code 1 when one found something wrong.
pub fn run(args: &DoctorArgs, style: Style) -> Result<Done, Fault> {
    let checks = match args.cluster.on() {
        Some(on) => {
            let dir = args.trials.clone().unwrap_or_else(|| PathBuf::from("stepsize-trials"));
            let there = dir.exists();
            let mut checks = doctor(&on, &dir);
            for fix in checks.iter_mut().filter_map(|check| check.fix.as_mut()) {
                *fix = with_options(fix);
            }
            if !there {
                // Fails when it is not empty, so nothing of others is removed.
                let _ = std::fs::remove_dir(&dir);
            }
            checks
        }
        None => here(args),
    };
    let sound = checks.iter().all(|c| c.fix.is_none());
    let text = if args.json { json(&checks) } else { checks.iter().map(|check| line(check, style)).collect() };
    Ok(Done::checked(text, sound))
}

/// This machine.
fn here(args: &DoctorArgs) -> Vec<Check> {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let gpus = std::fs::read_dir("/proc/driver/nvidia/gpus").map_or(0, Iterator::count);
    let trials = args.trials.clone().unwrap_or_else(std::env::temp_dir);
    let db = std::path::absolute(&args.file.db).unwrap_or_else(|_| args.file.db.clone());
    let beside = db.parent().unwrap_or(Path::new("."));
    vec![
        Check::well("version", format!("stepsize {}", env!("CARGO_PKG_VERSION"))),
        Check::well("slots", format!("{processors} processors, {gpus} NVIDIA GPUs; --jobs and --gpus choose")),
        writable("directory", &trials, "--trials"),
        writable("studies", beside, "--db"),
    ]
}

/// Checks that files can be made in a directory, or in the closest one above it that exists.
fn writable(what: &'static str, dir: &Path, option: &str) -> Check {
    let dir = std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned());
    let there = dir.ancestors().find(|d| d.exists()).unwrap_or(&dir);
    let path = there.join(format!(".stepsize-doctor-{}", std::process::id()));
    let tried = std::fs::write(&path, [0; 4096]).and_then(|()| std::fs::remove_file(&path));
    match tried {
        Ok(()) if there == dir => Check::well(what, format!("{} can be written", dir.display())),
        Ok(()) => Check::well(what, format!("{} can be made", dir.display())),
        Err(e) => Check::amiss(
            what,
            format!("{} cannot be written: {e}", dir.display()),
            format!("choose another with {option}"),
        ),
    }
}

fn line(check: &Check, style: Style) -> String {
    let found = |word: &str| wrapped(&format!("{word:5} {:10} ", check.what), &check.found, style) + "\n";
    match &check.fix {
        None => found("ok"),
        Some(fix) => found("FIX") + &wrapped(&format!("{:17}-> ", ""), fix, style) + "\n",
    }
}

fn json(checks: &[Check]) -> String {
    let rows: Vec<serde_json::Value> = checks
        .iter()
        .map(|c| serde_json::json!({"what": c.what, "ok": c.fix.is_none(), "found": c.found, "fix": c.fix}))
        .collect();
    serde_json::Value::from(rows).to_string() + "\n"
}
