//! What each name of a schedule means: from the tree of a text to a [`Schedule`].
//!
//! A part whose length is left open takes the steps that the other parts of its sequence leave.
//! Only one part of a sequence may do so, since nothing says how two would share.

use super::call::{Arguments, Call, length};
use super::room::{is_endless, is_open};
use super::tree::{Expr, ExprKind};
use crate::schedule::{OneCycle, Schedule, Shape};
use crate::{Error, Result};

/// A name, its arguments in positional order, and the bare words that it takes.
pub(super) struct Name {
    pub name: &'static str,
    pub arguments: &'static [&'static str],
    pub words: &'static [&'static str],
    pub length: Length,
}

/// How long a schedule of a name is.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Length {
    /// Given by the argument `steps`; without it the part takes the room.
    Steps,
    /// Endless, or as long as a sequence has room.
    Endless,
    /// Known from the arguments.
    Given,
}
use Length::{Endless, Given, Steps};

const PATHS: &[&str] = &["linear", "cosine", "exponential", "sqrt"];
const WARMUPS: &[&str] = &["linear", "cosine", "exponential", "sqrt", "constant"];
const PIECES: &[&str] = &["constant", "linear", "cosine"];

#[rustfmt::skip]
pub(super) const NAMES: &[Name] = &[
    Name { name: "constant", arguments: &["value"], words: &[], length: Endless },
    Name { name: "hold", arguments: &["value", "steps"], words: &[], length: Steps },
    Name { name: "linear", arguments: &["steps", "floor"], words: &[], length: Steps },
    Name { name: "cosine", arguments: &["steps", "floor", "exponent"], words: &[], length: Steps },
    Name { name: "polynomial", arguments: &["steps", "power", "floor"], words: &[], length: Steps },
    Name { name: "sqrt", arguments: &["steps", "floor"], words: &[], length: Steps },
    Name { name: "warmup", arguments: &["steps", "from"], words: WARMUPS, length: Steps },
    Name { name: "ramp", arguments: &["from", "to", "steps", "power", "exponent"], words: PATHS, length: Steps },
    Name { name: "range_test", arguments: &["ratio", "steps"], words: &["exponential", "linear"], length: Steps },
    Name { name: "step", arguments: &["every", "factor", "limit"], words: &[], length: Endless },
    Name { name: "multi_step", arguments: &[], words: &[], length: Endless },
    Name { name: "piecewise", arguments: &[], words: PIECES, length: Endless },
    Name { name: "exponential", arguments: &["rate", "every", "limit"], words: &["staircase"], length: Endless },
    Name { name: "inverse_time", arguments: &["rate", "every", "power"], words: &["staircase"], length: Endless },
    Name { name: "inverse_sqrt", arguments: &["timescale"], words: &[], length: Endless },
    Name { name: "noam", arguments: &["warmup", "model"], words: &[], length: Endless },
    Name { name: "one_cycle", arguments: &["steps", "rise", "div", "final_div"], words: &["cosine", "linear", "three_phase"], length: Steps },
    Name { name: "triangular", arguments: &["up", "down", "low"], words: &[], length: Endless },
    Name { name: "triangular2", arguments: &["up", "down", "low"], words: &[], length: Endless },
    Name { name: "exp_range", arguments: &["up", "gamma", "down", "low"], words: &[], length: Endless },
    Name { name: "sgdr", arguments: &["period", "stretch", "gain", "floor"], words: &[], length: Endless },
    Name { name: "wsd", arguments: &["decay", "floor", "steps"], words: PATHS, length: Steps },
    Name { name: "flat_cosine", arguments: &["flat", "floor", "steps"], words: &[], length: Steps },
    Name { name: "table", arguments: &[], words: &[], length: Given },
    Name { name: "repeat", arguments: &["part", "times", "stretch", "gain"], words: &[], length: Endless },
    Name { name: "take", arguments: &["part", "steps"], words: &[], length: Steps },
    Name { name: "extend", arguments: &["part", "at", "from", "to"], words: &[], length: Given },
];

/// Names that [`Schedule::parse`] knows.
pub fn schedule_names() -> Vec<&'static str> {
    NAMES.iter().map(|n| n.name).collect()
}

/// Arguments and words of a schedule.
pub(crate) fn arguments_of(name: &str) -> Option<(&'static [&'static str], &'static [&'static str])> {
    NAMES.iter().find(|n| n.name == name).map(|n| (n.arguments, n.words))
}

