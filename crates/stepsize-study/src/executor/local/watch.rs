//! One trial from its start to the end of its last process: reads output as it comes, sends events
//! as soon as they are known, and ends the process group on request (TERM, grace, KILL).
//!
//! Memory is bounded: each block is processed before the next one is read, and a child that prints
//! faster waits.

use super::group::Group;
use super::output::KeptOutput;
use super::pipes::Pipes;
use crate::executor::command::account::{Account, Exit, Why};
use crate::executor::log::source::Files;
use std::process::ExitStatus;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use stepsize_logs::text::Lines;

/// How often we check whether a silent trial should end.
const LOOK: Duration = Duration::from_millis(25);
/// How long we wait for output after the leader has ended: a process that it started may hold the
/// pipes.
const DRAIN: Duration = Duration::from_secs(2);

/// Everything that one trial needs.
pub(super) struct Watch {
    pub account: Account,
    pub output: Option<KeptOutput>,
    pub cancelled: Arc<AtomicBool>,
    pub grace: Duration,
    pub begin: Instant,
}

impl Watch {
    /// Runs the trial to its end; its `Ended` event is the last thing that is sent.
    pub fn run(mut self, group: Group, mut pipes: Pipes) {
        let mut lines = [Lines::new(), Lines::new()];
        let mut files = Files::new(&self.account.source);
        let mut why: Option<Why> = None;
        let mut deadline = None;
        let mut gone: Option<Instant> = None;
        let mut pause = Duration::from_micros(200);
        while pipes.are_open() || gone.is_none() {
            let mut call = None;
            let limit = if pipes.can_wait() {
                LOOK
            } else {
                // A process closes its output just before it is gone; one that closed it early is
                // looked at less often.
                pause = LOOK.min(pause * 2);
                pause
            };
            pipes.read(limit, |pipe, bytes| {
                if let Some(output) = &mut self.output {
                    output.take(bytes);
                }
                lines[pipe].feed(bytes, |line| call = call.take().or_else(|| self.account.line(pipe, line)));
            });
            call = call.or_else(|| files.look(&mut self.account.meter));
            if !self.account.send() {
                why = Some(Why::NobodyListens);
            }
            let now = Instant::now();
            if why.is_none() {
                why = match call {
                    Some(call) => Some(Why::Called(call)),
                    None if self.cancelled.load(Ordering::Relaxed) => Some(Why::Asked),
                    None if self.account.timeout.is_some_and(|t| now - self.begin > t) => Some(Why::TimedOut),
                    None => None,
                };
            }
            if why.is_some() && deadline.is_none() {
                group.terminate();
                deadline = Some(now + self.grace);
            }
            if deadline.is_some_and(|d| now > d) {
                group.kill();
            }
            if gone.is_none() && group.exited() {
                gone = Some(now);
                pipes.ended();
            }
            if gone.is_some_and(|g| now - g > DRAIN) || (gone.is_some() && why.is_some()) {
                break;
            }
        }
        let status = group.reap(deadline.unwrap_or_else(|| Instant::now() + self.grace));
        if why.is_none() {
            for (pipe, lines) in lines.iter_mut().enumerate() {
                if let Some(line) = lines.finish() {
                    why = why.or_else(|| self.account.line(pipe, &line).map(Why::Called));
                }
            }
            why = why.or_else(|| files.last_look(&mut self.account.meter).map(Why::Called));
        }
        let seconds = self.begin.elapsed().as_secs_f64();
        self.account.end(why, exit(status), seconds);
    }
}

/// How the leader ended.
fn exit(status: std::io::Result<ExitStatus>) -> Exit {
    use std::os::unix::process::ExitStatusExt;
    match status {
        Err(error) => Exit::Unknown(format!("waiting for its end failed: {error}")),
        Ok(status) => match (status.code(), status.signal()) {
            (Some(code), _) => Exit::Code(code),
            (None, Some(signal)) => Exit::Signal(signal),
            (None, None) => Exit::Unknown("it ended with an unknown status".to_owned()),
        },
    }
}
