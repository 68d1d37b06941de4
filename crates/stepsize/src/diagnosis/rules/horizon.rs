//! `LR016`: the schedule ended long before the run; `LR017`: the run ended (or was cut) long before its schedule.
//!
//! Both need the applied rate in the log. A schedule is one that decays: the rate fell below a tenth of its peak (`LR016`),
//! or has fallen for a while but not below half (`LR017`; also when the planned length is known and was not reached).

use super::{Finding, Rule, RuleInput, percent, show};

/// Share of the run at the lowest rate from which the schedule was too short.
const IDLE: f64 = 0.15;

pub struct TooShort;

impl Rule for TooShort {
    fn code(&self) -> &'static str {
        "LR016"
    }

    fn check(&self, seen: &RuleInput<'_>) -> Option<Finding> {
        let points = seen.record.lr.points();
        let peak = points.iter().map(|p| p.1).fold(0.0, f64::max);
        let (first, last) = seen.record.lr.span()?;
        let end = points.last()?.1;
        if points.len() < 10 || peak <= 0.0 || end > 0.1 * peak || last <= first {
            return None;
        }
        let since = points.iter().rev().take_while(|p| p.1 <= end * 1.01 + 1e-4 * peak).last()?.0;
        let idle = (last - since) / (last - first);
        if idle < IDLE {
            return None;
        }
        let evidence = format!(
            "the rate reached {} ({} of its peak) at step {} and stays there for the last {} of the run",
            show(end),
            percent(end / peak),
            show(since),
            percent(idle)
        );
        Some(Finding {
            code: self.code(),
            title: "schedule shorter than the run",
            evidence,
            numbers: vec![("end_lr", end), ("peak_lr", peak), ("reached_at", since), ("idle_share", idle)],
            advice: format!("stretch the schedule to {} steps, or stop at step {}", show(last), show(since)),
            confidence: 0.9,
            span: Some((since, last)),
        })
    }
}

pub struct Unfinished;

impl Rule for Unfinished {
    fn code(&self) -> &'static str {
        "LR017"
    }

    fn check(&self, seen: &RuleInput<'_>) -> Option<Finding> {
        let points = seen.record.lr.points();
        let peak = points.iter().copied().max_by(|a, b| a.1.total_cmp(&b.1))?;
        let (first, last) = seen.record.lr.span()?;
        let end = points.last()?.1;
        if points.len() < 10 || peak.1 <= 0.0 || last <= first || seen.record.facts.running {
            return None;
        }
        let falling = points.iter().rev().take(points.len() / 4).collect::<Vec<_>>();
        let decays = end < 0.98 * peak.1 && falling.windows(2).all(|w| w[0].1 <= w[1].1) && falling.len() > 2;
        let planned = seen.record.facts.total_steps.filter(|t| *t > 1.15 * last);
        let open = end / peak.1;
        if !(decays && open > 0.4 && seen.features.get("lr_peak_at") < 0.7) {
            return None;
        }
        let of =
            planned.map_or_else(String::new, |t| format!("; {} of {} planned steps were made", show(last), show(t)));
        let evidence = format!("the log ends while the rate is still falling, at {} of its peak{of}", percent(open));
        Some(Finding {
            code: self.code(),
            title: "schedule longer than the run",
            evidence,
            numbers: vec![("end_lr", end), ("peak_lr", peak.1), ("share_of_peak", open)],
            advice: format!(
                "the loss is not annealed: do not compare it with finished runs. Let the schedule end at step {}, or train on to its end",
                show(last)
            ),
            confidence: 0.85,
            span: Some((peak.0, last)),
        })
    }
}