/// Lowest factor of cyclical rates: a quarter of the peak (Smith 2015, section 3.3: a third or a
/// quarter).
const CYCLE_LOW: f64 = 0.25;
/// Flat share of flat-then-cosine (fastai `fit_flat_cos`, `pct_start`).
const FLAT: f64 = 0.75;

/// A text being built for a run of `run` steps, where that is known.
pub(super) struct Builder<'a> {
    pub text: &'a str,
    pub run: Option<u64>,
}

impl Builder<'_> {
    /// The schedule of `expr`. If it leaves its length open, it gets `room` steps.
    pub(super) fn build(&self, expr: &Expr, room: Option<u64>) -> Result<Schedule> {
        let each = |parts: &[Expr]| parts.iter().map(|p| self.build(p, room)).collect::<Result<Vec<_>>>();
        let built = match &expr.kind {
            ExprKind::Number(n) if n.percent => Err(Error::invalid("a factor is a plain number, not a percentage")),
            ExprKind::Number(n) => Schedule::flat(n.value),
            ExprKind::Sequence(parts) => self.sequence(parts, room),
            ExprKind::Product(parts) => each(parts).and_then(Schedule::product),
            ExprKind::Sum(parts) => each(parts).and_then(Schedule::sum),
            ExprKind::Call { .. } => self.call(expr, room),
        };
        // An error of a constructor belongs to this expression; an error with a column came from
        // deeper.
        built.map_err(|e| if e.is_notation() { e } else { Error::notation(e.to_string(), self.text, expr.column) })
    }

    fn sequence(&self, parts: &[Expr], room: Option<u64>) -> Result<Schedule> {
        let last = parts.len() - 1;
        let mut open = None;
        let mut fixed = 0u64;
        let mut out = Vec::with_capacity(parts.len());
        for (i, part) in parts.iter().enumerate() {
            let endless_end = i == last && is_endless(part);
            if is_open(part) && !endless_end {
                if open.replace(i).is_some() {
                    let message =
                        "two parts leave their length open, so nothing says how they share: give one a length";
                    return Err(Error::notation(message, self.text, part.column));
                }
                out.push(None);
            } else if endless_end {
                out.push(None);
            } else {
                let schedule = self.build(part, None)?;
                fixed = fixed.saturating_add(schedule.steps().unwrap_or(0));
                out.push(Some(schedule));
            }
        }
        let left = room.map(|room| room.saturating_sub(fixed));
        let schedules = out.into_iter().zip(parts).enumerate().map(|(i, (schedule, part))| match schedule {
            Some(schedule) => Ok(schedule),
            None if open == Some(i) => {
                if let (Some(0), Some(room)) = (left, room) {
                    let message = format!("no steps remain here: the other parts take {fixed} of {room}");
                    return Err(Error::notation(message, self.text, part.column));
                }
                let schedule = self.build(part, left)?;
                match left {
                    Some(left) if schedule.steps().is_none() && i != last => schedule.take(left),
                    _ => Ok(schedule),
                }
            }
            None => self.build(part, left.filter(|left| *left > 0 && open.is_none())),
        });
        Schedule::sequence(schedules.collect::<Result<_>>()?)
    }

    fn call(&self, expr: &Expr, room: Option<u64>) -> Result<Schedule> {
        let Some(call) = Call::of(self.text, expr) else { return Err(Error::invalid("not a call")) };
        let Some(known) = NAMES.iter().find(|n| n.name == call.name()) else {
            return Err(call.unknown(&schedule_names()));
        };
        match known.name {
            "table" => return self.table(&call),
            "multi_step" => return self.multi_step(&call),
            "piecewise" => return self.piecewise(&call),
            _ => {}
        }
        let a = call.arguments(known.arguments, known.words)?;
        let steps = || match (a.length("steps", self.run)?, room) {
            (Some(steps), _) | (None, Some(steps)) => Ok(steps),
            (None, None) => {
                Err(call.error(format!("`{}` needs its length here: `{0}(steps=...)` or the run's", known.name)))
            }
        };
        let length = |name: &str| a.length(name, self.run);
        let needed = |name: &str| length(name)?.ok_or_else(|| a.missing(name));
        let or = |name: &str, default: f64| a.number(name).map(|v| v.unwrap_or(default));
        let timescale = |name: &str| a.timescale(name, self.run);
        match known.name {
            "constant" => Schedule::flat(or("value", 1.0)?),
            "hold" => Schedule::hold(a.require("value")?, steps()?),
            "linear" => Schedule::ramp(1.0, or("floor", 0.0)?, steps()?, Shape::Linear),
            "cosine" => {
                let shape = a.number("exponent")?.map_or(Shape::Cosine, Shape::CosinePower);
                Schedule::ramp(1.0, or("floor", 0.0)?, steps()?, shape)
            }
            "polynomial" => Schedule::polynomial(steps()?, a.require("power")?, or("floor", 0.0)?),
            "sqrt" => Schedule::ramp(1.0, or("floor", 0.0)?, steps()?, Shape::Sqrt),
            "warmup" => match a.one_of(WARMUPS)? {
                Some("constant") => Schedule::hold(a.require("from")?, steps()?),
                Some("exponential") => Schedule::warmup_with(steps()?, a.require("from")?, Shape::Exponential),
                other => Schedule::warmup_with(steps()?, or("from", 0.0)?, path(other)),
            },
            "ramp" => {
                let shape = match (a.one_of(PATHS)?, a.number("power")?, a.number("exponent")?) {
                    (None, Some(power), None) => Shape::Power(power),
                    (Some("cosine"), None, Some(exponent)) => Shape::CosinePower(exponent),
                    (word, None, None) => path(word),
                    _ => return Err(call.error("a power goes with no other shape, an exponent with cosine only")),
                };
                Schedule::ramp(a.require("from")?, a.require("to")?, steps()?, shape)
            }
            "range_test" => {
                let shape = a.one_of(known.words)?.map_or(Shape::Exponential, |w| path(Some(w)));
                Schedule::range_test(a.require("ratio")?, steps()?, shape)
            }
            "step" => {
                let every = timescale("every")?.ok_or_else(|| a.missing("every"))?;
                Schedule::step(every, a.require("factor")?, a.number("limit")?)
            }
            "exponential" => {
                let decay = if a.flag("staircase") { |r, e, l| Schedule::step(e, r, l) } else { Schedule::exponential };
                decay(a.require("rate")?, timescale("every")?.unwrap_or(1.0), a.number("limit")?)
            }
            "inverse_time" => {
                let every = timescale("every")?.unwrap_or(1.0);
                Schedule::inverse(a.require("rate")?, every, or("power", 1.0)?, a.flag("staircase"))
            }
            "inverse_sqrt" => Schedule::inverse_sqrt(timescale("timescale")?.ok_or_else(|| a.missing("timescale"))?),
            "noam" => Schedule::noam(needed("warmup")?, a.number("model")?),
            "one_cycle" => {
                let usual = OneCycle::new(steps()?);
                Schedule::one_cycle_with(OneCycle {
                    rise: or("rise", usual.rise)?,
                    div: or("div", usual.div)?,
                    final_div: or("final_div", usual.final_div)?,
                    linear: a.one_of(&["cosine", "linear"])? == Some("linear"),
                    three_phase: a.flag("three_phase"),
                    ..usual
                })
            }
            "triangular" | "triangular2" | "exp_range" => {
                let up = needed("up")?;
                let down = length("down")?.unwrap_or(up);
                let fade = match known.name {
                    "triangular2" => Some(Schedule::step((up.saturating_add(down)) as f64, 0.5, None)?),
                    "exp_range" => Some(Schedule::exponential(a.require("gamma")?, 1.0, None)?),
                    _ => None,
                };
                Schedule::triangular(up, down, or("low", CYCLE_LOW)?, fade)
            }
            "sgdr" => {
                let period = needed("period")?;
                Schedule::sgdr(period, or("stretch", 1.0)?, or("gain", 1.0)?, or("floor", 0.0)?)
            }
            "wsd" => {
                let (steps, decay, shape) = (steps()?, needed("decay")?, path(a.one_of(PATHS)?));
                if decay > steps {
                    return Err(call.error(format!("a decay of {decay} steps does not fit into {steps}")));
                }
                self.wsd(&call, steps, steps.saturating_sub(decay), shape, or("floor", 0.0)?)
            }
            "flat_cosine" => {
                let steps = steps()?;
                let flat = length("flat")?.unwrap_or((steps as f64 * FLAT).round() as u64);
                self.wsd(&call, steps, flat, Shape::Cosine, or("floor", 0.0)?)
            }
            "repeat" => self.repeat(&call, &a, room),
            "take" => {
                let steps = steps()?;
                self.part(&a, Some(steps))?.take(steps)
            }
            _ => {
                let at = a.count("at")?.ok_or_else(|| a.missing("at"))?;
                let (from, to) = (needed("from")?, needed("to")?);
                self.part(&a, Some(from))?.extend(at, from, to)
            }
        }
    }

    fn part(&self, a: &Arguments<'_>, room: Option<u64>) -> Result<Schedule> {
        let part = a.expr("part").ok_or_else(|| a.missing("the schedule it is made of"))?;
        self.build(part, room)
    }

    /// Holds 1 for `flat` of `steps`, then decays. With `flat` 0 it only decays, with all of the
    /// steps it only holds.
    fn wsd(&self, call: &Call, steps: u64, flat: u64, shape: Shape, floor: f64) -> Result<Schedule> {
        match steps.checked_sub(flat) {
            Some(decay) if flat > 0 && decay > 0 => Schedule::wsd(flat, decay, shape, floor),
            Some(decay) if decay > 0 => Schedule::ramp(1.0, floor, decay, shape),
            _ => Err(call.error(format!("a flat phase of {flat} leaves no decay in {steps} steps"))),
        }
    }

    /// A part of open length gets a length with which all `times` cycles together fill the room.
    fn repeat(&self, call: &Call, a: &Arguments<'_>, room: Option<u64>) -> Result<Schedule> {
        let times = match a.count("times")?.map(u32::try_from) {
            Some(Err(_)) => return Err(call.error("a part is repeated at most 2^30 times")),
            Some(Ok(times)) => Some(times),
            None => None,
        };
        let [stretch, gain] = ["stretch", "gain"].map(|name| a.number(name).map(|v| v.unwrap_or(1.0)));
        let repeated = Schedule::repeat_with(self.part(a, room)?, times, stretch?, gain?)?;
        match (a.expr("part").is_some_and(is_open), times, room, repeated.steps()) {
            (true, Some(_), Some(room), Some(total)) => repeated.compress(total, room),
            _ => Ok(repeated),
        }
    }

    fn table(&self, call: &Call) -> Result<Schedule> {
        let values = call.raw().iter().map(|argument| match &argument.value.kind {
            ExprKind::Number(n) if !n.percent && argument.key.is_none() && argument.at.is_none() => Ok(n.value),
            _ => Err(call.at("a table holds plain numbers only", argument.value.column)),
        });
        Schedule::table(values.collect::<Result<Vec<_>>>()?)
    }

    fn multi_step(&self, call: &Call) -> Result<Schedule> {
        let mut numbers = call.raw().iter().map(|argument| match &argument.value.kind {
            ExprKind::Number(n) if argument.key.is_none() && argument.at.is_none() => Ok((n, argument.value.column)),
            _ => {
                Err(call
                    .at("`multi_step` is a factor, then milestones: multi_step(0.1, 30%, 60%)", argument.value.column))
            }
        });
        let Some(factor) = numbers.next().transpose()? else { return Err(call.error("`multi_step` needs a factor")) };
        let milestones = numbers.map(|n| n.and_then(|(n, column)| length(call, n, column, "a milestone", self.run)));
        Schedule::multi_step(factor.0.value, &milestones.collect::<Result<Vec<_>>>()?)
    }

    fn piecewise(&self, call: &Call) -> Result<Schedule> {
        let (mut first, mut points, mut shape) = (None, Vec::new(), None);
        for argument in call.raw() {
            let column = argument.value.column;
            match (&argument.at, &argument.value.kind) {
                (Some((at, place)), ExprKind::Number(n)) if !n.percent => {
                    points.push((length(call, at, *place, "a milestone", self.run)?, n.value));
                }
                (None, ExprKind::Number(n)) if !n.percent && argument.key.is_none() && first.is_none() => {
                    first = Some(n.value);
                }
                (None, ExprKind::Call { name, bare: true, .. })
                    if PIECES.contains(&name.as_str()) && shape.is_none() =>
                {
                    shape = Some(name.as_str());
                }
                _ => {
                    let message = "`piecewise` is a factor, then `step: factor` pairs: piecewise(1, 30%: 0.5, linear)";
                    return Err(call.at(message, column));
                }
            }
        }
        let first = first.ok_or_else(|| call.error("`piecewise` needs the factor of step 0"))?;
        let shape = shape.filter(|s| *s != "constant").map(|s| path(Some(s)));
        Schedule::piecewise(shape, first, &points)
    }
}

fn path(word: Option<&str>) -> Shape {
    match word {
        Some("cosine") => Shape::Cosine,
        Some("exponential") => Shape::Exponential,
        Some("sqrt") => Shape::Sqrt,
        _ => Shape::Linear,
    }
}
