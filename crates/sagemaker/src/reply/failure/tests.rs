use http::HeaderValue;
use serde_json::json;

use super::*;

fn reply(status: u16, code: Option<&'static str>, body: impl Into<Bytes>) -> Error {
    let mut headers = HeaderMap::new();
    headers.insert("x-amzn-requestid", HeaderValue::from_static("request-1"));
    if let Some(code) = code {
        headers.insert("x-amzn-errortype", HeaderValue::from_static(code));
    }
    error(StatusCode::from_u16(status).unwrap(), &headers, body.into(), ErrorForm::Aws)
}

fn message(text: &str) -> Vec<u8> {
    json!({ "message": text }).to_string().into_bytes()
}

#[test]
fn each_of_awss_errors_has_its_kind_and_keeps_the_request_id() {
    use ErrorKind::*;
    let cases: &[(u16, Option<&'static str>, &str, ErrorKind, bool)] = &[
        (400, Some("ValidationError"), "Endpoint ep of account 123456789012 not found.", NotFound, false),
        (
            400,
            Some("ValidationError"),
            "Inference Component Name header is required for endpoints",
            InvalidRequest,
            false,
        ),
        (
            400,
            Some("ValidationError"),
            "Inference Component has no capacity to process this request. ApplicationAutoScaling may",
            ModelNotReady,
            true,
        ),
        (429, Some("ModelNotReadyException"), "Wait and try again", ModelNotReady, true),
        (400, Some("ThrottlingException:http://internal.amazon.com/coral/"), "Rate exceeded", Throttled, true),
        (429, None, "slow", Throttled, true),
        (
            403,
            Some("AccessDeniedException"),
            "User: arn:aws:iam::123456789012:user/u is not authorized",
            Permission,
            false,
        ),
        (
            403,
            Some("UnrecognizedClientException"),
            "The security token included in the request is invalid.",
            Authentication,
            false,
        ),
        (
            403,
            Some("ExpiredTokenException"),
            "The security token included in the request is expired",
            Authentication,
            false,
        ),
        (
            403,
            Some("InvalidSignatureException"),
            "The request signature we calculated does not match",
            Authentication,
            false,
        ),
        (500, Some("InternalFailure"), "x", ServiceFailed, true),
        (503, Some("ServiceUnavailable"), "x", ServiceFailed, true),
        (530, Some("InternalDependencyException"), "x", ServiceFailed, false),
        (404, Some("UnknownOperationException"), "", Configuration, false),
        (404, None, "", NotFound, false),
        (413, None, "", InvalidRequest, false),
        (502, None, "", ServiceFailed, true),
        (504, None, "", Timeout, true),
    ];
    for (status, code, text, kind, retryable) in cases {
        let error = reply(*status, *code, message(text));
        assert_eq!((error.kind(), error.is_retryable()), (*kind, *retryable), "{code:?} {text}: {error}");
        assert_eq!((error.status(), error.request_id()), (Some(*status), Some("request-1")));
        assert!(!error.to_string().contains("123456789012"), "{error}");
    }
}

#[test]
fn a_model_error_is_unwrapped_to_the_containers_own() {
    let body = json!({
        "Message": "Received client error (422) from primary with message \"{\"error\":\"x\"}\". See https://us-east-1.console.aws.amazon.com/cloudwatch in account 123456789012 for more information.",
        "OriginalStatusCode": 422,
        "OriginalMessage": "{\"error\":\"Input validation error: `inputs` tokens + `max_new_tokens` must be <= 2048. Given: 3000\",\"error_type\":\"validation\"}",
        "LogStreamArn": "arn:aws:logs:us-east-1:123456789012:log-group:x",
    });
    let error = reply(424, Some("ModelError"), body.to_string());
    assert_eq!(error.kind(), ErrorKind::ContextTooLong);
    assert!(error.to_string().contains("must be <= 2048. Given: 3000"), "{error}");
    let upstream = error.upstream().unwrap();
    assert_eq!(upstream.original_status, Some(422));
    assert!(upstream.log_stream_arn.as_deref().unwrap().starts_with("arn:aws:logs"));
}

#[test]
fn a_model_error_without_fields_is_read_from_its_text() {
    let cases: &[(&str, Option<u16>, Option<&str>, ErrorKind)] = &[
        (
            "Received server error (500) from primary with message \"boom \"quoted\" boom\". See https://c in account 1",
            Some(500),
            Some("boom \"quoted\" boom"),
            ErrorKind::ModelFailed,
        ),
        (
            "Received server error (0) from primary with message \"Your invocation timed out while waiting for a response from container primary.\"",
            Some(0),
            Some("Your invocation timed out while waiting for a response from container primary."),
            ErrorKind::Timeout,
        ),
        (
            "Received server error (503) from m-1 and could not load the entire response body",
            Some(503),
            None,
            ErrorKind::Overloaded,
        ),
        ("something new", None, None, ErrorKind::ModelFailed),
        (
            "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 2048. Given: 3000",
            None,
            None,
            ErrorKind::ContextTooLong,
        ),
    ];
    for (text, status, original, kind) in cases {
        let error = reply(424, Some("ModelError"), json!({ "Message": text }).to_string());
        let upstream = error.upstream().unwrap();
        assert_eq!(
            (upstream.original_status, upstream.original_message.as_deref(), error.kind()),
            (*status, *original, *kind),
            "{text}"
        );
    }
}

#[test]
fn what_stands_on_the_way_is_named() {
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_static("text/html; charset=utf-8"));
    let page = error(StatusCode::BAD_GATEWAY, &headers, Bytes::from_static(b"<html>"), ErrorForm::Aws);
    assert!(page.to_string().contains("HTTPS_PROXY"), "{page}");
    let redirect = reply(301, None, "");
    assert_eq!(redirect.kind(), ErrorKind::Configuration);
    let xml = reply(
        403,
        None,
        "<IncompleteSignatureException><Code>IncompleteSignature</Code><Message>m</Message></IncompleteSignatureException>",
    );
    assert_eq!(
        (xml.kind(), xml.upstream().unwrap().code.as_deref()),
        (ErrorKind::Authentication, Some("IncompleteSignature"))
    );
}

