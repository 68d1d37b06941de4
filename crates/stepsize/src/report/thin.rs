//! Curves made light enough to draw: smoothed, then thinned. The raw readings stay in the event log.

use crate::{Curve, Point};

/// Share of a run over which mini-batch losses are averaged for the eye: a fortieth shows the shape of a decay and
/// hides the batch-to-batch noise.
const WINDOW: f64 = 40.0;

/// The curve smoothed over a fortieth of its length (see [`Curve::ema`]), without the readings that are not finite.
pub fn smooth(curve: &Curve) -> Vec<Point> {
    let window = (curve.points().len() as f64 / WINDOW).max(1.0);
    let smoothed = curve.ema(1.0 - window.recip());
    let points = curve.points().iter().zip(smoothed);
    points.filter(|(p, s)| p.loss.is_finite() && s.is_finite()).map(|(p, loss)| Point { loss, ..*p }).collect()
}

/// At most `most` of the points, evenly spaced, with the first and the last among them.
pub fn thin(points: &[Point], most: usize) -> Vec<Point> {
    if points.len() <= most || most < 2 {
        return points.to_vec();
    }
    let last = points.len() - 1;
    (0..most).map(|i| points[i * last / (most - 1)]).collect()
}
