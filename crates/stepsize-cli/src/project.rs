//! `stepsize.toml`: what is asked of a project again and again, found upwards from the current
//! directory. Its keys are options of the verbs by their long names ([`keys`]), and become
//! arguments before the command line is parsed: an option that is typed wins, and a study records
//! the whole command.

mod keys;
mod nearest;
mod read;
pub mod schema;
mod words;

pub use read::Setting;
pub use words::split;

use crate::args::Cli;
use crate::done::Fault;
use clap::{Arg, Command, CommandFactory};
use std::any::TypeId;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use stepsize_study::TrackTo;

/// The name of the file.
pub const NAME: &str = "stepsize.toml";
/// What `--project` takes for no file at all.
const NONE: &str = "none";
/// The option whose value is a kind and a folder.
const LOG_TO: &str = "log-to";
/// Headings of options that mean nothing without a command.
const OF_COMMAND: [&str; 2] = ["Command", "Cluster"];
/// Keys that describe the command of the file, and no other one.
const HOW_IT_RUNS: [&str; 2] = ["shell", "lr-from-env"];

/// What a file added to the command line.
pub struct Added {
    file: PathBuf,
    /// The keys, with their lines.
    keys: Vec<(&'static str, usize)>,
}

impl Added {
    /// For people: which keys of which file.
    pub fn note(&self) -> Option<String> {
        let keys: Vec<&str> = self.keys.iter().map(|(key, _)| *key).collect();
        (!keys.is_empty()).then(|| format!("{} sets {}", self.file.display(), keys.join(", ")))
    }

    /// Where the options that `message` names came from; empty if none came from the file.
    pub fn origin(&self, message: &str) -> String {
        let names = |key: &str| {
            message
                .match_indices(&format!("--{key}"))
                .any(|(at, found)| !message[at + found.len()..].starts_with(|c: char| c == '-' || c.is_alphanumeric()))
        };
        let named: Vec<String> =
            self.keys.iter().filter(|(key, _)| names(key)).map(|(key, line)| format!("{key} at line {line}")).collect();
        if named.is_empty() { String::new() } else { format!("\n  {} sets {}", self.file.display(), named.join(", ")) }
    }
}

/// The command line with what the project's file adds to it. May change the current directory to
/// that of the file, where its command runs.
///
/// # Errors
/// When the file cannot be read, or a key or value in it is wrong.
pub fn apply(words: Vec<OsString>) -> Result<(Vec<OsString>, Option<Added>), Fault> {
    let mut all = Cli::command();
    all.build();
    let line = TypedLine::new(&words, &all);
    let Some(verb) = line.verb.and_then(|at| all.find_subcommand(&words[at])).filter(|v| keys::reach(v.get_name()))
    else {
        return Ok((words, None));
    };
    let here =
        std::env::current_dir().map_err(|e| Fault::failure(format!("cannot find the current directory: {e}")))?;
    let Some(file) = named(&words, &here)? else { return Ok((words, None)) };
    let settings = read::settings(&file, &all)?;
    let directory = file.parent().unwrap_or(&here).to_owned();
    let chosen = line.open(verb, settings);
    let run = chosen.iter().find(|s| s.key.name == "command");
    let moves = run.is_some() && directory != here;
    let mut added: Vec<OsString> = Vec::new();
    for setting in chosen.iter().filter(|s| s.key.name != "command") {
        added.extend(setting.arguments(verb, &directory).into_iter().map(OsString::from));
    }
    // One study file for the whole project.
    let has_db = verb.get_arguments().any(|arg| arg.get_long() == Some("db"));
    if directory != here && has_db && !line.names("db") && !chosen.iter().any(|s| s.key.name == "db") {
        let mut db = OsString::from("--db=");
        db.push(directory.join(crate::args::DB));
        added.push(db);
    }
    let at = line.verb.map_or(1, |at| at + 1);
    let mut full = words.clone();
    if moves {
        line.hold_paths(verb, &mut full, &here);
        std::env::set_current_dir(&directory)
            .map_err(|e| Fault::failure(format!("cannot go to {}: {e}", directory.display())))?;
    }
    full.splice(at..at, added);
    if let Some(run) = run {
        full.push("--".into());
        full.extend(run.texts.iter().map(OsString::from));
    }
    let keys = chosen.iter().map(|s| (s.key.name, s.line)).collect();
    Ok((full, Some(Added { file, keys })))
}

/// The file that `--project` names, or the nearest one upwards.
fn named(words: &[OsString], here: &Path) -> Result<Option<PathBuf>, Fault> {
    let mut options = words.iter().take_while(|word| *word != "--");
    let mut asked = None;
    while let Some(word) = options.next() {
        let text = word.to_string_lossy();
        if text == "--project" {
            asked = options.next().cloned();
        } else if let Some(value) = text.strip_prefix("--project=") {
            asked = Some(value.into());
        }
    }
    match asked {
        Some(name) if name == NONE => Ok(None),
        Some(name) if here.join(&name).is_file() => Ok(Some(here.join(name))),
        Some(name) => Err(Fault::usage(format!(
            "--project {} is not a file; name a {NAME}, or `{NONE}` for no file at all",
            Path::new(&name).display()
        ))),
        None => Ok(here.ancestors().map(|directory| directory.join(NAME)).find(|path| path.is_file())),
    }
}

/// The command line as it was typed.
struct TypedLine<'a> {
    words: &'a [OsString],
    verb: Option<usize>,
    /// The end of the options: the place of `--`, or of the end.
    end: usize,
}

