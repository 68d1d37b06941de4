//! Losses that were not finite and that the log leaves empty, and losses that are only looked at
//! now and then.

use super::{one, points, read};
use stepsize_logs::{Format, Run};

fn csv(text: &str) -> Run {
    one(read("metrics.csv", text.as_bytes(), Format::Csv))
}

fn lines(text: &str) -> Run {
    one(read("metrics.jsonl", text.as_bytes(), Format::JsonLines))
}

fn arrays(text: &str) -> Run {
    one(read("history.json", text.as_bytes(), Format::JsonArrays))
}

#[track_caller]
fn ends(run: &Run, name: &str, finite: usize, bad: Option<f64>) {
    let points = points(run, name);
    assert_eq!(points.iter().filter(|p| p.1.is_finite()).count(), finite, "{points:?}");
    let not_finite: Vec<f64> = points.iter().filter(|p| !p.1.is_finite()).map(|p| p.0).collect();
    assert_eq!(not_finite, bad.into_iter().collect::<Vec<f64>>(), "{points:?}");
}

#[test]
fn rows_with_nothing_but_a_counter() {
    let run = csv("epoch,loss,val_loss\n0,2.5,2.6\n1,9e5,8e5\n2,,\n3,,\n");
    ends(&run, "loss", 2, Some(2.0));
    ends(&run, "val_loss", 2, Some(2.0));
    // From the first row on.
    let run = csv("epoch,loss\n0,\n1,\n2,\n");
    ends(&run, "loss", 0, Some(0.0));
    let run = lines("{\"step\": 1, \"loss\": 2.5}\n{\"step\": 2, \"loss\": null}\n{\"step\": 3, \"loss\": null}\n");
    ends(&run, "loss", 1, Some(2.0));
    let run = lines("{\"step\": 1, \"loss\": null}\n{\"step\": 2, \"loss\": null}\n");
    ends(&run, "loss", 0, Some(1.0));
}

#[test]
fn losses_that_are_looked_at_now_and_then() {
    let run = csv("step,val_loss\n0,2.5\n1,\n2,\n3,2.0\n4,\n5,\n6,1.5\n7,\n8,\n");
    ends(&run, "val_loss", 3, None);
    // The validation loss was not due where the training loss ended.
    let run = csv("step,loss,val_loss\n0,2.5,2.6\n1,2.4,\n2,2.3,2.4\n3,2.2,\n4,,\n5,,\n");
    ends(&run, "loss", 4, Some(4.0));
    ends(&run, "val_loss", 2, None);
    let run = lines(
        "{\"step\": 1, \"acc\": null}\n{\"step\": 2, \"acc\": 0.5}\n{\"step\": 3, \"acc\": null}\n{\"step\": 4, \"acc\": 0.6}\n",
    );
    ends(&run, "acc", 2, None);
    // Losses that come back.
    let run = csv("step,loss\n0,2.5\n1,\n2,2.0\n3,1.5\n");
    ends(&run, "loss", 3, None);
}

#[test]
fn nulls_in_lists_keep_the_places() {
    let run = arrays(
        r#"{"epoch": [1, 2, 3, 4, 5], "loss": [2.5, 2.0, 7e4, null, null], "val_loss": [null, 2.2, null, 2.1, null]}"#,
    );
    ends(&run, "loss", 3, Some(4.0));
    assert_eq!(points(&run, "val_loss"), [(2.0, 2.2), (4.0, 2.1)]);
    let run = arrays(r#"{"loss": [null, null, null, null], "lr": [0.1, 0.1, 0.1, 0.1]}"#);
    ends(&run, "loss", 0, Some(0.0));
    let run = arrays(r#"{"loss": [[0, 2.5], [10, 2.0], [20, null], [30, null]]}"#);
    ends(&run, "loss", 2, Some(20.0));
    let run = arrays(
        r#"{"loss": {"0": 2.5, "1": 2.0, "2": null, "3": null}, "acc": {"0": null, "1": 0.5, "2": null, "3": 0.6}}"#,
    );
    ends(&run, "loss", 2, Some(2.0));
    ends(&run, "acc", 2, None);
}

#[test]
fn results_that_are_empty_in_a_table_of_runs() {
    let runs = read("sweep.csv", b"lr,val_loss,note\n0.01,0.5,\n0.1,0.4,\n1,0.7,\n10,,\n", Format::Csv);
    assert!(runs.len() == 4 && points(&runs[3], "val_loss")[0].1.is_nan(), "{runs:#?}");
    let runs = read("sweep.csv", b"lr,val_loss,state\n0.01,0.5,COMPLETE\n0.1,0.4,COMPLETE\n1,,PRUNED\n", Format::Csv);
    assert!(runs.len() == 3 && runs[2].series("val_loss").is_none(), "{runs:#?}");
}
