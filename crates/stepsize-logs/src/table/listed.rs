//! [`Listed`]: rows of a table whose cells are lists, each row a run with its curves:
//! `lr,train_losses` with `0.1,"[2.3, 1.1, 0.7]"`. They are read as the records of a document.

use super::header::Header;
use super::{RawCell, cells_of};
use crate::document::Document;
use crate::gather::Gather;
use crate::names::metric_direction;
use crate::run::Run;
use memchr::memchr_iter;

/// Fewest commas of a list that is a curve.
const COMMAS: usize = 2;

/// Rows with lists.
#[derive(Debug, Clone, Default)]
pub(super) struct Listed {
    document: Option<Box<Document>>,
}

/// Whether a cell is a list of the readings of a metric.
pub(super) fn is_curve(column: &str, text: &[u8]) -> bool {
    text.first() == Some(&b'[')
        && text.last() == Some(&b']')
        && memchr_iter(b',', text).count() >= COMMAS
        && metric_direction(column).is_some()
}

impl Listed {
    /// Takes the row at the beginning of `lines`.
    pub fn row(&mut self, lines: &[u8], header: &Header, last: bool, gather: &mut Gather) {
        let begins = if self.document.is_some() { "," } else { "[" };
        let mut record = format!("{begins}{{");
        let mut column = 0;
        cells_of(lines, header.delimiter, last, |cell| {
            let name = header.columns.get(column).map(|c| c.name.as_str()).filter(|n| !n.is_empty());
            column += 1;
            let Some(name) = name else { return };
            let value = match cell {
                RawCell::Number(value) => value.to_string(),
                RawCell::Text(text) if is_curve(name, text) => String::from_utf8_lossy(text).into_owned(),
                // Of other lists nothing is known but that they are there.
                RawCell::Text(text) if text.first() == Some(&b'[') => return,
                RawCell::Text(text) => quoted(&String::from_utf8_lossy(text)),
                RawCell::Empty => return,
            };
            let mark = if record.ends_with('{') { "" } else { "," };
            record += &format!("{mark}{}:{value}", quoted(name));
        });
        record.push('}');
        self.push(&record, gather);
    }

    /// The table ends.
    pub fn finish(&mut self, gather: &mut Gather) {
        if self.document.is_some() {
            self.push("]", gather);
        }
        if let Some(document) = &mut self.document {
            // What could not be read was noted when it came.
            _ = document.finish(gather);
        }
    }

    /// The runs so far, if there are rows with lists.
    pub fn runs(&self, gather: &Gather) -> Option<Vec<Run>> {
        self.document.as_ref().map(|document| document.runs(gather))
    }

    fn push(&mut self, text: &str, gather: &mut Gather) {
        let document = self.document.get_or_insert_default();
        let place = gather.place;
        if let Err(error) = document.push(text.as_bytes(), gather) {
            gather.note(error.to_string());
        }
        gather.place = place;
    }
}

/// A text in quotes.
fn quoted(text: &str) -> String {
    let clean: String = text.chars().filter(|c| !matches!(c, '"' | '\\') && !c.is_control()).collect();
    format!("\"{clean}\"")
}
