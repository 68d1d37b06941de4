//! Every dependency has a licence that `deny.toml` allows, comes from crates.io, and has a version.
//!
//! `cargo deny check` says the same and more with the same `deny.toml`; it takes minutes to build,
//! and this takes a second.

use crate::Findings;
use crate::source::{Source, text};
use std::path::Path;
use std::process::Command;

const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// # Errors
/// When `deny.toml` or `Cargo.lock` cannot be read, or `cargo tree` fails.
pub fn check(root: &Path, sources: &[Source]) -> Result<Findings, String> {
    let mut found = Findings::default();
    let deny = text(&root.join("deny.toml"))?;
    let allowed = allowed(&deny);
    let mut packages = packages(root)?;
    packages.sort();
    packages.dedup();
    found.faults.extend(packages.iter().filter_map(|line| unlicensed(line, &allowed)));
    found.faults.extend(foreign(&text(&root.join("Cargo.lock"))?));
    for source in sources.iter().filter(|s| s.path.ends_with("Cargo.toml")) {
        found.faults.extend(wildcards(source));
    }
    found.notes.push(format!("{} packages, with every feature on every system", packages.len()));
    Ok(found)
}

/// The licences in the list `allow` of `deny.toml`.
fn allowed(deny: &str) -> Vec<&str> {
    let list =
        deny.split_once("\nallow = [").map_or("", |(_, rest)| rest.split_once("\n]").map_or(rest, |(list, _)| list));
    list.lines()
        .map(|line| line.split_once('#').map_or(line, |(names, _)| names))
        .flat_map(|line| line.split('"').skip(1).step_by(2))
        .collect()
}

/// `NAME vVERSION<tab>LICENCE` of every package, ours and what tests use among them.
fn packages(root: &Path) -> Result<Vec<String>, String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let listed = Command::new(cargo)
        .args(["tree", "--workspace", "--all-features", "--target", "all", "--edges", "normal,build,dev"])
        .args(["--prefix", "none", "--format", "{p}\t{l}", "--locked"])
        .current_dir(root)
        .output()
        .map_err(|e| format!("cannot run cargo tree: {e}"))?;
    if !listed.status.success() {
        return Err(format!("cargo tree failed: {}", String::from_utf8_lossy(&listed.stderr)));
    }
    let lines = String::from_utf8_lossy(&listed.stdout);
    Ok(lines.lines().filter(|l| !l.is_empty()).map(|l| l.trim_end_matches(" (*)").to_owned()).collect())
}

/// The fault of a package whose licence is not allowed.
fn unlicensed(line: &str, allowed: &[&str]) -> Option<String> {
    let (package, licence) = line.split_once('\t')?;
    let fault = if licence.trim().is_empty() {
        "names no licence".to_owned()
    } else if Terms::new(licence).any(allowed) {
        return None;
    } else {
        format!("has the licence `{licence}`")
    };
    Some(format!("{package} {fault}: leave it out, or allow the licence in deny.toml with a reason"))
}

/// An SPDX expression that is being read; `/` is the old form of OR.
struct Terms(Vec<String>);

impl Terms {
    fn new(licence: &str) -> Self {
        let spaced = licence.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
        let mut words: Vec<String> = spaced.split_whitespace().map(str::to_owned).collect();
        words.reverse();
        Self(words)
    }

    fn next_is(&mut self, word: &str) -> bool {
        let is = self.0.last().is_some_and(|next| next == word);
        if is {
            self.0.pop();
        }
        is
    }

    /// A OR B ...: one of them is allowed.
    fn any(&mut self, allowed: &[&str]) -> bool {
        let mut one = self.all(allowed);
        while self.next_is("OR") {
            one |= self.all(allowed);
        }
        one
    }

    /// A AND B ...: each of them is allowed.
    fn all(&mut self, allowed: &[&str]) -> bool {
        let mut each = self.one(allowed);
        while self.next_is("AND") {
            each &= self.one(allowed);
        }
        each
    }

    /// A licence, with its exception, or an expression in parentheses.
    fn one(&mut self, allowed: &[&str]) -> bool {
        if self.next_is("(") {
            return self.any(allowed) & self.next_is(")");
        }
        let mut name = self.0.pop().unwrap_or_default();
        if self.next_is("WITH") {
            name = format!("{name} WITH {}", self.0.pop().unwrap_or_default());
        }
        allowed.contains(&name.as_str())
    }
}

/// Packages of `Cargo.lock` from anywhere but crates.io.
fn foreign(lock: &str) -> Vec<String> {
    let sources = lock.lines().filter_map(|l| l.strip_prefix("source = ")).map(|s| s.trim_matches('"'));
    let foreign = sources.filter(|source| *source != REGISTRY);
    foreign.map(|source| format!("Cargo.lock has a package from {source}: take it from crates.io")).collect()
}

/// Dependencies of any version.
fn wildcards(source: &Source) -> Vec<String> {
    let lines = source.text.lines().enumerate().filter(|(_, line)| {
        let line = line.split('#').next().unwrap_or_default().replace(' ', "");
        line.contains("version=\"*\"") || line.ends_with("=\"*\"")
    });
    lines.map(|(i, _)| format!("{}:{} takes any version: name one", source.path, i + 1)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::tests::source;

    const DENY: &str =
        "[licenses]\nallow = [\n    \"MIT\", \"Apache-2.0\",\n    \"ISC\", # \"GPL-3.0\"\n]\nother = [\"X\"]\n";

    #[test]
    fn the_list_of_deny_toml_is_read_without_its_comments() {
        assert_eq!(allowed(DENY), ["MIT", "Apache-2.0", "ISC"]);
    }

    #[test]
    fn an_expression_is_allowed_when_what_it_asks_for_is() {
        for (licence, fine) in [
            ("MIT OR GPL-3.0", true),
            ("GPL-3.0/MIT", true),
            ("MIT AND GPL-3.0", false),
            ("(MIT OR GPL-3.0) AND ISC", true),
            ("(MIT OR GPL-3.0) AND Zlib", false),
            ("GPL-3.0 OR MIT AND ISC", true),
            ("MIT WITH LLVM-exception", false),
            ("", false),
        ] {
            let fault = unlicensed(&format!("a v1.0.0\t{licence}"), &allowed(DENY));
            assert_eq!(fault.is_none(), fine, "{licence}: {fault:?}");
        }
    }

    #[test]
    fn a_package_from_elsewhere_or_of_any_version_is_a_fault() {
        let lock = format!("source = \"{REGISTRY}\"\nsource = \"git+https://example.org/a\"\n");
        assert_eq!(foreign(&lock).len(), 1);
        let manifest = source("a/Cargo.toml", "a = \"*\"\nb = { version = \"*\" }\nc = \"1\" # *\n");
        assert_eq!(
            wildcards(&manifest),
            ["a/Cargo.toml:1 takes any version: name one", "a/Cargo.toml:2 takes any version: name one"]
        );
    }
}
