//! [`Features`]: a training curve as 71 numbers. Nearly all of them do not depend on the unit of
//! the loss, the number of steps or how often the loss was logged.
//!
//! Time is the share `t` of the logged run. The loss is read as `z = ln(loss)` at the times 1, 1/2,
//! 1/4 ... 1/64, each time as the median of `z` about it. (A loss that is not above zero is shifted
//! first, see [`knots`].) From these knots come the share of the whole fall that was reached at
//! each time, the slope of each octave of time (the log-log slope), and how the slope changes. Too
//! low a rate falls late, evenly and without noise. Too high a rate falls at once, then shakes
//! about a plateau, which gives way when the rate decays.
//!
//! A number that the log does not show is NaN; [`super::model`] handles those.
//!
//! The constants here and in [`knots`] define the numbers that the shipped trees were fitted to.
//! They were chosen by eye before the first fit. Whoever changes one must fit the trees again
//! (`stepsize-bench diagnosis fit`).

mod knots;
mod names;

pub use names::Feature;

use super::Record;
use super::record::Series;
use super::stats;
use knots::{AFTER, BEFORE, Knots};

/// Loss of guessing among 160,000 classes: no vocabulary in use makes guessing cost more.
const CHANCE: f64 = 12.0;
/// A fall of `z` below this is too small to take shares of.
const LEAST_DROP: f64 = 0.02;
/// Bound on every number, so that the trees see no overflow.
const LARGEST: f64 = 1e6;
/// Earliest time that [`Feature::HalfAt`] and [`Feature::NineTenthsAt`] tell apart, and smallest
/// share of the peak rate that [`Feature::LrEndLog2`] does.
const RESOLUTION: f64 = 1e-3;
/// The rate is at its peak from this share of it on: rounding and slow warm-ups end a little below.
const AT_PEAK: f64 = 0.95;
/// Times between which a halving of the rate leaves enough of the run on both sides to compare.
const HALVED: std::ops::Range<f64> = 0.05..0.97;
/// Least octaves of time by which the gain of a decay is divided.
const LEAST_OCTAVES: f64 = 0.1;
/// Fewest readings of a score.
const SCORES: usize = 4;
/// Fewest readings of a gradient norm.
const NORMS: usize = 8;
/// The start and the end of a gradient norm are each one of so many parts of its readings.
const PARTS: usize = 8;
/// A score with a reading above this is in percent.
const PERCENT: f64 = 1.5;
/// Share of the run on both sides over which the loss beside a score is averaged.
const BESIDE: f64 = 0.05;
/// Scores are held within these before the loss that they explain is taken.
const EXPLAINED: (f64, f64) = (1e-3, 0.995);

/// The numbers of one run.
#[derive(Debug, Clone, PartialEq)]
pub struct Features {
    values: [f64; Feature::ALL.len()],
}

impl Features {
    /// The features of a run.
    pub fn of(record: &Record) -> Self {
        let mut features = Self { values: [f64::NAN; Feature::ALL.len()] };
        if let Some(curve) = Knots::of(record.main()) {
            features.of_loss(&curve);
            features.of_rate(record, &curve);
            if let Some(classes) = record.facts.classes.filter(|c| *c > 1) {
                features.set(Feature::EndToChance, curve.flat[0] / f64::from(classes).ln());
            }
        }
        if let Some(val) = Knots::of(&record.val_loss) {
            features.of_val(record, &val);
        }
        // Of which score is high and which loss goes with it, only shares of right cases tell.
        if !record.facts.other_score {
            features.of_score(&record.score);
            features.of_excess(record);
        }
        features.of_gradient(&record.grad_norm);
        features
    }

    /// One number; NaN where the log does not show it.
    pub fn get(&self, feature: Feature) -> f64 {
        self.values[feature.index()]
    }

    /// All numbers, in the order of [`Feature::ALL`].
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    fn set(&mut self, feature: Feature, value: f64) {
        self.values[feature.index()] = if value.is_finite() { value.clamp(-LARGEST, LARGEST) } else { f64::NAN };
    }

