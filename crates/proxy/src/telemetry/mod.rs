//! What the operator sees: one log line and a few numbers for each request.
//!
//! Prompts and answers are in neither, unless the operator asks for them.

pub(crate) use call::{CallRecord, Outcome};
pub use logs::{LogFormat, LogSettings, init_logs};
pub use metrics::Gauge;
pub(crate) use metrics::{Metrics, ModelMetrics};
#[cfg(feature = "otlp")]
pub use otlp::{OtlpExporter, OtlpSettings};
pub(crate) use span::RequestSpans;
pub use span::{Span, SpanKind, SpanSink, SpanValue};

mod call;
mod lines;
mod logs;
mod metrics;
#[cfg(feature = "otlp")]
mod otlp;
mod span;
pub(crate) mod trace_context;
