//! Logs of kinds that were once misread, in small and in words of our own.

use crate::{fact, one, points, read, text};
use stepsize_logs::{Format, NamedSeries, Run, meaning};

/// The names of the series that are taken as loss, validation and score.
fn taken(run: &Run) -> [String; 3] {
    let (_, taken) = meaning::read(run, "a.log", &meaning::Asked::default()).unwrap().remove(0);
    use meaning::Role::{Loss, Score, Validation};
    [Loss, Validation, Score].map(|role| taken.of(role).map(|s| s.name.clone()).unwrap_or_default())
}

#[test]
fn epochs_on_lines_of_their_own_and_a_validation_that_counts_its_batches() {
    let mut log = String::new();
    for epoch in 1..=3 {
        log += &format!("Epoch {epoch}/3\n");
        (1..=4).for_each(|i| log += &format!("step {}/40 - loss: {}.5 - 9ms/step\n", 10 * i, 10 - 3 * epoch));
        log += "Eval begin...\n";
        (1..=2).for_each(|i| log += &format!("step {i}0/20 - loss: 0.{epoch}\n"));
    }
    let run = one(text(&log));
    let losses = points(&run, "loss");
    assert_eq!((losses.len(), losses[0], losses[11]), (12, (10.0, 7.5), (120.0, 1.5)));
    assert_eq!(points(&run, "val_loss").iter().map(|p| p.1).collect::<Vec<_>>(), [0.1, 0.2, 0.3]);
    // Without epochs a progress bar that is far shorter is a validation.
    let bar =
        |loss: f64, i: u32, of: u32| format!("loss: {loss} ||: 50%|#####     | {i}/{of} [00:01<00:01, 9.0it/s]\n");
    let log = [bar(3.0, 50, 100), bar(2.0, 100, 100), bar(9.0, 5, 5), bar(1.0, 50, 100), bar(8.0, 5, 5)].concat();
    let run = one(text(&log));
    assert_eq!(points(&run, "loss").len(), 3);
    assert_eq!(points(&run, "val_loss").iter().map(|p| p.1).collect::<Vec<_>>(), [9.0, 8.0]);
}

#[test]
fn counters_before_and_in_parentheses() {
    let run = one(text("0-epoch (5/900): total loss 4.5, lr 0.1\n0-epoch (9/900): total loss 4.25, lr 0.2\n"));
    assert_eq!(points(&run, "total_loss"), [(5.0, 4.5), (9.0, 4.25)]);
    let run = one(text("[200/3000] Train loss: 0.5, Valid loss: 0.75\n[400/3000] Train loss: 0.25, Valid loss: 0.5\n"));
    assert_eq!(points(&run, "Train_loss"), [(200.0, 0.5), (400.0, 0.25)]);
}

#[test]
fn what_a_solver_says_of_its_test_net_is_held_out() {
    let run = one(text(
        "a.cpp:9] Iteration 100, loss = 2.5\na.cpp:9]     Train net output #0: loss_box = 0.5 (* 2 = 1 loss)\n\
         a.cpp:9]     Test net output #0: accuracy = 0.25\na.cpp:9]     Test net output #1: loss = 2.75 (* 1 = 2.75 loss)\n\
         a.cpp:9] Iteration 200, loss = 1.5\na.cpp:9]     Test net output #1: loss = 1.75 (* 1 = 1.75 loss)\n",
    ));
    assert_eq!(points(&run, "loss"), [(100.0, 2.5), (200.0, 1.5)]);
    assert_eq!(points(&run, "test_loss"), [(100.0, 2.75), (200.0, 1.75)]);
    assert_eq!(points(&run, "test_accuracy"), [(100.0, 0.25)]);
}

#[test]
fn results_of_an_evaluation_are_no_readings_of_the_training() {
    let run = one(text(
        "INFO:tensorflow:loss = 1.5, step = 0\nINFO:tensorflow:loss = 0.5, step = 100 (9.5 sec)\n\
         INFO:tensorflow:Saving dict for global step 100: accuracy = 0.75, global_step = 100, loss = 0.875\n\
         INFO:tensorflow:***** Eval results *****\nINFO:tensorflow:  accuracy = 0.75\nINFO:tensorflow:  loss = 0.875\n",
    ));
    assert_eq!(points(&run, "loss"), [(0.0, 1.5), (100.0, 0.5)]);
    assert_eq!(points(&run, "eval_loss").last().map(|p| p.1), Some(0.875));
}

