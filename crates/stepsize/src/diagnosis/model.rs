//! [`Model`]: how far a run's rate lies from the best one, as odds of six places, from its
//! [`Features`] alone.
//!
//! The places are: four times or more too low, too low, about right, too high, four times or more
//! too high, and diverged (for logs in which the rule of divergence sees too little, such as those
//! that begin late). The odds are the softmax of sums of shallow regression trees. `stepsize-bench
//! diagnosis fit` fits them to labelled runs by gradient boosting; `docs/diagnose.md` says how, to
//! what, and how well. The trees are data, a line each, in `places.txt`. A branch names a
//! [`Feature`], so that [`Odds::because`] can say what moved the verdict.
//!
//! ```text
//! scale S       factor of the log odds
//! leak SIDE GOOD    share of the logs that look like those of one side (too low, too high) and are
//!               good; share that look good and are of each side
//! say LOW GOOD HIGH FAR DIVERGED    least chances for a verdict
//!                                   (FAR: the most that "good" may leave to the outer places)
//! not CHANCE    highest chance of a side that is ruled out (at most half of the other side's)
//! range NAME LOW HIGH    between which values a feature was learned
//! PLACE TREE    where TREE is
//!     s NAME THRESHOLD l|r LEFT RIGHT   a branch: left below the threshold; l or r: where NaN goes
//!     v VALUE                           a leaf
//! ```

mod ranges;

pub use ranges::Ranges;

use super::{Feature, Features};
use crate::{Error, Result};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::OnceLock;

/// Deepest tree that is read; the shipped ones have depth 3.
const DEEPEST: u32 = 12;
/// Least that a feature must have moved the log odds to be named as a reason. Chosen by eye.
const MOVED: f64 = 0.05;

/// Number of places.
pub const PLACES: usize = 6;
/// The place of runs that diverged.
pub const DIVERGED: usize = 5;

/// Distance from the best rate in octaves that stands for each place: the medians of the labelled
/// runs.
const OCTAVES: [f64; PLACES] = [-4.5, -1.6, 0.0, 1.6, 3.5, 3.3];

/// A regression tree.
#[derive(Debug, Clone, PartialEq)]
pub enum Tree {
    /// Adds to the log odds.
    Leaf(f64),
    /// Looks at one feature.
    Branch {
        /// Which one.
        feature: Feature,
        /// Values below it go left.
        threshold: f64,
        /// Whether NaN, a number that the log does not show, goes left.
        nan_left: bool,
        /// The value if the tree ended here. The difference to a child is what the branch
        /// contributed.
        value: f64,
        /// Left and right subtree.
        children: Box<[Tree; 2]>,
    },
}

/// Trees for each place, and when their sums make a verdict.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Model {
    /// Each tree with the place to whose log odds it adds.
    pub trees: Vec<(usize, Tree)>,
    /// Factor of the log odds, fitted such that the chances are calibrated.
    pub scale: f64,
    /// What trees never learn of a kind of jobs that they never saw: in some, good runs look like
    /// those of one side, however clear the curve. Fitted with the scale, on such kinds.
    pub leak: Leak,
    /// When a verdict is given.
    pub say: Say,
    /// Outside of which no verdict is given.
    pub ranges: Ranges,
}

/// Shares of logs whose curve is that of a neighbour of their place. The two sides are never taken
/// for each other.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Leak {
    /// Of the logs that look like those of one side, the share that is good.
    pub side: f64,
    /// Of the logs that look good, the share that is of each side.
    pub good: f64,
}

/// The chances from which a verdict is given, chosen on held-out folds of the fitted jobs such that
/// each verdict is right often enough (`docs/diagnose.md`).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Say {
    /// Least chance of "too low".
    pub low: f64,
    /// Least chance of "good".
    pub good: f64,
    /// Least chance of "too high".
    pub high: f64,
    /// Highest chance of being off by a factor of four or more with which "good" is said.
    pub far: f64,
    /// Least chance of "diverged".
    pub diverged: f64,
    /// Highest chance of a side ("too low", or "too high" with "diverged") that is ruled out.
    pub not: f64,
}

impl Default for Say {
    fn default() -> Self {
        Self { low: 0.7, good: 0.6, high: 0.7, far: 0.1, diverged: 0.9, not: 0.15 }
    }
}

/// The chances of the places for one run.
#[derive(Debug, Clone, PartialEq)]
pub struct Odds {
    /// From far too low to far too high; they sum to 1.
    pub chances: [f64; PLACES],
    /// What each feature added to the log odds of each place.
    moved: BTreeMap<Feature, [f64; PLACES]>,
}

