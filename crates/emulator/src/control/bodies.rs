//! The bodies of the control port's requests: what a program may say, as serde reads it and the
//! OpenAPI document shows it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

/// Scripted answers. Name the `endpoint` or the `operation` that they wait for.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RepliesBody {
    /// The endpoint, which need not exist.
    pub(super) endpoint: Option<String>,
    /// The operation by AWS's name, such as `InvokeEndpoint` or `AssumeRole`.
    pub(super) operation: Option<String>,
    /// The answers, one for each request.
    pub(super) replies: Vec<Reply>,
}

/// One scripted answer: exactly one of `body`, `body_base64`, `stream`, `error`, `model_error` and
/// `reset`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Reply {
    /// The HTTP status of a `body`. Default: 200.
    pub(super) status: Option<u16>,
    /// Headers of the answer.
    pub(super) headers: BTreeMap<String, String>,
    /// The body: a text as it is, anything else as JSON.
    pub(super) body: Option<Value>,
    /// The body's bytes in base64.
    pub(super) body_base64: Option<String>,
    /// An event stream.
    pub(super) stream: Option<Vec<Event>>,
    /// An error of AWS's.
    pub(super) error: Option<ErrorReply>,
    /// The container's own failure, as AWS reports it (424 `ModelError`).
    pub(super) model_error: Option<ModelErrorReply>,
    /// Resets the connection before any byte of the answer.
    pub(super) reset: bool,
    /// The wait before the answer, in milliseconds.
    pub(super) delay_ms: u64,
    /// The wait before each frame of a stream, in milliseconds.
    pub(super) pace_ms: u64,
    /// Closes the connection of a stream after so many bytes of its body.
    pub(super) cut_at: Option<usize>,
    /// Ends the body of a stream after so many bytes as if that were all.
    pub(super) end_at: Option<usize>,
}

/// An error as AWS answers it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ErrorReply {
    /// Such as `ThrottlingException`.
    pub(super) code: String,
    /// The HTTP status.
    pub(super) status: u16,
    /// The message.
    #[serde(default)]
    pub(super) message: String,
}

/// A container's failure.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ModelErrorReply {
    /// The container's HTTP status.
    pub(super) status: u16,
    /// What the container said.
    pub(super) message: String,
}

/// What happens next in an event stream.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Event {
    /// A payload part of exactly this text.
    Part(String),
    /// A payload part of these bytes, in base64: cut a character in two with it.
    PartBase64(String),
    /// A payload part with a server-sent event: a text as it is (`[DONE]`), anything else as JSON.
    Sse(Value),
    /// Bytes that need not be a frame, in base64.
    RawBase64(String),
    /// Nothing for so long, in milliseconds.
    WaitMs(u64),
    /// A `ModelStreamError` exception.
    ModelStreamError(StreamErrorEvent),
    /// An `InternalStreamFailure` exception with this message.
    InternalStreamFailure(String),
    /// The connection is closed here, before the body's proper end.
    BreakOff,
    /// The connection is reset here.
    Reset,
}

/// Why a model's stream ended.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct StreamErrorEvent {
    /// `ModelInvocationTimeExceeded` or `StreamBroken`.
    pub(super) error_code: String,
    /// The message.
    pub(super) message: String,
}

/// A fault by its name. Name the `endpoint` or the `operation` that it waits for.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct FaultsBody {
    /// The endpoint, which need not exist.
    pub(super) endpoint: Option<String>,
    /// The operation by AWS's name.
    pub(super) operation: Option<String>,
    /// Such as `throttling`, `cut-at=200` or `stall=2s`.
    pub(super) fault: String,
    /// How many requests meet it. Default: 1.
    #[serde(default = "once")]
    pub(super) times: u16,
}

fn once() -> u16 {
    1
}

/// A schedule of faults.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ChaosBody {
    /// Decides which requests meet a fault.
    #[serde(default)]
    pub(super) seed: u64,
    /// The faults and how many of the requests meet each.
    pub(super) faults: Vec<RatedFault>,
}

/// A fault and its share.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RatedFault {
    /// Such as `throttling`.
    pub(super) fault: String,
    /// The share of the requests, from 0 to 1.
    pub(super) rate: f64,
}

/// Settings that change while the emulator runs. What is missing stays as it is.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SettingsBody {
    /// The wait before each answer, in milliseconds.
    pub(super) latency_ms: Option<u64>,
    /// How many seconds the clock is ahead; negative for one that is behind.
    pub(super) clock_skew_seconds: Option<i64>,
}

/// What is behind an endpoint: a built-in `container` or the `url` of a running one.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct EndpointBody {
    /// The name of a built-in container.
    pub(super) container: Option<String>,
    /// A running container, which answers `/invocations` and `/ping`.
    pub(super) url: Option<String>,
    /// The wait before each part of a stream of a built-in container, in milliseconds.
    #[serde(default)]
    pub(super) token_delay_ms: u64,
}

/// Credentials that are accepted.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CredentialsBody {
    /// The secret access key.
    pub(super) secret_access_key: String,
    /// The session token of temporary credentials.
    pub(super) session_token: Option<String>,
    /// After how many seconds they expire. Default: never.
    pub(super) expires_in_seconds: Option<u64>,
}
