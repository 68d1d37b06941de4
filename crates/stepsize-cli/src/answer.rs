//! The end of every search: writes the files that were asked for and gives the text to print.

use crate::args::{DrawArgs, FilesArgs};
use crate::done::{Done, Fault};
use crate::files::write;
use crate::next::FullRun;
use crate::remedy::{StudyName, Wording};
use stepsize::compare::Compared;
use stepsize::{Question, Report};
use stepsize_draw::number::rate;
use stepsize_draw::show::Style;
use stepsize_draw::{compare, figure, json, page, show};

/// The fault of `--price-per-hour` with a comparison.
pub const NO_PRICE: &str = "--price-per-hour is for searches; a comparison counts steps";

/// Ends a search for a rate. `study` is where the search is kept, `next` the full run at the
/// answer.
pub fn report(
    report: Report,
    output: &DrawArgs,
    study: Option<StudyName<'_>>,
    style: Style,
    next: Option<&FullRun>,
) -> Result<Done, Fault> {
    let question = report.question.clone();
    let wording = Wording::new(&question, study);
    let report = report.with_words(|remedy| wording.words(remedy));
    let report = match output.price_per_hour {
        Some(price) => report.with_price(price).map_err(Fault::usage)?,
        None => report,
    };
    let files = &output.files;
    let unwritten = write_all(
        files,
        || figure::svg(&report),
        || figure::png(&report),
        || page::html(&report, &json::object(&report)),
    );
    let text = match (files.json, next) {
        (true, _) => format!("{:#}\n", json::object(&report)),
        (false, None) => show::report(&report, style),
        (false, Some(run)) => format!("{}next: {}\n", show::report(&report, style), run.typed()),
    };
    let (brief, facts) = told(&report);
    Ok(Done::answer_or_refusal(text, report.lr().is_some()).and_unwritten(unwritten).and_told(brief, facts))
}

/// The result in a line, and its numbers by name, as `--notify` has them.
fn told(report: &Report) -> (String, Vec<(&'static str, String)>) {
    let number = |value: Option<f64>| value.map_or(String::new(), |value| value.to_string());
    let ends = report.interval();
    let lr = report.lr().map(|lr| lr.get());
    let cost = &report.cost;
    let facts = vec![
        ("lr", number(lr.map(|lr| rate(lr).parse().unwrap_or(lr)))),
        ("lr_low", number(ends.map(|(low, _)| low.get()))),
        ("lr_high", number(ends.map(|(_, high)| high.get()))),
        ("cost", number(Some(report.estimate.cost_runs))),
        ("seconds", number(cost.wall_seconds)),
        ("price", number(cost.money.as_ref().map(|money| money.search))),
    ];
    let verb = report.question.kind.name();
    let brief = match (lr, ends, report.estimate.refusal()) {
        (Some(lr), Some((low, high)), _) => {
            format!("stepsize {verb}: lr {} (80 % interval {} to {})", rate(lr), rate(low.get()), rate(high.get()))
        }
        (Some(lr), None, _) => format!("stepsize {verb}: lr {}", rate(lr)),
        (None, _, Some(refusal)) => format!("stepsize {verb}: no rate: {}", refusal.because),
        (None, _, None) => format!("stepsize {verb}: no rate"),
    };
    (brief, facts)
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
    let unwritten = write_all(files, || compare::svg(&shown), || compare::png(&shown), || compare::html(&shown));
    let text = if files.json { format!("{:#}\n", compare::object(&shown)) } else { compare::text(&shown, style) };
    Ok(Done::answer_or_refusal(text, compared.target.is_some()).or_interrupted(interrupted).and_unwritten(unwritten))
}

/// Writes the files that were asked for. What cannot be written is told after the answer, which
/// must not be lost.
fn write_all(
    files: &FilesArgs,
    svg: impl FnOnce() -> String,
    png: impl FnOnce() -> stepsize::Result<Vec<u8>>,
    page: impl FnOnce() -> String,
) -> Vec<Fault> {
    let svg = files.svg.as_ref().map(|path| write(path, svg().as_bytes()));
    let png = files.png.as_ref().map(|path| write(path, &png()?));
    let page = files.report.as_ref().map(|path| write(path, page().as_bytes()));
    [svg, png, page].into_iter().flatten().filter_map(Result::err).collect()
}
