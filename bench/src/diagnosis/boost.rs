//! Gradient boosting of shallow trees for the softmax loss (Friedman 2001, algorithm 6). Features
//! may be missing: each branch sends those to the side where they fit better. Features are cut into
//! 48 bins by their quantiles.

use super::draw::Draw;
use stepsize::diagnosis::Feature;
use stepsize::diagnosis::model::{Model, PLACES, Tree, softmax};

const BINS: usize = 48;
/// Bin of numbers that are missing.
const MISSING: u8 = BINS as u8;

/// The features of one log, with the place that is true.
#[derive(Debug, Clone)]
pub struct Row {
    pub values: Vec<f64>,
    pub place: usize,
    pub weight: f64,
    /// The job, for folds.
    pub job: usize,
}

/// How trees are grown.
#[derive(Debug, Clone, Copy)]
pub struct Growth {
    pub rounds: usize,
    pub depth: usize,
    pub rate: f64,
    /// Least sum of weights in a leaf.
    pub leaf: f64,
    /// Pull of leaves to zero.
    pub ridge: f64,
    /// Share of the numbers a tree may look at.
    pub features: f64,
}

struct Binned {
    cuts: Vec<Vec<f64>>,
    /// By feature, then row.
    bins: Vec<Vec<u8>>,
}

fn bin(rows: &[Row], allowed: &[bool]) -> Binned {
    let mut made = Binned { cuts: Vec::new(), bins: Vec::new() };
    for (f, allowed) in allowed.iter().enumerate() {
        let mut known: Vec<f64> = rows.iter().map(|r| r.values[f]).filter(|v| !v.is_nan() && *allowed).collect();
        known.sort_by(f64::total_cmp);
        let mut cuts: Vec<f64> = (1..BINS).filter_map(|b| known.get(b * known.len() / BINS).copied()).collect();
        cuts.dedup();
        let place = |v: f64| if v.is_nan() { MISSING } else { cuts.partition_point(|c| *c <= v) as u8 };
        made.bins.push(rows.iter().map(|r| place(r.values[f])).collect());
        made.cuts.push(cuts);
    }
    made
}

/// Grows a model that looks only at features that are `allowed`.
pub fn grow(rows: &[Row], growth: Growth, allowed: &[bool]) -> Model {
    let mut model = Model { scale: 1.0, ..Model::default() };
    let mut sums = vec![[0.0; PLACES]; rows.len()];
    // The first trees are the log shares.
    for place in 0..PLACES {
        let share: f64 = rows.iter().filter(|r| r.place == place).map(|r| r.weight).sum::<f64>()
            / rows.iter().map(|r| r.weight).sum::<f64>();
        let value = share.max(1e-3).ln();
        model.trees.push((place, Tree::Leaf(value)));
        sums.iter_mut().for_each(|s| s[place] += value);
    }
    boost(model, sums, rows, growth, allowed)
}

/// Grows more trees on top of those of a model, for rows that these have not seen. The scale of the
/// odds becomes 1.
pub fn grow_on(model: &Model, rows: &[Row], growth: Growth, allowed: &[bool]) -> Model {
    let trees = model.trees.iter().map(|(place, tree)| (*place, scaled(tree, model.scale))).collect();
    let model = Model { trees, scale: 1.0, ..model.clone() };
    let sums = rows.iter().map(|r| model.sums(&r.values)).collect();
    boost(model, sums, rows, growth, allowed)
}

fn scaled(tree: &Tree, by: f64) -> Tree {
    match tree {
        Tree::Leaf(value) => Tree::Leaf(value * by),
        Tree::Branch { feature, threshold, nan_left, value, children } => Tree::Branch {
            feature: *feature,
            threshold: *threshold,
            nan_left: *nan_left,
            value: value * by,
            children: Box::new([scaled(&children[0], by), scaled(&children[1], by)]),
        },
    }
}

fn boost(mut model: Model, mut sums: Vec<[f64; PLACES]>, rows: &[Row], growth: Growth, allowed: &[bool]) -> Model {
    let data = bin(rows, allowed);
    let mut draw = Draw::new(7);
    for _ in 0..growth.rounds {
        let chances: Vec<[f64; PLACES]> = sums.iter().map(|s| softmax(*s, 1.0)).collect();
        for place in 0..PLACES {
            let slope: Vec<(f64, f64)> = rows
                .iter()
                .zip(&chances)
                .map(|(r, c)| {
                    let is = f64::from(u8::from(r.place == place));
                    (r.weight * (is - c[place]), r.weight * c[place] * (1.0 - c[place]))
                })
                .collect();
            let usable: Vec<usize> =
                (0..allowed.len()).filter(|f| allowed[*f] && draw.chance(growth.features)).collect();
            let all: Vec<u32> = (0..rows.len() as u32).collect();
            let tree = branch(&data, &slope, all, &usable, growth, 0);
            for (row, sum) in rows.iter().zip(&mut sums) {
                sum[place] += tree.value(&row.values);
            }
            model.trees.push((place, tree));
        }
    }
    model
}

fn branch(data: &Binned, slope: &[(f64, f64)], rows: Vec<u32>, usable: &[usize], growth: Growth, depth: usize) -> Tree {
    let total = rows.iter().fold((0.0, 0.0), |a, i| (a.0 + slope[*i as usize].0, a.1 + slope[*i as usize].1));
    let value = |(g, h): (f64, f64)| growth.rate * g / (h + growth.ridge);
    let worth = |(g, h): (f64, f64)| g * g / (h + growth.ridge);
    if depth == growth.depth || rows.len() < 20 {
        return Tree::Leaf(value(total));
    }
    let mut best: Option<(f64, usize, usize, bool)> = None;
    for &f in usable {
        let mut sums = [(0.0f64, 0.0f64); BINS + 1];
        for i in &rows {
            let at = &mut sums[usize::from(data.bins[f][*i as usize])];
            at.0 += slope[*i as usize].0;
            at.1 += slope[*i as usize].1;
        }
        let missing = sums[BINS];
        for nan_left in [true, false] {
            let mut left = if nan_left { missing } else { (0.0, 0.0) };
            for (cut, sum) in sums.iter().enumerate().take(data.cuts[f].len()) {
                left = (left.0 + sum.0, left.1 + sum.1);
                let right = (total.0 - left.0, total.1 - left.1);
                if left.1 < growth.leaf || right.1 < growth.leaf {
                    continue;
                }
                let gain = worth(left) + worth(right) - worth(total);
                if gain > best.map_or(1e-6, |b| b.0) {
                    best = Some((gain, f, cut, nan_left));
                }
            }
        }
    }
    let Some((_, feature, cut, nan_left)) = best else { return Tree::Leaf(value(total)) };
    let (left, right): (Vec<u32>, Vec<u32>) = rows.into_iter().partition(|i| match data.bins[feature][*i as usize] {
        MISSING => nan_left,
        b => usize::from(b) <= cut,
    });
    let children = Box::new([
        branch(data, slope, left, usable, growth, depth + 1),
        branch(data, slope, right, usable, growth, depth + 1),
    ]);
    Tree::Branch {
        feature: Feature::ALL[feature],
        threshold: data.cuts[feature][cut],
        nan_left,
        value: value(total),
        children,
    }
}

/// Which features a model may look at: those that `pass`.
pub fn allowed(pass: impl Fn(Feature) -> bool) -> Vec<bool> {
    Feature::ALL.into_iter().map(pass).collect()
}
