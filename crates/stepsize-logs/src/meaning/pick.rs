//! [`Picked`]: which series of a run are its losses, its score, its rate and its gradient norm.

use super::rates;
use super::taken::Role;
use super::twins::{average_of, mean_of, named_twin, short_twin, trained, twin};
use super::{Asked, split_is_held_out};
use crate::choose::rank;
use crate::gather::{DIRECTION, MINIMIZE};
use crate::names::{DataSplit, bare_split, is_evaluated, is_grad_norm, plain, weight};
use crate::run::{NamedSeries, Run};
use stepsize::{Error, Result};

/// A curve; fewer readings are a summary or a word that is no metric.
pub(super) const CURVE: usize = 3;
/// A series with so many times fewer readings than the longest of its kind is a summary.
const SUMMARY: usize = 12;
/// Readings from which a series is a curve of its own, however long others are.
const LONG: usize = 6;

/// The series of a run by their meaning.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Picked<'a> {
    pub loss: Option<&'a NamedSeries>,
    pub val: Option<&'a NamedSeries>,
    pub score: Option<&'a NamedSeries>,
    pub rate: Option<&'a NamedSeries>,
    pub norm: Option<&'a NamedSeries>,
    /// Whether the logarithm of the losses is taken: they are perplexities beside a loss.
    pub log_loss: bool,
    pub log_val: bool,
}

/// What a loss is measured in.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Unit {
    Loss,
    Perplexity,
    /// An error or a distance of some kind.
    Error,
}

fn unit(name: &str) -> Unit {
    let plain = plain(name);
    let any = |words: &[&str]| plain.split('_').any(|w| words.contains(&w.trim_end_matches('s')));
    match () {
        () if any(&["ppl", "perplexity", "perplexitie"]) => Unit::Perplexity,
        () if plain.contains("loss") => Unit::Loss,
        () if any(&["err", "error", "wer", "cer", "mae", "mape", "smape", "fid"]) => Unit::Error,
        () => Unit::Loss,
    }
}

impl<'a> Picked<'a> {
    /// Picks, the user's choice first.
    ///
    /// # Errors
    /// `is_invalid` if a name that was asked for is not in the run.
    pub fn of(run: &'a Run, asked: &Asked) -> Result<Self> {
        let mut picked = Self::by_name(run);
        let named = |what: &str, name: &str| {
            let exact = run.series.iter().find(|s| s.name == *name);
            exact.or_else(|| run.series.iter().find(|s| plain(&s.name) == plain(name))).ok_or_else(|| {
                let names: Vec<&str> = run.series.iter().map(|s| s.name.as_str()).collect();
                Error::invalid(format!("no {what} `{name}` in this log; it has {}", names.join(", ")))
            })
        };
        if let Some(name) = &asked.rate {
            picked.rate = Some(named("rate", name)?);
        }
        if let Some(name) = &asked.metric {
            let metric = named("metric", name)?;
            let high = asked.maximize.or_else(|| crate::names::maximizes(name)).unwrap_or(false);
            (picked.log_loss, picked.log_val) = (false, false);
            match (high, split_is_held_out(name)) {
                (true, _) => (picked.loss, picked.val, picked.score) = (None, None, Some(metric)),
                (false, true) => {
                    picked.val = Some(metric);
                    picked.loss = picked.loss.filter(|l| l.name != metric.name);
                }
                (false, false) => (picked.loss, picked.val) = (Some(metric), None),
            }
            if picked.score.is_some_and(|s| s.name == metric.name && !high) {
                picked.score = None;
            }
        }
        Ok(picked)
    }

