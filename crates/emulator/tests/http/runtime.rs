//! The three operations over HTTP, called by an independent client.

use std::{
    future::pending,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream;
use http::Method;
use sagewire_emulator::{
    AwsError, Container, ContainerReply, Emulator, EmulatorBuilder, Invocation, ObjectStore, Operation, PartError,
    Received, Scripted,
};
use serde_json::{Value, json};

use crate::client::{Client, fixed_clock, header};

async fn start(builder: EmulatorBuilder) -> (Emulator, Client) {
    let emulator = builder.clock(fixed_clock()).start().await.unwrap();
    let client = Client::new(&emulator);
    (emulator, client)
}

/// Answers what it was asked.
#[derive(Debug)]
struct Mirror;

#[async_trait]
impl Container for Mirror {
    async fn invoke(&self, invocation: Invocation) -> ContainerReply {
        let seen = json!({
            "content_type": invocation.content_type,
            "accept": invocation.accept,
            "custom_attributes": invocation.custom_attributes,
            "target_model": invocation.target_model,
            "target_variant": invocation.target_variant,
            "inference_component": invocation.inference_component,
            "session_id": invocation.session_id,
            "inference_id": invocation.inference_id,
            "streaming": invocation.is_streaming(),
            "body": String::from_utf8_lossy(&invocation.body),
        });
        ContainerReply::json(200, &seen).with_custom_attributes("seen=true").closing_session("closed-1")
    }
}

#[tokio::test]
async fn a_unary_call_has_its_headers() {
    let (emulator, client) = start(Emulator::builder().endpoint("mirror", Mirror)).await;
    let headers = [
        ("content-type", "text/csv"),
        ("accept", "application/json"),
        ("x-amzn-sagemaker-custom-attributes", "a=b"),
        ("x-amzn-sagemaker-target-model", "m.tar.gz"),
        ("x-amzn-sagemaker-target-variant", "blue"),
        ("x-amzn-sagemaker-inference-component", "llama-ic"),
        ("x-amzn-sagemaker-inference-id", "id 1"),
    ];
    let answer = client.post("/endpoints/mirror/invocations", &headers, "1,2").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("x-amzn-invoked-production-variant"), Some("blue"));
    assert_eq!(answer.header("x-amzn-sagemaker-custom-attributes"), Some("seen=true"));
    assert_eq!(answer.header("x-amzn-sagemaker-closed-session-id"), Some("closed-1"));
    assert_eq!(answer.header("date"), Some("Sun, 30 Aug 2015 12:00:00 GMT"));
    assert_eq!(
        answer.json(),
        json!({
            "content_type": "text/csv", "accept": "application/json", "custom_attributes": "a=b", "target_model": "m.tar.gz",
            "target_variant": "blue", "inference_component": "llama-ic", "session_id": null, "inference_id": "id 1", "streaming": false,
            "body": "1,2",
        })
    );
    let received = emulator.received().remove(0);
    assert_eq!((received.operation, received.endpoint.as_deref()), (Operation::InvokeEndpoint, Some("mirror")));
    assert_eq!((received.accepted, received.region.as_deref()), (true, Some("eu-west-1")));
    assert_eq!(received.access_key_id.as_deref(), Some("AKIDEXAMPLE"));
    assert_eq!(received.header("x-amzn-sagemaker-inference-component"), Some("llama-ic"));
    assert_eq!(Some(received.request_id.as_str()), answer.header("x-amzn-requestid"));
    assert_eq!(received.body, "1,2");
    emulator.clear_received();
    assert!(emulator.received().is_empty());
}

