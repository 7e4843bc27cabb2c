//! What the control port does with the bodies that it is sent.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderName, HeaderValue};
use serde_json::{Value, json};

use super::{
    bodies::{ChaosBody, CredentialsBody, EndpointBody, Event, FaultsBody, RepliesBody, Reply, SettingsBody},
    error::ControlError,
};
use crate::{
    aws_error::{AwsError, is_container_status},
    clock::LONGEST_WAIT,
    container::{Container, Forward, built_in},
    fault::{Chaos, Fault, MOST_SKEW},
    frame::Frame,
    keys::{Key, check_key},
    operation::Operation,
    prepared::Line,
    runtime::limits::is_endpoint_name,
    scripted::{Scripted, StreamEvent},
    state::State,
};

/// Headers that say where the body ends.
const FRAMING: [&str; 4] = ["content-length", "transfer-encoding", "connection", "upgrade"];

/// The most scripted answers, and the most faults, that wait for one endpoint or operation.
const MOST_WAITING: usize = 1_000;

pub(super) fn replies(state: &State, body: RepliesBody) -> Result<Value, ControlError> {
    let line = line(body.endpoint, body.operation)?;
    let replies =
        body.replies.into_iter().enumerate().map(|(at, reply)| {
            scripted(reply).map_err(|error| ControlError::Value(format!("`replies[{at}]`: {error}")))
        });
    // All or none of them.
    let replies = replies.collect::<Result<Vec<_>, _>>()?;
    check_waiting(state.prepared.scripts.len(&line), replies.len())?;
    for reply in replies {
        state.prepared.scripts.push(line.clone(), reply);
    }
    Ok(json!({"waiting": state.prepared.scripts.len(&line)}))
}

pub(super) fn faults(state: &State, body: FaultsBody) -> Result<Value, ControlError> {
    let line = line(body.endpoint, body.operation)?;
    let fault = fault(&body.fault)?;
    if body.times == 0 {
        return Err(ControlError::Value("`times` must be at least 1".to_owned()));
    }
    check_waiting(state.prepared.faults.len(&line), body.times.into())?;
    for _ in 0..body.times {
        state.prepared.faults.push(line.clone(), fault.clone());
    }
    Ok(json!({"waiting": state.prepared.faults.len(&line)}))
}

pub(super) fn chaos(state: &State, body: ChaosBody) -> Result<Value, ControlError> {
    let rated = body.faults.into_iter().map(|rated| {
        if !(0.0..=1.0).contains(&rated.rate) {
            return Err(ControlError::Value(format!("invalid rate {} of `{}`: use 0 to 1", rated.rate, rated.fault)));
        }
        Ok((fault(&rated.fault)?, rated.rate))
    });
    let rated = rated.collect::<Result<Vec<_>, _>>()?;
    let chaos = (!rated.is_empty()).then(|| Chaos::seeded(body.seed).rated(rated));
    chaos.as_ref().map_or(Ok(()), Chaos::check_rates).map_err(ControlError::Value)?;
    state.prepared.set_chaos(chaos);
    Ok(json!({}))
}

pub(super) fn settings(state: &State, body: SettingsBody) -> Result<Value, ControlError> {
    if body.clock_skew_seconds.is_some_and(|seconds| seconds.unsigned_abs() > MOST_SKEW) {
        return Err(ControlError::Value(format!("invalid `clock_skew_seconds`: use at most {MOST_SKEW}, ten years")));
    }
    if let Some(latency) = body.latency_ms {
        state.set_latency(wait("latency_ms", latency).map_err(ControlError::Value)?);
    }
    if let Some(seconds) = body.clock_skew_seconds {
        state.skew.store(seconds, Ordering::Relaxed);
    }
    Ok(json!({
        "latency_ms": state.latency_ms.load(Ordering::Relaxed),
        "clock_skew_seconds": state.skew.load(Ordering::Relaxed),
    }))
}

