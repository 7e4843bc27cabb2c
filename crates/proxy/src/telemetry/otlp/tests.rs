use std::{
    collections::BTreeMap,
    convert::Infallible,
    time::{Duration, UNIX_EPOCH},
};

use http_body_util::{BodyExt, StreamBody, combinators::BoxBody};
use hyper::body::{Frame, Incoming};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use opentelemetry_proto::tonic::{
    collector::{metrics::v1::ExportMetricsServiceRequest, trace::v1::ExportTraceServiceRequest},
    common::v1::{KeyValue as ProtoKeyValue, any_value},
    metrics::v1::{Metric, metric::Data, number_data_point},
    trace::v1::Span as ProtoSpan,
};
use prost::Message;
use tokio::{net::TcpListener, sync::mpsc};

use super::*;
use crate::telemetry::{Span, SpanKind, metrics::Operation};

const PATH_OF_TRACES: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

/// What a collector was sent.
#[derive(Debug)]
struct Received {
    path: String,
    headers: HeaderMap,
    body: Bytes,
}

/// A collector for both protocols, and what it receives.
async fn collector() -> (String, mpsc::UnboundedReceiver<Received>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (sender, receiver) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let sender = sender.clone();
            tokio::spawn(async move {
                let service = hyper::service::service_fn(move |request| answer(request, sender.clone()));
                let _ = auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    (url, receiver)
}

async fn answer(
    request: Request<Incoming>,
    sender: mpsc::UnboundedSender<Received>,
) -> Result<Response<BoxBody<Bytes, Infallible>>, Infallible> {
    let (parts, body) = request.into_parts();
    let mut body = body.collect().await.unwrap().to_bytes();
    let is_grpc = parts.headers["content-type"] == "application/grpc";
    if is_grpc {
        // A message has a flag for its compression and four bytes for its length before it.
        body = body.slice(5..);
    }
    let _ = sender.send(Received { path: parts.uri.path().to_owned(), headers: parts.headers, body });
    // An empty message says that everything was taken.
    let frames = if is_grpc {
        let trailers = HeaderMap::from_iter([("grpc-status".parse().unwrap(), http::HeaderValue::from_static("0"))]);
        vec![Frame::data(Bytes::from_static(&[0; 5])), Frame::trailers(trailers)]
    } else {
        Vec::new()
    };
    let body = StreamBody::new(futures_util::stream::iter(frames.into_iter().map(Ok))).boxed();
    let kind = if is_grpc { "application/grpc" } else { "application/x-protobuf" };
    Ok(Response::builder().header("content-type", kind).body(body).unwrap())
}

fn settings(url: &str, protocol: OtlpProtocol) -> OtlpSettings {
    let collector = |path: &str| {
        let url = if protocol == OtlpProtocol::Http { format!("{url}{path}") } else { url.to_owned() };
        Some(OtlpCollector { url, protocol, timeout: Duration::from_secs(60) })
    };
    OtlpSettings {
        traces: collector("/v1/traces"),
        metrics: collector("/v1/metrics"),
        metrics_interval: Some(Duration::from_secs(3600)),
        headers: BTreeMap::from([("x-key".to_owned(), "hush".to_owned())]),
        service_name: Some("proxy".to_owned()),
    }
}

fn span() -> Span {
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

/// Attributes as `name=value`, sorted.
fn texts(attributes: &[ProtoKeyValue]) -> Vec<String> {
    let text = |attribute: &ProtoKeyValue| {
        let value = match attribute.value.clone().unwrap().value.unwrap() {
            any_value::Value::StringValue(text) => text,
            any_value::Value::IntValue(number) => number.to_string(),
            any_value::Value::BoolValue(flag) => flag.to_string(),
            other => panic!("{other:?}"),
        };
        format!("{}={value}", attribute.key)
    };
    let mut texts: Vec<_> = attributes.iter().map(text).collect();
    texts.sort();
    texts
}

fn the_span(body: Bytes) -> (Vec<String>, ProtoSpan) {
    let mut request = ExportTraceServiceRequest::decode(body).unwrap();
    let mut resource = request.resource_spans.pop().unwrap();
    let mut scope = resource.scope_spans.pop().unwrap();
    (texts(&resource.resource.unwrap().attributes), scope.spans.pop().unwrap())
}

#[tokio::test]
async fn spans_arrive_by_http_and_by_grpc() {
    for (protocol, path) in [(OtlpProtocol::Http, "/v1/traces"), (OtlpProtocol::Grpc, PATH_OF_TRACES)] {
        let (url, mut collector) = collector().await;
        let exporter = OtlpExporter::start(settings(&url, protocol)).unwrap();
        assert!(!format!("{exporter:?} {exporter:#?}").contains("hush"));
        exporter.sink().unwrap().take(span());
        exporter.flush().await;
        let received = collector.recv().await.unwrap();
        assert_eq!((received.path.as_str(), &received.headers["x-key"]), (path, &"hush".parse().unwrap()));
        let (resource, span) = the_span(received.body);
        assert!(resource.contains(&"service.name=proxy".to_owned()), "{resource:?}");
        assert_eq!(span.name, "chat m");
        assert_eq!(span.trace_id, 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736_u128.to_be_bytes());
        assert_eq!(span.span_id, 0x00f0_67aa_0ba9_02b7_u64.to_be_bytes());
        assert_eq!(span.parent_span_id, 0x00f0_67aa_0ba9_02b8_u64.to_be_bytes());
        assert_eq!((span.start_time_unix_nano, span.end_time_unix_nano), (1_000_000_000, 1_500_000_000));
        assert_eq!(texts(&span.attributes), ["gen_ai.usage.input_tokens=3", "sagewire.stream=true"]);
        assert_eq!(span.status.unwrap().message, "model_failed");
    }
}

#[tokio::test]
async fn a_collector_that_is_away_keeps_nothing_waiting() {
    let mut settings = settings("http://127.0.0.1:9", OtlpProtocol::Http);
    settings.traces.as_mut().unwrap().timeout = Duration::from_millis(1);
    let exporter = OtlpExporter::start(settings).unwrap();
    let sink = exporter.sink().unwrap();
    for _ in 0..10_000 {
        sink.take(span());
    }
    exporter.flush().await;
}

#[derive(Debug)]
struct Nobody;

#[async_trait]
impl sagewire_types::Provider for Nobody {
    async fn call(
        &self,
        call: sagewire_types::Call,
        _: &sagewire_types::CallContext,
    ) -> Result<sagewire_types::Answer, sagewire_types::Error> {
        Err(sagewire_types::Error::new(sagewire_types::ErrorKind::NotFound, call.model()))
    }
}

fn app() -> crate::App {
    crate::App::builder().provider(Arc::new(Nobody)).model(crate::ServedModel::new("m")).build().unwrap()
}

/// The last metrics that a server with these recordings sends.
async fn metrics_sent(record: impl FnOnce(&crate::telemetry::Metrics)) -> Vec<Metric> {
    let (url, mut collector) = collector().await;
    let server = crate::Server::bind(([127, 0, 0, 1], 0).into(), app(), crate::ServerOptions::default()).await.unwrap();
    let metrics = Arc::clone(&server.handle().app().lasting().metrics);
    let exporter = OtlpExporter::start(settings(&url, OtlpProtocol::Http)).unwrap();
    let exporter = exporter.with_metrics(server.handle()).unwrap();
    record(&metrics);
    exporter.flush().await;
    let received = collector.recv().await.unwrap();
    assert_eq!((received.path.as_str(), &received.headers["x-key"]), ("/v1/metrics", &"hush".parse().unwrap()));
    let request = ExportMetricsServiceRequest::decode(received.body).unwrap();
    let scopes = request.resource_metrics.into_iter().flat_map(|resource| resource.scope_metrics);
    scopes.flat_map(|scope| scope.metrics).collect()
}

fn named<'a>(all: &'a [Metric], name: &str) -> &'a Metric {
    all.iter().find(|metric| metric.name == name).unwrap_or_else(|| panic!("no {name} in {all:?}"))
}

/// Each point's attributes, count and sum.
fn points(metric: &Metric) -> Vec<(Vec<String>, u64, f64)> {
    let Some(Data::Histogram(histogram)) = &metric.data else { panic!("{metric:?}") };
    let point = histogram.data_points.iter();
    point.map(|point| (texts(&point.attributes), point.count, point.sum.unwrap())).collect()
}

#[tokio::test]
async fn counters_gauges_and_histograms_arrive_under_dotted_names() {
    let all = metrics_sent(|metrics| {
        metrics.requests.add(["chat", "m", "200", ""], 7);
        metrics.upstream.add(["m", "timeout", ""], 1);
        metrics.of_model("m").first_byte.observe(Duration::from_secs(1000));
    })
    .await;
    let Some(Data::Sum(requests)) = &named(&all, "sagewire.requests").data else { panic!() };
    let [point] = &requests.data_points[..] else { panic!("{requests:?}") };
    assert_eq!(texts(&point.attributes), ["model=m", "route=chat", "status=200"]);
    assert_eq!((requests.is_monotonic, point.value), (true, Some(number_data_point::Value::AsInt(7))));
    let Some(Data::Sum(failures)) = &named(&all, "sagewire.upstream_errors").data else { panic!() };
    assert!(failures.data_points.iter().any(|point| texts(&point.attributes) == ["kind=timeout", "model=m"]));
    let Some(Data::Gauge(in_flight)) = &named(&all, "sagewire.requests_in_flight").data else { panic!() };
    assert_eq!(in_flight.data_points[0].value, Some(number_data_point::Value::AsDouble(0.0)));
    let late = named(&all, "sagewire.time_to_first_byte");
    assert_eq!((late.unit.as_str(), points(late)), ("s", vec![(vec!["model=m".to_owned()], 1, 1000.0)]));
    assert!(all.iter().all(|metric| metric.name != "gen_ai.server.time_to_first_token"), "nothing was counted");
}

#[tokio::test]
async fn operations_are_counted_under_the_names_of_the_conventions() {
    let stream = Operation {
        name: "chat",
        model: "m",
        took: Duration::from_secs(5),
        first_token: Some(Duration::from_secs(1)),
        error: None,
        tokens: Some((7, 5)),
    };
    let all = metrics_sent(|metrics| {
        let gen_ai = metrics.gen_ai().unwrap();
        gen_ai.ended(&stream);
        gen_ai.ended(&Operation { error: Some("timeout"), tokens: None, ..stream });
        gen_ai.ended(&Operation { name: "embeddings", first_token: None, tokens: Some((9, 0)), ..stream });
    })
    .await;
    let attributes = |operation: &str, more: &[&str]| {
        let mut all = vec![
            format!("gen_ai.operation.name={operation}"),
            "gen_ai.provider.name=aws.sagemaker".to_owned(),
            "gen_ai.request.model=m".to_owned(),
        ];
        all.extend(more.iter().map(|text| (*text).to_owned()));
        all.sort();
        all
    };
    let duration = points(named(&all, "gen_ai.client.operation.duration"));
    assert_eq!(duration.len(), 3);
    assert!(duration.contains(&(attributes("chat", &["error.type=timeout"]), 1, 5.0)), "{duration:?}");
    assert!(duration.contains(&(attributes("chat", &[]), 1, 5.0)), "{duration:?}");
    let tokens = named(&all, "gen_ai.client.token.usage");
    assert_eq!(tokens.unit, "{token}");
    let tokens = points(tokens);
    assert_eq!(tokens.len(), 3, "embeddings have no tokens of their own: {tokens:?}");
    assert!(tokens.contains(&(attributes("chat", &["gen_ai.token.type=output"]), 1, 5.0)), "{tokens:?}");
    assert!(tokens.contains(&(attributes("embeddings", &["gen_ai.token.type=input"]), 1, 9.0)), "{tokens:?}");
    let first_token = points(named(&all, "gen_ai.server.time_to_first_token"));
    assert_eq!(first_token, [(attributes("chat", &[]), 1, 1.0)], "failures have no first token");
    let per_token = points(named(&all, "gen_ai.server.time_per_output_token"));
    assert_eq!(per_token, [(attributes("chat", &[]), 1, 1.0)]);
}
