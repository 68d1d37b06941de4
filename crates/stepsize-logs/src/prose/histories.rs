//! [`Histories`]: metrics told as lists of all their readings, at the end of a training.

use crate::gather::Gather;
use crate::text;

/// Readings that a list which slides over them may leave behind from line to line.
const SLIDE: usize = 16;

/// Reads lists of readings. A list of a name that was told is of the next run, unless it goes on
/// with the readings of the one before.
#[derive(Debug, Clone, Default)]
pub(super) struct Histories {
    /// The lists of the current run.
    told: Vec<(String, Vec<f64>)>,
    /// Whether the metrics of the text are told as lists alone.
    only: bool,
}

impl Histories {
    /// Reads a line that is the list of a metric, or the end of a dictionary of such lists that
    /// was begun above: `), 'accuracy': [25.1, ...], 'loss': [1.9, ...]}`. Returns whether it is.
    pub fn read(&mut self, line: &str, gather: &mut Gather) -> bool {
        if let Some((name, values)) = text::list_of(line) {
            self.take(vec![(name.to_owned(), values)], gather);
            return true;
        }
        match line.starts_with([')', ']', '}', '\'', '"']).then(|| text::lists_in(line)).flatten() {
            Some(lists) => self.history(lists, gather),
            None => false,
        }
    }

    /// Reads a line that holds a dictionary of lists of metrics. Returns whether it does. The
    /// history at the end of a training whose epochs were told tells them again.
    pub fn read_history(&mut self, line: &str, gather: &mut Gather) -> bool {
        match text::lists_of(line) {
            Some(lists) => self.history(lists, gather),
            None => false,
        }
    }

    fn history(&mut self, lists: Vec<(String, Vec<f64>)>, gather: &mut Gather) -> bool {
        let news = self.only || !gather.has_metrics();
        if news {
            self.take(lists, gather);
        }
        news
    }

    fn take(&mut self, lists: Vec<(String, Vec<f64>)>, gather: &mut Gather) {
        self.only |= !gather.has_metrics();
        let mut begin = 0;
        if let Some((told, now)) = lists.iter().find_map(|(name, now)| Some((self.of(name)?, now)))
            && self.only
        {
            match known(told, now) {
                Some(known) => begin = known,
                None => {
                    self.told.clear();
                    gather.next_run();
                }
            }
        }
        for at in begin..lists.iter().map(|(_, values)| values.len()).max().unwrap_or(0) {
            lists.iter().for_each(|(name, v)| v.get(at).into_iter().for_each(|v| gather.number(name, *v)));
            gather.end_row();
        }
        self.told.retain(|(name, _)| lists.iter().all(|(other, _)| other != name));
        self.told.extend(lists);
    }

    fn of(&self, name: &str) -> Option<&[f64]> {
        self.told.iter().find(|(other, _)| other == name).map(|(_, values)| values.as_slice())
    }
}

/// How many values of a list stood at the end of the one before, if it goes on with that.
fn known(told: &[f64], now: &[f64]) -> Option<usize> {
    let same = |(a, b): (&f64, &f64)| a.to_bits() == b.to_bits();
    (0..=SLIDE.min(told.len() / 2))
        .filter_map(|from| told.get(from..))
        .find(|rest| rest.len() <= now.len() && rest.iter().zip(now).all(same))
        .map(<[f64]>::len)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_that_grow_or_slide() {
        let told = [4.0, 3.0, 2.0, 1.0];
        assert_eq!(known(&told, &[4.0, 3.0, 2.0, 1.0, 0.5]), Some(4));
        assert_eq!(known(&told, &[3.0, 2.0, 1.0, 0.5]), Some(3));
        assert_eq!(known(&told, &told), Some(4));
        assert_eq!(known(&told, &[4.0, 3.5, 2.0, 1.0]), None);
    }
}
