//! The picture of a schedule: a line of characters for a terminal, an SVG file for the manual.

use stepsize::Schedule;
use stepsize_draw::show::Style;

/// Steps of the run that is drawn.
const STEPS: u64 = 1000;
/// Characters of the line, and points of the picture.
const COLUMNS: usize = 60;
const POINTS: usize = 161;
/// Size of the picture, and room for its frame.
const SIZE: (f64, f64) = (320.0, 96.0);
const ROOM: f64 = 8.0;
/// Factors that span more than this are drawn on a logarithmic axis.
const LOG_FROM: f64 = 1000.0;
const HEIGHTS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// The heights of a schedule over its run, 0 to 1, and whether their axis is logarithmic.
fn heights(text: &str, points: usize) -> Option<(Vec<f64>, bool)> {
    let schedule = Schedule::parse(text, STEPS).ok()?;
    let last = points.saturating_sub(1).max(1) as f64;
    let factors: Vec<f64> =
        (0..points).map(|i| schedule.factor(((STEPS - 1) as f64 * i as f64 / last).round() as u64)).collect();
    let top = factors.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
    let least = factors.iter().copied().filter(|f| *f > 0.0).fold(top, f64::min);
    let log = top / least > LOG_FROM && top > 1.0;
    let place = |factor: &f64| if log { (factor / least).ln() / (top / least).ln() } else { factor / top };
    Some((factors.iter().map(place).collect(), log))
}

/// One line of text; `None` where only ASCII can be shown.
pub fn line(text: &str, style: Style) -> Option<String> {
    if style.ascii {
        return None;
    }
    let (heights, _) = heights(text, COLUMNS.min(style.columns.saturating_sub(4)))?;
    let sign = |height: f64| HEIGHTS[((height * HEIGHTS.len() as f64) as usize).min(HEIGHTS.len() - 1)];
    Some(heights.into_iter().map(sign).collect())
}

/// An SVG file: grey and a blue line read on light and on dark pages.
pub fn svg(text: &str) -> Option<String> {
    let (heights, log) = heights(text, POINTS)?;
    let (width, height) = SIZE;
    let last = (heights.len() - 1).max(1) as f64;
    let at = |(i, place): (usize, &f64)| {
        let across = ROOM + (width - 2.0 * ROOM) * i as f64 / last;
        (across, ROOM + (height - 2.0 * ROOM) * (1.0 - place))
    };
    let points: Vec<(f64, f64)> = heights.iter().enumerate().map(at).collect();
    // A point in the middle of a straight line adds nothing.
    let bent = |window: &[(f64, f64)]| match window {
        [a, b, c] => ((b.1 - a.1) - (c.1 - b.1)).abs() > 0.01,
        _ => true,
    };
    let inner = points.windows(3).filter(|w| bent(w)).map(|w| w[1]);
    let line: Vec<String> = points
        .first()
        .copied()
        .into_iter()
        .chain(inner)
        .chain(points.last().copied())
        .map(|(x, y)| format!("{x:.1},{y:.1}"))
        .collect();
    let (right, bottom) = (width - ROOM, height - ROOM);
    let axis = if log { ", on a logarithmic axis" } else { "" };
    Some(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" role=\"img\">\
         <title>{}{axis}</title><path d=\"M{ROOM},{ROOM}V{bottom}H{right}\" fill=\"none\" stroke=\"#888\"/>\
         <polyline points=\"{}\" fill=\"none\" stroke=\"#3b82f6\" stroke-width=\"2\"/></svg>\n",
        stepsize_draw::figure::svg::escape(text),
        line.join(" "),
    ))
}
