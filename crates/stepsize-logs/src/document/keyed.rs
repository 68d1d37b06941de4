//! Objects whose keys count: `{"1": {"loss": 0.5}, "2": {"loss": 0.4}}`, `{"epoch_1": {...}}`.

use super::{Container, Position};
use crate::gather::Gather;
use crate::text;

/// The key of an object that is a record.
#[derive(Debug, Clone)]
pub(super) struct RecordKey {
    counter: String,
    count: f64,
    /// Whether it is a number alone, which may be that of a class or of a part of the data.
    bare: bool,
}

impl RecordKey {
    /// What a key counts: `3`, `epoch_3`.
    pub fn count_of(key: &str) -> Option<f64> {
        Self::of(key).map(|key| key.count)
    }

    fn of(key: &str) -> Option<Self> {
        if let Ok(count) = key.parse::<u32>() {
            return Some(Self { counter: "epoch".to_owned(), count: f64::from(count), bare: true });
        }
        let key = key.replace(' ', "_");
        text::counted(&key).map(|(name, count)| Self { counter: name.to_owned(), count, bare: false })
    }
}

impl Position {
    /// Makes the outermost open object whose key counts the open record.
    #[cold]
    pub(super) fn begin_keyed(&mut self) {
        let within = |depth: usize| self.stack.get(depth - 1).is_some_and(|f| f.kind == Container::Object);
        let key = |outer: usize| RecordKey::of(self.path.get(..outer)?.rsplit('/').next()?);
        let frames = self.stack.iter().enumerate().skip(1);
        let mut objects = frames.filter(|(depth, f)| f.kind == Container::Object && within(*depth));
        if let Some((depth, key)) = objects.find_map(|(depth, f)| Some((depth, key(f.outer)?))) {
            self.keyed = Some(key);
            self.record = Some(depth);
            self.lists.record_begins();
        }
    }

    /// The record ends. It is a reading if it holds a metric: a loss where the key is a number
    /// alone, as results of classes have scores.
    #[cold]
    pub(super) fn keyed_ends(&mut self, gather: &mut Gather) {
        self.record = None;
        let Some(key) = self.keyed.take() else { return };
        self.lists.forget_record();
        let above = self.path.rsplit_once('/').map_or("", |(above, _)| above);
        if gather.has_loss() || !key.bare && gather.has_metric() {
            gather.number(&key.counter, key.count);
            return self.end_row(above, gather);
        }
        for (name, text) in gather.take_row_named() {
            gather.fact(&format!("{}/{name}", self.path), &text);
        }
    }
}
