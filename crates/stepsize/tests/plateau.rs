//! Plateau controllers: the conformance modes against the real packages (`golden/plateau.json`,
//! written by `golden/plateau.py`), and what ours does that they do not. The conformance suite of
//! the trait is `conformance.rs`.
#![allow(clippy::unwrap_used, clippy::panic)] // a test helper may fail loudly

use proptest::prelude::*;
use serde_json::Value;
use std::ops::ControlFlow;
use stepsize::controller::{
    Controller, ControllerSpec, Direction, KerasPlateau, Observation, OptaxPlateau, Plateau, TorchPlateau,
};
use stepsize::{End, Engine, Evaluation, Event, Lr, Policy, Schedule, Snapshot, TrialId, TrialSpec, train};

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| value.as_str().unwrap().parse().unwrap())
}

fn lr(value: f64) -> Lr {
    Lr::new(value).unwrap()
}

fn see(controller: &mut dyn Controller, step: usize, value: f64) {
    controller.observe(&Observation { step: step as u64, value }).unwrap();
}

/// Factors after each report.
fn factors(controller: &mut dyn Controller, values: &[f64]) -> Vec<f64> {
    values
        .iter()
        .enumerate()
        .map(|(step, &value)| {
            see(controller, step, value);
            controller.factor()
        })
        .collect()
}

fn spec_of(mode: &str, p: &Value) -> ControllerSpec {
    let (real, whole) = (|key: &str| p[key].as_f64().unwrap(), |key: &str| p[key].as_u64().unwrap());
    let direction = if p["mode"] == "max" { Direction::Max } else { Direction::Min };
    match mode {
        "torch" => ControllerSpec::Torch(TorchPlateau {
            mode: direction,
            factor: real("factor"),
            patience: whole("patience"),
            threshold: real("threshold"),
            absolute: p["threshold_mode"] == "abs",
            cooldown: whole("cooldown"),
            min_lr: real("min_lr"),
            eps: real("eps"),
        }),
        "keras" => ControllerSpec::Keras(KerasPlateau {
            mode: direction,
            factor: real("factor"),
            patience: whole("patience"),
            min_delta: real("min_delta"),
            cooldown: whole("cooldown"),
            min_lr: real("min_lr"),
        }),
        _ => ControllerSpec::Optax(OptaxPlateau {
            factor: real("factor"),
            patience: whole("patience"),
            rtol: real("rtol"),
            atol: real("atol"),
            cooldown: whole("cooldown"),
            accumulation_size: whole("accumulation_size"),
            min_scale: real("min_scale"),
        }),
    }
}