#[tokio::test]
async fn a_new_session_is_made_for_a_unary_call() {
    let (_emulator, client) = start(Emulator::builder().endpoint("mirror", Mirror)).await;
    let new = [("x-amzn-sagemaker-session-id", "NEW_SESSION")];
    let answer = client.post("/endpoints/mirror/invocations", &new, "{}").await;
    let (session, expires) = answer.header("x-amzn-sagemaker-new-session-id").unwrap().split_once("; ").unwrap();
    assert_eq!(expires, "Expires=2015-08-30T12:20:00Z");
    assert_eq!(answer.json()["session_id"], session);
    let again = client.post("/endpoints/mirror/invocations", &[("x-amzn-sagemaker-session-id", session)], "{}").await;
    assert_eq!(
        (again.json()["session_id"].as_str(), again.header("x-amzn-sagemaker-new-session-id")),
        (Some(session), None)
    );
    let streaming = client.post("/endpoints/mirror/invocations-response-stream", &new, "{}").await;
    assert_eq!((streaming.status, streaming.error_type()), (400, "ValidationError"));
}

#[derive(Debug)]
struct OpensSessions;

#[async_trait]
impl Container for OpensSessions {
    async fn invoke(&self, _: Invocation) -> ContainerReply {
        ContainerReply::new(200, "text/plain", "hi").opening_session("mine; Expires=2030-01-01T00:00:00Z")
    }
}

#[tokio::test]
async fn a_session_that_the_container_opens_passes() {
    let (_emulator, client) = start(Emulator::builder().endpoint("opens", OpensSessions)).await;
    let expected = Some("mine; Expires=2030-01-01T00:00:00Z");
    for headers in [&[][..], &[("x-amzn-sagemaker-session-id", "NEW_SESSION")]] {
        let answer = client.post("/endpoints/opens/invocations", headers, "{}").await;
        assert_eq!(answer.header("x-amzn-sagemaker-new-session-id"), expected);
    }
    let streamed = client.invoke_stream("opens", "{}").await;
    assert_eq!(streamed.header("x-amzn-sagemaker-new-session-id"), expected);
}

#[tokio::test]
async fn an_endpoint_with_components_wants_one_of_them() {
    let (_emulator, client) =
        start(Emulator::builder().built_in("mine", "echo").inference_component("mine", "a")).await;
    let path = "/endpoints/mine/invocations";
    let without = client.post(path, &[], "{}").await;
    let text = String::from_utf8_lossy(&without.body).into_owned();
    assert!(without.status == 400 && text.contains("Inference Component Name header is required"), "{text}");
    let unknown = client.post(path, &[("x-amzn-sagemaker-inference-component", "b")], "{}").await;
    assert_eq!((unknown.status, unknown.error_type()), (400, "ValidationError"));
    assert_eq!(client.post(path, &[("x-amzn-sagemaker-inference-component", "a")], "{}").await.status, 200);
}

#[tokio::test]
async fn a_stream_is_cut_awkwardly_and_loses_nothing() {
    let (_emulator, client) = start(Emulator::builder().endpoint("mirror", Mirror)).await;
    let body = r#"{"inputs": "Hi", "stream": true}"#;
    let streamed = client.invoke_stream("tgi", body).await;
    assert_eq!(streamed.status, 200);
    assert_eq!(streamed.header("x-amzn-sagemaker-content-type"), Some("text/event-stream"));
    assert_eq!(streamed.header("x-amzn-invoked-production-variant"), Some("AllTraffic"));
    let parts = streamed.parts();
    assert!(parts.len() > 5);
    assert!(parts.iter().any(|part| std::str::from_utf8(part).is_err()));
    let whole = client.invoke("tgi", body).await;
    assert_eq!(whole.header("content-type"), Some("text/event-stream"));
    assert_eq!(parts.concat(), whole.body);

    let path = "/endpoints/mirror/invocations-response-stream";
    let mirrored = client.post(path, &[("x-amzn-sagemaker-accept", "a/b"), ("accept", "c/d")], "{}").await;
    assert_eq!(mirrored.header("x-amzn-sagemaker-custom-attributes"), Some("seen=true"));
    let seen: Value = serde_json::from_slice(&mirrored.parts().concat()).unwrap();
    assert_eq!((&seen["accept"], &seen["streaming"]), (&json!("a/b"), &json!(true)));
}

