//! Shows a [`Compared`]: text with a valley for each way, pictures, a page and the JSON object.

mod overview;
mod picture;

use crate::figure::png::file as png_file;
use crate::figure::svg::{self, escape};
use crate::number::{count, loss, rate, significant};
use crate::show::plot::in_signs;
use crate::show::{Style, Tone, wrapped};
use serde_json::{Value, json};
use stepsize::Result;
use stepsize::compare::{Cell, Compared, Family, Row};

/// A comparison with what was asked.
#[derive(Debug, Clone, Copy)]
pub struct ShownComparison<'a> {
    /// The results.
    pub compared: &'a Compared,
    /// Command and options.
    pub question: &'a str,
    /// What was trained.
    pub task: &'a str,
    /// The schedule of the job, under which searches look for a rate.
    pub schedule: &'a str,
    /// Whether it was stopped before its end.
    pub interrupted: bool,
}

/// Heights of a valley in text, the lowest loss first.
const HEIGHTS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// Losses this many times below the highest are drawn as the lowest height.
const DEEPEST: f64 = 1000.0;

/// Words for the kinds of ways.
fn family(family: Family) -> &'static str {
    match family {
        Family::Fixed => "one rate to the end",
        Family::Decay => "planned decay",
        Family::Cycle => "planned rise and fall",
        Family::Feedback => "reacts to what training shows",
        Family::Free => "works out its step size; factors 0.01 to 100 on the advised rate",
        Family::Search => "searches first, out of the same steps",
    }
}

const FAMILIES: [Family; 6] =
    [Family::Fixed, Family::Decay, Family::Cycle, Family::Feedback, Family::Free, Family::Search];

/// The lowest loss of all, and the top of the valleys: the untrained loss if known, else the
/// highest loss.
fn span(compared: &Compared) -> (f64, f64) {
    let means = || compared.rows.iter().flat_map(|r| &r.cells).filter_map(|c| c.mean);
    let top = compared.untrained.unwrap_or_else(|| means().fold(0.0, f64::max));
    let best = compared.rows.iter().filter_map(|r| r.best.as_ref()?.mean);
    (best.chain(means()).fold(f64::INFINITY, f64::min).max(top / DEEPEST), top)
}

/// One character for each rate: the loss as a height, `x` where a seed diverged.
fn valley(row: &Row, (floor, top): (f64, f64)) -> String {
    let sign = |cell: &Cell| match cell.mean {
        None => 'x',
        Some(_) if top <= floor => HEIGHTS[0],
        Some(mean) => {
            let place = (mean / floor).max(1.0).ln() / (top / floor).ln();
            HEIGHTS[((place * HEIGHTS.len() as f64) as usize).min(HEIGHTS.len() - 1)]
        }
    };
    row.cells.iter().map(sign).collect()
}

/// The columns of one way after its name: valley, best loss, its rate (for a search the median over
/// seeds), width, steps to the target.
fn columns(row: &Row, span: (f64, f64), steps: u64) -> [String; 5] {
    let best = row.best.as_ref();
    let none = || "-".to_owned();
    let rates = best.map_or_else(none, |b| rate(b.lr.get()));
    let to_target = best.and_then(|b| b.to_target).filter(|s| *s <= steps as f64 + 0.5);
    [
        valley(row, span),
        best.and_then(|b| b.mean).map_or_else(none, loss),
        rates,
        if row.cells.is_empty() { String::new() } else { significant(row.width, 2) },
        to_target.map_or_else(none, |s| count(s.round() as u64)),
    ]
}

const HEADS: [&str; 5] = ["valley", "best loss", "at lr", "decades", "to target"];

