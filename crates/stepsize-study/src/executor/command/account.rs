//! [`Account`]: what one trial has shown, and what its end means, for a process of this machine and
//! for a cluster job.

use crate::executor::log::meter::{Meter, Ruling};
use crate::executor::log::source::Source;
use crate::executor::log::tail::Tail;
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::SyncSender;
use std::time::Duration;
use stepsize::{End, Event, TrialId};
use stepsize_logs::text::pairs;
use stepsize_logs::{Wanted, choose};

/// Why a trial is being ended.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Why {
    /// The study asked for it.
    Asked,
    /// Its log says so.
    Called(Ruling),
    /// It took too long.
    TimedOut,
    /// The study is gone.
    NobodyListens,
}

/// How a command ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Exit {
    /// By itself, with this code.
    Code(i32),
    /// By this signal.
    Signal(i32),
    /// How is unknown; the text says what is known.
    Unknown(String),
}

/// What one trial has shown so far.
pub(crate) struct Account {
    pub trial: TrialId,
    /// The command's first word, for messages.
    pub program: String,
    pub meter: Meter,
    pub source: Source,
    /// Set when a trial of this study has shown that the command works.
    pub proven: Arc<AtomicBool>,
    pub events: SyncSender<Event>,
    pub timeout: Option<Duration>,
    pub tail: Tail,
}

impl Account {
    /// Takes in one line of the output; `pipe` is 0 for standard output and 1 for standard error.
    pub fn line(&mut self, pipe: usize, line: &str) -> Option<Ruling> {
        self.tail.push(pipe, line);
        if self.source != Source::Output {
            return None;
        }
        self.meter.line(line)
    }

    /// Sends what is known; `false` when nobody listens.
    pub fn send(&mut self) -> bool {
        if self.meter.has_metric() {
            self.proven.store(true, Ordering::Relaxed);
        }
        self.meter.events().into_iter().all(|event| self.events.send(event).is_ok())
    }

    /// Sends the last events, of a trial that took `seconds`.
    pub fn end(mut self, why: Option<Why>, exit: Exit, seconds: f64) {
        let was_proven = self.proven.load(Ordering::Relaxed);
        let (tail, source) = (&self.tail, &self.source);
        // What was printed before the end, however late it was read.
        let (mut last, mut steps) = (self.meter.events(), self.meter.steps());
        let finish = |meter: &mut Meter, last: &mut Vec<Event>, steps: &mut u64| match meter.conclude() {
            Ok(events) => {
                last.extend(events);
                *steps = meter.made();
                End::Finished
            }
            Err(error) => {
                let named = unmatched(source, tail).or_else(|| worded(tail, meter.wanted_metric()?));
                let known = named.is_some();
                let why = format!("{}; {}", named.unwrap_or(error), tail.show());
                if !known && meter.is_silent(|| why.clone()) {
                    *steps = meter.made();
                    return End::Finished;
                }
                End::Failed { why }
            }
        };
        let end = match (why, exit) {
            (Some(Why::Asked | Why::NobodyListens), _) => End::Stopped,
            (Some(Why::Called(Ruling::Diverged { step, why })), _) => End::Diverged { step, why },
            (Some(Why::Called(Ruling::Enough)), _) => finish(&mut self.meter, &mut last, &mut steps),
            (Some(Why::Called(Ruling::Unreadable(why))), _) => End::Failed { why },
            (Some(Why::TimedOut), _) => End::Failed { why: self.timed_out() },
            (None, Exit::Unknown(why)) => End::Failed { why: format!("{why}; {}", tail.show()) },
            (None, Exit::Code(0)) => finish(&mut self.meter, &mut last, &mut steps),
            (None, exit) => match tells_divergence(tail) {
                Some(line) if was_proven => {
                    End::Diverged { step: steps, why: format!("the command ended with {exit}: {line}") }
                }
                _ => End::Failed { why: self.crashed(&exit) },
            },
        };
        let read = matches!(end, End::Finished) && self.meter.has_metric();
        let end = Event::Ended { trial: self.trial, end, steps, seconds: Some(seconds) };
        if read {
            self.proven.store(true, Ordering::Relaxed);
        }
        for event in last.into_iter().chain([end]) {
            if self.events.send(event).is_err() {
                return;
            }
        }
    }

