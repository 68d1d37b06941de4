//! Every rule fires on a made curve and stays silent on its counter-example.

use super::*;

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
fn fires(code: &str, record: &Record) {
    let codes: Vec<&str> = diagnose(record).findings.iter().map(|f| f.code).collect();
    assert!(codes.contains(&code), "{code} not in {codes:?}");
}

#[track_caller]
fn silent(code: &str, record: &Record) {
    let found = diagnose(record);
    assert!(!found.findings.iter().any(|f| f.code == code), "{code}: {:?}", found.findings);
}

#[test]
fn divergence() {
    fires("LR001", &loss(curve(50, |t| if t > 20.0 { f64::NAN } else { 2.0 })));
    fires("LR001", &loss(curve(200, |t| 2.3 + (t / 50.0).powi(2))));
    let val = curve(20, |t| if t > 10.0 { f64::INFINITY } else { 1.0 });
    fires("LR001", &Record { loss: healthy(), val_loss: val, ..Record::default() });
    silent("LR001", &loss(healthy()));
    // One skipped step of mixed precision, and a spike that came back.
    silent("LR001", &loss(curve(400, |t| if t == 90.0 { f64::INFINITY } else { 2.3 * (1.0 + t).powf(-0.3) })));
    silent("LR001", &loss(curve(400, |t| if t == 90.0 { 900.0 } else { 2.3 * (1.0 + t).powf(-0.3) })));
    // The log begins late, above the loss of guessing, and falls: with the classes known it has still diverged.
    let late = Series::new((1..40).map(|i| (f64::from(i) * 50.0, 2.0 + 10.0 / f64::from(i))));
    silent("LR001", &loss(late.clone()));
    let facts = Facts { classes: Some(2), ..Facts::default() };
    fires("LR001", &Record { loss: late, facts, ..Record::default() });
}

#[test]
fn what_looks_like_divergence_and_is_none() {
    // An explosion that a running mean remembers: the validation loss tells that it was overcome.
    let smoothed = curve(200, |t| if t < 1.0 { 2.3 } else { 2.0 + 1e5 * (-t / 20.0).exp() });
    let recovered = curve(200, |t| 2.3 * (1.0 + t).powf(-0.2));
    let exploded =
        Series::new((0..200).map(|i| (f64::from(i), if i == 0 { 2.3 } else { 3.0 + 0.1 * shake(f64::from(i)) })));
    silent("LR001", &Record { loss: smoothed, val_loss: recovered, ..Record::default() });
    fires("LR001", &Record { val_loss: exploded.clone(), loss: exploded, ..Record::default() });
    // The first of noisy readings lay low by chance.
    silent("LR001", &loss(curve(300, |t| if t < 1.0 { 2.0 } else { 2.3 + 0.3 * shake(t) })));
    // A little above the start, but without any noise.
    fires("LR001", &loss(curve(30, |t| if t < 1.0 { 83.2 } else { 90.0 + 70.0 * (-3.0 * t).exp() })));
    // Overfitting: the validation loss ends above its start, far above its best; while training has learned, however far.
    let over = |end: f64| curve(40, move |t| 0.4 + 0.6 * (-t / 3.0).exp() + end * (t / 39.0).powi(2));
    silent("LR001", &Record { loss: healthy_to(39.0), val_loss: over(1.2), ..Record::default() });
    silent("LR001", &Record { loss: healthy_to(39.0), val_loss: over(8.0), ..Record::default() });
    let idle = curve(40, |t| 2.3 - 0.01 * t);
    fires("LR001", &Record { loss: idle, val_loss: over(8.0), ..Record::default() });
}

