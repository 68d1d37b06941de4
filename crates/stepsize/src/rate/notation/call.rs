//! [`Call`] and [`Arguments`]: `name(argument, key=value, word)`, read by what each name declares.
//!
//! Positional arguments fill the declared names in order; bare words (shapes, modes, flags) may
//! stand anywhere. What was not declared is an error at its column, which names the nearest
//! declared name.

use super::lex::Number;
use super::tree::{Argument, Expr, ExprKind, tree};
use crate::{Error, Result};

/// A call such as `range_test(exponential, steps=100)`, parsed but not yet understood.
///
/// ```
/// use stepsize::notation::Call;
/// let call = Call::parse("range_test(exponential, steps=100, ratio=50%)")?;
/// let arguments = call.arguments(&["ratio", "steps"], &["exponential", "linear"])?;
/// assert_eq!(call.name(), "range_test");
/// assert_eq!((arguments.count("steps")?, arguments.number("ratio")?), (Some(100), Some(0.5)));
/// assert_eq!(arguments.one_of(&["exponential", "linear"])?, Some("exponential"));
/// # Ok::<(), stepsize::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    text: String,
    name: String,
    column: usize,
    arguments: Vec<Argument>,
}

impl Call {
    /// Parses one call; the parentheses may be left out when they are empty.
    ///
    /// # Errors
    /// When `text` is not exactly one call; the error points at the column.
    pub fn parse(text: &str) -> Result<Self> {
        let expr = tree(text)?;
        Self::of(text, &expr)
            .ok_or_else(|| Error::notation("one name is expected here, as in `name(key=value)`", text, expr.column))
    }

    /// Parses one call, or several joined by `*`.
    ///
    /// # Errors
    /// As [`Call::parse`].
    pub fn product(text: &str) -> Result<Vec<Self>> {
        let expr = tree(text)?;
        let parts = match &expr.kind {
            ExprKind::Product(parts) => parts.as_slice(),
            _ => std::slice::from_ref(&expr),
        };
        let one = |part: &Expr| {
            Self::of(text, part)
                .ok_or_else(|| Error::notation("one name is expected here, as in `name(key=value)`", text, part.column))
        };
        parts.iter().map(one).collect()
    }

    pub(super) fn of(text: &str, expr: &Expr) -> Option<Self> {
        match &expr.kind {
            ExprKind::Call { name, arguments, .. } => {
                Some(Self { text: text.into(), name: name.clone(), column: expr.column, arguments: arguments.clone() })
            }
            _ => None,
        }
    }

    /// The name before the parenthesis.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// An error at this call: an unknown name. It names the nearest of the `known` ones and lists
    /// them all.
    pub fn unknown(&self, known: &[&str]) -> Error {
        unknown("name", &self.name, known, &self.text, self.column)
    }

    /// An error at this call.
    pub fn error(&self, message: impl Into<String>) -> Error {
        Error::notation(message, &self.text, self.column)
    }

    /// Sorts the arguments: `names` may be given by position or `key=value`, `words` bare.
    ///
    /// # Errors
    /// When an argument is not declared, is given twice, or there are too many.
    pub fn arguments<'a>(&'a self, names: &[&'a str], words: &[&'a str]) -> Result<Arguments<'a>> {
        let mut out = Arguments { call: self, given: Vec::new(), words: Vec::new() };
        let mut positions = names.iter();
        for argument in &self.arguments {
            let value = &argument.value;
            if let Some((_, column)) = &argument.at {
                return Err(self.at(format!("`{}` takes no `step: factor` pairs", self.name), *column));
            }
            let (name, column) = match (&argument.key, &value.kind) {
                (Some((key, column)), _) => match names.iter().find(|n| *n == key) {
                    Some(name) => (*name, *column),
                    None => return Err(unknown("argument", key, names, &self.text, *column)),
                },
                (None, ExprKind::Call { name, bare: true, .. }) if words.contains(&name.as_str()) => {
                    out.words.push((name.as_str(), value.column));
                    continue;
                }
                (None, ExprKind::Call { name, bare: true, .. }) if !words.is_empty() => {
                    return Err(unknown("word", name, words, &self.text, value.column));
                }
                (None, _) => match positions.find(|n| !out.given.iter().any(|(g, _)| g == *n)) {
                    Some(name) => (*name, value.column),
                    None if names.is_empty() => {
                        return Err(self.at(format!("`{}` takes no such argument", self.name), value.column));
                    }
                    None => {
                        let all = names.join(", ");
                        return Err(self.at(format!("`{}` takes no more than {all}", self.name), value.column));
                    }
                },
            };
            if out.given.iter().any(|(g, _)| *g == name) {
                return Err(self.at(format!("{name} is given twice"), column));
            }
            out.given.push((name, value));
        }
        Ok(out)
    }

    /// All arguments as they stand, for names that take any number of them.
    pub(super) fn raw(&self) -> &[Argument] {
        &self.arguments
    }

    pub(super) fn at(&self, message: impl Into<String>, column: usize) -> Error {
        Error::notation(message, &self.text, column)
    }
}

/// The arguments of a [`Call`], by the names that it declared.
#[derive(Debug)]
pub struct Arguments<'a> {
    call: &'a Call,
    given: Vec<(&'a str, &'a Expr)>,
    words: Vec<(&'a str, usize)>,
}

