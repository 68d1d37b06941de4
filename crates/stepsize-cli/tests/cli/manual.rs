//! The manual in `docs/`: its commands run, its links lead somewhere, and no page is left out.
//!
//! With `STEPSIZE_BLESS=1` the tests write what they would compare: here what the commands print,
//! in `reference.rs` the pages of the reference.

use crate::harness::{Bench, Seen};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Pages whose commands are not run, and why.
const NOT_RUN: [(&str, &str); 6] = [
    ("docs/clusters.md", "needs a cluster"),
    ("docs/install.md", "installs things"),
    ("docs/serve.md", "serves until it is stopped"),
    ("docs/playground.md", "needs a browser"),
    ("docs/adaptive.md", "measures for hours"),
    ("docs/headlines.md", "measures for hours"),
];

pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

pub fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

pub fn blesses() -> bool {
    std::env::var_os("STEPSIZE_BLESS").is_some()
}

/// Every page of the manual, and the pages beside it that a newcomer reads, from the root.
fn pages() -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> =
        ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"].map(|name| root().join(name)).to_vec();
    let mut folders = vec![root().join("docs")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.extension() {
                Some(extension) if extension == "md" => found.push(path),
                None if path.is_dir() => folders.push(path),
                _ => {}
            }
        }
    }
    found.sort();
    found
}

/// The path from the root, with `/`.
fn named(path: &Path) -> String {
    path.strip_prefix(root()).unwrap().to_string_lossy().replace('\\', "/")
}

/// A block of code: what follows the three backticks, the text, and where the text is in the page.
struct Block<'a> {
    info: &'a str,
    text: &'a str,
    from: usize,
}

fn blocks(page: &str) -> Vec<Block<'_>> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(open) = page[at..].find("```").map(|i| at + i) {
        let line = page[open..].find('\n').map_or(page.len(), |i| open + i);
        let close = page[line..].find("\n```").map_or(page.len(), |i| line + i + 1);
        let from = (line + 1).min(close);
        found.push(Block { info: page[open + 3..line].trim(), text: &page[from..close], from });
        at = (close + 4).min(page.len());
    }
    found
}

