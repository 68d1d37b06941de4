//! `stepsize studies`: lists the studies of a file.

use crate::args::FileArgs;
use crate::done::{Done, Fault};
use std::io::IsTerminal;
use stepsize_draw::number::rate;
use stepsize_draw::show::{self, Style};
use stepsize_study::Studies;
use stepsize_study::store::sqlite::{StudyStatus, Summary};

const HEAD: [&str; 6] = ["NAME", "STATE", "TRIALS", "LR", "WRITTEN (UTC)", "QUESTION"];

/// Lists them.
pub fn run(args: &FileArgs, style: Style) -> Result<Done, Fault> {
    let studies = Studies::look(&args.db)?.list()?;
    if studies.is_empty() {
        return Ok(Done::answer(format!("{} holds no studies\n", args.db.display())));
    }
    let rows: Vec<[String; 6]> = std::iter::once(HEAD.map(str::to_owned)).chain(studies.iter().map(row)).collect();
    let widths: [usize; 6] = std::array::from_fn(|i| rows.iter().map(|r| r[i].chars().count()).max().unwrap_or(0));
    // A question that does not fit has a line of its own. What reads a pipe wants a line a study.
    let piped = !std::io::stdout().is_terminal() && std::env::var_os("COLUMNS").is_none();
    let fits = piped || widths.iter().sum::<usize>() + 2 * (widths.len() - 1) <= style.columns;
    let line = |row: &[String; 6]| {
        let shown = if fits { row.len() } else { row.len() - 1 };
        let cells: Vec<String> = row.iter().zip(widths).take(shown).map(|(cell, w)| format!("{cell:w$}")).collect();
        let mut text = cells.join("  ").trim_end().to_owned() + "\n";
        if !fits && row != &rows[0] {
            text += &(show::wrapped("    ", &row[5], style) + "\n");
        }
        text
    };
    Ok(Done::answer(rows.iter().map(line).collect::<String>()))
}

fn row(study: &Summary) -> [String; 6] {
    let lr = study.estimate.as_ref().map(|e| e.lr().map_or("refused".to_owned(), |lr| rate(lr.get())));
    let state = match study.state {
        StudyStatus::Running => "running",
        StudyStatus::Unfinished => "unfinished",
        StudyStatus::Concluded => "concluded",
    };
    let question = match &study.question {
        Some(question) => format!("{question}; {}", question.task),
        None => "not asked yet".to_owned(),
    };
    let written = study.written.clone().unwrap_or_default();
    [study.name.clone(), state.to_owned(), study.ended.to_string(), lr.unwrap_or_default(), written, question]
}
