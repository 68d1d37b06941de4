//! The HTML page: one file, no network. It has the answer, both plots, the trials, the cost and the
//! JSON object.
//!
//! The page is complete without its script: the plots are then drawn here, for wide and for narrow
//! screens. The script (made from `web/`) draws the same study from the element `#study`, with the
//! components of the live page.

mod facts;
mod parts;
pub mod study;

pub use facts::{AnswerFacts, CostTable};

use crate::figure::svg::{self, escape};
use crate::figure::{self, scene::Scene};
use serde_json::Value;
use stepsize::Report;

/// The style sheet of every page, made from `web/` by esbuild.
pub const STYLE: &str = include_str!("../web/page.css");
/// The script of every page, made from `web/` by esbuild.
pub const SCRIPT: &str = include_str!("../web/page.js");

/// Sizes of a plot: on wide and on narrow screens.
const SIZES: [(&str, f64, f64); 2] = [("wide", 880.0, 420.0), ("narrow", 400.0, 400.0)];

/// Content policy: the page may fetch nothing, whatever a text in the report contains.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:";

/// The page of a report; `object` is embedded unchanged.
pub fn html(report: &Report, object: &Value) -> String {
    let headline = escape(&figure::headline(report));
    let mut body = "<div id=\"page\">\n".to_owned() + &parts::answer(report);
    body += &plot("sensitivity", "Loss over rate", report, figure::sensitivity);
    body += &plot("losses", "Loss over steps", report, figure::losses);
    body += &parts::cost(report);
    body += &parts::runs(report);
    body += "</div>\n";
    body += &data("study", &study::whole(report));
    document(&format!("Stepsize: {headline}"), "", &body, object)
}

/// A whole page around `body`; `title` is already escaped.
pub(crate) fn document(title: &str, style: &str, body: &str, object: &Value) -> String {
    let object = data("stepsize", object);
    format!(
        r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>{title}</title>
<style>
{STYLE}{style}</style>
</head>
<body>
<main>
{body}<footer>Made by Stepsize {version}. The numbers behind this page are embedded in it as JSON (element <code>#stepsize</code>).</footer>
</main>
{object}<script>
{SCRIPT}</script>
</body>
</html>
"#,
        version = env!("CARGO_PKG_VERSION")
    )
}

/// JSON for the script.
pub(crate) fn data(id: &str, value: &Value) -> String {
    // `</script>` would end the element. In JSON every `<` is inside a string, where this escape is
    // legal.
    let json = value.to_string().replace('<', "\\u003c");
    format!("<script type=\"application/json\" id=\"{id}\">{json}</script>\n")
}

type Draw = fn(&Report, f64, f64) -> Option<Scene>;

/// A section with a plot in both sizes; nothing where there is nothing to draw.
fn plot(id: &str, heading: &str, report: &Report, draw: Draw) -> String {
    let mut pictures = String::new();
    for (class, width, height) in SIZES {
        let Some(scene) = draw(report, width, height) else { return String::new() };
        pictures += &svg::part(&scene, &format!("{id}-{class}"), &format!("plot {class}"));
    }
    let about = format!(r#"<section id="{id}" aria-label="{heading}">"#);
    format!("{about}\n<div class=\"figure\">\n{pictures}</div>\n</section>\n")
}
