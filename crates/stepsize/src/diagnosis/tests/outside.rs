//! Logs of kinds that were not learned, and findings that need the beginning of a run.

use super::*;

#[track_caller]
fn cannot_tell(record: &Record, why: &str) {
    let found = diagnose(record);
    assert_eq!((found.verdict, found.findings[0].code), (Placement::Unknown, Code::CannotTell), "{}", found.because);
    assert!(found.because.contains(why), "{}", found.because);
    assert!(found.next_lr.is_none() && found.confidence == 0.0 && !found.findings[0].advice.is_empty());
}

fn slow(from: f64, stride: f64, n: u32) -> Series {
    Series::new((0..n).map(|i| (from + stride * f64::from(i), 3.12 - 0.004 * f64::from(i))))
}

#[test]
fn a_part_of_a_run_is_not_judged() {
    for record in [
        Record { loss: slow(20_000.0, 200.0, 26), lr: curve(1, |_| 5e-3), ..Record::default() },
        loss(slow(101.0, 1.0, 100)),
        Record { val_loss: slow(50.0, 5.0, 30), ..Record::default() },
    ] {
        cannot_tell(&record, "it begins at step");
        silent(Code::Idle, &record);
        silent(Code::Quick, &record);
    }
    // The first reading of a log of every so many steps, and of epochs that count from one.
    for record in [loss(slow(50.0, 50.0, 40)), loss(slow(1.0, 1.0, 40))] {
        assert!(!diagnose(&record).because.contains("begins at"));
    }
}

#[test]
fn a_number_that_no_learned_run_had_gives_no_verdict() {
    // Ten orders of magnitude are those of weights that begin far off, at any rate.
    let far = curve(200, |t| (1.0 + 0.01 * shake(t)) * (1.0 + 5e10 * (-t / 4.0).exp()));
    cannot_tell(&loss(far), "no run that the verdicts were learned from shows that");
    assert!(!diagnose(&loss(healthy())).because.contains("learned from"));
}

#[test]
fn overfitting_alone_is_not_a_rate_too_high() {
    let epochs = |f: &dyn Fn(f64) -> f64| Series::new((1..31).map(|i| (f64::from(i), f(f64::from(i)))));
    let falls = epochs(&|t| 0.03 + 0.67 * (-0.15 * (t - 1.0)).exp());
    let rises = |t: f64| 0.55 + 0.14 * (-(t - 1.0) / 3.0).exp() + 0.02 * (t - 9.0).max(0.0) + 0.15 * shake(t);
    let record = Record { loss: falls, val_loss: epochs(&rises), ..Record::default() };
    fires(Code::Overfit, &record);
    cannot_tell(&record, "the validation loss was best at step 6");
}

#[test]
fn what_nothing_shook_is_not_called_too_high() {
    let of = |series: Series| Features::of(&loss(series));
    let falls = |scatter: f64| curve(200, move |t| (0.3 + 2.0 * (-t / 12.0).exp()) * (1.0 + scatter * shake(t)));
    assert!(scope::unshaken(&of(falls(0.02))).unwrap().contains("vary by only"));
    assert!(scope::unshaken(&of(falls(0.0))).unwrap().contains("smooth line"));
    assert_eq!(scope::unshaken(&of(falls(0.5))), None);
    assert_eq!(scope::unshaken(&of(curve(200, |t| if t < 5.0 { 1.0 + t } else { 0.9 }))), None);
    // Down to nothing at a constant rate, varying by a third of what is left.
    let record = |lr: &dyn Fn(f64) -> f64, series| Features::of(&Record { lr: curve(200, lr), ..loss(series) });
    let deep = || curve(200, |t| 2.0 * (-t / 30.0).exp() * (1.0 + 0.3 * shake(t) * (t / 60.0).min(1.0)));
    assert!(scope::falls_on(&record(&|_| 0.1, deep())).unwrap().contains("constant rate"));
    assert_eq!(scope::falls_on(&record(&|t| 0.1 * (1.0 - t / 200.0), deep())), None);
    assert_eq!(scope::falls_on(&record(&|_| 0.1, falls(0.3))), None);
}

#[test]
fn a_few_readings_show_no_shape() {
    cannot_tell(&loss(curve(9, |t| 2.3 - 0.1 * t)), "9 readings of the loss; a verdict needs at least 10");
    assert!(!diagnose(&loss(curve(10, |t| 2.3 - 0.1 * t))).because.contains("a verdict needs"));
}

