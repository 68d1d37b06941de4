//! [`ControllerSpec`]: a controller as plain data, and its notation:
//! `plateau(patience=10, factor=0.5)`.
//!
//! | name | arguments, in order | words |
//! |---|---|---|
//! | `plateau` | patience, factor, threshold, average, cooldown, min_factor, undo | `max`, `train` |
//! | `plateau_torch` | patience, factor, threshold, cooldown, min_lr, eps | `max`, `abs` |
//! | `plateau_keras` | patience, factor, min_delta, cooldown, min_lr | `max` |
//! | `plateau_optax` | patience, factor, rtol, atol, cooldown, accumulation_size, min_scale | |
//! | `greedy` | patience, factor, threshold, average, memory, cooldown, min_factor, max_factor | `max`, `val` |
//! | `greedy_transformers` | patience, factor, threshold, cooldown, warmup, min_lr, max_lr, eps, window, reset | `max`, `rel`, `train` |
//! | `hypergradient` | beta, min_factor, max_factor | |
//! | `polyak` | floor, scale, momentum, average | |
//! | `branch` | every, steps, decay, ratio, margin, min_factor, max_factor | |
//! | `rewind` | cut, spike, run, every, attempts, recover | |
//!
//! `rewind * plateau(patience=10)` runs both; their factors are multiplied.
//!
//! An argument that is left out has its default. Printing shows every number, so a stored text
//! keeps its meaning when a default changes. Reading it back gives the same controller.

use super::plateau::{KerasPlateau, OptaxPlateau, Plateau, TorchPlateau};
use super::together::Together;
use super::{BranchTest, Controller, Greedy, Hypergradient, Needs, Polyak, Rewind, TransformersGreedy};
use crate::notation::Call;
use crate::{Error, Lr, Result};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// A controller as plain data.
///
/// ```
/// use stepsize::controller::ControllerSpec;
/// use stepsize::Lr;
/// let spec: ControllerSpec = "plateau(patience=5, max)".parse()?;
/// assert_eq!(spec.to_string().parse::<ControllerSpec>()?, spec);
/// assert_eq!(spec.build(Lr::new(0.1)?)?.factor(), 1.0);
/// assert!("plateau(patiense=5)".parse::<ControllerSpec>().unwrap_err().to_string().contains("did you mean"));
/// # Ok::<(), stepsize::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub enum ControllerSpec {
    /// Reduce on plateau by a test of trend.
    Plateau(Plateau),
    /// Reduce on plateau as PyTorch does it.
    Torch(TorchPlateau),
    /// Reduce on plateau as Keras does it.
    Keras(KerasPlateau),
    /// Reduce on plateau as optax does it.
    Optax(OptaxPlateau),
    /// Up while the metric improves, down while it does not.
    Greedy(Greedy),
    /// Up and down as transformers' `GreedyLR` does it.
    TransformersGreedy(TransformersGreedy),
    /// Up while successive steps agree, down when they turn back.
    Hypergradient(Hypergradient),
    /// The Polyak step as a cap on the rate.
    Polyak(Polyak),
    /// From time to time, tries half and double the rate.
    Branch(BranchTest),
    /// Goes back to an earlier state when the loss breaks.
    Rewind(Rewind),
    /// Several at once; none of them is itself `Together`.
    Together(Vec<ControllerSpec>),
}

/// Reads the arguments of one controller.
type Read = fn(&Call) -> Result<ControllerSpec>;

/// The name of each controller as it is typed, and what reads its arguments.
const READERS: [(&str, Read); 10] = [
    ("plateau", |call| Ok(ControllerSpec::Plateau(Plateau::read(call)?))),
    ("plateau_torch", |call| Ok(ControllerSpec::Torch(TorchPlateau::read(call)?))),
    ("plateau_keras", |call| Ok(ControllerSpec::Keras(KerasPlateau::read(call)?))),
    ("plateau_optax", |call| Ok(ControllerSpec::Optax(OptaxPlateau::read(call)?))),
    ("greedy", |call| Ok(ControllerSpec::Greedy(Greedy::read(call)?))),
    ("greedy_transformers", |call| Ok(ControllerSpec::TransformersGreedy(TransformersGreedy::read(call)?))),
    ("hypergradient", |call| Ok(ControllerSpec::Hypergradient(Hypergradient::read(call)?))),
    ("polyak", |call| Ok(ControllerSpec::Polyak(Polyak::read(call)?))),
    ("branch", |call| Ok(ControllerSpec::Branch(BranchTest::read(call)?))),
    ("rewind", |call| Ok(ControllerSpec::Rewind(Rewind::read(call)?))),
];

