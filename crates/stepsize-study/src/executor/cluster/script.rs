//! The script of a job: claim, run, and leave the exit code behind.
//!
//! * `mkdir claim` succeeds once: a job that was handed over twice, because a reply was lost or the coordinator was killed
//!   between the call and its note, runs once. A coordinator that takes the claim itself keeps a queued job from ever running.
//! * The exit code goes to `exit` by way of a second name, so that it is there whole or not at all, and outlives the engine's
//!   memory of the job.
//! * The shell lives through TERM, which engines send to all processes of a job: its child has the grace to write a checkpoint,
//!   and how it ended is still noted.

use super::folder::Attempt;
use super::{Need, Place};
use crate::executor::command::template::Values;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Variables of the coordinator that mean nothing, or something else, on the node of a trial.
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

/// A job ready to be handed over.
#[derive(Debug, Clone)]
pub(super) struct Submission {
    /// Its name in the engine: `stepsize-STUDY-t0007-a1`.
    pub key: String,
    /// The whole script.
    pub script: String,
    /// Where that script lies.
    pub path: PathBuf,
    /// Where its output goes, if that is a file.
    pub log: PathBuf,
    pub need: Need,
    /// After this the engine may end it; our own `--timeout` comes first.
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
    // Where the directory is not shared it is made, so that {trial_dir} exists.
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
    // Engines differ in what they set; the same number everywhere makes trials alike.
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

/// The environment of this process as far as it is of use elsewhere.
fn inherited() -> Vec<(String, String)> {
    let is_name = |name: &str| {
        !name.starts_with(|c: char| c.is_ascii_digit()) && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    let engine = |name: &str| ["SLURM", "SBATCH", "STEPSIZE"].iter().any(|p| name.starts_with(p));
    let kept = |name: &str| !name.is_empty() && is_name(name) && !engine(name) && !OTHERS.contains(&name);
    let text = std::env::vars_os().filter_map(|(n, v)| Some((n.into_string().ok()?, v.into_string().ok()?)));
    text.filter(|(name, _)| kept(name)).collect()
}

/// One word for the shell, whatever is in it.
pub(super) fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', "'\\''"))
}
