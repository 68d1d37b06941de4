//! [`Schedule`]: the rate over steps as a factor of the base rate, as plain data.
//!
//! `lr(step) = base x factor(step) x controller`. A schedule is one of a closed family of twelve
//! primitives (constant, ramp, exponential, inverse power, one-cycle, table; sequence, product,
//! sum, repetition, cut, extension); every named schedule of the literature is one of them or a
//! recipe that composes them (`schedule/recipes.rs`), and prints as what it is made of
//! ([`crate::notation`]). The family is private behind the constructors: a schedule that exists is
//! legal.
//!
//! Time: `step` is zero-based. A part of `n` steps is a curve over the times 0..n, of which the
//! steps 0..n-1 are seen. The value at time `n` belongs to the next part or, after the last part,
//! is held. So `linear(n)` gives `1 - step/n` (as optax and transformers do): its last step has
//! `1/n` and every later one 0. One-cycle and tables end at their last step instead, as PyTorch's
//! do.
//!
//! Each formula names its source in `shape.rs`, `cycle.rs` or `recipes.rs`. Tables of the values of
//! other packages: `tests/golden/`.

mod cycle;
mod node;
mod recipes;
mod rescale;
mod shape;

pub use cycle::OneCycle;
pub use node::Node;
pub use shape::Shape;

use crate::{Error, Result};

/// Longest part: whole numbers up to here are exact as `f64`.
const MAX_STEPS: u64 = 1 << 53;
/// Longest table: a value for every step of a long run, in 8 MB.
const MAX_TABLE: u64 = 1 << 20;
/// Highest factor: far above any use and far below where a product overflows.
const MAX_FACTOR: f64 = 1e100;
/// Shortest timescale of a decay, in steps: with a shorter one every decay is over after one step.
const MIN_TIMESCALE: f64 = 1e-6;
/// Deepest nesting: far above any use, and far below what exhausts a stack.
const MAX_DEPTH: usize = 48;

/// A shape over steps: `factor(step)` multiplies the base rate. Asking changes nothing.
///
/// ```
/// use stepsize::Schedule;
/// let schedule = Schedule::warmup(100)?.then(Schedule::cosine(900)?)?;
/// assert_eq!((schedule.factor(50), schedule.factor(100), schedule.factor(5000)), (0.5, 1.0, 0.0));
/// assert_eq!(schedule.to_string(), "warmup(100) then cosine(900)");
/// assert_eq!(schedule, Schedule::parse("warmup(10%) then cosine", 1000)?);
/// # Ok::<(), stepsize::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    pub(crate) node: Node,
}

impl Schedule {
    /// Factor at zero-based `step`, finite and >= 0; after the end the last value.
    pub fn factor(&self, step: u64) -> f64 {
        self.at(step as f64)
    }

    /// The primitives that it is made of.
    pub fn node(&self) -> &Node {
        &self.node
    }

    /// Length in steps; `None` when it is endless. A product or sum is as long as its longest part,
    /// not counting constants.
    pub fn steps(&self) -> Option<u64> {
        self.node.steps()
    }

    /// The same shape for a run of `to` steps instead of `from`. Every number of steps in it is
    /// scaled by `to/from`, to at least 1, and the parts of a sequence sum to its scaled length. A
    /// constant stays as it is.
    ///
    /// ```
    /// use stepsize::Schedule;
    /// let schedule = Schedule::parse("warmup(10%) then cosine", 1000)?.compress(1000, 63)?;
    /// assert_eq!(schedule.to_string(), "warmup(6) then cosine(57)");
    /// # Ok::<(), stepsize::Error>(())
    /// ```
    ///
    /// # Errors
    /// When `from` or `to` is zero, or a length would exceed 2^53.
    pub fn compress(&self, from: u64, to: u64) -> Result<Schedule> {
        if from == 0 || to == 0 {
            return Err(Error::invalid(format!("a schedule cannot be compressed from {from} to {to} steps")));
        }
        self.rescale(from, to)
    }

