//! From the text of `stepsize.toml` to checked settings. A fault names the file, the line and the
//! key.

use super::keys::{KEYS, KeyKind, ProjectKey, TABLES};
use super::nearest::nearest;
use super::words::split;
use crate::done::Fault;
use clap::Command;
use clap::error::ErrorKind;
use std::path::Path;
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

/// A key of the file with its value.
#[derive(Debug, Clone)]
pub struct Setting {
    /// Which key.
    pub key: &'static ProjectKey,
    /// The value as it would be typed; empty for a flag that is off.
    pub texts: Vec<String>,
    /// Its line, from 1.
    pub line: usize,
    /// The verb in whose table it stands; empty outside of the tables.
    table: &'static str,
}

impl Setting {
    /// Whether it counts for this verb.
    pub fn is_of(&self, verb: &str) -> bool {
        if self.table.is_empty() { self.key.verbs.contains(&verb) } else { self.table == verb }
    }
}

/// A file under the eye of the reader.
struct File<'f> {
    path: &'f Path,
    text: &'f str,
    all: &'f Command,
}

/// The settings of a file, those of the tables of verbs first.
///
/// # Errors
/// When it cannot be read, or a key or a value is wrong, whichever verb it is for.
pub fn settings(path: &Path, all: &Command) -> Result<Vec<Setting>, Fault> {
    let text = std::fs::read_to_string(path)
        .map_err(|e| Fault::usage(format!("cannot read {}: {e}; `--project none` goes without it", path.display())))?;
    let file = File { path, text: &text, all };
    let parsed = DeTable::parse(&text).map_err(|e| file.fault(e.span().map_or(0, |span| span.start), e.message()))?;
    let (mut own, mut shared) = (Vec::new(), Vec::new());
    for (name, value) in parsed.get_ref() {
        match (TABLES.into_iter().find(|table| *table == name.get_ref()), value.get_ref()) {
            (Some(table), DeValue::Table(inner)) => {
                for (name, value) in inner {
                    own.push(file.setting(table, name, value)?);
                }
            }
            (Some(table), _) => {
                let what = format!("{table} is the table of a verb; write its keys below a line `[{table}]`");
                return Err(file.fault(name.span().start, &what));
            }
            (None, _) => shared.push(file.setting("", name, value)?),
        }
    }
    file.agree(&shared)?;
    own.extend(shared);
    Ok(own)
}

