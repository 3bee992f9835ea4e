//! Cells as a Cedar condition.
//!
//! An asset carries `creator` and `accessibility`, both empty when the request does not state both. Every
//! condition here is false then, so that only a grant of all four cells counts.

use std::sync::Arc;

use cedar_policy::pst::{BinaryOp, Expr, Literal, Var};

use crate::domain::{Accessibility, Cell, Cells};

/// Returns the condition under which an asset is in one of the cells; `None` when no condition is needed.
///
/// Unions are said by the widest terms that fit: "private", "own", "public", then single cells.
pub(super) fn condition(cells: Cells) -> Option<Expr> {
    if cells == Cells::ALL {
        return None;
    }
    let private = Cells::only(Cell::OwnPrivate).union(Cells::only(Cell::OthersPrivate));
    let public = Cells::only(Cell::OwnPublic).union(Cells::only(Cell::OthersPublic));
    let mut terms: Vec<(Cells, Expr)> = vec![
        (private, accessibility(Accessibility::Private)),
        (Cells::OWN, creator(BinaryOp::Eq)),
        (public, accessibility(Accessibility::Public)),
    ];
    for cell in Cell::ALL {
        let (own, shared) = match cell {
            Cell::OwnPrivate => (BinaryOp::Eq, Accessibility::Private),
            Cell::OthersPrivate => (BinaryOp::NotEq, Accessibility::Private),
            Cell::OwnPublic => (BinaryOp::Eq, Accessibility::Public),
            Cell::OthersPublic => (BinaryOp::NotEq, Accessibility::Public),
        };
        terms.push((Cells::only(cell), binary(BinaryOp::And, accessibility(shared), creator(own))));
    }
    let mut covered = Cells::NONE;
    let mut out: Option<Expr> = None;
    for (term, expr) in terms {
        let fits = term.union(cells) == cells;
        let adds = covered.union(term) != covered;
        if fits && adds {
            covered = covered.union(term);
            out = Some(match out {
                None => expr,
                Some(before) => binary(BinaryOp::Or, before, expr),
            });
        }
    }
    // No cell at all: a condition that never holds. Callers make no policy of it; this keeps it closed.
    Some(out.unwrap_or(Expr::Literal(Literal::Bool(false))))
}

/// Returns the name of a set of cells in policy ids.
pub(super) fn name(cells: Cells) -> String {
    let known = [
        ("pPuU", "all"),
        ("p---", "own-private"),
        ("pP--", "private"),
        ("p-u-", "own"),
        ("pPu-", "private+own"),
        ("--uU", "public"),
        ("p-uU", "own+public"),
    ];
    let text = cells.to_string();
    known.iter().find(|(cells, _)| *cells == text).map_or(text, |(_, name)| (*name).to_owned())
}

fn attribute(var: Var, attr: &str) -> Expr {
    Expr::GetAttr { expr: Arc::new(Expr::Var(var)), attr: attr.into() }
}

fn binary(op: BinaryOp, left: Expr, right: Expr) -> Expr {
    Expr::BinaryOp { op, left: Arc::new(left), right: Arc::new(right) }
}

fn accessibility(value: Accessibility) -> Expr {
    let literal = Expr::Literal(Literal::String(value.as_str().into()));
    binary(BinaryOp::Eq, attribute(Var::Resource, "accessibility"), literal)
}

fn creator(op: BinaryOp) -> Expr {
    binary(op, attribute(Var::Resource, "creator"), attribute(Var::Principal, "uid"))
}
