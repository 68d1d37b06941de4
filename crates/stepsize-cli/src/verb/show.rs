//! `stepsize show`: draws a study again. Also the one place where every search ends.

use super::resume;
use crate::args::{DrawArgs, ShowArgs, Verb};
use crate::done::{Done, Fault};
use crate::remedy::{StudyName, Wording};
use crate::show::{self, Style};
use crate::{figure, page};
use std::path::Path;
use stepsize::{End, Event, Report, fold};
use stepsize_draw::json;
use stepsize_study::Studies;

/// Draws a study again.
pub fn run(args: &ShowArgs, style: Style) -> Result<Done, Fault> {
    let studies = Studies::look(&args.named.file.db)?;
    let events = studies.events(&args.named.name)?;
    if matches!(events.first(), Some(Event::Study { question, .. }) if question.starts_with("compare ")) {
        if args.output.price_per_hour.is_some() {
            return Err(Fault::usage("--price-per-hour is for searches; a comparison counts steps"));
        }
        let Verb::Compare(compare) = resume::first_command(&studies, &args.named.name)?.0.verb else {
            return Err(Fault::failure(format!("study {:?} is a comparison, but its command is not", args.named.name)));
        };
        return super::compare::again(&compare, &events, &args.output.files, style);
    }
    let interrupted = fold(&events).values().any(|t| matches!(t.end, None | Some(End::Stopped)));
    let study = StudyName { name: &args.named.name, db: &args.named.file.db };
    finish(Report::from_events(&events)?.with_interrupted(interrupted), &args.output, Some(study), style)
}

/// Writes what was asked for and gives the text to print. `study` is where the search is kept.
pub fn finish(report: Report, output: &DrawArgs, study: Option<StudyName<'_>>, style: Style) -> Result<Done, Fault> {
    let question = report.question.clone();
    let wording = Wording::new(&question, study);
    let report = report.with_words(|remedy| wording.words(remedy));
    let report = match output.price_per_hour {
        Some(price) => report.with_price(price).map_err(Fault::usage)?,
        None => report,
    };
    let files = &output.files;
    if let Some(path) = &files.svg {
        write(path, figure::svg(&report).as_bytes())?;
    }
    if let Some(path) = &files.png {
        write(path, &figure::png(&report)?)?;
    }
    if let Some(path) = &files.report {
        write(path, page::html(&report, &json::object(&report)).as_bytes())?;
    }
    let text = if files.json { format!("{:#}\n", json::object(&report)) } else { show::report(&report, style) };
    Ok(Done::answer_or_refusal(text, report.lr().is_some()))
}

pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<(), Fault> {
    std::fs::write(path, bytes).map_err(|e| Fault::failure(format!("cannot write {}: {e}", path.display())))
}
