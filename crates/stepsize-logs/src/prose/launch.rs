//! [`Launch`]: the first line of a text, which a program that is started again writes again. One
//! that holds a number, and is no sentence, may be of anything.

/// Letters of a line whose return says something, at least.
const LETTERS: usize = 4;
/// Letters of a sentence that may hold a number.
const SENTENCE: usize = 16;

/// The first line.
#[derive(Debug, Clone, Default)]
pub(super) struct Launch(Option<Box<str>>);

impl Launch {
    /// Whether this line is the first one again.
    #[inline]
    pub fn is_again(&mut self, line: &str) -> bool {
        match &self.0 {
            Some(first) if first.is_empty() => false,
            Some(first) => line.trim() == &**first,
            None if line.trim().is_empty() => false,
            None => {
                let first = line.trim();
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