    fn by_name(run: &'a Run) -> Self {
        let score = best(run, |r| r.1 == 2, |r, name| 8 * usize::from(r.0 >= 2 && !is_evaluated(name)));
        // A name that is only a split is its loss where no loss is named.
        let longest = run.series.iter().filter(|s| bare_split(&s.name).is_some()).map(|s| s.points.len()).max();
        let enough = longest.unwrap_or(0).min(CURVE);
        let named = |kinds: std::ops::Range<u8>| {
            let such = |s: &NamedSeries| rank(&s.name).is_some_and(|r| kinds.contains(&r.1));
            run.series.iter().any(|s| such(s) && s.points.len() >= enough)
        };
        // Beside a score that rises, what falls is the loss.
        let (losses, scores) = (named(0..2), named(2..3));
        let falls = |s: &NamedSeries| rises(s, true) && score.is_some_and(|score| rises(score, false));
        let such = |s: &NamedSeries, held_out: bool| bare_split(&s.name).map(DataSplit::is_held_out) == Some(held_out);
        // `Loss: 0.5, Validation: 0.6`
        let beside = |s: &NamedSeries| rises(s, true) && !run.series.iter().any(|other| such(other, false));
        let bare = |held_out: bool| {
            let fits = |s: &&NamedSeries| if losses { held_out && beside(s) } else { !scores || falls(s) };
            run.series.iter().filter(|s| such(s, held_out)).find(fits)
        };
        let order = |r: (u8, u8, usize), _: &str| usize::from(r.1) * 8 + usize::from(r.0 == 1);
        let val = best(run, |r| r.1 < 2 && r.0 < 2, order).or_else(|| bare(true));
        let val = val.filter(|v| !is_zero(v)).map(|v| mean_of(run, v).unwrap_or(v));
        let loss = best(run, |r| r.1 < 2 && r.0 >= 2, order).or_else(|| bare(false));
        let (told, named) = (loss, loss.and_then(|loss| named_twin(run, loss)).or(loss));
        let loss = twin(run, named, val).or_else(|| trained(run, named, val)).or(named);
        let rest = || told.filter(|told| named.is_some_and(|n| n.name != told.name) && told.points.len() >= CURVE);
        let val = val.or_else(|| short_twin(run, loss?)).or_else(rest);
        let score = score.and_then(|score| short_twin(run, score).or_else(|| average_of(run, score))).or(score);
        // What was not finite from the first reading on, while the model was evaluated all along,
        // was never measured.
        let loss = loss.filter(|l| !is_never_finite(l) || !val.or(score).is_some_and(goes_on));
        let loss = loss.or_else(|| Some(run).filter(|_| val.is_none() && score.is_none()).and_then(unnamed));
        let mut picked = Self {
            loss,
            val,
            score,
            rate: rates::applied(&run.series),
            norm: run.series.iter().find(|s| is_grad_norm(&s.name)),
            log_loss: false,
            log_val: false,
        };
        picked.drop_value_head(run);
        picked.take_shares();
        picked.forget_games(run);
        picked.same_unit();
        picked.take_best(run);
        // A setting that has the name of a penalty, printed again and again.
        if let Some(score) = picked.score.filter(|score| score.points.len() >= CURVE) {
            let early = |s: &NamedSeries| s.points.last().zip(score.points.get(1)).is_some_and(|(s, p)| s.0 < p.0);
            let setting = |s: &&NamedSeries| {
                (run.counter.is_empty() || s.points.len() < CURVE || early(s))
                    && s.points.windows(2).all(|w| w[0].1 == w[1].1)
            };
            picked.loss = picked.loss.filter(|s| !setting(s));
        }
        // What was read as a loss once or twice is a word of source code beside a curve.
        let few = |s: &&NamedSeries| s.points.len() < CURVE && s.points.iter().all(|p| p.1.is_finite());
        if picked.val.is_some_and(|v| v.points.len() >= LONG) {
            picked.loss = picked.loss.filter(|s| !few(s));
        }
        picked
    }

