//! Plots for the terminal: loss over rate with the interval and where training diverges, and curves
//! over steps.
//!
//! Readable without colour: every kind of point has its own character, and the interval is drawn
//! below the axis.

use super::Style;
use super::braille::{Canvas, Tone};
use crate::number;
use crate::view::{Axis, View, loss_axis};
use stepsize::Placement;
use stepsize::Point;

/// Rows of the plot itself.
const ROWS: usize = 14;
/// Characters for the labels of the loss axis.
const MARGIN: usize = 9;
/// Points of the longest, the second longest and all shorter runs.
const POINTS: [char; 3] = ['●', '○', '·'];

/// The tone of a verdict.
pub fn tone(verdict: Placement) -> Tone {
    match verdict {
        Placement::TooLow => Tone::Low,
        Placement::Good => Tone::Good,
        Placement::TooHigh => Tone::High,
        Placement::Diverged => Tone::Bad,
        Placement::Unknown => Tone::Plain,
    }
}

/// Loss over rate.
pub fn landscape(view: &View, style: Style) -> String {
    let Style { colour, columns, .. } = style;
    let width = columns.saturating_sub(MARGIN + 2).clamp(24, 100);
    let mut canvas = Canvas::new(width, ROWS);
    let place = |lr: f64, loss: f64| (view.x.place(lr), view.y.place(loss));
    for pair in view.band.windows(2) {
        canvas.line(place(pair[0].lr.get(), pair[0].mid), place(pair[1].lr.get(), pair[1].mid), Tone::Dim);
    }
    for mark in view.marks.iter().rev() {
        let (sign, y) = match mark.loss {
            _ if mark.verdict == Placement::Diverged => ('x', 1.0),
            Some((mean, _, _)) if view.y.place(mean) > 1.0 => ('↑', 1.0),
            Some((mean, _, _)) => (POINTS[mark.rank.min(2)], view.y.place(mean)),
            None => continue,
        };
        canvas.put(view.x.place(mark.lr), y, sign, tone(mark.verdict));
    }
    if let Some(broken) = view.diverges_from {
        canvas.column(view.x.place(broken), '┊', Tone::Bad);
    }
    let mut lines = framed(&canvas, &view.y, "loss", colour);
    lines.push(rate_axis(&view.x, view.lr, view.interval, width, colour));
    lines.push(labels(&view.x, width, "lr"));
    lines.push(legend(&signs(view), style));
    joined(&lines, style)
}

/// The loss of one run over steps: a line for the smoothed training loss, points for the validation
/// loss.
pub fn curves(train: &[Point], val: &[Point], style: Style) -> String {
    let width = style.columns.saturating_sub(MARGIN + 2).clamp(24, 100);
    let losses: Vec<f64> = train.iter().chain(val).map(|p| p.loss).collect();
    let steps = train.iter().chain(val).map(|p| p.step).max().unwrap_or(1);
    let first = val.first().or(train.first()).map(|p| p.loss);
    let x = Axis::new(0.0, steps as f64, false);
    let y = loss_axis(&losses, first).padded(0.05, 0.05);
    let mut canvas = Canvas::new(width, ROWS);
    let place = |p: &Point| (x.place(p.step as f64), y.place(p.loss));
    line(&mut canvas, train, place, Tone::Plain);
    for point in val {
        let (x, y) = place(point);
        canvas.put(x, y, POINTS[0], Tone::Good);
    }
    let mut rows = finish(&canvas, (&x, "step"), (&y, "loss"), width, style.colour);
    rows.push(format!(
        "{}⠒⠒ training, smoothed  {}",
        " ".repeat(MARGIN + 1),
        Tone::Good.paint("● validation", style.colour)
    ));
    joined(&rows, style)
}

/// The shape of a schedule over steps, from zero up.
pub fn shape(points: &[Point], name: &str, style: Style) -> String {
    let width = style.columns.saturating_sub(MARGIN + 2).clamp(24, 100);
    let highest = points.iter().map(|p| p.loss).fold(0.0, f64::max);
    let last = points.last().map_or(1, |p| p.step);
    let (x, y) = (Axis::new(0.0, last as f64, false), Axis::new(0.0, highest, false).padded(0.0, 0.04));
    let mut canvas = Canvas::new(width, ROWS);
    line(&mut canvas, points, |p| (x.place(p.step as f64), y.place(p.loss)), Tone::Good);
    joined(&finish(&canvas, (&x, "step"), (&y, name), width, style.colour), style)
}

