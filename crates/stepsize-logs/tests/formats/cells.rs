//! What the cells of a notebook printed: which training it is of, and what is of none.

use crate::{one, points, read};
use stepsize_logs::{Format, Run};

/// A notebook with the outputs of each cell.
fn notebook(cells: &[String]) -> Vec<Run> {
    let cells: Vec<String> =
        cells.iter().map(|o| format!(r#"{{"cell_type": "code", "outputs": [{o}], "source": ["fit()"]}}"#)).collect();
    let json = format!(r#"{{"cells": [{}], "metadata": {{}}, "nbformat": 4}}"#, cells.join(","));
    read("a.ipynb", json.as_bytes(), Format::Notebook)
}

fn printed(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(|line| format!("\"{line}\\n\"")).collect();
    format!(r#"{{"name": "stdout", "output_type": "stream", "text": [{}]}}"#, lines.join(","))
}

fn shown(values: &[f64]) -> String {
    let rows: Vec<String> =
        values.iter().enumerate().map(|(i, v)| format!("<tr><td>{i}</td><td>{v}</td><td>0.5</td></tr>")).collect();
    format!(
        r#"{{"output_type": "display_data", "metadata": {{}}, "data": {{"text/html": ["<table><tr><th>epoch</th><th>train_loss</th><th>valid_loss</th></tr>{}</table>"]}}}}"#,
        rows.concat()
    )
}

fn epochs(values: &[f64]) -> String {
    printed(&values.iter().enumerate().map(|(i, v)| format!("Epoch {i}, loss: {v}\n")).collect::<String>())
}

fn lengths(runs: &[Run], name: &str) -> Vec<usize> {
    runs.iter().map(|run| points(run, name).len()).collect()
}

#[test]
fn what_another_cell_tells_uncounted_does_not_go_on_with_a_training() {
    let trained = epochs(&[2.0, 1.5, 1.0]);
    let run = one(notebook(&[trained.clone(), printed("loss: 0.75\naccuracy: 0.5")]));
    assert_eq!(points(&run, "loss").last(), Some(&(2.0, 1.0)));
    // As many as make a curve are another training.
    let runs = notebook(&[trained.clone(), printed("loss: 3.5\nloss: 3.0\nloss: 2.5\nloss: 2.0"), trained]);
    assert_eq!(lengths(&runs, "loss"), [3, 4, 3]);
    // Further counts of losses of other names are of another training, too.
    let other = |i: u32| format!("epoch {}, class err 0.{i}, bbox mae 0.0{i}\n", 5 * i);
    let runs = notebook(&[epochs(&[2.0, 1.5, 1.0]), printed(&(1..5).map(other).collect::<String>())]);
    assert_eq!((runs.len(), points(&runs[0], "loss").len(), points(&runs[1], "mae").len()), (2, 3, 4));
}

#[test]
fn the_bar_of_an_evaluation_in_another_cell_is_of_no_training() {
    let bar = |whole: u32, loss: f64| format!("{whole}/{whole} [====] - 2s 20ms/step - loss: {loss}\n");
    let fit = |from: f64| {
        let epoch = |i: u32| format!("Epoch {i}/3\n{}", bar(40, from - f64::from(i)));
        printed(&(1..=3).map(epoch).collect::<String>())
    };
    let runs = notebook(&[fit(9.0), printed(&bar(10, 0.25)), fit(8.0)]);
    assert_eq!(lengths(&runs, "loss"), [3, 3]);
    assert_eq!((points(&runs[0], "loss").last().map(|p| p.1), runs[0].series.len()), (Some(6.0), 1));
    // One as long as an epoch.
    assert_eq!(points(&one(notebook(&[fit(9.0), printed(&bar(40, 0.25))])), "loss").last(), Some(&(120.0, 6.0)));
}

#[test]
fn of_a_report_on_classes_the_accuracy_is_a_reading_of_an_evaluation() {
    let report = "              precision    recall  f1-score   support\n\n    cat       0.75      0.50      0.60        40\n\n\
                  accuracy                           0.55      80\n   macro avg       0.70      0.60      0.50        80\n";
    let fit = |i: u32| format!("Epoch {i}/4\n9/9 [====] - 1s - loss: {}.5 - accuracy: 0.{i}5\n", 9 - i);
    let run = one(notebook(&[printed(&((1..=4).map(fit).collect::<String>() + report))]));
    assert_eq!(points(&run, "accuracy").last().map(|p| p.1), Some(0.45));
    assert_eq!(points(&run, "eval_accuracy").len(), 1);
    assert!(run.series("cat").is_none() && run.series("avg").is_none());
}

#[test]
fn a_count_without_readings_is_over_with_its_cell() {
    let stop =
        |e: u32| format!("Epoch {e}: early stopping\nRestoring model weights from the end of the best epoch: 3.\n");
    let fit = |from: f64| {
        let line = |i: u32| format!("Epoch {i}/9\n40/40 - 2s - loss: {}\n", from - f64::from(i));
        printed(&((1..=4).map(line).collect::<String>() + &stop(4)))
    };
    let runs = notebook(&[fit(9.0), fit(8.0), fit(7.0)]);
    assert_eq!(lengths(&runs, "loss"), [4, 4, 4]);
}

#[test]
fn a_table_that_grows_is_told_once_and_another_one_begins_a_run() {
    let grown = [shown(&[2.0, 1.5]), printed("saved"), shown(&[2.0, 1.5, 1.25, 1.0])].join(",");
    assert_eq!(points(&one(notebook(&[grown])), "train_loss"), [(0.0, 2.0), (1.0, 1.5), (2.0, 1.25), (3.0, 1.0)]);
    // `fine_tune` trains the head, then all.
    let runs = notebook(&[[shown(&[2.0]), shown(&[1.5, 1.25, 1.0])].join(",")]);
    assert_eq!(lengths(&runs, "train_loss"), [1, 3]);
}

#[test]
fn rates_on_lines_of_their_own_are_of_the_run_that_begins_below_them() {
    let training = |lr: &str, from: f64| {
        format!("learning rate = {lr}\n")
            + &(0..3).map(|i| format!("epoch {i}, loss: {}\n", from - f64::from(i))).collect::<String>()
    };
    let runs = notebook(&[printed(&(training("0.1", 9.0) + &training("0.01", 8.0)))]);
    assert_eq!(lengths(&runs, "loss"), [3, 3]);
    let rates: Vec<f64> = runs.iter().map(|run| points(run, "learning_rate")[0].1).collect();
    assert_eq!(rates, [0.1, 0.01]);
    // A rate of each epoch is of the run that goes on.
    let told = |i: u32| format!("lr: 0.{i}\nepoch {i}, loss: {i}.5\n");
    let run = one(notebook(&[printed(&(1..=4).map(told).collect::<String>())]));
    assert_eq!(points(&run, "loss").len(), 4);
}
