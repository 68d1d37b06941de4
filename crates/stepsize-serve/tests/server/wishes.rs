//! What a page asks of a search reaches the process that runs it, and is done.

use crate::client::Site;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;
use stepsize::quadratic::NoisyQuadratic;
use stepsize::{
    End, Engine, Evaluation, Event, FindProbe, Job, Question, QuestionKind, Result, Schedule, Snapshot, Trial, TrialId,
    Wish, fold,
};
use stepsize_study::{InProcess, Studies, Study};

/// A model that takes its time, so that there is something to stop.
struct Slow(NoisyQuadratic, u64);

impl Engine for Slow {
    fn step(&mut self, lr: f64) -> Result<f64> {
        std::thread::sleep(Duration::from_millis(self.1));
        self.0.step(lr)
    }

    fn evaluate(&mut self) -> Result<Evaluation> {
        self.0.evaluate()
    }

    fn save(&mut self) -> Result<Snapshot> {
        self.0.save()
    }

    fn restore(&mut self, snapshot: &Snapshot) -> Result<()> {
        self.0.restore(snapshot)
    }
}

fn question(budget: f64) -> Question {
    let kind = QuestionKind::Find { probe: FindProbe::Race, start: None, budget: Some(budget), low: None, high: None };
    Question { kind, pruner: None, task: "a quadratic".into(), job: Job::new(640, Schedule::constant(), 0).unwrap() }
}

/// Runs the study of `question` in a thread, to its end; a step takes `pace` ms.
fn search(site: &Site, question: Question, pace: u64) -> std::thread::JoinHandle<Vec<Event>> {
    let (db, dir) = (site.db(), site.dir.clone());
    std::thread::spawn(move || {
        let store = Studies::open(&db).unwrap().study("a", &["find".into()], &dir).unwrap();
        let study = Study::open(&question, question.probe().unwrap(), Box::new(store)).unwrap();
        let engines = Arc::new(move |seed| {
            Ok(Box::new(Slow(NoisyQuadratic::new().with_reading_noise(0.01, seed), pace)) as Box<dyn Engine>)
        });
        let mut pool = InProcess::new(1, engines).unwrap();
        study.run(&mut pool, &AtomicBool::new(false), &mut |_| {}).unwrap();
        Studies::look(&db).unwrap().events("a").unwrap()
    })
}

/// Waits until trial `trial` has begun.
fn begun(site: &Site, trial: u32) {
    for _ in 0..2000 {
        let started = |e: &Event| matches!(e, Event::Started { trial: id, .. } if id.0 == trial);
        let events = Studies::look(&site.db()).and_then(|studies| studies.events("a")).unwrap_or_default();
        if events.iter().any(started) {
            return;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    panic!("trial {trial} never began");
}

fn trials(events: &[Event]) -> Vec<Trial> {
    fold(events).into_values().collect()
}

const WISH: &str = "/api/study/a/wish";

#[test]
fn a_trial_that_is_stopped_ends_and_the_search_goes_on() {
    let site = Site::new("stop-trial");
    let search = search(&site, question(0.5), 20);
    begun(&site, 0);
    let answer = site.post(WISH, r#"{"wish":"stop_trial","trial":0}"#);
    assert_eq!(answer.status, 200, "{answer:?}");
    let events = search.join().unwrap();
    let all = trials(&events);
    assert_eq!(all[0].end, Some(End::Pruned { why: "stopped by hand".into() }));
    assert!(all.len() > 2, "the search went on: {} trials", all.len());
    let wish = Wish::StopTrial { trial: TrialId(0) };
    assert!(events.iter().any(|e| matches!(e, Event::Asked { wish: asked, .. } if *asked == wish)));
}

#[test]
fn a_search_that_is_stopped_concludes_from_what_has_ended() {
    let site = Site::new("stop");
    let search = search(&site, question(4.0), 4);
    begun(&site, 3);
    assert_eq!(site.post(WISH, r#"{"wish":"stop"}"#).status, 200);
    let events = search.join().unwrap();
    assert!(matches!(events.last(), Some(Event::Concluded { .. })));
    assert!(trials(&events).iter().any(|t| t.end == Some(End::Stopped)));
    let again = site.post(WISH, r#"{"wish":"stop"}"#);
    assert_eq!(again.status, 409, "nothing runs: {again:?}");
    assert!(again.body.contains("stepsize resume a"), "{again:?}");
}

#[test]
fn more_budget_is_spent_and_a_rate_is_tried_and_a_resumed_study_is_the_same() {
    let site = Site::new("budget");
    let small = search(&site, question(0.3), 2).join().unwrap();
    let cost = |events: &[Event]| question(0.3).job.cost_runs(&trials(events));
    assert!(cost(&small) <= 0.31);
    // Nothing runs: it is kept for the next process.
    let kept = site.post(WISH, r#"{"wish":"budget","runs":0.8}"#);
    assert!(kept.status == 200 && kept.body.contains("stepsize resume a"), "{kept:?}");
    let second = search(&site, question(0.3), 2);
    begun(&site, trials(&small).len() as u32);
    assert_eq!(site.post(WISH, r#"{"wish":"rate","lr":0.0123,"steps":40}"#).status, 200);
    let events = second.join().unwrap();
    assert!(cost(&events) > cost(&small) + 0.1 && cost(&events) <= 0.95, "{}", cost(&events));
    let all = trials(&events);
    let added: Vec<&Trial> = all.iter().filter(|t| t.spec.lr.get() == 0.0123).collect();
    assert_eq!(added.len(), 1);
    assert!(added[0].end.is_some() && added[0].spec.steps == 40);
    // Once more: every trial is known, so that nothing runs.
    let third = search(&site, question(0.3), 2).join().unwrap();
    assert_eq!(trials(&third).len(), all.len());
    assert_eq!(cost(&third), cost(&events));
}

#[test]
fn a_wish_that_cannot_be_granted_is_refused_with_the_reason() {
    let site = Site::new("refused");
    let search = search(&site, question(0.5), 2);
    begun(&site, 0);
    for (wish, status) in [
        (r#"{"wish":"budget","runs":-1}"#, 409),
        (r#"{"wish":"budget","runs":0.0001}"#, 409),
        (r#"{"wish":"rate","lr":-1}"#, 400),
        (r#"{"wish":"rate","lr":0.1,"steps":99999999}"#, 409),
        (r#"{"wish":"dance"}"#, 400),
        ("", 400),
        ("[]", 400),
    ] {
        let answer = site.post(WISH, wish);
        assert_eq!(answer.status, status, "{wish}: {answer:?}");
        assert!(answer.body.contains("\"error\":"), "{answer:?}");
    }
    search.join().unwrap();
}
