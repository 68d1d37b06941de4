//! [`View`]: what a plot of loss over rate shows, worked out once for the terminal, the pictures
//! and the page.
//!
//! It decides the axes. Rates are on a logarithmic axis. Losses are, when they span more than a
//! factor of eight. The top of the loss axis is the untrained loss, or what the better three
//! quarters of the points call for: a run that went wrong must not squeeze the others into a line.
//! Points above the top are drawn at its edge, as arrows.

use stepsize::{Band, Placement, Report};

/// Losses that span more than this factor are shown on a logarithmic axis.
const LOG_FROM: f64 = 8.0;

/// One axis of a plot.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Axis {
    /// Value at the start.
    pub low: f64,
    /// Value at the end, above `low`.
    pub high: f64,
    /// Whether it is logarithmic; both ends are then above zero.
    pub log: bool,
}

/// All runs of one rate and length.
#[derive(Debug, Clone, PartialEq)]
pub struct RateMark {
    /// Base rate.
    pub lr: f64,
    /// Length asked for.
    pub steps: u64,
    /// Place of that length among all, 0 the longest.
    pub rank: usize,
    /// Mean, lowest and highest final loss of the seeds that finished.
    pub loss: Option<(f64, f64, f64)>,
    /// Seeds run.
    pub seeds: usize,
    /// Seeds that diverged.
    pub diverged: usize,
    /// Where the rate lies.
    pub verdict: Placement,
}

/// A plot of loss over rate.
#[derive(Debug, Clone, PartialEq)]
pub struct View {
    /// Rates.
    pub x: Axis,
    /// Losses.
    pub y: Axis,
    /// Points, in the order of their rates; without runs that were stopped or pruned.
    pub marks: Vec<RateMark>,
    /// Lengths run, longest first.
    pub lengths: Vec<u64>,
    /// Expected loss of the full run.
    pub band: Vec<Band>,
    /// Recommended rate.
    pub lr: Option<f64>,
    /// 80 % interval.
    pub interval: Option<(f64, f64)>,
    /// Lowest rate that diverged.
    pub diverges_from: Option<f64>,
    /// Loss of the untrained model.
    pub untrained: Option<f64>,
}

/// Least length of an axis, as a share of its larger end.
const LEAST_RANGE: f64 = 1e-9;

impl Axis {
    /// An axis over `low..high`, opened a little when that is no range, or one so small that its
    /// ticks would be equal: two losses at the start of a warm-up.
    pub fn new(low: f64, high: f64, log: bool) -> Self {
        if high - low > LEAST_RANGE * low.abs().max(high.abs()) {
            return Self { low, high, log };
        }
        match log {
            true => Self { low: low / 2.0, high: low * 2.0, log },
            false => Self { low: low - 0.5, high: low + 0.5, log },
        }
    }

    /// The place of `value`, 0 at the start and 1 at the end; outside that for values outside.
    pub fn place(&self, value: f64) -> f64 {
        match self.log {
            true => (value.max(f64::MIN_POSITIVE) / self.low).ln() / (self.high / self.low).ln(),
            false => (value - self.low) / (self.high - self.low),
        }
    }

    /// The same with `share` of its length added at the start and at the end.
    pub fn padded(self, start: f64, end: f64) -> Self {
        let Axis { low, high, log } = self;
        match log {
            true => {
                let span = high / low;
                Self { low: low / span.powf(start), high: high * span.powf(end), log }
            }
            false => {
                let span = high - low;
                Self { low: low - span * start, high: high + span * end, log }
            }
        }
    }

    /// Values with a label, and values with a tick only.
    pub fn ticks(&self, most: usize) -> (Vec<f64>, Vec<f64>) {
        if self.log { self.log_ticks(most) } else { (self.linear_ticks(most), Vec::new()) }
    }

    fn log_ticks(&self, most: usize) -> (Vec<f64>, Vec<f64>) {
        let decades = (self.high / self.low).log10();
        let inside = |v: &f64| *v >= self.low * 0.999 && *v <= self.high * 1.001;
        let powers = (self.low.log10().floor() as i32)..=(self.high.log10().ceil() as i32);
        let of = |digits: &[f64]| -> Vec<f64> {
            powers.clone().flat_map(|p| digits.iter().map(move |d| d * 10f64.powi(p))).filter(inside).collect()
        };
        let minor = of(&[2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0]);
        let candidates =
            [of(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0]), of(&[1.0, 2.0, 5.0]), of(&[1.0, 3.0]), of(&[1.0])];
        if decades < 0.5 {
            let linear = Axis { log: false, ..*self }.linear_ticks(most);
            return (linear, Vec::new());
        }
        let major = candidates.into_iter().find(|c| c.len() <= most).unwrap_or_else(|| {
            let stride = (decades / most as f64).ceil().max(1.0) as i32;
            powers.clone().filter(|p| p % stride == 0).map(|p| 10f64.powi(p)).filter(inside).collect()
        });
        (major, minor)
    }

    fn linear_ticks(&self, most: usize) -> Vec<f64> {
        let raw = (self.high - self.low) / most.max(1) as f64;
        let power = 10f64.powf(raw.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].iter().map(|m| m * power).find(|s| *s >= raw * 0.999).unwrap_or(raw);
        let (first, last) = ((self.low / step - 1e-9).ceil() as i64, (self.high / step + 1e-9).floor() as i64);
        (first..=last).map(|i| i as f64 * step).collect()
    }
}

