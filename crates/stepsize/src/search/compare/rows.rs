//! The table of a comparison: the result of each way, rate by rate.
//!
//! A rate with a seed that diverged (by the rule of the probes) has no mean and is worse than any
//! number. The *width* of a valley is the number of decades of initial rates, interpolated in log
//! rate and log loss, over which the loss stays within [`NEAR`] of the best fixed rate's. *Steps to
//! target* is when the validation loss was first at or below the final loss of the best fixed rate:
//! the mean over the seeds, if all of them reached it.

use super::{Claim, Comparison, Family, Part};
use crate::Result;
use crate::divergence::Outcome;
use crate::lr::Lr;
use crate::trial::Trial;
use serde::Serialize;

/// A loss within this share of the best fixed rate's counts as near it.
pub const NEAR: f64 = 0.25;

/// One rate of a way.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Cell {
    /// Initial rate.
    pub lr: Lr,
    /// Final validation loss by seed; `None` where it diverged or did not finish.
    pub losses: Vec<Option<f64>>,
    /// Mean over the seeds; `None` where one of them has no loss.
    pub mean: Option<f64>,
    /// Steps to the target, mean over the seeds; `None` if not all reached it.
    pub to_target: Option<f64>,
}

/// One way.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// Its name, for people.
    pub name: String,
    /// Its kind.
    pub family: Family,
    /// Its valley; empty for searches.
    pub cells: Vec<Cell>,
    /// The best of its cells, known only after all of them were run. For a search, the result of
    /// the run after it.
    pub best: Option<Cell>,
    /// Width of its valley in decades: where its loss is within [`NEAR`] of the best fixed rate's.
    pub width: f64,
    /// For a search: the rate that it chose, by seed.
    pub chosen: Vec<Option<Lr>>,
    /// For a search: its share of the compute, mean over the seeds.
    pub search_share: Option<f64>,
    /// For a method without a rate: index of the cell at its advised value.
    pub advised: Option<usize>,
}

/// Everything that a comparison found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Compared {
    /// Steps that each way has for each seed.
    pub steps: u64,
    /// Number of seeds.
    pub seeds: u64,
    /// Validation loss of the untrained model.
    pub untrained: Option<f64>,
    /// Final loss of the best fixed rate.
    pub target: Option<f64>,
    /// Steps of all trials together.
    pub spent: u64,
    /// The table; the fixed rate first.
    pub rows: Vec<Row>,
    /// Which common claims held here.
    pub claims: Vec<Claim>,
}

impl Cell {
    fn new(lr: Lr, trials: &[&Trial], target: Option<f64>) -> Self {
        let losses: Vec<Option<f64>> = trials.iter().map(|t| Outcome::of(t).loss()).collect();
        let sum: Option<f64> = losses.iter().copied().sum();
        let mean = sum.filter(|_| !losses.is_empty()).map(|s| s / losses.len() as f64);
        let reached = |t: &&Trial| {
            let first = |target| t.val.points().iter().find(|p| p.loss <= target).map(|p| p.step as f64);
            target.and_then(first)
        };
        let all: Option<f64> = trials.iter().map(reached).sum();
        let to_target = all.filter(|_| !trials.is_empty()).map(|s| s / trials.len() as f64);
        Self { lr, losses, mean, to_target }
    }
}

impl Compared {
    /// The way with the lowest loss of all, from its best initial rate. Only hindsight knows that
    /// rate: every rate was run.
    pub fn best(&self) -> Option<(&Row, &Cell)> {
        lowest_of(self.rows.iter().filter_map(|row| Some((row, row.best.as_ref()?))))
    }

    /// The way with the lowest loss among those that need no knowledge of a good rate: searches,
    /// paid out of the same steps, and methods without a rate as their authors advise them.
    pub fn winner(&self) -> Option<(&Row, &Cell)> {
        lowest_of(self.rows.iter().filter_map(|row| match row.family {
            Family::Search => Some((row, row.best.as_ref()?)),
            Family::Free => Some((row, row.cells.get(row.advised?)?)),
            _ => None,
        }))
    }
}

/// The way with the lowest loss; the first among equals.
fn lowest_of<'a>(all: impl Iterator<Item = (&'a Row, &'a Cell)>) -> Option<(&'a Row, &'a Cell)> {
    all.filter(|(_, cell)| cell.mean.is_some()).min_by(|a, b| f64::total_cmp(&loss(a.1), &loss(b.1)))
}

/// The cell with the lowest mean.
pub(super) fn lowest(cells: &[Cell]) -> Option<&Cell> {
    cells.iter().filter(|c| c.mean.is_some()).min_by(|a, b| f64::total_cmp(&loss(a), &loss(b)))
}

/// Mean loss, infinite where a seed diverged.
pub(super) fn loss(cell: &Cell) -> f64 {
    cell.mean.unwrap_or(f64::INFINITY)
}

/// Decades over which the cells are at or below `limit`, log-log between neighbours.
fn width(cells: &[Cell], limit: f64) -> f64 {
    let part = |pair: &[Cell]| {
        let [a, b] = pair else { return 0.0 };
        let decades = (b.lr.get() / a.lr.get()).log10();
        match (a.mean, b.mean) {
            (Some(x), Some(y)) if x <= limit && y <= limit => decades,
            (Some(x), Some(y)) if x > limit && y > limit => 0.0,
            (Some(x), Some(y)) if x > 0.0 && y > 0.0 => {
                let (low, high) = (x.min(y), x.max(y));
                decades * (limit / low).ln() / (high / low).ln()
            }
            // beside a rate that diverged nothing is known of what lies between
            _ => 0.0,
        }
    };
    cells.windows(2).map(part).fold(0.0, |sum, part| sum + part)
}

