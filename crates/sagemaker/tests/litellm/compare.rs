//! Where two outcomes differ.

use sagewire_types::{Error, ErrorKind};
use serde_json::Value;

use crate::{case::Case, replay::Ours};

/// What of a case differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    Url,
    Body,
    Outcome,
}

#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) what: What,
    pub(crate) text: String,
}

pub(crate) fn compare(case: &Case, ours: &Ours) -> Vec<Found> {
    let mut found = Vec::new();
    let theirs = case.sent();
    match (theirs, &ours.sent) {
        (Some(theirs), Some((url, body))) => {
            if theirs.url != *url {
                found.push(Found { what: What::Url, text: format!("theirs {}\n  ours {url}", theirs.url) });
            }
            let theirs = without_settings(normal(theirs.json.as_ref().unwrap_or(&Value::Null)));
            let (theirs, ours) = (if case.is_whole_text() { with_details(theirs) } else { theirs }, normal(body));
            if theirs != ours {
                found.push(Found { what: What::Body, text: format!("theirs {theirs}\n  ours {ours}") });
            }
        }
        (None, None) => {}
        (theirs, ours) => found.push(Found {
            what: What::Body,
            text: format!(
                "theirs was {}sent, ours {}",
                if theirs.is_none() { "not " } else { "" },
                ours.as_ref().map_or("not sent".to_owned(), |(_, body)| body.to_string())
            ),
        }),
    }
    let (theirs, ours) = (theirs_outcome(case), our_outcome(case, &ours.outcome));
    if theirs != ours {
        found.push(Found { what: What::Outcome, text: format!("theirs {theirs}\n  ours {ours}") });
    }
    found
}

/// Numbers by value: 1 and 1.0 are the same.
fn normal(value: &Value) -> Value {
    match value {
        Value::Number(number) => serde_json::json!(number.as_f64()),
        Value::Array(items) => items.iter().map(normal).collect(),
        Value::Object(object) => {
            // `null` and absent mean the same in a message.
            let mut entries: Vec<_> = object
                .iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(key, value)| (key.clone(), normal(value)))
                .collect();
            entries.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Object(entries.into_iter().collect())
        }
        other => other.clone(),
    }
}

/// LiteLLM's body without the settings that it leaks into it, which ours never does: one difference
/// for all cases.
fn without_settings(mut body: Value) -> Value {
    const LEAKED: [&str; 4] = ["initial_prompt_value", "model_id", "sagemaker_base_url", "aws_"];
    let is_setting =
        |name: &str| LEAKED.iter().any(|leaked| name == *leaked || (leaked.ends_with('_') && name.starts_with(leaked)));
    if let Some(object) = body.as_object_mut() {
        object.retain(|name, _| !is_setting(name));
        if let Some(parameters) = object.get_mut("parameters").and_then(Value::as_object_mut) {
            parameters.retain(|name, _| !is_setting(name));
        }
    }
    body
}

/// LiteLLM's body with the details asked for, as ours does for every whole answer of a text
/// container: one difference for all cases. Without them the container says neither why its answer
/// ended nor how long it is. LiteLLM makes both up: `stop`, and its own count.
fn with_details(mut body: Value) -> Value {
    if let Some(parameters) = body.get_mut("parameters").and_then(Value::as_object_mut) {
        parameters.entry("details").or_insert(Value::Bool(true));
    }
    body
}

fn theirs_outcome(case: &Case) -> String {
    if let Some(exception) = &case.exception {
        return match &case.stream_chunks {
            Some(_) => "a stream that broke".to_owned(),
            None => format!("error {}", exception.class),
        };
    }
    if let Some(chunks) = &case.stream_chunks {
        let reason =
            chunks.iter().rev().find_map(|chunk| chunk.pointer("/choices/0/finish_reason").and_then(Value::as_str));
        return format!(
            "text {:?} finish {:?}",
            case.stream_text.as_deref().unwrap_or_default(),
            reason.unwrap_or_default()
        );
    }
    summary(case.result.as_ref().unwrap(), case.is_embedding())
}

fn our_outcome(case: &Case, outcome: &Result<Value, Error>) -> String {
    match outcome {
        Err(error) => format!("error {}", class(error.kind())),
        Ok(value) if value.get("broken").is_some() => "a stream that broke".to_owned(),
        Ok(value) if case.is_stream() => format!(
            "text {:?} finish {:?}",
            value.pointer("/choices/0/message/content").and_then(Value::as_str).unwrap_or_default(),
            value.pointer("/choices/0/finish_reason").and_then(Value::as_str).unwrap_or_default(),
        ),
        Ok(value) => summary(value, case.is_embedding()),
    }
}

fn summary(result: &Value, is_embedding: bool) -> String {
    if is_embedding {
        let vectors: Vec<_> =
            result["data"].as_array().unwrap().iter().map(|item| normal(&item["embedding"])).collect();
        return format!("vectors {}", Value::Array(vectors));
    }
    let choices: Vec<_> = result["choices"]
        .as_array()
        .unwrap()
        .iter()
        .map(|choice| {
            let message = &choice["message"];
            let calls: Vec<_> = message["tool_calls"]
                .as_array()
                .into_iter()
                .flatten()
                .map(|call| normal(&call["function"]).to_string())
                .collect();
            format!(
                "{:?} thoughts {:?} calls {calls:?} finish {}",
                message["content"].as_str().unwrap_or_default(),
                message["reasoning_content"].as_str().unwrap_or_default(),
                choice["finish_reason"]
            )
        })
        .collect();
    choices.join(" | ")
}

/// LiteLLM's class for what our kind means.
fn class(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::InvalidRequest | ErrorKind::Configuration => "BadRequestError",
        ErrorKind::Unsupported => "UnsupportedParamsError",
        ErrorKind::ContextTooLong => "ContextWindowExceededError",
        ErrorKind::Authentication => "AuthenticationError",
        ErrorKind::Permission => "PermissionDeniedError",
        ErrorKind::NotFound => "NotFoundError",
        ErrorKind::Throttled | ErrorKind::ModelNotReady | ErrorKind::Overloaded => "RateLimitError",
        ErrorKind::ServiceFailed => "ServiceUnavailableError",
        ErrorKind::ModelFailed => "BadRequestError",
        ErrorKind::Timeout => "Timeout",
        ErrorKind::Connection => "APIConnectionError",
        _ => "APIError",
    }
}
