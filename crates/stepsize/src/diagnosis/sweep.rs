//! Several runs of one job that differ in the rate: which rate is best, how sure that is, and what
//! to try next.
//!
//! [`Sweep::of`] compares the final losses of runs of one job ([`super::jobs`] finds such runs).
//! The best rate is where the two-wall [`crate::landscape`] is lowest (with its 80 % interval) or,
//! with fewer than four readings, the vertex of a parabola; it is never more than half way from the
//! best tried rate to its neighbours. Where the best rate is the outermost that was tried, the
//! sweep says so and names the rate to try beyond it.
//!
//! Only whole runs are compared. A run that is clearly shorter than the longest is left out,
//! because losses that are not annealed or not finished favour other rates. A run that diverged
//! bounds the rate from above and counts for nothing else. The same holds for runs at the highest
//! rates whose logs end early while all others are whole: scripts that stop at NaN leave such logs.

mod curve;
mod dead;
mod ends;
mod verdict;

use super::{Code, Diagnosis, Finding, Record, tidy};
use crate::{Band, Placement, Side};
use curve::{Fitted, bowl, fit, vertex, width};
use ends::rates;
pub use verdict::SweepEvidence;

/// Fewest rates (diverged ones too) that make a sweep.
const FEWEST: usize = 3;
/// Loss above the best, as a share, by which the tolerance is measured.
const TOLERANCE: f64 = 0.05;
/// Octaves to go beyond an edge: half a decade.
const BEYOND: f64 = 1.66;
/// Octaves within which a run is at the best rate.
const HERE: f64 = 0.15;
/// Octaves of tolerance below which it is not worth saying.
const LEAST: f64 = 0.1;
/// Rates that differ by less than this share are one: what is left after a rate was printed and
/// read again.
const SAME_RATE: f64 = 1e-6;
/// One rate of a sweep.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tried {
    /// The rate.
    pub lr: f64,
    /// Mean final loss of the runs that finished; `None` when all diverged.
    pub loss: Option<f64>,
    /// Number of runs.
    pub runs: usize,
    /// Number of runs that diverged.
    pub diverged: usize,
}

impl Tried {
    /// Whether it is this rate, up to rounding.
    fn is_at(&self, lr: f64) -> bool {
        (self.lr / lr).ln().abs() < SAME_RATE
    }
}

/// What runs are compared by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// The last validation loss.
    Validation,
    /// The training loss at the end, where no run logs a validation loss. It favours other rates.
    Training,
    /// The score at the end, where no run logs a loss; [`Tried::loss`] is its negative.
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
    /// The 80 % interval of the best rate, where enough was tried. It always holds the best of
    /// those tried.
    pub interval: Option<(f64, f64)>,
    /// Octaves over which the loss stays within 5 % of the best, as far as was tried.
    pub tolerance: f64,
    /// The side on which the best rate is the outermost that trained, if it is: the best of all may
    /// lie beyond.
    pub outermost: Option<Side>,
    /// Lowest rate that diverged.
    pub divergence: Option<f64>,
    /// Lowest of the rates, at the high end, whose logs all end early.
    pub ended_early: Option<f64>,
    /// Draws of the binary log of the best rate; empty where too little was tried for a fit.
    pub draws: Vec<f64>,
    /// What the runs were compared by.
    pub by: By,
    /// Standard deviation of a final loss, from how its late readings vary (median over the runs).
    pub noise: f64,
    /// The rate to try next.
    pub next_lr: f64,
    /// Whether no run learned anything; then all rates are too high, and [`Sweep::best`] is only
    /// the least bad of them.
    pub dead: bool,
    /// The rate with the best score, where that is more than one rate away from the one with the
    /// best loss.
    pub best_by_score: Option<f64>,
    /// Expected loss over rates, where it was fitted.
    pub band: Vec<Band>,
    /// All of it in a sentence or two.
    pub because: String,
}

impl Sweep {
    /// Compares runs of one job; `None` where [`Sweep::compare`] cannot.
    pub fn of(runs: &[(&Record, &Diagnosis)]) -> Option<Self> {
        Self::compare(runs).ok()
    }

