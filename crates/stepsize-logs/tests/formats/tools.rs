//! What tools and people in other languages print, in small and in words of our own.

use crate::{one, points, read, text};
use stepsize_logs::{Format, Run, meaning};

fn loss(i: u32) -> f64 {
    f64::from(1000 / (i + 2)) / 256.0
}

/// The text of a line for each of some counts.
fn lines(counts: std::ops::Range<u32>, line: impl Fn(u32) -> String) -> String {
    counts.map(line).collect()
}

/// The names taken as loss, validation and score; empty where there is none.
fn taken(run: &Run) -> [String; 3] {
    let (_, taken) = meaning::read(run, "a.log", &meaning::Asked::default()).unwrap().remove(0);
    use meaning::Role::{Loss, Score, Validation};
    [Loss, Validation, Score].map(|role| taken.of(role).map(|s| s.name.clone()).unwrap_or_default())
}

fn base_lr(run: &Run, path: &str) -> Option<f64> {
    meaning::records(run, path)[0].base_lr()
}

#[test]
fn metrics_in_german_french_spanish_portuguese_and_russian() {
    let german = lines(1..6, |i| {
        let text = format!("Epoche {i}: Trainingsverlust {:.4}, Validierungsverlust {:.4}\n", loss(i), 2.0 * loss(i));
        text.replace('.', ",")
    });
    let run = one(text(&format!("Lernrate: 0,001\n{german}")));
    assert_eq!(taken(&run), ["Trainingsverlust", "Validierungsverlust", ""]);
    assert_eq!((run.counter.as_str(), base_lr(&run, "a.log")), ("Epoche", Some(0.001)));
    let french =
        lines(1..6, |i| format!("Époque {i}/9 : perte = {:.4}, perte de validation = {:.4}\n", loss(i), loss(i)));
    let run = one(text(&french));
    assert_eq!((taken(&run), run.counter.as_str()), (["perte", "perte_de_validation", ""].map(String::from), "Époque"));
    let spanish =
        lines(1..6, |i| format!("Época {i} | Entrenamiento pérdida: {:.4} | Test pérdida {:.4}\n", loss(i), loss(i)));
    let run = one(text(&format!("Tasa de aprendizaje: 0.01\n{spanish}")));
    assert_eq!(taken(&run), ["Entrenamiento_pérdida", "Test_pérdida", ""]);
    assert_eq!((run.counter.as_str(), base_lr(&run, "a.log")), ("Época", Some(0.01)));
    let table = format!(
        "epoca,perda,perda_val,acuracia\n{}",
        lines(0..5, |i| format!("{i},{:.4},{:.4},0.{i}\n", loss(i), loss(i)))
    );
    let run = one(read("historico.csv", table.as_bytes(), Format::Csv));
    assert_eq!((taken(&run), run.counter.as_str()), (["perda", "perda_val", "acuracia"].map(String::from), "epoca"));
    let run = one(text(&lines(0..5, |i| format!("Эпоха {i}: потери {:.4}, точность 0.{i}\n", loss(i)))));
    assert_eq!((taken(&run), run.counter.as_str()), (["loss", "", "accuracy"].map(String::from), "epoch"));
}

#[test]
fn the_table_of_spacy_2() {
    let rows =
        lines(0..5, |i| format!("  {i}   {:.3}   {:.3}   6{i}.500   5{i}.250   100.000   1000\n", loss(i), loss(i)));
    let log = format!(
        "Training pipeline: ['parser', 'ner']\n\n\
         Itn    Dep Loss    NER Loss      UAS    NER F    Token %  CPU WPS\n---  ----------  ----------  -------  -------  -------  -------\n{rows}"
    );
    let run = one(text(&log));
    assert_eq!(points(&run, "NER_F").last(), Some(&(4.0, 54.25)));
    assert_eq!(taken(&run)[2], "UAS");
    let run = one(text(&format!(
        "Itn.    P.Loss  N.Loss  UAS     NER F.  Token %\n{}",
        lines(0..5, |i| format!("{i}\t{0:.3}\t{0:.3}\t6{i}.5\t5{i}.0\t100.0\n", loss(i)))
    )));
    assert_eq!((points(&run, "P_Loss").len(), run.counter.as_str()), (5, "epoch"));
}

#[test]
fn the_rate_that_a_scheduler_applies() {
    let epoch = |i: u32| {
        format!(
            "Adjusting learning rate of group 0 to {}e-02.\nEpoch {i}\nTrain: Loss={:.4} Batch_id=9: 100%|██████████| 10/10 [00:02<00:00,  3.67it/s]\n",
            if i < 4 { "1.0000" } else { "0.1000" },
            loss(i)
        )
    };
    let run = one(text(&lines(1..8, epoch)));
    assert_eq!(base_lr(&run, "a.log"), Some(0.01));
    assert_eq!(points(&run, "learning_rate").last().map(|p| p.1), Some(0.001));
}

