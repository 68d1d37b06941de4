//! A scene as SVG: a file with fixed colours, or a part of the page that takes its colours from the
//! style sheet.

use super::font;
use super::ink::Ink;
use super::scene::{Anchor, Item, Path, Scene, Text};
use std::fmt::Write;

/// Font families; the layout was measured with the first.
const FAMILY: &str = "Inter, 'Helvetica Neue', Helvetica, Arial, sans-serif";

/// How colours are named.
#[derive(Clone, Copy)]
enum Colours {
    Fixed,
    Sheet,
}

impl Colours {
    fn of(self, ink: Ink) -> String {
        match self {
            Colours::Fixed => {
                let [r, g, b] = ink.rgb();
                format!("#{r:02x}{g:02x}{b:02x}")
            }
            Colours::Sheet => format!("var(--ink-{})", ink.name()),
        }
    }
}

/// A file that stands alone.
pub fn file(scene: &Scene) -> String {
    let background = format!(r#"<rect width="100%" height="100%" fill="{}"/>"#, Colours::Fixed.of(Ink::Paper));
    let size = format!(r#" width="{}" height="{}""#, number(scene.width), number(scene.height));
    draw(scene, "f", &size, &background, Colours::Fixed)
}

/// A part of a page. `id` makes the element names unique in the page.
pub fn part(scene: &Scene, id: &str, class: &str) -> String {
    let mut extra = format!(r#" class="{class}""#);
    if let Some(reading) = &scene.reading {
        let (f, x, y) = (reading.frame, reading.x, reading.y);
        let _ = write!(
            extra,
            r#" data-frame="{} {} {} {}" data-x="{:e} {:e} {}" data-y="{:e} {:e} {}""#,
            number(f.x),
            number(f.y),
            number(f.width),
            number(f.height),
            x.low,
            x.high,
            x.log,
            y.low,
            y.high,
            y.log
        );
    }
    draw(scene, id, &extra, "", Colours::Sheet)
}

fn draw(scene: &Scene, id: &str, extra: &str, background: &str, colours: Colours) -> String {
    let mut out = format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {} {}" role="img" aria-labelledby="{id}-t {id}-d" font-family="{FAMILY}"{extra}>"#,
        number(scene.width),
        number(scene.height)
    );
    let _ = write!(
        out,
        r#"<title id="{id}-t">{}</title><desc id="{id}-d">{}</desc>{background}"#,
        escape(&scene.title),
        escape(&scene.description)
    );
    if !scene.clips.is_empty() {
        out.push_str("<defs>");
        for (i, r) in scene.clips.iter().enumerate() {
            let (x, y, w, h) = (number(r.x), number(r.y), number(r.width), number(r.height));
            let _ =
                write!(out, r#"<clipPath id="{id}-c{i}"><rect x="{x}" y="{y}" width="{w}" height="{h}"/></clipPath>"#);
        }
        out.push_str("</defs>");
    }
    for item in &scene.items {
        match item {
            Item::Path(shape) => path(&mut out, shape, id, colours),
            Item::Text(line) => text(&mut out, line, colours),
        }
        out.push('\n');
    }
    out.push_str("</svg>\n");
    out
}

fn path(out: &mut String, path: &Path, id: &str, colours: Colours) {
    let mut attributes = String::new();
    match path.fill {
        Some((ink, opacity)) => {
            let _ = write!(attributes, r#" fill="{}""#, colours.of(ink));
            if opacity < 1.0 {
                let _ = write!(attributes, r#" fill-opacity="{opacity}""#);
            }
        }
        None => attributes.push_str(r#" fill="none""#),
    }
    if let Some((ink, width)) = path.stroke {
        let _ = write!(attributes, r#" stroke="{}" stroke-width="{width}" stroke-linejoin="round""#, colours.of(ink));
    }
    if !path.dashes.is_empty() {
        let dashes: Vec<String> = path.dashes.iter().map(|d| number(*d)).collect();
        let _ = write!(attributes, r#" stroke-dasharray="{}""#, dashes.join(" "));
    }
    if let Some(clip) = path.clip {
        let _ = write!(attributes, r#" clip-path="url(#{id}-c{clip})""#);
    }
    if let (Some(key), Colours::Sheet) = (&path.key, colours) {
        let _ = write!(attributes, r#" data-key="{}""#, escape(key));
    }
    if let (Some(note), Colours::Sheet) = (&path.note, colours) {
        let _ = write!(attributes, r#" data-note="{}""#, escape(note));
    }
    let title = path.note.as_ref().map_or(String::new(), |n| format!("<title>{}</title>", escape(n)));
    if path.circle {
        if let [(x, y), (edge, _)] = path.points[..] {
            let _ = write!(
                out,
                r#"<circle cx="{}" cy="{}" r="{}"{attributes}>{title}</circle>"#,
                number(x),
                number(y),
                number(edge - x)
            );
        }
        return;
    }
    let name = if path.closed { "polygon" } else { "polyline" };
    let points: Vec<String> = path.points.iter().map(|(x, y)| format!("{},{}", number(*x), number(*y))).collect();
    let _ = write!(out, r#"<{name} points="{}"{attributes}>{title}</{name}>"#, points.join(" "));
}

fn text(out: &mut String, text: &Text, colours: Colours) {
    let anchor = match text.anchor {
        Anchor::Start => "start",
        Anchor::Middle => "middle",
        Anchor::End => "end",
    };
    let (x, y) = (number(text.x), number(text.y));
    let turn = if text.upward { format!(r#" transform="rotate(-90 {x} {y})""#) } else { String::new() };
    let weight = if text.bold { r#" font-weight="600""# } else { "" };
    let halo = match text.halo {
        true => format!(r#" stroke="{}" stroke-width="3" paint-order="stroke""#, colours.of(Ink::Paper)),
        false => String::new(),
    };
    let _ = write!(
        out,
        r#"<text x="{x}" y="{y}" font-size="{}" text-anchor="{anchor}" fill="{}"{weight}{halo}{turn}>{}</text>"#,
        number(text.size),
        colours.of(text.ink),
        spans(text)
    );
}

/// The text with its raised characters as spans.
fn spans(text: &Text) -> String {
    let (mut out, mut raised) = (String::new(), false);
    for (c, scale, rise) in font::runs(&text.text) {
        if (scale < 1.0) != raised {
            raised = !raised;
            if raised {
                let (size, up) = (number(text.size * scale), number(-rise * text.size));
                let _ = write!(out, r#"<tspan font-size="{size}" dy="{up}">"#);
            } else {
                out.push_str("</tspan>");
            }
        }
        out.push_str(&escape(&c.to_string()));
    }
    if raised {
        out.push_str("</tspan>");
    }
    out
}

/// A coordinate with at most two decimals.
fn number(value: f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Text, escaped for elements and quoted attributes.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
