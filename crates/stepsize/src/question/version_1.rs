//! The question as version 1 of the event format wrote it: as text, and the pruner as a part of the
//! task.

use super::{FindProbe, Question, Spelling};

const VERSION_1: Spelling = Spelling { budget: "max-cost", trial_steps: "iterations", probe };

fn probe(probe: FindProbe) -> &'static str {
    match probe {
        FindProbe::Sweep => "grid",
        FindProbe::FirstFall => "first_fall",
        FindProbe::RangeTest => "range_test",
        FindProbe::Race | FindProbe::Opening | FindProbe::Random | FindProbe::Descent => probe.name(),
    }
}

impl Question {
    /// This question as the command line recorded it before version 2.
    pub(super) fn of_version_1(&self) -> Self {
        let task = match self.pruner {
            Some(rule) => format!("--kill-rule {} {}", rule.name(), self.task),
            None => self.task.clone(),
        };
        Self::in_words(self.kind.text(&VERSION_1), task, self.job.clone())
    }
}
