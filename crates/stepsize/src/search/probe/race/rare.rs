//! Commands that print their loss more rarely than the first probes are long.

use super::plan::{FEWEST_PROBES, LONGEST, Purse, rounded_up};
use super::reading::Book;
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
    let Some(unread) = book.unread() else { return Rare::End(n) };
    let every = book.interval_of_readings();
    let nearest = |every: u64| every * ((n + every / 2) / every).max(1);
    let longer = every.map_or(2 * unread.steps, nearest);
    let probed = book.all().filter(|e| e.steps == longer).count() as u64;
    let needed = every.map_or(1, |_| FEWEST_PROBES.saturating_sub(probed));
    if longer <= purse.longest(job.steps) && longer != unread.steps && purse.pays(longer * needed, job) {
        return if every.is_some() { Rare::End(longer) } else { Rare::Learn(longer) };
    }
    let wanted = FEWEST_TOLD.saturating_sub(if every.is_some() { probed } else { 0 });
    let least = least_for(longer * wanted, longer, job, purse);
    Rare::Refuse(refuse::unread(unread, n, every, least, job.steps))
}

/// The smallest budget in full runs, in twentieths, that pays for `steps` more in trials of up to
/// `longest`; `None` where no budget allows trials of that length.
fn least_for(steps: u64, longest: u64, job: &Job, purse: Purse) -> Option<f64> {
    let mut budgets = LONGEST.iter().rev().map(|l| l.0);
    let allowed = budgets.find(|&budget| Purse { budget, left: budget }.longest(job.steps) >= longest)?;
    let needed = purse.budget - purse.left + steps as f64 / job.steps as f64;
    Some(rounded_up(needed.max(allowed), 20.0))
}
