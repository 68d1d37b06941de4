//! [`dry_run`]: one run of a command outside of any study, to see what it prints.

use super::group::Group;
use super::pipes::Pipes;
use std::process::{Command, ExitStatus};
use std::time::{Duration, Instant};
use stepsize::{Error, Result};
use stepsize_logs::text::Lines;

/// How often we check whether the command should end.
const LOOK: Duration = Duration::from_millis(25);
/// How long we wait for output after the command has ended.
const DRAIN: Duration = Duration::from_millis(500);
/// Time between TERM and KILL.
const GRACE: Duration = Duration::from_secs(2);

/// What a command did.
#[derive(Debug, Clone)]
pub struct DryRun {
    /// How it ended; `None` when it was ended because it took too long or had shown enough.
    pub exit: Option<ExitStatus>,
    /// Its time.
    pub seconds: f64,
}

/// Runs `words` with these variables for `limit` at most, without input, and with everything that
/// it starts ended behind it. `line` sees each line of both streams, and ends the command by
/// returning true.
///
/// # Errors
/// When the command cannot be started.
pub fn dry_run(
    words: &[String],
    variables: &[(String, String)],
    limit: Duration,
    mut line: impl FnMut(&str) -> bool,
) -> Result<DryRun> {
    let Some((program, arguments)) = words.split_first() else {
        return Err(Error::invalid("the command is empty"));
    };
    let mut command = Command::new(program);
    command.args(arguments).env("PYTHONUNBUFFERED", "1").envs(variables.iter().cloned());
    let begin = Instant::now();
    let (group, out, err) = Group::spawn(&mut command).map_err(|e| {
        Error::io("start", program, e)
            .with_advice("is it installed and on the PATH, and is this user allowed to run it?")
    })?;
    let mut pipes = Pipes::new(out, err, &group);
    let mut lines = [Lines::new(), Lines::new()];
    let (mut ended, mut enough) = (None, false);
    while !enough && begin.elapsed() < limit && ended.is_none_or(|at: Instant| pipes.are_open() && at.elapsed() < DRAIN)
    {
        if pipes.can_wait() {
            pipes.read(LOOK, |pipe, bytes| lines[pipe].feed(bytes, |text| enough |= line(text)));
        } else {
            std::thread::sleep(LOOK);
        }
        if ended.is_none() && group.exited() {
            ended = Some(Instant::now());
            pipes.ended();
        }
    }
    let seconds = begin.elapsed().as_secs_f64();
    let status = group.reap(Instant::now() + GRACE).map_err(|e| Error::io("wait for", program, e))?;
    for rest in lines.iter_mut().filter_map(Lines::finish) {
        line(&rest);
    }
    Ok(DryRun { exit: ended.map(|_| status), seconds })
}