    /// Compares runs of one job.
    ///
    /// # Errors
    /// The reason, for people: fewer than three rates are known, fewer than two of them trained to
    /// the end, or none learned anything and it cannot be said on which side they lie.
    pub fn compare(runs: &[(&Record, &Diagnosis)]) -> Result<Self, String> {
        if runs.iter().any(|(r, _)| r.facts.game) && runs.iter().all(|(r, _)| r.score.is_empty()) {
            return Err("their losses are those of a game, which do not fall as a run gets better; name a score (a reward, or one \
                        of the samples) as the metric"
                .to_owned());
        }
        let (mut ends, by) = ends::of(runs);
        let unknown = runs.iter().filter(|(r, _)| r.base_lr().is_none()).count();
        let dead = ends::none_learned(&ends, runs);
        if dead == Some(false) && ends.len() >= FEWEST {
            return Err(
                "none of the runs learned anything, and no log shows whether the rates are too low or too high: \
                        each loss ends where it began"
                    .to_owned(),
            );
        }
        let ended_early = ends::ended_early(&mut ends);
        ends::worse_than_untrained(&mut ends);
        let tried = rates(&ends);
        let trained: Vec<(f64, f64)> = tried.iter().filter_map(|t| Some((t.lr.log2(), t.loss?))).collect();
        if tried.len() < FEWEST {
            let lost = if unknown > 0 { format!(" (the rate of {unknown} runs is not known)") } else { String::new() };
            return Err(format!(
                "a comparison needs {FEWEST} rates whose runs ended, and there are {}{lost}",
                tried.len()
            ));
        }
        let at = (0..trained.len()).min_by(|a, b| trained[*a].1.total_cmp(&trained[*b].1));
        if dead == Some(true) || trained.is_empty() {
            return Ok(Self::all_too_high(tried, by));
        }
        let Some(at) = at.filter(|_| trained.len() > 1) else {
            return Err("only one of the rates trained to the end".to_owned());
        };
        // As it was written, not as its logarithm gives it back.
        let Some(best) = tried.iter().filter(|t| t.loss.is_some()).nth(at).map(|t| t.lr) else {
            return Err("no rate trained to the end".to_owned());
        };
        // Too high a rate breaks a run, and higher ones then break it, too.
        let below = tried.iter().filter(|t| t.lr < best).count();
        let broke = tried.iter().filter(|t| t.lr < best && t.loss.is_none()).count();
        if 2 * broke > below {
            return Err(format!(
                "{broke} of the {below} rates below {} diverged and it did not: something else than the rate breaks these runs",
                show(best)
            ));
        }
        let divergence = tried.iter().filter(|t| t.loss.is_none()).map(|t| t.lr).find(|lr| *lr > best);
        let outermost = match at {
            0 => Some(Side::Low),
            _ if at + 1 == trained.len() && divergence.is_none() => Some(Side::High),
            _ => None,
        };
        let low = trained.iter().map(|t| t.1).fold(f64::INFINITY, f64::min);
        let scale = if low > 0.0 { low } else { trained.iter().map(|t| t.1).fold(low, f64::max) - low };
        let tolerance = width(&trained, at, low + TOLERANCE * scale).max(bowl(&trained, at));
        let noise = super::stats::median(&ends.iter().filter_map(|e| e.noise).collect::<Vec<_>>()).unwrap_or(0.0);
        let starts: Vec<f64> = ends.iter().filter_map(|e| e.first).collect();
        let Fitted { middle, interval, band, draws } = fit(&trained, divergence, super::stats::median(&starts));
        let vertex = vertex(&trained, at, middle);
        let next = match outermost {
            Some(Side::High) => vertex.max(trained[at].0) + BEYOND,
            Some(Side::Low) => vertex.min(trained[at].0) - BEYOND,
            None => vertex,
        };
        let mut made = Self {
            best,
            vertex: short(vertex.exp2()),
            interval: interval.map(|(from, to)| (short(from).min(best), short(to).max(best))),
            tolerance,
            outermost,
            divergence,
            ended_early,
            draws,
            by,
            noise,
            next_lr: tidy(next.exp2()),
            dead: false,
            best_by_score: if by == By::Score { None } else { ends::other_by_score(&ends, &tried, best) },
            band,
            because: String::new(),
            tried,
        };
        made.because = made.sentence(low);
        Ok(made)
    }

    /// What to do next, as an order.
    pub fn advice(&self) -> String {
        let next = show(self.next_lr);
        match (self.dead, self.outermost, self.best_by_score) {
            (true, ..) => format!("try {next}: every rate so far was too high"),
            (_, Some(Side::High), None) => format!("try {next}: the highest rate so far was the best"),
            (_, Some(Side::Low), None) => format!("try {next}: the lowest rate so far was the best"),
            (_, None, None) => format!("use {next}"),
            (.., Some(score)) => {
                format!("use {next} where the loss counts and {} where the score does", show(score))
            }
        }
    }

