//! [`Source`]: a file of the repository, and which of its lines are product code.

use std::path::Path;
use std::process::Command;

/// One file that git tracks, or would track.
#[derive(Debug)]
pub struct Source {
    /// Path from the root of the repository, with `/`.
    pub path: String,
    pub text: String,
}

impl Source {
    pub fn has_extension(&self, extensions: &[&str]) -> bool {
        let name = self.path.rsplit('/').next().unwrap_or_default();
        name.rsplit_once('.').is_some_and(|(stem, end)| !stem.is_empty() && extensions.contains(&end))
    }
}

/// Every file of the repository, in the order of the paths. A file that is not UTF-8 has an empty
/// text.
///
/// # Errors
/// When git is missing or the folder is not a repository.
pub fn all(root: &Path) -> Result<Vec<Source>, String> {
    let listed = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root)
        .output()
        .map_err(|e| format!("cannot run git ls-files: {e}"))?;
    if !listed.status.success() {
        return Err(format!("git ls-files in {} failed: {}", root.display(), String::from_utf8_lossy(&listed.stderr)));
    }
    let names = String::from_utf8_lossy(&listed.stdout);
    let mut sources = Vec::new();
    for path in names.split('\0').filter(|name| !name.is_empty()) {
        // A file that was removed but not yet committed is still listed.
        if let Ok(bytes) = std::fs::read(root.join(path)) {
            sources.push(Source { path: path.to_owned(), text: String::from_utf8(bytes).unwrap_or_default() });
        }
    }
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(sources)
}

/// The text of a file.
///
/// # Errors
/// When it cannot be read.
pub fn text(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|e| format!("cannot read {}: {e}", path.display()))
}

/// The product code of the crates: `crates/*/src/**.rs` without test modules, be they files or
/// blocks, as (path, number of the line, line).
pub fn product_lines(sources: &[Source]) -> Vec<(&str, usize, &str)> {
    let product = |s: &&Source| s.path.starts_with("crates/") && s.path.contains("/src/") && s.has_extension(&["rs"]);
    let files: Vec<&Source> = sources.iter().filter(product).collect();
    let tests: Vec<String> = files.iter().flat_map(|file| test_files(file)).collect();
    let mut out = Vec::new();
    for file in files {
        if tests.iter().any(|t| file.path == format!("{t}.rs") || file.path.starts_with(&format!("{t}/"))) {
            continue;
        }
        let (mut cfg, mut inside) = (false, false);
        for (i, line) in file.text.lines().enumerate() {
            inside |= cfg && line.starts_with("mod ") && line.ends_with('{');
            if !inside {
                out.push((file.path.as_str(), i + 1, line));
            }
            inside &= line != "}";
            cfg = line == "#[cfg(test)]";
        }
    }
    out
}

/// Paths without `.rs` of the modules that a file declares as `#[cfg(test)] mod name;`.
fn test_files(file: &Source) -> Vec<String> {
    let stem = file.path.trim_end_matches(".rs");
    let root = stem.ends_with("/lib") || stem.ends_with("/main") || stem.ends_with("/mod");
    let folder = if root { stem.rsplit_once('/').map_or("", |(folder, _)| folder) } else { stem };
    let lines: Vec<&str> = file.text.lines().collect();
    let declared = lines.windows(2).filter(|pair| pair[0] == "#[cfg(test)]").filter_map(|pair| {
        let name = pair[1].strip_prefix("mod ")?.strip_suffix(';')?;
        Some(format!("{folder}/{name}"))
    });
    declared.collect()
}

#[cfg(test)]
pub mod tests {
    use super::*;

    pub fn source(path: &str, text: &str) -> Source {
        Source { path: path.into(), text: text.into() }
    }

    #[test]
    fn test_code_is_not_product_code() {
        let sources = [
            source("crates/a/src/lib.rs", "one\n#[cfg(test)]\nmod golden;\n#[cfg(test)]\nmod tests {\ntwo\n}\nthree\n"),
            source("crates/a/src/golden.rs", "four"),
            source("crates/a/src/golden/deep.rs", "five"),
            source("crates/a/src/b.rs", "#[cfg(test)]\nmod tests;"),
            source("crates/a/src/b/tests.rs", "six"),
            source("crates/a/tests/t.rs", "seven"),
        ];
        let lines: Vec<&str> = product_lines(&sources).iter().map(|l| l.2).collect();
        let words: Vec<&str> = lines.into_iter().filter(|l| !l.contains("mod ") && !l.contains("cfg")).collect();
        assert_eq!(words, ["one", "three"]);
    }
}
