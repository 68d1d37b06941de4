//! Every format from bytes to runs: what the real writers wrote (`fixtures/make.py`), and what
//! tools print.

#![allow(clippy::unwrap_used, clippy::panic, clippy::expect_used, missing_docs)]

mod again;
mod begins;
mod cells;
mod empty;
mod kinds;
mod lines;
mod odd;
mod text;
mod tools;
mod trainings;

use stepsize_logs::{Format, HEAD, LogReader, Run, detect};

fn read_as(format: Format, name: &str, bytes: &[u8], size: usize) -> Vec<Run> {
    let mut reader = LogReader::new(format, name);
    for chunk in bytes.chunks(size) {
        reader.push(chunk).unwrap();
    }
    reader.finish().unwrap()
}

/// Detects, reads whole and in odd pieces, which must agree.
#[track_caller]
fn read(name: &str, bytes: &[u8], expected: Format) -> Vec<Run> {
    let format = detect(&bytes[..bytes.len().min(HEAD)], name);
    assert_eq!(format, expected, "{name}");
    assert_eq!(detect(bytes, "file"), expected, "{name} without its name");
    let runs = read_as(format, name, bytes, bytes.len().max(1));
    for size in [1, 7, 1000] {
        let pieces = read_as(format, name, bytes, size);
        assert_eq!(format!("{pieces:?}"), format!("{runs:?}"), "{name} in pieces of {size}");
    }
    runs
}

#[track_caller]
fn text(text: &str) -> Vec<Run> {
    read("train.log", text.as_bytes(), Format::Text)
}

#[track_caller]
fn one(runs: Vec<Run>) -> Run {
    assert_eq!(runs.len(), 1, "{runs:#?}");
    runs.into_iter().next().unwrap()
}

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/tests/fixtures/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn loss(i: f64) -> f64 {
    2.0 * 0.9f64.powf(i)
}

#[track_caller]
fn points<'a>(run: &'a Run, name: &str) -> &'a [(f64, f64)] {
    &run.series(name).unwrap_or_else(|| panic!("no {name} in {run:#?}")).points
}

/// That a series is `f(i)` at `step(i)` for each i.
#[track_caller]
fn is(run: &Run, name: &str, count: usize, step: impl Fn(f64) -> f64, f: impl Fn(f64) -> f64) {
    let seen = points(run, name);
    assert_eq!(seen.len(), count, "{name}: {seen:?}");
    for (i, (at, value)) in seen.iter().enumerate() {
        let i = i as f64;
        assert_eq!(*at, step(i), "step {i} of {name}: {seen:?}");
        assert!((value - f(i)).abs() < 1e-6, "{name} at {at}: {value} is not {}", f(i));
    }
}

#[track_caller]
fn fact(run: &Run, name: &str, value: &str) {
    assert_eq!(run.facts.get(name).map(String::as_str), Some(value), "{name} in {:?}", run.facts);
}

#[test]
fn tables_of_pandas() {
    for (name, format) in [
        ("pandas.csv", Format::Csv),
        ("pandas.tsv", Format::Tsv),
        ("pandas_semicolon.csv", Format::Csv),
        ("pandas_utf16.csv", Format::Csv),
        ("pandas.jsonl", Format::JsonLines),
        ("pandas_columns.json", Format::JsonArrays),
        ("pandas_records.json", Format::JsonArrays),
    ] {
        let run = one(read(name, &fixture(name), format));
        if name == "pandas_columns.json" {
            is(&run, "loss", 20, |i| i, loss);
            continue;
        }
        is(&run, "loss", 20, |i| i, loss);
        is(&run, "val_loss", 4, |i| i * 5.0 + 4.0, |i| loss(i * 5.0 + 4.0) + 0.5);
        assert_eq!(run.counter, "step");
    }
}

#[test]
fn lightning_metrics() {
    let run = one(read("metrics.csv", &fixture("lightning.csv"), Format::Csv));
    is(&run, "train_loss", 20, |i| i * 10.0, loss);
    is(&run, "val_loss", 4, |i| i * 50.0 + 40.0, |i| loss(i * 5.0 + 4.0) + 0.5);
    assert_eq!(points(&run, "lr-SGD").len(), 20);
}

