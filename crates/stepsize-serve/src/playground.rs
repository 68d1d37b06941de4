//! The playground: schedules, a small network and the range test, computed by the core behind the
//! page.

use crate::Shared;
use axum::Router;

/// The pages and requests of the playground.
pub fn router() -> Router<Shared> {
    Router::new()
}
