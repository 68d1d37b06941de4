#![allow(clippy::unwrap_used)]

use super::*;
use std::fs;

struct Dir(PathBuf);

impl Dir {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("stepsize-logfiles-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../stepsize-logs/tests/fixtures").join(name)
}

const CSV: &str = "step,loss\n0,3\n10,2\n";

#[test]
fn a_folder_gives_its_logs_and_one_that_fails_ends_nothing() {
    let dir = Dir::new("folder");
    dir.write("a/metrics.csv", CSV);
    dir.write("a/hparams.yaml", "lr: 0.25\noptimizer:\n  name: sgd  # a remark\n");
    dir.write("b/train.log", "step 0 loss 3\nstep 10 loss 2\n");
    dir.write("b/README.txt", "Nothing to see.\n");
    dir.write("b/model.py", "loss = 3\nstep = 4\n");
    dir.write("b/weights.bin", [0u8; 100]);
    dir.write("c/broken.json", "{\"log_history\": [{\"step\": 1, \"loss\": oops}]}");
    dir.write(".git/loss.csv", CSV);
    dir.write("node_modules/x/loss.csv", CSV);
    let found = collect(&[&dir.0]);
    let names: Vec<String> =
        found.iter().map(|(p, _)| p.strip_prefix(&dir.0).unwrap().to_string_lossy().into_owned()).collect();
    assert_eq!(names, ["a/metrics.csv", "b/train.log", "c/broken.json"]);
    let a = &found[0].1.as_ref().unwrap()[0];
    assert_eq!((a.facts["lr"].as_str(), a.facts["optimizer/name"].as_str()), ("0.25", "sgd"));
    assert!(found[2].1.as_ref().unwrap_err().to_string().contains("byte"));
}

#[test]
fn settings_beside_a_log_and_above_its_folder() {
    let dir = Dir::new("settings");
    dir.write("multirun/0/train.csv", CSV);
    dir.write("multirun/0/.hydra/config.yaml", "optimizer:\n  lr: 0.25\n");
    dir.write("multirun/0/.hydra/hydra.yaml", "hydra:\n  job:\n    num: 0\n");
    dir.write("run_a/config.json", "{\"lr\": 0.5, \"depth\": 3}");
    dir.write("run_a/logs/train.csv", CSV);
    dir.write("run_a/plots/train.csv", CSV);
    let found = collect(&[&dir.0]);
    let facts = |at: usize| &found[at].1.as_ref().unwrap()[0].facts;
    assert_eq!(facts(0)["lr"], "0.25");
    assert!(facts(0).keys().all(|name| !name.starts_with("hydra")), "{:?}", facts(0));
    assert_eq!((facts(1)["lr"].as_str(), facts(1)["depth"].as_str()), ("0.5", "3"));
    assert!(!facts(2).contains_key("lr"), "{:?}", facts(2));
}

#[test]
fn files_patterns_and_what_is_not_there() {
    let dir = Dir::new("patterns");
    dir.write("r1/x.csv", CSV);
    dir.write("r2/x.csv", CSV);
    let none = dir.write("words.txt", "no numbers\n");
    let pattern = dir.0.join("*/x.csv");
    let found = collect(&[&pattern, &none, &dir.0.join("missing"), &dir.0.join("*.nope")]);
    assert_eq!(found.iter().map(|(_, r)| r.is_ok()).collect::<Vec<_>>(), [true, true, false, false, false]);
    assert!(found[2].1.as_ref().unwrap_err().to_string().contains("holds no readings"));
}

#[test]
fn a_configuration_is_no_log_of_one_reading() {
    let dir = Dir::new("yaml");
    let settings = dir.write("config.yaml", "lr: 0.001\nloss: 0.5\n");
    let log = dir.write("log.yaml", "- {step: 1, loss: 0.5}\n- {step: 2, loss: 0.25}\n");
    let found = collect(&[&settings, &log]);
    assert!(found[0].1.as_ref().unwrap_err().to_string().contains("is a configuration"));
    assert!(found[1].1.is_ok());
}

