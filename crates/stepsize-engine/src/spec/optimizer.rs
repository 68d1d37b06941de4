//! [`OptimizerSpec`]: the optimizer and its notation.

use super::split;
use std::fmt;
use std::str::FromStr;
use stepsize::{Error, Result};

/// The optimizer, with the semantics of the class of that name in PyTorch or in its authors'
/// package.
///
/// | notation | optimizer | rate |
/// |---|---|---|
/// | `sgd`, `sgd:0.9` | SGD, without and with momentum (dampening 0) | to be found |
/// | `nesterov:0.9` | SGD with Nesterov momentum | to be found |
/// | `adam`, `adam:0.9,0.999,1e-8` | Adam; weight decay is added to the gradient | to be found |
/// | `adamw`, `adamw:0.9,0.999,1e-8` | AdamW; weight decay shrinks the weights apart from the gradient | to be found |
/// | `schedule_free_sgd`, `schedule_free_sgd:0.9` | Schedule-Free SGD | to be found, no decay needed |
/// | `schedule_free_adamw`, `...:0.9,0.999,1e-8` | Schedule-Free AdamW | to be found, no decay needed |
/// | `schedule_free_plus`, `schedule_free_plus:0.9` | ScheduleFree+: Schedule-Free with a Polyak step | 1 |
/// | `prodigy`, `prodigy:0.9,0.999,1e-8` | Prodigy | 1 |
/// | `dadapt_adam`, `dadapt_adam:0.9,0.999,1e-8` | D-Adaptation for Adam | 1 |
/// | `dog`, `dog:1e-6`; `ldog`, `ldog:1e-6` | DoG, and for each layer; averaged; the number is the first distance | 1 |
/// | `mechanic(sgd:0.9)`, `mechanic(adamw)`, ... | Mechanic over any of the first four rows | 1 |
/// | `momo`, `momo:0.9` | MoMo: the rate is a cap | 1 |
/// | `momo_adam`, `momo_adam:0.9,0.999,1e-8` | MoMo-Adam: the rate is a cap | 0.01 |
///
/// A rate of 1 is the convention of methods that work out their step size: `base` is then a factor
/// on it, and a schedule multiplies it as any other. Weight decay applies to every parameter,
/// biases included, as with `model.parameters()` in PyTorch.
#[derive(Debug, Clone, PartialEq)]
pub enum OptimizerSpec {
    /// Stochastic gradient descent.
    Sgd {
        /// In `0..1`; 0 is plain SGD.
        momentum: f64,
        /// Look-ahead form; needs `momentum > 0`.
        nesterov: bool,
    },
    /// Adam (Kingma and Ba 2015).
    Adam {
        /// Decay of the mean of gradients.
        beta1: f64,
        /// Decay of the mean of squares.
        beta2: f64,
        /// Added to the root of the mean of squares.
        eps: f64,
    },
    /// AdamW (Loshchilov and Hutter 2019).
    AdamW {
        /// Decay of the mean of gradients.
        beta1: f64,
        /// Decay of the mean of squares.
        beta2: f64,
        /// Added to the root of the mean of squares.
        eps: f64,
    },
    /// Schedule-Free SGD (Defazio et al. 2024).
    ScheduleFreeSgd {
        /// Where the gradient is taken between the steps (0) and their mean (1); above 0 and below
        /// 1.
        momentum: f64,
    },
    /// Schedule-Free AdamW (Defazio et al. 2024).
    ScheduleFreeAdamW {
        /// Where the gradient is taken between the steps (0) and their mean (1); above 0 and below
        /// 1.
        beta1: f64,
        /// Decay of the mean of squares.
        beta2: f64,
        /// Added to the root of the mean of squares.
        eps: f64,
    },
    /// ScheduleFree+ (Defazio 2026).
    ScheduleFreePlus {
        /// Where the gradient is taken between the steps (0) and their mean (1); above 0 and below
        /// 1.
        momentum: f64,
    },
    /// Prodigy (Mishchenko and Defazio 2023).
    Prodigy {
        /// Decay of the mean of gradients.
        beta1: f64,
        /// Decay of the mean of squares.
        beta2: f64,
        /// Added to the root of the mean of squares.
        eps: f64,
    },
    /// D-Adaptation for Adam (Defazio and Mishchenko 2023).
    DAdaptAdam {
        /// Decay of the mean of gradients.
        beta1: f64,
        /// Decay of the mean of squares.
        beta2: f64,
        /// Added to the root of the mean of squares.
        eps: f64,
    },
    /// Distance over gradients (Ivgi et al. 2023).
    Dog {
        /// First distance, as a share of `1 + |p0|`.
        start: f64,
    },
    /// Distance over gradients, one step size a tensor (Ivgi et al. 2023).
    Ldog {
        /// First distance, as a share of `1 + |p0|`.
        start: f64,
    },
    /// Mechanic (Cutkosky et al. 2023).
    Mechanic {
        /// Whose steps are scaled: SGD, Adam or AdamW.
        base: Box<OptimizerSpec>,
    },
    /// MoMo (Schaipp et al. 2023).
    Momo {
        /// Decay of the means of gradients and losses.
        beta: f64,
    },
    /// MoMo-Adam (Schaipp et al. 2023).
    MomoAdam {
        /// Decay of the mean of gradients and losses.
        beta1: f64,
        /// Decay of the mean of squares.
        beta2: f64,
        /// Added to the root of the mean of squares.
        eps: f64,
    },
}

