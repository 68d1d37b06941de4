//! What becomes of the names and numbers of a line.

use crate::gather::Gather;
use crate::names::{CounterKind, is_rate};
use crate::text::{self, Mark, Pair};

/// Gives a name below a title that says that all are losses what it lacks to be that of one.
pub(super) fn name_loss(pair: &mut Pair) {
    let aside = matches!(pair.name.as_str(), "time" | "data") || is_rate(&pair.name);
    if !aside && CounterKind::of(&pair.name) == CounterKind::Value && !pair.name.to_lowercase().contains("loss") {
        pair.name.push_str("_loss");
    }
}

/// Adds a number to the row. A name that is only a split is its loss in a row with a counter;
/// without one it is a size: `Train: 3667`.
pub(super) fn take(pair: &Pair, column: Option<usize>, counted: bool, gather: &mut Gather) {
    let Some(column) = column else { return };
    let Some(name) = gather.name(column) else { return };
    let kind = name.kind;
    if !counted && name.split && (pair.value.fract() == 0.0 || !gather.is_counted()) {
        return;
    }
    if let Some(whole) = pair.whole {
        gather.total(kind, whole);
    }
    if pair.mark == Mark::End {
        gather.epoch_ended();
    }
    gather.put(column, pair.value);
}

/// Takes in a message that the loss is not finite.
pub(super) fn message(line: &str, gather: &mut Gather) {
    if let Some(step) = text::broken_at(line) {
        gather.broke(step);
    } else if line.starts_with("KeyboardInterrupt") {
        gather.interrupted();
    }
}