#[test]
fn of_checkpoints_the_newest_and_of_event_files_the_sum() {
    let dir = Dir::new("joined");
    let state = |n: u32| {
        let rows: Vec<String> = (1..=n).map(|i| format!("{{\"step\": {i}, \"loss\": {i}.5}}")).collect();
        format!("{{\"max_steps\": 9, \"log_history\": [{}]}}", rows.join(", "))
    };
    for n in [2, 10, 9] {
        dir.write(&format!("hf/checkpoint-{n}/trainer_state.json"), state(n));
    }
    let events = fs::read(fixture("torch.tfevents")).unwrap();
    dir.write("tb/events.out.tfevents.1.a", &events[..events.len() - 3]);
    dir.write("tb/events.out.tfevents.2.a", &events);
    let found = collect(&[&dir.0]);
    assert_eq!(found.len(), 2, "{found:?}");
    assert_eq!(found[0].1.as_ref().unwrap()[0].series("loss").unwrap().points.len(), 10);
    let joined = &found[1].1.as_ref().unwrap()[0];
    assert_eq!(joined.series("train/loss").unwrap().points.len(), 21);
    assert!(joined.notes.iter().any(|n| n.contains("later file")), "{:?}", joined.notes);
}

#[test]
fn stores_of_mlflow() {
    for (place, file) in [(fixture("mlruns"), false), (fixture("mlflow.db"), true)] {
        let found = collect(&[&place]);
        let mut runs: Vec<&Run> = found.iter().flat_map(|(_, r)| r.as_ref().unwrap()).collect();
        runs.sort_by(|a, b| a.name.cmp(&b.name));
        assert_eq!(runs.len(), 2, "{place:?} {file}");
        assert_eq!((runs[0].name.as_str(), runs[0].facts["lr"].as_str()), ("lr-0.25", "0.25"));
        let loss = &runs[0].series("loss").unwrap().points;
        assert_eq!(loss.len(), 10);
        assert_eq!(loss[0], (0.0, 0.5));
        assert!((runs[1].series("val/loss").unwrap().points[9].1 - (0.9f64.powi(9) + 0.5)).abs() < 1e-12);
    }
    assert!(mlflow::read(&fixture("versions.txt")).unwrap_err().is_invalid());
}

#[test]
fn storages_of_optuna() {
    let dir = Dir::new("optuna");
    let store = rusqlite::Connection::open(dir.0.join("study.db")).unwrap();
    store
        .execute_batch(
            "CREATE TABLE studies (study_id INTEGER, study_name TEXT);
             CREATE TABLE study_directions (study_id INTEGER, objective INTEGER, direction TEXT);
             CREATE TABLE trials (trial_id INTEGER, number INTEGER, study_id INTEGER, state TEXT);
             CREATE TABLE trial_params (trial_id INTEGER, param_name TEXT, param_value FLOAT);
             CREATE TABLE trial_values (trial_id INTEGER, objective INTEGER, value FLOAT, value_type TEXT);
             CREATE TABLE trial_intermediate_values
                 (trial_id INTEGER, step INTEGER, intermediate_value FLOAT, intermediate_value_type TEXT);
             INSERT INTO studies VALUES (1, 'rings'), (2, 'two objectives'), (3, 'scores');
             INSERT INTO study_directions VALUES
                 (1, 0, 'MINIMIZE'), (2, 0, 'MINIMIZE'), (2, 1, 'MAXIMIZE'), (3, 0, 'MAXIMIZE');
             INSERT INTO trials VALUES
                 (1, 0, 1, 'COMPLETE'), (2, 1, 1, 'PRUNED'), (3, 2, 1, 'RUNNING'), (4, 0, 2, 'COMPLETE'), (5, 0, 3, 'COMPLETE');
             INSERT INTO trial_params VALUES (1, 'lr', 0.25), (2, 'lr', 0.5), (3, 'lr', 0.1), (5, 'lr', 0.5);
             INSERT INTO trial_values VALUES (1, 0, 0.75, 'FINITE'), (4, 0, 1.0, 'FINITE'), (5, 0, 0.9, 'FINITE');
             INSERT INTO trial_intermediate_values VALUES (2, 1, 2.5, 'FINITE'), (2, 2, NULL, 'NAN'), (2, 3, NULL, 'INF_POS');",
        )
        .unwrap();
    drop(store);
    let found = collect(&[&dir.0]);
    let runs = found[0].1.as_ref().unwrap();
    let names: Vec<&str> = runs.iter().map(|r| r.name.as_str()).collect();
    assert_eq!(names, ["rings trial 0", "rings trial 1", "scores trial 0"]);
    assert_eq!((runs[0].facts["lr"].as_str(), runs[1].facts["lr"].as_str()), ("0.25", "0.5"));
    assert_eq!(runs[0].series("loss").unwrap().points, [(1.0, 0.75)]);
    let pruned = &runs[1].series("loss").unwrap().points;
    assert!(pruned[0] == (1.0, 2.5) && pruned[1].1.is_nan() && pruned[2].1 == f64::INFINITY, "{pruned:?}");
    assert_eq!(runs[2].series("score").unwrap().points, [(1.0, 0.9)]);
}

