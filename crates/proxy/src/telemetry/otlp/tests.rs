use std::{
    collections::BTreeMap,
    time::{SystemTime, UNIX_EPOCH},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use super::*;
use crate::Config;

fn one() -> Span {
    Span {
        name: "chat m".to_owned(),
        kind: SpanKind::Client,
        trace_id: "4bf92f3577b34da6a3ce929d0e0e4736".to_owned(),
        span_id: "00f067aa0ba902b7".to_owned(),
        parent_span_id: Some("00f067aa0ba902b8".to_owned()),
        start: UNIX_EPOCH + Duration::from_secs(1),
        end: UNIX_EPOCH + Duration::from_millis(1500),
        attributes: vec![("gen_ai.usage.input_tokens", 3.into()), ("sagewire.stream", true.into())],
        error: Some("model_failed"),
    }
}

#[test]
fn a_batch_has_otlps_form() {
    assert_eq!(
        request_body("proxy", &[one()])["resourceSpans"][0],
        json!({
            "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "proxy"}}]},
            "scopeSpans": [{
                "scope": {"name": "sagewire-proxy", "version": env!("CARGO_PKG_VERSION")},
                "spans": [{
                    "traceId": "4bf92f3577b34da6a3ce929d0e0e4736",
                    "spanId": "00f067aa0ba902b7",
                    "parentSpanId": "00f067aa0ba902b8",
                    "name": "chat m",
                    "kind": 3,
                    "startTimeUnixNano": "1000000000",
                    "endTimeUnixNano": "1500000000",
                    "attributes": [
                        {"key": "gen_ai.usage.input_tokens", "value": {"intValue": "3"}},
                        {"key": "sagewire.stream", "value": {"boolValue": true}},
                    ],
                    "status": {"code": 2, "message": "model_failed"},
                }],
            }],
        })
    );
    let root = Span { parent_span_id: None, error: None, start: SystemTime::UNIX_EPOCH, ..one() };
    assert_eq!(span(&root).get("parentSpanId"), None);
}

#[test]
fn settings_come_from_the_file_and_then_from_opentelemetrys_variables() {
    let config = |otlp: &str| {
        let yaml = format!(
            "model_list: [{{model_name: m, litellm_params: {{model: sagemaker/x}}}}]\nsagewire_settings: {{otlp: {otlp}}}"
        );
        Config::from_yaml(&yaml, &|_| None).unwrap().0
    };
    let env = |name: &str| match name {
        "OTEL_EXPORTER_OTLP_ENDPOINT" => Some("http://collector:4318/".to_owned()),
        "OTEL_EXPORTER_OTLP_HEADERS" => Some("x-key=hush, x-other = b%20c".to_owned()),
        _ => None,
    };
    assert_eq!(OtlpSettings::from_config(&config("{}"), &|_| None), None);
    let settings = OtlpSettings::from_config(&config("{}"), &env).unwrap();
    assert_eq!(settings.traces_url.as_deref(), Some("http://collector:4318/v1/traces"));
    assert_eq!(settings.metrics_url.as_deref(), Some("http://collector:4318/v1/metrics"));
    assert_eq!(settings.metrics_interval, Duration::from_secs(60));
    assert_eq!((settings.headers.len(), settings.headers["x-other"].as_str()), (2, "b c"));
    assert!(!format!("{settings:?} {settings:#?}").contains("hush"));
    let own =
        OtlpSettings::from_config(&config("{endpoint: 'http://own', service_name: s, headers: {x-key: other}}"), &env)
            .unwrap();
    assert_eq!((own.traces_url.as_deref(), own.service_name.as_str()), (Some("http://own/v1/traces"), "s"));
    assert_eq!(own.headers["x-key"], "other");
    let metrics_alone = |name: &str| match name {
        "OTEL_TRACES_EXPORTER" => Some("none".to_owned()),
        "OTEL_METRIC_EXPORT_INTERVAL" => Some("1500".to_owned()),
        _ => env(name),
    };
    let alone = OtlpSettings::from_config(&config("{}"), &metrics_alone).unwrap();
    assert_eq!((alone.traces_url, alone.metrics_interval), (None, Duration::from_millis(1500)));
    let own = OtlpSettings::from_config(&config("{metrics_interval: 5}"), &metrics_alone).unwrap();
    assert_eq!(own.metrics_interval, Duration::from_secs(5));
}

/// A collector that takes this many requests: their heads and bodies.
async fn collector(requests: usize) -> (String, JoinHandle<Vec<(String, Value)>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let taken = tokio::spawn(async move {
        let mut taken = Vec::new();
        while taken.len() < requests {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut bytes = Vec::new();
            let (head, body) = loop {
                let count = stream.read_buf(&mut bytes).await.unwrap();
                assert!(count > 0, "the request broke off");
                let text = String::from_utf8(bytes.clone()).unwrap();
                let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
                if let Ok(json) = serde_json::from_str(body) {
                    break (head.to_owned(), json);
                }
            };
            stream.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}").await.unwrap();
            taken.push((head, body));
        }
        taken
    });
    (url, taken)
}

