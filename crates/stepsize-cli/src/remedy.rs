//! The words of a [`Remedy`] on the command line: options that the verb in question has, or a
//! command to type.
//!
//! Whatever can be typed stands in backticks; the tests below type it.

use crate::unnamed::{LAST, is_ours};
use std::path::Path;
use stepsize::{Question, QuestionKind, Remedy, SweepRates};
use stepsize_study::executor::typed;

/// A study in its file.
#[derive(Debug, Clone, Copy)]
pub struct StudyName<'a> {
    /// Name of the study.
    pub name: &'a str,
    /// The file.
    pub db: &'a Path,
}

/// What the words depend on.
#[derive(Debug)]
pub struct Wording<'a> {
    verb: &'a str,
    /// How `find` searched; empty for other verbs.
    probe: &'a str,
    /// Whether the rates were drawn at random.
    random: bool,
    /// Whether a command trains, under its own schedule.
    command: bool,
    study: Option<StudyName<'a>>,
}

impl<'a> Wording<'a> {
    /// Words for a search with this question, kept as `study`.
    pub fn new(question: &'a Question, study: Option<StudyName<'a>>) -> Self {
        let (probe, random) = match &question.kind {
            QuestionKind::Find { probe, .. } => (probe.name(), false),
            QuestionKind::Sweep { rates, .. } => ("", matches!(rates, SweepRates::Random(_))),
            QuestionKind::RangeTest { .. } | QuestionKind::Compare { .. } => ("", false),
            // Of a study that was begun before questions were typed: its command line.
            QuestionKind::Words(text) => {
                let mut words = text.split(' ');
                let random = words.clone().any(|word| word == "--random");
                (words.by_ref().skip_while(|word| *word != "--probe").nth(1).unwrap_or_default(), random)
            }
        };
        Self { verb: question.kind.name(), probe, random, command: question.job.own_schedule, study }
    }

    /// What to do, and how to type it.
    pub fn words(&self, remedy: &Remedy) -> String {
        match self.typed(remedy) {
            Some(typed) => format!("{} (`{typed}`)", self.plain(remedy)),
            None => self.plain(remedy),
        }
    }

    fn plain(&self, remedy: &Remedy) -> String {
        match (remedy, self.study) {
            (Remedy::LowerStart | Remedy::HigherStart, _) if !self.takes_start() => {
                "search with the default probe, which finds the span by itself".to_owned()
            }
            (Remedy::LongerTrials { at_least: None }, _) if self.probe == "first-fall" => {
                "search with the default probe, which makes longer trials".to_owned()
            }
            (Remedy::SeparateTrials, _) => {
                "give each trial a directory of its own: put {trial_dir} where the command names its checkpoints, or \
                 switch resuming off"
                    .to_owned()
            }
            (Remedy::CountSteps, _) if !self.command => "ask about a longer run".to_owned(),
            (Remedy::CountSteps, _) => {
                "count in optimizer steps, with the option of the command that sets them, or take {steps} out of the command: \
                 then the first parts of full runs are compared"
                    .to_owned()
            }
            (Remedy::AcceptSteps, _) => "put {steps} into the command if it can be told its length".to_owned(),
            (Remedy::Resume, Some(_)) => "continue the study".to_owned(),
            (Remedy::Resume, None) => "run it again to its end, or keep the trials of an interrupted search".to_owned(),
            _ => remedy.to_string(),
        }
    }

