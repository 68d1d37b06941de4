//! Logging habits: one run, logged in the ways in which people log. The number of the log draws the
//! habit.

use super::draw::Draw;
use super::jobs::Job;
use super::runs::Run;
use stepsize::diagnosis::{Facts, Record, Series};

/// Logs made of a run.
pub const LOGS: u64 = 4;

/// A run as somebody logged it; `together`: with the same habit for every run of the job.
pub fn log(job: &Job, run: &Run, number: u64, together: bool) -> Record {
    let own = if together { 0 } else { (run.lr.log10() * 1000.0).round() as i64 as u64 };
    let mut draw = Draw::new(own ^ (number << 40) ^ (run.seed << 50) ^ name_hash(&job.name));
    let (train_too, val_too) = *draw.of(&[(true, true), (true, true), (true, false), (true, false), (false, true)]);
    let every = *draw.of(&[1usize, 1, 5, 10, 10, 20, 50]);
    let epochs = draw.chance(0.25);
    let smoothing = *draw.of(&[0.0, 0.0, 0.0, 0.9]);
    let mean = draw.chance(0.4);
    let with_lr = draw.chance(0.5);
    let known_lr = with_lr || draw.chance(0.5);
    let with_score = val_too && draw.chance(0.4);
    let with_start = draw.chance(0.6);
    let digits = *draw.of(&[3usize, 4, 6, 17]);
    let cut = if draw.chance(0.12) { 0.4 + 0.5 * draw.uniform() } else { 1.0 };
    let unit = if draw.chance(0.3) { 1.0 / job.task.steps_per_epoch().max(1) as f64 } else { 1.0 };

    let all = run.train();
    let last = ((job.steps as f64 * cut) as usize).clamp(1, all.len());
    // At least twelve readings of a whole run, as any log that is looked at has.
    let window = if epochs { job.task.steps_per_epoch().max(1) as usize } else { every };
    let window = window.min((job.steps as usize / 12).max(1));
    let round = |v: f64| if v.is_finite() { format!("{v:.digits$}").parse().unwrap_or(v) } else { v };
    let mut smooth = f64::NAN;
    let mut train = Vec::new();
    for (i, part) in all[..last].chunks(window).enumerate() {
        let end = i * window + part.len() - 1;
        let mut value =
            if mean || epochs { part.iter().sum::<f64>() / part.len() as f64 } else { part[part.len() - 1] };
        if smoothing > 0.0 {
            smooth = if smooth.is_nan() { value } else { smoothing * smooth + (1.0 - smoothing) * value };
            value = smooth;
        }
        train.push((end as f64 * unit, round(value)));
    }
    let number = |v: Option<f32>| v.map_or(f64::NAN, f64::from);
    let evaluations: Vec<_> = run.val.iter().filter(|v| v.0 as usize <= last && (with_start || v.0 > 0)).collect();
    let val = evaluations.iter().map(|v| (v.0 as f64 * unit, round(number(v.1))));
    let score = evaluations.iter().map(|v| (v.0 as f64 * unit, number(v.2)));
    let rates = run.rates[..last].iter().enumerate().step_by(window).map(|(i, r)| (i as f64 * unit, f64::from(*r)));
    let family = if job.optimizer.starts_with("adam") { "adam" } else { "sgd" };
    Record {
        name: format!("{} lr {:e}", job.name, run.lr),
        loss: if train_too { Series::new(train) } else { Series::default() },
        val_loss: if val_too { Series::new(val) } else { Series::default() },
        lr: if with_lr { Series::new(rates) } else { Series::default() },
        score: if with_score { Series::new(score) } else { Series::default() },
        grad_norm: Series::default(),
        facts: Facts {
            lr: known_lr.then_some(run.lr),
            classes: job.classes.filter(|_| draw.chance(0.3)),
            optimizer: draw.chance(0.3).then(|| family.to_owned()),
            ..Facts::default()
        },
    }
}

fn name_hash(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3))
}
