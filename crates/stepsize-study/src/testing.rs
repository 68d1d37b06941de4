//! The contracts of [`Executor`](crate::Executor) and [`Store`](crate::Store) as named checks, for
//! the tests of every implementation. Feature `testing`.
//!
//! Each check takes a way to make fresh objects and panics, as `assert!` does, when the rule in its
//! documentation is broken. What only one kind of executor promises (recovery after a kill, exit
//! codes) is not here.
//!
//! ```
//! use stepsize_study::testing::store;
//! use stepsize_study::{Memory, Store};
//!
//! store::events_come_back_in_order(&mut || Box::new(Memory::new()) as Box<dyn Store>);
//! ```

#![allow(clippy::unwrap_used, clippy::panic, reason = "a check fails by panicking, as a test does")]

pub mod executor;
pub mod store;

use stepsize::{Lr, Schedule, TrialSpec};

/// A trial at a constant rate.
fn spec(lr: f64, steps: u64) -> TrialSpec {
    TrialSpec { lr: Lr::new(lr).unwrap(), schedule: Schedule::constant(), steps, seed: 3, stop_on_divergence: true }
}
