//! What a loss does late in its run: it rises evenly, rises again, or stands still.

use super::super::rules::{percent, show};
use super::super::stats::{mean, median, noise};
use super::super::{Feature, Features, Record, Series};
use super::{HARDLY, OPPOSED, READINGS};

/// Blocks of the second half of a loss in which an even rise is sought.
const BLOCKS: usize = 6;
/// Least such rise, as a share and in deviations of the mean of a block.
const RISE: (f64, f64) = (0.03, 4.0);
/// Least share of blocks that rise, and of the rise before the middle.
const EVEN: (f64, f64) = (0.8, 0.2);
/// Parts of a run whose means are compared to find its best.
const PARTS: usize = 8;
/// Most times its first reading that a loss rises to by growing weights; one that explodes rises
/// farther.
const RISEN: f64 = 20.0;
/// Least share of a rise that comes in each half of a run where it is even.
const THROUGHOUT: f64 = 0.33;
/// A loss that gained less than this share of its fall in the last quarter of the run over the one
/// before, or less than this many deviations of their means, stood still.
const STILL: (f64, f64) = (0.005, 1.0);
/// Scatter of late readings, as a share of the loss, and log of the highest over the first, below
/// which nothing shook a loss. Of "too high" so on foreign jobs 3 of 12 were right, and 85 of 105
/// of the others; on published recipes it is half of what is called too high.
const SHAKEN: (f64, f64) = (0.02, 0.05);
/// Scatter that is not worth a number.
const SMOOTH: f64 = 0.005;
/// Least fall of the log of a loss over the second half of a run, a factor of five, and the most by
/// which it may rise above its start and end above its best, where it falls on to the end.
const STILL_FALLS: (f64, f64, f64) = (1.6, 0.05, 0.1);
/// A rate below this share of its base in the middle of the run has decayed.
const DECAYED: f64 = 0.9;

/// Whether the second half of a loss rises evenly, as that of a sum whose weights grow: nearly
/// every block lies above the one before, and a good part of the rise comes before its middle.
pub fn rises_evenly(series: &Series) -> bool {
    let values = series.values();
    let half = &values[values.len() / 2..];
    let size = (half.len() / BLOCKS).max(1);
    let means: Vec<f64> = half.chunks(size).filter_map(mean).collect();
    let (Some(first), Some(last), Some(sd)) = (means.first(), means.last(), noise(half)) else { return false };
    let rise = last - first;
    let ups = means.windows(2).filter(|w| w[1] > w[0]).count() as f64;
    let middle = (means[means.len() / 2] - first) / rise;
    means.len() >= BLOCKS
        && rise > (RISE.0 * first.abs()).max(RISE.1 * sd / (size as f64).sqrt())
        && ups >= EVEN.0 * (means.len() - 1) as f64
        && (EVEN.1..1.0 - EVEN.1).contains(&middle)
        && *last < RISEN * values[0].abs()
}

/// That a loss ends clearly above its best, if it does: steps that are too small do not climb.
pub fn rose_again(loss: &Series) -> Option<String> {
    let values = loss.values();
    let size = (values.len() / PARTS).max(1);
    let means: Vec<f64> = values.chunks(size).filter(|c| c.len() == size).filter_map(mean).collect();
    let (at, end) = ((0..means.len()).min_by(|a, b| means[*a].total_cmp(&means[*b]))?, *means.last()?);
    let best = means[at];
    // What comes after the best may be a jump, which is no noise.
    let before = &values[..(at + 1) * size];
    let sd = noise(before).or_else(|| noise(&values))? / (size as f64).sqrt();
    let rose = end - best > (RISE.0 * best.abs()).max(RISE.1 * sd);
    rose.then(|| format!("the loss was at {} and ends at {}", show(best), show(end)))
}

/// That a loss came down and then stood still through the last quarter of a run whose rate did not
/// decay, if it did: with steps that are too small it goes on falling.
pub fn stood_still(record: &Record) -> Option<String> {
    let values = record.main().values();
    let (half, quarter) = (values.len() / 2, values.len() / 4);
    if quarter < READINGS {
        return None;
    }
    let decayed = || {
        let (first, last) = record.lr.span()?;
        Some(record.lr.at((first + last) / 2.0)? < DECAYED * record.base_lr()?)
    };
    let (third, last) = (&values[half..half + quarter], &values[values.len() - quarter..]);
    let (start, before, end) = (median(&values[..3])?, mean(third)?, mean(last)?);
    let sd = noise(&values[half..])?;
    let error = sd * (2.0 / quarter as f64).sqrt();
    let fell = start - end > (HARDLY * start.abs()).max(OPPOSED.1 * sd);
    let constant = values[values.len() - quarter..].windows(2).all(|w| w[0] == w[1]);
    let still = constant || before - end < (STILL.0 * (start - end)).max(STILL.1 * error);
    let stood = fell && still && !decayed().unwrap_or(false);
    stood.then(|| format!("the loss came down to {} and stood still in the last quarter of the run", show(end)))
}

/// That nothing shook a loss, if so: its late readings scatter little about their trend, and none
/// ever stood above the first. Steps that are too large shake it.
pub fn unshaken(features: &Features) -> Option<String> {
    let (scatter, highest) = (features.get(Feature::NoiseEnd), features.get(Feature::WorstOverStart));
    (scatter < SHAKEN.0 && highest < SHAKEN.1).then(|| {
        let smooth = match scatter {
            s if s < SMOOTH => "its late readings lie on a smooth line".to_owned(),
            s => format!("its late readings vary by only {}", percent(s)),
        };
        format!("{smooth}, and none stood clearly above the first")
    })
}

/// That a loss falls on to the end at a constant rate, if it does: steps that are too large stop it
/// above its floor.
pub fn falls_on(features: &Features) -> Option<String> {
    let of = |feature| features.get(feature);
    let (fall, above_start, above_best) = STILL_FALLS;
    let falls = of(Feature::Slope1) > fall && of(Feature::WorstOverStart) < above_start;
    let constant = of(Feature::LrEndLog2) > DECAYED.log2();
    (falls && constant && of(Feature::EndOverBest) < above_best).then(|| {
        let share = percent(-(-of(Feature::Slope1)).exp_m1());
        format!("at a constant rate the loss still fell by {share} in the second half of the run, to its best")
    })
}

/// Whether the rise of a loss is even over the whole run: about half of it comes in the first half.
/// One that explodes rises late or at once.
pub fn rises_throughout(series: &Series) -> bool {
    let values = series.values();
    let part = values.len() / 16;
    let about = |at: usize| median(&values[at.saturating_sub(part)..(at + part + 1).min(values.len())]);
    let (Some(start), Some(middle), Some(end)) =
        (about(0), about(values.len() / 2), about(values.len().saturating_sub(1)))
    else {
        return false;
    };
    (THROUGHOUT..1.0 - THROUGHOUT).contains(&((middle - start) / (end - start)))
}
