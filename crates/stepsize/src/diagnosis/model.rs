//! [`Model`]: how far a run's rate lies from the best one, as odds of six places, from its [`Features`] alone.
//!
//! The places: four times or more too low, too low, about right, too high, four times or more too high, and diverged (where the
//! rule of divergence cannot tell, as of a log that begins late). The odds are the softmax of sums of shallow regression trees,
//! fitted by gradient boosting to labelled runs by `stepsize-bench diagnosis fit` (how, on what, and how well:
//! `docs/diagnose.md`). The trees are data, a line each, in `places.txt`; a branch names a number of the shape, so that what
//! moved the verdict can be told ([`Odds::because`]).
//!
//! ```text
//! scale S       what the log odds are multiplied with
//! say LOW GOOD HIGH FAR DIVERGED    least chances for a verdict; FAR: the most that "good" may leave to the outer places
//! PLACE  s NAME THRESHOLD l|r LEFT RIGHT  |  v VALUE      left: below the threshold; l or r: where NaN goes
//! ```

use super::Features;
use super::features::NAMES;
use crate::{Error, Result};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::OnceLock;

/// Number of places.
pub const PLACES: usize = 6;
/// The place of those that diverged.
pub const DIVERGED: usize = 5;

/// Octaves from the best rate that stand for each place: the medians of the labelled runs.
const OCTAVES: [f64; PLACES] = [-4.5, -1.6, 0.0, 1.6, 3.5, 3.3];

/// A tree.
#[derive(Debug, Clone, PartialEq)]
pub enum Tree {
    /// Adds to the log odds.
    Leaf(f64),
    /// Asks one number of the shape.
    Branch {
        /// Place in [`NAMES`].
        feature: usize,
        /// Below it goes left.
        threshold: f64,
        /// Whether an unknown number goes left.
        nan_left: bool,
        /// The value if the tree ended here, for telling what a branch did.
        value: f64,
        /// Left and right.
        children: Box<[Tree; 2]>,
    },
}

/// Trees for each place.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Model {
    /// The place each tree adds to, and the tree.
    pub trees: Vec<(usize, Tree)>,
    /// What the log odds are multiplied with, so that chances come true.
    pub scale: f64,
    /// When a verdict is given.
    pub say: Say,
}

/// When a verdict is given: chosen on held-out folds of the fitted jobs, so that each verdict is right often enough.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Say {
    /// Least chance of "too low".
    pub low: f64,
    /// Least chance of "good".
    pub good: f64,
    /// Least chance of "too high".
    pub high: f64,
    /// Most chance of being off by a factor of four or more with which "good" is said.
    pub far: f64,
    /// Least chance of "diverged".
    pub diverged: f64,
}

impl Default for Say {
    fn default() -> Self {
        Self { low: 0.7, good: 0.6, high: 0.7, far: 0.1, diverged: 0.9 }
    }
}

/// Chances of the places.
#[derive(Debug, Clone, PartialEq)]
pub struct Odds {
    /// From far too low to far too high; they sum to 1.
    pub chances: [f64; PLACES],
    /// What each number of the shape added to the log odds of each place.
    moved: BTreeMap<usize, [f64; PLACES]>,
}

impl Model {
    /// The model that is shipped.
    pub fn shipped() -> &'static Model {
        static MODEL: OnceLock<Model> = OnceLock::new();
        MODEL.get_or_init(|| Model::parse(include_str!("places.txt")).unwrap_or_default())
    }

    /// Reads trees from text.
    ///
    /// # Errors
    /// When a line is no tree; the message names the line.
    pub fn parse(text: &str) -> Result<Self> {
        let mut model = Self { trees: Vec::new(), scale: 1.0, say: Say::default() };
        for (i, line) in text.lines().enumerate().filter(|(_, l)| !l.is_empty() && !l.starts_with('#')) {
            let mut words = line.split(' ');
            let bad = || Error::invalid(format!("line {} is no tree of a diagnosis model: {line}", i + 1));
            match words.next() {
                Some("scale") => model.scale = words.next().and_then(|w| w.parse().ok()).ok_or_else(bad)?,
                Some("say") => {
                    let numbers: Vec<f64> = words.by_ref().map_while(|w| w.parse().ok()).collect();
                    let [low, good, high, far, diverged] = numbers[..] else { return Err(bad()) };
                    model.say = Say { low, good, high, far, diverged };
                }
                Some(place) => {
                    let place: usize = place.parse().ok().filter(|p| *p < PLACES).ok_or_else(bad)?;
                    model.trees.push((place, Tree::parse(&mut words, 0).ok_or_else(bad)?));
                }
                None => {}
            }
        }
        Ok(model)
    }

    /// The text that [`Model::parse`] reads.
    pub fn print(&self) -> String {
        let Say { low, good, high, far, diverged } = self.say;
        let mut out = format!("scale {:.4}\nsay {low:.3} {good:.3} {high:.3} {far:.3} {diverged:.3}\n", self.scale);
        for (place, tree) in &self.trees {
            let _ = write!(out, "{place}");
            tree.print(&mut out);
            out.push('\n');
        }
        out
    }

    /// The sums of the trees: log odds, up to a constant and not yet scaled.
    pub fn sums(&self, values: &[f64]) -> [f64; PLACES] {
        let mut sums = [0.0; PLACES];
        for (place, tree) in &self.trees {
            sums[*place] += tree.value(values);
        }
        sums
    }

    /// The odds of given sums, without what moved them.
    pub fn odds_of(&self, sums: [f64; PLACES]) -> Odds {
        Odds { chances: softmax(sums, self.scale), moved: BTreeMap::new() }
    }

    /// The chances for a shape.
    pub fn odds(&self, features: &Features) -> Odds {
        let values = features.values();
        let mut moved = BTreeMap::new();
        for (place, tree) in &self.trees {
            tree.moves(values, &mut |feature, by| moved.entry(feature).or_insert([0.0; PLACES])[*place] += by);
        }
        Odds { chances: softmax(self.sums(values), self.scale), moved }
    }
}

