//! [`Ink`]: what a line or shape means, and its colour in a file.
//!
//! The colours of the verdicts are those of Okabe and Ito (2008), which people with any common kind
//! of colour blindness can distinguish. Dashes and signs say the same, so that colour never carries
//! meaning alone.

use stepsize::Placement;

/// A meaning that has a colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ink {
    /// Text.
    Text,
    /// Secondary text.
    Faint,
    /// Lines of the grid.
    Grid,
    /// The frame and its ticks.
    Frame,
    /// The background.
    Paper,
    /// The fitted landscape.
    Fit,
    /// A rate that is too low.
    TooLow,
    /// A good rate, the interval and the answer.
    Good,
    /// A rate that is too high.
    TooHigh,
    /// Divergence.
    Diverged,
    /// A rate without verdict.
    Unknown,
}

impl Ink {
    /// Its name in the style sheet: `--ink-NAME`.
    pub fn name(self) -> &'static str {
        match self {
            Ink::Text => "text",
            Ink::Faint => "faint",
            Ink::Grid => "grid",
            Ink::Frame => "frame",
            Ink::Paper => "paper",
            Ink::Fit => "fit",
            Ink::TooLow => "low",
            Ink::Good => "good",
            Ink::TooHigh => "high",
            Ink::Diverged => "bad",
            Ink::Unknown => "unknown",
        }
    }

    /// Its colour on white paper, red, green and blue.
    pub fn rgb(self) -> [u8; 3] {
        match self {
            Ink::Text => [0x1c, 0x1f, 0x24],
            Ink::Faint => [0x5b, 0x62, 0x6d],
            Ink::Grid => [0xe7, 0xe9, 0xed],
            Ink::Frame => [0x9a, 0xa1, 0xac],
            Ink::Paper => [0xff, 0xff, 0xff],
            Ink::Fit => [0x6b, 0x72, 0x80],
            Ink::TooLow => [0x00, 0x72, 0xb2],
            Ink::Good => [0x00, 0x8f, 0x6b],
            Ink::TooHigh => [0xd5, 0x7a, 0x00],
            Ink::Diverged => [0xb0, 0x2a, 0x5b],
            Ink::Unknown => [0x4b, 0x50, 0x59],
        }
    }
}

impl serde::Serialize for Ink {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl From<Placement> for Ink {
    fn from(verdict: Placement) -> Self {
        match verdict {
            Placement::TooLow => Ink::TooLow,
            Placement::Good => Ink::Good,
            Placement::TooHigh => Ink::TooHigh,
            Placement::Diverged => Ink::Diverged,
            Placement::Unknown => Ink::Unknown,
        }
    }
}

/// Lengths of dashes and gaps that show a verdict without colour; empty for a full line.
pub fn dashes(verdict: Placement) -> &'static [f64] {
    match verdict {
        Placement::TooLow => &[7.0, 3.0],
        Placement::Good | Placement::Unknown => &[],
        Placement::TooHigh => &[2.0, 2.5],
        Placement::Diverged => &[8.0, 3.0, 2.0, 3.0],
    }
}
