use sagewire_types::Upstream;

use super::*;

/// Every kind there is, with what a caller gets.
const TABLE: &[(ErrorKind, u16, &str, Option<&str>)] = &[
    (ErrorKind::InvalidRequest, 400, "invalid_request_error", None),
    (ErrorKind::Unsupported, 400, "invalid_request_error", Some("unsupported_parameter")),
    (ErrorKind::ContextTooLong, 400, "invalid_request_error", Some("context_length_exceeded")),
    (ErrorKind::Configuration, 500, "server_error", Some("proxy_misconfigured")),
    (ErrorKind::Authentication, 502, "server_error", Some("upstream_authentication_failed")),
    (ErrorKind::Permission, 502, "server_error", Some("upstream_permission_denied")),
    (ErrorKind::NotFound, 404, "invalid_request_error", Some("model_not_found")),
    (ErrorKind::Throttled, 429, "rate_limit_error", Some("rate_limit_exceeded")),
    (ErrorKind::ModelNotReady, 503, "server_error", Some("model_not_ready")),
    (ErrorKind::Overloaded, 503, "server_error", Some("model_overloaded")),
    (ErrorKind::ModelFailed, 502, "server_error", Some("model_failed")),
    (ErrorKind::ServiceFailed, 502, "server_error", Some("upstream_failed")),
    (ErrorKind::Timeout, 504, "server_error", Some("timeout")),
    (ErrorKind::Connection, 502, "server_error", Some("upstream_unreachable")),
    (ErrorKind::StreamBroken, 502, "server_error", Some("stream_broken")),
    (ErrorKind::Decode, 502, "server_error", Some("upstream_invalid_response")),
    (ErrorKind::Cancelled, 503, "server_error", Some("cancelled")),
];

fn json(error: &ApiError) -> Value {
    serde_json::from_slice(&error.to_json()).unwrap()
}

#[test]
fn each_kind_has_its_status_type_and_code() {
    for (kind, status, error_type, code) in TABLE {
        let error = ApiError::from_provider(&Error::new(*kind, "do this"), &Disclosure::none());
        assert_eq!(error.status().as_u16(), *status, "{kind}");
        let json = json(&error);
        assert_eq!(json["error"]["type"], *error_type, "{kind}");
        assert_eq!(json["error"]["code"].as_str(), *code, "{kind}");
        assert_eq!(json["error"]["message"], "do this", "{kind}");
    }
}

#[test]
fn a_container_that_limits_the_rate_is_a_429() {
    let mut upstream = Upstream::default();
    upstream.original_status = Some(429);
    let error = Error::new(ErrorKind::Overloaded, "x").with_upstream(upstream);
    assert_eq!(ApiError::from_provider(&error, &Disclosure::none()).status(), 429);
}

#[test]
fn waiting_is_rounded_up_and_the_sdks_are_told_whether_to_try_again() {
    let mut upstream = Upstream::default();
    upstream.retry_after = Some(Duration::from_millis(1200));
    upstream.request_id = Some("abc-123".to_owned());
    let error = Error::new(ErrorKind::Throttled, "slow down").with_upstream(upstream);
    let response = ApiError::from_provider(&error, &Disclosure::none())
        .to_response(ErrorForm::OpenAi, &HeaderValue::from_static("req-1"));
    assert_eq!(response.headers()["retry-after"], "2");
    assert_eq!(response.headers()["x-should-retry"], "true");
    assert_eq!(response.headers()["x-amzn-requestid"], "abc-123");
    let failed = ApiError::from_provider(&Error::new(ErrorKind::ModelFailed, "x"), &Disclosure::none())
        .to_response(ErrorForm::OpenAi, &HeaderValue::from_static("req-1"));
    assert_eq!(failed.headers()["x-should-retry"], "false");
    assert_eq!(failed.headers().get("retry-after"), None);
}

#[test]
fn the_request_id_of_aws_is_shown() {
    let mut upstream = Upstream::default();
    upstream.request_id = Some("abc-123".to_owned());
    let error = ApiError::from_provider(
        &Error::new(ErrorKind::ServiceFailed, "x").with_upstream(upstream),
        &Disclosure::none(),
    );
    assert_eq!(json(&error)["error"]["aws_request_id"], "abc-123");
    assert_eq!(json(&error)["error"]["message"], "x (AWS request id: abc-123)");
}
