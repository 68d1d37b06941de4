//! Conformance modes: how the known learning-rate finders ramp, smooth, stop and suggest,
//! reproduced to the last index.
//!
//! | tool | ramp at iteration k of n (exponential) | smoothing | stops at | suggestion |
//! |---|---|---|---|---|
//! | fastai 2.8.12 | `k/n` | debiased EMA 0.98, single precision | 4 x best | valley, slide, minimum, steep: points `n/10 .. -5`, cut at the first NaN |
//! | torch-lr-finder 0.2.2 | `k/(n-1)` | EMA 0.95, started at the first loss | 5 x best | steepest over the index: points `10 .. -5` |
//! | Lightning 2.6.6 | 0, then `(k+1)/n` | EMA 0.98, debiased by one step too many | 4 x best | steepest over the rate: finite points of `10 .. -1` |
//! | ignite 0.5.5 | `(k+1)/n`, n+1 points | as torch-lr-finder | 5 x best | steepest over the index before the minimum |
//!
//! These are pure functions of rates and losses, checked against the real packages on the curves of
//! `tests/golden/finders.json`. Faults of the tools are reproduced: a NaN slot wins an argmin
//! (torch-lr-finder, ignite), a flat curve gets a number (fastai, torch-lr-finder, Lightning), a
//! constant loss is seen as rising (Lightning). Where the package raises or returns nothing, so
//! does the mode: `None`. The probe [`super::RangeTest`] puts a refusal in front of them.

mod fastai;
mod steepest;

use crate::{Error, Result};

/// How a range test raises the rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Ramp {
    /// Evenly in the logarithm.
    #[default]
    Exponential,
    /// Evenly in the rate.
    Linear,
}

impl Ramp {
    /// The rate at share `r` (0 to 1) of the way from `low` to `high`.
    pub fn at(self, low: f64, high: f64, r: f64) -> f64 {
        match self {
            Ramp::Exponential => low * (high / low).powf(r),
            Ramp::Linear => low + r * (high - low),
        }
    }
}

/// A tool that makes range tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finder {
    /// fastai 2.8.12, `Learner.lr_find`.
    Fastai,
    /// torch-lr-finder 0.2.2, `LRFinder`.
    TorchLrFinder,
    /// Lightning 2.6.6, `Tuner.lr_find`.
    Lightning,
    /// pytorch-ignite 0.5.5, `FastaiLRFinder`.
    Ignite,
}

impl Finder {
    /// The rates that it records in a test of `iterations` from `low` to `high`, one for each
    /// iteration (ignite makes one iteration more). fastai knows no linear ramp: its own formula is
    /// used with the straight line.
    pub fn rates(self, low: f64, high: f64, iterations: usize, ramp: Ramp) -> Vec<f64> {
        let n = iterations as f64;
        let at = |r: f64| ramp.at(low, high, r);
        match self {
            Finder::Fastai => (0..iterations).map(|k| at(k as f64 / n)).collect(),
            Finder::TorchLrFinder => (0..iterations).map(|k| at(k as f64 / (n - 1.0))).collect(),
            Finder::Lightning => (0..iterations).map(|k| if k == 0 { low } else { at((k + 1) as f64 / n) }).collect(),
            Finder::Ignite => {
                let shift = usize::from(ramp == Ramp::Exponential);
                (0..=iterations).map(|k| at((k + shift) as f64 / n)).collect()
            }
        }
    }

    /// What it records of raw mini-batch losses: smoothed, and cut where it stops.
    pub fn record(self, losses: &[f64]) -> Vec<f64> {
        match self {
            Finder::Fastai => fastai::record(losses),
            Finder::TorchLrFinder | Finder::Ignite => steepest::record_plain(losses),
            Finder::Lightning => steepest::record_lightning(losses),
        }
    }
}

/// Another tool's rule for reading a rate off a range test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Suggestion {
    /// fastai: within the longest falling subsequence (its default).
    Valley,
    /// fastai: interval slide rule.
    Slide,
    /// fastai: a tenth of the rate at the minimum.
    Minimum,
    /// fastai: steepest fall over the log of the rate.
    Steep,
    /// torch-lr-finder: steepest fall over the index.
    TorchLrFinder,
    /// Lightning: steepest fall over the rate itself.
    Lightning,
    /// ignite: steepest fall over the index, before the minimum.
    Ignite,
}

