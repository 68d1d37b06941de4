//! [`Run`]: what a log says of one training run, as plain data.

use std::collections::BTreeMap;

/// The readings of one name.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedSeries {
    /// The name as the log has it; nested names are joined with `/`.
    pub name: String,
    /// Step and value, in the order of steps; the value may be NaN or infinite. Thinned when there are more than 4096: the
    /// first, the last, those that are not finite and the extremes of every stretch are kept.
    pub points: Vec<(f64, f64)>,
    /// How many readings there were before thinning.
    pub seen: u64,
}

/// What a log says of one run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Run {
    /// The run's label inside the file; empty when the file holds one run and does not name it.
    pub name: String,
    /// What the log says of the run's configuration, under the names it uses, and again under these where it is known what is
    /// meant: `lr`, `optimizer`, `batch_size`, `num_classes`, `total_steps`, `total_epochs`, `weight_decay`, `momentum`,
    /// `warmup_steps`, `schedule`, `seed`, `command`.
    pub facts: BTreeMap<String, String>,
    /// One series a name, in the order of their first readings.
    pub series: Vec<NamedSeries>,
    /// What the steps of the series count: the name of the counter, or empty when readings are counted.
    pub counter: String,
    /// What was odd: restarts, cut lines, names left out.
    pub notes: Vec<String>,
}

impl Run {
    /// The series of that name.
    pub fn series(&self, name: &str) -> Option<&NamedSeries> {
        self.series.iter().find(|s| s.name == name)
    }
}
