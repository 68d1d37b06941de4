//! [`TableReader`]: CSV and its kin, one row a record: commas, tabs, semicolons, bars or spaces;
//! quoted or not.
//!
//! The first row names the columns unless it is all numbers; then they are `column_1`, `column_2`
//! ... An empty cell is not a reading. Words in a cell are the label of a run, a fact, or the name
//! of the number beside them (`metric,value`). Charts exported from W&B have one column for each
//! run (`name - loss`), which gives one run for each.

mod dense;
mod header;
mod listed;

pub(crate) use header::{delimiter, is_commented_header, metric_of_file};

use crate::carry::Carry;
use crate::gather::Gather;
use crate::number;
use crate::run::Run;
use crate::text::LONGEST;
use dense::Dense;
use header::{ColumnRole, Header};
use listed::Listed;
use memchr::{memchr, memchr3};

/// Reads a table.
#[derive(Debug, Clone, Default)]
pub(crate) struct TableReader {
    carry: Carry,
    header: Option<Header>,
    dense: Dense,
    /// Whether it is a monitor file: a row an episode, with its reward, length and end.
    monitor: bool,
    /// Rows whose cells are lists.
    listed: Listed,
    /// What parts the cells of a table on its side.
    turned: Option<u8>,
    /// Name of the file, for a column that is only called `Value`.
    name: String,
    last: bool,
}

/// One cell.
enum RawCell<'a> {
    Number(f64),
    Text(&'a [u8]),
    Empty,
}

impl TableReader {
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    pub fn push(&mut self, bytes: &[u8], gather: &mut Gather) {
        let mut rest = bytes;
        if !self.carry.is_empty() {
            let row = memchr(b'\n', bytes).map_or(bytes.len(), |end| end + 1);
            self.feed(bytes.get(..row).unwrap_or(&[]), gather);
            rest = bytes.get(row..).unwrap_or(&[]);
        }
        if self.carry.is_empty()
            && let Some(header) = self.header.as_ref().filter(|h| !h.plain.is_empty())
        {
            let taken = self.dense.read(rest, header.delimiter, &header.plain, gather);
            rest = rest.get(taken..).unwrap_or(&[]);
        }
        self.feed(rest, gather);
    }

    /// The runs so far.
    pub fn runs(&self, gather: &Gather, last: bool) -> Vec<Run> {
        self.listed.runs(gather).unwrap_or_else(|| gather.runs(last))
    }

    fn feed(&mut self, bytes: &[u8], gather: &mut Gather) {
        let mut carry = std::mem::take(&mut self.carry);
        carry.feed(bytes, |lines| self.row(lines, gather));
        self.carry = carry;
    }

    pub fn finish(&mut self, gather: &mut Gather) {
        let mut carry = std::mem::take(&mut self.carry);
        self.last = true;
        carry.finish(|lines| self.row(lines, gather));
        self.listed.finish(gather);
        if carry.dropped > 0 {
            gather.note(format!("{} rows of more than {LONGEST} bytes are left out", carry.dropped));
        }
    }

    /// Reads the first row; returns its length.
    fn row(&mut self, lines: &[u8], gather: &mut Gather) -> Option<usize> {
        if let Some(b'\n' | b'\r') = lines.first() {
            gather.place += u64::from(lines.first() == Some(&b'\n'));
            return Some(1);
        }
        let taken = match self.header.take() {
            None if let Some(delimiter) = self.turned => self.listed.curve(lines, delimiter, self.last, gather),
            Some(mut header) => {
                let taken = self.record(lines, &mut header, gather);
                self.header = Some(header);
                taken
            }
            None => self.head(lines, gather),
        };
        if taken.is_none_or(|length| length > LONGEST) {
            gather.drop_row();
        }
        taken
    }