#[test]
fn divergence_by_what_begins_late_and_by_both_losses() {
    let from = |first: u32, f: &dyn Fn(f64) -> f64| {
        Series::new((first..=400).map(|i| (f64::from(i), f(f64::from(i)) * (1.0 + 0.8 * shake(f64::from(i))))))
    };
    // Step 1 shows the untrained model, steps 2 and 3 an explosion; the noise is as large as the loss.
    let exploded = |t: f64| if t <= 1.0 { 2.3 } else { 60.0 };
    fires("LR001", &loss(from(1, &exploded)));
    fires("LR001", &loss(from(20, &|_| 1e20)));
    // A validation loss that lay far above its own start at every evaluation since, while training is no better.
    let val = |far: f64| Series::new((0..20).map(|i| (f64::from(i) * 20.0, if i == 0 { 0.84 } else { far })));
    let flat = from(5, &|_| 1.08);
    fires("LR001", &Record { loss: flat.clone(), val_loss: val(1.56), ..Record::default() });
    // Batch statistics that are not warm yet make it a little higher.
    silent("LR001", &Record { loss: flat, val_loss: val(1.1), ..Record::default() });
    let overfitted = from(5, &|t| 0.9 / t.sqrt());
    silent("LR001", &Record { loss: overfitted, val_loss: val(1.56), ..Record::default() });
}

#[test]
fn one_direction() {
    let dead = curve(300, |t| if t < 1.0 { 2.0 } else { 3.2 + 0.01 * shake(t) });
    let found = diagnose(&loss(dead));
    assert!(found.findings.iter().any(|f| f.code == "LR001") && found.findings.iter().all(|f| f.code != "LR019"));
}

#[test]
fn a_plateau() {
    fires("LR010", &loss(curve(400, |t| 0.5 + 1.8 * (-t / 20.0).exp() + 0.02 * shake(t))));
    silent("LR010", &loss(healthy()));
}

#[test]
fn oscillation() {
    let zigzag = |t: f64| 0.5 + 1.8 * (-t / 20.0).exp() + if (t as u64).is_multiple_of(2) { 0.1 } else { -0.1 };
    fires("LR011", &loss(curve(200, zigzag)));
    silent("LR011", &loss(healthy()));
}

#[test]
fn spikes() {
    let spiky =
        |t: f64| 2.3 * (1.0 + t).powf(-0.35) * if t == 150.0 || t == 300.0 { 3.0 } else { 1.0 + 0.02 * shake(t) };
    fires("LR012", &loss(curve(400, spiky)));
    silent("LR012", &loss(healthy()));
}

#[test]
fn learned_too_quickly() {
    fires("LR013", &loss(curve(400, |t| 0.3 + 2.0 * (-t / 4.0).exp() + 0.01 * shake(t))));
    silent("LR013", &loss(healthy()));
}

#[test]
fn overfit() {
    let rising = curve(20, |t| 1.0 + 0.01 * (t - 8.0).powi(2));
    let falling = curve(20, |t| 2.0 * (1.0 + t).powf(-0.4));
    fires("LR014", &Record { loss: healthy_to(19.0), val_loss: rising.clone(), ..Record::default() });
    silent("LR014", &Record { loss: healthy_to(19.0), val_loss: falling, ..Record::default() });
    // The training loss rises too: that is no overfitting.
    let up = curve(20, |t| 1.0 + 0.02 * (t - 8.0).powi(2));
    silent("LR014", &Record { loss: up, val_loss: rising, ..Record::default() });
}

fn healthy_to(end: f64) -> Series {
    Series::new((0..200).map(|i| (f64::from(i) * end / 199.0, 2.3 * (1.0 + f64::from(i)).powf(-0.35))))
}

#[test]
fn a_missing_warmup() {
    let hump = |t: f64| 2.3 * (1.0 + t).powf(-0.35) + 3.0 * (-((t - 12.0) / 5.0).powi(2)).exp();
    fires("LR015", &loss(curve(400, hump)));
    silent("LR015", &loss(healthy()));
}

