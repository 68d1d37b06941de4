//! Checks of this repository that the compiler does not make. No dependencies, so that it builds in
//! about a second.
//!
//! `cargo xtask check` runs them all; `./check` calls it first. `cargo xtask lower` writes the
//! counted allowances in `xtask/allow/` anew where the real number is lower, and refuses where it
//! is higher.
//!
//! | module | rule |
//! |---|---|
//! | [`names`] | one name for one type; exceptions in `allow/names.txt` |
//! | [`size`] | files of at most 400 lines |
//! | [`width`] | comment lines of at most 100 columns, less the counts in `allow/comment-width.txt` |
//! | [`words`] | no words that `docs/STYLE.md` replaces, less the counts in `allow/words.txt` |
//! | [`embedded`] | files that a crate embeds lie inside the crate, or `cargo package` leaves them out |

mod counts;
mod embedded;
mod names;
mod size;
mod source;
mod width;
mod words;

use source::Source;
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
        ["lower"] => lower(&root),
        _ => Err("usage: cargo xtask check | cargo xtask lower".to_owned()),
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
    let allowed = |name: &str| source::text(&root.join("xtask/allow").join(name));
    let rules = [
        ("one name for one type", names::check(&sources, &allowed("names.txt")?)),
        ("file length", size::check(&sources)),
        ("comment width", counts::check(&width::long(&sources), &allowed(width::ALLOWED)?, &width::RULE)),
        ("words", counts::check(&words::found(&sources), &allowed(words::ALLOWED)?, &words::RULE)),
        ("embedded files", embedded::check(&sources)),
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

/// Lowers the counted allowances to the real numbers.
fn lower(root: &Path) -> Result<(), String> {
    let sources: Vec<Source> = source::all(root)?;
    for (file, real, rule) in
        [(width::ALLOWED, width::long(&sources), &width::RULE), (words::ALLOWED, words::found(&sources), &words::RULE)]
    {
        let path = root.join("xtask/allow").join(file);
        let lowered = counts::lowered(&real, &source::text(&path)?, rule)?;
        std::fs::write(&path, lowered).map_err(|e| format!("cannot write {}: {e}", path.display()))?;
    }
    Ok(())
}
