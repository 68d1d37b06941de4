//! `stepsize demo`: why the rate matters. A child has seen ten black birds; now comes a yellow one,
//! and then more birds.
//!
//! Three learners see the same birds. Each takes one gradient step a bird ([`stepsize::birds`]);
//! what they come to believe, and the words for it, are read off their beliefs. The desirable rate
//! is searched for: the one that errs least on birds not yet seen.

use crate::args::DemoArgs;
use crate::done::{Done, Fault};
use serde_json::json;
use std::io::{IsTerminal, Write};
use std::time::Duration;
use stepsize::birds::{FIRST, best_rate, birds};
use stepsize_draw::figure::birds::{Learner, percent};
use stepsize_draw::figure::{self, svg};
use stepsize_draw::number::rate;
use stepsize_draw::show::plot::in_signs;
use stepsize_draw::show::{self, Style, Tone};

/// Between two birds.
const FRAME: Duration = Duration::from_millis(140);
/// Low and high beside the desirable rate.
const APART: f64 = 40.0;
/// Characters of a bar, where there is room.
const BAR: usize = 34;
/// Characters before the row of birds, before a bar, and after it.
const LABEL: usize = 7;
const NAME: usize = 25;
const PERCENT: usize = 17;

/// Tells the story.
pub fn run(args: &DemoArgs, style: Style) -> Result<Done, Fault> {
    let birds = birds(args.birds, args.seed);
    let rates = match args.rates.as_slice() {
        [] => {
            let best = best_rate(&birds);
            [best / APART, best, best * APART]
        }
        [low, good, high] if *low > 0.0 && low < good && good < high && high.is_finite() => [*low, *good, *high],
        other => return Err(Fault::usage(format!("--rates takes three rates above 0 that rise, not {other:?}"))),
    };
    let names = ["low", "desirable", "high"];
    let learners: Vec<Learner> =
        names.into_iter().zip(rates).map(|(name, lr)| Learner::new(name, lr, &birds)).collect();
    let scene = figure::birds::draw(&birds, FIRST + 1, &learners);
    if let Some(path) = &args.svg {
        crate::files::write(path, svg::file(&scene).as_bytes())?;
    }
    if let Some(path) = &args.png {
        crate::files::write(path, &figure::scene_png(&scene)?)?;
    }
    if args.json {
        let each = |l: &Learner| json!({ "name": l.name, "lr": l.lr, "beliefs": l.beliefs, "words": l.words });
        let all: Vec<_> = learners.iter().map(each).collect();
        return Ok(Done::answer(format!("{:#}\n", json!({ "birds": birds, "learners": all }))));
    }
    let end = birds.len();
    // A line that wraps would spoil the frames.
    let plain = frame(&birds, &learners, end, Style { colour: false, ..style });
    let fits = plain.lines().all(|line| line.chars().count() < style.columns);
    if !args.still && fits && std::io::stdout().is_terminal() {
        animate(&birds, &learners, style)?;
    }
    let mut text = frame(&birds, &learners, end, style);
    text.push('\n');
    for learner in &learners {
        let words = format!("rate {}: {}", rate(learner.lr), learner.words);
        text += &(show::wrapped(&format!("{}: ", learner.name), &words, style) + "\n");
    }
    let why = "The rate is how far one example may move a belief. Too low, and nothing is learned in time; too high, and the last \
               example is all there is. `stepsize find` looks for the rate in between, for a real network.";
    text += &format!("\n{}\n", show::wrapped("", why, style));
    Ok(Done::answer(text))
}

/// Draws every frame over the one before; the last one is left to the caller.
fn animate(birds: &[bool], learners: &[Learner], style: Style) -> Result<(), Fault> {
    let stop = crate::search::interrupt()?;
    let mut out = std::io::stdout().lock();
    for seen in 0..=birds.len() {
        let text = frame(birds, learners, seen, style);
        let lines = text.lines().count();
        // A reader that has gone away ends the show, and so does Ctrl-C.
        if write!(out, "{text}").and_then(|()| out.flush()).is_err() || stop.load(std::sync::atomic::Ordering::Relaxed)
        {
            return Ok(());
        }
        // The first yellow bird is what it is about.
        std::thread::sleep(if seen == FIRST || seen == FIRST + 1 { 8 * FRAME } else { FRAME });
        let _ = write!(out, "\x1b[{lines}A\x1b[J");
    }
    Ok(())
}

/// What is seen and believed after `seen` birds, in the width of the terminal.
fn frame(birds: &[bool], learners: &[Learner], seen: usize, style: Style) -> String {
    let cells: Vec<String> = birds
        .iter()
        .enumerate()
        .map(|(i, yellow)| match (i < seen, *yellow) {
            (false, _) => Tone::Dim.paint(".", style.colour),
            (true, true) => Tone::High.paint("Y", style.colour),
            (true, false) => "b".to_owned(),
        })
        .collect();
    let yellow = birds[..seen].iter().filter(|b| **b).count();
    let count = format!("{seen} seen, {yellow} yellow");
    let room = style.columns.saturating_sub(LABEL).max(20);
    let rows: Vec<String> = cells.chunks(room).map(<[String]>::concat).collect();
    let mut text = format!("birds  {}", rows.join("\n       "));
    text +=
        if cells.len() + 2 + format!("{0} seen, {0} yellow", birds.len()).len() <= room { "  " } else { "\n       " };
    let legend = "b black, Y yellow; bars: belief that the next is yellow; │ share of yellow so far";
    text += &format!("{count}\n{}\n\n", show::wrapped("       ", legend, style));
    let share = yellow as f64 / seen.max(1) as f64;
    let width = BAR.min(style.columns.saturating_sub(NAME + PERCENT).max(10));
    // One little bar for so many birds.
    let every = (birds.len() + 1).div_ceil(style.columns.saturating_sub(NAME).max(20));
    for learner in learners {
        let tone = match learner.name {
            "low" => Tone::Low,
            "high" => Tone::High,
            _ => Tone::Good,
        };
        let belief = learner.beliefs[seen];
        let believed = ((belief * width as f64).round() as usize).min(width);
        let at = ((share * width as f64) as usize).min(width - 1);
        let cell = |i: usize| match i {
            i if i == at => '│',
            i if i < believed => '█',
            _ => '·',
        };
        let bar = tone.paint(&(0..width).map(cell).collect::<String>(), style.colour);
        let name = format!("{:<10} rate {:<8}", learner.name, rate(learner.lr));
        text += &format!("{name} {bar}  {:>5} % yellow\n", percent(belief));
        let highest = learner.beliefs[..=seen].chunks(every).map(|some| some.iter().copied().fold(0.0, f64::max));
        text += &format!("{:NAME$}{}\n", "", spark(highest));
    }
    in_signs(text, style)
}

/// A line of little bars.
fn spark(beliefs: impl Iterator<Item = f64>) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    beliefs.map(|b| BARS[((b * 8.0) as usize).min(7)]).collect()
}
