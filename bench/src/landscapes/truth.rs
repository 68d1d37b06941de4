//! What is true of a job: its smoothed mean log loss by rate, and the best rate.

use super::tables::{Table, Tables};

/// Losses below this share of the untrained loss count as alike, as in the search.
const NEGLIGIBLE: f64 = 2e-4;
/// What broke counts as this much (log) above the untrained loss: twice.
const BROKEN: f64 = 0.7;
/// Width of the kernel over rates, octaves.
const WIDTH: f64 = 0.6;
/// Neighbours are averaged as far as their means differ by no more than this many standard errors:
/// a kernel over rates alone moves the best rate away from a cliff beside it.
const ALIKE: f64 = 2.0;
/// Least standard deviation of one seed's log loss.
const LEAST_SD: f64 = 0.005;

/// The smoothed landscape of full runs.
pub struct Truth {
    /// `log2 lr` and the smoothed mean log loss, from low to high.
    pub points: Vec<(f64, f64)>,
    /// `log2` of the best rate.
    pub best: f64,
    least: f64,
    untrained: f64,
    floor: f64,
}

/// Log losses at one rate: mean, standard error.
struct Mean {
    x: f64,
    mean: f64,
    error: f64,
}

/// Log of a loss above its floor, limited by what broke counts.
pub fn log_loss(loss: Option<f64>, untrained: f64) -> f64 {
    let most = untrained.ln() + BROKEN;
    loss.map_or(most, |l| (l.max(0.0) + NEGLIGIBLE * untrained).ln().min(most))
}

impl Truth {
    /// Of one job.
    pub fn new(tables: &Tables) -> Self {
        let mut logs: Vec<(f64, Vec<f64>)> = seeds_of(&tables.wide, tables.untrained);
        for (x, more) in seeds_of(&tables.near, tables.untrained) {
            if let Some((_, all)) = logs.iter_mut().find(|(at, _)| (at - x).abs() < 1e-6) {
                all.extend(more);
            }
        }
        let broken = tables.untrained.ln() + BROKEN;
        let points = smoothed(&means(&logs, broken));
        let (best, least) = lowest(&points);
        let floor = NEGLIGIBLE * tables.untrained;
        Self { points, best, least, untrained: tables.untrained, floor }
    }

    /// Smoothed log loss at `x`; beyond the table its end.
    pub fn at(&self, x: f64) -> f64 {
        let after = self.points.partition_point(|p| p.0 < x);
        if after == 0 || after == self.points.len() {
            return self.points[after.min(self.points.len() - 1)].1;
        }
        let ((x0, y0), (x1, y1)) = (self.points[after - 1], self.points[after]);
        y0 + (y1 - y0) * (x - x0) / (x1 - x0)
    }

    /// Log of the loss at `x` over the best loss, zero at least.
    pub fn regret(&self, x: f64) -> f64 {
        (self.at(x) - self.least).max(0.0)
    }

    /// Share of the improvement over the untrained loss that `x` keeps, 0 to 1.
    pub fn kept(&self, x: f64) -> f64 {
        let loss = |y: f64| y.exp() - self.floor;
        let most = self.untrained - loss(self.least);
        ((self.untrained - loss(self.at(x))) / most).clamp(0.0, 1.0)
    }

    /// Log of the best loss against the untrained one.
    pub fn depth(&self) -> f64 {
        (self.untrained + self.floor).ln() - self.least
    }
}

fn seeds_of(table: &Table, untrained: f64) -> Vec<(f64, Vec<f64>)> {
    let of = |i: usize| (0..table.seeds()).map(|s| log_loss(table.last(i, s), untrained)).collect();
    table.rates().enumerate().map(|(i, x)| (x, of(i))).collect()
}

