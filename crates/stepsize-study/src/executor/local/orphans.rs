//! Finds what a killed process left running of a study, and ends it before the study resumes. Linux
//! only: elsewhere nothing is found and nothing is ended.
//!
//! `docs/design/recovery.md` says how they are found (by a mark in the environment and by a stored
//! handle), and why local trials are ended and not adopted.

use crate::Handle;
use std::time::Duration;
use stepsize::Result;

/// The environment variable that marks every process of a study.
pub(crate) const MARK: &str = "STEPSIZE_STUDY";

/// The handle of a running process, for the study to store; `None` where the system has nothing
/// that identifies it.
pub(crate) fn handle(pid: u32) -> Option<String> {
    let _ = pid;
    #[cfg(target_os = "linux")]
    return linux::handle(pid);
    #[cfg(not(target_os = "linux"))]
    None
}

/// Ends all processes that carry `mark` or that one of `handles` names.
///
/// # Errors
/// When one of them cannot be ended.
pub(crate) fn end(mark: &str, handles: &[Handle], grace: Duration) -> Result<()> {
    let _ = (mark, handles, grace);
    #[cfg(target_os = "linux")]
    linux::end(mark, handles, grace)?;
    Ok(())
}

#[cfg(target_os = "linux")]
mod linux {
    use super::{Handle, MARK};
    use procfs::process::{Process, all_processes};
    use rustix::fd::OwnedFd;
    use rustix::io::Errno;
    use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
    use std::collections::BTreeSet;
    use std::ffi::OsStr;
    use std::time::{Duration, Instant};
    use stepsize::{Error, Result};

    /// How often we look at processes that got a signal.
    const LOOK: Duration = Duration::from_millis(10);
    /// How long a killed process may take to be gone: it may hang in the kernel for a while.
    const GONE: Duration = Duration::from_secs(10);

    pub fn handle(pid: u32) -> Option<String> {
        let begun = Process::new(i32::try_from(pid).ok()?).ok()?.stat().ok()?.starttime;
        Some(format!("pid {pid} begun {begun} boot {}", boot()?))
    }

    fn boot() -> Option<String> {
        procfs::sys::kernel::random::boot_id().ok()
    }

    pub fn end(mark: &str, handles: &[Handle], grace: Duration) -> Result<()> {
        let known: BTreeSet<&str> = handles.iter().map(|handle| handle.text.as_str()).collect();
        let spared = ancestors();
        let mut patience = Instant::now() + grace;
        let mut signal = Signal::TERM;
        let mut signalled = BTreeSet::new();
        // Again and again, because a process may start another one before it ends.
        loop {
            let found = left(mark, &known, &spared);
            let Some((pid, _)) = found.first() else { return Ok(()) };
            if Instant::now() > patience {
                if signal == Signal::KILL {
                    return Err(fault(*pid, "it does not end"));
                }
                (signal, patience) = (Signal::KILL, Instant::now() + GONE);
                signalled.clear();
            }
            for (pid, process) in &found {
                if signalled.insert(*pid) {
                    match pidfd_send_signal(process, signal) {
                        Ok(()) | Err(Errno::SRCH) => {}
                        Err(error) => return Err(fault(*pid, &error.to_string())),
                    }
                }
            }
            std::thread::sleep(LOOK);
        }
    }

    fn fault(pid: i32, why: &str) -> Error {
        Error::invalid(format!(
            "cannot end process {pid}, which an earlier run of this study left: {why}; end it, then run the command again"
        ))
    }

    /// The processes that are left, without those that end while we look at them.
    fn left(mark: &str, known: &BTreeSet<&str>, spared: &BTreeSet<i32>) -> Vec<(i32, OwnedFd)> {
        let Ok(all) = all_processes() else { return Vec::new() };
        let mut found = Vec::new();
        for process in all.flatten().filter(|p| !spared.contains(&p.pid)) {
            // Opened before the look: if the process is ours then, the descriptor belongs to it.
            let Some(pid) = Pid::from_raw(process.pid) else { continue };
            let Ok(descriptor) = pidfd_open(pid, PidfdFlags::empty()) else { continue };
            let Ok(now) = Process::new(process.pid) else { continue };
            if is_left(&now, mark, known) {
                found.push((process.pid, descriptor));
            }
        }
        found
    }

