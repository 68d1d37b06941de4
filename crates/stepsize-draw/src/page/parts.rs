//! The parts of the page that are text and tables.

use crate::figure::ink::{Ink, dashes};
use crate::figure::{rate_key, svg::escape};
use crate::number::{count, loss, money, percent, rate, seconds};
use crate::show;
use stepsize::report::TrialSummary;
use stepsize::{Answer, Rate, Refusal, Report};

/// The answer box.
pub fn answer(report: &Report) -> String {
    let inner = match &report.estimate.answer {
        Answer::Rate(found) => found_rate(report, found),
        Answer::Refused(refusal) => refused(report, refusal),
    };
    let interrupted = match report.interrupted {
        true => "<p><strong>Interrupted.</strong> This rests on the trials that had ended.</p>\n",
        false => "",
    };
    let class = if report.lr().is_some() { "answer" } else { "answer refused" };
    let (task, steps) = (escape(&report.task), count(report.job.steps));
    format!(
        "<header class=\"{class}\">\n{inner}{interrupted}<p class=\"task\">{task}; {steps} steps, schedule <code>{}</code></p>\n</header>\n",
        escape(&report.schedule)
    )
}

fn found_rate(report: &Report, found: &Rate) -> String {
    let mut facts = Vec::new();
    if let Some((low, high)) = found.interval {
        facts.push(("80 % interval", format!("{} to {}", rate(low.get()), rate(high.get()))));
    }
    if let Some(chance) = found.p_keeps_98_pct {
        facts.push(("chance to keep 98 % of the gain", percent(chance)));
    }
    if let Some(broken) = report.estimate.divergence_lr {
        let times = broken.get() / found.lr.get();
        facts.push(("diverges from", format!("{} ({times:.1} times the rate)", rate(broken.get()))));
    }
    facts.push(("cost", format!("{:.2} full runs", report.cost.runs)));
    let list: String = facts.iter().map(|(k, v)| format!("<div><dt>{k}</dt><dd>{}</dd></div>", escape(v))).collect();
    format!(
        "<p class=\"label\">learning rate</p>\n<h1>{}</h1>\n<dl>{list}</dl>\n<p>{}</p>\n",
        rate(found.lr.get()),
        escape(&report.estimate.why)
    )
}

fn refused(report: &Report, refusal: &Refusal) -> String {
    format!(
        "<p class=\"label\">refused</p>\n<h1>No rate: {}</h1>\n<p><strong>Seen:</strong> {}</p>\n<p><strong>Do:</strong> {}</p>\n",
        escape(show::reason(refusal)),
        escape(&refusal.because),
        escape(&report.advice)
    )
}

/// A button for each rate, in the order of the rate axis.
pub fn toggles(report: &Report) -> String {
    let mut runs: Vec<&TrialSummary> = report.runs.iter().filter(|r| r.train.len() > 1).collect();
    // If trials share a rate, show the worst verdict.
    runs.sort_by(|a, b| a.lr.get().total_cmp(&b.lr.get()).then(b.verdict.cmp(&a.verdict)));
    runs.dedup_by(|a, b| rate_key(a.lr.get()) == rate_key(b.lr.get()));
    if runs.len() < 2 {
        return String::new();
    }
    let buttons: String = runs.iter().map(|run| toggle(run)).collect();
    format!(
        "<div class=\"toggles\" role=\"group\" aria-label=\"rates shown\">\n<button type=\"button\" class=\"all\">all</button>\
         <button type=\"button\" class=\"none\">none</button>\n{buttons}</div>\n"
    )
}

fn toggle(run: &TrialSummary) -> String {
    let ink = Ink::from(run.verdict).name();
    let dashes: Vec<String> = dashes(run.verdict).iter().map(f64::to_string).collect();
    let sample = format!(
        r#"<svg width="22" height="8" aria-hidden="true"><line x1="0" y1="4" x2="22" y2="4" stroke="var(--ink-{ink})" stroke-width="2.5" stroke-dasharray="{}"/></svg>"#,
        dashes.join(" ")
    );
    format!(
        "<button type=\"button\" class=\"rate\" data-key=\"{}\" aria-pressed=\"true\">{sample}<b>{}</b> {}</button>\n",
        rate_key(run.lr.get()),
        rate(run.lr.get()),
        run.verdict
    )
}

/// A table of all runs.
pub fn runs(report: &Report) -> String {
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
                rate(run.lr.get()),
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
        "<section><details><summary>All {} runs</summary>\n<div class=\"scroll\"><table>\n<thead><tr><th scope=\"col\" class=\"n\">lr</th>\
         <th scope=\"col\">verdict</th><th scope=\"col\" class=\"n\">validation loss at the end</th>{score}<th scope=\"col\" class=\"n\">steps</th>\
         <th scope=\"col\" class=\"n\">seed</th></tr></thead>\n<tbody>\n{rows}</tbody></table></div>\n</details></section>\n",
        runs.len()
    )
}

/// The cost, compared with a full grid.
pub fn cost(report: &Report) -> String {
    let cost = &report.cost;
    let Some(grid) = &cost.grid else { return String::new() };
    let per_run = |steps: u64| format!("{:.2}", steps as f64 / report.job.steps as f64);
    let time = |s: Option<f64>| s.map_or("not timed".to_owned(), seconds);
    let times = |a: f64, b: f64| if a > 0.0 { format!("{:.1}", b / a) } else { String::new() };
    let ratio = times(cost.steps as f64, grid.steps as f64);
    let mut rows = vec![
        [
            "full runs".to_owned(),
            format!("{:.2}", cost.runs),
            per_run(grid.steps),
            times(cost.runs, grid.steps as f64 / report.job.steps as f64),
        ],
        ["optimizer steps".to_owned(), count(cost.steps), count(grid.steps), ratio.clone()],
        ["seconds of training".to_owned(), time(cost.seconds), time(grid.seconds), ratio.clone()],
    ];
    if let Some(sum) = cost.money {
        rows.push([format!("money, at {} an hour", money(sum.per_hour)), money(sum.search), money(sum.grid), ratio]);
    }
    let rows: String = rows
        .iter()
        .map(|[what, here, there, times]| {
            format!("<tr><th scope=\"row\">{what}</th><td class=\"n\">{here}</td><td class=\"n\">{there}</td><td class=\"n\">{times}</td></tr>\n")
        })
        .collect();
    let wall = cost.wall_seconds.map_or(String::new(), |s| format!(" The search took {} on the clock.", seconds(s)));
    format!(
        "<section><h2>Cost</h2>\n<div class=\"scroll\"><table class=\"cost\">\n<thead><tr><td></td><th scope=\"col\" class=\"n\">this search</th>\
         <th scope=\"col\" class=\"n\">full grid</th><th scope=\"col\" class=\"n\">times</th></tr></thead>\n<tbody>\n{rows}</tbody></table></div>\n\
         <p class=\"small\">The grid: {} rates from {} to {} ({} a decade), one seed, each run to the end.{wall}</p>\n</section>\n",
        grid.runs,
        rate(grid.low.get()),
        rate(grid.high.get()),
        grid.per_decade
    )
}
