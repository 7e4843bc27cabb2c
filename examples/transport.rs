//! A transport of the program's own: here one that counts what is sent and passes it on. What it is
//! given is signed already.
#![expect(clippy::print_stdout, reason = "an example shows what it got")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use sagewire::{Body, ChatRequest, Client, Message, ReqwestTransport, Transport, TransportError};
use sagewire_examples::Endpoint;

#[derive(Debug)]
struct Counting {
    inner: ReqwestTransport,
    bytes: AtomicUsize,
}

#[async_trait]
impl Transport for Counting {
    async fn send(&self, request: http::Request<bytes::Bytes>) -> Result<http::Response<Body>, TransportError> {
        self.bytes.fetch_add(request.body().len(), Ordering::Relaxed);
        println!("{} {}", request.method(), request.uri().path());
        self.inner.send(request).await
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let endpoint = Endpoint::open().await?;
    // `ReqwestTransport::with_client` takes a client of the program's own, with its proxies,
    // certificates and limits.
    let inner = ReqwestTransport::new(Duration::from_secs(5))?;
    let counting = Arc::new(Counting { inner, bytes: AtomicUsize::new(0) });
    let sagemaker = endpoint.sagemaker().transport(Arc::clone(&counting)).build()?;
    let client = Client::builder().sagemaker(sagemaker).build();

    let request = ChatRequest::new(endpoint.model("sagemaker/tgi"), [Message::user("Hello, how are you?")]);
    println!("{}", client.chat(request).await?.value.content());
    println!("{} bytes were sent", counting.bytes.load(Ordering::Relaxed));
    Ok(())
}