/// The usual `[beta1, beta2, eps]`.
const USUAL: [f64; 3] = [0.9, 0.999, 1e-8];
/// DoG's usual first distance.
const START: f64 = 1e-6;

/// The notations that error messages suggest.
pub(super) const KNOWN: &str = "sgd, sgd:0.9, nesterov:0.9, adam, adamw, schedule_free_sgd, schedule_free_adamw, schedule_free_plus, prodigy, dadapt_adam, dog, ldog, mechanic(adamw), momo, momo_adam";

impl OptimizerSpec {
    /// SGD with momentum 0.9, the default.
    pub const SGD: Self = Self::Sgd { momentum: 0.9, nesterov: false };
    /// Adam with PyTorch's defaults.
    pub const ADAM: Self = Self::Adam { beta1: 0.9, beta2: 0.999, eps: 1e-8 };
    /// AdamW with PyTorch's defaults for the betas and epsilon.
    pub const ADAMW: Self = Self::AdamW { beta1: 0.9, beta2: 0.999, eps: 1e-8 };

    /// The rate that the authors advise for a method that works out its step size; `None` where a
    /// rate has to be found. (Schedule-Free needs no schedule, but a rate.)
    pub fn free_rate(&self) -> Option<f64> {
        match self {
            Self::Sgd { .. } | Self::Adam { .. } | Self::AdamW { .. } => None,
            Self::ScheduleFreeSgd { .. } | Self::ScheduleFreeAdamW { .. } => None,
            Self::MomoAdam { .. } => Some(1e-2),
            Self::ScheduleFreePlus { .. }
            | Self::Prodigy { .. }
            | Self::DAdaptAdam { .. }
            | Self::Dog { .. }
            | Self::Ldog { .. }
            | Self::Mechanic { .. }
            | Self::Momo { .. } => Some(1.0),
        }
    }

    /// The default rate of the authors' package, for methods whose rate has to be found:
    /// Schedule-Free's.
    pub fn package_rate(&self) -> Option<f64> {
        match self {
            Self::ScheduleFreeSgd { .. } => Some(1.0),
            Self::ScheduleFreeAdamW { .. } => Some(0.0025),
            other => other.free_rate(),
        }
    }

    /// Whether a step is divided by the size of past gradients, coordinate by coordinate.
    pub fn is_adaptive(&self) -> bool {
        match self {
            Self::Sgd { .. } | Self::ScheduleFreeSgd { .. } | Self::Dog { .. } | Self::Ldog { .. } => false,
            Self::Momo { .. } => false,
            Self::Mechanic { base } => base.is_adaptive(),
            _ => true,
        }
    }

    /// `[beta1, beta2, eps]` of a method that has them.
    fn moments(&self) -> Option<[f64; 3]> {
        match *self {
            Self::Adam { beta1, beta2, eps }
            | Self::AdamW { beta1, beta2, eps }
            | Self::ScheduleFreeAdamW { beta1, beta2, eps }
            | Self::Prodigy { beta1, beta2, eps }
            | Self::DAdaptAdam { beta1, beta2, eps }
            | Self::MomoAdam { beta1, beta2, eps } => Some([beta1, beta2, eps]),
            _ => None,
        }
    }