impl Comparison {
    /// The table and the claims from the trials so far, in the order of their numbers.
    ///
    /// # Errors
    /// When a schedule cannot be compressed.
    pub fn compared(&self, done: &[Trial]) -> Result<Compared> {
        let planned = self.planned()?;
        // In an interrupted comparison any trial may be missing, so each is found by its number.
        let of = |wanted: Part| -> Vec<&Trial> {
            let number = |t: &&Trial| planned.get(t.id.0 as usize).is_some_and(|(part, _)| *part == wanted);
            done.iter().filter(number).collect()
        };
        let cells = |i: usize, target: Option<f64>| -> Result<Vec<Cell>> {
            let trials = of(Part::Valley(i));
            let cell = |lr: Lr| {
                let mine: Vec<&Trial> = trials.iter().filter(|t| t.spec.lr == lr).copied().collect();
                // a rate without all of its seeds is not compared
                (mine.len() as u64 == self.seeds).then(|| Cell::new(lr, &mine, target))
            };
            Ok(self.rates_of(&self.ways[i])?.into_iter().filter_map(cell).collect())
        };
        let target = lowest(&cells(0, None)?).and_then(|c| c.mean);
        let limit = target.map_or(0.0, |t| t * (1.0 + NEAR));
        let mut rows = Vec::new();
        for (i, way) in self.ways.iter().enumerate() {
            let cells = cells(i, target)?;
            let advised =
                way.unit.and_then(|unit| cells.iter().position(|c| (c.lr.get() / unit.get() - 1.0).abs() < 1e-9));
            rows.push(Row {
                name: way.name.clone(),
                family: way.family,
                best: lowest(&cells).cloned(),
                width: width(&cells, limit),
                cells,
                chosen: Vec::new(),
                search_share: None,
                advised,
            });
        }
        if self.searches {
            let rates = self.rates.len();
            rows.push(self.best_of("grid, short runs", &of(Part::Grid), rates, target));
            rows.push(self.best_of("0.1, 0.01, 0.001, short runs", &of(Part::Decades), super::DECADES.len(), target));
        }
        // Searches begin when all that is planned has ended.
        let rest = done.get(planned.len()..).filter(|_| done.len() > planned.len()).unwrap_or_default();
        if !rest.is_empty() {
            let searched = self.searched(rest)?.by_seed;
            let steps = |trials: &[Trial]| trials.iter().map(|t| t.steps_run).sum::<u64>();
            let fallen: Vec<(Option<Trial>, u64)> =
                searched.iter().map(|s| (s.fallen.clone(), steps(&s.falls))).collect();
            let found: Vec<(Option<Trial>, u64)> =
                searched.iter().map(|s| (s.found.clone(), steps(&s.probes))).collect();
            rows.push(self.after_search("first fall, two orders lower", &fallen, target));
            rows.push(self.after_search("find", &found, target));
        }
        let untrained = done.iter().find_map(Trial::start_loss);
        let spent = done.iter().map(|t| t.steps_run).sum();
        let mut compared =
            Compared { steps: self.job.steps, seeds: self.seeds, untrained, target, spent, rows, claims: Vec::new() };
        compared.claims = Claim::all(&compared);
        Ok(compared)
    }

    /// A search by short runs: of each seed the best of them.
    fn best_of(&self, name: &str, trials: &[&Trial], count: usize, target: Option<f64>) -> Row {
        let best = |seed: u64| {
            let mine = trials.iter().filter(|t| t.spec.seed == seed);
            mine.filter_map(|t| Some((Outcome::of(t).loss()?, *t))).min_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, t)| t)
        };
        let whole = trials.len() == count * self.seeds as usize;
        let picked: Vec<Option<&Trial>> = self.seeds().map(|seed| best(seed).filter(|_| whole)).collect();
        let share = 1.0 - 1.0 / count as f64;
        self.search_row(name, &picked, share, target)
    }

    fn after_search(&self, name: &str, ends: &[(Option<Trial>, u64)], target: Option<f64>) -> Row {
        let picked: Vec<Option<&Trial>> = ends.iter().map(|(trial, _)| trial.as_ref()).collect();
        let spent: u64 = ends.iter().map(|(_, spent)| spent).sum();
        self.search_row(name, &picked, spent as f64 / (ends.len().max(1) as u64 * self.job.steps) as f64, target)
    }

    fn search_row(&self, name: &str, picked: &[Option<&Trial>], share: f64, target: Option<f64>) -> Row {
        let chosen: Vec<Option<Lr>> = picked.iter().map(|t| t.map(|t| t.spec.lr)).collect();
        let all: Option<Vec<&Trial>> = picked.iter().copied().collect();
        // the rate shown is the middle one of the seeds
        let mut rates: Vec<Lr> = chosen.iter().flatten().copied().collect();
        rates.sort_by(|a, b| a.get().total_cmp(&b.get()));
        let middle = rates.get(rates.len() / 2).copied();
        let mut best = all.zip(middle).map(|(trials, lr)| Cell::new(lr, &trials, target));
        if let Some(best) = &mut best {
            // the search comes first
            best.to_target = best.to_target.map(|steps| steps + share * self.job.steps as f64);
        }
        Row {
            name: name.to_owned(),
            family: Family::Search,
            cells: Vec::new(),
            best,
            width: 0.0,
            chosen,
            search_share: Some(share),
            advised: None,
        }
    }
}
