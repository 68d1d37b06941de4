//! Several runs of one job that differ in the rate: which rate is best, how sure that is, and what to try next.
//!
//! [`groups`] puts runs together that log the same series under the same configuration but for the rate and the seed.
//! [`Sweep::of`] compares their final losses: the best rate is where the two-wall [`crate::landscape`] is
//! lowest (80 % interval included) or, with fewer than four readings, the vertex of a parabola; never more than half way from
//! the best tried rate to its neighbours. A best rate at the edge of what was tried is said to be that, with the rate to try beyond it.
//!
//! Only whole runs are compared: a run that is clearly shorter than the longest is left out, because un-annealed or
//! unfinished losses favour other rates. A run that diverged bounds the rate from above and counts as nothing else; so do runs at
//! the highest rates whose logs end early while all others are whole, as those of scripts do that stop at NaN.

mod curve;
mod ends;
mod groups;

pub use groups::groups;

use super::rules::DIVERGED;
use super::{Diagnosis, Finding, Record, tidy};
use crate::{Band, Placement};
use curve::{Fitted, bowl, fit, vertex, width};
use ends::rates;

/// Fewest rates (diverged ones too) that make a sweep.
const FEWEST: usize = 3;
/// Octaves beside the best rate that are good whatever the losses say: what no search resolves.
const ALWAYS: f64 = 1.0;
/// Loss above the best that still is good, as a share.
const CLOSE: f64 = 0.05;
/// Loss above the best by which the tolerance is measured, as a share.
const TOLERANCE: f64 = 0.05;
/// Octaves to go beyond an edge.
const BEYOND: f64 = 1.66;

/// One rate of a sweep.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tried {
    /// The rate.
    pub lr: f64,
    /// Mean final loss of the runs that finished; `None` when all diverged.
    pub loss: Option<f64>,
    /// Runs.
    pub runs: usize,
    /// Runs that diverged.
    pub diverged: usize,
}

impl Tried {
    /// Whether it is this rate, but for rounding.
    fn is_at(&self, lr: f64) -> bool {
        (self.lr / lr).ln().abs() < 1e-6
    }
}

/// What runs are compared by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// The last validation loss.
    Validation,
    /// The training loss at the end, for want of a validation loss: it favours other rates.
    Training,
    /// The score at the end, for want of any loss; [`Tried::loss`] is its negative.
    Score,
}

/// What several runs of one job say together.
#[derive(Debug, Clone, PartialEq)]
pub struct Sweep {
    /// Rates in rising order.
    pub tried: Vec<Tried>,
    /// The best rate of those tried.
    pub best: f64,
    /// The best rate of all, as far as the curve tells.
    pub vertex: f64,
    /// Where the best rate probably lies (80 %), where enough was tried; the best of those tried is always in it.
    pub interval: Option<(f64, f64)>,
    /// Octaves over which the loss stays within 5 % of the best, as far as was tried.
    pub tolerance: f64,
    /// Whether the best rate is the outermost that trained: `Some(true)` the highest, `Some(false)` the lowest.
    pub edge: Option<bool>,
    /// Lowest rate that diverged.
    pub divergence: Option<f64>,
    /// Lowest of the highest rates whose logs all end early.
    pub ended_early: Option<f64>,
    /// Draws of the place of the best rate, in octaves; empty where too little was tried for a fit.
    pub draws: Vec<f64>,
    /// What the runs were compared by.
    pub by: By,
    /// Standard deviation of a final loss as its late readings show it (median over the runs).
    pub noise: f64,
    /// The rate to try next.
    pub next_lr: f64,
    /// Expected loss over rates, where it was fitted.
    pub band: Vec<Band>,
    /// All of it in a sentence or two.
    pub because: String,
}

