//! [`gradient_norms`]: the gradient norms in a log, each of them.

use crate::names::is_grad_norm;
use crate::{HEAD, LogReader, detect};
use stepsize::{Error, Result};

/// The name that a table without names gives its only column.
const ONLY_COLUMN: &str = "column_1";

/// The gradient norms in a log of any format, in the order of its rows: the series `grad_norm`,
/// else the first with such a name, else the numbers of a file that holds one number a line. Unlike
/// [`Run::series`](crate::Run::series) none is left out, however many there are. Norms that the log
/// leaves empty at its end were not finite and are one NaN here.
///
/// ```
/// let norms = stepsize_logs::gradient_norms(b"step,grad_norm\n0,1.5\n1,2\n", "run.csv")?;
/// assert_eq!(norms, [1.5, 2.0]);
/// # Ok::<(), stepsize::Error>(())
/// ```
///
/// # Errors
/// `is_invalid` if the bytes cannot be read as the log that they look like, or hold no gradient
/// norm.
pub fn gradient_norms(bytes: &[u8], file: &str) -> Result<Vec<f64>> {
    let format = detect(bytes.get(..HEAD).unwrap_or(bytes), file);
    let mut reader = LogReader::new(format, file).with_rows();
    reader.push(bytes)?;
    let (runs, rows) = (reader.clone().finish()?, reader.finish_rows()?);
    let names = || rows.iter().flatten().map(|(name, _)| name.as_str());
    let plain = !rows.is_empty() && names().all(|name| name == ONLY_COLUMN);
    let only = plain.then_some(ONLY_COLUMN);
    let Some(chosen) = names().find(|n| *n == "grad_norm").or_else(|| names().find(|n| is_grad_norm(n))).or(only)
    else {
        let mut seen: Vec<&str> = names().collect();
        seen.sort_unstable();
        seen.dedup();
        let seen = if seen.is_empty() { "no readings".to_owned() } else { seen.join(", ") };
        return Err(Error::invalid(format!("no gradient norms, named grad_norm, in this log; it has {seen}")));
    };
    let mut norms: Vec<f64> = rows.iter().flatten().filter(|(name, _)| name == chosen).map(|(_, norm)| *norm).collect();
    let lines = bytes.split(|b| *b == b'\n').filter(|line| !line.trim_ascii().is_empty()).count();
    if plain && lines != norms.len() {
        return Err(Error::invalid(format!(
            "{} of {lines} lines are not numbers; a file without names holds one gradient norm a line",
            lines.saturating_sub(norms.len())
        )));
    }
    let broken = runs.iter().filter_map(|run| run.series(chosen)).any(|s| s.points.iter().any(|p| !p.1.is_finite()));
    if broken && norms.iter().all(|norm| norm.is_finite()) {
        norms.push(f64::NAN);
    }
    Ok(norms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn norms_are_read_from_every_form() {
        let norms = |text: &str, file: &str| gradient_norms(text.as_bytes(), file);
        assert_eq!(norms("1.5\n2\n\n", "norms.txt").unwrap(), [1.5, 2.0]);
        assert_eq!(norms("step,grad_norm,loss\n0,1.5,9\n1,2,8\n", "a.csv").unwrap(), [1.5, 2.0]);
        assert_eq!(norms("step,loss,note,grad_norm\n0,9,\"a, b\",1.5\n1,8,,2\n", "a.csv").unwrap(), [1.5, 2.0]);
        assert_eq!(norms("{\"grad_norm\":1.5}\n{\"grad_norm\":2}\n", "a.jsonl").unwrap(), [1.5, 2.0]);
        assert_eq!(norms("step 0 loss 1 grad_norm 1.5\nstep 1 loss 1 grad_norm 2\n", "a.log").unwrap(), [1.5, 2.0]);
        assert!(norms("step,loss\n0,1\n", "a.csv").unwrap_err().to_string().contains("it has loss, step"));
        for (text, file) in [("", "a.csv"), ("1\nx\n", "norms.txt"), ("{\"a\":1}\n", "a.jsonl")] {
            assert!(norms(text, file).is_err_and(|e| e.is_invalid()), "{text}");
        }
    }

    #[test]
    fn all_norms_of_a_long_run_are_read_and_one_that_was_not_finite_is_not_dropped() {
        let rows: String = (0..10_000).map(|i| format!("{{\"step\": {i}, \"loss\": 1, \"grad_norm\": 1}}\n")).collect();
        assert_eq!(gradient_norms(rows.as_bytes(), "a.jsonl").unwrap().len(), 10_000);
        let broken = rows + "{\"step\": 10000, \"loss\": null, \"grad_norm\": null}\n";
        assert!(gradient_norms(broken.as_bytes(), "a.jsonl").unwrap().iter().any(|norm| norm.is_nan()));
    }
}