    fn of_loss(&mut self, c: &Knots) {
        let drop = c.start - c.z[0];
        let best = c.z.iter().copied().fold(f64::INFINITY, f64::min);
        let fall = (c.start - best).max(LEAST_DROP);
        let flat_best = c.flat.iter().copied().fold(f64::INFINITY, f64::min);
        let flat_fall = (c.flat_start - flat_best).max(1e-9 * c.flat_start.abs()).max(f64::MIN_POSITIVE);
        self.set(Feature::FirstAt, c.first);
        // The only numbers with a unit.
        let over = |loss: f64| (loss / CHANCE).max(1.0).log10();
        self.set(Feature::StartOverChance, over(c.flat_start));
        self.set(Feature::EndOverChance, over(c.flat[0]));
        self.set(Feature::Drop, drop);
        self.set(Feature::PointsLog2, (c.points as f64).log2());
        use Feature::{Bend1, Bend2, FlatShare2, FlatShare8, FlatShare32, RelSlope1, RelSlope2, RelSlope4};
        use Feature::{Share2, Share4, Share8, Share16, Share32, Share64, Slope1, Slope2, Slope4, Slope8, Slope16};
        for (k, share) in [(1, Share2), (2, Share4), (3, Share8), (4, Share16), (5, Share32), (6, Share64)] {
            self.set(share, (c.start - c.z[k]) / fall);
        }
        for (k, share) in [(1, FlatShare2), (3, FlatShare8), (5, FlatShare32)] {
            self.set(share, (c.flat_start - c.flat[k]) / flat_fall);
        }
        for (k, slope) in [Slope1, Slope2, Slope4, Slope8, Slope16].into_iter().enumerate() {
            self.set(slope, c.z[k + 1] - c.z[k]);
        }
        for (k, slope) in [RelSlope1, RelSlope2, RelSlope4].into_iter().enumerate() {
            self.set(slope, (c.z[k + 1] - c.z[k]) / fall);
        }
        for (k, bend) in [Bend1, Bend2].into_iter().enumerate() {
            self.set(bend, (2.0 * c.z[k + 1] - c.z[k] - c.z[k + 2]) / fall);
        }
        self.set(Feature::NoiseEnd, c.noise_end);
        self.set(Feature::NoiseStart, c.noise_start);
        self.set(Feature::NoiseRel, c.noise_end / fall);
        self.set(Feature::NoiseRatio, (c.noise_end / c.noise_start).ln());
        self.set(Feature::Spikes, c.spikes);
        self.set(Feature::Rise, c.z.iter().copied().filter(|z| z.is_finite()).fold(c.start, f64::max) - c.start);
        self.set(Feature::EndOverBest, (c.z[0] - best) / fall);
        self.set(Feature::Neighbours, c.neighbours);
        self.set(Feature::Ups, c.ups);
        self.set(Feature::WorstOverStart, c.worst - c.start);
        let reached = |share: f64| {
            let level = c.start - share * fall;
            c.smooth.iter().find(|p| p.1 <= level).map_or(0.0, |p| p.0.max(RESOLUTION).log2())
        };
        self.set(Feature::HalfAt, reached(0.5));
        self.set(Feature::NineTenthsAt, reached(0.9));
        let mut lowest = c.start;
        let rises = c.smooth.iter().map(|p| {
            lowest = lowest.min(p.1);
            p.1 - lowest
        });
        self.set(Feature::DrawUp, rises.fold(0.0, f64::max) / fall);
        self.set(Feature::Tail, c.tail);
    }

