//! The reference of the schedule notation and of the controllers: what each name means, who calls
//! it what, and an example. The names and arguments themselves are those that the parser knows.

use super::controller::ControllerSpec;
use super::notation::{self, arguments_of};
use crate::Result;

/// One name of a notation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotationEntry {
    /// As it is typed.
    pub name: &'static str,
    /// What it does, in one sentence.
    pub says: &'static str,
    /// The factor at step `n`, counted from its own beginning; `p` is the share of its steps that
    /// is done. Empty for a controller.
    pub formula: &'static str,
    /// The same thing in other libraries, or its source; empty where there is none.
    pub peer: &'static str,
    /// A text that can be typed.
    pub example: &'static str,
}

impl NotationEntry {
    /// Arguments in positional order, then the words that it takes. For a controller its own text
    /// with all defaults says more.
    pub fn arguments(&self) -> String {
        match arguments_of(self.name) {
            Some((arguments, words)) if arguments.is_empty() && words.is_empty() => "...".to_owned(),
            Some((arguments, words)) => [arguments, words].concat().join(", "),
            None => String::new(),
        }
    }
}

#[rustfmt::skip]
const SCHEDULES: &[NotationEntry] = &[
    NotationEntry { name: "constant", says: "One factor (default 1) at every step.", formula: "value", peer: "optax constant_schedule", example: "constant" },
    NotationEntry { name: "hold", says: "One factor for a number of steps.", formula: "value", peer: "PyTorch ConstantLR before its end", example: "hold(0.1, 100) then cosine" },
    NotationEntry { name: "linear", says: "From 1 straight down to `floor` (default 0).", formula: "floor + (1 - floor) (1 - p)", peer: "PyTorch LinearLR; transformers linear", example: "linear(floor=0.1)" },
    NotationEntry { name: "cosine", says: "From 1 to `floor` (default 0) along half a cosine.", formula: "floor + (1 - floor) ((1 + cos(pi p)) / 2)^exponent", peer: "PyTorch CosineAnnealingLR; optax cosine_decay_schedule; Loshchilov & Hutter 2016", example: "warmup(5%) then cosine" },
    NotationEntry { name: "polynomial", says: "From 1 to `floor` (default 0) along a power.", formula: "floor + (1 - floor) (1 - p)^power", peer: "PyTorch PolynomialLR; optax polynomial_schedule", example: "polynomial(power=2)" },
    NotationEntry { name: "sqrt", says: "From 1 to `floor` (default 0), fast at first.", formula: "floor + (1 - floor) (1 - sqrt(p))", peer: "transformers warmup_stable_decay with 1-sqrt", example: "constant(1) * sqrt" },
    NotationEntry { name: "warmup", says: "From `from` (default 0) up to 1, straight or along the named path.", formula: "from + (1 - from) p; for the path sqrt 1 - sqrt(1 - p) in place of p, for exponential from^(1 - p)", peer: "PyTorch LinearLR; optax warmup_cosine_decay_schedule; Goyal et al. 2017", example: "warmup(500, from=0.01) then constant" },
    NotationEntry { name: "ramp", says: "From any factor to any other along the named path.", formula: "to + (from - to) w(p); w is 1 - p, (1 + cos(pi p)) / 2, 1 - sqrt(p) or (1 - p)^power; exponential: from (to / from)^p", peer: "optax linear_schedule, polynomial_schedule", example: "ramp(1, 0.1, 200, cosine) then constant(0.1)" },
    NotationEntry { name: "range_test", says: "Rises from 1 to `ratio` by equal factors (or equal differences).", formula: "ratio^(n / (steps - 1)), or 1 + (ratio - 1) n / (steps - 1)", peer: "fastai lr_find; Smith 2015", example: "range_test(1e6)" },
    NotationEntry { name: "step", says: "Multiplied by `factor` every `every` steps, not beyond `limit`.", formula: "factor^floor(n / every)", peer: "PyTorch StepLR", example: "step(30%, 0.1)" },
    NotationEntry { name: "multi_step", says: "Multiplied by the first argument at each of the others.", formula: "factor^k, with k the number of milestones up to n", peer: "PyTorch MultiStepLR", example: "multi_step(0.1, 50%, 75%)" },
    NotationEntry { name: "piecewise", says: "A first factor, then `step: factor` points; constant between them, or along the named path.", formula: "the factor of the last point up to n; with a path, between the points along it", peer: "optax piecewise_constant_schedule, piecewise_interpolate_schedule", example: "piecewise(1, 30%: 0.5, 60%: 0.1)" },
    NotationEntry { name: "exponential", says: "Multiplied by `rate` over each `every` steps (default 1), evenly, not beyond `limit`; `staircase` rounds n / every down.", formula: "rate^(n / every)", peer: "PyTorch ExponentialLR; optax exponential_decay", example: "exponential(0.9, 10%)" },
    NotationEntry { name: "inverse_time", says: "Falls as one over time; `staircase` rounds n / every down.", formula: "(1 + rate n / every)^-power", peer: "Keras InverseTimeDecay", example: "inverse_time(1, 10%)" },
    NotationEntry { name: "inverse_sqrt", says: "Falls as one over the root of time.", formula: "(1 + n / timescale)^(-1/2)", peer: "transformers inverse_sqrt", example: "warmup(10%) then inverse_sqrt(10%)" },
    NotationEntry { name: "noam", says: "A straight warm-up, then one over the root of the step.", formula: "min((n + 1) / warmup, sqrt(warmup / (n + 1))); with model times (model warmup)^(-1/2)", peer: "Vaswani et al. 2017, section 5.3", example: "noam(100)" },
    NotationEntry { name: "one_cycle", says: "Up from 1 / div to 1 during the share `rise`, then down to 1 / (div final_div).", formula: "1 / div up to 1, then down to 1 / (div final_div), each along half a cosine or straight", peer: "PyTorch OneCycleLR; fastai fit_one_cycle; Smith 2018", example: "one_cycle(rise=0.3)" },
    NotationEntry { name: "triangular", says: "Up from `low` (default 0.25) to 1 and down again, without end.", formula: "low + (1 - low) w; w rises from 0 to 1 in `up` steps and falls to 0 in `down`", peer: "PyTorch CyclicLR triangular; Smith 2015", example: "triangular(10%)" },
    NotationEntry { name: "triangular2", says: "As triangular, half as high with each cycle.", formula: "low + (1 - low) w / 2^c, with c the number of cycles that are over", peer: "PyTorch CyclicLR triangular2", example: "triangular2(10%)" },
    NotationEntry { name: "exp_range", says: "As triangular, its height multiplied by `gamma` at each step.", formula: "low + (1 - low) w gamma^n", peer: "PyTorch CyclicLR exp_range", example: "exp_range(10%, gamma=0.999)" },
    NotationEntry { name: "sgdr", says: "Half cosines from 1 to `floor` with restarts; each `stretch` times as long and `gain` times as high as the one before.", formula: "floor + (1 - floor) gain^c (1 + cos(pi q)) / 2; q is the share of cycle c that is done, which has period stretch^c steps", peer: "PyTorch CosineAnnealingWarmRestarts; Loshchilov & Hutter 2016", example: "sgdr(10%, stretch=2)" },
    NotationEntry { name: "wsd", says: "Stays at 1, then decays to `floor` over the last `decay` steps.", formula: "1, then floor + (1 - floor) w(p) over the last `decay` steps, with w as in ramp", peer: "transformers warmup_stable_decay; Hu et al. 2024", example: "warmup(5%) then wsd(20%, sqrt)" },
    NotationEntry { name: "flat_cosine", says: "Stays at 1 for `flat` (default 75 %), then half a cosine to `floor`.", formula: "1, then floor + (1 - floor) (1 + cos(pi p)) / 2", peer: "fastai fit_flat_cos", example: "flat_cosine(flat=70%)" },
    NotationEntry { name: "table", says: "One factor a step; the last is held.", formula: "the value of this number, counted from 0", peer: "PyTorch LambdaLR over a list", example: "table(1, 0.5, 0.25)" },
    NotationEntry { name: "repeat", says: "A part again and again, `times` times or without end.", formula: "gain^c part(n'), with n' the step within cycle c, slowed down by stretch^c", peer: "", example: "repeat(cosine, times=3)" },
    NotationEntry { name: "take", says: "The first steps of a part; a part that is shorter holds its last value.", formula: "part(n) for n < steps", peer: "optax join_schedules cuts so", example: "take(exponential(0.99), 100) then linear" },
    NotationEntry { name: "extend", says: "A part planned for `from` steps whose rest, after step `at`, is stretched to end at `to`.", formula: "part(n) up to `at`, then part(at + (n - at) (from - at) / (to - at))", peer: "", example: "extend(cosine(300), at=150, from=300, to=600)" },
];

