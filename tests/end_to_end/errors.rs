//! Every error that the service can answer becomes the right kind, with AWS's request id, the
//! container's own status and message, and a sentence without account ids.

use sagewire::{Error, ErrorKind};
use sagewire_emulator::{AwsError, Scripted};
use sagewire_tests::endpoint::{client_with, question, sentences, start, stream, tries};

/// An error as AWS answers it, and what a caller gets.
struct Case {
    error: AwsError,
    kind: ErrorKind,
    retryable: bool,
    /// A part of the sentence that says what to do.
    says: &'static str,
}

fn case(error: AwsError, kind: ErrorKind, retryable: bool, says: &'static str) -> Case {
    Case { error, kind, retryable, says }
}

fn cases() -> Vec<Case> {
    use ErrorKind::{
        Authentication, Configuration, ContextTooLong, InvalidRequest, ModelFailed, ModelNotReady, NotFound,
        Overloaded, Permission, ServiceFailed, Throttled, Timeout,
    };
    let too_long = r#"{"error":"Input validation error: `inputs` tokens + `max_new_tokens` must be <= 2048. Given: 3000","error_type":"validation"}"#;
    let vllm = r#"{"error":{"message":"This model's maximum context length is 128 tokens.","type":"BadRequestError","param":null,"code":400}}"#;
    let scaled_to_zero =
        "Inference Component has no capacity to process this request. ApplicationAutoScaling may be in-progress";
    vec![
        case(
            AwsError::validation("1 validation error detected: body"),
            InvalidRequest,
            false,
            "AWS cannot take the request",
        ),
        case(
            AwsError::validation("Endpoint cut of account 123456789012 not found."),
            NotFound,
            false,
            "check the endpoint's name",
        ),
        case(
            AwsError::validation("Inference Component Name header is required for endpoints to which you plan"),
            InvalidRequest,
            false,
            "model_id",
        ),
        case(AwsError::validation(scaled_to_zero), ModelNotReady, true, "scaled to zero"),
        case(AwsError::model_not_ready(), ModelNotReady, true, "still being loaded"),
        case(AwsError::internal_failure(), ServiceFailed, true, "ask again"),
        case(AwsError::service_unavailable(), ServiceFailed, true, "ask again"),
        case(AwsError::internal_dependency(), ServiceFailed, false, "depends on"),
        case(AwsError::throttling(), Throttled, true, "more slowly"),
        case(AwsError::throttling().with_status(429), Throttled, true, "more slowly"),
        case(
            AwsError::access_denied("User: arn:aws:iam::123456789012:user/u is not authorized"),
            Permission,
            false,
            "sagemaker:InvokeEndpoint",
        ),
        case(AwsError::opt_in_required(), Permission, false, "sagemaker:InvokeEndpoint"),
        case(AwsError::unrecognized_client(), Authentication, false, "check access key"),
        case(AwsError::missing_authentication_token(), Authentication, false, "check access key"),
        case(AwsError::incomplete_signature("x"), Authentication, false, "check access key"),
        case(AwsError::signature_mismatch(), Authentication, false, "secret access key"),
        case(AwsError::unknown_operation(), Configuration, false, "endpoint URL"),
        case(AwsError::body_too_large(1), InvalidRequest, false, "too large"),
        case(AwsError::model_error(400, "bad"), InvalidRequest, false, "refuses the request with the status 400: bad"),
        case(AwsError::model_error(422, too_long), ContextTooLong, false, "shorten"),
        case(AwsError::model_error(400, vllm), ContextTooLong, false, "shorten"),
        case(AwsError::model_error(429, "busy"), Overloaded, true, "takes no more work"),
        case(AwsError::model_error(503, "busy"), Overloaded, true, "takes no more work"),
        case(AwsError::model_error(500, "CUDA out of memory"), ModelFailed, false, "CUDA out of memory"),
        case(AwsError::model_error(0, "Your invocation timed out"), Timeout, false, "60 seconds"),
        case(AwsError::modelled("SomethingNew", 418, "new"), InvalidRequest, false, "SomethingNew"),
        case(AwsError::modelled("SomethingNew", 599, "new"), ServiceFailed, true, "SomethingNew"),
    ]
}

