//! [`Events`]: an event file, read as it arrives.
//!
//! Scalars are read from `simple_value` and from tensors of one element; hyperparameters and texts
//! become facts. A record that is cut at the end of the file is left out. A wrong checksum of a
//! length ends the reading; what was read before stays.

use super::event::EventReader;
use crate::crc;
use crate::gather::Gather;
use stepsize::{Error, Result};

/// Length and its checksum.
const HEADER: usize = 12;
/// Most bytes of a record with scalars; longer ones are graphs or pictures.
const LARGEST: usize = 16 << 20;

/// Whether a file begins with a record whose checksum is right, as an event file does.
pub(crate) fn is_event_file(head: &[u8]) -> bool {
    length_of(head).is_some_and(|found| found.is_ok())
}

/// Reads an event file.
#[derive(Debug, Clone, Default)]
pub(crate) struct Events {
    held: Vec<u8>,
    /// Bytes of a long record that are still to be skipped.
    skip: u64,
    at: u64,
    records: u64,
    reader: EventReader,
    broken: bool,
}

impl Events {
    pub fn push(&mut self, bytes: &[u8], gather: &mut Gather) -> Result<()> {
        let mut rest = self.pass(bytes);
        if !self.held.is_empty() {
            let mut held = std::mem::take(&mut self.held);
            loop {
                // Only the record that was begun is completed by a copy.
                let need = need(&held).saturating_sub(held.len()).min(rest.len());
                let (head, tail) = rest.split_at(need);
                held.extend_from_slice(head);
                rest = tail;
                let taken = self.records(&held, gather)?;
                held.drain(..taken.min(held.len()));
                rest = self.pass(rest);
                if held.is_empty() || need == 0 {
                    break;
                }
            }
            self.held = held;
            if !self.held.is_empty() {
                self.held.extend_from_slice(rest);
                return Ok(());
            }
        }
        let taken = self.records(rest, gather)?;
        self.held.extend_from_slice(rest.get(taken.min(rest.len())..).unwrap_or(&[]));
        Ok(())
    }

    /// Skips the rest of a long record.
    fn pass<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let skipped = usize::try_from(self.skip).unwrap_or(usize::MAX).min(bytes.len());
        self.skip -= skipped as u64;
        self.at += skipped as u64;
        bytes.get(skipped..).unwrap_or(&[])
    }

    pub fn finish(&mut self, gather: &mut Gather) -> Result<()> {
        if !self.held.is_empty() || self.skip > 0 {
            gather.note(format!("the last record is cut at byte {}; it is left out", self.at));
        }
        match self.records {
            0 if self.at > 0 || !self.held.is_empty() => Err(Error::invalid("no whole record in this event file")),
            _ => Ok(()),
        }
    }

    /// Reads the records that are whole; returns their bytes. After a broken length everything is
    /// skipped.
    fn records(&mut self, bytes: &[u8], gather: &mut Gather) -> Result<usize> {
        let mut at = 0;
        if self.broken {
            return Ok(bytes.len());
        }
        while let Some(length) = length_of(bytes.get(at..).unwrap_or(&[])) {
            let Ok(length) = length else {
                self.broken = true;
                self.held = Vec::new();
                let place = self.at;
                if self.records == 0 {
                    return Err(Error::invalid(format!(
                        "byte {place} does not begin a record of an event file: its checksum is wrong"
                    )));
                }
                gather.note(format!(
                    "the checksum of the record at byte {place} is wrong; what comes after it is not read"
                ));
                return Ok(bytes.len());
            };
            if length > LARGEST {
                self.skip = length as u64 + 4;
                self.at += HEADER as u64;
                self.records += 1;
                let rest = bytes.get(at + HEADER..).unwrap_or(&[]);
                at += HEADER + rest.len() - self.pass(rest).len();
                continue;
            }
            let body = at + HEADER;
            let Some(sum) = bytes.get(body + length..body + length + 4) else { break };
            let data = bytes.get(body..body + length).unwrap_or(&[]);
            if sum == crc::masked(data).to_le_bytes() {
                gather.place += 1;
                self.reader.event(data, gather);
            } else {
                gather.note(format!("the checksum of the record at byte {} is wrong; it is left out", self.at));
            }
            self.records += 1;
            at = body + length + 4;
            self.at += (HEADER + length + 4) as u64;
        }
        Ok(at)
    }
}

/// The length of the data of the record that begins here: `None` if it is not known yet, an error
/// if its checksum is wrong.
fn length_of(bytes: &[u8]) -> Option<Result<usize, ()>> {
    let head = bytes.get(..HEADER)?;
    let (length, sum) = head.split_at(8);
    let fits = sum == crc::masked(length).to_le_bytes();
    let length = length.iter().rev().fold(0u64, |n, b| n << 8 | u64::from(*b));
    Some(usize::try_from(length).ok().filter(|l| fits && *l < usize::MAX / 2).ok_or(()))
}

/// Bytes needed to read the record that begins here, or its header.
fn need(bytes: &[u8]) -> usize {
    match length_of(bytes) {
        Some(Ok(length)) if length <= LARGEST => HEADER + length + 4,
        _ => HEADER,
    }
}
