//! [`Run`]: one training run as its log has it, as plain data.

use std::collections::BTreeMap;

/// The readings of one name.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedSeries {
    /// The name as the log has it; nested names are joined with `/`.
    pub name: String,
    /// Step and value, in the order of steps; the value may be NaN or infinite. More than 4096
    /// readings are thinned: the first, the last, those that are not finite and the extremes of
    /// every stretch are kept.
    pub points: Vec<(f64, f64)>,
    /// How many readings there were before thinning.
    pub seen: u64,
}

/// One training run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Run {
    /// The run's label inside the file; empty when the file holds one run and does not name it.
    pub name: String,
    /// The run's configuration under the names that the log uses, and once more under these names
    /// where they are known: `lr`, `optimizer`, `batch_size`, `num_classes`, `total_steps`,
    /// `total_epochs`, `weight_decay`, `momentum`, `warmup_steps`, `schedule`, `seed`, `command`.
    pub facts: BTreeMap<String, String>,
    /// One series for each name, in the order of first readings.
    pub series: Vec<NamedSeries>,
    /// The name of the counter that gives the steps of the series; empty if the steps are indices
    /// of readings.
    pub counter: String,
    /// Remarks for people: restarts, cut lines, names left out.
    pub notes: Vec<String>,
}

impl Run {
    /// The series of that name.
    pub fn series(&self, name: &str) -> Option<&NamedSeries> {
        self.series.iter().find(|s| s.name == name)
    }
}
