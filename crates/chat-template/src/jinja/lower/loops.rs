//! Loops, and what leaves them early.
//!
//! The engine's `break` and `continue` are jumps that undo nothing: out of a `with` block they
//! leave its scope behind, and out of a macro they land in code that is not running. They are
//! accepted where nothing has to be undone.

use minijinja::machinery::Span;
use minijinja::machinery::ast::{Break, Continue, ForLoop, Spanned, Stmt, WithBlock};

use super::{Lowered, Lowering, expr, invalid};

/// What stands between a statement and the loop around it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Place {
    /// There is no loop around it.
    #[default]
    Outside,
    /// Nothing, or conditions only.
    Loop,
    /// A block of this name.
    Inside(&'static str),
}

/// What a loop's body was found to do.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Found {
    /// It makes macros, or calls one with a body.
    pub(super) macros: bool,
    /// It leaves the loop early.
    pub(super) jumps: bool,
}

impl<'s> Lowering<'s> {
    pub(super) fn for_loop(&mut self, node: &Spanned<ForLoop<'s>>) -> Lowered<ForLoop<'s>> {
        let iter = self.expr(&node.iter)?;
        let iter = expr::filter("for", iter, Vec::new(), node.iter.span());
        Ok(ForLoop {
            target: self.target(&node.target)?,
            iter,
            filter_expr: node.filter_expr.as_ref().map(|filter| self.expr(filter)).transpose()?,
            recursive: node.recursive,
            body: self.turn(node)?,
            else_body: self.stmts(&node.else_body)?,
        })
    }

    /// The body of a loop. One that makes macros gets a scope of its own: in the engine, the macros
    /// of all turns would otherwise share the variables they keep, and see what an earlier turn
    /// assigned.
    fn turn(&mut self, node: &Spanned<ForLoop<'s>>) -> Lowered<Vec<Stmt<'s>>> {
        let outer = std::mem::take(&mut self.found_in_loop);
        let body = self.placed(Place::Loop, &node.body)?;
        let found = std::mem::replace(&mut self.found_in_loop, outer);
        self.found_in_loop.macros |= found.macros;
        if !found.macros || found.jumps {
            return Ok(body);
        }
        Ok(vec![Stmt::WithBlock(Spanned::new(WithBlock { assignments: Vec::new(), body }, node.span()))])
    }

    /// The statements of a block that a jump cannot leave, if there is a loop around it.
    pub(super) fn enclosed(&mut self, block: &'static str, stmts: &[Stmt<'s>], span: Span) -> Lowered<Vec<Stmt<'s>>> {
        let place = if self.place == Place::Outside { Place::Outside } else { Place::Inside(block) };
        let body = self.placed(place, stmts)?;
        // The engine gives a scope to `with` alone.
        let plain = |stmt: &Stmt<'_>| matches!(stmt, Stmt::EmitExpr(_) | Stmt::EmitRaw(_));
        if block == "with" || stmts.iter().all(plain) {
            return Ok(body);
        }
        Ok(vec![Stmt::WithBlock(Spanned::new(WithBlock { assignments: Vec::new(), body }, span))])
    }

    /// The statements of a part that runs on its own, whatever is around it.
    pub(super) fn apart(&mut self, stmts: &[Stmt<'s>]) -> Lowered<Vec<Stmt<'s>>> {
        self.placed(Place::Outside, stmts)
    }

    fn placed(&mut self, place: Place, stmts: &[Stmt<'s>]) -> Lowered<Vec<Stmt<'s>>> {
        let outer = std::mem::replace(&mut self.place, place);
        let lowered = self.stmts(stmts);
        self.place = outer;
        lowered
    }

    pub(super) fn leave(&mut self, stmt: &'static str, span: Span) -> Lowered<Stmt<'s>> {
        match self.place {
            Place::Outside => return invalid(format!("'{stmt}' outside loop"), span),
            Place::Inside(block) => {
                return invalid(format!("'{stmt}' inside '{block}' is not supported: leave the block first"), span);
            }
            Place::Loop => self.found_in_loop.jumps = true,
        }
        Ok(match stmt {
            "break" => Stmt::Break(Spanned::new(Break, span)),
            _ => Stmt::Continue(Spanned::new(Continue, span)),
        })
    }
}
