//! The log of requests as the control port tells it.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Map, Value, json};

use crate::{
    clock::iso8601,
    received::{Received, is_secret_header},
    state::State,
};

/// The requests so far, oldest first; those of one endpoint, if it is named.
pub(super) fn requests(state: &State, endpoint: Option<&str>) -> Value {
    let entries = state.log.entries();
    let shown = entries.iter().filter(|entry| endpoint.is_none_or(|name| entry.endpoint.as_deref() == Some(name)));
    json!({"requests": shown.map(request).collect::<Vec<_>>()})
}

fn request(entry: &Received) -> Value {
    let mut headers = Map::new();
    for (name, value) in &entry.headers {
        let value =
            if is_secret_header(name) { "(redacted)".into() } else { String::from_utf8_lossy(value.as_bytes()) };
        headers.insert(name.as_str().to_owned(), value.into());
    }
    let (key, body) = match str::from_utf8(&entry.body) {
        Ok(text) => ("body", text.to_owned()),
        Err(_) => ("body_base64", STANDARD.encode(&entry.body)),
    };
    json!({
        "at": iso8601(entry.at),
        "request_id": entry.request_id,
        "method": entry.method,
        "path": entry.path,
        "headers": headers,
        key: body,
        "operation": entry.operation.as_str(),
        "endpoint": entry.endpoint,
        "accepted": entry.accepted,
        "refused": entry.refused.as_ref().map(crate::AwsError::code),
        "access_key_id": entry.access_key_id,
        "region": entry.region,
        "fault": entry.fault.as_ref().map(ToString::to_string),
    })
}
