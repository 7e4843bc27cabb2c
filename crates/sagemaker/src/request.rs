//! One call as an HTTP request, before it is signed.
//!
//! Owns the URL, the headers and their order of precedence. What differs between the ways into AWS
//! is in [`door`]. It signs nothing and sends nothing.
//!
//! <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_Operations_Amazon_SageMaker_Runtime.html>

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header, uri::InvalidUri};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC};
use sagewire_dialects::Payload;
use sagewire_types::{Error, ErrorKind};

use crate::request::{
    door::{Address, Door},
    headers::{InvocationHeaders, is_resource_name},
};

pub(crate) mod attributes;
pub(crate) mod bearer;
pub(crate) mod door;
pub(crate) mod headers;
pub(crate) mod target;

/// The longest name that AWS gives an endpoint.
const MAX_ENDPOINT_NAME: usize = 63;

/// Everything but RFC 3986's unreserved characters, which alone stay as they are.
pub(crate) const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What is asked of a model, through any door.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    /// A whole reply: `InvokeEndpoint`.
    Invoke,
    /// A reply in pieces: `InvokeEndpointWithResponseStream`.
    Stream,
    /// The reply goes to S3: `InvokeEndpointAsync`.
    Async,
}

impl Operation {
    /// `Accept` on whole replies; the others have a header of their own, as theirs names the
    /// frames' type.
    pub(crate) fn accept(self, door: &Door) -> HeaderName {
        match self {
            _ if !door.renames_accept => header::ACCEPT,
            Self::Invoke => header::ACCEPT,
            Self::Stream | Self::Async => const { HeaderName::from_static("x-amzn-sagemaker-accept") },
        }
    }
}

/// Where calls go: a host, or a whole URL that stands for one endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct BaseUrl {
    uri: Uri,
    verbatim: bool,
}

impl BaseUrl {
    /// Takes an `http` or `https` URL. With a path (`/` counts as none) it is used as it stands,
    /// for whole replies and streams alike.
    ///
    /// # Errors
    /// `Configuration` for anything else, and for credentials in the URL.
    pub(crate) fn parse(url: &str) -> Result<Self, Error> {
        let invalid = |what: &str| {
            Error::new(
                ErrorKind::Configuration,
                format!(
                    "the endpoint URL {what}: write it as `https://host[:port]` (or with a path, to be called as given)"
                ),
            )
            .with_param("sagemaker_base_url")
        };
        let parsed = url::Url::parse(url.trim()).map_err(|error| invalid("is not a URL").with_source(error))?;
        if !matches!(parsed.scheme(), "http" | "https") {
            return Err(invalid("is neither `http` nor `https`"));
        }
        if !parsed.username().is_empty() || parsed.password().is_some() {
            return Err(invalid("holds a user name or password, which would be logged along the way"));
        }
        let verbatim = parsed.path() != "/" || parsed.query().is_some();
        let uri = parsed.as_str().parse().map_err(|_| invalid("cannot be requested"))?;
        Ok(Self { uri, verbatim })
    }

    /// Whether the URL is used as it stands.
    pub(crate) fn is_verbatim(&self) -> bool {
        self.verbatim
    }

    /// The URL of an operation.
    fn uri(&self, door: &Door, address: &Address<'_>, operation: Operation) -> Result<Uri, Error> {
        if self.verbatim {
            return Ok(self.uri.clone());
        }
        let mut parts = self.uri.clone().into_parts();
        let path = door.path(address, operation)?;
        let invalid = |error: http::Error| {
            Error::invalid("model", "the endpoint name cannot be used in a URL").with_source(error)
        };
        parts.path_and_query = Some(path.try_into().map_err(|error: InvalidUri| invalid(error.into()))?);
        Uri::from_parts(parts).map_err(|error| invalid(error.into()))
    }
}

/// Checks an endpoint's name against [AWS's pattern](https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html).
///
/// # Errors
/// `InvalidRequest` for a name that AWS would refuse.
pub(crate) fn check_endpoint_name(name: &str) -> Result<(), Error> {
    if name.len() <= MAX_ENDPOINT_NAME && is_resource_name(name) {
        return Ok(());
    }
    let shown: String = name.chars().take(MAX_ENDPOINT_NAME + 1).collect();
    Err(Error::invalid(
        "model",
        format!(
            "invalid endpoint name `{shown}`: expected 1 to 63 letters, digits or single hyphens, as in `sagemaker/my-endpoint`"
        ),
    ))
}

