//! What Linux says of a process in `/proc`: enough to recognize one that a killed study left
//! running. The crate `procfs` reads all of it, and is a twentieth of the time to build Stepsize.

/// What `/proc/PID/stat` says, as `proc_pid_stat(5)` describes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stat {
    /// One letter: `Z` is a zombie, `X` is dead.
    pub state: char,
    /// The number of the parent.
    pub parent: i32,
    /// The start, in clock ticks after the boot.
    pub begun: u64,
}

/// `None` when the process is gone.
pub fn stat(pid: i32) -> Option<Stat> {
    parsed(&std::fs::read(format!("/proc/{pid}/stat")).ok()?)
}

fn parsed(text: &[u8]) -> Option<Stat> {
    // The name of the command, in parentheses, may have spaces and parentheses of its own.
    let end = text.iter().rposition(|byte| *byte == b')')?;
    let mut fields = std::str::from_utf8(text.get(end + 1..)?).ok()?.split_ascii_whitespace();
    let state = fields.next()?.chars().next()?;
    let parent = fields.next()?.parse().ok()?;
    // Field 22; the state is field 3 and the parent field 4.
    let begun = fields.nth(22 - 5)?.parse().ok()?;
    Some(Stat { state, parent, begun })
}

/// Whether the process was started with the variable `name` set to `value`. `false` when it is gone
/// or belongs to another user.
pub fn has_variable(pid: i32, name: &str, value: &str) -> bool {
    let sought = format!("{name}={value}");
    std::fs::read(format!("/proc/{pid}/environ"))
        .is_ok_and(|all| all.split(|byte| *byte == 0).any(|variable| variable == sought.as_bytes()))
}

/// The numbers of all processes.
pub fn all() -> Vec<i32> {
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

/// A random name of this boot of the machine.
pub fn boot() -> Option<String> {
    Some(std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_may_have_any_name() {
        let text = b"42 (a) Z (b)) S 7 42 42 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 123456 2482176 \xff";
        assert_eq!(parsed(&text[..text.len() - 2]), Some(Stat { state: 'S', parent: 7, begun: 123_456 }));
        assert_eq!(parsed(b"42 (sh) S 7"), None);
    }

    #[test]
    fn this_process_is_there_with_its_variables() {
        let pid = i32::try_from(std::process::id()).unwrap_or(0);
        assert!(all().contains(&pid));
        assert!(stat(pid).is_some_and(|stat| stat.state == 'R' || stat.state == 'S'), "{:?}", stat(pid));
        assert_eq!(stat(pid).map(|s| s.begun), stat(pid).map(|s| s.begun));
        let path = std::env::var("PATH").unwrap_or_default();
        assert!(has_variable(pid, "PATH", &path) && !has_variable(pid, "PATH", &format!("{path}:")));
        assert!(boot().is_some_and(|boot| boot.len() == 36));
    }
}
