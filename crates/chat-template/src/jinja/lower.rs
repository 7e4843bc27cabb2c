//! Rewrites a template's syntax tree so that the engine does what Jinja2 and Python do.
//!
//! minijinja parses and runs templates; where one of its operators means something else than
//! Python's, or has no hook, the tree gets a call of one of our [operators](super::operators) in
//! its place. This file walks the statements, [`expr`] the expressions, [`emit`] splits what is
//! printed, [`shape`] knows what can be told about an expression without running it, and [`store`]
//! guards what is kept.

mod emit;
mod expr;
mod loops;
mod macros;
mod shape;
mod store;

use std::collections::HashMap;

use minijinja::machinery::Span;
use minijinja::machinery::ast::{
    self, AutoEscape, Block, CallBlock, EmitExpr, EmitRaw, Expr, FilterBlock, IfCond, Macro, Set, SetBlock, Spanned,
    Stmt, Template, WithBlock,
};

use loops::{Found, Place};
use macros::Signature;

use crate::python::budget::Carrier;

/// What makes a template invalid although it parses.
#[derive(Debug)]
pub(super) struct Invalid {
    pub(super) detail: String,
    pub(super) line: usize,
}

/// Rewrites a whole template. `markup` says whether text marked as safe can occur in it at all.
pub(super) fn lower<'s>(template: &Stmt<'s>, markup: bool) -> Result<Stmt<'s>, Invalid> {
    let mut lowering = Lowering { markup, ..Lowering::default() };
    let lowered = lowering.stmt(template)?;
    if lowering.found.values().all(Signature::is_plain) {
        return Ok(lowered);
    }
    // Macros that use `varargs` or `kwargs` are known only now; their calls may have come before.
    let mut again = Lowering { markup, signatures: lowering.found, ..Lowering::default() };
    again.stmt(template)
}

/// The statement in front of every template that puts the bounds of a rendering into its state.
fn begin<'s>(span: Span) -> Stmt<'s> {
    let bounds = Expr::Var(Spanned::new(ast::Var { id: Carrier::VARIABLE }, span));
    let begin = expr::filter(Carrier::BEGIN, bounds, Vec::new(), span);
    Stmt::EmitExpr(Spanned::new(EmitExpr { expr: begin }, span))
}

#[derive(Debug, Default)]
struct Lowering<'s> {
    markup: bool,
    /// How many conditions we are inside of: there, an unknown filter fails only when it is
    /// reached.
    conditions: usize,
    /// Whether a slice is printed as it is.
    printing: bool,
    /// Where the statement being lowered stands.
    place: Place,
    /// What was found in the body of the loop being lowered.
    found_in_loop: Found,
    /// How many blocks we are inside of.
    blocks: usize,
    /// Macros known from the first pass.
    signatures: HashMap<&'s str, Signature<'s>>,
    /// Macros found in this pass.
    found: HashMap<&'s str, Signature<'s>>,
    /// The names that the macro body being lowered assigns.
    assigned: Vec<&'s str>,
    /// Whether the macro body being lowered mentions `varargs` or `kwargs`.
    uses_varargs: bool,
    uses_kwargs: bool,
}

type Lowered<T> = Result<T, Invalid>;

fn invalid<T>(detail: impl Into<String>, span: Span) -> Lowered<T> {
    Err(Invalid { detail: detail.into(), line: usize::from(span.start_line) })
}

