#![doc = include_str!("../README.md")]

pub use app::{App, AppBuilder, AppError, Insight, Probe, ServedDeployment, ServedModel};
pub use auth::{KeyDigest, Ledger, MemoryLedger, Refusal};
pub use clock::Clock;
pub use config::{Config, ConfigError};
pub use limits::{ConnectionLimits, RequestLimits};
pub use reload::{ReloadError, Reloader};
pub use response::Body;
pub use routes::CallerParameters;
pub use server::{Server, ServerError, ServerHandle, ServerOptions, TlsError, Workers, shutdown_signal};
pub use telemetry::{Gauge, LogFormat, LogSettings, Span, SpanKind, SpanSink, SpanValue, init_logs};
#[cfg(feature = "otlp")]
pub use telemetry::{OtlpExporter, OtlpSettings};
pub use wiring::{Wiring, WiringError};

mod admission;
mod app;
mod auth;
mod body;
mod clock;
pub mod config;
mod cors;
mod disclosure;
mod error;
mod health;
mod limits;
mod reload;
mod request_id;
mod response;
mod routes;
mod server;
mod sse;
mod telemetry;
#[cfg(feature = "testing")]
#[doc(hidden)]
pub mod testing;
mod wiring;
