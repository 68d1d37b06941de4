//! The plain form of a name, in which names are compared.

/// A letter without its accent, in lower case; `_` for what is no letter and no digit.
pub(super) fn plain_char(c: char) -> char {
    match c {
        c if c.is_ascii_alphanumeric() => c.to_ascii_lowercase(),
        'à'..='å' | 'À'..='Å' => 'a',
        'ç' | 'Ç' => 'c',
        'è'..='ë' | 'È'..='Ë' => 'e',
        'ì'..='ï' | 'Ì'..='Ï' => 'i',
        'ò'..='ö' | 'Ò'..='Ö' => 'o',
        'ù'..='ü' | 'Ù'..='Ü' => 'u',
        c if c.is_alphanumeric() => c,
        _ => '_',
    }
}

/// A name without the marks around it.
#[inline]
pub(super) fn without_marks(name: &str) -> &str {
    match name.as_bytes() {
        [first, .., last] if first.is_ascii_alphanumeric() && last.is_ascii_alphanumeric() => name,
        _ => name.trim_matches(|c: char| !c.is_alphanumeric()),
    }
}

/// A name without a word at its end that says that it is an index: `epoch_i`.
#[inline]
pub(super) fn without_index(name: &str) -> &str {
    match name.as_bytes() {
        [_, .., b'_', b'i'] => name.get(..name.len() - 2).unwrap_or(name),
        _ => name,
    }
}

/// Whether a name, whose plain form is known, is that of a rate, of a time which PaddlePaddle calls
/// a cost, or of a loss whose sign was changed or that is of the negative samples: nothing tells
/// which.
pub(super) fn is_other(plain: &str, name: &str) -> bool {
    let time = plain.ends_with("batch_cost") || plain.ends_with("reader_cost");
    time || matches!(plain, "neg_loss" | "negative_loss") || super::is_rate(name)
}

/// The plain form of a name.
pub(crate) fn plain(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 4);
    let mut small = false;
    for c in without_marks(name).chars() {
        if small && c.is_ascii_uppercase() {
            out.push('_');
        }
        small = c.is_ascii_lowercase();
        out.push(plain_char(c));
    }
    out
}

/// The plain form of a name, the words of `camelCase` together: `mIoU` is one word.
pub(super) fn flat(name: &str) -> String {
    without_marks(name).chars().map(plain_char).collect()
}

/// Where the plain form of a name is among `known`, which are ASCII. The line reader asks this of
/// every name, so the form is not made.
#[inline]
pub(super) fn place<'a>(name: &str, mut known: impl Iterator<Item = &'a str>) -> Option<usize> {
    let name = without_marks(name);
    let plain = |byte: u8| if byte.is_ascii_alphanumeric() { byte.to_ascii_lowercase() } else { b'_' };
    match name.is_ascii() {
        true => known.position(|known| name.len() == known.len() && name.bytes().map(plain).eq(known.bytes())),
        false => known.position(|known| name.chars().map(plain_char).eq(known.chars())),
    }
}

/// The word that `set` follows in a name: `train-set_eval_loss` is measured on the training set.
pub(super) fn before_set(name: &str) -> Option<&str> {
    let at = memchr::memmem::find(name.as_bytes(), b"set")?;
    let (before, rest) = name.split_at_checked(at)?;
    let mark = |c: char| matches!(c, '-' | '_' | '/' | ' ');
    let whole =
        before.ends_with(mark) && rest.get("set".len()..).is_some_and(|rest| rest.is_empty() || rest.starts_with(mark));
    before.trim_end_matches(mark).rsplit(mark).next().filter(|_| whole)
}
