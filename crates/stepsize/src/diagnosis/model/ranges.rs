//! [`Ranges`]: between which values each feature lay in the runs from which the trees and the
//! confidence were learned.
//!
//! Trees give the same odds to every value beyond their last threshold, however far. Among logs of
//! published recipes that were judged wrongly many have a number that no learned run had: a loss
//! that falls by ten orders of magnitude, a validation loss at fifty times the training loss. A log
//! with such a number gets no verdict from its curve.

use super::super::{Feature, Features};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// What shows how people log, and the rate, which has rules of its own: any value is usual.
const FREE: [Feature; 4] = [Feature::FirstAt, Feature::PointsLog2, Feature::LrLog10, Feature::Adam];

/// Share of its width by which a range is wider than what was seen: the next job is another.
const MARGIN: f64 = 0.1;

/// The lowest and the highest value of each feature that was learned from.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Ranges(BTreeMap<Feature, (f64, f64)>);

impl Ranges {
    /// Widens them such that they hold these features.
    pub fn hold(&mut self, features: &Features) {
        for feature in Feature::ALL.into_iter().filter(|f| !FREE.contains(f)) {
            let value = features.get(feature);
            if value.is_finite() {
                let (low, high) = self.0.entry(feature).or_insert((value, value));
                (*low, *high) = (low.min(value), high.max(value));
            }
        }
    }

    /// The first feature, with its value, that lies clearly outside, if one does. A feature that
    /// was never seen has no range.
    pub fn outside(&self, features: &Features) -> Option<(Feature, f64)> {
        self.0.iter().find_map(|(feature, (low, high))| {
            let (value, margin) = (features.get(*feature), MARGIN * (high - low));
            (value < low - margin || value > high + margin).then_some((*feature, value))
        })
    }

    /// Adds the range of one feature as it stands in the text of a model.
    pub(super) fn insert(&mut self, feature: Feature, low: f64, high: f64) {
        self.0.insert(feature, (low, high));
    }

    /// A line a feature. Rounded outwards, so that what was learned from stays inside.
    pub(super) fn print(&self, out: &mut String) {
        for (feature, (low, high)) in &self.0 {
            let (low, high) = ((low * DIGITS).floor() / DIGITS, (high * DIGITS).ceil() / DIGITS);
            let _ = writeln!(out, "range {feature} {low:.4} {high:.4}");
        }
    }
}

/// Parts of one that the text keeps.
const DIGITS: f64 = 1e4;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::{Record, Series};

    fn features(end: f64) -> Features {
        let fall = (0..100).map(|i| (f64::from(i), 2.0 - (2.0 - end) * f64::from(i) / 99.0));
        Features::of(&Record { loss: Series::new(fall), ..Record::default() })
    }

    #[test]
    fn what_was_held_is_inside_and_what_goes_beyond_is_named() {
        let mut ranges = Ranges::default();
        assert_eq!(ranges.outside(&features(0.5)), None, "nothing is known of any feature");
        [0.5, 1.0].iter().for_each(|end| ranges.hold(&features(*end)));
        assert_eq!(ranges.outside(&features(0.5)), None);
        let (feature, value) = ranges.outside(&features(0.001)).unwrap();
        assert_eq!(feature, Feature::Drop);
        assert!(value > 2.0, "{value}");
        let mut text = String::new();
        ranges.print(&mut text);
        assert!(text.lines().count() > 20 && !text.contains("lr_log10"), "{text}");
    }
}
