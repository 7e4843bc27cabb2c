use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, UNIX_EPOCH},
};

use sagewire_credentials::{
    StaticCredentials,
    seam::{FixedClock, HttpFn},
};
use serde_json::json;

use super::*;

/// A control plane whose answers come from a function of the operation, and the requests that it
/// got.
async fn plane(
    answer: impl Fn(usize, &str) -> (u16, Value) + Send + Sync + 'static,
) -> (ControlPlane, Arc<Mutex<Vec<http::Request<Bytes>>>>) {
    let requests: Arc<Mutex<Vec<http::Request<Bytes>>>> = Arc::default();
    let (seen, count) = (Arc::clone(&requests), AtomicUsize::new(0));
    let http = HttpFn::new(move |request: http::Request<Bytes>, _: &RequestOptions| {
        let operation = request.headers()[TARGET].to_str().unwrap().replace("SageMaker.", "");
        let (status, body) = answer(count.fetch_add(1, Ordering::Relaxed), &operation);
        seen.lock().unwrap().push(request);
        Ok(http::Response::builder().status(status).body(body.to_string().into()).unwrap())
    });
    let clock = FixedClock(UNIX_EPOCH + Duration::from_secs(1_700_000_000));
    let world = World::builder().with_http(http).with_clock(clock).build();
    let config = SharedConfig::load(&world, None).await;
    let keys = Credentials::new("AKIDEXAMPLE", "the-secret-key").with_session_token("the-session-token");
    let credentials = Arc::new(StaticCredentials::new(keys));
    let plane = ControlPlane::new(&config, Region::new("eu-west-1").unwrap(), None, credentials).unwrap();
    (plane, requests)
}

fn failure(code: &str) -> Value {
    json!({ "__type": code, "message": "User: arn:aws:iam::123456789012:user/me said the-session-token" })
}

#[tokio::test]
async fn a_call_is_signed_for_the_region_s_own_host() {
    let (plane, requests) = plane(|_, _| (200, json!({"EndpointName": "e"}))).await;
    assert_eq!(plane.describe_endpoint("e").await.unwrap().endpoint_name, "e");
    let requests = requests.lock().unwrap();
    let request = &requests[0];
    assert_eq!(request.uri(), "https://api.sagemaker.eu-west-1.amazonaws.com");
    assert_eq!(request.headers()[TARGET], "SageMaker.DescribeEndpoint");
    assert_eq!(request.headers()[CONTENT_TYPE], "application/x-amz-json-1.1");
    let authorization = request.headers()["authorization"].to_str().unwrap();
    assert!(authorization.contains("/eu-west-1/sagemaker/aws4_request"), "{authorization}");
    assert_eq!(request.body(), r#"{"EndpointName":"e"}"#);
}

#[tokio::test(start_paused = true)]
async fn throttling_and_failures_of_aws_are_waited_for() {
    let (plane, requests) = plane(|number, _| match number {
        0 | 1 => (400, failure("ThrottlingException")),
        2 => (503, failure("ServiceUnavailable")),
        _ => (200, json!({"EndpointName": "e"})),
    })
    .await;
    assert!(plane.describe_endpoint("e").await.is_ok());
    assert_eq!(requests.lock().unwrap().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn endless_throttling_is_an_error_that_says_so() {
    let (plane, requests) = plane(|_, _| (400, failure("ThrottlingException"))).await;
    let error = plane.describe_endpoint("e").await.unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Throttled, MAX_ATTEMPTS));
    assert_eq!(requests.lock().unwrap().len(), 8);
}

#[tokio::test]
async fn refusals_have_kinds_and_hold_no_secret() {
    for (status, code, kind, calls) in [
        (400, "AccessDeniedException", ErrorKind::Permission, 1),
        (403, "AccessDeniedException", ErrorKind::Permission, 1),
        (400, "ValidationException", ErrorKind::NotFound, 1),
        // Fresh credentials are asked for once.
        (403, "ExpiredTokenException", ErrorKind::Authentication, 2),
        (400, "SomethingNew", ErrorKind::InvalidRequest, 1),
    ] {
        let (plane, requests) = plane(move |_, _| (status, failure(code))).await;
        let error = plane.describe_model("m").await.unwrap_err();
        assert_eq!(error.kind(), kind, "{code}");
        assert_eq!(requests.lock().unwrap().len(), calls, "{code}");
        assert!(error.message().contains("`DescribeModel`") && !error.message().contains("123456789012"), "{error}");
        let told = format!("{error} {error:?} {error:#?}");
        assert!(!told.contains("the-session-token") && !told.contains("the-secret-key"), "{told}");
    }
    let (plane, _) = plane(|_, _| (200, json!("text"))).await;
    assert_eq!(plane.describe_model("m").await.unwrap_err().kind(), ErrorKind::Decode);
}

#[tokio::test]
async fn pages_are_followed() {
    let (plane, requests) = plane(|number, _| {
        let next = (number == 0).then_some("more");
        (200, json!({"Endpoints": [{"EndpointName": format!("e{number}")}], "NextToken": next}))
    })
    .await;
    let names: Vec<_> =
        plane.list_endpoints(Some("e")).await.unwrap().into_iter().map(|endpoint| endpoint.endpoint_name).collect();
    assert_eq!(names, ["e0", "e1"]);
    let second: Value = serde_json::from_slice(requests.lock().unwrap()[1].body()).unwrap();
    assert_eq!(second["NextToken"], "more");
    assert_eq!((&second["NameContains"], &second["MaxResults"]), (&json!("e"), &json!(100)));
}

type Answers = Box<dyn Fn(usize, &str) -> (u16, Value) + Send + Sync>;

#[tokio::test]
async fn a_list_that_does_not_end_is_refused() {
    let again = |_: usize, _: &str| (200_u16, json!({"InferenceComponents": [], "NextToken": "again"}));
    let further =
        |number: usize, _: &str| (200_u16, json!({"InferenceComponents": [], "NextToken": format!("{number}")}));
    for (answers, calls) in [(Box::new(again) as Answers, 2), (Box::new(further), 1000)] {
        let (plane, requests) = plane(answers).await;
        assert_eq!(plane.list_inference_components().await.unwrap_err().kind(), ErrorKind::Decode);
        assert_eq!(requests.lock().unwrap().len(), calls);
    }
}
