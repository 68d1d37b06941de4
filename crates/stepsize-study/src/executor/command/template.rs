//! [`Template`]: an argument vector with placeholders, and what is put in their place for one
//! trial.
//!
//! `{lr}` is the shortest decimal that reads back as the same number (`0.0001`, `1`), `{lr:float}`
//! always has a point (`1.0`: some scripts refuse `1`), `{lr:sci}` is scientific (`1e-4`). `{{lr}}`
//! stands for the text `{lr}`. Braces after `$` and around anything that is not a lower-case word
//! (JSON, dicts) are left as they are. No shell ever sees a value unless the user's command is one.

use std::collections::BTreeMap;
use std::path::Path;
use stepsize::{Error, Result, TrialId, TrialSpec};

/// The placeholders.
const NAMES: [&str; 5] = ["lr", "steps", "seed", "trial", "trial_dir"];

/// A command with placeholders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    words: Vec<Vec<Piece>>,
    text: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Value(String, Option<Form>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Float,
    Scientific,
}

/// How the command gets the rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RateFrom {
    /// From `{lr}` in its arguments; a command without it is refused.
    Arguments,
    /// From the environment variable `STEPSIZE_LR`, because the user says that it reads it.
    Environment,
}

impl Template {
    /// Reads a command.
    ///
    /// # Errors
    /// When there is no word, a placeholder is unknown, or the rate would not reach the command.
    ///
    /// ```
    /// use stepsize_study::executor::{RateFrom, Template};
    /// let words = ["python", "train.py", "--lr={lr}"].map(str::to_owned);
    /// assert!(!Template::new(&words, RateFrom::Arguments)?.has("steps"));
    /// # Ok::<(), stepsize::Error>(())
    /// ```
    pub fn new(words: &[String], rate: RateFrom) -> Result<Self> {
        if words.first().is_none_or(|w| w.is_empty()) {
            return Err(Error::invalid("there is no command to run; give one, such as python train.py lr={lr}"));
        }
        let template = Self {
            words: words.iter().map(|w| pieces(w, &NAMES)).collect::<Result<_>>()?,
            text: words.iter().map(|w| typed(w)).collect::<Vec<_>>().join(" "),
        };
        let from_environment = rate == RateFrom::Environment || words.iter().any(|w| w.contains("STEPSIZE_LR"));
        if !template.has("lr") && !from_environment {
            return Err(Error::invalid(format!(
                "the command has no {{lr}}, so every trial would run at the same rate: {}\nput {{lr}} where the rate belongs, or \
                 let the command take its rate from the environment variable STEPSIZE_LR",
                template.text
            )));
        }
        Ok(template)
    }

    /// Whether the command uses this placeholder.
    pub fn has(&self, name: &str) -> bool {
        self.words.iter().flatten().any(|p| matches!(p, Piece::Value(n, _) if n == name))
    }

    /// The command as it was written, for people.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The arguments of one trial.
    pub fn words(&self, values: &Values) -> Vec<String> {
        let fill = |piece: &Piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Value(name, form) => values.get(name, *form),
        };
        self.words.iter().map(|word| word.iter().map(fill).collect()).collect()
    }
}

/// The values of one trial.
#[derive(Debug, Clone)]
pub struct Values {
    lr: f64,
    others: BTreeMap<&'static str, String>,
}

impl Values {
    /// The values of a trial whose command is to run `steps` steps.
    pub fn new(trial: TrialId, spec: &TrialSpec, steps: u64, dir: &Path) -> Self {
        let others = BTreeMap::from([
            ("steps", steps.to_string()),
            ("seed", spec.seed.to_string()),
            ("trial", trial.0.to_string()),
            ("trial_dir", dir.display().to_string()),
        ]);
        Self { lr: spec.lr.get(), others }
    }

    fn get(&self, name: &str, form: Option<Form>) -> String {
        match name {
            "lr" => formed(self.lr, form),
            _ => self.others.get(name).cloned().unwrap_or_default(),
        }
    }

    /// The same values as environment variables: `STEPSIZE_LR`, `STEPSIZE_STEPS`, `STEPSIZE_SEED`,
    /// `STEPSIZE_TRIAL`, `STEPSIZE_TRIAL_DIR`.
    pub fn environment(&self) -> Vec<(String, String)> {
        NAMES.iter().map(|name| (format!("STEPSIZE_{}", name.to_uppercase()), self.get(name, None))).collect()
    }

    /// `text` with the placeholders filled in, for file patterns.
    ///
    /// # Errors
    /// When a placeholder is unknown.
    pub fn fill(&self, text: &str) -> Result<String> {
        let fill = |piece: Piece| match piece {
            Piece::Text(text) => text,
            Piece::Value(name, form) => self.get(&name, form),
        };
        Ok(pieces(text, &NAMES)?.into_iter().map(fill).collect())
    }
}

/// A command whose placeholders have names of their own, by the rules of a [`Template`]: an
/// argument vector, no shell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedTemplate(Vec<Vec<Piece>>);

impl NamedTemplate {
    /// Reads a command with placeholders of these `names`.
    ///
    /// # Errors
    /// When there is no word, or a placeholder has another name.
    pub fn new(words: &[String], names: &[&str]) -> Result<Self> {
        if words.first().is_none_or(|w| w.is_empty()) {
            return Err(Error::invalid("there is no command to run"));
        }
        words.iter().map(|w| pieces(w, names)).collect::<Result<_>>().map(Self)
    }