impl Sweep {
    /// Compares runs of one job; `None` unless at least three rates were tried and two of them trained.
    pub fn of(runs: &[(&Record, &Diagnosis)]) -> Option<Self> {
        let (mut ends, by) = ends::of(runs);
        let ended_early = ends::ended_early(&mut ends);
        ends::worse_than_untrained(&mut ends);
        let tried = rates(&ends);
        let trained: Vec<(f64, f64)> = tried.iter().filter_map(|t| Some((t.lr.log2(), t.loss?))).collect();
        if tried.len() < FEWEST || trained.len() < 2 {
            return None;
        }
        let at = (0..trained.len()).min_by(|a, b| trained[*a].1.total_cmp(&trained[*b].1))?;
        let best = trained[at].0.exp2();
        let divergence = tried.iter().filter(|t| t.loss.is_none()).map(|t| t.lr).find(|lr| *lr > best);
        let edge = match at {
            0 => Some(false),
            _ if at + 1 == trained.len() && divergence.is_none() => Some(true),
            _ => None,
        };
        let low = trained.iter().map(|t| t.1).fold(f64::INFINITY, f64::min);
        let scale = if low > 0.0 { low } else { trained.iter().map(|t| t.1).fold(low, f64::max) - low };
        let tolerance = width(&trained, at, low + TOLERANCE * scale).max(bowl(&trained, at));
        let noise = super::stats::median(&ends.iter().filter_map(|e| e.noise).collect::<Vec<_>>()).unwrap_or(0.0);
        let starts: Vec<f64> = ends.iter().filter_map(|e| e.first).collect();
        let Fitted { middle, interval, band, draws } = fit(&trained, divergence, super::stats::median(&starts));
        let vertex = vertex(&trained, at, middle);
        let next = match edge {
            Some(true) => vertex.max(trained[at].0) + BEYOND,
            Some(false) => vertex.min(trained[at].0) - BEYOND,
            None => vertex,
        };
        let mut made = Self {
            best,
            vertex: vertex.exp2(),
            interval: interval.map(|(from, to)| (from.min(best), to.max(best))),
            tolerance,
            edge,
            divergence,
            ended_early,
            draws,
            by,
            noise,
            next_lr: tidy(next.exp2()),
            band,
            because: String::new(),
            tried,
        };
        made.because = made.tell(low);
        Some(made)
    }

    /// The verdict on one of its rates, and how sure.
    pub fn verdict(&self, lr: f64, diverged: bool) -> (Placement, f64) {
        let octaves = (lr / self.vertex).log2();
        let best = self.tried.iter().filter_map(|t| t.loss).fold(f64::INFINITY, f64::min);
        let own = self.tried.iter().find(|t| t.is_at(lr));
        if diverged || octaves > 0.0 && own.is_some_and(|t| t.loss.is_none()) {
            let early = self.ended_early.is_some_and(|early| lr >= early);
            return (Placement::Diverged, if early && !diverged { 0.8 } else { 0.97 });
        }
        let limit = best + CLOSE * best.abs() + self.noise;
        let close = own.and_then(|t| t.loss).is_some_and(|l| l <= limit) && octaves.abs() < 2.0;
        let verdict = match () {
            () if octaves.abs() <= ALWAYS || close => Placement::Good,
            () if octaves < 0.0 => Placement::TooLow,
            () => Placement::TooHigh,
        };
        (verdict, self.sure(verdict, lr))
    }

    /// How sure a verdict on a rate is: the share of the draws of the best rate that bear it out, if there are any.
    fn sure(&self, verdict: Placement, lr: f64) -> f64 {
        // Of the outermost rate itself nothing more is known than that it is the best so far.
        let beyond = match (verdict, self.edge) {
            (Placement::TooLow, Some(high)) => !high,
            (Placement::TooHigh, Some(high)) => high,
            (_, edge) => edge.is_some(),
        };
        if beyond {
            return 0.6;
        }
        let octaves = |draw: &&f64| lr.log2() - **draw;
        let such = |draw: &&f64| match verdict {
            Placement::Good => octaves(draw).abs() <= 1.0,
            Placement::TooLow => octaves(draw) < -1.0,
            _ => octaves(draw) > 1.0,
        };
        let share = match self.draws.len() {
            0 => 0.5,
            all => self.draws.iter().filter(such).count() as f64 / all as f64,
        };
        // As often as such verdicts were right on the fitted jobs.
        match self.by {
            By::Training => 0.6 + 0.27 * share,
            _ => 0.85 + 0.12 * share,
        }
    }

