//! Names and numbers that are found.

use super::Scan;
use crate::names::{CounterKind, DataSplit, bare_split, is_counter, is_rate, metric_direction};
use crate::text::{Mark, Pair, words};

impl Scan<'_> {
    pub(super) fn give(&mut self, name: String, value: f64, whole: Option<f64>) {
        if is_counter(&name) {
            self.counted = self.at;
        }
        self.add(name, value, whole);
    }

    fn add(&mut self, name: String, value: f64, whole: Option<f64>) {
        let english = if name.is_ascii() { None } else { words::translated(&name) };
        self.out.push(Pair { name: english.unwrap_or(name), value, whole, mark: Mark::Plain });
    }

    /// Adds a number under the words before it; `whole` is the number after a `/`.
    pub(super) fn emit(&mut self, value: f64, whole: Option<f64>) {
        let separated = std::mem::take(&mut self.separated);
        let mut parts = std::mem::take(&mut self.words);
        let mut joined = false;
        let told = parts.last().is_some_and(|w| *w == "is");
        while parts.last().is_some_and(|w| words::is_filler(w)) {
            joined |= parts.pop().is_some_and(words::joins);
        }
        // "Learning Rate for this epoch: 0.001"
        if separated
            && value.fract() != 0.0
            && let Some(at) = parts.iter().position(|w| words::joins(w) || w.eq_ignore_ascii_case("at"))
            && is_rate(&parts.get(..at).unwrap_or(&[]).join("_"))
        {
            parts.truncate(at);
        }
        let Some(&last) = parts.last() else { return };
        // llm.c: `s:125 trl:3.9`
        if last == "s" && separated && self.out.is_empty() && parts.len() == 1 && value.fract() == 0.0 {
            return self.give("step".to_owned(), value, whole);
        }
        // Caffe: "Test net output #1: loss = 7.04"
        if let [split, "net", "output"] = parts.as_slice()
            && words::is_held_out(split)
        {
            self.scope = Some(split);
            return;
        }
        // "Average undiscounted return per training episode: -20.5"
        let per = separated && parts.contains(&"per");
        let counts = is_counter(last) && !per;
        // "74542 tokens with 5600 phrases" counts no tokens.
        if joined && counts {
            return;
        }
        if words::is_source(last) {
            return;
        }
        // "END epoch: 3"
        if let [mark, counter] = parts.as_slice()
            && counts
            && ["end", "start", "begin"].iter().any(|w| mark.eq_ignore_ascii_case(w))
        {
            return self.give((*counter).to_owned(), value, whole);
        }
        // "Epoch Step: 51"
        if separated && counts && parts.len() > 1 && parts.iter().all(|w| is_counter(w)) {
            return self.give(last.to_owned(), value, whole);
        }
        let qualified = parts.iter().rev().skip(1).take_while(|w| words::is_qualifier(w)).count() + 1;
        // "NCE Loss is 0.5" beside "Loss is 0.5"
        let two = || told && matches!(parts.as_slice(), [first, _] if !words::is_filler(first));
        let all = separated && (per || parts.len() <= 5) || two();
        let taken = if all { parts.len() } else { qualified };
        let first = parts.len() - taken.min(parts.len());
        if counts && (!separated || taken == qualified || parts.iter().any(|w| words::is_at(w))) {
            let any = |word: &str| parts.iter().any(|w| w.eq_ignore_ascii_case(word));
            // "Batch 0.427 (0.440)" is a time, "Steps 50(50.10)" has a mean: neither counts.
            let mean =
                || self.rest().strip_prefix('(').is_some_and(|r| r.split(')').next().is_some_and(|m| m.contains('.')));
            if CounterKind::of(last).is_step()
                && !last.eq_ignore_ascii_case("progress")
                && (value.fract() != 0.0 || mean())
            {
                return;
            }
            // "Total Epoch: 300" is how far the run is to go.
            let before = parts.iter().rev().nth(1).copied().unwrap_or("");
            if ["total", "max", "maximum"].iter().any(|w| before.eq_ignore_ascii_case(w)) {
                return;
            }
            let ends = any("end") && any("of");
            // Estimators of TensorFlow: "Saving dict for global step 500: loss = 0.7"
            if let ["Saving", "dict", ..] = parts.as_slice() {
                self.scope = Some("eval");
            }
            // "Test Epoch: 3 loss: 0.5"
            if let Some(split) = parts.iter().rev().skip(1).find(|w| words::is_held_out(w)) {
                self.scope = Some(split);
                // "Valid Batch 3/20" counts the batches of a validation.
                if whole.is_some() && last.to_ascii_lowercase().contains("batch") {
                    return;
                }
            }
            self.give(if any("global") { format!("global_{last}") } else { last.to_owned() }, value, whole);
            if let Some(pair) = self.out.last_mut().filter(|_| ends) {
                pair.mark = Mark::End;
            }
            // "Loss at step 100: 0.3": the loss still waits for its number. So it does in "Loss at
            // epoch 0 and iteration 100 is 0.3" and in "loss of iteration 8: 0.3".
            let after = |at: usize| metric_direction(&parts.get(..at).unwrap_or(&[]).join("_")).is_some();
            // And in "loss in epoch 1 iteration 5: 0.3", which has the place of a reading twice.
            let placed = self.out.iter().rev().nth(1).is_some_and(|p| is_counter(&p.name));
            let waits = |at: usize| {
                placed
                    && at + 1 == parts.len()
                    && after(at)
                    && bare_split(&parts.get(..at).unwrap_or(&[]).join("_")).is_none()
            };
            let of = |w: &str| words::joins(w) || w.eq_ignore_ascii_case("in");
            let joins = |(at, w): (usize, &&str)| words::is_at(w) || of(w) && after(at) || waits(at);
            if let Some(at) = parts.iter().enumerate().position(joins) {
                parts.truncate(at);
                self.words = parts;
            }
            return;
        }
        let name: Vec<&str> = parts.iter().skip(first).map(|w| w.strip_suffix("'s").unwrap_or(w)).collect();
        let mut name = name.join("_");
        // `top 5`
        name.retain(|c| c != ' ');
        // "Reducing learning rate to 1e-4" says what follows, not what the run began with.
        if parts.iter().any(|w| words::is_change(w)) && is_rate(&name) {
            self.message = true;
            return;
        }
        // `Val. Total Loss: 0.5, AUC: 0.9`
        let between = |w: &&&str| words::is_qualifier(w) && !words::is_split(w);
        let inside = parts.iter().rev().skip(1).take_while(between).count();
        if let Some(at) = parts.len().checked_sub(inside + 2)
            && let Some(split) = parts.get(at).copied().filter(|w| words::is_held_out(w))
            && self.out.iter().all(|p| is_counter(&p.name))
        {
            let score = parts.last().is_some_and(|metric| metric_direction(metric) == Some(true));
            if score || at == 0 {
                self.score_of = Some((split, score));
            }
        }
        let name = self.of_last_metric(name);
        let name = self.told_again(self.scoped(name));
        let value = match whole {
            Some(whole) if words::is_share(last) && whole > 0.0 => value / whole,
            _ => value,
        };
        if counts {
            return self.give(name, value, None);
        }
        // No epoch: nothing asks where it stood.
        self.add(name, value, None);
    }

    /// The name of a split after a loss with a split: `loss train: 0.5, val: 0.6`.
    fn of_last_metric(&self, name: String) -> String {
        let loss = |p: &Pair| DataSplit::in_name(&p.name).is_some() && metric_direction(&p.name) == Some(false);
        let after = self.out.last().is_some_and(|p| p.name.len() > 4 && p.name.contains(['_', '/', '-']));
        match after
            && bare_split(&name).is_some()
            && self.out.last().is_some_and(|p| bare_split(&p.name).is_none() && loss(p))
        {
            true => format!("{name}_loss"),
            false => name,
        }
    }

    /// A name that is told a second time, after a metric of a held-out split, is of that split:
    /// `Train Loss: 2.5 Acc: 0.5 Val Loss: 2.6 Acc: 0.4`.
    fn told_again(&self, name: String) -> String {
        let Some(first) = self.out.iter().position(|p| p.name == name) else { return name };
        let held_out = |p: &Pair| DataSplit::in_name(&p.name).filter(|split| split.is_held_out());
        match self.out.iter().skip(first).rev().find_map(held_out) {
            Some(split) if DataSplit::in_name(&name).is_none() && metric_direction(&name).is_some() => {
                format!("{}_{name}", split.prefix())
            }
            _ => name,
        }
    }

    /// The name with the held-out split of the line, unless it has a split of its own, is a counter
    /// or the rate. `val Loss: 0.5 Acc: 0.9` gives its split to scores only, `test acc: 0.9, loss:
    /// 0.5` to losses too.
    pub(super) fn scoped(&self, name: String) -> String {
        let fits = |loss: bool| metric_direction(&name).is_some_and(|high| high || loss);
        let of_score = || self.score_of.filter(|(_, loss)| fits(*loss)).map(|(split, _)| split);
        match self.scope.or_else(of_score) {
            Some(scope) if DataSplit::in_name(&name).is_none() && !is_counter(&name) && !is_rate(&name) => {
                format!("{}_{name}", scope.to_ascii_lowercase())
            }
            _ => name,
        }
    }
}
