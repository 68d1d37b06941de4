//! Folders with one file for each metric: DVCLive's `plots/metrics/`, the charts that TensorBoard
//! and others export, `loss.csv` beside `accuracy.csv`.

use super::files::{add, read_file};
use super::folder::LogFiles;
use super::how::How;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use stepsize::Result;
use stepsize_logs::{CounterKind, Run, maximizes};

/// Most bytes of the first line of such a file.
const HEADER: usize = 256;

/// Joins the files that hold one metric each and lie in one folder, or below one called `metrics`.
pub(super) fn join(root: &Path, jobs: Vec<LogFiles>) -> Vec<LogFiles> {
    let mut groups: BTreeMap<PathBuf, Vec<PathBuf>> = BTreeMap::new();
    for path in jobs.iter().filter_map(file).filter(|p| holds_one(p)) {
        groups.entry(home(root, path)).or_default().push(path.to_owned());
    }
    groups.retain(|_, files| files.len() > 1);
    let mut out = Vec::new();
    for job in jobs {
        let home = file(&job).map(|path| home(root, path));
        let joined = home
            .filter(|h| groups.get(h).is_some_and(|files| file(&job).is_some_and(|p| files.iter().any(|f| f == p))));
        match joined {
            None => out.push(job),
            Some(home) => {
                let one = LogFiles::Metrics(run_of(&home), groups.get(&home).cloned().unwrap_or_default());
                if !out.contains(&one) {
                    out.push(one);
                }
            }
        }
    }
    out
}

fn file(job: &LogFiles) -> Option<&Path> {
    match job {
        LogFiles::File(path) => Some(path),
        _ => None,
    }
}

/// The folder whose files belong together.
fn home(root: &Path, path: &Path) -> PathBuf {
    let above = path.ancestors().skip(1).take_while(|a| a.starts_with(root));
    let metrics = above.into_iter().find(|a| a.file_name().is_some_and(|n| n == "metrics" || n == "scalars"));
    metrics.or(path.parent()).unwrap_or(path).to_owned()
}

/// The folder of the run: above `plots/metrics`.
fn run_of(home: &Path) -> PathBuf {
    let inner = |p: &Path| p.file_name().is_some_and(|n| n == "metrics" || n == "scalars" || n == "plots");
    home.ancestors().find(|p| !inner(p)).unwrap_or(home).to_owned()
}

/// Whether a file is a table of one metric, named by the file: a counter and one more column, or
/// what TensorBoard exports.
fn holds_one(path: &Path) -> bool {
    let extension = path.extension().map(|e| e.to_string_lossy().to_lowercase()).unwrap_or_default();
    let stem = path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
    if !matches!(extension.as_str(), "csv" | "tsv" | "txt") {
        return false;
    }
    let mut head = [0; HEADER];
    let read = std::fs::File::open(path).and_then(|mut f| std::io::Read::read(&mut f, &mut head)).unwrap_or(0);
    let text = String::from_utf8_lossy(head.get(..read).unwrap_or(&[])).into_owned();
    let Some(first) = text.lines().next().filter(|_| text.contains('\n')) else { return false };
    let cells: Vec<String> = first
        .split([',', '\t', ';'])
        .map(|c| c.trim().trim_matches('"').to_lowercase())
        .filter(|c| !c.is_empty())
        .collect();
    let counts = |cell: &String| CounterKind::of(cell) != CounterKind::Value;
    let others: Vec<&String> = cells.iter().filter(|c| !counts(c) && !is_time(c)).collect();
    let named = is_metric(&stem) || stem.contains("-tag-");
    match others.as_slice() {
        [one] => cells.iter().any(counts) && named && (one.as_str() == "value" || is_metric(one)),
        _ => false,
    }
}

fn is_time(name: &str) -> bool {
    matches!(name, "time" | "wall time" | "wall_time" | "timestamp" | "walltime")
}

/// Whether a name is that of a metric or of the rate.
fn is_metric(name: &str) -> bool {
    let lower = name.to_lowercase();
    maximizes(name).is_some() || lower.contains("learning_rate") || lower.split(['_', '-', '.']).any(|w| w == "lr")
}

/// Reads the files as one run. A metric is named by its path within the folder of metrics.
pub(super) fn read(files: &[PathBuf], how: &How) -> Result<Vec<Run>> {
    let home = files.iter().filter_map(|f| f.parent()).min_by_key(|p| p.components().count()).unwrap_or(Path::new(""));
    let mut whole = Run::default();
    for path in files {
        for mut run in read_file(path, how)? {
            let name = path.strip_prefix(home).unwrap_or(path).with_extension("").to_string_lossy().replace('\\', "/");
            let name = name.rsplit_once("-tag-").map_or(name.clone(), |(_, tag)| tag.to_owned());
            for series in run.series.iter_mut().filter(|s| !is_time(&s.name.to_lowercase())) {
                series.name.clone_from(&name);
            }
            run.series.retain(|s| s.name == name);
            add(&mut whole, run);
        }
    }
    Ok(vec![whole])
}
