//! `sagewire_settings`: what only this proxy has.

use std::{collections::BTreeMap, fmt, path::PathBuf, time::Duration};

use sagewire_router::seconds::{self, Seconds};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{batches::BatchSettings, caller_keys::CallerKey, discover::DiscoverSettings, general_settings::Text};
use crate::limits::Limits;

/// What only this proxy has. LiteLLM ignores this section.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct ProxySettings {
    /// Keys for callers, each with its own permissions and limits.
    pub keys: Vec<CallerKey>,
    /// The file that keeps what keys have used of their budgets over restarts, for a single proxy.
    /// Several replicas need `general_settings.coordination_redis`.
    #[schemars(with = "Text")]
    pub state_file: Option<PathBuf>,
    /// Which endpoints of the AWS account are served although `model_list` does not have them.
    #[schemars(with = "DiscoverSettings")]
    pub discover: Option<DiscoverSettings>,
    /// Limits for each caller, for each connection and in total.
    pub limits: Limits,
    /// The certificate to serve HTTPS with. The files are read again on reload.
    #[schemars(with = "TlsFiles")]
    pub tls: Option<TlsFiles>,
    /// Which web pages may call the proxy from a browser.
    pub cors: CorsSettings,
    /// The names that requests may have in `Host` if no key is asked for, beside addresses and
    /// `localhost`. Default: none on connections that arrive on a loopback address, else any.
    pub allowed_hosts: Vec<String>,
    /// Limits for the probes of `/health`.
    pub health_check: HealthCheckSettings,
    /// Where OpenTelemetry spans and metrics are sent, in builds with the feature `otlp`.
    /// OpenTelemetry's own variables are read, too.
    pub otlp: OtlpSection,
    /// Whether callers see what AWS and the container said, word for word. Default: false.
    pub expose_upstream_errors: bool,
    /// Whether callers see the endpoints' real names. Default: false.
    pub expose_endpoint_names: bool,
    /// Whether prompts and answers are logged, at debug level. Default: false.
    pub log_prompts: bool,
    /// Stores the answers of `/v1/responses`, so that requests can continue from them by
    /// `previous_response_id`. Default: nothing is stored, and answers say `store: false`.
    pub response_store: Option<ResponseStoreSettings>,
    /// Where `/v1/files` and `/v1/batches` keep files and batches. Default: nowhere, and there are
    /// none.
    #[serde(deserialize_with = "super::batches::placed")]
    pub batches: Option<BatchSettings>,
    /// Whether requests to `/v1/messages` and `/v1/responses` are refused for tools that no
    /// container runs, such as a web search. Default: false: they are left out and named in
    /// `x-sagewire-ignored-tools`.
    pub strict_tools: bool,
    /// Whether whole answers of 16 KiB and more are compressed with gzip for callers that accept
    /// it. Default: false.
    pub compression: bool,
    /// Whether browsers see a page at `/` and `/docs`. It can do nothing that its key cannot do.
    /// Default: true.
    pub ui: bool,
    /// The silence after which a stream sends a comment, so that intermediaries keep the connection
    /// open. 0: never. Default: 15.
    #[serde(deserialize_with = "seconds::deserialize")]
    #[schemars(with = "Seconds")]
    pub keep_alive_interval: Duration,
}

impl Default for ProxySettings {
    fn default() -> Self {
        Self {
            keys: Vec::new(),
            state_file: None,
            discover: None,
            limits: Limits::default(),
            tls: None,
            cors: CorsSettings::default(),
            allowed_hosts: Vec::new(),
            health_check: HealthCheckSettings::default(),
            otlp: OtlpSection::default(),
            expose_upstream_errors: false,
            expose_endpoint_names: false,
            log_prompts: false,
            response_store: None,
            batches: None,
            strict_tools: false,
            compression: false,
            ui: true,
            keep_alive_interval: Duration::from_secs(15),
        }
    }
}

/// The certificate to serve HTTPS with.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TlsFiles {
    /// A PEM file with the certificate and those between it and the root.
    pub certificate_file: PathBuf,
    /// A PEM file with the certificate's private key.
    pub private_key_file: PathBuf,
}

/// Which web pages may call the proxy from a browser.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct CorsSettings {
    /// Their origins, such as `https://app.example.com`, or `*`. Default: `*` if a key is asked for, else none.
    #[schemars(with = "Vec<String>")]
    pub allow_origins: Option<Vec<String>>,
}

/// How many answers of `/v1/responses` are kept, and how long. The oldest are dropped first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct ResponseStoreSettings {
    /// The maximum number of stored answers. Default: 10000.
    pub max_responses: usize,
    /// The maximum size of the stored answers and their conversations, in bytes of JSON. Default:
    /// 268435456.
    pub max_bytes: usize,
    /// How long an answer is stored. Default: 86400, a day.
    #[serde(deserialize_with = "seconds::limit")]
    #[schemars(with = "Seconds")]
    pub lifetime: Duration,
}

impl Default for ResponseStoreSettings {
    fn default() -> Self {
        Self { max_responses: 10_000, max_bytes: 256 * 1024 * 1024, lifetime: Duration::from_secs(86_400) }
    }
}

/// Where OpenTelemetry spans and numbers go: two spans for each request, with the GenAI attributes,
/// the numbers of `/metrics` and those of the GenAI conventions; never a prompt.
#[derive(Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct OtlpSection {
    /// The collector's base URL, such as `http://localhost:4318`. Default: `OTEL_EXPORTER_OTLP_ENDPOINT`; without either nothing is sent.
    #[schemars(with = "Text")]
    pub endpoint: Option<String>,
    /// Additional headers, such as the collector's key. Their values are never shown.
    pub headers: BTreeMap<String, String>,
    /// The interval at which metrics are sent. Default: `OTEL_METRIC_EXPORT_INTERVAL` (which
    /// is in milliseconds), else 60. `OTEL_METRICS_EXPORTER=none` turns them off.
    #[serde(deserialize_with = "seconds::optional")]
    #[schemars(with = "Seconds")]
    pub metrics_interval: Option<Duration>,
    /// The name of the service. Default: `OTEL_SERVICE_NAME`, else `sagewire`.
    #[schemars(with = "Text")]
    pub service_name: Option<String>,
}

impl fmt::Debug for OtlpSection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OtlpSection")
            .field("endpoint", &self.endpoint)
            .field("headers", &self.headers.keys().collect::<Vec<_>>())
            .field("service_name", &self.service_name)
            .field("metrics_interval", &self.metrics_interval)
            .finish()
    }
}

/// Limits for the probes of `/health`. A probe is one real call with one token, or one short text
/// to embed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct HealthCheckSettings {
    /// The maximum number of probes per minute, for all callers together. Default: 10.
    pub max_probes_per_minute: u64,
    /// The time limit of a probe. Default: 30.
    #[serde(deserialize_with = "seconds::limit")]
    #[schemars(with = "Seconds")]
    pub timeout: Duration,
}

impl Default for HealthCheckSettings {
    fn default() -> Self {
        Self { max_probes_per_minute: 10, timeout: Duration::from_secs(30) }
    }
}
