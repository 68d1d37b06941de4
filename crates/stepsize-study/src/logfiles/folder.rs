//! The files of a folder that are logs, and which of them belong to one run.

use super::{files::add, single};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use stepsize::{Error, Result};
use stepsize_logs::{Format, LogReader, Run, name_facts};

/// Folders without logs.
const NOT_FOLDERS: [&str; 9] =
    ["node_modules", "__pycache__", "site-packages", "venv", "target", "datasets", "artifacts", "media", "code"];
/// Endings of files that are not logs.
const NOT_FILES: [&str; 47] = [
    "py",
    "pyc",
    "ipynb",
    "rs",
    "c",
    "h",
    "cpp",
    "cu",
    "js",
    "ts",
    "html",
    "css",
    "toml",
    "yaml",
    "yml",
    "ini",
    "cfg",
    "sh",
    "lock",
    "png",
    "jpg",
    "jpeg",
    "gif",
    "svg",
    "pdf",
    "bmp",
    "mp4",
    "wav",
    "pt",
    "pth",
    "ckpt",
    "bin",
    "safetensors",
    "onnx",
    "h5",
    "hdf5",
    "npy",
    "npz",
    "pkl",
    "pickle",
    "joblib",
    "parquet",
    "arrow",
    "zip",
    "gz",
    "tar",
    "so",
];
/// Files with settings; they are not logs.
const SETTINGS: [&str; 21] = [
    "hparams.yaml",
    "config.yaml",
    "config.yml",
    "cfg.yaml",
    "args.yaml",
    "args.yml",
    "options.yaml",
    "settings.yaml",
    "config.json",
    "args.json",
    "params.json",
    "hparams.json",
    "opt.yaml",
    "params.yaml",
    "opt.json",
    "options.json",
    "settings.json",
    "configs.json",
    "training_args.json",
    "hyperparameters.json",
    "wandb-metadata.json",
];
/// Where the settings of a run may lie, from the folder of its log.
const BESIDE: [&str; 3] = ["", "files", ".hydra"];
/// Folders of logs within that of the run; the settings lie above them.
const WITHIN: [&str; 6] = ["log", "logs", "tb", "tensorboard", "events", "csv"];
/// Depth to which folders are searched.
const DEPTH: usize = 24;
/// Most bytes of a file with settings.
const SETTINGS_BYTES: u64 = 1 << 20;

/// The files of one log.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum LogFiles {
    File(PathBuf),
    /// Event files of one folder, in order.
    Events(Vec<PathBuf>),
    /// A run of MLflow's file store.
    Store(PathBuf),
    /// A folder with a file for each metric, and those files.
    Metrics(PathBuf, Vec<PathBuf>),
    /// An SQLite file.
    Database(PathBuf),
}

impl LogFiles {
    pub fn of(path: &Path) -> Self {
        match is_sqlite(path) {
            true => Self::Database(path.to_owned()),
            false => Self::File(path.to_owned()),
        }
    }

    pub fn path(&self) -> &Path {
        match self {
            Self::File(path) | Self::Store(path) | Self::Database(path) | Self::Metrics(path, _) => path,
            Self::Events(paths) => paths.first().map_or(Path::new(""), PathBuf::as_path),
        }
    }
}

fn is_sqlite(path: &Path) -> bool {
    use std::io::Read;
    let mut head = [0; 16];
    std::fs::File::open(path).and_then(|mut f| f.read_exact(&mut head)).is_ok() && head == *b"SQLite format 3\0"
}

/// The logs in a folder and below it, in the order of their names.
pub(super) fn jobs(folder: &Path) -> Vec<LogFiles> {
    let mut out = Vec::new();
    walk(folder, DEPTH, &mut out);
    newest_checkpoints(&mut out);
    single::join(folder, out)
}

fn walk(folder: &Path, depth: usize, out: &mut Vec<LogFiles>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|e| e.path()).collect();
    paths.sort();
    if folder.join("meta.yaml").is_file() && folder.join("metrics").is_dir() {
        return out.push(LogFiles::Store(folder.to_owned()));
    }
    let (mut events, mut files, mut folders) = (Vec::new(), Vec::new(), Vec::new());
    for path in paths {
        let name = path.file_name().map(|n| n.to_string_lossy().to_lowercase()).unwrap_or_default();
        if name.starts_with('.') {
            continue;
        }
        if path.is_dir() {
            // A link to a folder may form a circle.
            if !path.is_symlink() && !NOT_FOLDERS.contains(&name.as_str()) {
                folders.push(path);
            }
        } else if name.contains("tfevents") {
            events.push(path);
        } else if !NOT_FILES.contains(&ending(&name)) && !SETTINGS.contains(&name.as_str()) && path.is_file() {
            files.push(path);
        }
    }
    if !events.is_empty() {
        out.push(LogFiles::Events(events));
    }
    // W&B also prints what it stores in its own file: only the file is read.
    let stored = files.iter().any(|f| f.extension().is_some_and(|e| e == "wandb"));
    out.extend(files.iter().map(|f| LogFiles::of(f)));
    for folder in folders {
        if depth > 0 && !(stored && folder.ends_with("files")) {
            walk(&folder, depth - 1, out);
        }
    }
}

/// Whether a file is a text for people.
pub(super) fn is_prose(path: &Path) -> bool {
    path.extension().is_some_and(|e| e.eq_ignore_ascii_case("md") || e.eq_ignore_ascii_case("rst"))
}

fn ending(name: &str) -> &str {
    name.rsplit_once('.').map_or("", |(_, e)| e)
}

