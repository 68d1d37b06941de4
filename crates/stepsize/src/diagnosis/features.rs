//! [`Features`]: a training curve as some seventy numbers that do not depend on the unit of the loss, the number of steps or how
//! often was logged.
//!
//! Time is the share `t` of the logged run. The loss is looked at as `z = ln(loss)` (a loss that is not above zero is first
//! shifted by its lowest value and a twentieth of its range), at the times 1, 1/2, 1/4 ... 1/64: the median of `z` about
//! each. From these knots come the shares of the whole fall that were reached at each time, the slope of each octave of
//! time (the log-log slope) and how it changes. Too low a rate falls late, evenly and without noise; too high a rate falls
//! at once and then shakes about a plateau, which gives way when the rate decays.
//!
//! A number that a log does not tell is NaN; [`super::model`] knows what to do with it.

mod knots;

use super::Record;
use super::record::Series;
use super::stats;
use knots::Knots;

/// Names of the numbers, in their order; a model refers to them by name.
pub const NAMES: [&str; 71] = [
    "first_at",
    "drop",
    "share_2",
    "share_4",
    "share_8",
    "share_16",
    "share_32",
    "share_64",
    "slope_1",
    "slope_2",
    "slope_4",
    "slope_8",
    "slope_16",
    "rel_slope_1",
    "rel_slope_2",
    "rel_slope_4",
    "bend_1",
    "bend_2",
    "flat_share_2",
    "flat_share_8",
    "flat_share_32",
    "noise_end",
    "noise_start",
    "noise_rel",
    "noise_ratio",
    "spikes",
    "rise",
    "end_over_best",
    "neighbours",
    "ups",
    "worst_over_start",
    "val_drop",
    "val_share_2",
    "val_share_4",
    "val_share_8",
    "val_slope_1",
    "val_slope_2",
    "val_rel_slope_1",
    "val_noise_rel",
    "val_end_over_best",
    "val_best_at",
    "gap",
    "gap_rel",
    "first_gap",
    "score_end",
    "score_gain_2",
    "score_gain_4",
    "score_gain_8",
    "score_best_at",
    "score_noise",
    "lr_log10",
    "lr_end_log2",
    "lr_half_at",
    "lr_peak_at",
    "decay_drop",
    "decay_rel",
    "decay_gain",
    "grad_change",
    "grad_noise",
    "grad_worst",
    "end_to_chance",
    "points_log2",
    "half_at",
    "nine_tenths_at",
    "draw_up",
    "tail",
    "adam",
    "excess_start",
    "excess_end",
    "start_over_chance",
    "end_over_chance",
];

/// The numbers of one run.
#[derive(Debug, Clone, PartialEq)]
pub struct Features {
    values: [f64; NAMES.len()],
}

/// The cross-entropy of guessing among 160,000 classes.
const CHANCE: f64 = 12.0;
/// A fall of less than this in log loss is no fall to take shares of.
const LEAST_DROP: f64 = 0.02;

impl Features {
    /// The features of a run.
    pub fn of(record: &Record) -> Self {
        let mut features = Self { values: [f64::NAN; NAMES.len()] };
        if let Some(curve) = Knots::of(record.main()) {
            features.of_loss(&curve);
            features.of_rate(record, &curve);
            if let Some(classes) = record.facts.classes.filter(|c| *c > 1) {
                features.set("end_to_chance", curve.flat[0] / f64::from(classes).ln());
            }
        }
        if let Some(val) = Knots::of(&record.val_loss) {
            features.of_val(record, &val);
        }
        features.of_score(&record.score);
        features.of_excess(record);
        features.of_gradient(&record.grad_norm);
        features
    }

    /// The number called `name`; NaN where the log does not tell it, and for a name that is none.
    pub fn get(&self, name: &str) -> f64 {
        NAMES.iter().position(|n| *n == name).map_or(f64::NAN, |i| self.values[i])
    }

    /// All numbers, in the order of [`NAMES`].
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    fn set(&mut self, name: &str, value: f64) {
        if let Some(i) = NAMES.iter().position(|n| *n == name) {
            self.values[i] = if value.is_finite() { value.clamp(-1e6, 1e6) } else { f64::NAN };
        }
    }

