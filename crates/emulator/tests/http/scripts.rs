//! Scripted answers, byte by byte.

use std::time::Duration;

use bytes::Bytes;
use http::Method;
use sagewire_emulator::{AwsError, Emulator, Frame, Scripted, StreamEvent};
use serde_json::{Value, json};

use crate::client::{Client, decode, fixed_clock, header};

async fn start() -> (Emulator, Client) {
    let emulator = Emulator::builder().clock(fixed_clock()).start().await.unwrap();
    let client = Client::new(&emulator);
    (emulator, client)
}

#[tokio::test]
async fn answers_wait_in_line_and_then_the_container_speaks() {
    let (emulator, client) = start().await;
    emulator.enqueue("tgi", Scripted::ok("1"));
    emulator.enqueue("tgi", Scripted::reply(418, "text/plain", "2").header("x-mine", "yes").header("bad name", "no"));
    emulator.enqueue("elsewhere", Scripted::ok("3").content_type("text/csv"));
    assert_eq!((emulator.enqueued("tgi"), emulator.enqueued("other")), (2, 0));
    let first = client.invoke("tgi", "{}").await;
    assert_eq!(
        (first.status, &first.body[..], first.header("content-type")),
        (200, &b"1"[..], Some("application/json"))
    );
    let second = client.invoke("tgi", "{}").await;
    assert_eq!((second.status, &second.body[..], second.header("x-mine")), (418, &b"2"[..], Some("yes")));
    assert!(client.invoke("tgi", r#"{"inputs": "Hi"}"#).await.json()[0]["generated_text"].is_string());
    let elsewhere = client.invoke("elsewhere", "{}").await;
    assert_eq!((elsewhere.status, elsewhere.header("content-type")), (200, Some("text/csv")));
    assert_eq!(client.invoke("elsewhere", "{}").await.status, 400);
    // A refused request takes no answer from the line.
    emulator.enqueue("tgi", Scripted::ok("4"));
    let stranger = Client { secret: "other".to_owned(), ..client.clone() };
    assert_eq!(stranger.invoke("tgi", "{}").await.status, 403);
    assert_eq!(&client.invoke("tgi", "{}").await.body[..], b"4");
}

#[tokio::test]
async fn every_error_can_be_injected() {
    let (emulator, client) = start().await;
    let errors = [
        AwsError::validation("no"),
        AwsError::no_capacity(),
        AwsError::model_not_ready(),
        AwsError::internal_failure(),
        AwsError::service_unavailable(),
        AwsError::internal_dependency(),
        AwsError::throttling(),
        AwsError::throttling().with_status(429),
        AwsError::access_denied("no"),
        AwsError::expired_token(),
        AwsError::modelled("Odd", 499, "no"),
    ];
    for error in errors {
        emulator.enqueue("tgi", Scripted::error(error.clone()));
        let answer = client.invoke_stream("tgi", "{}").await;
        assert_eq!((answer.status, answer.error_type()), (error.status(), error.code()));
        assert_eq!(Some(answer.error_message().as_str()), error.message());
        assert!(answer.header("x-amzn-requestid").is_some());
    }
    emulator.enqueue("tgi", Scripted::error(AwsError::model_error(503, "busy").with_log_stream_arn("arn:mine")));
    let body = client.invoke("tgi", "{}").await.json();
    assert_eq!(
        (&body["OriginalStatusCode"], &body["OriginalMessage"], &body["LogStreamArn"]),
        (&json!(503), &json!("busy"), &json!("arn:mine"))
    );
}

#[tokio::test]
async fn a_stream_keeps_its_borders_and_its_end() {
    let (emulator, client) = start().await;
    let parts = ["data: {\"a", "", "\": \"é"];
    emulator.enqueue("tgi", Scripted::stream(parts).content_type("application/jsonlines"));
    let answer = client.invoke_stream("tgi", "{}").await;
    assert_eq!((answer.status, answer.header("x-amzn-sagemaker-content-type")), (200, Some("application/jsonlines")));
    assert_eq!(answer.parts(), parts);

    emulator.enqueue("tgi", Scripted::stream(["a"]).model_stream_error("ModelInvocationTimeExceeded", "slow"));
    emulator.enqueue("tgi", Scripted::stream(["a"]).internal_stream_failure("oh"));
    emulator.enqueue("tgi", Scripted::stream(["a"]).error_frame("InternalError", "why"));
    let ends = [
        (":exception-type", "ModelStreamError", json!({"Message": "slow", "ErrorCode": "ModelInvocationTimeExceeded"})),
        (":exception-type", "InternalStreamFailure", json!({"Message": "oh"})),
    ];
    for (name, value, payload) in ends {
        let frames = client.invoke_stream("tgi", "{}").await.frames();
        assert_eq!(header(&frames[1], name), value);
        assert_eq!(serde_json::from_slice::<Value>(frames[1].payload()).unwrap(), payload);
    }
    let frames = client.invoke_stream("tgi", "{}").await.frames();
    assert_eq!((header(&frames[1], ":error-code"), header(&frames[1], ":error-message")), ("InternalError", "why"));

    let opening = [StreamEvent::Frame(Frame::initial_response()), StreamEvent::Part("a".into())];
    emulator.enqueue(
        "tgi",
        Scripted::events(opening).then(StreamEvent::Frame(Frame::event("Surprise", "text/plain", "?"))),
    );
    let frames = client.invoke_stream("tgi", "{}").await.frames();
    let types: Vec<&str> = frames.iter().map(|frame| header(frame, ":event-type")).collect();
    assert_eq!(types, ["initial-response", "PayloadPart", "Surprise"]);
}

#[tokio::test]
async fn a_stream_breaks_off_at_every_byte() {
    let (emulator, client) = start().await;
    let whole = Bytes::from([Frame::payload_part("one").encode(), Frame::payload_part("two").encode()].concat());
    for at in 0..=whole.len() {
        emulator.enqueue("tgi", Scripted::stream(["one", "two"]).cut_at(at));
        let answer = client.invoke_stream("tgi", "{}").await;
        assert_eq!((answer.status, answer.complete), (200, false), "cut at {at}");
        assert_eq!(answer.body, whole[..at], "cut at {at}");

        emulator.enqueue("tgi", Scripted::stream(["one", "two"]).ended_at(at));
        let answer = client.invoke_stream("tgi", "{}").await;
        assert_eq!((answer.complete, &answer.body[..]), (true, &whole[..at]), "ended at {at}");
        let (frames, rest) = decode(&answer.body);
        assert_eq!(frames.len() * whole.len() / 2 + rest.len(), at);
    }
}

#[tokio::test]
async fn raw_bytes_need_not_be_frames() {
    let (emulator, client) = start().await;
    let mut corrupt = Frame::payload_part("one").encode().to_vec();
    *corrupt.last_mut().unwrap() ^= 1;
    emulator.enqueue("tgi", Scripted::raw(corrupt.clone()));
    let answer = client.invoke_stream("tgi", "{}").await;
    assert_eq!(answer.header("content-type"), Some("application/vnd.amazon.eventstream"));
    assert_eq!((answer.complete, &answer.body[..]), (true, &corrupt[..]));
}

#[tokio::test]
async fn connections_are_reset() {
    let (emulator, client) = start().await;
    emulator.enqueue("tgi", Scripted::reset());
    let request = client.signed(&Method::POST, "/endpoints/tgi/invocations", &[], b"{}");
    let error = client.send(request).await.err().unwrap();
    let mut cause: Option<&dyn std::error::Error> = Some(&error);
    let mut kinds = Vec::new();
    while let Some(error) = cause {
        kinds.extend(error.downcast_ref::<std::io::Error>().map(std::io::Error::kind));
        cause = error.source();
    }
    assert_eq!(kinds, [std::io::ErrorKind::ConnectionReset]);
    assert_eq!(emulator.received().len(), 1);

    emulator.enqueue("tgi", Scripted::stream(["one"]).then(StreamEvent::Reset));
    let answer = client.invoke_stream("tgi", "{}").await;
    assert_eq!((answer.status, answer.complete), (200, false));
    emulator
        .enqueue("tgi", Scripted::stream(["one"]).then(StreamEvent::BreakOff).then(StreamEvent::Part("two".into())));
    let answer = client.invoke_stream("tgi", "{}").await;
    assert_eq!((answer.complete, &answer.body[..]), (false, &Frame::payload_part("one").encode()[..]));
    assert_eq!(client.invoke("tgi", r#"{"inputs": "Hi"}"#).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn waits_follow_tokios_clock() {
    let (emulator, client) = start().await;
    let began = tokio::time::Instant::now();
    emulator.enqueue("tgi", Scripted::ok("1").after(Duration::from_secs(3_600)));
    assert_eq!(client.invoke("tgi", "{}").await.status, 200);
    let first = began.elapsed();
    assert!(first >= Duration::from_secs(3_600));
    emulator.enqueue(
        "tgi",
        Scripted::stream(["a", "b"]).paced(Duration::from_secs(60)).then(StreamEvent::Wait(Duration::from_secs(600))),
    );
    assert_eq!(client.invoke_stream("tgi", "{}").await.parts(), ["a", "b"]);
    assert!(began.elapsed() - first >= Duration::from_secs(720));
}

#[test]
fn scripts_print_no_bodies() {
    let scripts = [
        Scripted::ok("hush"),
        Scripted::stream(["hush"]),
        Scripted::raw("hush"),
        Scripted::error(AwsError::model_error(400, "hush")),
    ];
    for script in scripts {
        for text in [format!("{script:?}"), format!("{script:#?}")] {
            assert!(!text.contains("hush"), "{text}");
        }
    }
}