#[test]
fn every_page_is_in_the_summary_and_every_link_leads_somewhere() {
    let summary = read(&root().join("docs/SUMMARY.md"));
    let mut broken = Vec::new();
    for path in pages() {
        let name = named(&path);
        let page = read(&path);
        let listed = |name: &&str| *name == "SUMMARY.md" || summary.contains(&format!("]({name})"));
        if name.strip_prefix("docs/").is_some_and(|name| !listed(&name)) {
            broken.push(format!("{name} is not in docs/SUMMARY.md"));
        }
        // Code has no links.
        let mut text = page.clone();
        for block in blocks(&page) {
            text = text.replacen(block.text, "", 1);
        }
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let (file, place) = link.split_once('#').unwrap_or((link, ""));
            if link.contains("://") || link.contains(' ') {
                continue;
            }
            let target = if file.is_empty() { path.clone() } else { path.parent().unwrap().join(file) };
            if !target.exists() {
                broken.push(format!("{name}: {link}: no such file"));
            } else if !place.is_empty() && !places(&read(&target)).contains(place) {
                broken.push(format!("{name}: {link}: no such heading"));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

/// The anchors of a page: those of its headings, and those that it sets.
fn places(page: &str) -> BTreeSet<String> {
    let heading = |line: &str| {
        let title = line.trim_start_matches('#').trim().to_lowercase();
        let kept = title.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
        kept.map(|c| if c == ' ' { '-' } else { c }).collect::<String>()
    };
    let headings = page.lines().filter(|line| line.starts_with('#')).map(heading);
    let set = page.split("id=\"").skip(1).filter_map(|rest| rest.split('"').next()).map(str::to_owned);
    headings.chain(set).collect()
}

/// A Python for the examples, with NumPy.
fn python() -> Option<String> {
    let chosen = std::env::var("STEPSIZE_PYTHON").ok();
    let has = |python: &String| {
        let run = Command::new(python).args(["-c", "import numpy, sys; print(sys.executable)"]).output().ok()?;
        let path = String::from_utf8(run.stdout).ok()?.trim().to_owned();
        run.status.success().then_some(path)
    };
    chosen.into_iter().chain(["python3".to_owned(), "/usr/bin/python3".to_owned()]).find_map(|python| has(&python))
}

/// A directory in which the commands of one page run one after the other: `stepsize`, `python` and
/// the examples are there.
struct Desk {
    bench: Bench,
    path: std::ffi::OsString,
}

impl Desk {
    fn new(python: Option<&str>) -> Self {
        let bench = Bench::new();
        let bin = bench.path("bin");
        fs::create_dir(&bin).unwrap();
        let link = |from: &Path, to: PathBuf| std::os::unix::fs::symlink(from, to).unwrap();
        link(Path::new(env!("CARGO_BIN_EXE_stepsize")), bin.join("stepsize"));
        if let Some(python) = python {
            // A link would not find the packages of a virtual environment.
            fs::write(bin.join("python"), format!("#!/bin/sh\nexec '{python}' \"$@\"\n")).unwrap();
            let mut rights = fs::metadata(bin.join("python")).unwrap().permissions();
            std::os::unix::fs::PermissionsExt::set_mode(&mut rights, 0o755);
            fs::set_permissions(bin.join("python"), rights).unwrap();
        }
        link(&root().join("examples"), bench.path("examples"));
        let mut path = bin.into_os_string();
        path.push(":");
        path.push(std::env::var_os("PATH").unwrap_or_default());
        Self { bench, path }
    }

    /// Runs the lines of a block; the first that fails ends it.
    fn run(&self, text: &str) -> Seen {
        let mut shell = Command::new("sh");
        shell.args(["-e", "-c", text]).env("PATH", &self.path).stdin(Stdio::null()).env("LC_ALL", "C.UTF-8");
        shell
            .env_remove("NO_COLOR")
            .env_remove("COLUMNS")
            .env("TERM", "xterm")
            .env("XDG_STATE_HOME", self.bench.path("state"));
        Seen::from(shell.current_dir(self.bench.path("")).output().unwrap())
    }
}

/// What the lines of an output begin with, such as `why:`. Numbers differ from machine to machine.
fn labels(text: &str) -> Vec<&str> {
    let label = |line: &'_ str| {
        let word = line.split(' ').next().unwrap_or_default().len();
        let word = &line[..word];
        let is =
            word.ends_with(':') && word.len() > 1 && word[..word.len() - 1].chars().all(|c| c.is_ascii_lowercase());
        is.then_some(word.len())
    };
    text.lines().filter_map(|line| label(line).map(|end| &line[..end])).collect()
}

/// Runs the commands of a page, and compares what they print with what the page shows.
fn runs(path: &Path, python: Option<&str>) -> Vec<String> {
    let name = named(path);
    let page = read(path);
    let mut wrong = Vec::new();
    let mut blessed = page.clone();
    let desk = Desk::new(python);
    let all = blocks(&page);
    for (i, block) in all.iter().enumerate() {
        let line = 1 + page[..block.from].matches('\n').count();
        let reason = match block.info.split_once(' ') {
            Some(("sh", reason)) => reason.strip_prefix("not-run:").unwrap_or_default().trim(),
            _ => "",
        };
        if block.info != "sh" && reason.is_empty() {
            if block.info.starts_with("sh") {
                wrong.push(format!("{name}:{line}: write ```sh, or ```sh not-run: REASON"));
            }
            continue;
        }
        if !reason.is_empty() || (python.is_none() && block.text.contains("python")) {
            continue;
        }
        let seen = desk.run(block.text);
        if seen.code != Some(0) {
            wrong.push(format!("{name}:{line}: exit code {:?}\n{}{}{}", seen.code, block.text, seen.out, seen.err));
            continue;
        }
        if let Some(shown) = all.get(i + 1).filter(|next| next.info == "text output") {
            if blesses() {
                let text = seen.out.trim_end().lines().map(str::trim_end).collect::<Vec<_>>().join("\n") + "\n";
                let length = page.len() - shown.from;
                let from = blessed.len() - length;
                blessed.replace_range(from..from + shown.text.len(), &text);
            } else if labels(shown.text) != labels(&seen.out) || shown.text.trim().is_empty() {
                wrong.push(format!(
                    "{name}:{line}: prints something else than the page shows; STEPSIZE_BLESS=1 writes it anew\n{}",
                    seen.out
                ));
            }
        }
    }
    if blesses() && blessed != page {
        fs::write(path, blessed).unwrap();
    }
    wrong
}

#[test]
fn the_commands_of_every_page_run() {
    let python = python();
    if python.is_none() {
        assert!(std::env::var("CI").is_err(), "CI needs a Python with NumPy");
        eprintln!("SKIPPED: the commands of the manual that need a Python with NumPy; set STEPSIZE_PYTHON to one");
    }
    let pages = pages();
    let run = |path: &&PathBuf| {
        let name = named(path);
        let manual = name == "README.md" || name.starts_with("docs/");
        manual && NOT_RUN.iter().all(|(page, _)| name != *page) && read(path).contains("```sh")
    };
    let all: Vec<&PathBuf> = pages.iter().filter(run).collect();
    assert!(all.len() >= 5, "{all:?}");
    let wrong: Vec<String> = std::thread::scope(|scope| {
        let threads: Vec<_> = all.iter().map(|path| scope.spawn(|| runs(path, python.as_deref()))).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
