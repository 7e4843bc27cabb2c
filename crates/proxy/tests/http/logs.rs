//! What the log says of a request.

use std::{
    future::Future,
    io,
    sync::{Arc, Mutex},
};

use http::Method;
use serde_json::{Value, json};
use tracing_subscriber::{filter::LevelFilter, fmt::MakeWriter, layer::SubscriberExt};

use crate::client::Proxy;

/// Log lines, kept.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// The lines that are logged while this runs, as `json_logs` writes them.
pub(crate) fn capture(level: LevelFilter, run: impl Future<Output = ()>) -> Vec<Value> {
    let lines = Lines::default();
    let layer = tracing_subscriber::fmt::layer().json().flatten_event(true).with_span_list(false);
    let subscriber = tracing_subscriber::registry().with(layer.with_writer(lines.clone())).with(level);
    // One thread, so that every line is caught.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    tracing::subscriber::with_default(subscriber, || runtime.block_on(run));
    let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The lines of one request with this body, at this level.
fn lines_of(level: LevelFilter, body: &Value) -> Vec<Value> {
    const ID: &str = "the-second";
    let lines = capture(level, async {
        let proxy = Proxy::start().await;
        // The first pass makes sure that every line's place in the code is known.
        for id in ["the-first", ID] {
            tracing::callsite::rebuild_interest_cache();
            let headers = [("x-request-id", id)];
            proxy.send(Method::POST, "/chat/completions", &headers, body.to_string()).await;
        }
    });
    let of_request =
        |line: &Value| ["/request_id", "/span/request_id"].iter().any(|place| line.pointer(place) == Some(&json!(ID)));
    lines
        .into_iter()
        .filter(|line| line["target"].as_str().unwrap().starts_with("sagewire") && of_request(line))
        .collect()
}

fn ask(model: &str, stream: bool) -> Value {
    json!({"model": model, "stream": stream, "messages": [{"role": "user", "content": "hi"}]})
}

#[test]
fn a_failure_has_one_line_at_the_default_level() {
    for stream in [false, true] {
        let lines = lines_of(LevelFilter::INFO, &ask("fail-model", stream));
        let [line] = &lines[..] else { panic!("{lines:#?}") };
        assert_eq!(line["level"], "WARN");
        assert_eq!((&line["model"], &line["deployment"]), (&json!("fail-model"), &json!("fail-model-1")));
        assert_eq!(
            (&line["status"], &line["error"], &line["stream"]),
            (&json!(502), &json!("model_failed"), &json!(stream))
        );
        assert!(line["client"].as_str().unwrap().starts_with("127.0.0.1:"), "{line}");
        assert!(line["reason"].as_str().unwrap().contains("failed") && line["causes"].as_str().is_some(), "{line}");
        let duration = line["duration_ms"].to_string();
        assert!(duration.split('.').nth(1).is_none_or(|decimals| decimals.len() <= 3), "{duration}");
    }
}

#[test]
fn a_request_that_is_refused_says_what_it_asked_for() {
    let lines = lines_of(LevelFilter::INFO, &ask("nobody", true));
    let [line] = &lines[..] else { panic!("{lines:#?}") };
    assert_eq!((&line["level"], &line["model"], &line["stream"]), (&json!("INFO"), &json!("nobody"), &json!(true)));
    let lines = lines_of(LevelFilter::INFO, &ask(&"x".repeat(10_000), false));
    assert_eq!(lines[0]["model"].as_str().map(str::len), Some(256), "a caller does not decide how long a line is");
}

#[test]
fn every_line_of_a_request_has_its_id() {
    let lines = capture(LevelFilter::DEBUG, async {
        let yaml = "model_list: [{model_name: m, litellm_params: {model: sagemaker/x}}]\nsagewire_settings: {log_prompts: true}";
        let (config, _) = sagewire_proxy::Config::from_yaml(yaml, &|_| None).unwrap();
        let proxy = Proxy::with(|app| app.settings(&config)).await;
        for _ in 0..2 {
            tracing::callsite::rebuild_interest_cache();
            let headers = [("x-request-id", "an-id")];
            proxy.send(Method::POST, "/chat/completions", &headers, ask("echo", true).to_string()).await;
        }
    });
    let pieces: Vec<_> = lines.iter().filter(|line| line["which"] == "piece").collect();
    assert!(!pieces.is_empty(), "{lines:#?}");
    assert!(pieces.iter().all(|line| line["span"]["request_id"] == "an-id"), "{pieces:#?}");
}
