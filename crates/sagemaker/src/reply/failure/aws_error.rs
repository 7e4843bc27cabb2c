//! AWS's own form of an error: JSON as the API models it, the envelope of the OpenAI-compatible route,
//! or XML.
//!
//! <https://docs.aws.amazon.com/sagemaker/latest/APIReference/CommonErrors.html>

use http::HeaderMap;
use sagewire_types::json;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::{reply::meta, request::door::ErrorForm};

/// AWS's modelled error body, and the front door's, which writes its keys in lower case. A field of
/// another type than AWS documents costs no other field.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct AwsError {
    #[serde(rename = "Message", deserialize_with = "as_text")]
    pub(super) message: Option<String>,
    #[serde(rename = "message", deserialize_with = "as_text")]
    pub(super) front_door_message: Option<String>,
    #[serde(rename = "__type", deserialize_with = "as_text")]
    kind: Option<String>,
    code: Option<Value>,
    #[serde(rename = "OriginalStatusCode", deserialize_with = "as_status")]
    pub(super) original_status: Option<u16>,
    #[serde(rename = "OriginalMessage", deserialize_with = "as_text")]
    pub(super) original_message: Option<String>,
    #[serde(rename = "LogStreamArn", deserialize_with = "as_text")]
    pub(super) log_stream_arn: Option<String>,
}

impl AwsError {
    /// What a body says; nothing of a body in no known form.
    pub(super) fn read(body: &[u8], form: ErrorForm) -> Self {
        let enveloped = match form {
            ErrorForm::OpenAi => Self::from_openai(body),
            ErrorForm::Aws => None,
        };
        enveloped.unwrap_or_else(|| json::from_reply(body).unwrap_or_else(|_| Self::from_xml(body)))
    }

    /// AWS's name of the error: from the header, `Name:url`, or the body, `namespace#Name`.
    pub(super) fn name(&self, headers: &HeaderMap) -> Option<String> {
        let name = meta::text(headers, "x-amzn-errortype")
            .or_else(|| self.kind.clone())
            .or_else(|| self.code.as_ref().and_then(|code| code.as_str()).map(str::to_owned))?;
        let name = name.split(':').next().unwrap_or_default();
        let name = name.rsplit('#').next().unwrap_or_default().trim();
        (!name.is_empty()).then(|| meta::name(name))
    }

    /// The envelope of AWS's OpenAI-compatible route. Its two codes are the runtime's errors.
    fn from_openai(body: &[u8]) -> Option<Self> {
        let value: Value = json::from_reply(body).ok()?;
        let error = value.get("error")?.as_object()?;
        let text = |name: &str| error.get(name).and_then(Value::as_str).map(str::to_owned);
        let code = match text("code").or_else(|| text("type")).as_deref() {
            Some("validation_error") => "ValidationError".to_owned(),
            Some("model_error") => "ModelError".to_owned(),
            Some(code) if code.contains("throttl") || code == "rate_limit_exceeded" => "ThrottlingException".to_owned(),
            Some(other) => other.to_owned(),
            None => return None,
        };
        Some(Self { message: text("message"), code: Some(code.into()), ..Self::default() })
    }

    /// One front door answers in XML.
    fn from_xml(body: &[u8]) -> Self {
        let text = String::from_utf8_lossy(body);
        let element = |name: &str| {
            let (_, rest) = text.split_once(&format!("<{name}>"))?;
            Some(rest.split_once("</")?.0.trim().to_owned())
        };
        Self { message: element("Message"), code: element("Code").map(Into::into), ..Self::default() }
    }
}

/// A text, or the JSON of anything else.
fn as_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::Null => None,
        Value::String(text) => Some(text),
        other => Some(other.to_string()),
    })
}

/// An HTTP status, as a number or as text; nothing for what is none.
fn as_status<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u16>, D::Error> {
    let status = match Value::deserialize(deserializer)? {
        Value::String(text) => text.trim().parse().ok(),
        Value::Number(number) => number.as_u64().and_then(|number| u16::try_from(number).ok()),
        _ => None,
    };
    Ok(status.filter(|status| (100..1000).contains(status)))
}
