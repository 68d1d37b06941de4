//! What a cell of a table says: a number, an amount of money, a share, a date, or nothing.

/// Words for a missing value, in lower case, beside the empty cell. Infinite numbers cannot be
/// scaled and count as missing.
const GAPS: [&str; 10] = ["na", "n/a", "nan", "null", "none", "?", ".", "inf", "+inf", "-inf"];

/// Whether a cell stands for a missing value.
pub(super) fn is_gap(cell: &str) -> bool {
    let cell = cell.trim();
    cell.is_empty() || GAPS.iter().any(|gap| cell.eq_ignore_ascii_case(gap))
}

/// The number in a cell, if it is a finite one.
pub(super) fn number(cell: &str) -> Option<f64> {
    cell.trim().parse::<f64>().ok().filter(|v| v.is_finite())
}

/// A way to read the cells of a column as numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CellReading {
    /// Plain numbers.
    Number,
    /// `$1,234.50`, `-12 EUR`, `1,234`.
    Amount,
    /// `12.5 %`.
    Share,
    /// `2024-02-29`, also with `/` and with a time of day.
    Date,
}

impl CellReading {
    /// All ways, the plainest first.
    pub(super) const ALL: [Self; 4] = [Self::Number, Self::Amount, Self::Share, Self::Date];

    /// What a cell says when it is read this way.
    pub(super) fn of(self, cell: &str) -> Option<f64> {
        match self {
            Self::Number => number(cell),
            Self::Amount => amount(cell.trim()),
            Self::Share => number(cell.trim().strip_suffix('%')?),
            Self::Date => date(cell.trim()),
        }
    }

    /// How a column that is read this way is called; nothing for plain numbers.
    pub(super) fn name(self) -> Option<&'static str> {
        match self {
            Self::Number => None,
            Self::Amount => Some("amounts"),
            Self::Share => Some("percentages"),
            Self::Date => Some("dates, in days"),
        }
    }
}

/// An amount of money, or a number whose thousands are parted by commas.
fn amount(cell: &str) -> Option<f64> {
    let (negative, cell) = match cell.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, cell),
    };
    let currency = |c: char| matches!(c, '$' | '€' | '£' | '¥' | '₹');
    let bare = cell.trim_matches(currency).trim();
    let bare = ["USD", "EUR", "GBP", "JPY", "CHF", "INR"]
        .iter()
        .find_map(|code| bare.strip_suffix(code).or_else(|| bare.strip_prefix(code)))
        .unwrap_or(bare)
        .trim();
    let (whole, rest) = bare.split_once('.').map_or((bare, None), |(whole, rest)| (whole, Some(rest)));
    let mut groups = whole.split(',');
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let first = groups.next().filter(|first| digits(first))?;
    let parted = whole.contains(',');
    if (parted && first.len() > 3) || !groups.all(|g| g.len() == 3 && digits(g)) || !rest.is_none_or(digits) {
        return None;
    }
    let value: f64 = bare.replace(',', "").parse().ok()?;
    Some(if negative { -value } else { value })
}

/// Days since 1970-01-01 of a date that begins with its year, with the time of day as a part of a
/// day.
fn date(cell: &str) -> Option<f64> {
    let (day, time) = match cell.split_once(['T', ' ']) {
        Some((day, time)) => (day, time.trim().trim_end_matches('Z')),
        None => (cell, ""),
    };
    let mut parts = day.split(['-', '/']);
    let mut part = |width: usize| parts.next().filter(|p| p.len() <= width)?.parse::<i64>().ok();
    let (year, month, day) = (part(4)?, part(2)?, part(2)?);
    if parts.next().is_some()
        || !(1000..=9999).contains(&year)
        || !(1..=12).contains(&month)
        || !(1..=31).contains(&day)
    {
        return None;
    }
    let mut seconds = 0.0;
    for (i, part) in time.split(':').enumerate().filter(|_| !time.is_empty()) {
        let scale = [3600.0, 60.0, 1.0].get(i)?;
        seconds += part.parse::<f64>().ok().filter(|v| (0.0..60.0).contains(v))? * scale;
    }
    Some(days(year, month, day) as f64 + seconds / 86_400.0)
}

/// Days from 1970-01-01 to a date of the Gregorian calendar (H. Hinnant, "chrono-compatible
/// low-level date algorithms", `days_from_civil`).
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_shares_and_dates_are_numbers_and_other_texts_are_not() {
        for (text, value) in [
            ("$1,234.50", 1234.5),
            ("-€12", -12.0),
            ("1,234,567", 1_234_567.0),
            ("99 USD", 99.0),
            ("£3.", f64::NAN),
            ("12,34", f64::NAN),
            ("1234,567", f64::NAN),
            ("$", f64::NAN),
            ("seven", f64::NAN),
        ] {
            assert_eq!(CellReading::Amount.of(text).unwrap_or(f64::NAN).to_bits(), value.to_bits(), "{text}");
        }
        assert_eq!(CellReading::Share.of(" 12.5 %"), Some(12.5));
        for (text, value) in [
            ("1970-01-01", 0.0),
            ("2000/03/01", 11_017.0),
            ("2024-02-29", 19_782.0),
            ("1969-12-31T12:00:00Z", -0.5),
            ("2024-13-01", f64::NAN),
            ("2024-02", f64::NAN),
            ("01/02/2024", f64::NAN),
            ("2024-02-29 noon", f64::NAN),
        ] {
            assert_eq!(CellReading::Date.of(text).unwrap_or(f64::NAN).to_bits(), value.to_bits(), "{text}");
        }
    }
}
