//! The command line as its user meets it: the real binary, its output, its exit codes.

mod answers;
mod exits;
mod harness;
mod pictures;
mod runs;