impl Model {
    /// The model that is shipped.
    pub fn shipped() -> &'static Model {
        static MODEL: OnceLock<Model> = OnceLock::new();
        MODEL.get_or_init(|| Model::parse(include_str!("places.txt")).unwrap_or_default())
    }

    /// Reads trees from the text that [`Model::print`] writes.
    ///
    /// # Errors
    /// When a line does not parse or names an unknown feature; the message names the line.
    pub fn parse(text: &str) -> Result<Self> {
        let mut model = Self { scale: 1.0, ..Self::default() };
        for (i, line) in text.lines().enumerate().filter(|(_, l)| !l.is_empty() && !l.starts_with('#')) {
            let mut words = line.split(' ');
            let wrong = |why: String| Error::invalid(format!("line {} of a diagnosis model: {why}: {line}", i + 1));
            let bad = || wrong("expected scale, leak, say, not, range, or a place and its tree".to_owned());
            match words.next() {
                Some(name @ ("scale" | "not")) => {
                    let number = words.next().and_then(|w| w.parse().ok()).ok_or_else(bad)?;
                    *if name == "scale" { &mut model.scale } else { &mut model.say.not } = number;
                }
                Some("leak") => {
                    let numbers: Vec<f64> = words.by_ref().map_while(|w| w.parse().ok()).collect();
                    let [side, good] = numbers[..] else { return Err(bad()) };
                    model.leak = Leak { side, good };
                }
                Some("say") => {
                    let numbers: Vec<f64> = words.by_ref().map_while(|w| w.parse().ok()).collect();
                    let [low, good, high, far, diverged] = numbers[..] else { return Err(bad()) };
                    model.say = Say { low, good, high, far, diverged, ..model.say };
                }
                Some("range") => {
                    let feature = words.next().and_then(|w| w.parse().ok()).ok_or_else(bad)?;
                    let numbers: Vec<f64> = words.by_ref().map_while(|w| w.parse().ok()).collect();
                    let [low, high] = numbers[..] else { return Err(bad()) };
                    model.ranges.insert(feature, low, high);
                }
                Some(place) => {
                    let place: usize = place.parse().ok().filter(|p| *p < PLACES).ok_or_else(bad)?;
                    model.trees.push((place, Tree::parse(&mut words, 0).map_err(wrong)?));
                }
                None => {}
            }
        }
        Ok(model)
    }

    /// The text that [`Model::parse`] reads.
    pub fn print(&self) -> String {
        let Say { low, good, high, far, diverged, not } = self.say;
        let mut out = format!(
            "scale {:.4}\nleak {:.3} {:.3}\nsay {low:.3} {good:.3} {high:.3} {far:.3} {diverged:.3}\nnot {not:.3}\n",
            self.scale, self.leak.side, self.leak.good
        );
        self.ranges.print(&mut out);
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

    /// The odds of given sums, without the features that moved them.
    pub fn odds_of(&self, sums: [f64; PLACES]) -> Odds {
        Odds { chances: self.chances(sums), moved: BTreeMap::new() }
    }

    /// The odds of a run with these features.
    pub fn odds(&self, features: &Features) -> Odds {
        let values = features.values();
        let mut moved = BTreeMap::new();
        for (place, tree) in &self.trees {
            tree.moves(values, &mut |feature, by| moved.entry(feature).or_insert([0.0; PLACES])[*place] += by);
        }
        Odds { chances: self.chances(self.sums(values)), moved }
    }

    fn chances(&self, sums: [f64; PLACES]) -> [f64; PLACES] {
        let told = softmax(sums, self.scale);
        let Leak { side, good } = self.leak;
        let mut chances = told.map(|c| (1.0 - side) * c);
        chances[2] = (1.0 - 2.0 * good) * told[2] + side * (1.0 - told[2]);
        chances[1] += good * told[2];
        chances[3] += good * told[2];
        chances
    }
}

/// Chances from log odds, which are scaled first.
pub fn softmax(sums: [f64; PLACES], scale: f64) -> [f64; PLACES] {
    let top = sums.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let parts = sums.map(|s| (scale * (s - top)).exp());
    let all: f64 = parts.iter().sum();
    parts.map(|p| p / all)
}

impl Odds {
    /// Chances of too low, about right, and too high (with diverged).
    pub fn three(&self) -> [f64; 3] {
        let c = &self.chances;
        [c[0] + c[1], c[2], c[3] + c[4] + c[DIVERGED]]
    }

    /// Chance of being off by a factor of four or more.
    pub fn far(&self) -> f64 {
        self.chances[0] + self.chances[4] + self.chances[DIVERGED]
    }

    /// Expected distance from the best rate in octaves, above zero when too high.
    pub fn octaves(&self) -> f64 {
        self.chances.iter().zip(OCTAVES).map(|(c, o)| c * o).sum()
    }

    /// The features that moved the odds towards the places `of` and away from the others, strongest
    /// first.
    pub fn because(&self, of: &[usize]) -> Vec<Feature> {
        let others = (PLACES - of.len()).max(1) as f64;
        let mut all: Vec<(f64, Feature)> = self
            .moved
            .iter()
            .map(|(feature, by)| {
                let own: f64 = of.iter().map(|p| by[*p]).sum::<f64>() / of.len().max(1) as f64;
                let rest: f64 = (0..PLACES).filter(|p| !of.contains(p)).map(|p| by[p]).sum::<f64>() / others;
                (own - rest, *feature)
            })
            .filter(|(by, _)| *by > MOVED)
            .collect();
        all.sort_by(|a, b| b.0.total_cmp(&a.0));
        all.into_iter().map(|(_, feature)| feature).collect()
    }
}

