//! [`Wandb`]: W&B's `.wandb` files: blocks of 32 KiB as in a LevelDB log, with protobuf records in
//! them.
//!
//! History is read with its steps, configuration becomes facts, printed output is ignored. Field
//! numbers are those of `wandb_internal.proto`. A fragment with a wrong checksum is left out.

use crate::crc;
use crate::gather::Gather;
use crate::literal::{self, Value};
use crate::protobuf::{Field, Fields};
use stepsize::{Error, Result};

/// Bytes of a block; a fragment does not cross its end.
const BLOCK: usize = 32 << 10;
/// Checksum, length and kind of a fragment.
const HEADER: usize = 7;
/// Most bytes of a record with readings; a longer one is cut.
const LARGEST: usize = 16 << 20;

/// Reads a file.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wandb {
    block: Vec<u8>,
    begun: bool,
    record: Vec<u8>,
    records: u64,
}

impl Wandb {
    pub fn push(&mut self, bytes: &[u8], gather: &mut Gather) -> Result<()> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let take = (BLOCK - self.block.len()).min(rest.len());
            let (head, tail) = rest.split_at(take);
            self.block.extend_from_slice(head);
            rest = tail;
            if self.block.len() == BLOCK {
                let block = std::mem::take(&mut self.block);
                self.block(&block, gather)?;
            }
        }
        Ok(())
    }

    pub fn finish(&mut self, gather: &mut Gather) -> Result<()> {
        let block = std::mem::take(&mut self.block);
        self.block(&block, gather)?;
        if !self.record.is_empty() {
            gather.note("the last record is cut; it is left out".to_owned());
        }
        Ok(())
    }

    /// Reads the block that is not full yet into `gather`, without taking it.
    pub fn block_so_far(&self, gather: &mut Gather) {
        let mut copy = self.clone();
        let block = std::mem::take(&mut copy.block);
        let _ = copy.block(&block, gather);
    }

    fn block(&mut self, block: &[u8], gather: &mut Gather) -> Result<()> {
        let mut rest = block;
        if !self.begun && !block.is_empty() {
            self.begun = true;
            rest = block
                .strip_prefix(b":W&B")
                .and_then(|b| b.get(3..))
                .ok_or_else(|| Error::invalid("byte 0 does not begin a W&B file, which begins with `:W&B`"))?;
        }
        while let Some((header, after)) = rest.split_at_checked(HEADER) {
            let [c0, c1, c2, c3, l0, l1, kind] = *header else { break };
            let length = usize::from(u16::from_le_bytes([l0, l1]));
            let Some((data, after)) = after.split_at_checked(length) else {
                gather.note("a fragment is cut; it is left out".to_owned());
                break;
            };
            rest = after;
            if kind == 0 && length == 0 {
                continue;
            }
            let mut summed = vec![kind];
            summed.extend_from_slice(data);
            if crc::ieee(&summed) != u32::from_le_bytes([c0, c1, c2, c3]) {
                gather
                    .note(format!("the checksum of a fragment after record {} is wrong; it is left out", self.records));
                self.record.clear();
                continue;
            }
            // Whole, first, middle and last fragments of a record.
            if matches!(kind, 1 | 2) {
                self.record.clear();
            }
            if self.record.len() + data.len() <= LARGEST {
                self.record.extend_from_slice(data);
            }
            if matches!(kind, 1 | 4) {
                let record = std::mem::take(&mut self.record);
                self.records += 1;
                gather.place += 1;
                record_of(&record, gather);
            }
        }
        Ok(())
    }
}

fn record_of(record: &[u8], gather: &mut Gather) {
    for (number, field) in Fields(record) {
        match number {
            // history
            2 => history(field.bytes(), gather),
            // config
            5 => items(field.bytes(), gather),
            // run: its configuration is field 4, its name field 8
            17 => {
                for (number, field) in Fields(field.bytes()) {
                    match number {
                        4 => items(field.bytes(), gather),
                        8 if !field.text().is_empty() => gather.select(field.text()),
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
}

/// A name and a JSON value.
fn item(data: &[u8]) -> (String, &str) {
    let (mut name, mut value) = (String::new(), "");
    for (number, field) in Fields(data) {
        match number {
            1 => field.text().clone_into(&mut name),
            2 => {
                if !name.is_empty() {
                    name.push('/');
                }
                name.push_str(field.text());
            }
            16 => value = field.text(),
            _ => {}
        }
    }
    (name, value)
}

fn items(config: &[u8], gather: &mut Gather) {
    for (number, field) in Fields(config) {
        if number != 1 {
            continue;
        }
        let (name, value) = item(field.bytes());
        match literal::parse(value) {
            Some((Value::Number(value), _)) => gather.fact(&name, &value.to_string()),
            Some((Value::Text(text), _)) => gather.fact(&name, &text),
            Some((value @ Value::Map(_), _)) if !name.starts_with('_') => {
                let mut found = Vec::new();
                value.flatten(&name, &mut found);
                found.iter().for_each(|(name, value)| gather.fact(name, &value.to_string()));
            }
            _ => {}
        }
    }
}

fn history(data: &[u8], gather: &mut Gather) {
    let mut step = None;
    for (number, field) in Fields(data) {
        match number {
            1 => {
                let (name, value) = item(field.bytes());
                match literal::parse(value).map(|(v, _)| v) {
                    Some(value @ Value::Map(_)) => {
                        let mut found = Vec::new();
                        value.flatten(&name, &mut found);
                        found.iter().for_each(|(name, value)| gather.number(name, *value));
                    }
                    Some(value) => {
                        if let Some(value) = value.number() {
                            gather.number(&name, value);
                        }
                    }
                    None => {}
                }
            }
            2 => {
                step = Fields(field.bytes()).find_map(|(n, f)| match (n, f) {
                    (1, Field::Varint(v)) => Some(v),
                    _ => None,
                });
            }
            _ => {}
        }
    }
    if let Some(step) = step {
        gather.number("_step", step as f64);
    }
    gather.end_row();
}