#[test]
fn a_schedule_of_the_wrong_length() {
    let with = |lr: Series| Record { loss: healthy(), lr, ..Record::default() };
    let short = with(curve(400, |t| 0.1 * (1.0 - t / 200.0).max(0.0)));
    fires("LR016", &short);
    let whole = with(curve(400, |t| 0.1 * (1.0 - t / 400.0)));
    silent("LR016", &whole);
    silent("LR017", &whole);
    fires("LR017", &with(curve(400, |t| 0.1 * (1.0 - t / 1000.0))));
    silent("LR017", &with(curve(400, |_| 0.1)));
}

#[test]
fn a_jump_of_the_rate() {
    let with = |lr: Series| Record { loss: healthy(), lr, ..Record::default() };
    fires("LR018", &with(curve(400, |t| if t < 200.0 { 0.1 } else { 0.3 })));
    silent("LR018", &with(curve(400, |t| 0.1 * (1.0 - t / 400.0))));
    // Warm restarts.
    silent("LR018", &with(curve(400, |t| 0.1 * (1.0 - (t % 80.0) / 80.0))));
    let resumed = Series::new((0..200).map(|i| (f64::from(i), 0.1)).chain((150..400).map(|i| (f64::from(i), 0.05))));
    fires("LR018", &with(resumed));
}

#[test]
fn nothing_learned() {
    fires("LR019", &loss(curve(200, |t| 2.303 + 0.01 * shake(t))));
    silent("LR019", &loss(healthy()));
}

#[test]
fn a_start_above_guessing() {
    let facts = Facts { classes: Some(10), ..Facts::default() };
    let high =
        Record { loss: curve(200, |t| 0.5 + 9.0 * (-t / 10.0).exp()), facts: facts.clone(), ..Record::default() };
    fires("LR020", &high);
    silent("LR020", &Record { loss: healthy(), facts, ..Record::default() });
}

#[test]
fn a_decay_that_pays_never_asks_for_a_lower_rate() {
    let rate = curve(400, |t| if t < 300.0 { 0.1 } else { 0.1 * (1.0 - (t - 300.0) / 100.0) });
    let step = |t: f64| {
        if t < 300.0 { 0.6 + 1.7 * (-t / 20.0).exp() } else { 0.2 + 0.4 * (-((t - 300.0) / 60.0).powi(2)).exp() }
    };
    let record = Record { loss: curve(400, step), lr: rate.clone(), ..Record::default() };
    fires("LR021", &record);
    let found = diagnose(&record);
    let decay = found.findings.iter().find(|f| f.code == "LR021").unwrap();
    assert!(decay.advice.contains("Do not lower"), "{}", decay.advice);
    silent("LR021", &Record { loss: healthy(), lr: curve(400, |_| 0.1), ..Record::default() });
    let noisy = curve(400, |t| 0.5 + 1.8 * (-t / 20.0).exp() + 0.2 * shake(t));
    fires("LR023", &Record { loss: noisy.clone(), lr: curve(400, |_| 0.1), ..Record::default() });
    silent("LR023", &Record { loss: noisy, lr: rate, ..Record::default() });
}

#[test]
fn an_exploding_gradient() {
    let with = |grad_norm: Series| Record { loss: healthy(), grad_norm, ..Record::default() };
    fires("LR022", &with(curve(400, |t| 1.0 + t)));
    silent("LR022", &with(curve(400, |t| 1.0 + 0.1 * shake(t))));
}

#[test]
fn too_little_is_unknown_and_says_why() {
    for record in [Record::default(), loss(curve(4, |t| 2.0 - 0.1 * t))] {
        let found = diagnose(&record);
        assert_eq!((found.verdict, found.findings[0].code), (Placement::Unknown, "LR000"));
        assert!(found.because.contains("because") && found.next_lr.is_none());
    }
}

#[test]
fn codes_are_stable_and_unique() {
    let mut codes: Vec<&str> = rules::all().iter().map(|r| r.code()).collect();
    codes.sort_unstable();
    let expected = "LR001 LR010 LR011 LR012 LR013 LR014 LR015 LR016 LR017 LR018 LR019 LR020 LR021 LR022 LR023";
    assert_eq!(codes.join(" "), expected);
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
