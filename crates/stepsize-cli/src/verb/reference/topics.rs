//! What each topic says, from the tables of the libraries and of this program.

use super::fields;
use super::{HelpEntry, HelpGroup, HelpTopic};
use crate::args::ProbeName;
use crate::done::{CODES, Fault};
use clap::ValueEnum;
use stepsize::diagnosis::Code;
use stepsize::pruner::PrunerKind;
use stepsize::reference::{self, NotationEntry};
use stepsize_engine::reference::{self as engine, SpecEntry};

/// The topics, in the order of the manual.
pub const NAMES: [&str; 10] = [
    "schedules",
    "controllers",
    "optimizers",
    "models",
    "probes",
    "codes",
    "json",
    "events",
    "environment",
    "exit-codes",
];

/// Every topic, in the order of [`NAMES`].
pub fn all() -> Result<[HelpTopic; NAMES.len()], Fault> {
    let topic =
        |at: usize, title, head: &str, groups| HelpTopic { name: NAMES[at], title, head: head.to_owned(), groups };
    Ok([
        topic(
            0,
            "Schedules",
            "A schedule is the rate over steps as a factor of the base rate. `A then B` joins parts in time, `+` and `*` \
             step by step. A length is a number of steps or a share of the run (`5%`); a part without one takes what the \
             others leave. `stepsize schedule TEXT` draws it. In the formulas n is the step, counted from 0 at the \
             beginning of the part, and p the share of the part that is done.",
            one(reference::schedules().iter().map(schedule).collect()),
        ),
        topic(
            1,
            "Controllers",
            "A controller changes the rate during the run by what it sees (`--controller`). `A * B` runs both. Each is \
             shown with all its arguments at their defaults.",
            one(reference::controllers().iter().map(controller).collect::<Result<_, _>>()?),
        ),
        topic(
            2,
            "Optimizers",
            "Optimizers of the built-in engine (`--optimizer`), with the numbers that they have by default; all numbers \
             of one may be left out (`adam`; `sgd` is without momentum then). Where authors advise a rate, a base rate is \
             a factor on their step size. Weight decay applies to every parameter, biases included.",
            one(engine::optimizers().iter().map(optimizer).collect()),
        ),
        topic(
            3,
            "Models and data",
            "What the built-in engine trains. Another model, or data of another kind, is your own command: `stepsize find \
             -- COMMAND`.",
            vec![
                group("Networks (--model)", engine::models().iter().map(notation).collect()),
                group("Data (--data)", engine::data().iter().map(notation).collect()),
            ],
        ),
        topic(
            4,
            "Ways of searching",
            "A probe plans trials and reads an answer off them. `race` is the one to use; the others are known methods to \
             compare with, and the sweep shows the whole landscape.",
            vec![
                group("Probes (find --probe)", ProbeName::value_variants().iter().map(probe).collect()),
                group(
                    "Rules of a range test (range-test --rule)",
                    fields::RULES.iter().map(|(n, s)| HelpEntry::new(*n, *s)).collect(),
                ),
                group("Pruners (--pruner)", PrunerKind::ALL.iter().map(pruner).collect()),
            ],
        ),
        topic(
            5,
            "Codes of findings",
            "What `stepsize diagnose` finds in a log. The severities are the levels of SARIF. A code is never used again for \
             something else. What to do about each: docs/diagnose.md.",
            one(Code::ALL.into_iter().map(code).collect()),
        ),
        topic(
            6,
            "JSON fields",
            "What `--json` prints. A value that is missing is null. A dot goes into an object, `[]` into each item of a \
             list. New fields may come; a field that is here stays.",
            fields::OBJECTS.iter().map(|(title, rows)| group(title, named(rows))).collect(),
        ),
        topic(
            7,
            "Events",
            "What a study keeps, and `stepsize export NAME --format json` prints: one JSON object a line, in the order in \
             which things happened. Everything else is made from these. A loss that is not finite is null.",
            fields::EVENTS
                .iter()
                .map(|(name, says, rows)| HelpGroup { title: format!("{name}: {says}"), entries: named(rows) })
                .collect(),
        ),
        topic(
            8,
            "Environment variables",
            "What the program reads from the environment, and what it sets for the commands that it runs.",
            vec![group("Read", named(fields::READ)), group("Set for each trial of a command", named(fields::SET))],
        ),
        topic(
            9,
            "Exit codes",
            "For scripts and CI. Results are on standard output, progress and errors on standard error.",
            one(CODES.iter().map(|(code, meaning)| HelpEntry::new(code.to_string(), *meaning)).collect()),
        ),
    ])
}

fn one(entries: Vec<HelpEntry>) -> Vec<HelpGroup> {
    vec![group("", entries)]
}

