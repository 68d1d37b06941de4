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
    use super::super::proc;
    use super::{Handle, MARK};
    use rustix::fd::OwnedFd;
    use rustix::io::Errno;
    use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
    use std::collections::BTreeSet;
    use std::time::{Duration, Instant};
    use stepsize::{Error, Result};

    /// How often we look at processes that got a signal.
    const LOOK: Duration = Duration::from_millis(10);
    /// How long a killed process may take to be gone: it may hang in the kernel for a while.
    const GONE: Duration = Duration::from_secs(10);

    pub fn handle(pid: u32) -> Option<String> {
        let begun = proc::stat(i32::try_from(pid).ok()?)?.begun;
        Some(format!("pid {pid} begun {begun} boot {}", proc::boot()?))
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
        let mut found = Vec::new();
        for number in proc::all().into_iter().filter(|pid| !spared.contains(pid)) {
            // Opened before the look: if the process is ours then, the descriptor belongs to it, or
            // to one that has ended and whose number it got.
            let Some(pid) = Pid::from_raw(number) else { continue };
            let Ok(descriptor) = pidfd_open(pid, PidfdFlags::empty()) else { continue };
            if is_left(number, mark, known) {
                found.push((number, descriptor));
            }
        }
        found
    }

    fn is_left(pid: i32, mark: &str, known: &BTreeSet<&str>) -> bool {
        // A zombie has ended; its parent has not asked for its status yet.
        if proc::stat(pid).is_none_or(|stat| matches!(stat.state, 'Z' | 'X')) {
            return false;
        }
        let marked = proc::has_variable(pid, MARK, mark);
        marked || u32::try_from(pid).ok().and_then(handle).is_some_and(|h| known.contains(h.as_str()))
    }

    /// This process and those that it descends from: a search may be started from within a trial.
    fn ancestors() -> BTreeSet<i32> {
        let mut found = BTreeSet::new();
        let mut next = i32::try_from(std::process::id()).ok();
        while let Some(pid) = next {
            if !found.insert(pid) {
                break;
            }
            next = proc::stat(pid).map(|stat| stat.parent);
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
        let state = super::super::proc::stat(fled).map(|stat| stat.state);
        assert!(matches!(state, None | Some('Z')), "{state:?}");
        std::fs::remove_file(file).unwrap();
    }
}
