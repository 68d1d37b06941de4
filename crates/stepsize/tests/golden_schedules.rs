//! Every schedule that a peer has, against values that the peer itself computed:
//! `golden/schedules.py` made the table.
//!
//! A value agrees when it is within 1e-12 of the peer's, relative to that value. Where the table
//! says that the peer's own formula cancels, one unit in the last place of 1 (the peak) is allowed
//! on top: the digits beyond it are rounding of the peer. `cargo test --test golden_schedules --
//! --nocapture` prints the largest errors.

use std::collections::BTreeMap;
use stepsize::Schedule;

#[derive(serde::Deserialize)]
struct Golden {
    packages: BTreeMap<String, String>,
    cases: Vec<Case>,
}

#[derive(serde::Deserialize)]
struct Case {
    peer: String,
    name: String,
    notation: String,
    #[serde(default)]
    steps: Vec<u64>,
    values: Vec<f64>,
    #[serde(default)]
    cancels: bool,
}

#[test]
fn every_value_agrees_with_the_peer() {
    let golden: Golden = serde_json::from_str(include_str!("golden/schedules.json")).unwrap();
    let mut worst: BTreeMap<(String, bool), (f64, f64, usize, String)> = BTreeMap::new();
    let mut wrong = Vec::new();
    for case in &golden.cases {
        let schedule: Schedule = case.notation.parse().unwrap_or_else(|e| panic!("{}: {e}", case.notation));
        let steps = if case.steps.is_empty() { (0..case.values.len() as u64).collect() } else { case.steps.clone() };
        assert_eq!(steps.len(), case.values.len(), "{}", case.name);
        let entry = worst.entry((case.peer.clone(), case.cancels)).or_default();
        for (step, &theirs) in steps.into_iter().zip(&case.values) {
            let ours = schedule.factor(step);
            let error = (ours - theirs).abs();
            let relative = if error == 0.0 { 0.0 } else { error / theirs.abs() };
            let slack = if case.cancels { f64::EPSILON } else { 0.0 };
            if error > 1e-12 * theirs.abs() + slack {
                wrong.push(format!("{} {} at {step}: {ours:e}, not {theirs:e} ({relative:.1e})", case.peer, case.name));
            }
            if relative > entry.0 {
                (entry.0, entry.3) = (relative, format!("{} at {step}", case.name));
            }
            entry.1 = entry.1.max(error);
            entry.2 += 1;
        }
    }
    for ((peer, cancels), (relative, error, values, name)) in worst {
        let (version, kind) = (&golden.packages[&peer], if cancels { "cancelling" } else { "" });
        println!("{peer} {version} {kind}: {values} values, relative {relative:.1e} ({name}), absolute {error:.1e}");
    }
    assert!(wrong.is_empty(), "{} values differ:\n{}", wrong.len(), wrong.join("\n"));
}