#[rustfmt::skip]
const CONTROLLERS: &[NotationEntry] = &[
    NotationEntry { name: "plateau", says: "Cuts the rate when a test of trend finds that the loss no longer falls; `undo` raises it again where the cut did not help.", formula: "", peer: "", example: "plateau(patience=10, factor=0.5)" },
    NotationEntry { name: "plateau_torch", says: "Cuts the rate after `patience` evaluations without a better one.", formula: "", peer: "PyTorch ReduceLROnPlateau, to the digit", example: "plateau_torch(patience=5)" },
    NotationEntry { name: "plateau_keras", says: "Cuts the rate after `patience` evaluations without a better one.", formula: "", peer: "Keras ReduceLROnPlateau, to the digit", example: "plateau_keras(patience=5)" },
    NotationEntry { name: "plateau_optax", says: "Cuts the rate after `patience` evaluations without a better one.", formula: "", peer: "optax contrib.reduce_on_plateau, to the digit", example: "plateau_optax(patience=5)" },
    NotationEntry { name: "greedy", says: "Raises the rate while the loss improves and lowers it while it does not.", formula: "", peer: "", example: "greedy(patience=5)" },
    NotationEntry { name: "greedy_transformers", says: "Raises the rate while the metric improves and lowers it while it does not.", formula: "", peer: "transformers GreedyLR, to the digit", example: "greedy_transformers(patience=5)" },
    NotationEntry { name: "hypergradient", says: "Raises the rate while successive gradients agree and lowers it when they turn back.", formula: "", peer: "Baydin et al. 2018", example: "hypergradient" },
    NotationEntry { name: "polyak", says: "Caps the rate by (loss - floor) / squared gradient norm.", formula: "", peer: "Loizou et al. 2021", example: "polyak" },
    NotationEntry { name: "branch", says: "Tries a lower and a higher rate for a few steps from time to time, and continues with the better.", formula: "", peer: "", example: "branch(every=200)" },
    NotationEntry { name: "rewind", says: "Goes back to an earlier state when the loss breaks, cuts the rate, and skips the batches since.", formula: "", peer: "Chowdhery et al. 2022, section 5.1", example: "rewind(every=50)" },
];

