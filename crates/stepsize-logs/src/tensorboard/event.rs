//! [`EventReader`]: reads one event: step, scalars, texts and hyperparameters.
//!
//! Field numbers are those of TensorFlow's `event.proto`, `summary.proto`, `tensor.proto` and of
//! TensorBoard's `plugins/hparams/plugin_data.proto`.

use crate::gather::Gather;
use crate::literal::{self, Value};
use crate::protobuf::{Field, Fields};
use std::collections::HashMap;

/// Reads events.
#[derive(Debug, Clone, Default)]
pub(super) struct EventReader {
    /// Tags and their columns.
    tags: HashMap<Vec<u8>, Option<usize>>,
    step: Option<usize>,
}

impl EventReader {
    pub fn event(&mut self, data: &[u8], gather: &mut Gather) {
        let mut step = 0i64;
        let mut summary: &[u8] = &[];
        for (number, field) in Fields(data) {
            match (number, field) {
                (2, Field::Varint(value)) => step = value.cast_signed(),
                (5, Field::Bytes(bytes)) => summary = bytes,
                _ => {}
            }
        }
        for (number, value) in Fields(summary) {
            if number == 1 {
                self.value(value.bytes(), step, gather);
            }
        }
    }

    fn value(&mut self, data: &[u8], step: i64, gather: &mut Gather) {
        let (mut tag, mut scalar): (&[u8], _) = (&[], None);
        let (mut tensor, mut metadata): (&[u8], &[u8]) = (&[], &[]);
        for (number, field) in Fields(data) {
            match (number, field) {
                (1, Field::Bytes(bytes)) => tag = bytes,
                (2, Field::Fixed32(bits)) => scalar = Some(f64::from(f32::from_bits(bits))),
                (8, Field::Bytes(bytes)) => tensor = bytes,
                (9, Field::Bytes(bytes)) => metadata = bytes,
                _ => {}
            }
        }
        if !metadata.is_empty() {
            settings(metadata, gather);
        }
        match scalar.or_else(|| number_of(tensor)) {
            Some(value) => self.scalar(tag, step, value, gather),
            None if !tensor.is_empty() => text_of(tensor, &String::from_utf8_lossy(tag), gather),
            None => {}
        }
    }

    fn scalar(&mut self, tag: &[u8], step: i64, value: f64, gather: &mut Gather) {
        let column = match self.tags.get(tag) {
            Some(column) => *column,
            None => {
                let column = gather.column(&String::from_utf8_lossy(tag));
                self.tags.insert(tag.to_vec(), column);
                column
            }
        };
        if self.step.is_none() {
            self.step = gather.column("step");
        }
        if let (Some(column), Some(counter)) = (column, self.step)
            && column != counter
        {
            gather.put(counter, step as f64);
            gather.put(column, value);
            gather.end_row();
        }
    }
}

/// The number in a tensor of one element.
fn number_of(tensor: &[u8]) -> Option<f64> {
    let (mut kind, mut content, mut direct): (u64, &[u8], _) = (0, &[], None);
    for (number, field) in Fields(tensor) {
        let first = |size: usize| field.bytes().get(..size).filter(|_| field.bytes().len() == size);
        match (number, field) {
            (1, Field::Varint(value)) => kind = value,
            (4, Field::Bytes(bytes)) => content = bytes,
            // Repeated numbers, packed or not.
            (5, Field::Fixed32(bits)) => direct = Some(f64::from(f32::from_bits(bits))),
            (5, Field::Bytes(_)) => direct = first(4).map(float),
            (6, Field::Fixed64(bits)) => direct = Some(f64::from_bits(bits)),
            (6, Field::Bytes(_)) => direct = first(8).map(double),
            (7 | 10, Field::Varint(value)) => direct = Some(value.cast_signed() as f64),
            (7 | 10, Field::Bytes(bytes)) => {
                let mut all = Fields(bytes);
                direct = varint_alone(&mut all);
            }
            (13, Field::Varint(bits)) => direct = half(kind, bits),
            (13, Field::Bytes(bytes)) => direct = varint_alone(&mut Fields(bytes)).and_then(|v| half(kind, v as u64)),
            _ => {}
        }
    }
    // DT_FLOAT, DT_DOUBLE, DT_INT32, DT_INT64, DT_BFLOAT16, DT_HALF.
    let stored = match (kind, content.len()) {
        (1, 4) => Some(float(content)),
        (2, 8) => Some(double(content)),
        (3, 4) => Some(f64::from(i32::from_le_bytes(content.try_into().ok()?))),
        (9, 8) => Some(i64::from_le_bytes(content.try_into().ok()?) as f64),
        (14 | 19, 2) => half(kind, u64::from(u16::from_le_bytes(content.try_into().ok()?))),
        _ => None,
    };
    stored.or(direct)
}

