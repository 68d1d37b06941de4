//! Counters that go back and losses that are told twice: which run and which series they are of.

use crate::{one, points, read, text};
use stepsize_logs::{Format, Run, meaning};

fn loss_of(run: &Run) -> String {
    let taken = meaning::read(run, "log", &meaning::Asked::default()).unwrap().remove(0).1;
    taken.of(meaning::Role::Loss).map(|s| s.name.clone()).unwrap_or_default()
}

#[track_caller]
fn counts(runs: &[Run], name: &str, expected: &[usize]) {
    assert_eq!(runs.iter().map(|run| points(run, name).len()).collect::<Vec<_>>(), expected);
}

#[test]
fn a_fold_with_longer_epochs_is_a_run_of_its_own() {
    let fold = |steps: u32, top: u32| -> String {
        let line = |e: u32, s: u32| format!("epoch {e} step {} loss: {}.{s}\n", s * steps, top - e);
        (1..=3).flat_map(|e| [line(e, 1), line(e, 2)]).collect()
    };
    counts(&text(&(fold(39, 9) + &fold(45, 8))), "loss", &[6, 6]);
}

#[test]
fn one_that_goes_back_with_another_rate_is_no_restart() {
    let line = |e: u32, lr: &str| format!("epoch {e} lr {lr} loss 0.{}5\n", 90 - e);
    let part = |from: u32, to: u32, lr: &str| (from..=to).map(|e| line(e, lr)).collect::<String>();
    counts(&text(&(part(1, 20, "0.1") + &part(11, 30, "0.01"))), "loss", &[20, 20]);
    counts(&text(&(part(1, 20, "0.1") + &part(11, 30, "0.1"))), "loss", &[30]);
    // A count within the next epoch, after the warm-up.
    let line =
        |e: u32, s: u32, lr: &str| format!("Train: {e} [ {s}/390 ( 10%)]  Loss: {}.{s} (9.5) LR: {lr}\n", 20 - e);
    let epoch = |e: u32, lr: &str| [0, 200, 389].map(|s| line(e, s, lr)).concat();
    counts(&text(&(epoch(0, "0.0001") + &epoch(1, "0.05") + &epoch(2, "0.05"))), "Loss", &[9]);
}

#[test]
fn held_out_data_measured_where_it_was_first_measured_begins_a_run() {
    let run = |top: u32| -> String {
        let line = |i: u32| format!("step {i}0, train loss {}.5, lr 0.1\n", top - i);
        let held = |i: u32| format!("step {i}0, val loss {}.75\n", top - i);
        (0..8).map(|i| if i % 4 == 0 { held(i) + &line(i) } else { line(i) }).collect()
    };
    counts(&text(&(run(40) + &run(30))), "val_loss", &[2, 2]);
}

#[test]
fn the_first_bar_of_a_text_that_was_cut_is_of_the_epoch_before() {
    let bar = |loss: f64| format!("9/9 [====] - 2s 20ms/step - loss: {loss}\n");
    let log = bar(2.5) + "Epoch 5/9\n" + &bar(2.25) + "Epoch 6/9\n" + &bar(2.0);
    let run = one(text(&log));
    assert_eq!(points(&run, "loss").iter().map(|p| p.1).collect::<Vec<_>>(), [2.5, 2.25, 2.0]);
    let steps: Vec<f64> = points(&run, "loss").iter().map(|p| p.0).collect();
    assert_eq!((steps[1] - steps[0], steps[2] - steps[1]), (9.0, 9.0));
}

#[test]
fn a_counter_that_never_moves_places_nothing() {
    let run = one(text(&(0..4).map(|i| format!("iter 7 loss 0.{}\n", 9 - i)).collect::<String>()));
    assert_eq!(points(&run, "loss").iter().map(|p| p.0).collect::<Vec<_>>(), [0.0, 1.0, 2.0, 3.0]);
    // What a step took is no count of steps.
    let line = |i: u32| format!("{{\"epoch\": {i}, \"step\": 0.3{i}, \"loss\": 0.{}}}\n", 9 - i);
    let run = one(read("a.jsonl", (1..5).map(line).collect::<String>().as_bytes(), Format::JsonLines));
    assert_eq!((run.counter.as_str(), points(&run, "loss").len()), ("epoch", 4));
}

