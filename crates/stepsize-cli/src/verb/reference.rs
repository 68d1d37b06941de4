//! `stepsize help TOPIC`: the reference of the notations, the codes of findings, the JSON fields,
//! the events, the environment and the exit codes, from the tables that the program works by.
//!
//! `stepsize help all` prints every topic. `stepsize help all --markdown DIR` writes the same as
//! the pages of the manual in `docs/reference`; a test holds the pages to the tables.

mod book;
mod fields;
mod picture;
mod topics;

use crate::args::Cli;
use crate::done::{Done, Fault};
use clap::CommandFactory;
use std::ffi::OsString;
use std::path::Path;
use stepsize::reference::nearest;
use stepsize_draw::show::{Style, wrapped};

/// A page of the reference.
struct HelpTopic {
    /// As it is typed.
    name: &'static str,
    title: &'static str,
    /// What the page is about.
    head: String,
    groups: Vec<HelpGroup>,
}

/// Some entries that belong together.
struct HelpGroup {
    /// Empty where a topic has one group.
    title: String,
    entries: Vec<HelpEntry>,
}

/// One name.
struct HelpEntry {
    /// As it is typed or read, with its arguments.
    call: String,
    /// What it means.
    says: String,
    /// More about it: a label and a text.
    notes: Vec<(&'static str, String)>,
    /// The schedule that a picture shows.
    schedule: Option<&'static str>,
}

impl HelpEntry {
    fn new(call: impl Into<String>, says: impl Into<String>) -> Self {
        Self { call: call.into(), says: says.into(), notes: Vec::new(), schedule: None }
    }

    /// The same with a note, unless its text is empty.
    fn with(mut self, label: &'static str, text: impl Into<String>) -> Self {
        let text = text.into();
        if !text.is_empty() {
            self.notes.push((label, text));
        }
        self
    }
}

/// The topics that `words` ask for, and where to write their pages; `None` if they ask for
/// something else.
pub fn asked(words: &[OsString]) -> Option<(&'static str, Option<&Path>)> {
    let [_, help, topic, rest @ ..] = words else { return None };
    let name = topics::NAMES.into_iter().chain(["all"]).find(|known| topic == known)?;
    match rest {
        _ if help != "help" => None,
        [] => Some((name, None)),
        [option, directory] if name == "all" && option == "--markdown" => Some((name, Some(Path::new(directory)))),
        _ => None,
    }
}

/// What is wrong with `stepsize help WORD` when there is no such verb or topic.
pub fn unknown(words: &[OsString]) -> Option<String> {
    let [_, help, word] = words else { return None };
    let word = word.to_str().filter(|_| help == "help")?;
    let all = Cli::command();
    let verbs: Vec<&str> = all.get_subcommands().map(|verb| verb.get_name()).chain(["help"]).collect();
    let known: Vec<&str> = verbs.into_iter().chain(topics::NAMES).chain(["all"]).collect();
    if known.contains(&word) || word.starts_with('-') {
        return None;
    }
    let hint = nearest(word, &known).map_or(String::new(), |name| format!("; did you mean '{name}'?"));
    Some(format!("there is no verb and no topic '{word}'{hint} The topics are {} and all", topics::NAMES.join(", ")))
}

/// Prints a topic, or all of them, or writes the pages of the manual.
pub fn run(name: &str, directory: Option<&Path>, style: Style) -> Result<Done, Fault> {
    if let Some(directory) = directory {
        return book::write(&topics::all()?, directory);
    }
    let texts: Vec<String> = topics::all()?
        .iter()
        .filter(|topic| name == "all" || topic.name == name)
        .map(
            |topic| {
                if name == "all" { format!("{}\n\n{}", topic.title, text(topic, style)) } else { text(topic, style) }
            },
        )
        .collect();
    Ok(Done::answer(texts.join("\n\n") + "\n"))
}

/// A topic for a terminal.
fn text(topic: &HelpTopic, style: Style) -> String {
    let head = [wrapped("", &topic.head, style)];
    let groups = topic.groups.iter().map(|group| {
        let noted = group.entries.iter().any(|entry| !entry.notes.is_empty());
        let wide = group.entries.iter().map(|entry| entry.call.chars().count()).max().unwrap_or(0);
        let one = |entry: &HelpEntry| match noted || wide > 28 {
            true => section(entry, style),
            false => wrapped(&format!("{:<wide$}  ", entry.call), &entry.says, style),
        };
        let entries: Vec<String> = group.entries.iter().map(one).collect();
        let title = if group.title.is_empty() { String::new() } else { format!("{}:\n", group.title) };
        title + &entries.join(if noted { "\n\n" } else { "\n" })
    });
    head.into_iter().chain(groups).collect::<Vec<_>>().join("\n\n")
}

fn section(entry: &HelpEntry, style: Style) -> String {
    let mut lines = vec![wrapped("", &entry.call, style), wrapped("    ", &entry.says, style)];
    lines.extend(entry.schedule.and_then(|text| picture::line(text, style)).map(|line| format!("    {line}")));
    lines.extend(entry.notes.iter().map(|(label, text)| wrapped(&format!("    {label}: "), text, style)));
    lines.join("\n")
}
