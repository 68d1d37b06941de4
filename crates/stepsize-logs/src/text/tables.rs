//! [`Tables`]: lines of text, some of which are rows of a table whose names stood on an earlier
//! line.
//!
//! A header is a line of words with a known counter or metric among them. Its rows are lines with
//! as many cells, of which at least two are numbers and none has a name of its own. Bars and rules
//! between them are ignored.

use super::{Mark, Pair, plain, scan_pairs, ultralytics, unprefixed};
use crate::names::{DataSplit, is_counter, is_known, is_rate, metric_direction};
use crate::number;

/// Reads lines one after the other.
#[derive(Debug, Clone, Default)]
pub struct Tables {
    header: Vec<String>,
    /// Lines without a row since the header.
    idle: u32,
    /// The name at the end of the line before, whose number the width of a column has put on this
    /// one: Rich wraps what stands beside its bars.
    cut: Option<String>,
}

/// After this many other lines a header is forgotten.
const IDLE: u32 = 200;

impl Tables {
    /// A reader that has seen nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// The names and numbers of the next line: a row of a table, or as [`pairs`](super::pairs)
    /// reads it.
    pub fn pairs(&mut self, line: &str) -> Vec<(String, f64)> {
        self.read(unprefixed(&plain(line)))
            .into_iter()
            .filter(|p| !matches!(p.mark, Mark::Bar | Mark::Share))
            .map(|p| (p.name, p.value))
            .collect()
    }

    /// The same of a line that is [`plain`] and [`unprefixed`].
    pub(crate) fn read(&mut self, line: &str) -> Vec<Pair> {
        let joined =
            self.cut.take().filter(|_| line.starts_with(GAP)).map(|name| format!("{name} {}", line.trim_start()));
        let line = joined.as_deref().unwrap_or(line);
        self.cut = cut(line);
        let digits = line.bytes().any(|b| b.is_ascii_digit());
        if let Some(header) = ultralytics::header(line) {
            (self.header, self.idle) = (header, 0);
            return Vec::new();
        }
        if digits
            && !self.header.is_empty()
            && let Some((row, whole)) = ultralytics::row(line, &self.header)
        {
            return if whole { self.row(row).unwrap_or_default() } else { Vec::new() };
        }
        if digits && !self.header.is_empty() {
            if let Some(row) = self.row(line).or_else(|| self.row(without_bar(line)?)) {
                self.idle = 0;
                return row;
            }
            self.idle += 1;
            if self.idle > IDLE {
                self.header.clear();
            }
        }
        if let Some(pair) = aligned(line).filter(|_| digits) {
            return vec![pair];
        }
        let found = scan_pairs(line);
        if digits
            && found.len() < 2
            && let Some(row) = ultralytics::results(line)
        {
            return row;
        }
        let without = || header(without_bar(line).filter(|l| !l.contains(['{', '|']))?);
        if found.is_empty()
            && let Some(header) = header(line).or_else(without)
        {
            self.header = header;
            self.idle = 0;
        }
        found
    }

    fn row(&self, line: &str) -> Option<Vec<Pair>> {
        let cells = cells(line);
        if cells.len() != self.header.len() {
            return None;
        }
        let number = |cell: &str| cell.trim_end_matches('%').parse::<f64>().ok();
        let named =
            |cell: &&&str| number(cell).is_none() && !cell.is_empty() && !cell.bytes().any(|b| b.is_ascii_digit());
        let words = cells.iter().filter(named).count();
        // A column that says of which data the row is: `0 | 0.35 | eval`.
        let split = cells.iter().filter(named).find_map(|c| DataSplit::of_word(c)).filter(|split| split.is_held_out());
        let of_split = |name: &String| match split {
            Some(split) if metric_direction(name).is_some() => format!("{}_{name}", split.prefix()),
            _ => name.clone(),
        };
        let row: Vec<Pair> = self
            .header
            .iter()
            .zip(&cells)
            .filter(|(name, _)| !name.is_empty())
            .filter_map(|(name, cell)| {
                let (cell, whole) = match cell.split_once('/') {
                    Some((part, whole)) => (part, whole.parse().ok()),
                    None => (*cell, None),
                };
                Some(Pair { name: of_split(name), value: number(cell)?, whole, mark: Mark::Plain })
            })
            .collect();
        (row.len() >= 2 && words <= 1).then_some(row)
    }
}

/// A line `| name | value |` of a boxed table, with the number if there is one: a title has none.
pub(crate) fn boxed(line: &str) -> Option<(String, Option<f64>)> {
    let trimmed = line.trim();
    let bar = ['|', '│', '┃'].into_iter().find(|b| trimmed.starts_with(*b) && trimmed.ends_with(*b))?;
    let mut cells = trimmed.trim_matches(bar).split(['|', '│', '┃']).map(str::trim);
    let (name, value) = (cells.next()?, cells.next()?);
    let fits = cells.next().is_none() && name.starts_with(|c: char| c.is_alphabetic() || c == '_') && name.len() <= 80;
    let number = number::told(value.trim_end_matches('%').as_bytes());
    (fits && (number.is_some() || value.is_empty())).then(|| (name.replace(' ', "_"), number))
}