#[test]
fn a_bar_that_tells_the_last_validation_again() {
    let bar = |epoch: u32, at: u32, last: &str| {
        format!(
            "Epoch {epoch}: {at}0%|███   | {at}0/100 [00:01<00:01, 20.0it/s, loss={:.3}{last}]\n",
            loss(10 * epoch + at)
        )
    };
    let mut log = String::new();
    let mut last = String::new();
    for epoch in 0..4 {
        (1..10).for_each(|at| log += &bar(epoch, at, &last));
        last = format!(", val_loss=0.{}", 9 - epoch);
        log += &bar(epoch, 10, &last);
    }
    let run = one(text(&log));
    assert_eq!(points(&run, "val_loss").iter().map(|p| p.1).collect::<Vec<_>>(), [0.9, 0.8, 0.7, 0.6]);
    assert_eq!(points(&run, "loss").len(), 40);
}

#[test]
fn objects_under_keys_that_count() {
    let object = |key: &str, inside: &dyn Fn(u32) -> String| {
        (1..6).map(|i| format!("\"{key}{i}\": {}", inside(i))).collect::<Vec<_>>().join(", ")
    };
    let losses = |i: u32| format!("{{\"loss\": {:.4}, \"val_loss\": {:.4}}}", loss(i), 2.0 * loss(i));
    let run =
        one(read("a.json", format!("{{\"lr\": 0.01, {}}}", object("epoch_", &losses)).as_bytes(), Format::JsonArrays));
    assert_eq!((taken(&run), run.counter.as_str()), (["loss", "val_loss", ""].map(String::from), "epoch"));
    assert_eq!((points(&run, "loss")[0].0, base_lr(&run, "a.json")), (1.0, Some(0.01)));
    let parts = |i: u32| {
        format!("{{\"train\": {{\"loss\": {:.4}}}, \"val\": {{\"loss\": {:.4}, \"acc\": 0.{i}}}}}", loss(i), loss(i))
    };
    let run =
        one(read("a.json", format!("{{\"history\": {{{}}}}}", object("", &parts)).as_bytes(), Format::JsonArrays));
    assert_eq!(taken(&run), ["train/loss", "val/loss", "val/acc"]);
    // Scores of classes are no curve.
    let classes = |i: u32| format!("{{\"precision\": 0.{i}, \"recall\": 0.{i}}}");
    let runs =
        read("report.json", format!("{{{}, \"accuracy\": 0.5}}", object("", &classes)).as_bytes(), Format::JsonArrays);
    assert!(runs.iter().all(|r| r.series("precision").is_none()), "{runs:?}");
}

#[test]
fn a_history_that_was_printed() {
    let run = one(text(
        "INFO: begin\nINFO: {'val_loss': [3.5, 3.25, 3.0, 2.5], 'loss': [3.0, 2.5, 2.0, 1.5], 'acc': [0.1, 0.2, 0.3, 0.4]}\n",
    ));
    assert_eq!(taken(&run), ["loss", "val_loss", "acc"]);
    assert_eq!(points(&run, "val_loss").len(), 4);
    // Epochs that were told before are not told again.
    let told = lines(1..6, |i| format!("Epoch {i}: loss {:.4}\n", loss(i)));
    let run = one(text(&format!("{told}{{'loss': [3.0, 2.5, 2.0, 1.5, 1.25]}}\n")));
    assert_eq!(points(&run, "loss").len(), 5);
}

#[test]
fn a_split_before_the_name_of_several_scores() {
    let run = one(text(&lines(1..5, |i| {
        format!(
            "Epoch {i} - Validation BLEU: BLEU-1 6{i}.5, BLEU-2 5{i}.5\nEpoch {i} - Test BLEU: BLEU-1 1{i}.5, BLEU-2 0.5\n"
        )
    })));
    assert_eq!(points(&run, "validation_BLEU-1").iter().map(|p| p.1).collect::<Vec<_>>(), [61.5, 62.5, 63.5, 64.5]);
    assert_eq!(points(&run, "test_BLEU-1").len(), 4);
}

#[test]
fn a_counter_of_scores_beside_many_settings() {
    let settings = lines(0..40, |i| format!("a_params: {{'space': 4, 'norm_{}': {i}.5}}\n", i % 4));
    let boxes = lines(0..6, |i| format!("| epoch             | {i} |\n| test/success_rate | 0.{i} |\n-----\n"));
    let run = one(text(&format!("{settings}{boxes}")));
    assert_eq!((run.counter.as_str(), points(&run, "test/success_rate").last()), ("epoch", Some(&(5.0, 0.5))));
}