    fn of_rate(&mut self, record: &Record, c: &Knots) {
        if let Some(name) = &record.facts.optimizer {
            self.set(Feature::Adam, f64::from(u8::from(name.contains("adam"))));
        }
        if let Some(lr) = record.base_lr() {
            self.set(Feature::LrLog10, lr.log10());
        }
        let points = record.lr.points();
        let Some(peak) = points.iter().map(|p| p.1).max_by(f64::total_cmp).filter(|p| *p > 0.0) else { return };
        let Some(end) = points.last() else { return };
        self.set(Feature::LrEndLog2, (end.1 / peak).max(RESOLUTION).log2());
        let time = |step: f64| ((step - c.origin) / c.length).clamp(0.0, 1.0);
        let peak_at = points.iter().find(|p| p.1 >= AT_PEAK * peak).map_or(0.0, |p| time(p.0));
        let half = points.iter().rev().take_while(|p| p.1 <= 0.5 * peak).last().map(|p| time(p.0));
        self.set(Feature::LrPeakAt, peak_at);
        self.set(Feature::LrHalfAt, half.unwrap_or(1.0));
        // What the decay gained, beside what the octave of time before it gained.
        if let Some(half) = half.filter(|h| HALVED.contains(h))
            && let (Some(at_half), Some(before)) = (c.around(half), c.around(half / 2.0))
        {
            let fall = (c.start - c.z[0]).max(LEAST_DROP);
            let gain = at_half - c.z[0];
            self.set(Feature::DecayDrop, gain);
            self.set(Feature::DecayRel, gain / fall);
            self.set(Feature::DecayGain, gain / (1.0 / half).log2().max(LEAST_OCTAVES) - (before - at_half));
        }
    }

    fn of_val(&mut self, record: &Record, v: &Knots) {
        let best = v.z.iter().copied().fold(f64::INFINITY, f64::min);
        let fall = (v.start - best).max(LEAST_DROP);
        self.set(Feature::ValDrop, v.start - v.z[0]);
        for (k, share) in [(1, Feature::ValShare2), (2, Feature::ValShare4), (3, Feature::ValShare8)] {
            self.set(share, (v.start - v.z[k]) / fall);
        }
        self.set(Feature::ValSlope1, v.z[1] - v.z[0]);
        self.set(Feature::ValSlope2, v.z[2] - v.z[1]);
        self.set(Feature::ValRelSlope1, (v.z[1] - v.z[0]) / fall);
        self.set(Feature::ValNoiseRel, v.noise_end / fall);
        self.set(Feature::ValEndOverBest, (v.last - v.lowest) / fall);
        self.set(Feature::ValBestAt, v.lowest_at);
        if let Some(train) = Knots::of(&record.loss) {
            let gap = (v.flat[0] / train.flat[0]).ln();
            self.set(Feature::Gap, gap);
            self.set(Feature::GapRel, gap / fall);
        }
        // The mean of an epoch in which the run exploded lies far above the loss after it.
        if let Some((step, first)) = record.loss.points().first()
            && let Some(val) = record.val_loss.at(*step)
        {
            self.set(Feature::FirstGap, (first / val).ln());
        }
    }

    fn of_score(&mut self, score: &Series) {
        let Some((first, last)) = score.span().filter(|_| score.len() >= SCORES) else { return };
        let time = |t: f64| first + (last - first) * t;
        let about =
            |t: f64| score.median_between(time(t * BEFORE), time((t * AFTER).min(1.0))).or_else(|| score.at(time(t)));
        let values = score.values();
        let (Some(end), Some(best)) = (about(1.0), values.iter().copied().max_by(f64::total_cmp)) else { return };
        let unit = unit(score);
        self.set(Feature::ScoreEnd, end / unit);
        let gains = [(0.5, Feature::ScoreGain2), (0.25, Feature::ScoreGain4), (0.125, Feature::ScoreGain8)];
        for (t, gain) in gains {
            if let Some(then) = about(t) {
                self.set(gain, (end - then) / unit);
            }
        }
        let at = score.points().iter().find(|p| p.1 >= best).map_or(last, |p| p.0);
        self.set(Feature::ScoreBestAt, (at - first) / (last - first).max(f64::MIN_POSITIVE));
        if let Some(noise) = stats::noise(&values) {
            self.set(Feature::ScoreNoise, noise / unit);
        }
    }

    /// The loss beside what its score explains. To be right in a share `a` of cases takes a
    /// cross-entropy of about `-ln a`; a loss far above that comes from weights that were thrown
    /// far out.
    fn of_excess(&mut self, record: &Record) {
        let (main, score) = (record.main(), &record.score);
        let Some((from, to)) = main.span() else { return };
        let unit = unit(score);
        if score.points().iter().any(|p| !(0.0..=unit).contains(&p.1)) {
            return;
        }
        let excess = |at: &(f64, f64)| {
            let near = BESIDE * (to - from);
            let loss = main.median_between(at.0 - near, at.0 + near).filter(|loss| *loss > 0.0);
            let explained = -(at.1 / unit).clamp(EXPLAINED.0, EXPLAINED.1).ln();
            loss.map_or(f64::NAN, |loss| (loss / explained).ln())
        };
        // A score may be read before the first loss.
        let mut points = score.points().iter().filter(|p| p.0 >= from);
        if let Some(first) = points.next() {
            self.set(Feature::ExcessStart, excess(first));
            self.set(Feature::ExcessEnd, excess(points.next_back().unwrap_or(first)));
        }
    }

