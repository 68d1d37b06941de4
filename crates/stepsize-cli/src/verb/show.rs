//! `stepsize show`: draws a study again.

use super::compare;
use crate::answer;
use crate::args::ShowArgs;
use crate::done::{Done, Fault};
use crate::next::said;
use crate::remedy::StudyName;
use stepsize::{End, Report, Trial, fold};
use stepsize_draw::show::Style;
use stepsize_study::Studies;

/// Draws a study again, from its events alone.
pub fn run(args: &ShowArgs, style: Style) -> Result<Done, Fault> {
    let studies = Studies::look(&args.named.file.db)?;
    let events = studies.events(&args.named.name)?;
    if let Some(kept) = compare::kept(&studies, &args.named.name, &events)? {
        if args.output.price_per_hour.is_some() {
            return Err(Fault::usage(answer::NO_PRICE));
        }
        return kept.draw(&events, &args.output.files, style);
    }
    let trials: Vec<Trial> = fold(&events).into_values().collect();
    let interrupted = trials.iter().any(|t| matches!(t.end, None | Some(End::Stopped)));
    let study = StudyName { name: &args.named.name, db: &args.named.file.db };
    let report = Report::from_events(&events)?.with_interrupted(interrupted);
    let report = if args.output.files.report.is_some() { report.with_history(&trials) } else { report };
    let more = report.followed.as_ref().filter(|_| !args.output.files.json).map(|up| format!("{}\n", said(up)));
    Ok(answer::report(report, &args.output, Some(study), style, None)?.and_text(&more.unwrap_or_default()))
}