fn check(case: &Case, error: &Error, request_id: &str) {
    let what = format!("{} {:?}: {error:?}", case.error.code(), case.error.message());
    assert_eq!((error.kind(), error.is_retryable()), (case.kind, case.retryable), "{what}");
    assert_eq!((error.status(), error.request_id()), (Some(case.error.status()), Some(request_id)), "{what}");
    assert_eq!(error.attempts(), 1, "{what}");
    assert!(error.to_string().contains(case.says), "{what}");
    for sentence in sentences(error) {
        for hidden in ["123456789012", "arn:aws", "console.aws"] {
            assert!(!sentence.contains(hidden), "{what}");
        }
    }
}

#[tokio::test]
async fn every_error_of_a_whole_reply_and_of_a_stream_is_understood() {
    let emulator = start().await;
    let client = client_with(&emulator, tries(1));
    for case in cases() {
        for model in ["sagemaker/cut", "sagemaker_chat/cut"] {
            emulator.enqueue("cut", Scripted::error(case.error.clone()));
            let whole = client.chat(question(model)).await.unwrap_err();
            check(&case, &whole, &emulator.received().last().unwrap().request_id);
            emulator.enqueue("cut", Scripted::error(case.error.clone()));
            let streamed = stream(&client, question(model)).await;
            assert!(streamed.chunks.is_empty());
            check(&case, &streamed.error.unwrap(), &emulator.received().last().unwrap().request_id);
        }
    }
}

#[tokio::test]
async fn a_containers_failure_keeps_its_own_status_message_and_log() {
    let emulator = start().await;
    let client = client_with(&emulator, tries(1));
    let failure = AwsError::model_error(507, "no \"space\" left")
        .with_log_stream_arn("arn:aws:logs:us-east-1:123456789012:log-group:x");
    emulator.enqueue("tgi", Scripted::error(failure));
    let error = client.chat(question("sagemaker/tgi")).await.unwrap_err();
    let upstream = error.upstream().unwrap();
    assert_eq!((upstream.status, upstream.code.as_deref()), (Some(424), Some("ModelError")));
    assert_eq!(
        (upstream.original_status, upstream.original_message.as_deref()),
        (Some(507), Some("no \"space\" left"))
    );
    assert_eq!(upstream.log_stream_arn.as_deref(), Some("arn:aws:logs:us-east-1:123456789012:log-group:x"));
    assert!(upstream.message.as_deref().unwrap().contains("account 123456789012"), "the operator sees all of it");
}

#[tokio::test]
async fn an_endpoint_that_does_not_exist_is_not_found() {
    let emulator = start().await;
    let error = client_with(&emulator, tries(3)).chat(question("sagemaker/nowhere")).await.unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::NotFound, 1));
}

#[tokio::test]
async fn a_containers_own_refusal_is_told_from_a_failure() {
    let emulator = start().await;
    let client = client_with(&emulator, tries(1));
    for model in ["sagemaker/tgi", "sagemaker_chat/messages"] {
        let error = client.chat(question(model).with_max_tokens(10_000_000)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ContextTooLong, "{model}: {error}");
        let streamed = stream(&client, question(model).with_max_tokens(10_000_000)).await;
        assert_eq!(streamed.error.unwrap().kind(), ErrorKind::ContextTooLong, "{model}");
    }
}

#[tokio::test]
async fn what_stands_on_the_way_is_named() {
    let emulator = start().await;
    let client = client_with(&emulator, tries(1));
    let cases = [
        (Scripted::reply(502, "text/html", "<html>Bad Gateway</html>"), ErrorKind::Connection, "HTTPS_PROXY"),
        (Scripted::reply(404, "text/html", "<html>Not here</html>"), ErrorKind::Configuration, "endpoint URL"),
        (
            Scripted::reply(301, "text/plain", "").header("location", "https://elsewhere"),
            ErrorKind::Configuration,
            "redirects",
        ),
        (Scripted::reply(407, "text/plain", ""), ErrorKind::Connection, "407"),
        (Scripted::reply(504, "text/plain", ""), ErrorKind::Timeout, "504"),
    ];
    for (script, kind, says) in cases {
        emulator.enqueue("tgi", script);
        let error = client.chat(question("sagemaker/tgi")).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains(says), "{error}");
    }
}