    fn of_gradient(&mut self, norm: &Series) {
        let logs: Vec<f64> = norm.values().into_iter().filter(|g| *g > 0.0).map(f64::ln).collect();
        if logs.len() < NORMS {
            return;
        }
        let part = (logs.len() / PARTS).max(2);
        let (start, end) = (stats::median(&logs[..part]), stats::median(&logs[logs.len() - part..]));
        if let (Some(start), Some(end), Some(middle)) = (start, end, stats::median(&logs)) {
            self.set(Feature::GradChange, end - start);
            self.set(Feature::GradNoise, stats::noise(&logs).unwrap_or(f64::NAN));
            self.set(Feature::GradWorst, logs.iter().copied().fold(f64::NEG_INFINITY, f64::max) - middle);
        }
    }
}

/// The score of all cases right: 100 where scores are logged in percent, else 1.
fn unit(score: &Series) -> f64 {
    if score.points().iter().any(|p| p.1 > PERCENT) { 100.0 } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(points: impl IntoIterator<Item = (f64, f64)>) -> Record {
        Record { loss: Series::new(points), ..Record::default() }
    }

    fn power(step: u32) -> f64 {
        2.0 * (1.0 + f64::from(step)).powf(-0.3)
    }

    #[test]
    fn neither_unit_nor_length_nor_stride_matter() {
        let one = Features::of(&record((0..1000).map(|i| (f64::from(i), power(i)))));
        let scaled = Features::of(&record((0..1000).map(|i| (f64::from(i) / 100.0, 50.0 * power(i)))));
        let strided = Features::of(&record((0..1000).step_by(7).map(|i| (f64::from(i), power(i)))));
        use Feature::{Drop, EndOverBest, RelSlope2, Rise, Share2, Share8, Slope1, Slope2};
        for feature in [Drop, Share2, Share8, Slope1, Slope2, RelSlope2, Rise, EndOverBest] {
            let seen = [one.get(feature), scaled.get(feature), strided.get(feature)];
            assert!(seen.iter().all(|v| (v - seen[0]).abs() < 0.02), "{feature}: {seen:?}");
        }
        assert!((one.get(Feature::Slope1) - 0.3 * 2f64.ln()).abs() < 0.03);
    }

    #[test]
    fn a_loss_is_compared_with_what_its_score_explains() {
        let score = |unit: f64| Series::new((0..10).map(|i| (f64::from(i) * 10.0, unit * (0.1 + 0.05 * f64::from(i)))));
        let mut record = record((0..100).map(|i| (f64::from(i), 9.2 - 0.05 * f64::from(i))));
        for unit in [1.0, 100.0] {
            record.score = score(unit);
            let features = Features::of(&record);
            // 9.2 to 4.7, where 2.3 and 0.6 would do.
            assert!(
                (features.get(Feature::ExcessStart).exp() - 4.0).abs() < 0.1,
                "{}",
                features.get(Feature::ExcessStart)
            );
            assert!((features.get(Feature::ExcessEnd).exp() - 7.8).abs() < 0.3, "{}", features.get(Feature::ExcessEnd));
        }
        record.score = Series::new([(0.0, -3.0), (90.0, 250.0)]);
        assert!(Features::of(&record).get(Feature::ExcessEnd).is_nan(), "a return is no share");
    }

    #[test]
    fn what_the_log_does_not_show_is_nan() {
        let features = Features::of(&record((0..100).map(|i| (f64::from(i), power(i)))));
        assert!(features.get(Feature::ValDrop).is_nan() && features.get(Feature::LrLog10).is_nan());
        assert!(Features::of(&Record::default()).values().iter().all(|v| v.is_nan()));
    }
}
