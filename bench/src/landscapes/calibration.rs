//! How the interval and the probability of a search hold on families that were not looked at: each
//! is corrected on all families but one, and judged on that one.

use super::replay::{Found, Outcome};
use super::scores::by_family;

/// What the interval claims.
const CLAIMED: f64 = 0.8;
/// A side of the interval is taken as this wide at least where it is scaled, octaves.
const LEAST_SIDE: f64 = 0.5;

/// An interval with its answer and the truth.
struct Case {
    x: f64,
    low: f64,
    high: f64,
    best: f64,
    /// Every family weighs the same.
    weight: f64,
}

impl Case {
    fn of(o: &Outcome, weight: f64) -> Option<Self> {
        let Found { x, interval, .. } = o.found?;
        let (low, high) = interval?;
        Some(Self { x, low, high, best: o.best, weight })
    }

    /// How much the sides have to grow to hold the best rate, as a factor.
    fn factor(&self) -> f64 {
        if self.best < self.x {
            (self.x - self.best) / (self.x - self.low).max(LEAST_SIDE)
        } else {
            (self.best - self.x) / (self.high - self.x).max(LEAST_SIDE)
        }
    }
}

/// A way to widen an interval: its name, what a case needs for it, and the ends it makes of that.
struct Way {
    name: &'static str,
    needs: fn(&Case) -> [f64; 2],
    /// Share of the cases that each of the two needs must be enough for.
    share: f64,
    ends: fn(&Case, [f64; 2]) -> (f64, f64),
}

const WAYS: &[Way] = &[
    Way { name: "as stated", needs: |_| [0.0; 2], share: CLAIMED, ends: |c, _| (c.low, c.high) },
    Way {
        name: "margin, both sides",
        needs: |c| [(c.low - c.best).max(c.best - c.high); 2],
        share: CLAIMED,
        ends: |c, m| ((c.low - m[0]).min(c.x), (c.high + m[1]).max(c.x)),
    },
    Way {
        name: "margin, each side",
        needs: |c| [c.low - c.best, c.best - c.high],
        share: 1.0 - (1.0 - CLAIMED) / 2.0,
        ends: |c, m| ((c.low - m[0]).min(c.x), (c.high + m[1]).max(c.x)),
    },
    Way {
        name: "factor",
        needs: |c| [c.factor(); 2],
        share: CLAIMED,
        ends: |c, m| (c.x - m[0] * (c.x - c.low).max(LEAST_SIDE), c.x + m[1] * (c.high - c.x).max(LEAST_SIDE)),
    },
];

/// Least value that is enough for `share` of the weight.
fn quantile(mut values: Vec<(f64, f64)>, share: f64) -> f64 {
    values.sort_by(|a, b| a.0.total_cmp(&b.0));
    let total: f64 = values.iter().map(|v| v.1).sum();
    let mut sum = 0.0;
    for (value, weight) in &values {
        sum += weight;
        if sum >= share * total {
            return *value;
        }
    }
    values.last().map_or(0.0, |v| v.0)
}

