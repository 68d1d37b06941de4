//! [`Header`]: the columns of a table and what each holds.

use crate::gather::Gather;
use crate::meaning::rate_in;
use crate::names::{DataSplit, bare_split, is_counter, is_known, metric_direction};
use memchr::memchr;

/// Letters of a column that needs the name of its file to be understood.
const LETTERS: usize = 2;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum ColumnRole {
    /// Numbers, for this column of [`Gather`].
    Plain(usize),
    /// Names of the numbers in the column of values beside it.
    Names,
    /// Values whose names are in another column.
    Values,
    /// Lengths, whose sum is a counter: column of [`Gather`].
    Lengths(usize),
    /// Readings of one run: index of the run, column of [`Gather`].
    Of(usize, usize),
    /// Nothing of interest.
    Nothing,
}

/// One column.
#[derive(Debug, Clone)]
pub(super) struct Column {
    pub name: String,
    pub meaning: ColumnRole,
}

/// The columns of a table.
#[derive(Debug, Clone)]
pub(super) struct Header {
    pub delimiter: u8,
    pub columns: Vec<Column>,
    /// The columns of [`Gather`] if every column is plain; otherwise empty.
    pub plain: Vec<usize>,
    /// Runs that have columns of their own.
    runs: Vec<String>,
    /// Of the current row: readings of runs, a value and its name, and how many cells repeat the
    /// header.
    readings: Vec<(usize, usize, f64)>,
    value: Option<f64>,
    named: String,
    repeats: usize,
    texts: usize,
    /// The sum of the lengths so far.
    length: f64,
    /// The held-out split that the current row says it is of.
    pub split: Option<DataSplit>,
}

impl Header {
    pub fn new(delimiter: u8, cells: &[String], named: bool, file: &str, gather: &mut Gather) -> Self {
        let mut header = Self {
            delimiter,
            columns: Vec::new(),
            plain: Vec::new(),
            runs: Vec::new(),
            readings: Vec::new(),
            value: None,
            named: String::new(),
            repeats: 0,
            texts: 0,
            length: 0.0,
            split: None,
        };
        let lower: Vec<String> = cells.iter().map(|c| c.to_ascii_lowercase()).collect();
        let value = lower.iter().position(|c| c == "value");
        let names = value.and_then(|_| {
            let such = ["metric", "tag", "key", "variable", "metric_name"];
            lower.iter().position(|c| such.contains(&c.as_str()))
        });
        let rated = named && cells.iter().filter(|c| of_rate(&clean(c)).is_some()).count() > 1;
        let bare = if named { None } else { names_of_bare(cells, file) };
        // `loss.csv` with the columns `G` and `D`
        let letters = |c: &String| clean(c).len() <= LETTERS || is_counter(&clean(c));
        let metric = metric_of_file(file).filter(|_| cells.iter().all(letters));
        for (i, cell) in cells.iter().enumerate() {
            let name = match &bare {
                Some(names) => names.get(i).cloned().unwrap_or_default(),
                None if named => clean(cell),
                None => format!("column_{}", i + 1),
            };
            let meaning = if named && name.is_empty() {
                // The index column that pandas writes.
                ColumnRole::Nothing
            } else if names == Some(i) {
                ColumnRole::Names
            } else if names.is_some() && value == Some(i) {
                ColumnRole::Values
            } else if let Some((run, metric)) = split_run(&name, cells) {
                header.of_run(run, metric, gather)
            } else if let Some(metric) = rated.then(|| of_rate(&name)).flatten() {
                header.of_run(&name, &metric, gather)
            } else {
                let tag = tag_of(file).filter(|_| cells.len() == 3 && name == "Value").map(str::to_owned);
                let of_file = metric
                    .filter(|_| named && !is_counter(&name) && metric_direction(&name).is_none())
                    .map(|metric| format!("{name}_{metric}"));
                let of_file = of_file.filter(|name| metric_direction(name).is_some());
                let name = tag.or(of_file).unwrap_or_else(|| name.clone());
                gather.column(&name).map_or(ColumnRole::Nothing, ColumnRole::Plain)
            };
            header.columns.push(Column { name, meaning });
        }
        let plain = |c: &Column| match c.meaning {
            ColumnRole::Plain(name) => Some(name),
            _ => None,
        };
        header.plain = header.columns.iter().map(plain).collect::<Option<_>>().unwrap_or_default();
        if !named {
            gather.note("the table has no names of columns".to_owned());
        }
        header
    }

    /// Takes the columns for those of a monitor file: reward, length and end of each episode.
    pub fn of_episodes(&mut self, gather: &mut Gather) {
        for column in &mut self.columns {
            column.meaning = match column.name.as_str() {
                "r" => gather.column("episode_reward").map_or(ColumnRole::Nothing, ColumnRole::Plain),
                "l" => gather.column("timesteps").map_or(ColumnRole::Nothing, ColumnRole::Lengths),
                "t" => ColumnRole::Nothing,
                _ => continue,
            };
        }
        self.plain.clear();
    }

