//! Single lines of a training log: the names in them and their numbers.
//!
//! [`Lines`] makes lines of bytes; [`pairs`] reads a line, whatever program wrote it. [`Tables`]
//! also reads the rows of tables.

mod blocks;
mod lines;
mod messages;
mod prefix;
mod scan;
mod settings;
mod tables;
mod tools;
mod trials;
mod tuples;
mod ultralytics;
mod words;

use crate::names::is_counter;
use std::borrow::Cow;

pub(crate) use blocks::{Blocks, Line};
pub use lines::{LONGEST, Lines};
pub(crate) use messages::{adjusted_rate, broken_at, list_of, lists_in, lists_of, step_and_rate};
pub(crate) use prefix::unprefixed;
pub(crate) use settings::settings;
pub use tables::Tables;
pub(crate) use tables::boxed;
pub(crate) use trials::Trials;
pub(crate) use words::counted;

/// A name with its number, and the number that it goes up to, as in `3/10`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Pair {
    pub name: String,
    pub value: f64,
    pub whole: Option<f64>,
    pub mark: Mark,
}

/// What is special about a count.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Mark {
    Plain,
    /// A count at the start of a progress bar, which may count batches within an epoch.
    Bar,
    /// A count in a progress bar of tqdm, which is no counter where there is a better one.
    Tqdm,
    /// The epoch that is over.
    End,
    /// The share of its epoch that is over: `Epoch: 1 [640/60000 (1%)]`.
    Share,
}

/// The names and numbers of one log line, in their order.
///
/// Reads `key value`, `key=value`, `key: value`, JSON objects and Python dicts within the line
/// (nested keys joined with `/`), progress as in `Epoch 3/10` or `[20/100]`, and names of several
/// words, joined with `_` (`val loss 3.2` is `val_loss`). `nan` and `inf` are numbers. Colours,
/// dates, durations (`eta: 0:01:30`, `12 ms`, `1.2s/it`), sizes and numbers without a name are
/// ignored. A line that begins with the name of a split (`valid | loss 3.2`) gives it to the names
/// after it.
///
/// ```
/// use stepsize_logs::text::pairs;
/// let wanted = [("step".into(), 200.0), ("val_loss".into(), 3.2)];
/// assert_eq!(pairs("step 200: val loss 3.2, 12ms"), wanted);
/// ```
pub fn pairs(line: &str) -> Vec<(String, f64)> {
    scan_pairs(&plain(line))
        .into_iter()
        .filter(|p| !matches!(p.mark, Mark::Bar | Mark::Share))
        .map(|p| (p.name, p.value))
        .collect()
}

/// Like [`pairs`] of a line that is [`plain`], with the numbers that counters go up to and with
/// progress bars.
pub(crate) fn scan_pairs(line: &str) -> Vec<Pair> {
    // A reading has a digit, or is `nan` or `inf`.
    if !line.bytes().any(|b| b.is_ascii_digit() || matches!(b, b'n' | b'N' | b'i' | b'I')) {
        return Vec::new();
    }
    if let Some(found) = tools::pairs(line) {
        return found;
    }
    let mut found = scan::Scan::new(&without_files(&tuples::opened(line))).run();
    // `[Losses: x 0.3, y 0.2, total 15.1, recall 0.1]`, `[epoch: 1/200, iter: 25/489] total: 1.64`
    if found.iter().any(|p| p.name == "total") {
        let (total, others): (Vec<&Pair>, Vec<&Pair>) = found.iter().partition(|p| p.name == "total");
        let counted = !others.is_empty() && others.iter().all(|p| is_counter(&p.name));
        let alone = counted && total.iter().all(|p| p.value.fract() != 0.0);
        if alone || line.to_ascii_lowercase().contains("losses") {
            found.iter_mut().filter(|p| p.name == "total").for_each(|p| p.name = "total_loss".to_owned());
        }
    }
    // Deeplearning4j calls its loss a score.
    if let [_, score] = found.as_mut_slice()
        && score.name == "Score"
        && line.contains("ScoreIterationListener")
    {
        score.name = "loss".to_owned();
    }
    found
}