/// Prints coverage and width of the intervals as they are and widened, one family left out at a
/// time.
pub fn print_intervals(all: &[Outcome], each: bool) {
    let families: Vec<(&str, Vec<Case>)> = by_family(all)
        .into_iter()
        .map(|(family, outcomes)| {
            let weight = 1.0 / outcomes.len() as f64;
            (family, outcomes.iter().filter_map(|o| Case::of(o, weight)).collect())
        })
        .collect();
    println!("  leaving one family out: coverage, mean width, worst family; correction from all families");
    for way in WAYS {
        let fitted = |without: Option<&str>| {
            let cases = || families.iter().filter(|f| Some(f.0) != without).flat_map(|f| &f.1);
            [0, 1].map(|i| quantile(cases().map(|c| ((way.needs)(c)[i], c.weight)).collect(), way.share))
        };
        let judged: Vec<(&str, f64, f64)> = families
            .iter()
            .filter(|f| !f.1.is_empty())
            .map(|(family, cases)| {
                let m = fitted(Some(family));
                let ends: Vec<(f64, f64, f64)> = cases
                    .iter()
                    .map(|c| {
                        let (low, high) = (way.ends)(c, m);
                        (low, high, c.best)
                    })
                    .collect();
                let held = ends.iter().filter(|(l, h, b)| l - 1e-6 <= *b && *b <= h + 1e-6).count();
                let width: f64 = ends.iter().map(|e| e.1 - e.0).sum();
                (*family, held as f64 / ends.len() as f64, width / ends.len() as f64)
            })
            .collect();
        let mean = |f: fn(&(&str, f64, f64)) -> f64| judged.iter().map(f).sum::<f64>() / judged.len() as f64;
        let worst = judged.iter().min_by(|a, b| a.1.total_cmp(&b.1)).map_or("", |j| j.0);
        let m = fitted(None);
        println!("  {:<20} {:.3} {:>5.2} {worst:<16} {:.2} {:.2}", way.name, mean(|j| j.1), mean(|j| j.2), m[0], m[1]);
        if each {
            let shown: Vec<String> = judged.iter().map(|j| format!("{} {:.2}/{:.1}", j.0, j.1, j.2)).collect();
            println!("    {}", shown.join(", "));
        }
    }
}

/// Prints the Brier score of the stated probability to keep 98 % beside that of the best constant,
/// both fitted without the family that they are judged on, and a table of reliability.
pub fn print_probability(all: &[Outcome]) {
    let families: Vec<(&str, Vec<(f64, f64)>)> = by_family(all)
        .into_iter()
        .map(|(family, outcomes)| {
            let found = outcomes.iter().filter_map(|o| o.found);
            let pairs = found.filter_map(|f| Some((f.p_keeps_98?, f64::from(u8::from(f.kept >= 0.98)))));
            (family, pairs.collect())
        })
        .collect();
    if families.iter().all(|f| f.1.is_empty()) {
        return;
    }
    let (mut raw, mut fitted, mut constant) = (Vec::new(), Vec::new(), Vec::new());
    for (family, pairs) in &families {
        let others: Vec<(f64, f64)> = families.iter().filter(|f| f.0 != *family).flat_map(|f| f.1.clone()).collect();
        let share = others.iter().map(|o| o.1).sum::<f64>() / others.len() as f64;
        let (a, b) = logistic(&others);
        raw.extend(pairs.iter().copied());
        fitted.extend(pairs.iter().map(|(p, y)| (sigmoid(a + b * logit(*p)), *y)));
        constant.extend(pairs.iter().map(|(_, y)| (share, *y)));
    }
    let brier = |said: &[(f64, f64)]| said.iter().map(|(p, y)| (p - y).powi(2)).sum::<f64>() / said.len() as f64;
    let (a, b) = logistic(&raw);
    println!(
        "  keeps 98 %: Brier as stated {:.3}, fitted leaving one family out {:.3} (on all: {a:.2} + {b:.2} L), constant {:.3}",
        brier(&raw),
        brier(&fitted),
        brier(&constant)
    );
    for (name, said) in [("as stated", &raw), ("fitted", &fitted)] {
        let bins: Vec<String> = [(0.0, 0.5), (0.5, 0.7), (0.7, 0.8), (0.8, 0.9), (0.9, 0.95), (0.95, 1.01)]
            .iter()
            .filter_map(|&(low, high)| {
                let bin: Vec<&(f64, f64)> = said.iter().filter(|s| low <= s.0 && s.0 < high).collect();
                let mean = |f: fn(&(f64, f64)) -> f64| bin.iter().map(|s| f(s)).sum::<f64>() / bin.len() as f64;
                (!bin.is_empty()).then(|| format!("{:.2} -> {:.2} (n {})", mean(|s| s.0), mean(|s| s.1), bin.len()))
            })
            .collect();
        println!("    said -> true, {name}: {}", bins.join(", "));
    }
}

