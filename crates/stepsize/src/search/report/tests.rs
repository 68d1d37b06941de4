use super::*;
use crate::probe::{Grid, Probe};
use crate::{Rate, Schedule, TrialId, VERSION};

fn job() -> Job {
    Job::new(1000, Schedule::constant(), 0).unwrap()
}

fn lr(value: f64) -> Lr {
    Lr::new(value).unwrap()
}

fn trial(id: u32, rate: f64, losses: &[f64], end: End) -> Trial {
    let mut trial = Trial::new(TrialId(id), job().trial(lr(rate), 100, 0).unwrap());
    trial.val = losses.iter().enumerate().map(|(i, &loss)| Point { step: i as u64 * 50, lr: rate, loss }).collect();
    trial.train = (0..100).map(|step| Point { step, lr: rate, loss: losses[0] }).collect();
    trial.steps_run = 100;
    trial.seconds = Some(0.5);
    trial.end = Some(end);
    trial
}

fn trials() -> Vec<Trial> {
    let burst = End::Diverged { step: 60, why: "training loss NaN at step 60".into() };
    vec![
        trial(0, 0.001, &[2.3, 2.0, 1.8], End::Finished),
        trial(1, 0.1, &[2.3, 0.5, 0.2], End::Finished),
        trial(2, 0.5, &[2.3, 0.9, 0.7], End::Finished),
        trial(3, 1.0, &[2.3, 2.5, 2.9], End::Finished),
        trial(4, 10.0, &[2.3, f64::NAN], burst),
    ]
}

fn estimate(answer: Answer) -> Estimate {
    Estimate { answer, divergence_lr: Some(lr(1.0)), cost_runs: 0.5, why: "seen".into(), landscape: vec![] }
}

fn rated(interval: Option<(Lr, Lr)>) -> Estimate {
    estimate(Answer::Rate(Rate { lr: lr(0.12), interval, p_keeps_98_pct: None }))
}

fn verdicts(estimate: &Estimate) -> Vec<Placement> {
    Report::new(&Question::in_words("q", "t", job()), estimate, &trials()).runs.iter().map(|r| r.verdict).collect()
}

#[test]
fn verdicts_follow_the_interval_and_a_refusal_knows_none() {
    use Placement::*;
    assert_eq!(verdicts(&rated(Some((lr(0.06), lr(0.2))))), [TooLow, Good, TooHigh, Diverged, Diverged]);
    assert_eq!(verdicts(&rated(None)), [TooLow, Good, TooHigh, Diverged, Diverged]);
    let refusal = Refusal { reason: Reason::Flat, because: "b".into(), remedies: vec![Remedy::CheckRateIsUsed] };
    assert_eq!(verdicts(&estimate(Answer::Refused(refusal))), [Unknown, Unknown, Unknown, Diverged, Diverged]);
}

#[test]
fn the_grid_covers_the_span_with_full_runs() {
    let report = Report::new(&Question::in_words("q", "t", job()), &rated(None), &trials()).with_price(3.6).unwrap();
    let grid = report.cost.grid.unwrap();
    assert_eq!((grid.runs, grid.steps, report.cost.steps), (17, 17_000, 500));
    assert!((report.cost.seconds.unwrap() - 2.5).abs() < 1e-12);
    assert!((grid.seconds.unwrap() - 85.0).abs() < 1e-9);
    let money = report.cost.money.unwrap();
    assert!((money.search - 0.0025).abs() < 1e-12 && (money.grid - 0.085).abs() < 1e-12);
}

#[test]
fn the_grid_pays_the_start_of_each_run_once() {
    // 10 s to start, 0.1 s a step; one trial was slowed down by another program.
    let mut trials = trials();
    for (trial, steps) in trials.iter_mut().zip([50, 50, 100, 100, 200]) {
        trial.spec.steps = steps;
        trial.steps_run = steps;
        trial.seconds = Some(10.0 + 0.1 * steps as f64);
    }
    let of = |trials: &[Trial]| {
        Report::new(&Question::in_words("q", "t", job()), &rated(None), trials).cost.grid.unwrap().seconds.unwrap()
    };
    assert!((of(&trials) - 17.0 * 110.0).abs() < 1e-6, "{}", of(&trials));
    trials[0].seconds = Some(25.0);
    assert!(of(&trials) > 17.0 * 60.0 && of(&trials) < 17.0 * 200.0, "{}", of(&trials));
}

