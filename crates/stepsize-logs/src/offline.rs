//! [`OfflineRun`]: the `.wandb` file of one run as bytes, as the client of Weights & Biases writes
//! it offline; `wandb sync` sends it.
//!
//! Blocks of 32 KiB as in a LevelDB log, with protobuf records in them. Field numbers are those of
//! `wandb_internal.proto` (wandb 0.31).

use crate::crc;
use crate::protobuf::{put_bytes, put_varint_field};

/// Bytes of a block; a fragment does not cross its end.
const BLOCK: usize = 32 << 10;
/// Checksum, length and kind of a fragment.
const HEADER: usize = 7;
/// The beginning of a file: the name, a magic number and a version.
const BEGIN: &[u8] = b":W&B\xe1\xbe\x00";

/// What is known of a run when it begins.
#[derive(Debug, Clone)]
pub struct OfflineHead<'a> {
    /// Its id, which the name of its folder ends with.
    pub id: &'a str,
    /// The project.
    pub project: &'a str,
    /// The group of runs that it belongs to.
    pub group: &'a str,
    /// Its name for people.
    pub name: &'a str,
    /// Seconds since 1970.
    pub begun: f64,
    /// Its configuration: names, and values as JSON.
    pub config: &'a [(&'a str, String)],
}

/// A file that grows.
///
/// ```
/// use stepsize_logs::{Format, LogReader, OfflineHead, OfflineRun};
/// let config = [("lr", "0.1".to_owned())];
/// let head = OfflineHead { id: "a1", project: "p", group: "", name: "one", begun: 1.7e9, config:
/// &config }; let mut run = OfflineRun::new(&head);
/// run.history(1.7e9 + 1.0, 100, &[("loss", 0.5)]);
/// run.exit(0);
/// let mut reader = LogReader::new(Format::Wandb, "run-a1.wandb");
/// reader.push(&run.take())?;
/// let runs = reader.finish()?;
/// assert_eq!(runs[0].series("loss").unwrap().points, [(100.0, 0.5)]);
/// # Ok::<(), stepsize::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct OfflineRun {
    pending: Vec<u8>,
    /// Bytes of the file so far.
    written: usize,
    records: u64,
    /// Seconds since 1970.
    begun: f64,
}

impl OfflineRun {
    /// A file with its head.
    pub fn new(head: &OfflineHead<'_>) -> Self {
        let mut run = Self { pending: BEGIN.to_vec(), written: BEGIN.len(), records: 0, begun: head.begun };
        let mut config = Vec::new();
        for (name, value) in head.config {
            put_bytes(&mut config, 1, &item(1, name, value));
        }
        let mut record = Vec::new();
        // RunRecord: run_id, project, config, run_group, display_name, start_time.
        for (number, text) in [(1, head.id), (3, head.project)] {
            put_bytes(&mut record, number, text.as_bytes());
        }
        put_bytes(&mut record, 4, &config);
        for (number, text) in [(6, head.group), (8, head.name)] {
            if !text.is_empty() {
                put_bytes(&mut record, number, text.as_bytes());
            }
        }
        let mut time = Vec::new();
        put_varint_field(&mut time, 1, head.begun.max(0.0) as u64);
        put_varint_field(&mut time, 2, (head.begun.max(0.0).fract() * 1e9) as u64);
        put_bytes(&mut record, 17, &time);
        run.record(17, &record);
        run
    }

    /// Adds a row: names with values, `at` seconds after 1970.
    pub fn history(&mut self, at: f64, step: u64, values: &[(&str, f64)]) {
        let mut record = Vec::new();
        for (name, value) in values {
            put_bytes(&mut record, 1, &item(2, name, &number(*value)));
        }
        let own = [("_step", step.to_string()), ("_timestamp", number(at)), ("_runtime", number(at - self.begun))];
        for (name, value) in own {
            put_bytes(&mut record, 1, &item(2, name, &value));
        }
        let mut counter = Vec::new();
        put_varint_field(&mut counter, 1, step);
        put_bytes(&mut record, 2, &counter);
        self.record(2, &record);
    }

