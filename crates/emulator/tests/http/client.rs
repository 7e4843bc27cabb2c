//! A client that shares nothing with the emulator: it signs with the official signer and decodes
//! frames with the official decoder.

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use aws_credential_types::Credentials;
use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SigningSettings, sign},
    sign::v4,
};
use aws_smithy_eventstream::frame::{DecodedFrame, MessageFrameDecoder};
use aws_smithy_types::event_stream::Message;
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Method, Request};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_util::{
    client::legacy::{Client as HttpClient, Error, connect::HttpConnector},
    rt::TokioExecutor,
};
use sagewire_emulator::{Clock, EXAMPLE_ACCESS_KEY_ID, EXAMPLE_SECRET_ACCESS_KEY, Emulator};
use serde_json::Value;

/// 2015-08-30 12:00:00 UTC.
pub(crate) fn noon() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_440_936_000)
}

pub(crate) fn fixed_clock() -> Clock {
    Arc::new(noon)
}

/// Signs at noon for eu-west-1 with the example key pair, unless told otherwise.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    pub(crate) http: HttpClient<HttpConnector, Full<Bytes>>,
    pub(crate) url: String,
    pub(crate) access_key_id: String,
    pub(crate) secret: String,
    pub(crate) token: Option<String>,
    pub(crate) time: SystemTime,
    pub(crate) service: &'static str,
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// Did the body end as HTTP says it must?
    pub(crate) complete: bool,
}

impl Client {
    pub(crate) fn new(emulator: &Emulator) -> Self {
        Self {
            http: HttpClient::builder(TokioExecutor::new()).build_http(),
            url: emulator.url(),
            access_key_id: EXAMPLE_ACCESS_KEY_ID.to_owned(),
            secret: EXAMPLE_SECRET_ACCESS_KEY.to_owned(),
            token: None,
            time: noon(),
            service: "sagemaker",
        }
    }

    /// The same, over HTTP/2 from the first byte.
    pub(crate) fn http2(mut self) -> Self {
        self.http = HttpClient::builder(TokioExecutor::new()).http2_only(true).build_http();
        self
    }

    pub(crate) fn signed(
        &self,
        method: &Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Request<Full<Bytes>> {
        let uri = format!("{}{path}", self.url);
        let identity =
            Credentials::new(self.access_key_id.as_str(), self.secret.as_str(), self.token.clone(), None, "test")
                .into();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region("eu-west-1")
            .name(self.service)
            .time(self.time)
            .settings(SigningSettings::default())
            .build()
            .unwrap()
            .into();
        let signable =
            SignableRequest::new(method.as_str(), &uri, headers.iter().copied(), SignableBody::Bytes(body)).unwrap();
        let (instructions, _) = sign(signable, &parameters).unwrap().into_parts();
        let mut request = Request::builder().method(method.clone()).uri(&uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut request = request.body(Full::new(Bytes::copy_from_slice(body))).unwrap();
        instructions.apply_to_request_http1x(&mut request);
        request
    }

    /// Sends what nobody has signed.
    pub(crate) async fn plain(&self, method: Method, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(Full::new(Bytes::copy_from_slice(body.as_bytes()))).unwrap()).await.unwrap()
    }

    /// A request of the query protocol, signed for STS.
    pub(crate) async fn sts(&self, form: &str) -> Answer {
        let signer = Self { service: "sts", ..self.clone() };
        let form = format!("{form}&Version=2011-06-15");
        signer.post("/", &[("content-type", "application/x-www-form-urlencoded")], &form).await
    }

    /// The same client with the credentials that an answer holds.
    pub(crate) fn with(&self, access_key_id: &str, secret: &str, token: &str) -> Self {
        Self {
            access_key_id: access_key_id.to_owned(),
            secret: secret.to_owned(),
            token: Some(token.to_owned()),
            ..self.clone()
        }
    }

    /// The answer's head, and its body to read.
    pub(crate) async fn open(&self, request: Request<Full<Bytes>>) -> (http::response::Parts, Incoming) {
        self.http.request(request).await.unwrap().into_parts()
    }

    pub(crate) async fn send(&self, request: Request<Full<Bytes>>) -> Result<Answer, Error> {
        let (parts, mut body) = self.http.request(request).await?.into_parts();
        let (mut bytes, mut complete) = (BytesMut::new(), true);
        while let Some(frame) = body.frame().await {
            match frame {
                Ok(frame) => bytes.extend_from_slice(&frame.into_data().unwrap()),
                Err(_) => {
                    complete = false;
                    break;
                }
            }
        }
        Ok(Answer { status: parts.status.as_u16(), headers: parts.headers, body: bytes.freeze(), complete })
    }

    pub(crate) async fn post(&self, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        self.send(self.signed(&Method::POST, path, headers, body.as_bytes())).await.unwrap()
    }

    pub(crate) async fn invoke(&self, endpoint: &str, body: &str) -> Answer {
        self.post(&format!("/endpoints/{endpoint}/invocations"), &[("content-type", "application/json")], body).await
    }

    pub(crate) async fn invoke_stream(&self, endpoint: &str, body: &str) -> Answer {
        let path = format!("/endpoints/{endpoint}/invocations-response-stream");
        self.post(&path, &[("content-type", "application/json")], body).await
    }
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// The text of the first XML element of this name.
    pub(crate) fn element(&self, name: &str) -> &str {
        let (_, after) = self.text().split_once(&format!("<{name}>")).unwrap();
        after.split_once(&format!("</{name}>")).unwrap().0
    }

    /// The code in `x-amzn-ErrorType`.
    pub(crate) fn error_type(&self) -> &str {
        self.header("x-amzn-errortype").unwrap().split(':').next().unwrap()
    }

    pub(crate) fn error_message(&self) -> String {
        let body = self.json();
        body.get("Message").or(body.get("message")).unwrap().as_str().unwrap().to_owned()
    }

    /// Every frame of an event stream; nothing may be left over.
    pub(crate) fn frames(&self) -> Vec<Message> {
        let (frames, rest) = decode(&self.body);
        assert!(rest.is_empty(), "{} bytes left over", rest.len());
        frames
    }

    /// The payloads of an event stream that holds nothing but payload parts.
    pub(crate) fn parts(&self) -> Vec<Bytes> {
        assert_eq!(self.header("content-type"), Some("application/vnd.amazon.eventstream"));
        self.frames()
            .into_iter()
            .map(|frame| {
                assert_eq!((header(&frame, ":message-type"), header(&frame, ":event-type")), ("event", "PayloadPart"));
                frame.payload().clone()
            })
            .collect()
    }
}

/// The whole frames at the beginning, and what follows them.
pub(crate) fn decode(body: &Bytes) -> (Vec<Message>, Bytes) {
    let mut decoder = MessageFrameDecoder::new();
    let (mut frames, mut rest) = (Vec::new(), body.clone());
    loop {
        let before = rest.clone();
        match decoder.decode_frame(&mut rest).unwrap() {
            DecodedFrame::Complete(frame) => frames.push(frame),
            DecodedFrame::Incomplete => return (frames, before),
        }
    }
}

pub(crate) fn header<'a>(frame: &'a Message, name: &str) -> &'a str {
    let found = frame.headers().iter().find(|header| header.name().as_str() == name);
    found.unwrap().value().as_string().unwrap().as_str()
}

/// What comes next of a body; nothing at its proper end.
pub(crate) async fn next_chunk(body: &mut Incoming) -> Option<Bytes> {
    Some(body.frame().await?.unwrap().into_data().unwrap())
}
