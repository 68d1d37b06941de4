//! TensorBoard event files: one directory a trial, so that each is a run with its own curves.
//!
//! A file is a sequence of TFRecords (length, its checksum, an `Event` message, its checksum; checksums are CRC-32C,
//! masked); the messages hold the fields of `tensorflow/core/util/event.proto` and `summary.proto` that scalars need.
//! Scalars are single precision there: the other formats hold the exact numbers.

use crate::done::Fault;
use prost::Message;
use std::collections::BTreeMap;
use std::path::Path;
use stepsize::{Event, TrialId};
use stepsize_draw::number::rate;

/// `Event` of TensorFlow.
#[derive(Message)]
struct Record {
    #[prost(double, tag = "1")]
    wall_time: f64,
    #[prost(int64, tag = "2")]
    step: i64,
    #[prost(string, optional, tag = "3")]
    file_version: Option<String>,
    #[prost(message, optional, tag = "5")]
    summary: Option<Scalars>,
}

/// `Summary`.
#[derive(Message)]
struct Scalars {
    #[prost(message, repeated, tag = "1")]
    value: Vec<Scalar>,
}

/// `Summary.Value`.
#[derive(Message)]
struct Scalar {
    #[prost(string, tag = "1")]
    tag: String,
    #[prost(float, tag = "2")]
    simple_value: f32,
}

/// The files of a study under `directory`: one a trial.
pub fn write(directory: &Path, events: &[(f64, Event)]) -> Result<usize, Fault> {
    let mut files: BTreeMap<TrialId, (String, Vec<u8>)> = BTreeMap::new();
    for (at, event) in events {
        match event {
            // Of a trial that was run again, the last attempt counts.
            Event::Started { trial, spec } => {
                let name = format!("{trial}-lr{}-{}steps", rate(spec.lr.get()), spec.steps);
                files.insert(*trial, (name, head(*at)));
            }
            Event::Step { trial, step, lr, loss } => {
                let scalars = [("loss/train", *loss), ("lr", *lr)];
                add(&mut files, *trial, *at, *step, &scalars);
            }
            Event::Eval { trial, step, val_loss, score, .. } => {
                let score = score.map(|s| ("score/validation", s));
                let scalars: Vec<_> = [("loss/validation", *val_loss)].into_iter().chain(score).collect();
                add(&mut files, *trial, *at, *step, &scalars);
            }
            Event::Acted { trial, step, factor, .. } => add(&mut files, *trial, *at, *step, &[("controller", *factor)]),
            Event::Study { .. } | Event::Submitted { .. } | Event::Ended { .. } | Event::Concluded { .. } => {}
        }
    }
    for (name, bytes) in files.values() {
        let run = directory.join(name);
        std::fs::create_dir_all(&run).map_err(|e| Fault::failure(format!("cannot make {}: {e}", run.display())))?;
        crate::answer::write(&run.join("events.out.tfevents.0.stepsize"), bytes)?;
    }
    Ok(files.len())
}

/// How a file begins, at second `at` of the epoch.
pub fn head(at: f64) -> Vec<u8> {
    let mut file = Vec::new();
    push(&mut file, &Record { wall_time: at, step: 0, file_version: Some("brain.Event:2".to_owned()), summary: None });
    file
}

fn add(
    files: &mut BTreeMap<TrialId, (String, Vec<u8>)>,
    trial: TrialId,
    wall_time: f64,
    step: u64,
    scalars: &[(&str, f64)],
) {
    if let Some((_, file)) = files.get_mut(&trial) {
        push_scalars(file, wall_time, step, scalars);
    }
}

/// Adds scalars of one step to a file.
pub fn push_scalars(file: &mut Vec<u8>, wall_time: f64, step: u64, scalars: &[(&str, f64)]) {
    let scalar = |(tag, value): &(&str, f64)| Scalar { tag: (*tag).to_owned(), simple_value: *value as f32 };
    let summary = Some(Scalars { value: scalars.iter().map(scalar).collect() });
    push(file, &Record { wall_time, step: step.cast_signed(), file_version: None, summary });
}

fn push(file: &mut Vec<u8>, record: &Record) {
    let data = record.encode_to_vec();
    let length = (data.len() as u64).to_le_bytes();
    file.extend(length);
    file.extend(masked(&length));
    file.extend(&data);
    file.extend(masked(&data));
}

fn masked(bytes: &[u8]) -> [u8; 4] {
    crc32c::crc32c(bytes).rotate_right(15).wrapping_add(0xa282_ead8).to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_head_is_that_of_other_writers() {
        // As TensorBoard's own writer begins every file: length 24, its checksum, the second (here 1.0), the version.
        let file = head(1.0);
        assert_eq!(&file[..12], &[24, 0, 0, 0, 0, 0, 0, 0, 0xa3, 0x7f, 0x4b, 0x22]);
        assert_eq!(&file[12..21], &[9, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f]);
        assert_eq!(&file[21..36], b"\x1a\x0dbrain.Event:2");
    }
}
