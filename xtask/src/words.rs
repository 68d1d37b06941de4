//! Words that `docs/STYLE.md` replaces by others, in messages, comments and pages.

use crate::Findings;
use crate::source::Source;

/// Pages that name the words: the style itself, this rule, and the history.
const EXEMPT: [&str; 3] = ["docs/STYLE.md", "xtask/src/words.rs", "CHANGELOG.md"];

/// Each word in the lines of Rust, Python, shell and Markdown files, at most once a line.
pub fn check(sources: &[Source]) -> Findings {
    let mut found = Findings::default();
    let read = |s: &&Source| s.has_extension(&["rs", "py", "pyi", "sh", "md"]) && !EXEMPT.contains(&s.path.as_str());
    for source in sources.iter().filter(read) {
        for (i, line) in source.text.lines().enumerate() {
            for word in in_line(line) {
                found.faults.push(format!("{}:{}: {word}", source.path, i + 1));
            }
        }
    }
    found
}

fn in_line(line: &str) -> Vec<&'static str> {
    // "is none" is compared as it is written, because `is None` is Python.
    let lower = line.to_lowercase();
    let words: Vec<&str> = lower.split(|c: char| !c.is_alphanumeric()).collect();
    let mend = words.iter().any(|w| ["mend", "mends", "mended", "mending"].contains(w));
    let leave = words.iter().position(|w| ["leave", "leaves", "left", "leaving"].contains(w));
    let away = leave.is_some_and(|at| words[at..].contains(&"away"));
    // "if there is none" is plain English; "a text that is none" is not.
    let none = line.match_indices("is none").any(|(at, hit)| {
        let end = line[at + hit.len()..].starts_with(|c: char| c.is_alphanumeric() || c == '_');
        !end && !line[..at].ends_with("there ") && line[..at].ends_with(' ')
    });
    let hits = [
        (mend, "mend (fix, repair)"),
        (lower.contains("gone on with"), "gone on with (continued, resumed)"),
        (none, "is none (is not a, has no)"),
        (away, "leave ... away (omit, leave out)"),
    ];
    hits.into_iter().filter(|(hit, _)| *hit).map(|(_, word)| word).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::tests::source;

    #[test]
    fn words_of_the_old_dialect_are_found_and_plain_ones_are_not() {
        let bad =
            ["// to be MENDED", "a study that is gone on with", "a text that is none.", "leave --lr away", "left away"];
        for line in bad {
            assert_eq!(in_line(line).len(), 1, "{line}");
        }
        for line in ["recommend", "if x is None:", "where there is none", "leave it out", "is nonempty", "x.is_none()"]
        {
            assert!(in_line(line).is_empty(), "{line}");
        }
    }

    #[test]
    fn the_style_page_and_data_are_exempt() {
        let sources = [
            source("crates/a/src/lib.rs", "x\n// mend it\n"),
            source("docs/STYLE.md", "mend"),
            source("x.json", "mend"),
        ];
        assert_eq!(check(&sources).faults, ["crates/a/src/lib.rs:2: mend (fix, repair)"]);
    }
}