    /// Reads the row that names the columns, or a remark before it.
    fn head(&mut self, lines: &[u8], gather: &mut Gather) -> Option<usize> {
        let line = line_of(lines);
        let text = String::from_utf8_lossy(line);
        if text.starts_with('#') && !is_commented_header(&text) || text.trim().is_empty() {
            gather.place += 1;
            // Monitor files of reinforcement learning: `#{"t_start": ...}` above `r,l,t`.
            self.monitor |= text.starts_with("#{\"t_start\"");
            return Some(line.len() + 1);
        }
        let delimiter = delimiter(&text);
        let (mut cells, numbers, mut length) = words_of(lines, delimiter, self.last)?;
        if length <= LONGEST && numbers == 0 && delimiter != b'|' && spans(&cells) {
            // The names of groups of columns, above those of the columns.
            let below = lines.get(length..).unwrap_or(&[]);
            if memchr(b'\n', below).is_none() && !self.last {
                return None;
            }
            if let Some((names, 0, more)) =
                words_of(below, delimiter, self.last).filter(|(n, ..)| n.len() == cells.len())
            {
                header::join_groups(&mut cells, &names);
                length += more;
                gather.place += 1;
            }
        }
        if length > LONGEST {
            return Some(length);
        }
        gather.place += 1;
        if listed::is_turned(&cells) {
            self.turned = Some(delimiter);
            return self.listed.curve(lines, delimiter, self.last, gather);
        }
        let hash = delimiter == b' ' && cells.first().is_some_and(|c| c == "#");
        if hash {
            cells.remove(0);
        }
        let named = cells.iter().filter(|c| !c.is_empty()).count() > numbers;
        let mut header = Header::new(delimiter, &cells, named, &self.name, gather);
        if self.monitor {
            header.of_episodes(gather);
        }
        let length = if named { Some(length) } else { self.record(lines, &mut header, gather) };
        self.header = Some(header);
        length
    }

    #[inline]
    fn record(&mut self, lines: &[u8], header: &mut Header, gather: &mut Gather) -> Option<usize> {
        let delimiter = header.delimiter;
        let mut column = 0;
        let mut odd = false;
        let mut lists = false;
        header.begin();
        // flair writes two tabs after one of its columns.
        let tabs = || memchr::memchr_iter(b'\t', line_of(lines)).count();
        let mut spare = delimiter == b'\t' && header.columns.len() > 2 && tabs() == header.columns.len();
        let length = cells_of(lines, delimiter, self.last, |cell| {
            if spare && matches!(cell, RawCell::Empty) {
                spare = false;
                return;
            }
            if let Some(place) = header.columns.get(column) {
                match cell {
                    RawCell::Number(value) => match place.meaning {
                        ColumnRole::Plain(name) => gather.put(name, value),
                        ColumnRole::Lengths(name) => gather.put(name, header.lengthen(value)),
                        _ => odd |= header.number(column, value),
                    },
                    RawCell::Empty => {
                        if let ColumnRole::Plain(name) = place.meaning {
                            gather.empty(name);
                        }
                    }
                    RawCell::Text(text) => {
                        lists |= listed::is_curve(&place.name, text);
                        odd |= header.text(column, text, gather);
                    }
                }
            }
            column += 1;
        })?;
        if length > LONGEST {
            return Some(length);
        }
        gather.place += 1;
        if lists {
            gather.drop_row();
            self.listed.row(lines, header, self.last, gather);
            return Some(length);
        }
        if self.last && column < header.columns.len() {
            gather.note(format!("the last line is cut: {column} of {} cells; it is left out", header.columns.len()));
            gather.drop_row();
            return Some(length);
        }
        if odd {
            header.finish_row(line_of(lines), gather);
        }
        match header.split {
            Some(split) => gather.end_row_of(split.prefix()),
            None => gather.end_row(),
        }
        Some(length)
    }
}

/// The cells of a row as words, how many of them are numbers, and its length.
fn words_of(lines: &[u8], delimiter: u8, last: bool) -> Option<(Vec<String>, usize, usize)> {
    let mut cells: Vec<String> = Vec::new();
    let mut numbers = 0;
    let length = cells_of(lines, delimiter, last, |cell| {
        cells.push(match cell {
            RawCell::Number(value) => {
                numbers += 1;
                value.to_string()
            }
            RawCell::Text(text) => String::from_utf8_lossy(text).trim().to_owned(),
            RawCell::Empty => String::new(),
        });
    })?;
    Some((cells, numbers, length))
}

/// Whether a header leaves cells out between its names.
fn spans(cells: &[String]) -> bool {
    let named = cells.iter().filter(|c| !c.is_empty()).count();
    cells.windows(2).skip(1).any(|w| matches!(w, [a, b] if !a.is_empty() && b.is_empty())) && named > 1
}

/// The first line without its line end.
fn line_of(lines: &[u8]) -> &[u8] {
    let end = memchr::memchr2(b'\n', b'\r', lines).unwrap_or(lines.len());
    lines.get(..end).unwrap_or(lines)
}

