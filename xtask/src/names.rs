//! One name for one type: a struct, enum, trait or union of the crates has a name that no other
//! has.
//!
//! Exceptions are in `names.txt`, one `Name: reason` a line. A name that is `pub` in two
//! crates is never allowed: a reader of the documentation cannot tell which one is meant.

use crate::Findings;
use crate::source::{Source, product_lines};
use std::collections::{BTreeMap, BTreeSet};

/// Exceptions at most: a longer list says that names are chosen badly, not that exceptions are
/// needed.
const MOST: usize = 15;

/// Where a type is defined.
struct Definition<'a> {
    path: &'a str,
    line: usize,
    public: bool,
}

/// Compares the type names of product code with each other; `allowed` is the text of
/// `names.txt`.
pub fn check(sources: &[Source], allowed: &str) -> Findings {
    let mut found = Findings::default();
    let mut definitions: BTreeMap<&str, Vec<Definition<'_>>> = BTreeMap::new();
    for (path, line, text) in product_lines(sources) {
        if let Some((name, public)) = defined(text) {
            definitions.entry(name).or_default().push(Definition { path, line, public });
        }
    }
    definitions.retain(|_, places| places.len() > 1);
    let reasons = reasons(allowed, &mut found);
    for (name, places) in &definitions {
        let at: Vec<String> = places.iter().map(|d| format!("{}:{}", d.path, d.line)).collect();
        let at = at.join(", ");
        let crates: BTreeSet<&str> =
            places.iter().filter(|d| d.public).filter_map(|d| d.path.split('/').nth(1)).collect();
        if crates.len() > 1 {
            found.faults.push(format!("{name} is public in two crates: rename one of {at}"));
        } else if let Some(reason) = reasons.get(name) {
            found.notes.push(format!("{name}: {} types ({reason})", places.len()));
        } else {
            found.faults.push(format!("{name} names two types: rename one of {at}"));
        }
    }
    for name in reasons.keys().filter(|name| !definitions.contains_key(*name)) {
        found.faults.push(format!("{name} names one type now: remove it from xtask/names.txt"));
    }
    found
}

/// The exceptions with their reasons.
fn reasons<'a>(allowed: &'a str, found: &mut Findings) -> BTreeMap<&'a str, &'a str> {
    let mut reasons = BTreeMap::new();
    for line in allowed.lines().filter(|l| !l.is_empty() && !l.starts_with('#')) {
        match line.split_once(':').map(|(name, reason)| (name.trim(), reason.trim())) {
            Some((name, reason)) if !reason.is_empty() => {
                reasons.insert(name, reason);
            }
            _ => found.faults.push(format!("xtask/names.txt: {line:?} has no reason; write `Name: reason`")),
        }
    }
    if reasons.len() > MOST {
        found.faults.push(format!("xtask/names.txt has {} names; at most {MOST} are allowed", reasons.len()));
    }
    reasons
}

/// The type that a line defines, and whether it is `pub` (not `pub(crate)`).
fn defined(line: &str) -> Option<(&str, bool)> {
    let mut words = line.trim_start();
    let public = words.starts_with("pub ");
    if words.starts_with("pub") {
        words = words.split_once(' ')?.1;
    }
    words = words.strip_prefix("unsafe ").unwrap_or(words);
    let rest = ["struct ", "enum ", "trait ", "union "].iter().find_map(|kind| words.strip_prefix(kind))?;
    let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
    (end > 0).then(|| (&rest[..end], public))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::tests::source;

    #[test]
    fn a_second_type_of_a_name_is_a_fault_unless_it_is_allowed() {
        let sources = [
            source("crates/a/src/lib.rs", "pub struct Run<'a> {\n}\n#[cfg(test)]\nmod tests {\n    struct Run;\n}\n"),
            source("crates/a/src/b.rs", "/// A struct Run.\npub(crate) enum Run {"),
        ];
        let found = check(&sources, "");
        assert_eq!(found.faults, ["Run names two types: rename one of crates/a/src/lib.rs:1, crates/a/src/b.rs:2"]);
        let found = check(&sources, "# names\nRun: two sides of one run\n");
        assert!(found.faults.is_empty() && found.notes == ["Run: 2 types (two sides of one run)"]);
        assert_eq!(check(&sources[..1], "Run: old").faults, ["Run names one type now: remove it from xtask/names.txt"]);
    }

    #[test]
    fn a_name_that_is_public_in_two_crates_is_never_allowed() {
        let sources =
            [source("crates/a/src/lib.rs", "pub trait Run {"), source("crates/b/src/lib.rs", "pub struct Run;")];
        assert!(check(&sources, "Run: reason").faults[0].starts_with("Run is public in two crates"));
    }

    #[test]
    fn exceptions_have_reasons_and_are_few() {
        assert!(check(&[], "Run").faults[0].contains("has no reason"));
        let many: String = (0..16).map(|i| format!("Run{i}: reason\n")).collect();
        assert!(check(&[], &many).faults.iter().any(|f| f.contains("has 16 names")));
    }
}
