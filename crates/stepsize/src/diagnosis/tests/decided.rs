//! The rules that decide a verdict by themselves, on curves of several shapes each.

use super::*;

fn verdict(record: &Record) -> (Placement, Code) {
    let found = diagnose(record);
    (found.verdict, found.findings[0].code)
}

fn with_score(loss: Series, score: Series) -> Record {
    Record { loss, score, ..Record::default() }
}

#[test]
fn a_validation_loss_is_held_against_validation_only() {
    // The training loss begins far below the validation loss, and rises while that falls.
    let train = curve(300, |t| 3e-4 + 0.0297 * (t / 80.0).min(1.0));
    let val = Series::new((0..12).map(|i| (25.0 * f64::from(i), 0.03 - 0.0014 * f64::from(i))));
    assert_eq!(
        verdict(&Record { loss: train, val_loss: val, ..Record::default() }),
        (Placement::Unknown, Code::CannotTell)
    );
    // A validation loss on another scale (no dropout, no weights) that falls.
    let val = curve(20, |t| 40.0 - t);
    silent(Code::Diverged, &Record { loss: curve(20, |t| 2.0 - 0.05 * t), val_loss: val, ..Record::default() });
}

#[test]
fn a_failed_evaluation_is_no_divergence_where_training_continues() {
    let learns = curve(100, |t| 2.3 * (1.0 + t).powf(-0.4));
    let val = |broken: f64| curve(100, move |t| if t >= broken { f64::NAN } else { 1.0 });
    silent(Code::Diverged, &Record { loss: learns, val_loss: val(60.0), ..Record::default() });
    // Weights that are not finite break both.
    let breaks = curve(100, |t| if t >= 60.0 { f64::NAN } else { 2.0 });
    fires(Code::Diverged, &Record { loss: breaks, val_loss: val(60.0), ..Record::default() });
    // Two steps that mixed precision skipped, the last of them near the end.
    silent(Code::Diverged, &loss(curve(60, |t| if t == 20.0 || t == 57.0 { f64::INFINITY } else { 2.3 - 0.02 * t })));
}

#[test]
fn one_last_spike_is_no_divergence() {
    for (n, high) in [(11u32, 2.0), (30, 5.0), (12, 40.0)] {
        let last = f64::from(n - 1);
        let val = curve(n, |t| if t == last { high } else { 0.6 - 0.3 * t / last });
        let train = curve(n, |t| 0.6 - 0.1 * t / last);
        let found = diagnose(&Record { loss: train, val_loss: val.clone(), ..Record::default() });
        assert_eq!(found.verdict, Placement::Unknown, "{n} {high}");
        assert!(found.because.contains("stands alone"), "{}", found.because);
        silent(Code::Diverged, &Record { val_loss: val, ..Record::default() });
    }
    // Three high ones are a divergence.
    let val = curve(20, |t| if t > 16.0 { 9.0 } else { 0.6 - 0.01 * t });
    let train = curve(20, |t| if t > 16.0 { 9.0 } else { 0.6 - 0.01 * t });
    fires(Code::Diverged, &Record { loss: train, val_loss: val, ..Record::default() });
}

#[test]
fn an_explosion_is_divergence_however_few_the_readings() {
    fires(Code::Diverged, &loss(Series::new([(0.0, 0.98), (5.0, 2.4e14)])));
    fires(Code::Diverged, &loss(curve(100, |t| 2.0 * (0.15 * t).exp())));
    // The log of the training loss begins after the explosion; that of the validation loss before.
    let train = Series::new((1..60).map(|i| (5.0 * f64::from(i), 6.5 + 3.0 / f64::from(i))));
    let val = Series::new((0..15).map(|i| (20.0 * f64::from(i), if i == 0 { 2.43 } else { 5.6 })));
    fires(Code::Diverged, &Record { loss: train, val_loss: val, ..Record::default() });
}

#[test]
fn single_batches_that_vary_by_factors_do_not_diverge() {
    // The first of them lay low by chance.
    let noisy = curve(40, |t| if t == 0.0 { 0.05 } else { 0.2 * (2.5 * shake(t)).exp() });
    silent(Code::Diverged, &loss(noisy));
}

#[test]
fn a_curve_of_rates_too_high_that_ends_far_above_its_start_has_diverged() {
    let ends = |train: f64, val: Option<f64>| {
        let to = |end: f64| curve(60, move |t| 1.0 + (end - 1.0) * t / 59.0);
        let record = Record { val_loss: val.map(to).unwrap_or_default(), ..loss(to(train)) };
        rules::ends_far_above(&RuleInput { record: &record, features: Features::of(&record) })
    };
    assert!(ends(6.0, None) && ends(6.0, Some(3.0)));
    assert!(!ends(1.2, None) && !ends(6.0, Some(0.5)));
}