#[test]
fn tensorboard_events() {
    for name in ["torch.tfevents", "torch_tensor.tfevents"] {
        let run = one(read(name, &fixture(name), Format::TensorBoard));
        let seen = points(&run, "train/loss");
        assert_eq!(seen.len(), 21, "{name}");
        assert!(seen[20].0 == 200.0 && seen[20].1.is_nan());
        assert!((seen[19].1 - loss(19.0)).abs() < 1e-6 && seen[19].0 == 190.0);
        is(&run, "val/loss", 4, |i| i * 50.0 + 40.0, |i| loss(i * 5.0 + 4.0) + 0.5);
        fact(&run, "note", "a text");
    }
    let run = one(read("x", &fixture("tensorboardx.tfevents"), Format::TensorBoard));
    is(&run, "loss", 20, |i| i, loss);
    let run = one(read("x", &fixture("torch_hparams.tfevents"), Format::TensorBoard));
    fact(&run, "lr", "0.125");
    fact(&run, "optimizer", "sgd");
    fact(&run, "nesterov", "1");
}

#[test]
fn an_event_file_that_is_cut_or_broken() {
    let whole = fixture("torch.tfevents");
    let run = one(read("x", &whole[..whole.len() - 5], Format::TensorBoard));
    assert_eq!(points(&run, "train/loss").len(), 20);
    assert!(run.notes[0].contains("is cut at byte"), "{:?}", run.notes);
    let mut broken = whole.clone();
    let middle = broken.len() / 2;
    broken[middle..middle + 40].fill(7);
    let run = one(read("x", &broken, Format::TensorBoard));
    assert!((1..20).contains(&points(&run, "train/loss").len()));
    assert!(run.notes[0].contains("checksum"), "{:?}", run.notes);
    let mut reader = LogReader::new(Format::TensorBoard, "");
    assert!(reader.push(b"loss,step\n1,2\n1,2\n1,2").unwrap_err().is_invalid());
}

#[test]
fn hugging_face() {
    let run = one(read("trainer_state.json", &fixture("trainer_state.json"), Format::TrainerState));
    assert_eq!(run.counter, "step");
    let steps: Vec<f64> = points(&run, "loss").iter().map(|p| p.0).collect();
    assert_eq!(steps, [2.0, 4.0, 6.0, 8.0, 10.0, 12.0]);
    assert_eq!(points(&run, "eval_loss").len(), 3);
    assert!(points(&run, "learning_rate")[0].1 < 0.0625 + 1e-9);
    fact(&run, "total_steps", "12");
    fact(&run, "total_epochs", "3");
    fact(&run, "batch_size", "8");
    let printed = one(text(&String::from_utf8(fixture("hugging_face.txt")).unwrap()));
    assert_eq!(points(&printed, "eval_loss").len(), 3);
    assert_eq!(points(&printed, "loss").len(), 6);
    assert_eq!(printed.counter, "epoch");
}

#[test]
fn keras() {
    let history: serde_json::Value = serde_json::from_slice(&fixture("keras_history.json")).unwrap();
    let wanted =
        |name: &str| history[name].as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect::<Vec<f64>>();
    for (name, format, printed) in [
        ("keras_history.json", Format::KerasHistory, false),
        ("keras.csv", Format::Csv, false),
        ("keras.txt", Format::Text, true),
    ] {
        let run = one(read(name, &fixture(name), format));
        for series in ["loss", "val_loss"] {
            let seen = points(&run, series);
            // Of the bar of an epoch only the end is told: the mean over the epoch.
            let last: Vec<f64> = seen.iter().map(|p| p.1).collect();
            assert!(last.len() >= 3, "{name} {series} {seen:?}");
            if !printed {
                for (seen, wanted) in last.iter().zip(wanted(series)) {
                    assert!((seen - wanted).abs() < 1e-9, "{name} {series}");
                }
            } else if series == "val_loss" {
                for (seen, wanted) in last.iter().zip(wanted(series)) {
                    assert!((seen - wanted).abs() < 1e-3, "{name} {series} {seen} {wanted}");
                }
            }
        }
    }
}

