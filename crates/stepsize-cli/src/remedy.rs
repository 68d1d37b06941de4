//! The words of a [`Remedy`] on the command line: options that the verb in question has, or a command to type.
//!
//! Whatever can be typed stands in backticks; the tests below type it.

use std::path::Path;
use stepsize::Remedy;

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
    study: Option<StudyName<'a>>,
}

impl<'a> Wording<'a> {
    /// Words for a search with this question, kept as `study`.
    pub fn new(question: &'a str, study: Option<StudyName<'a>>) -> Self {
        let mut words = question.split(' ');
        let verb = words.next().unwrap_or_default();
        let probe = words.clone().skip_while(|word| *word != "--probe").nth(1).unwrap_or_default();
        Self { verb, probe, random: words.any(|word| word == "--random"), study }
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
            Remedy::LargerBudget => "--budget RUNS".to_owned(),
            Remedy::CompareFullRuns { seeds } => format!("stepsize sweep --seeds {seeds}"),
            Remedy::ReadLoss if find => "stepsize range-test --rule edge".to_owned(),
            Remedy::ReadLoss => "--rule edge".to_owned(),
            Remedy::Resume => match self.study {
                None => "--study NAME".to_owned(),
                Some(StudyName { name, db }) if db == Path::new(crate::args::DB) => {
                    format!("stepsize resume {}", quoted(name))
                }
                Some(StudyName { name, db }) => {
                    format!("stepsize resume {} --db {}", quoted(name), quoted(&db.to_string_lossy()))
                }
            },
            // A command sets its own batch size, so there is no option for it.
            Remedy::LargerBatches
            | Remedy::UseAnyRate
            | Remedy::AcceptSteps
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

/// A word for a POSIX shell.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./".contains(c);
    if !word.is_empty() && word.chars().all(plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]

    use super::*;
    use crate::args::Cli;
    use clap::Parser;

    const QUESTIONS: [&str; 11] = [
        "find --probe race",
        "find --probe opening",
        "find --probe sweep --low 0.01",
        "find --probe random",
        "find --probe descent",
        "find --probe first-fall",
        "find --probe range-test",
        "sweep --per-decade 2 --low 0.01 --high 1 --seeds 2",
        "sweep --random 5 --low 0.01 --high 1 --seeds 2",
        "range-test --rule edge --low 0.01 --high 1",
        "compare --low 0.01",
    ];

    /// Every remedy. The `match` fails to compile when one is added, which then belongs in the list.
    fn remedies() -> Vec<Remedy> {
        use Remedy::*;
        let all = vec![
            UseAnyRate,
            LongerRun,
            LongerTrials { at_least: None },
            LongerTrials { at_least: Some(50) },
            MoreSeeds,
            MoreRates,
            LowerRates,
            HigherRates,
            WiderSpan,
            LowerStart,
            HigherStart,
            LargerBudget,
            LargerBatches,
            CompareFullRuns { seeds: 3 },
            AcceptSteps,
            ReadLoss,
            CheckRateIsUsed,
            CheckRateScale,
            CheckModelAndData,
            StabilizeTraining,
            Resume,
        ];
        for remedy in &all {
            match remedy {
                UseAnyRate | LongerRun | LongerTrials { .. } | MoreSeeds | MoreRates | LowerRates | HigherRates => {}
                WiderSpan | LowerStart | HigherStart | LargerBudget | LargerBatches | CompareFullRuns { .. } => {}
                AcceptSteps | ReadLoss | CheckRateIsUsed | CheckRateScale | CheckModelAndData => {}
                StabilizeTraining | Resume | Recorded { .. } => {}
            }
        }
        all
    }

    /// Types what stands in backticks, with values for the placeholders.
    fn type_it(wording: &Wording, text: &str) {
        for (i, part) in text.split('`').enumerate() {
            if i % 2 == 0 {
                assert!(!part.contains("--"), "an option outside backticks: {text}");
                continue;
            }
            let begin = match (part.starts_with("stepsize "), wording.probe) {
                (true, _) => String::new(),
                (false, "" | "opening") => format!("stepsize {} ", wording.verb),
                (false, probe) => format!("stepsize find --probe {probe} "),
            };
            let line = begin + part;
            let value = |word| match word {
                "LR" => "0.01",
                "N" | "RUNS" => "100",
                "NAME" => "mine",
                word => word,
            };
            let words: Vec<&str> = line.split(' ').map(value).collect();
            if let Err(error) = Cli::try_parse_from(&words) {
                panic!("`{line}` cannot be typed: {error}");
            }
        }
    }

    #[test]
    fn every_option_and_command_that_is_advised_can_be_typed() {
        let there = StudyName { name: "mine", db: Path::new("/tmp/other.db") };
        let here = StudyName { name: "mine", db: Path::new(crate::args::DB) };
        for question in QUESTIONS {
            for study in [None, Some(here), Some(there)] {
                let wording = Wording::new(question, study);
                for remedy in remedies() {
                    let known = match wording.verb {
                        "compare" => remedy == Remedy::Resume,
                        "sweep" => remedy != Remedy::ReadLoss,
                        "range-test" => remedy != Remedy::MoreSeeds,
                        _ => true,
                    };
                    if known {
                        type_it(&wording, &wording.words(&remedy));
                    }
                }
            }
        }
    }

    #[test]
    fn full_runs_with_several_seeds_are_a_sweep() {
        let wording = Wording::new("find --probe race", None);
        let words = wording.words(&Remedy::CompareFullRuns { seeds: 3 });
        assert_eq!(words, "compare full runs with 3 seeds (`stepsize sweep --seeds 3`)");
        assert!(Cli::try_parse_from(["stepsize", "find", "--seeds", "3"]).is_err());
    }

    #[test]
    fn only_a_kept_study_is_said_to_continue() {
        let words = |study| Wording::new("find --probe race", study).words(&Remedy::Resume);
        assert!(!words(None).contains("resume") && words(None).contains("`--study NAME`"), "{}", words(None));
        let kept = StudyName { name: "my study", db: Path::new(crate::args::DB) };
        assert_eq!(words(Some(kept)), "continue the study (`stepsize resume 'my study'`)");
    }

    #[test]
    fn old_spellings_still_parse() {
        for line in [
            "find --probe grid --max-cost 3",
            "find --probe range-test",
            "sweep --max-cost 20",
            "range-test --iterations 200 --max-cost 1",
            "find --kill-rule median --steps 9 -- train {lr}",
        ] {
            let words = std::iter::once("stepsize").chain(line.split(' '));
            assert!(Cli::try_parse_from(words).is_ok(), "{line}");
        }
    }
}
