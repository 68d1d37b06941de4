//! [`Announced`]: evaluations that a line says are to come.

use crate::names::{DataSplit, is_counter};

/// What a line without a reading says of the next one with readings.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) enum Announced {
    #[default]
    Nothing,
    /// An evaluation begins: `testing in eval mode ...`. It says so even where what follows is of
    /// the training.
    Evaluation,
    /// An evaluation on these data begins: `evaluate:dev`.
    Of(DataSplit),
    /// The next line holds results on held-out data: `Test Error:`.
    Results,
}

impl Announced {
    /// What a count below the name of a split announces: `[test] epoch: 1/10`.
    pub fn of_bracket(line: &str) -> Option<Self> {
        let (split, rest) = line.trim_start().strip_prefix('[')?.split_once(']')?;
        let counter = rest.trim_start().split(|c: char| !c.is_alphanumeric()).next().is_some_and(is_counter);
        let split = DataSplit::of_word(split).filter(|_| counter)?;
        Some(if split.is_held_out() { Self::Of(split) } else { Self::Nothing })
    }

    /// What the count of an evaluation announces: `Eval epoch: 9`.
    pub fn of_count(line: &str) -> Option<Self> {
        let line = line.rsplit_once("] ").map_or(line, |(_, rest)| rest);
        let mut words = line.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty());
        let split = DataSplit::of_word(words.next()?).filter(|split| split.is_held_out())?;
        words.next().filter(|w| is_counter(w) && words.count() == 1).map(|_| Self::Of(split))
    }

    /// Whether a line with a count says, behind the prefix of a logger, that an evaluation comes.
    pub fn is_due(line: &str) -> bool {
        Self::of(line.rsplit_once("] ").map_or(line, |(_, rest)| rest)).is_some()
    }

    /// What a line without a metric announces.
    pub fn of(line: &str) -> Option<Self> {
        let line = line.trim();
        if line.len() > 80 {
            return None;
        }
        let held_out = |word: &str| DataSplit::of_word(word).is_some_and(DataSplit::is_held_out);
        let mut words = line.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty());
        let (first, second, third) = (words.next()?, words.next(), words.next());
        let named = second.is_none_or(|w| matches!(&*w.to_ascii_lowercase(), "error" | "set" | "results" | "metrics"));
        let verb = |word: &str| {
            let word = word.to_ascii_lowercase();
            word.starts_with("evaluat") || word.starts_with("validat") || word.starts_with("testing")
        };
        let marked = || line.ends_with([':', ']']) || line.starts_with(['-', '=', '#', '*']) || line == first;
        let heading = second.is_none() && marked();
        match () {
            // `[Validation]`, `--- Training ---`, `DEV`
            () if heading && !line.ends_with(':') => {
                DataSplit::of_word(first).map(|s| if s.is_held_out() { Self::Of(s) } else { Self::Nothing })
            }
            () if line.ends_with(':') && held_out(first) && named && third.is_none() => Some(Self::Results),
            () if verb(first) || second.is_some_and(verb) || third.is_some_and(verb) => {
                let mut named = line.split(|c: char| !c.is_alphanumeric()).filter(|w| !verb(w));
                Some(named.find_map(DataSplit::of_word).filter(|s| s.is_held_out()).map_or(Self::Evaluation, Self::Of))
            }
            () => None,
        }
    }
}