#[test]
fn a_loss_that_was_written_as_zero_or_overflowed_has_diverged() {
    let zeros = |from: f64| curve(40, move |t| if t >= from { 0.0 } else { 2.3 - 0.05 * t });
    let norms = |from: f64| curve(40, move |t| if t >= from { f64::NAN } else { 1.0 });
    for from in [0.0, 1.0, 25.0] {
        assert_eq!(
            verdict(&Record { loss: zeros(from), grad_norm: norms(from), ..Record::default() }),
            (Placement::Diverged, Code::Diverged)
        );
    }
    // Solved, and printed with two digits.
    silent(Code::Diverged, &loss(curve(40, |t| (100.0 * 2.3 * (-t / 4.0).exp()).round() / 100.0)));
    // A discriminator that has won.
    let mut game = loss(curve(40, |t| if t % 8.0 == 3.0 { 0.3 } else { 0.0 }));
    game.facts.game = true;
    silent(Code::Diverged, &game);
    for from in [0.0, 3.0, 30.0] {
        assert_eq!(verdict(&loss(curve(50, |t| if t >= from { 87.3365 } else { 6.9 }))).0, Placement::Diverged);
    }
}

#[test]
fn a_loss_that_stands_at_guessing_is_never_too_low() {
    let ln = |classes: u32| f64::from(classes).ln();
    // It had learned a little, then the units died; with and without a score.
    let died = curve(48, |t| if t < 3.0 { 2.30 - 0.02 * t } else { ln(10) });
    assert_eq!(verdict(&loss(curve(48, |t| if t < 6.0 { 2.3 - 0.1 * t } else { ln(10) }))).0, Placement::TooHigh);
    let score = Series::new((0..12).map(|i| (4.0 * f64::from(i), 10.0)));
    assert_ne!(verdict(&with_score(died, score)).0, Placement::TooLow);
    // It fell there at once, from above.
    for classes in [2, 10, 100, 1000] {
        let at = ln(classes);
        let fell = curve(100, move |t| if t < 1.0 { 1.07 * at } else { at * (1.0 + 1e-4 * shake(t)) });
        let flat = Series::new(
            (0..100).map(|i| (f64::from(i), 1.0 / f64::from(classes) * (1.0 + 0.02 * shake(f64::from(i))))),
        );
        assert_eq!(verdict(&with_score(fell, flat)), (Placement::TooHigh, Code::Dead), "{classes}");
    }
    // It never left it: that is known, and no direction follows.
    let stands = curve(60, |t| ln(10) * (1.0 + 2e-4 * shake(t)));
    assert_eq!(verdict(&loss(stands)), (Placement::Unknown, Code::Dead));
    // A loss that passes the number on its way down.
    silent(Code::Dead, &loss(curve(400, |t| 2.35 * (1.0 + t).powf(-0.005))));
}

#[test]
fn a_constant_loss_is_said_as_what_it_is() {
    let found = diagnose(&loss(curve(74, |_| 16.742)));
    assert_eq!((found.verdict, found.findings[0].code, found.next_lr), (Placement::Unknown, Code::Idle, None));
    assert_eq!(found.findings.iter().filter(|f| f.code == Code::Idle).count(), 1);
    // It moved before, and stands above its best.
    assert_eq!(
        verdict(&loss(curve(60, |t| if t < 9.0 { 5.0 - 0.3 * t } else { 4.1 }))),
        (Placement::TooHigh, Code::Dead)
    );
    // It stands at its best, as printed.
    silent(Code::Dead, &loss(curve(60, |t| (100.0 * (0.07 + 2.0 * (-t / 3.0).exp())).round() / 100.0)));
}

#[test]
fn a_loss_that_jumped_up_and_stayed_is_too_high() {
    let jumped =
        |at: f64, up: f64| curve(250, move |t| if t < at { 6.9 - 2.5 * (t / at) } else { up } + 0.1 * shake(t));
    for (at, up) in [(20.0, 6.8), (100.0, 6.0), (190.0, 6.5)] {
        assert_eq!(verdict(&loss(jumped(at, up))), (Placement::TooHigh, Code::Collapsed), "{at} {up}");
    }
    // A spike that came back, an even rise, and overfitting are other things.
    silent(Code::Collapsed, &loss(curve(250, |t| if (100.0..110.0).contains(&t) { 6.8 } else { 6.9 - 0.01 * t })));
    silent(Code::Collapsed, &Record { val_loss: curve(60, |t| 1.0 + 0.002 * (t - 20.0).powi(2)), ..Record::default() });
    // The validation loss shows that nothing was lost.
    let val = curve(25, |t| 6.9 - 0.2 * t);
    let val = Series::new(val.points().iter().map(|p| (10.0 * p.0, p.1)));
    silent(Code::Collapsed, &Record { loss: jumped(100.0, 6.0), val_loss: val, ..Record::default() });
}