impl File<'_> {
    fn line(&self, at: usize) -> usize {
        1 + self.text.as_bytes().iter().take(at).filter(|byte| **byte == b'\n').count()
    }

    fn fault(&self, at: usize, what: &str) -> Fault {
        Fault::usage(format!("{}, line {}: {what}", self.path.display(), self.line(at)))
    }

    fn setting(
        &self,
        table: &'static str,
        name: &Spanned<DeString<'_>>,
        value: &Spanned<DeValue<'_>>,
    ) -> Result<Setting, Fault> {
        let at = name.span().start;
        let fits = |key: &&ProjectKey| if table.is_empty() { !key.verbs.is_empty() } else { self.has(table, key) };
        let Some(key) = KEYS.iter().find(|key| key.name == name.get_ref()).filter(fits) else {
            return Err(self.fault(at, &self.unknown(table, name.get_ref())));
        };
        let setting = Setting { key, texts: self.texts(key, value)?, line: self.line(at), table };
        self.check(&setting, value.span().start)?;
        Ok(setting)
    }

    /// Whether the verb has an option of this name.
    fn has(&self, verb: &str, key: &ProjectKey) -> bool {
        let verb = self.all.find_subcommand(verb);
        verb.is_some_and(|verb| {
            verb.get_arguments().any(|arg| match key.name {
                "command" => arg.get_id() == "argv",
                name => arg.get_long() == Some(name),
            })
        })
    }

    fn unknown(&self, table: &str, name: &str) -> String {
        let fits = |key: &&ProjectKey| if table.is_empty() { !key.verbs.is_empty() } else { self.has(table, key) };
        let known: Vec<&str> = KEYS.iter().filter(fits).map(|key| key.name).collect();
        let place = if table.is_empty() { String::new() } else { format!(" in [{table}]") };
        let elsewhere = TABLES.into_iter().find(|verb| KEYS.iter().any(|key| key.name == name && self.has(verb, key)));
        let hint = match (nearest(name, known.iter().copied()), elsewhere) {
            (_, Some(verb)) => format!("; write it below a line `[{verb}]`"),
            (Some(near), None) => format!("; did you mean {near}?"),
            (None, None) => format!("; the keys are {}", known.join(", ")),
        };
        format!("there is no key {name}{place}{hint}")
    }

    /// The value as words, if it is of the kind that the key wants.
    fn texts(&self, key: &ProjectKey, value: &Spanned<DeValue<'_>>) -> Result<Vec<String>, Fault> {
        use KeyKind::{Command, Count, Flag, List, Number, Repeated, Text, Time};
        let at = value.span().start;
        let wrong =
            |wanted: &str| self.fault(at, &format!("{} is {}; it must be {wanted}", key.name, shown(value.get_ref())));
        match (key.kind, value.get_ref()) {
            (Flag, DeValue::Boolean(on)) => Ok(if *on { vec!["true".to_owned()] } else { Vec::new() }),
            (Flag, _) => Err(wrong("true or false")),
            (Command, DeValue::String(text)) if key.name == "notify" => Ok(vec![text.to_string()]),
            (Command, DeValue::String(text)) => match self.in_shell() {
                true => Ok(vec![text.to_string()]),
                false => split(text).map_err(|why| self.fault(at, &why)),
            },
            (Command | List | Repeated, DeValue::Array(items)) => {
                let words = items.iter().map(|item| word(item.get_ref()).ok_or_else(|| wrong("a list of texts")));
                let words = words.collect::<Result<Vec<String>, Fault>>()?;
                Ok(match key.name {
                    // One argument, which is split again where it is run.
                    "notify" => {
                        vec![words.iter().map(|w| stepsize_study::executor::typed(w)).collect::<Vec<_>>().join(" ")]
                    }
                    _ => words,
                })
            }
            (Command, _) => Err(wrong("a list of words, or one text")),
            (List | Repeated, other) => word(other).map(|word| vec![word]).ok_or_else(|| wrong("a list of texts")),
            (Text, DeValue::String(text)) => Ok(vec![text.to_string()]),
            (Text, _) => Err(wrong("a text in quotes")),
            (Number, DeValue::Integer(_) | DeValue::Float(_)) => Ok(word(value.get_ref()).into_iter().collect()),
            (Number, _) => Err(wrong("a number")),
            (Count | Time, DeValue::Integer(_) | DeValue::Float(_) | DeValue::String(_)) => {
                Ok(word(value.get_ref()).into_iter().collect())
            }
            (Count, _) => Err(wrong("a whole number")),
            (Time, _) => Err(wrong("seconds, or a time such as \"30m\"")),
        }
    }

    /// Whether the command of this file is for a shell.
    fn in_shell(&self) -> bool {
        let parsed = DeTable::parse(self.text);
        parsed.is_ok_and(|table| {
            table
                .get_ref()
                .iter()
                .any(|(name, value)| name.get_ref() == "shell" && matches!(value.get_ref(), DeValue::Boolean(true)))
        })
    }

    /// Lets the option itself judge the value.
    fn check(&self, setting: &Setting, at: usize) -> Result<(), Fault> {
        let Setting { key, texts, table, .. } = setting;
        if matches!(key.kind, KeyKind::Flag | KeyKind::Command) || texts.is_empty() {
            return Ok(());
        }
        let verbs = if table.is_empty() { key.verbs } else { std::slice::from_ref(table) };
        let Some(verb) = verbs.iter().find(|verb| self.has(verb, key)) else { return Ok(()) };
        let value = match key.kind {
            KeyKind::Repeated => texts.first().cloned().unwrap_or_default(),
            _ => texts.join(","),
        };
        let line = ["stepsize".to_owned(), (*verb).to_owned(), format!("--{}={value}", key.name)];
        match self.all.clone().try_get_matches_from(line) {
            Err(e) if matches!(e.kind(), ErrorKind::ValueValidation | ErrorKind::InvalidValue) => {
                let text = e.to_string();
                let text = text.strip_prefix("error: ").unwrap_or(&text);
                let first = text.split("\n\n").next().unwrap_or(text).trim();
                Err(self.fault(at, &format!("{}: {}", key.name, first.replace("\n", " "))))
            }
            _ => Ok(()),
        }
    }

    /// Refuses keys of which only one can count.
    fn agree(&self, shared: &[Setting]) -> Result<(), Fault> {
        let line = |name: &str| shared.iter().find(|s| s.key.name == name).map(|s| s.line);
        for (a, b, why) in [
            ("command", "data", "a command loads its own data"),
            ("command", "model", "a command makes its own model"),
            ("command", "optimizer", "a command makes its own optimizer"),
            ("command", "epochs", "the length of a command is its steps, in its own unit"),
            ("steps", "epochs", "a run has one length"),
        ] {
            if let (Some(first), Some(second)) = (line(a), line(b)) {
                return Err(Fault::usage(format!(
                    "{}: {a} (line {first}) and {b} (line {second}) exclude each other: {why}; omit one",
                    self.path.display()
                )));
            }
        }
        Ok(())
    }
}

/// A number or a text as it would be typed.
fn word(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Integer(number) if number.radix() == 10 => Some(number.as_str().to_owned()),
        DeValue::Float(number) => Some(number.as_str().to_owned()),
        _ => None,
    }
}

fn shown(value: &DeValue<'_>) -> String {
    match value {
        DeValue::Boolean(on) => on.to_string(),
        DeValue::Integer(number) => number.as_str().to_owned(),
        DeValue::Float(number) => number.as_str().to_owned(),
        DeValue::String(text) => format!("the text \"{text}\""),
        DeValue::Array(_) => "a list".to_owned(),
        DeValue::Table(_) => "a table".to_owned(),
        DeValue::Datetime(_) => "a date".to_owned(),
    }
}
