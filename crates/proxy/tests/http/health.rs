//! Health.

use std::sync::{Arc, Mutex};

use sagewire_proxy::{Config, Insight, Probe, ServedDeployment, ServedModel, Span, SpanKind, SpanSink, config::Mode};
use sagewire_types::CallContext;
use serde_json::json;

use crate::{
    client::Proxy,
    double::{Double, Served},
};

fn deployment(id: &str, model: &str, mode: Mode, double: &Arc<Double>) -> ServedDeployment {
    let probe = Probe::new(Arc::new(Served(Arc::clone(double))), CallContext::new());
    ServedDeployment::new(id, model).with_mode(mode).with_probe(probe)
}

#[tokio::test]
async fn the_simple_answers_are_litellms() {
    let proxy = Proxy::start().await;
    for path in ["/health/liveliness", "/health/liveness"] {
        assert_eq!(proxy.get(path).await.text(), "\"I'm alive!\"");
    }
    assert_eq!(proxy.get("/health/readiness").await.json()["status"], "healthy");
}

#[tokio::test]
async fn deployments_are_probed_by_what_they_are_and_only_when_asked() {
    let double = Arc::new(Double::default());
    let models = [
        ServedModel::new("c").with_deployment(deployment("c-1", "chat-model", Mode::Chat, &double)),
        ServedModel::new("e").with_deployment(deployment("e-1", "embedding-model", Mode::Embedding, &double)),
        ServedModel::new("f").with_deployment(deployment("f-1", "fail-model", Mode::Chat, &double)),
    ];
    let proxy = Proxy::with(|app| app.models(models)).await;
    let before = proxy.get("/health").await.json();
    assert_eq!(before["unhealthy_count"], 0);
    assert!(double.asked.lock().unwrap().is_empty(), "a look at /health must cost nothing");

    let after = proxy.get("/health?probe=true").await.json();
    let bodies: Vec<_> = double.asked.lock().unwrap().iter().map(|asked| asked.body.clone()).collect();
    assert_eq!(
        bodies,
        [
            json!({"model": "chat-model", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 1}),
            json!({"model": "embedding-model", "input": "hi"}),
            json!({"model": "fail-model", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 1}),
        ]
    );
    assert_eq!((&after["unhealthy_count"], &after["healthy_count"]), (&json!(1), &json!(2)));
    assert_eq!(
        (&before["healthy_count"], &before["unprobed_count"]),
        (&json!(0), &before["unprobed_endpoints"].as_array().unwrap().len().into())
    );
    assert_eq!(after["unhealthy_endpoints"][0]["id"], "f-1");
    assert!(after["unhealthy_endpoints"][0]["error"].as_str().unwrap().starts_with("model_failed: "));
    assert!(!after.to_string().contains("123456789012"), "{after}");
}

