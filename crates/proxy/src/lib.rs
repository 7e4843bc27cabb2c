#![doc = include_str!("../README.md")]

pub use self::http::response::Body;
pub use app::{App, AppBuilder, AppError, Insight, Probe, Resting, ServedDeployment, ServedModel};
pub use batches::BatchEngine;
pub use callers::{
    CallerParameters, KeyAdmission, KeyDigest, KeyLimit, KeyLimits, KeyRefusal, Ledger, MemoryLedger, Reached,
    Reservation, Standing, StateFileError,
};
pub use clock::Clock;
pub use config::{Config, ConfigError};
pub use limits::Limits;
pub use sagewire_router::{SharedResponses, StoreError};
pub use server::{
    Discoverer, ReloadError, Reloader, Server, ServerError, ServerHandle, ServerOptions, TlsError, Workers,
    shutdown_signal,
};
pub use telemetry::{
    Gauge, LogError, LogFormat, LogGuard, LogSettings, Span, SpanKind, SpanSink, SpanValue, init_logs,
};
#[cfg(feature = "otlp")]
pub use telemetry::{OtlpCollector, OtlpError, OtlpExporter, OtlpProtocol, OtlpSettings};
pub use wiring::{Findings, Look, Wiring, WiringError};

mod app;
mod batches;
mod callers;
mod clock;
pub mod config;
mod http;
mod limits;
mod server;
mod telemetry;
#[cfg(feature = "testing")]
#[doc(hidden)]
pub mod testing;
mod wiring;