    fn crashed(&self, exit: &Exit) -> String {
        let when = if self.meter.has_metric() { "" } else { " before it printed a metric" };
        let known = match () {
            () if self.tail.last().any(|line| out_of_memory(&line)) => {
                "; it ran out of memory: lower its batch size, or run fewer trials at a time"
            }
            () if self.tail.last().any(|line| reads_input(&line)) => {
                "; it reads standard input, and a trial has none: give it as arguments what it asks for"
            }
            () => "",
        };
        format!("`{}` ended with {exit}{when}{known}; {}", self.program, self.tail.show())
    }

    fn timed_out(&self) -> String {
        let metric = if self.meter.has_metric() { "" } else { " and no metric was read" };
        let limit = self.timeout.map_or(0.0, |t| t.as_secs_f64());
        format!("it did not end within {limit} s{metric}; give a longer time limit; {}", self.tail.show())
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exit code {code}"),
            Self::Signal(9) => f.write_str("signal 9 (killed; often: out of memory)"),
            Self::Signal(signal) => write!(f, "signal {signal}"),
            Self::Unknown(why) => f.write_str(why),
        }
    }
}

/// Whether a line says what PyTorch, JAX, CUDA, Python or C++ say when memory is used up.
fn out_of_memory(line: &str) -> bool {
    let lower = line.to_lowercase();
    ["out of memory", "resource_exhausted", "memoryerror", "bad_alloc"].iter().any(|words| lower.contains(words))
}

/// Whether a line says what Python, the shell, C and click say when there is nothing to read.
fn reads_input(line: &str) -> bool {
    let lower = line.to_lowercase();
    let known =
        ["eoferror", "eof when reading a line", "end-of-file", "end of file", "not a tty", "inappropriate ioctl"];
    known.iter().any(|words| lower.contains(words)) || lower.contains("stdin") || lower.trim() == "aborted!"
}

/// Most files that are named.
const FILES: usize = 5;

/// What to say of a trial whose log files are not there.
fn unmatched(source: &Source, tail: &Tail) -> Option<String> {
    let Source::Files(pattern) = source else { return None };
    if glob::glob(pattern).ok()?.flatten().any(|path| path.is_file()) {
        return None;
    }
    // The directory before the first sign of a pattern.
    let fixed = pattern.split(['*', '?', '[']).next().unwrap_or_default();
    let directory = fixed.rsplit_once('/').map_or(".", |(directory, _)| directory);
    let mut files: Vec<String> = std::fs::read_dir(directory)
        .map(|entries| entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect())
        .unwrap_or_default();
    files.sort();
    let more = if files.len() > FILES { ", ..." } else { "" };
    files.truncate(FILES);
    let there = match files.is_empty() {
        true if !Path::new(directory).is_dir() => format!("there is no directory {directory}"),
        true => format!("there is nothing in {directory}"),
        false => format!("{directory} has {}{more}", files.join(", ")),
    };
    let instead = printed(tail)
        .map_or(String::new(), |metric| format!("; it prints `{metric}`, which is read where no pattern is given"));
    Some(format!("no file matches the pattern of its log, `{pattern}`: {there}{instead}"))
}

/// The metric among the last lines, if they have one that is known by its name.
fn printed(tail: &Tail) -> Option<String> {
    let names: Vec<String> = tail.last().flat_map(|line| pairs(&line)).map(|(name, _)| name).collect();
    choose(&names, &Wanted::default()).ok().map(|choice| choice.metric)
}

/// What to say of a metric that is printed, but not as a number.
fn worded(tail: &Tail, metric: &str) -> Option<String> {
    let line = tail.last().find(|line| line.contains(metric))?;
    let after = &line[line.find(metric)? + metric.len()..];
    let value = after.trim_start_matches(|c: char| c.is_whitespace() || ":=\"'".contains(c));
    let number = value.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c));
    (!number && !value.is_empty()).then(|| format!("it prints {metric} as text, not as a number: `{}`", line.trim()))
}

/// The last line of a crash when it speaks of numbers that are not finite: a rate that is too high,
/// not a broken command.
fn tells_divergence(tail: &Tail) -> Option<String> {
    const KNOWN: [&str; 9] =
        ["nan", "nans", "inf", "infinity", "infinite", "overflow", "diverged", "divergence", "exploded"];
    tail.last().find(|line| {
        let lower = line.to_lowercase();
        let said = lower.split(|c: char| !c.is_alphanumeric()).any(|word| KNOWN.contains(&word));
        said || lower.contains("not finite") || lower.contains("non-finite")
    })
}
