//! [`Dense`]: stretches of rows that hold a plain number in every column, read by two threads.
//!
//! Nearly all bytes of a large table are such rows, and parsing their numbers takes longer than
//! gathering them. So a second thread parses the later rows of a block while this one parses and
//! gathers the earlier ones. The result is the same as reading row by row.

use crate::gather::Gather;
use crate::number;
use memchr::memchr;

/// Bytes of a block below which a thread is not worth its start.
const BLOCK: usize = 1 << 17;
/// Share of a block that the gathering thread parses, in percent, so that both threads take about
/// as long.
const SHARE: usize = 42;

/// Buffers of the two threads.
#[derive(Debug, Clone, Default)]
pub(super) struct Dense {
    early: Vec<f64>,
    late: Vec<f64>,
}

impl Dense {
    /// Reads rows with a number in each of `columns` from whole lines, up to the first row that is
    /// not one. Returns the bytes taken.
    pub fn read(&mut self, lines: &[u8], delimiter: u8, columns: &[usize], gather: &mut Gather) -> usize {
        let middle = lines.len() / 100 * SHARE;
        let cut = match memchr(b'\n', lines.get(middle..).unwrap_or(&[])) {
            Some(end) if lines.len() >= BLOCK => middle + end + 1,
            _ => lines.len(),
        };
        let (first, second) = lines.split_at(cut);
        let Self { early, late } = self;
        let mut gather_rows = |numbers: &[f64]| {
            for row in numbers.chunks_exact(columns.len()) {
                gather.place += 1;
                columns.iter().zip(row).for_each(|(column, value)| gather.put(*column, *value));
                gather.end_row();
            }
        };
        std::thread::scope(|scope| {
            let later = Some(second).filter(|s| !s.is_empty()).and_then(|second| {
                let read = move || (rows(second, delimiter, columns.len(), late), late);
                std::thread::Builder::new().spawn_scoped(scope, read).ok()
            });
            let taken = rows(first, delimiter, columns.len(), early);
            gather_rows(early);
            match later.and_then(|thread| thread.join().ok()) {
                Some((more, late)) if taken == first.len() => {
                    gather_rows(late);
                    taken + more
                }
                _ => taken,
            }
        })
    }
}

/// Parses the rows at the start of `lines` into `out`; returns the bytes taken.
fn rows(lines: &[u8], delimiter: u8, columns: usize, out: &mut Vec<f64>) -> usize {
    out.clear();
    let mut taken = 0;
    loop {
        let mut at = taken;
        for column in 1..=columns {
            let rest = lines.get(at..).unwrap_or(&[]);
            let end = if column == columns { b'\n' } else { delimiter };
            match number::prefix(rest) {
                Some((value, length)) if rest.get(length) == Some(&end) => {
                    out.push(value);
                    at += length + 1;
                }
                _ => {
                    out.truncate(out.len() + 1 - column);
                    return taken;
                }
            }
        }
        taken = at;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_up_to_the_first_that_holds_anything_else() {
        for (text, columns, numbers, taken) in [
            ("1,2\n3,4.5\n", 2, vec![1.0, 2.0, 3.0, 4.5], 10),
            ("1,2\n3,\n5,6\n", 2, vec![1.0, 2.0], 4),
            ("1,2\n3, 4\n", 2, vec![1.0, 2.0], 4),
            ("1,2,3\n", 2, vec![], 0),
            ("1\n", 2, vec![], 0),
            ("1,2\r\n", 2, vec![], 0),
            ("1,2\n3,4", 2, vec![1.0, 2.0], 4),
            ("", 1, vec![], 0),
        ] {
            let mut out = vec![7.0];
            assert_eq!((rows(text.as_bytes(), b',', columns, &mut out), out), (taken, numbers), "{text}");
        }
    }
}
