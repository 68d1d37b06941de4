//! Numbers for people: rates, losses, seconds and counts, short and without trailing zeros.

/// `value` with at most `digits` significant digits and no trailing zeros: `0.12`, `3e-5`, `1500`.
pub fn significant(value: f64, digits: usize) -> String {
    if value == 0.0 || !value.is_finite() {
        return format!("{value}");
    }
    let rounded = format!("{:.*e}", digits.saturating_sub(1), value);
    let Some((mantissa, exponent)) = rounded.split_once('e') else { return rounded };
    let power: i32 = exponent.parse().unwrap_or(0);
    let trim = |text: &str| match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text.to_owned(),
    };
    if (-4..6).contains(&power) {
        let decimals = usize::try_from(digits as i32 - 1 - power).unwrap_or(0);
        let scale = 10f64.powi((power + 1 - digits as i32).max(0));
        trim(&format!("{:.*}", decimals, (value / scale).round_if(scale > 1.0) * scale))
    } else {
        format!("{}e{power}", trim(mantissa))
    }
}

trait RoundIf {
    fn round_if(self, yes: bool) -> Self;
}

impl RoundIf for f64 {
    fn round_if(self, yes: bool) -> f64 {
        if yes { self.round() } else { self }
    }
}

/// A rate, two or three digits: `0.12`, `0.0115`, `3e-5`.
pub fn rate(value: f64) -> String {
    significant(value, 3)
}

/// A loss, four digits.
pub fn loss(value: f64) -> String {
    significant(value, 4)
}

/// A duration: `0.042 s`, `3.1 s`, `12 s`, `3 min 20 s`, `2 h 05 min`.
pub fn seconds(value: f64) -> String {
    if value < 0.95 {
        return format!("{} s", significant(value, 2));
    }
    if value < 9.95 {
        return format!("{value:.1} s");
    }
    let whole = value.round() as u64;
    match whole {
        0..60 => format!("{whole} s"),
        60..3600 => format!("{} min {:02} s", whole / 60, whole % 60),
        _ => format!("{} h {:02} min", whole / 3600, whole % 3600 / 60),
    }
}

/// A count in groups of three, with thin spaces: `12 345`.
pub fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

/// `1 trial`, `2 trials`.
pub fn plural(n: u64, word: &str) -> String {
    format!("{} {word}{}", count(n), if n == 1 { "" } else { "s" })
}

/// A share in whole percent: `40 %`.
pub fn percent(share: f64) -> String {
    format!("{:.0} %", 100.0 * share)
}

/// Money: at least two digits, more where the sum is small.
pub fn money(value: f64) -> String {
    if value >= 1.0 { format!("{value:.2}") } else { significant(value, 2) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_short() {
        let shown: Vec<String> = [0.12, 0.0115, 3e-5, 1.0, 12345.0, 0.099999, 1e7].iter().map(|&x| rate(x)).collect();
        assert_eq!(shown, ["0.12", "0.0115", "3e-5", "1", "12300", "0.1", "1e7"]);
    }

    #[test]
    fn durations_and_counts() {
        assert_eq!(
            (seconds(3.12), seconds(200.0), seconds(7500.0)),
            ("3.1 s".into(), "3 min 20 s".into(), "2 h 05 min".into())
        );
        assert_eq!((count(5), count(1234567), plural(1, "trial")), ("5".into(), "1 234 567".into(), "1 trial".into()));
    }
}
