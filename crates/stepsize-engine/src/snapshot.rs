//! The encoding of a run's state: a head with the name of the job, then numbers, little-endian.
//!
//! ```text
//! magic | length and text of the job | seed | position | time |
//! count and values of every array, the weights before the last move at the end |
//! count and bits of the optimizer's numbers
//! ```

use stepsize::{Error, Result, Snapshot};

/// Format and its version.
const MAGIC: &[u8; 8] = b"stepsz\x00\x03";

/// The contents of a snapshot beside the name of the job.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TrainState {
    pub(crate) seed: u64,
    pub(crate) position: u64,
    pub(crate) time: u64,
    pub(crate) arrays: Vec<Vec<f32>>,
    /// The optimizer's numbers in double precision.
    pub(crate) numbers: Vec<f64>,
    /// Weights before the last move; empty when gradients were never asked for.
    pub(crate) before: Vec<f32>,
}

impl TrainState {
    /// The bytes of this state of `job`.
    pub(crate) fn encode(&self, job: &str) -> Snapshot {
        let all = || self.arrays.iter().chain([&self.before]);
        let size: usize = all().map(|a| 8 + 4 * a.len()).sum();
        let mut bytes = Vec::with_capacity(64 + job.len() + size);
        bytes.extend_from_slice(MAGIC);
        bytes.extend((job.len() as u64).to_le_bytes());
        bytes.extend(job.as_bytes());
        for number in [self.seed, self.position, self.time] {
            bytes.extend(number.to_le_bytes());
        }
        for array in all() {
            bytes.extend((array.len() as u64).to_le_bytes());
            bytes.extend(array.iter().flat_map(|v| v.to_le_bytes()));
        }
        bytes.extend((self.numbers.len() as u64).to_le_bytes());
        bytes.extend(self.numbers.iter().flat_map(|v| v.to_le_bytes()));
        Snapshot(bytes)
    }

    /// Reads a snapshot of `job` with arrays of the given lengths and `count` numbers.
    pub(crate) fn decode(snapshot: &Snapshot, job: &str, lengths: &[usize], count: usize) -> Result<Self> {
        let mut reader = ByteReader { rest: &snapshot.0 };
        if reader.take(MAGIC.len())? != MAGIC {
            return Err(Error::state(
                "this is not a snapshot of the embedded engine, or was written by another version",
            ));
        }
        let length = reader.number()?;
        let saved = String::from_utf8_lossy(reader.take(usize::try_from(length).unwrap_or(usize::MAX))?).into_owned();
        if saved != job {
            return Err(Error::state(format!(
                "the snapshot is of another job: it holds '{saved}' and this engine trains '{job}'"
            )));
        }
        let (seed, position, time) = (reader.number()?, reader.number()?, reader.number()?);
        let mut arrays = Vec::with_capacity(lengths.len());
        for expected in lengths {
            let found = reader.number()?;
            if found != *expected as u64 {
                return Err(Error::state(format!(
                    "the snapshot holds an array of {found} numbers where {expected} belong"
                )));
            }
            arrays.push(reader.values(*expected)?);
        }
        let weights = reader.number()?;
        let before = reader.values(usize::try_from(weights).unwrap_or(usize::MAX))?;
        let found = reader.number()?;
        if found != count as u64 {
            return Err(Error::state(format!("the snapshot holds {found} numbers where {count} belong")));
        }
        let numbers = (0..count).map(|_| reader.number().map(f64::from_bits)).collect::<Result<_>>()?;
        if !reader.rest.is_empty() {
            return Err(Error::state(format!("the snapshot has {} bytes too many", reader.rest.len())));
        }
        Ok(Self { seed, position, time, arrays, before, numbers })
    }
}

struct ByteReader<'a> {
    rest: &'a [u8],
}

impl<'a> ByteReader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8]> {
        let Some((taken, rest)) = self.rest.split_at_checked(count) else {
            return Err(Error::state("the snapshot is cut short"));
        };
        self.rest = rest;
        Ok(taken)
    }

    fn values(&mut self, count: usize) -> Result<Vec<f32>> {
        let bytes = self.take(count.saturating_mul(4))?;
        Ok(bytes.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect())
    }

    fn number(&mut self) -> Result<u64> {
        Ok(self.take(8)?.iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte)))
    }
}
