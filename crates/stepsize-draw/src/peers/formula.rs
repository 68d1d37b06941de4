//! A schedule as an expression in Python, over `math` or over `jax.numpy`: the formulas of
//! `crates/stepsize/src/rate/schedule/node.rs`.

use super::num;
use stepsize::Schedule;
use stepsize::schedule::{Node, OneCycle, Shape};

/// Cycles that grow are listed until they begin beyond this step: no run is longer.
const LONGEST: f64 = 1e12;

/// Whose functions the code calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// Plain numbers.
    Math,
    /// Arrays that may be traced: no `if` over a step.
    Jnp,
}

/// Writes functions as it goes; an expression may call those before it.
pub struct Formula {
    dialect: Dialect,
    functions: Vec<String>,
}

impl Formula {
    /// Nothing written yet.
    pub fn new(dialect: Dialect) -> Self {
        Self { dialect, functions: Vec::new() }
    }

    /// The functions written so far, each with an empty line after it.
    pub fn functions(&self) -> String {
        self.functions.iter().map(|f| format!("{f}\n\n")).collect()
    }

    /// A function `name` of the step with the value of `schedule`.
    pub fn function(&mut self, name: &str, schedule: &Schedule) {
        let body = self.body(schedule, None);
        self.functions.push(format!("def {name}(step):\n{body}"));
    }

    /// Statements that return the value at `step`. `most`: the largest step that is asked for.
    fn body(&mut self, schedule: &Schedule, most: Option<u64>) -> String {
        match schedule.node() {
            Node::Sequence(parts) if self.dialect == Dialect::Math => self.branches(parts, most),
            Node::Repeat { part, times, stretch, gain } => self.cycles(part, *times, *stretch, *gain),
            Node::OneCycle(cycle) => self.one_cycle(*cycle),
            Node::Table(values) => self.table(values),
            Node::Extend { part, at, from, to } => {
                let (at, from, slope) = (*at, *from, (*from - *at) as f64 / (*to - *at) as f64);
                let later = self.least(&format!("{at} + (step - {at}) * {}", num(slope)), &from.to_string());
                let moved = self.choose(&format!("step <= {at}"), "step", &later);
                let value = self.value(part, "step", Some(from));
                format!("    step = {moved}\n    return {value}\n")
            }
            _ => format!("    return {}\n", self.value(schedule, "step", most)),
        }
    }

    /// The value at `t`, an identifier or a call, which is at most `most`.
    pub fn value(&mut self, schedule: &Schedule, t: &str, most: Option<u64>) -> String {
        match schedule.node() {
            Node::Constant(value) => num(*value),
            Node::Ramp { from, to, steps, shape } => {
                let t = self.clamped(t, *steps, most);
                self.ramp(*from, *to, &format!("{t} / {steps}"), *shape)
            }
            Node::Exponential { rate, every, staircase, limit } => {
                let value = format!("{} ** {}", num(*rate), self.periods(t, *every, *staircase));
                match limit {
                    Some(limit) if *rate <= 1.0 => self.greatest(&value, &num(*limit)),
                    Some(limit) => self.least(&value, &num(*limit)),
                    None => value,
                }
            }
            Node::Inverse { rate, every, power, staircase } => {
                let periods = self.periods(t, *every, *staircase);
                let rate = if *rate == 1.0 { String::new() } else { format!("{} * ", num(*rate)) };
                format!("(1 + {rate}{periods}) ** -{}", num(*power))
            }
            Node::Product(parts) | Node::Sum(parts) => {
                let t = match schedule.steps() {
                    Some(steps) => self.clamped(t, steps, most),
                    None => t.to_owned(),
                };
                let joint = if matches!(schedule.node(), Node::Sum(_)) { " + " } else { " * " };
                let each: Vec<String> = parts
                    .iter()
                    .map(|part| {
                        let value = self.value(part, &t, most);
                        if joint == " * " && value.contains(' ') { format!("({value})") } else { value }
                    })
                    .collect();
                each.join(joint)
            }
            Node::Take { part, steps } => {
                let t = self.clamped(t, *steps, most);
                self.value(part, &t, Some(most.map_or(*steps, |most| most.min(*steps))))
            }
            Node::Sequence(parts) if self.dialect == Dialect::Jnp => {
                let (mut begin, mut text, mut closing) = (0, String::new(), 0);
                for (i, part) in parts.iter().enumerate() {
                    let local = if begin == 0 { t.to_owned() } else { format!("({t} - {begin})") };
                    let value = self.value(part, &local, None);
                    begin += part.steps().unwrap_or(0);
                    if i + 1 < parts.len() {
                        text += &format!("jnp.where({t} < {begin}, {value}, ");
                        closing += 1;
                    } else {
                        text += &value;
                    }
                }
                text + &")".repeat(closing)
            }
            Node::Sequence(_) | Node::Repeat { .. } | Node::OneCycle(_) | Node::Table(_) | Node::Extend { .. } => {
                let body = self.body(schedule, most);
                let name = format!("part{}", self.functions.len() + 1);
                self.functions.push(format!("def {name}(step):\n{body}"));
                let inside = t.strip_prefix('(').and_then(|t| t.strip_suffix(')')).unwrap_or(t);
                format!("{name}({inside})")
            }
        }
    }

