//! Curves for drawing: smoothed, then thinned. The raw readings stay in the event log.

use crate::{Curve, Point};

/// Divisor of the number of readings: so many on either side are averaged. A twentieth of the run
/// in all shows the shape of a decay and hides the noise between batches.
const EITHER_SIDE: usize = 40;

/// The curve with every finite reading replaced by the mean of the readings around it. The window
/// is centred (an average of the past alone would draw a falling loss too late and too high); it
/// narrows towards the start, where losses fall fast, and is cut off at the end.
pub fn smooth(curve: &Curve) -> Vec<Point> {
    let points: Vec<Point> = curve.points().iter().copied().filter(|p| p.loss.is_finite()).collect();
    let mut sums = vec![0.0];
    for point in &points {
        sums.push(sums[sums.len() - 1] + point.loss);
    }
    let side = points.len() / EITHER_SIDE;
    let mean = |i: usize| {
        let (from, to) = (i - side.min(i), (i + side.min(i)).min(points.len() - 1));
        (sums[to + 1] - sums[from]) / (to + 1 - from) as f64
    };
    points.iter().enumerate().map(|(i, p)| Point { loss: mean(i), ..*p }).collect()
}

/// At most `most` of the points, evenly spaced, with the first and the last among them.
pub fn thin(points: &[Point], most: usize) -> Vec<Point> {
    if points.len() <= most || most < 2 {
        return points.to_vec();
    }
    let last = points.len() - 1;
    (0..most).map(|i| points[i * last / (most - 1)]).collect()
}

/// About `most` of the points: the lowest and the highest of each stretch, in their order, so that
/// no peak is lost.
pub fn extremes(points: &[Point], most: usize) -> Vec<Point> {
    if points.len() <= most || most < 4 {
        return points.to_vec();
    }
    let stretch = points.len().div_ceil(most / 2);
    let ends = |part: &[Point]| {
        let low = (0..part.len()).min_by(|a, b| part[*a].loss.total_cmp(&part[*b].loss));
        let high = (0..part.len()).max_by(|a, b| part[*a].loss.total_cmp(&part[*b].loss));
        let mut both: Vec<usize> = low.into_iter().chain(high).collect();
        both.sort_unstable();
        both.dedup();
        both.into_iter().map(|i| part[i]).collect::<Vec<Point>>()
    };
    points.chunks(stretch).flat_map(ends).collect()
}
