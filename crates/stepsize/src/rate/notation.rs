//! Text for schedules and controllers: one grammar for the command line, TOML, Python, events and
//! logs.
//!
//! ```text
//! warmup(2%) then cosine            0.1 + 0.9 * cosine           repeat(cosine, times=4)
//! warmup(100) then wsd(20%, sqrt)   step(30%, 0.1)               one_cycle(linear, three_phase)
//! ```
//!
//! `then` joins parts in time, `+` and `*` join them step by step (`*` binds closest, `then`
//! loosest), parentheses group. A length is a whole number of steps or a share of the run, `2%` or
//! `0.02`. A part without a length takes what the other parts leave; constants and decays without
//! an end fill it too. Printing shows the resolved form, with every length in steps, and reading
//! that back gives the same schedule: numbers are printed in the shortest form that keeps their
//! value.
//!
//! Controllers use the same calls: [`Call::parse`]. Their names live with them.

mod call;
mod lex;
mod names;
mod print;
mod room;
mod tree;

pub(crate) use call::nearest;
pub use call::{Arguments, Call};
pub(crate) use names::arguments_of;
pub use names::schedule_names;

use crate::{Error, Result, Schedule};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Parses one call of a controller or a schedule: see [`Call`].
///
/// # Errors
/// When `text` is not exactly one call; the error points at the column.
pub fn parse_call(text: &str) -> Result<Call> {
    Call::parse(text)
}

impl Schedule {
    /// Reads notation for a run of `steps`: see [`crate::notation`].
    ///
    /// ```
    /// use stepsize::Schedule;
    /// let schedule = Schedule::parse("warmup(2%) then wsd(20%, sqrt)", 1000)?;
    /// assert_eq!(schedule.to_string(), "warmup(20) then hold(1, 780) then sqrt(200)");
    /// let error = Schedule::parse("warmup(10) then cosin", 1000).unwrap_err();
    /// assert_eq!(error.column(), Some(16));
    /// assert!(error.to_string().contains("did you mean `cosine`?"));
    /// # Ok::<(), stepsize::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the text does not parse or names an illegal schedule; the error points at the column.
    pub fn parse(text: &str, steps: u64) -> Result<Self> {
        if steps == 0 {
            return Err(Error::invalid("a run needs at least 1 step"));
        }
        read(text, Some(steps))
    }
}

impl std::str::FromStr for Schedule {
    type Err = Error;

    /// Reads the resolved form, in which every length is a number of steps; what `Display` prints
    /// is of this form.
    fn from_str(text: &str) -> Result<Self> {
        read(text, None)
    }
}

fn read(text: &str, run: Option<u64>) -> Result<Schedule> {
    names::Builder { text, run }.build(&tree::tree(text)?, run)
}

impl Serialize for Schedule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Schedule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}
