//! The contract of `Controller` (`stepsize::testing::controller`) over every controller of the
//! crate, and their notation.
#![allow(clippy::unwrap_used, clippy::panic)] // a test helper may fail loudly

use stepsize::Lr;
use stepsize::controller::{Controller, ControllerSpec, Observation, Request, State};
use stepsize::testing::controller::{self as contract, FreshController};

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

/// Names in the states of our controllers that number the values of a list.
const LISTS: [&str; 2] = ["reading_", "before_cut_"];

/// Calls `check` with each controller. The output of a test that fails ends with the name of the
/// controller.
fn each(specs: Vec<ControllerSpec>, check: impl Fn(FreshController<'_>)) {
    for spec in specs {
        println!("{spec}");
        check(&|| spec.build(lr(0.1)).unwrap());
    }
}

#[test]
fn a_fresh_controller_has_no_effect() {
    each(all(), |fresh| contract::a_fresh_controller_has_no_effect(fresh));
}

#[test]
fn asking_changes_nothing() {
    each(all(), |fresh| contract::asking_changes_nothing(fresh));
}

#[test]
fn every_controller_acts_in_the_made_up_run() {
    each(all(), |fresh| contract::it_acts_in_the_made_up_run(fresh));
}

#[test]
fn a_restored_controller_continues_exactly() {
    each(all(), |fresh| contract::a_restored_controller_continues_exactly(fresh));
}

#[test]
fn a_damaged_state_is_refused() {
    each(all(), |fresh| contract::a_damaged_state_is_refused(fresh, &LISTS));
}

#[test]
fn every_controller_composes_with_any_schedule() {
    each(all(), |fresh| contract::it_composes_with_any_schedule(fresh, lr(0.2)));
}

#[test]
fn a_plateau_looks_at_its_own_metric_only() {
    each(plateaus(), |fresh| contract::it_looks_at_its_own_metric_only(fresh));
}

/// Forgets a value of its state, as a controller of a third party might.
struct Forgetful(f64);

impl Controller for Forgetful {
    fn factor(&self) -> f64 {
        1.0 / (1.0 + self.0)
    }

    fn observe(&mut self, _seen: &Observation) -> stepsize::Result<Request> {
        self.0 += 1.0;
        Ok(Request::Go)
    }

    fn save(&self) -> State {
        [("count".to_owned(), 0.0)].into()
    }

    fn restore(&mut self, state: &State) -> stepsize::Result<()> {
        self.0 = state.get("count").copied().unwrap_or_default();
        Ok(())
    }
}

#[test]
#[should_panic(expected = "restored at step 1 and continued")]
fn the_contract_finds_a_state_that_is_not_saved() {
    // Its counter is not in the state, which therefore looks the same, so the factor must be
    // compared too.
    contract::a_restored_controller_continues_exactly(&|| Box::new(Forgetful(0.0)));
}

#[test]
#[should_panic(expected = "accepted a state without count")]
fn the_contract_finds_a_state_that_is_not_checked() {
    contract::a_damaged_state_is_refused(&|| Box::new(Forgetful(0.0)), &[]);
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
