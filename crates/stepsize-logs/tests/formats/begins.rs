//! Where runs begin, and which counter places their readings.

use crate::{one, points, read, text};
use stepsize_logs::{Format, Run, meaning};

fn taken(run: &Run, file: &str) -> meaning::Taken {
    meaning::read(run, file, &meaning::Asked::default()).unwrap().remove(0).1
}

#[track_caller]
fn counts(runs: &[Run], name: &str, expected: &[usize]) {
    assert_eq!(runs.iter().map(|run| points(run, name).len()).collect::<Vec<_>>(), expected);
}

#[test]
fn a_run_begins_again_near_its_beginning_or_where_a_program_starts() {
    let games = |from: u32, to: u32| -> String {
        (from..=to).map(|i| format!("Episode {} | Avg Reward: {i}.5 | Epsilon: 0.9\n", 10 * i)).collect()
    };
    counts(&text(&(games(0, 40) + &games(1, 30))), "Avg_Reward", &[41, 30]);
    // A restart from a checkpoint.
    counts(&text(&(games(0, 40) + &games(20, 45))), "Avg_Reward", &[46]);
    let start = "INFO: Starting training for 5 epoch(s)\nINFO: Epoch 1/5\n";
    let losses = "INFO: Training loss: 0.75\nINFO: Training loss: 0.5\nINFO: Training loss: 0.25\n";
    counts(&text(&[start, losses, start, losses].concat()), "Training_loss", &[3, 3]);
    let table = "step,loss\n20,2.5\n50,2.0\n80,1.5\nstep,loss\n30,2.25\n40,2.0\n60,1.75\n";
    counts(&read("a.csv", table.as_bytes(), Format::Csv), "loss", &[3, 3]);
    // A line without a metric between the epoch and its first bar.
    let bars = |loss: &str| {
        format!(
            "Epoch 1/2\nreduces = 10, packs = 1\n9/9 [====] - 2s 20ms/step - loss: {loss}\nEpoch 2/2\n9/9 [====] - 2s 20ms/step - loss: 0.5\n"
        )
    };
    let runs = text(&[bars("2.5"), "Start training\n".to_owned(), bars("2.25")].concat());
    assert_eq!((runs.len(), points(&runs[1], "loss")), (2, [(9.0, 2.25), (18.0, 0.5)].as_slice()));
}

#[test]
fn the_counter_that_tells_readings_apart_places_them() {
    let rows = |i: u32| format!("{{'loss': {}.5, 'epoch': 0.{i}}}\n", 9 - i);
    let log = "\u{1f4ca} Step 3: Loading the model ...\n".to_owned() + &(1..=6).map(rows).collect::<String>();
    let run = one(text(&log));
    assert_eq!((run.counter.as_str(), points(&run, "loss").len()), ("epoch", 6));
    // The bar of an evaluation on the line of its epoch.
    let line = |i: u32| format!("100%|####| 50/50 [00:04<00:00, 9.0it/s]epoch {i} | train_loss: {}.5\n", 9 - i);
    let run = one(text(&(0..4).map(line).collect::<String>()));
    assert_eq!((run.counter.as_str(), points(&run, "train_loss")[3]), ("epoch", (3.0, 6.5)));
    // A resumed run does not begin at zero.
    let line = |e: u32, i: u32| format!("Epoch: [{e}/40] Iter:[{i}/20], Loss: 1.{e}{i}\n");
    let log: String = (31..34).flat_map(|e| [line(e, 0), line(e, 10)]).collect();
    assert_eq!(
        points(&one(text(&log)), "Loss").iter().map(|p| p.0).collect::<Vec<_>>(),
        [600.0, 610.0, 620.0, 630.0, 640.0, 650.0]
    );
}

