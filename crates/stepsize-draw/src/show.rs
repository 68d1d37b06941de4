//! The answer for people: one line, why, a plot, the cost. Text in, text out; nothing is printed
//! here.

mod braille;
pub mod plot;

use crate::number::{count, money, percent, plural, rate, seconds};
use crate::view::View;
pub use braille::Tone;
use stepsize::{Answer, Rate, Refusal, Report};

/// How text is laid out.
#[derive(Debug, Clone, Copy)]
pub struct Style {
    /// Whether to use colour.
    pub colour: bool,
    /// Width of the terminal in characters.
    pub columns: usize,
    /// Whether only ASCII can be shown: the plots then have signs of their own.
    pub ascii: bool,
}

impl Style {
    /// Text of this width without colour, with all signs.
    pub fn plain(columns: usize) -> Self {
        Self { colour: false, columns, ascii: false }
    }
}

/// The whole answer.
pub fn report(report: &Report, style: Style) -> String {
    let mut parts = Vec::new();
    if report.interrupted {
        parts.push("interrupted: this rests on the trials that had ended".to_owned());
    }
    parts.push(match &report.estimate.answer {
        Answer::Rate(rate) => answer(report, rate, style),
        Answer::Refused(refusal) => refused(report, refusal, style),
    });
    let plot = match report.range_test() {
        Some(run) => Some(plot::over_rate(
            &run.train,
            report.lr().map(|l| l.get()),
            report.estimate.divergence_lr.map(|l| l.get()),
            style,
        )),
        None => View::new(report).map(|view| plot::landscape(&view, style)),
    };
    parts.extend(plot);
    parts.push(cost(report, style));
    parts.join("\n\n") + "\n"
}

fn answer(report: &Report, found: &Rate, style: Style) -> String {
    let mut facts = Vec::new();
    if let Some((low, high)) = found.interval {
        facts.push(format!("80 % interval {} .. {}", rate(low.get()), rate(high.get())));
    }
    let cost = format!("cost {}", short_cost(report));
    let breaks = report.estimate.divergence_lr.map(|broken| format!("diverges from {}", rate(broken.get())));
    let lr = format!("lr {}", rate(found.lr.get()));
    // Where all does not fit into the first line, what can wait has one of its own.
    let width = |facts: &[String]| format!("{lr}  ({})", facts.join("; ")).chars().count();
    let full: Vec<String> = facts.iter().cloned().chain(breaks.clone()).chain([cost.clone()]).collect();
    let apart = if width(&full) > style.columns { breaks } else { None };
    let facts = if apart.is_some() { facts.into_iter().chain([cost]).collect() } else { full };
    let about = format!("({})", facts.join("; "));
    // The colour is put on after the line is broken, which counts characters.
    let head = wrapped(&format!("{lr}  "), &about, style).replacen(&lr, &Tone::Good.paint(&lr, style.colour), 1);
    let mut lines = vec![head];
    lines.extend(apart);
    lines.push(wrapped("why: ", &report.estimate.why, style));
    if let Some(chance) = found.p_keeps_98_pct {
        let text = format!("a chance of {} to keep 98 % of what the best rate gains", percent(chance));
        lines.push(wrapped("sure: ", &text, style));
    }
    lines.push(wrapped("task: ", &task(report), style));
    lines.join("\n")
}

fn refused(report: &Report, refusal: &Refusal, style: Style) -> String {
    let head = Tone::Bad.paint("refused:", style.colour);
    let mut lines = vec![format!("{head} {}", reason(refusal)), wrapped("seen: ", &refusal.because, style)];
    lines.push(wrapped("do: ", &report.advice, style));
    if let Some(broken) = report.estimate.divergence_lr {
        lines.push(format!("diverges from: {}", rate(broken.get())));
    }
    lines.push(wrapped("task: ", &task(report), style));
    lines.join("\n")
}