    fn is_left(process: &Process, mark: &str, known: &BTreeSet<&str>) -> bool {
        // A zombie has ended; its parent has not asked for its status yet.
        if process.stat().is_ok_and(|stat| matches!(stat.state, 'Z' | 'X')) {
            return false;
        }
        let marked = process.environ().is_ok_and(|all| all.get(OsStr::new(MARK)).is_some_and(|value| value == mark));
        marked || u32::try_from(process.pid).ok().and_then(handle).is_some_and(|h| known.contains(h.as_str()))
    }

    /// This process and those that it descends from: a search may be started from within a trial.
    fn ancestors() -> BTreeSet<i32> {
        let mut found = BTreeSet::new();
        let mut next = Process::myself().ok();
        while let Some(process) = next {
            if !found.insert(process.pid) {
                break;
            }
            next = process.stat().ok().and_then(|stat| Process::new(stat.ppid).ok());
        }
        found
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;
    use std::os::unix::process::{CommandExt, ExitStatusExt};
    use std::process::{Child, Command};

    const GRACE: Duration = Duration::from_millis(300);

    fn sleeper(mark: Option<&str>, script: &str) -> Child {
        let mut command = Command::new("sh");
        command.args(["-c", script]).process_group(0).env_remove(MARK);
        mark.map(|mark| command.env(MARK, mark));
        command.spawn().unwrap()
    }

    fn of(text: String) -> Handle {
        Handle { trial: stepsize::TrialId(0), text, open: true }
    }

    fn mark(test: &str) -> String {
        format!("{}#{test}", std::process::id())
    }

    #[test]
    fn a_marked_process_is_ended_and_others_are_not() {
        let mut ours = sleeper(Some(&mark("ours")), "sleep 60");
        let mut others = [sleeper(Some(&mark("theirs")), "sleep 60"), sleeper(None, "sleep 60")];
        end(&mark("ours"), &[], GRACE).unwrap();
        assert!(ours.wait().unwrap().signal().is_some());
        for other in &mut others {
            assert!(other.try_wait().unwrap().is_none());
            other.kill().unwrap();
            other.wait().unwrap();
        }
    }

    #[test]
    fn a_process_without_the_mark_is_known_by_its_handle() {
        let mut ours = sleeper(None, "sleep 60");
        let handle = handle(ours.id()).unwrap();
        // Another begin, another boot: somebody else with the same number.
        for other in [handle.replace("begun ", "begun 9"), handle.replace("boot ", "boot 9")] {
            end("no such mark", &[of(other)], GRACE).unwrap();
            assert!(ours.try_wait().unwrap().is_none());
        }
        end("no such mark", &[of(handle)], GRACE).unwrap();
        assert!(ours.wait().unwrap().signal().is_some());
    }

    #[test]
    fn what_ignores_term_is_killed_and_what_fled_its_group_is_found() {
        let file = std::env::temp_dir().join(format!("stepsize-fled-{}", std::process::id()));
        let script = format!("trap '' TERM; setsid sleep 61 & echo $! > {}; while :; do sleep 1; done", file.display());
        let mut ours = sleeper(Some(&mark("stubborn")), &script);
        let fled = loop {
            match std::fs::read_to_string(&file) {
                Ok(text) if text.ends_with('\n') => break text.trim().parse::<i32>().unwrap(),
                _ => std::thread::sleep(Duration::from_millis(5)),
            }
        };
        end(&mark("stubborn"), &[], GRACE).unwrap();
        assert_eq!(ours.wait().unwrap().signal(), Some(9));
        let state = procfs::process::Process::new(fled).and_then(|p| p.stat()).map(|s| s.state);
        assert!(matches!(state, Err(_) | Ok('Z')), "{state:?}");
        std::fs::remove_file(file).unwrap();
    }
}