#[tokio::test]
async fn an_asynchronous_call_is_accepted() {
    let (_emulator, client) = start(Emulator::builder()).await;
    let path = "/endpoints/tgi/async-invocations";
    let headers = [("x-amzn-sagemaker-inputlocation", "s3://bucket/in"), ("x-amzn-sagemaker-inference-id", "mine")];
    let answer = client.post(path, &headers, "").await;
    assert_eq!((answer.status, answer.json()), (202, json!({"InferenceId": "mine"})));
    let id = "9e000000-0000-4000-8000-000000000001";
    let bucket = "s3://sagemaker-eu-west-1-123456789012/async-endpoint";
    assert_eq!(
        answer.header("x-amzn-sagemaker-outputlocation"),
        Some(format!("{bucket}-outputs/tgi/{id}.out").as_str())
    );
    assert_eq!(
        answer.header("x-amzn-sagemaker-failurelocation"),
        Some(format!("{bucket}-failures/tgi/{id}-error.out").as_str())
    );
    let headers = [("x-amzn-sagemaker-s3outputpathextension", "a/b"), ("x-amzn-sagemaker-filename", "c.json")];
    let inline = client.post(path, &headers, "{}").await;
    assert_eq!((inline.status, inline.json()), (202, json!({"InferenceId": "9e000000-0000-4000-8000-000000000002"})));
    assert_eq!(
        inline.header("x-amzn-sagemaker-outputlocation"),
        Some(format!("{bucket}-outputs/tgi/a/b/c.json").as_str())
    );
    let neither = client.post(path, &[], "").await;
    assert_eq!((neither.status, neither.error_type()), (400, "ValidationError"));
}

