//! Numbers of a line: their form, their unit, and those that count without a name.

use super::Scan;
use crate::names::{CounterKind, is_counter, metric_direction};
use crate::number;
use crate::text::{Mark, Pair, words};

/// Letters after an ordinal number.
const ORDINAL: usize = 2;

impl Scan<'_> {
    pub(super) fn number(&mut self) {
        let start = self.at;
        let line_start = start < 64
            && self.text.get(..start).is_some_and(|t| t.trim_start_matches([' ', '\t', '[', '(']).is_empty());
        let bar = self.text.get(..start).is_some_and(|t| t.trim_end().ends_with('|'));
        let nested = start > 1 && self.text.get(start - 2..start) == Some("][");
        let mut value = self.digits();
        if self.byte(0) == b',' && self.decimal_comma(start) {
            value = self.after_comma(start);
        }
        if let Some(factor) = self.multiplier() {
            value *= factor;
        }
        let next = self.byte(0);
        let then_digit = self.byte(1).is_ascii_digit();
        if next == b'.' && words::is_file_ending(self.word_at(self.at + 1)) {
            return self.drop_unit();
        }
        if matches!(next, b':' | b'-' | b'.' | b'T')
            && then_digit
            && !(next == b'-' && self.range_of_counts())
            && !(next == b':' && self.separated && self.fraction(start))
        {
            // A duration, a date or a version.
            while matches!(self.byte(0), b'0'..=b'9' | b':' | b'-' | b'.' | b',' | b'T' | b'Z' | b'+') {
                self.at += 1;
            }
            // `Epoch 3 @ 10:27 PM : 0.98`
            if next == b':' && [" AM", " PM"].iter().any(|half| self.rest().starts_with(half)) {
                self.at += " AM".len();
            }
            self.words.clear();
            self.separated = false;
            return;
        }
        if next == b'-' && value.fract() == 0.0 && !self.named() {
            // `3-epoch (20/500): loss 2`
            let word = self.word_at(self.at + 1);
            if is_counter(word) {
                self.at += 1 + word.len();
                return self.give(word.to_owned(), value, None);
            }
        }
        if let Some(factor) = self.thousands() {
            self.at += 1;
            return self.emit(value * factor, None);
        }
        if self.is_top(value) {
            return self.extend_word(start);
        }
        if self.ordinal(start) {
            self.at += ORDINAL;
            return self.emit(value, None);
        }
        if (next.is_ascii_alphabetic() || next == b'-' && then_digit) && self.count_attached(value, start) {
            return;
        }
        // `PSNR: 30.8dB`
        if self.named() && matches!((next, self.byte(1)), (b'd', b'B' | b'b')) && !self.byte(2).is_ascii_alphanumeric()
        {
            self.at += 2;
            return self.emit(value, None);
        }
        // "250.5/s" is a speed.
        let speed = next == b'/' && self.byte(1).is_ascii_alphabetic();
        if speed
            || next.is_ascii_alphabetic()
            || next == b'_'
            || next >= 0x80 && !self.rest().starts_with(['│', '█', '|'])
        {
            return self.drop_unit();
        }
        while self.named() && next == b',' && self.grouped(start) {
            let Some(group) =
                self.text.get(self.at + 1..self.at + 4).and_then(|digits| number::whole(digits.as_bytes()))
            else {
                break;
            };
            value = value * 1000.0 + group;
            self.at += 4;
        }
        let whole = self.divisor();
        if whole.is_none() && next == b'%' {
            self.at += 1;
            // A bar: `Epoch 3 val:  40%|####   |`
            if self.byte(0) == b'|' {
                return self.bar();
            }
        } else if self.unit_follows() || whole.is_none() && !self.fraction(start) && self.counts_follow() {
            return self.drop_unit();
        }
        if self.named() {
            if let Some(whole) = whole
                && self.bracket_of_split(start)
            {
                return self.count_of_split(value, whole);
            }
            if whole.is_none() && (self.split_counts(value, start) || self.counts_before_value(value, start)) {
                return;
            }
            let mean = self.mean_of_pass().filter(|_| whole.is_none());
            self.emit(mean.unwrap_or(value), whole);
        } else if self.fraction(start) && self.value_first(value) {
            // Value before name.
        } else if whole.is_some() && (self.opens_nested(start) || self.bar_follows()) {
            self.give("Epoch".to_owned(), value, whole);
        } else if whole.is_none() && (line_start || self.opened(start)) && self.pair_of_counts(value) {
            // Epoch and step.
        } else if whole.is_none() && line_start && self.counts_line(start) && !self.fraction(start)
            || whole.is_some() && (nested || bar && self.rest().starts_with(" ["))
            || whole.is_some() && line_start && (self.counts_of_line() || self.splits_follow())
            || whole.is_none() && self.opened(start) && self.counts_of_parts() && !self.fraction(start)
        {
            let tqdm = whole.is_some() && !nested && !line_start;
            let mark = if tqdm { Mark::Tqdm } else { Mark::Plain };
            // `[3/30] iter: 100/278`
            let epoch = tqdm && self.bar_of_epochs()
                || line_start && self.rest().strip_prefix(']').is_some_and(|r| self.step_begins(r));
            let name = if epoch { "Epoch" } else { "iter" };
            self.out.push(Pair { name: name.to_owned(), value, whole, mark });
        } else if whole.is_some() && (self.after_counter(start) || self.counter_follows()) {
            self.give("iter".to_owned(), value, whole);
        } else if let Some(whole) = whole.filter(|whole| *whole > 0.0 && self.share_follows(start)) {
            self.out.push(Pair { name: "share".to_owned(), value: value / whole, whole: None, mark: Mark::Share });
        } else if whole.is_some()
            && self.line_begins(start)
            && self.rest().trim_start().starts_with(['[', '━', '─', '█'])
        {
            self.out.push(Pair { name: "iter".to_owned(), value, whole, mark: Mark::Bar });
        }
    }

    /// The mean so far of a pass over held-out data, behind the value of its last batch:
    /// `Test: [20/90] Loss 2.3 (2.5)`.
    fn mean_of_pass(&self) -> Option<f64> {
        self.scope?;
        let (inside, _) = self.rest().trim_start().strip_prefix('(')?.split_once(')')?;
        let counted = self.text.get(..self.at).is_some_and(|before| before.contains('/') && before.contains(']'));
        number::whole(inside.trim().as_bytes()).filter(|_| counted && inside.contains('.'))
    }

    /// Whether a text at the end of the line begins with a counter of steps and its separator.
    fn step_begins(&self, rest: &str) -> bool {
        let trimmed = rest.trim_start();
        let word = self.word_at(self.text.len() - trimmed.len());
        CounterKind::of(word).is_step() && trimmed.get(word.len()..).is_some_and(|r| r.starts_with([':', '=']))
    }

    /// The share of a progress bar is no reading. The split before it is that of what follows.
    fn bar(&mut self) {
        if let Some(split) = self.words.iter().rev().find(|w| words::is_split(w)) {
            self.scope = words::is_held_out(split).then_some(*split);
        }
        self.epochs = self.words.last().is_some_and(|w| CounterKind::of(w).is_epoch());
        self.words.clear();
        self.separated = false;
    }

    /// Whether a bracket opens right before the number that began at `start`.
    pub(super) fn opened(&self, start: usize) -> bool {
        self.text.get(..start).is_some_and(|t| t.trim_end().ends_with('['))
    }

    /// Whether only spaces precede the number.
    fn line_begins(&self, start: usize) -> bool {
        start < 64 && self.text.get(..start).is_some_and(|t| t.trim().is_empty())
    }

    /// Reads sign, digits, point and exponent.
    fn digits(&mut self) -> f64 {
        let start = self.at;
        self.at += usize::from(matches!(self.byte(0), b'+' | b'-'));
        while self.byte(0).is_ascii_digit() {
            self.at += 1;
        }
        if self.byte(0) == b'.' && !self.byte(1).is_ascii_alphabetic() {
            self.at += 1;
            while self.byte(0).is_ascii_digit() {
                self.at += 1;
            }
        }
        let sign = usize::from(matches!(self.byte(1), b'+' | b'-'));
        if matches!(self.byte(0), b'e' | b'E') && self.byte(1 + sign).is_ascii_digit() {
            self.at += 1 + sign;
            while self.byte(0).is_ascii_digit() {
                self.at += 1;
            }
        }
        self.text.get(start..self.at).and_then(|digits| number::whole(digits.as_bytes())).unwrap_or(f64::NAN)
    }

    /// Whether the number that began at `start` has a point or an exponent.
    fn fraction(&self, start: usize) -> bool {
        self.text.get(start..self.at).is_some_and(|t| t.contains(['.', 'e', 'E']))
    }

    /// Whether `,ddd` follows a whole number named by a counter: thousands.
    fn grouped(&self, start: usize) -> bool {
        let digits = (1..4).all(|i| self.byte(i).is_ascii_digit());
        self.byte(0) == b','
            && digits
            && !self.byte(4).is_ascii_digit()
            && self.text.get(start..self.at).is_some_and(|t| !t.contains('.'))
            && self.words.last().is_some_and(|w| is_counter(w))
    }

    /// The number after `/`, as in `3/10`.
    pub(super) fn divisor(&mut self) -> Option<f64> {
        let back = self.at;
        self.skip_space();
        if self.byte(0) == b'/' {
            self.at += 1;
            self.skip_space();
            if self.byte(0).is_ascii_digit() {
                return Some(self.digits());
            }
        }
        self.at = back;
        None
    }

    fn unit_follows(&self) -> bool {
        let rest = self.rest();
        let trimmed = rest.trim_start_matches(' ');
        let word = self.word_at(self.at + rest.len() - trimmed.len());
        let after = trimmed.get(word.len()..).unwrap_or("").trim_start();
        // Vowpal Wabbit marks a loss on held-out data with an `h`.
        let held_out = word == "h" && self.words.last().is_some_and(|w| w.ends_with("loss"));
        words::is_unit(word) && !held_out && !after.starts_with(|c: char| c.is_ascii_digit() || matches!(c, ':' | '='))
    }

    /// Skips the rest of a number that has a unit.
    fn drop_unit(&mut self) {
        self.skip_space();
        while let Some(c) = self.rest().chars().next().filter(|c| c.is_alphanumeric() || matches!(c, '_' | '/' | '.')) {
            self.at += c.len_utf8();
        }
        self.words.clear();
        self.separated = false;
    }

    /// Whether `,` and the digits after it are the decimals of the number that began at `start`:
    /// `2,3026`. Thousands have three digits, stand after a counter, or repeat.
    fn decimal_comma(&self, start: usize) -> bool {
        let rest = self.rest().get(1..).unwrap_or("");
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let after = rest.as_bytes().get(digits).copied().unwrap_or(b' ');
        let first = self.text.get(start..self.at).unwrap_or("");
        let counter = self.words.last().is_some_and(|w| is_counter(w));
        let metric = || self.words.last().is_some_and(|w| metric_direction(w).is_some());
        let another = after == b',' && rest.as_bytes().get(digits + 1).is_some_and(u8::is_ascii_digit);
        digits >= 2
            && self.named()
            && !counter
            && !another
            && after != b'.'
            && (digits != 3 || first.trim_start_matches('-') == "0" || first.len() <= 2 && metric())
            && !first.contains(['.', 'e', 'E'])
    }

    /// Reads on over a decimal comma.
    fn after_comma(&mut self, start: usize) -> f64 {
        self.at += 1;
        let begin = self.at;
        self.digits();
        let whole = self.text.get(start..begin - 1).unwrap_or("");
        let decimals = self.text.get(begin..self.at).unwrap_or("");
        number::whole(format!("{whole}.{decimals}").as_bytes()).unwrap_or(f64::NAN)
    }

    /// The power of ten after a number: `1.5x10^-4`, `1.5 × 10^-4`.
    fn multiplier(&mut self) -> Option<f64> {
        let mark = |byte: u8| matches!(byte, b'x' | b'*' | 0xc2 | 0xc3);
        if !(mark(self.byte(0)) || self.byte(0) == b' ' && mark(self.byte(1))) {
            return None;
        }
        let rest = self.rest();
        let after =
            rest.trim_start_matches(' ').trim_start_matches(['x', '*', '\u{d7}', '\u{b7}']).trim_start_matches(' ');
        let power = after.strip_prefix("10^").or_else(|| after.strip_prefix("10**"))?.trim_start_matches(['{', '(']);
        let sign = usize::from(power.starts_with(['-', '+']));
        let end = sign + power.get(sign..)?.bytes().take_while(u8::is_ascii_digit).count();
        let exponent: i32 = power.get(..end)?.parse().ok()?;
        let rest_after = power.get(end..)?.trim_start_matches(['}', ')']);
        self.at += rest.len() - rest_after.len();
        Some(10f64.powi(exponent.clamp(-300, 300)))
    }

    /// The factor of a letter after a count: `10k` steps, `1.5M` tokens.
    fn thousands(&self) -> Option<f64> {
        let factor = match self.byte(0) {
            b'k' | b'K' => 1e3,
            b'M' => 1e6,
            b'B' | b'G' => 1e9,
            _ => return None,
        };
        let ends = !self.byte(1).is_ascii_alphanumeric() && !matches!(self.byte(1), b'_' | b'/');
        (ends && self.words.last().is_some_and(|w| is_counter(w))).then_some(factor)
    }

    /// Whether the whole number that began at `start` is an ordinal under the name of a counter:
    /// `step: 29015th`.
    fn ordinal(&self, start: usize) -> bool {
        let letters = self.rest().get(..ORDINAL).unwrap_or("");
        ["st", "nd", "rd", "th"].contains(&letters)
            && !self.byte(ORDINAL).is_ascii_alphanumeric()
            && !self.fraction(start)
            && self.words.last().is_some_and(|w| is_counter(w))
    }

    /// Whether the number counts what follows it: `1 epoch average loss`.
    fn counts_follow(&self) -> bool {
        let rest = self.rest();
        let space = rest.len() - rest.trim_start_matches(' ').len();
        let word = self.word_at(self.at + space);
        let after = rest.get(space + word.len()..).unwrap_or("").trim_start();
        space > 0
            && self.separated
            && is_counter(word)
            && after.starts_with(|c: char| c.is_alphabetic() || matches!(c, ',' | ';' | ')'))
    }

    /// Whether a word that counts follows: `200/ 1100 batches`.
    fn counter_follows(&self) -> bool {
        let rest = self.rest();
        let word = self.word_at(self.at + rest.len() - rest.trim_start_matches(' ').len());
        CounterKind::of(word).is_step()
    }

    /// Whether only brackets, commas or bars stand between the last counter of an epoch and the
    /// number that began at `start`: `Epoch 1[16/5011]`, `Epoch 2/5 | 100/600`.
    fn after_counter(&self, start: usize) -> bool {
        let epoch = self.out.last().is_some_and(|p| CounterKind::of(&p.name).is_epoch());
        let between = self.text.get(self.counted..start).filter(|_| epoch && self.counted > 0);
        let open = |b: &str| b.matches('[').count() > b.matches(']').count();
        between.is_some_and(|b| {
            b.chars().all(|c| matches!(c, ' ' | '[' | ']' | '(' | ',' | '|' | '-' | '\t'))
                && (!open(b) || self.byte(0) == b']')
        })
    }

    /// Whether the number that began at `start` stands in a bracket after the name of a split.
    fn bracket_of_split(&self, start: usize) -> bool {
        let [split] = self.words.as_slice() else { return false };
        let before = self.text.get(..start).unwrap_or("").trim_end();
        let opened = || before.strip_suffix(split).is_some_and(|before| before.ends_with('['));
        words::is_split(split) && (before.ends_with('[') || opened() && self.byte(0) == b']')
    }

    /// `Train: [3/100]` and `[Train 3/100]` count. `Val: [3/20]` counts batches of a validation, to
    /// which what follows belongs.
    fn count_of_split(&mut self, value: f64, whole: f64) {
        let split = self.words.first().copied().unwrap_or("");
        self.words.clear();
        self.separated = false;
        if words::is_held_out(split) {
            self.scope = Some(split);
            return;
        }
        let nested = self.rest().strip_prefix(']').is_some_and(|r| r.trim_start().starts_with('['));
        self.give(if nested { "Epoch" } else { "iter" }.to_owned(), value, Some(whole));
    }

    /// Whether only the results of a validation follow: ` * Acc@1 75.0 Acc@5 92.5`, as examples of
    /// PyTorch print it.
    pub(super) fn starred(&mut self) {
        let rest = self.text.trim_start().trim_start_matches(['*', ' ']);
        if ["Acc@", "Prec@", "acc@", "Err@"].iter().any(|name| rest.starts_with(name)) {
            self.scope = Some("val");
        }
    }
}