/// How the names of checkpoints end (`.pth` too).
const CHECKPOINTS: [&str; 2] = [".ckpt", ".pt"];

/// A line without the names of checkpoints, which hold readings of an earlier time:
/// `best-epoch=4-val_loss=0.64.ckpt`.
fn without_files(line: &str) -> Cow<'_, str> {
    let holds = |text: &str| CHECKPOINTS.iter().any(|end| text.contains(end));
    if !holds(line) {
        return line.into();
    }
    let is_file = |word: &str| word.contains('=') && holds(word);
    line.split(' ').map(|word| if is_file(word) { "" } else { word }).collect::<Vec<_>>().join(" ").into()
}

/// The line without terminal escape sequences and control characters.
pub fn plain(line: &str) -> Cow<'_, str> {
    if !line.bytes().any(|b| b < b' ' && b != b'\t' || b == 0x7f || b == 0xc2) {
        return line.into();
    }
    let mut out = String::with_capacity(line.len());
    let mut rest = line.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\u{1b}' => match rest.next() {
                // Control sequence: parameters, then one final byte.
                Some('[') => while rest.next().is_some_and(|c| !('\u{40}'..='\u{7e}').contains(&c)) {},
                // Operating system command: up to BEL or ESC \.
                Some(']') => while rest.next().is_some_and(|c| c != '\u{7}' && c != '\\') {},
                _ => {}
            },
            '\t' => out.push(c),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out.into()
}

#[cfg(test)]
mod tests {
    use super::pairs;
    use proptest::prelude::*;

    #[track_caller]
    fn reads(line: &str, expected: &[(&str, f64)]) {
        let seen = pairs(line);
        let same = seen.len() == expected.len()
            && seen.iter().zip(expected).all(|((n, v), (m, w))| n == m && (v == w || v.is_nan() && w.is_nan()));
        assert!(same, "{line:?}\n gives {seen:?}\n not   {expected:?}");
    }

    #[test]
    fn plain_pairs() {
        reads("loss 0.5", &[("loss", 0.5)]);
        reads("loss=0.5 lr=1e-4", &[("loss", 0.5), ("lr", 1e-4)]);
        reads("step: 10, loss: .25, lr: 5E-05", &[("step", 10.0), ("loss", 0.25), ("lr", 5e-5)]);
        reads("loss = -1.5e+2; acc = 91.2%", &[("loss", -150.0), ("acc", 91.2)]);
        reads("loss is 0.3", &[("loss", 0.3)]);
        reads("average loss = 0.125 h", &[("average_loss", 0.125)]);
        reads("training time = 1.5 h", &[]);
        reads("Loss at step 100: 0.3", &[("step", 100.0), ("Loss", 0.3)]);
        reads("epoch 3 (loss 0.3, lr 0.1)", &[("epoch", 3.0), ("loss", 0.3), ("lr", 0.1)]);
        reads("\u{1b}[32mloss\u{1b}[0m: \u{1b}[1;31m0.7\u{1b}[0m", &[("loss", 0.7)]);
        reads("step 1,200 loss 2.5", &[("step", 1200.0), ("loss", 2.5)]);
        reads("epoch3/10 loss: 1", &[("epoch", 3.0), ("loss", 1.0)]);
        reads("epoch3 loss: 1", &[("epoch", 3.0), ("loss", 1.0)]);
    }

    #[test]
    fn not_finite() {
        reads(
            "step 5: train loss nan, val loss inf",
            &[("step", 5.0), ("train_loss", f64::NAN), ("val_loss", f64::INFINITY)],
        );
        reads("loss: -inf", &[("loss", f64::NEG_INFINITY)]);
        reads("loss=NaN acc=0.1", &[("loss", f64::NAN), ("acc", 0.1)]);
        reads("{'loss': nan, 'grad_norm': inf}", &[("loss", f64::NAN), ("grad_norm", f64::INFINITY)]);
    }

