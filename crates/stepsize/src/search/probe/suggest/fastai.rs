//! fastai 2.8.12, `callback/schedule.py` and `AvgSmoothLoss` of `learner.py`. Single precision
//! throughout, because that is what its tensors hold and a tie or a threshold falls as it does
//! there.

use super::argmin;

/// Weight of the past in fastai's smoothing.
const BETA: f64 = 0.98;
/// Distance of the two gradients that `slide` compares.
const SLIDE_WIDTH: usize = 15;
/// Gradient difference at which `slide` stops.
const SLIDE_THRESHOLD: f32 = 0.005;

/// Debiased moving average, cut after the first value above four times the best.
pub(super) fn record(losses: &[f64]) -> Vec<f64> {
    let (mut average, mut best, mut out) = (0f32, f32::INFINITY, Vec::new());
    for (k, &loss) in losses.iter().enumerate() {
        let loss = loss as f32;
        // Fused, as in PyTorch's `lerp`: with it every recorded loss is the same to the last bit.
        average = (loss - average).mul_add(1.0 - BETA as f32, average);
        let shown = average / (1.0 - BETA.powf((k + 1) as f64)) as f32;
        out.push(f64::from(shown));
        if shown < best {
            best = shown;
        }
        if shown > 4.0 * best {
            break;
        }
    }
    out
}

/// The points that suggestions see: a tenth of the planned iterations dropped at the start, five at
/// the end, and all from the first NaN on.
pub(super) fn window(lrs: &[f64], losses: &[f64], iterations: usize) -> (Vec<f32>, Vec<f32>) {
    let end = losses.len().saturating_sub(5);
    let start = (iterations / 10).min(end);
    let end = (start..end).find(|&i| losses[i].is_nan()).unwrap_or(end);
    let single = |v: &[f64]| v[start..end].iter().map(|&x| x as f32).collect();
    (single(lrs), single(losses))
}

/// Longest strictly falling subsequence; the answer is at a third plus a sixth of its length (each
/// rounded down) from a start that is the end minus the *length*, not the subsequence's true first
/// index.
pub(super) fn valley(lrs: &[f32], losses: &[f32]) -> Option<f64> {
    let n = losses.len();
    let mut length = vec![1usize; n];
    let (mut end, mut start) = (0usize, 0isize);
    for i in 1..n {
        for j in 0..i {
            if losses[i] < losses[j] && length[i] < length[j] + 1 {
                length[i] = length[j] + 1;
            }
            if length[end] < length[i] {
                end = i;
                start = end as isize - length[end] as isize;
            }
        }
    }
    let third = (end as isize - start) as f64 / 3.0;
    let at = start + third as isize + (third / 2.0) as isize;
    // Python counts a negative index from the end.
    let at = if at < 0 { at + n as isize } else { at };
    lrs.get(usize::try_from(at).ok()?).map(|&lr| f64::from(lr))
}

/// From the right, two gradients 15 apart walk left while they differ; the answer is the rate at
/// the left one's last place.
pub(super) fn slide(lrs: &[f32], losses: &[f32]) -> Option<f64> {
    let gradient = gradient(losses)?;
    let mut left = losses.len().checked_sub(1 + SLIDE_WIDTH)?;
    let mut found = lrs[left];
    while (gradient[left + SLIDE_WIDTH] - gradient[left]).abs() > SLIDE_THRESHOLD {
        found = lrs[left];
        match left.checked_sub(1) {
            Some(next) => left = next,
            None => break,
        }
    }
    Some(f64::from(found))
}

/// A tenth of the rate at the lowest loss.
pub(super) fn minimum(lrs: &[f32], losses: &[f32]) -> Option<f64> {
    Some(f64::from(lrs[argmin(losses)?]) / 10.0)
}

/// The rate where the forward difference over the log of the rate is lowest.
pub(super) fn steep(lrs: &[f32], losses: &[f32]) -> Option<f64> {
    let slopes: Vec<f32> = losses
        .windows(2)
        .zip(lrs.windows(2))
        .map(|(y, x)| (y[1] - y[0]) / (f64::from(x[1]).ln() as f32 - f64::from(x[0]).ln() as f32))
        .collect();
    Some(f64::from(lrs[argmin(&slopes)?]))
}

/// `numpy.gradient` over the index: central differences, one-sided at the ends; needs two points.
fn gradient(y: &[f32]) -> Option<Vec<f32>> {
    let n = y.len();
    (n >= 2).then(|| {
        (0..n)
            .map(|i| match i {
                0 => y[1] - y[0],
                i if i == n - 1 => y[n - 1] - y[n - 2],
                i => (y[i + 1] - y[i - 1]) / 2.0,
            })
            .collect()
    })
}