/// One curve over its own applied rate: a range test.
pub fn over_rate(points: &[Point], lr: Option<f64>, diverges_from: Option<f64>, style: Style) -> String {
    let Style { colour, columns, .. } = style;
    let width = columns.saturating_sub(MARGIN + 2).clamp(24, 100);
    let losses: Vec<f64> = points.iter().map(|p| p.loss).collect();
    let rates = points.iter().map(|p| p.lr).filter(|lr| *lr > 0.0);
    let Some((low, high)) = crate::view::bounds(rates) else { return String::new() };
    let first = losses.first().copied();
    let y = loss_axis(&losses, first.map(|f| f * 1.3)).padded(0.05, 0.05);
    let x = Axis::new(low, high, true);
    let mut canvas = Canvas::new(width, ROWS);
    line(&mut canvas, points, |p| (x.place(p.lr), y.place(p.loss)), Tone::Plain);
    if let Some(broken) = diverges_from {
        canvas.column(x.place(broken), '┊', Tone::Bad);
    }
    let mut rows = framed(&canvas, &y, "loss", colour);
    rows.push(rate_axis(&x, lr, None, width, colour));
    rows.push(labels(&x, width, "lr"));
    let mut signs = vec![("⠒⠒ training, smoothed".to_owned(), Tone::Plain)];
    signs.extend(lr.map(|_| ("◆ answer".to_owned(), Tone::Good)));
    signs.extend(diverges_from.map(|_| ("┊ diverges".to_owned(), Tone::Bad)));
    rows.push(legend(&signs, style));
    joined(&rows, style)
}

/// The rows as one text, in the signs that the terminal has.
fn joined(rows: &[String], style: Style) -> String {
    in_signs(rows.join("\n"), style)
}

/// The text in the signs that the terminal has.
pub fn in_signs(text: String, style: Style) -> String {
    if style.ascii { text.chars().map(in_ascii).collect() } else { text }
}

/// The sign that stands for this one where only ASCII can be shown.
fn in_ascii(sign: char) -> char {
    match sign {
        '●' => '*',
        '○' => 'o',
        '·' => '.',
        '◆' => '#',
        '┊' => ':',
        '↑' => '^',
        '│' => '|',
        '─' => '-',
        '┤' | '┬' | '└' => '+',
        '▁' => '_',
        '▂' => '.',
        '▃' => ':',
        '▄' => '-',
        '▅' => '=',
        '▆' => '+',
        '▇' => '*',
        '█' => '#',
        // Braille: the upper two rows of dots are bits 0, 1, 3 and 4.
        '\u{2800}'..='\u{28ff}' => match (u32::from(sign) & 0x1b != 0, u32::from(sign) & 0xe4 != 0) {
            (true, true) => ':',
            (true, false) => '\'',
            (false, _) => '.',
        },
        other => other,
    }
}

fn line(canvas: &mut Canvas, points: &[Point], place: impl Fn(&Point) -> (f64, f64), tone: Tone) {
    for pair in points.windows(2) {
        canvas.line(place(&pair[0]), place(&pair[1]), tone);
    }
}

/// The canvas with both axes.
fn finish(canvas: &Canvas, x: (&Axis, &str), y: (&Axis, &str), width: usize, colour: bool) -> Vec<String> {
    let mut rows = framed(canvas, y.0, y.1, colour);
    rows.push(format!("{}└{}", " ".repeat(MARGIN), "─".repeat(width)));
    rows.push(labels(x.0, width, x.1));
    rows
}

