//! Seeing the raw request: what is sent and received, as a curl command that can be replayed.
//!
//! Owns the text of these records and what is left out of it. They go to the tracing target
//! `sagewire::wire`: at `INFO` where the setting `verbose` asks for them (LiteLLM's `set_verbose`),
//! else at `TRACE`. Prompts and answers stand in them; credentials never do.

use std::fmt::Write as _;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, StatusCode};

use crate::{
    reply::secrets::{CUSTOM_ATTRIBUTES, REDACTED, Secrets, is_harmless_attribute, is_known},
    request::{
        UnsignedRequest,
        door::{Authentication, Door},
    },
};

/// Where to write one call's records, if anyone reads them. What comes back is written without the
/// secrets of its attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wire {
    Off,
    Trace,
    Verbose,
}

impl Wire {
    pub(crate) fn new(verbose: bool) -> Self {
        if verbose && tracing::enabled!(target: "sagewire::wire", tracing::Level::INFO) {
            Self::Verbose
        } else if tracing::enabled!(target: "sagewire::wire", tracing::Level::TRACE) {
            Self::Trace
        } else {
            Self::Off
        }
    }

    /// The request of one try.
    pub(crate) fn request(self, request: &UnsignedRequest, door: &Door, region: &str, has_session_token: bool) {
        self.write(|| curl(request, door, region, has_session_token));
    }

    /// Status and headers of its reply.
    pub(crate) fn reply(self, status: StatusCode, headers: &HeaderMap, secrets: &Secrets) {
        self.write(|| {
            let mut text = format!("< {status}");
            for (name, value) in headers {
                let _ = write!(text, "\n< {name}: {}", shown(name, value.as_bytes()));
            }
            secrets.hide(&text).unwrap_or(text)
        });
    }

    /// A whole body, or the next payload of a streamed one.
    pub(crate) fn body(self, body: &Bytes, secrets: &Secrets) {
        self.write(|| {
            let text = String::from_utf8_lossy(body);
            secrets.hide(&text).unwrap_or_else(|| text.into_owned())
        });
    }

    fn write(self, text: impl FnOnce() -> String) {
        match self {
            Self::Off => {}
            Self::Trace => tracing::trace!(target: "sagewire::wire", "{}", text()),
            Self::Verbose => tracing::info!(target: "sagewire::wire", "{}", text()),
        }
    }
}

/// The request as a command: curl signs it anew with the keys of the shell that runs it.
fn curl(request: &UnsignedRequest, door: &Door, region: &str, has_session_token: bool) -> String {
    let mut text = format!("curl -X {} {}", request.method, quoted(&request.uri.to_string()));
    match door.authentication {
        Authentication::Bearer => {
            let _ = write!(text, " -H \"authorization: Bearer $(sagewire token --region {region})\"");
        }
        Authentication::Signature => {
            let scope = quoted(&format!("aws:amz:{region}:sagemaker"));
            let _ = write!(text, " --aws-sigv4 {scope} --user \"$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY\"");
            if has_session_token {
                text.push_str(" -H \"x-amz-security-token: $AWS_SESSION_TOKEN\"");
            }
        }
    }
    for (name, value) in &request.headers {
        let _ = write!(text, " -H {}", quoted(&format!("{name}: {}", shown(name, value.as_bytes()))));
    }
    let _ = write!(text, " --data-raw {}", quoted(&String::from_utf8_lossy(&request.body)));
    text
}

/// A header's value, unless it may be a secret.
fn shown(name: &HeaderName, value: &[u8]) -> String {
    let text = String::from_utf8_lossy(value);
    if *name == CUSTOM_ATTRIBUTES {
        let shown =
            text.split(',').map(|attribute| if is_harmless_attribute(attribute) { attribute } else { REDACTED });
        return shown.collect::<Vec<_>>().join(",");
    }
    if is_known(name) { text.into_owned() } else { REDACTED.to_owned() }
}

/// Quoted for a POSIX shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use http::{HeaderValue, Method};

    use super::*;

    #[test]
    fn the_command_can_be_replayed_and_shows_no_secret() {
        let request = UnsignedRequest {
            method: Method::POST,
            uri: "https://runtime.sagemaker.us-east-1.amazonaws.com/endpoints/e/invocations".parse().unwrap(),
            headers: HeaderMap::from_iter([
                (http::header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
                (HeaderName::from_static("x-amzn-sagemaker-inference-component"), HeaderValue::from_static("c")),
                (http::header::COOKIE, HeaderValue::from_static("the-canary")),
            ]),
            body: Bytes::from_static(br#"{"inputs":"it's"}"#),
        };
        assert_eq!(
            curl(&request, Door::of(&"sagemaker/e".parse().unwrap()), "us-east-1", true),
            "curl -X POST 'https://runtime.sagemaker.us-east-1.amazonaws.com/endpoints/e/invocations' \
             --aws-sigv4 'aws:amz:us-east-1:sagemaker' --user \"$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY\" \
             -H \"x-amz-security-token: $AWS_SESSION_TOKEN\" -H 'content-type: application/json' \
             -H 'x-amzn-sagemaker-inference-component: c' -H 'cookie: [redacted]' --data-raw '{\"inputs\":\"it'\\''s\"}'"
        );
    }

    #[test]
    fn of_custom_attributes_only_the_accepted_licence_is_shown() {
        let name = HeaderName::from_static("x-amzn-sagemaker-custom-attributes");
        for (attributes, expected) in [
            ("accept_eula=true", "accept_eula=true"),
            ("accept_eula=false", "accept_eula=false"),
            ("accept_eula=true,session=the-canary", "accept_eula=true,[redacted]"),
            ("accept_eula=the-canary", "[redacted]"),
            ("accept_eula=true the-canary", "[redacted]"),
            ("the-canary", "[redacted]"),
        ] {
            assert_eq!(shown(&name, attributes.as_bytes()), expected, "{attributes}");
        }
    }
}
