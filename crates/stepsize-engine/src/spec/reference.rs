//! The reference of the notations of the engine: optimizers, networks and built-in data, with what
//! each is and where it comes from. The tests hold it to the parsers.

use super::OptimizerSpec;

/// One notation of the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpecEntry {
    /// A text that can be typed; the first word, up to `:` or `(`, is the name.
    pub example: &'static str,
    /// The arguments, as they are typed; empty where there are none.
    pub arguments: &'static str,
    /// What it is, in one sentence.
    pub says: &'static str,
    /// The class whose semantics it has, and the paper.
    pub source: &'static str,
}

impl SpecEntry {
    /// The name alone.
    pub fn name(&self) -> &'static str {
        self.example.split([':', '(']).next().unwrap_or(self.example)
    }

    /// The rate that the authors of an optimizer advise; `None` where a rate has to be found.
    pub fn advised_rate(&self) -> Option<f64> {
        self.example.parse::<OptimizerSpec>().ok()?.free_rate()
    }
}

const MOMENTS: &str = "beta1,beta2,eps";

#[rustfmt::skip]
const OPTIMIZERS: &[SpecEntry] = &[
    SpecEntry { example: "sgd:0.9", arguments: "momentum", says: "Gradient descent; without a number, without momentum. Dampening is 0.", source: "PyTorch SGD" },
    SpecEntry { example: "nesterov:0.9", arguments: "momentum", says: "Gradient descent with Nesterov momentum.", source: "PyTorch SGD(nesterov=True)" },
    SpecEntry { example: "adam:0.9,0.999,1e-8", arguments: MOMENTS, says: "Adam; weight decay is added to the gradient.", source: "PyTorch Adam; Kingma & Ba 2015" },
    SpecEntry { example: "adamw:0.9,0.999,1e-8", arguments: MOMENTS, says: "Adam; weight decay shrinks the weights apart from the gradient.", source: "PyTorch AdamW; Loshchilov & Hutter 2019" },
    SpecEntry { example: "schedule_free_sgd:0.9", arguments: "momentum", says: "Averages its weights in place of a decay: use it with the schedule constant.", source: "schedulefree SGDScheduleFree; Defazio et al. 2024" },
    SpecEntry { example: "schedule_free_adamw:0.9,0.999,1e-8", arguments: MOMENTS, says: "The same over AdamW.", source: "schedulefree AdamWScheduleFree; Defazio et al. 2024" },
    SpecEntry { example: "schedule_free_plus:0.9", arguments: "momentum", says: "Schedule-Free with a Polyak step, which works out the step size.", source: "Defazio 2026" },
    SpecEntry { example: "prodigy:0.9,0.999,1e-8", arguments: MOMENTS, says: "Adam that estimates the distance to the solution as it runs.", source: "prodigyopt Prodigy; Mishchenko & Defazio 2023" },
    SpecEntry { example: "dadapt_adam:0.9,0.999,1e-8", arguments: MOMENTS, says: "D-Adaptation: a lower bound of the distance to the solution sets the step size.", source: "dadaptation DAdaptAdam; Defazio & Mishchenko 2023" },
    SpecEntry { example: "dog:1e-6", arguments: "first distance", says: "Distance over gradients; the averaged weights are judged. The first distance is a share of 1 + |weights|.", source: "dog-optimizer DoG; Ivgi et al. 2023" },
    SpecEntry { example: "ldog:1e-6", arguments: "first distance", says: "The same with one step size for each tensor.", source: "dog-optimizer LDoG; Ivgi et al. 2023" },
    SpecEntry { example: "mechanic(adamw)", arguments: "optimizer", says: "Scales the steps of sgd, nesterov, adam or adamw.", source: "mechanic; Cutkosky et al. 2023" },
    SpecEntry { example: "momo:0.9", arguments: "beta", says: "Gradient descent with momentum whose rate is a cap on a Polyak step.", source: "momo-opt Momo; Schaipp et al. 2023" },
    SpecEntry { example: "momo_adam:0.9,0.999,1e-8", arguments: MOMENTS, says: "Adam whose rate is a cap on a Polyak step.", source: "momo-opt MomoAdam; Schaipp et al. 2023" },
];