#[tokio::test]
async fn a_post_probes_and_a_head_does_not() {
    let double = Arc::new(Double::default());
    let model = ServedModel::new("c").with_deployment(deployment("c-1", "chat-model", Mode::Chat, &double));
    let proxy = Proxy::with(|app| app.model(model)).await;
    assert_eq!(proxy.send(http::Method::HEAD, "/health?probe=true", &[], "").await.status, 200);
    assert!(double.asked.lock().unwrap().is_empty());
    let page = [("sec-fetch-site", "cross-site")];
    assert_eq!(proxy.send(http::Method::GET, "/health?probe=true", &page, "").await.status, 403);
    assert_eq!(proxy.send(http::Method::POST, "/health", &page, "").await.status, 403);
    assert!(double.asked.lock().unwrap().is_empty());
    assert_eq!(proxy.send(http::Method::POST, "/health", &[], "").await.json()["healthy_count"], 1);
    assert_eq!(double.asked.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn probes_have_a_budget() {
    let double = Arc::new(Double::default());
    let yaml = "model_list: [{model_name: m, litellm_params: {model: sagemaker/x}}]\nsagewire_settings: {health_check: {max_probes_per_minute: 1}}";
    let (config, _) = Config::from_yaml(yaml, &|_| None).unwrap();
    let model = ServedModel::new("c")
        .with_deployment(deployment("c-1", "a", Mode::Chat, &double))
        .with_deployment(deployment("c-2", "b", Mode::Completion, &double));
    let proxy = Proxy::with(|app| app.settings(&config).model(model)).await;
    assert_eq!(proxy.get("/health?probe=true").await.json()["probes_left_out"], 1);
    assert_eq!(proxy.get("/health?probe=true").await.json()["probes_left_out"], 2);
    assert_eq!(double.asked.lock().unwrap().len(), 1);
}

#[derive(Debug)]
struct Resting;

#[async_trait::async_trait]
impl Insight for Resting {
    async fn gauges(&self) -> Vec<sagewire_proxy::Gauge> {
        vec![sagewire_proxy::Gauge::new("sagewire_test", "A test.", 4.5).with_label("deployment", "d")]
    }

    async fn resting(&self) -> Vec<sagewire_proxy::Resting> {
        vec![sagewire_proxy::Resting::new("echo-1", std::time::Duration::from_millis(4200))]
    }
}

#[tokio::test]
async fn what_lies_behind_is_asked_too() {
    let proxy = Proxy::with(|app| app.insight(Arc::new(Resting))).await;
    let health = proxy.get("/health").await.json();
    let resting = &health["unhealthy_endpoints"][0];
    assert_eq!((&resting["status"], &resting["resting_seconds"]), (&json!("cooling down"), &json!(4.2)));
    assert!(proxy.get("/metrics").await.text().contains(r#"sagewire_test{deployment="d"} 4.5"#));
}

#[tokio::test]
async fn numbers_count_requests_tokens_and_times() {
    let proxy = Proxy::start().await;
    let body = json!({"model": "echo", "messages": [{"role": "user", "content": "hi"}]});
    proxy.post("/chat/completions", &body).await;
    proxy.post("/chat/completions", &json!({"model": "fail-model", "messages": body["messages"]})).await;
    proxy.post("/chat/completions", &json!({"model": "nobody", "messages": body["messages"]})).await;
    let page = proxy.get("/metrics").await;
    assert_eq!(page.headers["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    for line in [
        r#"sagewire_requests_total{route="chat",model="echo",status="200",key=""} 1"#,
        r#"sagewire_requests_total{route="chat",model="fail-model",status="502",key=""} 1"#,
        r#"sagewire_requests_total{route="chat",model="",status="404",key=""} 1"#,
        r#"sagewire_upstream_errors_total{model="fail-model",kind="model_failed",status="424"} 1"#,
        r#"sagewire_refused_total{reason="model_not_found"} 1"#,
        r#"sagewire_tokens_total{model="echo",kind="prompt",key=""} 3"#,
        r#"sagewire_tokens_total{model="echo",kind="completion",key=""} 4"#,
        r#"sagewire_overhead_seconds_count{model="echo"} 1"#,
        "sagewire_requests_in_flight 0.0",
    ] {
        assert!(page.text().lines().any(|found| found == line), "no line {line} in\n{}", page.text());
    }
}

#[derive(Debug, Default)]
struct Spans(Mutex<Vec<Span>>);

impl SpanSink for Spans {
    fn take(&self, span: Span) {
        self.0.lock().unwrap().push(span);
    }
}

#[tokio::test]
async fn a_call_of_a_model_is_two_spans_in_the_callers_trace() {
    let spans = Arc::new(Spans::default());
    let sink: Arc<dyn SpanSink> = spans.clone();
    let proxy = Proxy::with(|app| app.spans(sink)).await;
    let trace = [("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")];
    for (model, stream) in [("echo", false), ("broken", true)] {
        let body =
            json!({"model": model, "stream": stream, "messages": [{"role": "user", "content": "PROMPT"}]}).to_string();
        proxy.send(http::Method::POST, "/chat/completions", &trace, body).await;
    }
    proxy.get("/models").await;
    let spans = spans.0.lock().unwrap().clone();
    assert_eq!(spans.len(), 4, "only calls of models are traced: {spans:?}");
    assert!(spans.iter().all(|span| span.trace_id == "4bf92f3577b34da6a3ce929d0e0e4736"));
    let names: Vec<_> = spans.iter().map(|span| (span.name.as_str(), span.kind, span.error)).collect();
    assert_eq!(
        names,
        [
            ("chat echo", SpanKind::Client, None),
            ("POST /chat/completions", SpanKind::Server, None),
            ("chat broken", SpanKind::Client, Some("model_failed")),
            ("POST /chat/completions", SpanKind::Server, Some("model_failed")),
        ]
    );
    // The model's side is told the span of its call.
    assert!(proxy.asked()[0].traceparent.as_ref().unwrap().contains(&spans[0].span_id));
    assert!(!format!("{spans:?}").contains("PROMPT"));
}
