//! Commands that print their loss more rarely than the first probes are long.

use super::plan::{FEWEST_PROBES, LONGEST, Purse, rounded_up};
use super::reading::{Book, Prints};
use super::refuse;
use crate::{Job, Refusal};

/// Trials that a named budget pays for: with one reading each, the bracket is not told from noise
/// without one near zero or a second seed.
const FEWEST_TOLD: u64 = 5;

/// What follows for the next probes.
pub(super) enum Rare {
    /// They have this length, and end where the command prints its loss.
    End(u64),
    /// One of this length is to show how often it does.
    Learn(u64),
    /// The budget does not pay for probes that are long enough.
    Refuse(Refusal),
}

/// The length of the first probes, which would be `n`: trials that ended unread show that the
/// command prints its loss too rarely for that. Where they do not show how often it does, one of
/// twice their length may.
pub(super) fn length(job: &Job, book: &Book, n: u64, purse: Purse) -> Rare {
    let unread = match book.unread() {
        Some(unread) if book.length_read_at(n) != Some(n) => unread,
        _ => return Rare::End(n),
    };
    let every = book.prints().map(|prints| prints.every);
    let read = book.entries.iter().filter(|e| e.value().is_finite() && e.steps > unread.steps).map(|e| e.steps).min();
    let known = every.map(|_| readable(book, n)).or(read);
    let longer = known.unwrap_or(2 * unread.steps);
    let probed = book.all().filter(|e| e.steps == longer).count() as u64;
    let needed = known.map_or(1, |_| FEWEST_PROBES.saturating_sub(probed));
    if longer <= purse.longest(job.steps) && longer != unread.steps && purse.pays(longer * needed, job) {
        return if known.is_some() { Rare::End(longer) } else { Rare::Learn(longer) };
    }
    let wanted = FEWEST_TOLD.saturating_sub(if known.is_some() { probed } else { 0 });
    let least = least_for(longer * wanted, longer, job, purse);
    Rare::Refuse(refuse::unread(unread, n, every.or(read), least, job.steps))
}

/// The length nearest to `n` at which the command prints its loss, as far as that is known. Where
/// trials that end soon after were read, it is theirs.
pub(super) fn readable(book: &Book, n: u64) -> u64 {
    let Some(Prints { every, after }) = book.prints() else { return n };
    let printed = after + every * ((n.saturating_sub(after) + every / 2) / every).max(1);
    book.length_read_at(printed).unwrap_or(printed)
}

/// The smallest budget in full runs, in twentieths, that pays for `steps` more in trials of up to
/// `longest`; `None` where no budget allows trials of that length.
fn least_for(steps: u64, longest: u64, job: &Job, purse: Purse) -> Option<f64> {
    let mut budgets = LONGEST.iter().rev().map(|l| l.0);
    let allowed = budgets.find(|&budget| Purse { budget, left: budget }.longest(job.steps) >= longest)?;
    let needed = purse.budget - purse.left + steps as f64 / job.steps as f64;
    Some(rounded_up(needed.max(allowed), 20.0))
}
