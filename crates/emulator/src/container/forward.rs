//! A real model server behind an endpoint.
//!
//! Owns the HTTP client that plays SageMaker's part towards a container: `POST /invocations` and
//! `GET /ping`, as [SageMaker calls them](https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html).

use std::{error::Error, fmt, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _};
use http::{Method, Request, Uri, header::CONTENT_TYPE};
use http_body_util::{BodyDataStream, Full};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};

use super::{Container, ContainerReply, Invocation, PartError, route};

const CUSTOM_ATTRIBUTES: &str = "x-amzn-sagemaker-custom-attributes";

/// A container reached over HTTP.
pub(crate) struct Forward {
    client: Client<HttpConnector, Full<Bytes>>,
    base: String,
    invocations: Uri,
    ping: Uri,
}

impl Forward {
    /// `url` is the container's address, such as `http://127.0.0.1:8080`, with or without a path before `/invocations`.
    pub(crate) fn new(url: &str) -> Result<Self, Box<dyn Error + Send + Sync>> {
        let base = url.trim_end_matches('/');
        let parsed: Uri = base.parse()?;
        if parsed.scheme_str() != Some("http") || parsed.authority().is_none() || parsed.query().is_some() {
            return Err("only http:// addresses without a query can be forwarded to".into());
        }
        Ok(Self {
            client: Client::builder(TokioExecutor::new())
                .pool_timer(TokioTimer::new())
                .pool_idle_timeout(Duration::from_secs(30))
                .build_http(),
            base: base.to_owned(),
            invocations: format!("{base}/invocations").parse()?,
            ping: format!("{base}/ping").parse()?,
        })
    }

    /// Where a request goes: to the route that its attributes ask for, as AWS's vLLM image sends it
    /// on, else to `/invocations`.
    fn uri(&self, invocation: &Invocation) -> Uri {
        let asked = route::asked_for(invocation.custom_attributes.as_deref());
        let asked = asked.and_then(|route| format!("{}{route}", self.base).parse().ok());
        asked.unwrap_or_else(|| self.invocations.clone())
    }
}

impl fmt::Debug for Forward {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Forward")
            .field("host", &self.invocations.host())
            .field("port", &self.invocations.port_u16())
            .finish()
    }
}

#[async_trait]
impl Container for Forward {
    async fn invoke(&self, invocation: Invocation) -> ContainerReply {
        let mut request = Request::new(Full::new(invocation.body.clone()));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.uri(&invocation);
        *request.headers_mut() = invocation.headers();
        let response = match self.client.request(request).await {
            Ok(response) => response,
            // SageMaker reports a container that does not answer with an original status of 0.
            Err(error) => {
                return ContainerReply::new(
                    0,
                    "text/plain",
                    format!("could not reach the container: {}", chain(&error)),
                );
            }
        };
        let (parts, body) = response.into_parts();
        let text = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let chunks = BodyDataStream::new(body).map_err(|error| PartError(chain(&error)));
        let not_empty = chunks.try_filter(|chunk| std::future::ready(!chunk.is_empty()));
        let content_type = text(CONTENT_TYPE.as_str()).unwrap_or_else(|| "application/octet-stream".to_owned());
        let mut reply = ContainerReply::stream(content_type, not_empty.boxed());
        reply.status = parts.status.as_u16();
        reply.custom_attributes = text(CUSTOM_ATTRIBUTES);
        reply.closed_session_id = text("x-amzn-sagemaker-closed-session-id");
        reply.new_session_id = text("x-amzn-sagemaker-new-session-id");
        reply
    }

    async fn ping(&self) -> Result<(), String> {
        match self.client.get(self.ping.clone()).await {
            Ok(response) if response.status().is_success() => Ok(()),
            Ok(response) => Err(format!("the container's /ping answers {}", response.status())),
            Err(error) => Err(format!("the container cannot be reached: {}", chain(&error))),
        }
    }
}

/// An error with all its causes.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_takes_the_place_of_invocations() {
        let forward = Forward::new("http://host:1/base/").unwrap();
        let mut invocation = Invocation::new("{}");
        assert_eq!(forward.uri(&invocation), "http://host:1/base/invocations");
        invocation.custom_attributes = Some("a=b,route=/v1/responses".to_owned());
        assert_eq!(forward.uri(&invocation), "http://host:1/base/v1/responses");
    }

    #[test]
    fn only_plain_http_addresses_are_taken() {
        for url in ["http://127.0.0.1:8080", "http://localhost:8080/", "http://host/base"] {
            assert!(Forward::new(url).is_ok(), "{url}");
        }
        for url in ["", "127.0.0.1:8080", "https://host", "http://", "http://host/?a=b", "ftp://host", "not a url"] {
            assert!(Forward::new(url).is_err(), "{url}");
        }
        assert_eq!(
            Forward::new("http://u:p@host:1/").map(|forward| format!("{forward:?}")).unwrap(),
            "Forward { host: Some(\"host\"), port: Some(1) }"
        );
    }
}
