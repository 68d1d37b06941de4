//! The tables of `bench/landscapes/make.py`: jobs of many families, with every trial that a search
//! may ask for.

use flate2::read::GzDecoder;
use serde::Deserialize;
use std::error::Error;
use std::io::Read;
use std::path::Path;
use stepsize::{Curve, End, Job, Point, Schedule, Trial, TrialId, TrialSpec, evaluation_steps};

/// Where they are.
pub const FOLDER: &str = "bench/data/landscapes";
/// Explosion step of a run that did not explode.
const NEVER: u16 = u16::MAX;
/// Evaluations of a trial, as the product makes them.
const EVALUATIONS: u64 = 8;

/// The first line of a file.
#[derive(Deserialize)]
struct Head {
    name: String,
    family: String,
    untrained: f64,
    steps: u64,
    schedule: String,
    optimizer: String,
    tables: Vec<TableHead>,
}

/// What a table holds.
#[derive(Deserialize)]
struct TableHead {
    kind: String,
    steps: u64,
    low: f64,
    spacing: f64,
    rates: usize,
    seeds: Vec<u64>,
    at: Vec<u64>,
}

/// Runs of one length.
pub struct Table {
    head: TableHead,
    losses: Vec<f32>,
    exploded: Vec<u16>,
}

impl Table {
    /// The rates, `log2 lr`.
    pub fn rates(&self) -> impl Iterator<Item = f64> + use<'_> {
        (0..self.head.rates).map(|i| self.head.low + self.head.spacing * i as f64)
    }

    /// Final loss at rate `rate` (index) and seed `seed` (index); `None` when it broke.
    pub fn last(&self, rate: usize, seed: usize) -> Option<f64> {
        let run = rate * self.head.seeds.len() + seed;
        let loss = f64::from(self.losses[(run + 1) * self.head.at.len() - 1]);
        (self.exploded[run] == NEVER && loss.is_finite()).then_some(loss)
    }

    /// How many seeds it has.
    pub fn seeds(&self) -> usize {
        self.head.seeds.len()
    }

    /// Index of the rate nearest to `x`; the outermost beyond the ends.
    pub fn nearest(&self, x: f64) -> usize {
        ((x - self.head.low) / self.head.spacing).round().clamp(0.0, self.head.rates as f64 - 1.0) as usize
    }
}

/// One job with its tables.
pub struct Tables {
    /// Family and number.
    pub name: String,
    /// Kind of data and model.
    pub family: String,
    /// Loss before the first step, mean of two seeds.
    pub untrained: f64,
    /// Steps of the full run.
    pub steps: u64,
    /// Schedule, in the product's notation.
    pub schedule: String,
    /// Optimizer.
    pub optimizer: String,
    /// Full runs over all rates, two seeds.
    pub wide: Table,
    /// Full runs about the best rate, ten seeds.
    pub near: Table,
    /// Runs by length, the longest first, for the searches.
    pub trials: Vec<Table>,
}

impl Tables {
    /// The full run, its trials seeded with `seed`.
    pub fn job(&self, seed: u64) -> Result<Job, stepsize::Error> {
        Job::new(self.steps, Schedule::parse(&self.schedule, self.steps)?, seed)
    }

    /// The table that holds runs of `steps` steps, or of the nearest length.
    fn of_length(&self, steps: u64) -> &Table {
        let far = |t: &&Table| (steps as f64 / t.head.steps as f64).ln().abs();
        let nearest = self.trials.iter().min_by(|a, b| far(a).total_cmp(&far(b)));
        nearest.unwrap_or(&self.near)
    }

    /// The trial that `spec` asks for. Its evaluations are the validation losses; mini-batch losses
    /// are not kept. A seed or a rate that the tables lack is replaced by another one.
    pub fn trial(&self, id: TrialId, spec: &TrialSpec) -> Trial {
        let table = if self.trials.len() == 1 { &self.trials[0] } else { self.of_length(spec.steps) };
        let prefix = self.trials.len() == 1;
        let seeds = &table.head.seeds;
        let seed = seeds.iter().position(|s| *s == spec.seed).unwrap_or(spec.seed as usize % seeds.len());
        let run = table.nearest(spec.lr.log2()) * seeds.len() + seed;
        let count = table.head.at.len();
        let losses = &table.losses[run * count..(run + 1) * count];
        // A length between those of the tables takes the curve of the nearest one, stretched.
        let scale = if prefix { 1.0 } else { spec.steps as f64 / table.head.steps as f64 };
        let wanted = evaluation_steps(spec.steps, EVALUATIONS);
        let exploded = (f64::from(table.exploded[run]) * scale).round() as u64;
        let broke = table.exploded[run] != NEVER && exploded <= spec.steps;
        // Beyond the table a run learns half as much an octave further on the left, and is as at
        // the end on the right, but for a trace: equal readings would say that the rate is not
        // used.
        let beyond = spec.lr.log2() - (table.head.low + table.head.spacing * table.nearest(spec.lr.log2()) as f64);
        let less = if beyond < -table.head.spacing { beyond.exp2() } else { 1.0 - 1e-6 * beyond.max(0.0) };
        let start = f64::from(losses[0]);
        let mut val = Curve::new();
        for (&at, &loss) in table.head.at.iter().zip(losses) {
            let step = (at as f64 * scale).round() as u64;
            let shown = if prefix { wanted.contains(&step) } else { step <= spec.steps };
            if shown && !(broke && step >= exploded) {
                val.push(Point { step, lr: spec.lr.get(), loss: start + (f64::from(loss) - start) * less });
            }
        }
        let end = if broke { End::Diverged { step: exploded, why: "training loss".into() } } else { End::Finished };
        let steps_run = if broke { exploded.max(1) } else { spec.steps };
        Trial { val, end: Some(end), steps_run, ..Trial::new(id, spec.clone()) }
    }
}

