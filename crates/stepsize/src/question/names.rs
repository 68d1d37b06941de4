//! Choices of a question that have a name. What they do is defined beside the probes and pruners
//! that they name.

use crate::probe::suggest::Suggestion;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use std::str::FromStr;

/// A method of search.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FindProbe {
    /// [`crate::probe::Race`].
    Race,
    /// [`crate::probe::Opening`]: stands in for the race where the length of a run cannot be set.
    Opening,
    /// [`crate::probe::Grid`].
    Sweep,
    /// [`crate::probe::Random`].
    Random,
    /// [`crate::probe::Descent`].
    Descent,
    /// [`crate::probe::FirstFall`].
    FirstFall,
    /// [`crate::probe::RangeTest`].
    RangeTest,
}

impl FindProbe {
    /// The name by which a person asks for it; `opening` cannot be asked for.
    pub fn name(self) -> &'static str {
        match self {
            Self::Race => "race",
            Self::Opening => "opening",
            Self::Sweep => "sweep",
            Self::Random => "random",
            Self::Descent => "descent",
            Self::FirstFall => "first-fall",
            Self::RangeTest => "range-test",
        }
    }
}

/// How a rate is read off a range test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum RangeTestRule {
    /// A fourth of the divergence edge.
    #[default]
    Edge,
    /// As a known tool does.
    Peer(Suggestion),
    /// Smith's maximum from the score (accuracy or R2) of evaluations during the ramp.
    Accuracy,
}

impl RangeTestRule {
    /// Every rule, our own first.
    pub fn all() -> impl Iterator<Item = Self> {
        [Self::Edge, Self::Accuracy].into_iter().chain(Suggestion::ALL.map(Self::Peer))
    }

    /// The name by which a person asks for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Edge => "edge",
            Self::Accuracy => "accuracy",
            Self::Peer(suggestion) => suggestion.name(),
        }
    }
}

impl FromStr for RangeTestRule {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::all().find(|rule| rule.name() == text).ok_or_else(|| {
            let names: Vec<&str> = Self::all().map(Self::name).collect();
            Error::invalid(format!("{text:?} is not a rule of the range test; the rules are {}", names.join(", ")))
        })
    }
}

impl TryFrom<String> for RangeTestRule {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<RangeTestRule> for String {
    fn from(rule: RangeTestRule) -> Self {
        rule.name().to_owned()
    }
}

/// A pruner by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PrunerKind {
    /// None at all, also not the search's own.
    None,
    /// [`crate::pruner::OneSided`]: safe under decaying schedules.
    OneSided,
    /// [`crate::pruner::Diverging`].
    Diverging,
    /// [`crate::pruner::Median`]: unsafe under decaying schedules.
    Median,
    /// [`crate::pruner::Halving`]: unsafe under decaying schedules.
    Halving,
}

impl PrunerKind {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::None, Self::OneSided, Self::Diverging, Self::Median, Self::Halving];

    /// As typed.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::OneSided => "one-sided",
            Self::Diverging => "diverging",
            Self::Median => "median",
            Self::Halving => "halving",
        }
    }

    /// Whether the rule may end the best rate when the schedule decays.
    pub fn is_unsafe_under_decay(self) -> bool {
        matches!(self, Self::Median | Self::Halving)
    }
}

impl FromStr for PrunerKind {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|rule| rule.name() == text).ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            Error::invalid(format!("`{text}` is not a pruner; the pruners are {names}"))
        })
    }
}