    /// Adds a length; returns the sum so far.
    pub fn lengthen(&mut self, length: f64) -> f64 {
        self.length += length;
        self.length
    }

    fn of_run(&mut self, run: &str, metric: &str, gather: &mut Gather) -> ColumnRole {
        if metric.ends_with("__MIN") || metric.ends_with("__MAX") {
            return ColumnRole::Nothing;
        }
        let run = self.runs.iter().position(|r| r == run).unwrap_or_else(|| {
            self.runs.push(run.to_owned());
            self.runs.len() - 1
        });
        gather.column(metric).map_or(ColumnRole::Nothing, |name| ColumnRole::Of(run, name))
    }

    pub fn begin(&mut self) {
        self.readings.clear();
        self.value = None;
        self.repeats = 0;
        self.texts = 0;
        self.split = None;
    }

    /// Takes a number in a column that is not plain. Returns whether the row needs
    /// [`Header::finish_row`].
    pub fn number(&mut self, column: usize, value: f64) -> bool {
        match self.columns.get(column).map(|c| c.meaning) {
            Some(ColumnRole::Of(run, name)) => self.readings.push((run, name, value)),
            Some(ColumnRole::Values) => self.value = Some(value),
            _ => return false,
        }
        true
    }

    /// Takes words in a column. Returns whether the row needs [`Header::finish_row`].
    pub fn text(&mut self, column: usize, text: &[u8], gather: &mut Gather) -> bool {
        let Some(column) = self.columns.get(column) else { return false };
        let text = String::from_utf8_lossy(text);
        self.texts += 1;
        self.repeats += usize::from(clean(&text) == column.name);
        match column.meaning {
            ColumnRole::Names => {
                self.named.clear();
                self.named.push_str(&text);
            }
            ColumnRole::Nothing => {}
            _ if is_split_column(&column.name) && DataSplit::of_word(&text).is_some() => {
                self.split = DataSplit::of_word(&text).filter(|split| split.is_held_out());
            }
            _ if matches!(text.as_ref(), "None" | "null" | "N/A" | "-" | "_" | "NULL" | "No log" | "no log") => {}
            _ => gather.word(&column.name, &text),
        }
        true
    }

    /// Ends a row that held more than plain numbers.
    pub fn finish_row(&mut self, line: &[u8], gather: &mut Gather) {
        if self.repeats > 1 || self.repeats == 1 && self.texts == 1 && self.columns.len() == 1 {
            gather.drop_row();
            return gather.started();
        }
        if self.texts > self.columns.len() / 2 && self.texts > 1 && self.is_header(line) {
            gather.drop_row();
            gather.started();
            gather.note(format!("another header at line {}", gather.place));
            let line = String::from_utf8_lossy(line).into_owned();
            let cells: Vec<String> = line.split(char::from(self.delimiter)).map(|c| c.trim().to_owned()).collect();
            *self = Self::new(self.delimiter, &cells, true, "", gather);
            return;
        }
        if let Some(value) = self.value
            && !self.named.is_empty()
        {
            let named = std::mem::take(&mut self.named);
            gather.number(&named, value);
        }
        if self.readings.is_empty() {
            return;
        }
        let counters = gather.take_row();
        for (number, run) in self.runs.iter().enumerate() {
            let mine = self.readings.iter().filter(|(r, ..)| *r == number);
            if mine.clone().next().is_none() {
                continue;
            }
            gather.select(run);
            counters.iter().for_each(|(c, v)| gather.put(*c, *v));
            mine.for_each(|(_, name, value)| gather.put(*name, *value));
            gather.end_row();
        }
    }

    /// Whether a line of words names columns: most of its cells are known counters or metrics.
    fn is_header(&self, line: &[u8]) -> bool {
        let line = String::from_utf8_lossy(line);
        let cells = || line.split(char::from(self.delimiter)).map(str::trim);
        cells().filter(|c| !c.is_empty() && is_known(c)).count() * 2 > cells().count()
    }
}

/// Puts the names of groups of columns, each in its first column, before those of the columns.
pub(super) fn join_groups(groups: &mut [String], names: &[String]) {
    let mut group = String::new();
    for (cell, name) in groups.iter_mut().zip(names) {
        if !cell.is_empty() {
            group.clone_from(cell);
        }
        *cell = match () {
            () if name.is_empty() => group.clone(),
            () if group.is_empty() => name.clone(),
            () => format!("{group} {name}"),
        };
    }
}

/// Whether the words in a column may name the split of a row.
fn is_split_column(name: &str) -> bool {
    let known = ["split", "phase", "mode", "set", "subset", "stage", "dataset", "partition"];
    known.iter().any(|word| name.eq_ignore_ascii_case(word))
}

/// The name in a cell of the header.
fn clean(cell: &str) -> String {
    cell.trim().trim_start_matches('#').trim().trim_matches('"').trim().to_owned()
}

