//! SageMaker's request headers as typed options.
//!
//! Owns their names, limits and which operation takes which; all that are set are signed.
//!
//! <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html#API_runtime_InvokeEndpoint_RequestSyntax>

use std::fmt;

use http::{HeaderMap, HeaderName, HeaderValue};
use sagewire_types::Error;

use crate::request::{Operation, door::Door};

/// Which model, variant, container and session of an endpoint a call is for.
///
/// Each field is one header; a field that is `None` sends none.
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct InvocationHeaders {
    /// `X-Amzn-SageMaker-Inference-Component`: the model, where the endpoint hosts several as
    /// inference components (LiteLLM's `model_id`).
    pub inference_component: Option<String>,
    /// `X-Amzn-SageMaker-Target-Model`: the model, where the endpoint is a multi-model one. Not on
    /// streams.
    pub target_model: Option<String>,
    /// `X-Amzn-SageMaker-Target-Variant`: the production variant.
    pub target_variant: Option<String>,
    /// `X-Amzn-SageMaker-Target-Container-Hostname`: the container, where the endpoint hosts
    /// several.
    pub target_container_hostname: Option<String>,
    /// `X-Amzn-SageMaker-Session-Id`: the stateful session; `NEW_SESSION` opens one, not on
    /// streams.
    pub session_id: Option<String>,
    /// `X-Amzn-SageMaker-Inference-Id`: an id for captured data.
    pub inference_id: Option<String>,
    /// `X-Amzn-SageMaker-Custom-Attributes`: text that the container sees, such as
    /// `accept_eula=true`.
    pub custom_attributes: Option<String>,
    /// `X-Amzn-SageMaker-Enable-Explanations`: a JMESPath expression. Not on streams.
    pub enable_explanations: Option<String>,
    /// `X-Amzn-SageMaker-Prefix-Aware-Id`: routes calls with the same prompt prefix to the same
    /// instance.
    pub prefix_aware_id: Option<String>,
    /// `X-Amzn-SageMaker-Customer-Identity-Token`: a JWT that says on whose behalf a global inference
    /// gateway is called. Nowhere else.
    pub customer_identity_token: Option<String>,
}

/// A header: its name, its field, its parameter's name for errors, its longest value, and whether
/// streams take it.
struct Rule {
    name: &'static str,
    parameter: &'static str,
    longest: usize,
    on_streams: bool,
    pattern: Pattern,
}

/// What an asynchronous inference takes.
pub(crate) const ON_ASYNC: [&str; 2] = ["inference_id", "custom_attributes"];

/// The header of [`CUSTOMER_IDENTITY_TOKEN`].
pub(crate) const IDENTITY_TOKEN_HEADER: &str = "x-amzn-sagemaker-customer-identity-token";

/// The parameter that only a gateway takes.
pub(crate) const CUSTOMER_IDENTITY_TOKEN: &str = "customer_identity_token";

#[derive(Clone, Copy, PartialEq, Eq)]
enum Pattern {
    /// Printable ASCII.
    Printable,
    /// Printable ASCII that does not begin with a blank.
    Text,
    /// A resource's name: letters, digits and inner hyphens.
    Name,
    /// A name, or the word that opens a session.
    Session,
}

/// Opens a session in place of a session's id.
const NEW_SESSION: &str = "NEW_SESSION";

impl fmt::Debug for InvocationHeaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InvocationHeaders")
            .field("inference_component", &self.inference_component)
            .field("target_model", &self.target_model)
            .field("target_variant", &self.target_variant)
            .field("target_container_hostname", &self.target_container_hostname)
            .field("session_id", &self.session_id)
            .field("inference_id", &self.inference_id)
            // AWS's service model marks them as sensitive.
            .field("custom_attributes", &self.custom_attributes.as_ref().map(|_| "[redacted]"))
            .field("enable_explanations", &self.enable_explanations)
            .field("prefix_aware_id", &self.prefix_aware_id)
            .field(CUSTOMER_IDENTITY_TOKEN, &self.customer_identity_token.as_ref().map(|_| "[redacted]"))
            .finish()
    }
}

