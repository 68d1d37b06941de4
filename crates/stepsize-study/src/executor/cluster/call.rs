//! One command of Slurm, within a time limit.

use super::queue::Trouble;
use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How often we check whether the command has ended.
const LOOK: Duration = Duration::from_millis(5);
/// Bytes of output that are read: more than a list of ten thousand cluster jobs.
const MOST: u64 = 64 << 20;

/// What `program` prints. A program that is not installed is [`Trouble::Absent`]. One that cannot
/// be started now, takes longer than `limit`, or blames the connection for its failure is
/// [`Trouble::Unreachable`].
pub(super) fn run(program: &str, arguments: &[&str], limit: Duration) -> Result<String, Trouble> {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    // Variables that the user set for other calls must not change ours.
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if ["SQUEUE_", "SCANCEL_", "SINFO_"].iter().any(|p| name.starts_with(p)) {
            command.env_remove(&*name);
        }
    }
    let mut child = command.spawn().map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => Trouble::Absent(format!(
            "cannot start `{program}`: {e}; run Stepsize on a machine that has the commands of Slurm"
        )),
        _ => Trouble::Unreachable(format!("cannot start `{program}`: {e}")),
    })?;
    let (out, err) = (read(child.stdout.take()), read(child.stderr.take()));
    let status = wait(&mut child, limit)
        .ok_or_else(|| Trouble::Unreachable(format!("`{program}` did not answer in {} s", limit.as_secs_f64())))?
        .map_err(|e| Trouble::Unreachable(format!("`{program}` could not be waited for: {e}")))?;
    let text = |thread: std::thread::JoinHandle<Vec<u8>>| {
        String::from_utf8_lossy(&thread.join().unwrap_or_default()).into_owned()
    };
    let (out, err) = (text(out), text(err));
    if status.success() {
        return Ok(out);
    }
    let message = format!("`{program}` failed: {}", err.trim());
    let down = [
        "contact slurm controller",
        "onnection",
        "timed out",
        "Timed out",
        "Zero Bytes",
        "temporarily",
        "Unable to resolve",
    ];
    Err(if down.iter().any(|d| err.contains(d)) { Trouble::Unreachable(message) } else { Trouble::Refused(message) })
}

fn wait(child: &mut Child, limit: Duration) -> Option<std::io::Result<std::process::ExitStatus>> {
    let begin = Instant::now();
    loop {
        match child.try_wait() {
            Ok(None) if begin.elapsed() > limit => {
                let _ = child.kill();
                let _ = child.wait();
                return None;
            }
            Ok(None) => std::thread::sleep(LOOK),
            Ok(Some(status)) => return Some(Ok(status)),
            Err(e) => return Some(Err(e)),
        }
    }
}

fn read(pipe: Option<impl Read + Send + 'static>) -> std::thread::JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(pipe) = pipe {
            let _ = pipe.take(MOST).read_to_end(&mut bytes);
        }
        bytes
    })
}
