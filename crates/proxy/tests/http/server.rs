//! Starting, changing and stopping a server.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use sagewire_proxy::{Server, ServerError, ServerOptions};
use serde_json::json;
use tokio::net::TcpStream;

use crate::{
    client::{Proxy, app},
    double::Double,
};

#[tokio::test]
async fn without_a_key_only_this_machine_is_served() {
    let double = Arc::new(Double::default());
    let everywhere = ([0, 0, 0, 0], 0).into();
    let error = Server::bind(everywhere, app(&double).build().unwrap(), ServerOptions::default()).await.unwrap_err();
    assert!(matches!(error, ServerError::NoKey { .. }) && error.to_string().contains("master_key"), "{error}");
    let mut permitted = ServerOptions::default();
    permitted.permit_no_key = true;
    Server::bind(everywhere, app(&double).build().unwrap(), permitted).await.unwrap();
    let keyed = app(&double).master_key("sk-1234").build().unwrap();
    let server = Server::bind(everywhere, keyed, ServerOptions::default()).await.unwrap();
    let error = server.handle().replace(app(&double).build().unwrap()).unwrap_err();
    assert!(matches!(error, ServerError::NoKey { .. }), "a reload must not open what was closed");
}

#[tokio::test]
async fn a_taken_port_is_a_clear_error() {
    let proxy = Proxy::start().await;
    let again = Server::bind(proxy.address, app(&proxy.double).build().unwrap(), ServerOptions::default()).await;
    assert!(matches!(again.unwrap_err(), ServerError::Bind { .. }));
}

#[tokio::test]
async fn stopping_waits_for_requests_at_work() {
    for mut proxy in Proxy::both(ServerOptions::default()).await {
        let address = proxy.address;
        let body = json!({"model": "hang", "messages": [{"role": "user", "content": "hi"}]}).to_string();
        let request =
            Request::post("/chat/completions").header("host", "localhost").body(Full::new(Bytes::from(body))).unwrap();
        let stream = TcpStream::connect(address).await.unwrap();
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let answer = tokio::spawn(sender.send_request(request));
        proxy.double.began.notified().await;
        proxy.stop();
        // Nobody is let in any more, and the call goes on.
        while TcpStream::connect(address).await.is_ok() {
            tokio::task::yield_now().await;
        }
        assert!(!proxy.served.is_finished() && !answer.is_finished());
        proxy.double.go_on.notify_one();
        assert_eq!(answer.await.unwrap().unwrap().status(), 200);
        (&mut proxy.served).await.unwrap();
    }
}

#[tokio::test]
async fn a_stream_at_work_is_finished_after_the_order_to_stop() {
    for mut proxy in Proxy::both(ServerOptions::default()).await {
        let (feed, receiver) = tokio::sync::mpsc::unbounded_channel();
        *proxy.double.feed.lock().unwrap() = Some(receiver);
        let piece = |text: &str| {
            Ok(sagewire_types::ChatChunk::new("i".into(), "m".into(), 0, vec![sagewire_types::ChunkChoice::text(text)]))
        };
        feed.send(piece("a")).unwrap();
        let body = json!({"model": "fed", "stream": true, "messages": [{"role": "user", "content": "hi"}]}).to_string();
        let request =
            Request::post("/chat/completions").header("host", "localhost").body(Full::new(Bytes::from(body))).unwrap();
        let mut response = proxy.open(request).await;
        response.body_mut().frame().await.unwrap().unwrap();
        proxy.stop();
        feed.send(piece("b")).unwrap();
        response.body_mut().frame().await.unwrap().unwrap();
        drop(feed);
        assert!(response.into_body().collect().await.unwrap().to_bytes().ends_with(b"data: [DONE]\n\n"));
        (&mut proxy.served).await.unwrap();
    }
}