impl<'a> Arguments<'a> {
    pub(super) fn expr(&self, name: &str) -> Option<&'a Expr> {
        self.given.iter().find(|(n, _)| *n == name).map(|(_, e)| *e)
    }

    fn typed(&self, name: &str) -> Result<Option<(&'a Number, usize)>> {
        match self.expr(name) {
            None => Ok(None),
            Some(Expr { kind: ExprKind::Number(number), column }) => Ok(Some((number, *column))),
            Some(expr) => Err(self.call.at(format!("{name} is a number"), expr.column)),
        }
    }

    /// A number; `50%` is 0.5. `None` when it is not given.
    ///
    /// # Errors
    /// When it is not a number.
    pub fn number(&self, name: &str) -> Result<Option<f64>> {
        Ok(self.typed(name)?.map(|(n, _)| if n.percent { n.value / 100.0 } else { n.value }))
    }

    /// A number that must be given.
    ///
    /// # Errors
    /// When it is missing or not a number.
    pub fn require(&self, name: &str) -> Result<f64> {
        self.number(name)?.ok_or_else(|| self.missing(name))
    }

    /// A whole number >= 0, also written `1e4`.
    ///
    /// # Errors
    /// When it is not a whole number.
    pub fn count(&self, name: &str) -> Result<Option<u64>> {
        let Some((number, column)) = self.typed(name)? else { return Ok(None) };
        match whole(number) {
            Some(count) => Ok(Some(count)),
            None => Err(self.call.at(format!("{name} is a whole number, not {}", number.text), column)),
        }
    }

    /// A length in steps: a whole number, or a share (`2%`, `0.02`) of `run`, which is then at
    /// least 1 step.
    ///
    /// # Errors
    /// When it is neither, or a share of a run whose length is not known here.
    pub fn length(&self, name: &str, run: Option<u64>) -> Result<Option<u64>> {
        match self.typed(name)? {
            None => Ok(None),
            Some((number, column)) => length(self.call, number, column, name, run).map(Some),
        }
    }

    /// A timescale in steps, which need not be whole, or a percentage of `run`.
    ///
    /// # Errors
    /// When it is not a number, or a percentage of a run whose length is not known here.
    pub fn timescale(&self, name: &str, run: Option<u64>) -> Result<Option<f64>> {
        match (self.typed(name)?, run) {
            (None, _) => Ok(None),
            (Some((n, _)), _) if !n.percent => Ok(Some(n.value)),
            (Some((n, _)), Some(run)) => Ok(Some(run as f64 * (n.value / 100.0))),
            (Some((_, column)), None) => Err(self.call.at(NO_RUN, column)),
        }
    }

    /// Whether the bare word `name` is given.
    pub fn flag(&self, name: &str) -> bool {
        self.words.iter().any(|(w, _)| *w == name)
    }

    /// The one of `words` that is given, if any.
    ///
    /// # Errors
    /// When more than one is given.
    pub fn one_of<'b>(&self, words: &[&'b str]) -> Result<Option<&'b str>> {
        let mut found = None;
        for (word, column) in &self.words {
            if let Some(known) = words.iter().find(|w| *w == word) {
                if let Some(other) = found {
                    return Err(self.call.at(format!("`{other}` and `{word}` exclude each other"), *column));
                }
                found = Some(*known);
            }
        }
        Ok(found)
    }

    pub(super) fn missing(&self, name: &str) -> Error {
        self.call.error(format!("`{}` needs {name}", self.call.name))
    }
}

const NO_RUN: &str = "a share of the run needs the run's length, which is not known here: write steps";

/// A length as typed.
pub(super) fn length(call: &Call, number: &Number, column: usize, name: &str, run: Option<u64>) -> Result<u64> {
    let share = if number.percent { number.value / 100.0 } else { number.value };
    match whole(number) {
        Some(0) => Err(call.at(format!("{name} is at least 1 step, not {}", number.text), column)),
        Some(steps) => Ok(steps),
        None if share >= 0.0 && (number.percent || share < 1.0) => match run {
            Some(run) => Ok(((run as f64 * share).round() as u64).max(1)),
            None => Err(call.at(NO_RUN, column)),
        },
        None => Err(call.at(format!("{name} is a whole number of steps or a share, not {}", number.text), column)),
    }
}

/// The number if it is whole; exact when it was typed in digits.
fn whole(number: &Number) -> Option<u64> {
    if number.percent {
        return None;
    }
    let exact = number.value >= 0.0 && number.value.fract() == 0.0 && number.value < 2f64.powi(53);
    number.text.parse().ok().or_else(|| exact.then_some(number.value as u64))
}

fn unknown(what: &str, typed: &str, known: &[&str], text: &str, column: usize) -> Error {
    let hint = nearest(typed, known).map_or(String::new(), |name| format!(" (did you mean `{name}`?)"));
    let known = if known.is_empty() { "none".into() } else { known.join(", ") };
    Error::notation(format!("unknown {what} `{typed}`{hint}; known: {known};"), text, column)
}

/// The name that was meant, if one is near enough.
pub(crate) fn nearest<'a>(typed: &str, known: &[&'a str]) -> Option<&'a str> {
    // The beginning of a name is meant for it, however much is missing.
    let begun = known.iter().find(|k| typed.chars().count() > 2 && k.starts_with(typed)).map(|k| (0, *k));
    let nearest = begun.or_else(|| known.iter().map(|k| (distance(typed, k), *k)).min());
    nearest.filter(|(d, _)| *d <= 1 + typed.chars().count() / 3).map(|(_, name)| name)
}

/// Edit distance (Levenshtein 1966), ignoring case.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.to_lowercase().chars().collect(), b.to_lowercase().chars().collect());
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.iter().enumerate() {
            let cost = (diagonal + usize::from(x != y)).min(row[j] + 1).min(row[j + 1] + 1);
            diagonal = std::mem::replace(&mut row[j + 1], cost);
        }
    }
    row[b.len()]
}