/// Keeps the newest of the states in several checkpoints of one run: each repeats the one before.
fn newest_checkpoints(jobs: &mut Vec<LogFiles>) {
    let place = |job: &LogFiles| -> Option<(PathBuf, u64)> {
        let LogFiles::File(path) = job else { return None };
        let folder = path.parent().filter(|_| path.ends_with("trainer_state.json"))?;
        let name = folder.file_name()?.to_string_lossy().into_owned();
        match name.strip_prefix("checkpoint-").and_then(|n| n.parse().ok()) {
            Some(number) => Some((folder.parent()?.to_owned(), number)),
            None => Some((folder.to_owned(), u64::MAX)),
        }
    };
    let mut newest: BTreeMap<PathBuf, u64> = BTreeMap::new();
    for (run, number) in jobs.iter().filter_map(place) {
        let known = newest.entry(run).or_insert(number);
        *known = number.max(*known);
    }
    jobs.retain(|job| place(job).is_none_or(|(run, number)| newest.get(&run) == Some(&number)));
}

/// Reads a run of MLflow's file store: a file for each metric, a file for each parameter.
pub(super) fn store_run(folder: &Path) -> Result<Vec<Run>> {
    let mut whole = Run::default();
    let metrics = folder.join("metrics");
    let mut files = Vec::new();
    below(&metrics, DEPTH, &mut files);
    for path in files {
        let name = path.strip_prefix(&metrics).unwrap_or(&path).to_string_lossy().replace('\\', "/");
        let bytes = std::fs::read(&path).map_err(|e| Error::io("read", &path, e))?;
        let mut reader = LogReader::new(Format::MlflowFile, &name);
        reader.push(&bytes)?;
        for run in reader.finish()? {
            add(&mut whole, run);
        }
    }
    let mut params = Vec::new();
    let root = folder.join("params");
    below(&root, DEPTH, &mut params);
    for path in params {
        let name = path.strip_prefix(&root).unwrap_or(&path).to_string_lossy().into_owned();
        if let Ok(value) = std::fs::read_to_string(&path) {
            whole.facts.insert(name, value.trim().to_owned());
        }
    }
    if let Ok(name) = std::fs::read_to_string(folder.join("tags/mlflow.runName")) {
        name.trim().clone_into(&mut whole.name);
    }
    Ok(vec![whole])
}

/// All files below a folder.
fn below(folder: &Path, depth: usize, out: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|e| e.path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() && !path.is_symlink() && depth > 0 {
            below(&path, depth - 1, out);
        } else if path.is_file() {
            out.push(path);
        }
    }
}

/// Adds to runs the settings in files beside their log, and names what is known. What the log
/// itself says stays.
pub(super) fn add_settings(path: &Path, runs: &mut [Run]) {
    let settings = settings_beside(path);
    for run in runs {
        for (name, value) in &settings {
            run.facts.entry(name.clone()).or_insert_with(|| value.clone());
        }
        name_facts(&mut run.facts);
    }
}

/// Settings in files beside a log.
fn settings_beside(path: &Path) -> BTreeMap<String, String> {
    let mut out = BTreeMap::new();
    // Beside a folder of single metrics the settings lie above it.
    let Some(folder) = path.parent().filter(|_| !path.is_dir()).or(Some(path)) else { return out };
    let within = folder.file_name().is_some_and(|name| WITHIN.iter().any(|w| name == *w));
    let above = folder.parent().filter(|_| within);
    for (folder, name) in [Some(folder), above].into_iter().flatten().flat_map(|f| SETTINGS.map(|name| (f, name))) {
        for file in BESIDE.map(|beside| folder.join(beside).join(name)) {
            let small = std::fs::metadata(&file).is_ok_and(|m| m.is_file() && m.len() <= SETTINGS_BYTES);
            let Some(text) = small.then(|| std::fs::read_to_string(&file).ok()).flatten() else { continue };
            match ending(name) {
                "json" => {
                    let mut reader = LogReader::new(Format::JsonArrays, name);
                    if reader.push(text.as_bytes()).is_ok() {
                        reader.facts().into_iter().for_each(|(k, v)| {
                            out.entry(k).or_insert(v);
                        });
                    }
                }
                _ => yaml(&text, &mut out),
            }
        }
    }
    out
}

/// Reads `name: value` at any depth, and W&B's `name:` above `value: x`. Everything else in a YAML
/// file is ignored.
fn yaml(text: &str, out: &mut BTreeMap<String, String>) {
    let mut above: Vec<(usize, String)> = Vec::new();
    for line in text.lines().take(10_000) {
        let indent = line.len() - line.trim_start().len();
        let Some((name, value)) = line.trim().split_once(':').filter(|(n, _)| !n.starts_with(['#', '-'])) else {
            continue;
        };
        above.retain(|(i, _)| *i < indent);
        let value = value.split(" #").next().unwrap_or("").trim().trim_matches(['"', '\'']);
        if value.is_empty() {
            above.push((indent, name.trim().to_owned()));
            continue;
        }
        let mut parts: Vec<&str> = above.iter().map(|(_, n)| n.as_str()).collect();
        if name != "value" || parts.is_empty() {
            parts.push(name.trim());
        }
        out.entry(parts.join("/")).or_insert_with(|| value.to_owned());
    }
}

/// The files of a run in MLflow's file store.
pub(super) fn files_of(folder: &Path) -> Vec<PathBuf> {
    let mut out = Vec::new();
    below(folder, DEPTH, &mut out);
    out
}
