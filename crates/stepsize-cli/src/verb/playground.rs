//! `stepsize playground`: the playground in the browser, or as a static page with recorded
//! experiments.

use crate::args::{DB, PlaygroundArgs};
use crate::done::{Done, Fault};
use std::io::IsTerminal;
use std::path::Path;
use stepsize_draw::number::{count, plural};
use stepsize_serve::{ServeOptions, Server, playground};

/// Serves, or records and writes.
pub fn run(args: &PlaygroundArgs) -> Result<Done, Fault> {
    match &args.export {
        Some(directory) => write(directory),
        None => serve(args.port),
    }
}

fn serve(port: u16) -> Result<Done, Fault> {
    let server = Server::bind(ServeOptions { port, ..ServeOptions::new(DB) })?;
    let url = server.url("/playground");
    // Without the token: the playground changes nothing.
    println!("{}", url.split('?').next().unwrap_or(&url));
    eprintln!("Ctrl-C ends it");
    // Nothing is kept, so that a signal may end the process where it is.
    server.run(std::future::pending())?;
    Ok(Done::answer(""))
}

fn write(directory: &Path) -> Result<Done, Fault> {
    let terminal = std::io::stderr().is_terminal();
    let written = playground::export(directory, &mut |what| {
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