impl InvocationHeaders {
    /// These headers where they are set, else the other's.
    #[must_use]
    pub fn or(&self, other: &Self) -> Self {
        let or = |own: &Option<String>, other: &Option<String>| own.as_ref().or(other.as_ref()).cloned();
        Self {
            inference_component: or(&self.inference_component, &other.inference_component),
            target_model: or(&self.target_model, &other.target_model),
            target_variant: or(&self.target_variant, &other.target_variant),
            target_container_hostname: or(&self.target_container_hostname, &other.target_container_hostname),
            session_id: or(&self.session_id, &other.session_id),
            inference_id: or(&self.inference_id, &other.inference_id),
            custom_attributes: or(&self.custom_attributes, &other.custom_attributes),
            enable_explanations: or(&self.enable_explanations, &other.enable_explanations),
            prefix_aware_id: or(&self.prefix_aware_id, &other.prefix_aware_id),
            customer_identity_token: or(&self.customer_identity_token, &other.customer_identity_token),
        }
    }

    /// Writes the headers that are set.
    ///
    /// # Errors
    /// `InvalidRequest`, naming the parameter, for a value that AWS would refuse.
    pub(crate) fn write(&self, door: &Door, operation: Operation, headers: &mut HeaderMap) -> Result<(), Error> {
        for (value, rule) in self.rules() {
            let Some(value) = value else { continue };
            if operation == Operation::Stream && !rule.on_streams {
                return Err(Error::invalid(
                    rule.parameter,
                    format!(
                        "`{}` cannot be sent with a stream: SageMaker takes it on whole replies only",
                        rule.parameter
                    ),
                ));
            }
            if rule.parameter == "model_id" && door.component_in_path {
                continue;
            }
            if !(door.takes)(rule.parameter, operation) {
                let there = match operation {
                    Operation::Async => "with an asynchronous inference".to_owned(),
                    _ => format!("through `{}/`", door.prefix),
                };
                let message = format!("`{}` cannot be sent {there}: SageMaker does not take it there", rule.parameter);
                return Err(Error::invalid(rule.parameter, message));
            }
            headers.insert(
                HeaderName::from_static(rule.name),
                checked(value, rule.parameter, rule.longest, rule.pattern)?,
            );
        }
        if operation == Operation::Stream && self.session_id.as_deref() == Some(NEW_SESSION) {
            return Err(Error::invalid(
                "session_id",
                "a session cannot be opened by a stream: open it with a whole reply, then send its id",
            ));
        }
        Ok(())
    }

    fn rules(&self) -> [(Option<&str>, Rule); 10] {
        let rule =
            |name, parameter, longest, on_streams, pattern| Rule { name, parameter, longest, on_streams, pattern };
        use Pattern::{Name, Printable, Session, Text};
        [
            (
                self.inference_component.as_deref(),
                rule("x-amzn-sagemaker-inference-component", "model_id", 63, true, Name),
            ),
            (self.target_model.as_deref(), rule("x-amzn-sagemaker-target-model", "target_model", 1024, false, Text)),
            (self.target_variant.as_deref(), rule("x-amzn-sagemaker-target-variant", "target_variant", 63, true, Name)),
            (
                self.target_container_hostname.as_deref(),
                rule("x-amzn-sagemaker-target-container-hostname", "target_container_hostname", 63, true, Name),
            ),
            (self.session_id.as_deref(), rule("x-amzn-sagemaker-session-id", "session_id", 256, true, Session)),
            (self.inference_id.as_deref(), rule("x-amzn-sagemaker-inference-id", "inference_id", 64, true, Text)),
            (
                self.custom_attributes.as_deref(),
                rule("x-amzn-sagemaker-custom-attributes", "custom_attributes", 1024, true, Printable),
            ),
            (
                self.enable_explanations.as_deref(),
                rule("x-amzn-sagemaker-enable-explanations", "enable_explanations", 64, false, Text),
            ),
            (
                self.prefix_aware_id.as_deref(),
                rule("x-amzn-sagemaker-prefix-aware-id", "prefix_aware_id", 64, true, Text),
            ),
            (
                self.customer_identity_token.as_deref(),
                rule(IDENTITY_TOKEN_HEADER, CUSTOMER_IDENTITY_TOKEN, 16_384, true, Text),
            ),
        ]
    }
}