    /// Replaces the verdict on one run, made from its curve alone, by that of the sweep. A run
    /// whose rate is not known stays as it is.
    pub fn settle(&self, record: &Record, diagnosis: &mut Diagnosis) {
        let Some(lr) = record.base_lr() else { return };
        let (verdict, confidence) = self.verdict(lr, diagnosis.verdict == Placement::Diverged);
        let finding = Finding { confidence, ..self.finding(lr) };
        diagnosis.verdict = verdict;
        diagnosis.confidence = confidence;
        diagnosis.ruled_out = None;
        diagnosis.next_lr = Some(self.next_lr);
        // The place of the rate as read off the curve is superseded; the finding of divergence
        // stays.
        let broke = verdict == Placement::Diverged || verdict == Placement::TooHigh;
        diagnosis
            .findings
            .retain(|f| !f.code.is_place() && (broke || !f.code.decides()) && super::rules::agrees(f.code, verdict));
        // One run gets one next rate.
        let advice = if verdict == Placement::Diverged && lr < self.vertex {
            format!("run it again: higher rates trained, so the rate alone did not break it; then {}", self.advice())
        } else {
            self.advice()
        };
        diagnosis.findings.iter_mut().filter(|f| f.code.decides()).for_each(|f| f.advice.clone_from(&advice));
        let first = usize::from(diagnosis.findings.first().is_some_and(|f| f.code.decides()));
        if first == 0 {
            diagnosis.because.clone_from(&finding.evidence);
        }
        diagnosis.findings.insert(first, finding);
    }

    /// The finding for its run at this rate.
    pub fn finding(&self, lr: f64) -> Finding {
        let octaves = (lr / self.vertex).log2();
        let code = match self.outermost {
            _ if self.dead => Code::SweepDead,
            Some(_) => Code::SweepEdge,
            None => Code::Sweep,
        };
        let factor = show(octaves.abs().exp2());
        let place = match () {
            () if self.dead => String::new(),
            () if self.outermost.is_none() && self.verdict(lr, false).0 == Placement::Unknown => {
                "; it takes more rates near this one to tell whether it is good".to_owned()
            }
            () if octaves.abs() < HERE => "; this run is there".to_owned(),
            () if octaves < 0.0 => format!("; this run is a factor of {factor} below"),
            () => format!("; this run is a factor of {factor} above"),
        };
        Finding {
            code,
            evidence: format!("{}{place}", self.because),
            numbers: vec![
                ("best_lr", self.best),
                ("vertex_lr", self.vertex),
                ("octaves_off", octaves),
                ("tolerance_octaves", self.tolerance),
            ],
            advice: self.advice(),
            confidence: self.verdict(lr, false).1,
            span: None,
        }
    }

    /// The whole in a sentence; `low` is the best loss.
    fn sentence(&self, low: f64) -> String {
        let (ended, end) = match self.by {
            By::Validation => ("lowest", low),
            By::Training => ("with the lowest training loss", low),
            By::Score => ("with the highest score", -low),
        };
        let mut text = format!("of {} rates {} ended {ended}, at {}", self.tried.len(), show(self.best), show(end));
        if let Some((from, to)) = self.interval {
            text += &format!("; the best lies within {} .. {} (80 %)", show(from), show(to));
        }
        if self.tolerance > LEAST {
            text += &format!("; within 5 % of the best over a factor of {}", show(self.tolerance.exp2()));
        }
        if let Some(score) = self.best_by_score {
            text += &format!("; the score is best at {}: loss and score disagree", show(score));
        }
        match (self.divergence, self.ended_early) {
            (Some(edge), Some(early)) if edge >= early => {
                text += &format!("; the logs of {} and above end early, as where a script stops at NaN", show(edge));
            }
            (Some(edge), _) => text += &format!("; {} diverged", show(edge)),
            _ => {}
        }
        if let Some(side) = self.outermost {
            let end = if side == Side::High { "highest" } else { "lowest" };
            text += &format!("; it is the {end} rate tried, so the best may lie beyond");
        }
        text
    }
}

fn show(value: f64) -> String {
    super::rules::show(value)
}

/// A rate with three significant digits.
fn short(lr: f64) -> f64 {
    format!("{lr:.2e}").parse().unwrap_or(lr)
}

#[cfg(test)]
mod tests;