fn means(logs: &[(f64, Vec<f64>)], broken: f64) -> Vec<Mean> {
    let variance = |l: &[f64]| {
        let mean = l.iter().sum::<f64>() / l.len() as f64;
        l.iter().map(|y| (y - mean).powi(2)).sum::<f64>() / (l.len() - 1).max(1) as f64
    };
    // Pooled over the neighbours where there are few seeds; a seed that broke is no noise.
    let calm: Vec<Vec<f64>> = logs.iter().map(|(_, l)| l.iter().copied().filter(|y| *y < broken).collect()).collect();
    (0..logs.len())
        .map(|i| {
            let near = calm[i.saturating_sub(2)..(i + 3).min(logs.len())].iter().filter(|l| l.len() > 1);
            let (sum, count) = near.fold((0.0, 0.0), |(s, n), l| {
                let free = l.len() as f64 - 1.0;
                (s + variance(l) * free, n + free)
            });
            let sd = if count > 0.0 { (sum / count).sqrt().max(LEAST_SD) } else { LEAST_SD };
            let all = &logs[i].1;
            let mean = all.iter().sum::<f64>() / all.len() as f64;
            Mean { x: logs[i].0, mean, error: sd / (all.len() as f64).sqrt() }
        })
        .collect()
}

fn smoothed(means: &[Mean]) -> Vec<(f64, f64)> {
    let at = |here: &Mean| {
        let (mut sum, mut weights) = (0.0, 0.0);
        for there in means {
            let apart = (here.x - there.x) / WIDTH;
            let differ = (here.mean - there.mean) / (ALIKE * here.error.hypot(there.error));
            // Precise means weigh more.
            let weight = (-0.5 * (apart * apart + differ * differ)).exp() / there.error.powi(2);
            sum += weight * there.mean;
            weights += weight;
        }
        (here.x, sum / weights)
    };
    means.iter().map(at).collect()
}

/// The vertex of the parabola through the lowest point and its neighbours, and the lowest value.
fn lowest(points: &[(f64, f64)]) -> (f64, f64) {
    let Some(at) = (0..points.len()).min_by(|a, b| points[*a].1.total_cmp(&points[*b].1)) else {
        return (f64::NAN, f64::NAN);
    };
    let (x, least) = points[at];
    if at == 0 || at + 1 == points.len() {
        return (x, least);
    }
    let (before, after) = (points[at - 1].1, points[at + 1].1);
    let bend = before - 2.0 * least + after;
    let shift = if bend > 0.0 { 0.5 * (before - after) / bend } else { 0.0 };
    (x + shift.clamp(-0.5, 0.5) * (points[at + 1].0 - x), least)
}

/// The answer to rates that were all tried: the lowest of the kernel-smoothed log losses, for 6
/// rates and more; the lowest one below that. `tried` holds `log2 lr` and the log loss.
pub fn smoothed_best(tried: &[(f64, f64)]) -> f64 {
    let mut xs: Vec<f64> = tried.iter().map(|t| t.0).collect();
    xs.sort_by(f64::total_cmp);
    let mut gaps: Vec<f64> = xs.windows(2).map(|w| w[1] - w[0]).collect();
    gaps.sort_by(f64::total_cmp);
    let width = gaps.get(gaps.len() / 2).map_or(1.0, |g| (0.5 * g).max(1.0));
    let value = |x: f64, y: f64| {
        if tried.len() < 6 {
            return y;
        }
        let (sum, weights) = tried.iter().fold((0.0, 0.0), |(s, n), (at, y)| {
            let weight = (-0.5 * ((x - at) / width).powi(2)).exp();
            (s + weight * y, n + weight)
        });
        sum / weights
    };
    let best = tried.iter().map(|&(x, y)| (value(x, y), x)).min_by(|a, b| a.0.total_cmp(&b.0));
    best.map_or(f64::NAN, |b| b.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mean(x: f64, mean: f64) -> Mean {
        Mean { x, mean, error: 0.03 }
    }

    #[test]
    fn the_best_rate_beside_a_cliff_is_not_smoothed_away_from_it() {
        let slope: Vec<Mean> =
            (0..12).map(|i| mean(f64::from(i) / 2.0, if i < 9 { -0.2 * f64::from(i) } else { 1.0 })).collect();
        let (best, _) = lowest(&smoothed(&slope));
        assert!((3.5..=4.3).contains(&best), "{best}");
    }

    #[test]
    fn one_lucky_rate_does_not_win_against_a_whole_valley() {
        let tried: Vec<(f64, f64)> = (0..20).map(f64::from).map(|x| (x, (x - 6.0).powi(2) / 20.0)).collect();
        let lucky: Vec<(f64, f64)> = tried.iter().map(|&(x, y)| (x, if x == 12.0 { -0.2 } else { y })).collect();
        assert_eq!(smoothed_best(&lucky), 6.0);
        assert_eq!(smoothed_best(&lucky[12..14]), 12.0);
    }
}