    #[test]
    fn loggers() {
        reads("Epoch 3/10 - loss: 0.3 - val_loss: 0.4", &[("Epoch", 3.0), ("loss", 0.3), ("val_loss", 0.4)]);
        reads(
            "100/100 [=====>....] - 2s 20ms/step - loss: 0.31 - accuracy: 0.88 - val_loss: 0.42",
            &[("loss", 0.31), ("accuracy", 0.88), ("val_loss", 0.42)],
        );
        reads("step 200: train loss 3.1, val loss 3.2", &[("step", 200.0), ("train_loss", 3.1), ("val_loss", 3.2)]);
        reads("iter 40: loss 2.9, time 120.33ms, mfu 11.2%", &[("iter", 40.0), ("loss", 2.9), ("mfu", 11.2)]);
        reads(
            "{'loss': 0.3, 'learning_rate': 5e-5, 'epoch': 1.0}",
            &[("loss", 0.3), ("learning_rate", 5e-5), ("epoch", 1.0)],
        );
        reads(
            r#"INFO {"step": 3, "eval": {"loss": 1.5}, "name": "x", "ok": true}"#,
            &[("step", 3.0), ("eval/loss", 1.5)],
        );
        reads(" 40%|████      | 40/100 [00:12<00:18,  3.20it/s, loss=0.345]", &[("iter", 40.0), ("loss", 0.345)]);
        reads(
            "Epoch: [3][100/500]\tTime 0.12 (0.13)\tLoss 2.3456 (2.4567)\tAcc@1 50.00 (51.00)",
            &[("Epoch", 3.0), ("iter", 100.0), ("Time", 0.12), ("Loss", 2.3456), ("Acc@1", 50.0)],
        );
        reads("Epoch [2/5], Step [100/600], Loss: 0.2", &[("Epoch", 2.0), ("Step", 100.0), ("Loss", 0.2)]);
        reads("Train Epoch: 1 [640/60000 (1%)]\tLoss: 2.1", &[("Epoch", 1.0), ("Loss", 2.1)]);
        reads(
            "Test set: Average loss: 0.05, Accuracy: 980/1000 (98%)",
            &[("test_Average_loss", 0.05), ("test_Accuracy", 0.98)],
        );
        reads(
            " iteration      100/  5000 | consumed samples:  25600 | elapsed time per iteration (ms): 12.1 | learning rate: 1.5E-05 | lm loss: 7.2E+00 | grad norm: 1.25 |",
            &[
                ("iteration", 100.0),
                ("consumed_samples", 25600.0),
                ("elapsed_time_per_iteration", 12.1),
                ("learning_rate", 1.5e-5),
                ("lm_loss", 7.2),
                ("grad_norm", 1.25),
            ],
        );
        reads("[10]\ttrain-rmse:0.5\teval-rmse:0.75", &[("iter", 10.0), ("train-rmse", 0.5), ("eval-rmse", 0.75)]);
        reads(
            "[7]\tvalid_0's l2: 0.25\tvalid_0's auc: 0.75",
            &[("iter", 7.0), ("valid_0_l2", 0.25), ("valid_0_auc", 0.75)],
        );
        reads(
            "10:\tlearn: 0.5\ttest: 0.625\tbest: 0.625 (10)\ttotal: 12ms\tremaining: 1.2s",
            &[("iter", 10.0), ("learn", 0.5), ("test", 0.625), ("best", 0.625)],
        );
        reads(
            "2024-01-02 | INFO | valid | epoch 002 | valid on 'valid' subset | loss 3.5 | ppl 11.3 | num_updates 200",
            &[("epoch", 2.0), ("valid_loss", 3.5), ("valid_ppl", 11.3), ("num_updates", 200.0)],
        );
        reads(
            "[2024-01-01 12:00:00,123] [INFO] [logging.py:96:log_dist] [Rank 0] step=10, skipped=0, lr=[1e-05, 2e-5]",
            &[("Rank", 0.0), ("step", 10.0), ("skipped", 0.0), ("lr", 1e-5)],
        );
        reads(
            "I0101 12:00:00.123  1234 solver.cpp:239] Iteration 100, loss = 2.5",
            &[("Iteration", 100.0), ("loss", 2.5)],
        );
        reads(
            "10 [main] INFO o.d.o.listeners.ScoreIterationListener - Score at iteration 100 is 1.5",
            &[("iteration", 100.0), ("loss", 1.5)],
        );
        reads("Learning Rate for this epoch: 0.001", &[("Learning_Rate", 0.001)]);
        reads("current step: 29015th step", &[("step", 29015.0)]);
        reads(
            "epoch: 11, batch_id: 500, AUC:0.75, loss:0.5",
            &[("epoch", 11.0), ("batch_id", 500.0), ("AUC", 0.75), ("loss", 0.5)],
        );
        reads("epoch=0 i=7/530 total_loss=0.5", &[("epoch", 0.0), ("i", 7.0), ("total_loss", 0.5)]);
        reads("I0101 12:00:00.5 1 a.cc:9] loss: 0.5", &[("loss", 0.5)]);
        reads("loss: tensor(0.5, device='cuda:0', grad_fn=<MeanBackward0>)", &[("loss", 0.5)]);
        reads(
            "2024-01-01 10:00:00 - mmengine - INFO - Epoch(train)  [3][50/90]  lr: 1.0e-02  eta: 1 day, 2:03:04  time: 0.25  loss: 0.5",
            &[("Epoch", 3.0), ("iter", 50.0), ("lr", 1e-2), ("time", 0.25), ("loss", 0.5)],
        );
    }