    fn of_loss(&mut self, c: &Knots) {
        let drop = c.start - c.z[0];
        let best = c.z.iter().copied().fold(f64::INFINITY, f64::min);
        let fall = (c.start - best).max(LEAST_DROP);
        let flat_best = c.flat.iter().copied().fold(f64::INFINITY, f64::min);
        let flat_fall = (c.flat_start - flat_best).max(1e-9 * c.flat_start.abs()).max(f64::MIN_POSITIVE);
        self.set("first_at", c.first);
        // The only numbers with a unit: no cross-entropy of guessing is higher, whatever the vocabulary.
        let over = |loss: f64| (loss / CHANCE).max(1.0).log10();
        self.set("start_over_chance", over(c.flat_start));
        self.set("end_over_chance", over(c.flat[0]));
        self.set("drop", drop);
        self.set("points_log2", (c.points as f64).log2());
        for (k, at) in [(1, "2"), (2, "4"), (3, "8"), (4, "16"), (5, "32"), (6, "64")] {
            self.set(&format!("share_{at}"), (c.start - c.z[k]) / fall);
            self.set(&format!("flat_share_{at}"), (c.flat_start - c.flat[k]) / flat_fall);
        }
        for (k, at) in [(0, "1"), (1, "2"), (2, "4"), (3, "8"), (4, "16")] {
            let slope = c.z[k + 1] - c.z[k];
            self.set(&format!("slope_{at}"), slope);
            self.set(&format!("rel_slope_{at}"), slope / fall);
        }
        for (k, at) in [(0, "1"), (1, "2")] {
            self.set(&format!("bend_{at}"), (2.0 * c.z[k + 1] - c.z[k] - c.z[k + 2]) / fall);
        }
        self.set("noise_end", c.noise_end);
        self.set("noise_start", c.noise_start);
        self.set("noise_rel", c.noise_end / fall);
        self.set("noise_ratio", (c.noise_end / c.noise_start).ln());
        self.set("spikes", c.spikes);
        self.set("rise", c.z.iter().copied().filter(|z| z.is_finite()).fold(c.start, f64::max) - c.start);
        self.set("end_over_best", (c.z[0] - best) / fall);
        self.set("neighbours", c.neighbours);
        self.set("ups", c.ups);
        self.set("worst_over_start", c.worst - c.start);
        let reached = |share: f64| {
            let level = c.start - share * fall;
            c.smooth.iter().find(|p| p.1 <= level).map_or(0.0, |p| p.0.max(1e-3).log2())
        };
        self.set("half_at", reached(0.5));
        self.set("nine_tenths_at", reached(0.9));
        let mut lowest = c.start;
        let rises = c.smooth.iter().map(|p| {
            lowest = lowest.min(p.1);
            p.1 - lowest
        });
        self.set("draw_up", rises.fold(0.0, f64::max) / fall);
        self.set("tail", c.tail);
    }

    fn of_rate(&mut self, record: &Record, c: &Knots) {
        if let Some(name) = &record.facts.optimizer {
            self.set("adam", f64::from(u8::from(name.contains("adam"))));
        }
        if let Some(lr) = record.base_lr() {
            self.set("lr_log10", lr.log10());
        }
        let points = record.lr.points();
        let Some(peak) = points.iter().map(|p| p.1).max_by(f64::total_cmp).filter(|p| *p > 0.0) else { return };
        let Some(end) = points.last() else { return };
        self.set("lr_end_log2", (end.1 / peak).max(1e-3).log2());
        let time = |step: f64| ((step - c.origin) / c.length).clamp(0.0, 1.0);
        let peak_at = points.iter().find(|p| p.1 >= 0.95 * peak).map_or(0.0, |p| time(p.0));
        let half = points.iter().rev().take_while(|p| p.1 <= 0.5 * peak).last().map(|p| time(p.0));
        self.set("lr_peak_at", peak_at);
        self.set("lr_half_at", half.unwrap_or(1.0));
        // What the decay brought, beside what the octave before it did.
        if let Some(half) = half.filter(|h| (0.05..0.97).contains(h))
            && let (Some(at_half), Some(before)) = (c.around(half), c.around(half / 2.0))
        {
            let fall = (c.start - c.z[0]).max(LEAST_DROP);
            let gain = at_half - c.z[0];
            self.set("decay_drop", gain);
            self.set("decay_rel", gain / fall);
            // Per octave of time, against the octave before.
            self.set("decay_gain", gain / (1.0 / half).log2().max(0.1) - (before - at_half));
        }
    }

    fn of_val(&mut self, record: &Record, v: &Knots) {
        let best = v.z.iter().copied().fold(f64::INFINITY, f64::min);
        let fall = (v.start - best).max(LEAST_DROP);
        self.set("val_drop", v.start - v.z[0]);
        for (k, at) in [(1, "2"), (2, "4"), (3, "8")] {
            self.set(&format!("val_share_{at}"), (v.start - v.z[k]) / fall);
        }
        self.set("val_slope_1", v.z[1] - v.z[0]);
        self.set("val_slope_2", v.z[2] - v.z[1]);
        self.set("val_rel_slope_1", (v.z[1] - v.z[0]) / fall);
        self.set("val_noise_rel", v.noise_end / fall);
        self.set("val_end_over_best", (v.last - v.lowest) / fall);
        self.set("val_best_at", v.lowest_at);
        if let Some(train) = Knots::of(&record.loss) {
            let gap = (v.flat[0] / train.flat[0]).ln();
            self.set("gap", gap);
            self.set("gap_rel", gap / fall);
        }
        // The mean of an epoch in which the run exploded lies far above the loss after it.
        if let Some((step, first)) = record.loss.points().first()
            && let Some(val) = record.val_loss.at(*step)
        {
            self.set("first_gap", (first / val).ln());
        }
    }