/// The jobs whose family contains `family`, in the order of their names.
pub fn load(family: &str) -> Result<Vec<Tables>, Box<dyn Error>> {
    let entries = std::fs::read_dir(FOLDER)
        .map_err(|e| format!("{FOLDER}: {e}; make it with `python bench/landscapes/make.py`"))?;
    let mut paths: Vec<_> = entries.map(|e| e.map(|e| e.path())).collect::<Result<_, _>>()?;
    paths.retain(|p| p.extension().is_some_and(|e| e == "gz"));
    paths.sort();
    let all: Vec<Tables> = paths.iter().map(|p| read(p)).collect::<Result<_, _>>()?;
    Ok(all.into_iter().filter(|t| t.family.contains(family)).collect())
}

pub(super) fn read(path: &Path) -> Result<Tables, Box<dyn Error>> {
    let fault = |e: &dyn std::fmt::Display| format!("{}: {e}", path.display());
    let mut bytes = Vec::new();
    GzDecoder::new(std::fs::File::open(path)?).read_to_end(&mut bytes).map_err(|e| fault(&e))?;
    let line = bytes.iter().position(|b| *b == b'\n').ok_or_else(|| fault(&"no first line"))?;
    let head: Head = serde_json::from_slice(&bytes[..line]).map_err(|e| fault(&e))?;
    let mut rest = &bytes[line + 1..];
    let mut take = |count: usize| -> Result<&[u8], String> {
        let (taken, left) = rest.split_at_checked(count).ok_or_else(|| fault(&"cut off"))?;
        rest = left;
        Ok(taken)
    };
    let (mut wide, mut near, mut trials) = (None, None, Vec::new());
    for head in head.tables {
        let runs = head.rates * head.seeds.len();
        let losses = take(runs * head.at.len() * 4)?.chunks_exact(4);
        let losses = losses.map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
        let exploded = take(runs * 2)?.chunks_exact(2).map(|b| u16::from_le_bytes([b[0], b[1]])).collect();
        let kind = head.kind.clone();
        let table = Table { head, losses, exploded };
        match kind.as_str() {
            "wide" => wide = Some(table),
            "near" => near = Some(table),
            _ => trials.push(table),
        }
    }
    let (Some(wide), Some(near)) = (wide, near) else { return Err(fault(&"a table is missing").into()) };
    if trials.is_empty() {
        return Err(fault(&"no trials").into());
    }
    let Head { name, family, untrained, steps, schedule, optimizer, .. } = head;
    Ok(Tables { name, family, untrained, steps, schedule, optimizer, wide, near, trials })
}

#[cfg(test)]
mod tests {
    use super::*;
    use stepsize::Lr;

    fn tables(name: &str) -> Tables {
        read(&Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("data/landscapes/{name}.gz"))).unwrap()
    }

    fn trial(tables: &Tables, x: f64, steps: u64, seed: u64) -> Trial {
        let spec = tables.job(seed).unwrap().trial(Lr::from_log2(x), steps, seed).unwrap();
        tables.trial(TrialId(0), &spec)
    }

    #[test]
    fn a_trial_is_evaluated_as_the_product_evaluates_whatever_the_schedule() {
        for name in ["noisy_labels_0", "convolution_0"] {
            let t = tables(name);
            for part in [16, 8, 4, 2, 1] {
                let one = trial(&t, -7.0, t.steps / part, 101);
                let at: Vec<u64> = one.val.points().iter().map(|p| p.step).collect();
                assert_eq!(at, evaluation_steps(t.steps / part, EVALUATIONS), "{name} at T/{part}");
                assert!(one.final_loss().is_some_and(|l| l < t.untrained), "{name}");
            }
        }
    }

    #[test]
    fn rates_beyond_the_table_learn_less_on_the_left_and_break_on_the_right() {
        let t = tables("convolution_0");
        let loss = |x| trial(&t, x, t.steps, 100).final_loss().unwrap();
        let start = trial(&t, -20.0, t.steps, 100).start_loss().unwrap();
        assert!(loss(-24.0) > loss(-18.0) && loss(-24.0) < start && loss(-18.0) < start);
        let high = tables("autoencoder_0");
        let broken = trial(&high, 30.0, high.steps, 100);
        assert!(broken.exploded() && broken.steps_run < high.steps && broken.val.points().len() < 9);
    }

    #[test]
    fn the_seeds_of_a_job_differ_and_a_file_that_is_cut_off_is_named() {
        let t = tables("convolution_0");
        let of = |seed| trial(&t, -4.0, t.steps, seed).final_loss();
        assert!(of(100) != of(101) && of(100) == trial(&t, -4.0, t.steps, 100).final_loss());
        let path = std::env::temp_dir().join(format!("stepsize-cut-{}.gz", std::process::id()));
        std::fs::write(&path, [0x1f, 0x8b, 8]).unwrap();
        let error = read(&path).err().unwrap().to_string();
        std::fs::remove_file(&path).unwrap();
        assert!(error.contains("stepsize-cut"), "{error}");
    }
}
