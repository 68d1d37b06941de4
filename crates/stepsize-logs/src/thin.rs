//! [`Thin`]: the readings of one name in bounded memory.
//!
//! Readings are counted; stretches of `2^k` readings keep their least, their greatest and their
//! first that is not finite. When more than the limit are kept, `k` grows until at most half of it
//! are. The first and the last are always kept. The outcome depends on the readings only, not on
//! how the bytes came.

/// Readings kept of one name.
pub(crate) const POINTS: usize = 4096;

/// Readings (step, value) in bounded memory, as every reader keeps them. Of more than 4096 the
/// first, the last, the extremes and those that are not finite are kept. Of several at one step the
/// last one is kept.
pub fn thinned(readings: impl IntoIterator<Item = (f64, f64)>) -> Vec<(f64, f64)> {
    let mut thin = Thin::new(POINTS);
    let mut held: Option<(f64, f64)> = None;
    for (step, value) in readings {
        if let Some((before, value)) = held.filter(|h| h.0 != step) {
            thin.push(before, f64::NAN, value);
        }
        held = Some((step, value));
    }
    if let Some((step, value)) = held {
        thin.push(step, f64::NAN, value);
    }
    thin.marks().iter().map(|m| (m.step, m.value)).collect()
}

/// One reading: the counters of its run at the time (NaN: not seen) and its value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct ThinPoint {
    pub step: f64,
    pub epoch: f64,
    pub index: u64,
    pub value: f64,
    /// Which of the shapes of its text's lines it stood on; 0 where none is known.
    pub shape: u8,
}

/// The kept readings.
#[derive(Debug, Clone)]
pub(crate) struct Thin {
    kept: Vec<ThinPoint>,
    open: Option<Stretch>,
    shift: u32,
    limit: usize,
    seen: u64,
    first: Option<ThinPoint>,
    last: Option<ThinPoint>,
}

#[derive(Debug, Clone, Copy)]
struct Stretch {
    number: u64,
    low: Option<ThinPoint>,
    high: Option<ThinPoint>,
    bad: Option<ThinPoint>,
}

impl Stretch {
    fn new(number: u64, mark: ThinPoint) -> Self {
        let mut stretch = Self { number, low: None, high: None, bad: None };
        stretch.take(mark);
        stretch
    }

    fn take(&mut self, mark: ThinPoint) {
        if !mark.value.is_finite() {
            self.bad = self.bad.or(Some(mark));
            return;
        }
        if self.low.is_none_or(|m| mark.value < m.value) {
            self.low = Some(mark);
        }
        if self.high.is_none_or(|m| mark.value > m.value) {
            self.high = Some(mark);
        }
    }

    fn marks(&self, out: &mut Vec<ThinPoint>) {
        let mut all = [self.low, self.high, self.bad];
        all.sort_by_key(|m| m.map(|m| m.index));
        let begin = out.len();
        for mark in all.into_iter().flatten() {
            if out.len() == begin || out.last().is_none_or(|m| m.index != mark.index) {
                out.push(mark);
            }
        }
    }
}

impl Thin {
    /// Keeps at most about `limit` readings.
    pub fn new(limit: usize) -> Self {
        Self { kept: Vec::new(), open: None, shift: 0, limit, seen: 0, first: None, last: None }
    }

    /// The number of readings so far, those dropped since and the places left empty included.
    pub fn seen(&self) -> u64 {
        self.seen
    }

    /// Counts a place that is left empty.
    pub fn skip(&mut self) {
        self.seen += 1;
    }

    pub fn first(&self) -> Option<ThinPoint> {
        self.first
    }

    pub fn last(&self) -> Option<ThinPoint> {
        self.last
    }

    /// Takes in a reading.
    pub fn push(&mut self, step: f64, epoch: f64, value: f64) {
        self.push_of(0, step, epoch, value);
    }

    /// Takes in a reading of a line of this shape.
    #[inline]
    pub fn push_of(&mut self, shape: u8, step: f64, epoch: f64, value: f64) {
        let mark = ThinPoint { step, epoch, index: self.seen, value, shape };
        self.seen += 1;
        self.first = self.first.or(Some(mark));
        self.last = Some(mark);
        if self.shift == 0 {
            self.kept.push(mark);
            if self.kept.len() > self.limit {
                self.condense();
            }
            return;
        }
        let number = mark.index >> self.shift;
        match &mut self.open {
            Some(open) if open.number == number => open.take(mark),
            open => {
                if let Some(full) = open.replace(Stretch::new(number, mark)) {
                    full.marks(&mut self.kept);
                    if self.kept.len() > self.limit {
                        self.condense();
                    }
                }
            }
        }
    }

