//! What training logs say: bytes in, points out, incrementally.
//!
//! Pure: this crate opens no file and knows no clock. [`text`] reads single log lines.

mod literal;
pub mod text;
