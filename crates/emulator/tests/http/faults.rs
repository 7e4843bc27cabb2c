//! Every fault, as a client meets it.

use std::time::Duration;

use aws_smithy_eventstream::frame::read_message_from;
use bytes::Bytes;
use http::Method;
use sagewire_emulator::{AwsError, Chaos, Emulator, Fault, Frame, Operation, Scripted};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::client::{Answer, Client, decode, fixed_clock, header, next_chunk};

pub(crate) async fn start() -> (Emulator, Client) {
    let emulator = Emulator::builder().clock(fixed_clock()).start().await.unwrap();
    let client = Client::new(&emulator);
    (emulator, client)
}

fn one() -> Bytes {
    Frame::payload_part("one").encode()
}

fn two() -> Bytes {
    Frame::payload_part("two").encode()
}

pub(crate) fn both() -> Bytes {
    Bytes::from([one(), two()].concat())
}

/// A stream of two parts with this fault in it, for a client that has met nothing yet.
async fn streamed(fault: Fault) -> Answer {
    let (emulator, client) = start().await;
    emulator.enqueue("tgi", Scripted::stream(["one", "two"]));
    emulator.inject("tgi", fault.clone());
    let answer = client.invoke_stream("tgi", "{}").await;
    assert_eq!(emulator.received().remove(0).fault, Some(fault));
    answer
}

/// How a request fails that gets no answer at all.
pub(crate) async fn failing(emulator: &Emulator, client: &Client, fault: Fault) -> String {
    emulator.inject("tgi", fault);
    let request = client.signed(&Method::POST, "/endpoints/tgi/invocations", &[], b"{\"inputs\": \"Hi\"}");
    let error = client.send(request).await.err().unwrap();
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    text
}

#[tokio::test]
async fn frames_are_spoiled_one_at_a_time() {
    let spoiled = |answer: &Answer, at: usize| {
        assert!(answer.complete);
        answer.body.slice(at..)
    };
    let answer = streamed(Fault::CorruptPrelude(0)).await;
    assert!(read_message_from(spoiled(&answer, 0)).unwrap_err().to_string().contains("prelude checksum"));
    let answer = streamed(Fault::CorruptMessage(1)).await;
    assert_eq!(answer.body.slice(..one().len()), one());
    assert!(read_message_from(spoiled(&answer, one().len())).unwrap_err().to_string().contains("message checksum"));
    let answer = streamed(Fault::TotalLength { frame: 0, length: u32::MAX }).await;
    assert_eq!(answer.body.slice(..4), [0xff; 4][..]);
    // Such a frame never ends, for a decoder that believes it.
    assert!(decode(&answer.body).0.is_empty());
    let answer = streamed(Fault::TotalLength { frame: 1, length: 15 }).await;
    assert!(read_message_from(spoiled(&answer, one().len())).unwrap_err().to_string().contains("message length"));
    let answer = streamed(Fault::HeadersLength { frame: 0, length: u32::MAX }).await;
    assert!(read_message_from(spoiled(&answer, 0)).unwrap_err().to_string().contains("headers length"));
    let answer = streamed(Fault::InvalidUtf8(0)).await;
    assert_eq!(answer.parts(), [&b"one\xff"[..], b"two"]);
    let answer = streamed(Fault::CorruptPrelude(2)).await;
    assert_eq!(answer.body, both());
}

#[tokio::test]
async fn frames_are_added_and_replaced() {
    let answer = streamed(Fault::EmptyParts).await;
    assert_eq!(answer.parts(), ["", "one", "", "two"]);
    let types = |answer: &Answer| -> Vec<String> {
        answer.frames().iter().map(|frame| header(frame, ":event-type").to_owned()).collect()
    };
    let answer = streamed(Fault::Insert { before: 0, frame: Frame::initial_response() }).await;
    assert_eq!(types(&answer), ["initial-response", "PayloadPart", "PayloadPart"]);
    let answer = streamed(Fault::Insert { before: 1, frame: Frame::event("Surprise", "text/plain", "?") }).await;
    assert_eq!(types(&answer), ["PayloadPart", "Surprise", "PayloadPart"]);
    let answer =
        streamed(Fault::Instead { of: 1, frame: Frame::exception("ModelStreamError", Some("StreamBroken"), "gone") })
            .await;
    let frames = answer.frames();
    assert_eq!((frames.len(), header(&frames[1], ":exception-type"), answer.complete), (2, "ModelStreamError", true));
}