    #[test]
    fn counts_without_a_name() {
        reads(
            "Train: 3 [  50/200 ( 25%)]  Loss: 2.5 (2.6)  Time: 0.5s,  250.00/s  LR: 1.0e-04  Data: 0.01 (0.02)",
            &[("Epoch", 3.0), ("iter", 50.0), ("Loss", 2.5), ("LR", 1e-4), ("Data", 0.01)],
        );
        reads(
            "[0/5][50/250]\tLoss_D: 1.5\tLoss_G: 2.5",
            &[("Epoch", 0.0), ("iter", 50.0), ("Loss_D", 1.5), ("Loss_G", 2.5)],
        );
        reads("[2,  4000] loss: 1.5", &[("Epoch", 2.0), ("iter", 4000.0), ("loss", 1.5)]);
        reads("[64, 128] size: 2", &[("size", 2.0)]);
        reads(" 3/20\t train: 0.5\t valid: 0.75", &[("iter", 3.0), ("train", 0.5), ("valid", 0.75)]);
        reads("mean loss (epoch 3): 0.5", &[("epoch", 3.0), ("mean_loss", 0.5)]);
        reads("VAL LOG (epoch 3): loss=0.5", &[("epoch", 3.0), ("val_loss", 0.5)]);
        reads("avg(utility)=0.5 std(utility)=0.25", &[("avg_utility", 0.5), ("std_utility", 0.25)]);
        reads("[epoch: 1/200, iter: 25/489] total: 1.5", &[("epoch", 1.0), ("iter", 25.0), ("total_loss", 1.5)]);
        reads(
            "[fold_1] 002/200:  50%|##  | 2/4 [00:04<00:03,  1.88s/it, loss=3.5]",
            &[("Epoch", 2.0), ("iter", 2.0), ("loss", 3.5)],
        );
        reads("Average PSNR : 30.5dB", &[("Average_PSNR", 30.5)]);
        reads("INFO: 7epoch:train:101-200batch: loss=1.5", &[("epoch", 7.0), ("batch", 200.0), ("loss", 1.5)]);
        reads("trained for 3epochs, loss 2.5", &[("loss", 2.5)]);
        reads("Train loss 120 0.5 Grad Norm 1.5", &[("iter", 120.0), ("Train_loss", 0.5), ("Grad_Norm", 1.5)]);
        reads("Validation loss 500:  0.25", &[("iter", 500.0), ("Validation_loss", 0.25)]);
        reads("Epoch Step: 51 Loss: 2.5", &[("Step", 51.0), ("Loss", 2.5)]);
        reads("Iter 10 | Bit/dim 5.5(5.6) | Steps 50(50.10)", &[("Iter", 10.0), ("Bit/dim", 5.5)]);
        reads("12:{'loss': 0.5}", &[("loss", 0.5)]);
        reads("(iteration) 1100 / 1500, loss: 0.5", &[("iteration", 1100.0), ("loss", 0.5)]);
        reads("INFO - 0:10:00 - [ 85000] | gnorm 1.5 | loss 2.5", &[("iter", 85000.0), ("gnorm", 1.5), ("loss", 2.5)]);
        reads("[Train 10/1882] {'train_loss': 0.5}", &[("iter", 10.0), ("train_loss", 0.5)]);
        reads("7 [D loss: 0.5] [G loss: 0.25]", &[("iter", 7.0), ("D_loss", 0.5), ("G_loss", 0.25)]);
    }

