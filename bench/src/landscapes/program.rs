//! What a program shows of a run: all readings of the tables, none before its first step, or one
//! after each epoch.

use super::tables::Tables;
use std::error::Error;
use stepsize::{Curve, End, Job, Point, Schedule, Trial, TrialId, TrialSpec};

/// How a program prints its losses.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Program {
    /// The loss before the first step too.
    Whole,
    /// From the first step on.
    NoStart,
    /// Counts so many epochs, and prints a loss after each.
    Epochs(u64),
}

impl Program {
    /// Reads `no-start` or `epochs:N`.
    pub fn parse(text: &str) -> Result<Self, Box<dyn Error>> {
        let epochs = || text.strip_prefix("epochs:")?.parse().ok().filter(|n| *n > 0).map(Self::Epochs);
        if text == "no-start" { Some(Self::NoStart) } else { epochs() }
            .ok_or_else(|| format!("--program {text}: known are no-start and epochs:N").into())
    }

    /// The full run, in what the program counts.
    pub fn job(self, tables: &Tables, seed: u64) -> Result<Job, stepsize::Error> {
        match self {
            Self::Whole | Self::NoStart => tables.job(seed),
            Self::Epochs(n) => Ok(Job::new(n, Schedule::parse(&tables.schedule, n)?, seed)?.with_own_schedule()),
        }
    }

    /// The trial that `spec` asks for, as the program shows it.
    pub fn trial(self, tables: &Tables, id: TrialId, spec: &TrialSpec) -> Result<Trial, stepsize::Error> {
        let Self::Epochs(n) = self else {
            let whole = tables.trial(id, spec);
            let from = u64::from(self == Self::NoStart);
            let val = whole.val.points().iter().filter(|p| p.step >= from).copied().collect();
            return Ok(Trial { val, ..whole });
        };
        let steps = (spec.steps * tables.steps / n).max(1);
        let mut trial = tables.trial(id, &tables.job(spec.seed)?.trial(spec.lr, steps, spec.seed)?);
        let share = spec.steps as f64 / steps as f64;
        let up = |step: u64| ((step as f64 * share).ceil() as u64).clamp(1, spec.steps);
        // Of the readings within an epoch the last is that of its end.
        let mut by_epoch: Vec<Point> = Vec::new();
        for point in trial.val.points().iter().filter(|p| p.step > 0) {
            let point = Point { step: up(point.step), ..*point };
            by_epoch.pop_if(|last| last.step == point.step);
            by_epoch.push(point);
        }
        trial.val = by_epoch.into_iter().collect::<Curve>();
        trial.steps_run = up(trial.steps_run);
        if let Some(End::Diverged { step, .. }) = &mut trial.end {
            *step = up(*step);
        }
        Ok(Trial { spec: spec.clone(), ..trial })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::super::tables::read;
    use super::*;
    use std::path::Path;
    use stepsize::Lr;

    #[test]
    fn a_program_that_counts_epochs_shows_no_loss_before_its_first() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/landscapes/convolution_0.gz");
        let tables = &read(&path).unwrap();
        let seen = |program: Program, steps: u64| {
            let spec = program.job(tables, 100).unwrap().trial(Lr::new(0.01).unwrap(), steps, 100).unwrap();
            let trial = program.trial(tables, TrialId(0), &spec).unwrap();
            (trial.val.points().iter().map(|p| p.step).collect::<Vec<_>>(), trial.final_loss())
        };
        let (whole, last) = seen(Program::Whole, tables.steps / 4);
        assert_eq!((whole[0], seen(Program::NoStart, tables.steps / 4)), (0, (whole[1..].to_vec(), last)));
        assert_eq!(seen(Program::parse("epochs:16").unwrap(), 4), (vec![1, 2, 3, 4], last));
        assert!(Program::parse("epochs:0").is_err());
    }
}
