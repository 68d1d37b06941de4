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
const TENS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
];
/// The same as whole numbers.
const WHOLE_TENS: [u64; 20] = {
    let mut tens = [1; 20];
    let mut at = 1;
    while at < tens.len() {
        tens[at] = 10 * tens[at - 1];
        at += 1;
    }
    tens
};
/// Whole numbers up to here are exact in double precision.
const EXACT: u64 = 1 << 53;
/// More digits than this may not fit into 64 bits.
const DIGITS: usize = 19;

/// A plain decimal of up to 19 digits at the start of `bytes`, and its length; `None` of any other.
#[inline]
fn short(bytes: &[u8]) -> Option<(f64, usize)> {
    let negative = *bytes.first()? == b'-';
    let begin = usize::from(negative);
    let (mut whole, mut at) = digits(bytes, begin, 0);
    let mut count = at - begin;
    let mut places = 0;
    if count > 0 && bytes.get(at) == Some(&b'.') {
        let begin = at + 1;
        (whole, at) = digits(bytes, begin, whole);
        places = at - begin;
        count += places;
    }
    if count == 0 || count > DIGITS || matches!(bytes.get(at), Some(b'e' | b'E')) {
        return None;
    }
    let value = match whole <= EXACT {
        // Both parts of the quotient are exact, so it is rounded once (Clinger 1990).
        true => whole as f64 / TENS.get(places)?,
        false => rounded(whole, places)?,
    };
    Some((if negative { -value } else { value }, at))
}

/// `whole / 10^places` correctly rounded: the quotient of the roundings is at most one unit off, and what is left in whole
/// numbers tells where. `None` for a tie, and for quotients below 2^-11 or at a power of two.
#[inline]
fn rounded(whole: u64, places: usize) -> Option<f64> {
    let ten = i128::from(*WHOLE_TENS.get(places)?);
    let guess = whole as f64 / TENS.get(places)?;
    let bits = guess.to_bits();
    let (shift, mantissa) = (1075 - (bits >> 52) as i64, bits & ((1 << 52) - 1) | 1 << 52);
    let shift = u32::try_from(shift).ok().filter(|s| *s < 64)?;
    let rest = 2 * ((i128::from(whole) << shift) - i128::from(mantissa) * ten);
    match rest.abs() {
        off if off < ten => Some(guess),
        off if off == ten || off > 3 * ten || bits << 12 == 0 || bits << 12 == u64::MAX << 12 => None,
        _ => Some(f64::from_bits(if rest > 0 { bits + 1 } else { bits - 1 })),
    }
}

/// The digits from `at` on, put behind those of `whole` (of which the highest are lost beyond 64 bits), and where they end.
#[inline]
fn digits(bytes: &[u8], mut at: usize, mut whole: u64) -> (u64, usize) {
    while let Some(eight) =
        bytes.get(at..).and_then(|b| b.first_chunk::<8>()).and_then(|b| eight(u64::from_le_bytes(*b)))
    {
        whole = whole.wrapping_mul(100_000_000).wrapping_add(eight);
        at += 8;
    }
    while let Some(digit) = bytes.get(at).map(|b| b.wrapping_sub(b'0')).filter(|d| *d < 10) {
        whole = whole.wrapping_mul(10).wrapping_add(u64::from(digit));
        at += 1;
    }
    (whole, at)
}

/// Eight digits at once, the first in the lowest byte (Lemire 2018, "Quickly parsing eight digits"); `None` if any is none.
#[inline]
fn eight(text: u64) -> Option<u64> {
    let low = text.wrapping_sub(0x3030_3030_3030_3030);
    if (text.wrapping_add(0x4646_4646_4646_4646) | low) & 0x8080_8080_8080_8080 != 0 {
        return None;
    }
    let pairs = low.wrapping_mul(10).wrapping_add(low >> 8);
    let high = (pairs & 0x0000_00ff_0000_00ff).wrapping_mul(0x000f_4240_0000_0064);
    let rest = (pairs >> 16 & 0x0000_00ff_0000_00ff).wrapping_mul(0x0000_2710_0000_0001);
    Some(high.wrapping_add(rest) >> 32)
}

/// The number that is all of `bytes` but spaces around it.
pub(crate) fn whole(bytes: &[u8]) -> Option<f64> {
    let bytes = bytes.trim_ascii();
    prefix(bytes).filter(|(_, length)| *length == bytes.len()).map(|(value, _)| value)
}

/// The number that a text stands for, as it is or as Python prints it.
pub(crate) fn told(text: &[u8]) -> Option<f64> {
    whole(text).or_else(|| printed(text))
}

/// The number of `np.float64(0.5)`, `tensor(0.5, device='cuda:0')`, `[0.5]`: as Python prints one that nobody unwrapped.
pub(crate) fn printed(text: &[u8]) -> Option<f64> {
    let inside = text.strip_suffix(b")").or_else(|| text.strip_suffix(b"]"))?;
    let open = inside.iter().take(24).position(|b| matches!(b, b'(' | b'['))?;
    let (name, rest) = inside.split_at(open);
    let known =
        name.is_empty() || [&b"np."[..], b"numpy.", b"tensor", b"array", b"torch."].iter().any(|n| name.starts_with(n));
    let rest = rest.get(1..)?.trim_ascii_start();
    let rest = rest.strip_prefix(b"[").unwrap_or(rest);
    let (value, length) = prefix(rest).filter(|_| known)?;
    // A list of several numbers is not one.
    let more = rest.get(length..)?.trim_ascii_start().strip_prefix(b",").map(<[u8]>::trim_ascii_start);
    more.is_none_or(|m| m.first().is_some_and(u8::is_ascii_alphabetic)).then_some(value)
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

    #[test]
    fn as_python_prints_them() {
        for (text, value) in [
            ("np.float64(0.5)", Some(0.5)),
            ("np.float32(nan)", Some(f64::NAN)),
            ("tensor(2.5e-1, device='cuda:0', grad_fn=<NllLossBackward0>)", Some(0.25)),
            ("tensor([1.5], requires_grad=True)", Some(1.5)),
            ("array(3., dtype=float32)", Some(3.0)),
            ("[0.75]", Some(0.75)),
            ("[1, 2]", None),
            ("Linear(64, 10)", None),
            ("np.float64()", None),
            ("0.5)", None),
        ] {
            let seen = printed(text.as_bytes());
            assert_eq!(seen.map(f64::to_bits), value.map(f64::to_bits), "{text}");
        }
    }

    proptest! {
        #[test]
        fn eight_at_once(number in 0u64..100_000_000, at in 0usize..8, byte: u8) {
            let text = format!("{number:08}");
            let whole = |t: &[u8]| eight(u64::from_le_bytes(t.try_into().unwrap()));
            prop_assert_eq!(whole(text.as_bytes()), Some(number));
            let mut odd = text.into_bytes();
            odd[at] = byte;
            prop_assert_eq!(whole(&odd).is_some(), byte.is_ascii_digit());
        }

        #[test]
        fn as_the_standard_library(value: f64, places in 0usize..12) {
            for text in [format!("{value}"), format!("{value:e}"), format!("{:.places$}", value % 1e9), format!("{}", value % 1e3)] {
                let (seen, length) = prefix(text.as_bytes()).unwrap();
                let wanted: f64 = text.parse().unwrap();
                prop_assert!(length == text.len() && (seen == wanted || seen.is_nan() && wanted.is_nan()), "{}", text);
            }
        }
    }
}
