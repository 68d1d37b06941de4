//! The picture of `stepsize demo`: the belief of learners at three rates, bird by bird.

use super::ink::Ink;
use super::panel::Panel;
use super::scene::{Path, Rect, Scene, Text};
use crate::number::{rate, significant};
use crate::view::Axis;
use stepsize::birds::{self, Child, FIRST};

/// One learner's run.
#[derive(Debug, Clone, PartialEq)]
pub struct Learner {
    /// `low`, `desirable` or `high`.
    pub name: &'static str,
    /// Its rate.
    pub lr: f64,
    /// Belief that a bird is yellow: before any bird, then after each.
    pub beliefs: Vec<f64>,
    /// The result, in a sentence.
    pub words: String,
}

impl Learner {
    /// A fresh learner that sees `birds` (true: yellow), with what it makes of them in words.
    pub fn new(name: &'static str, lr: f64, birds: &[bool]) -> Self {
        let beliefs = Child::believes(lr, birds);
        let words = words(&beliefs, birds);
        Self { name, lr, beliefs, words }
    }
}

/// A belief in percent.
pub fn percent(belief: f64) -> String {
    significant(100.0 * belief, if belief < 0.1 { 2 } else { 3 })
}

/// What a learner made of it, from its beliefs alone.
fn words(beliefs: &[f64], birds: &[bool]) -> String {
    let (before, after) = (beliefs[FIRST], beliefs[FIRST + 1]);
    let moved = format!("{} % to {} %", percent(before), percent(after));
    let first = if before > 0.3 {
        format!("ten black birds have taught it little, and the yellow one no more: {moved}")
    } else if after > 0.5 {
        format!("one yellow bird, and all birds are yellow: {moved}")
    } else if after - before < 0.02 {
        format!("it passes over the yellow bird: {moved}")
    } else {
        format!("birds are black as a rule, and some are yellow: {moved}")
    };
    // How it errs on the birds that follow, each judged before it is learned from.
    let later = birds::error(beliefs, birds, FIRST + 1);
    match later {
        Some(loss) => format!("{first}; later birds surprise it by {} bits each", significant(loss, 2)),
        None => first,
    }
}

const WIDTH: f64 = 900.0;
const HEIGHT: f64 = 250.0;
const TOP: f64 = 92.0;

/// The picture. `birds` holds true for a yellow bird; the first `first` of them come before the
/// story begins.
pub fn draw(birds: &[bool], first: usize, learners: &[Learner]) -> Scene {
    let title = "A child has seen ten black birds, and now comes a yellow one";
    let words: Vec<&str> = learners.iter().map(|l| l.words.as_str()).collect();
    let mut scene = Scene::new(WIDTH, TOP + HEIGHT * learners.len() as f64, title, &words.join(" "));
    scene.text(Text { bold: true, size: 20.0, ..Text::new(24.0, 36.0, title.to_owned()) });
    let yellow = birds.iter().filter(|b| **b).count();
    let below = format!(
        "The same {} birds for all three, {yellow} of them yellow; one gradient step a bird. Dashed: the first yellow bird. Dotted: share of yellow so far.",
        birds.len()
    );
    scene.text(Text { ink: Ink::Faint, ..Text::new(24.0, 62.0, below) });
    for (i, learner) in learners.iter().enumerate() {
        scene.place(panel(birds, first, learner), 0.0, TOP + HEIGHT * i as f64);
    }
    scene
}

fn panel(birds: &[bool], first: usize, learner: &Learner) -> Scene {
    let ink = match learner.name {
        "low" => Ink::TooLow,
        "high" => Ink::TooHigh,
        _ => Ink::Good,
    };
    let title = format!("{} rate, {}", learner.name, rate(learner.lr));
    let x = Axis::new(0.0, birds.len() as f64, false);
    let y = Axis::new(-0.05, 1.12, false);
    let names = ((x, "birds seen"), (y, "belief: yellow"));
    let mut panel = Panel::new((WIDTH, HEIGHT), 54.0, names.0, names.1, (&title, &learner.words));
    let words = super::font::shorten(&learner.words, 13.0, WIDTH - 100.0);
    panel.scene.text(Text { ink: Ink::Faint, ..Text::new(panel.frame.x, 42.0, words) });
    let at = panel.across(first as f64);
    panel.inside(Path {
        dashes: &[4.0, 4.0],
        ..Path::line(vec![(at, panel.frame.y), (at, panel.bottom())], Ink::Frame, 1.5)
    });
    // The share of yellow among all birds so far: the best estimate that was possible.
    let mut seen = 0;
    let share: Vec<(f64, f64)> = birds
        .iter()
        .enumerate()
        .map(|(i, yellow)| {
            seen += usize::from(*yellow);
            panel.at((i + 1) as f64, seen as f64 / (i + 1) as f64)
        })
        .collect();
    panel.inside(Path { dashes: &[2.0, 3.0], ..Path::line(share, Ink::Faint, 1.5) });
    let line = learner.beliefs.iter().enumerate().map(|(i, b)| panel.at(i as f64, *b)).collect();
    panel.inside(Path::line(line, ink, 2.5));
    let Rect { y: top, .. } = panel.frame;
    for (i, yellow) in birds.iter().enumerate() {
        // A yellow bird is a ring, a black one a dot: the colours are only the story's.
        let mark = Path::circle(panel.across(i as f64 + 1.0), top + 9.0, 4.0, Ink::Text);
        let mark = match yellow {
            true => Path { fill: Some((Ink::TooHigh, 1.0)), stroke: Some((Ink::Text, 1.2)), ..mark },
            false => mark,
        };
        panel.scene.path(mark);
    }
    panel.scene
}
