//! `stepsize show`: draws a study again. Also the one place where every search ends.

use crate::args::{DrawArgs, ShowArgs};
use crate::done::{Done, Fault};
use crate::show::{self, Style};
use crate::{figure, page};
use std::path::Path;
use stepsize::{End, Report, fold};
use stepsize_draw::json;
use stepsize_study::Studies;

/// Draws a study again.
pub fn run(args: &ShowArgs, style: Style) -> Result<Done, Fault> {
    let events = Studies::look(&args.named.file.db)?.events(&args.named.name)?;
    let interrupted = fold(&events).values().any(|t| matches!(t.end, None | Some(End::Stopped)));
    finish(Report::from_events(&events)?.with_interrupted(interrupted), &args.output, style)
}

/// Writes what was asked for and gives the text to print.
pub fn finish(report: Report, output: &DrawArgs, style: Style) -> Result<Done, Fault> {
    let report = match output.price_per_hour {
        Some(price) => report.with_price(price).map_err(Fault::usage)?,
        None => report,
    };
    if let Some(path) = &output.svg {
        write(path, figure::svg(&report).as_bytes())?;
    }
    if let Some(path) = &output.png {
        write(path, &figure::png(&report)?)?;
    }
    if let Some(path) = &output.report {
        write(path, page::html(&report, &json::object(&report)).as_bytes())?;
    }
    let text = if output.json { format!("{:#}\n", json::object(&report)) } else { show::report(&report, style) };
    Ok(Done::answer_or_refusal(text, report.lr().is_some()))
}

pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<(), Fault> {
    std::fs::write(path, bytes).map_err(|e| Fault::failure(format!("cannot write {}: {e}", path.display())))
}
