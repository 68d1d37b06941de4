//! [`Kept`]: the last states of a run, for controllers that go back
//! ([`crate::controller::Request::Rewind`]).
//!
//! Three are kept, at multiples of the interval that the controller asks for, and the beginning of
//! the run. A return takes the newest of the three that was not used before. So when the run breaks
//! again before a new state was kept, it goes back further, and from the oldest as often as needed.
//! Only a return that asks for more steps than there were goes back to the beginning: a network
//! that has died has no good state since.

use crate::{Error, Result, Snapshot};
use serde::{Deserialize, Serialize};

/// Number of kept states. A break that began before it was noticed may have spoiled the newest, and
/// a return from that one the next.
const MOST: usize = 3;

/// Kept states of a run, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Kept {
    marks: Vec<KeptInfo>,
    snapshots: Vec<Snapshot>,
}

/// What a checkpoint says about a kept state, beside the snapshot itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct KeptInfo {
    step: u64,
    /// Whether the run has already gone back to it.
    used: bool,
    bytes: u64,
}

impl Kept {
    /// Keeps the state before `step` if `step` is a multiple of `every` and not kept yet.
    pub(super) fn keep(&mut self, step: u64, every: u64, save: impl FnOnce() -> Result<Snapshot>) -> Result<()> {
        if !step.is_multiple_of(every.max(1)) || self.marks.last().is_some_and(|m| m.step >= step) {
            return Ok(());
        }
        let snapshot = save()?;
        let beginning = self.beginning();
        if self.marks.len() - beginning == MOST {
            self.marks.remove(beginning);
            self.snapshots.remove(beginning);
        }
        self.marks.push(KeptInfo { step, used: false, bytes: snapshot.0.len() as u64 });
        self.snapshots.push(snapshot);
        Ok(())
    }

    /// 1 where the beginning of the run is kept apart from the last states, else 0.
    fn beginning(&self) -> usize {
        usize::from(self.marks.len() >= MOST && self.marks.first().is_some_and(|m| m.step == 0))
    }

    /// Goes back to the newest unused state that is at least `back` steps before `step`, or else
    /// the oldest of the last ones; to the beginning if `back` is more than `step`. Drops the
    /// states after it. `None` when no state was kept.
    pub(super) fn back(&mut self, step: u64, back: u64) -> Option<(u64, &Snapshot)> {
        let oldest = if back > step || self.marks.len() <= MOST { 0 } else { self.beginning() };
        let good = |m: &KeptInfo| !m.used && m.step + back <= step;
        let at = self.marks.iter().skip(oldest).rposition(good).map_or(oldest, |at| at + oldest);
        self.marks.truncate(at + 1);
        self.snapshots.truncate(at + 1);
        let mark = self.marks.get_mut(at)?;
        mark.used = true;
        Some((mark.step, &self.snapshots[at]))
    }

    /// The states for a checkpoint: a JSON text, and the bytes of the snapshots one after another.
    pub fn save(&self) -> (String, Vec<u8>) {
        // Serialising plain data into memory cannot fail.
        let text = serde_json::to_string(&self.marks).unwrap_or_default();
        (text, self.snapshots.iter().flat_map(|s| s.0.iter().copied()).collect())
    }

    /// Reads what [`Kept::save`] wrote. The snapshots are taken from the front of `bytes`.
    ///
    /// # Errors
    /// When the text is not what `save` writes, or `bytes` is shorter than it says.
    pub fn restore(text: &str, bytes: &mut &[u8]) -> Result<Self> {
        let marks: Vec<KeptInfo> = serde_json::from_str(text)
            .map_err(|e| Error::state(format!("cannot read the kept states of a checkpoint: {e}: {text}")))?;
        let mut snapshots = Vec::with_capacity(marks.len());
        for mark in &marks {
            let length = usize::try_from(mark.bytes).unwrap_or(usize::MAX);
            let Some((taken, rest)) = bytes.split_at_checked(length) else {
                return Err(Error::state(format!(
                    "the checkpoint ends within the kept state of step {}: it is damaged",
                    mark.step
                )));
            };
            snapshots.push(Snapshot(taken.to_vec()));
            *bytes = rest;
        }
        Ok(Self { marks, snapshots })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_state_is_gone_back_to_once_and_the_oldest_for_ever() {
        let mut kept = Kept::default();
        for step in 0..=35 {
            kept.keep(step, 10, || Ok(Snapshot(vec![step as u8]))).unwrap();
        }
        assert_eq!(kept.back(35, 8).map(|(step, s)| (step, s.0[0])), Some((20, 20)));
        assert_eq!(kept.back(35, 8).map(|(step, _)| step), Some(10));
        // Of so short a run the beginning is one of the last states.
        assert_eq!(kept.back(35, 8).map(|(step, _)| step), Some(0));
        // A step is kept once; a later one is kept again after a return.
        kept.keep(0, 10, || panic!("kept already")).unwrap();
        kept.keep(20, 10, || Ok(Snapshot(vec![99]))).unwrap();
        let (text, mut bytes) = kept.save();
        bytes.push(7);
        let mut rest = bytes.as_slice();
        let mut again = Kept::restore(&text, &mut rest).unwrap();
        assert_eq!((&again, rest), (&kept, &[7u8][..]));
        assert_eq!(again.back(35, 8).map(|(step, s)| (step, s.0[0])), Some((20, 99)));
        assert!(Kept::restore(&text, &mut &bytes[..1]).unwrap_err().is_state());
    }
}
