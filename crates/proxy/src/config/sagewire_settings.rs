//! `sagewire_settings`: what only this proxy knows.
//!
//! Owns the typed form of the section, and its defaults.

use std::{collections::BTreeMap, fmt, path::PathBuf, time::Duration};

use super::{
    caller_keys::{self, CallerKey},
    environment::Path,
    keys::{CORS, HEALTH_CHECK, LIMITS, OTLP, SAGEWIRE_SETTINGS, TLS},
    node::Node,
    problem::Report,
    table::{Section, Table},
};
use crate::limits::{ConnectionLimits, RequestLimits};

/// What only this proxy knows.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ProxySettings {
    /// Keys for callers.
    pub keys: Vec<CallerKey>,
    /// What a request may use.
    pub request_limits: RequestLimits,
    /// What a connection may use. Fixed when the server starts.
    pub connection_limits: ConnectionLimits,
    /// The certificate to serve HTTPS with.
    pub tls: Option<TlsFiles>,
    /// Which web pages may call the proxy; `None` leaves it to whether a key is asked for.
    pub allow_origins: Option<Vec<String>>,
    /// What `/health` may spend.
    pub health_check: HealthCheckSettings,
    /// Where OpenTelemetry spans go.
    pub otlp: OtlpSection,
    /// Whether callers see what AWS and the container said.
    pub expose_upstream_errors: bool,
    /// Whether callers see the endpoints' real names.
    pub expose_endpoint_names: bool,
    /// Whether prompts and answers are logged.
    pub log_prompts: bool,
    /// Whether a request of an agent is refused for a tool that no container runs; else the tool is left out.
    pub strict_tools: bool,
    /// Whether large whole answers are compressed.
    pub compression: bool,
    /// After how long a silence a stream sends a comment; zero: never.
    pub keep_alive_interval: Duration,
}

impl Default for ProxySettings {
    fn default() -> Self {
        Self {
            keys: Vec::new(),
            request_limits: RequestLimits::default(),
            connection_limits: ConnectionLimits::default(),
            tls: None,
            allow_origins: None,
            health_check: HealthCheckSettings::default(),
            otlp: OtlpSection::default(),
            expose_upstream_errors: false,
            expose_endpoint_names: false,
            log_prompts: false,
            strict_tools: false,
            compression: false,
            keep_alive_interval: Duration::from_secs(15),
        }
    }
}

/// The files of a certificate, both PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate, then those between it and the root.
    pub certificate_file: PathBuf,
    /// Its private key.
    pub private_key_file: PathBuf,
}

/// `sagewire_settings.otlp`: where OpenTelemetry spans and numbers go, as far as the file says it.
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct OtlpSection {
    /// The collector's base URL.
    pub endpoint: Option<String>,
    /// Further headers. Their values may be keys and are not shown.
    pub headers: BTreeMap<String, String>,
    /// What the service is called.
    pub service_name: Option<String>,
    /// The time between two sendings of the numbers.
    pub metrics_interval: Option<Duration>,
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

fn otlp(section: &Section<'_>, report: &mut Report) -> OtlpSection {
    let mut headers = BTreeMap::new();
    for entry in section.node("headers").and_then(Node::entries).unwrap_or_default() {
        match entry.node.as_text() {
            Some(value) => {
                headers.insert(entry.key.clone(), value);
            }
            None => report.problem(
                entry.node.place,
                format!("`sagewire_settings.otlp.headers.{}` must be a text, not {}", entry.key, entry.node.kind()),
            ),
        }
    }
    OtlpSection {
        endpoint: section.text("endpoint"),
        headers,
        service_name: section.text("service_name"),
        metrics_interval: section.seconds("metrics_interval"),
    }
}

/// What `/health` may spend on probes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HealthCheckSettings {
    /// How many probes are made in a minute.
    pub max_probes_per_minute: u64,
    /// How long a probe may take.
    pub timeout: Duration,
}

impl Default for HealthCheckSettings {
    fn default() -> Self {
        Self { max_probes_per_minute: 10, timeout: Duration::from_secs(30) }
    }
}

