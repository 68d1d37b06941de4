//! Every rule fires on a made curve and stays silent on its counter-example.

use super::*;

mod decided;
mod outside;

fn curve(n: u32, f: impl Fn(f64) -> f64) -> Series {
    Series::new((0..n).map(|i| (f64::from(i), f(f64::from(i)))))
}

/// Noise that is the same everywhere, in -0.5..0.5 and without correlation to speak of.
fn shake(step: f64) -> f64 {
    let x = (step * 12.9898 + 4.1).sin() * 43758.5453;
    x - x.floor() - 0.5
}

fn loss(series: Series) -> Record {
    Record { loss: series, ..Record::default() }
}

fn healthy() -> Series {
    curve(400, |t| 2.3 * (1.0 + t).powf(-0.35) * (1.0 + 0.02 * shake(t)))
}

#[track_caller]
fn fires(code: Code, record: &Record) {
    let codes: Vec<Code> = diagnose(record).findings.iter().map(|f| f.code).collect();
    assert!(codes.contains(&code), "{code} not in {codes:?}");
}

#[track_caller]
fn silent(code: Code, record: &Record) {
    let found = diagnose(record);
    assert!(!found.findings.iter().any(|f| f.code == code), "{code}: {:?}", found.findings);
}

#[test]
fn divergence() {
    fires(Code::Diverged, &loss(curve(50, |t| if t > 20.0 { f64::NAN } else { 2.0 })));
    fires(Code::Diverged, &loss(curve(200, |t| 2.3 + (t / 50.0).powi(2))));
    let val = curve(20, |t| if t > 10.0 { f64::INFINITY } else { 1.0 });
    let short = curve(12, |t| 2.3 - 0.01 * t);
    fires(Code::Diverged, &Record { loss: short, val_loss: val, ..Record::default() });
    silent(Code::Diverged, &loss(healthy()));
    // One skipped step of mixed precision, and a spike that came back.
    silent(Code::Diverged, &loss(curve(400, |t| if t == 90.0 { f64::INFINITY } else { 2.3 * (1.0 + t).powf(-0.3) })));
    silent(Code::Diverged, &loss(curve(400, |t| if t == 90.0 { 900.0 } else { 2.3 * (1.0 + t).powf(-0.3) })));
    // The log begins late, above the loss of guessing, and falls: with the classes known it has
    // still diverged.
    let late = Series::new((1..40).map(|i| (f64::from(i) * 50.0, 2.0 + 10.0 / f64::from(i))));
    silent(Code::Diverged, &loss(late.clone()));
    let facts = Facts { classes: Some(2), ..Facts::default() };
    fires(Code::Diverged, &Record { loss: late, facts, ..Record::default() });
}

#[test]
fn what_looks_like_divergence_and_is_none() {
    // An explosion that a running mean remembers: the validation loss tells that it was overcome.
    let smoothed = curve(200, |t| if t < 1.0 { 2.3 } else { 2.0 + 1e5 * (-t / 20.0).exp() });
    let recovered = curve(200, |t| 2.3 * (1.0 + t).powf(-0.2));
    let exploded =
        Series::new((0..200).map(|i| (f64::from(i), if i == 0 { 2.3 } else { 3.0 + 0.1 * shake(f64::from(i)) })));
    silent(Code::Diverged, &Record { loss: smoothed, val_loss: recovered, ..Record::default() });
    fires(Code::Diverged, &Record { val_loss: exploded.clone(), loss: exploded, ..Record::default() });
    // The first of noisy readings lay low by chance.
    silent(Code::Diverged, &loss(curve(300, |t| if t < 1.0 { 2.0 } else { 2.3 + 0.3 * shake(t) })));
    // A little above the start, but without any noise.
    fires(Code::Diverged, &loss(curve(30, |t| if t < 1.0 { 83.2 } else { 90.0 + 70.0 * (-3.0 * t).exp() })));
    // Overfitting: the validation loss ends above its start, far above its best; while training has
    // learned, however far.
    let over = |end: f64| curve(40, move |t| 0.4 + 0.6 * (-t / 3.0).exp() + end * (t / 39.0).powi(2));
    silent(Code::Diverged, &Record { loss: healthy_to(39.0), val_loss: over(1.2), ..Record::default() });
    silent(Code::Diverged, &Record { loss: healthy_to(39.0), val_loss: over(8.0), ..Record::default() });
    let idle = curve(40, |t| 2.3 - 0.01 * t);
    fires(Code::Diverged, &Record { loss: idle, val_loss: over(8.0), ..Record::default() });
}

