//! Lines of several kinds under one name, and lines that a program writes when it is started again.

use crate::{one, points, text};
use stepsize_logs::{Run, meaning};

fn taken(run: &Run) -> meaning::Taken {
    meaning::read(run, "train.log", &meaning::Asked::default()).unwrap().remove(0).1
}

#[track_caller]
fn counts(runs: &[Run], name: &str, expected: &[usize]) {
    assert_eq!(runs.iter().map(|run| points(run, name).len()).collect::<Vec<_>>(), expected);
}

#[test]
fn a_name_on_lines_of_two_kinds_is_of_two_series_where_its_values_are() {
    // The sum over an epoch, between batches.
    let epoch = |e: u32| {
        let batch = |i: u32| format!("Train {}00: loss:0.{}\n", i, 90 - 5 * e - i);
        let head = format!("Epoch {e} begin\n") + &(1..5).map(batch).collect::<String>();
        head + &format!("Epoch{e}:----loss:7{}.5, test loss:9{}.25, accuracy:0.7{e}\n", 9 - e, 9 - e)
    };
    let run = one(text(&(1..5).map(epoch).collect::<String>()));
    assert_eq!(points(&run, "loss").len(), 16, "{:?}", points(&run, "loss"));
    assert!(points(&run, "loss").iter().all(|p| p.1 < 1.0));
    assert!(run.notes[0].contains("4 readings"), "{:?}", run.notes);
    // The whole, and a part of it under the same name at the same step.
    let step = |i: u32| {
        format!(
            "Iteration {i}, loss = 3.{}\n    Train net output #0: loss = 1.{} (* 1 = 1.{} loss)\nIteration {i}, lr = 0.01\n",
            99 - i,
            60 - i,
            60 - i
        )
    };
    let run = one(text(&(0..8).map(|i| step(2 * i)).collect::<String>()));
    assert_eq!((points(&run, "loss").len(), points(&run, "loss")[1]), (8, (2.0, 3.97)));
    // A line that tells more now and then is no other.
    let step = |i: u32| {
        let more = if i % 4 == 3 { format!(" acc 0.{i}") } else { String::new() };
        format!("step {i}: loss 2.{}{more}\n", 99 - i)
    };
    let run = one(text(&(0..20).map(step).collect::<String>()));
    assert_eq!((points(&run, "loss").len(), run.notes.len()), (20, 0));
}

#[test]
fn a_first_line_again_begins_a_run_where_the_loss_begins_again() {
    let losses = |from: u32| {
        (from..from + 6).map(|i| format!("12:00:0{i} | train:35 - loss: {:.3}\n", 2.5 / f64::from(1 + i * i)))
    };
    let log = |from: u32| "12:00:00 | <module>:112 - ready to go\n".to_owned() + &losses(from).collect::<String>();
    counts(&text(&(log(0) + &log(0) + &log(0))), "loss", &[6, 6, 6]);
    // It goes on.
    counts(&text(&(log(0) + &log(6) + &log(12))), "loss", &[18]);
}

#[test]
fn a_configuration_or_a_start_above_the_first_epoch_begins_a_run() {
    let config =
        "DEBUG - with config {'data': '/a/b', 'cuda': True, 'test': None, 'width': 32, 'depth': 2, 'jobs': 3}\n";
    let epochs = |to: u32| -> String {
        let epoch =
            |e: u32| format!("Training epoch: {e}\n  Iter 0 Done. | loss: 1.{e} | lr: 0.010000\n  mean_loss: 2.{e}\n");
        (0..to).map(epoch).collect()
    };
    let log = [config, &epochs(4), config, &epochs(3)].concat();
    counts(&text(&log), "mean_loss", &[4, 3]);
}

#[test]
fn the_best_epoch_is_not_where_the_run_is() {
    let epoch = |e: u32| format!("Train Epoch: [{e} / 900]\nTraining Epoch {e} -- Loss: 1.{}\n", 9 - e / 100);
    let run = (1..5).map(|e| epoch(100 * e)).collect::<String>() + "Summary\nBest epoch = 0; \nNLL = 2.5\n";
    counts(&text(&run.repeat(3)), "Loss", &[4, 4, 4]);
}