/// Chances from log odds.
pub fn softmax(sums: [f64; PLACES], scale: f64) -> [f64; PLACES] {
    let top = sums.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let parts = sums.map(|s| (scale * (s - top)).exp());
    let all: f64 = parts.iter().sum();
    parts.map(|p| p / all)
}

impl Odds {
    /// Chances of too low, about right, too high (or diverged).
    pub fn three(&self) -> [f64; 3] {
        let c = &self.chances;
        [c[0] + c[1], c[2], c[3] + c[4] + c[DIVERGED]]
    }

    /// Chance of being four times or more off.
    pub fn far(&self) -> f64 {
        self.chances[0] + self.chances[4] + self.chances[DIVERGED]
    }

    /// Expected distance from the best rate in octaves, above zero when too high.
    pub fn octaves(&self) -> f64 {
        self.chances.iter().zip(OCTAVES).map(|(c, o)| c * o).sum()
    }

    /// The numbers of the shape that spoke most for the places `of` (and against the others), strongest first.
    pub fn because(&self, of: &[usize]) -> Vec<&'static str> {
        let others = (PLACES - of.len()).max(1) as f64;
        let mut all: Vec<(f64, &'static str)> = self
            .moved
            .iter()
            .map(|(feature, by)| {
                let own: f64 = of.iter().map(|p| by[*p]).sum::<f64>() / of.len().max(1) as f64;
                let rest: f64 = (0..PLACES).filter(|p| !of.contains(p)).map(|p| by[p]).sum::<f64>() / others;
                (own - rest, NAMES[*feature])
            })
            .filter(|(by, _)| *by > 0.05)
            .collect();
        all.sort_by(|a, b| b.0.total_cmp(&a.0));
        all.into_iter().map(|(_, name)| name).collect()
    }
}

impl Tree {
    fn parse<'a>(words: &mut impl Iterator<Item = &'a str>, depth: u32) -> Option<Self> {
        match words.next()? {
            "v" => Some(Tree::Leaf(words.next()?.parse().ok()?)),
            "s" if depth < 12 => {
                let name = words.next()?;
                let feature = NAMES.iter().position(|n| *n == name)?;
                let threshold = words.next()?.parse().ok()?;
                let nan_left = words.next()? == "l";
                let children = Box::new([Self::parse(words, depth + 1)?, Self::parse(words, depth + 1)?]);
                let value = children.iter().map(Tree::middle).sum::<f64>() / 2.0;
                Some(Tree::Branch { feature, threshold, nan_left, value, children })
            }
            _ => None,
        }
    }

    fn print(&self, out: &mut String) {
        match self {
            Tree::Leaf(value) => {
                let _ = write!(out, " v {value:.4}");
            }
            Tree::Branch { feature, threshold, nan_left, children, .. } => {
                let side = if *nan_left { 'l' } else { 'r' };
                let _ = write!(out, " s {} {threshold:.6} {side}", NAMES[*feature]);
                children.iter().for_each(|c| c.print(out));
            }
        }
    }

    fn middle(&self) -> f64 {
        match self {
            Tree::Leaf(value) | Tree::Branch { value, .. } => *value,
        }
    }

    fn next(&self, values: &[f64]) -> Option<(usize, &Tree)> {
        let Tree::Branch { feature, threshold, nan_left, children, .. } = self else { return None };
        let value = values.get(*feature).copied().unwrap_or(f64::NAN);
        let left = if value.is_nan() { *nan_left } else { value < *threshold };
        Some((*feature, &children[usize::from(!left)]))
    }

    /// What the tree adds.
    pub fn value(&self, values: &[f64]) -> f64 {
        let mut at = self;
        while let Some((_, next)) = at.next(values) {
            at = next;
        }
        at.middle()
    }

    fn moves(&self, values: &[f64], note: &mut dyn FnMut(usize, f64)) {
        let mut at = self;
        while let Some((feature, next)) = at.next(values) {
            note(feature, next.middle() - at.middle());
            at = next;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trees_survive_text_and_unknown_numbers_go_their_way() {
        let text = "scale 0.5000\nsay 0.700 0.500 0.600 0.100 0.900\n2 s drop 0.500000 r v -1.0000 s rise 0.100000 l v 0.2500 v 2.0000\n4 v 0.5000\n";
        let model = Model::parse(text).unwrap();
        assert_eq!(model.print(), text);
        let mut values = [f64::NAN; NAMES.len()];
        assert_eq!(model.sums(&values), [0.0, 0.0, 0.25, 0.0, 0.5, 0.0]);
        values[NAMES.iter().position(|n| *n == "drop").unwrap()] = 0.1;
        assert_eq!(model.sums(&values)[2], -1.0);
        for bad in ["9 v 1", "1 s nothing 1 l v 1 v 1", "1 s drop x l v 1 v 1", "1 s drop 1 l v 1", "x"] {
            assert!(Model::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_shipped_model_parses_whole() {
        let text = include_str!("places.txt");
        let lines = text.lines().filter(|l| l.as_bytes().first().is_some_and(u8::is_ascii_digit)).count();
        assert_eq!(Model::parse(text).unwrap().trees.len(), lines);
        assert_eq!(Model::shipped().trees.len(), lines);
    }
}