    /// Puts what the sweep tells of a run in place of what its curve alone told. A run of unknown rate stays as it is.
    pub fn settle(&self, record: &Record, diagnosis: &mut Diagnosis) {
        let Some(lr) = record.base_lr() else { return };
        let (verdict, confidence) = self.verdict(lr, diagnosis.verdict == Placement::Diverged);
        let finding = Finding { confidence, ..self.finding(lr) };
        diagnosis.verdict = verdict;
        diagnosis.confidence = confidence;
        diagnosis.next_lr = Some(self.next_lr);
        // The curve's own guess at the place of the rate is superseded; the sign of divergence stays.
        diagnosis.findings.retain(|f| !matches!(f.code, "LR000" | "LR002" | "LR003" | "LR004"));
        let first = usize::from(diagnosis.findings.first().is_some_and(|f| f.code == DIVERGED));
        if first == 0 {
            diagnosis.because.clone_from(&finding.evidence);
        }
        diagnosis.findings.insert(first, finding);
    }

    /// The finding for each of its runs.
    pub fn finding(&self, lr: f64) -> Finding {
        let (code, title) = match self.edge {
            Some(_) => ("LR031", "best rate at the edge of the sweep"),
            None => ("LR030", "best rate of the sweep"),
        };
        let octaves = (lr / self.vertex).log2();
        let advice = match self.edge {
            Some(high) => {
                format!("try {}, {} every rate so far", show(self.next_lr), if high { "above" } else { "below" })
            }
            None => format!("use {}", show(self.next_lr)),
        };
        Finding {
            code,
            title,
            evidence: format!(
                "{}; this run is {} octaves {}",
                self.because,
                show(octaves.abs()),
                if octaves < 0.0 { "below" } else { "above" }
            ),
            numbers: vec![
                ("best_lr", self.best),
                ("vertex_lr", self.vertex),
                ("octaves_off", octaves),
                ("tolerance_octaves", self.tolerance),
            ],
            advice,
            confidence: self.verdict(lr, false).1,
            span: None,
        }
    }

    fn tell(&self, low: f64) -> String {
        let (ended, end) = match self.by {
            By::Validation => ("lowest", low),
            By::Training => ("with the lowest training loss", low),
            By::Score => ("with the highest score", -low),
        };
        let mut text = format!("of {} rates {} ended {ended}, at {}", self.tried.len(), show(self.best), show(end));
        if let Some((from, to)) = self.interval {
            text += &format!("; the best lies within {} .. {} (80 %)", show(from), show(to));
        }
        text += &format!("; within 5 % of the best over {} octaves", show(self.tolerance));
        match (self.divergence, self.ended_early) {
            (Some(edge), Some(early)) if edge >= early => {
                text += &format!("; the logs of {} and above end early, as where a script stops at NaN", show(edge));
            }
            (Some(edge), _) => text += &format!("; {} diverged", show(edge)),
            _ => {}
        }
        if let Some(high) = self.edge {
            text += &format!(
                "; it is the {} rate tried, so the best may lie beyond",
                if high { "highest" } else { "lowest" }
            );
        }
        text
    }
}

