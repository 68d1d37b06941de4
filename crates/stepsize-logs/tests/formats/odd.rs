//! Printed text that is easily misread: boxes, values before names, commas, messages, bars.

use crate::{fact, one, points, read, text};

#[test]
fn boxes_of_names_and_values_are_of_one_moment() {
    let block = |steps: u32, reward: &str, loss: &str| {
        format!(
            "-----------------------------\n| rollout/           |      |\n|    ep_rew_mean     | {reward} |\n| time/              |      |\n\
             |    total_timesteps | {steps} |\n| train/             |      |\n|    loss            | {loss} |\n-----------------------------\n"
        )
    };
    let run = one(text(&(block(2048, "1.5e+02", "0.5") + &block(4096, "200", "0.25"))));
    assert_eq!(points(&run, "rollout/ep_rew_mean"), [(2048.0, 150.0), (4096.0, 200.0)]);
    assert_eq!(points(&run, "train/loss"), [(2048.0, 0.5), (4096.0, 0.25)]);
    let settings = "+--------+-----+\n| Epochs | 50  |\n+--------+-----+\n| lr     | 0.1 |\n+--------+-----+\nloss 0.5\nloss 0.4\nloss 0.3\n";
    let run = one(text(settings));
    fact(&run, "lr", "0.1");
    assert_eq!(points(&run, "loss"), [(0.0, 0.5), (1.0, 0.4), (2.0, 0.3)]);
}

#[test]
fn values_before_their_names_and_other_forms_of_numbers() {
    let run = one(text(
        " 10: 941.5, 934.25 avg loss, 0.001 rate, 3.4 seconds, 640 images\n 20: -nan, -nan avg loss, 0.001 rate, 3.4 seconds, 1280 images\n",
    ));
    assert!(points(&run, "avg_loss")[0] == (10.0, 934.25) && points(&run, "avg_loss")[1].1.is_nan());
    assert_eq!(points(&run, "learning_rate")[0], (10.0, 0.001));
    let run = one(text(
        "1: 439.3, 438.25 avg, 0.001 rate, 9.5 seconds, 64 images\n2: 437.5, 438.0 avg, 0.001 rate, 9.5 seconds\n",
    ));
    assert_eq!(points(&run, "avg_loss"), [(1.0, 438.25), (2.0, 438.0)]);
    let run = one(text("Epoch 1/2 - loss: 2,2861 - lr: 0,001\nEpoch 2/2 - loss: 1,87 - lr: 0,0005\n"));
    assert_eq!(points(&run, "loss"), [(1.0, 2.2861), (2.0, 1.87)]);
    assert_eq!(points(&run, "lr"), [(1.0, 0.001), (2.0, 0.0005)]);
    let run = one(text("step 1,200 loss 2.5\nstep 10k loss 2.25\nstep 1.5M loss 2 lr 1.5x10^-4\n"));
    assert_eq!(points(&run, "loss"), [(1200.0, 2.5), (10_000.0, 2.25), (1_500_000.0, 2.0)]);
    assert!((points(&run, "lr")[0].1 - 1.5e-4).abs() < 1e-12);
    let run = one(text("Epoch 0, Step 50, avg loss so far is 0.5\nEpoch 1, Step 50, avg loss so far is 0.4\n"));
    assert_eq!(points(&run, "avg_loss").len(), 2);
}

#[test]
fn messages_settings_and_code_are_no_readings() {
    let run = one(text(
        "    if it < 100:\n        return 1.0\nopt = AdamW(p, lr=0.3)\nstep 1 loss 2.5\nstep 2 loss 2.25\nstep 3 loss 2\n\
         Epoch 3: ReduceLROnPlateau reducing learning rate to 0.0001.\nTotal iters 600\nstep 4 loss 1.5\n",
    ));
    assert_eq!(points(&run, "loss"), [(1.0, 2.5), (2.0, 2.25), (3.0, 2.0), (4.0, 1.5)]);
    assert!(run.series("return").is_none() && run.series("lr").is_none() && run.series("learning_rate").is_none());
    let run = one(text("Config:\n  BASE_LR: 0.02\n  BIAS_LR_FACTOR: 2.0\niter: 9 loss: 2.5\niter: 19 loss: 2.25\n"));
    fact(&run, "lr", "0.02");
    assert_eq!(points(&run, "loss").len(), 2);
    let run = one(text("Train: 3667\nVal: 786\nstep 1 train 0.5 valid 0.75\nstep 2 train 0.4 valid 0.7\n"));
    assert_eq!(points(&run, "train"), [(1.0, 0.5), (2.0, 0.4)]);
    let run = one(text("{'epochs': 100, 'lr': 0.1, 'batch_size': 8}\nepoch 0 loss 2.5\nepoch 1 loss 2.25\n"));
    assert_eq!(points(&run, "loss"), [(0.0, 2.5), (1.0, 2.25)]);
    fact(&run, "lr", "0.1");
}

