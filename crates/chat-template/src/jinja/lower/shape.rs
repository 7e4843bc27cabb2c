//! What can be told about an expression without running it. An operator on operands of known types
//! can stay the engine's own, which is faster than a call.

use minijinja::machinery::ast::{BinOpKind, CallType, Expr, UnaryOpKind};
use minijinja::value::ValueKind;

/// A literal that is no container.
pub(super) fn is_scalar_literal(expr: &Expr<'_>) -> bool {
    matches!(expr, Expr::Const(node) if !matches!(node.value.kind(), ValueKind::Seq | ValueKind::Map))
}

/// A literal text.
pub(super) fn is_text_literal(expr: &Expr<'_>) -> bool {
    matches!(expr, Expr::Const(node) if node.value.kind() == ValueKind::String)
}

/// Literals, and what is taken out of them: Jinja2 evaluates these when it compiles.
pub(super) fn is_constant(expr: &Expr<'_>) -> bool {
    match expr {
        Expr::Const(_) => true,
        Expr::GetAttr(node) => is_constant(&node.expr),
        Expr::GetItem(node) => is_constant(&node.expr) && is_constant(&node.subscript_expr),
        Expr::Slice(node) => {
            let bounds = [&node.start, &node.stop, &node.step];
            is_constant(&node.expr) && bounds.into_iter().flatten().all(is_constant)
        }
        Expr::UnaryOp(node) => is_constant(&node.expr),
        Expr::List(node) => node.items.iter().all(is_constant),
        Expr::Tuple(node) => node.items.iter().all(is_constant),
        Expr::Map(node) => node.keys.iter().chain(&node.values).all(is_constant),
        _ => false,
    }
}

/// The expression is a number, or fails.
pub(super) fn is_number(expr: &Expr<'_>) -> bool {
    match expr {
        Expr::Const(node) => node.value.kind() == ValueKind::Number,
        Expr::UnaryOp(node) => matches!(node.op, UnaryOpKind::Neg) && is_number(&node.expr),
        Expr::BinOp(node) => {
            matches!(node.op, BinOpKind::Add | BinOpKind::Sub | BinOpKind::Mul | BinOpKind::Rem)
                && is_number(&node.left)
                && is_number(&node.right)
        }
        Expr::Filter(node) => matches!(node.name, "length" | "count" | "wordcount"),
        Expr::GetAttr(node) => {
            let counters = ["index", "index0", "revindex", "revindex0", "depth", "depth0"];
            is_loop(&node.expr) && counters.contains(&node.name)
        }
        _ => false,
    }
}

/// The loop variable. The name is reserved, so that it is nothing else.
pub(super) fn is_loop(expr: &Expr<'_>) -> bool {
    matches!(expr, Expr::Var(var) if var.id == "loop")
}

/// The expression is text, or fails.
pub(super) fn is_text(expr: &Expr<'_>) -> bool {
    match expr {
        Expr::Const(_) => is_text_literal(expr),
        Expr::Filter(node) => matches!(
            node.name,
            "trim" | "upper" | "lower" | "string" | "tojson" | "join" | "title" | "capitalize" | "replace" | "indent"
        ),
        Expr::BinOp(node) => match node.op {
            BinOpKind::Concat => true,
            // What is added to text must be text itself, or the addition fails.
            BinOpKind::Add => is_text(&node.left) || is_text(&node.right),
            _ => false,
        },
        Expr::IfExpr(node) => is_text(&node.true_expr) && node.false_expr.as_ref().is_some_and(is_text),
        Expr::Call(node) => match node.identify_call() {
            // Only text has these methods.
            CallType::Method(_, name) => {
                matches!(name, "strip" | "lstrip" | "rstrip" | "upper" | "lower" | "replace" | "title" | "capitalize")
            }
            _ => false,
        },
        _ => false,
    }
}

/// The expression calls nothing and cannot fail, so that it may be evaluated a little early.
pub(super) fn is_calm(expr: &Expr<'_>) -> bool {
    match expr {
        Expr::Const(_) | Expr::Var(_) => true,
        Expr::Filter(node) => {
            node.args.is_empty()
                && matches!(node.name, "trim" | "upper" | "lower" | "string")
                && node.expr.as_ref().is_some_and(is_calm)
        }
        _ => false,
    }
}
