//! Cyclical rates and super-convergence.

use super::{Ends, Work, share};
use std::error::Error;
use std::fmt::Write as _;

/// Lengths of whole runs, of T.
const LENGTHS: [f64; 7] = [1.0 / 16.0, 0.125, 0.1875, 0.25, 0.375, 0.5, 0.75];
const CYCLE: &str = "triangular2, 2 cycles";
const ONE: &str = "one-cycle";
const WAYS: [(&str, &str); 4] =
    [(CYCLE, "triangular2(25%)"), (ONE, "one_cycle"), ("linear to 0", "linear"), ("fixed", "constant")];

/// How many times fewer steps a way needed.
struct Times {
    way: &'static str,
    accuracy: Option<f64>,
    loss: Option<f64>,
}

pub(super) fn write(head: &mut String, body: &mut String, jobs: &[Work]) -> Result<(), Box<dyn Error>> {
    writeln!(
        body,
        "## Cyclical rates and super-convergence\n\nClaimed: the accuracy of 70 000 iterations at the usual rate in 25 000 with a cyclical one (Smith, \
         arXiv 1506.01186, CIFAR-10), an order of magnitude fewer with one cycle to a large rate (Smith and Topin, arXiv 1708.07120).\n\nTried: \
         whole runs of each length, schedule and all. A cell is the best accuracy in % and the best loss, both on validation rows and each at \
         the best rate for it. The last row of a table is the control: how soon a *fixed* rate gets there when it, too, may be chosen anew for \
         each length."
    )?;
    let mut all = Vec::new();
    for work in jobs {
        all.push(job(body, work)?);
    }
    let told = |way: &str| -> (usize, f64, String) {
        let mine: Vec<&Times> = all.iter().filter_map(|job| job.iter().find(|t| t.way == way)).collect();
        let most = mine.iter().flat_map(|t| [t.accuracy, t.loss]).flatten().fold(0.0, f64::max);
        let twice = mine.iter().filter(|t| t.accuracy.is_some_and(|t| t >= 2.0) && t.loss.is_some_and(|t| t >= 2.0));
        let words: Vec<String> = jobs
            .iter()
            .zip(&mine)
            .map(|(work, t)| format!("{} {} by accuracy and {} by loss", work.name, times(t.accuracy), times(t.loss)))
            .collect();
        (twice.count(), most, words.join("; "))
    };
    let ((cycles, _, cycle_words), (_, most, one_words)) = (told(CYCLE), told(ONE));
    let (linear, fixed) = (told("linear to 0"), told("fixed"));
    writeln!(
        head,
        "- *A cyclical rate reaches what a fixed one reaches in fewer iterations.* {}: by both measures twice or more in {} jobs ({cycle_words}). For \
         comparison a plain decay to zero ({}), and the control, a fixed rate over fewer steps ({}).",
        match cycles {
            0 => "Not reproduced",
            all if all == jobs.len() => "Reproduced",
            _ => "Reproduced in part",
        },
        share(cycles, jobs.len()),
        linear.2,
        fixed.2
    )?;
    writeln!(
        head,
        "- *One-cycle super-convergence, an order of magnitude.* {}: {most:.1} times fewer at most ({one_words}).",
        if most >= 10.0 { "Reproduced" } else { "Not reproduced" },
    )?;
    Ok(())
}

fn times(times: Option<f64>) -> String {
    times.map_or_else(|| "never".to_owned(), |t| format!("{t:.1}x"))
}

fn job(out: &mut String, work: &Work) -> Result<Vec<Times>, Box<dyn Error>> {
    let fixed = Ends::of(work, "constant", work.steps)?;
    let (Some(accurate), Some(low)) = (fixed.most_accurate(), fixed.lowest()) else {
        return Err("no fixed rate trained".into());
    };
    writeln!(out, "\n### {}\n\n{}.\n", work.name, work.describe())?;
    writeln!(
        out,
        "One fixed rate, the best of them, ends at accuracy {:.2} % (at {}) and loss {:.4} (at {}).\n",
        100.0 * accurate.accuracy,
        accurate.lr,
        low.loss,
        low.lr
    )?;
    let steps = |share: f64| (work.steps as f64 * share) as u64;
    let heads: Vec<String> = LENGTHS.iter().map(|l| steps(*l).to_string()).collect();
    writeln!(out, "| whole run of | {} | accuracy reached | loss reached |", heads.join(" | "))?;
    writeln!(out, "|---|{}---|---|", "---|".repeat(LENGTHS.len()))?;
    let mut all = Vec::new();
    for (way, text) in WAYS {
        let mut cells = Vec::new();
        let mut found = Times { way, accuracy: None, loss: None };
        for length in LENGTHS {
            let ends = Ends::of(work, text, steps(length))?;
            let (Some(most), Some(least)) = (ends.most_accurate(), ends.lowest()) else {
                cells.push("-".to_owned());
                continue;
            };
            cells.push(format!("{:.2} / {:.4}", 100.0 * most.accuracy, least.loss));
            if most.accuracy >= accurate.accuracy {
                found.accuracy = found.accuracy.or(Some(1.0 / length));
            }
            if least.loss <= low.loss {
                found.loss = found.loss.or(Some(1.0 / length));
            }
        }
        let (accuracy, loss) = (times(found.accuracy), times(found.loss));
        writeln!(out, "| {way} | {} | {accuracy} | {loss} |", cells.join(" | "))?;
        all.push(found);
        eprintln!("{}: {way} done", work.name);
    }
    Ok(all)
}
