//! The contract of [`Controller`].

use crate::controller::{Controller, Gradient, Metric, Observation, Request};
use crate::{Lr, Policy, Schedule};

/// Makes a fresh controller, always with the same parameters.
pub type FreshController<'a> = &'a dyn Fn() -> Box<dyn Controller>;

/// Steps of the made-up run: it has three spikes.
const STEPS: u64 = 120;
/// Steps that a restored controller is compared over.
const AHEAD: u64 = 30;

/// Reports one step of a made-up run: a slowly falling, noisy loss with a spike every 40 steps, a
/// validation loss every other step, the gradient and the ends of branches where the controller
/// asks for them.
pub fn drive(controller: &mut dyn Controller, step: u64) {
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
        let request = controller.report(metric, &Observation { step, value: loss }).unwrap();
        if let Request::Branch { factors, .. } = request {
            let losses: Vec<f64> = (0..factors.len()).map(|i| wave + i as f64 * (wave - 0.5)).collect();
            controller.judged(&losses).unwrap();
        }
    }
}

/// A controller that has seen `steps` steps of the made-up run.
fn driven(fresh: FreshController<'_>, steps: u64) -> Box<dyn Controller> {
    let mut controller = fresh();
    for step in 0..steps {
        drive(controller.as_mut(), step);
    }
    controller
}

/// A fresh controller has the factor 1.
pub fn a_fresh_controller_has_no_effect(fresh: FreshController<'_>) {
    assert_eq!(fresh().factor(), 1.0);
}

/// `factor`, `needs` and `save` change nothing; the factor is finite and at least 0, and so that
/// any format can hold the state, every value of it is finite.
pub fn asking_changes_nothing(fresh: FreshController<'_>) {
    let mut controller = fresh();
    for step in 0..STEPS {
        let (factor, state, needs) = (controller.factor(), controller.save(), controller.needs());
        assert!(factor.is_finite() && factor >= 0.0, "factor {factor} before step {step}");
        assert!(state.values().all(|v| v.is_finite()), "state before step {step}: {state:?}");
        assert_eq!((controller.factor(), controller.save(), controller.needs()), (factor, state, needs));
        drive(controller.as_mut(), step);
    }
}

/// In the made-up run of [`drive`] the factor leaves 1. A controller for which this fails has
/// parameters with which the other checks say little.
pub fn it_acts_in_the_made_up_run(fresh: FreshController<'_>) {
    let mut controller = fresh();
    let acts = (0..STEPS).any(|step| {
        drive(controller.as_mut(), step);
        controller.factor() != 1.0
    });
    assert!(acts, "the factor stayed 1 for {STEPS} steps");
}

/// `restore(save())` into another controller of the same parameters continues exactly, from every
/// step.
pub fn a_restored_controller_continues_exactly(fresh: FreshController<'_>) {
    for step in 0..STEPS {
        let state = driven(fresh, step).save();
        let mut copy = fresh();
        drive(copy.as_mut(), 3);
        copy.restore(&state).unwrap();
        assert_eq!(copy.save(), state, "restored at step {step}");
        for later in step..step + AHEAD {
            drive(copy.as_mut(), later);
        }
        let straight = driven(fresh, step + AHEAD);
        let both = ((copy.factor(), copy.save()), (straight.factor(), straight.save()));
        assert_eq!(both.0, both.1, "restored at step {step} and continued");
    }
}

/// A state with a value missing, renamed or not finite is a state error
/// ([`crate::Error::is_state`]) and leaves the controller as it was. `lists` are the beginnings of
/// names that may be missing, because they number the values of a list.
pub fn a_damaged_state_is_refused(fresh: FreshController<'_>, lists: &[&str]) {
    let mut controller = driven(fresh, STEPS);
    let state = controller.save();
    let mut refused = |damaged, why: String| match controller.restore(&damaged) {
        Err(error) => assert!(error.is_state(), "{why}: {error}"),
        Ok(()) => panic!("accepted a state {why}"),
    };
    for (name, value) in &state {
        let mut damaged = state.clone();
        damaged.remove(name);
        if !lists.iter().any(|list| name.contains(list)) {
            refused(damaged.clone(), format!("without {name}"));
        }
        damaged.insert(format!("{name}_old"), *value);
        refused(damaged, format!("with {name}_old for {name}"));
        for bad in [f64::NAN, f64::INFINITY] {
            let mut damaged = state.clone();
            damaged.insert(name.clone(), bad);
            refused(damaged, format!("with {name} = {bad}"));
        }
    }
    refused([("9.lost".to_owned(), 1.0)].into(), "of another controller".to_owned());
    assert_eq!(controller.save(), state, "a refused state changed the controller");
}

/// The rate is `base x schedule x factor`, for any schedule, and asking for it twice gives it
/// twice.
pub fn it_composes_with_any_schedule(fresh: FreshController<'_>, base: Lr) {
    for text in ["constant", "cosine", "warmup(10) then linear", "one_cycle"] {
        let schedule = Schedule::parse(text, 100).unwrap();
        let mut policy = Policy::new(base, schedule.clone()).with_controller(fresh());
        for step in 0..100 {
            let expected = base.get() * schedule.factor(step) * policy.factor();
            assert_eq!((policy.lr(step), policy.lr(step)), (expected, expected), "{text} at step {step}");
            drive(policy.controller().unwrap(), step);
        }
    }
}

/// Reports of the metric that it does not watch change nothing. Only for controllers that look at
/// one metric.
pub fn it_looks_at_its_own_metric_only(fresh: FreshController<'_>) {
    let mut controller = fresh();
    let own = controller.metric();
    let other = if own == Metric::ValLoss { Metric::TrainLoss } else { Metric::ValLoss };
    for step in 0..40 {
        controller.report(own, &Observation { step, value: 1.0 + 0.01 * step as f64 }).unwrap();
        let state = controller.save();
        controller.report(other, &Observation { step, value: 1e6 }).unwrap();
        assert_eq!(controller.save(), state, "{other:?} changed a controller that watches {own:?}");
    }
}