impl Suggestion {
    /// All of them.
    pub const ALL: [Suggestion; 7] = [
        Suggestion::Valley,
        Suggestion::Slide,
        Suggestion::Minimum,
        Suggestion::Steep,
        Suggestion::TorchLrFinder,
        Suggestion::Lightning,
        Suggestion::Ignite,
    ];

    /// What it takes, in words.
    pub fn says(self) -> &'static str {
        match self {
            Suggestion::Valley => "a point within the longest falling part of the loss, as fastai's default takes it",
            Suggestion::Slide => "the end of the steep part of the loss by fastai's interval slide rule",
            Suggestion::Minimum => "a tenth of the rate with the lowest loss, as fastai takes it",
            Suggestion::Steep => "the steepest fall over the logarithm of the rate, as fastai takes it",
            Suggestion::TorchLrFinder => "the steepest fall over the step, as pytorch-lr-finder takes it",
            Suggestion::Lightning => "the steepest fall over the rate itself, as Lightning takes it",
            Suggestion::Ignite => "the steepest fall over the step before the lowest loss, as ignite takes it",
        }
    }

    /// Name by which a person asks for it.
    pub fn name(self) -> &'static str {
        match self {
            Suggestion::Valley => "fastai_valley",
            Suggestion::Slide => "fastai_slide",
            Suggestion::Minimum => "fastai_minimum",
            Suggestion::Steep => "fastai_steep",
            Suggestion::TorchLrFinder => "torch_lr_finder",
            Suggestion::Lightning => "lightning",
            Suggestion::Ignite => "ignite",
        }
    }

    /// The tool it belongs to.
    pub fn finder(self) -> Finder {
        match self {
            Suggestion::Valley | Suggestion::Slide | Suggestion::Minimum | Suggestion::Steep => Finder::Fastai,
            Suggestion::TorchLrFinder => Finder::TorchLrFinder,
            Suggestion::Lightning => Finder::Lightning,
            Suggestion::Ignite => Finder::Ignite,
        }
    }

    /// The suggested rate for rates and losses as [`Finder::record`] leaves them (`lrs` may be
    /// longer), in a test meant to have `iterations`; `None` where the package raises or returns
    /// nothing.
    ///
    /// fastai works in single precision: so does this, and its rates are single-precision numbers.
    pub fn suggest(self, lrs: &[f64], losses: &[f64], iterations: usize) -> Option<f64> {
        let lrs = lrs.get(..losses.len())?;
        match self {
            Suggestion::TorchLrFinder => steepest::torch_lr_finder(lrs, losses),
            Suggestion::Lightning => steepest::lightning(lrs, losses),
            Suggestion::Ignite => steepest::ignite(lrs, losses),
            Suggestion::Valley | Suggestion::Slide | Suggestion::Minimum | Suggestion::Steep => {
                let (lrs, losses) = fastai::window(lrs, losses, iterations);
                match self {
                    Suggestion::Valley => fastai::valley(&lrs, &losses),
                    Suggestion::Slide => fastai::slide(&lrs, &losses),
                    Suggestion::Minimum => fastai::minimum(&lrs, &losses),
                    _ => fastai::steep(&lrs, &losses),
                }
            }
        }
    }
}

impl std::str::FromStr for Suggestion {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        let known = || Self::ALL.map(Self::name).join(", ");
        Self::ALL
            .into_iter()
            .find(|s| s.name() == text)
            .ok_or_else(|| Error::invalid(format!("no suggestion method is called {text:?}; known: {}", known())))
    }
}

/// Index of the smallest value, the first of equals; a NaN is smaller than all, as in NumPy and
/// PyTorch.
fn argmin<T: PartialOrd + Copy>(values: &[T]) -> Option<usize> {
    let mut least = 0;
    for (i, v) in values.iter().enumerate() {
        if v.partial_cmp(v).is_none() {
            return Some(i);
        }
        if *v < values[least] {
            least = i;
        }
    }
    (!values.is_empty()).then_some(least)
}