#[test]
fn the_modes_agree_with_the_packages_report_by_report() {
    let golden: Value = serde_json::from_str(include_str!("golden/plateau.json")).unwrap();
    let (mut runs, mut reports, mut cuts, mut wrong) = (0, 0, 0, Vec::new());
    for row in golden["rows"].as_array().unwrap() {
        let mode = row["mode"].as_str().unwrap();
        let spec = spec_of(mode, &row["parameters"]);
        let base = row["base"].as_f64().unwrap();
        assert_eq!(spec.to_string().parse::<ControllerSpec>().unwrap(), spec);
        for (name, changes) in row["changes"].as_object().unwrap() {
            let values: Vec<f64> = golden["sequences"][name].as_array().unwrap().iter().map(number).collect();
            let ours = factors(&mut *spec.build(lr(base)).unwrap(), &values);
            // Keras holds its rate in single precision, the first one too.
            let mut rate = if mode == "keras" { f64::from(base as f32) } else { base };
            let first = rate;
            let mut changes = changes.as_array().unwrap().iter().peekable();
            runs += 1;
            for (report, factor) in ours.iter().enumerate() {
                if let Some(change) = changes.next_if(|c| c[0].as_u64() == Some(report as u64)) {
                    rate = change[1].as_f64().unwrap();
                    cuts += 1;
                }
                reports += 1;
                if (factor * first - rate).abs() > 1e-12 * rate.abs() {
                    wrong
                        .push(format!("{spec} on {name}, base {base}, report {report}: {} for {rate}", factor * first));
                    break;
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {runs} runs differ:\n{}", wrong.len(), wrong[..wrong.len().min(20)].join("\n"));
    assert_eq!((runs, reports), (3806, 152_240));
    assert!(cuts > 10_000, "{cuts}");
}

fn noise(step: usize) -> f64 {
    1.0 + 0.1 * ((step * step * 7919 + step * 104_729) % 1000) as f64 / 1000.0 - 0.002 * step as f64
}

#[test]
fn notation_points_at_errors() {
    let column = |text: &str| text.parse::<ControllerSpec>().unwrap_err().column();
    assert_eq!(column("plateau(patience=4, factr=0.5)"), Some(20));
    assert_eq!(column("plato"), Some(0));
    assert!(column("plateau(factor=2)").is_some() && column("plateau(patience=3)").is_some());
    assert!(column("plateau(undo=64)").is_some() && column("plateau(patience=1e300)").is_some());
    assert!(column("plateau_torch(factor=1)").is_some() && column("plateau_optax(rtol=0)").is_some());
}

/// Ours with a patience of 6.
fn ours(change: impl FnOnce(&mut Plateau)) -> Box<dyn Controller> {
    let mut plateau = Plateau { patience: 6, ..Plateau::default() };
    change(&mut plateau);
    plateau.build().unwrap()
}

#[test]
fn ours_rejects_what_is_not_finite_and_stays_as_it_was() {
    let mut plateau = ours(|_| ());
    see(&mut *plateau, 0, 1.0);
    let state = plateau.save();
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let error = plateau.observe(&Observation { step: 1, value }).unwrap_err();
        assert!(error.is_invalid() && error.to_string().contains("step 1"));
        assert_eq!(plateau.save(), state);
    }
}

/// An engine whose losses are broken from a step on.
struct Broken(u64, u64);

impl Engine for Broken {
    fn step(&mut self, _: f64) -> stepsize::Result<f64> {
        self.0 += 1;
        Ok(if self.0 > self.1 { f64::NAN } else { 1.0 })
    }
    fn evaluate(&mut self) -> stepsize::Result<Evaluation> {
        Ok(Evaluation { val_loss: if self.0 > self.1 { f64::NAN } else { 1.0 }, score: None })
    }
    fn save(&mut self) -> stepsize::Result<Snapshot> {
        Ok(Snapshot(Vec::new()))
    }
    fn restore(&mut self, _: &Snapshot) -> stepsize::Result<()> {
        Ok(())
    }
}

#[test]
fn a_run_under_a_plateau_diverges_and_does_not_fail() {
    for (text, stop_on_divergence) in
        [("plateau", true), ("plateau", false), ("plateau(train)", true), ("plateau(train)", false)]
    {
        let (lr, steps) = (lr(0.1), 20);
        let spec = TrialSpec { lr, schedule: Schedule::constant(), steps, seed: 0, stop_on_divergence };
        let plateau = text.parse::<ControllerSpec>().unwrap().build(lr).unwrap();
        let mut policy = Policy::new(lr, Schedule::constant()).with_controller(plateau);
        let mut last = None;
        let mut sink = |event| {
            last = Some(event);
            ControlFlow::Continue(())
        };
        let end = train(&mut Broken(0, 9), TrialId(0), &spec, &mut policy, &[0, 5, 10, 20], &mut sink).unwrap();
        assert!(matches!(end, End::Diverged { step: 9, .. }), "{text}: {end:?}");
        assert!(matches!(last, Some(Event::Ended { end: End::Diverged { .. }, steps: 10, .. })));
    }
}

#[test]
fn ours_decides_alike_at_any_scale_and_sign() {
    let shape: Vec<f64> = (0..60).map(noise).collect();
    let expected = factors(&mut *ours(|p| p.threshold = 0.0), &shape);
    assert!(expected.iter().any(|f| *f < 1.0));
    for scale in [1e-8, 1e-300, 1e8, 1e300] {
        let scaled: Vec<f64> = shape.iter().map(|v| v * scale).collect();
        assert_eq!(factors(&mut *ours(|p| p.threshold = 0.0), &scaled), expected, "{scale}");
    }
    // A metric to be maximised that is the negative is the same metric.
    let negative: Vec<f64> = shape.iter().map(|v| -v).collect();
    let mirrored = |p: &mut Plateau| (p.mode, p.threshold) = (Direction::Max, 0.0);
    assert_eq!(factors(&mut *ours(mirrored), &negative), expected);
    // Negative metrics in the relative rule: a slow worsening is a plateau, a fall is not.
    let worse: Vec<f64> = (0..6).map(|k| -1.0 + 5e-5 * f64::from(k)).collect();
    assert_eq!(factors(&mut *ours(|_| ()), &worse)[5], 0.5);
    let better: Vec<f64> = (0..6).map(|k| -1.0 - 1e-2 * f64::from(k)).collect();
    assert_eq!(factors(&mut *ours(|_| ()), &better)[5], 1.0);
}

#[test]
fn ours_keeps_the_rate_in_a_steady_fall_after_a_spike() {
    // PyTorch cuts here: nothing is below the dip.
    let values: Vec<f64> = (0..25).map(|k| if k == 3 { 0.2 } else { 2.0 - 0.04 * f64::from(k) }).collect();
    let torch = TorchPlateau::default().build(lr(0.1)).unwrap();
    assert!(factors(&mut *{ torch }, &values)[24] < 1.0);
    for patience in 8..20 {
        assert_eq!(factors(&mut *ours(|p| p.patience = patience), &values)[24], 1.0, "{patience}");
    }
}

#[test]
fn a_cut_that_helped_stays() {
    // Flat at 1, and a lower level within two reports of a cut.
    let mut plateau = ours(|_| ());
    let mut level = 1.0;
    for step in 0..12 {
        let target = if plateau.factor() < 1.0 { 0.5 } else { 1.0 };
        level += 0.5 * (target - level);
        see(&mut *plateau, step, level + 1e-3 * (step % 3) as f64);
    }
    assert_eq!(plateau.factor(), 0.5);
    see(&mut *plateau, 12, 0.4);
    assert!(plateau.factor() <= 0.5);
}

#[test]
fn a_cut_that_did_not_help_is_taken_back_and_the_next_waits_longer() {
    let values = [1.0; 200];
    let seen = factors(&mut *ours(|p| p.undo = 2), &values);
    let changes: Vec<(usize, f64)> =
        (0..200).filter(|&i| seen[i] != if i == 0 { 1.0 } else { seen[i - 1] }).map(|i| (i + 1, seen[i])).collect();
    // Cut after 6, undone after 6 more; with windows of 12; then of 24, and those cuts stay, down
    // to the floor.
    let expected = [(6, 0.5), (12, 1.0), (24, 0.5), (36, 1.0), (60, 0.5), (84, 0.25), (108, 0.125)];
    assert_eq!(changes[..7], expected);
    // Never above what a cut took away.
    assert!(seen.iter().all(|f| *f <= 1.0));
}

#[test]
fn cooldown_is_exact_and_the_floor_holds() {
    for cooldown in [0, 1, 5] {
        let seen = factors(&mut *ours(|p| (p.undo, p.cooldown) = (0, cooldown)), &[1.0; 400]);
        let cuts: Vec<usize> = (1..400).filter(|&i| seen[i] < seen[i - 1]).map(|i| i + 1).collect();
        assert_eq!(cuts[..3], [6, 12 + cooldown as usize, 18 + 2 * cooldown as usize]);
    }
    let seen = factors(&mut *ours(|p| (p.undo, p.min_factor) = (0, 0.2)), &[1.0; 100]);
    assert_eq!(seen[99], 0.2);
}

#[test]
fn averaging_reads_mini_batches() {
    // Falls by 1 % a report under noise of 30 %: one report says nothing, the mean of 32 does.
    let values: Vec<f64> =
        (0..640).map(|k| 10.0 - 0.01 * k as f64 + 3.0 * (noise(k) + 0.002 * k as f64 - 1.05) * 10.0).collect();
    assert_eq!(factors(&mut *ours(|p| p.average = 32), &values)[639], 1.0);
    assert!(factors(&mut *ours(|_| ()), &values).iter().any(|f| *f < 1.0));
}

proptest! {
    #[test]
    fn ours_never_leaves_its_bounds(
        values in prop::collection::vec(-1e300..1e300f64, 0..200),
        patience in 4..12u64,
        cooldown in 0..4u64,
        average in 1..4u64,
        undo in 0..4u32,
    ) {
        let spec = Plateau { patience, cooldown, average, undo, ..Plateau::default() };
        let mut plateau = spec.clone().build().unwrap();
        for (step, value) in values.iter().enumerate() {
            see(&mut *plateau, step, *value);
            prop_assert!(plateau.factor() >= spec.min_factor && plateau.factor() <= 1.0);
            prop_assert!(plateau.save().values().all(|v| v.is_finite()));
        }
    }
}
