//! The chance of each rate.

use super::sensitivity::{interval, rules};
use super::{Chart, ChartAxis, ChartBand, ChartLine, ChartPoint, ChartShape};
use crate::figure::ink::Ink;
use crate::number::{percent, rate};
use crate::view::{Axis, View};
use stepsize::{Answer, Report};

/// The chance that the full run at a rate keeps 98 % of the gain, over the rates of the plot of
/// loss over rate; `None` from methods that state none.
pub fn chance(report: &Report) -> Option<Chart> {
    let Answer::Rate(found) = &report.estimate.answer else { return None };
    let x = View::new(report)?.x;
    let landscape = report.estimate.landscape.iter();
    let (rates, chances): (Vec<f64>, Vec<f64>) = landscape
        .filter(|band| (x.low..=x.high).contains(&band.lr.get()))
        .filter_map(|band| Some((band.lr.get(), (1000.0 * band.p_keeps_98_pct?).round() / 10.0)))
        .unzip();
    let here = found.p_keeps_98_pct.filter(|_| rates.len() > 1)?;
    let lr = found.lr.get();
    Some(Chart {
        title: "Chance of each rate to keep 98 % of the gain".to_owned(),
        summary: format!(
            "The chance that the full run at a rate keeps 98 % of what the best rate gains; {} at {}.",
            percent(here),
            rate(lr)
        ),
        x: ChartAxis { label: "learning rate", axis: x },
        // Above 100 there is room for names.
        y: ChartAxis { label: "chance in %", axis: Axis { low: 0.0, high: 118.0, log: false } },
        legend: Vec::new(),
        bands: vec![ChartBand {
            ink: Ink::Fit,
            name: "chance".to_owned(),
            x: rates.clone(),
            low: vec![0.0; rates.len()],
            high: chances.clone(),
        }],
        spans: interval(report.interval().map(|(low, high)| (low.get(), high.get()))),
        rules: rules(report, None),
        lines: vec![ChartLine {
            key: String::new(),
            name: "chance to keep 98 % of the gain".to_owned(),
            ink: Ink::Fit,
            dash: &[],
            width: 1.8,
            faint: false,
            x: rates,
            y: chances,
            extra: None,
        }],
        points: vec![ChartPoint {
            key: String::new(),
            x: lr,
            y: 100.0 * here,
            low: None,
            high: None,
            shape: ChartShape::Dot,
            ink: Ink::Good,
            note: format!("the answer, {}: a chance of {} to keep 98 % of the gain", rate(lr), percent(here)),
        }],
    })
}
