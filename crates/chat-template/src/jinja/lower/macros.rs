//! `varargs` and `kwargs` of macros, which the engine does not have: hidden parameters, and calls
//! that fill them.

use minijinja::machinery::Span;
use minijinja::machinery::ast::{self, CallArg, Expr, Macro, Spanned};
use minijinja::value::{Tuple, Value};

use super::expr::constant;

/// What calls of a macro have to know.
#[derive(Debug)]
pub(super) struct Signature<'s> {
    names: Vec<&'s str>,
    varargs: bool,
    kwargs: bool,
}

impl<'s> Signature<'s> {
    pub(super) fn new(node: &Macro<'s>, varargs: bool, kwargs: bool) -> Self {
        let names: Vec<&'s str> = node
            .args
            .iter()
            .filter_map(|arg| match arg {
                Expr::Var(var) => Some(var.id),
                _ => None,
            })
            .collect();
        let hidden = |name: &str, used: bool| used && !names.contains(&name);
        Self { varargs: hidden("varargs", varargs), kwargs: hidden("kwargs", kwargs), names }
    }

    /// Whether calls need no change.
    pub(super) fn is_plain(&self) -> bool {
        !self.varargs && !self.kwargs
    }

    /// Adds the hidden parameters, empty by default.
    pub(super) fn with_hidden_arguments(&self, mut node: Macro<'s>, span: Span) -> Macro<'s> {
        let hidden = [
            (self.varargs, "varargs", Value::from(Tuple::default())),
            (self.kwargs, "kwargs", crate::python::dict::Dict::value(Vec::new())),
        ];
        for (used, name, default) in hidden {
            if !used {
                continue;
            }
            // The engine wants a default for every parameter behind one that has a default.
            node.args.push(Expr::Var(Spanned::new(ast::Var { id: name }, span)));
            node.defaults.push(constant(default, span));
        }
        node
    }

    /// Moves surplus arguments of a call into the hidden parameters. Calls that unpack arguments
    /// stay as they are.
    pub(super) fn arrange(&self, args: Vec<CallArg<'s>>, span: Span) -> Vec<CallArg<'s>> {
        let unpacks = |arg: &CallArg<'_>| matches!(arg, CallArg::PosSplat(_) | CallArg::KwargSplat(_));
        if self.is_plain() || args.iter().any(unpacks) {
            return args;
        }
        let (mut kept, mut surplus) = (Vec::with_capacity(args.len()), Vec::new());
        let (mut keys, mut values) = (Vec::new(), Vec::new());
        let mut position = 0;
        for arg in args {
            match arg {
                CallArg::Pos(value) if self.varargs && position >= self.names.len() => surplus.push(value),
                CallArg::Pos(value) => {
                    position += 1;
                    kept.push(CallArg::Pos(value));
                }
                CallArg::Kwarg(name, value) if self.kwargs && !self.names.contains(&name) => {
                    keys.push(constant(Value::from(name), span));
                    values.push(value);
                }
                other => kept.push(other),
            }
        }
        if !surplus.is_empty() {
            let tuple = Expr::Tuple(Spanned::new(ast::Tuple { items: surplus }, span));
            kept.push(CallArg::Kwarg("varargs", tuple));
        }
        if !keys.is_empty() {
            kept.push(CallArg::Kwarg("kwargs", Expr::Map(Spanned::new(ast::Map { keys, values }, span))));
        }
        kept
    }
}
