//! [`Claim`]: whether common claims about adaptive rates held in a comparison, with the numbers.
//!
//! Losses are compared seed by seed (the same weights, the same order of data). A run that diverged
//! loses against any run that did not; two that diverged are not compared. A *bad* rate is a factor
//! of ten or more from the best fixed one. Nothing here is tested for significance: a few seeds
//! give no more than counts.

use super::rows::{Cell, Compared, NEAR, Row, loss};
use super::{Family, Lr};
use crate::stats::upper_median;
use serde::Serialize;

/// A claim and what the comparison showed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Claim {
    /// The claim.
    pub claim: String,
    /// Whether it held here; `None` if it could not be tested.
    pub held: Option<bool>,
    /// The evidence, for people.
    pub seen: String,
}

/// A rate this far from the best fixed one is bad, in decades (a little less, for rounding).
const BAD: f64 = 0.99;

/// Wins of one way over another, seed by seed.
#[derive(Default, Clone, Copy)]
struct Wins {
    won: usize,
    lost: usize,
    /// The same loss to the bit: a controller that never acted.
    tied: usize,
}

impl Wins {
    fn add(&mut self, a: &Cell, b: &Cell) {
        for pair in a.losses.iter().zip(&b.losses) {
            match pair {
                (Some(a), Some(b)) if a == b => self.tied += 1,
                (Some(a), Some(b)) if a < b => self.won += 1,
                (Some(_), None) => self.won += 1,
                (Some(_) | None, Some(_)) => self.lost += 1,
                (None, None) => {}
            }
        }
    }

    fn of(self) -> usize {
        self.won + self.lost + self.tied
    }

    /// Share of wins in all comparisons. A tie is not a win.
    fn share(self) -> f64 {
        self.won as f64 / self.of().max(1) as f64
    }

    fn words(self) -> String {
        format!("{} of {} ({:.0} %)", self.won, self.of(), 100.0 * self.share())
    }
}

/// `3.1 times`, `12 % above` or `equal to`, before the thing that is compared with.
fn factor(ratio: f64) -> String {
    match ratio {
        r if r >= 2.0 => format!("{r:.1} times"),
        r if (r - 1.0).abs() < 0.005 => "equal to".to_owned(),
        r if r >= 1.0 => format!("{:.0} % above", 100.0 * (r - 1.0)),
        r => format!("{:.0} % below", 100.0 * (1.0 - r)),
    }
}

impl Claim {
    fn new(claim: &str, held: Option<bool>, seen: String) -> Self {
        Self { claim: claim.to_owned(), held, seen }
    }

