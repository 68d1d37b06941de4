//! What a command prints: the names with numbers, how far they count, and the last lines.

use std::collections::{BTreeMap, VecDeque};
use stepsize_logs::text::Tables;
use stepsize_logs::{Choice, CounterKind, Wanted, choose, is_counter};
use stepsize_study::executor::DryRun;

/// Names that are kept; more are printed by accident.
const NAMES: usize = 64;
/// Last lines that are kept.
const LINES: usize = 8;
/// Readings of a metric after which a command that takes no length has shown enough.
const ENOUGH: u32 = 3;

/// What was printed so far.
pub struct Shown {
    tables: Tables,
    names: Vec<String>,
    /// The highest number of each counter, and how often each name was read.
    counters: BTreeMap<String, f64>,
    readings: BTreeMap<String, u32>,
    last: VecDeque<String>,
    seconds: f64,
    /// Whether the command ended by itself.
    pub ended: bool,
}

impl Default for Shown {
    fn default() -> Self {
        Self {
            tables: Tables::new(),
            names: Vec::new(),
            counters: BTreeMap::new(),
            readings: BTreeMap::new(),
            last: VecDeque::new(),
            seconds: 0.0,
            ended: false,
        }
    }
}

impl Shown {
    /// Takes in a line.
    pub fn line(&mut self, line: &str) {
        for (name, value) in self.tables.pairs(line) {
            if !self.names.contains(&name) && self.names.len() < NAMES {
                self.names.push(name.clone());
            }
            if is_counter(&name) {
                let most = self.counters.entry(name).or_insert(value);
                *most = most.max(value);
            } else {
                *self.readings.entry(name).or_default() += 1;
            }
        }
        if self.last.len() == LINES {
            self.last.pop_front();
        }
        self.last.push_back(line.to_owned());
    }

    /// Takes in the end.
    pub fn end(&mut self, ran: &DryRun) {
        self.seconds = ran.seconds;
        self.ended = ran.exit.is_some();
    }

    /// Whether the metric was read often enough to know it.
    pub fn has_seen_enough(&self) -> bool {
        let choice = self.choice(None);
        choice.is_ok_and(|choice| self.readings.get(&choice.metric).is_some_and(|seen| *seen >= ENOUGH))
    }

    /// The metric.
    ///
    /// # Errors
    /// What is missing, for people.
    pub fn choice(&self, metric: Option<&str>) -> Result<Choice, String> {
        let wanted = Wanted { metric: metric.map(str::to_owned), ..Wanted::default() };
        choose(&self.names, &wanted).map_err(|e| e.to_string())
    }

    /// The names for people.
    pub fn names(&self) -> String {
        if self.names.is_empty() { "no name with a number".to_owned() } else { self.names.join(", ") }
    }

    /// How far it counted: steps where they are counted, else epochs.
    pub fn length(&self) -> Option<u64> {
        let best = self.counters.iter().min_by_key(|(name, _)| CounterKind::of(name))?;
        Some(best.1.max(0.0) as u64).filter(|n| *n > 0)
    }

    /// The time of one step, from the whole of a short run: its start counts, so it is too long
    /// rather than too short.
    pub fn seconds_per_step(&self) -> Option<f64> {
        Some(self.seconds / self.length()? as f64)
    }

    /// The last lines.
    pub fn tail(&self) -> String {
        self.last.iter().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
    }
}