/// Prints the same of every rate of the landscapes, each family weighing the same, as stated.
pub fn print_chances(all: &[Outcome]) {
    let families: Vec<Vec<(f64, f64)>> = by_family(all)
        .into_values()
        .map(|outcomes| {
            outcomes.iter().flat_map(|o| o.chances.iter().map(|(p, kept)| (*p, f64::from(u8::from(*kept))))).collect()
        })
        .filter(|pairs: &Vec<(f64, f64)>| !pairs.is_empty())
        .collect();
    if families.is_empty() {
        return;
    }
    let weighed: Vec<(f64, f64, f64)> =
        families.iter().flat_map(|f| f.iter().map(|(p, y)| (*p, *y, 1.0 / f.len() as f64))).collect();
    let mean = |of: &dyn Fn(&(f64, f64, f64)) -> f64, among: &[&(f64, f64, f64)]| {
        among.iter().map(|s| of(s) * s.2).sum::<f64>() / among.iter().map(|s| s.2).sum::<f64>()
    };
    let every: Vec<_> = weighed.iter().collect();
    let share = mean(&|s| s.1, &every);
    println!(
        "  keeps 98 %, at every rate: Brier as stated {:.3}, the best constant {:.3}",
        mean(&|s| (s.0 - s.1).powi(2), &every),
        share * (1.0 - share)
    );
    let bins: Vec<String> = (0..10)
        .filter_map(|i| {
            let (low, high) = (f64::from(i) / 10.0, f64::from(i + 1) / 10.0);
            let bin: Vec<_> = weighed.iter().filter(|s| low <= s.0 && (s.0 < high || i == 9)).collect();
            (!bin.is_empty())
                .then(|| format!("{:.2} -> {:.2} (n {})", mean(&|s| s.0, &bin), mean(&|s| s.1, &bin), bin.len()))
        })
        .collect();
    println!("    said -> true: {}", bins.join(", "));
}

/// Log odds, kept finite as in the study of the probability.
fn logit(p: f64) -> f64 {
    ((p + 0.02) / (1.02 - p)).ln()
}

fn sigmoid(z: f64) -> f64 {
    1.0 / (1.0 + (-z).exp())
}

/// Logistic regression of the truth on the log odds of what was said, by Newton's method; a small
/// ridge keeps it finite.
fn logistic(said: &[(f64, f64)]) -> (f64, f64) {
    let (mut a, mut b) = (0.0, 1.0);
    for _ in 0..25 {
        let (mut ga, mut gb, mut haa, mut hab, mut hbb) = (0.0, 0.0, 1e-3, 0.0, 1e-3);
        for (p, y) in said {
            let x = logit(*p);
            let q = sigmoid(a + b * x);
            let w = q * (1.0 - q);
            ga += y - q;
            gb += (y - q) * x;
            haa += w;
            hab += w * x;
            hbb += w * x * x;
        }
        let det = haa * hbb - hab * hab;
        a += ((hbb * ga - hab * gb) / det).clamp(-2.0, 2.0);
        b += ((haa * gb - hab * ga) / det).clamp(-2.0, 2.0);
    }
    (a, b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_enough_for_its_share_of_the_weight() {
        let values: Vec<(f64, f64)> = (1..=10).map(|i| (f64::from(i), 1.0)).collect();
        assert_eq!(quantile(values.clone(), 0.8), 8.0);
        let heavy = values.into_iter().map(|(v, _)| (v, if v == 10.0 { 9.0 } else { 1.0 })).collect();
        assert_eq!(quantile(heavy, 0.8), 10.0);
    }

    #[test]
    fn the_logistic_fit_finds_what_the_data_were_made_with() {
        let mut said = Vec::new();
        for i in 1..40 {
            let p = f64::from(i) / 40.0;
            let q = sigmoid(0.7 + 0.5 * logit(p));
            let right = (q * 1000.0).round() as usize;
            said.extend((0..1000).map(|k| (p, f64::from(u8::from(k < right)))));
        }
        let (a, b) = logistic(&said);
        assert!((a - 0.7).abs() < 0.02 && (b - 0.5).abs() < 0.02, "{a} {b}");
    }
}
