//! Checks of this repository that the compiler does not make. No dependencies, so that it builds in
//! about a second.
//!
//! `cargo xtask check` runs them all; `./check` calls it.
//!
//! | module | rule |
//! |---|---|
//! | [`names`] | one name for one type; exceptions in `names.txt` |
//! | [`size`] | files of at most 400 lines |
//! | [`width`] | comment lines of at most 100 columns |
//! | [`words`] | no words that `docs/STYLE.md` replaces |
//! | [`licences`] | dependencies have a licence that `deny.toml` allows, and come from crates.io |
//! | [`links`] | links of pages lead to files and headings that are there |
//! | [`embedded`] | files that a crate embeds lie inside the crate, or `cargo package` leaves them out |

mod embedded;
mod licences;
mod links;
mod names;
mod size;
mod source;
mod width;
mod words;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What one rule found: faults that fail the check, and lines to print in any case.
#[derive(Debug, Default)]
struct Findings {
    faults: Vec<String>,
    notes: Vec<String>,
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().map_or_else(|| PathBuf::from("."), Path::to_path_buf);
    let done = match words[..] {
        ["check"] => check(&root),
        _ => Err("usage: cargo xtask check".to_owned()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}

/// Runs every rule, prints what each found, and fails when there is a fault.
fn check(root: &Path) -> Result<(), String> {
    let sources = source::all(root)?;
    let exceptions = source::text(&root.join("xtask/names.txt"))?;
    let rules = [
        ("one name for one type", names::check(&sources, &exceptions)),
        ("file length", size::check(&sources)),
        ("comment width", width::check(&sources)),
        ("words", words::check(&sources)),
        ("links of pages", links::check(root, &sources)),
        ("embedded files", embedded::check(&sources)),
        ("licences and sources of dependencies", licences::check(root, &sources)?),
    ];
    let mut faults = 0;
    for (name, found) in rules {
        let state = if found.faults.is_empty() { "ok" } else { "FAILED" };
        println!("{name}: {state}");
        for line in found.notes.iter().chain(&found.faults) {
            println!("    {line}");
        }
        faults += found.faults.len();
    }
    if faults == 0 { Ok(()) } else { Err(format!("{faults} faults; see above")) }
}
