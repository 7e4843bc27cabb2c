//! What an error puts on the wire, in the manner of the service that answers it.
//!
//! Owns the seven forms: OpenAI's (the compatible route of an endpoint), REST JSON (SageMaker Runtime, SSO's portal), JSON 1.1 (SageMaker's control
//! plane), the query protocol's XML (STS), OAuth's JSON (SSO OIDC), the container endpoint's JSON,
//! and the instance metadata service's page.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header::CONTENT_TYPE};
use serde_json::{Map, Value, json};

use super::{ACCOUNT_ID, AwsError, Shape};
use crate::xml::{STS_NAMESPACE, element};

const CORAL: &str = "http://internal.amazon.com/coral/com.amazon.coral.service/";

/// How a service writes its errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    RestJson,
    OpenAi,
    Json11,
    Query,
    OAuth,
    ContainerCredentials,
    InstanceMetadata,
}

/// Who answers, and for what.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    pub(crate) protocol: Protocol,
    pub(crate) request_id: &'a str,
    pub(crate) region: &'a str,
    pub(crate) endpoint: &'a str,
    /// `primary`, or an inference component's generated name.
    pub(crate) container: &'a str,
}

impl AwsError {
    /// What goes on the wire at `place`.
    pub(crate) fn wire(&self, place: &Place<'_>) -> (StatusCode, HeaderMap, Bytes) {
        let mut headers = HeaderMap::new();
        let (content_type, body) = match place.protocol {
            Protocol::Query => ("text/xml", self.xml(place)),
            Protocol::InstanceMetadata => ("text/html", self.page()),
            Protocol::ContainerCredentials => {
                ("application/json", json!({"code": self.code(), "message": self.message()}).to_string())
            }
            Protocol::OAuth => {
                self.insert_error_type(&mut headers);
                let description = json!({"error": self.oauth_code(), "error_description": self.message()});
                ("application/json", description.to_string())
            }
            Protocol::Json11 => {
                let error = json!({"__type": self.code(), "message": self.message()});
                ("application/x-amz-json-1.1", error.to_string())
            }
            Protocol::OpenAi => ("application/json", self.openai(place).to_string()),
            Protocol::RestJson => {
                self.insert_error_type(&mut headers);
                if matches!(self.0.shape, Shape::UnknownOperation) {
                    ("application/xml", format!("<{}/>\n", self.0.code))
                } else {
                    ("application/json", self.json(place).to_string())
                }
            }
        };
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        if let Some(milliseconds) = self.0.retry_after_ms {
            headers.insert(HeaderName::from_static("x-amz-retry-after"), HeaderValue::from(milliseconds));
        }
        (StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), headers, Bytes::from(body))
    }

    /// OpenAI's envelope, with AWS's own codes in it.
    fn openai(&self, place: &Place<'_>) -> Value {
        let message = self.json(place);
        let message = message.get("Message").or_else(|| message.get("message")).cloned().unwrap_or_default();
        let (kind, code) = match self.code() {
            "ModelError" => ("server_error", "model_error".to_owned()),
            "ValidationError" => ("invalid_request_error", "validation_error".to_owned()),
            _ if self.0.status < 500 => ("invalid_request_error", self.oauth_code()),
            _ => ("server_error", self.oauth_code()),
        };
        json!({"error": {"message": message, "type": kind, "code": code}})
    }

    fn insert_error_type(&self, headers: &mut HeaderMap) {
        let error_type = match &self.0.shape {
            Shape::Modelled | Shape::Model { .. } => self.0.code.clone(),
            Shape::FrontDoor | Shape::UnknownOperation => format!("{}:{CORAL}", self.0.code),
            Shape::Uncoded => return,
        };
        if let Ok(value) = HeaderValue::from_str(&error_type) {
            headers.insert(HeaderName::from_static("x-amzn-errortype"), value);
        }
    }

    fn json(&self, place: &Place<'_>) -> Value {
        let text = self.0.message.clone().unwrap_or_default();
        let Shape::Model { original_status, original_message, log_stream_arn } = &self.0.shape else {
            let key = if matches!(self.0.shape, Shape::Modelled) { "Message" } else { "message" };
            return Value::Object(Map::from_iter([(key.to_owned(), Value::String(text))]));
        };
        let side = if (400..500).contains(original_status) { "client" } else { "server" };
        let error_code = if side == "client" { "CLIENT_ERROR_FROM_MODEL" } else { "INTERNAL_FAILURE_FROM_MODEL" };
        let Place { region, endpoint, container, .. } = place;
        let log_group = format!("/aws/sagemaker/Endpoints/{endpoint}");
        json!({
            "ErrorCode": error_code,
            "LogStreamArn": log_stream_arn.clone().unwrap_or_else(|| format!("arn:aws:logs:{region}:{ACCOUNT_ID}:log-group:{log_group}")),
            "Message": self.0.message.clone().unwrap_or_else(|| format!(
                "Received {side} error ({original_status}) from {container} with message \"{original_message}\". See \
                 https://{region}.console.aws.amazon.com/cloudwatch/home?region={region}#logEventViewer:group={log_group} in account \
                 {ACCOUNT_ID} for more information."
            )),
            "OriginalMessage": original_message,
            "OriginalStatusCode": original_status,
        })
    }

    fn xml(&self, place: &Place<'_>) -> String {
        let side = if self.0.status < 500 { "Sender" } else { "Receiver" };
        let message = self.message().unwrap_or_default();
        let error = [element("Type", side), element("Code", self.query_code()), element("Message", message)].concat();
        let request_id = element("RequestId", place.request_id);
        format!("<ErrorResponse xmlns=\"{STS_NAMESPACE}\"><Error>{error}</Error>{request_id}</ErrorResponse>\n")
    }

    /// In the query protocol, the front door's errors have names of their own.
    fn query_code(&self) -> &str {
        match self.code() {
            "InvalidSignatureException" => "SignatureDoesNotMatch",
            "UnrecognizedClientException" => "InvalidClientTokenId",
            // The one that STS models itself has this name too, and status 400.
            "ExpiredTokenException" if self.0.status == 403 => "ExpiredToken",
            "MissingAuthenticationTokenException" => "MissingAuthenticationToken",
            "IncompleteSignatureException" => "IncompleteSignature",
            "AccessDeniedException" => "AccessDenied",
            "ThrottlingException" => "Throttling",
            code => code,
        }
    }

    /// `invalid_grant` of `InvalidGrantException`.
    fn oauth_code(&self) -> String {
        let mut name = String::new();
        for character in self.code().trim_end_matches("Exception").chars() {
            if character.is_ascii_uppercase() && !name.is_empty() {
                name.push('_');
            }
            name.push(character.to_ascii_lowercase());
        }
        name
    }

    fn page(&self) -> String {
        let (status, code) = (self.0.status, self.code());
        format!(
            "<?xml version=\"1.0\" encoding=\"iso-8859-1\"?>\n<html xmlns=\"http://www.w3.org/1999/xhtml\"><head><title>{status} - \
             {code}</title></head><body><h1>{status} - {code}</h1></body></html>\n"
        )
    }
}
