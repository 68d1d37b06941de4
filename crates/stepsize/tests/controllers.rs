//! What the controllers other than plateaus do, and the loop that goes back and branches for them.
//! The contract of all controllers is in `conformance.rs`.
#![allow(clippy::unwrap_used, clippy::panic)] // a test helper may fail loudly

use std::ops::ControlFlow;
use stepsize::controller::{
    BranchTest, Controller, ControllerSpec, Direction, Gradient, Greedy, Hypergradient, Metric, Observation, Polyak,
    Request, Rewind, TransformersGreedy,
};
use stepsize::quadratic::NoisyQuadratic;
use stepsize::{
    Act, End, Engine, Event, Kept, Lr, Policy, Schedule, Trial, TrialId, TrialSpec, evaluation_steps, fold_one, resume,
    train,
};

fn lr(value: f64) -> Lr {
    Lr::new(value).unwrap()
}

fn spec(text: &str) -> ControllerSpec {
    text.parse().unwrap()
}

#[test]
fn notation_points_at_errors() {
    let column = |text: &str| text.parse::<ControllerSpec>().unwrap_err().column();
    assert_eq!(column("rewind * plato"), Some(9));
    assert_eq!(column("rewind * plateau(patience=4, factr=0.5)"), Some(29));
    assert_eq!(column("rewind then plateau"), Some(0));
    assert!(column("rewind(cut=0)").is_some() && column("branch(ratio=1)").is_some());
    assert!(column("hypergradient(beta=2)").is_some() && column("polyak(momentum=1)").is_some());
    assert!(column("greedy(factor=1)").is_some() && column("greedy_transformers(factor=1.5)").is_some());
}

/// The factors of a controller after each of these losses.
fn factors(mut controller: Box<dyn Controller>, losses: impl IntoIterator<Item = f64>) -> Vec<f64> {
    let mut seen = Vec::new();
    for (step, value) in losses.into_iter().enumerate() {
        controller.observe(&Observation { step: step as u64, value }).unwrap();
        seen.push(controller.factor());
    }
    seen
}

#[test]
fn greedy_rises_while_it_falls_and_sinks_while_it_does_not() {
    let greedy = || Greedy { average: 1, patience: 2, ..Greedy::default() }.build().unwrap();
    let rising = factors(greedy(), (0..30).map(|k| 2.0 - 0.05 * f64::from(k)));
    assert!(rising[29] > 2.0 && rising.windows(2).all(|w| w[1] >= w[0]), "{rising:?}");
    let sinking = factors(greedy(), (0..30).map(|_| 1.0));
    assert!(sinking[29] < 0.5, "{sinking:?}");
}

#[test]
fn greedy_has_no_floor_trap() {
    // A fine-tuning rate below transformers' floor can only rise there; ours falls when it should.
    let flat = || (0..200).map(|_| 1.0);
    let (base, theirs) = (lr(2e-5), spec("greedy_transformers(patience=2)"));
    assert!(factors(theirs.build(base).unwrap(), flat()).iter().all(|f| *f >= 1.0));
    let ours = spec("greedy(patience=2, average=1, min_factor=0.1)").build(base).unwrap();
    let seen = factors(ours, flat());
    assert!(seen.contains(&0.1), "{seen:?}");
    // And it does not stay at the floor for ever.
    let floor = seen.iter().position(|f| *f == 0.1).unwrap();
    assert_eq!(seen[floor..].iter().position(|f| *f == 1.0), Some(3), "{seen:?}");
    // One lucky reading is forgotten: a steady fall after it raises the factor again.
    let lucky = |k: u32| if k == 5 { 0.1 } else { 2.0 - 0.02 * f64::from(k) };
    let seen = factors(spec("greedy(patience=2, average=1)").build(lr(0.1)).unwrap(), (0..60).map(lucky));
    assert!(seen[59] > seen[20], "{seen:?}");
}