#[test]
fn a_run_that_says_at_its_end_that_it_broke() {
    let log = "iter: 9 loss: 2.5\niter: 19 loss: 2.25\nTraceback (most recent call last):\n  File \"a.py\", line 3, in f\n    loss = 0.5 * x\n\
               FloatingPointError: Loss became infinite or NaN at iteration=25!\n";
    let run = one(text(log));
    let seen = points(&run, "loss");
    assert!(seen.len() == 3 && seen[2].0 == 25.0 && seen[2].1.is_nan(), "{seen:?}");
    // What comes later shows that it went on.
    let run = one(text(&format!("{log}iter: 29 loss: 2\n")));
    assert_eq!(points(&run, "loss"), [(9.0, 2.5), (19.0, 2.25), (29.0, 2.0)]);
}

#[test]
fn bars_are_counters_where_there_is_no_better_one() {
    let run = one(text(
        "Epoch 1[16/100]: loss:0.5\nEpoch 1[66/100]: loss:0.4\n100%|###| 310/310 [00:32<00:00,  9.5it/s]\n100%|###| 20/20 [00:00<00:00, 60it/s]\n\
         Epoch 2[16/100]: loss:0.3\nEpoch 2[66/100]: loss:0.2\n",
    ));
    assert_eq!(points(&run, "loss"), [(16.0, 0.5), (66.0, 0.4), (116.0, 0.3), (166.0, 0.2)]);
    let run = one(text(
        "100%|###| 254/254 [00:01<00:00, 200it/s, x=1]\n{'loss': '2.5', 'epoch': '0.5'}\n 10%|#  | 10/100 [00:01<00:09]\n{'loss': '2.25', 'epoch': '1.0'}\n",
    ));
    assert_eq!(points(&run, "loss"), [(0.5, 2.5), (1.0, 2.25)]);
    let run = one(text(
        "| epoch   1 |   200/ 1100 batches | loss  7.5\n| epoch   1 |   600/ 1100 batches | loss  7\n| end of epoch   1 | valid loss  6.5\n\
         | epoch   2 |   200/ 1100 batches | loss  6\n| end of epoch   2 | valid loss  5.5\n",
    ));
    assert_eq!(points(&run, "loss"), [(200.0, 7.5), (600.0, 7.0), (1300.0, 6.0)]);
    assert_eq!(points(&run, "valid_loss"), [(1100.0, 6.5), (2200.0, 5.5)]);
    let run =
        one(text("epoch 1 loss 3\nend of epoch 1 valid loss 2.5\nepoch 2 loss 2\nend of epoch 2 valid loss 1.5\n"));
    assert_eq!(points(&run, "valid_loss"), [(2.0, 2.5), (3.0, 1.5)]);
    let run = one(text(
        "Train Epoch: 1 loss: 3.5\nTest Epoch: 1 loss: 3.0\nTrain Epoch: 2 loss: 2.5\nTest Epoch: 2 loss: 2.0\n",
    ));
    assert_eq!((points(&run, "loss").len(), points(&run, "test_loss").len()), (2, 2));
}

#[test]
fn names_in_quotes_with_blanks_and_an_index_before_a_tab() {
    let log = b"\"   epoch\",\"  train/box_loss\",\"  train/cls_loss\"\n\"    1\",\"  1.5\",\"  2.5\"\n\"    2\",\"  1.25\",\"  2.25\"\n";
    let run = one(read("results.csv", log, stepsize_logs::detect(log, "results.csv")));
    assert_eq!(points(&run, "train/box_loss"), [(1.0, 1.5), (2.0, 1.25)]);
    let log = b"\ttrain_loss\tval_loss\n0\t0.5\t0.75\n1\t0.25\t0.5\n2\t0.125\t0.375\n";
    let run = one(read("log.csv", log, stepsize_logs::detect(log, "log.csv")));
    assert_eq!((points(&run, "train_loss").len(), points(&run, "val_loss").len()), (3, 3));
}