const NAMES: [&str; READERS.len()] = {
    let mut names = [""; READERS.len()];
    let mut i = 0;
    while i < names.len() {
        names[i] = READERS[i].0;
        i += 1;
    }
    names
};

/// What [`ControllerSpec`] needs of the parameters of a controller. `Display` prints every number,
/// in the notation that `read` takes.
pub(crate) trait Parameters: fmt::Display {
    /// Reads the arguments of a call; what is not given has its default.
    ///
    /// # Errors
    /// When an argument is unknown or not of its kind. Ranges are the business of
    /// [`Parameters::start`].
    fn read(call: &Call) -> Result<Self>
    where
        Self: Sized;
    /// A fresh controller for a run with base rate `base`.
    ///
    /// # Errors
    /// When a parameter is outside its range.
    fn start(&self, base: Lr) -> Result<Box<dyn Controller>>;
}

impl ControllerSpec {
    /// Names of all controllers, as they are typed.
    pub fn names() -> &'static [&'static str] {
        &NAMES
    }

    /// The parameters of a single controller, or else the parts of a product.
    fn parameters(&self) -> std::result::Result<&dyn Parameters, &[ControllerSpec]> {
        match self {
            ControllerSpec::Plateau(p) => Ok(p),
            ControllerSpec::Torch(p) => Ok(p),
            ControllerSpec::Keras(p) => Ok(p),
            ControllerSpec::Optax(p) => Ok(p),
            ControllerSpec::Greedy(p) => Ok(p),
            ControllerSpec::TransformersGreedy(p) => Ok(p),
            ControllerSpec::Hypergradient(p) => Ok(p),
            ControllerSpec::Polyak(p) => Ok(p),
            ControllerSpec::Branch(p) => Ok(p),
            ControllerSpec::Rewind(p) => Ok(p),
            ControllerSpec::Together(parts) => Err(parts),
        }
    }

    /// A fresh controller for a run with base rate `base`. The modes of PyTorch, Keras and
    /// transformers need it, because their floors are rates and not factors.
    ///
    /// # Errors
    /// When a parameter is outside its range.
    pub fn build(&self, base: Lr) -> Result<Box<dyn Controller>> {
        match self.parameters() {
            Ok(parameters) => parameters.start(base),
            Err(parts) => {
                let parts = parts.iter().map(|part| part.build(base)).collect::<Result<_>>()?;
                Ok(Box::new(Together::new(parts)))
            }
        }
    }

    /// What the controller needs of the training loop.
    ///
    /// # Errors
    /// As [`ControllerSpec::build`].
    pub fn needs(&self) -> Result<Needs> {
        Ok(self.build(Lr::new(1.0)?)?.needs())
    }

    fn read(call: &Call) -> Result<Self> {
        match READERS.iter().find(|(name, _)| *name == call.name()) {
            Some((_, read)) => read(call),
            None => Err(call.unknown(&NAMES)),
        }
    }
}

impl std::str::FromStr for ControllerSpec {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let mut parts = Vec::new();
        for call in Call::product(text)? {
            let spec = Self::read(&call)?;
            // A spec that was read can be built: ranges are checked here, where the error can point
            // at the text.
            spec.build(Lr::new(1.0)?).map_err(|e| call.error(e.to_string()))?;
            parts.push(spec);
        }
        match parts.pop() {
            Some(only) if parts.is_empty() => Ok(only),
            last => Ok(ControllerSpec::Together(parts.into_iter().chain(last).collect())),
        }
    }
}

impl fmt::Display for ControllerSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.parameters() {
            Ok(parameters) => parameters.fmt(f),
            Err(parts) => {
                let parts: Vec<String> = parts.iter().map(ToString::to_string).collect();
                f.write_str(&parts.join(" * "))
            }
        }
    }
}

impl Serialize for ControllerSpec {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ControllerSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}
