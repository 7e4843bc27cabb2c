//! Recorded HTTP played back, logs captured, and the secrets of a case collected.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use libtest_mimic::Failed;
use sagewire_credentials::seam::{HttpClient, HttpError, HttpErrorKind, RequestOptions};
use serde_json::Value;

/// Request headers that must be as recorded. The others name the SDK that made the recording, or
/// follow from time and keys.
const COMPARED_HEADERS: [&str; 5] = [
    "accept",
    "content-type",
    "x-amz-sso_bearer_token",
    "x-aws-ec2-metadata-token",
    "x-aws-ec2-metadata-token-ttl-seconds",
];

#[derive(Debug, Default)]
struct Exchange {
    method: String,
    uri: String,
    headers: BTreeMap<String, String>,
    /// The first two parameters of the recorded form: the action and its version.
    action: String,
    answer: http::Response<Bytes>,
}

/// Gives the recorded answers in order, and remembers what was not asked as recorded.
#[derive(Clone, Debug)]
pub(crate) struct Replay(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    expected: Vec<Exchange>,
    surprises: Vec<String>,
    asked_more: bool,
}

impl Replay {
    pub(crate) fn new(traffic: &Value) -> Self {
        let mut exchanges: BTreeMap<u64, Exchange> = BTreeMap::new();
        for event in traffic["events"].as_array().unwrap() {
            let exchange = exchanges.entry(event["connection_id"].as_u64().unwrap()).or_default();
            let action = &event["action"];
            if let Some(request) = action.get("Request").map(|event| &event["request"]) {
                exchange.method = request["method"].as_str().unwrap().to_owned();
                exchange.uri = request["uri"].as_str().unwrap().to_owned();
                for (name, values) in request["headers"].as_object().unwrap() {
                    let value = values[0].as_str().unwrap().to_owned();
                    exchange.headers.insert(name.to_ascii_lowercase(), value);
                }
            } else if let Some(response) = action.get("Response").map(|event| &event["response"]["Ok"]) {
                *exchange.answer.status_mut() =
                    u16::try_from(response["status"].as_u64().unwrap()).unwrap().try_into().unwrap();
                // The recorded `Date` is left out: it belongs to the day of the recording, not to
                // the clock of the test.
            } else if let Some(data) = action.get("Data") {
                let text = data["data"]["Utf8"].as_str().unwrap().to_owned();
                match data["direction"].as_str().unwrap() {
                    "Request" => exchange.action = action_of(&text),
                    _ => *exchange.answer.body_mut() = text.into(),
                }
            }
        }
        let expected = exchanges.into_values().rev().collect();
        Self(Arc::new(Mutex::new(State { expected, surprises: Vec::new(), asked_more: false })))
    }

    /// Fails where a request differed from the recording, was not made, or, unless `asks_more`, was
    /// made beyond it.
    pub(crate) fn check(&self, asks_more: bool) -> Result<(), Failed> {
        let state = self.0.lock().unwrap();
        if !state.surprises.is_empty() {
            return Err(state.surprises.join("; ").into());
        }
        if !state.expected.is_empty() {
            return Err(format!("never asked: {:?}", state.expected).into());
        }
        if state.asked_more == asks_more { Ok(()) } else { Err("asked more than recorded, or less than listed".into()) }
    }
}

fn action_of(form: &str) -> String {
    form.split('&').take(2).collect::<Vec<_>>().join("&")
}

#[async_trait]
impl HttpClient for Replay {
    async fn send(
        &self,
        request: http::Request<Bytes>,
        _: &RequestOptions,
    ) -> Result<http::Response<Bytes>, HttpError> {
        let mut state = self.0.lock().unwrap();
        let Some(expected) = state.expected.pop() else {
            state.asked_more = true;
            return Err(HttpError::new(HttpErrorKind::Broken, "no further answer is recorded"));
        };
        let mut surprise = |what: &str, got: &str, want: &str| {
            if got != want {
                state.surprises.push(format!("{what} was {got}, not {want}"));
            }
        };
        surprise("method", request.method().as_str(), &expected.method);
        let slash = |uri: &str| uri.strip_suffix('/').unwrap_or(uri).to_owned();
        surprise("URI", &slash(&request.uri().to_string()), &slash(&expected.uri));
        let action = action_of(std::str::from_utf8(request.body()).unwrap());
        surprise("action", &action, &expected.action);
        for name in COMPARED_HEADERS {
            let got = request.headers().get(name).map(|value| value.to_str().unwrap()).unwrap_or_default();
            // Recordings leave out headers that their maker found dull.
            if let Some(want) = expected.headers.get(name) {
                surprise(name, got, want);
            }
        }
        Ok(expected.answer)
    }
}

/// What is logged on this thread, at trace level.
#[derive(Clone, Default)]
pub(crate) struct Logs(Arc<Mutex<Vec<u8>>>);

impl Logs {
    pub(crate) fn capture<T>(&self, work: impl FnOnce() -> T) -> T {
        let logs = self.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_ansi(false)
            .with_writer(move || logs.clone())
            .finish();
        tracing::subscriber::with_default(subscriber, work)
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl io::Write for Logs {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Everything in the files of a case that must not be shown: keys, tokens, and whole token files.
pub(crate) fn secrets_of(case: &Path) -> Vec<String> {
    const NAMES: [&str; 8] = [
        "SecretAccessKey",
        "SessionToken",
        "Token",
        "aws_secret_access_key",
        "AWS_SECRET_ACCESS_KEY",
        "secret_access_key",
        "session_token",
        "accessToken",
    ];
    let mut secrets = Vec::new();
    let mut folders = vec![case.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            if entry.path().is_dir() {
                folders.push(entry.path());
                continue;
            }
            // In a recording the JSON is inside JSON.
            let text = fs::read_to_string(entry.path()).unwrap().replace("\\\"", "\"");
            if entry.path().extension().is_some_and(|end| end == "jwt") {
                secrets.push(text.trim().to_owned());
            }
            for name in NAMES {
                // A name is whole: what stands before it belongs to no longer one.
                let pieces: Vec<_> = text.split(name).collect();
                let is_whole = |before: &str| !before.ends_with(|end: char| end.is_alphanumeric() || end == '_');
                let values = pieces.windows(2).filter(|pair| is_whole(pair[0])).map(|pair| pair[1]);
                let values = values.map(|value| value.trim_start_matches(['"', ' ', ':', '=', '>']));
                let is_end = |end: char| matches!(end, '"' | '<' | '\n' | '\\' | ',' | '}');
                let found = values.map(|value| value.split(is_end).next().unwrap().trim().to_owned());
                secrets.extend(found.filter(|secret| secret.len() >= 4));
            }
        }
    }
    // A description may name a key in a sentence.
    secrets.retain(|secret| !secret.contains(' '));
    secrets
}