#[test]
fn divergence_by_what_begins_late_and_by_both_losses() {
    let from = |first: u32, f: &dyn Fn(f64) -> f64| {
        Series::new((first..=400).map(|i| (f64::from(i), f(f64::from(i)) * (1.0 + 0.8 * shake(f64::from(i))))))
    };
    // Step 1 shows the untrained model, steps 2 and 3 an explosion; the noise is as large as the
    // loss.
    let exploded = |t: f64| if t <= 1.0 { 2.3 } else { 60.0 };
    fires(Code::Diverged, &loss(from(1, &exploded)));
    fires(Code::Diverged, &loss(from(20, &|_| 1e20)));
    // A validation loss that lay far above its own start at every evaluation since, while training
    // is no better.
    let val = |far: f64| Series::new((0..20).map(|i| (f64::from(i) * 20.0, if i == 0 { 0.84 } else { far })));
    let flat = from(5, &|_| 1.08);
    fires(Code::Diverged, &Record { loss: flat.clone(), val_loss: val(1.56), ..Record::default() });
    // Batch statistics that are not warm yet make it a little higher.
    silent(Code::Diverged, &Record { loss: flat, val_loss: val(1.1), ..Record::default() });
    let overfitted = from(5, &|t| 0.9 / t.sqrt());
    silent(Code::Diverged, &Record { loss: overfitted, val_loss: val(1.56), ..Record::default() });
}

#[test]
fn a_last_evaluation_without_data_is_no_divergence() {
    let val = |broken: u32| curve(20, move |t| if t >= f64::from(20 - broken) { f64::NAN } else { 2.3 - 0.08 * t });
    let with = |val_loss: Series, end: f64| Record {
        loss: curve(20, |t| 2.4 - (2.4 - end) * t / 19.0),
        val_loss,
        ..Record::default()
    };
    silent(Code::Diverged, &with(val(1), 0.8));
    // Training learned nothing, or more evaluations than the last are broken.
    fires(Code::Diverged, &with(val(1), 2.3));
    fires(Code::Diverged, &with(val(2), 0.8));
}

#[test]
fn a_side_is_ruled_out_where_the_verdict_is_unknown() {
    // Odds that do not depend on the curve: of the six places, the log of each.
    let judged = |places: [f64; model::PLACES]| {
        let leaf = |(place, chance): (usize, f64)| (place, model::Tree::Leaf(chance.ln()));
        let trees = places.into_iter().enumerate().map(leaf).collect();
        let ranges = model::Ranges::default();
        let say = model::Say { low: 0.6, high: 0.6, good: 0.99, not: 0.2, ..model::Say::default() };
        let record = Record { facts: Facts { lr: Some(0.1), ..Facts::default() }, ..loss(healthy()) };
        diagnose_with(&model::Model { trees, scale: 1.0, leak: model::Leak::default(), say, ranges }, &record)
    };
    let low = judged([0.1, 0.3, 0.5, 0.05, 0.03, 0.02]);
    let (side, chance) = low.ruled_out.unwrap();
    assert_eq!((low.verdict, side, low.next_lr), (Placement::Unknown, Placement::TooHigh, Some(0.2)));
    assert!((chance - 0.9).abs() < 1e-9 && low.because.contains("seldom from rates too high"), "{}", low.because);
    let high = judged([0.04, 0.06, 0.4, 0.3, 0.1, 0.1]);
    assert_eq!(
        (high.verdict, high.ruled_out.unwrap().0, high.next_lr),
        (Placement::Unknown, Placement::TooLow, Some(0.05))
    );
    // Beside a verdict the other side is ruled out, too; where all is possible, nothing is, and
    // there is no next rate.
    let sure = judged([0.5, 0.2, 0.2, 0.04, 0.03, 0.03]);
    assert_eq!(
        (sure.verdict, sure.ruled_out.unwrap().0, sure.next_lr),
        (Placement::TooLow, Placement::TooHigh, Some(0.3))
    );
    let any = judged([0.2, 0.15, 0.3, 0.2, 0.1, 0.05]);
    assert_eq!((any.verdict, any.ruled_out, any.next_lr), (Placement::Unknown, None, None));
    assert!(any.because.contains("rates of every kind") && any.findings[0].advice.contains("at 0.05 and at 0.2"));
}