/// The name of a metric and its colon, where a line ends with them.
fn cut(line: &str) -> Option<String> {
    let name = line.trim_end().strip_suffix(':')?.rsplit(' ').next()?;
    is_known(name).then(|| format!("{name}:"))
}

/// Blanks between the words and the number of a line of a report.
const GAP: &str = "   ";

/// A line of a report, `Mean absolute error        0.0254`: its name is all its words, not the
/// last.
fn aligned(line: &str) -> Option<Pair> {
    let (words, value) = line.trim().split_once(GAP)?;
    let value = value.trim().trim_end_matches('%').trim_end();
    let named = words.split(' ').all(|w| !w.is_empty() && w.chars().all(|c| c.is_alphabetic() || c == '-'));
    let (name, value) = (words.replace(' ', "_").to_lowercase(), value.parse().ok()?);
    (named && words.contains(' ')).then_some(Pair { name, value, whole: None, mark: Mark::Plain })
}

/// What stands after a bar of progress in brackets, as in `[ 33%    ]     1     0.416`.
fn without_bar(line: &str) -> Option<&str> {
    let (bar, rest) = line.trim_start().strip_prefix('[')?.split_once(']')?;
    let drawn = |c: char| c.is_ascii_digit() || " %.-=#>*".contains(c);
    (bar.chars().all(drawn) && rest.contains("  ")).then_some(rest)
}

/// The names on a line that is a header.
fn header(line: &str) -> Option<Vec<String>> {
    let mut cells = cells(line);
    // Names of two words, in columns at least two spaces apart.
    if !line.contains(['|', ',', '\t']) && line.contains("  ") {
        cells = line.trim().split("  ").map(str::trim).filter(|c| !c.is_empty()).take(65).collect();
    }
    // spaCy
    if let ["E", "#", rest @ ..] = cells.as_slice() {
        cells = ["epoch", "step"].into_iter().chain(rest.iter().copied()).collect();
    }
    // spaCy 2 counts passes, and ends the names of its columns with `%` or a point.
    let spacy = matches!(cells.as_slice(), ["Itn" | "Itn.", ..]);
    if let Some(first) = cells.first_mut().filter(|_| spacy) {
        *first = "epoch";
    }
    // Vowpal Wabbit, the second of two lines
    let vowpal = line.split_whitespace().take(4).eq(["loss", "last", "counter", "weight"]);
    if vowpal {
        let own = ["average_loss", "loss_since_last", "step"];
        cells = own.into_iter().chain(line.split_whitespace().skip(3)).collect();
    }
    let word = |c: &&str| !c.is_empty() && c.starts_with(|c: char| c.is_alphabetic() || c == '_') && c.len() <= 48;
    // Two counters in front say enough.
    let counted = vowpal || spacy || cells.len() > 3 && cells.iter().take(2).all(|c| is_counter(c));
    let lossless = !cells.iter().any(|c| c.to_ascii_lowercase().contains("loss"));
    // Marks or wide gaps between the cells and nothing but metrics in them say enough, too.
    let marked = (line.contains(['\t', '|']) || line.contains("  "))
        && cells.len() > 2
        && cells.iter().all(|c| is_known(c) || is_rate(c));
    // pandas leaves the name of its index out.
    let index = line.starts_with(',');
    let fits = (2..=64).contains(&cells.len())
        && cells.iter().skip(usize::from(index)).all(word)
        && (marked || cells.iter().any(|c| is_counter(c)))
        && (counted || cells.iter().filter(|c| is_known(c)).count() * 2 >= cells.len().max(4))
        && (spacy || !line.contains([':', '=', '.']));
    // The sum of the parts of a loss.
    let whole = |c: &str| lossless && c.eq_ignore_ascii_case("total");
    let name = |c: &str| match () {
        () if whole(c) => "total_loss".to_owned(),
        () if spacy => c.trim_end_matches(['%', '.', ' ']).replace([' ', '.'], "_"),
        () => c.replace(' ', "_"),
    };
    fits.then(|| cells.into_iter().map(name).collect())
}

