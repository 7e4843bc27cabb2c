//! The keys of `sagewire_settings`: what only this proxy knows.

use super::super::table::{Kind, Table, Unknown, key};

pub(in super::super) static SAGEWIRE_SETTINGS: Table = Table {
    meaning: "What only this proxy knows. LiteLLM passes this section over.",
    keys: &[
        key("keys", Kind::Many(&KEYS), "Keys for callers, each with its own rights and limits."),
        key("limits", Kind::One(&LIMITS), "What one caller, one connection and all together may use."),
        key("tls", Kind::One(&TLS), "The certificate to serve HTTPS with. The files are read again on reload."),
        key("cors", Kind::One(&CORS), "Which web pages may call the proxy from a browser."),
        key("health_check", Kind::One(&HEALTH_CHECK), "What `/health` may spend on probes."),
        key(
            "otlp",
            Kind::One(&OTLP),
            "Where OpenTelemetry spans and numbers go; in builds with the feature `otlp`. OpenTelemetry's own variables are read, too.",
        ),
        key(
            "expose_upstream_errors",
            Kind::Flag,
            "Whether callers see what AWS and the container said, word for word. Default: false.",
        ),
        key("expose_endpoint_names", Kind::Flag, "Whether callers see the endpoints' real names. Default: false."),
        key("log_prompts", Kind::Flag, "Whether prompts and answers are logged, at debug level. Default: false."),
        key(
            "strict_tools",
            Kind::Flag,
            "Whether requests to `/v1/messages` are refused for tools that no container runs, such as a web search. Default: false: they are left out and named in `x-sagewire-ignored-tools`.",
        ),
        key(
            "compression",
            Kind::Flag,
            "Whether whole answers of 16 KiB and more are compressed with gzip for callers that accept it. Default: false.",
        ),
        key(
            "keep_alive_interval",
            Kind::Seconds,
            "After how long a silence a stream sends a comment, so that nothing on the way closes it. 0: never. Default: 15.",
        ),
    ],
    ignored: &[],
    unknown: Unknown::Refused,
};

pub(in super::super) static KEYS: Table = Table {
    meaning: "A caller's key.",
    keys: &[
        key("name", Kind::Text, "What logs and metrics call it."),
        key("key", Kind::Secret, "The key itself. `os.environ/NAME` keeps it out of the file."),
        key(
            "key_hash",
            Kind::Text,
            "In place of `key`: its SHA-256, as 64 hexadecimal digits, `sha256:` before them or not.",
        ),
        key(
            "models",
            Kind::Texts,
            "The models it may use; `sagemaker/*` stands for every name that begins so. Default: all.",
        ),
        key("rpm", Kind::Count, "How many requests a minute it may make."),
        key("tpm", Kind::Count, "How many tokens a minute it may use."),
        key("token_budget", Kind::Count, "How many tokens it may use in all, or in each `budget_duration`."),
        key("budget_duration", Kind::Text, "After how long `token_budget` begins anew: `30s`, `15m`, `12h`, `30d`."),
        key("expires", Kind::Text, "When it ends: `2026-12-31` or `2026-12-31T12:00:00Z`."),
    ],
    ignored: &[],
    unknown: Unknown::Refused,
};

pub(in super::super) static LIMITS: Table = Table {
    meaning: "What one caller, one connection and all together may use.",
    keys: &[
        key(
            "max_body_bytes",
            Kind::Count,
            "The largest request body; a larger one is refused with 413. Default: 26214400.",
        ),
        key(
            "max_header_bytes",
            Kind::Count,
            "The largest request head; a larger one is refused with 431. At least 8192. Default: 65536.",
        ),
        key(
            "max_json_depth",
            Kind::Count,
            "How deep lists and objects of a body may be nested, up to 120; a deeper one is refused with 400. Default: 64.",
        ),
        key(
            "max_concurrent_requests",
            Kind::Count,
            "How many requests at once are worked on; more are refused with 503. `global_max_parallel_requests` means the same. Default: 10000.",
        ),
        key(
            "max_queued_requests",
            Kind::Count,
            "How many requests wait for their turn before any is refused. Default: 0.",
        ),
        key("queue_timeout", Kind::Seconds, "How long a request waits for its turn. Default: 10."),
        key(
            "max_connections",
            Kind::Count,
            "How many connections are open at once; more wait to be accepted. Default: 20000.",
        ),
        key(
            "header_timeout",
            Kind::Seconds,
            "How long a request's head may take to come; then it is refused with 408. On HTTP/2 the connection is idle until a head has come. Default: 15.",
        ),
        key(
            "body_timeout",
            Kind::Seconds,
            "How long a request's body may take to come; then it is refused with 408. Default: 60.",
        ),
        key(
            "write_timeout",
            Kind::Seconds,
            "How long a caller may take no bytes of its answer; then the connection is closed. Default: 60.",
        ),
        key("idle_timeout", Kind::Seconds, "How long a connection may be open without a request. Default: 90."),
        key(
            "drain_timeout",
            Kind::Seconds,
            "How long running requests may go on after the proxy was told to stop. Default: 60.",
        ),
    ],
    ignored: &[],
    unknown: Unknown::Refused,
};

pub(in super::super) static TLS: Table = Table {
    meaning: "The certificate to serve HTTPS with.",
    keys: &[
        key("certificate_file", Kind::Text, "A PEM file with the certificate and those between it and the root."),
        key("private_key_file", Kind::Text, "A PEM file with the certificate's private key."),
    ],
    ignored: &[],
    unknown: Unknown::Refused,
};

pub(in super::super) static CORS: Table = Table {
    meaning: "Which web pages may call the proxy from a browser.",
    keys: &[key(
        "allow_origins",
        Kind::Texts,
        "Their origins, such as `https://app.example.com`, or `*`. Default: `*` where a key is asked for, else none.",
    )],
    ignored: &[],
    unknown: Unknown::Refused,
};

pub(in super::super) static HEALTH_CHECK: Table = Table {
    meaning: "What `/health` may spend on probes. A probe is one real call with one token, or one short text to embed.",
    keys: &[
        key("max_probes_per_minute", Kind::Count, "How many probes are made in a minute, whoever asks. Default: 10."),
        key("timeout", Kind::Seconds, "How long a probe may take. Default: 30."),
    ],
    ignored: &[],
    unknown: Unknown::Refused,
};

pub(in super::super) static OTLP: Table = Table {
    meaning: "Where OpenTelemetry spans and numbers go: two spans for each request, with the GenAI attributes, the numbers of `/metrics` and those of the GenAI conventions; never a prompt.",
    keys: &[
        key(
            "endpoint",
            Kind::Text,
            "The collector's base URL, such as `http://localhost:4318`. Default: `OTEL_EXPORTER_OTLP_ENDPOINT`; without either nothing is sent.",
        ),
        key("headers", Kind::Mapping, "Further headers, such as the collector's key."),
        key(
            "metrics_interval",
            Kind::Seconds,
            "The time between two sendings of the numbers. Default: `OTEL_METRIC_EXPORT_INTERVAL` (which is in milliseconds), else 60. `OTEL_METRICS_EXPORTER=none` turns them off.",
        ),
        key("service_name", Kind::Text, "What the service is called. Default: `OTEL_SERVICE_NAME`, else `sagewire`."),
    ],
    ignored: &[],
    unknown: Unknown::Refused,
};
