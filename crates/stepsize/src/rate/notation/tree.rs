//! Tokens to a tree.
//!
//! ```text
//! sequence := sum ("then" sum)*        sum := product ("+" product)*        product := atom ("*" atom)*
//! atom     := number | name [ "(" [ argument ("," argument)* ] ")" ] | "(" sequence ")"
//! argument := [ name "=" | number ":" ] sequence
//! ```

use super::lex::{Number, Token, tokens};
use crate::{Error, Result};

/// Deepest nesting of a text; a schedule allows no more anyway.
const DEEPEST: usize = 64;

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Expr {
    pub kind: ExprKind,
    pub column: usize,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum ExprKind {
    Number(Number),
    /// `bare` when typed without parentheses: a name, or a word such as `linear` or `staircase`.
    Call {
        name: String,
        arguments: Vec<Argument>,
        bare: bool,
    },
    Sequence(Vec<Expr>),
    Sum(Vec<Expr>),
    Product(Vec<Expr>),
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Argument {
    /// `key=`.
    pub key: Option<(String, usize)>,
    /// `milestone:`.
    pub at: Option<(Number, usize)>,
    pub value: Expr,
}

/// The tree of a whole text.
pub(super) fn tree(text: &str) -> Result<Expr> {
    let mut parser = Parser { text, tokens: tokens(text)?, next: 0, depth: 0 };
    let expr = parser.sequence()?;
    match parser.peek() {
        Token::End => Ok(expr),
        other => {
            let hint = match other {
                Token::Word(word) if word.starts_with("th") => " (did you mean `then`?)",
                _ => "",
            };
            let unexpected = other.show();
            Err(parser.error(format!("{unexpected} is unexpected{hint}; parts are joined by `then`, `+` or `*`,")))
        }
    }
}

struct Parser<'a> {
    text: &'a str,
    tokens: Vec<(Token, usize)>,
    next: usize,
    depth: usize,
}

impl Parser<'_> {
    fn peek(&self) -> &Token {
        &self.tokens[self.next].0
    }

    fn column(&self) -> usize {
        self.tokens[self.next].1
    }

    fn error(&self, message: String) -> Error {
        Error::notation(message, self.text, self.column())
    }

    /// Steps over the token if it is `sign`.
    fn sign(&mut self, sign: char) -> bool {
        let found = *self.peek() == Token::Sign(sign);
        self.next += usize::from(found);
        found
    }

    fn joined(
        &mut self,
        item: fn(&mut Self) -> Result<Expr>,
        joint: Token,
        kind: fn(Vec<Expr>) -> ExprKind,
    ) -> Result<Expr> {
        let first = item(self)?;
        let column = first.column;
        let mut parts = vec![first];
        while *self.peek() == joint {
            self.next += 1;
            parts.push(item(self)?);
        }
        Ok(match parts.pop() {
            Some(only) if parts.is_empty() => only,
            last => Expr { kind: kind(parts.into_iter().chain(last).collect()), column },
        })
    }

    fn sequence(&mut self) -> Result<Expr> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(self.error(format!("nested deeper than {DEEPEST}")));
        }
        let expr = self.joined(Self::sum, Token::Word("then".into()), ExprKind::Sequence);
        self.depth -= 1;
        expr
    }

    fn sum(&mut self) -> Result<Expr> {
        self.joined(Self::product, Token::Sign('+'), ExprKind::Sum)
    }

    fn product(&mut self) -> Result<Expr> {
        self.joined(Self::atom, Token::Sign('*'), ExprKind::Product)
    }

    fn atom(&mut self) -> Result<Expr> {
        let column = self.column();
        match self.peek().clone() {
            Token::Number(number) => {
                self.next += 1;
                Ok(Expr { kind: ExprKind::Number(number), column })
            }
            Token::Word(name) if name != "then" => {
                self.next += 1;
                let bare = !self.sign('(');
                let arguments = if bare { Vec::new() } else { self.arguments()? };
                Ok(Expr { kind: ExprKind::Call { name, arguments, bare }, column })
            }
            Token::Sign('(') => {
                self.next += 1;
                let inner = self.sequence()?;
                self.close()?;
                Ok(inner)
            }
            other => Err(self.error(format!("a schedule is missing before {}", other.show()))),
        }
    }

    fn close(&mut self) -> Result<()> {
        if self.sign(')') { Ok(()) } else { Err(self.error(format!("`)` is missing before {}", self.peek().show()))) }
    }

    fn arguments(&mut self) -> Result<Vec<Argument>> {
        let mut out = Vec::new();
        if self.sign(')') {
            return Ok(out);
        }
        loop {
            let (token, column) = self.tokens[self.next].clone();
            let mark = self.tokens.get(self.next + 1).map(|t| &t.0);
            let (mut key, mut at) = (None, None);
            match (token, mark) {
                (Token::Word(word), Some(Token::Sign('='))) => key = Some((word, column)),
                (Token::Number(number), Some(Token::Sign(':'))) => at = Some((number, column)),
                _ => {}
            }
            if key.is_some() || at.is_some() {
                self.next += 2;
            }
            out.push(Argument { key, at, value: self.sequence()? });
            if !self.sign(',') {
                self.close()?;
                return Ok(out);
            }
        }
    }
}