/// The whole answer for a terminal.
pub fn text(shown: &ShownComparison<'_>, style: Style) -> String {
    let compared = shown.compared;
    let span = span(compared);
    let mut parts = Vec::new();
    if shown.interrupted {
        parts.push("interrupted: this rests on the runs that had ended".to_owned());
    }
    let won = winners(compared);
    if !won.is_empty() {
        let line = |(label, text): &(&str, String)| {
            wrapped(&format!("{label}: "), text, style).replacen(label, &Tone::Good.paint(label, style.colour), 1)
        };
        parts.push(won.iter().map(line).collect::<Vec<_>>().join("\n"));
    }
    parts.push(head(shown, style));
    let wide = compared.rows.iter().map(|r| r.name.chars().count()).max().unwrap_or(0);
    let across = compared.rows.iter().map(|r| r.cells.len()).max().unwrap_or(0).max(HEADS[0].len());
    let line = |name: &str, [valley, best, lr, width, target]: [String; 5]| {
        let mut row = format!("  {name:<wide$}  {valley:<across$}  {best:>9}  {lr:>9}");
        // What has no room is left out, the last first.
        for (cell, end) in [(format!("  {width:>7}"), 31), (format!("  {target:>9}"), 42)] {
            if 4 + wide + across + end <= style.columns {
                row += &cell;
            }
        }
        row.trim_end().to_owned()
    };
    let mut lines = vec![line("", HEADS.map(str::to_owned))];
    for of in FAMILIES {
        let rows: Vec<&Row> = compared.rows.iter().filter(|r| r.family == of).collect();
        if rows.is_empty() {
            continue;
        }
        lines.push(Tone::Dim.paint(&wrapped("", family(of), style), style.colour));
        lines.extend(rows.iter().map(|row| line(&row.name, columns(row, span, compared.steps))));
    }
    parts.push(lines.join("\n"));
    let claims = compared.claims.iter().map(|claim| {
        let (held, tone) = match claim.held {
            Some(true) => ("held: ", Tone::Good),
            Some(false) => ("did not hold: ", Tone::Bad),
            None => ("not tried: ", Tone::Dim),
        };
        let text = format!("{}. {}.", claim.claim, sentence(&claim.seen));
        let plain = wrapped(held, &text, style);
        plain.replacen(held, &tone.paint(held, style.colour), 1)
    });
    parts.extend(claims);
    in_signs(parts.join("\n\n") + "\n", style)
}

/// Who won: of the ways that need no known rate, and of all. A label and a sentence each.
fn winners(compared: &Compared) -> Vec<(&'static str, String)> {
    let beside = |mean: f64| match compared.target {
        Some(target) if target > 0.0 => match mean / target {
            r if (r - 1.0).abs() < 0.005 => "equal to the best fixed rate's".to_owned(),
            r if r >= 2.0 => format!("{r:.1} times the best fixed rate's"),
            r if r > 1.0 => format!("{:.0} % above the best fixed rate's", 100.0 * (r - 1.0)),
            r => format!("{:.0} % below the best fixed rate's", 100.0 * (1.0 - r)),
        },
        _ => "no fixed rate ended".to_owned(),
    };
    let mut lines = Vec::new();
    if let Some((row, mean)) = compared.winner().and_then(|(row, cell)| Some((row, cell.mean?))) {
        let how = match row.family {
            Family::Search => "its search included",
            _ => "as its authors advise it",
        };
        let text = format!("{}, {how}, ended at loss {}, {}.", row.name, loss(mean), beside(mean));
        lines.push(("winner", text));
    }
    if let Some((row, cell, mean)) = compared.best().and_then(|(row, cell)| Some((row, cell, cell.mean?))) {
        let text = format!(
            "{} from lr {} ended at loss {}, {}. Only a run at every rate shows which rate that is.",
            row.name,
            rate(cell.lr.get()),
            loss(mean),
            beside(mean)
        );
        lines.push(("in hindsight", text));
    }
    lines
}

/// Explains what is compared and how to read it.
fn head(shown: &ShownComparison<'_>, style: Style) -> String {
    let c = shown.compared;
    let what = format!(
        "{} ways, each with {} steps and {} seeds, search included; {} steps in all. The valley is the mean final validation loss over the \
         initial rates from low to high (in logs, the top is the untrained loss; x: a seed diverged). Decades: of initial rates, with a loss within 25 % of the \
         best fixed rate's. To target: steps until the loss of the best fixed rate was reached, from the best initial rate.",
        c.rows.len(),
        count(c.steps),
        c.seeds,
        count(c.spent)
    );
    let task = format!("{}; searches and short runs use the schedule {}", shown.task, shown.schedule);
    format!("{}\n{}", wrapped("compared: ", &what, style), wrapped("task: ", &task, style))
}

