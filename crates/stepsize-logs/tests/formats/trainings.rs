//! Several trainings in one log, passes over held-out data, and counters that only their readings
//! show.

use crate::{one, points, read, read_as, text};
use stepsize_logs::{Format, Run, meaning};

fn taken(run: &Run) -> meaning::Taken {
    meaning::read(run, "log", &meaning::Asked::default()).unwrap().remove(0).1
}

fn steps(run: &Run, name: &str) -> Vec<f64> {
    points(run, name).iter().map(|p| p.0).collect()
}

#[track_caller]
fn counts(runs: &[Run], name: &str, expected: &[usize]) {
    let seen = runs.iter().map(|run| run.series(name).map_or(0, |s| s.points.len()));
    assert_eq!(seen.collect::<Vec<_>>(), expected);
}

#[test]
fn settings_told_again_begin_a_run() {
    // Behind the prefix of a logger, in the mid of an epoch of the run before.
    let run = |steps: u32| {
        let line =
            |i: u32| format!("2025-01-02 10:00:00 INFO     \t * (global step {i}: loss: 0.{}, lr: 0.5\n", 90 - i);
        let head = "2025-01-02 10:00:00 INFO     \t * lr: 0.5\n2025-01-02 10:00:00 INFO     \t * dropout: 0.1\n";
        head.to_owned() + &(1..=steps).map(line).collect::<String>()
    };
    counts(&text(&[run(8), run(12), run(5)].concat()), "loss", &[8, 12, 5]);
    // Nothing counts the readings.
    let launch = |lr: &str| {
        let line = |i: u32| format!("INFO | train:35 - loss: 0.{}\n", 90 - i);
        format!("INFO | main:127 - Namespace(batch_size=4, lr={lr})\n") + &(0..6).map(line).collect::<String>()
    };
    let runs = text(&[launch("0.25"), launch("0.5")].concat());
    counts(&runs, "loss", &[6, 6]);
    assert_eq!(runs[1].facts["lr"], "0.5");
    // All of them in one line, which is no reading.
    let runs = text("lr=0.25, clip=5.0, iterations=900\nIteration 0/900, Loss: 2.5\nIteration 10/900, Loss: 1.5\n");
    assert_eq!((runs[0].facts["lr"].as_str(), steps(&runs[0], "Loss")), ("0.25", vec![0.0, 10.0]));
}

#[test]
fn another_training_has_other_losses_or_another_length() {
    let first: String = (1..=6).map(|e| format!("Epoch {e}/6\nloss: 0.{}\n", 90 - e)).collect();
    let second: String = (1..=5).map(|e| format!("Epoch {e}/5 | Train Loss=0.{}\n", 80 - e)).collect();
    let runs = text(&(first.clone() + &second));
    counts(&runs, "loss", &[6, 0]);
    counts(&runs, "Train_Loss", &[0, 5]);
    // The held-out data of each epoch, told at the end.
    let validated: String = (1..=5).map(|e| format!("Epoch {e}/5 | Val Loss=0.{}\n", 80 - e)).collect();
    assert_eq!(text(&(first + &validated)).len(), 1);
    let phase = |name: &str, whole: u32, steps: u32| -> String {
        (1..=steps).map(|i| format!("{name} Step [{}/{whole}] - Loss: 0.{}\n", 10 * i, 90 - i)).collect()
    };
    counts(&text(&(phase("Warm", 60, 6) + &phase("Epoch 1", 900, 9))), "Loss", &[6, 9]);
}

#[test]
fn a_count_begins_again_behind_its_end() {
    // Steps of 10 in epochs of 55 that are not named: 7, 17, .. 47, then 2.
    let line = |at: u32| format!("step:{}/55, loss: 0.{:02}\n", at % 55, 95 - at / 10);
    let log: String = (0..18).map(|i| line(7 + 10 * i)).collect();
    assert_eq!(steps(&one(text(&log)), "loss"), (0..18).map(|i| f64::from(7 + 10 * i)).collect::<Vec<_>>());
}

#[test]
fn bars_of_an_evaluation_and_bars_that_nearly_end() {
    let epoch = |e: u32| {
        let bar = |at: u32| format!("{at}/6000 [====>] - 9s 145us/sample - loss: 0.{}", 80 - e);
        format!("Epoch {e}/3\n{} - acc: 0.5\n{} - acc: 0.5 - val_loss: 0.5\n", bar(5984), bar(6000))
    };
    let head = "Train on 6000 samples, validate on 900 samples\n".to_owned();
    let end = "Restoring model weights from the end of the best epoch: 2.\n500/500 [====] - 1s 50us/sample - loss: nan - sparse_acc: 0.25\n";
    let run = one(text(&(head + &(1..=3).map(epoch).collect::<String>() + end)));
    assert_eq!(points(&run, "loss"), [(1.0, 0.79), (2.0, 0.78), (3.0, 0.77)]);
    assert!(points(&run, "test_loss")[0].1.is_nan());
}

