//! Links of Markdown pages: one that leads into this repository leads to a file, and to a heading
//! where it names one. `docs/check` looks at the links of the built manual.

use crate::Findings;
use crate::source::Source;
use std::path::{Component, Path, PathBuf};

/// The links of all pages below `root` that lead nowhere.
pub fn check(root: &Path, sources: &[Source]) -> Findings {
    let mut found = Findings::default();
    for page in sources.iter().filter(|source| source.has_extension(&["md"])) {
        for (line, link) in links(&page.text) {
            let (path, place) = link.split_once('#').unwrap_or((link, ""));
            if path.contains(':') {
                continue; // another host
            }
            let target = if path.is_empty() { PathBuf::from(&page.path) } else { beside(&page.path, path) };
            let text = sources.iter().find(|source| Path::new(&source.path) == target).map(|source| &source.text);
            let fault = match text {
                None if !root.join(&target).exists() => "no such file",
                Some(text) if !place.is_empty() && !text.lines().any(|l| heading(l).is_some_and(|h| h == place)) => {
                    "no such heading"
                }
                _ => continue,
            };
            found.faults.push(format!("{}:{line}: {link}: {fault}", page.path));
        }
    }
    found
}

/// The targets of inline links outside of blocks of code, with the number of their line.
fn links(text: &str) -> Vec<(usize, &str)> {
    let mut all = Vec::new();
    let mut code = false;
    for (i, line) in text.lines().enumerate() {
        code ^= line.trim_start().starts_with("```");
        if !code {
            let ends = line.match_indices("](").map(|(at, _)| &line[at + 2..]);
            all.extend(ends.filter_map(|rest| Some((i + 1, rest.split_once(')')?.0))));
        }
    }
    all
}

/// `link` as seen from the page `from`, without `..`.
fn beside(from: &str, link: &str) -> PathBuf {
    let mut path = Path::new(from).parent().map_or_else(PathBuf::new, Path::to_path_buf);
    for part in Path::new(link).components() {
        match part {
            Component::ParentDir => drop(path.pop()),
            Component::Normal(name) => path.push(name),
            _ => {}
        }
    }
    path
}

/// The name by which a heading is linked to: small letters, digits and hyphens.
fn heading(line: &str) -> Option<String> {
    let title = line.strip_prefix('#')?.trim_start_matches('#').trim();
    let kept = title.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    Some(kept.map(|c| if c == ' ' { '-' } else { c.to_ascii_lowercase() }).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::tests::source;

    #[test]
    fn a_link_that_leads_nowhere_is_found() {
        let page = "# A title, with `code`\n[ok](other.md#a-title-with-code) [host](https://example.org/x.md)\n\
                    [gone](../gone.md) ![picture](#no-such)\n```sh\n[code](gone.md)\n```\n[up](../a/other.md)\n";
        let sources = [source("a/page.md", page), source("a/other.md", "## A title, with `code`\n")];
        let faults = check(Path::new("no-such-root"), &sources).faults;
        assert_eq!(faults, ["a/page.md:3: ../gone.md: no such file", "a/page.md:3: #no-such: no such heading"]);
    }
}