impl Tree {
    fn parse<'a>(words: &mut impl Iterator<Item = &'a str>, depth: u32) -> Result<Self, String> {
        let number = |word: Option<&str>| {
            let word = word.ok_or("the tree ends early")?;
            word.parse().map_err(|_| format!("{word:?} is not a number"))
        };
        match words.next() {
            Some("v") => Ok(Tree::Leaf(number(words.next())?)),
            Some("s") if depth < DEEPEST => {
                let name = words.next().ok_or("the tree ends early")?;
                let feature = name.parse::<Feature>().map_err(|e| e.to_string())?;
                let threshold = number(words.next())?;
                let nan_left = words.next() == Some("l");
                let children = Box::new([Self::parse(words, depth + 1)?, Self::parse(words, depth + 1)?]);
                let value = children.iter().map(Tree::middle).sum::<f64>() / 2.0;
                Ok(Tree::Branch { feature, threshold, nan_left, value, children })
            }
            Some("s") => Err(format!("a tree is at most {DEEPEST} branches deep")),
            Some(word) => Err(format!("{word:?} is neither \"s\", a branch, nor \"v\", a leaf")),
            None => Err("the tree ends early".to_owned()),
        }
    }

    fn print(&self, out: &mut String) {
        match self {
            Tree::Leaf(value) => {
                let _ = write!(out, " v {value:.4}");
            }
            Tree::Branch { feature, threshold, nan_left, children, .. } => {
                let side = if *nan_left { 'l' } else { 'r' };
                let _ = write!(out, " s {feature} {threshold:.6} {side}");
                children.iter().for_each(|c| c.print(out));
            }
        }
    }

    fn middle(&self) -> f64 {
        match self {
            Tree::Leaf(value) | Tree::Branch { value, .. } => *value,
        }
    }

    fn next(&self, values: &[f64]) -> Option<(Feature, &Tree)> {
        let Tree::Branch { feature, threshold, nan_left, children, .. } = self else { return None };
        let value = values.get(feature.index()).copied().unwrap_or(f64::NAN);
        let left = if value.is_nan() { *nan_left } else { value < *threshold };
        Some((*feature, &children[usize::from(!left)]))
    }

    /// What the tree adds for these feature values, in the order of [`Feature::ALL`].
    pub fn value(&self, values: &[f64]) -> f64 {
        let mut at = self;
        while let Some((_, next)) = at.next(values) {
            at = next;
        }
        at.middle()
    }

    fn moves(&self, values: &[f64], note: &mut dyn FnMut(Feature, f64)) {
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
        let text = "scale 0.5000\nleak 0.100 0.050\nsay 0.700 0.500 0.600 0.100 0.900\nnot 0.120\nrange drop -0.5000 7.2500\n2 s drop 0.500000 r v -1.0000 s rise 0.100000 l v 0.2500 v 2.0000\n4 v 0.5000\n";
        let model = Model::parse(text).unwrap();
        assert_eq!(model.print(), text);
        let mut values = [f64::NAN; Feature::ALL.len()];
        assert_eq!(model.sums(&values), [0.0, 0.0, 0.25, 0.0, 0.5, 0.0]);
        values[Feature::Drop.index()] = 0.1;
        assert_eq!(model.sums(&values)[2], -1.0);
        for bad in ["range drop 1", "9 v 1", "1 s nothing 1 l v 1 v 1", "1 s drop x l v 1 v 1", "1 s drop 1 l v 1", "x"]
        {
            assert!(Model::parse(bad).is_err(), "{bad}");
        }
        let error = Model::parse("scale 1\n1 s slope_3 1 l v 1 v 1").unwrap_err().to_string();
        assert!(error.contains("line 2") && error.contains("\"slope_3\" is not a feature"), "{error}");
    }

    #[test]
    fn a_leak_goes_to_the_neighbours_and_never_across() {
        let leak = Leak { side: 0.1, good: 0.05 };
        let of = |place: usize| {
            let mut sums = [0.0; PLACES];
            sums[place] = 50.0;
            Model { scale: 1.0, leak, ..Model::default() }.odds_of(sums).three()
        };
        let near = |a: [f64; 3], b: [f64; 3]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-9);
        assert!(near(of(0), [0.9, 0.1, 0.0]) && near(of(1), of(0)), "{:?}", of(0));
        assert!(near(of(2), [0.05, 0.9, 0.05]), "{:?}", of(2));
        assert!(near(of(DIVERGED), [0.0, 0.1, 0.9]), "{:?}", of(DIVERGED));
    }

    #[test]
    fn the_shipped_model_parses_whole() {
        let text = include_str!("places.txt");
        let lines = text.lines().filter(|l| l.as_bytes().first().is_some_and(u8::is_ascii_digit)).count();
        assert_eq!(Model::parse(text).unwrap().trees.len(), lines);
        assert_eq!(Model::shipped().trees.len(), lines);
    }
}