    /// Beside the loss of a policy `val_loss` is that of the value of a state.
    fn drop_value_head(&mut self, run: &Run) {
        let policy = |s: &NamedSeries| {
            matches!(
                plain(&s.name).as_str(),
                "pol_loss" | "policy_loss" | "pi_loss" | "p_loss" | "loss_policy" | "loss_pi"
            )
        };
        if run.series.iter().any(policy) {
            self.val = self.val.filter(|s| !matches!(plain(&s.name).as_str(), "val_loss" | "loss_val"));
        }
    }

    /// Numbers in 0..1 that rise under the names of splits alone are scores: `Train: 0.7, Val:
    /// 0.6`.
    fn take_shares(&mut self) {
        let bare = |s: Option<&'a NamedSeries>| s.filter(|s| bare_split(&s.name).is_some());
        let shares = [bare(self.val), bare(self.loss)];
        if shares.iter().flatten().any(|s| is_rising_share(s)) {
            self.score = self.score.or(shares.into_iter().flatten().next());
            self.loss = self.loss.filter(|s| bare_split(&s.name).is_none());
            self.val = self.val.filter(|s| bare_split(&s.name).is_none());
        }
    }

    /// In reinforcement learning the losses of policy and critic do not show how good the run is,
    /// only that it broke. A curve is never dropped for a reward that was read once or twice.
    fn forget_games(&mut self, run: &Run) {
        let Some(reward) = self.score.filter(|s| is_reward(&s.name)) else { return };
        let rewards = run.series.iter().filter(|s| is_reward(&s.name)).map(|s| s.points.len());
        let longest = rewards.max().unwrap_or(0);
        let many = |s: &NamedSeries| reward.points.len() >= CURVE && longest * 4 >= s.points.len();
        let tells = |s: &&NamedSeries| !many(s) || s.points.last().is_some_and(|p| !p.1.is_finite());
        self.loss = self.loss.filter(tells);
        self.val = self.val.filter(tells);
    }

    /// Where nothing else is told, as in a table of results, the best so far is all that there is:
    /// `best_accuracy`.
    fn take_best(&mut self, run: &'a Run) {
        if self.loss.is_some() || self.val.is_some() || self.score.is_some() {
            return;
        }
        let best =
            |s: &&NamedSeries| plain(&s.name).split('_').any(|w| matches!(w, "best" | "lowest" | "highest" | "final"));
        let found = run.series.iter().filter(best).find_map(|s| Some((crate::names::maximizes(&s.name)?, s)));
        match found {
            Some((true, series)) => self.score = Some(series),
            Some((false, series)) => self.val = Some(series),
            None => {}
        }
    }

    /// A perplexity beside a loss is read as its logarithm; an error beside a loss is no validation
    /// loss, because the two are not in one unit.
    fn same_unit(&mut self) {
        let (Some(loss), Some(val)) = (self.loss, self.val) else { return };
        match (unit(&loss.name), unit(&val.name)) {
            (Unit::Loss, Unit::Perplexity) => self.log_val = true,
            (Unit::Perplexity, Unit::Loss) => self.log_loss = true,
            (Unit::Loss, Unit::Error) => self.val = None,
            _ => {}
        }
    }

    /// The roles of the series by name.
    pub fn roles(&self) -> Vec<(Role, &'a str)> {
        [
            (Role::Loss, self.loss),
            (Role::Validation, self.val),
            (Role::Score, self.score),
            (Role::Rate, self.rate),
            (Role::GradNorm, self.norm),
        ]
        .into_iter()
        .filter_map(|(role, series)| Some((role, series?.name.as_str())))
        .collect()
    }
}