/// The outcome at its location, as soon as it is there.
async fn outcome(folder: &std::path::Path, answer: &crate::client::Answer, header: &str) -> String {
    let location = answer.header(header).unwrap().strip_prefix("s3://").unwrap();
    let path = folder.join(location);
    loop {
        if let Ok(text) = std::fs::read_to_string(&path) {
            return text;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn the_outcome_of_an_asynchronous_call_is_put_where_it_was_promised() {
    let folder = tempfile::tempdir().unwrap();
    let store = ObjectStore::folder(folder.path());
    let builder = Emulator::builder().object_store(store).async_output("s3://mine/async/").built_in("echo", "echo");
    let (emulator, client) = start(builder).await;
    std::fs::create_dir(folder.path().join("in")).unwrap();
    std::fs::write(folder.path().join("in/a.json"), "from an object").unwrap();
    let path = "/endpoints/echo/async-invocations";
    let inline = client.post(path, &[], "inline").await;
    assert_eq!(
        inline.header("x-amzn-sagemaker-outputlocation"),
        Some("s3://mine/async-outputs/echo/9e000000-0000-4000-8000-000000000001.out")
    );
    assert_eq!(outcome(folder.path(), &inline, "x-amzn-sagemaker-outputlocation").await, "inline");
    let located = client.post(path, &[("x-amzn-sagemaker-inputlocation", "s3://in/a.json")], "").await;
    assert_eq!(outcome(folder.path(), &located, "x-amzn-sagemaker-outputlocation").await, "from an object");
    let missing = client.post(path, &[("x-amzn-sagemaker-inputlocation", "s3://in/b.json")], "").await;
    let report = outcome(folder.path(), &missing, "x-amzn-sagemaker-failurelocation").await;
    assert!(report.contains("Failed to read the input"), "{report}");
    emulator.enqueue("echo", Scripted::error(AwsError::model_error(503, "overloaded")));
    let scripted = client.post(path, &[], "inline").await;
    assert_eq!(scripted.status, 202);
    let report = outcome(folder.path(), &scripted, "x-amzn-sagemaker-failurelocation").await;
    assert!(report.contains("overloaded"), "{report}");
    let refused = client.post("/endpoints/tgi/async-invocations", &[], "{}").await;
    let report = outcome(folder.path(), &refused, "x-amzn-sagemaker-failurelocation").await;
    assert!(report.contains("\"OriginalStatusCode\":422"), "{report}");
}

#[tokio::test]
async fn what_aws_refuses_is_refused() {
    let (emulator, client) = start(Emulator::builder().max_body_bytes(100)).await;
    let missing = client.invoke("nothing-here", "{}").await;
    assert_eq!((missing.status, missing.error_type()), (400, "ValidationError"));
    assert_eq!(missing.error_message(), "Endpoint nothing-here of account 123456789012 not found.");
    let bad = client.invoke("bad%20name%2F..", "{}").await;
    assert_eq!((bad.status, bad.error_type()), (400, "ValidationError"));
    assert!(bad.error_message().contains("Value 'bad name/..' at 'endpointName' failed to satisfy constraint"));
    let large = client.invoke("tgi", &"x".repeat(101)).await;
    assert_eq!((large.status, large.error_message().as_str()), (413, "HTTP content length exceeded 100 bytes."));
    assert_eq!(large.header("x-amzn-errortype"), None);
    let unknown = client.post("/endpoints/tgi/invoke", &[], "{}").await;
    assert_eq!((unknown.status, &unknown.body[..]), (404, &b"<UnknownOperationException/>\n"[..]));
    let get = client.send(client.signed(&Method::GET, "/endpoints/tgi/invocations", &[], b"")).await.unwrap();
    assert_eq!((get.status, get.error_type()), (404, "UnknownOperationException"));
    for answer in [&missing, &bad, &large, &unknown, &get] {
        assert!(answer.header("x-amzn-requestid").is_some());
        assert_eq!(answer.header("date"), Some("Sun, 30 Aug 2015 12:00:00 GMT"));
    }
    let received = emulator.received();
    assert_eq!(
        received.iter().map(|received| received.accepted).collect::<Vec<_>>(),
        [true, true, false, false, false]
    );
    assert_eq!(received[2].body.len(), 100);
    assert_eq!(received[2].refused.as_ref().unwrap().status(), 413);
    assert_eq!(received[3].operation, Operation::Unknown);
}

#[tokio::test]
async fn an_unsigned_or_wrongly_signed_request_sees_no_container() {
    let (emulator, mut client) =
        start(Emulator::builder().no_example_credentials().session("ASIAEXAMPLE", "s3cret", "t0ken")).await;
    let unsigned =
        http::Request::post(format!("{}/endpoints/tgi/invocations", emulator.url())).body("{}".into()).unwrap();
    let answer = client.send(unsigned).await.unwrap();
    assert_eq!((answer.status, answer.error_type()), (403, "MissingAuthenticationTokenException"));
    assert_eq!(
        answer.header("x-amzn-errortype"),
        Some("MissingAuthenticationTokenException:http://internal.amazon.com/coral/com.amazon.coral.service/")
    );
    assert_eq!(answer.json(), json!({"message": "Missing Authentication Token"}));
    // The example key pair was left out.
    assert_eq!(client.invoke("tgi", "{}").await.error_type(), "UnrecognizedClientException");
    client.access_key_id = "ASIAEXAMPLE".to_owned();
    client.secret = "s3cret".to_owned();
    assert_eq!(client.invoke("tgi", "{}").await.error_type(), "UnrecognizedClientException");
    client.token = Some("t0ken".to_owned());
    assert_eq!(client.invoke("tgi", r#"{"inputs": "Hi"}"#).await.status, 200);
    client.secret = "other".to_owned();
    assert_eq!(client.invoke("tgi", "{}").await.error_type(), "InvalidSignatureException");
    client.time -= Duration::from_secs(600);
    let expired = client.invoke("tgi", "{}").await;
    assert!(
        expired.error_message().starts_with("Signature expired: 20150830T115000Z is now earlier than 20150830T115500Z")
    );
    let accepted: Vec<bool> = emulator.received().iter().map(|received| received.accepted).collect();
    assert_eq!(accepted, [false, false, false, true, false, false]);
}

#[tokio::test]
async fn a_containers_failure_is_a_model_error() {
    let (_emulator, client) = start(Emulator::builder()).await;
    for answer in
        [client.invoke("tgi", r#"{"inputs": ""}"#).await, client.invoke_stream("tgi", r#"{"inputs": ""}"#).await]
    {
        assert_eq!((answer.status, answer.error_type()), (424, "ModelError"));
        let body = answer.json();
        assert_eq!(body["OriginalStatusCode"], 422);
        let original: Value = serde_json::from_str(body["OriginalMessage"].as_str().unwrap()).unwrap();
        assert_eq!(original["error_type"], "validation");
        assert!(
            body["Message"]
                .as_str()
                .unwrap()
                .starts_with("Received client error (422) from primary with message \"{\"error\"")
        );
    }
    let headers = [("x-amzn-sagemaker-inference-component", "llama-ic")];
    let answer = client.post("/endpoints/tgi/invocations", &headers, "{}").await;
    assert!(!answer.error_message().contains("from primary"));
}

#[derive(Debug)]
struct Broken;

#[async_trait]
impl Container for Broken {
    async fn invoke(&self, _: Invocation) -> ContainerReply {
        let parts = [
            Ok(Bytes::from_static(b"one")),
            Err(PartError("the GPU is gone".to_owned())),
            Ok(Bytes::from_static(b"two")),
        ];
        ContainerReply::stream("text/plain", Box::pin(stream::iter(parts)))
    }
}

#[tokio::test]
async fn a_container_that_breaks_ends_the_stream_with_an_exception() {
    let (_emulator, client) = start(Emulator::builder().endpoint("broken", Broken)).await;
    let frames = client.invoke_stream("broken", "{}").await.frames();
    let [part, exception] = frames.as_slice() else { panic!("{frames:?}") };
    assert_eq!(&part.payload()[..], b"one");
    assert_eq!(
        (header(exception, ":message-type"), header(exception, ":exception-type")),
        ("exception", "ModelStreamError")
    );
    let told: Value = serde_json::from_slice(exception.payload()).unwrap();
    assert_eq!(told, json!({"Message": "the GPU is gone", "ErrorCode": "StreamBroken"}));
    let unary = client.invoke("broken", "{}").await;
    assert_eq!((unary.status, unary.json()["OriginalStatusCode"].as_u64()), (424, Some(0)));
    assert!(unary.error_message().contains("could not load the entire response body"));
}

#[derive(Debug)]
struct Asleep;

#[async_trait]
impl Container for Asleep {
    async fn invoke(&self, _: Invocation) -> ContainerReply {
        pending().await
    }
}

#[tokio::test(start_paused = true)]
async fn a_container_that_does_not_answer_times_out() {
    let (_emulator, client) = start(Emulator::builder().endpoint("asleep", Asleep)).await;
    let began = tokio::time::Instant::now();
    let answer = client.invoke("asleep", "{}").await;
    assert_eq!((answer.status, answer.json()["OriginalStatusCode"].as_u64()), (424, Some(0)));
    assert!(
        answer
            .error_message()
            .contains("Received server error (0) from primary with message \"Your invocation timed out")
    );
    assert!(began.elapsed() >= Duration::from_secs(60));
}

#[tokio::test]
async fn http2_is_spoken_to_a_client_that_begins_with_it() {
    let (emulator, client) = start(Emulator::builder()).await;
    let client = client.http2();
    assert_eq!(client.invoke("tgi", r#"{"inputs": "Hi"}"#).await.status, 200);
    assert!(client.invoke_stream("tgi", r#"{"inputs": "Hi", "stream": true}"#).await.parts().len() > 5);
    assert!(emulator.received()[0].header("host").is_some());
}

#[tokio::test]
async fn forwarding_plays_sagemakers_part() {
    // A second emulator stands for the model server: it answers /invocations with 404, and nothing on a
    // closed port.
    let (server, _) = start(Emulator::builder()).await;
    let closed = {
        let gone = Emulator::start().await.unwrap();
        let url = gone.url();
        gone.shutdown().await;
        url
    };
    let builder = Emulator::builder().forward("there", server.url()).forward("gone", closed);
    let (emulator, client) = start(builder).await;
    let headers = [
        ("content-type", "text/csv"),
        ("accept", "a/b"),
        ("x-amzn-sagemaker-custom-attributes", "a=b"),
        ("x-other", "c"),
    ];
    let answer = client.post("/endpoints/there/invocations", &headers, "1,2").await;
    assert_eq!((answer.status, answer.json()["OriginalStatusCode"].as_u64()), (424, Some(404)));
    assert_eq!(answer.json()["OriginalMessage"], "<UnknownOperationException/>\n");
    let seen = server.received().remove(0);
    assert_eq!((seen.method.as_str(), seen.path.as_str(), &seen.body[..]), ("POST", "/invocations", &b"1,2"[..]));
    for (name, value) in &headers[..3] {
        assert_eq!(seen.header(name), Some(*value));
    }
    // Neither credentials nor unknown headers get to the container.
    assert!(
        seen.header("authorization").is_none()
            && seen.header("x-amz-date").is_none()
            && seen.header("x-other").is_none()
    );
    let gone = client.invoke("gone", "{}").await;
    assert_eq!((gone.status, gone.json()["OriginalStatusCode"].as_u64()), (424, Some(0)));
    assert_eq!(emulator.ping("tgi").await, Ok(()));
    assert!(emulator.ping("there").await.unwrap_err().contains("404"));
    assert!(emulator.ping("gone").await.unwrap_err().contains("cannot be reached"));
    assert!(emulator.ping("none").await.is_err());
}

#[tokio::test]
async fn a_forwarded_stream_comes_part_by_part() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let next = Arc::new(tokio::sync::Notify::new());
    let told = Arc::clone(&next);
    tokio::spawn(async move {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut request = [0; 4096];
        let _ = socket.read(&mut request).await.unwrap();
        let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nx-amzn-sagemaker-custom-attributes: c=d\r\ntransfer-encoding: chunked\r\n\r\n";
        socket.write_all(format!("{head}3\r\none\r\n").as_bytes()).await.unwrap();
        // The second part is written only once the first has arrived at the far end.
        told.notified().await;
        socket.write_all(b"3\r\ntwo\r\n0\r\n\r\n").await.unwrap();
    });
    let (_emulator, client) = start(Emulator::builder().forward("there", url)).await;
    let request = client.signed(&Method::POST, "/endpoints/there/invocations-response-stream", &[], b"{}");
    let (parts, mut body) = client.open(request).await;
    assert_eq!(parts.headers["x-amzn-sagemaker-content-type"], "text/event-stream");
    assert_eq!(parts.headers["x-amzn-sagemaker-custom-attributes"], "c=d");
    let first = crate::client::next_chunk(&mut body).await.unwrap();
    assert_eq!(crate::client::decode(&first).0[0].payload(), "one");
    next.notify_one();
    let second = crate::client::next_chunk(&mut body).await.unwrap();
    assert_eq!(crate::client::decode(&second).0[0].payload(), "two");
    assert!(crate::client::next_chunk(&mut body).await.is_none());
}

#[tokio::test]
async fn an_observer_sees_every_request() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let observed = Arc::clone(&seen);
    let observer = move |received: &Received| observed.lock().unwrap().push((received.operation, received.accepted));
    let builder = Emulator::builder().observe(observer).max_received(1).credentials("AKIDOTHER", "other");
    let (emulator, client) = start(builder).await;
    // The example key pair goes on being accepted beside another.
    assert_eq!(client.invoke("tgi", r#"{"inputs": "Hi"}"#).await.status, 200);
    let other = Client { access_key_id: "AKIDOTHER".to_owned(), ..client.clone() };
    assert_eq!(other.invoke_stream("tgi", "{}").await.status, 403);
    let expected = [(Operation::InvokeEndpoint, true), (Operation::InvokeEndpointWithResponseStream, false)];
    assert_eq!(*seen.lock().unwrap(), expected);
    assert_eq!((emulator.received().len(), emulator.calls(Operation::InvokeEndpoint)), (1, 1));
}
