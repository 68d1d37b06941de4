//! torch-lr-finder 0.2.2 (`lr_finder.py`), Lightning 2.6.6 (`tuner/lr_finder.py`) and ignite 0.5.5
//! (`handlers/lr_finder.py`): three readings of "where the loss falls most steeply".

use super::argmin;

/// Weight of a new loss in torch-lr-finder and ignite.
const FRESH: f64 = 0.05;
/// Their multiple of the best smoothed loss at which the test stops.
const PLAIN_STOP: f64 = 5.0;
/// Weight of the past in Lightning.
const BETA: f64 = 0.98;
/// Lightning's multiple of the best smoothed loss.
const LIGHTNING_STOP: f64 = 4.0;

/// Moving average that starts at the first loss, cut after the first value above five times the
/// best.
pub(super) fn record_plain(losses: &[f64]) -> Vec<f64> {
    let (mut best, mut out) = (f64::NAN, Vec::<f64>::new());
    for &loss in losses {
        let shown = out.last().map_or(loss, |last| FRESH * loss + (1.0 - FRESH) * last);
        if out.is_empty() || shown < best {
            best = shown;
        }
        out.push(shown);
        if shown > PLAIN_STOP * best {
            break;
        }
    }
    out
}

/// Moving average divided by the debiasing of one step later (the step counter is already 1 at the
/// first batch), cut after the first value but the first above four times the best.
pub(super) fn record_lightning(losses: &[f64]) -> Vec<f64> {
    let (mut average, mut best, mut out) = (0.0, 0.0, Vec::new());
    for (k, &loss) in losses.iter().enumerate() {
        average = BETA * average + (1.0 - BETA) * loss;
        let shown = average / (1.0 - BETA.powf((k + 2) as f64));
        out.push(shown);
        if k > 0 && shown > LIGHTNING_STOP * best {
            break;
        }
        if shown < best || k == 0 {
            best = shown;
        }
    }
    out
}

/// Lowest central difference over the index, ten points dropped at the start and five at the end;
/// needs 17 points.
pub(super) fn torch_lr_finder(lrs: &[f64], losses: &[f64]) -> Option<f64> {
    let n = losses.len();
    if n < 17 {
        return None;
    }
    let y = &losses[10..n - 5];
    let last = y.len() - 1;
    let slopes: Vec<f64> = (0..=last)
        .map(|i| match i {
            0 => y[1] - y[0],
            i if i == last => y[last] - y[last - 1],
            i => (y[i + 1] - y[i - 1]) / 2.0,
        })
        .collect();
    Some(lrs[10 + argmin(&slopes)?])
}

/// Lowest slope over the rate itself (not its log), by differences for uneven spacing in single
/// precision; ten points dropped at the start, one at the end, and those that are not finite; needs
/// two.
pub(super) fn lightning(lrs: &[f64], losses: &[f64]) -> Option<f64> {
    let end = losses.len().checked_sub(1)?;
    let kept: Vec<usize> = (10..end).filter(|&i| (losses[i] as f32).is_finite()).collect();
    let (x, y): (Vec<f32>, Vec<f32>) = kept.iter().map(|&i| (lrs[i] as f32, losses[i] as f32)).unzip();
    let last = kept.len().checked_sub(1).filter(|&l| l > 0)?;
    let slopes: Vec<f32> = (0..=last)
        .map(|i| match i {
            0 => (y[1] - y[0]) / (x[1] - x[0]),
            i if i == last => (y[last] - y[last - 1]) / (x[last] - x[last - 1]),
            i => {
                let (before, after) = (x[i] - x[i - 1], x[i + 1] - x[i]);
                let a = -after / (before * (before + after));
                let b = (after - before) / (before * after);
                let c = before / (after * (before + after));
                a * y[i - 1] + b * y[i] + c * y[i + 1]
            }
        })
        .collect();
    Some(lrs[kept[argmin(&slopes)?]])
}

/// Lowest central difference over the index among the points up to the minimum, in single
/// precision; needs three.
pub(super) fn ignite(lrs: &[f64], losses: &[f64]) -> Option<f64> {
    let single: Vec<f32> = losses.iter().map(|&l| l as f32).collect();
    let falling = &single[..=argmin(&single)?];
    let slopes: Vec<f32> = falling.windows(3).map(|w| 0.5 * (w[2] - w[0])).collect();
    Some(lrs[argmin(&slopes)? + 1])
}