#[rustfmt::skip]
const MODELS: &[SpecEntry] = &[
    SpecEntry { example: "linear", arguments: "", says: "One affine layer: logistic or linear regression.", source: "" },
    SpecEntry { example: "mlp:128,64", arguments: "units of each hidden layer", says: "Hidden layers with ReLU; the default.", source: "" },
    SpecEntry { example: "mlp:128,64,norm", arguments: "units of each hidden layer, norm", says: "The same with layer normalisation before each ReLU.", source: "" },
    SpecEntry { example: "cnn", arguments: "", says: "Convolution 3x3x16, ReLU, pool 2, convolution 3x3x32, ReLU, pool 2, affine; for square images.", source: "" },
    SpecEntry { example: "charlm:16,16,128", arguments: "characters seen, length of an embedding, hidden units", says: "Predicts the next character; the default for a text.", source: "Bengio et al. 2003" },
];

#[rustfmt::skip]
const DATA: &[SpecEntry] = &[
    SpecEntry { example: "digits", arguments: "", says: "1797 pictures of handwritten digits, 8 x 8; 10 classes. The default.", source: "UCI, through scikit-learn" },
    SpecEntry { example: "diabetes", arguments: "", says: "442 patients, 10 features; a number is predicted.", source: "Efron et al. 2004, through scikit-learn" },
    SpecEntry { example: "wine", arguments: "", says: "178 wines, 13 features; 3 classes.", source: "UCI, through scikit-learn" },
    SpecEntry { example: "breast_cancer", arguments: "", says: "569 samples, 30 features; 2 classes.", source: "UCI, through scikit-learn" },
    SpecEntry { example: "text", arguments: "", says: "44 000 characters of English: descriptions of data sets.", source: "scikit-learn" },
    SpecEntry { example: "cars.csv", arguments: "", says: "A table: .csv or .tsv, with a header row or without; .gz may follow. --target names the column to predict.", source: "" },
    SpecEntry { example: "novel.txt", arguments: "", says: "A plain text: .txt, .text or .md; .gz may follow.", source: "" },
];

/// Every optimizer.
///
/// ```
/// use stepsize_engine::{OptimizerSpec, reference};
/// for entry in reference::optimizers() {
///     assert!(entry.example.parse::<OptimizerSpec>().is_ok(), "{}", entry.example);
/// }
/// ```
pub fn optimizers() -> &'static [SpecEntry] {
    OPTIMIZERS
}

/// Every kind of network.
pub fn models() -> &'static [SpecEntry] {
    MODELS
}

/// Every built-in data set, and the kinds of files.
pub fn data() -> &'static [SpecEntry] {
    DATA
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DataSource, ModelSpec};

    #[test]
    fn every_notation_that_a_parser_suggests_is_in_the_reference_and_works() {
        let names = |entries: &[SpecEntry]| entries.iter().map(SpecEntry::name).collect::<Vec<_>>();
        let known: Vec<&str> = super::super::optimizer::KNOWN
            .split(", ")
            .map(|text| text.split([':', '(']).next().unwrap())
            .filter({
                let mut last = "";
                move |name| std::mem::replace(&mut last, name) != *name
            })
            .collect();
        assert_eq!(names(optimizers()), known);
        for entry in optimizers() {
            assert!(entry.example.parse::<OptimizerSpec>().is_ok(), "{}", entry.example);
        }
        for entry in models() {
            assert!(entry.example.parse::<ModelSpec>().is_ok(), "{}", entry.example);
        }
        for entry in data() {
            assert!(entry.example.parse::<DataSource>().is_ok(), "{}", entry.example);
        }
        // The message of the parser lists what there is.
        let known = "what?".parse::<DataSource>().unwrap_err().to_string();
        let builtin = names(data()).into_iter().filter(|name| !name.contains('.'));
        assert!(builtin.into_iter().all(|name| known.contains(name)), "{known}");
    }
}
