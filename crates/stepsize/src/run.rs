//! One training run: the [`Engine`](engine::Engine) that takes the steps, and the loop that sets
//! its rate.

pub mod engine;
#[cfg(feature = "testing")]
pub mod quadratic;
pub mod train;
