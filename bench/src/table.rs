//! Searches of full runs, read off the truth table: what they would have answered had they seen one seed of it.

use crate::truth::{SEEDS, Truth, interpolate};

/// Draws a method is averaged over.
const DRAWS: u64 = 100;

/// A search whose every trial is a full run.
pub struct FullRuns {
    pub name: &'static str,
    /// Full runs it costs.
    pub runs: f64,
    rates: fn(draw: u64) -> Vec<f64>,
}

pub const METHODS: &[FullRuns] = &[
    FullRuns { name: "grid, 25 full runs (floor)", runs: 25.0, rates: |_| log_spaced(1e-5, 10.0, 25) },
    FullRuns { name: "random, 10 full runs", runs: 10.0, rates: |draw| random(draw, 10) },
    FullRuns { name: "random, 5 full runs", runs: 5.0, rates: |draw| random(draw, 5) },
    FullRuns { name: "decades 1 .. 1e-5", runs: 6.0, rates: |_| log_spaced(1e-5, 1.0, 6) },
    FullRuns { name: "0.1, 0.01, 0.001", runs: 3.0, rates: |_| log_spaced(1e-3, 0.1, 3) },
    FullRuns { name: "1e-3 always", runs: 0.0, rates: |_| vec![1e-3] },
];

fn log_spaced(low: f64, high: f64, count: u32) -> Vec<f64> {
    (0..count).map(|i| low * (high / low).powf(f64::from(i) / f64::from(count - 1))).collect()
}

/// Log-uniform over the table, from a counter-based hash (splitmix64), so that a draw is the same everywhere.
fn random(draw: u64, count: u64) -> Vec<f64> {
    (0..count)
        .map(|i| {
            let mut z = (draw * 1000 + i).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^= z >> 31;
            1e-5 * 1e6f64.powf(z as f64 / u64::MAX as f64)
        })
        .collect()
}

impl FullRuns {
    /// Regrets of the method on one job, a draw and a seed each.
    pub fn regrets(&self, truth: &Truth) -> Vec<f64> {
        (0..SEEDS.len())
            .flat_map(|seed| {
                let table = truth.of_seed(seed);
                (0..DRAWS).map(move |draw| {
                    let rates = (self.rates)(draw);
                    let seen = |lr: &f64| interpolate(&table, *lr);
                    rates.into_iter().min_by(|a, b| seen(a).total_cmp(&seen(b))).unwrap_or(f64::NAN)
                })
            })
            .map(|lr| truth.regret(lr))
            .collect()
    }
}
