//! Figures of many answers, by family and in all.

use super::replay::{Found, Outcome};
use std::collections::BTreeMap;

/// Figures of a group of searches.
#[derive(Default)]
pub struct Score {
    pub searches: usize,
    /// Searches that spent something and gave no answer; those whose budget was too small to begin.
    pub refused: usize,
    pub unaffordable: usize,
    pub cost: f64,
    pub kept: f64,
    pub kept95: f64,
    pub kept98: f64,
    /// Geometric mean of loss over best loss, less one.
    pub regret: f64,
    /// Median distance from the best rate, octaves; mean signed distance.
    pub octaves: f64,
    pub shift: f64,
    /// Share of intervals that hold the best rate, mean width in octaves; best below, best above.
    pub covered: f64,
    pub width: f64,
    pub below: f64,
    pub above: f64,
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0), |(s, n), v| (s + v, n + 1));
    sum / f64::from(count.max(1))
}

impl Score {
    /// Of answers (or refusals) with the best rate and the cost of each.
    pub fn of<'a>(all: impl Iterator<Item = (Option<&'a Found>, f64, f64)>) -> Self {
        let all: Vec<(Option<&Found>, f64, f64)> = all.collect();
        let found: Vec<(&Found, f64)> = all.iter().filter_map(|(f, best, _)| Some(((*f)?, *best))).collect();
        let share = |holds: &dyn Fn(&Found, f64) -> bool| {
            mean(found.iter().map(|(f, best)| f64::from(u8::from(holds(f, *best)))))
        };
        let ends: Vec<(f64, f64, f64)> =
            found.iter().filter_map(|(f, best)| f.interval.map(|(low, high)| (low, high, *best))).collect();
        let of_ends = |holds: &dyn Fn(f64, f64, f64) -> bool| {
            mean(ends.iter().map(|(l, h, b)| f64::from(u8::from(holds(*l, *h, *b)))))
        };
        let mut apart: Vec<f64> = found.iter().map(|(f, best)| (f.x - best).abs()).collect();
        apart.sort_by(f64::total_cmp);
        Self {
            searches: all.len(),
            refused: all.iter().filter(|a| a.0.is_none() && a.2 > 0.0).count(),
            unaffordable: all.iter().filter(|a| a.0.is_none() && a.2 == 0.0).count(),
            cost: mean(all.iter().map(|a| a.2).filter(|c| *c > 0.0)),
            kept: mean(found.iter().map(|f| f.0.kept)),
            kept95: share(&|f, _| f.kept >= 0.95),
            kept98: share(&|f, _| f.kept >= 0.98),
            regret: mean(found.iter().map(|f| f.0.regret)).exp_m1(),
            octaves: apart.get(apart.len() / 2).copied().unwrap_or(f64::NAN),
            shift: mean(found.iter().map(|(f, best)| f.x - best)),
            covered: of_ends(&|l, h, b| l - 1e-6 <= b && b <= h + 1e-6),
            width: mean(ends.iter().map(|e| e.1 - e.0)),
            below: of_ends(&|l, _, b| b < l - 1e-6),
            above: of_ends(&|_, h, b| b > h + 1e-6),
        }
    }

    /// Of outcomes.
    pub fn of_outcomes<'a>(all: impl Iterator<Item = &'a Outcome>) -> Self {
        Self::of(all.map(|o| (o.found.as_ref(), o.best, o.cost)))
    }

    fn line(&self, name: &str) -> String {
        format!(
            "{name:<16} {:>4} {:>4} {:>4} {:>6.2} {:>6.1}% {:>5.2} {:>5.2} {:>7.1}% {:>5.2} {:>6.2} {:>5.2} {:>5.2} {:>5.2} {:>5.2}",
            self.searches,
            self.refused,
            self.unaffordable,
            self.cost,
            100.0 * self.kept,
            self.kept95,
            self.kept98,
            100.0 * self.regret,
            self.octaves,
            self.shift,
            self.covered,
            self.width,
            self.below,
            self.above
        )
    }
}

/// Outcomes by family.
pub fn by_family(all: &[Outcome]) -> BTreeMap<&str, Vec<&Outcome>> {
    all.iter().fold(BTreeMap::new(), |mut families, o| {
        families.entry(o.family.as_str()).or_insert_with(Vec::new).push(o);
        families
    })
}

const HEADING: &str =
    "family              n refu dear   cost    kept  >=95  >=98   regret   oct  shift cover width below above";

/// Prints the figures of one budget.
pub fn print(budget: f64, all: &[Outcome], families: bool) {
    println!("\nbudget {budget}\n{HEADING}");
    for (family, outcomes) in by_family(all).iter().filter(|_| families) {
        println!("{}", Score::of_outcomes(outcomes.iter().copied()).line(family));
    }
    println!("{}", Score::of_outcomes(all.iter()).line("all"));
}
