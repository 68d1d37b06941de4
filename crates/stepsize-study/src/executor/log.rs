//! What a running command logs, read as it comes: which metric ([`meaning`]), at which step ([`column`]), as which events
//! ([`meter`]), from which bytes ([`source`]).

pub(super) mod column;
pub(super) mod meaning;
pub(super) mod meter;
pub(super) mod source;
pub(super) mod tail;

pub use meaning::LogOptions;
