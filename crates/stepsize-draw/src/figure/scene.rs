//! [`Scene`]: lines, shapes and text in drawing order, with clipping rectangles and notes. All
//! output formats draw a scene.

use super::ink::Ink;

/// A rectangle: left, top, width, height.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rect {
    /// Left.
    pub x: f64,
    /// Top.
    pub y: f64,
    /// Width.
    pub width: f64,
    /// Height.
    pub height: f64,
}

/// Alignment of text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    /// The text begins at its place.
    Start,
    /// The middle of the text is at its place.
    Middle,
    /// The text ends at its place.
    End,
}

/// A line of text; `y` is its base line.
#[derive(Debug, Clone, PartialEq)]
pub struct Text {
    /// Place.
    pub x: f64,
    /// Base line.
    pub y: f64,
    /// The text. Characters between `^` and the next blank are raised: `10^-3`.
    pub text: String,
    /// Height of an em.
    pub size: f64,
    /// Drawn bold.
    pub bold: bool,
    /// Colour.
    pub ink: Ink,
    /// Alignment about `x`.
    pub anchor: Anchor,
    /// Rotated to read upward.
    pub upward: bool,
    /// Outlined in the colour of the paper, so that it stays readable over lines.
    pub halo: bool,
}

impl Text {
    /// Plain text of size 13 beginning at `(x, y)`.
    pub fn new(x: f64, y: f64, text: String) -> Self {
        Self { x, y, text, size: 13.0, bold: false, ink: Ink::Text, anchor: Anchor::Start, upward: false, halo: false }
    }
}

/// A line or shape: corners, stroke, fill and note.
#[derive(Debug, Clone, PartialEq)]
pub struct Path {
    /// Corners.
    pub points: Vec<(f64, f64)>,
    /// Whether the last corner is joined to the first.
    pub closed: bool,
    /// A circle: `points` are its centre and a point on it.
    pub circle: bool,
    /// Colour and width of the line.
    pub stroke: Option<(Ink, f64)>,
    /// Dashes and gaps.
    pub dashes: &'static [f64],
    /// Colour and opacity of the inside.
    pub fill: Option<(Ink, f64)>,
    /// Index of the clipping rectangle in [`Scene::clips`].
    pub clip: Option<usize>,
    /// Tooltip.
    pub note: Option<String>,
    /// Name of the group that the page can switch on and off.
    pub key: Option<String>,
}

impl Path {
    /// A line through `points`.
    pub fn line(points: Vec<(f64, f64)>, ink: Ink, width: f64) -> Self {
        Self {
            points,
            closed: false,
            circle: false,
            stroke: Some((ink, width)),
            dashes: &[],
            fill: None,
            clip: None,
            note: None,
            key: None,
        }
    }

    /// A filled shape.
    pub fn shape(points: Vec<(f64, f64)>, ink: Ink, opacity: f64) -> Self {
        Self { closed: true, stroke: None, fill: Some((ink, opacity)), ..Self::line(points, ink, 0.0) }
    }

    /// A filled circle.
    pub fn circle(x: f64, y: f64, radius: f64, ink: Ink) -> Self {
        Self { circle: true, ..Self::shape(vec![(x, y), (x + radius, y)], ink, 1.0) }
    }
}

/// One thing in a scene.
#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    /// A line or shape.
    Path(Path),
    /// Text.
    Text(Text),
}

/// Maps places in a plot back to values, for the read-out of the page.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Axes {
    /// The frame.
    pub frame: Rect,
    /// Horizontal values.
    pub x: crate::view::Axis,
    /// Vertical values.
    pub y: crate::view::Axis,
}

/// A picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Scene {
    /// Width.
    pub width: f64,
    /// Height.
    pub height: f64,
    /// Title.
    pub title: String,
    /// Description in a sentence or two, for screen readers.
    pub description: String,
    /// Clipping rectangles.
    pub clips: Vec<Rect>,
    /// Items, back to front.
    pub items: Vec<Item>,
    /// The axes, if the picture is a plot.
    pub reading: Option<Axes>,
}

impl Scene {
    /// An empty picture.
    pub fn new(width: f64, height: f64, title: &str, description: &str) -> Self {
        let (title, description) = (title.to_owned(), description.to_owned());
        Self { width, height, title, description, clips: Vec::new(), items: Vec::new(), reading: None }
    }

    /// Adds a line or shape.
    pub fn path(&mut self, path: Path) {
        self.items.push(Item::Path(path));
    }

    /// Adds text.
    pub fn text(&mut self, text: Text) {
        self.items.push(Item::Text(text));
    }

    /// Adds a clipping rectangle and returns its index.
    pub fn clip(&mut self, rect: Rect) -> usize {
        self.clips.push(rect);
        self.clips.len() - 1
    }

    /// Adds all items of another picture, moved by `(dx, dy)`.
    pub fn place(&mut self, other: Scene, dx: f64, dy: f64) {
        let first = self.clips.len();
        self.clips.extend(other.clips.into_iter().map(|r| Rect { x: r.x + dx, y: r.y + dy, ..r }));
        self.items.extend(other.items.into_iter().map(|item| match item {
            Item::Text(text) => Item::Text(Text { x: text.x + dx, y: text.y + dy, ..text }),
            Item::Path(path) => {
                let points = path.points.iter().map(|(x, y)| (x + dx, y + dy)).collect();
                Item::Path(Path { points, clip: path.clip.map(|c| c + first), ..path })
            }
        }));
    }

    /// Whether the picture has no line and no shape.
    pub fn is_bare(&self) -> bool {
        !self.items.iter().any(|i| matches!(i, Item::Path(_)))
    }
}