#[test]
fn a_bar_that_has_not_moved_tells_what_was_before() {
    let bar = |e: u32, i: u32, loss: u32| {
        format!("Epoch {e}: {i}0%|#### | {i}/10 [00:04<00:00, 3.8it/s, loss=0.{loss}, v_num=1]\r")
    };
    let epoch = |e: u32| {
        let last = 90 - 10 * e;
        let steps: String = (1..=10).map(|i| bar(e, i, last - i)).collect();
        let next = if e < 4 { bar(e + 1, 0, last - 10) } else { String::new() };
        steps + &bar(e, 10, last - 10) + &bar(e, 0, last - 10) + &next
    };
    let run = one(text(&(0..5).map(epoch).collect::<String>()));
    assert_eq!((points(&run, "loss").last(), run.notes.len()), (Some(&(50.0, 0.40)), 0), "{:?}", run.notes);
}

#[test]
fn what_is_named_for_its_data_is_of_these() {
    let epoch = |e: u32| {
        format!(
            "trainer [228] - finished eval of epoch-{e} of train-set \t eval_loss=0.5{}\ntrainer [228] - finished eval of epoch-{e} of valid-set \t eval_loss=0.6{}\n",
            9 - e,
            9 - e
        )
    };
    let run = one(text(&(1..6).map(epoch).collect::<String>()));
    let said = taken(&run).to_string();
    assert!(said.contains("loss of_train-set_eval_loss (5") && said.contains("validation of_valid-set"), "{said}");
    // One loss is said to be of the training; the other is told less often.
    let batch = |i: u32| format!("iter:{:04} loss_train: 1.{} acc_train: 0.4\n", 20 * i, 90 - i);
    let epoch = |e: u32| {
        (6 * e..6 * e + 6).map(|i| batch(i + 1)).collect::<String>() + &format!("loss= 2.{} accuracy= 0.{e}\n", 9 - e)
    };
    let said = taken(&one(text(&(0..5).map(epoch).collect::<String>()))).to_string();
    assert!(said.contains("loss loss_train (30") && said.contains("validation loss (5"), "{said}");
}

#[test]
fn names_of_files_and_short_losses() {
    let row = |i: u32| {
        format!(
            "epoch {i}: l_percep: 2.{} l_style: 0.5{}\n  0%|    | 0/9 [00:00<?]Test  100{i}0.jpg:   0%|   | 1/9\n",
            9 - i,
            9 - i
        )
    };
    let run = one(text(&(1..6).map(row).collect::<String>()));
    assert!(run.series("Test").is_none(), "{run:#?}");
    assert!(taken(&run).to_string().contains("loss l_"), "{}", taken(&run));
}

#[test]
fn of_a_pass_over_held_out_data_its_mean_is_taken() {
    let epoch = |e: u32| {
        let train = |i: u32| format!("Epoch: [{e}][{i}0/40]\tTime 1.1 (1.2)\tLoss 3.{} (3.9)\n", 9 - e);
        let test =
            |i: u32| format!("Test: [{i}0/30]\tTime 0.6 (0.7)\tLoss 2.{i} (1.{}{i})\tAcc 20.0 (3{e}.{i})\n", 9 - e);
        (0..4).map(train).chain((0..3).map(test)).collect::<String>()
    };
    let run = one(text(&(0..4).map(epoch).collect::<String>()));
    let values: Vec<f64> = points(&run, "test_Loss").iter().map(|p| p.1).collect();
    assert_eq!((points(&run, "Loss").len(), values.as_slice()), (16, [1.92, 1.82, 1.72, 1.62].as_slice()));
    // Its batches are counted to another number than those of the training.
    let epoch = |e: u32| {
        (0..3).map(move |i| format!("Epoch[00{e}/4], Step[{i}00/300], Avg Loss: 3.{}\n", 9 - e)).collect::<String>()
    };
    let pass: String = (0..9).map(|i| format!("Val Step[{i}00/900], Avg Loss: 2.{}\n", 9 - i)).collect();
    let run = one(text(&((1..5).map(epoch).collect::<String>() + &pass)));
    assert_eq!((points(&run, "Avg_Loss").len(), points(&run, "val_Avg_Loss").len()), (12, 1));
}

#[test]
fn a_line_that_names_a_split_alone_gives_it_to_what_follows() {
    let epoch =
        |e: u32| format!("Epoch: {e}\n  TRAIN  \n\tTotal Loss: 70{}.5\n  DEV  \n\tTotal Loss: 1{}.5\n", 9 - e, 9 - e);
    let run = one(text(&(1..6).map(epoch).collect::<String>()));
    assert_eq!((points(&run, "Total_Loss").len(), points(&run, "val_Total_Loss")[0].1), (5, 18.5), "{run:#?}");
}

