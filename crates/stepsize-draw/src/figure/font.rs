//! The embedded font: widths for the layout, outlines for PNG. Inter, reduced to Latin-1 (see
//! `font/OFL.txt`).

use ttf_parser::{Face, OutlineBuilder};

const REGULAR: &[u8] = include_bytes!("../../font/Inter-Regular.otf");
const SEMIBOLD: &[u8] = include_bytes!("../../font/Inter-SemiBold.otf");

/// Size and rise of raised characters, in ems.
const RAISED: (f64, f64) = (0.72, 0.36);

/// The face; `None` only if the embedded file were broken.
fn face(bold: bool) -> Option<Face<'static>> {
    Face::parse(if bold { SEMIBOLD } else { REGULAR }, 0).ok()
}

/// A character with its size and rise, in ems.
pub fn runs(text: &str) -> impl Iterator<Item = (char, f64, f64)> + '_ {
    let mut raised = false;
    text.chars().filter_map(move |c| {
        match c {
            '^' => {
                raised = true;
                return None;
            }
            ' ' => raised = false,
            _ => {}
        }
        Some(if raised { (c, RAISED.0, RAISED.1) } else { (c, 1.0, 0.0) })
    })
}

/// Width of `text`; `size` is the height of an em.
pub fn width(text: &str, size: f64, bold: bool) -> f64 {
    let Some(face) = face(bold) else { return 0.6 * size * text.chars().count() as f64 };
    let em = f64::from(face.units_per_em());
    runs(text).map(|(c, scale, _)| advance(&face, c) * scale).sum::<f64>() / em * size
}

fn advance(face: &Face<'_>, c: char) -> f64 {
    face.glyph_index(c).and_then(|g| face.glyph_hor_advance(g)).map_or(600.0, f64::from)
}

/// `text`, cut at a word boundary to fit into `width`.
pub fn shorten(text: &str, size: f64, most: f64) -> String {
    if width(text, size, false) <= most {
        return text.to_owned();
    }
    let mut short = String::new();
    for word in text.split(' ') {
        if width(&format!("{short} {word} …"), size, false) > most {
            break;
        }
        if !short.is_empty() {
            short.push(' ');
        }
        short.push_str(word);
    }
    short + " …"
}

/// Gives the outlines of `text` to `pen`: for each character its left edge, scale and rise.
pub fn outline(text: &str, size: f64, bold: bool, pen: &mut dyn Pen) {
    let Some(face) = face(bold) else { return };
    let em = f64::from(face.units_per_em());
    let mut x = 0.0;
    for (c, scale, rise) in runs(text) {
        let unit = size * scale / em;
        if let Some(glyph) = face.glyph_index(c) {
            pen.begin(x, rise * size, unit);
            face.outline_glyph(glyph, pen.builder());
        }
        x += advance(&face, c) * unit;
    }
}

/// Takes outlines, in units of the font, `y` upward.
pub trait Pen {
    /// The next outline begins at `x`, raised by `rise`; `unit` is the scale of a font unit.
    fn begin(&mut self, x: f64, rise: f64, unit: f64);
    /// What receives it.
    fn builder(&mut self) -> &mut dyn OutlineBuilder;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_font_holds_what_the_pictures_say() {
        for bold in [false, true] {
            let face = face(bold).unwrap();
            for c in "abcxyz 0123456789 .,;:()%-−×·–…→≥≤".chars() {
                assert!(face.glyph_index(c).is_some(), "{c:?}");
            }
        }
        assert!(width("10^-3", 10.0, false) < width("10-3", 10.0, false));
        assert_eq!(shorten("one two three four", 10.0, 60.0), "one two …");
    }
}
