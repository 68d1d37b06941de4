//! [`Panel`]: the frame of a plot with its axes; maps values to places.

use super::font;
use super::ink::Ink;
use super::scene::{Anchor, Axes, Path, Rect, Scene, Text};
use crate::number;
use crate::view::Axis;

/// Size of axis text.
const SMALL: f64 = 12.0;

/// A plot that is being drawn.
pub struct Panel {
    /// The scene so far.
    pub scene: Scene,
    /// The frame.
    pub frame: Rect,
    /// Horizontal values.
    pub x: Axis,
    /// Vertical values.
    pub y: Axis,
    clip: usize,
}

impl Panel {
    /// A frame with grid, ticks and axis names; `top` units above it stay free.
    pub fn new(
        size: (f64, f64),
        top: f64,
        (x, x_name): (Axis, &str),
        (y, y_name): (Axis, &str),
        about: (&str, &str),
    ) -> Self {
        let (width, height) = size;
        let mut scene = Scene::new(width, height, about.0, about.1);
        let frame = Rect { x: 70.0, y: top, width: width - 70.0 - 20.0, height: height - top - 52.0 };
        let clip = scene.clip(frame);
        scene.reading = Some(Axes { frame, x, y });
        scene.text(Text { bold: true, size: 15.0, ..Text::new(frame.x, 24.0, about.0.to_owned()) });
        let mut panel = Self { scene, frame, x, y, clip };
        panel.axes(x_name, y_name);
        panel
    }

    /// Where a pair of values lies.
    pub fn at(&self, x: f64, y: f64) -> (f64, f64) {
        (self.across(x), self.up(y))
    }

    /// Where a horizontal value lies.
    pub fn across(&self, x: f64) -> f64 {
        self.frame.x + self.x.place(x).clamp(-1.0, 2.0) * self.frame.width
    }

    /// Where a vertical value lies.
    pub fn up(&self, y: f64) -> f64 {
        self.frame.y + (1.0 - self.y.place(y).clamp(-1.0, 2.0)) * self.frame.height
    }

    /// The lower end of the frame.
    pub fn bottom(&self) -> f64 {
        self.frame.y + self.frame.height
    }

    /// The right end of the frame.
    pub fn right(&self) -> f64 {
        self.frame.x + self.frame.width
    }

    /// Adds an item, clipped to the frame.
    pub fn inside(&mut self, path: Path) {
        self.scene.path(Path { clip: Some(self.clip), ..path });
    }

    fn axes(&mut self, x_name: &str, y_name: &str) {
        let Rect { x, y, width, height } = self.frame;
        let bottom = y + height;
        let (x_major, x_minor) = self.x.ticks((width / 75.0) as usize);
        let (y_major, y_minor) = self.y.ticks((height / 48.0) as usize);
        for value in &x_major {
            let at = self.across(*value);
            self.inside(Path::line(vec![(at, y), (at, bottom)], Ink::Grid, 1.0));
        }
        for value in &y_major {
            let at = self.up(*value);
            self.inside(Path::line(vec![(x, at), (x + width, at)], Ink::Grid, 1.0));
        }
        for (values, length) in [(&x_minor, 3.0), (&x_major, 6.0)] {
            for value in values {
                let at = self.across(*value);
                self.scene.path(Path::line(vec![(at, bottom), (at, bottom + length)], Ink::Frame, 1.0));
            }
        }
        for (values, length) in [(&y_minor, 3.0), (&y_major, 6.0)] {
            for value in values {
                let at = self.up(*value);
                self.scene.path(Path::line(vec![(x - length, at), (x, at)], Ink::Frame, 1.0));
            }
        }
        self.scene.path(Path::line(vec![(x, y), (x, bottom), (x + width, bottom)], Ink::Frame, 1.0));
        for (value, name) in x_major.iter().copied().zip(names(&x_major, self.x.log)) {
            let text = Text {
                size: SMALL,
                anchor: Anchor::Middle,
                ink: Ink::Faint,
                ..Text::new(self.across(value), bottom + 20.0, name)
            };
            self.scene.text(text);
        }
        for (value, name) in y_major.iter().copied().zip(names(&y_major, self.y.log)) {
            let text = Text {
                size: SMALL,
                anchor: Anchor::End,
                ink: Ink::Faint,
                ..Text::new(x - 9.0, self.up(value) + 4.0, name)
            };
            self.scene.text(text);
        }
        let name = |x, y, name: &str| Text { anchor: Anchor::Middle, ..Text::new(x, y, name.to_owned()) };
        self.scene.text(name(x + width / 2.0, bottom + 42.0, x_name));
        self.scene.text(Text { upward: true, ..name(18.0, y + height / 2.0, y_name) });
    }