pub(super) fn put_endpoint(state: &State, name: &str, body: EndpointBody) -> Result<Value, ControlError> {
    check_endpoint_name(name)?;
    let container: Arc<dyn Container> = match (body.container, body.url) {
        (Some(kind), None) => {
            let pace = wait("token_delay_ms", body.token_delay_ms).map_err(ControlError::Value)?;
            built_in(&kind, pace).map_err(|expected| {
                ControlError::Value(format!("unknown `container` `{kind}`; expected one of {expected}"))
            })?
        }
        (None, Some(_)) if body.token_delay_ms > 0 => {
            return Err(ControlError::Value("`token_delay_ms` is for a `container`".to_owned()));
        }
        (None, Some(url)) => {
            Arc::new(Forward::new(&url).map_err(|error| ControlError::Value(format!("invalid `url`: {error}")))?)
        }
        _ => return Err(ControlError::Value("set either `container` or `url`".to_owned())),
    };
    state.endpoints.insert(name.to_owned(), container);
    Ok(json!({"endpoints": state.endpoints.names()}))
}

pub(super) fn delete_endpoint(state: &State, name: &str) -> Result<Value, ControlError> {
    if !state.endpoints.remove(name) {
        return Err(ControlError::NoEndpoint(name.to_owned()));
    }
    Ok(json!({"endpoints": state.endpoints.names()}))
}

pub(super) fn put_credentials(state: &State, id: &str, body: CredentialsBody) -> Result<Value, ControlError> {
    check_key(id, &body.secret_access_key, body.session_token.as_deref()).map_err(ControlError::Value)?;
    let mut key = Key::user(id, body.secret_access_key, body.session_token);
    if let Some(seconds) = body.expires_in_seconds {
        let end = state.now().checked_add(Duration::from_secs(seconds)).filter(|_| seconds <= MOST_SKEW);
        let too_large =
            || ControlError::Value(format!("invalid `expires_in_seconds`: use at most {MOST_SKEW}, ten years"));
        key.expires = Some(end.ok_or_else(too_large)?);
    }
    state.keys.insert(id, key);
    Ok(json!({}))
}

/// Everything that was asked for since the start, and what was received.
pub(super) fn forget(state: &State, latency: Duration) {
    state.prepared.clear();
    state.skew.store(0, Ordering::Relaxed);
    state.set_latency(latency);
    state.log.clear();
}

fn check_endpoint_name(name: &str) -> Result<(), ControlError> {
    if is_endpoint_name(name) {
        return Ok(());
    }
    let shown: String = name.chars().take(64).collect();
    Err(ControlError::Value(format!(
        "invalid endpoint name `{shown}`: use 1 to 63 letters, digits and hyphens, with a letter or digit at both ends"
    )))
}

/// What waits is kept in memory.
fn check_waiting(waiting: usize, more: usize) -> Result<(), ControlError> {
    if waiting + more > MOST_WAITING {
        return Err(ControlError::Value(format!("{waiting} are waiting already, and at most {MOST_WAITING} may wait")));
    }
    Ok(())
}

fn line(endpoint: Option<String>, operation: Option<String>) -> Result<Line, ControlError> {
    match (endpoint, operation) {
        (Some(endpoint), None) => check_endpoint_name(&endpoint).map(|()| Line::Endpoint(endpoint)),
        (None, Some(name)) => Operation::named(&name).map(Line::Operation).ok_or_else(|| {
            ControlError::Value(format!("unknown `operation` `{name}`: use AWS's name, such as `InvokeEndpoint`"))
        }),
        _ => Err(ControlError::Value("set either `endpoint` or `operation`".to_owned())),
    }
}

fn fault(text: &str) -> Result<Fault, ControlError> {
    text.parse().map_err(|error: crate::FaultNameError| ControlError::Value(error.to_string()))
}