#[test]
fn no_verdict_moves_the_rate_by_more_than_its_evidence_carries() {
    let lr = |record: Record, lr: f64| Record { facts: Facts { lr: Some(lr), ..record.facts }, ..record };
    let slow = loss(curve(400, |t| 2.3 - 0.0005 * t));
    let found = diagnose(&lr(slow, 0.01));
    assert_eq!(found.verdict, Placement::TooLow);
    assert_eq!(found.next_lr, Some(0.03));
    // Broken at the start: ten times. After it had trained, or with a rate as of fine-tunes: three.
    let breaks = |at: f64| loss(curve(200, move |t| if t >= at { f64::NAN } else { 2.3 - 0.005 * t }));
    let next = |record: Record| diagnose(&record).next_lr.unwrap();
    let fresh = |mut record: Record| {
        record.facts.weights = Weights::Fresh;
        record
    };
    assert_eq!(next(fresh(lr(breaks(5.0), 0.1))), 0.01);
    assert_eq!(next(lr(breaks(5.0), 0.1)), 0.033, "what it began with is not known");
    assert_eq!(next(fresh(lr(breaks(150.0), 0.1))), 0.033);
    assert_eq!(next(lr(breaks(5.0), 2e-5)), 6.7e-6);
}

#[test]
fn a_loss_that_climbs_from_its_best_is_not_too_low() {
    for (low, end) in [(1.7, 2.05), (1.2, 1.9), (0.9, 1.3)] {
        let climbs = curve(60, move |t| {
            let to =
                if t < 12.0 { 2.0 - (2.0 - low) * t / 12.0 } else { low + (end - low) * ((t - 12.0) / 12.0).min(1.0) };
            to + 0.1 * shake(t)
        });
        assert_ne!(verdict(&loss(climbs)).0, Placement::TooLow, "{low} {end}");
    }
}

#[test]
fn findings_agree_with_the_verdict_and_say_something() {
    let shapes: [&dyn Fn(f64) -> f64; 6] = [
        &|t| 2.3 - 0.0005 * t,
        &|t| 2.303 + 0.01 * shake(t),
        &|t| 0.3 + 2.0 * (-t / 4.0).exp() + 0.01 * shake(t),
        &|t| 0.5 + 1.8 * (-t / 20.0).exp() + if (t as u64).is_multiple_of(2) { 0.1 } else { -0.1 },
        &|t| 2.3 * (1.0 + t).powf(-0.35),
        &|t| 2.0 + 0.5 * (1.0 - (-t / 30.0).exp()) + 0.001 * shake(t),
    ];
    for shape in shapes {
        let record = Record { lr: curve(400, |_| 0.1), ..loss(curve(400, shape)) };
        let found = diagnose(&record);
        let codes: Vec<Code> = found.findings.iter().map(|f| f.code).collect();
        for finding in &found.findings {
            let lowers = finding.advice.contains("halve the rate") || finding.advice.contains("divide the rate");
            let raises = finding.advice.contains("raise the rate");
            let against = match found.verdict {
                Placement::TooLow => lowers,
                Placement::TooHigh | Placement::Diverged => raises,
                Placement::Good => lowers || raises,
                Placement::Unknown => false,
            };
            assert!(!against, "{:?} {codes:?}: {}", found.verdict, finding.advice);
            let empty = [" 0 %", "(0 %", "100 % of its start", "100 % of its peak"];
            assert!(!empty.iter().any(|e| finding.evidence.contains(e)), "{}", finding.evidence);
        }
    }
}

#[test]
fn an_unknown_verdict_claims_no_chance() {
    let found = diagnose(&loss(curve(400, |t| 0.2 + 2.0 * (-t / 60.0).exp() + 0.05 * shake(t))));
    if found.verdict == Placement::Unknown {
        assert_eq!(found.confidence, 0.0);
    }
    assert_eq!(diagnose(&Record::default()).confidence, 0.0);
}

#[test]
fn zeros_of_too_few_digits_beside_an_error_that_falls_are_no_divergence() {
    let train = || curve(20, |t| if t > 0.0 { 0.0 } else { 0.085 });
    let falls = curve(20, |t| 2e-2 / (1.0 + 50.0 * t));
    silent(Code::Diverged, &Record { loss: train(), val_loss: falls, ..Record::default() });
    fires(Code::Diverged, &Record { loss: train(), val_loss: curve(20, |_| 0.09), ..Record::default() });
}
