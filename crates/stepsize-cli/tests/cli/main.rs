//! The command line as its user meets it: the real binary, its output, its exit codes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod answers;
mod cases;
#[cfg(target_os = "linux")]
mod chaos;
mod commands;
mod compare;
#[cfg(target_os = "linux")]
mod day;
mod diagnose;
#[cfg(target_os = "linux")]
mod disk;
mod doctor;
mod evidence;
mod exits;
mod harness;
#[cfg(target_os = "linux")]
mod kills;
#[cfg(unix)]
mod manual;
mod pictures;
mod project;
#[cfg(unix)]
mod reference;
mod runs;
mod studies;
mod training;
mod version_1;
mod widths;
