//! One trial from its start to the end of its last process: output is read as it comes, events are sent as they can be told,
//! and the process group is ended on request (TERM, grace, KILL).
//!
//! Memory is bounded: a reading thread a pipe hands over blocks of [`BLOCK`] bytes through a queue of [`QUEUE`], and waits when it is full.

use super::group::Group;
use super::meter::{Call, Meter};
use super::source::{Files, Source};
use super::tail::Tail;
use std::io::Read;
use std::process::ExitStatus;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};
use stepsize::{End, Event, TrialId};
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
    pub trial: TrialId,
    /// The command's first word, for messages.
    pub program: String,
    pub meter: Meter,
    pub source: Source,
    pub cancelled: Arc<AtomicBool>,
    /// Set when a trial of this study has shown that the command works.
    pub proven: Arc<AtomicBool>,
    pub events: SyncSender<Event>,
    pub timeout: Option<Duration>,
    pub grace: Duration,
    pub begin: Instant,
}

/// Why a trial is being ended.
#[derive(Debug, Clone, PartialEq)]
enum Why {
    Asked,
    Called(Call),
    TimedOut,
    NobodyListens,
}

enum Input {
    Block(usize, Vec<u8>),
    Closed,
}

impl Watch {
    /// Runs the trial to its end; its `Ended` event is the last thing that is sent.
    pub fn run(mut self, group: Group, pipes: [Box<dyn Read + Send>; 2]) {
        let inputs = readers(pipes);
        let (mut lines, mut tail) = ([Lines::new(), Lines::new()], Tail::default());
        let mut files = Files::new(&self.source);
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
                        call = call.or_else(|| self.line(pipe, &line, &mut tail));
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
            call = call.or_else(|| files.look(&mut self.meter));
            if !self.send() {
                why = Some(Why::NobodyListens);
            }
            let now = Instant::now();
            if why.is_none() {
                why = match call {
                    Some(call) => Some(Why::Called(call)),
                    None if self.cancelled.load(Ordering::Relaxed) => Some(Why::Asked),
                    None if self.timeout.is_some_and(|t| now - self.begin > t) => Some(Why::TimedOut),
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
                    why = why.or_else(|| self.line(pipe, &line, &mut tail).map(Why::Called));
                }
            }
            why = why.or_else(|| files.last_look(&mut self.meter).map(Why::Called));
        }
        self.end(why, status, &tail);
    }

    fn line(&mut self, pipe: usize, line: &str, tail: &mut Tail) -> Option<Call> {
        tail.push(pipe, line);
        if self.source != Source::Output {
            return None;
        }
        self.meter.line(line)
    }

    /// Sends what can be told; `false` when nobody listens.
    fn send(&mut self) -> bool {
        if self.meter.has_metric() {
            self.proven.store(true, Ordering::Relaxed);
        }
        self.meter.events().into_iter().all(|event| self.events.send(event).is_ok())
    }

    /// Sends the last events.
    fn end(mut self, why: Option<Why>, status: std::io::Result<ExitStatus>, tail: &Tail) {
        let was_proven = self.proven.load(Ordering::Relaxed);
        let (mut last, mut steps) = (Vec::new(), self.meter.steps());
        let finish = |meter: &mut Meter, last: &mut Vec<Event>, steps: &mut u64| match meter.conclude() {
            Ok(events) => {
                *last = events;
                *steps = meter.length();
                End::Finished
            }
            Err(error) => End::Failed { why: format!("{error}; {}", tail.show()) },
        };
        let end = match (why, status) {
            (Some(Why::Asked | Why::NobodyListens), _) => End::Stopped,
            (Some(Why::Called(Call::Diverged { step, why })), _) => End::Diverged { step, why },
            (Some(Why::Called(Call::Enough)), _) => finish(&mut self.meter, &mut last, &mut steps),
            (Some(Why::Called(Call::Unreadable(why))), _) => End::Failed { why },
            (Some(Why::TimedOut), _) => End::Failed { why: self.timed_out(tail) },
            (None, Err(error)) => End::Failed { why: format!("its end could not be waited for: {error}") },
            (None, Ok(status)) if status.success() => finish(&mut self.meter, &mut last, &mut steps),
            (None, Ok(status)) => match tells_divergence(tail) {
                Some(line) if was_proven => {
                    End::Diverged { step: steps, why: format!("the command ended with {}: {line}", show(status)) }
                }
                _ => End::Failed { why: self.crashed(status, tail) },
            },
        };
        let seconds = Some(self.begin.elapsed().as_secs_f64());
        let end = Event::Ended { trial: self.trial, end, steps, seconds };
        if matches!(end, Event::Ended { end: End::Finished, .. }) {
            self.proven.store(true, Ordering::Relaxed);
        }
        for event in last.into_iter().chain([end]) {
            if self.events.send(event).is_err() {
                return;
            }
        }
    }

    fn crashed(&self, status: ExitStatus, tail: &Tail) -> String {
        let when = if self.meter.has_metric() { "" } else { " before it printed a metric" };
        format!("`{}` ended with {}{when}; {}", self.program, show(status), tail.show())
    }

    fn timed_out(&self, tail: &Tail) -> String {
        let metric = if self.meter.has_metric() { "" } else { " and no metric was read" };
        let limit = self.timeout.map_or(0.0, |t| t.as_secs_f64());
        format!("it did not end within the --timeout of {limit} s{metric}; allow more time; {}", tail.show())
    }
}

/// An exit status for people.
fn show(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(9)) => "signal 9 (killed; often: out of memory)".to_owned(),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => "an unknown status".to_owned(),
    }
}

/// The last line of a crash when it speaks of numbers that are not finite: a rate that is too high, not a broken command.
fn tells_divergence(tail: &Tail) -> Option<&str> {
    const KNOWN: [&str; 9] =
        ["nan", "nans", "inf", "infinity", "infinite", "overflow", "diverged", "divergence", "exploded"];
    tail.last().find(|line| {
        let lower = line.to_lowercase();
        let said = lower.split(|c: char| !c.is_alphanumeric()).any(|word| KNOWN.contains(&word));
        said || lower.contains("not finite") || lower.contains("non-finite")
    })
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
