//! Numbers at the start of bytes, correctly rounded, without a copy.

/// The number at the start of `bytes` and its length; `nan` and `inf` of any case included.
#[inline]
pub(crate) fn prefix(bytes: &[u8]) -> Option<(f64, usize)> {
    if let Some(found) = short(bytes) {
        return Some(found);
    }
    let plus = usize::from(bytes.first() == Some(&b'+') && bytes.get(1).is_some_and(|b| *b != b'-' && *b != b'+'));
    let (value, length) = fast_float2::parse_partial::<f64, _>(bytes.get(plus..)?).ok()?;
    (length > 0).then_some((value, length + plus))
}

/// Powers of ten that are exact in double precision.
const TENS: [f64; 19] =
    [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18];

/// Plain decimals of up to 15 digits: both parts of the quotient are exact, so it is rounded once (Clinger 1990).
#[inline]
fn short(bytes: &[u8]) -> Option<(f64, usize)> {
    let negative = *bytes.first()? == b'-';
    let mut at = usize::from(negative);
    let (mut whole, begin) = (0u64, at);
    while let Some(digit) = bytes.get(at).map(|b| b.wrapping_sub(b'0')).filter(|d| *d < 10) {
        whole = whole.wrapping_mul(10).wrapping_add(u64::from(digit));
        at += 1;
    }
    let mut digits = at - begin;
    let mut places = 0;
    if digits > 0 && bytes.get(at) == Some(&b'.') {
        at += 1;
        let begin = at;
        while let Some(digit) = bytes.get(at).map(|b| b.wrapping_sub(b'0')).filter(|d| *d < 10) {
            whole = whole.wrapping_mul(10).wrapping_add(u64::from(digit));
            at += 1;
        }
        places = at - begin;
        digits += places;
    }
    if digits == 0 || digits > 15 || matches!(bytes.get(at), Some(b'e' | b'E')) {
        return None;
    }
    let value = whole as f64 / TENS.get(places)?;
    Some((if negative { -value } else { value }, at))
}

/// The number that is all of `bytes` but spaces around it.
pub(crate) fn whole(bytes: &[u8]) -> Option<f64> {
    let bytes = bytes.trim_ascii();
    prefix(bytes).filter(|(_, length)| *length == bytes.len()).map(|(value, _)| value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_what_logs_hold() {
        for (text, value, length) in [
            ("1.5,", 1.5, 4 - 1),
            ("-0.25e-3 ", -0.25e-3, 8),
            ("+2;", 2.0, 2),
            ("12345678901234567890", 1.234_567_890_123_456_8e19, 20),
            ("1.", 1.0, 2),
            (".5", 0.5, 2),
            ("inf", f64::INFINITY, 3),
        ] {
            assert_eq!(prefix(text.as_bytes()), Some((value, length)), "{text}");
        }
        assert!(prefix(b"NaN").is_some_and(|(v, n)| v.is_nan() && n == 3));
        for text in ["", "-", "abc", "+-1", ","] {
            assert_eq!(prefix(text.as_bytes()), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn as_the_standard_library(value: f64, places in 0usize..12) {
            for text in [format!("{value}"), format!("{value:e}"), format!("{:.places$}", value % 1e9)] {
                let (seen, length) = prefix(text.as_bytes()).unwrap();
                let wanted: f64 = text.parse().unwrap();
                prop_assert!(length == text.len() && (seen == wanted || seen.is_nan() && wanted.is_nan()), "{}", text);
            }
        }
    }
}
