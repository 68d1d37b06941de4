//! Text for the next-character model: characters become numbers, examples are windows.
//!
//! Validation is one unbroken stretch, whose position the split seed chooses. No training window
//! overlaps it, so no validation character is seen in training.

use super::{Dataset, FEWEST_ROWS, Inputs, Split, Targets, VALIDATION_CAP};
use crate::rng::Rng;
use std::collections::{BTreeMap, BTreeSet};
use stepsize::{Error, Result};

/// With more different characters than this the file is likely not a text.
const MOST_CHARACTERS: usize = 4096;

/// Windows of `context` characters, each with the character that follows.
pub(super) fn examples(text: &str, context: usize, split: Split) -> Result<Dataset> {
    let alphabet: BTreeSet<char> = text.chars().collect();
    if alphabet.len() > MOST_CHARACTERS || alphabet.len() < 2 {
        let seen = alphabet.len();
        return Err(Error::invalid(format!(
            "the text has {seen} different characters; 2 to {MOST_CHARACTERS} can be learnt"
        )));
    }
    let number: BTreeMap<char, u32> = alphabet.iter().copied().zip(0..).collect();
    let tokens: Vec<u32> = text.chars().map(|c| number[&c]).collect();
    let windows = tokens.len().saturating_sub(context);
    let held_out = (windows as f64 * split.fraction).round() as usize;
    // a window reaches `context` characters beyond its start, so training leaves a gap of that
    // length
    let trainable = windows.saturating_sub(held_out + 2 * context);
    if held_out < FEWEST_ROWS || trainable < FEWEST_ROWS {
        return Err(Error::invalid(format!(
            "the text has {} characters: too few for windows of {context} and {} of it for validation",
            tokens.len(),
            split.fraction
        )));
    }
    let mut draws = Rng::new(split.seed, 0);
    let start = draws.below(windows - held_out + 1);
    let held = start..start + held_out;
    let (before, after) = (start.saturating_sub(context), (held.end + context).min(windows));
    let index =
        |i: usize| u32::try_from(i).map_err(|_| Error::invalid("the text is too long: more than 2^32 characters"));
    let train = (0..before).chain(after..windows).map(index).collect::<Result<_>>()?;
    let mut validation = held.map(index).collect::<Result<Vec<u32>>>()?;
    draws.shuffle(&mut validation);
    validation.truncate(VALIDATION_CAP);
    Ok(Dataset {
        summary: format!("{} characters, {} different", tokens.len(), alphabet.len()),
        targets: Targets::Classes { ids: tokens[context..].to_vec(), count: alphabet.len() },
        inputs: Inputs::Text { tokens, context, vocabulary: alphabet.len() },
        train,
        validation,
        image: None,
        warnings: Vec::new(),
    })
}
