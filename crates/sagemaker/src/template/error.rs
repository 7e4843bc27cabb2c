//! Why a template cannot be had. Unlike the library's error it can be kept, and told to every call
//! that waits for the same look-up.

use std::{error::Error as StdError, sync::Arc, time::Duration};

use sagewire_types::{Error, ErrorKind};

/// Long enough for all calls of a moment, short enough for an operator who is fixing a file.
const A_MOMENT: Duration = Duration::from_secs(5);

/// A look-up that failed: not where nothing was found, but where something is broken or out of
/// reach.
#[derive(Clone, Debug)]
pub(super) struct LookupError {
    kind: ErrorKind,
    message: Arc<str>,
    param: &'static str,
    source: Option<Arc<dyn StdError + Send + Sync>>,
    remembered: Duration,
}

impl LookupError {
    /// What is there cannot be used, or a setting is wrong: it is remembered for minutes.
    pub(super) fn broken(param: &'static str, message: impl Into<Arc<str>>) -> Self {
        let message = message.into();
        Self { kind: ErrorKind::Configuration, message, param, source: None, remembered: Duration::from_secs(300) }
    }

    /// A file that the operator named: it is remembered only as long as it takes to bundle the
    /// calls of a moment.
    pub(super) fn bad_file(message: impl Into<Arc<str>>) -> Self {
        Self { remembered: A_MOMENT, ..Self::broken("chat_template", message) }
    }

    /// The same error, about a file that the operator named.
    pub(super) fn of_a_file(self) -> Self {
        Self { remembered: A_MOMENT, ..self }
    }

    /// The Hub is out of reach, which may be over in a minute.
    pub(super) fn unreachable(message: impl Into<Arc<str>>) -> Self {
        let remembered = Duration::from_secs(60);
        Self { kind: ErrorKind::Connection, remembered, ..Self::broken("hf_model_name", message) }
    }

    pub(super) fn with_source(mut self, source: impl StdError + Send + Sync + 'static) -> Self {
        self.source = Some(Arc::new(source));
        self
    }

    /// How long the look-up is not made again.
    pub(super) fn remembered(&self) -> Duration {
        self.remembered
    }
}

impl From<LookupError> for Error {
    fn from(error: LookupError) -> Self {
        let told = Self::new(error.kind, &*error.message).with_param(error.param);
        match error.source {
            Some(source) => told.with_source(source),
            None => told,
        }
    }
}
