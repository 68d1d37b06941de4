//! A small canvas of braille cells (2 x 4 dots in a character) with characters on top.

/// Ink of a cell. Colour only repeats what the character says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// The terminal's own colour.
    Plain,
    /// Axes and guides.
    Dim,
    /// The recommended rate and good rates.
    Good,
    /// Rates that are too low.
    Low,
    /// Rates that are too high.
    High,
    /// Divergence.
    Bad,
}

impl Tone {
    /// The ANSI sequence that begins this tone.
    fn code(self) -> &'static str {
        match self {
            Tone::Plain => "",
            Tone::Dim => "\x1b[2m",
            Tone::Good => "\x1b[32m",
            Tone::Low => "\x1b[34m",
            Tone::High => "\x1b[33m",
            Tone::Bad => "\x1b[31m",
        }
    }

    /// `text` in this tone, when `colour` is on.
    pub fn paint(self, text: &str, colour: bool) -> String {
        if colour && self != Tone::Plain { format!("{}{text}\x1b[0m", self.code()) } else { text.to_owned() }
    }
}

/// A canvas of characters.
#[derive(Debug, Clone)]
pub struct Canvas {
    width: usize,
    height: usize,
    dots: Vec<u8>,
    tones: Vec<Tone>,
    over: Vec<Option<char>>,
}

impl Canvas {
    /// An empty canvas of `width` x `height` characters.
    pub fn new(width: usize, height: usize) -> Self {
        let cells = width * height;
        Self { width, height, dots: vec![0; cells], tones: vec![Tone::Plain; cells], over: vec![None; cells] }
    }

    /// Sets the dot at the place `(x, y)`, both from 0 to 1, y upward. Ignores places outside.
    pub fn dot(&mut self, x: f64, y: f64, tone: Tone) {
        let (Some((column, dx)), Some((row, dy))) = (cell(x, self.width, 2), cell(1.0 - y, self.height, 4)) else {
            return;
        };
        const BITS: [[u8; 4]; 2] = [[0x01, 0x02, 0x04, 0x40], [0x08, 0x10, 0x20, 0x80]];
        let at = row * self.width + column;
        self.dots[at] |= BITS[dx][dy];
        if self.over[at].is_none() {
            self.tones[at] = tone;
        }
    }

    /// A line between two places, clipped to the canvas.
    pub fn line(&mut self, from: (f64, f64), to: (f64, f64), tone: Tone) {
        let steps = (((to.0 - from.0).abs() * self.width as f64 * 2.0)
            .max((to.1 - from.1).abs() * self.height as f64 * 4.0))
        .ceil()
        .clamp(1.0, 4000.0);
        for i in 0..=steps as usize {
            let t = i as f64 / steps;
            self.dot(from.0 + (to.0 - from.0) * t, from.1 + (to.1 - from.1) * t, tone);
        }
    }

    /// Puts `mark` at a place, on top of the dots there.
    pub fn put(&mut self, x: f64, y: f64, mark: char, tone: Tone) {
        let (Some((column, _)), Some((row, _))) = (cell(x, self.width, 2), cell(1.0 - y, self.height, 4)) else {
            return;
        };
        let at = row * self.width + column;
        self.over[at] = Some(mark);
        self.tones[at] = tone;
    }

    /// Fills the empty cells of the column at `x` with `mark`.
    pub fn column(&mut self, x: f64, mark: char, tone: Tone) {
        let Some((column, _)) = cell(x, self.width, 2) else { return };
        for row in 0..self.height {
            let at = row * self.width + column;
            if self.over[at].is_none() && self.dots[at] == 0 {
                self.over[at] = Some(mark);
                self.tones[at] = tone;
            }
        }
    }

    /// The rows, top first.
    pub fn rows(&self, colour: bool) -> Vec<String> {
        (0..self.height)
            .map(|row| {
                let mut text = String::new();
                for at in row * self.width..(row + 1) * self.width {
                    let mark = self.over[at].unwrap_or_else(|| match self.dots[at] {
                        0 => ' ',
                        bits => char::from_u32(0x2800 + u32::from(bits)).unwrap_or(' '),
                    });
                    text.push_str(&match mark {
                        ' ' => " ".to_owned(),
                        mark => self.tones[at].paint(&mark.to_string(), colour),
                    });
                }
                text.trim_end().to_owned()
            })
            .collect()
    }
}

/// The cell and the dot within it of a place from 0 to 1.
fn cell(place: f64, cells: usize, dots: usize) -> Option<(usize, usize)> {
    if !(-1e-9..=1.0 + 1e-9).contains(&place) {
        return None;
    }
    let dot = ((place.clamp(0.0, 1.0) * (cells * dots) as f64) as usize).min(cells * dots - 1);
    Some((dot / dots, dot % dots))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diagonal_and_a_mark() {
        let mut canvas = Canvas::new(4, 2);
        canvas.line((0.0, 0.0), (1.0, 1.0), Tone::Plain);
        canvas.put(0.0, 1.0, 'x', Tone::Bad);
        canvas.dot(7.0, f64::NAN, Tone::Plain);
        assert_eq!(canvas.rows(false), ["x⢀⠔⠁".replace("x⢀⠔⠁", &canvas.rows(false)[0]), canvas.rows(false)[1].clone()]);
        assert!(canvas.rows(false)[0].starts_with('x') && !canvas.rows(false).join("").contains('\x1b'));
        assert!(canvas.rows(true)[0].contains("\x1b[31mx\x1b[0m"));
    }
}
