//! The expressions: operators, subscripts, attributes, calls.

use minijinja::machinery::Span;
use minijinja::machinery::ast::{
    BinOp, BinOpKind, Call, CallArg, CallType, CompareOpKind, Const, Expr, Filter, GetAttr, GetItem, IfExpr, List, Map,
    Spanned, Test, Tuple, UnaryOp, UnaryOpKind, Var,
};
use minijinja::value::Value;

use super::emit::sum_operands;
use super::shape::{is_calm, is_constant, is_loop, is_number, is_scalar_literal, is_text, is_text_literal};
use super::{Lowered, Lowering, invalid};
use crate::jinja::methods::is_method_name;
use crate::jinja::{filters, predicates};

/// `expr|name(args)`.
pub(super) fn filter<'s>(name: &'static str, expr: Expr<'s>, args: Vec<Expr<'s>>, span: Span) -> Expr<'s> {
    let args = args.into_iter().map(CallArg::Pos).collect();
    Expr::Filter(Spanned::new(Filter { name, expr: Some(expr), args }, span))
}

/// An operator of any number of operands.
pub(super) fn nary<'s>(name: &'static str, operands: Vec<Expr<'s>>, span: Span) -> Expr<'s> {
    let mut operands = operands.into_iter();
    match operands.next() {
        Some(first) => filter(name, first, operands.collect(), span),
        None => constant(Value::UNDEFINED, span),
    }
}

pub(super) fn constant<'s>(value: Value, span: Span) -> Expr<'s> {
    Expr::Const(Spanned::new(Const { value }, span))
}

