//! The loss of a detector that logs only its parts: their sum.

use crate::names::{DataSplit, weight};
use crate::run::{NamedSeries, Run};

/// Parts of the loss of a detector: where something is, as YOLO, SSD and their kin log it.
const PLACES: [&str; 16] = [
    "box", "bbox", "dfl", "seg", "pose", "giou", "ciou", "iou", "loc", "xy", "wh", "mask", "box_reg", "l1", "kpt",
    "off",
];
/// And what it is, or whether it is there.
const KINDS: [&str; 12] =
    ["cls", "class", "obj", "kobj", "conf", "noobj", "centerness", "ctr", "cns", "yns", "hm", "heatmap"];

/// The part of a loss that a name is of, and the name of what it is part of: `train/` and `box` of
/// `train/box_loss`, `det3d_` and `cls` of `det3d_loss_cls_0`.
fn part_of(name: &str) -> Option<(String, String)> {
    let name = name.to_ascii_lowercase();
    let name = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '_');
    let known = |part: &str| PLACES.contains(&part) || KINDS.contains(&part);
    if let Some((whole, part)) = name.split_once("loss_").filter(|(_, part)| known(part)) {
        return Some((whole.trim_end_matches('_').to_owned(), part.to_owned()));
    }
    let before = name.strip_suffix("_loss")?;
    let (whole, part) = before.rsplit_once(['/', '_']).unwrap_or(("", before));
    known(part).then(|| (whole.to_owned(), part.to_owned()))
}

/// The run with the sums of such parts, which are what is minimized; `None` where it has a whole
/// loss or no parts.
pub(super) fn with_sums(run: &Run) -> Option<Run> {
    let part = |s: &NamedSeries| part_of(&s.name).map(|(whole, _)| whole);
    let mut splits: Vec<String> = run.series.iter().filter_map(part).collect();
    splits.sort_unstable();
    splits.dedup();
    let mut sums: Vec<NamedSeries> = Vec::new();
    for split in splits {
        let whole = |s: &NamedSeries| {
            let name = s.name.to_ascii_lowercase();
            let of = name.starts_with(&split) || DataSplit::in_name(&split).is_none();
            part(s).is_none() && of && name.contains("loss") && weight(&s.name) <= 1
        };
        let parts: Vec<&NamedSeries> = run.series.iter().filter(|s| part(s).as_ref() == Some(&split)).collect();
        let [first, rest @ ..] = parts.as_slice() else { continue };
        let alike = |s: &&&NamedSeries| {
            s.points.len() == first.points.len() && s.points.iter().zip(&first.points).all(|(a, b)| a.0 == b.0)
        };
        let any =
            |known: &[&str]| parts.iter().any(|s| part_of(&s.name).is_some_and(|(_, p)| known.contains(&p.as_str())));
        if rest.is_empty()
            || !any(&PLACES)
            || !any(&KINDS)
            || run.series.iter().any(whole)
            || !rest.iter().all(|s| alike(&s))
        {
            continue;
        }
        let mut points = first.points.clone();
        for other in rest {
            points.iter_mut().zip(&other.points).for_each(|(sum, part)| sum.1 += part.1);
        }
        let last = |s: &NamedSeries| s.name.rsplit('/').next().unwrap_or_default().to_owned();
        let names: Vec<String> = rest.iter().map(|s| last(s)).collect();
        let name = format!("{SUM}{}, {}", first.name, names.join(", "));
        sums.push(NamedSeries { name, points, seen: first.seen });
    }
    if sums.is_empty() {
        return None;
    }
    let mut run = run.clone();
    run.series.append(&mut sums);
    Some(run)
}

/// What the name of a sum begins with.
pub(crate) const SUM: &str = "sum of ";

#[cfg(test)]
mod tests {
    use super::super::tests::series;
    use super::*;

    #[test]
    fn the_parts_of_a_detector_are_summed_where_there_is_no_whole() {
        let parts = || {
            vec![
                series("train/box_loss", &[1.0, 0.5]),
                series("train/cls_loss", &[2.0, 1.0]),
                series("val/box_loss", &[3.0]),
            ]
        };
        let run = with_sums(&Run { series: parts(), ..Run::default() }).expect("a sum");
        let sum = run.series.last().expect("a series");
        assert_eq!(
            (sum.name.as_str(), &sum.points),
            ("sum of train/box_loss, cls_loss", &vec![(0.0, 3.0), (1.0, 1.5)])
        );
        assert_eq!(weight(&sum.name), 0);
        let mut whole = parts();
        whole.push(series("train/total_loss", &[4.0, 2.0]));
        assert!(with_sums(&Run { series: whole, ..Run::default() }).is_none());
        let whole = ["conf_loss", "loc_loss", "Loss"].map(|name| series(name, &[4.0, 2.0])).to_vec();
        assert!(with_sums(&Run { series: whole, ..Run::default() }).is_none());
        assert!(with_sums(&Run { series: vec![series("loss", &[1.0])], ..Run::default() }).is_none());
    }
}
