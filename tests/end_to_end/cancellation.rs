//! Giving a call up by dropping it or its stream: the connection to the endpoint is closed.

use std::{future::Future, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use sagewire::{CallContext, Client, Provider};
use sagewire_emulator::{Container, ContainerReply, Emulator, Invocation};
use sagewire_tests::{
    endpoint::{builder_for, client, question},
    replies::tgi_token,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
    sync::mpsc,
};

/// How long a test waits for what must happen at once. Only a test that fails waits so long.
const PATIENCE: Duration = Duration::from_secs(20);

async fn at_once<T>(what: &str, event: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, event).await.unwrap_or_else(|_| panic!("{what} did not happen"))
}

/// Streams one token and then nothing, and tells when its stream is dropped.
#[derive(Debug)]
struct Endless(mpsc::UnboundedSender<()>);

#[async_trait]
impl Container for Endless {
    async fn invoke(&self, _: Invocation) -> ContainerReply {
        let told = Told(self.0.clone());
        let first = stream::iter([Ok(Bytes::from(tgi_token("One")))]);
        let rest = stream::pending().map(move |part| {
            let _ = &told;
            part
        });
        ContainerReply::stream("text/event-stream", Box::pin(first.chain(rest)))
    }
}

#[derive(Debug)]
struct Told(mpsc::UnboundedSender<()>);

impl Drop for Told {
    fn drop(&mut self) {
        let _ = self.0.send(());
    }
}

async fn endless() -> (Emulator, Client, mpsc::UnboundedReceiver<()>) {
    let (sender, dropped) = mpsc::unbounded_channel();
    let emulator = Emulator::builder().endpoint("endless", Endless(sender)).start().await.unwrap();
    let client = client(&emulator);
    (emulator, client, dropped)
}

#[tokio::test]
async fn dropping_a_stream_closes_the_connection() {
    let (_emulator, client, mut dropped) = endless().await;
    let mut stream = client.chat_stream(question("sagemaker/endless")).await.unwrap();
    assert_eq!(stream.next().await.unwrap().unwrap().content(), "One");
    assert!(dropped.try_recv().is_err(), "the container streams on");
    drop(stream);
    at_once("the end of the container's stream", dropped.recv()).await.unwrap();
}

/// A server that reads one request, sends nothing or a beginning of a reply, and returns when the
/// client has closed the connection.
async fn until_closed(listener: TcpListener, begun: mpsc::UnboundedSender<()>, reply: &'static [u8]) {
    let (mut connection, _) = listener.accept().await.unwrap();
    let mut buffer = vec![0; 64 * 1024];
    assert!(connection.read(&mut buffer).await.unwrap() > 0);
    connection.write_all(reply).await.unwrap();
    begun.send(()).unwrap();
    while connection.read(&mut buffer).await.is_ok_and(|read| read > 0) {}
}

#[tokio::test]
async fn a_whole_call_that_is_dropped_closes_the_connection() {
    let beginnings: [&[u8]; 2] =
        [b"", b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n[{"];
    for beginning in beginnings {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (sender, mut begun) = mpsc::unbounded_channel();
        let server = tokio::spawn(until_closed(listener, sender, beginning));
        let sagemaker = builder_for(url).build().unwrap();
        let call = tokio::spawn(async move { sagemaker.chat(question("sagemaker/e"), &CallContext::new()).await });
        at_once("the request", begun.recv()).await.unwrap();
        call.abort();
        at_once("the end of the connection", server).await.unwrap();
    }
}

#[tokio::test]
async fn a_stream_that_is_read_to_its_end_keeps_the_connection_for_the_next_call() {
    let (emulator, client, _dropped) = endless().await;
    for _ in 0..3 {
        client.chat_stream(question("sagemaker/tgi")).await.unwrap().collect_reply().await.unwrap();
    }
    assert_eq!(emulator.received().len(), 3);
}