    /// The name, and the one number of a method that has one, with its default.
    fn parts(&self) -> (&'static str, Option<(f64, f64)>) {
        match *self {
            Self::Sgd { momentum, nesterov: false } => ("sgd", Some((momentum, 0.0))),
            Self::Sgd { momentum, nesterov: true } => ("nesterov", Some((momentum, f64::NAN))),
            Self::Adam { .. } => ("adam", None),
            Self::AdamW { .. } => ("adamw", None),
            Self::ScheduleFreeSgd { momentum } => ("schedule_free_sgd", Some((momentum, 0.9))),
            Self::ScheduleFreeAdamW { .. } => ("schedule_free_adamw", None),
            Self::ScheduleFreePlus { momentum } => ("schedule_free_plus", Some((momentum, 0.9))),
            Self::Prodigy { .. } => ("prodigy", None),
            Self::DAdaptAdam { .. } => ("dadapt_adam", None),
            Self::Dog { start } => ("dog", Some((start, START))),
            Self::Ldog { start } => ("ldog", Some((start, START))),
            Self::Mechanic { .. } => ("mechanic", None),
            Self::Momo { beta } => ("momo", Some((beta, 0.9))),
            Self::MomoAdam { .. } => ("momo_adam", None),
        }
    }

    /// Fails unless every number is legal.
    pub(crate) fn check(&self) -> Result<()> {
        let between = |name: &str, value: f64| {
            (!(value > 0.0 && value < 1.0)).then(|| format!("{name} {value} is not above 0 and below 1"))
        };
        let fault = match (self, self.moments()) {
            (Self::Sgd { momentum: 0.0, nesterov: true }, _) => Some("Nesterov needs a momentum above 0".to_owned()),
            (Self::Sgd { momentum, .. }, _) if !(0.0..1.0).contains(momentum) => {
                Some(format!("momentum {momentum} is not in 0..1"))
            }
            (Self::ScheduleFreeSgd { momentum } | Self::ScheduleFreePlus { momentum }, _) => {
                between("momentum", *momentum)
            }
            (Self::Dog { start } | Self::Ldog { start }, _) => between("the first distance", *start),
            (Self::Momo { beta }, _) if !(0.0..1.0).contains(beta) => Some(format!("beta {beta} is not in 0..1")),
            (Self::Mechanic { base }, _) => match **base {
                Self::Sgd { .. } | Self::Adam { .. } | Self::AdamW { .. } => return base.check(),
                _ => Some("mechanic takes sgd, nesterov, adam or adamw".to_owned()),
            },
            (_, Some([beta1, ..])) if !(0.0..1.0).contains(&beta1) => Some(format!("beta1 {beta1} is not in 0..1")),
            (_, Some([_, beta2, _])) if !(0.0..1.0).contains(&beta2) => Some(format!("beta2 {beta2} is not in 0..1")),
            (_, Some([.., eps])) if !(eps >= 0.0 && eps.is_finite()) => {
                Some(format!("eps {eps} is not a finite number >= 0"))
            }
            (Self::ScheduleFreeAdamW { beta1, .. }, _) => between("beta1", *beta1),
            _ => None,
        };
        fault.map_or(Ok(()), |fault| Err(Error::invalid(format!("optimizer {self}: {fault}"))))
    }

    /// The optimizer in words: `sgd momentum 0.9`.
    pub(crate) fn describe(&self) -> String {
        match *self {
            Self::Sgd { momentum: 0.0, .. } => "sgd".to_owned(),
            Self::Sgd { momentum, nesterov: false } => format!("sgd momentum {momentum}"),
            Self::Sgd { momentum, nesterov: true } => format!("sgd Nesterov momentum {momentum}"),
            ref other => other.to_string(),
        }
    }
}

impl fmt::Display for OptimizerSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, number) = self.parts();
        f.write_str(name)?;
        match (self, self.moments(), number) {
            (Self::Mechanic { base }, ..) => write!(f, "({base})"),
            (_, Some(moments), _) if moments == USUAL => Ok(()),
            (_, Some([beta1, beta2, eps]), _) => write!(f, ":{beta1},{beta2},{eps:e}"),
            (_, _, Some((value, usual))) if value == usual => Ok(()),
            (Self::Dog { start } | Self::Ldog { start }, ..) => write!(f, ":{start:e}"),
            (_, _, Some((value, _))) => write!(f, ":{value}"),
            _ => Ok(()),
        }
    }
}

