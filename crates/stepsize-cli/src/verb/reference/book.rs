//! The reference as pages of the manual (Markdown and SVG), and the page of all commands.

use super::{HelpEntry, HelpGroup, HelpTopic, picture};
use crate::args::Cli;
use crate::done::{Done, Fault};
use crate::files;
use clap::{Arg, Command, CommandFactory};
use std::fmt::Write as _;
use std::path::Path;

const MADE: &str = "<!-- Made by `stepsize help all --markdown docs/reference`; change the tables in the code. -->";

/// Writes a page for each topic, the page of the commands, and the pictures of the schedules.
pub fn write(topics: &[HelpTopic], directory: &Path) -> Result<Done, Fault> {
    let pictures = directory.join("pictures");
    std::fs::create_dir_all(&pictures)
        .map_err(|e| Fault::failure(format!("cannot make {}: {e}", pictures.display())))?;
    for topic in topics {
        files::write(&directory.join(format!("{}.md", topic.name)), page(topic).as_bytes())?;
        for entry in topic.groups.iter().flat_map(|group| &group.entries) {
            if let Some(svg) = entry.schedule.and_then(picture::svg) {
                files::write(&pictures.join(format!("{}.svg", name(&entry.call))), svg.as_bytes())?;
            }
        }
    }
    files::write(&directory.join("commands.md"), commands().as_bytes())?;
    Ok(Done::answer(format!("wrote {} pages to {}\n", topics.len() + 1, directory.display())))
}

/// The name at the beginning of a notation.
fn name(call: &str) -> &str {
    call.split(['(', ':']).next().unwrap_or(call)
}

fn page(topic: &HelpTopic) -> String {
    let typed = format!("In a terminal: `stepsize help {}`.", topic.name);
    let mut out = format!("# {}\n\n{MADE}\n\n{} {typed}\n", topic.title, linked(&topic.head));
    for group in &topic.groups {
        if !group.title.is_empty() {
            let _ = write!(out, "\n## {}\n", linked(&group.title));
        }
        match group.entries.iter().any(|entry| !entry.notes.is_empty()) {
            true => {
                let level = if group.title.is_empty() { "##" } else { "###" };
                group.entries.iter().for_each(|entry| out += &section(entry, level));
            }
            false => out += &table(group),
        }
    }
    out
}

/// Pages that a text names as files, as links from `docs/reference`.
fn linked(text: &str) -> String {
    let word = |word: &str| {
        let path = word.trim_end_matches(['.', ',', ';', ':']);
        match path.strip_prefix("docs/").filter(|page| page.ends_with(".md")) {
            Some(page) => format!("[{path}](../{page}){}", &word[path.len()..]),
            None => word.to_owned(),
        }
    };
    text.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

fn section(entry: &HelpEntry, level: &str) -> String {
    let name = name(&entry.call);
    let mut out = format!("\n{level} {name}\n\n");
    if let Some(schedule) = entry.schedule {
        let _ = write!(out, "![{schedule}](pictures/{name}.svg)\n\n");
    }
    let _ = write!(out, "```text\n{}\n```\n\n{}\n\n", entry.call, linked(&entry.says));
    for (label, text) in &entry.notes {
        let code = matches!(*label, "formula" | "example");
        let text = if code { format!("`{text}`") } else { linked(text) };
        let _ = writeln!(out, "- {label}: {text}");
    }
    out
}

fn table(group: &HelpGroup) -> String {
    let mut out = "\n| name | meaning |\n|---|---|\n".to_owned();
    for entry in &group.entries {
        let call = cell(&format!("`{}`", entry.call));
        let _ = writeln!(out, "| {call} | {} |", cell(&entry.says));
    }
    out
}

/// Text for a cell of a table. Outside code `<` would begin a tag, and `*` emphasis.
fn cell(text: &str) -> String {
    let part = |(at, part): (usize, &str)| {
        if at % 2 == 0 { part.replace('<', "&lt;").replace('*', "\\*") } else { part.to_owned() }
    };
    let text = text.split('`').enumerate().map(part).collect::<Vec<_>>().join("`");
    text.replace('|', "\\|").replace('\n', " ")
}

/// Every verb with its arguments, as clap has them.
fn commands() -> String {
    let mut all = Cli::command();
    all.build();
    let mut out = format!(
        "# Commands\n\n{MADE}\n\nEvery verb and its options. In a terminal: `stepsize help VERB`. Every verb also takes \
         `--color WHEN` (auto, always, never).\n"
    );
    for verb in all.get_subcommands().filter(|verb| verb.get_name() != "help") {
        let about = verb.get_about().map_or(String::new(), ToString::to_string);
        let _ = write!(out, "\n## {}\n\n{}.\n", verb.get_name(), cell(&about));
        out += &options(verb);
    }
    out
}

fn options(verb: &Command) -> String {
    let shown = |arg: &&Arg| !arg.is_hide_set() && !["help", "color"].contains(&arg.get_id().as_str());
    let rows: Vec<String> = verb.get_arguments().filter(shown).map(option).collect();
    if rows.is_empty() { String::new() } else { format!("\n| argument | meaning |\n|---|---|\n{}", rows.concat()) }
}

fn option(arg: &Arg) -> String {
    let values: Vec<&str> = arg.get_value_names().unwrap_or_default().iter().map(|name| name.as_str()).collect();
    let value = values.join(" ");
    let flag = match (arg.get_long(), arg.get_action().takes_values()) {
        (Some(long), true) => format!("--{long} {value}"),
        (Some(long), false) => format!("--{long}"),
        (None, _) => value,
    };
    let mut says = arg.get_help().map_or(String::new(), ToString::to_string);
    // The words of the choices are the help of the terminal, one line each.
    let choices: Vec<String> = match arg.is_hide_possible_values_set() || !arg.get_action().takes_values() {
        true => Vec::new(),
        false => arg.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect(),
    };
    if !choices.is_empty() {
        let _ = write!(says, " [{}]", choices.join(", "));
    }
    let usual: Vec<String> = arg.get_default_values().iter().map(|v| v.to_string_lossy().into_owned()).collect();
    if !usual.is_empty() && arg.get_action().takes_values() {
        let _ = write!(says, " [default: {}]", usual.join(", "));
    }
    format!("| {} | {} |\n", cell(&format!("`{flag}`")), cell(&says))
}