    /// All claims that the comparison can test.
    pub(super) fn all(compared: &Compared) -> Vec<Self> {
        let Some(best) = compared.rows.first().and_then(|r| r.best.clone()) else { return Vec::new() };
        let facts = ClaimFacts { compared, best };
        [
            facts.bad(false),
            facts.bad(true),
            facts.two_orders(),
            facts.two_or_ten(),
            facts.cycles(),
            facts.free(),
            facts.find(),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

struct ClaimFacts<'a> {
    compared: &'a Compared,
    /// The best fixed rate.
    best: Cell,
}

impl ClaimFacts<'_> {
    fn fixed(&self) -> &Row {
        &self.compared.rows[0]
    }

    fn rows(&self, family: Family) -> impl Iterator<Item = &Row> {
        self.compared.rows.iter().filter(move |r| r.family == family)
    }

    fn row(&self, name: &str) -> Option<&Row> {
        self.compared.rows.iter().find(|r| r.name == name)
    }

    /// Loss relative to that of the best fixed rate.
    fn relative(&self, cell: &Cell) -> f64 {
        loss(cell) / loss(&self.best)
    }

    /// An adaptive rate beats a badly chosen one: too high (`above`), or too low.
    fn bad(&self, above: bool) -> Option<Claim> {
        let decades = |cell: &Cell| (cell.lr.get() / self.best.lr.get()).log10() * if above { 1.0 } else { -1.0 };
        let bad: Vec<&Cell> = self.fixed().cells.iter().filter(|c| decades(c) >= BAD).collect();
        let same_rate = |family: Family| {
            let mut wins = Wins::default();
            for row in self.rows(family) {
                for bad in &bad {
                    row.cells.iter().filter(|c| c.lr == bad.lr).for_each(|cell| wins.add(cell, bad));
                }
            }
            wins
        };
        let mut free = Wins::default();
        for cell in self.rows(Family::Free).filter_map(|row| row.cells.get(row.advised?)) {
            bad.iter().for_each(|bad| free.add(cell, bad));
        }
        let groups = [
            ("controllers that react, from the same rate,", same_rate(Family::Feedback)),
            ("cycles from the same rate", same_rate(Family::Cycle)),
            ("planned decays from the same rate", same_rate(Family::Decay)),
            ("methods without a rate, as advised,", free),
        ];
        let parts: Vec<String> = groups
            .iter()
            .filter(|(_, wins)| wins.of() > 0)
            .map(|(name, wins)| format!("{name} in {}", wins.words()))
            .collect();
        if parts.is_empty() {
            return None;
        }
        let all = groups.iter().fold(Wins::default(), |a, (_, w)| Wins {
            won: a.won + w.won,
            lost: a.lost + w.lost,
            tied: a.tied + w.tied,
        });
        let costs: Vec<f64> = bad.iter().map(|c| self.relative(c)).collect();
        let diverged = costs.iter().filter(|c| c.is_infinite()).count();
        let side = if above { "above" } else { "below" };
        let middle = upper_median(&costs.iter().copied().filter(|c| c.is_finite()).collect::<Vec<f64>>());
        let mut seen = match bad.len() {
            1 => format!("one fixed rate was ten times or more {side} the best ({})", self.best.lr),
            n => format!("{n} fixed rates were ten times or more {side} the best ({})", self.best.lr),
        };
        seen += &match (diverged, middle) {
            (0, Some(middle)) => format!("; their median loss was {} the best", factor(middle)),
            (_, Some(middle)) => {
                format!("; {diverged} diverged, and the median loss of the others was {} the best", factor(middle))
            }
            (_, None) => format!("; {diverged} diverged"),
        };
        seen += &format!(". Seed by seed, lower losses came from {}; in all in {} runs", parts.join(", "), all.words());
        let bad = if above { "is too high" } else { "is too low" };
        let name = format!("an adaptive rate most likely beats a rate that {bad} by ten times or more");
        Some(Claim::new(&name, Some(all.share() > 0.5), seen))
    }

    /// Two orders lower than the rate at which the loss first falls.
    fn two_orders(&self) -> Option<Claim> {
        let row = self.row("first fall, two orders lower")?;
        let name = "the rate at which the loss first falls, two orders lower, is a good one";
        let Some(end) = &row.best else {
            let none = row.chosen.iter().filter(|c| c.is_none()).count();
            let seen = format!("with {none} of {} seeds no rate was found or the run did not end", row.chosen.len());
            return Some(Claim::new(name, None, seen));
        };
        let times = end.lr.get() / self.best.lr.get();
        let seen = format!(
            "it gave {}, {} the best fixed rate. The run after it (the job's own schedule, with what the search left of the \
             steps) had a loss {} the best fixed one; up to {:.0} % above counts as good. The search took {:.0} % of the steps",
            end.lr,
            if times < 1.0 { format!("a factor of {:.0} below", 1.0 / times) } else { format!("{times:.1} times") },
            factor(self.relative(end)),
            100.0 * NEAR,
            100.0 * row.search_share.unwrap_or(0.0)
        );
        Some(Claim::new(name, Some(self.relative(end) <= 1.0 + NEAR), seen))
    }

    /// Reduce by two or by ten.
    fn two_or_ten(&self) -> Option<Claim> {
        let (two, ten) = (self.row("plateau / 2")?, self.row("plateau / 10")?);
        let mut wins = Wins::default();
        for cell in &two.cells {
            ten.cells.iter().filter(|c| c.lr == cell.lr).for_each(|other| wins.add(cell, other));
        }
        let (a, b) = (two.best.as_ref()?, ten.best.as_ref()?);
        let seen = format!(
            "from the same rate dividing by two ended lower in {} and higher in {}, with no difference in {}; at their best rates two came to {} ({}), ten \
             to {} ({})",
            wins.won,
            wins.lost,
            wins.tied,
            short(loss(a)),
            a.lr,
            short(loss(b)),
            b.lr
        );
        // Both comparisons have to say the same, the first beyond what a coin would (two standard
        // deviations).
        let two = wins.won > wins.lost;
        let clear = wins.won.abs_diff(wins.lost).pow(2) > 4 * (wins.won + wins.lost);
        let differs = clear && two == (loss(a) < loss(b));
        let seen = match (differs, two) {
            (true, true) => format!("two is better: {seen}"),
            (true, false) => format!("ten is better: {seen}"),
            (false, _) => format!("no clear difference: {seen}"),
        };
        Some(Claim::new("on a plateau it matters whether the rate is divided by two or by ten", Some(differs), seen))
    }

    /// Cyclical rates reach the fixed rate's loss in fewer iterations.
    fn cycles(&self) -> Option<Claim> {
        let steps = self.compared.steps as f64;
        let reached = |row: &'_ Row| {
            let cells = row.cells.iter().filter_map(|c| Some((c.to_target?, c.lr)));
            cells.min_by(|a, b| a.0.total_cmp(&b.0))
        };
        let all: Vec<(String, Option<(f64, Lr)>)> = self
            .rows(Family::Cycle)
            .filter(|row| !row.cells.is_empty()) // not run before an interruption is not "never"
            .map(|row| (row.name.clone(), reached(row)))
            .collect();
        if all.is_empty() {
            return None;
        }
        // A fixed rate may have been there before its end too: that is what cycles are held
        // against.
        let own = reached(self.fixed()).map_or(steps, |(at, _)| at.min(steps));
        let words: Vec<String> = all
            .iter()
            .map(|(name, reached)| match reached {
                Some((at, lr)) => {
                    format!("{name} after {at:.0} ({:.2} times the fixed rate's steps, from {lr})", at / own)
                }
                None => format!("{name} never with all seeds"),
            })
            .collect();
        // By a tenth at least: the loss is read at evaluations only.
        let fewer = all.iter().filter(|(_, r)| r.is_some_and(|(at, _)| at < 0.9 * own)).count();
        let first = if own < steps { format!(", and first was there after {own:.0}") } else { String::new() };
        let seen = format!(
            "{fewer} of {} did, by a tenth of the steps or more. The best fixed rate ended at {} after {steps:.0} steps{first}; that \
             loss was reached by {}",
            all.len(),
            short(loss(&self.best)),
            words.join(", by ")
        );
        let name = "cyclical rates reach the loss of a fixed rate in fewer iterations";
        Some(Claim::new(name, Some(2 * fewer > all.len()), seen))
    }