#[test]
fn optuna_and_other_tables_of_runs() {
    let wanted: Vec<[f64; 2]> = serde_json::from_slice(&fixture("optuna.json")).unwrap();
    let runs = read("optuna.csv", &fixture("optuna.csv"), Format::Csv);
    assert_eq!(runs.len(), wanted.len());
    for (run, [lr, value]) in runs.iter().zip(wanted) {
        assert_eq!(run.facts["lr"].parse::<f64>().unwrap(), lr);
        assert_eq!(points(run, "value")[0].1, value);
    }
    let exported =
        "Name,State,lr,optimizer,_step,loss\nfair-1,finished,0.1,sgd,100,0.5\nfair-2,crashed,0.01,sgd,70,0.75\n";
    let runs = read("wandb.csv", exported.as_bytes(), Format::Csv);
    assert_eq!((runs.len(), runs[1].name.as_str()), (2, "fair-2"));
    fact(&runs[1], "lr", "0.01");
    assert_eq!(points(&runs[1], "loss"), [(70.0, 0.75)]);
    let runs = read("sweep.csv", b"lr,seed,final_loss\n1e-3,1,3\n1e-2,1,2\n1e-1,1,nan\n", Format::Csv);
    assert_eq!(runs.len(), 3);
    assert!(points(&runs[2], "final_loss")[0].1.is_nan());
    let runs =
        read("sweep.jsonl", b"{\"lr\": 0.001, \"val_loss\": 3}\n{\"lr\": 0.01, \"val_loss\": 2}\n", Format::JsonLines);
    assert_eq!(runs.len(), 2);
    fact(&runs[1], "lr", "0.01");
}

#[test]
fn columns_of_several_runs() {
    let chart = "\"Step\",\"big - loss\",\"big - loss__MIN\",\"big - loss__MAX\",\"small - loss\"\n\"0\",\"2\",\"2\",\"2\",\"\"\n\"10\",\"1\",\"1\",\"1\",\"3\"\n";
    let runs = read("chart.csv", chart.as_bytes(), Format::Csv);
    assert_eq!(runs.len(), 2);
    assert_eq!((runs[0].name.as_str(), points(&runs[0], "loss")), ("big", &[(0.0, 2.0), (10.0, 1.0)][..]));
    assert_eq!((runs[1].name.as_str(), points(&runs[1], "loss")), ("small", &[(10.0, 3.0)][..]));
    let long = "run,step,metric,value\na,0,loss,3\na,1,loss,2\nb,0,loss,4\nb,1,loss,5\n";
    let runs = read("long.csv", long.as_bytes(), Format::Csv);
    assert_eq!(runs.len(), 2);
    assert_eq!(points(&runs[1], "loss"), [(0.0, 4.0), (1.0, 5.0)]);
    let runs = read("x.csv", b"run_id,step,loss\na,0,3\nb,0,4\na,1,2\nb,1,5\n", Format::Csv);
    assert_eq!((runs.len(), points(&runs[0], "loss").len()), (2, 2));
}

#[test]
fn yolo_results() {
    let text = "                  epoch,         train/box_loss,        metrics/mAP50(B),                 lr/pg0\n                      1,                 1.5,                 0.25,              0.00333\n                      2,                 1.25,                 0.5,              0.00667\n";
    let run = one(read("results.csv", text.as_bytes(), Format::Csv));
    assert_eq!(points(&run, "train/box_loss"), [(1.0, 1.5), (2.0, 1.25)]);
    assert_eq!(points(&run, "metrics/mAP50(B)")[1].1, 0.5);
}

