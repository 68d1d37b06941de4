//! Writing and reading a controller's [`State`]: named numbers, all finite, so that any format can
//! hold them.
//!
//! A value that is not finite (such as the best value before the first report) is written as
//! `NAME_is` in place of `NAME`: 1 for infinity, 2 for minus infinity, 3 for NaN.

use super::State;
use crate::{Error, Result};
use std::collections::BTreeSet;

/// Builds a state.
pub(crate) struct Writer(State);

impl Writer {
    pub(crate) fn new() -> Self {
        Self(State::new())
    }

    /// Adds one value.
    pub(crate) fn put(mut self, name: &str, value: f64) -> Self {
        if value.is_finite() {
            self.0.insert(name.into(), value);
        } else {
            let code = if value.is_nan() {
                3.0
            } else if value > 0.0 {
                1.0
            } else {
                2.0
            };
            self.0.insert(format!("{name}_is"), code);
        }
        self
    }

    /// Adds values as `name_0`, `name_1`, ...
    pub(crate) fn list<'a>(mut self, name: &str, values: impl IntoIterator<Item = &'a f64>) -> Self {
        for (i, value) in values.into_iter().enumerate() {
            self = self.put(&format!("{name}_{i}"), *value);
        }
        self
    }

    pub(crate) fn state(self) -> State {
        self.0
    }
}

/// Takes a state apart and rejects what is missing, out of range or left over.
pub(crate) struct StateReader<'a> {
    of: &'static str,
    state: &'a State,
    used: BTreeSet<String>,
}

impl<'a> StateReader<'a> {
    /// A reader for the controller called `of`.
    pub(crate) fn new(of: &'static str, state: &'a State) -> Self {
        Self { of, state, used: BTreeSet::new() }
    }

    fn bad(&self, message: String) -> Error {
        Error::state(format!("this is not a state of {}: {message}", self.of))
    }

    /// A value of any size, finite or not.
    pub(crate) fn number(&mut self, name: &str) -> Result<f64> {
        self.optional(name)?.ok_or_else(|| self.bad(format!("{name} is missing")))
    }

    fn optional(&mut self, name: &str) -> Result<Option<f64>> {
        if let Some(&value) = self.state.get(name) {
            self.used.insert(name.into());
            return if value.is_finite() { Ok(Some(value)) } else { Err(self.bad(format!("{name} is {value}"))) };
        }
        let coded = format!("{name}_is");
        let value = match self.state.get(&coded) {
            None => return Ok(None),
            Some(1.0) => f64::INFINITY,
            Some(2.0) => f64::NEG_INFINITY,
            Some(3.0) => f64::NAN,
            Some(other) => return Err(self.bad(format!("{coded} is {other}"))),
        };
        self.used.insert(coded);
        Ok(Some(value))
    }

    /// A value within bounds, both included.
    pub(crate) fn within(&mut self, name: &str, low: f64, high: f64) -> Result<f64> {
        let value = self.number(name)?;
        if (low..=high).contains(&value) {
            Ok(value)
        } else {
            Err(self.bad(format!("{name} is {value}, outside {low} to {high}")))
        }
    }

    /// A whole number >= 0.
    pub(crate) fn count(&mut self, name: &str) -> Result<u64> {
        let value = self.within(name, 0.0, 2f64.powi(53))?;
        if value.fract() == 0.0 { Ok(value as u64) } else { Err(self.bad(format!("{name} is {value}, not whole"))) }
    }

    /// Finite values `name_0`, `name_1`, ... until one is missing, at most `most`.
    pub(crate) fn list(&mut self, name: &str, most: usize) -> Result<Vec<f64>> {
        let mut out = Vec::new();
        while out.len() < most
            && let Some(value) = self.optional(&format!("{name}_{}", out.len()))?
        {
            if !value.is_finite() {
                return Err(self.bad(format!("{name}_{} is {value}", out.len())));
            }
            out.push(value);
        }
        Ok(out)
    }

    /// Rejects names that were never read.
    pub(crate) fn finish(self) -> Result<()> {
        match self.state.keys().find(|k| !self.used.contains(*k)) {
            None => Ok(()),
            Some(name) => Err(self.bad(format!("{name:?} is unknown"))),
        }
    }
}
