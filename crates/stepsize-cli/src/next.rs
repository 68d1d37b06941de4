//! The full run at the answer of a search: the command to type next, `--then-run` and
//! `--then-train`. What was predicted of it and what came of it are kept in the study.

use crate::args::{Cli, CommandArgs, StudyArgs, TaskArgs, Verb};
use crate::done::Fault;
use crate::verb::train;
use crate::work::{apart, template};
use clap::{CommandFactory, Parser};
use serde_json::json;
use std::ffi::OsString;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Instant;
use stepsize::{Band, Event, FollowUp, Job, Lr, TrialId};
use stepsize_draw::number::{loss, rate};
use stepsize_draw::show::Style;
use stepsize_study::executor::{ApartRun, Values, typed};
use stepsize_study::{Store as _, Studies};

/// Where a command that names `{trial_dir}` gets its full run.
const DIRECTORY: &str = "stepsize-full-run";

/// A full run, as words and environment.
#[derive(Debug)]
pub struct FullRun {
    words: Vec<String>,
    environment: Vec<(String, String)>,
    directory: Option<&'static str>,
    /// On a cluster: the run as a cluster job of its own.
    apart: Option<ApartRun>,
}

/// What follows a search that answers.
#[derive(Debug, Clone, Copy)]
pub struct AfterAnswer<'a> {
    /// The user's command; without words the built-in engine.
    pub command: &'a CommandArgs,
    /// Its full run.
    pub task: &'a TaskArgs,
    /// Where the search is kept.
    pub kept: &'a StudyArgs,
    /// Whether to run it, or only to name it.
    pub run: bool,
    /// Where the built-in engine keeps the checkpoint of a full run that it makes.
    pub train: Option<&'a Path>,
}

/// A full run to be made.
#[derive(Debug)]
pub struct Following {
    /// The run.
    pub run: FullRun,
    /// Whether the built-in engine makes it, in this process.
    pub trains: bool,
    /// At which rate.
    pub lr: Lr,
    /// What the search expects of it.
    pub predicted: Option<Band>,
    /// The study that keeps what comes of it.
    pub kept: Option<(PathBuf, String)>,
    /// Whether results are JSON.
    pub json: bool,
    /// How text looks.
    pub style: Style,
}

impl Following {
    /// Makes the run; its text follows that of the search. Returns its exit code.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn make(self) -> Result<u8, Fault> {
        let begin = Instant::now();
        if let Some(apart) = &self.run.apart {
            return self.submit(apart);
        }
        let (ended, val_loss) = if self.trains { self.train()? } else { (self.run.run(), None) };
        let up = FollowUp {
            lr: self.lr,
            predicted: self.predicted,
            command: self.run.typed(),
            exit_code: ended.as_ref().ok().copied(),
            job: None,
            val_loss,
            seconds: begin.elapsed().as_secs_f64(),
        };
        if self.trains {
            let text = match self.json {
                true => format!("{:#}\n", json!({ "full_run": up })),
                false => format!("{}\n", said(&up)),
            };
            let _ = std::io::stdout().lock().write_all(text.as_bytes()); // the end says what is kept
        }
        self.keep(up);
        ended
    }

    /// Submits the run to its cluster, and does not wait for it.
    fn submit(&self, apart: &ApartRun) -> Result<u8, Fault> {
        let place = apart.commands.dir.with_file_name(DIRECTORY);
        let job =
            apart.submit(&place).map_err(|e| Fault::failure(format!("the full run, `{}`: {e}", self.run.typed())))?;
        let (command, lr, predicted) = (self.run.typed(), self.lr, self.predicted);
        let up = FollowUp { lr, predicted, command, exit_code: None, job: Some(job), val_loss: None, seconds: 0.0 };
        let text = match self.json {
            true => format!("{:#}\n", json!({ "full_run": up })),
            false => format!("{}\n", said(&up)),
        };
        let _ = std::io::stdout().lock().write_all(text.as_bytes()); // a reader that has closed the pipe
        self.keep(up);
        Ok(0)
    }

    fn keep(&self, up: FollowUp) {
        if let Some((db, name)) = &self.kept
            && let Err(why) = keep(db, name, up)
        {
            eprintln!("note: what came of the full run could not be kept in study {name}: {why}");
        }
    }

    /// Trains with the built-in engine. Gives the exit code and the final validation loss.
    fn train(&self) -> Result<(Result<u8, Fault>, Option<f64>), Fault> {
        let mut words = self.run.words.clone();
        if self.json {
            words.push("--json".to_owned());
        }
        let cli = Cli::try_parse_from(&words)
            .map_err(|e| Fault::failure(format!("the full run, `{}`: {e}", self.run.typed())))?;
        let Verb::Train(args) = cli.verb else { return Ok((Ok(0), None)) };
        let (done, val_loss) = train::made(&args, self.style)?;
        Ok((Ok(done.print()), val_loss))
    }
}

/// What came of a full run, beside what was predicted.
pub fn said(up: &FollowUp) -> String {
    let reached = match (up.val_loss, up.exit_code) {
        (Some(value), _) => {
            format!("the full run at lr {} reached a validation loss of {}", rate(up.lr.get()), loss(value))
        }
        (None, _) if up.job.is_some() => {
            format!("the full run at lr {} was submitted: {}", rate(up.lr.get()), up.job.as_deref().unwrap_or_default())
        }
        (None, Some(0)) => format!("the full run at lr {} ended well", rate(up.lr.get())),
        (None, Some(code)) => format!("the full run at lr {} ended with exit code {code}", rate(up.lr.get())),
        (None, None) => format!("the full run at lr {} was ended by a signal, or did not start", rate(up.lr.get())),
    };
    let predicted = match (up.predicted, up.within()) {
        (Some(band), within) => {
            let how = match within {
                Some(true) => ": as predicted",
                Some(false) if up.val_loss.is_some_and(|value| value < band.low) => ": better than predicted",
                Some(false) => ": worse than predicted",
                None => "",
            };
            format!("; the search predicted {} (80 %: {} to {}){how}", loss(band.mid), loss(band.low), loss(band.high))
        }
        (None, _) => "; this search makes no prediction".to_owned(),
    };
    reached + &predicted
}

