//! The playground: schedules, a small network, birds, searches and a guess, computed by the core
//! behind the page while somebody looks.
//!
//! An [`Experiment`] is one computation: it reads its parameters from an address, so that a link
//! restores it, and emits JSON objects until it ends or nobody listens. The page shows them as they
//! come; `stepsize playground --export` writes the same objects into static pages (`export`). No
//! number is kept in the page or here. Each experiment says the command line that computes the
//! same.
//!
//! The work is bounded: the choices of data and networks (`job`), steps and runs (`ask`), and how
//! many computations there are at once (`desk`).

mod ask;
mod desk;
mod events;
mod export;
mod guess;
mod job;
mod live;
mod pages;
mod search;
mod side;
mod told;

pub use export::{Exported, export};
pub use pages::router;

use ask::Ask;
use guess::Guess;
use search::LiveSearch;
use serde_json::Value;
use side::SideBySide;
use std::ops::ControlFlow;
use stepsize::Result;

/// Receives the objects of an experiment; `Break` when nobody listens any more.
pub type Emit<'a> = &'a mut dyn FnMut(Value) -> ControlFlow<()>;

/// One computation of the playground.
#[derive(Debug, Clone)]
pub enum Experiment {
    /// An object that is known at once: a schedule, or a learner of birds.
    Told(Value),
    /// Runs next to each other.
    Runs(Box<SideBySide>),
    /// A search while it runs.
    Search(Box<LiveSearch>),
    /// A guess, a search and a verdict.
    Guess(Box<Guess>),
}

impl Experiment {
    /// The experiment `name` with the parameters of `query`; `None` where there is none of that
    /// name.
    ///
    /// # Errors
    /// When a parameter is unknown, beyond its limits or does not parse.
    pub fn of(name: &str, query: &str) -> Result<Option<Self>> {
        let ask = Ask::new(query)?;
        Ok(Some(match name {
            "schedule" => Self::Told(told::schedule(&ask)?),
            "birds" => Self::Told(told::one_learner(&ask)?),
            "train" => Self::Runs(Box::new(SideBySide::rates(&ask, None)?)),
            "ways" => Self::Runs(Box::new(SideBySide::ways(&ask)?)),
            "search" => Self::Search(Box::new(LiveSearch::of(&ask)?)),
            "guess" => Self::Guess(Box::new(Guess::of(&ask)?)),
            _ => return Ok(None),
        }))
    }

    /// Computes it.
    ///
    /// # Errors
    /// When the engine broke.
    pub fn play(&self, emit: Emit<'_>) -> Result<()> {
        match self {
            Self::Told(value) => {
                let _ = emit(value.clone());
                Ok(())
            }
            Self::Runs(runs) => runs.play(emit),
            Self::Search(search) => search.play(emit).map(|_| ()),
            Self::Guess(guess) => guess.play(emit),
        }
    }
}

/// Bytes as hexadecimal digits of their upper half: 16 levels of grey.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().filter_map(|byte| char::from_digit(u32::from(byte >> 4), 16)).collect()
}

#[cfg(test)]
mod tests;