#[test]
fn what_python_2_prints_of_several_things() {
    let epoch = |e: u32| {
        format!("('Epoch : ', {e}, ' part : ', 40)\n41it [09:22, 1.2s/it]\n('Losses', {{u'tag': 0.{}5}})\n", 9 - e)
    };
    let run = one(text(&(0..6).map(epoch).collect::<String>()));
    assert_eq!((points(&run, "losses/tag").len(), points(&run, "losses/tag")[1].1), (6, 0.85), "{run:#?}");
    let run = one(text("('epoch', 1, 'loss:', 2.5)\n('epoch', 2, 'loss:', 2.25)\n('epoch', 3, 'loss:', 2.0)\n"));
    assert_eq!(points(&run, "loss"), [(1.0, 2.5), (2.0, 2.25), (3.0, 2.0)]);
}

#[test]
fn what_is_told_twice_is_read_once() {
    let log: String = (0..9)
        .flat_map(|i| [format!("loss: 2.{}\n", 9 - i), format!("12:00:0{i} INFO: loss: 2.{}\n", 9 - i)])
        .collect();
    assert_eq!(points(&one(text(&log)), "loss").len(), 9);
    let log = "Epoch is [1/60], mini-batch is [7/160], batch_loss is 4.5\nEpoch is [1/60], mini-batch is [8/160], batch_loss is 4.25\nEpoch is [1/60], mini-batch is [9/160], batch_loss is 4.0\n";
    assert_eq!(points(&one(text(log)), "batch_loss")[1], (8.0, 4.25));
}

#[test]
fn settings_below_a_run_are_of_the_next() {
    let run = |rate: &str, loss: u32| {
        let epochs: String = (1..6).map(|e| format!("Epoch {e} | Loss: {loss}.{}\n", 9 - e)).collect();
        format!("Start of the training\nConfig:\n  lr:   {rate}\n  dropout:   0.1\n") + &epochs + "pearson = 0.5\n"
    };
    let runs = text(&[run("2e-5", 3), run("1e-4", 2), run("5e-6", 4)].concat());
    let rates: Vec<_> = runs.iter().map(|run| run.facts.get("lr").map(String::as_str)).collect();
    assert_eq!(rates, [Some("2e-5"), Some("1e-4"), Some("5e-6")]);
}

#[test]
fn rules_that_count_epochs() {
    let epoch = |e: u32| format!("-----{e}------\ntrain_mean loss: 2.{}\ntest_mean loss: 3.{}\n", 9 - e, 9 - e);
    let run = one(text(&(0..6).map(epoch).collect::<String>()));
    assert_eq!(points(&run, "train_mean_loss")[5], (5.0, 2.4), "{run:#?}");
}

#[test]
fn lists_at_the_start_of_a_text_and_messages_of_keras() {
    let tensors =
        "[32, 3, 64, 64] Tensor(shape=[1], dtype=float32, place=CUDAPlace(0),\n       [-1.]) Tensor(shape=[1],\n";
    let log: String = (1..6).map(|e| format!("Epoch {e}: loss 2.{}\n", 9 - e)).collect();
    assert_eq!(points(&one(text(&(tensors.to_owned() + &log))), "loss").len(), 5);
    let epoch = |e: u32| format!("Epoch {e}/20\n3083s - loss: 1.{}197 - val_loss: 0.{}504\n", 9 - e, 9 - e);
    let run: String = (1..6).map(epoch).collect::<String>() + "Epoch 00004: early stopping\n";
    let again = "Train on 400 samples, validate on 100 samples\n".to_owned() + &run;
    counts(&text(&again.repeat(3)), "loss", &[5, 5, 5]);
}

#[test]
fn counts_that_begin_again_at_their_beginning() {
    // The run did not begin at the first multiple of its stride.
    let rows = |from: u32, to: u32| -> String {
        (from..to).map(|i| format!("epoch 0, iter {i}000, avg. loss 234.{i}, avg. ppl 2{i}4.5\n")).collect()
    };
    counts(&text(&[rows(1, 4), rows(1, 3), rows(1, 7)].concat()), "avg_loss", &[3, 2, 6]);
    // The first row of a run that was ended there, again below the start of a program.
    let start = "train start...\n";
    let row = |i: u32| format!("steps: {i}00, episodes: {i}, TD error: 2.{i}, reward: -0.4\n");
    let log = start.to_owned() + &row(1) + start + &row(1) + start + &row(1) + &row(2) + &row(3);
    counts(&text(&log), "TD_error", &[1, 1, 3]);
}

