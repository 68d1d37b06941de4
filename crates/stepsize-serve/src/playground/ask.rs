//! [`Ask`]: the parameters of a request, read with their limits.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use stepsize::{Error, Lr, Result};

/// Longest value of a parameter, in bytes.
const LONGEST: usize = 500;
/// Rates that a request may ask for. Beyond them every network of the playground stands still or
/// breaks at once.
const RATES: RangeInclusive<f64> = 1e-8..=1e4;

/// Parameters by name.
#[derive(Debug, Clone, PartialEq)]
pub struct Ask {
    pairs: BTreeMap<String, String>,
}

impl Ask {
    /// Reads the query of an address: `lr=0.1&schedule=warmup(5%25)+then+cosine`.
    ///
    /// # Errors
    /// When a value is too long or is not UTF-8, or a name comes twice.
    pub fn new(query: &str) -> Result<Self> {
        let mut pairs = BTreeMap::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, value) = (decoded(name)?, decoded(value)?);
            if value.len() > LONGEST {
                return Err(Error::invalid(format!("{name} has {} bytes; it may have at most {LONGEST}", value.len())));
            }
            if pairs.insert(name.clone(), value).is_some() {
                return Err(Error::invalid(format!("{name} is given twice")));
            }
        }
        Ok(Self { pairs })
    }

    /// All parameters by name.
    pub fn pairs(&self) -> &BTreeMap<String, String> {
        &self.pairs
    }

    /// Refuses names that nobody reads.
    ///
    /// # Errors
    /// When there is one.
    pub fn only(&self, known: &[&str]) -> Result<()> {
        match self.pairs.keys().find(|name| *name != "client" && !known.contains(&name.as_str())) {
            Some(name) => Err(Error::invalid(format!(
                "{name} is not a parameter of this; the parameters are {}",
                known.join(", ")
            ))),
            None => Ok(()),
        }
    }

    /// The text of a parameter, if it is given.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.pairs.get(name).map(String::as_str)
    }

    /// One of `known`, the first of which is the default.
    ///
    /// # Errors
    /// When it is another text.
    pub fn choice<'a>(&self, name: &str, known: &[&'a str]) -> Result<&'a str> {
        let Some(text) = self.text(name) else { return Ok(known[0]) };
        known
            .iter()
            .find(|k| **k == text)
            .copied()
            .ok_or_else(|| Error::invalid(format!("{name} is {text}; here it is one of {}", known.join(", "))))
    }

    /// A whole number within `range`.
    ///
    /// # Errors
    /// When it is not one.
    pub fn count(&self, name: &str, default: u64, range: RangeInclusive<u64>) -> Result<u64> {
        let Some(text) = self.text(name) else { return Ok(default) };
        let (least, most) = (range.start(), range.end());
        text.parse().ok().filter(|n| range.contains(n)).ok_or_else(|| {
            Error::invalid(format!("{name} is {text}; here it is a whole number from {least} to {most}"))
        })
    }

    /// A rate; `default` where it is not given.
    ///
    /// # Errors
    /// When it is not a rate, or one beyond the limits.
    pub fn lr(&self, name: &str, default: f64) -> Result<Lr> {
        match self.text(name) {
            Some(text) => rate(name, text),
            None => Lr::new(default),
        }
    }

    /// Up to `most` rates between commas.
    ///
    /// # Errors
    /// When one is not a rate, or there are too many.
    pub fn lrs(&self, name: &str, default: &[f64], most: usize) -> Result<Vec<Lr>> {
        let Some(text) = self.text(name) else { return default.iter().map(|lr| Lr::new(*lr)).collect() };
        let rates = text.split(',').map(|word| rate(name, word.trim())).collect::<Result<Vec<Lr>>>()?;
        match rates.len() {
            count if count <= most => Ok(rates),
            count => Err(Error::invalid(format!("{name} has {count} rates; at most {most} are trained at once"))),
        }
    }
}

fn rate(name: &str, text: &str) -> Result<Lr> {
    let value: f64 = text.parse().unwrap_or(f64::NAN);
    match RATES.contains(&value) {
        true => Lr::new(value),
        false => {
            let (least, most) = (RATES.start(), RATES.end());
            Err(Error::invalid(format!("{name} is {text}; here a rate is a number from {least:e} to {most:e}")))
        }
    }
}

/// Undoes the encoding of an address: `+` is a space, `%28` a parenthesis.
fn decoded(text: &str) -> Result<String> {
    let broken = || Error::invalid(format!("'{text}' is not the encoding of a text in an address"));
    let (mut bytes, mut rest) = (Vec::with_capacity(text.len()), text.bytes());
    while let Some(byte) = rest.next() {
        let digit = |byte: Option<u8>| byte.and_then(|b| char::from(b).to_digit(16)).ok_or_else(broken);
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => (digit(rest.next())? * 16 + digit(rest.next())?) as u8,
            other => other,
        });
    }
    String::from_utf8(bytes).map_err(|_| broken())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_decoded_and_its_values_are_checked() {
        let ask = Ask::new("text=warmup(5%25)+then+cosine&lr=0.1,3&steps=20").unwrap();
        assert_eq!(ask.text("text"), Some("warmup(5%) then cosine"));
        assert_eq!(ask.lrs("lr", &[], 3).unwrap().len(), 2);
        assert!(ask.lrs("lr", &[], 1).unwrap_err().to_string().contains("at most 1"));
        assert!(ask.count("steps", 5, 50..=60).unwrap_err().to_string().contains("from 50 to 60"));
        assert!(ask.only(&["text", "lr"]).unwrap_err().to_string().contains("steps is not a parameter"));
    }

    #[test]
    fn nonsense_is_refused() {
        for query in ["a=%", "a=%2", "a=%zz", "a=%ff", "a=1&a=2", &format!("a={}", "x".repeat(LONGEST + 1))] {
            assert!(Ask::new(query).is_err(), "{query}");
        }
        for rate in ["", "nan", "inf", "-1", "0", "1e9", "1e-20", "0.1;"] {
            assert!(Ask::new(&format!("lr={rate}")).unwrap().lr("lr", 0.1).is_err(), "{rate}");
        }
    }
}
