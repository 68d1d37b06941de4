//! `stepsize playground --export`: the playground as a static page with recorded experiments.

use crate::args::PlaygroundArgs;
use crate::done::{Done, Fault};
use std::io::IsTerminal;
use stepsize_draw::number::{count, plural};

/// Records and writes.
pub fn run(args: &PlaygroundArgs) -> Result<Done, Fault> {
    let terminal = std::io::stderr().is_terminal();
    let written = stepsize_serve::playground::export(&args.export, &mut |what| {
        if terminal {
            eprint!("\r\x1b[Krecording {}", what.chars().take(60).collect::<String>());
        }
    })?;
    if terminal {
        eprint!("\r\x1b[K");
    }
    let (page, size) = (written.page.display(), count(written.bytes as u64 / 1000));
    let experiments = plural(written.experiments as u64, "recorded experiment");
    Ok(Done::answer(format!("{page}: {experiments}, {size} kB; open it in a browser\n")))
}
