//! [`unprefixed`]: a line without what a logger puts before it.
//!
//! `2024-05-01 10:00:00,120 - train - INFO - Epoch 1`, `[05/01 10:00:00 trainer] INFO: Epoch 1`,
//! `I0501 10:00:00.120 4321 train.py:88] Epoch 1`, `INFO:root:Epoch 1`, `[rank0]: Epoch 1`,
//! `> Epoch 1` in a mail and loguru's `... | INFO     | __main__:main:57 - Epoch 1` all are
//! `Epoch 1`.

use super::words;

/// Longest prefix.
const LONGEST: usize = 120;
/// Most words of the names that stand between the time and the level.
const NAMES: usize = 3;

/// The line without its prefix; as it is where it has none.
pub(crate) fn unprefixed(line: &str) -> &str {
    let mut rest = line;
    loop {
        let trimmed = rest.trim_start_matches(' ');
        let quoted = trimmed.strip_prefix("> ");
        let next = quoted.or_else(|| rank(trimmed)).or_else(|| absl(trimmed)).or_else(|| logger(trimmed));
        match next {
            Some(next) if line.len() - next.len() <= LONGEST => rest = next,
            _ => return rest,
        }
    }
}

/// `[rank0]: `, as torchrun writes it.
fn rank(line: &str) -> Option<&str> {
    let rest = line.strip_prefix("[rank")?.trim_start_matches(|c: char| c.is_ascii_digit());
    Some(rest.strip_prefix("]:")?.trim_start_matches(' '))
}

/// `I0501 10:00:00.120456 4321 train.py:88] `, as absl and glog write it.
fn absl(line: &str) -> Option<&str> {
    let rest = line.strip_prefix(['I', 'W', 'E', 'F'])?;
    let (day, rest) = rest.split_once(' ')?;
    let rest = time(rest.trim_start_matches(' ')).filter(|_| day.len() >= 4 && is_digits(day))?;
    let (place, rest) = rest.split_once("] ")?;
    let (process, file) = place.trim_start_matches(' ').split_once(' ')?;
    let (file, number) = file.rsplit_once(':')?;
    (is_digits(process) && !file.contains(' ') && is_digits(number)).then_some(rest)
}

/// A date, a time, names and a level, in this order and at least one of time and level.
fn logger(line: &str) -> Option<&str> {
    let bracket = line.starts_with('[');
    let inside = line.strip_prefix('[').unwrap_or(line);
    let dated = date(inside);
    let timed = time(dated.unwrap_or(inside));
    let Some(rest) = timed else { return level(line).map(|rest| place(rest).unwrap_or(rest)) };
    let rest = if bracket { rest.get(rest.find(']').filter(|end| *end < LONGEST)? + 1..)? } else { rest };
    let rest = parted(rest);
    if let Some(rest) = levelled(rest) {
        return Some(rest);
    }
    let rest = place(rest).unwrap_or(rest);
    // A time alone may be the first cell of a row.
    let number = rest.trim_start_matches(['+', '-', '.']);
    let count = rest.trim_start_matches(|c: char| c.is_ascii_digit()).starts_with('/');
    let number = number.starts_with(|c: char| c.is_ascii_digit()) && !count;
    (!number && !rest.starts_with([',', '<'])).then_some(rest)
}

/// What stands behind a level that follows, at once or behind the names of a logger.
fn levelled(line: &str) -> Option<&str> {
    let mut rest = line;
    for _ in 0..=NAMES {
        if let Some(rest) = level(rest) {
            return Some(place(rest).unwrap_or(rest));
        }
        let end = rest.find([' ', '\t', ']']).filter(|end| *end > 0)?;
        let name = rest.get(..end)?;
        let named = |c: char| c.is_alphanumeric() || "._:-[]/\\()<>|,".contains(c);
        if !name.chars().all(named) || name.contains('=') {
            return None;
        }
        rest = parted(rest.get(end..)?);
    }
    None
}

/// What stands behind a level, `INFO: `, `[INFO] `, `INFO     | `.
fn level(line: &str) -> Option<&str> {
    let bracket = line.starts_with(['[', '(', '<']);
    let inside = if bracket { line.get(1..)?.trim_start_matches(' ') } else { line };
    let end = inside.find(|c: char| !c.is_ascii_uppercase()).unwrap_or(inside.len());
    let (word, mut rest) = inside.split_at(end);
    // `ERROR 0.5` and `TRACE 3` are metrics.
    let sure = matches!(word, "INFO" | "DEBUG" | "WARNING" | "NOTICE");
    if !words::is_level(word) || !sure && !bracket {
        return None;
    }
    if bracket {
        rest = rest.trim_start_matches(' ').strip_prefix([']', ')', '>'])?;
    }
    rest.starts_with([' ', ':', '|', '-', '\t', ']']).then(|| parted(rest))
}

/// What stands behind the place in the source, `__main__:main:57 - `, or the name of a logger,
/// `root:`, `__main__ -   `.
fn place(line: &str) -> Option<&str> {
    let known = |name: &str| {
        let dotted = || name.contains('.') && name.bytes().all(|b| b.is_ascii_lowercase() || matches!(b, b'.' | b'_'));
        matches!(name, "root" | "__main__") || dotted()
    };
    if let Some((place, rest)) = line.split_once(" - ")
        && !place.contains(' ')
        && (known(place) || place.rsplit_once(':').is_some_and(|(_, number)| is_digits(number)))
    {
        return Some(rest.trim_start_matches(' '));
    }
    let (name, rest) = line.split_once(':')?;
    known(name).then(|| rest.trim_start_matches(' '))
}