#[test]
fn passes_over_held_out_data_have_a_count_of_their_own() {
    let row = |e: u32, set: &str, step: u32| format!("{e},{set},{step},0.{}\n", 90 - 10 * e - step / 100);
    let pass = |e: u32, set: &'static str| (0..3).map(move |i| row(e, set, 100 * i));
    let table: String = (0..4).flat_map(|e| pass(e, "train").chain(pass(e, "valid"))).collect();
    let run = one(read("a.csv", ("epoch,set,step,loss\n".to_owned() + &table).as_bytes(), Format::Csv));
    assert_eq!((points(&run, "loss").len(), points(&run, "val_loss").len()), (12, 4));
    let epoch = |e: u32| {
        let line = |i: u32| format!("train: iter {} loss 0.{}\n", (e - 1) * 100 + 20 * i, 90 - e);
        (0..5).map(line).collect::<String>() + &format!("validation: iter {e} loss 0.{}\n", 80 - e)
    };
    let run = one(text(&(1..=4).map(epoch).collect::<String>()));
    assert_eq!(steps(&run, "validation_loss"), [80.0, 180.0, 280.0, 380.0]);
}

#[test]
fn what_is_told_below_a_split_and_beside_no_name() {
    let epoch = |e: u32| {
        let lines = |name: &str, loss: u32| -> String {
            let line = |i: u32| format!("{name}  [{i}/3]  eta: 0:00:01  loss: 0.{} (0.{})\n", loss - i, loss);
            (0..3).map(line).collect::<String>() + &format!("Averaged stats: loss: 0.{} (0.{loss})\n", loss - 2)
        };
        lines(&format!("Epoch: [{e}]"), 90 - 5 * e) + &lines("Test:", 50)
    };
    let run = one(text(&(0..4).map(epoch).collect::<String>()));
    assert!(points(&run, "loss").iter().all(|p| p.1 > 0.5), "{run:?}");
    assert!(points(&run, "test_loss").len() >= 4);
    let log = "0m 24s (5000 6%) 3.5\n0m 51s (10000 13%) 2.75\n1m 4s (- 3m 0s) (15000 20%) 2.5\n";
    assert_eq!(points(&one(text(log)), "loss"), [(5000.0, 3.5), (10000.0, 2.75), (15000.0, 2.5)]);
    let log = "epoch 1 loss 0.5\nepoch 2 loss 0.25\nCOMET INFO:     loss [24] : (0.1, 0.9)\n 2   loss   24 non-null  float64\n";
    assert_eq!(points(&one(text(log)), "loss"), [(1.0, 0.5), (2.0, 0.25)]);
    // The first epoch of each training is not named.
    let training = |a: u32| -> String {
        let bar = |e: u32| format!("144/144 - 44s - loss: 0.{}\n", a - e);
        bar(1) + &(2..=5).map(|e| format!("Epoch {e}/5\n{}", bar(e))).collect::<String>()
    };
    assert_eq!(text(&(training(90) + &training(80))).len(), 2);
}

#[test]
fn a_number_that_only_grows_counts_where_its_name_allows_it() {
    let row = |i: u32| format!("{}.5,{},{}\n", 90 - i, 640 * i, 7 * i);
    let rows: String = (1..=6).map(row).collect();
    let table = |name: &str| read("a.csv", format!("loss,{name},size\n{rows}").as_bytes(), Format::Csv);
    let run = one(table("frame"));
    assert_eq!((run.counter.as_str(), steps(&run, "loss")[5]), ("frame", 3840.0));
    let run = one(table("bytes"));
    assert_eq!((run.counter.as_str(), steps(&run, "loss")[5]), ("", 5.0));
}

#[test]
fn tables_on_their_side() {
    let table = ",0,1,2,3,4\nloss,0.9,0.8,0.7,,0.5\nval_loss,0.8,0.7,0.6,0.5,0.4\n";
    let run = one(read_as(Format::Csv, "a.csv", table.as_bytes(), 7));
    assert_eq!(points(&run, "val_loss").len(), 5);
    let table = "epoch,1,2,3,4\nloss,0.9,0.8,0.7,0.5\n";
    let run = one(read_as(Format::Csv, "a.csv", table.as_bytes(), 7));
    assert_eq!(
        (run.counter.as_str(), points(&run, "loss")),
        ("epoch", [(1.0, 0.9), (2.0, 0.8), (3.0, 0.7), (4.0, 0.5)].as_slice())
    );
}

#[test]
fn a_short_name_is_the_validation_where_no_state_has_a_value() {
    let rows: String = (0..6).map(|i| format!("{i},0.{},0.{},0.{i}\n", 90 - i, 95 - i)).collect();
    let table = |names: &str| taken(&one(read("a.csv", format!("{names}\n{rows}").as_bytes(), Format::Csv)));
    let name = |taken: &meaning::Taken| taken.of(meaning::Role::Validation).map(|s| s.name.clone());
    assert_eq!(name(&table("epoch,loss,v_loss,acc")).as_deref(), Some("v_loss"));
    assert_eq!(name(&table("epoch,loss,v_loss,entropy")), None);
}
