//! Files that a crate embeds or tests against (`include_str!`, `include_bytes!`) lie inside the
//! crate: `cargo package` takes nothing from outside it, and says nothing when it does not verify
//! the build.

use crate::Findings;
use crate::source::Source;

pub fn check(sources: &[Source]) -> Findings {
    let mut found = Findings::default();
    for source in sources.iter().filter(|s| s.path.starts_with("crates/") && s.has_extension(&["rs"])) {
        for (i, line) in source.text.lines().enumerate() {
            let Some(name) = embedded(line) else { continue };
            let folder = source.path.rsplit_once('/').map_or("", |(folder, _)| folder);
            let path = resolved(folder, name);
            let home = source.path.split('/').take(2).collect::<Vec<_>>().join("/");
            let place = format!("{}:{}", source.path, i + 1);
            if !path.starts_with(&format!("{home}/")) {
                found.faults.push(format!("{place} embeds {path}, which is outside {home}: move it into the crate"));
            } else if !sources.iter().any(|s| s.path == path) {
                found.faults.push(format!("{place} embeds {path}, which git does not track: add it"));
            }
        }
    }
    found
}

/// The path that a line embeds, as it is written.
fn embedded(line: &str) -> Option<&str> {
    let rest = ["include_str!(\"", "include_bytes!(\""].iter().find_map(|call| line.split_once(call))?.1;
    rest.split_once('"').map(|(name, _)| name)
}

/// `name` from `folder`, without `..`.
fn resolved(folder: &str, name: &str) -> String {
    let mut parts: Vec<&str> = folder.split('/').collect();
    for part in name.split('/') {
        match part {
            ".." => {
                parts.pop();
            }
            "." => {}
            _ => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::tests::source;

    #[test]
    fn a_file_outside_the_crate_or_git_is_a_fault() {
        let text = "const A: &str = include_str!(\"../data/a.txt\");\n\
                    const B: &[u8] = include_bytes!(\"../../../data/b.gz\");\n\
                    const C: &[u8] = include_bytes!(\"./c.gz\");";
        let found = check(&[source("crates/a/src/lib.rs", text), source("crates/a/data/a.txt", "")]);
        assert_eq!(
            found.faults,
            [
                "crates/a/src/lib.rs:2 embeds data/b.gz, which is outside crates/a: move it into the crate",
                "crates/a/src/lib.rs:3 embeds crates/a/src/c.gz, which git does not track: add it",
            ]
        );
    }
}
