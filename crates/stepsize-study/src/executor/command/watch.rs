//! One trial from its start to the end of its last process: output is read as it comes, events are sent as they can be told,
//! and the process group is ended on request (TERM, grace, KILL).
//!
//! Memory is bounded: a reading thread a pipe hands over blocks of [`BLOCK`] bytes through a queue of [`QUEUE`], and waits when it is full.

use super::account::{Account, Exit, Why};
use super::group::Group;
use super::source::Files;
use std::io::Read;
use std::process::ExitStatus;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};
use stepsize_logs::text::Lines;

/// Bytes read at once.
const BLOCK: usize = 64 << 10;
/// Blocks that wait to be looked at.
const QUEUE: usize = 8;
/// How often a silent trial is looked at: is it to be ended, has its leader gone?
const LOOK: Duration = Duration::from_millis(25);
/// How long the output of an ended leader is waited for: what it started may hold the pipes.
const DRAIN: Duration = Duration::from_secs(2);

/// Everything that one trial needs.
pub(super) struct Watch {
    pub account: Account,
    pub cancelled: Arc<AtomicBool>,
    pub grace: Duration,
    pub begin: Instant,
}

enum Input {
    Block(usize, Vec<u8>),
    Closed,
}

impl Watch {
    /// Runs the trial to its end; its `Ended` event is the last thing that is sent.
    pub fn run(mut self, group: Group, pipes: [Box<dyn Read + Send>; 2]) {
        let inputs = readers(pipes);
        let mut lines = [Lines::new(), Lines::new()];
        let mut files = Files::new(&self.account.source);
        let mut why: Option<Why> = None;
        let mut deadline = None;
        let mut gone: Option<Instant> = None;
        let mut open = 2;
        let mut pause = Duration::from_micros(200);
        while open > 0 || !group.exited() {
            let seen = inputs.recv_timeout(LOOK);
            let mut call = None;
            match seen {
                Ok(Input::Block(pipe, bytes)) => {
                    for line in lines[pipe].push(&bytes) {
                        call = call.or_else(|| self.account.line(pipe, &line));
                    }
                }
                Ok(Input::Closed) => open -= 1,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) if !group.exited() => {
                    // A process closes its output just before it is gone; one that closed it early is looked at less often.
                    std::thread::sleep(pause);
                    pause = LOOK.min(pause * 2);
                }
                Err(RecvTimeoutError::Disconnected) => break,
            }
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
        Err(error) => Exit::Unknown(format!("its end could not be waited for: {error}")),
        Ok(status) => match (status.code(), status.signal()) {
            (Some(code), _) => Exit::Code(code),
            (None, Some(signal)) => Exit::Signal(signal),
            (None, None) => Exit::Unknown("it ended with an unknown status".to_owned()),
        },
    }
}

/// Threads that read the pipes.
fn readers(pipes: [Box<dyn Read + Send>; 2]) -> Receiver<Input> {
    let (sender, inputs) = sync_channel(QUEUE);
    for (number, mut pipe) in pipes.into_iter().enumerate() {
        let sender = sender.clone();
        std::thread::spawn(move || {
            loop {
                let mut block = vec![0; BLOCK];
                match pipe.read(&mut block) {
                    Ok(0) => break,
                    Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                    Err(_) => break,
                    Ok(count) => {
                        block.truncate(count);
                        if sender.send(Input::Block(number, block)).is_err() {
                            return;
                        }
                    }
                }
            }
            let _ = sender.send(Input::Closed);
        });
    }
    inputs
}