#[test]
fn settings_with_the_names_of_metrics() {
    let box_of = |success: f64| format!("| epoch             | 1 |\n| test/success_rate | {success} |\n-----\n");
    let log = format!(
        "_action_l2: 1.0\n_Q_lr: 0.001\nparams: {{'pi_lr': 0.001, 'action_l2': 1.0}}\n{}",
        [0.25, 0.5, 0.75].map(box_of).concat()
    );
    let run = one(text(&log));
    assert_eq!(taken(&run), ["", "", "test/success_rate"]);
    let run = one(text("tied:True embed_lr:0.05 head_lr:0.01\nstep:1 train_loss:2.5\nstep:2 train_loss:2.25\n"));
    assert!(run.series.iter().all(|s| !s.name.contains("True")), "{run:?}");
}

#[test]
fn the_name_of_a_file_is_the_metric_of_bare_numbers() {
    let pairs = one(read("loss.log", b"1.5 0\n0.75 100\n0.5 200\n", Format::Text));
    assert_eq!(points(&pairs, "loss"), [(0.0, 1.5), (100.0, 0.75), (200.0, 0.5)]);
    let one_column = one(read("val_loss.txt", b"1.5\n0.75\n0.5\n", Format::Csv));
    assert_eq!(points(&one_column, "val_loss"), [(0.0, 1.5), (1.0, 0.75), (2.0, 0.5)]);
    let other = one(read("numbers.txt", b"1.5\n0.75\n0.5\n", Format::Csv));
    assert_eq!(other.series[0].name, "column_1");
}

#[test]
fn two_tabs_after_a_column() {
    let table = b"EPOCH\tLEARNING_RATE\tTRAIN_LOSS\tTRAIN_F1\tDEV_LOSS\n1\t0.1\t2.5\t\t_\t2.75\n2\t0.1\t1.5\t\t_\t1.75\n3\t0.05\t1.25\t\t_\t1.5\n";
    let run = one(read("loss.tsv", table, Format::Tsv));
    assert_eq!(points(&run, "DEV_LOSS"), [(1.0, 2.75), (2.0, 1.75), (3.0, 1.5)]);
    assert_eq!(points(&run, "TRAIN_LOSS")[0], (1.0, 2.5));
}

#[test]
fn the_rate_of_a_schedule_makes_no_sweep_of_the_rows() {
    let series = |name: &str, values: &[f64]| NamedSeries {
        name: name.into(),
        points: values.iter().enumerate().map(|(i, v)| (i as f64, *v)).collect(),
        seen: values.len() as u64,
    };
    let count = |rates: &[f64]| {
        let losses: Vec<f64> = (1..=rates.len()).map(|i| 2.0 / i as f64).collect();
        let run = Run { series: vec![series("lr", rates), series("loss", &losses)], ..Run::default() };
        meaning::records(&run, "a.log").len()
    };
    let ramp: Vec<f64> = (1..=9).map(|i| 1e-4 * f64::from(i)).collect();
    assert_eq!(count(&ramp), 1);
    let steps: Vec<f64> = [0.1; 4].into_iter().chain([0.01; 4]).chain([0.001; 4]).collect();
    assert_eq!(count(&steps), 1);
    assert_eq!(count(&[1e-3, 1e-2, 0.1, 1.0]), 4);
}

#[test]
fn a_table_of_results_is_no_curve() {
    let table = b"commit\tval_bpb\tmemory\tsteps_made\tstatus\na1\t2.5\t5.5\t180\tkeep\nb2\t2.25\t5.5\t167\tdrop\nc3\t2.0\t7.5\t190\tkeep\n";
    let run = one(read("results.tsv", table, Format::Tsv));
    assert!(meaning::records(&run, "results.tsv")[0].facts.table);
    let found = read(
        "search.csv",
        b"optimizer,learning_rate,best_accuracy\nsgd,0.1,72.5\nadam,0.01,80.25\nsgd,0.01,60.5\n",
        Format::Csv,
    );
    let record = found.iter().flat_map(|r| meaning::records(r, "search.csv")).next().unwrap();
    assert_eq!(record.score.values(), [72.5]);
}

#[test]
fn a_run_that_a_person_ended() {
    let log = "step 1: loss 2.5\nstep 2: loss 2.25\nTraceback (most recent call last):\n  File \"a.py\", line 3\nKeyboardInterrupt\n";
    let run = one(text(log));
    fact(&run, "interrupted", "true");
    assert!(meaning::records(&run, "a.log")[0].facts.interrupted);
    let run = one(text(&format!("{log}step 3: loss 2\n")));
    assert!(!run.facts.contains_key("interrupted"));
}
