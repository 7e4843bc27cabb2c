//! Python's side of a template: types, printing, JSON, formatting, dates.
//!
//! `transformers` renders templates with Python values, and templates show it: `{{ x }}` prints
//! `None`, `1e+16` or `['it', "isn't"]`. Each file here owns one such rule. Nothing here knows
//! about syntax, filters or chat messages.

pub(crate) mod args;
pub(crate) mod budget;
pub(crate) mod dict;
pub(crate) mod error;
pub(crate) mod format_spec;
pub(crate) mod iterators;
pub(crate) mod json;
pub(crate) mod kind;
pub(crate) mod number;
pub(crate) mod percent;
pub(crate) mod repr;
pub(crate) mod str_format;
pub(crate) mod strftime;
pub(crate) mod subscript;
pub(crate) mod text;
