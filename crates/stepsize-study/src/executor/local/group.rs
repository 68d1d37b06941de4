//! [`Group`]: a child process that leads its own process group, so that whatever it starts ends
//! with it.
//!
//! The leader is reaped only after its group has ended: as long as it is a zombie, its number
//! cannot belong to another group, so a signal never reaches a stranger.

use rustix::fd::OwnedFd;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, test_kill_process_group, waitid};
use std::io::Result;
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStderr, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// How often we look at a group that got a signal.
const LOOK: Duration = Duration::from_millis(5);

/// How long we wait for a killed group: a process may take a moment to die, and one that nobody
/// reaps stays.
const DYING: Duration = Duration::from_secs(1);

/// A running process group.
#[derive(Debug)]
pub(super) struct Group {
    leader: Child,
    pid: Option<Pid>,
}

impl Group {
    /// Starts `command` as the leader of a new group, without input and with its output piped.
    pub fn spawn(command: &mut Command) -> Result<(Self, ChildStdout, ChildStderr)> {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        let mut leader = command.spawn()?;
        let pid = i32::try_from(leader.id()).ok().and_then(Pid::from_raw);
        let closed = || std::io::Error::other("the child has no pipe");
        let out = leader.stdout.take().ok_or_else(closed)?;
        let err = leader.stderr.take().ok_or_else(closed)?;
        Ok((Self { leader, pid }, out, err))
    }

    /// Number of the leader, and of the group.
    pub fn id(&self) -> u32 {
        self.leader.id()
    }

    /// What can be read from when the leader has ended; `None` where the system has no such thing.
    pub fn end(&self) -> Option<OwnedFd> {
        #[cfg(target_os = "linux")]
        return rustix::process::pidfd_open(self.pid?, rustix::process::PidfdFlags::empty()).ok();
        #[cfg(not(target_os = "linux"))]
        None
    }

    /// Whether the leader has ended; it stays a zombie.
    pub fn exited(&self) -> bool {
        let Some(pid) = self.pid else { return true };
        let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        !matches!(waitid(WaitId::Pid(pid), look), Ok(None))
    }

    /// Asks every process of the group to end.
    pub fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// Ends every process of the group.
    pub fn kill(&self) {
        self.signal(Signal::KILL);
    }

    /// Sends a signal; a failure does not matter, since a group that is gone needs none.
    fn signal(&self, signal: Signal) {
        if let Some(pid) = self.pid {
            let _ = kill_process_group(pid, signal);
        }
    }

    /// Waits for the leader's status and ends what it left behind: TERM, then KILL at `deadline`.
    pub fn reap(mut self, deadline: Instant) -> Result<ExitStatus> {
        self.terminate();
        let status = self.leader.wait()?;
        let Some(pid) = self.pid else { return Ok(status) };
        let mut killed: Option<Instant> = None;
        while test_kill_process_group(pid).is_ok() && killed.is_none_or(|k| k.elapsed() < DYING) {
            if killed.is_none() && Instant::now() >= deadline {
                self.kill();
                killed = Some(Instant::now());
            }
            std::thread::sleep(LOOK);
        }
        Ok(status)
    }
}
