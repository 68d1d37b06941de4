//! A scene as PNG, with the embedded font: needs no system font and no other program.

use super::font::{self, Pen};
use super::ink::Ink;
use super::scene::{Anchor, Item, Path, Rect, Scene, Text};
use stepsize::{Error, Result};
use tiny_skia::{FillRule, LineCap, LineJoin, Mask, Paint, PathBuilder, Pixmap, Stroke, StrokeDash, Transform};
use ttf_parser::OutlineBuilder;

/// The file.
pub fn file(scene: &Scene, scale: f32) -> Result<Vec<u8>> {
    let (width, height) = ((scene.width as f32 * scale).ceil() as u32, (scene.height as f32 * scale).ceil() as u32);
    let fault = || Error::invalid(format!("cannot make a picture of {width} x {height} pixels"));
    let mut pixmap = Pixmap::new(width, height).ok_or_else(fault)?;
    pixmap.fill(paint(Ink::Paper, 1.0).shader_colour());
    let transform = Transform::from_scale(scale, scale);
    let masks: Vec<Option<Mask>> = scene.clips.iter().map(|r| mask(*r, width, height, transform)).collect();
    for item in &scene.items {
        match item {
            Item::Path(path) => draw_path(&mut pixmap, path, transform, &masks),
            Item::Text(text) => draw_text(&mut pixmap, text, transform),
        }
    }
    pixmap.encode_png().map_err(|e| Error::invalid(format!("cannot encode the picture: {e}")))
}

/// A colour.
struct Colour([u8; 3], f64);

impl Colour {
    fn paint(&self) -> Paint<'static> {
        let mut paint = Paint { anti_alias: true, ..Paint::default() };
        let Colour([r, g, b], opacity) = self;
        paint.set_color_rgba8(*r, *g, *b, (opacity * 255.0).round() as u8);
        paint
    }

    fn shader_colour(&self) -> tiny_skia::Color {
        let Colour([r, g, b], _) = self;
        tiny_skia::Color::from_rgba8(*r, *g, *b, 255)
    }
}

fn paint(ink: Ink, opacity: f64) -> Colour {
    Colour(ink.rgb(), opacity)
}

fn mask(rect: Rect, width: u32, height: u32, transform: Transform) -> Option<Mask> {
    let mut mask = Mask::new(width, height)?;
    let (x, y, w, h) = (rect.x as f32, rect.y as f32, rect.width as f32, rect.height as f32);
    let path = PathBuilder::from_rect(tiny_skia::Rect::from_xywh(x, y, w, h)?);
    mask.fill_path(&path, FillRule::Winding, true, transform);
    Some(mask)
}

fn draw_path(pixmap: &mut Pixmap, path: &Path, transform: Transform, masks: &[Option<Mask>]) {
    let Some(outline) = outline(path) else { return };
    let mask = path.clip.and_then(|c| masks.get(c)).and_then(Option::as_ref);
    if let Some((ink, opacity)) = path.fill {
        pixmap.fill_path(&outline, &paint(ink, opacity).paint(), FillRule::Winding, transform, mask);
    }
    if let Some((ink, width)) = path.stroke {
        let dash = StrokeDash::new(path.dashes.iter().map(|d| *d as f32).collect(), 0.0);
        let (line_cap, line_join) = (LineCap::Butt, LineJoin::Round);
        let stroke = Stroke { width: width as f32, dash, line_cap, line_join, ..Stroke::default() };
        pixmap.stroke_path(&outline, &paint(ink, 1.0).paint(), &stroke, transform, mask);
    }
}

fn outline(path: &Path) -> Option<tiny_skia::Path> {
    if let (true, [(x, y), (edge, _)]) = (path.circle, &path.points[..]) {
        return PathBuilder::from_circle(*x as f32, *y as f32, (edge - x) as f32);
    }
    let mut builder = PathBuilder::new();
    for (i, (x, y)) in path.points.iter().enumerate() {
        match i {
            0 => builder.move_to(*x as f32, *y as f32),
            _ => builder.line_to(*x as f32, *y as f32),
        }
    }
    if path.closed {
        builder.close();
    }
    builder.finish()
}

fn draw_text(pixmap: &mut Pixmap, text: &Text, transform: Transform) {
    let mut pen = Outlines { builder: PathBuilder::new(), x: 0.0, rise: 0.0, unit: 0.0 };
    font::outline(&text.text, text.size, text.bold, &mut pen);
    let Some(outline) = pen.builder.finish() else { return };
    let width = font::width(&text.text, text.size, text.bold);
    let shift = match text.anchor {
        Anchor::Start => 0.0,
        Anchor::Middle => -width / 2.0,
        Anchor::End => -width,
    };
    let turn = if text.upward { -90.0 } else { 0.0 };
    let place = transform
        .pre_concat(Transform::from_translate(text.x as f32, text.y as f32))
        .pre_concat(Transform::from_rotate(turn))
        .pre_concat(Transform::from_translate(shift as f32, 0.0));
    if text.halo {
        let stroke = Stroke { width: 3.0, line_join: LineJoin::Round, ..Stroke::default() };
        pixmap.stroke_path(&outline, &paint(Ink::Paper, 1.0).paint(), &stroke, place, None);
    }
    pixmap.fill_path(&outline, &paint(text.ink, 1.0).paint(), FillRule::Winding, place, None);
}

/// Collects outlines as one path, `y` downward.
struct Outlines {
    builder: PathBuilder,
    x: f64,
    rise: f64,
    unit: f64,
}

impl Outlines {
    fn at(&self, x: f32, y: f32) -> (f32, f32) {
        let (x, y) = (self.x + f64::from(x) * self.unit, -self.rise - f64::from(y) * self.unit);
        (x as f32, y as f32)
    }
}

impl Pen for Outlines {
    fn begin(&mut self, x: f64, rise: f64, unit: f64) {
        (self.x, self.rise, self.unit) = (x, rise, unit);
    }

    fn builder(&mut self) -> &mut dyn OutlineBuilder {
        self
    }
}

impl OutlineBuilder for Outlines {
    fn move_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.at(x, y);
        self.builder.move_to(x, y);
    }

    fn line_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.at(x, y);
        self.builder.line_to(x, y);
    }

    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        let ((x1, y1), (x, y)) = (self.at(x1, y1), self.at(x, y));
        self.builder.quad_to(x1, y1, x, y);
    }

    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        let ((x1, y1), (x2, y2), (x, y)) = (self.at(x1, y1), self.at(x2, y2), self.at(x, y));
        self.builder.cubic_to(x1, y1, x2, y2, x, y);
    }

    fn close(&mut self) {
        self.builder.close();
    }
}
