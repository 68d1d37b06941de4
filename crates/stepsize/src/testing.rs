//! The contracts of [`Engine`](crate::Engine) and [`Controller`](crate::Controller) as named
//! checks, for the tests of every implementation. Feature `testing`.
//!
//! Each check is a function that takes a way to make fresh objects and panics, as `assert!` does,
//! when the rule in its documentation is broken. Put the feature among the dev-dependencies and
//! call the checks from a test:
//!
//! ```
//! use stepsize::Engine;
//! use stepsize::quadratic::NoisyQuadratic;
//! use stepsize::testing::engine;
//!
//! let fresh = |seed| Box::new(NoisyQuadratic::new().with_reading_noise(0.1, seed)) as Box<dyn Engine>;
//! engine::the_same_seed_gives_the_same_losses(&fresh);
//! engine::a_restored_engine_continues_bit_for_bit(&fresh);
//! ```

#![allow(clippy::unwrap_used, clippy::panic, reason = "a check fails by panicking, as a test does")]

pub mod controller;
pub mod engine;
