//! Which parts of a text leave their length open, before anything is built.

use super::names::Length::{Endless, Given, Steps};
use super::names::{NAMES, Name};
use super::tree::{Argument, Expr, ExprKind};

/// The declaration of a call, and whether its length is given.
fn declared(expr: &Expr) -> Option<(&'static Name, bool)> {
    let ExprKind::Call { name, arguments, .. } = &expr.kind else { return None };
    let known = NAMES.iter().find(|n| n.name == name)?;
    let place = known.arguments.iter().position(|a| *a == "steps")?;
    // Words do not count as positions.
    let positional = arguments.iter().filter(|a| a.key.is_none()).filter(|a| match &a.value.kind {
        ExprKind::Call { name, bare: true, .. } => !known.words.contains(&name.as_str()),
        _ => true,
    });
    let typed = positional.count() > place || arguments.iter().any(|a| a.key.as_ref().is_some_and(|k| k.0 == "steps"));
    Some((known, typed))
}

/// Whether `expr` takes the room that others leave.
pub(super) fn is_open(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Number(_) => true,
        ExprKind::Sequence(parts) => parts.iter().any(is_open),
        ExprKind::Product(parts) | ExprKind::Sum(parts) => {
            let mut shaped = parts.iter().filter(|p| !is_constant(p)).peekable();
            shaped.peek().is_none() || shaped.any(is_open)
        }
        ExprKind::Call { name, arguments, .. } => match NAMES.iter().find(|n| n.name == name).map(|n| n.length) {
            Some(Endless) if name == "repeat" => {
                let times = arguments.iter().enumerate().any(|(i, a)| match &a.key {
                    Some((key, _)) => key == "times",
                    None => i == 1,
                });
                !times || arguments.first().is_some_and(|a| is_open(&a.value))
            }
            Some(Endless) if name == "piecewise" => !ends(arguments),
            Some(Endless) => true,
            Some(Steps) => !declared(expr).is_some_and(|(_, typed)| typed),
            Some(Given) | None => false,
        },
    }
}

/// Whether `expr` needs no room because it is endless.
pub(super) fn is_endless(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Number(_) => true,
        ExprKind::Sequence(parts) => {
            parts.last().is_some_and(is_endless) && parts.iter().filter(|p| is_open(p)).count() < 2
        }
        ExprKind::Product(parts) | ExprKind::Sum(parts) => {
            let mut shaped = parts.iter().filter(|p| !is_constant(p)).peekable();
            shaped.peek().is_none() || shaped.any(is_endless)
        }
        ExprKind::Call { name, .. } if name == "repeat" => {
            let ExprKind::Call { arguments, .. } = &expr.kind else { return false };
            is_open(expr) && !arguments.first().is_some_and(|a| is_open(&a.value))
        }
        ExprKind::Call { name, arguments, .. } => {
            NAMES.iter().any(|n| n.name == name && n.length == Endless && !(name == "piecewise" && ends(arguments)))
        }
    }
}

/// Whether a `piecewise` of these arguments ends at its last milestone.
fn ends(arguments: &[Argument]) -> bool {
    arguments
        .iter()
        .any(|a| matches!(&a.value.kind, ExprKind::Call { name, .. } if name == "linear" || name == "cosine"))
}

fn is_constant(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Number(_) => true,
        ExprKind::Call { name, .. } => name == "constant",
        ExprKind::Product(parts) | ExprKind::Sum(parts) => parts.iter().all(is_constant),
        ExprKind::Sequence(_) => false,
    }
}
