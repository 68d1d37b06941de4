//! Records within a record: a run with its settings, and its curve as a list of records.

use super::Position;
use crate::gather::Gather;

/// The record around another.
#[derive(Debug, Clone)]
pub(super) struct Outer {
    /// Its depth.
    pub depth: usize,
    /// Its numbers and words so far.
    row: Vec<(usize, f64)>,
    words: Vec<(String, String)>,
    /// Whether its inner records are a curve, and it is a run.
    run: bool,
}

impl Position {
    /// An object in a list within a record begins.
    pub(super) fn inner_begins(&mut self, gather: &mut Gather) {
        let Some(depth) = self.record else { return };
        let (row, words) = gather.put_aside();
        match &mut self.outer {
            Some(outer) => {
                outer.row.extend(row);
                outer.words.extend(words);
            }
            None => self.outer = Some(Outer { depth, row, words, run: false }),
        }
        self.record = Some(self.stack.len());
    }

    /// An inner record ends. It is a reading of the curve of its run if it holds a metric.
    pub(super) fn inner_ends(&mut self, mut outer: Outer, gather: &mut Gather) {
        self.record = Some(outer.depth);
        if !gather.has_metric() {
            gather.drop_row();
            let (row, words) = (std::mem::take(&mut outer.row), std::mem::take(&mut outer.words));
            gather.take_up(row, words);
            // What follows may be a curve all the same.
            self.outer = Some(outer).filter(|o| o.run);
            return;
        }
        if !outer.run {
            outer.run = true;
            let inner = gather.put_aside();
            gather.take_up(std::mem::take(&mut outer.row), std::mem::take(&mut outer.words));
            let facts = gather.take_row_named();
            gather.select(&self.lists.label(&facts));
            gather.is_no_table();
            facts.iter().for_each(|(name, text)| gather.fact(name, text));
            gather.take_up(inner.0, inner.1);
        }
        self.outer = Some(outer);
        self.end_row(&self.path, gather);
    }

    /// A record that is in no other ends.
    pub(super) fn outer_ends(&mut self, outer: Option<Outer>, gather: &mut Gather) {
        match outer {
            Some(outer) if outer.run => {
                // What stands beside and after the curve.
                let (mut row, mut words) = gather.put_aside();
                row.extend(outer.row);
                words.extend(outer.words);
                gather.take_up(row, words);
                for (name, text) in gather.take_row_named() {
                    gather.fact(&name, &text);
                }
                self.lists.forget_record();
            }
            _ => self.record_ends(gather),
        }
    }
}