    /// The arguments with the `value` of each placeholder.
    pub fn words(&self, value: impl Fn(&str) -> String) -> Vec<String> {
        let fill = |piece: &Piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Value(name, form) => {
                let text = value(name);
                let number = text.parse::<f64>().ok().filter(|_| form.is_some());
                number.map_or(text, |number| formed(number, *form))
            }
        };
        self.0.iter().map(|word| word.iter().map(fill).collect()).collect()
    }
}

/// A rate in one of the forms.
fn formed(lr: f64, form: Option<Form>) -> String {
    match form {
        Some(Form::Float) if lr.fract() == 0.0 => format!("{lr}.0"),
        Some(Form::Scientific) => format!("{lr:e}"),
        None | Some(Form::Float) => format!("{lr}"),
    }
}

/// Splits a word at its placeholders.
fn pieces(word: &str, names: &[&str]) -> Result<Vec<Piece>> {
    let mut out = Vec::new();
    let mut text = String::new();
    let mut rest = word;
    while let Some(at) = rest.find('{') {
        text.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let inner = rest.find('}').map(|end| (&rest[..end], end));
        let named = inner.filter(|(name, _)| is_name(name) && !text.ends_with('$'));
        let doubled = text.ends_with('{');
        match named {
            Some((name, end)) if doubled && rest[end..].starts_with("}}") => {
                text.push_str(name);
                text.push('}');
                rest = &rest[end + 2..];
            }
            Some((name, end)) => {
                let value = value(name, word, names)?;
                out.push(Piece::Text(std::mem::take(&mut text)));
                out.push(value);
                rest = &rest[end + 1..];
            }
            None => text.push('{'),
        }
    }
    text.push_str(rest);
    out.push(Piece::Text(text));
    Ok(out)
}

/// Whether this can be meant as a placeholder: lower-case letters and `_`, and a form after a
/// colon.
fn is_name(text: &str) -> bool {
    let mut parts = text.splitn(2, ':');
    let word = |part: Option<&str>| {
        part.is_some_and(|p| !p.is_empty() && p.chars().all(|c| c.is_ascii_lowercase() || c == '_'))
    };
    word(parts.next()) && (!text.contains(':') || word(parts.next()))
}

fn value(name: &str, word: &str, names: &[&str]) -> Result<Piece> {
    let (name, form) = name.split_once(':').map_or((name, None), |(n, f)| (n, Some(f)));
    if !names.contains(&name) {
        let known = names.iter().map(|name| format!("{{{name}}}")).collect::<Vec<_>>().join(", ");
        return Err(Error::invalid(format!(
            "{{{name}}} in `{word}` is not a placeholder; there are {known}, and {{lr}} also as {{lr:float}} and {{lr:sci}}; \
             write {{{{{name}}}}} for the text itself"
        )));
    }
    let form = match (name, form) {
        (_, None) => None,
        ("lr", Some("float")) => Some(Form::Float),
        ("lr", Some("sci")) => Some(Form::Scientific),
        (_, Some(form)) => {
            return Err(Error::invalid(format!(
                "{{{name}:{form}}} in `{word}` has an unknown form; {{lr:float}} prints 1.0, {{lr:sci}} prints 1e0"
            )));
        }
    };
    Ok(Piece::Value(name.to_owned(), form))
}

/// A word as a person would type it in a POSIX shell: quoted only if it has to be.
pub fn typed(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=+./:,@%^{}".contains(c);
    if !word.is_empty() && word.chars().all(plain) { word.to_owned() } else { quoted(word) }
}

/// One word for the shell, whatever is in it.
pub(crate) fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use stepsize::{Lr, Schedule};

    fn filled(word: &str, lr: f64) -> Result<String> {
        let spec = TrialSpec {
            lr: Lr::new(lr)?,
            schedule: Schedule::constant(),
            steps: 50,
            seed: 7,
            stop_on_divergence: true,
        };
        Values::new(TrialId(3), &spec, 50, Path::new("runs/t3")).fill(word)
    }

    #[test]
    fn values_take_the_place_of_placeholders() {
        let cases = [
            ("--lr={lr}", 1e-4, "--lr=0.0001"),
            ("{lr}", 1.0, "1"),
            ("{lr:float}", 1.0, "1.0"),
            ("{lr:float}", 3e-7, "0.0000003"),
            ("{lr:sci}", 1e-4, "1e-4"),
            ("{steps}/{seed}/{trial}/{trial_dir}", 1.0, "50/7/3/runs/t3"),
            ("{\"lr\": {lr}, \"a\": {}}", 0.5, "{\"lr\": 0.5, \"a\": {}}"),
            ("${i} {{lr}} {{x}} {A,b}", 0.5, "${i} {lr} {x} {A,b}"),
            ("{", 0.5, "{"),
        ];
        for (word, lr, expected) in cases {
            assert_eq!(filled(word, lr).unwrap(), expected, "{word}");
        }
    }

    #[test]
    fn what_cannot_be_meant_is_an_error_with_a_remedy() {
        let of = |words: &[&str]| {
            let words: Vec<String> = words.iter().map(|w| (*w).to_owned()).collect();
            Template::new(&words, RateFrom::Arguments).unwrap_err().to_string()
        };
        assert!(of(&["train", "{rate}", "{lr}"]).contains("{{rate}}"));
        assert!(of(&["train", "{lr:.3f}"]).contains("no {lr}"), "a form with digits is not a placeholder");
        assert!(of(&["train", "{lr:hex}"]).contains("{lr:float}"));
        assert!(of(&["train", "--lr", "0.1"]).contains("STEPSIZE_LR"));
        assert!(of(&[]).contains("no command"));
        let shell = ["sh", "-c", "train $STEPSIZE_LR"].map(str::to_owned);
        assert!(Template::new(&shell, RateFrom::Arguments).is_ok());
    }
}