fn group(title: &str, entries: Vec<HelpEntry>) -> HelpGroup {
    HelpGroup { title: title.to_owned(), entries }
}

fn named(rows: &[(&str, &str)]) -> Vec<HelpEntry> {
    rows.iter().map(|(name, says)| HelpEntry::new(*name, *says)).collect()
}

fn schedule(entry: &NotationEntry) -> HelpEntry {
    let call = match entry.arguments() {
        arguments if entry.name == arguments => entry.name.to_owned(),
        arguments => format!("{}({arguments})", entry.name),
    };
    let text = HelpEntry::new(call, entry.says)
        .with("formula", entry.formula)
        .with("elsewhere", entry.peer)
        .with("example", entry.example);
    HelpEntry { schedule: Some(entry.example), ..text }
}

fn controller(entry: &NotationEntry) -> Result<HelpEntry, Fault> {
    let call = reference::with_defaults(entry)?;
    Ok(HelpEntry::new(call, entry.says).with("elsewhere", entry.peer).with("example", entry.example))
}

fn optimizer(entry: &SpecEntry) -> HelpEntry {
    let rate =
        entry.advised_rate().map_or("has to be found".to_owned(), |rate| format!("{rate}, as the authors advise"));
    HelpEntry::new(entry.example, entry.says)
        .with("numbers", entry.arguments)
        .with("rate", rate)
        .with("elsewhere", entry.source)
}

fn notation(entry: &SpecEntry) -> HelpEntry {
    let source = if entry.source.is_empty() { String::new() } else { format!(" ({})", entry.source) };
    let arguments =
        if entry.arguments.is_empty() { String::new() } else { format!(" Arguments: {}.", entry.arguments) };
    HelpEntry::new(entry.example, format!("{}{arguments}{source}", entry.says))
}

fn probe(probe: &ProbeName) -> HelpEntry {
    let value = probe.to_possible_value().unwrap_or_else(|| clap::builder::PossibleValue::new(""));
    let help = value.get_help().map_or(String::new(), |help| format!("{help}."));
    let (cost, interval, source) = match probe {
        ProbeName::Race => ("0.6 full runs; 1 where a run is short", true, "docs/design/search.md"),
        ProbeName::Sweep => ("a full run for each rate and seed", true, ""),
        ProbeName::Random => ("a full run for each of ten rates", true, "Bergstra & Bengio 2012"),
        ProbeName::Descent => ("a full run for each rate down to the one that works", false, ""),
        ProbeName::FirstFall => ("some hundred steps", false, ""),
        ProbeName::RangeTest => {
            ("100 steps; for a command a short run for each rate", false, "Smith 2015; see `stepsize range-test`")
        }
    };
    let sure = if interval { "an 80 % interval" } else { "one rate, without an interval" };
    HelpEntry::new(value.get_name(), help).with("cost", cost).with("answers with", sure).with("source", source)
}

fn pruner(kind: &PrunerKind) -> HelpEntry {
    let says = match kind {
        PrunerKind::None => "Every trial runs to its end, also where the search itself would end it.",
        PrunerKind::OneSided => {
            "Ends a trial that is clearly worse than one at a higher rate was at the same step. Safe under every schedule."
        }
        PrunerKind::Diverging => {
            "Ends a trial whose loss has risen to four times its own best (as fastai's finder stops)."
        }
        PrunerKind::Median => {
            "Ends a trial whose best loss is above the median of the others at the same step (Vizier, Optuna). Under a \
             schedule that decays it may end the best rate."
        }
        PrunerKind::Halving => {
            "Successive halving (ASHA; Li et al. 2018). Under a schedule that decays it may end the best rate."
        }
    };
    HelpEntry::new(kind.name(), says)
}

fn code(code: Code) -> HelpEntry {
    HelpEntry::new(code.as_str(), format!("{} ({}). {}", code.title(), code.severity().as_str(), code.meaning()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_topic_has_entries_that_say_something_and_no_name_twice() {
        for topic in all().unwrap() {
            for group in &topic.groups {
                assert!(!group.entries.is_empty(), "{} {}", topic.name, group.title);
                let mut names: Vec<&str> = group.entries.iter().map(|entry| entry.call.as_str()).collect();
                assert!(group.entries.iter().all(|entry| !entry.says.is_empty()), "{} {names:?}", topic.name);
                names.sort_unstable();
                assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "{} {names:?}", topic.name);
            }
        }
        let rules: Vec<&str> = stepsize::probe::RangeTestRule::all().map(|rule| rule.name()).collect();
        assert_eq!(fields::RULES.map(|(name, _)| name).to_vec(), rules);
    }
}
