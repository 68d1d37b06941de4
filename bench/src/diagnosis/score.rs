//! Error rates: precision and recall of each verdict on logs whose true verdict is known.

use std::fmt::Write as _;
use stepsize::Placement;
use stepsize::diagnosis::Diagnosis;
use stepsize::diagnosis::sweep::Sweep;

/// A log that was judged.
#[derive(Debug, Clone)]
pub struct Judged {
    pub truth: Placement,
    pub said: Placement,
    /// Octaves above the best rate.
    pub octaves: f64,
    pub confidence: f64,
    /// Octaves from the run's rate to the one advised.
    pub advised: Option<f64>,
    /// The side that is ruled out, and how sure that is.
    pub ruled_out: Option<(Placement, f64)>,
}

impl Judged {
    /// A log of a run at this rate, judged by itself.
    pub fn alone(truth: Placement, octaves: f64, found: &Diagnosis, lr: f64) -> Self {
        let advised = found.next_lr.map(|next| (next / lr).log2());
        Self { truth, said: found.verdict, octaves, confidence: found.confidence, advised, ruled_out: found.ruled_out }
    }

    /// A log judged beside the other runs of its job.
    pub fn beside(truth: Placement, octaves: f64, found: &Diagnosis, lr: f64, sweep: &Sweep) -> Self {
        let (said, confidence) = sweep.verdict(lr, found.verdict == Placement::Diverged);
        Self { truth, said, octaves, confidence, advised: Some((sweep.next_lr / lr).log2()), ruled_out: None }
    }
}

const WORDS: [Placement; 4] = [Placement::Diverged, Placement::TooHigh, Placement::TooLow, Placement::Good];

/// Precision and recall of each verdict, the table of true and given verdicts, and the share of
/// runs far off that were called good.
pub fn table(judged: &[Judged]) -> String {
    let count = |f: &dyn Fn(&&Judged) -> bool| judged.iter().filter(f).count();
    let share =
        |a: usize, b: usize| if b == 0 { "-".to_owned() } else { format!("{:.1} %", 100.0 * a as f64 / b as f64) };
    let mut out = String::from("| verdict | logs | said | precision | recall |\n|---|---|---|---|---|\n");
    for word in WORDS {
        let (are, said) = (count(&|j| j.truth == word), count(&|j| j.said == word));
        let both = count(&|j| j.truth == word && j.said == word);
        let _ = writeln!(out, "| {word} | {are} | {said} | {} | {} |", share(both, said), share(both, are));
    }
    let far = |j: &&Judged| j.octaves.abs() >= 2.0 && j.truth != Placement::Diverged;
    let far_good = count(&|j| far(j) && j.said == Placement::Good);
    let bad_good = count(&|j| (far(j) || j.truth == Placement::Diverged) && j.said == Placement::Good);
    let unknown = count(&|j| j.said == Placement::Unknown);
    let wrong_way = count(&|j| {
        matches!(
            (j.truth, j.said),
            (Placement::TooLow, Placement::TooHigh | Placement::Diverged)
                | (Placement::TooHigh | Placement::Diverged, Placement::TooLow)
        )
    });
    let _ = writeln!(
        out,
        "\nOf {} logs: unknown {}; told the wrong way {}; 4 times or more off and called good {} of those that were, {} of those called good.",
        judged.len(),
        share(unknown, judged.len()),
        share(wrong_way, judged.len()),
        share(far_good, count(&far)),
        share(bad_good, count(&|j| j.said == Placement::Good)),
    );
    out += "\n| truth \\ said | diverged | too high | good | too low | unknown |\n|---|---|---|---|---|---|\n";
    for truth in [Placement::Diverged, Placement::TooHigh, Placement::Good, Placement::TooLow] {
        let said = [Placement::Diverged, Placement::TooHigh, Placement::Good, Placement::TooLow, Placement::Unknown];
        let cells: Vec<String> =
            said.iter().map(|s| count(&|j| j.truth == truth && j.said == *s).to_string()).collect();
        let _ = writeln!(out, "| {truth} | {} |", cells.join(" | "));
    }
    out
}