#[test]
fn a_validation_loss_alone_does_not_show_a_rate_too_high() {
    let epochs = |f: &dyn Fn(f64) -> f64| Series::new((1..25).map(|i| (f64::from(i), f(f64::from(i)))));
    let few = epochs(&|t| 1.0 + 1.5 * (-t / 3.0).exp() + 1.2 * shake(t) + 0.03 * t);
    let train = epochs(&|t| 0.4 + 1.9 * (1.0 + t).powf(-0.5) * (1.0 + 0.3 * shake(t + 50.0)));
    let record = Record { val_loss: few, lr: epochs(&|_| 0.01), ..loss(train) };
    cannot_tell(&record, "the training loss alone does not show it");
}

#[test]
fn a_fine_tune_is_not_judged() {
    let facts = |f: &dyn Fn(&mut Facts)| {
        let mut record = loss(curve(300, |t| 1.1 - 0.001 * t));
        f(&mut record.facts);
        record
    };
    cannot_tell(&facts(&|f| f.classes = Some(32_000)), "of that of guessing");
    cannot_tell(&facts(&|f| f.weights = Weights::Trained), "trained weights");
    for (key, value) in
        [("pretrained", "True"), ("init_from", "gpt2"), ("model/resume_from", "last.pt"), ("lora_r", "8")]
    {
        cannot_tell(&facts(&|f| drop(f.other.insert(key.into(), value.into()))), "trained weights");
    }
    for (key, value) in [("pretrained", "False"), ("resume", ""), ("init_from", "scratch"), ("resume", "None")] {
        let found = diagnose(&facts(&|f| drop(f.other.insert(key.into(), value.into()))));
        assert!(!found.because.contains("trained weights"), "{key}={value}");
    }
    // A loss below that of any guessing beside an accuracy, before the first step.
    let score = curve(300, |t| 0.8 + 1e-4 * t);
    cannot_tell(&Record { score, ..loss(curve(300, |t| 0.4 - 1e-4 * t)) }, "of that of guessing");
}

#[test]
fn a_small_rate_is_judged_only_where_nothing_was_learned_from_scratch() {
    let at = |lr: f64, classes: Option<u32>, optimizer: &str, end: f64| Record {
        facts: Facts { lr: Some(lr), classes, optimizer: Some(optimizer.into()), ..Facts::default() },
        ..loss(curve(300, move |t| 2.4 - (2.4 - end) * t / 299.0))
    };
    for lr in [1e-5, 5e-5, 2e-4, 6e-4] {
        cannot_tell(&at(lr, None, "adamw", 2.0), "as in fine-tunes");
    }
    cannot_tell(&at(1e-4, Some(10), "sgd", 1.9), "as in fine-tunes");
    assert_eq!(diagnose(&at(1e-5, Some(10), "adam", 2.35)).verdict, Placement::TooLow);
    assert!(!diagnose(&at(1e-3, None, "adam", 2.0)).because.contains("fine-tunes"));
    assert!(!diagnose(&at(5e-4, None, "sgd", 2.0)).because.contains("fine-tunes"));
    // A run that is known to train from scratch, as those of `stepsize train`.
    let mut fresh = at(2e-4, None, "adamw", 2.3);
    fresh.facts.weights = Weights::Fresh;
    assert_eq!(diagnose(&fresh).verdict, Placement::TooLow);
}

#[test]
fn long_runs_games_and_losses_that_change_are_not_judged() {
    cannot_tell(&loss(Series::new((0..200).map(|i| (500.0 * f64::from(i), 8.0 - 0.02 * f64::from(i))))), "steps");
    let mut game = loss(curve(100, |t| 1.0 + 0.3 * shake(t)));
    game.facts.game = true;
    cannot_tell(&game, "a game");
    // Its loss may end anywhere, but not at NaN.
    game.loss = curve(100, |t| 1.0 + 0.1 * t);
    silent(Code::Diverged, &game);
    game.loss = curve(100, |_| 2f64.ln());
    cannot_tell(&game, "a game");
    game.loss = curve(100, |t| if t < 50.0 { 1.4 - 0.02 * t } else { 1.3 });
    cannot_tell(&game, "a game");
    game.loss = curve(100, |t| if t > 50.0 { f64::NAN } else { 1.0 });
    fires(Code::Diverged, &game);
    // A weight grows: the sum rises evenly.
    cannot_tell(&loss(curve(200, |t| 2.3 * (-t / 30.0).exp() + 0.01 * t)), "rises evenly");
    silent(Code::Diverged, &loss(curve(200, |t| 2.3 + 0.01 * t)));
    silent(Code::Diverged, &loss(curve(200, |t| 2.3 + 0.08 * t + 0.05 * shake(t))));
}