fn checked(value: &str, parameter: &str, longest: usize, pattern: Pattern) -> Result<HeaderValue, Error> {
    let fits = match pattern {
        Pattern::Printable => value.bytes().all(|byte| matches!(byte, b' '..=b'~')),
        Pattern::Text => value.bytes().all(|byte| matches!(byte, b' '..=b'~')) && !value.starts_with(' '),
        Pattern::Name => is_resource_name(value),
        Pattern::Session => value == NEW_SESSION || is_resource_name(value),
    };
    if value.is_empty() || value.len() > longest || !fits {
        let what = match pattern {
            Pattern::Printable => "printable ASCII characters",
            Pattern::Text => "printable ASCII characters, the first of them no blank",
            Pattern::Name => "letters, digits and hyphens between them",
            Pattern::Session => "letters, digits and hyphens between them, or `NEW_SESSION`",
        };
        return Err(Error::invalid(parameter, format!("`{parameter}` must be 1 to {longest} {what}")));
    }
    HeaderValue::from_str(value)
        .map_err(|error| Error::invalid(parameter, format!("`{parameter}`: invalid header value")).with_source(error))
}

/// AWS's pattern for names: `^[a-zA-Z0-9](-*[a-zA-Z0-9])*$`.
pub(crate) fn is_resource_name(name: &str) -> bool {
    !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !name.starts_with('-')
        && !name.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(change: impl FnOnce(&mut InvocationHeaders)) -> InvocationHeaders {
        let mut headers = InvocationHeaders::default();
        change(&mut headers);
        headers
    }

    #[test]
    fn set_headers_are_written_under_awss_names() {
        let headers = with(|headers| {
            headers.inference_component = Some("llama-8b".to_owned());
            headers.custom_attributes = Some("accept_eula=true".to_owned());
            headers.session_id = Some("NEW_SESSION".to_owned());
        });
        let mut written = HeaderMap::new();
        headers.write(Door::of(&"sagemaker/e".parse().unwrap()), Operation::Invoke, &mut written).unwrap();
        assert_eq!(written.len(), 3);
        assert_eq!(written["x-amzn-sagemaker-inference-component"], "llama-8b");
        assert_eq!(written["x-amzn-sagemaker-custom-attributes"], "accept_eula=true");
        assert_eq!(written["x-amzn-sagemaker-session-id"], "NEW_SESSION");
    }

    #[test]
    fn what_aws_would_refuse_is_refused_by_name() {
        let cases: [(&str, InvocationHeaders, Operation); 8] = [
            ("target_model", with(|h| h.target_model = Some(" m".to_owned())), Operation::Invoke),
            ("session_id", with(|h| h.session_id = Some("my session".to_owned())), Operation::Invoke),
            ("model_id", with(|h| h.inference_component = Some("a_b".to_owned())), Operation::Invoke),
            ("model_id", with(|h| h.inference_component = Some("a".repeat(64))), Operation::Invoke),
            ("custom_attributes", with(|h| h.custom_attributes = Some("a\r\nx-evil: 1".to_owned())), Operation::Invoke),
            ("inference_id", with(|h| h.inference_id = Some(String::new())), Operation::Invoke),
            ("target_model", with(|h| h.target_model = Some("m.tar.gz".to_owned())), Operation::Stream),
            ("session_id", with(|h| h.session_id = Some("NEW_SESSION".to_owned())), Operation::Stream),
        ];
        for (parameter, headers, operation) in cases {
            let door = Door::of(&"sagemaker/e".parse().unwrap());
            let error = headers.write(door, operation, &mut HeaderMap::new()).unwrap_err();
            assert_eq!(error.param(), Some(parameter), "{error}");
        }
    }

    #[test]
    fn each_door_takes_its_own_headers_alone() {
        let all = with(|headers| {
            headers.custom_attributes = Some("a=b".to_owned());
            headers.inference_id = Some("i".to_owned());
            headers.prefix_aware_id = Some("p".to_owned());
        });
        let token = with(|headers| headers.customer_identity_token = Some("jwt-canary".to_owned()));
        let component = with(|headers| headers.inference_component = Some("c".to_owned()));
        for (model, headers, refused) in [
            ("sagemaker_router/r/t", &all, None),
            ("sagemaker_openai/e", &all, None),
            ("sagemaker_openai/e", &component, None),
            ("sagemaker_router/r/t", &component, Some("model_id")),
            ("sagemaker_gateway/g/m", &token, None),
            ("sagemaker_gateway/g/m", &all, Some("inference_id")),
            ("sagemaker/e", &token, Some("customer_identity_token")),
        ] {
            let written = headers.write(Door::of(&model.parse().unwrap()), Operation::Invoke, &mut HeaderMap::new());
            assert_eq!(written.err().and_then(|error| error.param().map(str::to_owned)).as_deref(), refused, "{model}");
        }
        assert!(!format!("{token:?}").contains("jwt-canary"));
    }
}