fn show(value: f64) -> String {
    super::rules::show(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::{Facts, Series, diagnose};

    fn run(lr: f64, end: f64) -> Record {
        let curve = (0..60).map(|i| (f64::from(i), end + (2.3 - end) * (-f64::from(i) / 6.0).exp()));
        Record { loss: Series::new(curve), facts: Facts { lr: Some(lr), ..Facts::default() }, ..Record::default() }
    }

    fn sweep(runs: &[(f64, f64)]) -> Option<Sweep> {
        let records: Vec<Record> = runs.iter().map(|(lr, end)| run(*lr, *end)).collect();
        let seen: Vec<Diagnosis> = records.iter().map(diagnose).collect();
        Sweep::of(&records.iter().zip(&seen).collect::<Vec<_>>())
    }

    #[test]
    fn a_sweep_finds_its_vertex_and_what_diverged() {
        let s = sweep(&[(1e-3, 1.0), (1e-2, 0.5), (1e-1, 0.4), (1.0, 0.9), (10.0, 9.0)]).unwrap();
        assert_eq!((s.best, s.edge, s.divergence), (1e-1, None, Some(10.0)));
        assert!(s.vertex > 0.02 && s.vertex < 0.11, "{}", s.vertex);
        let (low, high) = s.interval.unwrap();
        assert!(low < 0.1 && high > 0.03 && low < high);
        assert_eq!(s.verdict(1e-3, false).0, Placement::TooLow);
        assert_eq!(s.verdict(1.0, false).0, Placement::TooHigh);
        assert!(s.tolerance > 0.1 && s.tolerance < 4.0, "{}", s.tolerance);
    }

    #[test]
    fn an_edge_is_said_and_left() {
        let s = sweep(&[(1e-3, 1.0), (1e-2, 0.5), (1e-1, 0.4)]).unwrap();
        assert_eq!(s.edge, Some(true));
        assert!(s.next_lr > 0.2 && s.finding(0.1).code == "LR031");
        assert_eq!(sweep(&[(1e-3, 0.2), (1e-2, 0.5), (1e-1, 0.6)]).unwrap().edge, Some(false));
        assert!(sweep(&[(1e-3, 1.0), (1e-2, 0.5)]).is_none());
    }

    #[test]
    fn logs_of_the_highest_rates_that_end_early_are_of_runs_that_broke() {
        let mut records: Vec<Record> = [(1e-3, 1.0), (1e-2, 0.5), (1e-1, 0.4)].map(|(lr, end)| run(lr, end)).into();
        let short = |lr: f64| Record { loss: Series::new([(0.0, 2.3), (1.0, 2.3)]), ..run(lr, 1.0) };
        let judge = |records: &[Record]| {
            let seen: Vec<Diagnosis> = records.iter().map(diagnose).collect();
            Sweep::of(&records.iter().zip(&seen).collect::<Vec<_>>()).unwrap()
        };
        // One may still go on.
        records.push(short(1.0));
        assert_eq!(judge(&records).ended_early, None);
        records.push(short(10.0));
        let s = judge(&records);
        assert_eq!((s.ended_early, s.divergence, s.edge), (Some(1.0), Some(1.0), None));
        assert!(
            s.verdict(10.0, false) == (Placement::Diverged, 0.8) && s.because.contains("end early"),
            "{}",
            s.because
        );
        // Where slow runs were ended too, something else ended them.
        records.push(short(1e-4));
        assert_eq!(judge(&records).ended_early, None);
    }

    #[test]
    fn the_slowest_run_shows_the_untrained_loss() {
        let curve = |lr: f64, f: &dyn Fn(f64) -> f64| Record {
            loss: Series::new((1..40).map(|i| (f64::from(i), f(f64::from(i))))),
            facts: Facts { lr: Some(lr), ..Facts::default() },
            ..Record::default()
        };
        let falling = |end: f64| move |t: f64| end + (2.3 - end) * (-t / 6.0).exp();
        let records = [
            curve(1e-4, &|_| 2.3),
            curve(1e-2, &falling(0.6)),
            curve(1e-1, &falling(0.4)),
            curve(1.0, &|t| 2.8 + 0.3 * (9.7 * t).sin()),
        ];
        let seen: Vec<Diagnosis> = records.iter().map(diagnose).collect();
        let s = Sweep::of(&records.iter().zip(&seen).collect::<Vec<_>>()).unwrap();
        assert_eq!((s.verdict(1.0, false).0, s.verdict(0.1, false).0), (Placement::Diverged, Placement::Good));
    }

    #[test]
    fn runs_without_a_loss_are_compared_by_their_score() {
        let run = |lr: f64, end: f64| Record {
            score: Series::new((0..20).map(|i| (f64::from(i), end * f64::from(i) / 19.0))),
            facts: Facts { lr: Some(lr), ..Facts::default() },
            ..Record::default()
        };
        let records = [run(1e-3, 0.1), run(1e-2, 0.6), run(1e-1, 0.9), run(1.0, 0.2)];
        let seen: Vec<Diagnosis> = records.iter().map(diagnose).collect();
        let s = Sweep::of(&records.iter().zip(&seen).collect::<Vec<_>>()).unwrap();
        assert_eq!((s.best, s.by), (0.1, By::Score));
        assert!(s.because.contains("0.1 ended with the highest score"), "{}", s.because);
        let verdicts = [1e-3, 1e-1, 1.0].map(|lr| s.verdict(lr, false).0);
        assert_eq!(verdicts, [Placement::TooLow, Placement::Good, Placement::TooHigh]);
    }

    #[test]
    fn runs_of_other_jobs_stay_apart() {
        let mut records = vec![run(0.1, 0.5), run(0.2, 0.5), run(0.3, 0.5)];
        records[1].facts.other.insert("model".into(), "cnn".into());
        records[2].facts.other.insert("seed".into(), "3".into());
        assert_eq!(groups(&records), [vec![0, 2], vec![1]]);
    }
}
