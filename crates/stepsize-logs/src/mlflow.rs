//! [`MetricFile`]: one metric of MLflow's file store. A line has a time in milliseconds, a value
//! and a step.

use crate::carry::Carry;
use crate::gather::Gather;
use crate::number;
use memchr::memchr2;

/// Reads a metric file; the file's name is the metric's.
#[derive(Debug, Clone)]
pub(crate) struct MetricFile {
    name: String,
    carry: Carry,
    last: bool,
}

impl MetricFile {
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), carry: Carry::default(), last: false }
    }

    pub fn push(&mut self, bytes: &[u8], gather: &mut Gather) {
        let mut carry = std::mem::take(&mut self.carry);
        carry.feed(bytes, |lines| self.line(lines, gather));
        self.carry = carry;
    }

    pub fn finish(&mut self, gather: &mut Gather) {
        let mut carry = std::mem::take(&mut self.carry);
        self.last = true;
        carry.finish(|lines| self.line(lines, gather));
    }

    fn line(&mut self, lines: &[u8], gather: &mut Gather) -> Option<usize> {
        let end = memchr2(b'\n', b'\r', lines)?;
        let line = lines.get(..end).unwrap_or(&[]);
        let mut words = line.split(|b| *b == b' ').map(number::whole);
        gather.place += 1;
        if let (Some(Some(_)), Some(Some(value))) = (words.next(), words.next()) {
            // Old files have no steps; a cut last line has lost it.
            match words.next() {
                Some(Some(step)) => gather.number("step", step),
                None if self.last => {
                    gather.note("the last line is cut; it is left out".to_owned());
                    return Some(end + 1);
                }
                _ => {}
            }
            gather.number(if self.name.is_empty() { "value" } else { &self.name }, value);
            gather.end_row();
        }
        Some(end + 1)
    }
}
