//! Counted allowances: how many faults of a rule each crate still has. The number may only fall, so
//! that old faults need not be fixed at once and no new one comes in. A number that is too high
//! fails too: lower it.

use crate::Findings;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// One place that breaks a rule.
#[derive(Debug)]
pub struct Place {
    /// Crate or folder that it is counted for.
    pub part: String,
    /// Where it is and what is wrong, for people.
    pub text: String,
}

/// What a counted rule is called in messages.
pub struct Rule {
    /// Path of the allowance file, from the root.
    pub file: &'static str,
    /// The faults, in the plural.
    pub faults: &'static str,
}

/// Compares the real numbers with the allowed ones.
pub fn check(places: &[Place], allowed: &str, rule: &Rule) -> Findings {
    let (real, mut found) = (counted(places), Findings::default());
    let allowed = match read(allowed, rule) {
        Ok(allowed) => allowed,
        Err(fault) => return Findings { faults: vec![fault], notes: Vec::new() },
    };
    for part in real.keys().chain(allowed.keys()).collect::<BTreeSet<_>>() {
        let of = |map: &BTreeMap<String, usize>| map.get(part).copied().unwrap_or(0);
        let (now, most) = (of(&real), of(&allowed));
        let Rule { file, faults } = rule;
        if now > most {
            found.faults.push(format!("{part} has {now} {faults}; {file} allows {most}. All of them:"));
            found.faults.extend(places.iter().filter(|p| p.part == *part).map(|p| p.text.clone()));
        } else if now < most {
            found.faults.push(format!("{part} has {now} {faults}; lower its {most} in {file} (`cargo xtask lower`)"));
        }
    }
    found
}

/// The allowance file with the real numbers.
///
/// # Errors
/// When a real number is higher than the allowed one.
pub fn lowered(places: &[Place], allowed: &str, rule: &Rule) -> Result<String, String> {
    let (real, before) = (counted(places), read(allowed, rule)?);
    for (part, now) in &real {
        let most = before.get(part).copied().unwrap_or(0);
        if *now > most {
            return Err(format!("{part} has {now} {}; {} allows {most}: fix them first", rule.faults, rule.file));
        }
    }
    let mut out: String = allowed.lines().filter(|l| l.starts_with('#')).map(|l| format!("{l}\n")).collect();
    for (part, now) in &real {
        // Writing to a string cannot fail.
        let _ = writeln!(out, "{part} {now}");
    }
    Ok(out)
}

fn counted(places: &[Place]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for place in places {
        *counts.entry(place.part.clone()).or_insert(0) += 1;
    }
    counts
}

/// Lines of `name number`; `#` begins a comment.
fn read(text: &str, rule: &Rule) -> Result<BTreeMap<String, usize>, String> {
    let lines = text.lines().filter(|l| !l.is_empty() && !l.starts_with('#'));
    lines
        .map(|line| {
            let read = line.split_once(' ').and_then(|(part, n)| Some((part.to_owned(), n.trim().parse().ok()?)));
            read.ok_or_else(|| format!("{}: {line:?} is not `name number`", rule.file))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: Rule = Rule { file: "allow.txt", faults: "long lines" };

    fn places(count: usize) -> Vec<Place> {
        (0..count).map(|i| Place { part: "a".into(), text: format!("a.rs:{i}") }).collect()
    }

    #[test]
    fn a_number_that_differs_from_the_allowed_one_is_a_fault_both_ways() {
        assert!(check(&places(2), "# counts\na 2\n", &RULE).faults.is_empty());
        assert_eq!(check(&places(2), "", &RULE).faults[0], "a has 2 long lines; allow.txt allows 0. All of them:");
        assert_eq!(check(&places(2), "a 1", &RULE).faults[1..], ["a.rs:0", "a.rs:1"]);
        assert_eq!(
            check(&places(0), "a 3", &RULE).faults,
            ["a has 0 long lines; lower its 3 in allow.txt (`cargo xtask lower`)"]
        );
        assert_eq!(check(&[], "a much", &RULE).faults, ["allow.txt: \"a much\" is not `name number`"]);
    }

    #[test]
    fn an_allowance_is_lowered_and_never_raised() {
        assert_eq!(lowered(&places(2), "# counts\na 3\nb 1\n", &RULE).unwrap(), "# counts\na 2\n");
        assert_eq!(
            lowered(&places(2), "a 1", &RULE).unwrap_err(),
            "a has 2 long lines; allow.txt allows 1: fix them first"
        );
    }
}
