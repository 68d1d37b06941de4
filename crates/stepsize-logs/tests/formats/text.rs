//! Printed text: mess, restarts, counters within epochs, the loggers of many tools.

use crate::{fact, one, points, read, text};
use stepsize_logs::Format;

#[test]
fn messy_text() {
    let plain = "step 1 loss 3\nstep 2 loss 2\nstep 3 loss 1\n";
    let wide: Vec<u8> = plain.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let marked: Vec<u8> = [0xFE, 0xFF].into_iter().chain(plain.encode_utf16().flat_map(u16::to_be_bytes)).collect();
    let coloured = "\u{1b}[32mstep 1\u{1b}[0m loss \u{1b}[1m3\u{1b}[0m\rstep 2 loss 2\rstep 3 los\0s 1";
    for bytes in [plain.as_bytes(), &wide, &marked, coloured.as_bytes()] {
        let run = one(read("x.log", bytes, Format::Text));
        assert_eq!(points(&run, "loss"), [(1.0, 3.0), (2.0, 2.0), (3.0, 1.0)]);
    }
}

#[test]
fn restarts_repeats_and_several_runs() {
    let run = one(read("x.csv", b"step,loss\n0,5\n10,4\n20,3\n30,9\n20,2\n30,1\n30,0.5\n", Format::Csv));
    assert_eq!(points(&run, "loss"), [(0.0, 5.0), (10.0, 4.0), (20.0, 2.0), (30.0, 0.5)]);
    assert!(run.notes[0].contains("went back from 30 to 20 at line 6"), "{:?}", run.notes);
    let runs = read("x.csv", b"step,loss\n0,5\n10,4\nstep,loss\n0,3\n10,2\n", Format::Csv);
    assert_eq!((runs.len(), points(&runs[1], "loss")), (2, &[(0.0, 3.0), (10.0, 2.0)][..]));
    let runs = text(
        "$ python a.py --lr 0.1\nstep 0: loss 3\nstep 10: loss 2\n$ python a.py --lr 0.2\nstep 0: loss 3\nstep 10: loss 4\n",
    );
    assert_eq!(runs.len(), 2, "{runs:#?}");
    fact(&runs[0], "lr", "0.1");
    fact(&runs[1], "lr", "0.2");
    let runs = text("Epoch 1/2 - loss: 3\nEpoch 2/2 - loss: 2\nEpoch 1/2 - loss: 4\nEpoch 2/2 - loss: 5\n");
    assert_eq!((runs.len(), points(&runs[1], "loss")[0]), (2, (1.0, 4.0)));
    let run =
        one(text("step 0 loss 3\nstep 100 loss 2\nstep 200 loss 1\nresuming\nstep 100 loss 1.5\nstep 200 loss 1.25\n"));
    assert_eq!(points(&run, "loss")[1..], [(100.0, 1.5), (200.0, 1.25)]);
}

#[test]
fn counters_within_epochs() {
    let run = one(text(
        "Epoch: [0][0/100]\tLoss 3.0 (3.0)\nEpoch: [0][50/100]\tLoss 2.5 (2.8)\nEpoch: [1][0/100]\tLoss 2.0 (2.0)\nEpoch: [1][50/100]\tLoss 1.5 (1.8)\n",
    ));
    assert_eq!(points(&run, "Loss"), [(0.0, 3.0), (50.0, 2.5), (100.0, 2.0), (150.0, 1.5)]);
    let run = one(text(
        "Epoch 1/2\n 1/10 [=>...] - loss: 3\r10/10 [=====] - loss: 2 - val_loss: 2.5\nEpoch 2/2\n 1/10 [=>...] - loss: 1.5\r10/10 [=====] - loss: 1 - val_loss: 1.5\n",
    ));
    assert_eq!(points(&run, "loss"), [(1.0, 3.0), (10.0, 2.0), (11.0, 1.5), (20.0, 1.0)]);
    assert_eq!(points(&run, "val_loss"), [(10.0, 2.5), (20.0, 1.5)]);
    fact(&run, "total_epochs", "2");
}