impl View {
    /// The view of a report; `None` when no run has anything to show.
    pub fn new(report: &Report) -> Option<Self> {
        let lengths = report.lengths();
        let marks = marks(report, &lengths);
        let rates = marks.iter().map(|m| m.lr);
        let (low, high) = bounds(rates)?;
        let lr = report.lr().map(|l| l.get());
        let interval = report.interval().map(|(l, h)| (l.get(), h.get()));
        let diverges_from = report.estimate.divergence_lr.map(|l| l.get());
        let shown = lr.into_iter().chain(interval.into_iter().flat_map(|(l, h)| [l, h])).chain([low, high]);
        let (low, high) = bounds(shown)?;
        let x = Axis::new(low, high, true).padded(0.04, 0.04);
        let band: Vec<Band> = report.estimate.landscape.iter().copied().filter(|b| b.mid.is_finite()).collect();
        let mut losses: Vec<f64> = marks.iter().filter_map(|m| m.loss).flat_map(|l| [l.0, l.1, l.2]).collect();
        losses.extend(band.iter().filter(|b| (0.0..=1.0).contains(&x.place(b.lr.get()))).map(|b| b.mid));
        let y = loss_axis(&losses, report.untrained).padded(0.06, 0.08);
        Some(Self { x, y, marks, lengths, band, lr, interval, diverges_from, untrained: report.untrained })
    }
}

/// The smallest and largest of `values`, if there are any.
pub fn bounds(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    values
        .filter(|v| v.is_finite())
        .fold(None, |b, v| Some(b.map_or((v, v), |(l, h): (f64, f64)| (l.min(v), h.max(v)))))
}

/// An axis for losses: outliers do not stretch it.
pub fn loss_axis(losses: &[f64], untrained: Option<f64>) -> Axis {
    let mut sorted: Vec<f64> = losses.iter().copied().filter(|l| l.is_finite()).collect();
    sorted.sort_by(f64::total_cmp);
    let (Some(&low), Some(&most)) = (sorted.first(), sorted.last()) else { return Axis::new(0.0, 1.0, false) };
    let quarter = sorted[(sorted.len() - 1) * 3 / 4];
    let calm = quarter + 2.0 * (quarter - low);
    let top = untrained.filter(|u| *u > low).unwrap_or(calm);
    let high = most.min(top);
    let log = low > 0.0 && high / low > LOG_FROM;
    Axis::new(low, high, log)
}

fn marks(report: &Report, lengths: &[u64]) -> Vec<RateMark> {
    let mut marks: Vec<RateMark> = Vec::new();
    for run in &report.runs {
        let diverged = run.verdict == Placement::Diverged;
        if run.loss.is_none() && !diverged {
            continue;
        }
        let same = |m: &&mut RateMark| m.steps == run.steps && (m.lr / run.lr.get() - 1.0).abs() < 1e-9;
        let mark = match marks.iter_mut().find(same) {
            Some(mark) => mark,
            None => {
                let rank = lengths.iter().position(|l| *l == run.steps).unwrap_or(0);
                let (lr, steps, verdict) = (run.lr.get(), run.steps, run.verdict);
                marks.push(RateMark { lr, steps, rank, loss: None, seeds: 0, diverged: 0, verdict });
                let Some(last) = marks.last_mut() else { continue };
                last
            }
        };
        let finished = (mark.seeds - mark.diverged) as f64;
        mark.seeds += 1;
        if diverged {
            mark.diverged += 1;
            mark.verdict = Placement::Diverged;
        } else if let Some(loss) = run.loss {
            let (mean, low, high) = mark.loss.unwrap_or((loss, loss, loss));
            mark.loss = Some(((mean * finished + loss) / (finished + 1.0), low.min(loss), high.max(loss)));
        }
    }
    marks.sort_by(|a, b| a.lr.total_cmp(&b.lr).then(b.steps.cmp(&a.steps)));
    marks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outlier_does_not_stretch_the_axis() {
        let axis = loss_axis(&[0.1, 0.2, 0.3, 0.2, 900.0], Some(2.3));
        assert_eq!((axis.low, axis.high, axis.log), (0.1, 2.3, true));
        assert!(loss_axis(&[0.1, 0.2, 0.3, 0.2, 900.0], None).high < 1.0);
    }

    #[test]
    fn ticks_are_round_and_inside() {
        let axis = Axis::new(3e-5, 2.0, true);
        assert_eq!(axis.ticks(6).0, [1e-4, 1e-3, 1e-2, 1e-1, 1.0].map(|v: f64| 10f64.powi(v.log10().round() as i32)));
        assert_eq!(Axis::new(0.0, 1.0, false).ticks(5).0.len(), 6);
        let narrow = Axis::new(0.2, 0.31, true).ticks(5).0;
        assert!(narrow.len() >= 3, "{narrow:?}");
        let ends = |low: f64, log| Axis::new(low, low * (1.0 + 1e-12), log);
        assert_eq!((ends(0.5, false).low, ends(0.5, false).high), (0.0, 1.0));
        assert_eq!((ends(0.5, true).low, ends(0.5, true).high), (0.25, 1.0));
    }
}