    /// The schedule of a run that was planned for `from` steps, has taken `done` of them, and shall
    /// now take `to`.
    ///
    /// The past stays as it was, the rate does not jump at `done`, and what was still to come is
    /// stretched evenly over `done..to`, so that the run ends with the value it was meant to end
    /// with. (A `to` below `from` brings the end nearer by the same rule.) After `to` the last
    /// value is held, whatever the schedule was planned for. When nothing was still to come
    /// (`done >= from`), the last value is held.
    ///
    /// ```
    /// use stepsize::Schedule;
    /// let longer = Schedule::linear(100)?.extend(50, 100, 150)?;
    /// assert_eq!((longer.factor(50), longer.factor(100), longer.factor(150)), (0.5, 0.25, 0.0));
    /// # Ok::<(), stepsize::Error>(())
    /// ```
    ///
    /// # Errors
    /// When `to` is not above `done`: a run cannot end before the step it has reached.
    pub fn extend(&self, done: u64, from: u64, to: u64) -> Result<Schedule> {
        if to <= done {
            return Err(Error::invalid(format!("a run at step {done} cannot be planned to end at step {to}")));
        }
        if done >= from || from == to || self.is_constant() {
            return Ok(self.clone());
        }
        check_steps(from)?;
        check_steps(to)?;
        Self::new(Node::Extend { part: Box::new(self.clone()), at: done, from, to })
    }

    /// Factor 1, endless.
    pub fn constant() -> Self {
        Self { node: Node::Constant(1.0) }
    }

    /// A constant factor, endless.
    ///
    /// # Errors
    /// When `factor` is negative, not finite or above 1e100.
    pub fn flat(factor: f64) -> Result<Self> {
        Self::new(Node::Constant(checked(factor)?))
    }

    /// From one factor to another over `steps`.
    ///
    /// # Errors
    /// When `steps` is zero, a factor is negative or not finite, or the shape does not fit (see
    /// [`Shape`]).
    pub fn ramp(from: f64, to: f64, steps: u64, shape: Shape) -> Result<Self> {
        let (from, to) = (checked(from)?, checked(to)?);
        check_steps(steps)?;
        Self::new(Node::Ramp { from, to, steps, shape: shape.check(from, to)? })
    }

    /// `rate^(step/every)`, endless, not beyond `limit` (optax `exponential_decay`; PyTorch
    /// `ExponentialLR` is `every` = 1).
    ///
    /// # Errors
    /// When `rate` is not above 0, or above 1 without a `limit`; when `limit` is on the wrong side
    /// of 1.
    pub fn exponential(rate: f64, every: f64, limit: Option<f64>) -> Result<Self> {
        Self::decay(rate, every, false, limit)
    }

    /// `factor^floor(step/every)`, endless, not beyond `limit` (PyTorch `StepLR`).
    ///
    /// # Errors
    /// As [`Schedule::exponential`].
    pub fn step(every: f64, factor: f64, limit: Option<f64>) -> Result<Self> {
        Self::decay(factor, every, true, limit)
    }

    fn decay(rate: f64, every: f64, staircase: bool, limit: Option<f64>) -> Result<Self> {
        let limit = limit.map(checked).transpose()?;
        if rate == 0.0 || checked(rate).is_err() {
            return Err(Error::invalid(format!("the factor of an exponential decay must be above zero, not {rate}")));
        }
        match limit {
            None if rate > 1.0 => Err(Error::invalid(format!("a factor of {rate} grows without end: give a limit"))),
            Some(limit) if (rate > 1.0 && limit < 1.0) || (rate <= 1.0 && limit > 1.0) => {
                Err(Error::invalid(format!("from 1 a factor of {rate} never reaches the limit {limit}")))
            }
            _ => Self::new(Node::Exponential { rate, every: check_timescale(every)?, staircase, limit }),
        }
    }

