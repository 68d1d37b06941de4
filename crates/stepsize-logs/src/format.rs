//! [`detect`]: the format of a log, from its first bytes. The name of the file decides only where
//! they leave it open.

use crate::decode;
use crate::literal::{self, Value};
use crate::names::is_known;
use crate::table::delimiter;

/// Bytes from the head of a file that [`detect`] looks at.
pub const HEAD: usize = 64 << 10;

/// The format of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// Cells with commas, semicolons, bars or spaces between: Lightning, Keras `CSVLogger`, YOLO,
    /// exports of W&B and Optuna.
    Csv,
    /// Cells with tabs between.
    Tsv,
    /// One JSON object a line.
    JsonLines,
    /// Hugging Face's `trainer_state.json`.
    TrainerState,
    /// A JSON object of lists of numbers, as in Keras' `History.history`.
    KerasHistory,
    /// Any other JSON document: lists of numbers or of objects, DeepOBS results.
    JsonArrays,
    /// TensorBoard's event files.
    TensorBoard,
    /// Detectron2's and MMDetection's `metrics.json`: one JSON object a line.
    DetectronJson,
    /// A metric file of MLflow's file store: time, value, step.
    MlflowFile,
    /// W&B's `.wandb` files.
    Wandb,
    /// A Jupyter notebook: what its cells printed.
    Notebook,
    /// Free text.
    Text,
    /// Not a log: a picture, weights, a program.
    Other,
}

impl Format {
    /// The format's name for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Csv => "CSV",
            Self::Tsv => "TSV",
            Self::JsonLines => "JSON lines",
            Self::TrainerState => "trainer_state.json",
            Self::KerasHistory => "Keras history",
            Self::JsonArrays => "JSON",
            Self::TensorBoard => "TensorBoard events",
            Self::DetectronJson => "metrics.json",
            Self::MlflowFile => "MLflow metric file",
            Self::Wandb => "W&B file",
            Self::Notebook => "notebook",
            Self::Text => "text",
            Self::Other => "not a log",
        }
    }
}

/// The format of a log that begins with `head` (up to [`HEAD`] bytes) in a file called `name`.
pub fn detect(head: &[u8], name: &str) -> Format {
    let head = head.get(..HEAD).unwrap_or(head);
    if let Some(format) = binary(head) {
        return format;
    }
    let text = decode::text(head);
    let lower = name.to_ascii_lowercase();
    let start = text.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']);
    let lines: Vec<&str> = whole_lines(start, head.len() >= HEAD);
    match start.as_bytes().first() {
        None => return by_name(&lower),
        Some(b'{') if is_notebook(start, &lower) => return Format::Notebook,
        Some(b'{') => return object(start, &lines, &lower),
        Some(b'[') if is_json_list(start) => return Format::JsonArrays,
        _ => {}
    }
    if is_mlflow(&lines) {
        return Format::MlflowFile;
    }
    let records = lines.iter().filter(|l| l.starts_with('{') && l.ends_with('}') && l.contains("\":")).count();
    if records * 2 > lines.len() {
        return Format::JsonLines;
    }
    // pandas leaves the name of its index out: a tab begins the header.
    let whole = text.trim_start_matches(['\u{feff}', '\r', '\n']);
    let lines = if whole.starts_with('\t') { whole_lines(whole, head.len() >= HEAD) } else { lines };
    table(&lines, &lower).unwrap_or(Format::Text)
}

/// The lines that are certainly whole, 200 at most.
fn whole_lines(text: &str, cut: bool) -> Vec<&str> {
    let mut lines: Vec<&str> = text.split(['\n', '\r']).map(|l| l.trim_end_matches(' ')).collect();
    if cut && lines.len() > 1 {
        lines.pop();
    }
    lines.retain(|l| !l.trim().is_empty());
    lines.truncate(200);
    lines
}

fn binary(head: &[u8]) -> Option<Format> {
    if head.starts_with(b":W&B") {
        return Some(Format::Wandb);
    }
    if crate::tensorboard::read::is_event_file(head) {
        return Some(Format::TensorBoard);
    }
    let known: [&[u8]; 12] = [
        b"\x89PNG",
        b"\xFF\xD8\xFF",
        b"GIF8",
        b"%PDF",
        b"PK\x03\x04",
        b"\x7FELF",
        b"\x1F\x8B",
        b"SQLite format 3",
        b"\x89HDF",
        b"\x93NUMPY",
        b"PAR1",
        b"\x80\x02}",
    ];
    if known.iter().any(|k| head.starts_with(k)) {
        return Some(Format::Other);
    }
    let sample = head.get(..4096).unwrap_or(head);
    let zeros = sample.iter().filter(|b| **b == 0).count();
    let odd = sample.iter().filter(|b| **b < 8 || (14..27).contains(*b) || (28..32).contains(*b)).count() - zeros;
    // Half of UTF-16 is zeros. More than a tenth of other control characters: it is not a text.
    // Lines without any are a text in another encoding, such as GBK.
    let lines = sample.iter().filter(|b| **b == b'\n').count() * 400 >= sample.len();
    let other = invalid(sample) * 5 > sample.len() && !(lines && odd == 0 && zeros == 0);
    let wide = (sample.starts_with(&[0xFF, 0xFE]) || sample.starts_with(&[0xFE, 0xFF])) || is_wide(sample);
    (!wide && !sample.is_empty() && (odd * 10 > sample.len() || other)).then_some(Format::Other)
}

