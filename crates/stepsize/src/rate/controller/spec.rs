//! [`ControllerSpec`]: a controller as plain data, and its notation: `plateau(patience=10, factor=0.5)`.
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
//! `rewind * plateau(patience=10)` is both at once: the product of their factors.
//!
//! What is left out has its default. Printing shows every number, so that a stored text means the same when a default
//! changes; reading it back gives the same controller.

use super::plateau::{Direction, KerasPlateau, OptaxPlateau, Plateau, TorchPlateau};
use super::together::Together;
use super::{BranchTest, Controller, Greedy, Hypergradient, Metric, Needs, Polyak, Rewind, TransformersGreedy};
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
    /// Our own plateau.
    Plateau(Plateau),
    /// As PyTorch.
    Torch(TorchPlateau),
    /// As Keras.
    Keras(KerasPlateau),
    /// As optax.
    Optax(OptaxPlateau),
    /// Our own greedy up and down.
    Greedy(Greedy),
    /// As transformers.
    TransformersGreedy(TransformersGreedy),
    /// Agreement of successive steps.
    Hypergradient(Hypergradient),
    /// The Polyak step as a cap.
    Polyak(Polyak),
    /// Half or double from here?
    Branch(BranchTest),
    /// Back to a good state.
    Rewind(Rewind),
    /// Several at once, none of them of this kind.
    Together(Vec<ControllerSpec>),
}

const NAMES: [&str; 10] = [
    "plateau",
    "plateau_torch",
    "plateau_keras",
    "plateau_optax",
    "greedy",
    "greedy_transformers",
    "hypergradient",
    "polyak",
    "branch",
    "rewind",
];

impl ControllerSpec {
    /// Names of all controllers, as typed.
    pub fn names() -> &'static [&'static str] {
        &NAMES
    }

    /// A fresh controller for a run with base rate `base`, which the PyTorch and Keras modes need: their floors are
    /// rates, not factors.
    ///
    /// # Errors
    /// When a parameter is outside its range.
    pub fn build(&self, base: Lr) -> Result<Box<dyn Controller>> {
        match self {
            ControllerSpec::Plateau(p) => p.clone().build(),
            ControllerSpec::Torch(p) => p.clone().build(base),
            ControllerSpec::Keras(p) => p.clone().build(base),
            ControllerSpec::Optax(p) => p.clone().build(),
            ControllerSpec::Greedy(p) => p.clone().build(),
            ControllerSpec::TransformersGreedy(p) => p.clone().build(base),
            ControllerSpec::Hypergradient(p) => p.clone().build(),
            ControllerSpec::Polyak(p) => p.clone().build(),
            ControllerSpec::Branch(p) => p.clone().build(),
            ControllerSpec::Rewind(p) => p.clone().build(),
            ControllerSpec::Together(parts) => {
                let parts = parts.iter().map(|part| part.build(base)).collect::<Result<_>>()?;
                Ok(Box::new(Together::new(parts)))
            }
        }
    }

    /// What it needs of the loop that runs it.
    ///
    /// # Errors
    /// As [`ControllerSpec::build`].
    pub fn needs(&self) -> Result<Needs> {
        Ok(self.build(Lr::new(1.0)?)?.needs())
    }

    fn read(call: &Call) -> Result<Self> {
        Ok(match call.name() {
            "plateau" => {
                let names = ["patience", "factor", "threshold", "average", "cooldown", "min_factor", "undo"];
                let a = call.arguments(&names, &["min", "max", "train", "val"])?;
                let d = Plateau::default();
                let undo = a.count("undo")?.unwrap_or(u64::from(d.undo));
                ControllerSpec::Plateau(Plateau {
                    metric: if a.one_of(&["train", "val"])? == Some("train") { Metric::TrainLoss } else { d.metric },
                    mode: Direction::read(&a)?,
                    patience: a.count("patience")?.unwrap_or(d.patience),
                    factor: a.number("factor")?.unwrap_or(d.factor),
                    threshold: a.number("threshold")?.unwrap_or(d.threshold),
                    average: a.count("average")?.unwrap_or(d.average),
                    cooldown: a.count("cooldown")?.unwrap_or(d.cooldown),
                    min_factor: a.number("min_factor")?.unwrap_or(d.min_factor),
                    undo: u32::try_from(undo).map_err(|_| call.error(format!("undo is at most 18, not {undo}")))?,
                })
            }
            "plateau_torch" => {
                let names = ["patience", "factor", "threshold", "cooldown", "min_lr", "eps"];
                let a = call.arguments(&names, &["min", "max", "rel", "abs"])?;
                let d = TorchPlateau::default();
                ControllerSpec::Torch(TorchPlateau {
                    mode: Direction::read(&a)?,
                    factor: a.number("factor")?.unwrap_or(d.factor),
                    patience: a.count("patience")?.unwrap_or(d.patience),
                    threshold: a.number("threshold")?.unwrap_or(d.threshold),
                    absolute: a.one_of(&["rel", "abs"])? == Some("abs"),
                    cooldown: a.count("cooldown")?.unwrap_or(d.cooldown),
                    min_lr: a.number("min_lr")?.unwrap_or(d.min_lr),
                    eps: a.number("eps")?.unwrap_or(d.eps),
                })
            }
            "plateau_keras" => {
                let names = ["patience", "factor", "min_delta", "cooldown", "min_lr"];
                let a = call.arguments(&names, &["min", "max"])?;
                let d = KerasPlateau::default();
                ControllerSpec::Keras(KerasPlateau {
                    mode: Direction::read(&a)?,
                    factor: a.number("factor")?.unwrap_or(d.factor),
                    patience: a.count("patience")?.unwrap_or(d.patience),
                    min_delta: a.number("min_delta")?.unwrap_or(d.min_delta),
                    cooldown: a.count("cooldown")?.unwrap_or(d.cooldown),
                    min_lr: a.number("min_lr")?.unwrap_or(d.min_lr),
                })
            }
            "plateau_optax" => {
                let names = ["patience", "factor", "rtol", "atol", "cooldown", "accumulation_size", "min_scale"];
                let a = call.arguments(&names, &[])?;
                let d = OptaxPlateau::default();
                ControllerSpec::Optax(OptaxPlateau {
                    factor: a.number("factor")?.unwrap_or(d.factor),
                    patience: a.count("patience")?.unwrap_or(d.patience),
                    rtol: a.number("rtol")?.unwrap_or(d.rtol),
                    atol: a.number("atol")?.unwrap_or(d.atol),
                    cooldown: a.count("cooldown")?.unwrap_or(d.cooldown),
                    accumulation_size: a.count("accumulation_size")?.unwrap_or(d.accumulation_size),
                    min_scale: a.number("min_scale")?.unwrap_or(d.min_scale),
                })
            }
            "greedy" => ControllerSpec::Greedy(Greedy::read(call)?),
            "greedy_transformers" => ControllerSpec::TransformersGreedy(TransformersGreedy::read(call)?),
            "hypergradient" => ControllerSpec::Hypergradient(Hypergradient::read(call)?),
            "polyak" => ControllerSpec::Polyak(Polyak::read(call)?),
            "branch" => ControllerSpec::Branch(BranchTest::read(call)?),
            "rewind" => ControllerSpec::Rewind(Rewind::read(call)?),
            _ => return Err(call.unknown(&NAMES)),
        })
    }
}

