//! The conformance suite of the `Controller` trait over every controller of the crate.
#![allow(clippy::unwrap_used, clippy::panic)] // a test helper may fail loudly

use stepsize::controller::{Controller, ControllerSpec, Gradient, Metric, Observation, Request};
use stepsize::{Lr, Policy, Schedule};

fn lr(value: f64) -> Lr {
    Lr::new(value).unwrap()
}

fn specs(texts: &[&str]) -> Vec<ControllerSpec> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

/// With parameters that make each act within a few reports.
fn plateaus() -> Vec<ControllerSpec> {
    specs(&[
        "plateau(patience=4, cooldown=1, average=2)",
        "plateau(patience=5, factor=0.3, max, train)",
        "plateau(patience=4, undo=0)",
        "plateau_torch(patience=1, cooldown=2)",
        "plateau_torch(patience=0, max, abs)",
        "plateau_keras(patience=2, cooldown=2)",
        "plateau_keras(patience=1, max)",
        "plateau_optax(patience=1, accumulation_size=3)",
        "plateau_optax(patience=1, cooldown=2)",
    ])
}

fn all() -> Vec<ControllerSpec> {
    let others = specs(&[
        "greedy(patience=1, average=2, memory=4)",
        "greedy(patience=0, max, val, cooldown=1)",
        "greedy_transformers(patience=1, warmup=1, cooldown=2, window=3, reset=2, train)",
        "greedy_transformers(patience=0, max, rel, min_lr=0.09, reset=1)",
        "hypergradient(beta=0.1)",
        "polyak(momentum=0.9)",
        "branch(every=7, steps=3)",
        "rewind(every=5, recover=4, attempts=1000, spike=3, run=1)",
        "rewind(every=5) * plateau(patience=4) * branch(every=9, steps=2) * polyak",
    ]);
    [plateaus(), others].concat()
}

/// One step of a made-up run: everything that a controller may be told.
fn tell(controller: &mut dyn Controller, step: u64) {
    let wave = ((step * step * 7919 + step * 104_729) % 1000) as f64 / 1000.0;
    let loss = 1.0 + 0.1 * wave - 0.002 * step as f64 + if step % 40 == 35 { 50.0 } else { 0.0 };
    if controller.needs().gradient {
        let alignment = (step > 0).then_some(wave - 0.4);
        controller.heed(&Gradient { step, loss, norm: 1.0 + wave, alignment, scheduled: 0.1 }).unwrap();
    }
    for (metric, due) in [(Metric::TrainLoss, true), (Metric::ValLoss, step.is_multiple_of(2))] {
        if !due {
            continue;
        }
        let verdict = controller.report(metric, &Observation { step, value: loss }).unwrap();
        if let Request::Branch { factors, .. } = verdict {
            let losses: Vec<f64> = (0..factors.len()).map(|i| wave + i as f64 * (wave - 0.5)).collect();
            controller.judged(&losses).unwrap();
        }
    }
}

#[test]
fn conformance_of_every_controller() {
    for spec in all() {
        let fresh = || spec.build(lr(0.1)).unwrap();
        let mut whole = fresh();
        assert_eq!(whole.factor(), 1.0, "{spec}: a controller begins with no effect");
        let mut moved = false;
        for step in 0..120 {
            let (factor, state, needs) = (whole.factor(), whole.save(), whole.needs());
            assert!(factor.is_finite() && factor >= 0.0);
            assert_eq!((whole.factor(), whole.save(), whole.needs()), (factor, state.clone(), needs), "{spec}");
            assert!(state.values().all(|v| v.is_finite()), "{spec}: {state:?}");
            let mut copy = fresh();
            tell(&mut *copy, 3);
            copy.restore(&state).unwrap();
            assert_eq!(copy.save(), state, "{spec}");
            let mut straight = fresh();
            for earlier in 0..step + 30 {
                tell(&mut *straight, earlier);
            }
            for later in step..step + 30 {
                tell(&mut *copy, later);
            }
            assert_eq!(copy.save(), straight.save(), "{spec} at {step}");
            tell(&mut *whole, step);
            moved |= whole.factor() != 1.0;
        }
        assert!(moved, "{spec} never acted: the suite says nothing");
        let state = whole.save();
        for name in state.keys() {
            let mut missing = state.clone();
            let value = missing.remove(name).unwrap();
            if !name.contains("reading_") && !name.contains("before_cut_") {
                assert!(whole.restore(&missing).unwrap_err().is_state(), "{spec} without {name}");
            }
            missing.insert(format!("{name}_old"), value);
            assert!(whole.restore(&missing).unwrap_err().is_state(), "{spec} with {name}_old");
            for bad in [f64::NAN, f64::INFINITY] {
                let mut broken = state.clone();
                broken.insert(name.clone(), bad);
                assert!(whole.restore(&broken).unwrap_err().is_state(), "{spec}: {name} {bad}");
            }
        }
        assert!(whole.restore(&[("9.lost".to_owned(), 1.0)].into()).unwrap_err().is_state());
        assert_eq!(whole.save(), state, "{spec}");
    }
}

#[test]
fn every_controller_composes_with_any_schedule() {
    for spec in all() {
        for text in ["constant", "cosine", "warmup(10) then linear", "one_cycle"] {
            let schedule = Schedule::parse(text, 100).unwrap();
            let controller = spec.build(lr(0.2)).unwrap();
            let mut policy = Policy::new(lr(0.2), schedule.clone()).with_controller(controller);
            for step in 0..100 {
                let expected = 0.2 * schedule.factor(step) * policy.factor();
                assert_eq!((policy.lr(step), policy.lr(step)), (expected, expected), "{spec} x {text} at {step}");
                tell(policy.controller().unwrap(), step);
            }
        }
    }
}

#[test]
fn a_plateau_looks_at_its_own_metric_only() {
    for spec in plateaus() {
        let mut controller = spec.build(lr(0.1)).unwrap();
        let other = if controller.metric() == Metric::ValLoss { Metric::TrainLoss } else { Metric::ValLoss };
        for step in 0..40 {
            controller.report(controller.metric(), &Observation { step, value: 1.0 + 0.01 * step as f64 }).unwrap();
            let state = controller.save();
            controller.report(other, &Observation { step, value: 1e6 }).unwrap();
            assert_eq!(controller.save(), state, "{spec}");
        }
    }
}

#[test]
fn notation_goes_both_ways() {
    for spec in all() {
        assert_eq!(spec.to_string().parse::<ControllerSpec>().unwrap(), spec);
        let json = serde_json::to_string(&spec).unwrap();
        assert_eq!(serde_json::from_str::<ControllerSpec>(&json).unwrap(), spec);
    }
    for name in ControllerSpec::names() {
        name.parse::<ControllerSpec>().unwrap();
    }
}
