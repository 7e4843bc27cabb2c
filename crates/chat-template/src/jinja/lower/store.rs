//! Guards what a template keeps: values stored in variables and namespaces are checked for their
//! depth (see [`crate::jinja::nesting`]).
//!
//! Only what can make a value deeper is checked, so that ordinary assignments cost nothing.

use minijinja::machinery::ast::{BinOpKind, CallType, Expr, Spanned};

use super::emit::sum_operands;
use super::expr::{filter, nary};
use super::shape::{is_number, is_scalar_literal, is_text};
use super::{Lowered, Lowering};

/// The namespace of `{% set namespace.name = ... %}`.
pub(super) fn namespace_of<'e, 's>(target: &'e Expr<'s>) -> Option<&'e Expr<'s>> {
    match target {
        Expr::GetAttr(attr) => Some(&attr.expr),
        _ => None,
    }
}

impl<'s> Lowering<'s> {
    /// Lowers an expression whose value is stored; in a namespace if one is named.
    pub(super) fn stored(&mut self, expr: &Expr<'s>, namespace: Option<&Expr<'s>>) -> Lowered<Expr<'s>> {
        if is_text(expr) || is_number(expr) || is_scalar_literal(expr) {
            return self.expr(expr);
        }
        match expr {
            // A sum of lists is as deep as its deepest operand.
            Expr::BinOp(node) if matches!(node.op, BinOpKind::Add) => {
                let mut operands = Vec::new();
                sum_operands(expr, &mut operands);
                let operands = operands.into_iter().map(|operand| self.stored(operand, namespace));
                let operands = operands.collect::<Lowered<Vec<_>>>()?;
                Ok(nary("+", operands, node.span()))
            }
            Expr::BinOp(node) if matches!(node.op, BinOpKind::ScAnd | BinOpKind::ScOr) => {
                let lowered = minijinja::machinery::ast::BinOp {
                    op: node.op,
                    left: self.stored(&node.left, namespace)?,
                    right: self.stored(&node.right, namespace)?,
                };
                Ok(Expr::BinOp(Spanned::new(lowered, node.span())))
            }
            Expr::IfExpr(node) => {
                let test_expr = self.expr(&node.test_expr)?;
                self.conditions += 1;
                let true_expr = self.stored(&node.true_expr, namespace)?;
                let false_expr = node.false_expr.as_ref().map(|other| self.stored(other, namespace)).transpose()?;
                self.conditions -= 1;
                let lowered = minijinja::machinery::ast::IfExpr { test_expr, true_expr, false_expr };
                Ok(Expr::IfExpr(Spanned::new(lowered, node.span())))
            }
            _ if deepens(expr, namespace) => {
                let span = expr.span();
                // The namespace goes along: it must not come to contain itself.
                let namespace = namespace.map(|namespace| self.target(namespace)).transpose()?;
                Ok(filter("#", self.expr(expr)?, namespace.into_iter().collect(), span))
            }
            _ => self.expr(expr),
        }
    }
}

/// Whether the value can be nested deeper than the values it is made of, or can contain the
/// namespace it is stored in.
fn deepens(expr: &Expr<'_>, namespace: Option<&Expr<'_>>) -> bool {
    let name = match namespace {
        Some(Expr::Var(var)) => Some(var.id),
        _ => None,
    };
    match expr {
        Expr::Const(_) | Expr::UnaryOp(_) | Expr::BinOp(_) | Expr::Compare(_) | Expr::Test(_) => false,
        Expr::List(node) => !node.items.iter().all(is_scalar_literal),
        Expr::Tuple(node) => !node.items.iter().all(is_scalar_literal),
        Expr::Map(node) => !node.values.iter().all(is_scalar_literal),
        // A list kept in the namespace is there already.
        Expr::GetAttr(node) if matches!(&node.expr, Expr::Var(var) if Some(var.id) == name) => false,
        Expr::Var(var) => namespace.is_some() || var.id == "loop",
        Expr::GetAttr(_) | Expr::GetItem(_) | Expr::Slice(_) => namespace.is_some(),
        Expr::Call(node) => match node.identify_call() {
            CallType::Method(_, "get") => namespace.is_some(),
            _ => true,
        },
        Expr::Filter(node) => match node.name {
            "length" | "int" | "float" | "round" | "abs" | "first" | "last" | "trim" | "sum" => namespace.is_some(),
            _ => true,
        },
        Expr::IfExpr(_) => true,
    }
}