fn heeded(controller: &mut dyn Controller, loss: f64, norm: f64, alignment: Option<f64>) -> f64 {
    controller.heed(&Gradient { step: 0, loss, norm, alignment, scheduled: 0.5 }).unwrap();
    controller.factor()
}

#[test]
fn the_mode_agrees_with_transformers_report_by_report() {
    let golden: serde_json::Value = serde_json::from_str(include_str!("golden/greedy.json")).unwrap();
    let (mut reports, mut moves, mut wrong) = (0, 0, Vec::new());
    for row in golden["rows"].as_array().unwrap() {
        let (p, base) = (&row["parameters"], row["base"].as_f64().unwrap());
        let (real, whole) = (|key: &str| p[key].as_f64().unwrap(), |key: &str| p[key].as_u64().unwrap());
        let spec = ControllerSpec::TransformersGreedy(TransformersGreedy {
            metric: Metric::ValLoss,
            mode: if p["mode"] == "max" { Direction::Max } else { Direction::Min },
            factor: real("factor"),
            patience: whole("patience"),
            threshold: real("threshold"),
            relative: p["threshold_mode"] == "rel",
            cooldown: whole("cooldown"),
            warmup: whole("warmup"),
            min_lr: real("min_lr"),
            max_lr: real("max_lr"),
            eps: 1e-8,
            window: if p["smooth"] == true { whole("window_size") } else { 0 },
            reset: whole("reset_start"),
        });
        assert_eq!(spec.to_string().parse::<ControllerSpec>().unwrap(), spec);
        for (name, changes) in row["changes"].as_object().unwrap() {
            let number = |v: &serde_json::Value| v.as_f64().unwrap_or_else(|| v.as_str().unwrap().parse().unwrap());
            let values = golden["sequences"][name].as_array().unwrap().iter().map(number);
            let (mut rate, mut changes) = (base, changes.as_array().unwrap().iter().peekable());
            for (report, factor) in factors(spec.build(lr(base)).unwrap(), values).into_iter().enumerate() {
                if let Some(change) = changes.next_if(|c| c[0].as_u64() == Some(report as u64)) {
                    rate = change[1].as_f64().unwrap();
                    moves += 1;
                }
                reports += 1;
                if (factor * base - rate).abs() > 1e-12 * rate {
                    wrong.push(format!("{spec} on {name}, base {base}, report {report}: {} for {rate}", factor * base));
                    break;
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong[..wrong.len().min(10)].join("\n"));
    assert_eq!((reports, moves), (102_960, 29_606));
}

#[test]
fn the_hypergradient_follows_the_cosine_within_its_bounds() {
    let mut c = Hypergradient { beta: 0.1, min_factor: 0.5, max_factor: 2.0 }.build().unwrap();
    assert_eq!(heeded(&mut *c, 1.0, 1.0, None), 1.0);
    assert!((heeded(&mut *c, 1.0, 1.0, Some(0.5)) - 0.05f64.exp()).abs() < 1e-12);
    assert!((heeded(&mut *c, 1.0, 1.0, Some(-0.5)) - 1.0).abs() < 1e-12);
    assert!((heeded(&mut *c, f64::NAN, f64::NAN, Some(f64::NAN)) - 1.0).abs() < 1e-12);
    for (cosine, bound) in [(1.0, 2.0f64), (-1.0, 0.5)] {
        let last = (0..40).map(|_| heeded(&mut *c, 1.0, 1.0, Some(cosine))).last().unwrap();
        assert!((last - bound).abs() < 1e-12);
    }
}

#[test]
fn the_polyak_step_is_a_cap() {
    // (f - floor) / |g|^2 = (1.2 - 0.2) / 4 = 0.25 against a scheduled 0.5.
    let mut c = Polyak { floor: 0.2, average: 0.0, ..Polyak::default() }.build().unwrap();
    assert!((heeded(&mut *c, 1.2, 2.0, None) - 0.5).abs() < 1e-12);
    assert_eq!(heeded(&mut *c, 1.2, 0.1, None), 1.0);
    assert_eq!(heeded(&mut *c, 0.1, 1.0, None), 0.0);
    assert_eq!(heeded(&mut *c, f64::NAN, 1.0, None), 0.0);
    let mut c = Polyak { floor: 0.2, average: 0.0, momentum: 0.9, ..Polyak::default() }.build().unwrap();
    assert!((heeded(&mut *c, 1.2, 2.0, None) - 0.05).abs() < 1e-12);
}

#[test]
fn a_branch_moves_the_factor_only_for_a_gain() {
    let cases = [
        ([0.5, 1.0, 0.9], 0.5),
        ([0.9, 1.0, 0.5], 2.0),
        ([0.999, 1.0, 0.998], 1.0),
        ([f64::INFINITY, 1.0, f64::INFINITY], 1.0),
        ([2.0, f64::INFINITY, f64::INFINITY], 0.5),
        ([f64::INFINITY; 3], 1.0),
    ];
    for (losses, factor) in cases {
        let mut c = BranchTest { every: 2, ..BranchTest::default() }.build().unwrap();
        let see = |step| Observation { step, value: 1.0 };
        assert_eq!(c.observe(&see(0)).unwrap(), Request::Go);
        let Request::Branch { factors, .. } = c.observe(&see(1)).unwrap() else { panic!("no branch") };
        assert_eq!(factors, [0.5, 1.0, 2.0]);
        c.judged(&losses).unwrap();
        assert_eq!(c.factor(), factor, "{losses:?}");
    }
}

/// The steps at which a rewind goes back on these losses.
fn returns(rewind: &Rewind, losses: &[f64]) -> Vec<usize> {
    let mut c = rewind.clone().build().unwrap();
    let mut at = Vec::new();
    for (step, &value) in losses.iter().enumerate() {
        if let Request::Rewind { .. } = c.observe(&Observation { step: step as u64, value }).unwrap() {
            at.push(step);
        }
    }
    at
}

#[test]
fn a_rewind_knows_a_break_from_noise() {
    let fall = |k: usize| 2.0 * (-(k as f64) / 60.0).exp() + 0.2 + 0.05 * (((k * 7919) % 100) as f64 / 100.0 - 0.5);
    let calm: Vec<f64> = (0..400).map(fall).collect();
    let with = |from: usize, to: usize, value: f64| -> Vec<f64> {
        calm.iter().enumerate().map(|(k, v)| if (from..to).contains(&k) { value } else { *v }).collect()
    };
    let rewind = Rewind::default();
    assert!(returns(&rewind, &calm).is_empty());
    assert!(returns(&rewind, &with(200, 201, 5.0)).is_empty(), "one bad batch");
    assert_eq!(returns(&rewind, &with(200, 400, 1.9))[0], 202, "a burst");
    assert_eq!(returns(&rewind, &with(200, 201, f64::NAN)), [200]);
    assert_eq!(returns(&rewind, &with(3, 20, 50.0))[0], 5, "blown up before there is an average");
    // A creeping loss, of which no step is a burst.
    let creep: Vec<f64> = (0..400).map(|k| if k < 200 { calm[k] } else { calm[k] + 0.01 * (k - 200) as f64 }).collect();
    assert!((300..350).contains(&returns(&rewind, &creep)[0]), "a drift: {:?}", returns(&rewind, &creep));
    // The number of attempts is limited, and then a lower base is tried once.
    assert_eq!(returns(&Rewind { attempts: 3, ..rewind }, &[f64::NAN; 50]).len(), 4);
}

#[test]
fn a_network_that_dies_after_a_return_begins_again_at_a_lower_rate() {
    let mut c = Rewind::default().build().unwrap();
    let mut see = |value: f64| match c.observe(&Observation { step: 0, value }).unwrap() {
        Request::Rewind { back, why } => Some((back, why)),
        _ => None,
    };
    assert_eq!(see(2.35), None);
    let first = [1e4, 1e6, 1e9].map(&mut see);
    assert!(first[2].as_ref().is_some_and(|(back, _)| *back == 50), "{first:?}");
    // Of a dead network the biases alone still move.
    let dead = (0..400).find_map(|k| see(2.31 + 0.02 * f64::from(k % 7 - 3) / 3.0).map(|found| (k, found)));
    let (steps, (back, why)) = dead.unwrap();
    assert!(
        (100..=300).contains(&steps) && back > 1_000_000 && why.contains("the units are dead"),
        "{steps} {back} {why}"
    );
    // One that learns, however slowly, is left alone.
    let learns = (0..2000).find_map(|k| see(2.35 * (-f64::from(k) / 1500.0).exp() + 0.1 * f64::from(k % 7 - 3) / 3.0));
    assert_eq!(learns, None);
}

#[test]
fn the_factor_catches_up_and_a_second_break_is_the_rates_fault() {
    let mut c = Rewind { recover: 10, ..Rewind::default() }.build().unwrap();
    let mut see = |value: f64| {
        c.observe(&Observation { step: 0, value }).unwrap();
        c.factor()
    };
    see(1.0);
    assert_eq!(see(f64::NAN), 0.5);
    let climbed: Vec<f64> = (0..12).map(|_| see(1.0)).collect();
    assert!((climbed[4] - 0.5f64.sqrt()).abs() < 1e-9 && (climbed[9] - 1.0).abs() < 1e-9 && climbed[11] <= 1.0);
    assert_eq!(see(f64::NAN), 0.5);
    let last = (0..30).map(|_| see(1.0)).last().unwrap();
    assert_eq!(last, 0.5, "within 20 good steps: what it climbs to is cut too");
}

/// A run with a controller, to its end.
fn run(spec: &TrialSpec, controller: &ControllerSpec) -> (Trial, End) {
    let policy = Policy::new(spec.lr, spec.schedule.clone());
    let mut policy = policy.with_controller(controller.build(spec.lr).unwrap());
    let mut seen = [(TrialId(0), Trial::new(TrialId(0), spec.clone()))].into();
    let mut engine = NoisyQuadratic::new().with_reading_noise(0.01, 3);
    let evals = evaluation_steps(spec.steps, 10);
    let end = train(&mut engine, TrialId(0), spec, &mut policy, &evals, &mut |e| {
        fold_one(&mut seen, &Event::from_json(&e.to_json()).unwrap());
        ControlFlow::Continue(())
    })
    .unwrap();
    (seen.remove(&TrialId(0)).unwrap(), end)
}

fn quadratic(base: f64, steps: u64) -> TrialSpec {
    let schedule = Schedule::parse("cosine", steps).unwrap();
    TrialSpec { lr: lr(base), schedule, steps, seed: 0, stop_on_divergence: true }
}

#[test]
fn going_back_saves_a_run_that_diverges() {
    let spec = quadratic(8.0, 300);
    let (_, end) = run(&spec, &"plateau".parse().unwrap());
    assert!(matches!(end, End::Diverged { .. }), "{end:?}");
    let (trial, end) = run(&spec, &"rewind(every=20)".parse().unwrap());
    assert_eq!(end, End::Finished);
    let back: Vec<u64> = trial
        .acts
        .iter()
        .filter_map(|a| match a.act {
            Act::Rewound { to, .. } => Some(to),
            _ => None,
        })
        .collect();
    assert!(!back.is_empty() && back.len() <= 4, "{:?}", trial.acts);
    // The curve is of one run: every step once, in order, and what was taken back is paid for.
    let steps: Vec<u64> = trial.train.points().iter().map(|p| p.step).collect();
    assert_eq!(steps, (0..300).collect::<Vec<_>>());
    assert!(trial.val.points().windows(2).all(|w| w[0].step < w[1].step));
    assert!(trial.steps_paid() > 300 && trial.final_loss().unwrap() < 0.5, "{:?}", trial.final_loss());
    // With too few attempts it ends as it would without the controller.
    let (_, end) = run(&quadratic(1e6, 300), &"rewind(every=20, attempts=2)".parse().unwrap());
    assert!(matches!(end, End::Diverged { .. }), "{end:?}");
}

#[test]
fn branches_find_a_rate_that_was_far_too_low_and_leave_nothing_behind() {
    let spec = TrialSpec { schedule: Schedule::constant(), ..quadratic(0.01, 600) };
    let (plain, _) = run(&spec, &"plateau(patience=100)".parse().unwrap());
    let (trial, end) = run(&spec, &"branch(every=50, steps=20)".parse().unwrap());
    assert_eq!(end, End::Finished);
    assert!(trial.acts.len() >= 8 && trial.acts.last().unwrap().factor > 4.0, "{:?}", trial.acts);
    assert_eq!(trial.steps_paid(), 600 + 12 * 3 * 20);
    assert!(trial.final_loss().unwrap() < 0.8 * plain.final_loss().unwrap());
    // Up to the first change the run is the same as without the branches.
    assert_eq!(trial.train.points()[..50], plain.train.points()[..50]);
}

#[test]
fn a_run_that_is_stopped_anywhere_goes_on_bit_for_bit() {
    let texts = [
        (8.0, "rewind(every=20, recover=15)"),
        (0.02, "branch(every=30, steps=10)"),
        (8.0, "rewind(every=20) * branch(every=25, steps=5) * greedy(average=5, patience=1) * plateau(patience=4)"),
    ];
    for (base, text) in texts {
        let (spec, controller) = (quadratic(base, 150), text.parse::<ControllerSpec>().unwrap());
        let (whole, _) = run(&spec, &controller);
        assert!(!whole.acts.is_empty(), "{text}");
        let evals = evaluation_steps(spec.steps, 10);
        for stop in (1..260).step_by(7) {
            let (id, mut count) = (TrialId(0), 0);
            let mut seen = [(id, Trial::new(id, spec.clone()))].into();
            let fresh =
                || Policy::new(spec.lr, spec.schedule.clone()).with_controller(controller.build(spec.lr).unwrap());
            let (mut policy, mut kept, mut engine) = (fresh(), Kept::default(), NoisyQuadratic::new());
            engine = engine.with_reading_noise(0.01, 3);
            let end = resume(&mut engine, Trial::new(id, spec.clone()), &mut kept, &mut policy, &evals, &mut |e| {
                count += u32::from(matches!(e, Event::Step { .. }));
                fold_one(&mut seen, &e);
                if count >= stop { ControlFlow::Break(End::Stopped) } else { ControlFlow::Continue(()) }
            });
            let begun: Trial = seen.remove(&id).unwrap();
            if end.unwrap() == End::Stopped {
                // Through bytes, into fresh objects.
                let (text, bytes) = kept.save();
                let mut kept = Kept::restore(&text, &mut bytes.as_slice()).unwrap();
                let mut policy2 = fresh();
                policy2.controller().unwrap().restore(&policy.controller().unwrap().save()).unwrap();
                let mut engine2 = NoisyQuadratic::new().with_reading_noise(0.01, 3);
                engine2.restore(&engine.save().unwrap()).unwrap();
                let begun =
                    Trial { end: None, ..serde_json::from_str(&serde_json::to_string(&begun).unwrap()).unwrap() };
                let mut seen = [(id, begun.clone())].into();
                resume(&mut engine2, begun, &mut kept, &mut policy2, &evals, &mut |e| {
                    fold_one(&mut seen, &e);
                    ControlFlow::Continue(())
                })
                .unwrap();
                assert_eq!(seen[&id], whole, "{text} stopped after {stop} steps");
            }
        }
    }
}
