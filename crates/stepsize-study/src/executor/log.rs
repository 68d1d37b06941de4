//! The log of a running command, read as it comes: which names are the metric ([`meaning`]), the
//! readings of one name ([`column`]), what they change about the choice ([`revise`]), the events
//! they become ([`meter`]), the bytes they come from ([`source`]), the last lines ([`tail`]).

pub(super) mod column;
pub(super) mod meaning;
mod measure;
pub(super) mod meter;
mod revise;
pub(super) mod source;
pub(super) mod tail;

pub use meaning::LogOptions;