#[test]
fn a_container_behind_its_own_url_is_understood() {
    let error = reply(
        400,
        None,
        r#"{"error":{"message":"max_tokens=4000 cannot be greater than max_model_len=128","type":"BadRequestError","code":400}}"#,
    );
    assert_eq!(error.kind(), ErrorKind::ContextTooLong);
    assert_eq!(error.upstream().unwrap().original_status, Some(400));
}

#[test]
fn the_wait_that_the_service_asks_for_is_kept() {
    for (name, value, wait) in [
        ("x-amz-retry-after", "1500", 1500),
        ("retry-after", "2", 2000),
        ("retry-after", "18446744073709551615", 86_400_000),
    ] {
        let mut headers = HeaderMap::new();
        headers.insert(name, HeaderValue::from_static(value));
        let error = error(StatusCode::SERVICE_UNAVAILABLE, &headers, Bytes::new(), ErrorForm::Aws);
        assert_eq!(error.retry_after(), Some(Duration::from_millis(wait)));
    }
}

#[test]
fn skew_and_expiry_are_recognised_for_one_more_try() {
    let expired = reply(403, Some("ExpiredTokenException"), message("x"));
    assert!(expired_credentials(&expired) && !clock_skew(&expired));
    let skewed = reply(
        403,
        Some("InvalidSignatureException"),
        message("Signature expired: 20260115T000000Z is now earlier than 20260115T010000Z"),
    );
    assert!(clock_skew(&skewed) && !expired_credentials(&skewed));
    assert!(skewed.to_string().contains("clock"), "{skewed}");
}

#[test]
fn a_field_of_another_type_costs_no_other_field() {
    for (status, original_status) in [
        (json!("422"), Some(422)),
        (json!(422), Some(422)),
        (json!(-1), None),
        (json!(70_000), None),
        (json!("soon"), None),
        (json!({}), None),
    ] {
        let body = json!({"Message": "m", "OriginalStatusCode": status, "OriginalMessage": {"error": "no room"}});
        let error = reply(424, Some("ModelError"), body.to_string());
        let upstream = error.upstream().unwrap();
        assert_eq!(upstream.original_status, original_status);
        assert_eq!(upstream.original_message.as_deref(), Some(r#"{"error":"no room"}"#));
        assert!(error.to_string().contains("no room"), "{error}");
    }
}

#[test]
fn a_code_is_cut() {
    let body = json!({"__type": "x".repeat(60_000), "message": "m"}).to_string();
    assert_eq!(reply(400, None, body).upstream().unwrap().code.as_ref().unwrap().len(), meta::LONGEST_NAME);
}

#[test]
fn a_refused_signature_does_not_quote_the_request() {
    let said = "The request signature we calculated does not match the signature you provided. Consult the service documentation for details.";
    let quoted = format!(
        "{said}\n\nThe Canonical String for this request should have been\n'POST\n/endpoints/e/invocations\n\nx-amz-security-token:the-token\n'"
    );
    let error = reply(403, Some("InvalidSignatureException"), message(&quoted));
    let upstream = error.upstream().unwrap();
    assert_eq!(upstream.message.as_deref(), Some(said));
    assert!(!format!("{error:?} {error:#?}").contains("the-token"));
}

#[test]
fn what_fastapi_says_is_the_reason_and_names_the_parameter() {
    let detail =
        r#"{"detail":[{"type":"x","loc":["body","max_tokens"],"msg":"Input should be at least 0","input":-2}]}"#;
    let wrapped = json!({"OriginalStatusCode": 422, "OriginalMessage": detail, "Message": "x"}).to_string();
    for error in [reply(422, None, detail), reply(424, Some("ModelError"), wrapped)] {
        assert_eq!((error.kind(), error.param()), (ErrorKind::InvalidRequest, Some("max_tokens")), "{error}");
        assert!(error.message().ends_with("max_tokens: Input should be at least 0"), "{error}");
        assert_eq!(error.upstream().unwrap().reason.as_deref(), Some("max_tokens: Input should be at least 0"));
    }
    let not_found = json!({"OriginalStatusCode": 404, "OriginalMessage": r#"{"detail":"Not Found"}"#}).to_string();
    let error = reply(424, Some("ModelError"), not_found);
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(!error.message().contains("failed") && error.message().ends_with("Not Found"), "{error}");
}

#[test]
fn words_in_no_known_form_are_no_reason() {
    let body = json!({"OriginalStatusCode": 500, "OriginalMessage": "Traceback: x"}).to_string();
    let error = reply(424, Some("ModelError"), body);
    let upstream = error.upstream().unwrap();
    assert_eq!((upstream.reason.as_deref(), upstream.original_message.as_deref()), (None, Some("Traceback: x")));
}