#[test]
fn loggers_of_text() {
    let run = one(text(
        "number of parameters: 10.65M\nstep 0: train loss 4.28, val loss 4.27\niter 0: loss 4.26, time 23000.12ms, mfu -100.00%\niter 10: loss 3.5, time 23.12ms, mfu 10.00%\nstep 20: train loss 3.0, val loss 3.1\niter 20: loss 3.0, time 23.12ms, mfu 10.00%\n",
    ));
    assert_eq!(points(&run, "val_loss"), [(0.0, 4.27), (20.0, 3.1)]);
    assert_eq!(points(&run, "loss"), [(0.0, 4.26), (10.0, 3.5), (20.0, 3.0)]);
    let run = one(text(
        "2024-05-01 10:00:00 | INFO | train_inner | epoch 001:    100 / 1000 loss=9.5, nll_loss=9.1, ppl=550.1, wps=1000, ups=2, num_updates=100, lr=1e-05, gnorm=2.5\n2024-05-01 10:01:00 | INFO | train_inner | epoch 001:    200 / 1000 loss=8.5, nll_loss=8.1, ppl=300, wps=1000, ups=2, num_updates=200, lr=2e-05, gnorm=2\n2024-05-01 10:02:00 | INFO | valid | epoch 001 | valid on 'valid' subset | loss 8.25 | nll_loss 8 | ppl 256 | num_updates 200\n",
    ));
    assert_eq!(points(&run, "loss"), [(100.0, 9.5), (200.0, 8.5)]);
    assert_eq!(points(&run, "valid_loss"), [(200.0, 8.25)]);
    assert_eq!(points(&run, "lr"), [(100.0, 1e-5), (200.0, 2e-5)]);
    let run = one(text(
        " iteration       10/    1000 | consumed samples:         2560 | elapsed time per iteration (ms): 120.1 | learning rate: 1.500000E-05 | global batch size:   256 | lm loss: 1.050000E+01 | loss scale: 1.0 | grad norm: 2.5 | number of skipped iterations:   0 |\n iteration       20/    1000 | consumed samples:         5120 | elapsed time per iteration (ms): 120.1 | learning rate: 3.000000E-05 | global batch size:   256 | lm loss: 9.500000E+00 | loss scale: 1.0 | grad norm: 1.5 | number of skipped iterations:   0 |\n",
    ));
    assert_eq!(points(&run, "lm_loss"), [(10.0, 10.5), (20.0, 9.5)]);
    fact(&run, "total_steps", "1000");
    let run = one(text("[0]\ttrain-rmse:0.5\teval-rmse:0.75\n[1]\ttrain-rmse:0.25\teval-rmse:0.5\n"));
    assert_eq!(points(&run, "eval-rmse"), [(0.0, 0.75), (1.0, 0.5)]);
    let run = one(text("[1]\tvalid_0's l2: 0.25\tvalid_0's auc: 0.75\n[2]\tvalid_0's l2: 0.2\tvalid_0's auc: 0.8\n"));
    assert_eq!(points(&run, "valid_0_auc"), [(1.0, 0.75), (2.0, 0.8)]);
    let run = one(text(
        "0:\tlearn: 0.9\ttest: 0.95\tbest: 0.95 (0)\ttotal: 12ms\tremaining: 1.2s\n1:\tlearn: 0.8\ttest: 0.85\tbest: 0.85 (1)\ttotal: 24ms\tremaining: 1.1s\n",
    ));
    assert_eq!(points(&run, "test"), [(0.0, 0.95), (1.0, 0.85)]);
    let run = one(text(
        "[2024-01-01 12:00:00,123] [INFO] [logging.py:96:log_dist] [Rank 0] step=10, skipped=0, lr=[1e-05], mom=[(0.9, 0.95)]\nsteps: 10 loss: 3.25 iter time (s): 0.5 samples/sec: 12.5\n[2024-01-01 12:00:10,123] [INFO] [logging.py:96:log_dist] [Rank 0] step=20, skipped=0, lr=[2e-05], mom=[(0.9, 0.95)]\nsteps: 20 loss: 3.0 iter time (s): 0.5 samples/sec: 12.5\n",
    ));
    assert_eq!(points(&run, "loss"), [(10.0, 3.25), (20.0, 3.0)]);
    assert_eq!(points(&run, "lr"), [(10.0, 1e-5), (20.0, 2e-5)]);
    let run = one(text(
        "[2024/01/01 12:00:00] ppcls INFO: [Train][Epoch 1/100][Iter: 0/50]lr(LinearWarmup): 0.00010, top1: 0.0, CELoss: 6.9, loss: 6.9, batch_cost: 1.2s, reader_cost: 0.5, ips: 50 samples/s, eta: 1:30:00\n[2024/01/01 12:00:09] ppcls INFO: [Train][Epoch 1/100][Iter: 10/50]lr(LinearWarmup): 0.00020, top1: 0.1, CELoss: 6.5, loss: 6.5, batch_cost: 1.2s, reader_cost: 0.5, ips: 50 samples/s, eta: 1:29:00\n",
    ));
    assert_eq!(points(&run, "loss"), [(0.0, 6.9), (10.0, 6.5)]);
    let run = one(text(
        " 10%|█         | 10/100 [00:01<00:09,  9.50it/s, loss=2.5]\r 20%|██        | 20/100 [00:02<00:08,  9.50it/s, loss=1.5]\n",
    ));
    assert_eq!(points(&run, "loss"), [(10.0, 2.5), (20.0, 1.5)]);
    let run = one(text(
        "epoch     train_loss  valid_loss  accuracy  time\n0         0.75        0.5         0.8       00:12\n1         0.5         0.25        0.9       00:12\n",
    ));
    assert_eq!(points(&run, "valid_loss"), [(0.0, 0.5), (1.0, 0.25)]);
}

