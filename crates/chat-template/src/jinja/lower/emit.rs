//! What `{{ ... }}` prints, in pieces.
//!
//! `{{ 'a' + x + 'b' }}` prints `a`, `x` and `b`: joining them first costs an allocation per
//! operator. The pieces are printed one by one where that cannot be told apart: the parts of `~`,
//! and of a sum that must be text. What is not text in such a sum still fails, and what was printed
//! before a failure is thrown away with the rest.

use minijinja::machinery::ast::{BinOpKind, Expr};

use super::expr::filter;
use super::shape::is_text;
use super::{Lowered, Lowering};

impl<'s> Lowering<'s> {
    /// The expressions to print one after the other.
    pub(super) fn pieces(&mut self, expr: &Expr<'s>) -> Lowered<Vec<Expr<'s>>> {
        let mut pieces = Vec::new();
        self.split(expr, &mut pieces)?;
        Ok(pieces)
    }

    fn split(&mut self, expr: &Expr<'s>, pieces: &mut Vec<Expr<'s>>) -> Lowered<()> {
        let Expr::BinOp(node) = expr else { return self.whole(expr, pieces) };
        match node.op {
            BinOpKind::Concat => {
                self.split(&node.left, pieces)?;
                self.split(&node.right, pieces)
            }
            // Safe text escapes what is added to it.
            BinOpKind::Add if !self.markup && is_text(expr) => {
                let mut operands = Vec::new();
                sum_operands(expr, &mut operands);
                // The sum goes from the left: unless its first two operands make text, `1 + 2 + 'a'` has to fail in
                // its own way.
                if !operands.iter().take(2).any(|operand| is_text(operand)) {
                    return self.whole(expr, pieces);
                }
                for operand in operands {
                    if is_text(operand) {
                        self.split(operand, pieces)?;
                    } else {
                        let lowered = self.expr(operand)?;
                        pieces.push(filter("str", lowered, Vec::new(), operand.span()));
                    }
                }
                Ok(())
            }
            _ => self.whole(expr, pieces),
        }
    }

    fn whole(&mut self, expr: &Expr<'s>, pieces: &mut Vec<Expr<'s>>) -> Lowered<()> {
        self.printing = matches!(expr, Expr::Slice(_));
        let lowered = self.expr(expr);
        self.printing = false;
        pieces.push(lowered?);
        Ok(())
    }
}

/// The operands of a sum, from the left. `a + (b + c)` has two: `a` and the parenthesis.
pub(super) fn sum_operands<'e, 's>(expr: &'e Expr<'s>, operands: &mut Vec<&'e Expr<'s>>) {
    match expr {
        Expr::BinOp(node) if matches!(node.op, BinOpKind::Add) => {
            sum_operands(&node.left, operands);
            operands.push(&node.right);
        }
        _ => operands.push(expr),
    }
}