/// Every name of the schedule notation.
///
/// ```
/// use stepsize::{Schedule, reference};
/// for entry in reference::schedules() {
///     assert!(Schedule::parse(entry.example, 1000).is_ok(), "{}", entry.name);
/// }
/// ```
pub fn schedules() -> &'static [NotationEntry] {
    SCHEDULES
}

/// Every controller.
pub fn controllers() -> &'static [NotationEntry] {
    CONTROLLERS
}

/// The name in `known` that `typed` was meant for, if one is near enough: one that begins with it,
/// or the one with the fewest differing letters.
///
/// ```
/// use stepsize::reference;
/// assert_eq!(reference::nearest("poly", &["cosine", "polynomial"]), Some("polynomial"));
/// assert_eq!(reference::nearest("lion", &["sgd", "adam"]), None);
/// ```
pub fn nearest<'a>(typed: &str, known: &[&'a str]) -> Option<&'a str> {
    notation::nearest(typed, known)
}

/// A controller with all its arguments and their defaults.
///
/// # Errors
/// When `entry` is no controller.
pub fn with_defaults(entry: &NotationEntry) -> Result<String> {
    Ok(entry.name.parse::<ControllerSpec>()?.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Lr, notation::schedule_names};

    #[test]
    fn every_name_has_its_entry_and_an_example_that_works() {
        let names = |entries: &[NotationEntry]| entries.iter().map(|e| e.name).collect::<Vec<_>>();
        assert_eq!(names(schedules()), schedule_names());
        assert_eq!(names(controllers()), ControllerSpec::names());
        for entry in schedules() {
            let schedule = crate::Schedule::parse(entry.example, 1000).unwrap();
            assert!(entry.example.contains(entry.name) && !entry.arguments().is_empty(), "{}", entry.name);
            assert!(!entry.formula.is_empty(), "{}", entry.name);
            assert!((0..1000).all(|n| schedule.factor(n).is_finite()), "{}", entry.name);
        }
        for entry in controllers() {
            entry.example.parse::<ControllerSpec>().unwrap().build(Lr::new(0.1).unwrap()).unwrap();
            assert!(with_defaults(entry).unwrap().starts_with(entry.name), "{}", entry.name);
        }
    }
}
