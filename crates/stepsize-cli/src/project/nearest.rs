//! The known name that a mistyped one is nearest to.

/// The nearest of `known`, unless all are far.
pub fn nearest<'k>(typed: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let plain = typed.to_lowercase().replace('_', "-");
    let (distance, name) = known.into_iter().map(|name| (distance(&plain, name), name)).min()?;
    (distance <= 1 + plain.chars().count() / 3).then_some(name)
}

/// Fewest letters to insert, omit or replace between two words (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut corner = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.iter().enumerate() {
            let replaced = corner + usize::from(x != *y);
            corner = row[j + 1];
            row[j + 1] = replaced.min(corner + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_found_and_a_stranger_is_not() {
        let known = ["metric", "steps", "price-per-hour"];
        assert_eq!(nearest("metrics", known), Some("metric"));
        assert_eq!(nearest("price_per_hour", known), Some("price-per-hour"));
        assert_eq!(nearest("Stesp", known), Some("steps"));
        assert_eq!(nearest("wandb-project", known), None);
    }
}
