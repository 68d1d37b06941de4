//! `stepsize help TOPIC`: the reference of the notations, the codes of findings and the exit codes,
//! from the tables that the program itself works by.

use crate::done::{CODES, Done, Fault};
use std::ffi::OsString;
use stepsize::diagnosis::Code;
use stepsize::reference::{self, NotationEntry};
use stepsize_draw::show::{Style, wrapped};

/// The topics of `stepsize help` that are no verbs.
pub const TOPICS: [&str; 4] = ["schedules", "controllers", "codes", "exit-codes"];

/// The topic that `words` ask for.
pub fn topic(words: &[OsString]) -> Option<&'static str> {
    let [_, help, topic] = words else { return None };
    TOPICS.into_iter().find(|known| help == "help" && topic == known)
}

/// Prints it.
pub fn run(topic: &str, style: Style) -> Result<Done, Fault> {
    let text = match topic {
        "schedules" => schedules(style),
        "controllers" => controllers(style)?,
        "codes" => codes(style),
        _ => CODES.map(|(code, meaning)| wrapped(&format!("{code:>3}  "), meaning, style)).join("\n"),
    };
    Ok(Done::answer(text + "\n"))
}

fn schedules(style: Style) -> String {
    let head = "A schedule is the rate over steps as a factor of the base rate. `A then B` joins parts in time, `+` and `*` step by \
                step. A length is a number of steps or a share of the run (`5%`); a part without one takes what the others \
                leave. `stepsize schedule TEXT` draws it. p is the share of its steps that is done, n the step.";
    let one = |entry: &NotationEntry| {
        let call = match entry.arguments() {
            arguments if entry.name == arguments => entry.name.to_owned(),
            arguments => format!("{}({arguments})", entry.name),
        };
        section(&call, entry, style)
    };
    [wrapped("", head, style)]
        .into_iter()
        .chain(reference::schedules().iter().map(one))
        .collect::<Vec<_>>()
        .join("\n\n")
}

fn controllers(style: Style) -> Result<String, Fault> {
    let head = "A controller changes the rate during the run by what it sees (`--controller`). `A * B` runs both. Each is \
                shown with all its arguments at their defaults.";
    let mut parts = vec![wrapped("", head, style)];
    for entry in reference::controllers() {
        parts.push(section(&reference::with_defaults(entry)?, entry, style));
    }
    Ok(parts.join("\n\n"))
}

fn section(call: &str, entry: &NotationEntry, style: Style) -> String {
    let mut lines = vec![wrapped("", call, style), wrapped("    ", entry.says, style)];
    if !entry.peer.is_empty() {
        lines.push(wrapped("    as: ", entry.peer, style));
    }
    lines.push(format!("    example: {}", entry.example));
    lines.join("\n")
}

fn codes(style: Style) -> String {
    let one = |code: Code| {
        let head = format!("{code}  {} ({})", code.title(), code.severity().as_str());
        format!("{head}\n{}", wrapped("       ", code.meaning(), style))
    };
    Code::ALL.map(one).join("\n")
}
