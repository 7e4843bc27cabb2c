//! A container's own routes, passed on with everything that other calls have.

use bytes::Bytes;
use futures_util::StreamExt as _;
use sagewire::{CallContext, ErrorKind, ForwardRequest, Provider, Settings, TraceContext};
use sagewire_tests::{
    endpoint::builder_for,
    transport::{Answer, Piece, ScriptedTransport, part},
};

const ATTRIBUTES: &str = "x-amzn-sagemaker-custom-attributes";

fn rerank(body: &'static str) -> ForwardRequest {
    ForwardRequest::new("sagemaker_chat/e", "/v1/rerank", body)
}

fn header(transport: &ScriptedTransport, name: &str) -> Vec<Option<String>> {
    transport.each(|sent| sent.request.headers().get(name).map(|value| value.to_str().unwrap().to_owned()))
}

#[tokio::test(start_paused = true)]
async fn a_body_and_its_answer_are_passed_on_as_they_are() {
    let busy = Answer::error(503, "ServiceUnavailable", "busy");
    let transport = ScriptedTransport::new([busy, Answer::json(200, "{ \"results\": [] }")]);
    let mut settings = Settings::default();
    settings.headers.custom_attributes = Some("accept_eula=true".to_owned());
    settings.forward_trace = Some(true);
    let sagemaker =
        builder_for("http://endpoint.invalid").settings(settings).transport(transport.clone()).build().unwrap();
    let trace = TraceContext { traceparent: format!("00-{:032}-{:016}-01", 7, 7), tracestate: None };
    let context = CallContext::new().with_trace(trace.clone());
    let request = rerank("{ \"query\":\"q\" }").with_accept("application/json");
    let reply = sagemaker.forward(request, &context).await.unwrap();
    assert_eq!(reply.value.bytes, "{ \"results\": [] }");
    assert_eq!((reply.meta.attempts, reply.meta.content_type.as_deref()), (2, Some("application/json")));
    assert_eq!(transport.each(|sent| sent.request.body().clone()), ["{ \"query\":\"q\" }"; 2]);
    let attributes = format!("route=/v1/rerank,accept_eula=true,traceparent={}", trace.traceparent);
    assert_eq!(header(&transport, ATTRIBUTES), [Some(attributes.clone()), Some(attributes)]);
    assert_eq!(header(&transport, "accept")[0].as_deref(), Some("application/json"));
    let signed = header(&transport, "authorization")[0].clone().unwrap();
    assert!(signed.contains(ATTRIBUTES), "the route is signed: {signed}");
}

#[tokio::test]
async fn a_stream_is_passed_on_piece_by_piece() {
    let pieces = ["event: response.created\n", "data: {}\n\n"];
    let answer = Answer::stream(pieces.map(part)).with_header("x-amzn-sagemaker-content-type", "text/event-stream");
    let transport = ScriptedTransport::new([answer, Answer::stream([part("begun"), Piece::Break])]);
    let sagemaker = builder_for("http://endpoint.invalid").transport(transport.clone()).build().unwrap();
    let request = ForwardRequest::new("sagemaker/e", "/v1/responses", "{}").with_content_type("text/plain");
    let stream = sagemaker.forward_stream(request.clone(), &CallContext::new()).await.unwrap();
    assert_eq!(stream.meta.content_type.as_deref(), Some("text/event-stream"));
    let came: Vec<Bytes> = stream.map(|piece| piece.unwrap().bytes).collect().await;
    assert_eq!(came, pieces);
    assert_eq!(header(&transport, "content-type")[0].as_deref(), Some("text/plain"));
    // A connection that breaks is an error here, too.
    let mut broken = sagemaker.forward_stream(request, &CallContext::new()).await.unwrap();
    assert_eq!(broken.next().await.unwrap().unwrap().bytes, "begun");
    assert_eq!(broken.next().await.unwrap().unwrap_err().kind(), ErrorKind::StreamBroken);
}

#[tokio::test]
async fn a_route_that_is_none_of_inference_is_refused_before_anything_is_sent() {
    let transport = ScriptedTransport::new([Answer::json(200, "{}")]);
    let sagemaker = builder_for("http://endpoint.invalid").transport(transport.clone()).build().unwrap();
    for path in ["/metrics", "/v1/load_lora_adapter", "/v1/rerank,tenant=x", "v1/rerank"] {
        let request = ForwardRequest::new("sagemaker/e", path, "{}");
        let error = sagemaker.forward(request, &CallContext::new()).await.unwrap_err();
        assert_eq!((error.kind(), error.param()), (ErrorKind::Unsupported, Some("path")), "{path}");
    }
    assert_eq!(transport.count(), 0);
    // The operator may list further ones.
    let sagemaker = builder_for("http://endpoint.invalid")
        .settings(Settings::default().with_further_routes(["/v1/guided".to_owned()]))
        .transport(transport.clone())
        .build()
        .unwrap();
    let forwarded = |path: &str| ForwardRequest::new("sagemaker/e", path, "{}");
    let error = sagemaker.forward(forwarded("/v1/other"), &CallContext::new()).await.unwrap_err();
    assert!(error.message().contains("further_routes"), "{error}");
    sagemaker.forward(forwarded("/v1/guided"), &CallContext::new()).await.unwrap();
    assert_eq!(header(&transport, ATTRIBUTES), [Some("route=/v1/guided".to_owned())]);
}