#[test]
fn one_direction() {
    let dead = curve(300, |t| if t < 1.0 { 2.0 } else { 3.2 + 0.01 * shake(t) });
    let found = diagnose(&loss(dead));
    assert!(
        found.findings.iter().any(|f| f.code == Code::Diverged) && found.findings.iter().all(|f| f.code != Code::Idle)
    );
}

#[test]
fn a_plateau() {
    fires(Code::Plateau, &loss(curve(400, |t| 0.5 + 1.8 * (-t / 20.0).exp() + 0.02 * shake(t))));
    silent(Code::Plateau, &loss(healthy()));
}

#[test]
fn oscillation() {
    let zigzag = |t: f64| 0.5 + 1.8 * (-t / 20.0).exp() + if (t as u64).is_multiple_of(2) { 0.1 } else { -0.1 };
    fires(Code::Oscillation, &loss(curve(200, zigzag)));
    silent(Code::Oscillation, &loss(healthy()));
}

#[test]
fn spikes() {
    let spiky =
        |t: f64| 2.3 * (1.0 + t).powf(-0.35) * if t == 150.0 || t == 300.0 { 3.0 } else { 1.0 + 0.02 * shake(t) };
    fires(Code::Spikes, &loss(curve(400, spiky)));
    silent(Code::Spikes, &loss(healthy()));
    let once = diagnose(&loss(curve(400, |t| if t == 200.0 { 3.0 } else { 2.3 * (1.0 + t).powf(-0.35) })));
    let spike = once.findings.iter().find(|f| f.code == Code::Spikes).unwrap();
    assert!(spike.evidence.starts_with("one spike from which the loss came back, "), "{}", spike.evidence);
}

#[test]
fn learned_too_quickly() {
    fires(Code::Quick, &loss(curve(400, |t| 0.3 + 2.0 * (-t / 4.0).exp() + 0.01 * shake(t))));
    silent(Code::Quick, &loss(healthy()));
}

#[test]
fn overfit() {
    let rising = curve(20, |t| 1.0 + 0.01 * (t - 8.0).powi(2));
    let falling = curve(20, |t| 2.0 * (1.0 + t).powf(-0.4));
    fires(Code::Overfit, &Record { loss: healthy_to(19.0), val_loss: rising.clone(), ..Record::default() });
    silent(Code::Overfit, &Record { loss: healthy_to(19.0), val_loss: falling, ..Record::default() });
    // The training loss rises too: that is no overfitting.
    let up = curve(20, |t| 1.0 + 0.02 * (t - 8.0).powi(2));
    silent(Code::Overfit, &Record { loss: up, val_loss: rising, ..Record::default() });
}

fn healthy_to(end: f64) -> Series {
    Series::new((0..200).map(|i| (f64::from(i) * end / 199.0, 2.3 * (1.0 + f64::from(i)).powf(-0.35))))
}

#[test]
fn a_missing_warmup() {
    let hump = |t: f64| 2.3 * (1.0 + t).powf(-0.35) + 3.0 * (-((t - 12.0) / 5.0).powi(2)).exp();
    fires(Code::Warmup, &loss(curve(400, hump)));
    silent(Code::Warmup, &loss(healthy()));
}

#[test]
fn a_schedule_of_the_wrong_length() {
    let with = |lr: Series| Record { loss: healthy(), lr, ..Record::default() };
    let short = with(curve(400, |t| 0.1 * (1.0 - t / 200.0).max(0.0)));
    fires(Code::ScheduleTooShort, &short);
    let whole = with(curve(400, |t| 0.1 * (1.0 - t / 400.0)));
    silent(Code::ScheduleTooShort, &whole);
    silent(Code::ScheduleTooLong, &whole);
    fires(Code::ScheduleTooLong, &with(curve(400, |t| 0.1 * (1.0 - t / 1000.0))));
    silent(Code::ScheduleTooLong, &with(curve(400, |_| 0.1)));
}

#[test]
fn a_jump_of_the_rate() {
    let with = |lr: Series| Record { loss: healthy(), lr, ..Record::default() };
    fires(Code::Jump, &with(curve(400, |t| if t < 200.0 { 0.1 } else { 0.3 })));
    silent(Code::Jump, &with(curve(400, |t| 0.1 * (1.0 - t / 400.0))));
    // Warm restarts.
    silent(Code::Jump, &with(curve(400, |t| 0.1 * (1.0 - (t % 80.0) / 80.0))));
    let resumed = Series::new((0..200).map(|i| (f64::from(i), 0.1)).chain((150..400).map(|i| (f64::from(i), 0.05))));
    fires(Code::Jump, &with(resumed));
}

