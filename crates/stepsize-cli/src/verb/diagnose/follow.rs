//! `--follow`: reads logs as they grow, and prints the verdict on a run again when it changes.
//!
//! The verdict on an unfinished run is one on its first part, before the schedule has ended. It is
//! printed with the step.

use super::read;
use crate::args::DiagnoseArgs;
use crate::done::{Done, Fault};
use crate::live;
use std::io::Write;
use std::time::Duration;
use stepsize::Placement;
use stepsize_draw::diagnosis;
use stepsize_draw::show::Style;
use stepsize_logs::judgement::Judgement;
use stepsize_study::logfiles::Follow;

/// Time between two reads: a log that grows faster is not read by people.
const PAUSE: Duration = Duration::from_secs(2);

/// Reads until every run that was seen has diverged; Ctrl-C ends it sooner.
pub fn run(args: &DiagnoseArgs, style: Style) -> Result<Done, Fault> {
    if args.paths.iter().any(|p| p.as_os_str() == "-") {
        return Err(Fault::usage("--follow reads files; standard input is read to its end in any case"));
    }
    for path in args.paths.iter().filter(|p| !p.exists()) {
        eprintln!("{} does not exist yet; waiting for it", path.display());
    }
    let mut printed: Vec<(String, Placement)> = Vec::new();
    let mut logs = Follow::new(&args.paths).reading(&args.reading()).map_err(|e| Fault::usage(e.to_string()))?;
    let page = live::of_run(&args.live)?;
    let mut looks = 0;
    loop {
        let judgement = Judgement::new(read::these(args, logs.poll())?, true);
        if let Some((_, board)) = &page {
            looks += 1;
            board.set(looks, [("diagnosis".to_owned(), diagnosis::page_object(&judgement))]);
        }
        let mut out = std::io::stdout().lock();
        for run in &judgement.runs {
            let key = format!("{}#{}", run.file, run.run);
            let now = run.diagnosis.verdict;
            let known = printed.iter_mut().find(|(k, _)| *k == key);
            if known.as_ref().is_some_and(|(_, v)| *v == now) {
                continue;
            }
            match known {
                Some((_, v)) => *v = now,
                None => printed.push((key, now)),
            }
            let line = if args.json {
                format!("{}\n", diagnosis::object(run, None, false))
            } else {
                diagnosis::line(run, style)
            };
            // Nobody reads the output any more, as with `| head`: not an error.
            if out.write_all(line.as_bytes()).and_then(|()| out.flush()).is_err() {
                return Ok(Done::answer(""));
            }
        }
        drop(out);
        let over = !printed.is_empty() && printed.iter().all(|(_, v)| *v == Placement::Diverged);
        if over {
            return Ok(Done::with_code(String::new(), super::code(printed.iter().map(|t| t.1), false, args)));
        }
        std::thread::sleep(PAUSE);
    }
}
