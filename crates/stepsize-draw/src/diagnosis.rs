//! A diagnosis of logs as text, JSON, SARIF and [`html`], a page that needs no network: the curve
//! of each run with the evidence marked on it, small multiples where there are many runs, and the
//! loss over the rate for each sweep.

mod object;
mod picture;
mod reading;
mod text;

pub use object::{list, object, page_object, sarif};
pub use text::{line, text};

use crate::figure::ink::Ink;
use crate::figure::svg::{self, escape};
use crate::number::{percent, plural, rate};
use crate::page;
use std::fmt::Write as _;
use stepsize::Placement;
use stepsize::diagnosis::Diagnosis;
use stepsize_logs::judgement::{Judged, Judgement};

/// Up to this many runs are drawn large.
const LARGE: usize = 3;
/// Runs beyond this number are listed but not drawn, so that the page stays small.
const DRAWN: usize = 200;
/// Width and height of a large picture in pixels, on wide and on narrow screens.
const SIZES: [(&str, f64, f64); 2] = [("wide", 880.0, 380.0), ("narrow", 400.0, 360.0)];
/// Width and height of a small picture.
const SMALL: (f64, f64) = (420.0, 250.0);

const STYLE: &str = "
.many { display: grid; grid-template-columns: repeat(auto-fill, minmax(290px, 1fr)); gap: 12px; }
.many figure { margin: 0; border: 1px solid var(--line); border-radius: 8px; padding: 10px; }
.many figcaption { font-size: 0.8125rem; overflow-wrap: anywhere; }
.finding { margin: 10px 0 0; }
.finding code { color: var(--ink-faint); }
.tally { font-size: 1.6rem; }
.verdict.unknown { color: var(--ink-unknown); }
";

/// The page as HTML, with the [`list`] embedded.
pub fn html(all: &Judgement) -> String {
    let Judgement { runs: shown, sweeps, .. } = all;
    let mut body = head(all);
    for (i, sweep) in sweeps.iter().enumerate() {
        let mut pictures = String::new();
        for (class, width, height) in SIZES {
            let scene = picture::sweep(sweep, width, height);
            pictures += &svg::part(&scene, &format!("sweep{i}-{class}"), &format!("plot {class}"));
        }
        let _ = writeln!(
            body,
            "<section class=\"sweep\" aria-label=\"Sensitivity\"><h2>Loss over rate</h2><div class=\"figure\">{pictures}</div>\
             <p class=\"readout\" role=\"status\">&nbsp;</p><p>{}</p></section>",
            escape(&sweep.because)
        );
    }
    if shown.len() <= LARGE {
        // The script draws them again, as the live page does.
        body += "<div id=\"judged\">\n";
        shown.iter().enumerate().for_each(|(i, s)| body += &large(i, s));
        let _ = write!(body, "</div>\n{}", page::data("judgement", &page_object(all)));
    } else {
        body += "<section aria-label=\"Runs\"><h2>Runs</h2><div class=\"many\">";
        shown.iter().take(DRAWN).enumerate().for_each(|(i, s)| body += &small(i, s));
        body += "</div><p class=\"readout\" role=\"status\">&nbsp;</p></section>\n";
    }
    body += &table(shown);
    page::document("Stepsize: diagnosis", STYLE, &body, &list(all, false))
}

/// The picture of a judgement as SVG text: loss over rate of its first sweep, else the losses of
/// its first run. `None` when the log holds no loss.
pub fn svg(all: &Judgement) -> Option<String> {
    let (_, width, height) = SIZES[0];
    let scene = match all.sweeps.first() {
        Some(sweep) => Some(picture::sweep(sweep, width, height)),
        None => all.runs.first().and_then(|run| picture::run(run, width, height)),
    };
    scene.map(|scene| svg::file(&scene))
}

fn head(all: &Judgement) -> String {
    let Judgement { runs: shown, sweeps, failed, .. } = all;
    let tally: Vec<String> = Placement::ALL
        .into_iter()
        .filter_map(|v| {
            let n = shown.iter().filter(|s| s.diagnosis.verdict == v).count();
            (n > 0).then(|| format!("<span class=\"verdict {}\">{n} {v}</span>", Ink::from(v).name()))
        })
        .collect();
    let next: Vec<String> = sweeps.iter().map(|s| format!("next rate to try {}", rate(s.next_lr))).collect();
    let lost: String = failed
        .iter()
        .map(|(file, why)| format!("<p><strong>Not read:</strong> {}: {}</p>", escape(file), escape(why)))
        .collect();
    let every = |verdict| shown.iter().all(|s| s.diagnosis.verdict == verdict);
    let class = match (every(Placement::Good), shown.iter().any(|s| s.diagnosis.verdict == Placement::Diverged)) {
        (true, _) => "answer",
        (false, true) => "answer refused",
        (false, false) => "answer waiting",
    };
    format!(
        "<header class=\"{class}\"><p class=\"label\">diagnosis of {}</p><h1 class=\"tally\">{}</h1><p>{}</p>{lost}</header>\n",
        plural(shown.len() as u64, "run"),
        tally.join(", "),
        escape(&next.join("; "))
    )
}