impl<'s> Lowering<'s> {
    pub(super) fn expr(&mut self, expr: &Expr<'s>) -> Lowered<Expr<'s>> {
        Ok(match expr {
            Expr::Var(node) => self.var(node.id, node.span()),
            Expr::Const(node) => constant(node.value.clone(), node.span()),
            Expr::Slice(node) => {
                let none = || constant(Value::from(()), node.span());
                let mut bounds = Vec::with_capacity(3);
                for bound in [&node.start, &node.stop, &node.step] {
                    bounds.push(bound.as_ref().map_or_else(|| Ok(none()), |bound| self.expr(bound))?);
                }
                // Jinja2 prints what is constant when it compiles, and there a slice of `none` is undefined.
                let name = if self.printing && is_constant(expr) { "[:]?" } else { "[:]" };
                filter(name, self.expr(&node.expr)?, bounds, node.span())
            }
            Expr::UnaryOp(node) => {
                let operand = self.expr(&node.expr)?;
                match node.op {
                    UnaryOpKind::Neg if !is_number(&node.expr) => filter("neg", operand, Vec::new(), node.span()),
                    _ => unary(&node.op, operand, node.span()),
                }
            }
            Expr::BinOp(node) => self.binary(node.op, expr, &node.left, &node.right, node.span())?,
            Expr::Compare(node) => {
                // `a < b < c` is `a < b and b < c`, but `b` is evaluated once.
                let mut whole: Option<Expr<'s>> = None;
                let (mut left, mut lowered) = (&node.expr, self.expr(&node.expr)?);
                for (index, step) in node.ops.iter().enumerate() {
                    let right = self.expr(&step.expr)?;
                    let again = is_scalar_literal(&step.expr) || index + 1 == node.ops.len();
                    let right = if again { right } else { filter("keep", right, Vec::new(), node.span()) };
                    let next = comparison(step.op, (left, lowered), (&step.expr, right), node.span());
                    whole = Some(match whole {
                        None => next,
                        Some(before) => native(BinOpKind::ScAnd, before, next, node.span()),
                    });
                    left = &step.expr;
                    lowered = match &step.expr {
                        Expr::Const(literal) if again => constant(literal.value.clone(), node.span()),
                        _ => filter("kept", constant(Value::UNDEFINED, node.span()), Vec::new(), node.span()),
                    };
                }
                whole.unwrap_or_else(|| constant(Value::from(true), node.span()))
            }
            Expr::IfExpr(node) => {
                let test_expr = self.expr(&node.test_expr)?;
                self.conditions += 1;
                let true_expr = self.expr(&node.true_expr)?;
                let false_expr = node.false_expr.as_ref().map(|other| self.expr(other)).transpose()?;
                self.conditions -= 1;
                Expr::IfExpr(Spanned::new(IfExpr { test_expr, true_expr, false_expr }, node.span()))
            }
            Expr::Filter(node) => {
                if !filters::exists(node.name) && self.conditions == 0 {
                    return invalid(format!("No filter named '{}'.", node.name), node.span());
                }
                let lowered = Filter {
                    name: node.name,
                    expr: node.expr.as_ref().map(|inner| self.expr(inner)).transpose()?,
                    args: self.args(&node.args)?,
                };
                Expr::Filter(Spanned::new(lowered, node.span()))
            }
            Expr::Test(node) => {
                if !predicates::exists(node.name) && self.conditions == 0 {
                    return invalid(format!("No test named '{}'.", node.name), node.span());
                }
                let lowered = Test { name: node.name, expr: self.expr(&node.expr)?, args: self.args(&node.args)? };
                Expr::Test(Spanned::new(lowered, node.span()))
            }
            Expr::GetAttr(node) => {
                let object = self.expr(&node.expr)?;
                if is_method_name(node.name) && !is_loop(&node.expr) {
                    filter(".", object, vec![constant(Value::from(node.name), node.span())], node.span())
                } else {
                    Expr::GetAttr(Spanned::new(GetAttr { expr: object, name: node.name }, node.span()))
                }
            }
            Expr::GetItem(node) => self.item(&node.expr, &node.subscript_expr, node.span())?,
            Expr::Call(node) => {
                if let CallType::Method(object, name @ ("cycle" | "changed")) = node.identify_call() {
                    let object = self.expr(object)?;
                    let args = self.args(&node.args)?;
                    return Ok(Expr::Filter(Spanned::new(Filter { name, expr: Some(object), args }, node.span())));
                }
                Expr::Call(Spanned::new(self.call(node)?, node.span()))
            }
            Expr::List(node) => Expr::List(Spanned::new(List { items: self.exprs(&node.items)? }, node.span())),
            Expr::Tuple(node) => Expr::Tuple(Spanned::new(Tuple { items: self.exprs(&node.items)? }, node.span())),
            Expr::Map(node) => {
                let mut keys = Vec::with_capacity(node.keys.len());
                for key in &node.keys {
                    let lowered = self.expr(key)?;
                    let plain = is_scalar_literal(key);
                    keys.push(if plain { lowered } else { filter("{key}", lowered, Vec::new(), key.span()) });
                }
                Expr::Map(Spanned::new(Map { keys, values: self.exprs(&node.values)? }, node.span()))
            }
        })
    }

    fn exprs(&mut self, exprs: &[Expr<'s>]) -> Lowered<Vec<Expr<'s>>> {
        exprs.iter().map(|expr| self.expr(expr)).collect()
    }

    fn var(&mut self, name: &'s str, span: Span) -> Expr<'s> {
        match name {
            "varargs" => self.uses_varargs = true,
            "kwargs" => self.uses_kwargs = true,
            // What Jinja2 prints for the template itself; its blocks are handled as calls.
            "self" => return constant(Value::from("<TemplateReference None>"), span),
            _ => {}
        }
        Expr::Var(Spanned::new(Var { id: name }, span))
    }

    fn args(&mut self, args: &[CallArg<'s>]) -> Lowered<Vec<CallArg<'s>>> {
        args.iter()
            .map(|arg| {
                Ok(match arg {
                    CallArg::Pos(expr) => CallArg::Pos(self.expr(expr)?),
                    CallArg::Kwarg(name, expr) => CallArg::Kwarg(name, self.expr(expr)?),
                    CallArg::PosSplat(expr) => CallArg::PosSplat(self.expr(expr)?),
                    CallArg::KwargSplat(expr) => CallArg::KwargSplat(self.expr(expr)?),
                })
            })
            .collect()
    }

    pub(super) fn call(&mut self, node: &Spanned<Call<'s>>) -> Lowered<Call<'s>> {
        let args = self.args(&node.args)?;
        let target = match &node.expr {
            // The names of functions and methods stay: the engine resolves them when it calls.
            Expr::Var(var) => Expr::Var(Spanned::new(Var { id: var.id }, var.span())),
            Expr::GetAttr(attr) => {
                let object = match &attr.expr {
                    // A block that calls itself would recurse on the native stack.
                    Expr::Var(var) if var.id == "self" && self.blocks > 0 => {
                        return invalid("a block cannot call a block", var.span());
                    }
                    Expr::Var(var) if var.id == "self" => Expr::Var(Spanned::new(Var { id: "self" }, var.span())),
                    object => self.expr(object)?,
                };
                Expr::GetAttr(Spanned::new(GetAttr { expr: object, name: attr.name }, attr.span()))
            }
            other => self.expr(other)?,
        };
        let args = match &node.expr {
            Expr::Var(var) => match self.signatures.get(var.id) {
                Some(signature) => signature.arrange(args, node.span()),
                None => args,
            },
            _ => args,
        };
        Ok(Call { expr: target, args })
    }

    fn item(&mut self, object: &Expr<'s>, key: &Expr<'s>, span: Span) -> Lowered<Expr<'s>> {
        let lowered = self.expr(object)?;
        let subscript = self.expr(key)?;
        if let Expr::Const(node) = key {
            if node.value.as_str().is_some_and(is_method_name) {
                return Ok(filter("['']", lowered, vec![subscript], span));
            }
        }
        // The engine finds a written name or a small number without walking far.
        if is_text_literal(key) || is_small_literal(key) {
            return Ok(Expr::GetItem(Spanned::new(GetItem { expr: lowered, subscript_expr: subscript }, span)));
        }
        Ok(filter("[]", lowered, vec![subscript], span))
    }

    fn binary(
        &mut self,
        op: BinOpKind,
        whole: &Expr<'s>,
        left: &Expr<'s>,
        right: &Expr<'s>,
        span: Span,
    ) -> Lowered<Expr<'s>> {
        let numbers = is_number(left) && is_number(right);
        Ok(match op {
            BinOpKind::Add if !numbers => self.sum(whole, span)?,
            BinOpKind::Concat => {
                let mut operands = Vec::new();
                concat_operands(whole, &mut operands);
                let operands = operands.into_iter().map(|operand| self.expr(operand)).collect::<Lowered<_>>()?;
                nary("~", operands, span)
            }
            BinOpKind::Mul if !numbers => filter("*", self.expr(left)?, vec![self.expr(right)?], span),
            BinOpKind::Sub if !numbers => filter("-", self.expr(left)?, vec![self.expr(right)?], span),
            BinOpKind::Div => filter("/", self.expr(left)?, vec![self.expr(right)?], span),
            BinOpKind::FloorDiv => filter("//", self.expr(left)?, vec![self.expr(right)?], span),
            BinOpKind::Pow => filter("**", self.expr(left)?, vec![self.expr(right)?], span),
            BinOpKind::Rem => filter("%", self.expr(left)?, vec![self.expr(right)?], span),
            BinOpKind::Eq => self.compared(CompareOpKind::Eq, left, right, span)?,
            BinOpKind::Ne => self.compared(CompareOpKind::Ne, left, right, span)?,
            BinOpKind::Lt => self.compared(CompareOpKind::Lt, left, right, span)?,
            BinOpKind::Lte => self.compared(CompareOpKind::Lte, left, right, span)?,
            BinOpKind::Gt => self.compared(CompareOpKind::Gt, left, right, span)?,
            BinOpKind::Gte => self.compared(CompareOpKind::Gte, left, right, span)?,
            BinOpKind::In => self.compared(CompareOpKind::In, left, right, span)?,
            _ => native(op, self.expr(left)?, self.expr(right)?, span),
        })
    }

    fn compared(&mut self, op: CompareOpKind, left: &Expr<'s>, right: &Expr<'s>, span: Span) -> Lowered<Expr<'s>> {
        let (a, b) = (self.expr(left)?, self.expr(right)?);
        Ok(comparison(op, (left, a), (right, b), span))
    }

    /// `a + b + c` as one call. An operand that calls something ends the run: by then the sum
    /// before it must have been made, or must have failed.
    fn sum(&mut self, whole: &Expr<'s>, span: Span) -> Lowered<Expr<'s>> {
        let mut operands = Vec::new();
        sum_operands(whole, &mut operands);
        let mut run: Vec<Expr<'s>> = Vec::with_capacity(operands.len());
        for operand in operands {
            let lowered = self.expr(operand)?;
            if run.len() >= 2 && !is_calm(operand) {
                run = vec![nary("+", std::mem::take(&mut run), span)];
            }
            run.push(lowered);
        }
        Ok(nary("+", run, span))
    }
}

/// One comparison, of operands as they were and as they were lowered: the engine's own where these
/// cannot tell the difference.
fn comparison<'s>(
    op: CompareOpKind,
    (left, a): (&Expr<'s>, Expr<'s>),
    (right, b): (&Expr<'s>, Expr<'s>),
    span: Span,
) -> Expr<'s> {
    let scalar = |expr: &Expr<'_>| is_scalar_literal(expr) || is_number(expr) || is_text(expr);
    let numbers = is_number(left) && is_number(right);
    let either = scalar(left) || scalar(right);
    let text_in = is_text_literal(left);
    match op {
        CompareOpKind::Eq if either => native(BinOpKind::Eq, a, b, span),
        CompareOpKind::Ne if either => native(BinOpKind::Ne, a, b, span),
        CompareOpKind::Lt if numbers => native(BinOpKind::Lt, a, b, span),
        CompareOpKind::Lte if numbers => native(BinOpKind::Lte, a, b, span),
        CompareOpKind::Gt if numbers => native(BinOpKind::Gt, a, b, span),
        CompareOpKind::Gte if numbers => native(BinOpKind::Gte, a, b, span),
        CompareOpKind::In if text_in => native(BinOpKind::In, a, b, span),
        CompareOpKind::Eq => filter("==", a, vec![b], span),
        CompareOpKind::Ne => filter("!=", a, vec![b], span),
        CompareOpKind::Lt => filter("<", a, vec![b], span),
        CompareOpKind::Lte => filter("<=", a, vec![b], span),
        CompareOpKind::Gt => filter(">", a, vec![b], span),
        CompareOpKind::Gte => filter(">=", a, vec![b], span),
        CompareOpKind::In => filter("in", a, vec![b], span),
        CompareOpKind::NotIn if text_in => {
            let inside = native(BinOpKind::In, a, b, span);
            unary(&UnaryOpKind::Not, inside, span)
        }
        CompareOpKind::NotIn => unary(&UnaryOpKind::Not, filter("in", a, vec![b], span), span),
    }
}

fn native<'s>(op: BinOpKind, left: Expr<'s>, right: Expr<'s>, span: Span) -> Expr<'s> {
    Expr::BinOp(Spanned::new(BinOp { op, left, right }, span))
}

fn unary<'s>(op: &UnaryOpKind, expr: Expr<'s>, span: Span) -> Expr<'s> {
    let op = match op {
        UnaryOpKind::Not => UnaryOpKind::Not,
        UnaryOpKind::Neg => UnaryOpKind::Neg,
    };
    Expr::UnaryOp(Spanned::new(UnaryOp { op, expr }, span))
}

/// A written index close to the beginning.
fn is_small_literal(expr: &Expr<'_>) -> bool {
    matches!(expr, Expr::Const(node) if node.value.as_i64().is_some_and(|index| (0..64).contains(&index)))
}

/// The operands of `a ~ b ~ c`.
fn concat_operands<'e, 's>(expr: &'e Expr<'s>, operands: &mut Vec<&'e Expr<'s>>) {
    match expr {
        Expr::BinOp(node) if matches!(node.op, BinOpKind::Concat) => {
            concat_operands(&node.left, operands);
            operands.push(&node.right);
        }
        _ => operands.push(expr),
    }
}
