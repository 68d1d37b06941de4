//! `stepsize diagnose`: a verdict on any training log.

mod follow;
mod read;

use crate::args::DiagnoseArgs;
use crate::done::{Done, FAILED_ON, Fault};
use crate::files;
use stepsize::Placement;
use stepsize_draw::diagnosis;
use stepsize_draw::show::Style;
use stepsize_logs::judgement::Judgement;

/// Reads, judges, prints.
pub fn run(args: &DiagnoseArgs, style: Style) -> Result<Done, Fault> {
    if args.paths.is_empty() && args.study.is_none() {
        return Err(Fault::usage(
            "name logs to diagnose: files, folders, patterns, - for standard input, or --study NAME",
        ));
    }
    if args.live.live && !args.follow {
        return Err(Fault::usage(
            "--live shows logs while they grow: add --follow; `--report FILE.html` writes a page once",
        ));
    }
    if args.follow {
        return follow::run(args, style);
    }
    files::try_places([&args.report])?;
    let judgement = Judgement::new(read::all(args)?, args.alone);
    let written = args.report.as_ref().map(|path| files::write(path, diagnosis::html(&judgement).as_bytes()));
    let text = match () {
        () if args.json => format!("{:#}\n", diagnosis::list(&judgement, args.explain)),
        () if args.sarif => format!("{:#}\n", diagnosis::sarif(&judgement)),
        () => diagnosis::text(&judgement, args.explain, style),
    };
    for (file, why) in &judgement.failed {
        eprintln!("cannot read {file}: {why}");
    }
    let unread = !judgement.failed.is_empty() && (args.strict || judgement.runs.is_empty());
    let code = code(judgement.runs.iter().map(|r| r.diagnosis.verdict), unread, args);
    Ok(Done::with_code(text, code).and_unwritten(written.and_then(Result::err).into_iter().collect()))
}

/// The exit code for these verdicts. `unread` says that a file which matters could not be read.
fn code(mut verdicts: impl Iterator<Item = Placement>, unread: bool, args: &DiagnoseArgs) -> u8 {
    let named: Vec<Placement> = args.fail_on.iter().map(|w| Placement::from(*w)).collect();
    match () {
        () if verdicts.any(|v| named.contains(&v)) => FAILED_ON,
        () if unread => 1,
        () => 0,
    }
}