/// The class of a refusal, for people.
pub fn reason(refusal: &Refusal) -> &'static str {
    use stepsize::Reason::*;
    match refusal.reason {
        Flat => "no rate that was tried learned enough",
        NoiseOnly => "differences between rates are no larger than noise",
        AllDiverged => "every rate diverged",
        TooShort => "too little evidence",
        AtEdge => "the best rate is the outermost one tried",
        Unfit => "the evidence contradicts the method",
        RateUnused => "the rate is not used",
        Continued => "a trial continued an earlier one",
    }
}

fn task(report: &Report) -> String {
    let schedule = match report.job.own_schedule {
        true => "the schedule of the command".to_owned(),
        false => format!("schedule {}", report.schedule),
    };
    format!("{}; {} steps, {schedule}", report.task, count(report.job.steps))
}

fn short_cost(report: &Report) -> String {
    let runs = format!("{:.2} runs", report.cost.runs);
    match report.cost.wall_seconds.or(report.cost.seconds) {
        Some(time) => format!("{runs}, {}", seconds(time)),
        None => runs,
    }
}

fn cost(report: &Report, style: Style) -> String {
    let cost = &report.cost;
    // Python counts evaluations too.
    let evaluated = cost.runs > cost.steps as f64 / report.job.steps as f64 + 0.005;
    let mut text = format!(
        "{}, {}{} = {:.2} full runs",
        plural(cost.trials as u64, "trial"),
        plural(cost.steps, "step"),
        if evaluated { " and their evaluations" } else { "" },
        cost.runs
    );
    if let Some(time) = cost.seconds {
        text += &format!(", {} of training", seconds(time));
    }
    text.push('.');
    if let Some(grid) = &cost.grid
        && cost.steps > 0
        && grid.runs > 1
    {
        let times = grid.steps as f64 / cost.steps as f64;
        let time = grid.seconds.map_or(String::new(), |s| format!(" and {}", seconds(s)));
        let more = if times > 1.05 { format!(": {} as much", ratio(times)) } else { String::new() };
        text += &format!(
            " A full grid over the same rates ({} to {}, {} a decade, 1 seed) is {} runs{time}{more}.",
            rate(grid.low.get()),
            rate(grid.high.get()),
            grid.per_decade,
            grid.runs,
        );
    }
    if let Some(sum) = cost.money {
        text += &format!(" At {} an hour: {}, against {}.", money(sum.per_hour), money(sum.search), money(sum.grid));
    }
    wrapped("cost: ", &text, style)
}

fn ratio(times: f64) -> String {
    if times < 9.95 { format!("{times:.1} times") } else { format!("{times:.0} times") }
}

/// `text` after `label`, broken at words, further lines indented under the first.
pub fn wrapped(label: &str, text: &str, style: Style) -> String {
    let indent = label.chars().count();
    let width = style.columns.clamp(40, 110);
    let (mut out, mut column) = (label.to_owned(), indent);
    for (i, word) in words(text).iter().enumerate() {
        let length = word.chars().count();
        if i > 0 && column + 1 + length > width {
            out.push('\n');
            out.push_str(&" ".repeat(indent));
            column = indent;
        } else if i > 0 {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += length;
    }
    out
}

/// The words of a text; the groups of a number such as `12 000` are one, and so are `85 %` and
/// `0.9 s`.
fn words(text: &str) -> Vec<String> {
    let digits = |word: &str| word.chars().take_while(char::is_ascii_digit).count();
    let unit = |word: &str| matches!(word.trim_end_matches(['.', ',', ';', ':', ')']), "s" | "min" | "h");
    let mut words: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match words.last_mut() {
            Some(last)
                if last.ends_with(|c: char| c.is_ascii_digit())
                    && (digits(word) == 3 || word.starts_with('%') || unit(word)) =>
            {
                *last = format!("{last} {word}");
            }
            _ => words.push(word.to_owned()),
        }
    }
    words
}
