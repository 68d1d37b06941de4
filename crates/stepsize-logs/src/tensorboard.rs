//! TensorBoard's event files: reading and writing side by side.
//!
//! A file is a sequence of records: the length of the data (8 bytes, little-endian), its checksum,
//! an `Event` message of TensorFlow's `event.proto`, its checksum. Checksums are CRC-32C, masked as
//! TensorFlow's record files have them.

mod event;
pub(crate) mod read;
mod write;

pub use write::{begin, push_scalars};
