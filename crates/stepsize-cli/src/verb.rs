//! One verb a file.

pub mod compare;
pub mod completions;
pub mod demo;
pub mod diagnose;
pub mod doctor;
pub mod export;
pub mod find;
pub mod man;
pub mod playground;
pub mod range_test;
pub mod reference;
pub mod refine;
pub mod resume;
pub mod rm;
pub mod schedule;
pub mod serve;
pub mod show;
pub mod studies;
pub mod sweep;
pub mod train;
pub mod transfer;