/// How far the run's own rate and the advised one lie from the best.
pub fn advice(judged: &[Judged]) -> String {
    let median = |mut all: Vec<f64>| {
        all.sort_by(f64::total_cmp);
        all.get(all.len() / 2).copied().unwrap_or(f64::NAN)
    };
    let mut out =
        String::from("| verdict | octaves off before | after | worse by an octave or more |\n|---|---|---|---|\n");
    for word in [Placement::Diverged, Placement::TooHigh, Placement::TooLow, Placement::Good, Placement::Unknown] {
        let those = || {
            judged
                .iter()
                .filter(|j| j.said == word)
                .filter_map(|j| Some((j.octaves.abs(), (j.octaves + j.advised?).abs())))
        };
        let worse = those().filter(|(before, after)| *after >= before + 1.0).count();
        let count = those().count();
        if count > 0 {
            let (before, after) = (median(those().map(|p| p.0).collect()), median(those().map(|p| p.1).collect()));
            let share = 100.0 * worse as f64 / count as f64;
            let _ = writeln!(out, "| {word} | {before:.1} | {after:.1} | {share:.1} % |");
        }
    }
    out
}

/// How often the side that was ruled out was the true one, beside a verdict and where that is
/// unknown; and how far off the rates were that were called good.
pub fn ruled_out(judged: &[Judged]) -> String {
    let mut out = String::from(
        "| ruled out | confidence | logs | no verdict | said, in the mean | right |\n|---|---|---|---|---|---|\n",
    );
    for side in [Placement::TooHigh, Placement::TooLow] {
        for (low, high) in [(0.8, 0.9), (0.9, 1.01)] {
            let those: Vec<(&Judged, f64)> = judged
                .iter()
                .filter_map(|j| Some((j, j.ruled_out.filter(|r| r.0 == side && (low..high).contains(&r.1))?.1)))
                .collect();
            let wrong = |t: Placement| t == side || side == Placement::TooHigh && t == Placement::Diverged;
            let share = |n: f64| 100.0 * n / those.len() as f64;
            let right = share(those.iter().filter(|t| !wrong(t.0.truth)).count() as f64);
            let said = share(those.iter().map(|t| t.1).sum());
            let silent = those.iter().filter(|t| t.0.said == Placement::Unknown).count();
            if !those.is_empty() {
                let _ = writeln!(
                    out,
                    "| {side} | {low:.2} to {:.2} | {} | {silent} | {said:.0} % | {right:.0} % |",
                    high.min(1.0),
                    those.len()
                );
            }
        }
    }
    let good: Vec<&Judged> = judged.iter().filter(|j| j.said == Placement::Good).collect();
    let close = good.iter().filter(|j| j.octaves.abs() < 2.0 && j.truth != Placement::Diverged).count();
    let _ = writeln!(out, "\nOf {} rates called good, {close} are within a factor of 4 of the best.", good.len());
    out
}

/// How often verdicts of each confidence were right.
pub fn calibration(judged: &[Judged]) -> String {
    let mut out = String::from("| confidence | verdicts | said, in the mean | right |\n|---|---|---|---|\n");
    for (low, high) in
        [(0.0, 0.5), (0.5, 0.6), (0.6, 0.7), (0.7, 0.8), (0.8, 0.9), (0.9, 0.97), (0.97, 1.01), (0.0, 1.01)]
    {
        let those: Vec<&Judged> =
            judged.iter().filter(|j| j.said != Placement::Unknown && (low..high).contains(&j.confidence)).collect();
        let right = those.iter().filter(|j| j.said == j.truth).count();
        if !those.is_empty() {
            let share = |sum: f64| 100.0 * sum / those.len() as f64;
            let said = share(those.iter().map(|j| j.confidence).sum());
            let all = if high - low > 1.0 { "all".to_owned() } else { format!("{low:.2} to {:.2}", high.min(1.0)) };
            let _ = writeln!(out, "| {all} | {} | {said:.0} % | {:.0} % |", those.len(), share(right as f64));
        }
    }
    out
}