#[test]
fn records_of_detectron_and_mmdetection() {
    let detectron = "{\"data_time\": 0.1, \"eta_seconds\": 9.5, \"iteration\": 19, \"loss_cls\": 4.5, \"lr\": 0.001, \"total_loss\": 5.5}\n{\"data_time\": 0.1, \"eta_seconds\": 9.5, \"iteration\": 39, \"loss_cls\": 3.5, \"lr\": 0.002, \"total_loss\": 4.5}\n{\"bbox/AP\": 12.5, \"iteration\": 39}\n";
    let run = one(read_as(Format::DetectronJson, "metrics.json", detectron.as_bytes(), 50));
    assert_eq!(detect(detectron.as_bytes(), "metrics.json"), Format::DetectronJson);
    assert_eq!(points(&run, "total_loss"), [(19.0, 5.5), (39.0, 4.5)]);
    assert_eq!(points(&run, "bbox/AP"), [(39.0, 12.5)]);
    let mm = "{\"env_info\": \"linux\", \"seed\": 3}\n{\"mode\": \"train\", \"epoch\": 1, \"iter\": 50, \"lr\": 0.01, \"loss\": 2.5}\n{\"mode\": \"train\", \"epoch\": 1, \"iter\": 100, \"lr\": 0.01, \"loss\": 2.0}\n{\"mode\": \"val\", \"epoch\": 1, \"iter\": 20, \"lr\": 0.01, \"loss\": 2.25}\n{\"mode\": \"train\", \"epoch\": 2, \"iter\": 50, \"lr\": 0.01, \"loss\": 1.5}\n";
    let run = one(read("x.log.json", mm.as_bytes(), Format::DetectronJson));
    assert_eq!(points(&run, "loss"), [(50.0, 2.5), (100.0, 2.0), (150.0, 1.5)]);
    assert_eq!(points(&run, "val_loss").len(), 1);
    fact(&run, "env_info", "linux");
}

#[test]
fn records_nested_lenient_and_cut() {
    let lines = "{\"step\": 1, \"eval\": {\"loss\": 2, \"deep\": {\"acc\": 0.5}}, \"lr\": [0.1, 0.2], \"ok\": true}\n\nWARNING something\n{\"step\": 2, \"eval\": {\"loss\": NaN, \"deep\": {\"acc\": null}}, \"name\": \"a \\\" b\"}\n{'step': 3, 'eval': {'loss': inf}}\n{\"step\": 4, \"eval\": {\"lo";
    let run = one(read("x.jsonl", lines.as_bytes(), Format::JsonLines));
    let seen = points(&run, "eval/loss");
    assert_eq!(seen[0], (1.0, 2.0));
    assert!(seen[1].1.is_nan() && seen[2] == (3.0, f64::INFINITY) && seen.len() == 3);
    assert_eq!(points(&run, "eval/deep/acc"), [(1.0, 0.5)]);
    assert_eq!(points(&run, "lr"), [(1.0, 0.1)]);
    assert!(run.notes.iter().any(|n| n.contains("last line is cut")), "{:?}", run.notes);
}

#[test]
fn documents_of_lists() {
    let deepobs = r#"{"train_losses": [3.0, 2.0, 1.5], "valid_losses": [3.5, 2.5, 2.0], "minibatch_train_losses": [4, 3, 2, 1, 1],
        "optimizer_name": "SGD", "optimizer_hyperparams": {"lr": 0.1, "momentum": 0.9}, "batch_size": 128, "num_epochs": 2}"#;
    let run = one(read("run.json", deepobs.as_bytes(), Format::JsonArrays));
    assert_eq!(points(&run, "valid_losses"), [(0.0, 3.5), (1.0, 2.5), (2.0, 2.0)]);
    assert_eq!(points(&run, "minibatch_train_losses").len(), 5);
    fact(&run, "lr", "0.1");
    fact(&run, "optimizer", "SGD");
    fact(&run, "batch_size", "128");
    fact(&run, "total_epochs", "2");
    let counted = r#"{"epochs": [10, 20, 30, 40], "loss": [4, 3, 2, 1], "acc": [0, 0.25, 0.5, 0.75]}"#;
    let run = one(read("h.json", counted.as_bytes(), Format::KerasHistory));
    assert_eq!(points(&run, "loss")[2], (30.0, 2.0));
    let pairs = "[[1700000000.5, 0, 2.5], [1700000001.5, 10, 1.5]]";
    let run = one(read("scalars.json", pairs.as_bytes(), Format::JsonArrays));
    assert_eq!(points(&run, "value"), [(0.0, 2.5), (10.0, 1.5)]);
    let runs = r#"[{"name": "a", "lr": 0.1, "loss": [3, 2, 1, 1]}, {"name": "b", "lr": 0.2, "loss": [3, 4, 5, 6]}]"#;
    let runs = read("runs.json", runs.as_bytes(), Format::JsonArrays);
    assert_eq!((runs.len(), runs[1].name.as_str()), (2, "b"));
    fact(&runs[1], "lr", "0.2");
    assert_eq!(points(&runs[1], "loss")[3], (3.0, 6.0));
    let runs = r#"{"lr=0.1": {"loss": [3, 2, 1, 1]}, "lr=0.2": {"loss": [3, 4, 5, 6]}}"#;
    assert_eq!(read("runs.json", runs.as_bytes(), Format::JsonArrays).len(), 2);
    let split = r#"{"train": {"loss": [3, 2, 1, 1]}, "val": {"loss": [3, 4, 5, 6]}}"#;
    let run = one(read("split.json", split.as_bytes(), Format::JsonArrays));
    assert_eq!(points(&run, "val/loss")[1], (1.0, 4.0));
}