/// Whether every second byte is zero and the others are not.
fn is_wide(sample: &[u8]) -> bool {
    let zeros = |rest: usize| sample.iter().skip(rest).step_by(2).filter(|b| **b == 0).count() * 2;
    let (even, odd) = (zeros(0), zeros(1));
    even.max(odd) * 10 > sample.len() * 8 && even.min(odd) * 10 < sample.len()
}

/// The number of bytes that are not UTF-8.
fn invalid(sample: &[u8]) -> usize {
    sample.utf8_chunks().map(|c| c.invalid().len()).sum()
}

fn by_name(lower: &str) -> Format {
    match lower.rsplit('.').next() {
        Some("csv") => Format::Csv,
        Some("tsv") => Format::Tsv,
        Some("jsonl" | "ndjson") => Format::JsonLines,
        _ => Format::Text,
    }
}

/// Whether a text that begins with a brace is a notebook.
fn is_notebook(start: &str, lower: &str) -> bool {
    let cells = start.contains("\"cell_type\"") && (start.contains("\"outputs\"") || start.contains("\"source\""));
    lower.ends_with(".ipynb") || cells && (start.contains("\"cells\"") || start.contains("\"worksheets\""))
}

/// The format of a text that begins with a brace.
fn object(start: &str, lines: &[&str], lower: &str) -> Format {
    let whole = |line: &&str| line.starts_with('{') && line.ends_with('}');
    let records = lines.iter().filter(|l| whole(l)).count();
    let first = lines.first().copied().unwrap_or("");
    // A table of Lua or the like, or a configuration above a text.
    let inside = start.get(1..).unwrap_or("").trim_start();
    if !inside.is_empty() && !inside.starts_with(['"', '\'', '}', ',']) {
        return Format::Text;
    }
    if lines.len() > 1 && whole(&first) && literal::parse(first).is_some() {
        let detectron = lower.ends_with("metrics.json") || first.contains("\"mode\"") || first.contains("\"env_info\"");
        return match (first.starts_with("{'") || records * 2 <= lines.len(), detectron) {
            (true, _) => Format::Text,
            (_, true) => Format::DetectronJson,
            _ => Format::JsonLines,
        };
    }
    if start.contains("\"log_history\"") {
        return Format::TrainerState;
    }
    if lines.len() == 1 && whole(&first) && (lower.ends_with(".jsonl") || lower.ends_with(".ndjson")) {
        return Format::JsonLines;
    }
    if let Some((Value::Map(entries), length)) = literal::parse(start) {
        let rest = start.get(length..).unwrap_or("").trim_start();
        if !rest.is_empty() && !rest.starts_with(['{', '[', '}', ']', ',']) {
            return Format::Text;
        }
        let lists = |v: &Value| matches!(v, Value::List(l) if l.iter().all(|v| v.number().is_some()));
        let any = |such: &dyn Fn(&Value) -> bool| entries.iter().any(|(_, v)| such(v));
        if !entries.is_empty() && entries.iter().all(|(_, v)| lists(v)) {
            return Format::KerasHistory;
        }
        if any(&|v| matches!(v, Value::List(_) | Value::Map(_))) || lower.ends_with(".json") {
            return Format::JsonArrays;
        }
        return if first.starts_with("{'") { Format::Text } else { Format::JsonLines };
    }
    match first {
        "{" => Format::JsonArrays,
        _ if first.starts_with("{'") => Format::Text,
        _ if lower.ends_with(".jsonl") || lower.ends_with("metrics.json") => Format::JsonLines,
        _ => Format::JsonArrays,
    }
}

