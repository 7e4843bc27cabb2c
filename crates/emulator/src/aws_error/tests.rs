use super::*;
use serde_json::{Value, json};

const CORAL: &str = "http://internal.amazon.com/coral/com.amazon.coral.service/";

const HERE: Place<'_> = Place {
    protocol: Protocol::RestJson,
    request_id: "id-1",
    region: "eu-west-1",
    endpoint: "llama",
    container: "primary",
};

fn wired(error: &AwsError) -> (u16, Option<String>, String) {
    let (status, headers, body) = error.wire(&HERE);
    let error_type = headers.get("x-amzn-errortype").map(|value| value.to_str().unwrap().to_owned());
    (status.as_u16(), error_type, String::from_utf8(body.to_vec()).unwrap())
}

#[test]
fn each_has_its_status_code_and_key() {
    let cases = [
        (AwsError::validation("no"), 400, "ValidationError", "Message"),
        (AwsError::model_not_ready(), 429, "ModelNotReadyException", "Message"),
        (AwsError::internal_failure(), 500, "InternalFailure", "Message"),
        (AwsError::service_unavailable(), 503, "ServiceUnavailable", "Message"),
        (AwsError::internal_dependency(), 530, "InternalDependencyException", "Message"),
        (AwsError::throttling(), 400, "ThrottlingException:", "message"),
        (AwsError::throttling().with_status(429), 429, "ThrottlingException:", "message"),
        (AwsError::access_denied("no"), 403, "AccessDeniedException:", "message"),
        (AwsError::expired_token(), 403, "ExpiredTokenException:", "message"),
        (AwsError::unrecognized_client(), 403, "UnrecognizedClientException:", "message"),
        (AwsError::signature_mismatch(), 403, "InvalidSignatureException:", "message"),
        (AwsError::missing_authentication_token(), 403, "MissingAuthenticationTokenException:", "message"),
        (AwsError::incomplete_signature("no"), 403, "IncompleteSignatureException:", "message"),
        (AwsError::opt_in_required(), 403, "OptInRequired:", "message"),
    ];
    for (error, status, code, key) in cases {
        let (got, error_type, body) = wired(&error);
        assert_eq!(got, status, "{error:?}");
        let error_type = error_type.unwrap();
        match code.strip_suffix(':') {
            Some(code) => assert_eq!(error_type, format!("{code}:{CORAL}")),
            None => assert_eq!(error_type, code),
        }
        let body: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(body[key].as_str(), error.message(), "{error:?}");
        assert_eq!(body.as_object().unwrap().len(), 1);
    }
}

#[test]
fn a_model_error_names_the_container_and_its_logs() {
    let (status, error_type, body) = wired(&AwsError::model_error(400, "bad \"input\""));
    assert_eq!((status, error_type.as_deref()), (424, Some("ModelError")));
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(body["OriginalStatusCode"], 400);
    assert_eq!(body["OriginalMessage"], "bad \"input\"");
    assert_eq!(body["ErrorCode"], "CLIENT_ERROR_FROM_MODEL");
    assert_eq!(body["LogStreamArn"], "arn:aws:logs:eu-west-1:123456789012:log-group:/aws/sagemaker/Endpoints/llama");
    assert_eq!(
        body["Message"],
        "Received client error (400) from primary with message \"bad \"input\"\". See \
         https://eu-west-1.console.aws.amazon.com/cloudwatch/home?region=eu-west-1#logEventViewer:group=/aws/sagemaker/Endpoints/llama \
         in account 123456789012 for more information."
    );
    let (_, _, body) = wired(&AwsError::model_error(503, "").with_log_stream_arn("arn:mine").with_message("mine"));
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((&body["LogStreamArn"], &body["Message"]), (&json!("arn:mine"), &json!("mine")));
    assert_eq!(body["ErrorCode"], "INTERNAL_FAILURE_FROM_MODEL");
}

#[test]
fn the_two_odd_ones_keep_their_form() {
    let (status, error_type, body) = wired(&AwsError::unknown_operation());
    assert_eq!((status, body.as_str()), (404, "<UnknownOperationException/>\n"));
    assert!(error_type.unwrap().starts_with("UnknownOperationException:"));
    let (status, error_type, body) = wired(&AwsError::body_too_large(5));
    assert_eq!(
        (status, error_type, body.as_str()),
        (413, None, r#"{"message":"HTTP content length exceeded 5 bytes."}"#)
    );
}

#[test]
fn retry_after_is_in_milliseconds() {
    let (_, headers, _) = AwsError::throttling().with_retry_after_ms(1500).wire(&HERE);
    assert_eq!(headers["x-amz-retry-after"], "1500");
}

fn written(protocol: Protocol, error: &AwsError) -> (String, String) {
    let (_, headers, body) = error.wire(&Place { protocol, ..HERE });
    (headers["content-type"].to_str().unwrap().to_owned(), String::from_utf8(body.to_vec()).unwrap())
}

#[test]
fn each_service_has_its_own_form() {
    assert_eq!(
        written(Protocol::Query, &AwsError::access_denied("<no>")),
        (
            "text/xml".to_owned(),
            "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type><Code>AccessDenied</Code>\
             <Message>&lt;no&gt;</Message></Error><RequestId>id-1</RequestId></ErrorResponse>\n"
                .to_owned()
        )
    );
    let codes = [
        (AwsError::signature_mismatch(), "SignatureDoesNotMatch"),
        (AwsError::unrecognized_client(), "InvalidClientTokenId"),
        (AwsError::expired_token(), "ExpiredToken"),
        (AwsError::expired_token().with_status(400), "ExpiredTokenException"),
        (AwsError::missing_authentication_token(), "MissingAuthenticationToken"),
        (AwsError::incomplete_signature(""), "IncompleteSignature"),
        (AwsError::throttling(), "Throttling"),
        (AwsError::validation(""), "ValidationError"),
    ];
    for (error, code) in codes {
        assert!(written(Protocol::Query, &error).1.contains(&format!("<Code>{code}</Code>")), "{error:?}");
    }
    let grant = AwsError::front_door("InvalidGrantException", 400, "no");
    assert_eq!(written(Protocol::OAuth, &grant).1, r#"{"error":"invalid_grant","error_description":"no"}"#);
    assert_eq!(written(Protocol::ContainerCredentials, &grant).1, r#"{"code":"InvalidGrantException","message":"no"}"#);
    let (content_type, page) = written(Protocol::InstanceMetadata, &AwsError::front_door("Unauthorized", 401, ""));
    assert!(content_type == "text/html" && page.contains("401 - Unauthorized"), "{page}");
}