/// The canvas with the loss axis at its left.
fn framed(canvas: &Canvas, y: &Axis, name: &str, colour: bool) -> Vec<String> {
    let mut tags = vec![String::new(); ROWS];
    for value in y.ticks(5).0 {
        let row = ((1.0 - y.place(value)) * ROWS as f64).floor();
        if (0.0..ROWS as f64).contains(&row) {
            tags[row as usize] = number::significant(value, 3);
        }
    }
    let rows = canvas.rows(colour).into_iter().zip(tags).map(|(row, tag)| {
        let side = if tag.is_empty() { "│" } else { "┤" };
        format!("{tag:>MARGIN$}{side}{row}").trim_end().to_owned()
    });
    std::iter::once(format!("{name:>MARGIN$}")).chain(rows).collect()
}

/// The rate axis with the interval `[==◆==]` on it.
fn rate_axis(x: &Axis, lr: Option<f64>, interval: Option<(f64, f64)>, width: usize, colour: bool) -> String {
    let mut cells: Vec<(char, Tone)> = vec![('─', Tone::Plain); width];
    let at = |lr: f64| ((x.place(lr).clamp(0.0, 1.0) * width as f64) as usize).min(width - 1);
    for value in x.ticks(width / 10).0 {
        cells[at(value)] = ('┬', Tone::Plain);
    }
    if let Some((low, high)) = interval {
        let (from, to) = (at(low), at(high));
        for cell in &mut cells[from..=to] {
            *cell = ('=', Tone::Good);
        }
        (cells[from], cells[to]) = (('[', Tone::Good), (']', Tone::Good));
    }
    if let Some(lr) = lr {
        cells[at(lr)] = ('◆', Tone::Good);
    }
    let line: String = cells.into_iter().map(|(mark, tone)| tone.paint(&mark.to_string(), colour)).collect();
    format!("{}└{line}", " ".repeat(MARGIN))
}

/// Values under an axis, without overlap; the axis's name before them.
fn labels(x: &Axis, width: usize, name: &str) -> String {
    let mut text: Vec<char> = format!("{name:>0$}{1:2$}", MARGIN - 1, "", width + 2).chars().collect();
    let mut free = MARGIN;
    for value in x.ticks(width / 10).0 {
        let label = number::significant(value, 3);
        let center = MARGIN + 1 + (x.place(value).clamp(0.0, 1.0) * width as f64) as usize;
        let start = center.saturating_sub(label.len() / 2);
        if start < free || start + label.len() > MARGIN + 1 + width {
            continue;
        }
        for (i, c) in label.chars().enumerate() {
            text[start + i] = c;
        }
        free = start + label.len() + 2;
    }
    text.into_iter().collect::<String>().trim_end().to_owned()
}

/// The signs of a plot with their meaning, broken where the terminal ends.
fn legend(signs: &[(String, Tone)], style: Style) -> String {
    let margin = " ".repeat(MARGIN + 1);
    let (mut text, mut column) = (margin.clone(), margin.len());
    for (i, (sign, tone)) in signs.iter().enumerate() {
        let length = sign.chars().count();
        if i > 0 && column + 2 + length > style.columns {
            text += &format!("\n{margin}");
            column = margin.len();
        } else if i > 0 {
            text += "  ";
            column += 2;
        }
        text += &tone.paint(sign, style.colour);
        column += length;
    }
    text
}

/// What the signs of a landscape mean.
fn signs(view: &View) -> Vec<(String, Tone)> {
    let mut parts = Vec::new();
    for (rank, steps) in view.lengths.iter().enumerate() {
        let shown = view.marks.iter().any(|m| m.rank == rank && m.loss.is_some());
        if shown && rank < 2 {
            parts.push((format!("{} {} steps", POINTS[rank], number::count(*steps)), Tone::Plain));
        } else if shown && rank == 2 {
            let shorter = if view.lengths.len() > 3 { " or fewer" } else { "" };
            parts.push((format!("{} {} steps{shorter}", POINTS[2], number::count(*steps)), Tone::Plain));
        }
    }
    if !view.band.is_empty() {
        parts.push(("⠒⠒ expected, full run".to_owned(), Tone::Dim));
    }
    if view.interval.is_some() {
        parts.push(("[◆] 80 %".to_owned(), Tone::Good));
    }
    if view.diverges_from.is_some() {
        parts.push(("x┊ diverges".to_owned(), Tone::Bad));
    }
    parts
}