/// Cells between bars, commas or tabs, else between spaces.
fn cells(line: &str) -> Vec<&str> {
    let line = line.trim();
    let bar = ['|', '│', '┃'].into_iter().find(|b| line.contains(*b));
    match bar {
        Some(bar) => line.trim_matches(bar).split(bar).map(str::trim).take(65).collect(),
        None if line.contains(',') => line.split(',').map(str::trim).take(65).collect(),
        None if line.contains('\t') => line.split('\t').map(str::trim).take(65).collect(),
        None => line.split_whitespace().take(65).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &[&str]) -> Vec<Vec<(String, f64)>> {
        let mut tables = Tables::new();
        lines.iter().map(|l| tables.pairs(l)).filter(|r| !r.is_empty()).collect()
    }

    #[test]
    fn boxes_of_names_and_values() {
        assert_eq!(boxed("|    ep_rew_mean      | -1.2e+03 |"), Some(("ep_rew_mean".to_owned(), Some(-1200.0))));
        assert_eq!(boxed("| train/              |          |"), Some(("train/".to_owned(), None)));
        assert_eq!(boxed("│         test_acc    │   0.98   │"), Some(("test_acc".to_owned(), Some(0.98))));
        for line in ["| Epoch | Loss |", "| 1 | 0.5 |", "| a | 1 | 2 |", "-----", "|", "", "| step 1 | loss 2 |"] {
            assert_eq!(boxed(line), None, "{line}");
        }
    }

    #[test]
    fn a_name_whose_number_is_on_the_next_line() {
        let lines = [
            "Epoch 1/4 ━━━ 5/5 v_num: 0.000      ",
            "          train_loss:  ",
            "          0.774 val_loss: ",
            "          0.661  ",
        ];
        let found = read(&lines).concat();
        let value = |name: &str| found.iter().find(|(n, _)| n == name).map(|(_, value)| *value);
        assert_eq!((value("train_loss"), value("val_loss")), (Some(0.774), Some(0.661)));
        // Not of a line of its own.
        assert!(read(&["Test loss:", "0.661 is good"]).concat().iter().all(|(name, _)| name != "loss"));
    }

    #[test]
    fn tables_of_text() {
        let fastai = read(&[
            "epoch     train_loss  valid_loss  accuracy  time",
            "0         0.51        0.42        0.91      00:12",
        ]);
        assert_eq!(fastai[0].len(), 4);
        assert_eq!(fastai[0][2], ("valid_loss".to_owned(), 0.42));
        let bars = read(&["| Epoch | Loss | Acc |", "|-------|------|-----|", "| 1/3 | 0.5 | 80% |", "step 3: loss 2"]);
        assert_eq!(bars[0], [("Epoch".to_owned(), 1.0), ("Loss".to_owned(), 0.5), ("Acc".to_owned(), 80.0)]);
        assert_eq!(bars[1][1], ("loss".to_owned(), 2.0));
        let commas = read(&["epoch,loss", "0,0.5", "1,nan"]);
        assert_eq!(commas[0], [("epoch".to_owned(), 0.0), ("loss".to_owned(), 0.5)]);
        assert!(commas[1][1].1.is_nan());
        let sklearn =
            read(&["      Iter       Train Loss   Remaining Time ", "         1        9702.5744            0.15s"]);
        assert_eq!(sklearn[0], [("Iter".to_owned(), 1.0), ("Train_Loss".to_owned(), 9702.5744)]);
        assert!(read(&["a loss of trust in the step", "1 2 3 4 5 6 7"]).is_empty());
        let prefixed = read(&[
            "2031-01-01 05:58:00 [INFO]:   Epoch     Batch     box    conf     total    time",
            "2031-01-01 05:58:09 [INFO]:    0/29     40/165   0.007   0.006    -13.9    6.97",
        ]);
        assert_eq!(prefixed[0].first(), Some(&("Epoch".to_owned(), 0.0)));
        assert_eq!(prefixed[0].get(4), Some(&("total_loss".to_owned(), -13.9)));
        let report = read(&["Mean absolute error          0.0254", "Relative absolute error     14.1043 %"]);
        assert_eq!(report[0], [("mean_absolute_error".to_owned(), 0.0254)]);
        assert_eq!(report[1], [("relative_absolute_error".to_owned(), 14.1043)]);
        let after_a_bar = read(&[
            "[------------] Epoch      Train log_loss       Test log_loss     Time cost (sec)",
            "\u{1b}[32m[ \u{1b}[0m 33%\u{1b}[32m      ]\u{1b}[0m     1      0.416765     0.389019        0.00",
        ]);
        assert_eq!(
            after_a_bar[0][1..3],
            [("Train_log_loss".to_owned(), 0.416765), ("Test_log_loss".to_owned(), 0.389019)]
        );
        let vowpal = read(&[
            "average  since         example        example        current        current  current",
            "loss     last          counter         weight          label        predict features",
            "0.500000 0.250000            2            2.0         0.0000         0.0086      608",
        ]);
        assert_eq!(vowpal[0][..3].iter().map(|p| p.1).collect::<Vec<_>>(), [0.5, 0.25, 2.0]);
        assert_eq!(vowpal[0][2].0, "step");
    }
}