impl std::str::FromStr for ControllerSpec {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let mut parts = Vec::new();
        for call in Call::product(text)? {
            let spec = Self::read(&call)?;
            // A spec that was read can be built: the ranges are checked here, where the error can point at the text.
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
        let max = |mode: Direction| if mode == Direction::Max { ", max" } else { "" };
        match self {
            ControllerSpec::Plateau(p) => {
                let train = if p.metric == Metric::TrainLoss { ", train" } else { "" };
                write!(
                    f,
                    "plateau(patience={}, factor={:?}, threshold={:?}, average={}, cooldown={}, min_factor={:?}, undo={}{}{train})",
                    p.patience,
                    p.factor,
                    p.threshold,
                    p.average,
                    p.cooldown,
                    p.min_factor,
                    p.undo,
                    max(p.mode)
                )
            }
            ControllerSpec::Torch(p) => {
                let abs = if p.absolute { ", abs" } else { "" };
                write!(
                    f,
                    "plateau_torch(patience={}, factor={:?}, threshold={:?}, cooldown={}, min_lr={:?}, eps={:?}{}{abs})",
                    p.patience,
                    p.factor,
                    p.threshold,
                    p.cooldown,
                    p.min_lr,
                    p.eps,
                    max(p.mode)
                )
            }
            ControllerSpec::Keras(p) => write!(
                f,
                "plateau_keras(patience={}, factor={:?}, min_delta={:?}, cooldown={}, min_lr={:?}{})",
                p.patience,
                p.factor,
                p.min_delta,
                p.cooldown,
                p.min_lr,
                max(p.mode)
            ),
            ControllerSpec::Optax(p) => write!(
                f,
                "plateau_optax(patience={}, factor={:?}, rtol={:?}, atol={:?}, cooldown={}, accumulation_size={}, min_scale={:?})",
                p.patience, p.factor, p.rtol, p.atol, p.cooldown, p.accumulation_size, p.min_scale
            ),
            ControllerSpec::Greedy(p) => p.fmt(f),
            ControllerSpec::TransformersGreedy(p) => p.fmt(f),
            ControllerSpec::Hypergradient(p) => p.fmt(f),
            ControllerSpec::Polyak(p) => p.fmt(f),
            ControllerSpec::Branch(p) => p.fmt(f),
            ControllerSpec::Rewind(p) => p.fmt(f),
            ControllerSpec::Together(parts) => {
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
