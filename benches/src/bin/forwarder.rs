//! The least that a gateway can do: passes each request on, and its answer back, without reading
//! either.
//!
//! `forwarder http://127.0.0.1:PORT` forwards to that address. What a proxy costs beyond this is its own.
#![expect(clippy::print_stdout, reason = "a program says where it listens")]

use http::{Request, Response, Uri, header::HOST, uri::PathAndQuery};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioIo},
};
use tokio::net::TcpListener;

type Upstream = Client<HttpConnector, Incoming>;

async fn forward(
    upstream: Upstream,
    authority: http::uri::Authority,
    mut request: Request<Incoming>,
) -> Result<Response<Incoming>, Box<dyn std::error::Error + Send + Sync>> {
    let path = request.uri().path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
    *request.uri_mut() = Uri::builder().scheme("http").authority(authority).path_and_query(path).build()?;
    request.headers_mut().remove(HOST);
    Ok(upstream.request(request).await?)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let to: Uri = std::env::args().nth(1).ok_or("name the address to forward to")?.parse()?;
    let authority = to.authority().ok_or("the address has no host")?.clone();
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let upstream: Upstream = Client::builder(TokioExecutor::new()).pool_max_idle_per_host(1024).build(connector);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("http://{}", listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let (upstream, authority) = (upstream.clone(), authority.clone());
        let service = service_fn(move |request| forward(upstream.clone(), authority.clone(), request));
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}
