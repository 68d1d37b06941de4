//! What is trained and how, as plain data with a short notation: [`ModelSpec`] and
//! [`OptimizerSpec`].
//!
//! `parse(print(s)) == s` for every legal value.

mod optimizer;
pub mod reference;

pub use optimizer::OptimizerSpec;

use std::fmt;
use std::str::FromStr;
use stepsize::{Error, Result};

/// The network to train.
///
/// | notation | network |
/// |---|---|
/// | `linear` | one affine layer: logistic or linear regression |
/// | `mlp:128,64` | hidden layers of 128 and 64 units with ReLU |
/// | `mlp:128,64,norm` | the same with layer normalisation before each ReLU |
/// | `cnn` | conv 3x3x16, ReLU, pool 2, conv 3x3x32, ReLU, pool 2, affine; square images only |
/// | `charlm`, `charlm:16,16,128` | next character from the last 16: embeddings of 16, 128 hidden units |
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModelSpec {
    /// One affine layer.
    Linear,
    /// A multilayer perceptron with ReLU.
    Mlp {
        /// Units of each hidden layer, at least one layer.
        hidden: Vec<usize>,
        /// Layer normalisation (gain and offset learned, epsilon 1e-5) before each ReLU.
        norm: bool,
    },
    /// Two convolutions with pooling, then an affine layer.
    Cnn,
    /// Next-character model: embeddings of the last characters, one hidden ReLU layer (Bengio et
    /// al. 2003).
    CharLm {
        /// Characters seen.
        context: usize,
        /// Length of one character's embedding.
        embedding: usize,
        /// Hidden units.
        hidden: usize,
    },
}

/// A larger size is taken for a typing error: such a network is not for this engine.
const MOST_UNITS: usize = 65_536;

impl ModelSpec {
    /// A multilayer perceptron without normalisation.
    pub fn mlp(hidden: impl Into<Vec<usize>>) -> Self {
        Self::Mlp { hidden: hidden.into(), norm: false }
    }

    /// The next-character model with its default sizes.
    pub fn char_lm() -> Self {
        Self::CharLm { context: 16, embedding: 16, hidden: 128 }
    }

    /// Fails unless every size is legal.
    pub(crate) fn check(&self) -> Result<()> {
        let sizes: &[usize] = match self {
            Self::Linear | Self::Cnn => return Ok(()),
            Self::Mlp { hidden, .. } if hidden.is_empty() => {
                return Err(Error::invalid(
                    "an mlp needs at least one hidden layer, like mlp:128,64; without any, use linear",
                ));
            }
            Self::Mlp { hidden, .. } => hidden,
            Self::CharLm { context, embedding, hidden } => &[*context, *embedding, *hidden],
        };
        match sizes.iter().find(|n| !(1..=MOST_UNITS).contains(*n)) {
            Some(n) => Err(Error::invalid(format!("the size {n} in model {self} is not in 1..={MOST_UNITS}"))),
            None => Ok(()),
        }
    }
}

impl fmt::Display for ModelSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Linear => f.write_str("linear"),
            Self::Mlp { hidden, norm } => {
                let sizes: Vec<String> = hidden.iter().map(usize::to_string).collect();
                write!(f, "mlp:{}{}", sizes.join(","), if *norm { ",norm" } else { "" })
            }
            Self::Cnn => f.write_str("cnn"),
            spec if *spec == Self::char_lm() => f.write_str("charlm"),
            Self::CharLm { context, embedding, hidden } => write!(f, "charlm:{context},{embedding},{hidden}"),
        }
    }
}

impl FromStr for ModelSpec {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (name, arguments) = split(text);
        let size = |(word, column): (&str, usize)| {
            word.parse::<usize>()
                .map_err(|_| Error::notation(format!("'{word}' is not a number of units, like 64"), text, column))
        };
        let spec = match (name, arguments.as_slice()) {
            ("linear", []) => Self::Linear,
            ("cnn", []) => Self::Cnn,
            ("mlp", [sizes @ .., ("norm", _)]) => {
                Self::Mlp { hidden: sizes.iter().copied().map(size).collect::<Result<_>>()?, norm: true }
            }
            ("mlp", sizes) => Self::mlp(sizes.iter().copied().map(size).collect::<Result<Vec<_>>>()?),
            ("charlm", []) => Self::char_lm(),
            ("charlm", &[context, embedding, hidden]) => {
                Self::CharLm { context: size(context)?, embedding: size(embedding)?, hidden: size(hidden)? }
            }
            ("charlm", _) => {
                return Err(Error::notation("charlm takes context,embedding,hidden, like charlm:16,16,128", text, 7));
            }
            ("linear" | "cnn", [(_, column), ..]) => {
                return Err(Error::notation(format!("{name} takes no sizes"), text, *column));
            }
            _ => {
                let known = "linear, mlp:128,64, mlp:128,64,norm, cnn, charlm";
                return Err(Error::notation(format!("'{name}' is not a model; the models are {known}"), text, 0));
            }
        };
        spec.check()?;
        Ok(spec)
    }
}

/// Splits `name:a,b` into the name and its arguments, each with its column in characters.
fn split(text: &str) -> (&str, Vec<(&str, usize)>) {
    let Some((name, rest)) = text.split_once(':') else {
        return (text.trim(), Vec::new());
    };
    let mut column = name.chars().count() + 1;
    let arguments = rest.split(',').map(|word| {
        let lead = word.chars().take_while(|c| c.is_whitespace()).count();
        let at = column + lead;
        column += word.chars().count() + 1;
        (word.trim(), at)
    });
    (name.trim(), arguments.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notation_round_trips() {
        for text in ["linear", "mlp:128,64", "mlp:8", "mlp:128,64,norm", "cnn", "charlm", "charlm:8,4,32"] {
            assert_eq!(text.parse::<ModelSpec>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn errors_point_at_the_word() {
        let column = |text: &str| text.parse::<ModelSpec>().unwrap_err().column();
        assert_eq!(column("mlp:128,sixty"), Some(8));
        assert_eq!(column("resnet"), Some(0));
        assert_eq!(column("cnn:3"), Some(4));
    }

    #[test]
    fn illegal_values_do_not_exist() {
        for text in ["mlp:0", "mlp:", "mlp:norm", "charlm:0,1,1", "mlp:9999999"] {
            assert!(text.parse::<ModelSpec>().is_err(), "{text}");
        }
    }
}