    /// Sets values of the summary: names, and values as JSON.
    pub fn summary(&mut self, values: &[(&str, String)]) {
        let mut record = Vec::new();
        for (name, value) in values {
            put_bytes(&mut record, 1, &item(1, name, value));
        }
        self.record(3, &record);
    }

    /// Ends the run.
    pub fn exit(&mut self, code: u8) {
        let mut record = Vec::new();
        if code > 0 {
            put_varint_field(&mut record, 1, u64::from(code));
        }
        self.record(18, &record);
    }

    /// The bytes that were added since the last call.
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.pending)
    }

    fn record(&mut self, kind: u64, data: &[u8]) {
        self.records += 1;
        let mut record = Vec::new();
        put_varint_field(&mut record, 1, self.records);
        put_bytes(&mut record, kind, data);
        self.put(&record);
    }

    /// Cuts a record into fragments. Kinds: 1 whole, 2 first, 3 middle, 4 last.
    fn put(&mut self, record: &[u8]) {
        let mut rest = record;
        let mut first = true;
        loop {
            let left = BLOCK - self.written % BLOCK;
            if left < HEADER {
                self.push(&vec![0; left]);
                continue;
            }
            let (head, tail) = rest.split_at(rest.len().min(left - HEADER));
            let kind: u8 = match (first, tail.is_empty()) {
                (true, true) => 1,
                (true, false) => 2,
                (false, false) => 3,
                (false, true) => 4,
            };
            let mut summed = vec![kind];
            summed.extend_from_slice(head);
            self.push(&crc::ieee(&summed).to_le_bytes());
            self.push(&u16::try_from(head.len()).unwrap_or(u16::MAX).to_le_bytes());
            self.push(&summed);
            (rest, first) = (tail, false);
            if rest.is_empty() {
                return;
            }
        }
    }

    fn push(&mut self, bytes: &[u8]) {
        self.pending.extend_from_slice(bytes);
        self.written += bytes.len();
    }
}

/// A number as W&B writes it: one that JSON cannot hold is a text.
fn number(value: f64) -> String {
    match value {
        v if v.is_nan() => "\"NaN\"".to_owned(),
        v if v.is_infinite() => if v > 0.0 { "\"Infinity\"" } else { "\"-Infinity\"" }.to_owned(),
        v => format!("{v:?}"),
    }
}

/// A name, in field `key` (2 where a name may be nested), and its value as JSON.
fn item(key: u64, name: &str, value: &str) -> Vec<u8> {
    let mut item = Vec::new();
    put_bytes(&mut item, key, name.as_bytes());
    put_bytes(&mut item, 16, value.as_bytes());
    item
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Format, LogReader};

    #[test]
    fn a_long_run_is_read_back_across_blocks() {
        let long = "x".repeat(3 * BLOCK);
        let config = [("lr", "0.25".to_owned()), ("note", format!("\"{long}\""))];
        let head = OfflineHead { id: "r", project: "p", group: "g", name: "a run", begun: 1e9, config: &config };
        let mut run = OfflineRun::new(&head);
        let mut file = run.take();
        for step in 0..5000 {
            run.history(1e9, step, &[("loss", 1.0 / (1.0 + step as f64)), ("lr", 0.25)]);
            file.extend(run.take());
        }
        run.exit(0);
        file.extend(run.take());
        let mut reader = LogReader::new(Format::Wandb, "run-r.wandb");
        file.chunks(1000).for_each(|piece| reader.push(piece).unwrap());
        let runs = reader.finish().unwrap();
        let loss = runs[0].series("loss").unwrap();
        assert_eq!((loss.seen, loss.points[0], runs[0].name.as_str()), (5000, (0.0, 1.0), "a run"));
    }
}