#[test]
fn names_of_counters_and_of_times() {
    let line = |i: u32| format!("epoch_i {i} loss 0.{}\n", 9 - i);
    assert_eq!(one(text(&(3..8).map(line).collect::<String>())).counter, "epoch_i");
    let rows: String = (1..5).map(|i| format!("{i}000,{}.5\n", 9 - i)).collect();
    assert_eq!(one(read("a.csv", format!("tokens_seen,loss\n{rows}").as_bytes(), Format::Csv)).counter, "tokens_seen");
    let line = |i: u32| format!("epoch: {i}, batch_cost: 1.{i}5, reader_cost: 0.{i}, loss: 0.{}\n", 9 - i);
    assert_eq!(loss_of(&one(text(&(1..6).map(line).collect::<String>()))), "loss");
    // A loss whose sign was changed falls as the score rises.
    let rows: String = (1..5).map(|i| format!("{i},0.{i},{i}.5\n")).collect();
    assert_eq!(loss_of(&one(read("a.csv", format!("iter,score,neg_loss\n{rows}").as_bytes(), Format::Csv))), "");
    // A count at the beginning of a line, before bars.
    let run = one(text(&(1..5).map(|i| format!("{i}0 | loss 0.{} | lr 0.1\n", 9 - i)).collect::<String>()));
    assert_eq!(points(&run, "loss")[3], (40.0, 0.5));
}

#[test]
fn of_a_loss_told_twice_the_one_that_sums_up_its_epoch_is_taken() {
    let epoch = |e: u32| {
        format!(
            "Epoch {e}/5: 100%|####| 9/9 [00:01<00:00, 8.2it/s, loss=0.{}3]\nEpoch {e}/5, Loss: 0.{}5\n",
            9 - e,
            9 - e
        )
    };
    assert_eq!(loss_of(&one(text(&(1..=5).map(epoch).collect::<String>()))), "Loss");
    // One that says that it is of the training, beside one of an evaluation.
    let line = |e: u32| format!("epoch {e} train_loss: 0.{}5 loss: 0.{}7 acc: 0.{e}\n", 9 - e, 9 - e);
    assert_eq!(loss_of(&one(text(&(1..=5).map(line).collect::<String>()))), "train_loss");
    // One that was told once.
    let log = "loss: 9.5\nepoch 1 total loss: 1.5\nepoch 2 total loss: 1.25\n";
    assert_eq!(loss_of(&one(text(log))), "total_loss");
}

#[test]
fn a_column_may_say_of_which_data_its_row_is() {
    let rows = |e: u32| format!("| {e} | 0.{}5 | train |\n| {e} | 0.{}7 | eval |\n", 9 - e, 9 - e);
    let run = one(text(
        &("Starting the training\n| epoch | loss | data |\n".to_owned() + &(1..5).map(rows).collect::<String>()),
    ));
    assert_eq!((points(&run, "loss").len(), points(&run, "eval_loss")[3]), (4, (4.0, 0.57)));
}

#[test]
fn results_below_the_count_that_announces_them() {
    let run = |top: u32| -> String {
        let head = "I0101 10:00:00 solver.cpp:3] ";
        let tested = |i: u32| {
            format!("{head}Iteration {i}0, Testing net (#0)\n{head}    Test net output #0: accuracy = 0.{i}\n")
        };
        let line = |i: u32| format!("{head}Iteration {i}0, loss = {top}.{}\n{head}Iteration {i}0, lr = 0.5\n", 90 - i);
        (0..20).map(|i| if i == 0 { tested(i) + &line(i) } else { line(i) }).collect::<String>() + &tested(20)
    };
    let runs = text(&(run(3) + &run(4)));
    counts(&runs, "loss", &[20, 20]);
    counts(&runs, "test_accuracy", &[2, 2]);
}

#[test]
fn bars_without_a_metric_count_no_rows_that_count_for_themselves() {
    let line = |i: u32| format!("[INFO] [TRAIN] epoch: 1, iter: {i}0/900, loss: 1.{}, lr: 0.5\n", 70 - i);
    let bar = "155/155 [====] - 11s 69ms/step - batch_cost: 0.07\n";
    let log: String = (1..=40).map(|i| line(i) + if i % 20 == 0 { bar } else { "" }).collect();
    let run = one(text(&log));
    assert_eq!((points(&run, "loss").len(), points(&run, "loss")[39].0), (40, 400.0));
}
