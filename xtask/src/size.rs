//! Files of at most 400 lines, so that a file is one topic and can be read at once. Data, locks and
//! pages are exempt, and so is a Python stub, which mirrors a compiled module in one piece.

use crate::Findings;
use crate::source::Source;

const MOST: usize = 400;

pub fn check(sources: &[Source]) -> Findings {
    let mut found = Findings::default();
    for source in sources.iter().filter(|s| s.has_extension(&["rs", "py", "sh"]) || s.text.starts_with("#!")) {
        let lines = source.text.lines().count();
        if lines > MOST {
            found.faults.push(format!("{} has {lines} lines; at most {MOST} are allowed: split it", source.path));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::tests::source;

    #[test]
    fn a_program_of_more_than_400_lines_is_a_fault_and_data_is_not() {
        let long = "x\n".repeat(401);
        let script = format!("#!/bin/sh\n{long}");
        let sources =
            [source("a.rs", &long), source("b.json", &long), source("run", &script), source("c.py", &long[..800])];
        let found = check(&sources);
        assert_eq!(found.faults[0], "a.rs has 401 lines; at most 400 are allowed: split it");
        assert!(found.faults.len() == 2 && found.faults[1].starts_with("run has 402"), "{:?}", found.faults);
    }
}