fn varint_alone(all: &mut Fields<'_>) -> Option<f64> {
    let value = all.alone()?;
    Some(value.cast_signed() as f64)
}

fn float(bytes: &[u8]) -> f64 {
    bytes.try_into().map_or(f64::NAN, |b| f64::from(f32::from_le_bytes(b)))
}

fn double(bytes: &[u8]) -> f64 {
    bytes.try_into().map_or(f64::NAN, f64::from_le_bytes)
}

/// A number of 16 bits: bfloat16 (14) or IEEE half precision (19).
fn half(kind: u64, bits: u64) -> Option<f64> {
    let bits = u32::try_from(bits).ok().filter(|b| *b <= 0xFFFF)?;
    if kind == 14 {
        return Some(f64::from(f32::from_bits(bits << 16)));
    }
    let (exponent, fraction) = (bits >> 10 & 31, f64::from(bits & 1023));
    let value = match exponent {
        0 => fraction * 2f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1.0 + fraction / 1024.0) * 2f64.powi(exponent.cast_signed() - 15),
    };
    Some(if bits >> 15 == 1 { -value } else { value })
}

/// Takes a text: a JSON object of settings becomes facts, another text a fact under its tag.
fn text_of(tensor: &[u8], tag: &str, gather: &mut Gather) {
    for (number, field) in Fields(tensor) {
        let text = field.text();
        if number != 8 || text.is_empty() {
            continue;
        }
        let text = text.trim().trim_start_matches("```json").trim_matches('`').trim();
        match literal::parse(text) {
            Some((Value::Map(entries), _)) => {
                for (name, value) in entries {
                    match value {
                        Value::Number(value) => gather.fact(&name, &value.to_string()),
                        Value::Text(text) => gather.fact(&name, &text),
                        _ => {}
                    }
                }
            }
            _ => gather.fact(tag.strip_suffix("/text_summary").unwrap_or(tag), text),
        }
    }
}

/// Takes hyperparameters, as the plugin of that name stores them beside a summary.
fn settings(metadata: &[u8], gather: &mut Gather) {
    let inside = |data, number| Fields(data).find(|(n, _)| *n == number).map(|(_, f)| f.bytes());
    let Some(plugin) = inside(metadata, 1) else { return };
    if inside(plugin, 1) != Some(b"hparams") {
        return;
    }
    let Some(start) = inside(plugin, 2).and_then(|content| inside(content, 3)) else { return };
    for (number, entry) in Fields(start) {
        if number != 1 {
            continue;
        }
        let (mut name, mut value) = ("", None);
        for (number, field) in Fields(entry.bytes()) {
            match number {
                1 => name = field.text(),
                2 => value = Fields(field.bytes()).next(),
                _ => {}
            }
        }
        match value {
            Some((2, Field::Fixed64(bits))) => gather.fact(name, &f64::from_bits(bits).to_string()),
            Some((3, field)) => gather.fact(name, field.text()),
            Some((4, Field::Varint(value))) => gather.fact(name, if value == 0 { "false" } else { "true" }),
            _ => {}
        }
    }
}
