//! [`Feature`]: the key of each number, with the name under which the fitted trees (`places.txt`)
//! store it.
//!
//! In the texts below `z` is the log of the loss, time `t` is the share of the logged run, and the
//! *fall* is the drop of `z` from its start to its lowest knot. An octave of time is a factor of 2.

use crate::{Error, Result};
use std::fmt;
use std::str::FromStr;

/// Makes [`Feature`] from one list of keys and names.
macro_rules! features {
    ($($(#[$doc:meta])* $key:ident $name:literal)+) => {
        /// The key of one number of [`super::Features`].
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Feature {
            $($(#[$doc])* $key,)+
        }

        impl Feature {
            /// All of them, in the order in which [`super::Features::values`] lists their numbers.
            pub const ALL: [Self; [$($name),+].len()] = [$(Self::$key),+];

            /// The name in `places.txt` and in the numbers of a finding.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$key => $name,)+ }
            }
        }
    };
}

features! {
    /// Time of the first reading.
    FirstAt "first_at"
    /// Start of `z` minus its end.
    Drop "drop"
    /// Share of the fall that was made at half of the run.
    Share2 "share_2"
    /// Share of the fall at 1/4 of the run.
    Share4 "share_4"
    /// Share of the fall at 1/8 of the run.
    Share8 "share_8"
    /// Share of the fall at 1/16 of the run.
    Share16 "share_16"
    /// Share of the fall at 1/32 of the run.
    Share32 "share_32"
    /// Share of the fall at 1/64 of the run.
    Share64 "share_64"
    /// Fall of `z` over the last octave of time.
    Slope1 "slope_1"
    /// Fall of `z` from 1/4 to 1/2 of the run.
    Slope2 "slope_2"
    /// Fall of `z` from 1/8 to 1/4 of the run.
    Slope4 "slope_4"
    /// Fall of `z` from 1/16 to 1/8 of the run.
    Slope8 "slope_8"
    /// Fall of `z` from 1/32 to 1/16 of the run.
    Slope16 "slope_16"
    /// [`Feature::Slope1`] as a share of the fall.
    RelSlope1 "rel_slope_1"
    /// [`Feature::Slope2`] as a share of the fall.
    RelSlope2 "rel_slope_2"
    /// [`Feature::Slope4`] as a share of the fall.
    RelSlope4 "rel_slope_4"
    /// Change of the slope between the last two octaves of time, as a share of the fall.
    Bend1 "bend_1"
    /// The same, one octave earlier.
    Bend2 "bend_2"
    /// Share of the fall of the loss itself (not of its log) that was made at half of the run.
    FlatShare2 "flat_share_2"
    /// The same at 1/8 of the run.
    FlatShare8 "flat_share_8"
    /// The same at 1/32 of the run.
    FlatShare32 "flat_share_32"
    /// Noise of `z` (standard deviation) over the last three fifths of the readings.
    NoiseEnd "noise_end"
    /// Noise of `z` over the first two fifths.
    NoiseStart "noise_start"
    /// [`Feature::NoiseEnd`] as a share of the fall.
    NoiseRel "noise_rel"
    /// Log of the noise at the end over the noise at the start.
    NoiseRatio "noise_ratio"
    /// Share of readings far above their neighbours.
    Spikes "spikes"
    /// Highest knot of `z` above its start.
    Rise "rise"
    /// End of `z` above its lowest knot, as a share of the fall.
    EndOverBest "end_over_best"
    /// Correlation of neighbouring readings in the second half, without the trend.
    Neighbours "neighbours"
    /// Share of rises among the means of sixteen blocks of the second half.
    Ups "ups"
    /// Highest reading of `z` above its start.
    WorstOverStart "worst_over_start"
    /// [`Feature::Drop`] of the validation loss.
    ValDrop "val_drop"
    /// [`Feature::Share2`] of the validation loss.
    ValShare2 "val_share_2"
    /// [`Feature::Share4`] of the validation loss.
    ValShare4 "val_share_4"
    /// [`Feature::Share8`] of the validation loss.
    ValShare8 "val_share_8"
    /// [`Feature::Slope1`] of the validation loss.
    ValSlope1 "val_slope_1"
    /// [`Feature::Slope2`] of the validation loss.
    ValSlope2 "val_slope_2"
    /// [`Feature::RelSlope1`] of the validation loss.
    ValRelSlope1 "val_rel_slope_1"
    /// [`Feature::NoiseRel`] of the validation loss.
    ValNoiseRel "val_noise_rel"
    /// Last validation loss above the lowest one (logs), as a share of the fall.
    ValEndOverBest "val_end_over_best"
    /// Time of the lowest validation loss.
    ValBestAt "val_best_at"
    /// Log of the final validation loss over the final training loss.
    Gap "gap"
    /// [`Feature::Gap`] as a share of the fall of the validation loss.
    GapRel "gap_rel"
    /// Log of the first training loss over the validation loss at the same step.
    FirstGap "first_gap"
    /// The score at the end, 0..1.
    ScoreEnd "score_end"
    /// Gain of the score over the second half of the run.
    ScoreGain2 "score_gain_2"
    /// Gain of the score after 1/4 of the run.
    ScoreGain4 "score_gain_4"
    /// Gain of the score after 1/8 of the run.
    ScoreGain8 "score_gain_8"
    /// Time of the best score.
    ScoreBestAt "score_best_at"
    /// Noise of the score (standard deviation).
    ScoreNoise "score_noise"
    /// Decimal log of the base rate.
    LrLog10 "lr_log10"
    /// Binary log of the last rate over the peak rate.
    LrEndLog2 "lr_end_log2"
    /// Time from which the rate stays at or below half of its peak; 1 when it never does.
    LrHalfAt "lr_half_at"
    /// Time at which the rate reaches 95 % of its peak.
    LrPeakAt "lr_peak_at"
    /// Fall of `z` after the rate had halved.
    DecayDrop "decay_drop"
    /// [`Feature::DecayDrop`] as a share of the whole drop.
    DecayRel "decay_rel"
    /// Fall of `z` per octave of time after the rate had halved, minus that of the octave before.
    DecayGain "decay_gain"
    /// Log of the gradient norm at the end over that at the start.
    GradChange "grad_change"
    /// Noise of the log of the gradient norm.
    GradNoise "grad_noise"
    /// Log of the highest gradient norm over the median.
    GradWorst "grad_worst"
    /// Final loss over the loss of guessing, where the number of classes is known.
    EndToChance "end_to_chance"
    /// Binary log of the number of readings. The shipped trees do not use it: it is a habit of
    /// logging.
    PointsLog2 "points_log2"
    /// Binary log of the time at which half of the fall was made.
    HalfAt "half_at"
    /// Binary log of the time at which nine tenths of the fall were made.
    NineTenthsAt "nine_tenths_at"
    /// Largest rise of the smoothed `z` above its lowest value so far, as a share of the fall.
    DrawUp "draw_up"
    /// How much farther the high late readings lie from the middle than the low ones, in log.
    Tail "tail"
    /// 1 for an optimizer of the Adam family, 0 for another, where it is known.
    Adam "adam"
    /// Log of the first loss over what the score beside it explains.
    ExcessStart "excess_start"
    /// Log of the last loss over what the score beside it explains.
    ExcessEnd "excess_end"
    /// Decimal log of the start over the highest loss of guessing; 0 at or below it.
    StartOverChance "start_over_chance"
    /// The same of the end.
    EndOverChance "end_over_chance"
}

impl Feature {
    /// The place in [`Feature::ALL`].
    pub const fn index(self) -> usize {
        self as usize
    }
}

impl fmt::Display for Feature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Feature {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|f| f.name() == text);
        found.ok_or_else(|| {
            Error::invalid(format!("{text:?} is not a feature of a curve; the first is {:?}", Self::ALL[0].name()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_found_again_at_its_index() {
        for (i, feature) in Feature::ALL.into_iter().enumerate() {
            assert_eq!((feature.index(), feature.name().parse::<Feature>().unwrap()), (i, feature));
        }
        assert!("slope_3".parse::<Feature>().unwrap_err().to_string().contains("slope_3"));
    }
}
