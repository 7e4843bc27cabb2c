//! Jinja2 on top of minijinja: the language of chat templates, with Python's meaning.
//!
//! [`source`] prepares a template's text, [`lower`] rewrites its syntax tree, [`program`] compiles
//! and runs it in the [`environment`] of our [`filters`], [`predicates`], [`globals`],
//! [`operators`] and [`methods`]. Nothing here knows what a chat message is; [`crate::python`]
//! knows the values.

pub(crate) mod context;
mod environment;
mod filters;
mod globals;
mod lower;
mod methods;
mod nesting;
mod operators;
mod predicates;
pub(crate) mod program;
mod source;

pub(crate) use nesting::MAX_DEPTH;