fn caption(s: &Judged) -> String {
    let d = &s.diagnosis;
    let lr = s.record.base_lr().map_or_else(|| "rate not known".to_owned(), |lr| format!("lr {}", rate(lr)));
    let next =
        d.next_lr.filter(|_| d.verdict != Placement::Good).map_or_else(String::new, |n| format!(", next {}", rate(n)));
    format!(
        "{}: {lr}, <strong class=\"verdict {}\">{}</strong>{}{next}",
        escape(&s.name()),
        Ink::from(d.verdict).name(),
        word(d),
        sure(d).map_or_else(String::new, |sure| format!(" ({sure})"))
    )
}

/// The verdict in words. Where it is unknown, the side that is ruled out, if one is.
fn word(d: &Diagnosis) -> String {
    match d.ruled_out.filter(|_| d.verdict == Placement::Unknown) {
        Some((side, _)) => format!("{}, not {side}", d.verdict),
        None => d.verdict.to_string(),
    }
}

/// How sure that is; nothing beside a mere "unknown", which claims nothing.
fn sure(d: &Diagnosis) -> Option<String> {
    let chance = match d.verdict {
        Placement::Unknown => d.ruled_out?.1,
        _ => d.confidence,
    };
    Some(percent(chance))
}

fn large(number: usize, s: &Judged) -> String {
    let mut pictures = String::new();
    for (class, width, height) in SIZES {
        if let Some(scene) = picture::run(s, width, height) {
            pictures += &svg::part(&scene, &format!("run{number}-{class}"), &format!("plot {class}"));
        }
    }
    let findings: String = s
        .diagnosis
        .findings
        .iter()
        .map(|f| {
            format!(
                "<p class=\"finding\"><code>{}</code> <strong>{}</strong>: {}.<br>Do: {}.</p>",
                f.code,
                f.code.title(),
                escape(&f.evidence),
                escape(&f.advice)
            )
        })
        .collect();
    format!(
        "<section class=\"run\" aria-label=\"Run\"><h2>{}</h2><div class=\"figure\">{pictures}</div>\
         <p class=\"readout\" role=\"status\">&nbsp;</p>{findings}</section>\n",
        caption(s)
    )
}

fn small(number: usize, s: &Judged) -> String {
    let picture = picture::run(s, SMALL.0, SMALL.1)
        .map_or_else(String::new, |scene| svg::part(&scene, &format!("run{number}"), "plot"));
    let codes: Vec<String> = s.diagnosis.findings.iter().map(|f| format!("{} {}", f.code, f.code.title())).collect();
    format!("<figure>{picture}<figcaption>{}<br>{}</figcaption></figure>\n", caption(s), escape(&codes.join("; ")))
}

fn table(shown: &[Judged]) -> String {
    let rows: String = shown
        .iter()
        .map(|s| {
            let d = &s.diagnosis;
            let number = |lr: Option<f64>| lr.map_or_else(|| "?".to_owned(), rate);
            let why = d.findings.first().map_or_else(String::new, |f| f.evidence.clone());
            let todo = d.findings.first().map_or_else(String::new, |f| f.advice.clone());
            format!(
                "<tr><td>{}</td><td class=\"n\">{}</td><td class=\"verdict {}\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td>{}</td><td>{}</td></tr>\n",
                escape(&s.name()),
                number(s.record.base_lr()),
                Ink::from(d.verdict).name(),
                d.verdict,
                sure(d).unwrap_or_default(),
                number(d.next_lr),
                escape(&why),
                escape(&todo)
            )
        })
        .collect();
    format!(
        "<section><details open><summary>All runs</summary><div class=\"scroll\"><table><thead><tr><th>run</th><th class=\"n\">lr</th>\
         <th>verdict</th><th class=\"n\">sure</th><th class=\"n\">next</th><th>because</th><th>do</th></tr></thead><tbody>\n{rows}</tbody></table></div></details></section>\n"
    )
}