    fn ramp(&self, from: f64, to: f64, p: &str, shape: Shape) -> String {
        let between = |w: String| match (from, to) {
            (1.0, 0.0) => w,
            (from, 0.0) => format!("{} * {w}", num(from)),
            (from, to) => format!("{} + {} * {w}", num(to), num(from - to)),
        };
        let (math, pi) = match self.dialect {
            Dialect::Math => ("math", "math.pi"),
            Dialect::Jnp => ("jnp", "jnp.pi"),
        };
        match shape {
            Shape::Linear if from == 0.0 && to == 1.0 => p.to_owned(),
            Shape::Linear => between(format!("(1 - {p})")),
            Shape::Cosine => between(format!("(1 + {math}.cos({pi} * {p})) / 2")),
            Shape::CosinePower(e) => between(format!("((1 + {math}.cos({pi} * {p})) / 2) ** {}", num(e))),
            Shape::Sqrt => between(format!("(1 - {math}.sqrt({p}))")),
            Shape::Power(power) => between(format!("(1 - {p}) ** {}", num(power))),
            Shape::Exponential => format!("{} * {} ** ({p})", num(from), num(to / from)),
        }
    }

    /// `t / every`, rounded down with a staircase.
    fn periods(&self, t: &str, every: f64, staircase: bool) -> String {
        let whole = every.fract() == 0.0 && every < LONGEST;
        let length = if whole { format!("{}", every as u64) } else { num(every) };
        match (staircase, whole, self.dialect) {
            (false, ..) if every == 1.0 => t.to_owned(),
            (false, ..) => format!("({t} / {length})"),
            (true, true, _) => format!("({t} // {length})"),
            (true, false, Dialect::Math) => format!("math.floor({t} / {length})"),
            (true, false, Dialect::Jnp) => format!("jnp.floor({t} / {length})"),
        }
    }

    /// Statements for one part after another, over plain numbers.
    fn branches(&mut self, parts: &[Schedule], most: Option<u64>) -> String {
        let (mut begin, mut text) = (0, String::new());
        for (i, part) in parts.iter().enumerate() {
            let local = if begin == 0 { "step".to_owned() } else { format!("(step - {begin})") };
            let steps = part.steps().unwrap_or(0);
            if i + 1 < parts.len() {
                let value = self.value(part, &local, Some(steps));
                begin += steps;
                text += &format!("    if step < {begin}:\n        return {value}\n");
            } else {
                let value = self.value(part, &local, most.map(|most| most.saturating_sub(begin)));
                text += &format!("    return {value}\n");
            }
        }
        text
    }