/// The best of the series whose rank passes: a curve before a summary, then by `order`, then the
/// whole before its parts.
fn best(
    run: &Run,
    pass: impl Fn((u8, u8, usize)) -> bool,
    order: impl Fn((u8, u8, usize), &str) -> usize,
) -> Option<&NamedSeries> {
    let all: Vec<_> = run
        .series
        .iter()
        .filter_map(|s| Some((rank(&s.name)?, s)))
        .filter(|(r, s)| r.1 < 3 && pass(*r) && !is_letter(s))
        .collect();
    let longest = all.iter().map(|(_, s)| s.points.len()).max()?;
    let summary = |s: &NamedSeries| {
        let count = s.points.len();
        longest >= CURVE && count < CURVE || count < LONG && count * SUMMARY < longest
    };
    // A number told once beside others may be of any time.
    let once = |s: &NamedSeries| longest > 1 && s.points.len() == 1;
    let told = all.iter().any(|(_, s)| s.points.len() == longest && !is_mostly_zero(s));
    let key = |(r, s): &((u8, u8, usize), &NamedSeries)| {
        let order = order(*r, &s.name);
        // What was never measured: `test_loss: 0.0`, or `loss: 0.0` beside an error that is not.
        let zero = r.0 < 2 && is_zero(s) || told && is_mostly_zero(s);
        (zero, summary(s), order / 8, once(s), weight(&s.name), order, r.0, r.2)
    };
    let found = all.iter().min_by_key(|one| key(one)).map(|(_, s)| *s)?;
    // Of two writings of one name that are told as often, the later one sums up the other: `loss`
    // of the last batch in a bar, `Loss` of its epoch.
    let again = |s: &&NamedSeries| plain(&s.name) == plain(&found.name) && s.points.len() == found.points.len();
    all.into_iter().map(|(_, s)| s).rfind(again)
}

/// Whether all values are shares, and those of the last third are higher than those of the first.
fn is_rising_share(series: &NamedSeries) -> bool {
    series.points.iter().all(|p| (0.0..=1.0).contains(&p.1)) && rises(series, false)
}

/// Whether the values of the last third of a curve are higher than those of the first, or lower.
fn rises(series: &NamedSeries, falls: bool) -> bool {
    let values: Vec<f64> = series.points.iter().map(|p| p.1).collect();
    let third = (values.len() / 3).max(1);
    let mean = |part: Option<&[f64]>| part.map_or(0.0, |part| part.iter().sum::<f64>() / part.len() as f64);
    let (first, last) = (mean(values.get(..third)), mean(values.get(values.len().saturating_sub(third)..)));
    values.len() >= CURVE && if falls { last < first } else { last > first }
}

/// What Optuna minimized and did not name, if it can be no score.
fn unnamed(run: &Run) -> Option<&NamedSeries> {
    let minimized = run.facts.get(DIRECTION).is_some_and(|d| d == MINIMIZE);
    run.series.iter().find(|s| minimized && matches!(plain(&s.name).as_str(), "value" | "values_0" | "objective_value"))
}

fn is_never_finite(series: &NamedSeries) -> bool {
    series.points.len() >= CURVE && series.points.iter().all(|p| !p.1.is_finite())
}

/// Whether a curve is finite to its end, and not the same all along.
fn goes_on(series: &NamedSeries) -> bool {
    let first = series.points.first().map(|p| p.1);
    series.points.len() >= CURVE
        && series.points.iter().all(|p| p.1.is_finite())
        && series.points.iter().any(|p| Some(p.1) != first)
}

/// Whether all readings are zero.
fn is_zero(series: &NamedSeries) -> bool {
    series.points.len() >= CURVE && series.points.iter().all(|p| p.1 == 0.0)
}

/// Whether nearly all readings are zero.
fn is_mostly_zero(series: &NamedSeries) -> bool {
    series.points.len() >= LONG && series.points.iter().filter(|p| p.1 != 0.0).count() * LONG < series.points.len()
}

/// Whether a series has the name of a variable of source code, and too few readings to be the value
/// of a function.
fn is_letter(series: &NamedSeries) -> bool {
    series.name.chars().filter(|c| c.is_alphanumeric()).count() == 1 && series.points.len() < CURVE
}

fn is_reward(name: &str) -> bool {
    let plain = plain(name);
    let word = |p: &str| matches!(p, "return" | "returns" | "rew" | "ret");
    plain.contains("reward") || plain.split('_').any(word)
}
