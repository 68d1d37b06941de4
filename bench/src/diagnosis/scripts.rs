//! Logs of scripts in NumPy, scikit-learn and plain Python (`bench/diagnosis_scripts.py`) and in
//! PyTorch (`bench/diagnosis_torch.py`), read from their files as the product reads them. The
//! labels follow the rule of `label.rs`, with one seed.

use super::label::{self, SOLVED};
use super::score::{self, Judged};
use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;
use stepsize::Placement;
use stepsize::diagnosis::model::Model;
use stepsize::diagnosis::sweep::Sweep;
use stepsize::diagnosis::{Diagnosis, Record, diagnose_with};
use stepsize_logs::{LogReader, detect, meaning};

/// A job at all its rates.
pub struct Job {
    pub name: String,
    /// Rising, each once.
    pub rates: Vec<f64>,
    /// Place of the best among them.
    pub best: usize,
    /// Place of the best between them.
    vertex: f64,
    pub logs: Vec<Log>,
}

/// One log of a run.
pub struct Log {
    pub record: Record,
    pub truth: Placement,
    /// Octaves above the best rate.
    pub octaves: f64,
    /// Place among the rates.
    pub at: usize,
}

/// A line of `truth.csv`.
struct Row {
    file: String,
    lr: f64,
    end: f64,
    untrained: f64,
    broken: bool,
    train: f64,
    /// Training loss of the untrained model, where the script knows it.
    untrained_train: Option<f64>,
}

/// The jobs below a directory. Those whose best rate is the outermost, or one of many that solve
/// the job, are left out.
pub fn jobs(dir: &str) -> Result<Vec<Job>, Box<dyn Error>> {
    let rows = table(dir, "truth.csv")?;
    let jobs: Vec<_> = rows.into_iter().map(|(name, rows)| job(dir, name, rows)).collect::<Result<_, _>>()?;
    Ok(jobs.into_iter().flatten().collect())
}

/// The logs of games below a directory (`games.csv`, where there is one): no verdict on them is
/// right.
pub fn games(dir: &str) -> Result<Vec<Record>, Box<dyn Error>> {
    if !Path::new(dir).join("games.csv").exists() {
        return Ok(Vec::new());
    }
    let rows = table(dir, "games.csv")?;
    rows.values().flatten().map(|row| read(&Path::new(dir).join(&row.file), &row.file)).collect()
}

/// The names of all jobs below a directory, those that are left out among them.
pub fn names(dir: &str) -> Result<Vec<String>, Box<dyn Error>> {
    Ok(table(dir, "truth.csv")?.into_keys().collect())
}

/// The rows of a table of truth, by job.
fn table(dir: &str, file: &str) -> Result<BTreeMap<String, Vec<Row>>, Box<dyn Error>> {
    let text = std::fs::read_to_string(Path::new(dir).join(file)).map_err(|e| {
        format!("{dir}/{file}: {e}; a script bench/diagnosis_*.py makes it (docs/diagnose.md has the commands)")
    })?;
    let mut rows: BTreeMap<String, Vec<Row>> = BTreeMap::new();
    for line in text.lines().skip(1) {
        let f: Vec<&str> = line.split(',').collect();
        let ([file, job, lr, end, untrained, broken, train], more) =
            f.split_first_chunk().ok_or_else(|| format!("truth.csv: {line}"))?;
        rows.entry((*job).to_owned()).or_default().push(Row {
            file: (*file).to_owned(),
            lr: lr.parse()?,
            end: end.parse()?,
            untrained: untrained.parse()?,
            broken: *broken == "1",
            train: train.parse()?,
            untrained_train: more.first().map(|v| v.parse()).transpose()?,
        });
    }
    Ok(rows)
}

