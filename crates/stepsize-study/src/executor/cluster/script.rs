//! The script of a cluster job: claim, run, and leave the exit code behind.
//!
//! * `mkdir claim` succeeds once: a cluster job that was submitted twice, because a reply was lost
//!   or `stepsize` was killed between the call and its note, runs once. When `stepsize` takes the
//!   claim itself, a queued cluster job never runs.
//! * The exit code goes to `exit` by a rename, so that it is there whole or not at all, and
//!   outlives the cluster's memory of the cluster job.
//! * The shell survives TERM, which clusters send to all processes of a cluster job: its child has
//!   time to write a checkpoint, and the shell still notes how that ended.

use super::folder::Attempt;
use super::{Need, Place};
use crate::executor::command::template::{Values, quoted};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Variables of this process that mean nothing, or something else, on the node of a trial.
const OTHERS: [&str; 10] = [
    "PWD",
    "OLDPWD",
    "SHLVL",
    "_",
    "HOSTNAME",
    "CUDA_VISIBLE_DEVICES",
    "ROCR_VISIBLE_DEVICES",
    "GPU_DEVICE_ORDINAL",
    "RAY_AUTH_TOKEN",
    "TMPDIR",
];

/// A cluster job ready to be submitted.
#[derive(Debug, Clone)]
pub(super) struct Submission {
    /// Its name in the cluster: `stepsize-STUDY-t0007-a1`.
    pub key: String,
    /// The whole script.
    pub script: String,
    /// Where that script lies.
    pub path: PathBuf,
    /// Where its output goes, if that is a file.
    pub log: PathBuf,
    pub need: Need,
    /// After this the cluster may end it; our own `--timeout` comes first.
    pub limit: Option<Duration>,
}

/// What a script is made of.
pub(super) struct Parts<'a> {
    pub place: &'a Place,
    pub words: &'a [String],
    pub values: &'a Values,
    pub cwd: &'a Path,
    pub need: &'a Need,
}

/// The script of one attempt.
pub(super) fn script(attempt: &Attempt, parts: &Parts<'_>) -> String {
    let shared = matches!(parts.place, Place::Slurm { .. });
    let (dir, job) = (quoted(&attempt.dir.to_string_lossy()), quoted(&attempt.job.to_string_lossy()));
    let mut text = format!("#!/bin/sh\n# A trial of Stepsize: {}\nunset STEPSIZE_SCRIPT\njob={job}\n", attempt.key);
    // Without a shared directory {trial_dir} has to be made on the node.
    if !shared {
        let _ = writeln!(text, "mkdir -p {dir} \"$job\"");
    }
    text += "if ! mkdir \"$job/claim\" 2>/dev/null; then\n    [ -d \"$job/claim\" ] && exit 0\n    \
             echo \"stepsize: this node cannot write to $job: the directory of the trials must be shared with it\" >&2\n    exit 97\nfi\n";
    text += "uname -n >\"$job/claim/node\"\ntrap ':' TERM\n";
    let leave = "printf '%s\\n' \"$code\" >\"$job/exit.tmp\" && mv \"$job/exit.tmp\" \"$job/exit\"\nexit \"$code\"\n";
    if shared {
        for (name, value) in inherited() {
            let _ = writeln!(text, "export {name}={}", quoted(&value));
        }
    }
    for (name, value) in parts.values.environment() {
        let _ = writeln!(text, "export {name}={}", quoted(&value));
    }
    // Clusters differ in what they set; the same number everywhere makes trials alike.
    let threads = std::env::var("OMP_NUM_THREADS").unwrap_or_else(|_| parts.need.cpus.to_string());
    let _ = writeln!(text, "export OMP_NUM_THREADS={} PYTHONUNBUFFERED=1", quoted(&threads));
    let cwd = quoted(&parts.cwd.to_string_lossy());
    if shared {
        let _ = write!(text, "exec >\"$job/log\" 2>&1\nif ! cd {cwd}; then\n    code=96\n    {leave}fi\n");
    } else {
        let begin = super::ray::BEGIN.trim_end();
        let _ = writeln!(text, "[ -d {cwd} ] && cd {cwd}\nexec 2>&1\necho '{begin}'");
    }
    let words: Vec<String> = parts.words.iter().map(|w| quoted(w)).collect();
    let _ = write!(
        text,
        "{} </dev/null &\nchild=$!\nwhile :; do\n    wait \"$child\"\n    code=$?\n    kill -0 \"$child\" 2>/dev/null || break\ndone\n{leave}",
        words.join(" ")
    );
    text
}

/// The part of this process's environment that is of use on another machine.
fn inherited() -> Vec<(String, String)> {
    let is_name = |name: &str| {
        !name.starts_with(|c: char| c.is_ascii_digit()) && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    let cluster = |name: &str| ["SLURM", "SBATCH", "STEPSIZE"].iter().any(|p| name.starts_with(p));
    let kept = |name: &str| !name.is_empty() && is_name(name) && !cluster(name) && !OTHERS.contains(&name);
    let text = std::env::vars_os().filter_map(|(n, v)| Some((n.into_string().ok()?, v.into_string().ok()?)));
    text.filter(|(name, _)| kept(name)).collect()
}
