//! A service or a gateway that repeats what it was sent: the call's secrets never reach errors or
//! request ids.

use std::sync::Arc;

use futures_util::StreamExt as _;
use http::{HeaderMap, HeaderName, HeaderValue};
use sagewire::{
    CallContext, Error, Provider, SageMaker, Settings,
    credentials::{Credentials, StaticCredentials},
};
use sagewire_emulator::Frame;
use sagewire_tests::{
    endpoint::{builder_for, question},
    replies::{tgi_reply, tgi_token},
    transport::{Answer, Piece, ScriptedTransport, part},
};
use serde_json::json;

const TOKEN: &str = "IQoJb3JpZ2luX2VjE/canary+of+the+session==";
const GATEWAY_KEY: &str = "gateway-key-canary";
const TENANT: &str = "tenant-canary-17";

fn provider(transport: Arc<ScriptedTransport>) -> SageMaker {
    let mut settings = Settings::default();
    settings.headers.custom_attributes = Some(format!("tenant={TENANT}"));
    settings.extra_headers =
        HeaderMap::from_iter([(HeaderName::from_static("x-gateway-key"), HeaderValue::from_static(GATEWAY_KEY))]);
    settings.max_attempts = Some(1);
    let credentials = Credentials::new("AKIDEXAMPLE", "wJalrXUtnFEMI/canary").with_session_token(TOKEN);
    builder_for("http://endpoint.invalid")
        .settings(settings)
        .credentials(StaticCredentials::new(credentials))
        .transport(transport)
        .build()
        .unwrap()
}

/// Everything that an error and its causes say.
fn told(error: &Error) -> String {
    let mut text = format!("{error} {error:?} {error:#?} {:?}", error.upstream());
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        text.push_str(&format!(" {inner} {inner:?}"));
        cause = inner.source();
    }
    text
}

#[tokio::test]
async fn errors_and_request_ids_do_not_repeat_secrets() {
    let echo = format!("you sent {TOKEN} and {GATEWAY_KEY} for {TENANT}");
    let model_error = json!({"Message": echo, "OriginalStatusCode": 400, "OriginalMessage": echo}).to_string();
    for answer in [
        Answer::error(400, "ValidationError", &echo),
        Answer::error(403, &echo, &echo),
        Answer::json(424, model_error).with_header("x-amzn-errortype", "ModelError"),
        Answer::json(500, echo.clone()),
        Answer::json(502, json!({ "error": echo }).to_string()),
        // A failure of the container in a whole answer.
        Answer::json(200, json!({ "error": echo, "error_type": "generation" }).to_string()),
    ] {
        let transport = ScriptedTransport::new([answer]);
        let error = provider(transport.clone()).chat(question("sagemaker/e"), &CallContext::new()).await.unwrap_err();
        let text = told(&error);
        for secret in [TOKEN, GATEWAY_KEY, TENANT] {
            assert!(!text.contains(secret), "{text}");
        }
        assert!(text.contains("[redacted]"), "{text}");
    }
}

#[tokio::test]
async fn an_exception_in_a_stream_does_not_repeat_secrets_and_an_answer_is_never_changed() {
    let echo = format!("{TOKEN} {GATEWAY_KEY}");
    let exception = Frame::exception("ModelStreamError", Some(&echo), &echo);
    let transport = ScriptedTransport::new([
        Answer::stream([part(tgi_token(TENANT)), Piece::Bytes(exception.encode())]),
        Answer::Reply(200, vec![("x-amzn-requestid", TOKEN.to_owned())], vec![Piece::Bytes(tgi_reply(&echo).into())]),
    ]);
    let provider = provider(transport);
    let mut stream = provider.chat_stream(question("sagemaker/e"), &CallContext::new()).await.unwrap();
    let first = stream.next().await.unwrap().unwrap();
    assert_eq!(first.content(), TENANT);
    let text = told(&stream.next().await.unwrap().unwrap_err());
    assert!(!text.contains(TOKEN) && !text.contains(GATEWAY_KEY) && text.contains("[redacted]"), "{text}");

    let reply = provider.chat(question("sagemaker/e"), &CallContext::new()).await.unwrap();
    assert_eq!(reply.value.content(), echo);
    assert_eq!(reply.meta.request_id.as_deref(), Some("[redacted]"));
}
