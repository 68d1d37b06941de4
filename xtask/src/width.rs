//! Comment lines of at most 100 columns: rustfmt and ruff do not wrap them. A row of a table is
//! exempt, because it cannot be wrapped, and so is the code of an example, which has the width of
//! code.

use crate::Findings;
use crate::source::Source;

const MOST: usize = 100;

/// The comment lines of Rust and Python files that are too long. A comment after code is not
/// counted.
pub fn check(sources: &[Source]) -> Findings {
    let mut found = Findings::default();
    for source in sources {
        let mark = match () {
            () if source.has_extension(&["rs"]) => "//",
            () if source.has_extension(&["py", "pyi"]) => "#",
            () => continue,
        };
        let mut example = false;
        for (i, line) in source.text.lines().enumerate() {
            let columns = line.chars().count();
            let comment = line.trim_start().strip_prefix(mark);
            let text = comment.map(|text| text.trim_start_matches(['/', '!', ' ']));
            // A fence opens an example or closes it; what is no comment ends one that was left
            // open.
            example = text.is_some_and(|text| example != text.starts_with("```"));
            if columns > MOST && text.is_some_and(|text| !example && !text.starts_with('|')) {
                found.faults.push(format!("{}:{}: {columns} columns; wrap it at {MOST}", source.path, i + 1));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::tests::source;

    #[test]
    fn a_comment_line_over_100_columns_is_found() {
        let (fits, over) = (format!("    // {}\n", "x".repeat(93)), format!("    // {}\n", "x".repeat(94)));
        let code = format!("let x = 1; // {}\n//! | {} |\n", "x".repeat(94), "x".repeat(94));
        let example = format!("/// ```\n{over}/// ```\n");
        let sources = [
            source("crates/a/src/lib.rs", &format!("{fits}{over}{code}{example}")),
            source("bench/b.py", &over.replace("//", "#!")),
            source("bench/b.md", &over),
        ];
        let at = |place: &str| format!("{place}: 101 columns; wrap it at 100");
        assert_eq!(check(&sources).faults, [at("crates/a/src/lib.rs:2"), at("bench/b.py:1")]);
    }
}
