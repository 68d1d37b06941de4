//! [`Way`]: one of the ways to set the rate that a comparison compares.

use crate::controller::ControllerSpec;
use crate::lr::Lr;
use crate::schedule::Schedule;
use serde::{Deserialize, Serialize};

/// What a way does with the rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Family {
    /// One rate from beginning to end.
    Fixed,
    /// A planned decay.
    Decay,
    /// A planned rise and fall, once or often.
    Cycle,
    /// Reacts to what training shows: losses or gradients.
    Feedback,
    /// Works out its own step size.
    Free,
    /// Finds the rate first, out of the same steps.
    Search,
}

/// A way to set the rate, given an initial one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Way {
    /// Its name in the table.
    pub name: String,
    /// What it does with the rate.
    pub family: Family,
    /// The schedule over the whole run.
    pub schedule: Schedule,
    /// The controller, where it has one.
    pub controller: Option<ControllerSpec>,
    /// Another optimizer than that of the task, in the notation of whoever runs the trials.
    pub optimizer: Option<String>,
    /// For a method that sets its own rate, the rate that its package has by default: its grid
    /// consists of factors on this rate. `None` for the grid of rates.
    pub unit: Option<Lr>,
}