    #[test]
    fn splits_of_what_follows() {
        reads("[Diff-Val(Test-Normal)] Epoch 3 (fast): loss = 0.5", &[("Epoch", 3.0), ("val_loss", 0.5)]);
        reads("[NEW BEST] Epoch 3: loss = 0.5", &[("Epoch", 3.0), ("loss", 0.5)]);
        reads("val Loss: 0.5 Acc: 0.75", &[("val_Loss", 0.5), ("val_Acc", 0.75)]);
        reads("Validation Results - Epoch: 2  Avg loss: 0.5", &[("Epoch", 2.0), ("validation_Avg_loss", 0.5)]);
        reads("iter 4 | loss train: 1.5, val: 1.75", &[("iter", 4.0), ("loss_train", 1.5), ("val_loss", 1.75)]);
        reads("Val. Total Loss: 0.5, AUC: 0.9", &[("Val_Total_Loss", 0.5), ("val_AUC", 0.9)]);
        reads(
            "END epoch:1   val loss_avg: 0.5 top1_avg: 0.25",
            &[("epoch", 1.0), ("val_loss_avg", 0.5), ("val_top1_avg", 0.25)],
        );
        reads("TEST in epoch24, loss = 0.5", &[("epoch", 24.0), ("test_loss", 0.5)]);
        reads("top 5 acc: 0.5", &[("top5_acc", 0.5)]);
        reads("验证损失=0.5 학습률: 0.1", &[("val_loss", 0.5), ("learning_rate", 0.1)]);
        reads("Losses {'ner': 12.5}", &[("losses/ner", 12.5)]);
    }

    #[test]
    fn no_metrics() {
        for line in [
            "eta: 0:01:30",
            "2024-01-01 12:00:00,123",
            "2024-01-01T12:00:00.123Z starting",
            "12.3s/it",
            "took 12 ms, 1.5GB, 3.2 samples/s",
            "elapsed 3 minutes",
            "torch 2.3.1",
            "saved /tmp/run-1/checkpoint-500/model.pt",
            "Restoring states from /out/checkpoints/best-epoch=4-val_loss=0.64.ckpt",
            "infinite nanometre information",
            "nan",
            "",
            "{{{{ 'a",
        ] {
            reads(line, &[]);
        }
    }

    #[test]
    fn long_hostile_lines_take_linear_time() {
        for piece in
            ["[1 ", "{", "a at step 1 ", "a='", "-a", "1/ ", "((a)", "a ", "loss 0.5 ", "Epoch 1 [1/2 ", "avg(a)="]
        {
            pairs(&piece.repeat(super::LONGEST / piece.len()));
        }
        pairs(&("[".repeat(super::LONGEST / 2) + &"1 ".repeat(super::LONGEST / 4)));
    }

    proptest! {
        #[test]
        fn no_text_panics(line in "\\PC*") {
            pairs(&line);
        }

        #[test]
        fn no_mixture_of_pieces_panics(pieces in prop::collection::vec(
            prop::sample::select(vec![
                "loss", "Epoch", "nan", "-inf", "1e", "1e-5", "0:01", ":", "=", "[", "]", "(", ")", "{", "}", "'", "\"", ",", "-",
                "+", ".", "/", "%", "|", " ", "\t", "\u{1b}[", "\u{1b}]", "é", "█", "tensor(", "at step", "val", "3",
            ]), 0..40)) {
            pairs(&pieces.concat());
        }
    }
}