#[test]
fn files_are_followed_while_they_grow_are_rewritten_and_come() {
    let dir = Dir::new("follow");
    let csv = dir.write("a.csv", "step,loss\n0,3\n1,");
    let mut follow = Follow::new(&[&dir.0]);
    let count = |found: &[Found]| -> Vec<usize> {
        found.iter().map(|(_, r)| r.as_ref().unwrap()[0].series("loss").unwrap().points.len()).collect()
    };
    assert_eq!(count(&follow.poll()), [1]);
    assert!(follow.poll().is_empty());
    fs::write(&csv, "step,loss\n0,3\n1,2\n2,1\n").unwrap();
    assert_eq!(count(&follow.poll()), [3]);
    let state = dir.write("b/trainer_state.json", "{\"log_history\": [{\"step\": 1, \"loss\": 2}]}");
    assert_eq!(count(&follow.poll()), [1]);
    fs::write(&state, "{\"log_history\": [{\"step\": 1, \"loss\": 2}, {\"step\": 2, \"loss\": 1}]}").unwrap();
    assert_eq!(count(&follow.poll()), [2]);
    // Begun anew, and shorter.
    fs::write(&csv, "step,loss\n0,9\n").unwrap();
    assert_eq!(count(&follow.poll()), [1]);
}

/// The first file was written before the clock went back an hour, so the second never is the
/// newest.
#[test]
fn logs_of_several_files_are_followed_when_the_clock_goes_back() {
    let dir = Dir::new("clock");
    let events = fs::read(fixture("torch.tfevents")).unwrap();
    let first = dir.write("events.out.tfevents.1.a", &events[..events.len() / 2]);
    let ahead = std::time::SystemTime::now() + std::time::Duration::from_secs(3600);
    fs::File::options().write(true).open(first).unwrap().set_modified(ahead).unwrap();
    dir.write("events.out.tfevents.2.a", &events[..events.len() / 2]);
    let mut follow = Follow::new(&[&dir.0]);
    let points = |found: &[Found]| -> Vec<usize> {
        found.iter().map(|(_, r)| r.as_ref().unwrap()[0].series("train/loss").unwrap().points.len()).collect()
    };
    let before = points(&follow.poll());
    assert!(follow.poll().is_empty());
    dir.write("events.out.tfevents.2.a", &events);
    let after = points(&follow.poll());
    assert!(before.len() == 1 && after.len() == 1 && after[0] > before[0], "{before:?} {after:?}");
}
