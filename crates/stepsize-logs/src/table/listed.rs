//! [`Listed`]: rows of a table whose cells are lists, each row a run with its curves:
//! `lr,train_losses` with `0.1,"[2.3, 1.1, 0.7]"`, and tables that stand on their side, each row a
//! curve: `epoch,1,2,3`, `loss,2.3,1.1,0.7`. They are read as the records of a document.

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
    /// Whether each row is a curve of the only record.
    turned: bool,
}

/// Numbers in a row from which on the columns may be the counts of a table on its side.
const TURNED: usize = 4;

/// Whether the first row of a table has a name and then counts: `epoch,1,2,3,4`, `,0,1,2,3`.
pub(super) fn is_turned(cells: &[String]) -> bool {
    let Some((name, counts)) = cells.split_first() else { return false };
    let counts: Option<Vec<u32>> = counts.iter().map(|c| c.trim().parse().ok()).collect();
    name.trim().parse::<f64>().is_err()
        && counts.is_some_and(|c| c.len() >= TURNED && c.windows(2).all(|w| w[1] == w[0] + 1))
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

    /// Takes the row at the beginning of `lines` of a table on its side; returns its length.
    pub fn curve(&mut self, lines: &[u8], delimiter: u8, last: bool, gather: &mut Gather) -> Option<usize> {
        let (mut name, mut values) = (None, Vec::new());
        let length = cells_of(lines, delimiter, last, |cell| match (cell, &name) {
            (RawCell::Text(text), None) => name = Some(quoted(&String::from_utf8_lossy(text))),
            (_, None) => name = Some(quoted("")),
            (RawCell::Number(value), Some(_)) => values.push(value.to_string()),
            (_, Some(_)) => values.push("null".to_owned()),
        })?;
        if let Some(name) = name.filter(|name| name.len() > 2) {
            let begins = if self.document.is_some() { "," } else { "{" };
            self.turned = true;
            self.push(&format!("{begins}{name}:[{}]", values.join(",")), gather);
        }
        Some(length)
    }

    /// The table ends.
    pub fn finish(&mut self, gather: &mut Gather) {
        if self.document.is_some() {
            self.push(if self.turned { "}" } else { "]" }, gather);
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