/// Splits `name - metric`, if at most two columns have other names.
fn split_run<'a>(name: &'a str, cells: &[String]) -> Option<(&'a str, &'a str)> {
    let split = name.rsplit_once(" - ")?;
    let all = cells.iter().filter(|c| c.contains(" - ")).count();
    (all + 2 >= cells.len()).then_some(split)
}

/// The metric of a column that has the name of a rate: `lr_0.1_val_loss`, `learning_rate_0.02`.
/// Without a metric in the name it is a loss.
fn of_rate(name: &str) -> Option<String> {
    let rate = rate_in(name)?;
    let mut rest = name.to_ascii_lowercase();
    for word in ["learning_rate", "learningrate", "learning-rate", "eta0", "lr"] {
        rest = rest.replace(word, " ");
    }
    let words = rest.split(|c: char| !(c.is_alphanumeric() || c == '.' || c == '-')).map(|w| w.trim_matches('-'));
    let metric: Vec<&str> =
        words.filter(|w| !w.is_empty() && !w.parse::<f64>().is_ok_and(|v| v == rate) && *w != "e").collect();
    let metric = metric.join("_");
    match () {
        () if metric.is_empty() => Some("loss".to_owned()),
        () => metric_direction(&metric).map(|_| metric),
    }
}

/// The tag in the name that TensorBoard gives to a downloaded file: `run-x-tag-loss.csv`.
fn tag_of(file: &str) -> Option<&str> {
    let stem = file.strip_suffix(".csv").unwrap_or(file);
    stem.rsplit_once("-tag-").map(|(_, tag)| tag).filter(|t| !t.is_empty())
}

/// The names of columns without any, by the name of the file: `train_loss.txt` holds losses, with
/// or without their steps.
fn names_of_bare(cells: &[String], file: &str) -> Option<Vec<String>> {
    let metric = metric_of_file(file)?.to_owned();
    let whole = |cell: &String| cell.bytes().all(|b| b.is_ascii_digit());
    let counts = |cell: &String| cell.trim().parse::<f64>().is_ok_and(|v| v.fract() == 0.0);
    let others = |from: usize| (from..=cells.len()).map(|i| format!("column_{i}"));
    match cells {
        [_] => Some(vec![metric]),
        [first, second] if whole(second) && !whole(first) => Some(vec![metric, "step".to_owned()]),
        // Of two numbers that count nothing, either may be the metric.
        [first, _] if counts(first) => Some(vec!["step".to_owned(), metric]),
        // Of more columns after a count, the first has the name of the file.
        [first, _, ..] if whole(first) && cells.len() <= 8 => {
            Some(["step".to_owned(), metric].into_iter().chain(others(3)).collect())
        }
        // A sum before its parts.
        [first, parts @ ..] if is_sum(first, parts) => Some(std::iter::once(metric).chain(others(2)).collect()),
        _ => None,
    }
}

/// Whether a number is the sum of others.
fn is_sum(sum: &str, parts: &[String]) -> bool {
    let number = |cell: &str| cell.parse::<f64>().unwrap_or(f64::NAN);
    let (sum, parts) = (number(sum), parts.iter().map(|part| number(part)).sum::<f64>());
    (sum - parts).abs() <= 1e-4 * sum.abs()
}

/// The metric that the name of a file is, without its ending: `val_loss.txt`.
pub(crate) fn metric_of_file(file: &str) -> Option<&str> {
    let stem = file.rsplit(['/', '\\']).next()?.split('.').next()?;
    (metric_direction(stem).is_some() && bare_split(stem).is_none()).then_some(stem)
}

/// Whether a line such as `# epoch loss` names columns rather than being a remark.
pub(crate) fn is_commented_header(line: &str) -> bool {
    let rest = line.trim_start_matches('#').trim();
    !rest.starts_with('{') && rest.split([',', '\t', ';', ' ']).next().is_some_and(is_counter)
}

/// The byte that separates the cells of a header.
pub(crate) fn delimiter(line: &str) -> u8 {
    let line = line.trim_matches(['\r', '\n']);
    let outside = |d: u8| {
        let mut quoted = false;
        let mut inside = |b: u8| {
            quoted ^= b == b'"';
            !quoted && b == d
        };
        let bytes = line.as_bytes();
        let space = |at: Option<usize>| at.and_then(|i| bytes.get(i)).is_none_or(|b| *b == b' ');
        // A bar has spaces on both sides or on none; `|grad|` is a name.
        let parts = |i: usize| d != b'|' || space(i.checked_sub(1)) == space(Some(i + 1));
        bytes.iter().enumerate().filter(|(i, b)| inside(**b) && parts(*i)).count()
    };
    let best = [b'\t', b';', b',', b'|'].into_iter().map(|d| (outside(d), d)).max_by_key(|(n, d)| (*n, *d == b','));
    match best {
        Some((count, delimiter)) if count > 0 => delimiter,
        _ if line.trim().contains(' ') && memchr(b'"', line.as_bytes()).is_none() => b' ',
        _ => b',',
    }
}
