//! The range test on made-up curves: what it answers, and what it refuses where the tools name a
//! rate.
#![allow(clippy::unwrap_used, clippy::panic)] // a test helper may fail loudly

use stepsize::probe::suggest::{Ramp, Suggestion};
use stepsize::probe::{Probe, RangeTest, RangeTestRule, smith};
use stepsize::{Curve, End, Estimate, Job, Lr, Point, Reason, Schedule, Trial, TrialId};

fn job() -> Job {
    Job::new(1000, Schedule::constant(), 0).unwrap()
}

fn lr(value: f64) -> Lr {
    Lr::new(value).unwrap()
}

fn test(steps: u64) -> RangeTest {
    RangeTest::new(job(), lr(1e-6), lr(10.0), steps).unwrap()
}

/// A draw in -1..1.
fn draw(k: u64) -> f64 {
    let mut z = (k + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    for _ in 0..3 {
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z ^= z >> 27;
    }
    (z >> 11) as f64 / (1u64 << 52) as f64 - 1.0
}

/// Falls from 2.3 around a rate of 1e-3, breaks beyond 0.5.
fn typical(k: u64, lr: f64, noise: f64) -> f64 {
    2.3 - 1.9 / (1.0 + (lr / 1e-3).powf(-1.3)) + (lr / 0.5).powi(3).min(50.0) + noise * draw(k)
}

/// Runs the probe's one trial; like the engine's loop it ends at the first loss that is not finite.
fn run(probe: &RangeTest, loss: &dyn Fn(u64, f64) -> f64) -> Estimate {
    let specs = probe.ask(&[]).unwrap();
    assert_eq!(specs.len(), 1);
    let mut trial = Trial::new(TrialId(0), specs[0].clone());
    trial.end = Some(End::Finished);
    for step in 0..trial.spec.steps {
        let lr = trial.spec.lr.get() * trial.spec.schedule.factor(step);
        let loss = loss(step, lr);
        trial.train.push(Point { step, lr, loss });
        trial.steps_run = step + 1;
        if !loss.is_finite() {
            trial.end = Some(End::Diverged { step, why: "not finite".into() });
            break;
        }
    }
    assert!(probe.ask(std::slice::from_ref(&trial)).unwrap().is_empty());
    probe.estimate(&[trial]).unwrap()
}

fn reason(probe: &RangeTest, loss: &dyn Fn(u64, f64) -> f64) -> Reason {
    let estimate = run(probe, loss);
    let refusal = estimate.refusal().unwrap_or_else(|| panic!("a number: {estimate:?}"));
    assert!(!refusal.because.is_empty() && !refusal.remedies.is_empty());
    refusal.reason
}

#[test]
fn the_edge_is_found_and_the_answer_is_a_fourth_of_it() {
    for noise in [0.0, 0.1] {
        let found = run(&test(200), &|k, lr| typical(k, lr, noise));
        let edge = found.divergence_lr.unwrap().get();
        assert!((0.4..0.7).contains(&edge), "noise {noise}: {edge}");
        assert!((found.lr().unwrap().get() * 4.0 / edge - 1.0).abs() < 1e-12);
        assert!((found.cost_runs - 0.2).abs() < 1e-12);
    }
    // A run that ends in NaN breaks there at the latest.
    let found = run(&test(200), &|k, lr| if lr > 0.1 { f64::NAN } else { typical(k, lr, 0.05) });
    assert!((found.divergence_lr.unwrap().get() / 0.1).log10().abs() < 0.05);
}

#[test]
fn every_suggestion_answers_on_a_typical_curve() {
    for suggestion in Suggestion::ALL {
        let probe = RangeTest::of(job(), suggestion).unwrap();
        let found = run(&probe, &|k, lr| typical(k, lr, 0.02));
        assert!(found.lr().is_some(), "{}: {found:?}", suggestion.name());
        assert_eq!(suggestion.name().parse::<Suggestion>().unwrap(), suggestion);
    }
    assert!("fastai".parse::<Suggestion>().is_err());
}

#[test]
fn unfit_evidence_is_refused_by_every_reading() {
    let mut probes: Vec<RangeTest> = Suggestion::ALL.iter().map(|s| RangeTest::of(job(), *s).unwrap()).collect();
    probes.extend([test(100), test(100).with_reading(RangeTestRule::Accuracy), test(100).with_ramp(Ramp::Linear)]);
    for probe in &probes {
        assert_eq!(reason(probe, &|_, _| 2.3), Reason::Flat, "{probe:?}");
        assert_eq!(reason(probe, &|k, _| 2.3 + 0.05 * k as f64), Reason::AllDiverged, "{probe:?}");
        assert_eq!(reason(probe, &|k, _| if k < 5 { 2.3 } else { f64::NAN }), Reason::AllDiverged, "{probe:?}");
        assert_eq!(reason(probe, &|_, _| f64::NAN), Reason::AllDiverged, "{probe:?}");
        for salt in 0..50 {
            let reason = reason(probe, &|k, _| 2.3 + 0.1 * draw(k + 1000 * salt));
            assert!(matches!(reason, Reason::NoiseOnly | Reason::Flat), "{probe:?} {salt}: {reason:?}");
        }
        let none = probe.estimate(&[]).unwrap();
        assert_eq!(none.refusal().unwrap().reason, Reason::TooShort);
    }
    assert!(RangeTest::new(job(), lr(1e-6), lr(1.0), 10).unwrap_err().is_invalid());
    assert!(RangeTest::new(job(), lr(1.0), lr(1e-6), 100).unwrap_err().is_invalid());
}

#[test]
fn a_run_cut_short_is_refused() {
    let probe = test(100);
    let spec = probe.ask(&[]).unwrap().remove(0);
    let mut trial = Trial::new(TrialId(0), spec);
    trial.train = (0..12).map(|k| Point { step: k, lr: 1e-6, loss: 2.0 - 0.01 * k as f64 }).collect::<Curve>();
    trial.end = Some(End::Stopped);
    assert_eq!(probe.estimate(&[trial]).unwrap().refusal().unwrap().reason, Reason::TooShort);
}

#[test]
fn a_run_that_never_breaks_has_no_edge() {
    assert_eq!(reason(&test(100), &|k, _| 2.3 - 0.01 * k as f64), Reason::AtEdge);
}

#[test]
fn smith_reads_the_score() {
    let lrs: Vec<f64> = (1..=20).map(|k| 0.001 * f64::from(k)).collect();
    let scores: Vec<f64> = (0..20)
        .map(|k| match k {
            0..=3 => 0.1,
            4..=11 => 0.1 + 0.1 * f64::from(k - 3),
            _ => 0.9 - 0.08 * f64::from(k - 11),
        })
        .collect();
    let bounds = smith(&lrs, &scores).unwrap();
    assert!((bounds.base - 0.005).abs() < 1.5e-3 && (bounds.max - 0.012).abs() < 1.5e-3, "{bounds:?}");
    assert_eq!(smith(&lrs, &[0.5; 20]), None);
    assert_eq!(smith(&lrs[..4], &scores[..4]), None);
    assert_eq!(smith(&lrs, &[f64::NAN; 20]), None);
}
