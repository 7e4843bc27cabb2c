//! What the operator sees of each request: a log line, metrics and spans.
//!
//! Prompts and answers are in none of them, unless the operator asks for them.

pub(crate) use call::{CallRecord, Outcome};
pub use log_writer::LogGuard;
pub use logs::{LogError, LogFormat, LogSettings, init_logs};
pub use metrics::Gauge;
pub(crate) use metrics::{Metrics, ModelMetrics};
#[cfg(feature = "otlp")]
pub use otlp::{OtlpCollector, OtlpError, OtlpExporter, OtlpProtocol, OtlpSettings};
pub(crate) use span::RequestSpans;
pub use span::{Span, SpanKind, SpanSink, SpanValue};

pub(crate) mod activity;
mod call;
mod failed_call;
mod log_writer;
mod logs;
mod metrics;
#[cfg(feature = "otlp")]
mod otlp;
mod span;
pub(crate) mod trace_context;
