//! Where log lines go.
//!
//! Owns the set-up for a program that is nothing but the proxy. A program that embeds it sets up `tracing` as it likes.

use std::io::IsTerminal;

use tracing_subscriber::{filter::Targets, fmt::format::FmtSpan, layer::SubscriberExt, util::SubscriberInitExt};

use super::lines::Lines;

/// How a log line looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// For programs: one JSON object for each line.
    Json,
}

/// What is logged, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogSettings {
    /// How a line looks.
    pub format: LogFormat,
    /// Which lines there are, as `tracing`'s [targets](https://docs.rs/tracing-subscriber/latest/tracing_subscriber/filter/targets/struct.Targets.html#filtering-with-targets)
    /// say it (`info,sagewire=debug`); `None` for `info`.
    pub filter: Option<String>,
}

impl LogSettings {
    /// What a configuration says: `json_logs`, and debug lines of ours with `set_verbose` or `log_prompts`.
    #[must_use]
    pub fn from_config(config: &crate::Config) -> Self {
        let litellm = &config.litellm_settings;
        let verbose = litellm.set_verbose || config.router_settings.set_verbose || config.sagewire_settings.log_prompts;
        Self {
            format: if litellm.json_logs { LogFormat::Json } else { LogFormat::Text },
            filter: verbose.then(|| "info,sagewire=debug".to_owned()),
        }
    }
}

/// Sends the process's log lines to standard error. A second call changes nothing.
///
/// # Errors
/// What is wrong with the filter.
pub fn init_logs(settings: &LogSettings) -> Result<(), tracing_subscriber::filter::ParseError> {
    let filter: Targets = settings.filter.as_deref().unwrap_or("info").parse()?;
    // Colours are for people who watch: in a file they are noise.
    let layer = tracing_subscriber::fmt::layer()
        .with_writer(Lines::to_standard_error())
        .with_ansi(std::io::stderr().is_terminal())
        .with_span_events(FmtSpan::NONE);
    let registry = tracing_subscriber::registry().with(filter);
    // It fails where a subscriber is set already: that one is the program's choice.
    let _ = match settings.format {
        LogFormat::Text => registry.with(layer).try_init(),
        LogFormat::Json => registry.with(layer.json().flatten_event(true)).try_init(),
    };
    Ok(())
}