#[test]
fn an_epoch_that_is_named_beside_its_last_count() {
    let batch = |i: u32| format!("Batch={i}000 samples={i}000 AvgCost=1{}.5 Eval: error=0.14\n", 9 - i);
    let rates = "__fc.w0  avg_abs_val=0.44  max_lr= 489.399 min_lr= 0.387 avg_lr= 67.9\n";
    let epoch = |e: u32| {
        let batches: String = (1..6).map(|i| batch(i) + rates).collect();
        batches + &format!("Pass={e} Batch=5500 samples=5500 AvgCost=1{}.25\n", 9 - e)
    };
    let run = one(text(&(0..4).map(epoch).collect::<String>()));
    assert_eq!((points(&run, "AvgCost").len(), points(&run, "AvgCost")[6].0), (24, 6500.0), "{run:#?}");
    assert!(run.series("max_lr").is_none());
}

#[test]
fn lists_of_readings_are_of_the_next_run_where_they_are_told_again() {
    let history = |to: u32| {
        let list = |of: u32| (0..10).map(|i| format!("{of}.{}", 9 - i % to)).collect::<Vec<_>>().join(", ");
        format!("{{'model': Net(\n  (fc): Linear(in=3, out=10)\n), 'acc': [{}], 'loss': [{}]}}\n", list(5), list(2))
    };
    counts(&text(&[history(10), history(9), history(8)].concat()), "loss", &[10, 10, 10]);
    // One that grows is told again with what is new.
    let growing: String = (4..9)
        .map(|n| format!("train loss: [{}]\n", (0..n).map(|i| format!("2.{}", 9 - i)).collect::<Vec<_>>().join(", ")))
        .collect();
    assert_eq!(points(&one(text(&growing)), "train loss").len(), 8);
}

#[test]
fn the_name_of_a_logger_is_no_split() {
    let line = |e: u32| {
        format!(
            "2026-03-01 10:00:0{e},120 train        INFO     Epoch[{e}] Iteration[{e}0/40] Loss: 1.{e}\n2026-03-01 10:00:0{e},320 train        INFO     Validation Results - Epoch: {e} Avg accuracy: 0.{e}5 Avg loss: 2.{e}\n"
        )
    };
    let run = one(text(&(1..=4).map(line).collect::<String>()));
    assert_eq!((points(&run, "Loss").len(), points(&run, "validation_Avg_loss").len()), (4, 4));
}

#[test]
fn what_is_printed_twice_and_what_people_say_is_no_reading() {
    let line = |e: u32| format!("2026-03-01 10:00:0{e} INFO Epoch {e}: loss 1.{e}5\n");
    let again = |e: u32| format!("INFO:root:Epoch {e}: loss 1.{e}5\n");
    let log: String = (1..=6).flat_map(|e| [line(e), again(e)]).collect();
    assert_eq!(points(&one(text(&log)), "loss").len(), 6);
    let log: String = (1..=6).map(line).collect::<String>() + "\nI tried lr=0.5 too, and my loss was 7.5 at epoch 9.\n";
    let run = one(text(&log));
    assert_eq!((points(&run, "loss").len(), run.series("lr")), (6, None));
    // A value that stands still, without a count.
    assert_eq!(points(&one(text("loss: 0.25\nloss: 0.25\nloss: 0.25\n")), "loss").len(), 3);
}

#[test]
fn a_command_begins_a_run_unless_its_counts_go_on() {
    let rows = |from: u32| {
        (from..from + 5).map(|i| format!("iteration:{i} step:{}/82, loss: 0.{i}\n", i * 7 % 82)).collect::<String>()
    };
    let head = "$ python train.py --seed 3\nlayers: 3\naccuracy: 0.1\n";
    let runs = text(&[head, &rows(2), head, &rows(2)].concat());
    assert_eq!(runs.len(), 2, "{runs:?}");
    let log = [rows(2), "$ python train.py --resume last.pt\n".to_owned(), rows(7)].concat();
    assert_eq!(text(&log).len(), 1);
}

#[test]
fn a_pair_behind_a_metric_and_columns_that_are_all_metrics() {
    let log: String = (0..5).map(|i| format!("loss: ({i}, {}.5)\n", 9 - i)).collect();
    let run = one(text(&log));
    assert_eq!((run.counter.as_str(), points(&run, "loss")[4]), ("step", (4.0, 5.5)));
    let rows = " 1.25  0.45  0.50  0.46\n 0.75  0.52  0.79  0.53\n 0.50  0.54  0.84  0.55\n";
    let run = one(text(&("train acc    va_acc  train_loss  val_loss\n".to_owned() + rows)));
    assert_eq!((points(&run, "train_loss").len(), points(&run, "val_loss").len()), (3, 3));
}