    /// `(1 + rate step/every)^-power`, endless; with `staircase` `step/every` is rounded down.
    ///
    /// # Errors
    /// When `rate` or `power` is negative or not finite, or `every` is not above zero.
    pub fn inverse(rate: f64, every: f64, power: f64, staircase: bool) -> Result<Self> {
        let (rate, power) = (checked(rate)?, checked(power)?);
        Self::new(Node::Inverse { rate, every: check_timescale(every)?, power, staircase })
    }

    /// One-cycle with all its parameters; [`Schedule::one_cycle`] has the usual ones.
    ///
    /// # Errors
    /// When a parameter is outside the range that [`OneCycle`] states.
    pub fn one_cycle_with(cycle: OneCycle) -> Result<Self> {
        Self::new(Node::OneCycle(cycle.check()?))
    }

    /// One value a step; the last one is held.
    ///
    /// # Errors
    /// When there is no value, or one is negative or not finite.
    pub fn table(values: impl IntoIterator<Item = f64>) -> Result<Self> {
        let values = values.into_iter().map(checked).collect::<Result<Vec<f64>>>()?;
        check_table(values.len() as u64)?;
        Self::new(Node::Table(values))
    }

    /// One part after another, each on its own clock. A sequence within a sequence is flattened.
    ///
    /// # Errors
    /// When there is no part, or a part before the last is endless ([`Schedule::take`] gives it a
    /// length).
    pub fn sequence(parts: Vec<Schedule>) -> Result<Self> {
        let parts = flatten(parts, |node| match node {
            Node::Sequence(inner) => Ok(inner),
            other => Err(other),
        });
        let last = parts.len().saturating_sub(1);
        if let Some(endless) = parts.iter().take(last).find(|p| p.steps().is_none()) {
            return Err(Error::invalid(format!("`{endless}` never ends, so nothing can follow it: give it a length")));
        }
        let total = parts.iter().filter_map(Schedule::steps).try_fold(0u64, u64::checked_add);
        check_steps(total.unwrap_or(u64::MAX).max(1))?;
        Self::combine(parts, Node::Sequence)
    }

    /// This, then `next`.
    ///
    /// # Errors
    /// When this is endless.
    pub fn then(self, next: Schedule) -> Result<Self> {
        Self::sequence(vec![self, next])
    }

    /// The product of all parts, step by step.
    ///
    /// # Errors
    /// When there is no part or the product can exceed 1e100.
    pub fn product(parts: Vec<Schedule>) -> Result<Self> {
        let parts = flatten(parts, |node| match node {
            Node::Product(inner) => Ok(inner),
            other => Err(other),
        });
        Self::combine(parts, Node::Product)
    }

    /// The sum of all parts, step by step: for example a floor under a decay.
    ///
    /// # Errors
    /// When there is no part or the sum can exceed 1e100.
    pub fn sum(parts: Vec<Schedule>) -> Result<Self> {
        let parts = flatten(parts, |node| match node {
            Node::Sum(inner) => Ok(inner),
            other => Err(other),
        });
        Self::combine(parts, Node::Sum)
    }

    /// Repeats `part` `times` times, or endlessly.
    ///
    /// # Errors
    /// When `part` is endless or `times` is zero.
    pub fn repeat(part: Schedule, times: Option<u32>) -> Result<Self> {
        Self::repeat_with(part, times, 1.0, 1.0)
    }

    /// Like [`Schedule::repeat`], with each cycle `stretch` times as long and `gain` times as high
    /// as the one before.
    ///
    /// # Errors
    /// As [`Schedule::repeat`], and when `stretch` is neither 1 nor within 1.01..1000, or `gain` is
    /// negative, or above 1 without `times`.
    pub fn repeat_with(part: Schedule, times: Option<u32>, stretch: f64, gain: f64) -> Result<Self> {
        if part.steps().is_none() {
            return Err(Error::invalid(format!("`{part}` never ends, so it cannot be repeated: give it a length")));
        }
        if times == Some(0) || times.is_some_and(|n| n > 1 << 30) {
            return Err(Error::invalid("a part is repeated at least once and at most 2^30 times"));
        }
        if stretch != 1.0 && !(1.01..=1000.0).contains(&stretch) {
            return Err(Error::invalid(format!("the stretch of a repetition is 1, or 1.01 to 1000, not {stretch}")));
        }
        let gain = checked(gain)?;
        if gain == 0.0 || (gain > 1.0 && times.is_none()) {
            return Err(Error::invalid(format!("a gain of {gain} needs to be above 0, and a number of times above 1")));
        }
        let schedule = Self::new(Node::Repeat { part: Box::new(part), times, stretch, gain })?;
        if times.is_some() {
            check_steps(schedule.steps().unwrap_or(u64::MAX))?;
        }
        Ok(schedule)
    }