impl<'s> Lowering<'s> {
    fn stmts(&mut self, stmts: &[Stmt<'s>]) -> Lowered<Vec<Stmt<'s>>> {
        let mut lowered = Vec::with_capacity(stmts.len());
        for stmt in stmts {
            match stmt {
                Stmt::EmitExpr(emit) => {
                    for piece in self.pieces(&emit.expr)? {
                        lowered.push(Stmt::EmitExpr(Spanned::new(EmitExpr { expr: piece }, emit.span())));
                    }
                }
                _ => lowered.push(self.stmt(stmt)?),
            }
        }
        Ok(lowered)
    }

    fn conditional(&mut self, stmts: &[Stmt<'s>]) -> Lowered<Vec<Stmt<'s>>> {
        self.conditions += 1;
        let lowered = self.stmts(stmts);
        self.conditions -= 1;
        lowered
    }

    fn stmt(&mut self, stmt: &Stmt<'s>) -> Lowered<Stmt<'s>> {
        Ok(match stmt {
            Stmt::Template(node) => {
                let mut children = vec![begin(node.span())];
                children.extend(self.stmts(&node.children)?);
                Stmt::Template(Spanned::new(Template { children }, node.span()))
            }
            Stmt::EmitExpr(node) => {
                Stmt::EmitExpr(Spanned::new(EmitExpr { expr: self.expr(&node.expr)? }, node.span()))
            }
            Stmt::EmitRaw(node) => Stmt::EmitRaw(Spanned::new(EmitRaw { raw: node.raw }, node.span())),
            Stmt::ForLoop(node) => Stmt::ForLoop(Spanned::new(self.for_loop(node)?, node.span())),
            Stmt::IfCond(node) => {
                let lowered = IfCond {
                    expr: self.expr(&node.expr)?,
                    true_body: self.conditional(&node.true_body)?,
                    false_body: self.conditional(&node.false_body)?,
                };
                Stmt::IfCond(Spanned::new(lowered, node.span()))
            }
            Stmt::WithBlock(node) => {
                let mut assignments = Vec::with_capacity(node.assignments.len());
                for (target, value) in &node.assignments {
                    assignments.push((self.target(target)?, self.stored(value, None)?));
                }
                Stmt::WithBlock(Spanned::new(
                    WithBlock { assignments, body: self.enclosed("with", &node.body, node.span())? },
                    node.span(),
                ))
            }
            Stmt::Set(node) => {
                let namespace = store::namespace_of(&node.target);
                let mut value = self.stored(&node.expr, namespace)?;
                if matches!(&node.target, Expr::GetAttr(attr) if attr.name.starts_with('_')) {
                    value = expr::filter("private-name", value, Vec::new(), node.span());
                }
                let lowered = Set { target: self.target(&node.target)?, expr: value };
                Stmt::Set(Spanned::new(lowered, node.span()))
            }
            Stmt::SetBlock(node) => {
                let lowered = SetBlock {
                    target: self.target(&node.target)?,
                    filter: node.filter.as_ref().map(|filter| self.expr(filter)).transpose()?,
                    body: self.enclosed("set", &node.body, node.span())?,
                };
                Stmt::SetBlock(Spanned::new(lowered, node.span()))
            }
            Stmt::AutoEscape(node) => {
                let lowered = AutoEscape {
                    enabled: self.expr(&node.enabled)?,
                    body: self.enclosed("autoescape", &node.body, node.span())?,
                };
                Stmt::AutoEscape(Spanned::new(lowered, node.span()))
            }
            Stmt::FilterBlock(node) => {
                let lowered = FilterBlock {
                    filter: self.expr(&node.filter)?,
                    filter_span: node.filter_span,
                    body: self.enclosed("filter", &node.body, node.span())?,
                };
                Stmt::FilterBlock(Spanned::new(lowered, node.span()))
            }
            Stmt::Block(node) => {
                self.blocks += 1;
                let body = self.apart(&node.body)?;
                self.blocks -= 1;
                let lowered = Block { name: node.name, required: node.required, body };
                Stmt::Block(Spanned::new(lowered, node.span()))
            }
            // Other templates do not exist here, as they do not for `transformers`. That is an error when it is
            // reached.
            Stmt::Import(node) => no_loader(node.span()),
            Stmt::FromImport(node) => no_loader(node.span()),
            Stmt::Extends(node) => no_loader(node.span()),
            Stmt::Include(node) => no_loader(node.span()),
            Stmt::Macro(node) => Stmt::Macro(Spanned::new(self.macro_decl(node)?, node.span())),
            Stmt::CallBlock(node) => {
                let lowered = CallBlock {
                    call: Spanned::new(self.call(&node.call)?, node.call.span()),
                    call_expr_span: node.call_expr_span,
                    macro_decl: Spanned::new(self.caller(&node.macro_decl)?, node.macro_decl.span()),
                };
                Stmt::CallBlock(Spanned::new(lowered, node.span()))
            }
            Stmt::Continue(node) => self.leave("continue", node.span())?,
            Stmt::Break(node) => self.leave("break", node.span())?,
            // An extension that `transformers` does not load.
            Stmt::Do(node) => return invalid("Encountered unknown tag 'do'.", node.span()),
        })
    }

    /// What is assigned to: a name, several names, or an attribute of a namespace.
    fn target(&mut self, target: &Expr<'s>) -> Lowered<Expr<'s>> {
        Ok(match target {
            Expr::Var(var) => {
                self.assigned.push(var.id);
                Expr::Var(Spanned::new(ast::Var { id: var.id }, var.span()))
            }
            Expr::List(list) => {
                let items = list.items.iter().map(|item| self.target(item)).collect::<Lowered<_>>()?;
                Expr::List(Spanned::new(ast::List { items }, list.span()))
            }
            Expr::GetAttr(attr) => {
                let lowered = ast::GetAttr { expr: self.target(&attr.expr)?, name: attr.name };
                Expr::GetAttr(Spanned::new(lowered, attr.span()))
            }
            other => return invalid(format!("cannot assign to {}", other.description()), other.span()),
        })
    }

    fn macro_decl(&mut self, node: &Spanned<Macro<'s>>) -> Lowered<Macro<'s>> {
        let outer = (std::mem::take(&mut self.uses_varargs), std::mem::take(&mut self.uses_kwargs));
        let lowered = self.macro_body(node)?;
        let signature = Signature::new(node, self.uses_varargs, self.uses_kwargs);
        (self.uses_varargs, self.uses_kwargs) = outer;
        let lowered = signature.with_hidden_arguments(lowered, node.span());
        self.found.insert(node.name, signature);
        Ok(lowered)
    }

    /// The body of a `call` block: a macro that is called `caller`, whose calls are not known.
    fn caller(&mut self, node: &Spanned<Macro<'s>>) -> Lowered<Macro<'s>> {
        let outer = (std::mem::take(&mut self.uses_varargs), std::mem::take(&mut self.uses_kwargs));
        let lowered = self.macro_body(node)?;
        let signature = Signature::new(node, self.uses_varargs, self.uses_kwargs);
        (self.uses_varargs, self.uses_kwargs) = outer;
        Ok(signature.with_hidden_arguments(lowered, node.span()))
    }

    fn macro_body(&mut self, node: &Spanned<Macro<'s>>) -> Lowered<Macro<'s>> {
        self.found_in_loop.macros = true;
        let args = node.args.iter().map(|arg| self.target(arg)).collect::<Lowered<_>>()?;
        let defaults = node.defaults.iter().map(|default| self.expr(default)).collect::<Lowered<_>>()?;
        let outer = std::mem::take(&mut self.assigned);
        let mut body = self.apart(&node.body)?;
        let assigned = std::mem::replace(&mut self.assigned, outer);
        if !assigned.is_empty() {
            body.insert(0, mention(&assigned, node.span()));
        }
        Ok(Macro { name: node.name, args, defaults, body })
    }
}

/// A statement that does nothing but mention names.
///
/// A macro keeps the outer variables that its body uses before it assigns them. The engine, unlike
/// Jinja2, takes `x` in `{% set x = x + 1 %}` for assigned already, unless it was mentioned before.
fn mention<'s>(names: &[&'s str], span: Span) -> Stmt<'s> {
    let variable = |name: &&'s str| Expr::Var(Spanned::new(ast::Var { id: name }, span));
    let emit = |name: &&'s str| Stmt::EmitExpr(Spanned::new(EmitExpr { expr: variable(name) }, span));
    let never = expr::constant(minijinja::Value::from(false), span);
    let body = IfCond { expr: never, true_body: names.iter().map(emit).collect(), false_body: Vec::new() };
    Stmt::IfCond(Spanned::new(body, span))
}

/// A statement that fails when it is reached.
fn no_loader<'s>(span: Span) -> Stmt<'s> {
    let nothing = expr::constant(minijinja::Value::from(()), span);
    let fails = expr::filter("no-loader", nothing, Vec::new(), span);
    Stmt::EmitExpr(Spanned::new(EmitExpr { expr: fails }, span))
}