fn settings(url: &str) -> OtlpSettings {
    OtlpSettings {
        traces_url: Some(format!("{url}/v1/traces")),
        metrics_url: Some(format!("{url}/v1/metrics")),
        metrics_interval: Duration::from_secs(3600),
        headers: BTreeMap::from([("x-key".to_owned(), "hush".to_owned())]),
        service_name: "proxy".to_owned(),
    }
}

#[tokio::test]
async fn what_waits_is_posted_to_the_collector() {
    let (url, collector) = collector(1).await;
    let exporter = OtlpExporter::start(settings(&url)).unwrap();
    assert!(!format!("{exporter:?} {exporter:#?}").contains("hush"));
    exporter.sink().take(one());
    exporter.flush().await;
    let [(head, body)] = &collector.await.unwrap()[..] else { panic!() };
    assert!(head.starts_with("POST /v1/traces HTTP/1.1\r\n") && head.contains("x-key: hush"), "{head}");
    assert_eq!(body["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["spanId"], "00f067aa0ba902b7");
}

#[tokio::test]
async fn the_numbers_are_posted_at_the_end_and_every_interval() {
    for (interval, requests) in [(Duration::from_secs(3600), 1), (Duration::from_millis(1), 3)] {
        let (url, collector) = collector(requests).await;
        let server =
            crate::Server::bind(([127, 0, 0, 1], 0).into(), app(), crate::ServerOptions::default()).await.unwrap();
        let metrics = server.handle().app().lasting().metrics.clone();
        metrics.reloads.with(["taken"]).add(2);
        let exporter = OtlpExporter::start(OtlpSettings { metrics_interval: interval, ..settings(&url) }).unwrap();
        let exporter = exporter.with_metrics(server.handle());
        let taken = if requests == 1 {
            exporter.flush().await;
            collector.await.unwrap()
        } else {
            collector.await.unwrap()
        };
        assert!(metrics.gen_ai().is_some(), "they are kept from now on");
        let (head, body) = taken.last().unwrap();
        assert!(head.starts_with("POST /v1/metrics HTTP/1.1\r\n") && head.contains("x-key: hush"), "{head}");
        assert_eq!(body["resourceMetrics"][0]["resource"]["attributes"][0]["value"]["stringValue"], "proxy");
        let all = body["resourceMetrics"][0]["scopeMetrics"][0]["metrics"].as_array().unwrap();
        let named =
            |name: &str| all.iter().find(|metric| metric["name"] == name).unwrap_or_else(|| panic!("no {name}"));
        assert_eq!(named("sagewire.config_reloads")["sum"]["dataPoints"][0]["asInt"], "2");
        assert_eq!(named("sagewire.requests_in_flight")["gauge"]["dataPoints"][0]["asDouble"], 0.0);
    }
}

#[derive(Debug)]
struct Nobody;

#[async_trait::async_trait]
impl sagewire_types::Provider for Nobody {
    async fn chat(
        &self,
        request: sagewire_types::ChatRequest,
        _: &sagewire_types::CallContext,
    ) -> Result<sagewire_types::Reply<sagewire_types::ChatResponse>, sagewire_types::Error> {
        Err(sagewire_types::Error::new(sagewire_types::ErrorKind::NotFound, request.model))
    }

    async fn chat_stream(
        &self,
        request: sagewire_types::ChatRequest,
        _: &sagewire_types::CallContext,
    ) -> Result<sagewire_types::ChatStream, sagewire_types::Error> {
        Err(sagewire_types::Error::new(sagewire_types::ErrorKind::NotFound, request.model))
    }
}

fn app() -> crate::App {
    crate::App::builder().provider(std::sync::Arc::new(Nobody)).model(crate::ServedModel::new("m")).build().unwrap()
}

#[test]
fn the_numbers_have_otlps_form() {
    let metrics = crate::telemetry::Metrics::default();
    metrics.keep_gen_ai();
    metrics.requests.with(["chat", "m", "200"]).add(7);
    metrics.of_model("m").first_byte.observe(Duration::from_secs(1000));
    metrics.gen_ai().unwrap().ended(&crate::telemetry::metrics::Operation {
        name: "chat",
        model: "m",
        took: Duration::from_millis(30),
        first_token: None,
        error: None,
        tokens: Some((5, 17)),
    });
    let gauges = [crate::Gauge::new("sagewire_credentials_age_seconds", "Age.", 3.5).with_label("deployment", "d")];
    let (began, now) = (UNIX_EPOCH + Duration::from_secs(1), UNIX_EPOCH + Duration::from_secs(2));
    let body = metrics::request_body("proxy", &metrics.readings(&gauges), began, now);
    let all = body["resourceMetrics"][0]["scopeMetrics"][0]["metrics"].as_array().unwrap();
    let named = |name: &str| all.iter().find(|metric| metric["name"] == name).unwrap_or_else(|| panic!("no {name}"));
    let text = |name: &str, value: &str| json!({"key": name, "value": {"stringValue": value}});
    assert_eq!(
        named("sagewire.requests")["sum"],
        json!({"aggregationTemporality": 2, "isMonotonic": true, "dataPoints": [{
            "attributes": [text("route", "chat"), text("model", "m"), text("status", "200")],
            "startTimeUnixNano": "1000000000", "timeUnixNano": "2000000000", "asInt": "7",
        }]})
    );
    assert_eq!(
        *named("sagewire.credentials_age"),
        json!({"name": "sagewire.credentials_age", "description": "Age.", "unit": "s", "gauge": {"dataPoints": [
            {"attributes": [text("deployment", "d")], "timeUnixNano": "2000000000", "asDouble": 3.5},
        ]}})
    );
    let usage = named("gen_ai.client.token.usage");
    assert_eq!(usage["unit"], "{token}");
    let input = &usage["histogram"]["dataPoints"][0];
    assert_eq!(
        input["attributes"],
        json!([
            text("gen_ai.operation.name", "chat"),
            text("gen_ai.provider.name", "aws.sagemaker"),
            text("gen_ai.request.model", "m"),
            text("gen_ai.token.type", "input"),
        ])
    );
    assert_eq!((&input["count"], &input["sum"]), (&json!("1"), &json!(5.0)));
    let buckets = input["bucketCounts"].as_array().unwrap();
    assert_eq!((buckets.len(), &buckets[2]), (input["explicitBounds"].as_array().unwrap().len() + 1, &json!("1")));
    let duration = named("gen_ai.client.operation.duration");
    assert_eq!(duration["unit"], "s");
    let labels = duration["histogram"]["dataPoints"][0]["attributes"].as_array().unwrap();
    assert!(labels.iter().all(|label| label["key"] != "error.type"), "no failure, no error.type: {labels:?}");
    let late = &named("sagewire.time_to_first_byte")["histogram"]["dataPoints"][0]["bucketCounts"];
    assert_eq!(
        late.as_array().unwrap().last(),
        Some(&json!("1")),
        "what is above the last bound is in the last bucket"
    );
    assert!(all.iter().all(|metric| metric["name"] != "gen_ai.server.time_to_first_token"), "nothing was counted");
}
