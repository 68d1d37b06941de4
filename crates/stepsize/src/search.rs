//! The search for a rate: probes, rules that end trials early, the fitted landscape, comparisons,
//! transfer, and the report.

mod cholesky;
pub mod compare;
pub mod landscape;
pub mod probe;
pub mod pruner;
pub mod report;
pub mod transfer;
