//! Counts that stand without a name of their own, and tags in brackets.

use super::Scan;
use crate::names::{CounterKind, bare_split, is_counter, is_grad_norm, is_rate, metric_direction};
use crate::number;
use crate::text::words;

/// Longest text of a tag.
const TAG: usize = 40;
/// Words after a count among which a loss is looked for.
const PHRASE: usize = 24;
/// Words of a name that follows its value.
const NAME: usize = 4;

impl Scan<'_> {
    /// `1epoch`, `101-200batch`: the count and its name in one word. Returns whether there is one.
    pub(super) fn count_attached(&mut self, value: f64, start: usize) -> bool {
        let (count, at) = match self.byte(0) {
            b'-' => {
                let digits = self.text.get(self.at + 1..).unwrap_or("").bytes().take_while(u8::is_ascii_digit).count();
                let end = self.at + 1 + digits;
                (self.text.get(self.at + 1..end).and_then(|t| number::whole(t.as_bytes())), end)
            }
            _ => (Some(value), self.at),
        };
        let word = self.word_at(at);
        let whole = self.text.get(start..at).is_some_and(|t| t.bytes().all(|b| b.is_ascii_digit() || b == b'-'));
        // `3epochs` is how many there are, and `3it` what a progress bar counted.
        let named = word.len() > 2 && !word.ends_with('s') && is_counter(word);
        let Some(count) = count.filter(|_| whole && named) else { return false };
        self.at = at + word.len();
        self.words.clear();
        self.separated = false;
        self.give(word.to_owned(), count, None);
        true
    }

    /// Whether a range of counts follows, with their name: `-200batch`.
    pub(super) fn range_of_counts(&self) -> bool {
        let rest = self.rest().get(1..).unwrap_or("");
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        rest.as_bytes().get(digits).is_some_and(u8::is_ascii_alphabetic)
            && is_counter(self.word_at(self.at + 1 + digits))
    }

    /// `Train: 3 [  50/200 (25%)]`, as timm prints it: the epoch and the batch of a split. Returns
    /// whether it is that.
    pub(super) fn split_counts(&mut self, value: f64, start: usize) -> bool {
        let [split] = self.words.as_slice() else { return false };
        if self.byte(0) != b' ' {
            return false;
        }
        let rest = self.rest().trim_start();
        if !rest.starts_with('[')
            || !words::is_split(split)
            || self.text.get(start..self.at).is_none_or(|t| t.contains('.'))
        {
            return false;
        }
        let Some((count, more)) = rest.get(1..).and_then(|r| r.split_once('/')) else { return false };
        let digits = more.bytes().take_while(u8::is_ascii_digit).count();
        let (count, total) =
            (number::whole(count.as_bytes()), more.get(..digits).and_then(|t| number::whole(t.as_bytes())));
        let (Some(count), Some(total)) = (count, total) else { return false };
        let held_out = words::is_held_out(split).then_some(*split);
        self.at = self.text.len() - more.len() + digits;
        self.words.clear();
        self.separated = false;
        match held_out {
            Some(split) => self.scope = Some(split),
            None => {
                self.give("Epoch".to_owned(), value, None);
                self.give("iter".to_owned(), count, Some(total));
            }
        }
        true
    }

    /// `Train loss 120 0.53`, `Validation loss 500: 0.61`: between a loss and its value stands the
    /// step. Returns whether it does.
    pub(super) fn counts_before_value(&mut self, value: f64, start: usize) -> bool {
        if self.separated || !matches!(self.byte(0), b' ' | b':') {
            return false;
        }
        let whole = self.text.get(start..self.at).is_some_and(|t| t.bytes().all(|b| b.is_ascii_digit()));
        if !whole || self.words.last().is_none_or(|w| words::is_split(w) || metric_direction(w) != Some(false)) {
            return false;
        }
        let rest = self.rest();
        let next = rest.strip_prefix(':').unwrap_or(rest).trim_start();
        let fraction = number::prefix(next.as_bytes())
            .is_some_and(|(_, length)| next.get(..length).is_some_and(|t| t.contains('.')))
            && next.len() < rest.len();
        if fraction {
            self.at += usize::from(rest.starts_with(':'));
            self.give("iter".to_owned(), value, None);
        }
        fraction
    }

    /// Whether the number that began at `start` stands in a bracket after an epoch, beside the
    /// share that it is: `Epoch: 1 [640/60000 (1%)]`.
    pub(super) fn share_follows(&self, start: usize) -> bool {
        let epoch = self.out.last().is_some_and(|p| CounterKind::of(&p.name).is_epoch());
        let share = || {
            let end = self.rest().bytes().take(TAG).position(|b| b == b']');
            end.and_then(|end| self.rest().get(..end)).is_some_and(|inside| inside.trim_end().ends_with("%)"))
        };
        epoch && self.opened(start) && share()
    }

    /// Whether a bracket closes here with which a line of readings begins: `[200/3000] Train loss:
    /// 1`, `(200/3000) photos | loss 1`. Without a bracket the metric must follow at once:
    /// `200/3000 loss: 1`.
    pub(super) fn counts_of_line(&self) -> bool {
        let rest = self.rest().trim_start_matches(' ');
        let bare = || {
            let word = self.word_at(self.text.len() - rest.len());
            rest.len() < self.rest().len() && metric_direction(word) == Some(false)
        };
        rest.strip_prefix([']', ')']).map_or_else(bare, |rest| {
            let named = rest.split([':', '=']).next().filter(|name| name.len() < rest.len());
            named.is_some_and(|name| metric_direction(name.trim()).is_some())
                || rest.split([' ', ',', '|', ':', '=']).take(PHRASE).any(|w| metric_direction(w) == Some(false))
        })
    }

    /// Whether a bracket closes here with which the parts of a line of readings begin, behind the
    /// marks of a logger: `INFO - 0:10:00 - [ 85000] | gnorm 1.5 | loss 2.5`.
    pub(super) fn counts_of_parts(&self) -> bool {
        let told = |part: &str| {
            let name = part.trim_start().split([' ', ':', '=']).next().unwrap_or("");
            metric_direction(name).is_some() || is_rate(name) || is_grad_norm(name)
        };
        let parts = self.rest().strip_prefix("] |").filter(|_| self.out.is_empty());
        parts.is_some_and(|rest| rest.split('|').next().is_some_and(told))
    }

    /// Whether the losses of splits follow the count with which a line begins: `3/20  train: 0.5`.
    pub(super) fn splits_follow(&self) -> bool {
        let rest = self.rest();
        let word = self.word_at(self.text.len() - rest.trim_start().len());
        let after = rest.trim_start().get(word.len()..).unwrap_or("");
        rest.starts_with([' ', '\t']) && words::is_split(word) && after.starts_with([':', '='])
    }

    /// Whether what follows the number at `start`, with which the line begins, makes it a count:
    /// `[10] loss`, `10: learn`, `10 [D loss: 0.5]`, `10 | loss 0.5`. `10:{"loss"` is the number of
    /// a line that was searched for, and `10]` the end of an array.
    pub(super) fn counts_line(&self, start: usize) -> bool {
        let bracket = || self.text.get(..start).is_some_and(|t| t.trim_end().ends_with('['));
        let losses = || {
            let inside = self.rest().strip_prefix(" [").and_then(|rest| rest.split(':').next());
            inside.is_some_and(|name| metric_direction(name) == Some(false))
        };
        let barred = || {
            let part = self.rest().strip_prefix(" | ").and_then(|rest| rest.split(" | ").next());
            let told = part.and_then(|part| part.split_once([' ', ':', '=']));
            told.is_some_and(|(name, value)| {
                let value = value.trim_start_matches([' ', ':', '=']);
                metric_direction(name) == Some(false) && number::whole(value.as_bytes()).is_some()
            })
        };
        self.byte(0) == b']' && bracket() || self.byte(0) == b':' && self.byte(1) != b'{' || losses() || barred()
    }

    /// Whether the number belongs to a name: `top 5 acc: 0.9`.
    pub(super) fn is_top(&self, value: f64) -> bool {
        self.byte(0) == b' '
            && self.byte(1).is_ascii_alphabetic()
            && !self.separated
            && (1.0..=100.0).contains(&value)
            && self.words.last().is_some_and(|w| w.eq_ignore_ascii_case("top"))
    }

    /// Adds the number that began at `start` to the word before it.
    pub(super) fn extend_word(&mut self, start: usize) {
        let length = self.words.pop().map_or(0, str::len);
        let begin = self.text.get(..start).map_or(0, |t| t.trim_end().len()).saturating_sub(length);
        if let Some(word) = self.text.get(begin..self.at) {
            self.words.push(word);
        }
    }

    /// Whether a progress bar follows the count: `002/200:  50%|##  | 2/4`.
    pub(super) fn bar_follows(&self) -> bool {
        let rest = self.rest().trim_start_matches([']', ':', ' ']);
        let share = rest.trim_start_matches(|c: char| c.is_ascii_digit());
        rest.len() > share.len() && share.starts_with("%|")
    }

    /// Whether a bracket closes here and another opens with a number: `[0/5][50/250]`.
    pub(super) fn opens_nested(&self, start: usize) -> bool {
        let second = self.rest().strip_prefix(']').map(|r| r.trim_start_matches(' '));
        let digits = second
            .and_then(|r| r.strip_prefix('['))
            .is_some_and(|r| r.trim_start().starts_with(|c: char| c.is_ascii_digit()));
        digits && self.text.get(..start).is_some_and(|t| t.trim_end().ends_with('['))
    }

    /// `[2,  4000] loss: 1.9`: epoch and step at the start of a line, before a metric. Returns
    /// whether it is that.
    pub(super) fn pair_of_counts(&mut self, epoch: f64) -> bool {
        let Some((step, rest)) = self.rest().strip_prefix(',').and_then(|r| r.split_once(']')) else { return false };
        let named = rest.split([':', '=']).next().filter(|name| name.len() < rest.len());
        let (Some(step), Some(name)) = (number::whole(step.as_bytes()), named) else { return false };
        if step.fract() != 0.0 || epoch.fract() != 0.0 || metric_direction(name.trim()).is_none() {
            return false;
        }
        self.at = self.text.len() - rest.len();
        self.give("Epoch".to_owned(), epoch, None);
        self.give("iter".to_owned(), step, None);
        true
    }

    /// A tag in brackets that names a split: `[Val]`, `[Diff-Val(Test)]`. What follows is of this
    /// split. Returns whether it is one.
    pub(super) fn tag(&mut self) -> bool {
        let inside = self.rest().get(1..).unwrap_or("");
        let end = inside.bytes().take(TAG + 1).position(|b| b == b']');
        let Some(tag) = end.and_then(|end| inside.get(..end)) else {
            return false;
        };
        if tag.bytes().any(|b| b.is_ascii_digit() || matches!(b, b':' | b'=' | b'[' | b',')) {
            return false;
        }
        // `[val loss] 0.5` is a name.
        if metric_direction(tag).is_some() && bare_split(tag).is_none() {
            return false;
        }
        let mut parts = tag.split(|c: char| !c.is_alphanumeric()).filter(|w| words::is_split(w));
        let Some(split) = parts.next() else { return false };
        let held_out = Some(split).filter(|w| words::is_held_out(w)).or_else(|| parts.find(|w| words::is_held_out(w)));
        self.at += tag.len() + 2;
        self.words.clear();
        self.separated = false;
        self.scope = held_out;
        true
    }

    /// Takes the name after a value: `826.4 avg loss, 0.001 rate`. Returns whether there is one.
    pub(super) fn value_first(&mut self, value: f64) -> bool {
        let Some((name, end)) = self.phrase() else { return false };
        self.at = end;
        let name = self.scoped(name);
        self.give(name, value, None);
        true
    }

    /// The words up to the next comma, if they are the name of a metric or of the rate.
    fn phrase(&self) -> Option<(String, usize)> {
        let mut at = self.at;
        let mut name = String::new();
        for _ in 0..NAME {
            let rest = self.text.get(at..)?;
            let space = rest.len() - rest.trim_start_matches(' ').len();
            let word = self.word_at(at + space);
            if word.is_empty() || space == 0 {
                break;
            }
            if !name.is_empty() {
                name.push('_');
            }
            name.push_str(word);
            at += space + word.len();
            // `0.5 C.E. Loss`
            at += usize::from(word.contains('.') && self.text.as_bytes().get(at) == Some(&b'.'));
        }
        let rest = self.text.get(at..)?.trim_start();
        if name.is_empty() || !(rest.is_empty() || rest.starts_with([',', ';', '|', ')'])) {
            return None;
        }
        match () {
            () if name == "rate" => Some(("learning_rate".to_owned(), at)),
            // An average beside the rate is of the loss: `439.2 avg, 0.001 rate`.
            () if name == "avg" && rest.contains(" rate,") => Some(("avg_loss".to_owned(), at)),
            () => (metric_direction(&name).is_some() || is_rate(&name)).then_some((name, at)),
        }
    }

    /// Whether the bar whose count was read counts epochs, by its name or its unit:
    /// `Epochs:  10%|# | 1/10 [00:26<04:01, 26.8s/it]`, `10%|# | 1/10 [00:26<04:01, 26.8s/epoch]`.
    pub(super) fn bar_of_epochs(&self) -> bool {
        let unit = || {
            let inside = self.rest().split(']').next().unwrap_or("");
            inside.contains("s/epoch") || inside.contains("epoch/s")
        };
        self.epochs || unit()
    }

    /// Whether a progress bar without readings closes here that has not come to its end. What
    /// follows it on the line was printed by something else.
    pub(super) fn ends_bar(&self) -> bool {
        let before = self.text.get(..self.at).unwrap_or("");
        (before.ends_with("it/s") || before.ends_with("s/it")) && !before.contains("100%")
    }
}
