//! The parts of the page that are text and tables.

use super::facts::{AnswerFacts, CostTable};
use super::study::rates;
use crate::figure::ink::Ink;
use crate::figure::svg::escape;
use crate::number::{count, loss};
use stepsize::Report;
use stepsize::report::TrialSummary;

/// The answer box.
pub fn answer(report: &Report) -> String {
    let AnswerFacts { answered, label, title, facts, lines, task, schedule } = AnswerFacts::new(report);
    let class = if answered { "answer" } else { "answer refused" };
    let list: String = facts.iter().map(|(k, v)| format!("<div><dt>{k}</dt><dd>{}</dd></div>", escape(v))).collect();
    let list = if list.is_empty() { list } else { format!("<dl>{list}</dl>\n") };
    let lines: String = lines
        .iter()
        .map(|(bold, text)| match bold.is_empty() {
            true => format!("<p>{}</p>\n", escape(text)),
            false => format!("<p><strong>{bold}</strong> {}</p>\n", escape(text)),
        })
        .collect();
    format!(
        "<header class=\"{class}\">\n<p class=\"label\">{label}</p>\n<h1>{}</h1>\n{list}{lines}<p class=\"task\">{}, schedule <code>{}</code></p>\n</header>\n",
        escape(&title),
        escape(&task),
        escape(&schedule)
    )
}

/// A table of all runs; nothing without any.
pub fn runs(report: &Report) -> String {
    if report.runs.is_empty() {
        return String::new();
    }
    let mut runs: Vec<&TrialSummary> = report.runs.iter().collect();
    runs.sort_by(|a, b| a.lr.get().total_cmp(&b.lr.get()).then(b.steps.cmp(&a.steps)).then(a.seed.cmp(&b.seed)));
    let scored = runs.iter().any(|r| r.score.is_some());
    let rows: String = runs
        .iter()
        .map(|run| {
            let end = match (run.loss, run.end.is_empty()) {
                (Some(l), _) => loss(l),
                (None, true) => "not finite".to_owned(),
                (None, false) => escape(&run.end),
            };
            let score = match (scored, run.score) {
                (false, _) => String::new(),
                (true, None) => "<td></td>".to_owned(),
                (true, Some(score)) => format!("<td class=\"n\">{}</td>", loss(score)),
            };
            format!(
                "<tr><td class=\"n\">{}</td><td class=\"verdict {}\">{}</td><td class=\"n\">{}</td>{score}<td class=\"n\">{} of {}</td><td class=\"n\">{}</td></tr>\n",
                rates(run, report),
                Ink::from(run.verdict).name(),
                run.verdict,
                end,
                count(run.steps_run),
                count(run.steps),
                run.seed
            )
        })
        .collect();
    let score = if scored { "<th scope=\"col\" class=\"n\">score</th>" } else { "" };
    format!(
        "<section><details><summary>{}</summary>\n<div class=\"scroll\"><table>\n<thead><tr><th scope=\"col\" class=\"n\">lr</th>\
         <th scope=\"col\">verdict</th><th scope=\"col\" class=\"n\">validation loss at the end</th>{score}<th scope=\"col\" class=\"n\">steps</th>\
         <th scope=\"col\" class=\"n\">seed</th></tr></thead>\n<tbody>\n{rows}</tbody></table></div>\n</details></section>\n",
        if runs.len() == 1 { "One run".to_owned() } else { format!("All {} runs", runs.len()) }
    )
}

/// The cost, compared with a full grid where there is one.
pub fn cost(report: &Report) -> String {
    let Some(CostTable { rows, compared, note }) = CostTable::new(report) else { return String::new() };
    let cells = |row: &[String; 4]| -> String {
        row[1..if compared { 4 } else { 2 }].iter().map(|cell| format!("<td class=\"n\">{cell}</td>")).collect()
    };
    let rows: String =
        rows.iter().map(|row| format!("<tr><th scope=\"row\">{}</th>{}</tr>\n", row[0], cells(row))).collect();
    let heads = match compared {
        true => "<th scope=\"col\" class=\"n\">full grid</th><th scope=\"col\" class=\"n\">times</th>",
        false => "",
    };
    let note = if note.is_empty() { note } else { format!("<p class=\"small\">{note}</p>\n") };
    format!(
        "<section><h2>Cost</h2>\n<div class=\"scroll\"><table class=\"cost\">\n<thead><tr><td></td><th scope=\"col\" class=\"n\">this \
         search</th>{heads}</tr></thead>\n<tbody>\n{rows}</tbody></table></div>\n{note}</section>\n"
    )
}
