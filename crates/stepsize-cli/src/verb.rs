//! One verb a file.

pub mod completions;
pub mod find;
pub mod man;
pub mod range_test;
pub mod report;
pub mod schedule;
pub mod sweep;
pub mod train;
