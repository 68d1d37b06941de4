//! Linear to zero against cosine to 10 %.

use super::{Ends, SEEDS, Work, share};
use std::error::Error;
use std::fmt::Write as _;
use stepsize::Trial;

pub(super) fn write(
    head: &mut String,
    body: &mut String,
    jobs: &[Work],
    linear: &[Ends],
) -> Result<(), Box<dyn Error>> {
    writeln!(
        body,
        "\n## Linear to zero against cosine to 10 %\n\nClaimed: about 0.8 % lower loss at 610M parameters, with many tokens a parameter; less, or a loss, in short \
         runs (arXiv 2502.15938). Tried: final validation loss of both, each at the best of its rates; seeds: with how many linear ends lower.\n"
    )?;
    writeln!(
        body,
        "| job | steps | linear to 0 | cosine to 10 % | linear is lower by | seeds |\n|---|---|---|---|---|---|"
    )?;
    let mut lower = Vec::new();
    for (work, linear) in jobs.iter().zip(linear) {
        let cosine = Ends::of(work, "cosine(floor=0.1)", work.steps)?;
        let (Some(a), Some(b)) = (linear.lowest(), cosine.lowest()) else { return Err("nothing trained".into()) };
        let losses = a.trials.iter().zip(&b.trials).map(|(a, b)| (Trial::final_loss(a), Trial::final_loss(b)));
        let won = losses.filter(|(a, b)| a < b).count();
        let by = 100.0 * (1.0 - a.loss / b.loss);
        writeln!(
            body,
            "| {} | {} | {:.4} at {}{} | {:.4} at {}{} | {by:.2} % | {} |",
            work.name,
            work.steps,
            a.loss,
            a.lr,
            work.edge(a.lr),
            b.loss,
            b.lr,
            work.edge(b.lr),
            share(won, SEEDS.len())
        )?;
        lower.push((work.name, by));
        eprintln!("{}: decay done", work.name);
    }
    let held = lower.iter().filter(|(_, by)| *by > 0.0).count();
    let words: Vec<String> = lower.iter().map(|(name, by)| format!("{name} {by:.2} %")).collect();
    writeln!(
        head,
        "- *Linear to zero ends lower than cosine to 10 %.* {} in {} jobs (lower by: {}).",
        if held == jobs.len() { "Reproduced: lower" } else { "Mixed: lower" },
        share(held, jobs.len()),
        words.join("; ")
    )?;
    Ok(())
}
