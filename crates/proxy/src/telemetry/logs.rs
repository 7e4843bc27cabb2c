//! Which log lines there are, what they look like and where they go.
//!
//! Owns the set-up for a program that is nothing but the proxy. A program that embeds it sets up
//! `tracing` as it likes.

use std::io::{self, IsTerminal};

use tracing_subscriber::{filter::Targets, layer::SubscriberExt, util::SubscriberInitExt};

use super::log_writer::{self, LogGuard, LogWriter};

/// How a log line looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// For programs: one JSON object a line.
    Json,
}

/// What is logged, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogSettings {
    /// How a line looks.
    pub format: LogFormat,
    /// Which lines there are, as the [targets](https://docs.rs/tracing-subscriber/latest/tracing_subscriber/filter/targets/struct.Targets.html#filtering-with-targets)
    /// of `tracing` (`info,sagewire=debug`); `None` for `info`.
    pub filter: Option<String>,
}

/// The logs could not be set up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {
    /// The filter has another form.
    #[error("invalid log filter `{filter}`: expected levels such as `debug` or `info,sagewire=debug`")]
    Filter {
        /// The filter.
        filter: String,
        /// What is wrong with it.
        source: tracing_subscriber::filter::ParseError,
    },
    /// The system has no thread for the log.
    #[error("could not start the thread that writes the log")]
    Thread(#[source] io::Error),
}

impl LogSettings {
    /// The settings of a configuration: `json_logs`, and debug lines of sagewire with `set_verbose`
    /// or `log_prompts`.
    #[must_use]
    pub fn from_config(config: &crate::Config) -> Self {
        let litellm = &config.litellm_settings;
        let verbose = litellm.set_verbose || config.sagewire_settings.log_prompts;
        Self {
            format: if litellm.json_logs { LogFormat::Json } else { LogFormat::Text },
            filter: verbose.then(|| VERBOSE.to_owned()),
        }
    }

    /// Logs the debug lines of sagewire too.
    #[must_use]
    pub fn verbose(mut self) -> Self {
        self.filter = Some(VERBOSE.to_owned());
        self
    }

    /// Replaces the filter, if there is another: `RUST_LOG`, for example.
    #[must_use]
    pub fn with_filter(mut self, filter: Option<String>) -> Self {
        self.filter = filter.filter(|filter| !filter.is_empty()).or(self.filter);
        self
    }
}

const VERBOSE: &str = "info,sagewire=debug";

/// Sends the log lines of the process to standard error, through a bounded buffer: lines are
/// dropped, counted in `sagewire_log_lines_dropped_total` and reported if nothing reads them fast
/// enough. In JSON, panics become lines too. A second call changes nothing.
///
/// The lines that wait are written when the guard is dropped.
///
/// # Errors
/// [`LogError`] if the filter is invalid, or the system has no thread left.
pub fn init_logs(settings: &LogSettings) -> Result<LogGuard, LogError> {
    let filter = settings.filter.as_deref().unwrap_or("info");
    let targets: Targets = filter.parse().map_err(|source| LogError::Filter { filter: filter.to_owned(), source })?;
    let writer = LogWriter::new();
    let guard = writer.start(log_writer::standard_error(), |count| {
        tracing::warn!(target: "sagewire::proxy", count, "log lines were dropped because nothing reads the log fast enough");
    });
    let guard = guard.map_err(LogError::Thread)?;
    // Colours are for people who watch: in a file they are noise.
    let layer = tracing_subscriber::fmt::layer().with_writer(writer).with_ansi(io::stderr().is_terminal());
    let registry = tracing_subscriber::registry().with(targets);
    // It fails if a subscriber is set already, which is then the program's choice.
    let is_json = settings.format == LogFormat::Json;
    let taken = if is_json {
        registry.with(layer.json().flatten_event(true).with_span_list(false)).try_init()
    } else {
        registry.with(layer).try_init()
    };
    if is_json && taken.is_ok() {
        std::panic::set_hook(Box::new(|panic| {
            let location = panic.location().map(ToString::to_string);
            let payload = panic.payload();
            let text = payload.downcast_ref::<&str>().copied();
            let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message");
            tracing::error!(target: "sagewire::proxy", location, "panicked: {text}");
        }));
    }
    Ok(guard)
}
