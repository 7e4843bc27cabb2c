//! An OpenAI-compatible HTTP server over any sagewire provider, configured by LiteLLM's `config.yaml`.

pub use app::{App, AppBuilder, AppError, Insight, Probe, ServedDeployment, ServedModel};
pub use auth::{KeyDigest, Ledger, MemoryLedger, Refusal};
pub use clock::Clock;
pub use config::{Config, ConfigError};
pub use limits::{ConnectionLimits, RequestLimits};
pub use routes::CallerParameters;
pub use server::{Server, ServerError, ServerHandle, ServerOptions, TlsError, shutdown_signal};
pub use telemetry::{Gauge, LogFormat, LogSettings, init_logs};

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
mod request_id;
mod response;
mod routes;
mod server;
mod sse;
mod telemetry;
