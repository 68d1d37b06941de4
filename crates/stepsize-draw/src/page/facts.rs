//! What the answer box and the cost table say, as data: the page without script writes it as HTML,
//! the script as elements.

use crate::number::{count, money, percent, rate, seconds};
use crate::show;
use serde::Serialize;
use stepsize::{Answer, Rate, Refusal, Report};

/// The answer box.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AnswerFacts {
    /// Whether there is a rate.
    pub answered: bool,
    /// Above the title.
    pub label: &'static str,
    /// The rate, or the refusal in a few words.
    pub title: String,
    /// Names and values.
    pub facts: Vec<(&'static str, String)>,
    /// Paragraphs, each with what stands bold at its beginning (may be empty). What can be typed
    /// stands in backticks.
    pub lines: Vec<(&'static str, String)>,
    /// What is trained.
    pub task: String,
    /// The schedule of the full run.
    pub schedule: String,
}

/// The cost table.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CostTable {
    /// What is counted, this search, the full grid, and how many times as much that is. The last
    /// two are empty where there is no grid to compare with.
    pub rows: Vec<[String; 4]>,
    /// Whether there is a grid: one rate makes none.
    pub compared: bool,
    /// The grid and the clock in words; may be empty.
    pub note: String,
}

impl AnswerFacts {
    /// Of a report.
    pub fn new(report: &Report) -> Self {
        let (label, title, facts, mut lines) = match &report.estimate.answer {
            Answer::Rate(found) => {
                let why = vec![("", report.estimate.why.clone())];
                ("learning rate", rate(found.lr.get()), facts(report, found), why)
            }
            Answer::Refused(refusal) => refused(report, refusal),
        };
        if report.interrupted {
            lines.push(("Interrupted.", "This rests on the trials that had ended.".to_owned()));
        }
        Self {
            answered: report.lr().is_some(),
            label,
            title,
            facts,
            lines,
            task: format!("{}; {} steps", report.task, count(report.job.steps)),
            schedule: report.schedule.clone(),
        }
    }
}

type Parts = (&'static str, String, Vec<(&'static str, String)>, Vec<(&'static str, String)>);

fn refused(report: &Report, refusal: &Refusal) -> Parts {
    let lines = vec![("Seen:", refusal.because.clone()), ("Do:", report.advice.clone())];
    ("refused", format!("No rate: {}", show::reason(refusal)), Vec::new(), lines)
}

fn facts(report: &Report, found: &Rate) -> Vec<(&'static str, String)> {
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
    facts
}

impl CostTable {
    /// Of a report; `None` without trials.
    pub fn new(report: &Report) -> Option<Self> {
        let cost = &report.cost;
        let grid = cost.grid.as_ref()?;
        let grid_runs = grid.steps as f64 / report.job.steps as f64;
        let time = |s: Option<f64>| s.map_or("not timed".to_owned(), seconds);
        let times = |a: f64, b: f64| if a > 0.0 { format!("{:.1}", b / a) } else { String::new() };
        let ratio = times(cost.steps as f64, grid.steps as f64);
        let row = |what: &str, here: String, there: String, times: String| [what.to_owned(), here, there, times];
        let mut rows = vec![
            row("full runs", format!("{:.2}", cost.runs), format!("{grid_runs:.2}"), times(cost.runs, grid_runs)),
            row("optimizer steps", count(cost.steps), count(grid.steps), ratio.clone()),
            row("seconds of training", time(cost.seconds), time(grid.seconds), ratio.clone()),
        ];
        if let Some(sum) = cost.money {
            let what = format!("money, at {} an hour", money(sum.per_hour));
            rows.push(row(&what, money(sum.search), money(sum.grid), ratio));
        }
        let compared = grid.runs > 1;
        let mut note = String::new();
        if compared {
            note = format!(
                "The grid: {} rates from {} to {} ({} a decade), one seed, each run to the end. ",
                grid.runs,
                rate(grid.low.get()),
                rate(grid.high.get()),
                grid.per_decade
            );
        } else {
            for [_, _, there, times] in &mut rows {
                there.clear();
                times.clear();
            }
        }
        if let Some(wall) = cost.wall_seconds {
            note += &format!("The search took {} on the clock.", seconds(wall));
        }
        Some(Self { rows, compared, note: note.trim_end().to_owned() })
    }
}
