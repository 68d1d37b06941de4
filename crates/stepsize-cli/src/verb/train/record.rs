//! What a run leaves in files as it goes: the curve as CSV or JSON lines, written whole at every
//! checkpoint, and TensorBoard events, added at every evaluation. After a resume both hold the
//! whole run.

use super::checkpoint::Checkpoint;
use crate::args::TrainArgs;
use crate::done::Fault;
use crate::files;
use serde_json::json;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};
use stepsize::{Curve, Event};
use stepsize_study::EventFile;

/// The files of a run.
pub struct RunFiles {
    curve: Option<PathBuf>,
    /// Steps that a curve of that name holds already. A resumed run does not shorten it.
    held: usize,
    board: Option<EventFile>,
    score: String,
}

impl RunFiles {
    /// Opens what is asked for, with what the run has shown already.
    pub fn open(args: &TrainArgs, run: &Checkpoint, score: &str) -> Result<Self, Fault> {
        if let Some(path) = &args.curve
            && !matches!(path.extension().and_then(|e| e.to_str()), Some("csv" | "jsonl"))
        {
            return Err(Fault::usage(format!("--curve {} should end in .csv or .jsonl", path.display())));
        }
        let older = args.curve.as_ref().and_then(|path| std::fs::read_to_string(path).ok());
        let mut held = older.map_or(0, |text| rows(&text));
        if run.trial.steps_run == 0 {
            new_may_replace(args, held, run.trial.spec.steps)?;
            held = 0;
        }
        let score = format!("{score}/validation");
        let board = args.tensorboard.as_deref().map(|dir| event_file(dir, run, &score)).transpose()?;
        Ok(Self { curve: args.curve.clone(), held, board, score })
    }

    /// Takes in one event.
    pub fn live(&mut self, event: &Event, norm: Option<f64>) -> Result<(), Fault> {
        let Some(board) = &mut self.board else { return Ok(()) };
        let at = now();
        match event {
            Event::Step { step, lr, loss, .. } => {
                let norm = norm.map(|n| ("gradient norm", n));
                let scalars: Vec<_> = [("loss/train", *loss), ("lr", *lr)].into_iter().chain(norm).collect();
                board.push(at, *step, &scalars)?;
                Ok(())
            }
            Event::Eval { step, val_loss, score, .. } => {
                let score = score.map(|s| (self.score.as_str(), s));
                let scalars: Vec<_> = [("loss/validation", *val_loss)].into_iter().chain(score).collect();
                board.push(at, *step, &scalars)?;
                Ok(board.flush()?)
            }
            Event::Acted { step, factor, .. } => {
                board.push(at, *step, &[("controller", *factor)])?;
                Ok(())
            }
            Event::Ended { .. } => Ok(board.flush()?),
            _ => Ok(()),
        }
    }

    /// Writes the curve whole, in one move, and what of the events waits.
    pub fn rewrite(&mut self, run: &Checkpoint) -> Result<(), Fault> {
        if let Some(board) = &mut self.board {
            board.flush()?;
        }
        let Some(path) = &self.curve else { return Ok(()) };
        if run.trial.train.points().len() < self.held {
            return Ok(());
        }
        files::write(path, text(path, run).as_bytes())
    }
}

/// A new run of `steps` steps does not replace a longer curve, of `held` steps.
fn new_may_replace(args: &TrainArgs, held: usize, steps: u64) -> Result<(), Fault> {
    let Some(path) = args.curve.as_ref().filter(|_| held as u64 > steps) else { return Ok(()) };
    let path = path.display();
    Err(Fault::usage(format!(
        "{path} holds {held} steps, and this run has {steps}: it would replace the longer curve; \
         name another file with --curve, or delete {path}. Nothing has run"
    )))
}

/// A new event file in `dir` that holds what the old ones of this run held, less what was lost or
/// taken back since its checkpoint.
fn event_file(dir: &Path, run: &Checkpoint, score: &str) -> Result<EventFile, Fault> {
    let (mut file, at, trial) = (EventFile::open(dir)?, now(), &run.trial);
    for (i, p) in trial.train.points().iter().enumerate() {
        let norm = run.norms.get(i).map(|n| ("gradient norm", *n));
        let scalars: Vec<_> = [("loss/train", p.loss), ("lr", p.lr)].into_iter().chain(norm).collect();
        file.push(at, p.step, &scalars)?;
    }
    for (curve, tag) in [(&trial.val, "loss/validation"), (&trial.score, score)] {
        for p in curve.points() {
            file.push(at, p.step, &[(tag, p.loss)])?;
        }
    }
    file.flush()?;
    Ok(file)
}

/// Steps in a curve that was written before.
fn rows(text: &str) -> usize {
    text.lines().filter(|line| !line.starts_with("step,")).count()
}

fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |d| d.as_secs_f64())
}

/// The curve as CSV or JSON lines, as the name of the file says.
fn text(path: &Path, run: &Checkpoint) -> String {
    let trial = &run.trial;
    let with_norms = !run.norms.is_empty();
    let rows = trial.train.points().iter().enumerate().map(|(i, p)| {
        let steps = p.step + 1;
        let at = |curve: &Curve| {
            let found = curve.points().binary_search_by_key(&steps, |v| v.step);
            found.ok().map(|i| curve.points()[i].loss)
        };
        (p, at(&trial.val), at(&trial.score), run.norms.get(i).copied())
    });
    let number = |v: Option<f64>| v.map_or(String::new(), |v| v.to_string());
    if path.extension().is_some_and(|e| e == "csv") {
        let mut text = format!("step,lr,loss,val_loss,score{}\n", if with_norms { ",grad_norm" } else { "" });
        for (p, val, score, norm) in rows {
            let _ = write!(text, "{},{},{},{},{}", p.step, p.lr, p.loss, number(val), number(score));
            if with_norms {
                let _ = write!(text, ",{}", number(norm));
            }
            text.push('\n');
        }
        return text;
    }
    rows.map(|(p, val, score, norm)| {
        let mut row = json!({ "step": p.step, "lr": p.lr, "loss": p.loss, "val_loss": val, "score": score });
        if with_norms {
            row["grad_norm"] = json!(norm);
        }
        row.to_string() + "\n"
    })
    .collect()
}
