//! [`Taken`]: which series of a log a record was made of, for people.

use crate::run::{NamedSeries, Run};
use std::fmt;
use stepsize::diagnosis::Record;

/// A series with fewer points is not thinned.
const THINNED: usize = 1024;

/// A series and what was made of it.
#[derive(Debug, Clone, PartialEq)]
pub struct SeenSeries {
    /// Its name in the log.
    pub name: String,
    /// What it is taken as; `None` where it is not used.
    pub role: Option<Role>,
    /// Number of readings, those that are not finite included.
    pub readings: usize,
    /// How many of them are not finite.
    pub broken: usize,
    /// The first and the last finite reading.
    pub ends: Option<(f64, f64)>,
    /// The least and the greatest finite reading.
    pub range: Option<(f64, f64)>,
}

/// What a series is taken as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// The training loss.
    Loss,
    /// The loss on held-out data.
    Validation,
    /// The score, of which more is better.
    Score,
    /// The rate at each step.
    Rate,
    /// The norm of the gradient.
    GradNorm,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Loss => "loss",
            Self::Validation => "validation",
            Self::Score => "score",
            Self::Rate => "rate",
            Self::GradNorm => "gradient norm",
        })
    }
}

/// What a record was made of. Its text is one line for people.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Taken {
    /// Every series of the run, in the order of the log.
    pub series: Vec<SeenSeries>,
    /// The base rate and where it is from (`lr of the configuration`), where it is no series.
    pub rate: Option<(f64, String)>,
    /// The counter that gives the steps; empty where readings are counted.
    pub counter: String,
    /// The first and the last step of all series.
    pub steps: Option<(f64, f64)>,
    /// Remarks of the reader: restarts, cut lines.
    pub notes: Vec<String>,
}

impl Taken {
    /// The series with this role.
    pub fn of(&self, role: Role) -> Option<&SeenSeries> {
        self.series.iter().find(|s| s.role == Some(role))
    }

    /// Shows the losses as the record has them: their logarithm, or not finite where the log masks
    /// that.
    pub(super) fn losses_of(&mut self, record: &Record, logarithm: (bool, bool)) {
        for (role, of, log) in
            [(Role::Loss, &record.loss, logarithm.0), (Role::Validation, &record.val_loss, logarithm.1)]
        {
            let Some(series) = self.series.iter_mut().find(|s| s.role == Some(role)) else { continue };
            let values = || of.points().iter().map(|p| p.1);
            let (low, high) = (values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max));
            series.broken = of.broken().len();
            series.ends = values().next().zip(values().next_back());
            series.range = (low <= high).then_some((low, high));
            if log {
                series.name = format!("ln {}", series.name);
            }
        }
    }

    pub(super) fn new(run: &Run, roles: &[(Role, &str)]) -> Self {
        let series = run.series.iter().map(|s| seen(s, roles)).collect();
        let used = |s: &&NamedSeries| roles.is_empty() || roles.iter().any(|(_, name)| *name == s.name);
        let steps =
            || run.series.iter().filter(used).flat_map(|s| s.points.iter().map(|p| p.0)).filter(|s| s.is_finite());
        let (low, high) = (steps().fold(f64::INFINITY, f64::min), steps().fold(f64::NEG_INFINITY, f64::max));
        Self {
            series,
            rate: None,
            counter: run.counter.clone(),
            steps: (low <= high).then_some((low, high)),
            notes: run.notes.clone(),
        }
    }
}

fn seen(series: &NamedSeries, roles: &[(Role, &str)]) -> SeenSeries {
    let finite = || series.points.iter().map(|p| p.1).filter(|v| v.is_finite());
    let (low, high) = (finite().fold(f64::INFINITY, f64::min), finite().fold(f64::NEG_INFINITY, f64::max));
    SeenSeries {
        name: series.name.clone(),
        role: roles.iter().find(|(_, name)| *name == series.name).map(|(role, _)| *role),
        // A long series is thinned; a short one may have lost what was logged twice.
        readings: match series.points.len() {
            few if few < THINNED => few,
            _ => usize::try_from(series.seen).unwrap_or(usize::MAX),
        },
        broken: series.points.iter().filter(|p| !p.1.is_finite()).count(),
        ends: finite().next().zip(finite().next_back()),
        range: (low <= high).then_some((low, high)),
    }
}

impl fmt::Display for SeenSeries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}", self.name, self.readings)?;
        if let Some((first, last)) = self.ends {
            write!(f, ", {}", Short(first))?;
            if self.readings - self.broken.min(self.readings) > 1 {
                write!(f, " .. {}", Short(last))?;
            }
        }
        if self.broken > 0 {
            write!(f, ", {} not finite", self.broken)?;
        }
        write!(f, ")")
    }
}

impl fmt::Display for Taken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut first = true;
        let mut part = |f: &mut fmt::Formatter<'_>, text: String| {
            let mark = if std::mem::take(&mut first) { "" } else { "; " };
            write!(f, "{mark}{text}")
        };
        for role in [Role::Loss, Role::Validation, Role::Score] {
            if let Some(series) = self.of(role) {
                part(f, format!("{role} {series}"))?;
            }
        }
        match (self.of(Role::Rate), &self.rate) {
            (series, Some((rate, from))) => {
                let applied = series.map_or_else(String::new, |s| format!(", applied {s}"));
                part(f, format!("rate {} by {from}{applied}", Short(*rate)))?;
            }
            (Some(series), None) => part(f, format!("rate {series}"))?,
            (None, None) => part(f, "rate unknown".to_owned())?,
        }
        let counter = if self.counter.is_empty() { "none, readings are counted" } else { &self.counter };
        let steps = self.steps.map_or_else(String::new, |(a, b)| format!(" {} .. {}", Short(a), Short(b)));
        part(f, format!("counter {counter}{steps}"))
    }
}

/// A number with at most four significant digits.
struct Short(f64);

impl fmt::Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(value) = *self;
        let size = value.abs();
        if value == value.trunc() && size < 1e7 || !value.is_finite() {
            write!(f, "{value}")
        } else if (1e-4..1e5).contains(&size) {
            let digits = (3 - size.log10().floor() as i32).max(0) as usize;
            let text = format!("{value:.digits$}");
            f.write_str(if digits > 0 { text.trim_end_matches('0').trim_end_matches('.') } else { &text })
        } else {
            let text = format!("{value:.3e}");
            let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
            write!(f, "{}e{exponent}", mantissa.trim_end_matches('0').trim_end_matches('.'))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        for (value, text) in [
            (0.1, "0.1"),
            (2.345_678, "2.346"),
            (12_345.678, "12346"),
            (3e-4, "0.0003"),
            (3e-5, "3e-5"),
            (1.234_56e-5, "1.235e-5"),
            (0.0, "0"),
            (100.0, "100"),
            (1.5e9, "1.5e9"),
            (f64::NAN, "NaN"),
        ] {
            assert_eq!(Short(value).to_string(), text);
        }
    }
}
