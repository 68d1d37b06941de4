//! [`opened`]: lines that Python 2 prints of several things: `('Epoch', 3, 'loss:', 0.5)`.

use std::borrow::Cow;

/// The line without the marks of a tuple, as Python 3 prints the same: `Epoch 3, loss: 0.5`.
pub(super) fn opened(line: &str) -> Cow<'_, str> {
    let inner = line.trim().strip_prefix('(').and_then(|rest| rest.strip_suffix(')'));
    match inner.filter(|inner| inner.starts_with(['\'', '"']) || inner.starts_with("u'")) {
        Some(inner) => joined(inner).into(),
        None => line.into(),
    }
}

/// The parts of a tuple; a comma stands behind those that are no words.
fn joined(inner: &str) -> String {
    let mut out = String::with_capacity(inner.len());
    let (mut quote, mut depth, mut words) = (None, 0_usize, false);
    for c in inner.chars() {
        match (quote, c) {
            (Some(open), _) if c == open => {
                quote = None;
                if depth > 0 {
                    out.push(c);
                }
            }
            (Some(_), _) => out.push(c),
            (None, '\'' | '"') => {
                quote = Some(c);
                if depth > 0 {
                    out.push(c);
                } else {
                    words = true;
                    if out == "u" || out.ends_with(" u") {
                        out.pop();
                    }
                }
            }
            (None, ',') if depth == 0 => {
                out.push(if std::mem::take(&mut words) { ' ' } else { ',' });
            }
            (None, _) => {
                match c {
                    '{' | '[' | '(' => depth += 1,
                    '}' | ']' | ')' => depth = depth.saturating_sub(1),
                    _ => {}
                }
                out.push(c);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::opened;

    #[test]
    fn tuples() {
        assert_eq!(opened("('Epoch : ', 3, ' batch : ', 40)"), "Epoch :   3,  batch :   40");
        assert_eq!(opened("('Losses', {u'tag': 0.5})"), "Losses  {u'tag': 0.5}");
        assert_eq!(opened("(3, 4) loss"), "(3, 4) loss");
    }
}
