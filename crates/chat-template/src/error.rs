//! The one error of this crate.

use std::error::Error as StdError;

use minijinja::ErrorKind;

use crate::conversation::ConversationError;
use crate::limits::Limit;
use crate::python::error::{Class, PyError};
use crate::tokenizer_config::ConfigError;

/// Why a template could not be made or rendered.
///
/// The text of an error never contains a message's content. The one exception is
/// [`Raised`](Self::Raised): it repeats what the template's author wrote into
/// `raise_exception(...)`, which sometimes names a role.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TemplateError {
    /// The template is not valid Jinja.
    #[error("the chat template has a syntax error in line {line}: {detail}; correct the template")]
    Syntax {
        /// What is wrong.
        detail: String,
        /// The line, from 1; 0 when it is not known.
        line: usize,
        /// The parser's error, if it found it.
        #[source]
        source: Option<Box<dyn StdError + Send + Sync>>,
    },
    /// The template refused the conversation: it called `raise_exception`.
    #[error("the chat template refuses this conversation: {message}; send messages in the form it accepts")]
    Raised {
        /// The template's own message.
        message: String,
    },
    /// The template read something of a value that is not defined (`UndefinedError` in Jinja2).
    #[error("the chat template uses an undefined value in line {line}: {detail}; add what the messages lack")]
    Undefined {
        /// What is undefined.
        detail: String,
        /// The template's line, from 1; 0 when it is not known.
        line: usize,
    },
    /// The template applied an operation to a value of the wrong type (`TypeError` in Python), for
    /// example because a message has no content or has content in parts.
    #[error("the chat template cannot use a value in line {line}: {detail}; send the messages in the form it expects")]
    Type {
        /// What Python would say.
        detail: String,
        /// The template's line, from 1; 0 when it is not known.
        line: usize,
    },
    /// The template tried what the sandbox forbids, such as changing a list (`SecurityError` in
    /// Jinja2).
    #[error("the chat template does what its sandbox forbids in line {line}: {detail}; correct the template")]
    Forbidden {
        /// What it tried.
        detail: String,
        /// The template's line, from 1; 0 when it is not known.
        line: usize,
    },
    /// Any other failure while rendering: a bad value, an unknown filter, an unsupported function.
    #[error("the chat template failed in line {line}: {detail}; correct the template, or choose another")]
    Runtime {
        /// What failed.
        detail: String,
        /// The template's line, from 1; 0 when it is not known.
        line: usize,
    },
    /// The template went past a bound.
    #[error("the chat template went past its limit of {bound} {which}; use a simpler template, or raise the limit")]
    LimitExceeded {
        /// Which bound.
        which: Limit,
        /// The bound itself.
        bound: usize,
    },
    /// Rendering was stopped before its end: [`KeepGoing`](crate::KeepGoing) said no.
    #[error("rendering the chat template was stopped before its end; use a simpler template, or allow more time")]
    Stopped,
    /// The conversation cannot be rendered by any template.
    #[error(transparent)]
    Conversation(#[from] ConversationError),
    /// A tokenizer's configuration cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
}

impl TemplateError {
    pub(crate) fn syntax(detail: impl Into<String>, line: usize) -> Self {
        Self::Syntax { detail: detail.into(), line, source: None }
    }

    pub(crate) fn limit(which: Limit, bound: usize) -> Self {
        Self::LimitExceeded { which, bound }
    }

    /// An error of the engine before anything ran.
    pub(crate) fn syntax_from_engine(error: minijinja::Error) -> Self {
        let detail = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
        Self::Syntax { detail, line: error.line().unwrap_or(0), source: Some(Box::new(error)) }
    }

    /// An error of the engine while it ran a template. The limits are filled in by
    /// [`Self::with_bounds`].
    pub(crate) fn from_engine(error: &minijinja::Error) -> Self {
        let line = error.line().unwrap_or(0);
        // The first cause in the chain that knows its class decides: outer errors only say where it
        // happened.
        let mut cause: Option<&(dyn StdError + 'static)> = Some(error);
        while let Some(current) = cause {
            if let Some(found) = current.downcast_ref::<PyError>() {
                return Self::from_python(found.class, found.message.clone(), line);
            }
            cause = current.source();
        }
        let mut innermost = error;
        while let Some(inner) = innermost.source().and_then(|source| source.downcast_ref::<minijinja::Error>()) {
            innermost = inner;
        }
        let detail = innermost.detail().map_or_else(|| innermost.kind().to_string(), str::to_owned);
        match innermost.kind() {
            ErrorKind::OutOfFuel => Self::limit(Limit::Fuel, 0),
            ErrorKind::UndefinedError | ErrorKind::UnknownFunction | ErrorKind::UnknownMethod => {
                Self::Undefined { detail, line }
            }
            ErrorKind::InvalidOperation if detail.starts_with("value of type undefined is not callable") => {
                Self::Undefined { detail, line }
            }
            ErrorKind::InvalidOperation if detail.contains("recursion limit") => Self::limit(Limit::Recursion, 0),
            ErrorKind::InvalidOperation if detail.contains("only assign to namespaces") => {
                let detail = "cannot assign attribute on non-namespace object".to_owned();
                Self::Runtime { detail, line }
            }
            ErrorKind::UnknownFilter | ErrorKind::UnknownTest => Self::Runtime { detail, line },
            _ => Self::Type { detail, line },
        }
    }

    fn from_python(class: Class, detail: String, line: usize) -> Self {
        match class {
            Class::Raised => Self::Raised { message: detail },
            Class::Undefined => Self::Undefined { detail, line },
            Class::Type => Self::Type { detail, line },
            Class::Security => Self::Forbidden { detail, line },
            Class::Value | Class::Runtime => Self::Runtime { detail, line },
            Class::Depth => Self::limit(Limit::Recursion, crate::jinja::MAX_DEPTH),
            Class::Length => Self::limit(Limit::OutputBytes, 0),
            Class::Stopped => Self::Stopped,
        }
    }

    /// Fills the bound of a limit that the engine enforced.
    pub(crate) fn with_bounds(self, limits: &crate::Limits) -> Self {
        match self {
            Self::LimitExceeded { which: Limit::Fuel, .. } => {
                Self::limit(Limit::Fuel, usize::try_from(limits.fuel).unwrap_or(usize::MAX))
            }
            Self::LimitExceeded { which: Limit::Recursion, bound: 0 } => {
                Self::limit(Limit::Recursion, limits.recursion)
            }
            Self::LimitExceeded { which: Limit::OutputBytes, bound: 0 } => {
                Self::limit(Limit::OutputBytes, limits.output_bytes)
            }
            other => other,
        }
    }
}