    fn of_score(&mut self, score: &Series) {
        let Some((first, last)) = score.span().filter(|_| score.len() >= 4) else { return };
        let time = |t: f64| first + (last - first) * t;
        let about =
            |t: f64| score.median_between(time(t * 0.85), time((t * 1.1).min(1.0))).or_else(|| score.at(time(t)));
        let values = score.values();
        let (Some(end), Some(best)) = (about(1.0), values.iter().copied().max_by(f64::total_cmp)) else { return };
        let unit = unit(score);
        self.set("score_end", end / unit);
        for (t, at) in [(0.5, "2"), (0.25, "4"), (0.125, "8")] {
            if let Some(then) = about(t) {
                self.set(&format!("score_gain_{at}"), (end - then) / unit);
            }
        }
        let at = score.points().iter().find(|p| p.1 >= best).map_or(last, |p| p.0);
        self.set("score_best_at", (at - first) / (last - first).max(f64::MIN_POSITIVE));
        if let Some(noise) = stats::noise(&values) {
            self.set("score_noise", noise / unit);
        }
    }

    /// The loss beside what its score explains: to be right in a share `a` of cases takes a cross-entropy of about `-ln a`;
    /// far more is the loss of weights that were thrown far out.
    fn of_excess(&mut self, record: &Record) {
        let (main, score) = (record.main(), &record.score);
        let Some((from, to)) = main.span() else { return };
        let unit = unit(score);
        if score.points().iter().any(|p| !(0.0..=unit).contains(&p.1)) {
            return;
        }
        let excess = |at: &(f64, f64)| {
            let near = 0.05 * (to - from);
            let loss = main.median_between(at.0 - near, at.0 + near).filter(|loss| *loss > 0.0);
            let explained = -(at.1 / unit).clamp(1e-3, 0.995).ln();
            loss.map_or(f64::NAN, |loss| (loss / explained).ln())
        };
        // A score may be read before the first loss.
        let mut points = score.points().iter().filter(|p| p.0 >= from);
        if let Some(first) = points.next() {
            self.set("excess_start", excess(first));
            self.set("excess_end", excess(points.next_back().unwrap_or(first)));
        }
    }

    fn of_gradient(&mut self, norm: &Series) {
        let logs: Vec<f64> = norm.values().into_iter().filter(|g| *g > 0.0).map(f64::ln).collect();
        if logs.len() < 8 {
            return;
        }
        let part = (logs.len() / 8).max(2);
        let (start, end) = (stats::median(&logs[..part]), stats::median(&logs[logs.len() - part..]));
        if let (Some(start), Some(end), Some(middle)) = (start, end, stats::median(&logs)) {
            self.set("grad_change", end - start);
            self.set("grad_noise", stats::noise(&logs).unwrap_or(f64::NAN));
            self.set("grad_worst", logs.iter().copied().fold(f64::NEG_INFINITY, f64::max) - middle);
        }
    }
}

/// What a score counts as all right: scores come in percent and as shares.
fn unit(score: &Series) -> f64 {
    if score.points().iter().any(|p| p.1 > 1.5) { 100.0 } else { 1.0 }
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
        for name in ["drop", "share_2", "share_8", "slope_1", "slope_2", "rel_slope_2", "rise", "end_over_best"] {
            let seen = [one.get(name), scaled.get(name), strided.get(name)];
            assert!(seen.iter().all(|v| (v - seen[0]).abs() < 0.02), "{name}: {seen:?}");
        }
        assert!((one.get("slope_1") - 0.3 * 2f64.ln()).abs() < 0.03);
    }

    #[test]
    fn a_loss_is_held_against_its_score() {
        let score = |unit: f64| Series::new((0..10).map(|i| (f64::from(i) * 10.0, unit * (0.1 + 0.05 * f64::from(i)))));
        let mut record = record((0..100).map(|i| (f64::from(i), 9.2 - 0.05 * f64::from(i))));
        for unit in [1.0, 100.0] {
            record.score = score(unit);
            let features = Features::of(&record);
            // 9.2 to 4.7, where 2.3 and 0.6 would do.
            assert!((features.get("excess_start").exp() - 4.0).abs() < 0.1, "{}", features.get("excess_start"));
            assert!((features.get("excess_end").exp() - 7.8).abs() < 0.3, "{}", features.get("excess_end"));
        }
        record.score = Series::new([(0.0, -3.0), (90.0, 250.0)]);
        assert!(Features::of(&record).get("excess_end").is_nan(), "a return is no share");
    }

    #[test]
    fn what_is_not_told_is_nan_and_every_name_is_known() {
        let features = Features::of(&record((0..100).map(|i| (f64::from(i), power(i)))));
        assert!(
            features.get("val_drop").is_nan() && features.get("lr_log10").is_nan() && features.get("no such").is_nan()
        );
        assert!(Features::of(&Record::default()).values().iter().all(|v| v.is_nan()));
    }
}
