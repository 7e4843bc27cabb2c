//! Connections that are refused, closed, shared and made in memory.

use std::time::Duration;

use http::{Method, Request};
use http_body_util::BodyExt as _;
use hyper_util::rt::TokioIo;
use sagewire_emulator::{Emulator, Fault, Scripted};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::faults::{both, failing, start};

#[tokio::test(start_paused = true)]
async fn the_port_is_closed_for_a_while_and_open_again() {
    let (emulator, client) = start().await;
    assert!(failing(&emulator, &client, Fault::RefuseConnections(Duration::from_secs(30))).await.contains("reset"));
    let request = || client.signed(&Method::POST, "/endpoints/tgi/invocations", &[], b"{\"inputs\": \"Hi\"}");
    assert!(client.send(request()).await.err().unwrap().is_connect());
    assert_eq!(emulator.connect().await.err().unwrap().kind(), std::io::ErrorKind::ConnectionRefused);
    tokio::time::sleep(Duration::from_secs(31)).await;
    assert!(emulator.connect().await.is_ok());
    assert_eq!(client.send(request()).await.unwrap().status, 200);
}

#[tokio::test]
async fn http_2_meets_the_same_faults() {
    let (emulator, client) = start().await;
    let client = client.http2();
    emulator.enqueue("tgi", Scripted::stream(["one", "two"]));
    emulator.inject("tgi", Fault::CutAt(5));
    let answer = client.invoke_stream("tgi", "{}").await;
    assert_eq!((answer.complete, answer.body), (false, both().slice(..5)));
    emulator.enqueue("tgi", Scripted::stream(["one", "two"]));
    emulator.inject("tgi", Fault::EndAt(5));
    let answer = client.invoke_stream("tgi", "{}").await;
    assert_eq!((answer.complete, answer.body), (true, both().slice(..5)));
    emulator.inject("tgi", Fault::ResetBeforeHeaders);
    let request = || client.signed(&Method::POST, "/endpoints/tgi/invocations", &[], b"{\"inputs\": \"Hi\"}");
    assert!(client.send(request()).await.is_err());
    assert_eq!(client.send(request()).await.unwrap().status, 200);
}

#[tokio::test]
async fn a_connection_through_memory_is_as_good_as_one_to_the_port() {
    let (emulator, client) = start().await;
    let talk = async |fault: Option<Fault>| {
        if let Some(fault) = fault {
            emulator.inject("tgi", fault);
        }
        let (path, body) = ("/endpoints/tgi/invocations", "{\"inputs\": \"Hi\"}");
        let request = client.signed(&Method::POST, path, &[], body.as_bytes());
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(emulator.connect().await.unwrap())).await.unwrap();
        let driving = tokio::spawn(connection);
        let (mut parts, body) = request.into_parts();
        parts.headers.insert("host", client.url.strip_prefix("http://").unwrap().parse().unwrap());
        parts.uri = path.parse().unwrap();
        let answer = match sender.send_request(Request::from_parts(parts, body)).await {
            Ok(response) => response.into_body().collect().await.map(http_body_util::Collected::to_bytes),
            Err(error) => Err(error),
        };
        let open = emulator.open_connections();
        drop(sender);
        let _ = driving.await.unwrap();
        while emulator.open_connections() > 0 {
            tokio::task::yield_now().await;
        }
        (answer, open)
    };
    let (answer, open) = talk(None).await;
    assert!(std::str::from_utf8(&answer.unwrap()).unwrap().contains("generated_text"));
    assert_eq!(open, 1);
    for fault in [Fault::ResetBeforeHeaders, Fault::ResetInHeaders(20), Fault::ResetAfterHeaders] {
        let error = talk(Some(fault.clone())).await.0.unwrap_err();
        assert!(format!("{error:?}").contains("ConnectionReset"), "{fault:?}: {error:?}");
    }
    let error = talk(Some(Fault::CutAt(4))).await.0.unwrap_err();
    assert!(format!("{error:?}").contains("Eof"), "{error:?}");
}

#[tokio::test]
async fn connections_are_refused_for_a_while() {
    let (emulator, client) = start().await;
    emulator.refuse_connections().await.unwrap();
    emulator.refuse_connections().await.unwrap();
    let request = client.signed(&Method::POST, "/endpoints/tgi/invocations", &[], b"{}");
    let error = client.send(request).await.err().unwrap();
    assert!(error.is_connect(), "{error:?}");
    emulator.accept_connections().await.unwrap();
    emulator.accept_connections().await.unwrap();
    assert_eq!(client.invoke("tgi", "{\"inputs\": \"Hi\"}").await.status, 200);
}

#[tokio::test]
async fn a_connection_is_closed_under_the_next_request() {
    let (emulator, client) = start().await;
    emulator.inject("tgi", Fault::CloseOnReuse);
    assert!(client.invoke("tgi", "{\"inputs\": \"Hi\"}").await.complete);
    let request = client.signed(&Method::POST, "/endpoints/tgi/invocations", &[], b"{}");
    let error = client.send(request).await.err().unwrap();
    assert!(format!("{error:?}").contains("IncompleteMessage"), "{error:?}");
    // The server never read that request.
    assert_eq!(emulator.received().len(), 1);
    assert_eq!(client.invoke("tgi", "{\"inputs\": \"Hi\"}").await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_hangs_loses_its_connection() {
    let emulator = Emulator::start().await.unwrap();
    let long = "POST /endpoints/tgi/invocations HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nhalf";
    let answered = "GET /_sagewire/health HTTP/1.1\r\nhost: a\r\n\r\n";
    for sent in ["", "PRI * HTTP", "GET / HTTP/1.1\r\nhost:", long, answered] {
        let mut connection = emulator.connect().await.unwrap();
        connection.write_all(sent.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        connection.read_to_end(&mut answer).await.unwrap();
        assert_eq!(answer.starts_with(b"HTTP/1.1 200 OK"), sent == answered, "{sent:?}");
    }
}