#[test]
fn only_an_accuracy_tells_how_far_the_loss_has_come() {
    let score = Series::new((0..20).map(|i| (f64::from(i) * 20.0, 0.42 + 0.003 * f64::from(i))));
    let bare = loss(curve(400, |t| 0.004 + 2.0 * (-t / 60.0).exp()));
    let with =
        |other_score| Record { score: score.clone(), facts: Facts { other_score, ..Facts::default() }, ..bare.clone() };
    let chances = |record: &Record| diagnose(record).chances;
    assert_eq!(chances(&with(true)), chances(&bare));
    // Beside an accuracy of 42 % a loss of 2 that falls to 0.004 is a run that broke its score.
    assert!(chances(&with(false)) != chances(&bare));
}

#[test]
fn of_two_unlikely_sides_none_is_ruled_out() {
    let model =
        model::Model { say: model::Say { not: 0.2, ..model::Say::default() }, scale: 1.0, ..model::Model::default() };
    let ruled = |low: f64, high: f64| {
        let sums = [low / 2.0, low / 2.0, 1.0 - low - high, high / 2.0, high / 2.0, 1e-9].map(f64::ln);
        rule_out(&model, &model.odds_of(sums)).map(|r| r.0)
    };
    assert_eq!(ruled(0.26, 0.19), None);
    assert_eq!(ruled(0.15, 0.27), None);
    assert_eq!(ruled(0.15, 0.45), Some(Placement::TooLow));
    assert_eq!(ruled(0.5, 0.05), Some(Placement::TooHigh));
}

#[test]
fn nothing_learned() {
    fires(Code::Idle, &loss(curve(200, |t| 2.303 + 0.01 * shake(t))));
    silent(Code::Idle, &loss(healthy()));
    // Readings of single batches that scatter by half of the loss show no such thing.
    silent(Code::Idle, &loss(curve(75, |t| (0.9 - 0.004 * t) * (1.0 + 1.5 * shake(t)))));
}

#[test]
fn a_start_above_guessing() {
    let facts = Facts { classes: Some(10), ..Facts::default() };
    let high =
        Record { loss: curve(200, |t| 0.5 + 9.0 * (-t / 10.0).exp()), facts: facts.clone(), ..Record::default() };
    fires(Code::HighStart, &high);
    silent(Code::HighStart, &Record { loss: healthy(), facts, ..Record::default() });
}

#[test]
fn a_decay_that_pays_never_asks_for_a_lower_rate() {
    let rate = curve(400, |t| if t < 300.0 { 0.1 } else { 0.1 * (1.0 - (t - 300.0) / 100.0) });
    let step = |t: f64| {
        if t < 300.0 { 0.6 + 1.7 * (-t / 20.0).exp() } else { 0.2 + 0.4 * (-((t - 300.0) / 60.0).powi(2)).exp() }
    };
    let record = Record { loss: curve(400, step), lr: rate.clone(), ..Record::default() };
    fires(Code::DecayPaid, &record);
    let found = diagnose(&record);
    let decay = found.findings.iter().find(|f| f.code == Code::DecayPaid).unwrap();
    assert!(decay.advice.contains("Do not lower"), "{}", decay.advice);
    silent(Code::DecayPaid, &Record { loss: healthy(), lr: curve(400, |_| 0.1), ..Record::default() });
    let noisy = curve(400, |t| 0.5 + 1.8 * (-t / 20.0).exp() + 0.2 * shake(t));
    fires(Code::NotAnnealed, &Record { loss: noisy.clone(), lr: curve(400, |_| 0.1), ..Record::default() });
    silent(Code::NotAnnealed, &Record { loss: noisy, lr: rate, ..Record::default() });
}

#[test]
fn an_exploding_gradient() {
    let with = |grad_norm: Series| Record { loss: healthy(), grad_norm, ..Record::default() };
    fires(Code::GradientExplodes, &with(curve(400, |t| 1.0 + t)));
    silent(Code::GradientExplodes, &with(curve(400, |t| 1.0 + 0.1 * shake(t))));
}