#[test]
fn keras_with_one_line_an_epoch() {
    let bar = |i: usize| {
        format!(
            "Epoch {i}/4\n13/13 ━━━━━━━━━━━━━━━━━━━━ 0s 2ms/step - accuracy: 0.9{i} - loss: 0.{i}5 - val_loss: 0.{i}7\n"
        )
    };
    let old = |i: usize| {
        format!("Epoch {i}/4\n13/13 [==============================] - 0s 2ms/step - loss: 0.{i}5 - val_loss: 0.{i}7\n")
    };
    let forms: [&dyn Fn(usize) -> String; 2] = [&bar, &old];
    for form in forms {
        let log: String = (1..=4).map(form).collect();
        let run = one(text(&log));
        assert_eq!(points(&run, "loss"), [(13.0, 0.15), (26.0, 0.25), (39.0, 0.35), (52.0, 0.45)], "{log}");
        assert_eq!(points(&run, "val_loss").len(), 4, "{log}");
    }
    let terse = |i: usize| format!("Epoch {i}/4\n13/13 - 0s - loss: 0.{i}5 - val_loss: 0.{i}7 - 300ms/epoch\n");
    let run = one(text(&(1..=4).map(terse).collect::<String>()));
    assert_eq!(points(&run, "loss"), [(1.0, 0.15), (2.0, 0.25), (3.0, 0.35), (4.0, 0.45)]);
}

#[test]
fn a_count_of_its_end_begins_the_line() {
    for form in [
        "[   @/200] loss=1.5",
        "(@/200) loss: 1.5",
        "@/200 loss: 1.5",
        "[ @ / 200 ] train_loss = 1.5",
        "  [@/200]\tloss 1.5",
    ] {
        let log: String = [3, 6, 9].map(|i| form.replace('@', &i.to_string()) + "\n").concat();
        let run = one(text(&log));
        let steps: Vec<f64> = run.series[0].points.iter().map(|p| p.0).collect();
        assert_eq!((run.counter.as_str(), steps), ("iter", vec![3.0, 6.0, 9.0]), "{form}");
    }
    // So many of all were right.
    let run = one(text("12/200 accuracy: 0.06\n15/200 accuracy: 0.075\n"));
    assert_eq!(run.counter, "");
}