#[tokio::test]
async fn bodies_end_early() {
    for at in [0, 1, 5, one().len() - 1, one().len(), one().len() + 7, both().len() - 1] {
        let answer = streamed(Fault::CutAt(at)).await;
        assert_eq!((answer.complete, &answer.body), (false, &both().slice(..at)), "cut at {at}");
        let answer = streamed(Fault::EndAt(at)).await;
        assert_eq!((answer.complete, &answer.body), (true, &both().slice(..at)), "ended at {at}");
    }
    let answer = streamed(Fault::CutAt(both().len())).await;
    assert_eq!((answer.complete, answer.body), (true, both()));
    let answer = streamed(Fault::ResetAfterHeaders).await;
    assert_eq!((answer.status, answer.complete, answer.body.len()), (200, false, 0));
}

#[tokio::test]
async fn a_unary_answer_can_be_spoiled_too() {
    let (emulator, client) = start().await;
    emulator.enqueue("tgi", Scripted::ok("0123456789"));
    emulator.inject_for(Operation::InvokeEndpoint, Fault::CutAt(4));
    let answer = client.invoke("tgi", "{}").await;
    assert_eq!((answer.status, answer.complete, answer.text()), (200, false, "0123"));
    emulator.inject("tgi", Fault::ContentType("text/html".to_owned()));
    assert_eq!(client.invoke("tgi", "{\"inputs\": \"Hi\"}").await.header("content-type"), Some("text/html"));
    emulator.inject("tgi", Fault::Redirect("http://127.0.0.1:9/".to_owned()));
    let answer = client.invoke("tgi", "{}").await;
    assert_eq!((answer.status, answer.header("location")), (307, Some("http://127.0.0.1:9/")));
    emulator.inject("tgi", Fault::GzipBomb(1_000_000));
    let answer = client.invoke("tgi", "{\"inputs\": \"Hi\"}").await;
    assert_eq!((answer.status, answer.header("content-encoding")), (200, Some("gzip")));
    assert!(answer.complete && answer.body.starts_with(&[0x1f, 0x8b]) && answer.body.len() < 7_000);
    emulator.inject("tgi", Fault::Error(AwsError::throttling().with_retry_after_ms(100)));
    let answer = client.invoke("tgi", "{}").await;
    assert_eq!((answer.error_type(), answer.header("x-amz-retry-after")), ("ThrottlingException", Some("100")));
}

#[tokio::test]
async fn connections_fail_at_every_stage() {
    let (emulator, client) = start().await;
    assert!(failing(&emulator, &client, Fault::ResetBeforeHeaders).await.contains("reset"));
    for bytes in [0, 1, 20, 60] {
        assert!(failing(&emulator, &client, Fault::ResetInHeaders(bytes)).await.contains("reset"), "{bytes}");
    }
    assert_eq!(client.invoke("tgi", "{\"inputs\": \"Hi\"}").await.status, 200);
}

/// All that comes on a connection of its own, until the server closes it within a minute; `None` if
/// it stays open.
async fn until_closed(client: &Client) -> Option<String> {
    let (path, body) = ("/endpoints/tgi/invocations", "{\"inputs\": \"Hi\"}");
    let request = client.signed(&Method::POST, path, &[], body.as_bytes());
    let address = client.url.strip_prefix("http://").unwrap();
    let mut head = format!("POST {path} HTTP/1.1\r\nhost: {address}\r\ncontent-length: {}\r\n", body.len());
    for (name, value) in request.headers() {
        head.push_str(&format!("{name}: {}\r\n", value.to_str().unwrap()));
    }
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(format!("{head}\r\n{body}").as_bytes()).await.unwrap();
    let mut answer = String::new();
    let read = tokio::time::timeout(Duration::from_secs(60), stream.read_to_string(&mut answer)).await;
    read.ok().map(|read| {
        read.unwrap();
        answer
    })
}

