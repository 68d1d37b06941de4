//! Text to tokens. Columns count characters from 0.

use crate::{Error, Result};

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    /// A name, keyword or flag.
    Word(String),
    /// A number as typed.
    Number(Number),
    /// One of `( ) , = : + *`.
    Sign(char),
    /// After the last token.
    End,
}

/// A number as typed, so that whole numbers stay exact.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Number {
    pub text: String,
    pub value: f64,
    pub percent: bool,
}

impl Token {
    /// How messages name the token.
    pub(super) fn show(&self) -> String {
        match self {
            Token::Word(word) => format!("`{word}`"),
            Token::Number(n) => format!("`{}{}`", n.text, if n.percent { "%" } else { "" }),
            Token::Sign(sign) => format!("`{sign}`"),
            Token::End => "the end".into(),
        }
    }
}

/// All tokens with their columns, [`Token::End`] last.
pub(super) fn tokens(text: &str) -> Result<Vec<(Token, usize)>> {
    let chars: Vec<char> = text.chars().collect();
    let mut out = Vec::new();
    let mut i = 0;
    while i < chars.len() {
        let c = chars[i];
        let begin = i;
        let number_ahead = |at: usize| chars.get(at).is_some_and(|c| c.is_ascii_digit() || *c == '.');
        if c.is_whitespace() {
            i += 1;
        } else if chars[i..].starts_with(&['1', '-', 's', 'q', 'r', 't']) {
            // The usual name of that decay is no identifier.
            i += 6;
            out.push((Token::Word("sqrt".into()), begin));
        } else if number_ahead(i) || (c == '-' && number_ahead(i + 1)) {
            i = number_end(&chars, i);
            let typed: String = chars[begin..i].iter().filter(|c| **c != '_').collect();
            let value =
                typed.parse().map_err(|_| Error::notation(format!("`{typed}` is not a number"), text, begin))?;
            let percent = chars.get(i) == Some(&'%');
            i += usize::from(percent);
            out.push((Token::Number(Number { text: typed, value, percent }), begin));
        } else if c.is_alphabetic() || c == '_' {
            while chars.get(i).is_some_and(|c| c.is_alphanumeric() || *c == '_') {
                i += 1;
            }
            out.push((Token::Word(chars[begin..i].iter().collect()), begin));
        } else if "(),=:+*".contains(c) {
            i += 1;
            out.push((Token::Sign(c), begin));
        } else {
            let after_word = matches!(out.last(), Some((Token::Word(_), _)));
            let hint = if c == '-' && after_word { "; names are written with `_`, as one_cycle" } else { "" };
            return Err(Error::notation(format!("`{c}` has no meaning here{hint},"), text, begin));
        }
    }
    out.push((Token::End, chars.len()));
    Ok(out)
}

/// Index after the number that begins at `i`: digits, point and exponent.
fn number_end(chars: &[char], mut i: usize) -> usize {
    i += usize::from(chars[i] == '-');
    while chars.get(i).is_some_and(|c| c.is_ascii_digit() || *c == '.' || *c == '_') {
        i += 1;
    }
    if chars.get(i).is_some_and(|c| matches!(c, 'e' | 'E')) {
        let sign = usize::from(chars.get(i + 1).is_some_and(|c| matches!(c, '+' | '-')));
        if chars.get(i + 1 + sign).is_some_and(char::is_ascii_digit) {
            i += 1 + sign;
            while chars.get(i).is_some_and(char::is_ascii_digit) {
                i += 1;
            }
        }
    }
    i
}