/// Hands over the cells of the first row. Returns its length, or `None` if a quoted cell does not
/// end in `lines`.
#[inline]
fn cells_of<'a>(lines: &'a [u8], delimiter: u8, last: bool, mut cell: impl FnMut(RawCell<'a>)) -> Option<usize> {
    let spaced = delimiter == b' ';
    let mut at = 0;
    loop {
        while matches!(lines.get(at), Some(b' ')) || matches!(lines.get(at), Some(b'\t')) && delimiter != b'\t' {
            at += 1;
        }
        let Some(&byte) = lines.get(at) else { return Some(at) };
        let rest = lines.get(at..).unwrap_or(&[]);
        if byte == delimiter {
            cell(RawCell::Empty);
            at += 1;
            continue;
        }
        if matches!(byte, b'\n' | b'\r') {
            // A row that ends after a delimiter has an empty last cell.
            if !spaced {
                cell(RawCell::Empty);
            }
            return Some(at + 1);
        }
        let (found, length) = match byte {
            b'"' => quoted(rest, delimiter, last)?,
            _ => match number::prefix(rest) {
                Some((value, length)) if ends(rest, length, delimiter) => (RawCell::Number(value), length),
                _ => plain(rest, delimiter),
            },
        };
        cell(found);
        at += length;
        while matches!(lines.get(at), Some(b' ')) {
            at += 1;
        }
        match lines.get(at) {
            Some(b'\n' | b'\r') => return Some(at + 1),
            Some(byte) if *byte == delimiter => at += 1,
            Some(_) => {}
            None => return Some(at),
        }
    }
}

/// Whether a number that ends at `at` is a whole cell.
#[inline]
fn ends(rest: &[u8], at: usize, delimiter: u8) -> bool {
    match rest.get(at) {
        None | Some(b'\n' | b'\r') => true,
        Some(b) if *b == delimiter => true,
        Some(b' ') => {
            let next = rest.iter().skip(at).find(|b| **b != b' ');
            delimiter == b' ' || next.is_none_or(|b| *b == delimiter || matches!(b, b'\n' | b'\r'))
        }
        _ => false,
    }
}

/// A cell of words, or of a number in another form: `45.2%`, `0,5` between semicolons,
/// `np.float64(0.5)`.
fn plain(rest: &[u8], delimiter: u8) -> (RawCell<'_>, usize) {
    let end = memchr3(delimiter, b'\n', b'\r', rest).unwrap_or(rest.len());
    let text = rest.get(..end).unwrap_or(rest).trim_ascii_end();
    (dressed(text, delimiter), end)
}

fn dressed(text: &[u8], delimiter: u8) -> RawCell<'_> {
    if text.is_empty() {
        return RawCell::Empty;
    }
    let bare = text.strip_suffix(b"%").unwrap_or(text);
    let percent = number::whole(bare);
    let comma = || {
        let comma = memchr(b',', bare).filter(|_| delimiter != b',' && bare.len() < 40)?;
        let mut copy = bare.to_vec();
        *copy.get_mut(comma)? = b'.';
        number::whole(&copy)
    };
    percent.or_else(|| number::printed(text)).or_else(comma).map_or(RawCell::Text(text), RawCell::Number)
}

/// A quoted cell. A quote that does not close within [`LONGEST`] bytes or before the end of the
/// file ends with its line.
fn quoted(rest: &[u8], delimiter: u8, last: bool) -> Option<(RawCell<'_>, usize)> {
    let mut at = 1;
    loop {
        let open = rest.get(at..LONGEST.min(rest.len())).unwrap_or(&[]);
        match memchr(b'"', open) {
            Some(end) if rest.get(at + end + 1) == Some(&b'"') => at += end + 2,
            Some(end) => {
                at += end + 1;
                break;
            }
            None if rest.len() > LONGEST || last => return Some(plain(rest, delimiter)),
            None => return None,
        }
    }
    let inside = rest.get(1..at - 1).unwrap_or(&[]).trim_ascii();
    // What follows a closing quote, up to the delimiter, is dropped.
    let more = memchr3(delimiter, b'\n', b'\r', rest.get(at..).unwrap_or(&[])).unwrap_or(0);
    let cell = match number::whole(inside) {
        Some(value) => RawCell::Number(value),
        None => dressed(inside, delimiter),
    };
    Some((cell, at + more))
}