#[test]
fn rounds_of_boosting_are_not_judged_as_steps_of_a_network() {
    let mut rounds = loss(curve(60, |t| 0.1 + 0.6 * (-t / 10.0).exp()));
    rounds.val_loss = curve(60, |t| 0.2 + 0.5 * (-t / 10.0).exp() + 0.008 * t);
    rounds.facts.boosted = true;
    cannot_tell(&rounds, "gradient boosting");
    let codes: Vec<Code> = diagnose(&rounds).findings.iter().map(|f| f.code).collect();
    assert_eq!(codes, [Code::CannotTell, Code::Overfit]);
    rounds.loss = curve(60, |t| 0.7 + 0.1 * t);
    cannot_tell(&rounds, "gradient boosting");
}

#[test]
fn a_loss_that_begins_at_zero_is_not_judged() {
    cannot_tell(&loss(curve(40, |t| 6.0 * (1.0 - (-t / 4.0).exp()) * (1.0 + 0.1 * shake(t)))), "begins at 0");
}

#[test]
fn a_loss_without_a_floor_is_not_judged() {
    // The critic of a vocoder runs away below zero.
    cannot_tell(&loss(curve(200, |t| 1.5 - 0.01 * t - 0.002 * (t / 8.0).exp2())), "no floor");
    // A negative log likelihood of a flow is no such loss.
    assert!(!diagnose(&loss(curve(200, |t| 2.0 - 5.0 * (1.0 - (-t / 40.0).exp())))).because.contains("no floor"));
}

#[test]
fn a_fine_tune_that_ends_a_little_above_its_start_has_not_diverged() {
    let tuned = |end: f64| {
        let score = curve(300, |t| 0.8 - 4e-4 * t);
        Record { score, ..loss(curve(300, move |t| if t < 60.0 { 0.4 } else { end } + 0.01 * shake(t))) }
    };
    silent(Code::Diverged, &tuned(0.55));
    fires(Code::Diverged, &tuned(4.0));
    // A first reading late in the first epoch, far below any guessing.
    let late = Series::new((1..48).map(|i| (200.0 * f64::from(i), 0.03 + 0.1 * shake(f64::from(i)).abs())));
    cannot_tell(&Record { score: curve(6, |t| 0.9 + 0.01 * t), ..loss(late) }, "of that of guessing");
}

#[test]
fn step_decay_and_warmup_are_no_faults_of_the_schedule() {
    let with = |lr: Series| Record { loss: healthy(), lr, ..Record::default() };
    let steps = |cuts: &'static [f64]| {
        with(curve(400, move |t| 0.1 * 0.1f64.powi(cuts.iter().filter(|c| t >= **c).count() as i32)))
    };
    for cuts in [&[200.0, 300.0][..], &[130.0, 260.0], &[100.0, 150.0, 180.0], &[200.0]] {
        silent(Code::ScheduleTooShort, &steps(cuts));
    }
    // A cosine that ended early, and an exponential decay to a floor.
    let cosine = curve(400, |t| 0.05 * (1.0 + (std::f64::consts::PI * (t / 200.0).min(1.0)).cos()));
    fires(Code::ScheduleTooShort, &with(cosine));
    fires(Code::ScheduleTooShort, &with(curve(400, |t| (0.1 * (-t / 20.0).exp()).max(1e-5))));
    // A warm-up, short or long, logged coarsely or finely; and one again after a restart.
    for n in [5, 8, 40] {
        let rises = Series::new((0..n).map(|i| (19.0 + 20.0 * f64::from(i), 1.7e-5 * f64::from(i + 1))));
        silent(Code::Jump, &with(rises));
    }
    silent(Code::Jump, &with(curve(400, |t| if t < 100.0 { 1e-3 * (1.6f64).powf(t / 10.0).min(50.0) } else { 0.05 })));
}