/// The text without what parts a prefix from its line.
fn parted(text: &str) -> &str {
    let rest = text.trim_start_matches([' ', '\t']);
    match rest.strip_prefix([':', '|', '-', ']', ',']) {
        // Not a rule, a negative number or a flag.
        Some(after) if after.starts_with([' ', ':', '|', ']']) || rest.starts_with([':', '|', ']']) => parted(after),
        _ => rest,
    }
}

/// What stands behind a date: `2024-05-01 `, `05/01/2024 `, `05/01 `.
fn date(text: &str) -> Option<&str> {
    let end = text.find([' ', 'T', ','])?;
    let parts: Vec<&str> = text.get(..end)?.split(['-', '/']).collect();
    let numbers = (2..=3).contains(&parts.len()) && parts.iter().all(|p| matches!(p.len(), 1 | 2 | 4) && is_digits(p));
    let rest = text.get(end + 1..)?;
    numbers.then(|| rest.trim_start_matches(' '))
}

/// What stands behind a time: `10:00:00`, `10:00:00.120`, `10:00:00,120`, `10:00:00+0200`,
/// `10:00:00Z`.
fn time(text: &str) -> Option<&str> {
    let bytes = text.as_bytes();
    let two = |at: usize| bytes.get(at..at + 2).is_some_and(|d| d.iter().all(u8::is_ascii_digit));
    let colon = |at: usize| bytes.get(at) == Some(&b':');
    if !(two(0) && colon(2) && two(3) && colon(5) && two(6)) {
        return None;
    }
    let rest = text.get(8..)?;
    let part = rest.strip_prefix(['.', ',']).filter(|part| part.starts_with(|c: char| c.is_ascii_digit()));
    let rest = part.map_or(rest, |part| part.trim_start_matches(|c: char| c.is_ascii_digit()));
    let zone = rest.strip_prefix(['+', '-']).filter(|zone| zone.starts_with(|c: char| c.is_ascii_digit()));
    let zone = zone.map(|zone| zone.trim_start_matches(|c: char| c.is_ascii_digit() || c == ':'));
    let rest = zone.or_else(|| rest.strip_prefix('Z')).unwrap_or(rest);
    rest.starts_with([' ', ']', ':', '|', '\t']).then_some(rest)
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::unprefixed;

    #[test]
    fn what_a_logger_puts_before_a_line_is_taken_away() {
        for line in [
            "2024-05-01 10:00:00,120 INFO Epoch 1: loss 0.5",
            "2024-05-01 10:00:00,120 - root - INFO - Epoch 1: loss 0.5",
            "2024-05-01 10:00:00,120 train        INFO     Epoch 1: loss 0.5",
            "[2024-05-01 10:00:00] [INFO] Epoch 1: loss 0.5",
            "[2024-05-01 10:00:00,120][train.py][INFO] - Epoch 1: loss 0.5",
            "[05/01 10:00:00 detectron2.utils]: Epoch 1: loss 0.5",
            "[05/01 10:00:00] trainer INFO: Epoch 1: loss 0.5",
            "05/01/2024 10:00:00 - INFO - __main__ -   Epoch 1: loss 0.5",
            "I0501 10:00:00.120456 140231 train.py:88] Epoch 1: loss 0.5",
            "INFO:root:Epoch 1: loss 0.5",
            "INFO:trainer.loop:Epoch 1: loss 0.5",
            "INFO: Epoch 1: loss 0.5",
            "[INFO] Epoch 1: loss 0.5",
            "2024-05-01 10:00:00.120 | INFO     | __main__:main:57 - Epoch 1: loss 0.5",
            "10:00:00 Epoch 1: loss 0.5",
            "10:00:00 | <module>:112 - Epoch 1: loss 0.5",
            "[10:00:00] Epoch 1: loss 0.5",
            "2024-05-01T10:00:00.120Z Epoch 1: loss 0.5",
            "[rank0]: Epoch 1: loss 0.5",
            "> Epoch 1: loss 0.5",
            "2024-05-01 10:00:00,120\tvoice\tINFO\tEpoch 1: loss 0.5",
            "2024-05-01 10:00:00,120 - log\\train.log - INFO - Epoch 1: loss 0.5",
            "[rank0]: 10:00:00 INFO Epoch 1: loss 0.5",
        ] {
            assert_eq!(unprefixed(line), "Epoch 1: loss 0.5", "{line}");
        }
    }

    #[test]
    fn what_is_told_stays() {
        for line in [
            "Epoch 1: loss 0.5",
            "ERROR 0.5",
            "TRACE: 3",
            "  lr: 0.1",
            "10:00:00 3 0.5 0.25",
            "10:00:00, loss 0.5, 1",
            "0.5 0.25",
            "[100/200] loss 0.5",
            "2024-05-01 0.5",
            "00:12:31<01:02:03, 3.2it/s, loss=0.5]",
            "INFORMATION 0.5",
            "{\"loss\": 0.5}",
            "[epoch 3] loss 0.5",
        ] {
            assert_eq!(unprefixed(line), line);
        }
        assert_eq!(unprefixed("INFO:   lr: 0.1"), "lr: 0.1");
    }
}