    fn typed(&self, remedy: &Remedy) -> Option<String> {
        let find = self.verb == "find";
        Some(match remedy {
            Remedy::LongerRun => "--steps N".to_owned(),
            Remedy::LongerTrials { at_least } => {
                let steps = at_least.map_or("N".to_owned(), |steps| steps.to_string());
                match (self.verb, self.probe) {
                    ("range-test", _) => format!("--trial-steps {steps}"),
                    (_, "range-test") => format!("stepsize range-test --trial-steps {steps}"),
                    (_, "first-fall") if at_least.is_none() => "stepsize find".to_owned(),
                    // Their trials are as long as the full run.
                    _ => format!("--steps {steps}"),
                }
            }
            Remedy::MoreSeeds if self.probe == "random" => "stepsize sweep --random 10 --seeds 3".to_owned(),
            Remedy::MoreSeeds if find => "stepsize sweep --seeds 3".to_owned(),
            Remedy::MoreSeeds => "--seeds N".to_owned(),
            Remedy::MoreRates if self.random => "--random N".to_owned(),
            Remedy::MoreRates if self.verb == "sweep" => "--per-decade N".to_owned(),
            Remedy::MoreRates if self.probe == "random" => "stepsize sweep --random 20".to_owned(),
            Remedy::MoreRates => "stepsize sweep --per-decade 4".to_owned(),
            Remedy::LowerRates => self.span("--low LR"),
            Remedy::HigherRates => self.span("--high LR"),
            Remedy::WiderSpan => self.span("--low LR --high LR"),
            Remedy::LowerStart | Remedy::HigherStart if self.takes_start() => "--start LR".to_owned(),
            Remedy::LowerStart | Remedy::HigherStart => "stepsize find".to_owned(),
            Remedy::LargerBudget { at_least: None } => "--budget RUNS".to_owned(),
            Remedy::LargerBudget { at_least: Some(runs) } => match self.study.filter(|s| !is_ours(s.db)) {
                Some(study) if find => format!("{} --budget {runs}", resumed(study)),
                _ => format!("--budget {runs}"),
            },
            Remedy::CountSteps => "--steps N".to_owned(),
            Remedy::CompareFullRuns { seeds } => format!("stepsize sweep --seeds {seeds}"),
            Remedy::ReadLoss if find => "stepsize range-test --rule edge".to_owned(),
            Remedy::ReadLoss => "--rule edge".to_owned(),
            Remedy::Resume => self.study.map_or("--study NAME".to_owned(), resumed),
            // A command sets its own batch size, so there is no option for it.
            Remedy::LargerBatches
            | Remedy::UseAnyRate
            | Remedy::SeparateTrials
            | Remedy::AcceptSteps
            | Remedy::EvaluateOftener { .. }
            | Remedy::CheckRateIsUsed
            | Remedy::CheckRateScale
            | Remedy::CheckModelAndData
            | Remedy::StabilizeTraining
            | Remedy::Recorded { .. } => return None,
        })
    }

    /// Whether the search begins at `--start`.
    fn takes_start(&self) -> bool {
        self.verb == "find" && ["race", "opening"].contains(&self.probe)
    }

    /// Options for the span, or the sweep that has them.
    fn span(&self, options: &str) -> String {
        let takes_span = match self.verb {
            "find" => ["sweep", "grid", "random", "range-test", "range_test"].contains(&self.probe),
            _ => true,
        };
        if takes_span { options.to_owned() } else { format!("stepsize sweep {options}") }
    }
}

/// The command that continues a study.
fn resumed(StudyName { name, db }: StudyName<'_>) -> String {
    if is_ours(db) {
        return format!("stepsize resume {LAST}");
    }
    if db == Path::new(crate::args::DB) {
        return format!("stepsize resume {}", typed(name));
    }
    format!("stepsize resume {} --db {}", typed(name), typed(&db.to_string_lossy()))
}

/// What libraries call a setting, and the option that sets it. They know no options: Python and
/// other programs use them too.
const OPTIONS: [(&str, &str); 16] = [
    ("the pattern of its log", "--log PATTERN"),
    ("as the metric", "--metric NAME"),
    ("as the step counter", "--step NAME"),
    ("the pattern of the metric", "--regex REGEX"),
    ("from the environment variable STEPSIZE_LR", "--lr-from-env"),
    ("a longer time limit", "--timeout TIME"),
    ("another directory for the trials", "--trials DIR"),
    ("another study file", "--db FILE"),
    ("a search that is kept", "--study NAME"),
    ("give a first guess", "--start LR"),
    ("with the probe sweep or random", "--probe sweep --low LR --high LR"),
    ("the number of GPUs per run", "--gpus-per-run N"),
    ("fewer processors or GPUs per run", "--cpus N --gpus-per-run N"),
    ("more memory per run", "--submit-arg=--mem=16G"),
    ("a missing argument for sbatch", "--submit-arg=ARG"),
    ("resume the study on that cluster", "--on PLACE"),
];

/// A message of a library with the options behind the settings that it names.
pub fn with_options(message: &str) -> String {
    OPTIONS.iter().fold(message.to_owned(), |text, (setting, option)| {
        text.replacen(setting, &format!("{setting} (`{option}`)"), 1)
    })
}

#[cfg(test)]
mod tests;