#[test]
fn too_little_is_unknown_and_says_why() {
    for record in [Record::default(), loss(curve(4, |t| 2.0 - 0.1 * t))] {
        let found = diagnose(&record);
        assert_eq!((found.verdict, found.findings[0].code), (Placement::Unknown, Code::CannotTell));
        assert!(found.because.contains("because") && found.next_lr.is_none());
    }
}

#[test]
fn no_curve_panics_and_chances_are_chances() {
    let values = [0.0, -1.0, 1e300, f64::NAN, f64::INFINITY, 1e-300, 2.0, f64::NEG_INFINITY, 5.0];
    for seed in 0..200u32 {
        let pick = |i: u32| values[((seed * 7919 + i * i * 31 + i * seed) % 9) as usize];
        let steps = |i: u32| if seed % 3 == 0 { f64::from(i % 11) } else { f64::from(i) };
        let series = Series::new((0..40).map(|i| (steps(i), pick(i))));
        let record = Record {
            loss: series.clone(),
            val_loss: series.clone(),
            lr: series.clone(),
            grad_norm: series.clone(),
            score: series,
            ..Record::default()
        };
        let found = diagnose(&record);
        assert!((0.0..=1.0).contains(&found.confidence), "{found:?}");
        assert!(found.next_lr.is_none_or(f64::is_finite));
    }
}

/// Records that between them show every feature.
fn golden_records() -> [(&'static str, Record); 3] {
    let falls = |t: f64| 2.3 * (1.0 + t).powf(-0.35) * (1.0 + 0.05 * shake(t));
    let steps = |n: u32, every: usize, f: &dyn Fn(f64) -> f64| {
        Series::new((0..n).step_by(every).map(|i| (f64::from(i), f(f64::from(i)))))
    };
    let decays = |t: f64| if t < 300.0 { 0.1 } else { 0.1 * (1.0 - (t - 300.0) / 100.0) };
    let whole = Record {
        loss: steps(400, 1, &falls),
        val_loss: steps(400, 20, &|t| 0.1 + falls(t) + 1e-6 * t * t),
        lr: steps(400, 1, &decays),
        score: steps(400, 20, &|t| 0.9 - 0.8 / (1.0 + t / 50.0)),
        grad_norm: steps(400, 1, &|t| (1.0 + t / 100.0) * (1.0 + 0.2 * shake(t))),
        facts: Facts { classes: Some(10), optimizer: Some("adamw".into()), ..Facts::default() },
        ..Record::default()
    };
    let below_zero = loss(curve(100, |t| 1.0 - 0.03 * t + 0.02 * shake(t)));
    let explodes = loss(curve(300, |t| if t < 150.0 { falls(t) } else { 90.0 + shake(t) }));
    [("whole", whole), ("below zero", below_zero), ("explodes", explodes)]
}

/// The trees were fitted to the features as they are: whoever changes one has to fit again. To
/// write the file anew, run this test with `GOLDEN=write`.
#[test]
fn features_and_chances_are_those_that_the_trees_were_fitted_to() {
    let mut lines = Vec::new();
    for (name, record) in golden_records() {
        let features = Features::of(&record);
        lines.extend(Feature::ALL.map(|f| (format!("{name}: {f}"), features.get(f))));
        let chances = model::Model::shipped().odds(&features).chances;
        lines.extend(chances.into_iter().enumerate().map(|(i, c)| (format!("{name}: place {i}"), c)));
    }
    for feature in Feature::ALL {
        let shown = |(what, value): &(String, f64)| what.ends_with(&format!(": {feature}")) && !value.is_nan();
        assert!(lines.iter().any(shown), "no record shows {feature}");
    }
    if std::env::var("GOLDEN").is_ok_and(|v| v == "write") {
        let text: Vec<String> = lines.iter().map(|(what, value)| format!("{what} {value:e}\n")).collect();
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/diagnosis/features/golden.txt");
        std::fs::write(path, text.concat()).unwrap();
        return;
    }
    let golden: Vec<&str> = include_str!("features/golden.txt").lines().collect();
    assert_eq!(golden.len(), lines.len());
    for (golden, (what, value)) in golden.into_iter().zip(lines) {
        let (known, expected) = golden.rsplit_once(' ').unwrap();
        let expected: f64 = expected.parse().unwrap();
        // The mathematical functions of other systems round differently in the last digits.
        let close = (value - expected).abs() <= 1e-9 * expected.abs().max(1e-3) || value.is_nan() && expected.is_nan();
        assert!(known == what && close, "{what} is {value:e}, was {expected:e} ({known})");
    }
}