/// Adds what came of the full run to its study.
fn keep(db: &Path, name: &str, up: FollowUp) -> stepsize::Result<()> {
    let studies = Studies::open(db)?;
    let (command, directory) = studies.command(name)?;
    let mut study = studies.study(name, &command, &directory)?;
    study.append(&Event::Followed { up })
}

impl AfterAnswer<'_> {
    /// The full run at `lr`, with as many digits as the answer is shown with. `words` is the
    /// command line of the search.
    pub fn full_run(self, job: &Job, lr: Lr, words: &[OsString]) -> Result<FullRun, Fault> {
        let lr = Lr::new(rate(lr.get()).parse().unwrap_or(lr.get()))?;
        match self.command.argv.is_empty() {
            true => Ok(FullRun::of_engine(words, lr, self.train)),
            false => {
                let apart = apart(self.task, self.command, self.kept, job.trial(lr, job.steps, job.seed)?)?;
                Ok(FullRun { apart, ..FullRun::of_command(self.command, job, lr)? })
            }
        }
    }
}

impl FullRun {
    /// The full run of the user's command at `lr`.
    fn of_command(args: &CommandArgs, job: &Job, lr: Lr) -> Result<Self, Fault> {
        let template = template(args)?;
        let spec = job.trial(lr, job.steps, job.seed)?;
        let values = Values::new(TrialId(0), &spec, job.steps, Path::new(DIRECTORY));
        Ok(Self {
            words: template.words(&values),
            environment: if args.lr_from_env { values.environment() } else { Vec::new() },
            directory: template.has("trial_dir").then_some(DIRECTORY),
            apart: None,
        })
    }

    /// `stepsize train` at `lr` with the task that the command line `words` names.
    fn of_engine(words: &[OsString], lr: Lr, checkpoint: Option<&Path>) -> Self {
        let mut full = vec!["stepsize".to_owned(), "train".to_owned(), "--lr".to_owned(), lr.get().to_string()];
        full.extend(shared(words));
        full.extend(checkpoint.map(|path| format!("--resume={}", path.display())));
        Self { words: full, environment: Vec::new(), directory: None, apart: None }
    }

    /// As a person would type it.
    pub fn typed(&self) -> String {
        let variable = |(name, value): &(String, String)| format!("{name}={}", typed(value));
        let set = self.environment.iter().filter(|(name, _)| name == "STEPSIZE_LR").map(variable);
        set.chain(self.words.iter().map(|word| typed(word))).collect::<Vec<_>>().join(" ")
    }

    /// Runs it with the streams of this process; returns its exit code.
    ///
    /// # Errors
    /// When it cannot be started, or a signal ended it.
    pub fn run(&self) -> Result<u8, Fault> {
        let fault = |what: String| Fault::failure(format!("the full run, `{}`: {what}", self.typed()));
        if let Some(directory) = self.directory {
            std::fs::create_dir_all(directory).map_err(|e| fault(format!("cannot make {directory}: {e}")))?;
        }
        let [program, arguments @ ..] = self.words.as_slice() else { return Ok(0) };
        let mut command = std::process::Command::new(program);
        let status = command.args(arguments).envs(self.environment.iter().cloned()).status();
        let code = status.map_err(|e| fault(e.to_string()))?.code();
        code.and_then(|code| u8::try_from(code).ok()).ok_or_else(|| fault("it was ended by a signal".to_owned()))
    }
}

/// The options of a search that `train` has too, with their values, but for the streams of output.
fn shared(words: &[OsString]) -> Vec<String> {
    let all = Cli::command();
    let verb = words.get(1).and_then(|verb| all.find_subcommand(verb));
    let (Some(verb), Some(train)) = (verb, all.find_subcommand("train")) else { return Vec::new() };
    let mut rest = words.iter().skip(2).filter_map(|word| word.to_str());
    let mut found = Vec::new();
    while let Some(word) = rest.next() {
        let Some(long) = word.strip_prefix("--").map(|long| long.split('=').next().unwrap_or(long)) else { continue };
        let named = |arg: &&clap::Arg| {
            arg.get_long() == Some(long) || arg.get_all_aliases().unwrap_or_default().contains(&long)
        };
        let Some(arg) = verb.get_arguments().find(named) else { continue };
        let value = (arg.get_action().takes_values() && !word.contains('=')).then(|| rest.next()).flatten();
        let trains = train.get_arguments().any(|arg| arg.get_long() == Some(long));
        if trains && arg.get_help_heading() == Some("Task") && long != "jobs" {
            found.push(word.to_owned());
            found.extend(value.map(str::to_owned));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_task_is_carried_over_and_nothing_else() {
        let typed = |line: &str| {
            let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            FullRun::of_engine(&words, Lr::new(0.02).unwrap(), None).typed()
        };
        assert_eq!(typed("stepsize find"), "stepsize train --lr 0.02");
        assert_eq!(
            typed("stepsize find --model cnn --seed=3 --budget 1 --jobs 2 --png a.png --epochs 3 --json"),
            "stepsize train --lr 0.02 --model cnn --seed=3 --epochs 3"
        );
    }
}
