//! Defaults of the searches, for every front end: the command line reads them here, Python through
//! `stepsize._native`.
//!
//! Where the front ends differ, both values are here side by side with the reason.

use crate::probe::RangeTestRule;
use crate::probe::suggest::Suggestion;

/// Evaluations of a trial between its start and its end: enough for a curve, and few enough that a
/// short probe does not spend its time evaluating.
pub const EVALUATIONS: u64 = 8;
/// Most full runs that `race` spends. On jobs of 19 families one run instead keeps little more of
/// the improvement in the mean (95.8 instead of 95.5 %), for 1.7 times the price (bench/README.md).
pub const RACE_BUDGET: f64 = 0.625;
/// The same for runs so short that [`RACE_PROBES`] first trials cost more: with less, every fourth
/// search of such runs ended before it had seen both sides of the best rate.
pub const RACE_BUDGET_SHORT: f64 = 1.0;
/// First trials that the default budget pays for.
pub const RACE_PROBES: u64 = 8;
/// Rate at which `race` starts, in octaves (log2): 0.0093, the rate of its lattice below 0.01.
pub const RACE_START: f64 = -6.75;
/// Rate at which a search by openings starts. It has no lattice, so it takes the round number.
pub const OPENING_START: f64 = 0.01;
/// Most full runs that a search by openings spends: twelve openings of a sixteenth.
pub const OPENING_BUDGET: f64 = 0.75;
/// The first short runs of a search have one part in so many of the full run.
pub const FIRST_SHARE: u64 = 16;
/// The same of a run of [`LONG_RUN`] steps or more where little may be spent.
pub const FIRST_SHARE_OF_LONG: u64 = 64;
/// Steps from which on a sixty-fourth of a run is long enough to learn from.
pub const LONG_RUN: u64 = 5000;
/// Rates of a sweep, of a grid and of random draws where none are given.
pub const SPAN: (f64, f64) = (1e-4, 1.0);
/// Rates of a comparison where none are given: from badly low to badly high.
pub const COMPARE_SPAN: (f64, f64) = (1e-4, 10.0);
/// Rates a decade of a comparison: it asks how bad a bad rate is, not which is best.
pub const COMPARE_PER_DECADE: u32 = 1;
/// Seeds of each way and rate of a comparison.
pub const COMPARE_SEEDS: u64 = 3;
/// Rates a decade of `find --probe sweep`, and of the grid that a report compares costs with:
/// factors of 1.8, the coarsest grid on which a person still sees the shape of the landscape.
pub const GRID_PER_DECADE: u32 = 4;
/// Rates of `find --probe random`: a common budget for a search by hand.
pub const RANDOM_DRAWS: u32 = 10;
/// Rates a decade of `stepsize sweep`: coarser than in Python, and with [`SWEEP_SEEDS`] seeds each,
/// so that it can give an interval. Both sweeps are 4 runs a decade.
pub const SWEEP_PER_DECADE: u32 = 2;
/// Seeds of each rate of `stepsize sweep`: the fewest that show the noise between seeds.
pub const SWEEP_SEEDS: u32 = 2;
/// Rates a decade of Python's `sensitivity` and `Study`.
pub const SENSITIVITY_PER_DECADE: u32 = 4;
/// Seeds of each rate there: a second one needs a `reseed` of the caller.
pub const SENSITIVITY_SEEDS: u32 = 1;
/// Steps of a range test: as many as the common tools take.
pub const RANGE_TEST_STEPS: u64 = 100;
/// Rates of a range test that is read by our own rules.
pub const RANGE_TEST_SPAN: (f64, f64) = (1e-6, 10.0);

/// Rates of a range test by its rule: another tool's rule has that tool's own default span.
pub fn range_test_span(rule: RangeTestRule) -> (f64, f64) {
    match rule {
        RangeTestRule::Peer(Suggestion::Lightning) => (1e-8, 1.0),
        RangeTestRule::Peer(_) => (1e-7, 10.0),
        RangeTestRule::Edge | RangeTestRule::Accuracy => RANGE_TEST_SPAN,
    }
}
