use super::*;
use serde_json::json;
use stepsize::{Lr, Policy, TrialId, evaluation_steps, train};

/// All that an experiment emits.
fn played(name: &str, query: &str) -> Vec<Value> {
    let mut events = Vec::new();
    let experiment = Experiment::of(name, query).unwrap().unwrap();
    experiment
        .play(&mut |value| {
            events.push(value);
            ControlFlow::Continue(())
        })
        .unwrap();
    events
}

fn of_kind<'a>(events: &'a [Value], kind: &str) -> Vec<&'a Value> {
    events.iter().filter(|e| e["event"] == kind).collect()
}

#[test]
fn a_run_beside_others_is_the_run_alone() {
    let events = played("train", "steps=60&lr=0.001,0.1,30&schedule=cosine&seed=3");
    let end = of_kind(&events, "end")[0]["runs"].as_array().unwrap().clone();
    let losses: Vec<f64> = of_kind(&events, "frame")
        .iter()
        .flat_map(|frame| frame["runs"][1]["losses"].as_array().unwrap().iter().filter_map(Value::as_f64))
        .collect();
    let ask = Ask::new("steps=60&seed=3").unwrap();
    let play = job::PlayJob::of(&ask, 60, "cosine").unwrap();
    let spec = play.job.trial(Lr::new(0.1).unwrap(), 60, 3).unwrap();
    let (mut alone, mut last) = (Vec::new(), 0.0);
    let mut engine = play.task.engine(3).unwrap();
    let mut policy = Policy::new(spec.lr, spec.schedule.clone());
    train(engine.as_mut(), TrialId(0), &spec, &mut policy, &evaluation_steps(60, 20), &mut |event| {
        match event {
            stepsize::Event::Step { loss, .. } => alone.push(loss),
            stepsize::Event::Eval { val_loss, .. } => last = val_loss,
            _ => {}
        }
        ControlFlow::Continue(())
    })
    .unwrap();
    assert_eq!(losses, alone);
    assert_eq!(end[1]["val_loss"].as_f64(), Some(last));
    assert_eq!((end[2]["diverged"].as_bool(), end[1]["diverged"].as_bool()), (Some(true), Some(false)));
    // A frame has the images of its mistakes, and the number of all of them is that of the
    // accuracy.
    let begin = &events[0];
    let held_out = begin["images"]["classes"].as_array().unwrap().len();
    let frame = of_kind(&events, "frame").last().unwrap()["runs"][1].clone();
    let wrong = frame["wrong"].as_f64().unwrap() / held_out as f64;
    assert!((1.0 - wrong - frame["score"].as_f64().unwrap()).abs() < 1e-9);
    assert_eq!(frame["units"][0].as_str().unwrap().len(), 64);
}

#[test]
fn an_experiment_ends_when_nobody_listens() {
    for (name, query) in [("train", "steps=2000"), ("search", "probe=race&steps=2000"), ("guess", "steps=2000")] {
        let mut heard = 0;
        let experiment = Experiment::of(name, query).unwrap().unwrap();
        experiment
            .play(&mut |_| {
                heard += 1;
                if heard == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            })
            .unwrap();
        assert_eq!(heard, 3, "{name}");
    }
}

#[test]
fn a_range_test_emits_every_step_and_then_its_answer() {
    let events = played("search", "probe=range-test&trial_steps=100&steps=200&model=linear");
    let count =
        |field: &str| -> usize { of_kind(&events, "points").iter().map(|e| e[field].as_array().unwrap().len()).sum() };
    let report = &events.last().unwrap()["report"];
    assert_eq!(count("rates"), count("losses"));
    assert_eq!(count("losses") as u64, report["points"][0]["steps_run"].as_u64().unwrap());
    assert!(report["lr"].is_f64() || report["refused"].is_string(), "{report}");
}

#[test]
fn the_ways_begin_at_one_rate_and_differ() {
    let events = played("ways", "lr=0.1&steps=80");
    let runs = events[0]["runs"].as_array().unwrap();
    let names: Vec<&str> = runs.iter().filter_map(|run| run["name"].as_str()).collect();
    assert_eq!(names, ["fixed", "plateau / 2", "triangular", "one-cycle"]);
    let ends: Vec<String> =
        events.last().unwrap()["runs"].as_array().unwrap().iter().map(|run| run["val_loss"].to_string()).collect();
    assert!(ends[0] != ends[2] && ends[2] != ends[3], "{ends:?}");
}

#[test]
fn a_guess_is_judged_by_the_search() {
    let judged = |lr: &str| {
        let events = played("guess", &format!("lr={lr}&steps=120&model=linear"));
        events.last().unwrap()["placement"].as_str().unwrap().to_owned()
    };
    assert_eq!(judged("0.00001"), "too_low");
    assert!(["diverged", "too_high"].contains(&judged("5000").as_str()));
}

#[test]
fn a_schedule_is_told_with_its_peers_and_an_error_with_its_column() {
    let told = &played("schedule", "text=warmup(10%25)+then+cosine&steps=100&lr=0.5")[0];
    assert_eq!(told["notation"], json!("warmup(10) then cosine(90)"));
    assert_eq!(told["rates"][10].as_f64(), Some(0.5));
    let code = told["torch"]["code"].as_str().unwrap();
    assert!(code.contains("LambdaLR") && told["optax"]["named"] == "warmup_cosine_decay_schedule");
    let error = Experiment::of("schedule", "text=warmup(10)+then+cosin").unwrap_err();
    let fault = pages::fault(&error);
    assert_eq!((error.column(), fault["column"].as_u64()), (Some(16), Some(16)));
    assert!(!fault["error"].as_str().unwrap().contains('\n'));
}

#[test]
fn the_work_of_a_request_has_limits() {
    for query in ["steps=1000000", "lr=0.1,0.2,0.3,0.4", "model=mlp:65536", "data=/etc/passwd", "seed=x", "lr=1e300"] {
        assert!(Experiment::of("train", query).is_err(), "{query}");
    }
    assert!(Experiment::of("search", "trial_steps=100000").is_err());
    assert!(Experiment::of("birds", "birds=60000").is_err());
    assert!(Experiment::of("schedule", "steps=0").is_err());
    assert!(Experiment::of("nothing", "").unwrap().is_none());
}

#[test]
fn a_bird_at_the_best_rate_is_the_learner_of_the_demo() {
    let told = &played("birds", "")[0];
    assert_eq!(told["lr"], told["best"]);
    assert_eq!(told["beliefs"].as_array().unwrap().len(), told["birds"].as_array().unwrap().len() + 1);
}