#[test]
fn documents_that_are_cut_or_broken() {
    let state = String::from_utf8(fixture("trainer_state.json")).unwrap();
    let cut = &state[..state.find("eval_loss").unwrap()];
    let run = one(read_as(Format::TrainerState, "trainer_state.json", cut.as_bytes(), 100));
    assert_eq!(points(&run, "loss").len(), 2);
    assert!(run.notes[0].contains("cut at byte"), "{:?}", run.notes);
    let mut reader = LogReader::new(Format::JsonArrays, "");
    let error = reader.push(b"{\"a\": [1, 2, oops]}").unwrap_err();
    assert!(error.is_invalid() && error.to_string().contains("byte 17"), "{error}");
}

#[test]
fn mlflow_metric_files() {
    let run = one(read_as(Format::MlflowFile, "loss", b"1700000000000 2.5 0\n1700000000001 1.5 10\n", 9));
    assert_eq!(detect(b"1700000000000 2.5 0\n1700000000001 1.5 10\n", "loss"), Format::MlflowFile);
    assert_eq!(points(&run, "loss"), [(0.0, 2.5), (10.0, 1.5)]);
}

#[test]
fn wandb_files() {
    let run = one(read("run.wandb", &fixture("run.wandb"), Format::Wandb));
    is(&run, "loss", 250, |i| i, loss);
    is(&run, "val/loss", 250, |i| i, |i| loss(i) + 0.5);
    assert_eq!(run.name, "a run");
    fact(&run, "lr", "0.125");
    fact(&run, "optimizer", "sgd");
}

#[test]
fn what_is_no_log() {
    for bytes in [
        &b"\x89PNG\r\n\x1a\n\0\0"[..],
        b"PK\x03\x04aaaa",
        &[0xE3, 0x91, 0x80, 0x01, 0x02, 0xFF, 0xFE, 0x88, 0x90, 0x91],
    ] {
        assert_eq!(detect(bytes, "x.log"), Format::Other);
        assert!(LogReader::new(Format::Other, "x").push(bytes).is_err());
    }
    assert!(text("nothing to see here\njust words\n").is_empty());
    assert_eq!(detect(b"", "metrics.csv"), Format::Csv);
    assert_eq!(detect(b"[10] loss: 3\n[20] loss: 2\n", "x"), Format::Text);
    let framed =
        b"| step      2 | train loss  1.75 |\n| step      4 | train loss  1.38 |\n| step      6 | train loss  1.25 |\n";
    assert_eq!(detect(framed, "x"), Format::Text);
}

#[test]
fn memory_does_not_grow_with_the_file() {
    let mut reader = LogReader::new(Format::Csv, "x.csv");
    reader.push(b"step,loss,acc\n").unwrap();
    let mut step = 0u64;
    for _ in 0..200 {
        let block: String = (0..5000).map(|i| format!("{},{},{}\n", step + i, (step + i) as f64 * 0.5, 1)).collect();
        step += 5000;
        reader.push(block.as_bytes()).unwrap();
    }
    let run = one(reader.finish().unwrap());
    let loss = run.series("loss").unwrap();
    assert_eq!(loss.seen, 1_000_000);
    assert!(loss.points.len() <= 4100);
    assert_eq!((loss.points[0], *loss.points.last().unwrap()), ((0.0, 0.0), (999_999.0, 499_999.5)));
}