    /// Methods without a rate against the best fixed one.
    fn free(&self) -> Option<Claim> {
        let as_advised = |row: &Row| {
            let cell = row.cells.get(row.advised?)?;
            Some((row.name.clone(), self.relative(cell)))
        };
        let mut list: Vec<(String, f64)> = self.rows(Family::Free).filter_map(as_advised).collect();
        if list.is_empty() {
            return None;
        }
        list.sort_by(|a, b| a.1.total_cmp(&b.1));
        let words = |(name, ratio): &(String, f64)| match ratio.is_finite() {
            true => format!("{name} {}", factor(*ratio).trim_end_matches(" to")),
            false => format!("{name} diverged"),
        };
        let good = list.iter().filter(|(_, r)| *r <= 1.0).count();
        let seen = format!(
            "as advised, {good} of {} ended at or below the best fixed rate: {}",
            list.len(),
            list.iter().map(words).collect::<Vec<_>>().join(", ")
        );
        Some(Claim::new("a method without a rate needs no search", Some(2 * good > list.len()), seen))
    }

    /// `find`, and a run with the steps that it left, against every other way.
    fn find(&self) -> Option<Claim> {
        let row = self.row("find")?;
        let name = "searching first, out of the same steps, beats a way and a rate picked without a search";
        let Some(end) = &row.best else {
            return Some(Claim::new(name, None, "with at least one seed the search refused to answer".to_owned()));
        };
        let better = self.compared.rows.iter().filter(|r| r.family != Family::Search);
        let (mut below, mut cells) = (0, 0);
        for cell in better.flat_map(|r| &r.cells) {
            cells += 1;
            below += usize::from(loss(cell) < loss(end));
        }
        let chosen: Vec<String> = row.chosen.iter().flatten().map(Lr::to_string).collect();
        let seen = format!(
            "it ended lower than {} of {cells} pairs of a way and an initial rate ({:.0} %). It spent {:.0} % of the steps, chose {}, \
             and its loss was {} the best fixed one, which only a whole grid of runs finds",
            cells - below,
            100.0 * (cells - below) as f64 / cells.max(1) as f64,
            100.0 * row.search_share.unwrap_or(0.0),
            chosen.join(", "),
            factor(self.relative(end))
        );
        Some(Claim::new(name, Some(2 * below < cells), seen))
    }
}

/// Four digits.
fn short(value: f64) -> String {
    let digits = (3 - value.abs().log10().floor() as i32).clamp(0, 9);
    format!("{value:.*}", digits as usize)
}