#[test]
fn a_table_of_epochs_above_the_same_by_steps() {
    let epochs: Vec<String> = (1..4).map(|i| format!("{{\"epoch\": {i}, \"eval_loss\": 0.{i}5}}")).collect();
    let steps: Vec<String> = (1..13)
        .map(|i| match i % 4 {
            0 => format!("{{\"epoch\": {}, \"eval_loss\": 0.{0}5, \"step\": {i}00}}", i / 4),
            _ => format!("{{\"epoch\": {}, \"loss\": {:.3}, \"step\": {i}00}}", f64::from(i) / 4.0, loss(i)),
        })
        .collect();
    let log = format!("{{\"per_epoch\": [{}], \"log_history\": [{}]}}", epochs.join(", "), steps.join(", "));
    let run = one(read("log.json", log.as_bytes(), Format::TrainerState));
    assert_eq!(points(&run, "eval_loss"), [(400.0, 0.15), (800.0, 0.25), (1200.0, 0.35)]);
}

#[test]
fn rounds_of_boosting_are_known_by_the_names_of_their_metrics() {
    let boosted = |log: &str| meaning::records(&one(text(log)), "a.log")[0].facts.boosted;
    assert!(boosted(&lines(0..8, |i| format!("[{i}]\ttrain-logloss:{0:.4}\teval-logloss:{0:.4}\n", loss(i)))));
    assert!(boosted(&lines(1..9, |i| format!("[{i}0]\ttraining's l2: {0:.4}\tvalid_1's l2: {0:.4}\n", loss(i)))));
    assert!(boosted(&lines(0..8, |i| {
        format!("{i}:\tlearn: {0:.4}\ttest: {0:.4}\tbest: {0:.4} ({i})\ttotal: 12ms\tremaining: 1s\n", loss(i))
    })));
    assert!(!boosted(&lines(0..8, |i| format!("step {i}: train_rmse {0:.4}, val-mae {0:.4}\n", loss(i)))));
    assert!(!boosted(&lines(0..8, |i| format!("epoch {i} train-error {:.4}\n", loss(i)))));
}

#[test]
fn two_counts_between_a_loss_and_its_value() {
    let line = |i: u32| {
        let (epoch, at) = (i / 3, i % 3 * 50);
        let place = format!("at epoch {epoch} and iteration {at}");
        format!("Loss {place} is {:.4}\nNCE Loss {place} is {:.4}\n", loss(i), 1.0 - loss(i))
    };
    let run = one(text(&lines(0..9, line)));
    assert_eq!((taken(&run)[0].as_str(), points(&run, "Loss").len()), ("Loss", 9));
    assert_eq!(points(&run, "NCE_Loss").len(), 9);
    for place in ["in epoch", "at epoch", "of epoch"] {
        let run = one(text(&lines(0..9, |i| format!("loss {place} {} iteration {}: {:.4}\n", i / 3, i % 3, loss(i)))));
        assert_eq!((taken(&run)[0].as_str(), points(&run, "loss").len()), ("loss", 9), "{place}");
    }
    let run = one(text(&lines(0..6, |i| format!("loss of iteration {i} : {:.4}\naccuracy is: 0.{i}\n", loss(i)))));
    assert_eq!((taken(&run), points(&run, "loss").len()), (["loss", "", "accuracy"].map(String::from), 6));
}

#[test]
fn epochs_of_batches_that_are_named_at_their_end() {
    let epoch = |i: u32| {
        let batches = lines(1..5, |b| format!(" batch: {b}000 loss: {:.4}\n", loss(4 * i + b)));
        format!("{batches}Epoch [{}/3] Loss: {:.4}\n", i + 1, loss(4 * i))
    };
    let run = one(text(&lines(0..3, epoch)));
    assert_eq!(points(&run, "loss").iter().filter(|p| p.0 > 8000.0).count(), 4);
    // After the last epoch another run begins.
    assert_eq!(text(&[lines(0..3, epoch), lines(0..3, epoch)].concat()).len(), 2);
}

#[test]
fn how_many_epochs_there_are_to_be_is_not_the_first_of_them() {
    let epoch =
        |e: u32| lines(0..5, |i| format!("Epoch {e} | Step {i}0/50 | Loss: {:.4} | LR: 1e-3\n", loss(5 * e + i)));
    let log = format!(
        "INFO:  epochs: 2\nINFO:  warmup_step: 9\nINFO:  step: 9\nINFO:  learning_rate: 0.001\n{}{}",
        epoch(0),
        epoch(1)
    );
    let run = one(text(&log));
    assert_eq!(points(&run, "Loss").iter().map(|p| p.0).next_back(), Some(90.0), "{run:?}");
    assert_eq!(points(&run, "Loss").len(), 10);
}