#[tokio::test(start_paused = true)]
async fn a_connection_is_closed_after_a_whole_answer() {
    let (emulator, client) = start().await;
    assert_eq!(until_closed(&client).await, None);
    emulator.inject("tgi", Fault::CloseAfterAnswer);
    let answer = until_closed(&client).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("\r\n0\r\n\r\n"), "{answer}");
    assert!(!answer.contains("connection: close"), "{answer}");
    emulator.inject("tgi", Fault::CloseAfterAnswer);
    assert!(client.invoke("tgi", "{\"inputs\": \"Hi\"}").await.complete);
    assert_eq!(client.invoke("tgi", "{\"inputs\": \"Hi\"}").await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn heads_and_bodies_are_slow() {
    let (emulator, client) = start().await;
    let began = tokio::time::Instant::now();
    emulator.inject("tgi", Fault::SlowHeaders(Duration::from_secs(10)));
    let answer = client.invoke("tgi", "{\"inputs\": \"Hi\"}").await;
    assert_eq!((answer.status, answer.complete), (200, true));
    let slow = began.elapsed();
    assert!(slow >= Duration::from_secs(60), "{slow:?}");
    for at in [0, 5, one().len(), both().len() - 1] {
        let began = tokio::time::Instant::now();
        emulator.enqueue("tgi", Scripted::stream(["one", "two"]));
        emulator.inject("tgi", Fault::Stall { at, time: Duration::from_secs(300) });
        let answer = client.invoke_stream("tgi", "{}").await;
        assert_eq!((answer.complete, answer.body), (true, both()));
        assert!(began.elapsed() >= Duration::from_secs(300));
    }
}

#[tokio::test]
async fn the_clock_can_be_wrong() {
    let (emulator, client) = start().await;
    emulator.skew_clock(600);
    let late = client.invoke("tgi", "{}").await;
    assert_eq!(late.header("date"), Some("Sun, 30 Aug 2015 12:10:00 GMT"));
    assert!(
        late.error_message().starts_with("Signature expired: 20150830T120000Z is now earlier than 20150830T120500Z")
    );
    emulator.skew_clock(-600);
    assert!(client.invoke("tgi", "{}").await.error_message().starts_with("Signature not yet current"));
    emulator.skew_clock(0);
    assert_eq!(client.invoke("tgi", "{\"inputs\": \"Hi\"}").await.status, 200);
}

#[tokio::test]
async fn a_frame_may_be_huge_and_be_one() {
    let answer = streamed(Fault::HugeFrame { before: 1, length: 30_000_000 }).await;
    let frames = answer.frames();
    let lengths: Vec<usize> = frames.iter().map(|frame| frame.payload().len()).collect();
    assert_eq!((lengths, header(&frames[1], ":event-type")), (vec![3, 30_000_000, 3], "Padding"));
}

#[tokio::test]
async fn json_may_be_deep() {
    let answer = streamed(Fault::JsonBomb(3)).await;
    assert_eq!(answer.parts(), ["data: [[[]]]\n\n", "two"]);
    let (emulator, client) = start().await;
    emulator.inject("tgi", Fault::JsonBomb(50_000));
    let answer = client.invoke("tgi", "{\"inputs\": \"Hi\"}").await;
    assert_eq!((answer.status, answer.complete, answer.body.len()), (200, true, 100_000));
    assert!(answer.text().starts_with("[[[[") && answer.text().ends_with("]]]]"));
}

#[tokio::test]
async fn a_body_comes_in_small_pieces() {
    for length in [1, 7, 1000] {
        let (emulator, client) = start().await;
        emulator.enqueue("tgi", Scripted::stream(["one", "two"]));
        emulator.inject("tgi", Fault::Pieces(length));
        let path = "/endpoints/tgi/invocations-response-stream";
        let (_, mut body) = client.open(client.signed(&Method::POST, path, &[], b"{}")).await;
        let mut pieces = Vec::new();
        while let Some(piece) = next_chunk(&mut body).await {
            pieces.push(piece);
        }
        assert_eq!(pieces.concat(), both());
        // Every frame is cut by itself, each of its pieces a chunk of HTTP's.
        let expected = one().len().div_ceil(length) + two().len().div_ceil(length);
        assert_eq!(pieces.len(), expected, "pieces of {length}");
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_comes_for_a_while_between_frames() {
    for frame in [0, 1] {
        let began = tokio::time::Instant::now();
        let answer = streamed(Fault::StallBefore { frame, time: Duration::from_secs(300) }).await;
        assert_eq!((answer.complete, answer.body), (true, both()));
        assert!(began.elapsed() >= Duration::from_secs(300));
    }
}

#[tokio::test]
async fn credentials_end_with_the_request_that_is_struck() {
    for (fault, code) in
        [(Fault::ExpireCredentials, "ExpiredTokenException"), (Fault::RevokeCredentials, "UnrecognizedClientException")]
    {
        let emulator = Emulator::builder().clock(fixed_clock()).session("ASIA1", "s", "t").start().await.unwrap();
        let other = Client::new(&emulator);
        let client = other.with("ASIA1", "s", "t");
        assert_eq!(client.invoke("tgi", "{\"inputs\": \"Hi\"}").await.status, 200);
        emulator.inject("tgi", fault.clone());
        for _ in 0..2 {
            let answer = client.invoke("tgi", "{\"inputs\": \"Hi\"}").await;
            assert_eq!((answer.status, answer.error_type()), (403, code));
        }
        let received = emulator.received();
        assert_eq!((received[1].fault.as_ref(), received[1].accepted), (Some(&fault), false));
        assert_eq!(other.invoke("tgi", "{\"inputs\": \"Hi\"}").await.status, 200, "another key goes on");
    }
}

#[tokio::test]
async fn the_clock_goes_wrong_with_the_request_that_is_struck() {
    for (seconds, says) in [(900, "Signature expired"), (-900, "Signature not yet current")] {
        let (emulator, client) = start().await;
        emulator.inject("tgi", Fault::ClockSkew(seconds));
        for _ in 0..2 {
            assert!(client.invoke("tgi", "{}").await.error_message().starts_with(says));
        }
        emulator.skew_clock(0);
        assert_eq!(client.invoke("tgi", "{\"inputs\": \"Hi\"}").await.status, 200);
    }
}

#[tokio::test]
async fn every_error_of_the_catalog_comes_as_it_is() {
    let (emulator, client) = start().await;
    for error in AwsError::catalog() {
        emulator.inject("tgi", Fault::Error(error.clone()));
        let answer = client.invoke("tgi", "{}").await;
        assert_eq!(answer.status, error.status(), "{error:?}");
        if answer.headers.contains_key("x-amzn-errortype") {
            assert_eq!(answer.error_type(), error.code());
        } else {
            // An unknown operation is told in XML, and a body that is too large without any code.
            assert!([404, 413].contains(&answer.status), "{error:?}");
        }
    }
}

#[tokio::test]
async fn chaos_is_the_same_in_every_run() {
    let chaos = Chaos::seeded(11)
        .rate(0.5)
        .faults([Fault::Error(AwsError::throttling()), Fault::Error(AwsError::internal_failure())]);
    let mut runs = Vec::new();
    for _ in 0..2 {
        let emulator = Emulator::builder().clock(fixed_clock()).chaos(chaos.clone()).start().await.unwrap();
        let client = Client::new(&emulator);
        let mut seen = Vec::new();
        for _ in 0..40 {
            // What is not accepted, and what the schedule does not concern, is not counted.
            assert_eq!(Client { secret: "other".to_owned(), ..client.clone() }.invoke("tgi", "{}").await.status, 403);
            assert_eq!(client.sts("Action=GetCallerIdentity").await.status, 200);
            seen.push(client.invoke("tgi", "{\"inputs\": \"Hi\"}").await.status);
        }
        let faults: Vec<Option<Fault>> = (0..40).map(|number| chaos.fault_at(number)).collect();
        let met = emulator
            .received()
            .into_iter()
            .filter(|received| received.accepted && received.operation == Operation::InvokeEndpoint);
        assert_eq!(met.map(|received| received.fault).collect::<Vec<_>>(), faults);
        emulator.set_chaos(None);
        assert_eq!(client.invoke("tgi", "{\"inputs\": \"Hi\"}").await.status, 200);
        runs.push(seen);
    }
    assert_eq!(runs[0], runs[1]);
    for status in [200, 400, 500] {
        assert!(runs[0].contains(&status), "{status} never came");
    }
}

#[tokio::test]
async fn the_whole_catalog_leaves_the_server_standing() {
    for fault in Fault::catalog() {
        let emulator = Emulator::builder().clock(fixed_clock()).credentials("AKIDOTHER", "s").start().await.unwrap();
        let client = Client::new(&emulator);
        emulator.inject("tgi", fault.clone());
        let path = "/endpoints/tgi/invocations-response-stream";
        let request = client.signed(&Method::POST, path, &[], b"{\"inputs\": \"Hi\", \"stream\": true}");
        // However it ends, it ends.
        let _ = client.send(request).await;
        emulator.skew_clock(0);
        emulator.accept_connections().await.unwrap();
        let again = Client { access_key_id: "AKIDOTHER".to_owned(), secret: "s".to_owned(), ..Client::new(&emulator) };
        assert_eq!(again.invoke("tgi", "{\"inputs\": \"Hi\"}").await.status, 200, "after {fault:?}");
    }
}
