//! PyTorch: the scheduler of that name where one is the same (checked with PyTorch 2.15), else
//! `LambdaLR` with a function.

use super::formula::{Dialect, Formula};
use super::{Cycle, Peer, Wave, is_too_long, num, stairs, too_long};
use stepsize::Schedule;
use stepsize::schedule::{Node, Shape};

/// The schedule for an optimizer of PyTorch whose rate is `lr`.
pub fn torch(schedule: &Schedule, lr: f64) -> Peer {
    if is_too_long(schedule) {
        return too_long();
    }
    if let Some((name, arguments, note)) = named(schedule, lr) {
        let code = format!(
            "from torch.optim.lr_scheduler import {name}\n\nscheduler = {name}(optimizer, {arguments})  # the optimizer has \
             lr={}\n",
            num(lr)
        );
        return Peer { code: Some(code), named: Some(name), note };
    }
    let mut formula = Formula::new(Dialect::Math);
    formula.function("factor", schedule);
    let functions = formula.functions();
    let mut code = String::new();
    for module in ["bisect", "math"] {
        if functions.contains(&format!("{module}.")) {
            code += &format!("import {module}\n");
        }
    }
    code += &format!(
        "from torch.optim.lr_scheduler import LambdaLR\n\n\n{functions}scheduler = LambdaLR(optimizer, factor)  # the \
         optimizer has lr={}\n",
        num(lr)
    );
    let note = "PyTorch has no scheduler that does this; LambdaLR takes any function.".to_owned();
    Peer { code: Some(code), named: None, note }
}

/// Name, arguments and note of the scheduler that is the same.
fn named(schedule: &Schedule, lr: f64) -> Option<(&'static str, String, String)> {
    let plain = |name, arguments: String| Some((name, arguments, String::new()));
    match schedule.node() {
        Node::Constant(value) => {
            plain("ConstantLR", format!("factor={}, total_iters={}", num(*value), u32::MAX)).filter(|_| *value <= 1.0)
        }
        Node::Ramp { from, to, steps, shape: Shape::Linear } if *from > 0.0 && *from <= 1.0 && *to <= 1.0 => {
            plain("LinearLR", format!("start_factor={}, end_factor={}, total_iters={steps}", num(*from), num(*to)))
        }
        Node::Ramp { from: 1.0, to, steps, shape: Shape::Cosine } => {
            let note = format!("Up to step {steps}: after it, PyTorch's rate rises again and ours stays where it is.");
            let floor = if *to == 0.0 { String::new() } else { format!(", eta_min={}", num(to * lr)) };
            Some(("CosineAnnealingLR", format!("T_max={steps}{floor}"), note))
        }
        Node::Ramp { from: 1.0, to: 0.0, steps, shape: Shape::Power(power) } => {
            plain("PolynomialLR", format!("total_iters={steps}, power={}", num(*power)))
        }
        Node::Exponential { rate, every, staircase: false, limit: None } => {
            plain("ExponentialLR", format!("gamma={}", num(rate.powf(1.0 / every))))
        }
        Node::Exponential { rate, every, staircase: true, limit: None } if every.fract() == 0.0 => {
            plain("StepLR", format!("step_size={every}, gamma={}", num(*rate)))
        }
        Node::OneCycle(cycle) if cycle.steps > 1 => {
            let note =
                "It also raises an error after its last step, and cycles the momentum unless told not to, as here.";
            let strategy = if cycle.linear { ", anneal_strategy=\"linear\"" } else { "" };
            let phases = if cycle.three_phase { ", three_phase=True" } else { "" };
            let arguments = format!(
                "max_lr={}, total_steps={}, pct_start={}, div_factor={}, final_div_factor={}{strategy}{phases}, \
                 cycle_momentum=False",
                num(lr),
                cycle.steps,
                num(cycle.rise),
                num(cycle.div),
                num(cycle.final_div)
            );
            Some(("OneCycleLR", arguments, note.to_owned()))
        }
        Node::Sequence(_) => multi_step(schedule),
        _ => cycle(schedule, lr),
    }
}

fn multi_step(schedule: &Schedule) -> Option<(&'static str, String, String)> {
    let (first, falls) = stairs(schedule)?;
    let (_, gamma) = *falls.first()?;
    let same = falls.iter().all(|(_, factor)| (factor / gamma - 1.0).abs() < 1e-9);
    let steps: Vec<String> = falls.iter().map(|(step, _)| step.to_string()).collect();
    let arguments = format!("milestones=[{}], gamma={}", steps.join(", "), num(gamma));
    (first == 1.0 && same).then_some(("MultiStepLR", arguments, String::new()))
}

fn cycle(schedule: &Schedule, lr: f64) -> Option<(&'static str, String, String)> {
    let Cycle { low, wave, fade } = Cycle::of(schedule)?;
    match (wave, fade) {
        (Wave::Cosine { period, stretch }, None) if stretch.fract() == 0.0 => {
            let grown = if stretch == 1.0 { String::new() } else { format!(", T_mult={stretch}") };
            let floor = if low == 0.0 { String::new() } else { format!(", eta_min={}", num(low * lr)) };
            Some(("CosineAnnealingWarmRestarts", format!("T_0={period}{grown}{floor}"), String::new()))
        }
        (Wave::Triangle { up, down }, fade) => {
            let mode = match fade {
                None => "mode=\"triangular\"".to_owned(),
                Some(Node::Exponential { rate: 0.5, every, staircase: true, limit: None })
                    if *every == (up + down) as f64 =>
                {
                    "mode=\"triangular2\"".to_owned()
                }
                Some(Node::Exponential { rate, every: 1.0, staircase: false, limit: None }) => {
                    format!("mode=\"exp_range\", gamma={}", num(*rate))
                }
                Some(_) => return None,
            };
            let arguments = format!(
                "base_lr={}, max_lr={}, step_size_up={up}, step_size_down={down}, {mode}, cycle_momentum=False",
                num(low * lr),
                num(lr)
            );
            Some(("CyclicLR", arguments, String::new()))
        }
        _ => None,
    }
}
