//! The second test set: logs of NumPy, scikit-learn and plain Python scripts (`bench/diagnosis_scripts.py`), read from their files
//! as the product reads them. Nothing was fitted to them; the labels are by the same rule, one seed.

use super::score::{self, Judged};
use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;
use stepsize::diagnosis::model::Model;
use stepsize::diagnosis::sweep::Sweep;
use stepsize::diagnosis::{Diagnosis, Record, diagnose_with};
use stepsize::report::Verdict;
use stepsize_logs::{LogReader, detect, meaning};

struct Row {
    file: String,
    lr: f64,
    end: f64,
    untrained: f64,
    train: f64,
    diverged: bool,
}

/// Judges them all.
pub fn score(dir: &str, model: &Model) -> Result<(), Box<dyn Error>> {
    let text = std::fs::read_to_string(Path::new(dir).join("truth.csv"))
        .map_err(|e| format!("{dir}/truth.csv: {e}; make it with `python3 bench/diagnosis_scripts.py {dir}`"))?;
    let mut jobs: BTreeMap<String, Vec<Row>> = BTreeMap::new();
    for line in text.lines().skip(1) {
        let f: Vec<&str> = line.split(',').collect();
        let [file, job, lr, end, untrained, broken, train] = f[..] else {
            return Err(format!("truth.csv: {line}").into());
        };
        let (end, untrained, train): (f64, f64, f64) = (end.parse()?, untrained.parse()?, train.parse()?);
        jobs.entry(job.to_owned()).or_default().push(Row {
            file: file.to_owned(),
            lr: lr.parse()?,
            end,
            untrained,
            train,
            diverged: broken == "1",
        });
    }
    let (mut alone, mut near, mut sweeps) = (Vec::new(), 0, 0);
    for (job, mut rows) in jobs {
        rows.sort_by(|a, b| a.lr.total_cmp(&b.lr));
        // The lowest rate hardly moves: its training loss is that of the untrained model.
        let start = rows[0].untrained.max(rows[0].train);
        rows.iter_mut().for_each(|r| r.diverged |= r.train.is_nan() || r.train > 1.05 * start);
        let loss = |r: &Row| if r.diverged { 2.0 * r.untrained } else { r.end };
        let best = (0..rows.len()).min_by(|a, b| loss(&rows[*a]).total_cmp(&loss(&rows[*b]))).ok_or("no rows")?;
        if best == 0 || best + 1 == rows.len() {
            println!("{job}: best at the edge, left out");
            continue;
        }
        let y: Vec<f64> = rows[best - 1..=best + 1].iter().map(|r| loss(r).ln()).collect();
        let bend = y[0] - 2.0 * y[1] + y[2];
        let shift = if bend > 0.0 { (0.5 * (y[0] - y[2]) / bend).clamp(-0.5, 0.5) } else { 0.0 };
        let vertex = rows[best].lr * (rows[best + 1].lr / rows[best].lr).powf(shift);
        let (lowest, mut records) = (loss(&rows[best]), Vec::new());
        let mut line = String::new();
        for row in &rows {
            let record = read(&Path::new(dir).join(&row.file), &row.file)?;
            let octaves = (row.lr / vertex).log2();
            let close = octaves.abs() <= 1.0 || octaves.abs() < 2.0 && loss(row) <= 1.05 * lowest;
            let truth = match () {
                () if row.diverged => Verdict::Diverged,
                () if close => Verdict::Good,
                () if octaves < 0.0 => Verdict::TooLow,
                () => Verdict::TooHigh,
            };
            let found = diagnose_with(model, &record);
            line += &format!(" {}{}", letter(truth), letter(found.verdict));
            alone.push(Judged { truth, said: found.verdict, octaves, confidence: found.confidence });
            let mut record = record;
            record.facts.lr = Some(row.lr);
            records.push((record, found));
        }
        println!(
            "{job}: best {vertex:.2e}; truth and verdict by rising rate (l low, g good, h high, d diverged, ? unknown):{line}"
        );
        let pairs: Vec<(&Record, &Diagnosis)> = records.iter().map(|(r, d)| (r, d)).collect();
        if let Some(sweep) = Sweep::of(&pairs) {
            sweeps += 1;
            let at = rows.iter().filter(|r| r.lr < sweep.best * 0.999).count();
            near += usize::from(at.abs_diff(best) <= 1);
        }
    }
    println!("\n### Scripts of another kind, a single run\n\n{}\n{}", score::table(&alone), score::calibration(&alone));
    println!("{sweeps} sweeps: the best rate within one rate of the truth in {near}");
    Ok(())
}

fn letter(verdict: Verdict) -> char {
    match verdict {
        Verdict::TooLow => 'l',
        Verdict::Good => 'g',
        Verdict::TooHigh => 'h',
        Verdict::Diverged => 'd',
        Verdict::Unknown => '?',
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
