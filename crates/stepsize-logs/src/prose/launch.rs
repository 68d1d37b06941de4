//! [`Launch`]: the first line of a text, which a program that is started again writes again. One
//! that holds a number, and is no sentence, may be of anything.

/// Letters of a line whose return says something, at least.
const LETTERS: usize = 4;
/// Letters of a sentence that may hold a number.
const SENTENCE: usize = 16;
/// Words at the start of a line among which the marks of a logger are.
const MARKS: usize = 8;

/// The first line, without the marks of a logger.
#[derive(Debug, Clone, Default)]
pub(super) struct Launch(Option<Box<str>>);

impl Launch {
    /// Whether this line is the first one again.
    #[inline]
    pub fn is_again(&mut self, line: &str) -> bool {
        match &self.0 {
            Some(first) if first.is_empty() => false,
            Some(first) => line.trim_end().ends_with(&**first) && message(line) == &**first,
            None if line.trim().is_empty() => false,
            None => {
                let first = message(line);
                let letters = first.chars().filter(|c| c.is_alphabetic()).count();
                let number = first.contains(|c: char| c.is_ascii_digit());
                let reading = number && (letters < SENTENCE || first.contains([':', '=', '%', '|', '/']));
                let says = letters >= LETTERS && !reading;
                self.0 = Some(if says { first } else { "" }.into());
                false
            }
        }
    }
}

/// A line without what a logger puts before it: all up to the last of its first words that holds a
/// time, a date or a place in the source.
fn message(line: &str) -> &str {
    let line = line.trim();
    let mark = |word: &str| {
        let bytes = word.as_bytes();
        let between = |w: &[u8]| w[0].is_ascii_digit() && matches!(w[1], b':' | b'-') && w[2].is_ascii_digit();
        bytes.windows(3).any(between)
            || word.contains([':', '>']) && word.ends_with(|c: char| c.is_ascii_digit() || c == ']')
    };
    let mut rest = line;
    let mut message = line;
    for _ in 0..MARKS {
        let Some((word, more)) = rest.split_once(' ') else { break };
        if mark(word) {
            message = more.trim_start();
        }
        rest = more.trim_start();
    }
    message
}