    /// Drops the readings from `step` on: the run went back there.
    pub fn cut(&mut self, step: f64) {
        self.cut_where(|m| m.step >= step);
    }

    /// Drops the readings from this epoch on, of a run that counts epochs only.
    pub fn cut_epoch(&mut self, epoch: f64) {
        self.cut_where(|m| m.step.is_nan() && m.epoch >= epoch);
    }

    fn cut_where(&mut self, gone: impl Fn(&ThinPoint) -> bool) {
        if let Some(open) = self.open.take() {
            open.marks(&mut self.kept);
        }
        while self.kept.last().is_some_and(&gone) {
            self.kept.pop();
        }
        self.last = self.kept.last().copied();
        self.first = self.first.filter(|m| !gone(m));
    }

    /// Keeps fewer from now on.
    pub fn limit(&mut self, limit: usize) {
        self.limit = limit;
        if self.kept.len() > limit {
            self.condense();
        }
    }

    fn condense(&mut self) {
        while self.kept.len() > self.limit / 2 && self.shift < 60 {
            self.shift += 1;
            let mut out = Vec::with_capacity(self.kept.len() / 2 + 4);
            let mut open: Option<Stretch> = None;
            for mark in &self.kept {
                let number = mark.index >> self.shift;
                match &mut open {
                    Some(stretch) if stretch.number == number => stretch.take(*mark),
                    _ => {
                        if let Some(full) = open.replace(Stretch::new(number, *mark)) {
                            full.marks(&mut out);
                        }
                    }
                }
            }
            if let Some(rest) = open {
                rest.marks(&mut out);
            }
            self.kept = out;
        }
        self.kept.reserve(self.limit.saturating_sub(self.kept.len()).min(64));
        // The open stretch continues under its new number.
        if let Some(open) = &mut self.open {
            let index = [open.low, open.high, open.bad].into_iter().flatten().map(|m| m.index).min();
            open.number = index.unwrap_or(0) >> self.shift;
        }
    }

    /// The kept readings in their order.
    pub fn marks(&self) -> Vec<ThinPoint> {
        let mut out: Vec<ThinPoint> = Vec::with_capacity(self.kept.len() + 5);
        out.extend(self.first.filter(|f| self.kept.first().is_none_or(|m| m.index > f.index)));
        out.extend_from_slice(&self.kept);
        if let Some(open) = &self.open {
            open.marks(&mut out);
        }
        out.extend(self.last);
        out.dedup_by_key(|m| m.index);
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_million_readings_keep_their_ends_extremes_and_faults() {
        let mut thin = Thin::new(4096);
        for i in 0..1_000_000u32 {
            let value = match i {
                7777 => 1e9,
                123_456 => -1e9,
                654_321 => f64::NAN,
                _ => f64::from(i % 1000),
            };
            thin.push(f64::from(i), f64::NAN, value);
        }
        let marks = thin.marks();
        assert!(marks.len() <= 4100 && marks.len() > 1000, "{}", marks.len());
        assert_eq!((marks[0].index, marks[marks.len() - 1].index, thin.seen()), (0, 999_999, 1_000_000));
        for (index, value) in [(7777, 1e9), (123_456, -1e9)] {
            assert!(marks.iter().any(|m| m.index == index && m.value == value));
        }
        assert!(marks.iter().any(|m| m.index == 654_321 && m.value.is_nan()));
        assert!(marks.is_sorted_by(|a, b| a.index < b.index));
    }

    #[test]
    fn of_readings_at_one_step_the_latest_holds() {
        assert_eq!(thinned([(1.0, 5.0), (1.0, 4.0), (2.0, 3.0)]), [(1.0, 4.0), (2.0, 3.0)]);
        let many = thinned((0..100_000).map(|i| (f64::from(i), if i == 60_001 { 9.0 } else { 1.0 })));
        assert!(many.len() < 5000 && many.contains(&(60_001.0, 9.0)));
    }

    #[test]
    fn few_readings_are_all_kept_and_a_cut_takes_the_end() {
        let mut thin = Thin::new(100);
        for i in 0..50 {
            thin.push(f64::from(i), f64::NAN, 1.0);
        }
        thin.cut(30.0);
        thin.push(30.0, f64::NAN, 2.0);
        let marks = thin.marks();
        assert_eq!((marks.len(), marks[30].value, thin.seen()), (31, 2.0, 51));
        thin.cut(0.0);
        assert!(thin.marks().is_empty() && thin.first().is_none());
    }
}
