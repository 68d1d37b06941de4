//! What YOLO prints: tables whose rows end with a progress bar, and `results.txt`.
//!
//! ```text
//!  Epoch    GPU_mem   box_loss   cls_loss   dfl_loss  Instances       Size
//!   1/10      2.31G      1.215      2.104      1.012         31        640: 100%|█| 1/1 ...
//!     Class     Images  Instances      Box(P          R      mAP50  mAP50-95): 100%|███| ...
//!       all         32        123      0.512      0.431      0.452      0.301
//! ```

use super::{Mark, Pair};

/// The names of the columns of such a table, of the training or of the validation.
pub(super) fn header(line: &str) -> Option<Vec<String>> {
    let trimmed = line.trim_start_matches(' ');
    let second = |first: &str| trimmed.strip_prefix(first).map(|rest| rest.trim_start_matches(' '));
    let memory = second("Epoch").is_some_and(|rest| rest.starts_with(['g', 'G']));
    if !memory && !second("Class").is_some_and(|rest| rest.starts_with("Images")) {
        return None;
    }
    let names: Vec<&str> = without_bar(trimmed).map_or(trimmed, |(row, _)| row).split_whitespace().take(24).collect();
    match names.as_slice() {
        ["Epoch", memory, ..] if memory.eq_ignore_ascii_case("gpu_mem") => {
            Some(names.iter().map(|name| of_training(name)).collect())
        }
        ["Class", "Images", ..] => Some(names.iter().map(|name| of_validation(name)).collect()),
        _ => None,
    }
}

/// The part of a loss of the training. What is no part keeps its name.
fn of_training(name: &str) -> String {
    let lower = name.to_ascii_lowercase();
    let part = lower.strip_suffix("_loss").unwrap_or(&lower);
    let known = ["box", "obj", "cls", "dfl", "seg", "pose", "kobj", "giou", "total"].contains(&part);
    if known { format!("train/{part}_loss") } else { name.to_owned() }
}

fn of_validation(name: &str) -> String {
    let bare = name.rsplit('(').next().unwrap_or(name).trim_end_matches(')');
    if ["Class", "Images", "Labels", "Instances"].contains(&bare) { bare.to_owned() } else { format!("metrics/{bare}") }
}

/// The row on a line below such a header, and whether it is one to take: the last of the redraws
/// of a bar, and the one of all classes. `None` where the header or the line is another.
pub(super) fn row<'a>(line: &'a str, header: &[String]) -> Option<(&'a str, bool)> {
    match (header.first()?.as_str(), header.get(1)?) {
        ("Epoch", memory) if memory.eq_ignore_ascii_case("gpu_mem") => without_bar(line),
        ("Class", images) if images == "Images" => {
            let cells = line.split_whitespace().take(32).count();
            let all = line.trim_start().starts_with("all ");
            (cells == header.len()).then_some((line, all))
        }
        _ => None,
    }
}

/// What stands before a progress bar, and whether the bar is full: `640: 100%|███| 10/10`.
fn without_bar(line: &str) -> Option<(&str, bool)> {
    let (before, after) = line.split_once('%')?;
    let (row, share) = before.rsplit_once(':')?;
    let share = share.trim();
    let bar = after.trim_start().starts_with(['|', '━', '─', '╸', '█']);
    (bar && !share.is_empty() && share.bytes().all(|b| b.is_ascii_digit())).then_some((row, share == "100"))
}

/// The columns of `results.txt` of YOLOv5 (early), YOLOv7 and their kin, which has no header.
const YOLO: [&str; 15] = [
    "epoch",
    "gpu_mem",
    "train/box_loss",
    "train/obj_loss",
    "train/cls_loss",
    "train/total_loss",
    "labels",
    "img_size",
    "metrics/precision",
    "metrics/recall",
    "metrics/mAP_0.5",
    "metrics/mAP_0.5:0.95",
    "val/box_loss",
    "val/obj_loss",
    "val/cls_loss",
];

/// A row of such a file: `3/299  2.3G  0.0569  0.0382  0.0  0.0951  31  640  ...`.
pub(super) fn results(line: &str) -> Option<Vec<Pair>> {
    let cells: Vec<&str> = line.split_whitespace().take(16).collect();
    let memory = cells.get(1)?.strip_suffix('G').and_then(|m| m.parse::<f64>().ok());
    let (epoch, last) = cells.first()?.split_once('/')?;
    if cells.len() != YOLO.len() || memory.is_none() {
        return None;
    }
    let number = |cell: &str| cell.parse::<f64>().ok();
    let mut row =
        vec![Pair { name: "epoch".to_owned(), value: number(epoch)?, whole: number(last), mark: Mark::Plain }];
    for (name, cell) in YOLO.iter().zip(&cells).skip(2) {
        row.push(Pair { name: (*name).to_owned(), value: number(cell)?, whole: None, mark: Mark::Plain });
    }
    Some(row)
}
