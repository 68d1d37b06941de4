//! Progress bars of Keras, and rules within boxes.

/// Whether a bar of Keras tells the time of the epoch only, `] - 2s - loss`, as it did while it
/// counted samples.
pub(super) fn is_timeless(line: &str) -> bool {
    let time = line.split_once("] - ").and_then(|(_, rest)| rest.split_once(" - ")).map_or("", |(time, _)| time);
    time.strip_suffix('s').is_some_and(|seconds| seconds.parse::<u32>().is_ok())
}

/// Whether a line is a rule between the rows of a box: `+-----+----+`, which also ends it.
pub(super) fn is_rule_within(line: &str) -> bool {
    let line = line.trim();
    line.starts_with(['+', '├']) && line.len() > 3 && line.contains(['-', '=', '─'])
}

/// The samples of an epoch, as Keras before 2.4 tells them: `Train on 58 samples, validate on 26
/// samples`. Its bar then counts samples, which are no steps.
pub(super) fn samples(line: &str) -> Option<f64> {
    let (count, rest) = line.trim_start().strip_prefix("Train on ")?.split_once(' ')?;
    count.parse().ok().filter(|_| rest.starts_with("samples"))
}