fn scripted(reply: Reply) -> Result<Scripted, String> {
    let kinds = [
        reply.body.is_some(),
        reply.body_base64.is_some(),
        reply.stream.is_some(),
        reply.error.is_some(),
        reply.model_error.is_some(),
        reply.reset,
    ];
    if kinds.into_iter().filter(|given| *given).count() != 1 {
        return Err("set exactly one of `body`, `body_base64`, `stream`, `error`, `model_error` and `reset`".to_owned());
    }
    let (has_body, is_stream) = (reply.body.is_some() || reply.body_base64.is_some(), reply.stream.is_some());
    for (name, is_given, fits, kinds) in [
        ("status", reply.status.is_some(), has_body, "`body` or `body_base64`"),
        ("headers", !reply.headers.is_empty(), has_body || is_stream, "`body`, `body_base64` or `stream`"),
        ("pace_ms", reply.pace_ms > 0, is_stream, "`stream`"),
        ("cut_at", reply.cut_at.is_some(), is_stream, "`stream`"),
        ("end_at", reply.end_at.is_some(), is_stream && reply.cut_at.is_none(), "`stream` without `cut_at`"),
    ] {
        if is_given && !fits {
            return Err(format!("`{name}` is for a reply with {kinds}"));
        }
    }
    let status = reply.status.unwrap_or(200);
    let statuses = [Some(status), reply.error.as_ref().map(|error| error.status)];
    if let Some(status) = statuses.into_iter().flatten().find(|status| !(200..=599).contains(status)) {
        return Err(format!("invalid `status` {status}: use 200 to 599"));
    }
    if let Some(error) = &reply.model_error
        && !is_container_status(error.status)
    {
        return Err(format!("invalid `status` {} of the container: use 0 or 100 to 599", error.status));
    }
    if let Some(error) = &reply.error
        && (error.code.is_empty() || !error.code.bytes().all(|byte| byte.is_ascii_alphanumeric()))
    {
        return Err("invalid `code`: use letters and digits, as in `ThrottlingException`".to_owned());
    }
    let mut scripted = if let Some(body) = reply.body {
        let content_type = if body.is_string() { "text/plain; charset=utf-8" } else { "application/json" };
        Scripted::reply(status, content_type, text(body))
    } else if let Some(body) = reply.body_base64 {
        Scripted::reply(status, "application/octet-stream", decoded(&body)?)
    } else if let Some(events) = reply.stream {
        Scripted::events(events.into_iter().map(event).collect::<Result<Vec<_>, _>>()?)
    } else if let Some(error) = reply.error {
        Scripted::error(AwsError::modelled(error.code, error.status, error.message))
    } else if let Some(error) = reply.model_error {
        Scripted::error(AwsError::model_error(error.status, error.message))
    } else {
        Scripted::reset()
    };
    for (name, value) in &reply.headers {
        let is_header = HeaderName::try_from(name).is_ok() && HeaderValue::from_str(value).is_ok();
        if !is_header || FRAMING.iter().any(|framing| name.eq_ignore_ascii_case(framing)) {
            return Err(format!("`{name}` cannot be a header of the answer: it is invalid, or decided by HTTP"));
        }
        scripted = scripted.header(name, value);
    }
    if let Some(bytes) = reply.cut_at {
        scripted = scripted.cut_at(bytes);
    }
    if let Some(bytes) = reply.end_at {
        scripted = scripted.ended_at(bytes);
    }
    Ok(scripted.paced(wait("pace_ms", reply.pace_ms)?).after(wait("delay_ms", reply.delay_ms)?))
}

fn event(event: Event) -> Result<StreamEvent, String> {
    Ok(match event {
        Event::Part(part) => StreamEvent::Part(part.into()),
        Event::PartBase64(part) => StreamEvent::Part(decoded(&part)?),
        Event::Sse(value) => StreamEvent::Part(format!("data: {}\n\n", text(value)).into()),
        Event::RawBase64(bytes) => StreamEvent::Raw(decoded(&bytes)?),
        Event::WaitMs(time) => StreamEvent::Wait(wait("wait_ms", time)?),
        Event::ModelStreamError(error) => {
            StreamEvent::Frame(Frame::exception("ModelStreamError", Some(&error.error_code), &error.message))
        }
        Event::InternalStreamFailure(message) => {
            StreamEvent::Frame(Frame::exception("InternalStreamFailure", None, &message))
        }
        Event::BreakOff => StreamEvent::BreakOff,
        Event::Reset => StreamEvent::Reset,
    })
}

fn wait(name: &str, milliseconds: u64) -> Result<Duration, String> {
    let (wait, longest) = (Duration::from_millis(milliseconds), LONGEST_WAIT.as_millis());
    if wait > LONGEST_WAIT { Err(format!("`{name}` is too long: use at most {longest}")) } else { Ok(wait) }
}

/// A text as it is, anything else as JSON.
fn text(value: Value) -> String {
    match value {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

fn decoded(text: &str) -> Result<Bytes, String> {
    STANDARD.decode(text).map(Bytes::from).map_err(|error| format!("invalid base64: {error}"))
}
