use std::time::{SystemTime, UNIX_EPOCH};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use super::*;

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
        "OTEL_EXPORTER_OTLP_HEADERS" => Some("x-key=hush, x-other = b".to_owned()),
        _ => None,
    };
    assert_eq!(OtlpSettings::from_config(&config("{}"), &|_| None), None);
    let settings = OtlpSettings::from_config(&config("{}"), &env).unwrap();
    assert_eq!(settings.traces_url, "http://collector:4318/v1/traces");
    assert_eq!(settings.headers.len(), 2);
    assert!(!format!("{settings:?} {settings:#?}").contains("hush"));
    let own =
        OtlpSettings::from_config(&config("{endpoint: 'http://own', service_name: s, headers: {x-key: other}}"), &env)
            .unwrap();
    assert_eq!((own.traces_url.as_str(), own.service_name.as_str()), ("http://own/v1/traces", "s"));
    assert_eq!(own.headers["x-key"], "other");
}

#[tokio::test]
async fn what_waits_is_posted_to_the_collector() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let settings = OtlpSettings {
        traces_url: format!("http://{}/v1/traces", listener.local_addr().unwrap()),
        headers: BTreeMap::from([("x-key".to_owned(), "k".to_owned())]),
        service_name: "proxy".to_owned(),
    };
    let collector = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = String::new();
        let mut buffer = [0; 4096];
        while !request.contains("00f067aa0ba902b7") {
            let count = stream.read(&mut buffer).await.unwrap();
            assert!(count > 0, "the request broke off: {request}");
            request.push_str(std::str::from_utf8(&buffer[..count]).unwrap());
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").await.unwrap();
        request
    });
    let exporter = OtlpExporter::start(settings).unwrap();
    exporter.sink().take(one());
    exporter.flush().await;
    let request = collector.await.unwrap();
    assert!(request.starts_with("POST /v1/traces HTTP/1.1\r\n") && request.contains("x-key: k\r\n"), "{request}");
}
