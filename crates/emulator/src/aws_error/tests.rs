use super::*;

const HERE: Place<'_> = Place { region: "eu-west-1", endpoint: "llama", container: "primary" };

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
