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
fn a_title_with_a_rate_begins_a_run() {
    let run = |title: &str, first: u32, stride: u32| -> String {
        let line = |i: u32| format!("step: {i}, loss: {}\n", 9.0 / f64::from(i + 1));
        title.to_owned() + "\n" + &(0..40).map(|i| line(first + stride * i)).collect::<String>()
    };
    let log = [
        run("===== lr=0.01, batch_size=32 =====", 1, 1),
        run("===== lr=0.1, batch_size=32 =====", 3, 2),
        run("2024-05-01 10:00:00 INFO Training with lr 0.3", 2, 1),
    ];
    let runs = text(&log.concat());
    counts(&runs, "loss", &[40, 40, 40]);
    assert_eq!(runs.iter().map(|r| r.facts["lr"].as_str()).collect::<Vec<_>>(), ["0.01", "0.1", "0.3"]);
    assert_eq!(runs[1].facts["batch_size"], "32");
    // Flags, a line each.
    let flags = "  --lr 0.1\n  --width_lr 0.003\n".to_owned() + &run("begin", 1, 1);
    assert_eq!(one(text(&flags)).facts["lr"], "0.1");
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

/// Rows of a training in a loop of `count` steps each, whose loss goes on or begins anew.
fn parts(count: u32, parts: u32, line: impl Fn(u32, u32) -> String) -> String {
    (0..parts).flat_map(|part| (0..count).map(move |i| (part, i))).map(|(part, i)| line(part, i)).collect()
}

#[test]
fn a_counter_that_begins_again_counts_within_epochs_where_the_loss_goes_on() {
    let fall = |step: u32| 0.25 + 2.0 * (-f64::from(step) / 12.0).exp();
    let on = text(&parts(6, 5, |part, i| format!("batch {} loss {:.4}\n", 100 * i, fall(6 * part + i))));
    let run = one(on);
    let steps: Vec<f64> = points(&run, "loss").iter().map(|p| p.0).collect();
    assert_eq!((steps.len(), steps[6], steps[29]), (30, 600.0, 2900.0));
    assert!(run.notes.iter().any(|n| n.contains("begins again 4 times")), "{:?}", run.notes);
    // Seeds: each begins with the loss of an untrained model.
    let anew =
        text(&parts(6, 5, |part, i| format!("batch {} loss {:.4}\n", 100 * i, fall(i) + f64::from(part) / 100.0)));
    counts(&anew, "loss", &[6; 5]);
    // Programs that go on from a checkpoint are runs of their own.
    let started = |part: u32, i: u32| {
        let start = if i == 0 { "Start training\n" } else { "" };
        format!("{start}batch {} loss {:.4}\n", 100 * i, fall(6 * part + i))
    };
    counts(&text(&parts(6, 5, started)), "loss", &[6; 5]);
    // Without a fall nothing is known.
    let flat = text(&parts(6, 5, |part, i| format!("batch {} loss 0.{}\n", 100 * i, 500 + (7 * i + 3 * part) % 11)));
    counts(&flat, "loss", &[6; 5]);
    // `fit` for one epoch, in a loop.
    let fit = |i: u32| format!("Epoch 1/1\n9/9 [====] - 2s 20ms/step - loss: {}.5\n", 9 - i);
    let run = one(text(&(0..6).map(fit).collect::<String>()));
    assert_eq!(points(&run, "loss").last(), Some(&(54.0, 4.5)));
}

#[test]
fn what_counts_elsewhere_ends_no_run_and_places_no_reading() {
    // The bar of an evaluation, between two trainings.
    let fit = |samples: u32| -> String {
        let epoch = |e: u32| {
            format!(
                "Epoch {e}/4\n{samples}/{samples} [====] - 2s 3ms/step - loss: {}.5 - val_loss: {}.25\n",
                9 - e,
                9 - e
            )
        };
        format!("Train on {samples} samples, validate on 50 samples\n") + &(1..5).map(epoch).collect::<String>()
    };
    let log = fit(900) + "Training Accuracy: 0.5\n50/50 [====] - 2s 3ms/step\nTesting Accuracy: 0.4\n" + &fit(700);
    counts(&text(&log), "loss", &[4, 4]);
    // Stages of a program.
    let tune = |tag: u32| -> String {
        let line = |e: u32| format!("  [FT] ep={}: loss=1.{}5 acc=9{e}.5%\n", 10 * e, 9 - e);
        format!("[1/3] Loading data\n[2/3] Running {tag} samplings\n  Baseline: 84.5%\n")
            + &(0..5).map(line).collect::<String>()
    };
    counts(&text(&(1..5).map(tune).collect::<String>()), "loss", &[5; 4]);
    // Texts that were generated.
    let line = |i: u32| format!("Epoch {} Update {i}00 Cost {}.5\n", i / 5, 99 - i);
    let said = "Truth 7 : would give it a 5 but the light is poor\nhow was it 3 times\nvalidation loss: 9.5\n";
    let log: String = (1..40).map(|i| line(i) + if i % 10 == 0 { said } else { "" }).collect();
    let run = one(text(&log));
    assert_eq!((run.counter.as_str(), points(&run, "Cost").len()), ("Update", 39));
    assert_eq!(points(&run, "validation_loss")[1].0, 2000.0);
    // Runs of one epoch, and more, below banners of a logger.
    let run = |epochs: u32| -> String {
        let line = |e: u32| {
            format!(
                "[2026-07-23 22:07:41] INFO     training.trainer \u{2014} Epoch {e}/{epochs} | TrainLoss=0.{}5\n",
                9 - e
            )
        };
        format!("[2026-07-23 22:07:16] INFO     training.trainer \u{2014} Starting training: {epochs} epochs | face\n")
            + &(1..=epochs).map(line).collect::<String>()
    };
    counts(&text(&[run(1), run(1), run(5), run(1), run(4)].concat()), "TrainLoss", &[1, 1, 5, 1, 4]);
}

#[test]
fn a_count_that_stands_still_in_each_epoch_is_of_its_length() {
    let line = |e: u32| format!("[train] epoch:{e} iter:0/18 lr:0.001 loss:1.{}5\n[val] epoch:{e} miou:0.{e}\n", 9 - e);
    let run = one(text(&(0..6).map(line).collect::<String>()));
    assert_eq!(points(&run, "loss")[5], (90.0, 1.45));
    // Many readings at each step share it.
    let step =
        |s: u32| format!("step: {s}\n") + &(0..5).map(|i| format!("loss: {}.25\n", 20 - 5 * s - i)).collect::<String>();
    let run = one(text(&(0..3).map(step).collect::<String>()));
    let places: Vec<f64> = points(&run, "loss").iter().map(|p| p.0).collect();
    assert_eq!((places.len(), places[1], places[5], places[14]), (15, 0.2, 1.0, 2.8));
}

#[test]
fn bars_of_epochs_and_lines_behind_bars() {
    let epoch = |e: u32| {
        let bar = |i: u32| format!("{}%|#  | {}/4 [00:07<00:21, 5.8batch/s, loss={}.{}]\n", 25 * i, i, 9 - e, 9 - i);
        let end = format!("{e}0%|#  | {e}/10 [00:26<04:01, 26.8s/epoch, loss={}.5, val_loss={}.25]\n", 9 - e, 9 - e);
        (1..5).map(bar).collect::<String>() + &end
    };
    let begin = "0%|   | 0/10 [00:00<?, ?epoch/s]\n".to_owned();
    let run = one(text(&(begin + &(1..6).map(epoch).collect::<String>())));
    assert_eq!(points(&run, "val_loss").len(), 5);
    let bar = |e: u32| format!("Epochs:  {e}0%|#  | {e}/10 [00:02<00:20,  2.3s/it, loss=0.{}]\n", 9 - e);
    assert_eq!(one(text(&(1..6).map(bar).collect::<String>())).counter, "Epoch");
    // What a logger prints behind the bar of a validation that goes on is not of it.
    let line = |e: u32| {
        format!("Validation: |     | 0/? [00:00<?, ?it/s][12:00:00] INFO Epoch {e}: recons 0.5 loss {}.5\n", 9 - e)
    };
    let run = one(text(&(0..5).map(line).collect::<String>()));
    assert_eq!(points(&run, "loss").len(), 5);
    // The count of an evaluation announces its results.
    let epoch = |e: u32| {
        format!(
            "[03.24.23|09:56:11] Training epoch: {e}\n[03.24.23|09:56:31] \tmean_loss: 1.{}5\n[03.24.23|09:56:32] Eval epoch: {e}\n[03.24.23|09:56:41] \tmean_loss: 2.{}5\n[03.24.23|09:56:41] \tTop1: {e}0.00%\n",
            9 - e,
            9 - e
        )
    };
    let run = one(text(&(0..5).map(epoch).collect::<String>()));
    assert_eq!((points(&run, "mean_loss").len(), points(&run, "eval_mean_loss")[4].1), (5, 2.55));
}

#[test]
fn the_loss_beside_its_validation_and_splits_beside_a_score() {
    use meaning::Role::{Loss, Score, Validation};
    let names = |log: &str| {
        let taken = taken(&one(text(log)), "a.txt");
        [Loss, Validation, Score].map(|role| taken.of(role).map(|s| s.name.clone()).unwrap_or_default())
    };
    let line = |e: u32| {
        format!(
            "Epoch {e}/9 [Train]: 100%|###| 28/28 [00:01<00:00, 22.2it/s, loss=0.{}]\nEpoch [{e}/9] - Train Loss: 1.{}, Train Acc: {e}1.00% | Val Loss: 0.{}5 | LR: 0.001\n",
            9 - e,
            9 - e,
            9 - e
        )
    };
    assert_eq!(names(&(1..7).map(line).collect::<String>())[..2], ["Train_Loss", "Val_Loss"]);
    let line = |e: u32| format!("Epoch {e}/9 | Train 0.{}4 | Val 0.{}1 | Acc 0.{e}6\n", 9 - e, 9 - e);
    assert_eq!(names(&(1..7).map(line).collect::<String>()), ["Train", "Val", "Acc"]);
    let line = |e: u32| format!("Epoch [{e}/9], Loss: 0.{}4, Validation: 0.{}1\n", 9 - e, 9 - e);
    assert_eq!(names(&(1..7).map(line).collect::<String>()), ["Loss", "Validation", ""]);
    let line = |e: u32| format!("Epoch {e} @ 10:2{e} PM : 0.9{} C.E. Loss, 9{e}.28% Accuracy\n", 9 - e);
    assert_eq!(names(&(1..7).map(line).collect::<String>()), ["C.E_Loss", "", "Accuracy"]);
}