#[test]
fn a_price_that_is_none_is_refused() {
    let report = Report::new(&Question::in_words("q", "t", job()), &rated(None), &trials());
    assert!(report.clone().with_price(f64::NAN).is_err() && report.with_price(-1.0).is_err());
}

#[test]
fn a_report_survives_json_and_holds_finite_numbers_only() {
    let report = Report::new(&Question::in_words("q", "t", job()), &rated(None), &trials());
    assert!(report.runs.iter().all(|r| r.val.iter().chain(&r.train).all(|p| p.loss.is_finite())));
    let text = serde_json::to_string(&report).unwrap();
    assert_eq!(serde_json::from_str::<Report>(&text).unwrap(), report);
}

#[test]
fn a_log_without_a_conclusion_is_a_refusal() {
    let study = Event::Study { version: VERSION, question: Question::in_words("q", "t", job()) };
    let report = Report::from_events(&[study]).unwrap();
    assert_eq!(report.estimate.refusal().unwrap().remedies, [Remedy::Resume]);
    assert_eq!(report.advice, "let the search run to its end");
    assert!(Report::from_events(&[]).is_err());
}

/// What a log of `trials` holds before its conclusion.
fn log_of(trials: &[Trial]) -> Vec<Event> {
    let mut events = vec![Event::Study { version: VERSION, question: Question::in_words("q", "t", job()) }];
    for t in trials {
        events.push(Event::Started { trial: t.id, spec: t.spec.clone() });
        let eval = |p: &Point| Event::Eval { trial: t.id, step: p.step, lr: p.lr, val_loss: p.loss, score: None };
        events.extend(t.val.points().iter().map(eval));
        events.push(Event::Ended { trial: t.id, end: t.end.clone().unwrap(), steps: t.steps_run, seconds: None });
    }
    events
}

#[test]
fn an_interrupted_study_names_the_same_rate_of_divergence_as_a_finished_one() {
    let mut events = log_of(&trials());
    let interrupted = Report::from_events(&events).unwrap();
    let grid = Grid::new(job(), lr(0.001), lr(10.0), 1).unwrap();
    events.push(Event::Concluded { estimate: grid.estimate(&trials()).unwrap() });
    let finished = Report::from_events(&events).unwrap();
    // 1.0 ended worse than untrained, 10 exploded.
    assert_eq!(finished.estimate.divergence_lr, Some(lr(1.0)));
    assert_eq!(interrupted.estimate.divergence_lr, finished.estimate.divergence_lr);
}

#[test]
fn a_rate_that_ended_above_its_first_mini_batch_is_shown_as_diverged_where_nothing_was_evaluated_before() {
    let mut ended = trial(0, 1.0, &[2.3, 2.5, 2.9], End::Finished);
    ended.val = ended.val.points()[1..].iter().copied().collect();
    let report = Report::new(&Question::in_words("q", "t", job()), &rated(None), &[ended]);
    assert_eq!(report.runs[0].verdict, Placement::Diverged, "the probes count it as diverged");
}

#[test]
fn thinning_keeps_both_ends() {
    let points: Vec<Point> = (0..1001).map(|step| Point { step, lr: 0.1, loss: 1.0 }).collect();
    let thinned = thin(&points, 240);
    assert_eq!((thinned.len(), thinned[0].step, thinned[239].step), (240, 0, 1000));
}

#[test]
fn smoothing_keeps_a_straight_fall_where_it_is() {
    let point = |step: u64| Point { step, lr: 0.1, loss: if step == 50 { f64::NAN } else { 100.0 - step as f64 } };
    let smoothed = smooth(&(0..=1000).map(point).collect());
    assert_eq!(smoothed.len(), 1000);
    assert!(smoothed[..970].iter().all(|p| (p.loss - (100.0 - p.step as f64)).abs() < 1.1));
}

#[test]
fn the_extremes_of_a_long_curve_keep_its_one_peak() {
    let loss = |step: u64| if step == 777 { 90.0 } else { 1.0 + (step % 7) as f64 / 10.0 };
    let points: Vec<Point> = (0..10_000).map(|step| Point { step, lr: 0.1, loss: loss(step) }).collect();
    let kept = extremes(&points, 240);
    assert!(kept.len() <= 242, "{}", kept.len());
    assert!(kept.iter().any(|p| p.step == 777 && p.loss == 90.0));
    assert!(kept.windows(2).all(|pair| pair[0].step < pair[1].step));
}