    fn cycles(&mut self, part: &Schedule, times: Option<u32>, stretch: f64, gain: f64) -> String {
        let length = part.steps().unwrap_or(1);
        let value = self.value(part, "step", Some(length));
        let value = match (gain == 1.0, value.contains(' ')) {
            (true, _) => value,
            (false, true) => format!("({value}) * {} ** i", num(gain)),
            (false, false) => format!("{value} * {} ** i", num(gain)),
        };
        let capped = |text: String| match times {
            Some(times) => self.least(&text, &(times - 1).to_string()),
            None => text,
        };
        if stretch == 1.0 {
            let i = capped(format!("step // {length}"));
            let local = match times {
                Some(_) => self.least(&format!("step - {length} * i"), &length.to_string()),
                None => format!("step - {length} * i"),
            };
            return format!("    i = {i}  # the cycle\n    step = {local}\n    return {value}\n");
        }
        let s = num(stretch);
        let count = (1.0 + LONGEST / length as f64 * (stretch - 1.0)).ln() / stretch.ln();
        let list = format!("[{length} * ({s}**i - 1) / {} for i in range({})]", num(stretch - 1.0), count.ceil() + 1.0);
        let (list, found) = match self.dialect {
            Dialect::Math => (list, "bisect.bisect_right(starts, step) - 1"),
            Dialect::Jnp => (format!("jnp.asarray({list})"), "jnp.searchsorted(starts, step, side=\"right\") - 1"),
        };
        let i = capped(found.to_owned());
        let local = self.least(&format!("(step - starts[i]) / {s}**i"), &length.to_string());
        format!("    starts = {list}\n    i = {i}  # the cycle\n    step = {local}\n    return {value}\n")
    }

    fn one_cycle(&self, cycle: OneCycle) -> String {
        let steps = cycle.steps as f64;
        let (start, end) = (1.0 / cycle.div, 1.0 / cycle.div / cycle.final_div);
        let (top, back, last) = (cycle.rise * steps - 1.0, 2.0 * cycle.rise * steps - 2.0, steps - 1.0);
        let shape = if cycle.linear { Shape::Linear } else { Shape::Cosine };
        // In very short cycles a phase has no length: it is then its last value.
        let phase = |begin: f64, until: f64, from: f64, to: f64| match until > begin {
            true => self.ramp(from, to, &format!("(step - {}) / {}", num(begin), num(until - begin)), shape),
            false => num(to),
        };
        let fall = match cycle.three_phase {
            true => {
                let run_out = phase(back, last, start, end);
                self.choose(&format!("step <= {}", num(back)), &phase(top, back, 1.0, start), &run_out)
            }
            false => phase(top, last, 1.0, end),
        };
        let value = self.choose(&format!("step <= {}", num(top)), &phase(0.0, top, start, 1.0), &fall);
        format!("    step = {}\n    return {value}\n", self.least("step", &(cycle.steps - 1).to_string()))
    }

    fn table(&self, values: &[f64]) -> String {
        let (list, last) = (values.iter().map(|v| num(*v)).collect::<Vec<_>>().join(", "), values.len() - 1);
        let (values, below) = match self.dialect {
            Dialect::Math => (format!("[{list}]"), format!("min(int(step), {last})")),
            Dialect::Jnp => (
                format!("jnp.asarray([{list}])"),
                format!("jnp.minimum(jnp.floor(jnp.asarray(step)), {last}).astype(int)"),
            ),
        };
        let above = self.least("i + 1", &last.to_string());
        // Between two steps only where the clock of the table is stretched.
        format!(
            "    values = {values}\n    i = {below}\n    return values[i] + (values[{above}] - values[i]) * (step - i)\n"
        )
    }

    /// `t`, held at `steps` where it may be beyond.
    fn clamped(&self, t: &str, steps: u64, most: Option<u64>) -> String {
        let inside = t.strip_prefix('(').and_then(|t| t.strip_suffix(')')).unwrap_or(t);
        match self.dialect {
            Dialect::Jnp => format!("jnp.clip({inside}, 0, {steps})"),
            Dialect::Math if most.is_none_or(|most| most > steps) => format!("min({inside}, {steps})"),
            Dialect::Math => t.to_owned(),
        }
    }

    fn least(&self, a: &str, b: &str) -> String {
        match self.dialect {
            Dialect::Math => format!("min({a}, {b})"),
            Dialect::Jnp => format!("jnp.minimum({a}, {b})"),
        }
    }

    fn greatest(&self, a: &str, b: &str) -> String {
        match self.dialect {
            Dialect::Math => format!("max({a}, {b})"),
            Dialect::Jnp => format!("jnp.maximum({a}, {b})"),
        }
    }

    fn choose(&self, condition: &str, yes: &str, no: &str) -> String {
        match self.dialect {
            Dialect::Math => format!("{yes} if {condition} else {no}"),
            Dialect::Jnp => format!("jnp.where({condition}, {yes}, {no})"),
        }
    }
}