/// The request without date, credentials and signature: made once, signed anew for each try.
#[derive(Clone, Debug)]
pub(crate) struct UnsignedRequest {
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// Puts a call together.
///
/// # Errors
/// `InvalidRequest` for a name or header that AWS would refuse.
pub(crate) fn build(
    base: &BaseUrl,
    door: &Door,
    name: &str,
    operation: Operation,
    payload: Payload,
    invocation: &InvocationHeaders,
    extra: &HeaderMap,
) -> Result<UnsignedRequest, Error> {
    if door.is_runtime() && !base.is_verbatim() {
        check_endpoint_name(name)?;
    }
    let address = door.address(name, invocation.inference_component.as_deref())?;
    let mut headers = HeaderMap::try_with_capacity(3 + extra.len()).unwrap_or_default();
    for (name, value) in extra {
        check_extra_header(name)?;
        headers.append(name.clone(), value.clone());
    }
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(payload.content_type));
    if let Some(accept) = payload.accept {
        headers.insert(operation.accept(door), HeaderValue::from_static(accept));
    }
    if let Some(wanted) = payload.custom_attributes
        && (door.takes)("custom_attributes", operation)
    {
        headers.insert("x-amzn-sagemaker-custom-attributes", HeaderValue::from_static(wanted));
    }
    // What the operator sends in a header stands over what the container wants there.
    invocation.write(door, operation, &mut headers)?;
    if let (Some(name), Some(part)) = (door.part_header, address.part) {
        let value = HeaderValue::from_str(part).map_err(|error| {
            Error::invalid("model", "the model's name cannot be sent in a header").with_source(error)
        })?;
        headers.insert(HeaderName::from_static(name), value);
    }
    let uri = base.uri(door, &address, operation)?;
    Ok(UnsignedRequest { method: Method::POST, uri, headers, body: payload.body })
}

/// Headers that the signature or the connection owns can't be set from outside.
pub(crate) fn check_extra_header(name: &HeaderName) -> Result<(), Error> {
    let owned =
        [header::AUTHORIZATION, header::CONNECTION, header::CONTENT_LENGTH, header::HOST, header::TRANSFER_ENCODING];
    if owned.contains(name) || name.as_str().starts_with("x-amz-") {
        return Err(Error::invalid(
            "extra_headers",
            format!("the header `{name}` belongs to the signature or the connection and cannot be set: leave it out"),
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runtime() -> &'static Door {
        Door::of(&"sagemaker/e".parse().unwrap())
    }

    fn uri(base: &str, endpoint: &str, operation: Operation) -> String {
        let address = runtime().address(endpoint, None).unwrap();
        BaseUrl::parse(base).unwrap().uri(runtime(), &address, operation).unwrap().to_string()
    }

    #[test]
    fn a_host_is_given_the_operations_path_and_a_path_is_used_as_it_stands() {
        let host = "https://runtime.sagemaker.us-east-1.amazonaws.com";
        assert_eq!(uri(host, "ep", Operation::Invoke), format!("{host}/endpoints/ep/invocations"));
        assert_eq!(
            uri(&format!("{host}/"), "ep", Operation::Stream),
            format!("{host}/endpoints/ep/invocations-response-stream")
        );
        assert_eq!(uri(host, "ep", Operation::Async), format!("{host}/endpoints/ep/async-invocations"));
        assert_eq!(
            uri("http://127.0.0.1:8080/invocations", "ep", Operation::Stream),
            "http://127.0.0.1:8080/invocations"
        );
        assert_eq!(uri("http://h/?a=b", "ep", Operation::Stream), "http://h/?a=b");
    }

    #[test]
    fn a_wrong_url_is_refused_without_showing_a_password() {
        for url in ["", "host", "ftp://host", "http://", "https://user:pass-word@host"] {
            let error = BaseUrl::parse(url).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Configuration, "{url}");
            assert!(!format!("{error} {error:?}").contains("pass-word"));
        }
    }

    #[test]
    fn names_that_aws_would_refuse_are_refused() {
        for name in ["", "-a", "a-", "a_b", "a/b", "a b", "é", "a..", &"a".repeat(64)] {
            assert_eq!(check_endpoint_name(name).unwrap_err().param(), Some("model"), "{name}");
        }
        for name in ["a", "A-1", "a--b", &"a".repeat(63)] {
            assert!(check_endpoint_name(name).is_ok(), "{name}");
        }
    }

    #[test]
    fn headers_of_the_signature_cannot_be_set_from_outside() {
        for name in ["authorization", "host", "x-amz-date", "x-amz-security-token", "content-length"] {
            let extra = HeaderMap::from_iter([(HeaderName::from_static(name), HeaderValue::from_static("x"))]);
            let base = BaseUrl::parse("http://h").unwrap();
            let payload = Payload::from_json(Bytes::new());
            let error =
                build(&base, runtime(), "ep", Operation::Invoke, payload, &InvocationHeaders::default(), &extra)
                    .unwrap_err();
            assert_eq!(error.param(), Some("extra_headers"), "{name}");
        }
    }
}
