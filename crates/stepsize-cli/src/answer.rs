//! The end of every search: writes the files that were asked for and gives the text to print.

use crate::args::{DrawArgs, FilesArgs};
use crate::done::{Done, Fault};
use crate::remedy::{StudyName, Wording};
use std::path::Path;
use stepsize::compare::Compared;
use stepsize::{Question, Report};
use stepsize_draw::show::Style;
use stepsize_draw::{compare, figure, json, page, show};

/// The fault of `--price-per-hour` with a comparison.
pub const NO_PRICE: &str = "--price-per-hour is for searches; a comparison counts steps";

/// Ends a search for a rate. `study` is where the search is kept.
pub fn report(report: Report, output: &DrawArgs, study: Option<StudyName<'_>>, style: Style) -> Result<Done, Fault> {
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

/// Ends a comparison.
pub fn comparison(
    compared: &Compared,
    question: &Question,
    interrupted: bool,
    files: &FilesArgs,
    style: Style,
) -> Result<Done, Fault> {
    let schedule = match question.job.own_schedule {
        true => "of the command".to_owned(),
        false => question.job.schedule.to_string(),
    };
    let text = question.to_string();
    let shown =
        compare::ShownComparison { compared, question: &text, task: &question.task, schedule: &schedule, interrupted };
    if let Some(path) = &files.svg {
        write(path, compare::svg(&shown).as_bytes())?;
    }
    if let Some(path) = &files.png {
        write(path, &compare::png(&shown)?)?;
    }
    if let Some(path) = &files.report {
        write(path, compare::html(&shown).as_bytes())?;
    }
    let text = if files.json { format!("{:#}\n", compare::object(&shown)) } else { compare::text(&shown, style) };
    Ok(Done::answer_or_refusal(text, compared.target.is_some()).or_interrupted(interrupted))
}

/// Writes a file.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), Fault> {
    std::fs::write(path, bytes).map_err(|e| Fault::failure(format!("cannot write {}: {e}", path.display())))
}