impl<'a> TypedLine<'a> {
    fn new(words: &'a [OsString], all: &Command) -> Self {
        let end = words.iter().position(|word| word == "--").unwrap_or(words.len());
        let mut at = 1;
        let mut verb = None;
        while at < end {
            let word = words[at].to_string_lossy();
            if matches!(word.as_ref(), "--color" | "--project") {
                at += 1; // its value
            } else if !word.starts_with('-') {
                verb = all.find_subcommand(&words[at]).map(|_| at);
                break;
            }
            at += 1;
        }
        let helps = words[..end].iter().any(|word| word == "--help" || word == "-h");
        Self { words, verb: verb.filter(|_| !helps), end }
    }

    /// The options by name, with their places.
    fn options(&self) -> impl Iterator<Item = (usize, &str)> {
        let begin = self.verb.map_or(self.end, |at| at + 1);
        self.words[begin..self.end].iter().enumerate().filter_map(move |(i, word)| {
            let long = word.to_str()?.strip_prefix("--")?;
            Some((begin + i, long.split('=').next().unwrap_or(long)))
        })
    }

    fn names(&self, long: &str) -> bool {
        self.options().any(|(_, name)| name == long)
    }

    /// What was typed, as arguments of `verb`.
    fn typed<'v>(&self, verb: &'v Command) -> Vec<&'v Arg> {
        let known = |name: &str| {
            verb.get_arguments()
                .find(|arg| arg.get_long() == Some(name) || arg.get_all_aliases().unwrap_or_default().contains(&name))
        };
        let mut typed: Vec<&Arg> = self.options().filter_map(|(_, name)| known(name)).collect();
        if self.end < self.words.len() {
            typed.extend(verb.get_arguments().find(|arg| arg.get_id() == "argv"));
        }
        typed
    }

    /// The settings that nothing on the command line stands against.
    fn open(&self, verb: &Command, settings: Vec<Setting>) -> Vec<Setting> {
        let mut typed = self.typed(verb);
        let mut open: Vec<Setting> = Vec::new();
        let against = |a: &Arg, b: &Arg| {
            a.get_id() == b.get_id() || verb.get_arg_conflicts_with(a).iter().any(|c| c.get_id() == b.get_id())
        };
        // A command first: it decides which others mean anything.
        let (commands, others): (Vec<_>, Vec<_>) = settings.into_iter().partition(|s| s.key.name == "command");
        let own = typed.iter().any(|arg| arg.get_id() == "argv");
        for setting in commands.into_iter().chain(others) {
            let Some(arg) = setting.argument(verb).filter(|_| setting.is_of(verb.get_name())) else { continue };
            let (heading, name) = (arg.get_help_heading().unwrap_or_default(), setting.key.name);
            let runs = typed.iter().any(|arg| arg.get_id() == "argv");
            let idle = OF_COMMAND.contains(&heading) && !runs && name != "command" && verb.get_name() != "doctor";
            if idle || (own && HOW_IT_RUNS.contains(&name)) {
                continue;
            }
            if typed.iter().any(|t| against(t, arg) || against(arg, t)) {
                // The table of a verb stands before, and has the same argument.
                continue;
            }
            typed.push(arg);
            open.push(setting);
        }
        open
    }

    /// Makes the paths among the options absolute, because the directory changes.
    fn hold_paths(&self, verb: &Command, full: &mut [OsString], here: &Path) {
        for (at, name) in self.options() {
            let Some(arg) = verb.get_arguments().find(|arg| arg.get_long() == Some(name)) else { continue };
            let text = full[at].to_string_lossy().into_owned();
            let tracks = name == LOG_TO;
            if !(is_path(arg) || tracks) {
                continue;
            }
            let held =
                |value: &str| if tracks { placed(value, here).into() } else { here.join(value).into_os_string() };
            match text.split_once('=') {
                Some((option, value)) => full[at] = join(option, &held(value)),
                None if at + 1 < self.end && !arg.is_require_equals_set() => {
                    full[at + 1] = held(&full[at + 1].to_string_lossy());
                }
                None => {}
            }
        }
    }
}

/// `OPTION=VALUE` as one word.
fn join(option: &str, value: &OsStr) -> OsString {
    let mut word = OsString::from(format!("{option}="));
    word.push(value);
    word
}

/// A place for trials with its folder in `directory`, where it is relative. One that cannot be read
/// is left for the option to refuse.
fn placed(text: &str, directory: &Path) -> String {
    text.parse::<TrackTo>().map_or_else(|_| text.to_owned(), |place| place.within(directory).to_string())
}

/// Whether the values of an argument are files or directories.
fn is_path(arg: &Arg) -> bool {
    arg.get_value_parser().type_id() == TypeId::of::<PathBuf>()
}

impl Setting {
    /// The argument of `verb` that it sets.
    fn argument<'v>(&self, verb: &'v Command) -> Option<&'v Arg> {
        verb.get_arguments().find(|arg| match self.key.name {
            "command" => arg.get_id() == "argv",
            name => arg.get_long() == Some(name),
        })
    }

    /// As words of the command line. Paths are those of `directory`.
    fn arguments(&self, verb: &Command, directory: &Path) -> Vec<String> {
        let option = format!("--{}", self.key.name);
        if self.key.kind == keys::KeyKind::Flag {
            return if self.texts.is_empty() { Vec::new() } else { vec![option] };
        }
        let files = self.argument(verb).is_some_and(is_path);
        let absolute = |text: &String| match files || (self.key.name == "data" && directory.join(text).exists()) {
            true => directory.join(text).to_string_lossy().into_owned(),
            false if self.key.name == LOG_TO => placed(text, directory),
            false => text.clone(),
        };
        let texts: Vec<String> = self.texts.iter().map(absolute).collect();
        match self.key.kind {
            keys::KeyKind::Repeated => texts.iter().map(|text| format!("{option}={text}")).collect(),
            _ => vec![format!("{option}={}", texts.join(","))],
        }
    }
}