    /// Exactly the first `steps` of this schedule; if it ends earlier, its last value fills them.
    ///
    /// # Errors
    /// When `steps` is zero.
    pub fn take(self, steps: u64) -> Result<Self> {
        check_steps(steps)?;
        Self::new(Node::Take { part: Box::new(self), steps })
    }

    /// Whether every step has the same factor whatever the length.
    pub(crate) fn is_constant(&self) -> bool {
        match &self.node {
            Node::Constant(_) => true,
            Node::Product(parts) | Node::Sum(parts) => parts.iter().all(Schedule::is_constant),
            _ => false,
        }
    }

    fn at(&self, t: f64) -> f64 {
        self.node.at(t)
    }

    fn combine(mut parts: Vec<Schedule>, node: impl FnOnce(Vec<Schedule>) -> Node) -> Result<Self> {
        match (parts.len(), parts.pop()) {
            (1, Some(only)) => Ok(only),
            (_, Some(last)) => {
                parts.push(last);
                Self::new(node(parts))
            }
            (_, None) => Err(Error::invalid("a schedule of no parts has no value")),
        }
    }

    fn new(node: Node) -> Result<Self> {
        let (bound, depth) = (node.bound(), node.depth());
        if bound > MAX_FACTOR || bound.is_nan() {
            return Err(Error::invalid(format!("a factor can reach {bound}; at most {MAX_FACTOR:e} is allowed")));
        }
        if depth > MAX_DEPTH {
            return Err(Error::invalid(format!("a schedule is nested {depth} deep; at most {MAX_DEPTH} is allowed")));
        }
        Ok(Self { node })
    }
}

impl Default for Schedule {
    /// [`Schedule::constant`].
    fn default() -> Self {
        Self::constant()
    }
}

fn flatten(parts: Vec<Schedule>, open: impl Fn(Node) -> std::result::Result<Vec<Schedule>, Node>) -> Vec<Schedule> {
    parts.into_iter().flat_map(|p| open(p.node).unwrap_or_else(|node| vec![Schedule { node }])).collect()
}

fn checked(factor: f64) -> Result<f64> {
    if (0.0..=MAX_FACTOR).contains(&factor) {
        Ok(factor + 0.0) // turns -0 into 0, which prints alike
    } else {
        Err(Error::invalid(format!("a factor must be at least 0, finite and at most {MAX_FACTOR:e}, not {factor}")))
    }
}

fn check_steps(steps: u64) -> Result<u64> {
    match steps {
        0 => Err(Error::invalid("a length must be at least 1 step, not 0")),
        1..=MAX_STEPS => Ok(steps),
        _ => Err(Error::invalid(format!("a length can be at most 2^53 steps, not {steps}"))),
    }
}

fn check_table(values: u64) -> Result<u64> {
    match values {
        0 => Err(Error::invalid("a table needs at least 1 value")),
        1..=MAX_TABLE => Ok(values),
        _ => Err(Error::invalid(format!("a table can hold at most {MAX_TABLE} values, not {values}"))),
    }
}

fn check_timescale(every: f64) -> Result<f64> {
    if (MIN_TIMESCALE..=MAX_STEPS as f64).contains(&every) {
        Ok(every)
    } else {
        Err(Error::invalid(format!("a decay per `every` steps needs {MIN_TIMESCALE:e} <= every <= 2^53, not {every}")))
    }
}