pub(super) fn read(file: &Section<'_>, report: &mut Report) -> ProxySettings {
    let defaults = ProxySettings::default();
    let path = Path::default().key("sagewire_settings");
    let Some(node) = file.node("sagewire_settings") else { return defaults };
    let section = SAGEWIRE_SETTINGS.read(node, &path, report);
    let below = |name: &str, table: &'static Table, report: &mut Report| {
        section.node(name).map(|node| table.read(node, &path.key(name), report))
    };
    let health = below("health_check", &HEALTH_CHECK, report).unwrap_or_default();
    let limits = below("limits", &LIMITS, report).unwrap_or_default();
    ProxySettings {
        keys: caller_keys::read(&section, &path, report),
        request_limits: request_limits(&limits, report),
        connection_limits: connection_limits(&limits),
        tls: below("tls", &TLS, report).and_then(|tls| tls_files(&tls, report)),
        allow_origins: below("cors", &CORS, report).and_then(|cors| cors.texts("allow_origins")),
        health_check: HealthCheckSettings {
            max_probes_per_minute: health
                .count("max_probes_per_minute")
                .unwrap_or(defaults.health_check.max_probes_per_minute),
            timeout: health.seconds("timeout").unwrap_or(defaults.health_check.timeout),
        },
        otlp: below("otlp", &OTLP, report).map(|section| otlp(&section, report)).unwrap_or_default(),
        expose_upstream_errors: section.flag("expose_upstream_errors").unwrap_or(false),
        expose_endpoint_names: section.flag("expose_endpoint_names").unwrap_or(false),
        log_prompts: section.flag("log_prompts").unwrap_or(false),
        strict_tools: section.flag("strict_tools").unwrap_or(false),
        compression: section.flag("compression").unwrap_or(false),
        keep_alive_interval: section.seconds("keep_alive_interval").unwrap_or(defaults.keep_alive_interval),
    }
}

fn request_limits(section: &Section<'_>, report: &mut Report) -> RequestLimits {
    let defaults = RequestLimits::default();
    let json_depth = section.size("max_json_depth").unwrap_or(defaults.json_depth);
    if !(1..=RequestLimits::MAX_JSON_DEPTH).contains(&json_depth) {
        report.problem(
            section.place_of("max_json_depth"),
            format!("`sagewire_settings.limits.max_json_depth` must be from 1 to {}", RequestLimits::MAX_JSON_DEPTH),
        );
    }
    RequestLimits {
        body_bytes: section.size("max_body_bytes").unwrap_or(defaults.body_bytes),
        json_depth,
        concurrent: section.size("max_concurrent_requests").unwrap_or(defaults.concurrent),
        queued: section.size("max_queued_requests").unwrap_or(defaults.queued),
        queue_timeout: section.seconds("queue_timeout").unwrap_or(defaults.queue_timeout),
        body_timeout: section.seconds("body_timeout").unwrap_or(defaults.body_timeout),
    }
}

fn connection_limits(section: &Section<'_>) -> ConnectionLimits {
    let defaults = ConnectionLimits::default();
    ConnectionLimits {
        header_bytes: section.size("max_header_bytes").unwrap_or(defaults.header_bytes).max(8192),
        connections: section.size("max_connections").unwrap_or(defaults.connections),
        header_timeout: section.seconds("header_timeout").unwrap_or(defaults.header_timeout),
        write_timeout: section.seconds("write_timeout").unwrap_or(defaults.write_timeout),
        idle_timeout: section.seconds("idle_timeout").unwrap_or(defaults.idle_timeout),
        drain_timeout: section.seconds("drain_timeout").unwrap_or(defaults.drain_timeout),
    }
}

fn tls_files(section: &Section<'_>, report: &mut Report) -> Option<TlsFiles> {
    match (section.text("certificate_file"), section.text("private_key_file")) {
        (Some(certificate), Some(key)) => {
            Some(TlsFiles { certificate_file: certificate.into(), private_key_file: key.into() })
        }
        _ => {
            report
                .problem(section.place, "`sagewire_settings.tls` needs both `certificate_file` and `private_key_file`");
            None
        }
    }
}
