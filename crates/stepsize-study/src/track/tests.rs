#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use crate::logfiles;
use stepsize::{Job, Lr, Schedule};

fn search() -> (Question, Vec<Event>) {
    let job = Job::new(40, Schedule::constant(), 0).unwrap();
    let mut events = Vec::new();
    for (id, lr) in [(0, 0.1), (1, 0.2)] {
        let (trial, spec) = (TrialId(id), job.trial(Lr::new(lr).unwrap(), 20, 0).unwrap());
        events.push(Event::Started { trial, spec });
        for step in 0..20 {
            events.push(Event::Step { trial, step, lr, loss: 2.0 - f64::from(step as u32) * lr / 4.0 });
        }
        events.push(Event::Eval { trial, step: 20, lr, val_loss: 2.0 - lr, score: Some(lr) });
        events.push(Event::Ended { trial, end: End::Finished, steps: 20, seconds: Some(0.1) });
    }
    (Question::in_words("sweep", "a task", job), events)
}

fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("stepsize-track-{}-{name}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    folder
}

/// The runs below a folder, by name, with how many readings of the loss they have.
fn read(folder: &Path) -> Vec<(String, u64)> {
    let found = logfiles::collect(&[folder]);
    let runs = found.into_iter().flat_map(|(_, runs)| runs.unwrap());
    let mut runs: Vec<_> = runs.filter_map(|run| Some((run.name.clone(), run.series("loss")?.seen))).collect();
    runs.sort();
    runs
}

/// Runs the search with its trials in `place`; looks after each event.
fn track(place: TrackTo, mut look: impl FnMut(&Event)) {
    let (question, events) = search();
    let mut tracker = TrackWriter::open(&[place], &question).unwrap();
    for event in &events {
        assert_eq!(tracker.see(1.8e9, event), Vec::<String>::new());
        look(event);
    }
}

#[test]
fn trials_are_there_while_they_run_and_a_trial_that_runs_again_is_there_once() {
    for kind in ["tensorboard", "wandb-offline"] {
        let folder = folder(kind);
        let place: TrackTo = format!("{kind}:{}", folder.display()).parse().unwrap();
        let mut ended = 0;
        track(place.clone(), |event| {
            if let Event::Ended { .. } = event {
                ended += 1;
                assert_eq!(read(&folder).len(), ended, "{kind}");
            }
        });
        assert!(read(&folder).iter().all(|(_, seen)| *seen == 20), "{kind}: {:?}", read(&folder));
        if kind == "tensorboard" {
            track(place, |_| {});
            assert_eq!(read(&folder).len(), 2);
        }
        std::fs::remove_dir_all(folder).unwrap();
    }
}

#[test]
fn a_folder_of_mlflow_has_its_layout_and_one_experiment() {
    let folder = folder("mlflow");
    track(TrackTo::Mlflow(folder.clone()), |_| {});
    track(TrackTo::Mlflow(folder.clone()), |_| {});
    let metrics = glob::glob(&format!("{}/*/*/metrics/loss", folder.display())).unwrap().flatten();
    let metrics: Vec<PathBuf> = metrics.collect();
    assert_eq!(metrics.len(), 4);
    let text = std::fs::read_to_string(&metrics[0]).unwrap();
    assert!(text.lines().count() == 20 && text.lines().last().unwrap().ends_with(" 19"), "{text}");
    let runs = glob::glob(&format!("{}/*/*/meta.yaml", folder.display())).unwrap().flatten();
    let states: Vec<String> = runs.map(|path| std::fs::read_to_string(path).unwrap()).collect();
    // Both searches were cut off before their conclusion.
    assert_eq!(states.iter().filter(|text| text.contains("status: 3")).count(), 4);
    assert_eq!(states.iter().filter(|text| text.contains("status: 5")).count(), 2);
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_place_that_fails_is_said_once_and_the_others_go_on() {
    let (bad, good) = (folder("bad"), folder("good"));
    let (question, events) = search();
    let places = [TrackTo::TensorBoard(bad.clone()), TrackTo::TensorBoard(good.clone())];
    let mut tracker = TrackWriter::open(&places, &question).unwrap();
    std::fs::remove_dir_all(&bad).unwrap();
    std::fs::write(&bad, "a file now").unwrap();
    let said: Vec<String> = events.iter().flat_map(|event| tracker.see(1.8e9, event)).collect();
    assert!(said.len() == 1 && said[0].contains("no longer written to tensorboard:"), "{said:?}");
    assert_eq!(read(&good).len(), 2);
    assert!(TrackWriter::open(&[TrackTo::Mlflow(bad.clone())], &question).is_err());
    std::fs::remove_file(bad).unwrap();
    std::fs::remove_dir_all(good).unwrap();
}

#[test]
fn a_place_is_named_by_its_kind() {
    for text in ["tensorboard:runs", "mlflow:./mlruns", "wandb-offline:/tmp/x"] {
        assert_eq!(text.parse::<TrackTo>().unwrap().to_string(), text);
    }
    assert!(matches!("mlflow:file:///a/b".parse(), Ok(TrackTo::Mlflow(path)) if path == Path::new("/a/b")));
    for (text, what) in [
        ("runs", "is not a place"),
        ("csv:runs", "not a kind of place"),
        ("wandb:x", "wandb-offline:DIR"),
        ("mlflow:http://localhost:5000", "stepsize.loggers.MLflow"),
        ("mlflow:sqlite:///a.db", "mlflow:./mlruns"),
        ("tensorboard:", "is not a place"),
    ] {
        let error = text.parse::<TrackTo>().unwrap_err().to_string();
        assert!(error.contains(what), "{text}: {error}");
    }
}
