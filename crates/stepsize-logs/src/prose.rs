//! [`Prose`]: logs of free text, read line by line with [`text`], and what takes several lines:
//! tables whose names stand on a line of their own, settings, command lines, and starts of
//! programs.

use crate::gather::Gather;
use crate::text::{self, Lines, Tables};

/// Reads text.
#[derive(Debug, Clone, Default)]
pub(crate) struct Prose {
    lines: Lines,
    tables: Tables,
}

impl Prose {
    pub fn push(&mut self, bytes: &[u8], gather: &mut Gather) {
        let mut lines = std::mem::take(&mut self.lines);
        lines.feed(bytes, |line| self.line(line, gather));
        self.lines = lines;
    }

    pub fn finish(&mut self, gather: &mut Gather) {
        if let Some(line) = self.lines.finish() {
            self.line(&line, gather);
        }
    }

    /// Takes in one line.
    pub fn line(&mut self, line: &str, gather: &mut Gather) {
        gather.place += 1;
        let found = self.tables.read(line);
        let settings = text::settings(line);
        if settings.start {
            gather.started();
        }
        for (name, value) in &settings.facts {
            gather.fact(name, value);
        }
        if settings.only {
            return;
        }
        for pair in &found {
            if let Some(whole) = pair.whole {
                gather.total(&pair.name, whole);
            }
            gather.number(&pair.name, pair.value);
        }
        gather.end_row();
    }
}