#[test]
fn results_below_and_behind_the_name_of_their_split() {
    let of = |e: u32| {
        format!(
            "[train] epoch: {e}/9, [16/16], loss=1.{e} [00:49<00:00]\n[test] epoch: {}/9\n- total loss: 2.{e}\n- Accuracy: 0.{e}\n",
            e + 1
        )
    };
    let taken_of = taken(&one(text(&(0..4).map(of).collect::<String>())), "a.txt");
    let names = |taken: &meaning::Taken| {
        use meaning::Role::{Loss, Score, Validation};
        [Loss, Validation, Score].map(|role| taken.of(role).map(|s| s.name.clone()).unwrap_or_default())
    };
    assert_eq!(names(&taken_of), ["loss", "test_total_loss", "test_Accuracy"]);
    let line = |e: u32| format!("Epoch {e} | Train Loss: 2.{e} | Acc: 0.{e}1 | Val Loss: 3.{e} | Acc: 0.{e}2\n");
    let run = one(text(&(1..5).map(line).collect::<String>()));
    assert_eq!(points(&run, "val_Acc")[0], (1.0, 0.12));
    assert_eq!(names(&taken(&run, "a.txt")), ["Train_Loss", "Val_Loss", "val_Acc"]);
    // Three sums of an epoch beside the curve of its batches.
    let line = |i: u32| format!("Step: {i}00, Batch Loss: {}.5\n", 99 - i);
    let log: String =
        (1..=60).map(|i| line(i) + if i % 20 == 0 { "Epoch 1: total training loss 4000.5\n" } else { "" }).collect();
    assert_eq!(names(&taken(&one(text(&log)), "a.txt"))[0], "Batch_Loss");
}

#[test]
fn tables_that_are_named_for_their_loss() {
    let of = |text: &str| {
        let run = one(read("loss.csv", text.as_bytes(), Format::Csv));
        let taken = taken(&run, "loss.csv");
        let loss = taken.of(meaning::Role::Loss).map(|s| (s.name.clone(), s.readings));
        loss.unwrap_or_default()
    };
    assert_eq!(of(",G,D\n0,0.5,-5.5\n1,2.5,0.25\n2,-4.5,-12.5\n"), ("G_loss".to_owned(), 3));
    assert_eq!(of("0.75,0.5,0.25\n0.5,0.375,0.125\n0.25,0.1875,0.0625\n"), ("loss".to_owned(), 3));
    let row = |first: f64| (0..24).map(|i| format!("{:.6}", first * 0.9f64.powi(i))).collect::<Vec<_>>().join(",");
    assert_eq!(of(&format!("{}\n{}\n", row(2.0), row(3.0))), ("loss of row 1".to_owned(), 24));
    // A script that was given another column continues the file.
    let text = "update,avg_rew,sps\n10,1.5,90\n20,2.5,91\n30,3.5,92\n40,4.5,93,7\n50,5.5,94,7\n";
    let runs = stepsize_logs::LogReader::new(stepsize_logs::detect(text.as_bytes(), "metrics.csv"), "metrics.csv");
    let mut reader = runs;
    reader.push(text.as_bytes()).unwrap();
    assert_eq!(points(&one(reader.finish().unwrap()), "avg_rew").len(), 5);
}

#[test]
fn a_column_of_the_configuration_is_not_the_rate_that_is_applied() {
    let rows: String = (0..6).map(|i| format!("{i},0.{},30,1.7,0.{i}5,{}.5\n", 9 - i, 9 - i)).collect();
    let run = one(read(
        "a.csv",
        format!("epoch,current_lr,lr.step_length,lr.lr,top_1,train_loss\n{rows}").as_bytes(),
        Format::Csv,
    ));
    let taken = taken(&run, "a.csv");
    assert_eq!(taken.of(meaning::Role::Rate).unwrap().name, "current_lr");
    assert_eq!(taken.of(meaning::Role::Score).unwrap().name, "top_1");
}

#[test]
fn what_was_applied_is_held_against_the_configuration_and_a_masked_loss_against_the_error() {
    let of = |text: &str| meaning::read(&one(self::text(text)), "a.txt", &meaning::Asked::default()).unwrap().remove(0);
    let line = |i: u32| format!("{{'loss': {}.5, 'learning_rate': 0.0001, 'epoch': 0.{i}}}\n", 9 - i);
    let losses: String = (1..8).map(line).collect();
    assert_eq!(of(&format!("lr: 1e-6\n{losses}")).0.base_lr(), Some(1e-4));
    // A warm-up that has not come to its end.
    assert_eq!(of(&format!("lr: 1e-3\n{losses}")).0.base_lr(), Some(1e-3));
    let bar =
        |i: u32| format!("Epoch {i}/9\n1/1 [====] - 1s 1s/step - loss: 0.0000e+00 - mean_squared_error: 0.{}\n", 9 - i);
    let (_, taken) = of(&(1..8).map(bar).collect::<String>());
    assert_eq!(taken.of(meaning::Role::Loss).unwrap().name, "mean_squared_error");
    // A download above the log.
    let download: String = (1..20).map(|i| format!("{i}.5%\n")).collect();
    assert_eq!(
        points(&one(text(&format!("{download}Train Epoch: 1 Loss: 2.5\nTrain Epoch: 2 Loss: 2.25\n"))), "Loss").len(),
        2
    );
}