/// Whether a bracket opens JSON rather than a log line such as `[10] loss`.
fn is_json_list(start: &str) -> bool {
    let rest = start.get(1..).unwrap_or("").trim_start();
    if rest.starts_with(['{', '"']) {
        return true;
    }
    let end = rest.find(']').unwrap_or(rest.len());
    let inner = rest.get(..end).unwrap_or("");
    // `[32, 3, 64, 64] Tensor(...)` is a line of a text.
    let behind = rest.get(end + 1..).unwrap_or("").trim_start_matches(' ');
    let numbers = || inner.matches(',').count() > 1 && !inner.contains(|c: char| c.is_alphabetic() && c != 'e');
    rest.starts_with('[') && inner.contains(',') || numbers() && !behind.starts_with(char::is_alphanumeric)
}

/// Whether every line is a time of 13 digits, a value and a step.
fn is_mlflow(lines: &[&str]) -> bool {
    let fits = |line: &&&str| {
        let mut words = line.split(' ');
        let time = words.next().is_some_and(|w| w.len() == 13 && w.bytes().all(|b| b.is_ascii_digit()));
        let value = words.next().is_some_and(|w| w.parse::<f64>().is_ok());
        let step = words.next().is_none_or(|w| w.parse::<i64>().is_ok());
        time && value && step && words.next().is_none()
    };
    !lines.is_empty() && lines.iter().filter(fits).count() == lines.len()
}

/// The format of a table, if the lines are the rows of one.
fn table(lines: &[&str], lower: &str) -> Option<Format> {
    let rows: Vec<&&str> = lines.iter().filter(|l| !l.starts_with('#')).collect();
    let named = lower.ends_with(".csv") || lower.ends_with(".tsv");
    let first = match lines.first() {
        Some(line) if line.starts_with('#') && crate::table::is_commented_header(line) => {
            line.trim_start_matches(['#', ' '])
        }
        _ => **rows.first()?,
    };
    let mark = delimiter(first);
    let cells = |line: &str| match mark {
        b' ' => line.split_whitespace().count(),
        _ => quoted_split(line, mark).len(),
    };
    let width = cells(first);
    let body: Vec<&&&str> = rows.iter().filter(|r| ***r != first).take(100).collect();
    let number = |c: &str| {
        let c = c.trim().trim_matches(['"', ' ']).trim_end_matches('%');
        // A list of numbers is as good as one.
        let c = c.strip_prefix('[').and_then(|list| list.split(',').next()).unwrap_or(c);
        c.is_empty() || c.replace(',', ".").parse::<f64>().is_ok()
    };
    // Empty cells are missing numbers, but a row without any number, as between the outer bars of
    // `| step 2 | loss 1.5 |`, is no row.
    let numeric = |line: &str| {
        let all = match mark {
            b' ' => line.split_whitespace().collect(),
            _ => quoted_split(line, mark),
        };
        let found: Vec<bool> = all.iter().filter(|c| number(c)).map(|c| c.trim().is_empty()).collect();
        if found.contains(&false) { found.len() } else { 0 }
    };
    let known = |c: &str| is_known(c.trim().trim_matches(['"', '#', ' ']));
    let header: Vec<&str> = if mark == b' ' { first.split_whitespace().collect() } else { quoted_split(first, mark) };
    let format = if mark == b'\t' { Format::Tsv } else { Format::Csv };
    if body.is_empty() {
        let plain = header.iter().all(|c| !c.contains([':', '=']) && !number(c));
        let fits = width > 1 && mark != b' ' && plain && header.iter().any(|c| known(c));
        return (named || fits).then_some(format);
    }
    // One empty cell more than names: flair writes two tabs after one of its columns.
    let ragged = mark == b'\t' && width > 2 && body.iter().all(|r| cells(r) == width + 1 && r.contains("\t\t"));
    // A script that was given more columns continues the file.
    let fitting = body.iter().filter(|r| cells(r) == width).count();
    let even = ragged || fitting * 10 >= body.len() * if named && mark != b' ' { 5 } else { 9 };
    let numbers = body.iter().filter(|r| numeric(r) * 3 >= width).count() * 10 >= body.len() * 8;
    let names =
        header.iter().all(|c| !number(c) || c.trim().is_empty()) && !first.contains(": ") && !first.contains(" = ");
    // A lone `0.3%` is how far something has come.
    let bare = numeric(first) == width && !(width == 1 && first.ends_with('%'));
    let spaced = mark != b' '
        || width > 1
            && (bare && width > 2 || header.iter().any(|c| known(c)))
            && body.iter().all(|r| numeric(r) == width);
    let single = width > 1 || named || known(first) || bare;
    let fits = even && numbers && spaced && single && (names && !first.trim().is_empty() || bare || named);
    fits.then_some(format)
}

/// The cells of a line; a mark within quotes does not separate.
fn quoted_split(line: &str, mark: u8) -> Vec<&str> {
    let mut quoted = false;
    line.split(|c: char| {
        quoted ^= c == '"';
        !quoted && c == char::from(mark)
    })
    .collect()
}