fn job(dir: &str, name: String, mut rows: Vec<Row>) -> Result<Option<Job>, Box<dyn Error>> {
    rows.sort_by(|a, b| a.lr.total_cmp(&b.lr));
    let mut means: Vec<(f64, f64)> = Vec::new();
    for row in &rows {
        let cap = 2.0 * row.untrained;
        let loss = if row.broken || row.end.is_nan() { cap } else { row.end.min(cap) };
        if means.last().is_none_or(|m| m.0 != row.lr) {
            means.push((row.lr, loss));
        }
    }
    let Some((best, vertex)) = label::vertex(&means, SOLVED * rows[0].untrained) else { return Ok(None) };
    // The lowest rate hardly moves: its training loss is that of the untrained model.
    let start = rows[0].untrained_train.unwrap_or(rows[0].untrained.max(rows[0].train));
    let mut logs = Vec::new();
    for row in &rows {
        let record = read(&Path::new(dir).join(&row.file), &row.file)?;
        let diverged = row.broken || row.lr > vertex && label::worse(row.train, start, row.end, row.untrained);
        let at = means.partition_point(|m| m.0 < row.lr);
        let octaves = (row.lr / vertex).log2();
        let truth = label::verdict(diverged, octaves, means[at].1 / means[best].1);
        logs.push(Log { record, truth, octaves, at });
    }
    Ok(Some(Job { name, rates: means.into_iter().map(|m| m.0).collect(), best, vertex, logs }))
}

/// Judges all logs below a directory, one by one and beside the other runs of their jobs.
pub fn score(dir: &str, model: &Model) -> Result<(), Box<dyn Error>> {
    let (mut alone, mut together, mut near, mut sweeps) = (Vec::new(), Vec::new(), 0, 0);
    for job in jobs(dir)? {
        let (mut line, mut all) = (String::new(), Vec::new());
        for log in &job.logs {
            let found = diagnose_with(model, &log.record);
            line += &format!(" {}{}", letter(log.truth), letter(found.verdict));
            let Log { truth, octaves, .. } = *log;
            let lr = log.record.base_lr().unwrap_or(job.rates[log.at]);
            alone.push(Judged::alone(truth, octaves, &found, lr));
            let mut record = log.record.clone();
            record.facts.lr = Some(job.rates[log.at]);
            all.push((log, record, found));
        }
        // A person logs the runs of a sweep in one way: with a validation loss, or without.
        for held_out in [true, false] {
            let those: Vec<&(&Log, Record, Diagnosis)> =
                all.iter().filter(|(_, r, _)| r.val_loss.is_empty() != held_out).collect();
            let pairs: Vec<(&Record, &Diagnosis)> = those.iter().map(|(_, r, d)| (r, d)).collect();
            let Some(sweep) = Sweep::of(&pairs) else { continue };
            sweeps += 1;
            let at = job.rates.iter().filter(|lr| **lr < sweep.best * 0.999).count();
            near += usize::from(at.abs_diff(job.best) <= 1);
            line += if held_out { "; together by validation:" } else { "; together by training:" };
            for (log, _, found) in those {
                let judged = Judged::beside(log.truth, log.octaves, found, job.rates[log.at], &sweep);
                line += &format!(" {}{}", letter(log.truth), letter(judged.said));
                together.push(judged);
            }
        }
        println!("{}: best {:.2e}:{line}", job.name, job.vertex);
    }
    println!("(truth and verdict by rising rate: l low, g good, h high, d diverged, ? unknown)");
    println!(
        "\n### A single run\n\n{}\n{}\n{}",
        score::table(&alone),
        score::calibration(&alone),
        score::advice(&alone)
    );
    println!("### The runs of a job together\n\n{}\n{}", score::table(&together), score::calibration(&together));
    println!("{sweeps} sweeps: the best rate within one rate of the truth in {near}");
    Ok(())
}

fn letter(verdict: Placement) -> char {
    match verdict {
        Placement::TooLow => 'l',
        Placement::Good => 'g',
        Placement::TooHigh => 'h',
        Placement::Diverged => 'd',
        Placement::Unknown => '?',
    }
}

fn read(path: &Path, name: &str) -> Result<Record, Box<dyn Error>> {
    let bytes = std::fs::read(path)?;
    let mut reader = LogReader::new(detect(&bytes, name), name);
    reader.push(&bytes)?;
    let runs = reader.finish()?;
    let records: Vec<Record> = runs.iter().flat_map(|r| meaning::records(r, name)).collect();
    let longest = records.into_iter().max_by_key(|r| r.loss.len() + r.val_loss.len() + r.loss.broken().len());
    longest.ok_or_else(|| format!("{name}: no run in it").into())
}