/// `text` with a capital first letter.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// The JSON object.
pub fn object(shown: &ShownComparison<'_>) -> Value {
    let compared = shown.compared;
    let over = |mean: Option<f64>| Some(mean? / compared.target?);
    json!({
        "best": compared.best().map(|(row, cell)| json!({"name": row.name, "lr": cell.lr, "loss": cell.mean})),
        "winner": compared.winner().map(|(row, cell)| {
            json!({"name": row.name, "loss": cell.mean, "over_fixed": over(cell.mean)})
        }),
        "question": shown.question,
        "task": shown.task,
        "schedule": shown.schedule,
        "interrupted": shown.interrupted,
        "steps": shown.compared.steps,
        "seeds": shown.compared.seeds,
        "untrained_loss": shown.compared.untrained,
        "target_loss": shown.compared.target,
        "steps_spent": shown.compared.spent,
        "ways": shown.compared.rows,
        "claims": shown.compared.claims,
    })
}

/// The valleys as an SVG file.
pub fn svg(shown: &ShownComparison<'_>) -> String {
    svg::file(&picture::draw(shown.compared, shown.task))
}

/// The valleys as a PNG file.
///
/// # Errors
/// When the picture cannot be encoded.
pub fn png(shown: &ShownComparison<'_>) -> Result<Vec<u8>> {
    png_file(&picture::draw(shown.compared, shown.task), 2.0)
}

/// One page: the sentences, the valleys, the table and the JSON object.
pub fn html(shown: &ShownComparison<'_>) -> String {
    let c = shown.compared;
    let span = span(c);
    let claims: String = c
        .claims
        .iter()
        .map(|claim| {
            let held = match claim.held {
                Some(true) => "held",
                Some(false) => "did not hold",
                None => "not tried",
            };
            format!(
                "<p><strong>{}: {}.</strong> {}.</p>\n",
                sentence(held),
                escape(&claim.claim),
                escape(&sentence(&claim.seen))
            )
        })
        .collect();
    let rows: String = c
        .rows
        .iter()
        .map(|row| {
            let cells: String = columns(row, span, c.steps).iter().map(|t| format!("<td>{}</td>", escape(t))).collect();
            format!("<tr><th scope=\"row\">{}</th><td>{}</td>{cells}</tr>\n", escape(&row.name), family(row.family))
        })
        .collect();
    let won: String = winners(c)
        .iter()
        .map(|(label, text)| format!("<p><strong>{}:</strong> {}</p>\n", sentence(label), escape(text)))
        .collect();
    let heads: String = HEADS.iter().map(|h| format!("<th scope=\"col\">{h}</th>")).collect();
    let interrupted = if shown.interrupted { "<p><strong>Interrupted.</strong></p>\n" } else { "" };
    let body = format!(
        "<header class=\"answer\">\n<p class=\"label\">comparison</p>\n<h1>{} ways to set the rate</h1>\n{interrupted}{won}<p class=\"task\">{}; {} steps, {} seeds, \
         <code>{}</code></p>\n</header>\n<section id=\"valleys\" aria-label=\"Valleys\">\n<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"picture of the valleys\">\n{}</div>\n</section>\n\
         <section id=\"table\"><h2>All ways</h2>\n<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"table of ways\"><table>\n<thead><tr><th scope=\"col\">way</th><th scope=\"col\">kind</th>{heads}</tr></thead>\n<tbody>\n{rows}</tbody></table></div></section>\n\
         <section id=\"claims\"><h2>What held of what is said about learning rates</h2>\n{claims}</section>\n",
        c.rows.len(),
        escape(shown.task),
        count(c.steps),
        c.seeds,
        escape(shown.question),
        svg::part(&picture::draw(c, shown.task), "valleys", "plot"),
    );
    crate::page::document("Stepsize: comparison", "", &body, &object(shown))
}