    /// Writes the legend above the frame, from the left, on as many lines as it needs.
    pub fn legend(&mut self, entries: Vec<(Sample, String)>) {
        let (mut x, mut y) = (self.frame.x, 46.0);
        for (sample, words) in entries {
            let length = 26.0 + font::width(&words, SMALL, false) + 18.0;
            if x > self.frame.x && x + length - 18.0 > self.right() {
                (x, y) = (self.frame.x, y + 18.0);
            }
            sample.draw(&mut self.scene, x + 9.0, y - 4.0);
            self.scene.text(Text { size: SMALL, ink: Ink::Faint, ..Text::new(x + 24.0, y, words) });
            x += length;
        }
    }
}

/// Number of lines that a legend needs in a plot of this width.
pub fn legend_lines(words: &[String], width: f64) -> usize {
    let (mut x, mut lines) = (0.0, 1);
    for word in words {
        let length = 26.0 + font::width(word, SMALL, false) + 18.0;
        if x > 0.0 && x + length - 18.0 > width - 90.0 {
            (x, lines) = (0.0, lines + 1);
        }
        x += length;
    }
    lines
}

/// The sign in front of the words of a legend.
pub enum Sample {
    /// A marker: see [`marker`].
    Marker(usize, Ink),
    /// A cross.
    Cross,
    /// A line.
    Line(Ink, &'static [f64]),
    /// A shaded area.
    Area(Ink, f64),
}

impl Sample {
    fn draw(self, scene: &mut Scene, x: f64, y: f64) {
        match self {
            Sample::Marker(rank, ink) => scene.path(marker(rank, x, y, ink)),
            Sample::Cross => cross(x, y).into_iter().for_each(|line| scene.path(line)),
            Sample::Line(ink, dashes) => {
                scene.path(Path { dashes, ..Path::line(vec![(x - 9.0, y), (x + 10.0, y)], ink, 2.2) });
            }
            Sample::Area(ink, opacity) => {
                let (left, right, top, bottom) = (x - 8.0, x + 9.0, y - 6.0, y + 6.0);
                scene.path(Path::shape(vec![(left, top), (right, top), (right, bottom), (left, bottom)], ink, opacity));
            }
        }
    }
}

/// A point: a circle for the longest trials, then square, diamond and triangle for shorter ones.
pub fn marker(rank: usize, x: f64, y: f64, ink: Ink) -> Path {
    let corners = |shape: &[(f64, f64)]| shape.iter().map(|(dx, dy)| (x + dx, y + dy)).collect();
    let path = match rank {
        0 => Path::circle(x, y, 5.5, ink),
        1 => Path::shape(corners(&[(-4.5, -4.5), (4.5, -4.5), (4.5, 4.5), (-4.5, 4.5)]), ink, 1.0),
        2 => Path::shape(corners(&[(0.0, -6.0), (5.5, 0.0), (0.0, 6.0), (-5.5, 0.0)]), ink, 1.0),
        _ => Path::shape(corners(&[(0.0, -5.0), (5.0, 4.0), (-5.0, 4.0)]), ink, 1.0),
    };
    Path { stroke: Some((Ink::Paper, 1.2)), ..path }
}

/// A cross, for divergence.
pub fn cross(x: f64, y: f64) -> [Path; 2] {
    let line =
        |a: (f64, f64), b: (f64, f64)| Path::line(vec![(x + a.0, y + a.1), (x + b.0, y + b.1)], Ink::Diverged, 2.4);
    [line((-5.0, -5.0), (5.0, 5.0)), line((-5.0, 5.0), (5.0, -5.0))]
}

/// Labels of an axis: powers of ten if all values are such and span several decades, else plain
/// numbers.
fn names(values: &[f64], log: bool) -> Vec<String> {
    let power = |v: f64| v.log10().round();
    let whole = |v: &f64| (v.log10() - power(*v)).abs() < 1e-9;
    let far = |v: &f64| !(-2.5..3.5).contains(&v.log10());
    let powers = log && values.iter().all(whole) && values.iter().any(far);
    let name = |v: &f64| match powers {
        true if power(*v) == 0.0 => "1".to_owned(),
        true if power(*v) == 1.0 => "10".to_owned(),
        true => format!("10^{:.0}", power(*v)).replace('-', "\u{2212}"),
        false => number::significant(*v, 3),
    };
    values.iter().map(name).collect()
}
