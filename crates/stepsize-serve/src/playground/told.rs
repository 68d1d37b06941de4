//! What is told at once: a schedule in notation with its equivalents, and the birds at one rate.

use super::ask::Ask;
use serde_json::{Value, json};
use stepsize::birds::{FIRST, best_rate, birds};
use stepsize::{Result, Schedule};
use stepsize_draw::figure::birds::Learner;
use stepsize_draw::peers::{self, Peer};

/// Points of the drawing: more than a screen has pixels is not seen.
const POINTS: u64 = 600;
/// Longest run of a schedule that is drawn. Beyond 2^53 steps are not exact.
const MOST_STEPS: u64 = 1_000_000_000;
/// Most birds after the first yellow one.
const MOST_BIRDS: u64 = 200;

/// A schedule: its steps and rates, the notation with every length in steps, and the code of its
/// peers.
///
/// # Errors
/// When the text does not parse (the error has the column), or a parameter is beyond its limits.
pub fn schedule(ask: &Ask) -> Result<Value> {
    ask.only(&["text", "steps", "lr"])?;
    let steps = ask.count("steps", 1000, 1..=MOST_STEPS)?;
    let lr = ask.lr("lr", 0.1)?.get();
    let schedule = Schedule::parse(ask.text("text").unwrap_or("warmup(10%) then cosine"), steps)?;
    let most = steps.min(POINTS);
    let at: Vec<u64> = (0..most).map(|i| if most < 2 { 0 } else { (steps - 1) * i / (most - 1) }).collect();
    let rates: Vec<f64> = at.iter().map(|step| lr * schedule.factor(*step)).collect();
    let code = |peer: Peer| json!({ "code": peer.code, "named": peer.named, "note": peer.note });
    Ok(json!({
        "notation": schedule.to_string(), "steps": steps, "lr": lr, "at": at, "rates": rates,
        "torch": code(peers::torch(&schedule, lr)), "optax": code(peers::optax(&schedule, lr)),
        "command": format!("stepsize schedule {} --steps {steps} --lr {lr}", super::job::quoted(&schedule.to_string())),
    }))
}

/// The beliefs of a learner at one rate, bird by bird.
///
/// # Errors
/// When a parameter is beyond its limits.
pub fn one_learner(ask: &Ask) -> Result<Value> {
    ask.only(&["lr", "birds", "seed"])?;
    let more = ask.count("birds", 29, 0..=MOST_BIRDS)?;
    let birds = birds(more as u16, ask.count("seed", 0, 0..=9999)?);
    let best = best_rate(&birds);
    let Learner { lr, beliefs, words, .. } = Learner::new("", ask.lr("lr", best)?.get(), &birds);
    Ok(json!({ "birds": birds, "first": FIRST, "lr": lr, "beliefs": beliefs, "words": words, "best": best }))
}