#[tokio::test]
async fn what_does_not_end_in_time_is_cut_off() {
    let mut options = ServerOptions::default();
    options.limits.drain_timeout = Duration::from_millis(50);
    for mut proxy in Proxy::both(options).await {
        let body = json!({"model": "hang", "messages": [{"role": "user", "content": "hi"}]}).to_string();
        let head = format!(
            "POST /chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let mut stream = TcpStream::connect(proxy.address).await.unwrap();
        tokio::io::AsyncWriteExt::write_all(&mut stream, head.as_bytes()).await.unwrap();
        proxy.double.began.notified().await;
        proxy.stop();
        (&mut proxy.served).await.unwrap();
        proxy.double.gave_up.notified().await;
    }
}

#[tokio::test]
async fn what_is_cut_off_ends_with_an_error_that_says_why() {
    let mut options = ServerOptions::default();
    options.limits.drain_timeout = Duration::from_millis(50);
    for mut proxy in Proxy::both(options).await {
        let (feed, receiver) = tokio::sync::mpsc::unbounded_channel();
        *proxy.double.feed.lock().unwrap() = Some(receiver);
        let choice = sagewire_types::ChunkChoice::text("a");
        feed.send(Ok(sagewire_types::ChatChunk::new("i".into(), "m".into(), 0, vec![choice]))).unwrap();
        let request = |model: &str, stream: bool| {
            let body = json!({"model": model, "stream": stream, "messages": [{"role": "user", "content": "hi"}]});
            Request::post("/chat/completions")
                .header("host", "localhost")
                .body(Full::new(Bytes::from(body.to_string())))
                .unwrap()
        };
        let mut streamed = proxy.open(request("fed", true)).await;
        streamed.body_mut().frame().await.unwrap().unwrap();
        let stream = TcpStream::connect(proxy.address).await.unwrap();
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let whole = tokio::spawn(sender.send_request(request("hang", false)));
        proxy.double.began.notified().await;
        proxy.stop();
        let rest = streamed.into_body().collect().await.unwrap().to_bytes();
        let rest = String::from_utf8(rest.to_vec()).unwrap();
        assert!(
            rest.contains(r#""code":"cancelled""#) && rest.contains("stopping") && !rest.contains("[DONE]"),
            "{rest}"
        );
        assert_eq!(whole.await.unwrap().unwrap().status(), 503);
        (&mut proxy.served).await.unwrap();
    }
}

#[tokio::test]
async fn a_new_app_answers_new_requests_while_old_ones_finish_on_the_old() {
    let proxy = Arc::new(Proxy::start().await);
    let old = tokio::spawn({
        let proxy = Arc::clone(&proxy);
        async move {
            proxy
                .post("/chat/completions", &json!({"model": "hang", "messages": [{"role": "user", "content": "hi"}]}))
                .await
        }
    });
    proxy.double.began.notified().await;
    let fresh = Arc::new(Double::default());
    let next = app(&fresh).continuing(&proxy.handle.app()).build().unwrap();
    proxy.handle.replace(next).unwrap();
    let body = json!({"model": "echo", "messages": [{"role": "user", "content": "hi"}]});
    assert_eq!(proxy.post("/chat/completions", &body).await.status, 200);
    assert_eq!(fresh.asked.lock().unwrap().len(), 1);
    proxy.double.go_on.notify_one();
    assert_eq!(old.await.unwrap().status, 200);
    let page = proxy.get("/metrics").await;
    for model in ["hang", "echo"] {
        let line = format!(r#"sagewire_requests_total{{route="chat",model="{model}",status="200",key=""}} 1"#);
        assert!(page.text().contains(&line), "the numbers go on: {}", page.text());
    }
}

#[tokio::test]
async fn http2_is_served_on_the_same_port() {
    let proxy = Proxy::start().await;
    let stream = TcpStream::connect(proxy.address).await.unwrap();
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let calls = (0..20).map(|number| {
        let body = json!({"model": "echo", "stream": number % 2 == 0, "messages": [{"role": "user", "content": format!("n{number}")}]});
        let request = Request::post(format!("http://{}/v1/chat/completions", proxy.address))
            .body(Full::new(Bytes::from(body.to_string())))
            .unwrap();
        let answer = sender.send_request(request);
        async move {
            let response = answer.await.unwrap();
            assert_eq!(response.status(), 200);
            let bytes = response.into_body().collect().await.unwrap().to_bytes();
            assert!(String::from_utf8(bytes.to_vec()).unwrap().contains(&format!("n{number}")));
        }
    });
    futures_util::future::join_all(calls).await;
}
