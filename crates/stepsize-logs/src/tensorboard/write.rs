//! Event files as bytes: [`begin`] makes a new one, [`push_scalars`] adds to it.

use crate::crc;
use crate::protobuf;

/// The version that TensorBoard's own writer puts into the first record of a file.
const VERSION: &[u8] = b"brain.Event:2";

/// The beginning of a file, written `wall_time` seconds after 1970.
///
/// ```
/// use stepsize_logs::{Format, LogReader, tensorboard};
/// let mut file = tensorboard::begin(1.7e9);
/// tensorboard::push_scalars(&mut file, 1.7e9, 100, &[("loss/train", 0.5), ("lr", 0.0)]);
/// let mut reader = LogReader::new(Format::TensorBoard, "events.out.tfevents.0");
/// reader.push(&file)?;
/// let runs = reader.finish()?;
/// assert_eq!(runs[0].series("lr").unwrap().points, [(100.0, 0.0)]);
/// # Ok::<(), stepsize::Error>(())
/// ```
pub fn begin(wall_time: f64) -> Vec<u8> {
    let mut event = Vec::new();
    put_wall_time(&mut event, wall_time);
    // Event.file_version
    protobuf::put_bytes(&mut event, 3, VERSION);
    let mut file = Vec::new();
    put_record(&mut file, &event);
    file
}

/// Adds the scalars of one step to a file: tags with values, which single precision holds.
pub fn push_scalars(file: &mut Vec<u8>, wall_time: f64, step: u64, scalars: &[(&str, f64)]) {
    let mut summary = Vec::new();
    for (tag, value) in scalars {
        let mut scalar = Vec::new();
        // Summary.Value.tag and Summary.Value.simple_value. A value of zero is written too: readers
        // take a value that is left out for a summary of another kind.
        protobuf::put_bytes(&mut scalar, 1, tag.as_bytes());
        protobuf::put_fixed32(&mut scalar, 2, (*value as f32).to_bits());
        protobuf::put_bytes(&mut summary, 1, &scalar);
    }
    let mut event = Vec::new();
    put_wall_time(&mut event, wall_time);
    // Event.step, which is 0 where it is left out, and Event.summary.
    if step > 0 {
        protobuf::put_varint_field(&mut event, 2, step);
    }
    protobuf::put_bytes(&mut event, 5, &summary);
    put_record(file, &event);
}

/// Event.wall_time, which is 0 where it is left out.
fn put_wall_time(event: &mut Vec<u8>, seconds: f64) {
    if seconds != 0.0 {
        protobuf::put_fixed64(event, 1, seconds.to_bits());
    }
}

fn put_record(file: &mut Vec<u8>, data: &[u8]) {
    let length = (data.len() as u64).to_le_bytes();
    file.extend(length);
    file.extend(crc::masked(&length).to_le_bytes());
    file.extend(data);
    file.extend(crc::masked(data).to_le_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Format, LogReader};
    use proptest::prelude::*;

    #[test]
    fn the_beginning_is_that_of_other_writers() {
        // As TensorBoard's own writer begins every file: length 24, its checksum, the second (here
        // 1.0), the version.
        let file = begin(1.0);
        assert_eq!(&file[..12], &[24, 0, 0, 0, 0, 0, 0, 0, 0xa3, 0x7f, 0x4b, 0x22]);
        assert_eq!(&file[12..21], &[9, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f]);
        assert_eq!(&file[21..36], b"\x1a\x0dbrain.Event:2");
    }

    /// The bytes that `prost` 0.14 and `crc32c` 0.6 made of the same scalars.
    #[test]
    fn scalars_have_the_bytes_of_a_protobuf_library() {
        let mut file = Vec::new();
        push_scalars(&mut file, 1.5, 300, &[("loss/train", 0.25), ("lr", 1e-3)]);
        let event = b"\x09\0\0\0\0\0\0\xf8\x3f\x10\xac\x02\x2a\x1e\
            \x0a\x11\x0a\x0aloss/train\x15\0\0\x80\x3e\x0a\x09\x0a\x02lr\x15\x6f\x12\x83\x3a";
        assert_eq!(file.get(12..file.len() - 4), Some(&event[..]));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(values in prop::collection::vec(any::<f32>(), 1..40)) {
            let mut file = begin(0.0);
            for (step, value) in values.iter().enumerate() {
                push_scalars(&mut file, 1e9, step as u64, &[("loss", f64::from(*value))]);
            }
            let mut reader = LogReader::new(Format::TensorBoard, "events.out.tfevents.0");
            reader.push(&file).unwrap();
            let runs = reader.finish().unwrap();
            let points = &runs[0].series("loss").unwrap().points;
            prop_assert_eq!(points.len(), values.len());
            for (step, (value, point)) in values.iter().zip(points).enumerate() {
                prop_assert!(point.0 == step as f64, "{:?}", point);
                prop_assert!(point.1 == f64::from(*value) || value.is_nan() && point.1.is_nan(), "{value} {point:?}");
            }
        }
    }
}
