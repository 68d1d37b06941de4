//! `--follow`: a log that still grows is read on, and the verdict told again when it changes.
//!
//! A verdict on a run that goes on is one on its first part: the schedule has not ended. It is said with the step.

use super::output;
use super::{judge, read};
use crate::args::DiagnoseArgs;
use crate::done::{Done, Fault};
use stepsize_draw::show::Style;
use std::io::Write;
use std::time::Duration;
use stepsize::Placement;
use stepsize_study::logfiles::Follow;

/// Time between looks.
const PAUSE: Duration = Duration::from_secs(2);

/// Looks again and again; ends when every run has diverged or has been silent for long (Ctrl-C ends it at once).
pub fn run(args: &DiagnoseArgs, style: Style) -> Result<Done, Fault> {
    if args.paths.iter().any(|p| p.as_os_str() == "-") {
        return Err(Fault::usage("--follow reads files; standard input is read to its end in any case"));
    }
    for path in args.paths.iter().filter(|p| !p.exists()) {
        eprintln!("{} is not there yet; waiting for it", path.display());
    }
    let mut told: Vec<(String, Placement)> = Vec::new();
    let mut logs = Follow::new(&args.paths);
    loop {
        let judgement = judge(read::these(args, logs.poll())?, true);
        let mut out = std::io::stdout().lock();
        for run in &judgement.runs {
            let key = format!("{}#{}", run.file, run.run);
            let now = run.diagnosis.verdict;
            let known = told.iter_mut().find(|(k, _)| *k == key);
            if known.as_ref().is_some_and(|(_, v)| *v == now) {
                continue;
            }
            match known {
                Some((_, v)) => *v = now,
                None => told.push((key, now)),
            }
            let line = if args.json { format!("{}\n", output::object(run, None)) } else { output::line(run, style) };
            // A reader that has gone away is no failure.
            if out.write_all(line.as_bytes()).and_then(|()| out.flush()).is_err() {
                return Ok(Done::answer(""));
            }
        }
        drop(out);
        let over = !told.is_empty() && told.iter().all(|(_, v)| *v == Placement::Diverged);
        if over {
            return Ok(Done::with_code(String::new(), super::code(told.iter().map(|t| t.1), false, args)));
        }
        std::thread::sleep(PAUSE);
    }
}