impl FromStr for OptimizerSpec {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        if let Some(inner) = text.trim().strip_prefix("mechanic") {
            let base = inner.trim().strip_prefix('(').and_then(|rest| rest.strip_suffix(')')).ok_or_else(|| {
                Error::notation("mechanic takes the optimizer that it scales, like mechanic(adamw)", text, 8)
            })?;
            let spec = Self::Mechanic { base: Box::new(base.parse()?) };
            spec.check()?;
            return Ok(spec);
        }
        let (name, arguments) = split(text);
        let number = |(word, column): (&str, usize)| {
            word.parse::<f64>().map_err(|_| Error::notation(format!("'{word}' is not a number"), text, column))
        };
        let one = |usual: f64, what: &str| match arguments.as_slice() {
            [] => Ok(usual),
            &[argument] => number(argument),
            [_, (_, column), ..] => Err(Error::notation(format!("{name} takes one number, {what}"), text, *column)),
        };
        let three = || match arguments.as_slice() {
            [] => Ok(USUAL),
            &[b1, b2, eps] => Ok([number(b1)?, number(b2)?, number(eps)?]),
            [(_, column), ..] => {
                let message = format!("{name} takes beta1,beta2,eps, like {name}:0.9,0.999,1e-8");
                Err(Error::notation(message, text, *column))
            }
        };
        let place = "the place of the gradient between the steps and their mean";
        let spec = match name {
            "sgd" => Self::Sgd { momentum: one(0.0, "the momentum")?, nesterov: false },
            "nesterov" => Self::Sgd { momentum: one(0.9, "the momentum")?, nesterov: true },
            "adam" => three().map(|[beta1, beta2, eps]| Self::Adam { beta1, beta2, eps })?,
            "adamw" => three().map(|[beta1, beta2, eps]| Self::AdamW { beta1, beta2, eps })?,
            "schedule_free_sgd" => Self::ScheduleFreeSgd { momentum: one(0.9, place)? },
            "schedule_free_adamw" => {
                three().map(|[beta1, beta2, eps]| Self::ScheduleFreeAdamW { beta1, beta2, eps })?
            }
            "schedule_free_plus" => Self::ScheduleFreePlus { momentum: one(0.9, place)? },
            "prodigy" => three().map(|[beta1, beta2, eps]| Self::Prodigy { beta1, beta2, eps })?,
            "dadapt_adam" => three().map(|[beta1, beta2, eps]| Self::DAdaptAdam { beta1, beta2, eps })?,
            "dog" => Self::Dog { start: one(START, "the first distance")? },
            "ldog" => Self::Ldog { start: one(START, "the first distance")? },
            "momo" => Self::Momo { beta: one(0.9, "the decay of its means")? },
            "momo_adam" => three().map(|[beta1, beta2, eps]| Self::MomoAdam { beta1, beta2, eps })?,
            _ => {
                let names: Vec<&str> = super::reference::optimizers().iter().map(|entry| entry.name()).collect();
                let meant = stepsize::reference::nearest(name, &names);
                let hint = meant.map_or(String::new(), |meant| format!(" (did you mean '{meant}'?)"));
                let message = format!("'{name}' is not an optimizer{hint}; the optimizers are {KNOWN}");
                return Err(Error::notation(message, text, 0));
            }
        };
        spec.check()?;
        Ok(spec)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notation_round_trips() {
        for text in ["sgd", "sgd:0.9", "nesterov:0.95", "adam", "adamw", "adam:0.8,0.99,1e-6", "adamw:0.9,0.95,1e-8"] {
            assert_eq!(text.parse::<OptimizerSpec>().unwrap().to_string(), text);
        }
        for text in [
            "schedule_free_sgd",
            "schedule_free_sgd:0.95",
            "schedule_free_adamw",
            "schedule_free_plus",
            "prodigy",
            "prodigy:0.9,0.99,1e-8",
            "dadapt_adam",
            "dog",
            "dog:1e-4",
            "ldog",
            "mechanic(sgd:0.9)",
            "mechanic(adamw)",
            "momo",
            "momo:0.5",
            "momo_adam",
        ] {
            assert_eq!(text.parse::<OptimizerSpec>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn errors_point_at_the_word() {
        let column = |text: &str| text.parse::<OptimizerSpec>().unwrap_err().column();
        assert_eq!(column("adam:0.9"), Some(5));
        assert_eq!(column("sgd:fast"), Some(4));
        assert_eq!(column("prodigy:0.9,x,1"), Some(12));
        assert_eq!(column("mechanic"), Some(8));
        assert_eq!(column("lion"), Some(0));
    }

    #[test]
    fn illegal_values_do_not_exist() {
        for text in ["sgd:1", "sgd:-0.1", "sgd:nan", "nesterov:0", "adam:1,0.9,1e-8", "adam:0.9,0.9,-1", "sgd:0.9,1"] {
            assert!(text.parse::<OptimizerSpec>().is_err(), "{text}");
        }
        for text in
            ["schedule_free_sgd:0", "dog:0", "ldog:nan", "momo:1", "mechanic(prodigy)", "mechanic(mechanic(sgd))"]
        {
            assert!(text.parse::<OptimizerSpec>().is_err(), "{text}");
        }
    }
}
