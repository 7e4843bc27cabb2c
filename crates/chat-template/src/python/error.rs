//! The exceptions a template can meet, carried inside `minijinja::Error` as its source.
//!
//! The engine has one error type; what Python would have raised decides how the caller sees it
//! (see [`crate::TemplateError`]), so it travels along.

use std::fmt;

use minijinja::{Error, ErrorKind};

/// The Python (or Jinja2) exception class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// `TypeError`.
    Type,
    /// `ValueError`, and its children such as `OverflowError` and `ZeroDivisionError`.
    Value,
    /// Jinja2's `UndefinedError`.
    Undefined,
    /// Jinja2's `SecurityError`: the sandbox refused.
    Security,
    /// Jinja2's `TemplateRuntimeError`.
    Runtime,
    /// `raise_exception(message)`: the template's own refusal.
    Raised,
    /// The value is nested deeper than [`crate::Limits::recursion`] allows.
    Depth,
    /// A text is longer than a prompt may be.
    Length,
    /// The caller wanted the rendering to stop.
    Stopped,
}

/// One such exception.
#[derive(Debug)]
pub(crate) struct PyError {
    pub(crate) class: Class,
    pub(crate) message: String,
}

impl fmt::Display for PyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for PyError {}

fn raise(class: Class, message: String) -> Error {
    let kind = match class {
        Class::Undefined => ErrorKind::UndefinedError,
        _ => ErrorKind::InvalidOperation,
    };
    Error::from(kind).with_source(PyError { class, message })
}

pub(crate) fn type_error(message: impl Into<String>) -> Error {
    raise(Class::Type, message.into())
}

pub(crate) fn value_error(message: impl Into<String>) -> Error {
    raise(Class::Value, message.into())
}

pub(crate) fn undefined_error(message: impl Into<String>) -> Error {
    raise(Class::Undefined, message.into())
}

pub(crate) fn security_error(message: impl Into<String>) -> Error {
    raise(Class::Security, message.into())
}

pub(crate) fn runtime_error(message: impl Into<String>) -> Error {
    raise(Class::Runtime, message.into())
}

pub(crate) fn raised(message: impl Into<String>) -> Error {
    raise(Class::Raised, message.into())
}

pub(crate) fn depth_error() -> Error {
    raise(Class::Depth, "a value is nested too deeply".to_owned())
}

pub(crate) fn too_long() -> Error {
    raise(Class::Length, "a text is too long".to_owned())
}

pub(crate) fn stopped() -> Error {
    raise(Class::Stopped, "rendering was stopped".to_owned())
}
