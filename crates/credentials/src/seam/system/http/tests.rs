//! The real client against small servers on this machine.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::SystemHttp;
use crate::seam::{HttpClient, HttpErrorKind, MapEnv, RequestOptions};

/// A server that gives `answer` to every connection, and the address it listens on.
async fn server(answer: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = [0; 4096];
            let _ = stream.read(&mut head).await;
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    address
}

fn get(uri: String) -> http::Request<Bytes> {
    http::Request::get(uri).body(Bytes::new()).unwrap()
}

#[tokio::test]
async fn gives_status_headers_and_body_and_follows_no_redirect() {
    let address =
        server("HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\nx-a: b\r\ncontent-length: 2\r\n\r\nok").await;
    let options = RequestOptions::default().direct();
    let answer = SystemHttp::new(MapEnv::new()).send(get(format!("http://{address}/")), &options).await.unwrap();
    assert_eq!(answer.status(), 302);
    assert_eq!(answer.headers()["x-a"], "b");
    assert_eq!(answer.body(), "ok");
}

#[tokio::test]
async fn uses_the_proxy_unless_the_route_is_direct_or_excepted() {
    let proxy = server("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nproxy").await;
    let target = server("HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\ntarget").await;
    let env = MapEnv::new().with("http_proxy", format!("http://{proxy}"));
    let uri = format!("http://{target}/");
    let proxied = RequestOptions::default();

    let client = SystemHttp::new(env.clone());
    assert_eq!(client.send(get(uri.clone()), &proxied).await.unwrap().body(), "proxy");
    assert_eq!(client.send(get(uri.clone()), &proxied.clone().direct()).await.unwrap().body(), "target");

    let client = SystemHttp::new(env.with("NO_PROXY", "127.0.0.1"));
    assert_eq!(client.send(get(uri), &proxied).await.unwrap().body(), "target");
}

#[tokio::test]
async fn a_long_answer_is_cut_off() {
    let address = server("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n12345").await;
    let mut options = RequestOptions::default().direct();
    options.max_response = 4;
    let error = SystemHttp::new(MapEnv::new()).send(get(format!("http://{address}/")), &options).await.unwrap_err();
    assert_eq!(error.kind(), HttpErrorKind::TooLarge);
}

#[tokio::test]
async fn says_whether_connection_or_answer_failed_and_hides_the_query() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let client = SystemHttp::new(MapEnv::new());
    let uri = format!("http://{address}/?token=hidden");

    // The connection is made by the kernel, but nobody ever answers.
    let options = RequestOptions::default().direct().with_timeouts(Duration::from_secs(5), Duration::ZERO);
    let error = client.send(get(uri.clone()), &options).await.unwrap_err();
    assert!(error.is_timeout(), "{error:?}");
    assert!(!format!("{error} {error:?}").contains("hidden"));

    drop(listener);
    let error = client.send(get(uri), &RequestOptions::default().direct()).await.unwrap_err();
    assert_eq!(error.kind(), HttpErrorKind::Connect);
    assert!(!format!("{error} {error:?}").contains("hidden"));
}

#[tokio::test]
async fn a_bad_ca_bundle_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("empty.pem");
    std::fs::write(&empty, "").unwrap();
    for (path, reason) in [(empty.as_path(), "contains no certificate"), (Path::new("/none.pem"), "cannot be read")] {
        let options = RequestOptions::default().with_ca_bundle(Some(Arc::from(path)));
        let client = SystemHttp::new(MapEnv::new());
        let error = client.send(get("https://127.0.0.1:1/".to_owned()), &options).await.unwrap_err();
        assert_eq!(error.kind(), HttpErrorKind::Configuration);
        assert!(error.to_string().contains(reason), "{error}");
        assert!(error.to_string().contains("AWS_CA_BUNDLE"), "{error}");
    }
}

/// A TLS server that is sure of itself, and its certificate as PEM.
async fn tls_server() -> (SocketAddr, String) {
    let signed = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(signed.signing_key.serialize_der()).unwrap();
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![signed.cert.der().clone()], key)
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            // A client that does not trust the certificate ends the handshake.
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let mut head = [0; 4096];
            let _ = stream.read(&mut head).await;
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
            let _ = stream.shutdown().await;
        }
    });
    (address, signed.cert.pem())
}

#[tokio::test]
async fn a_ca_bundle_decides_whom_to_trust() {
    let (address, pem) = tls_server().await;
    let folder = tempfile::tempdir().unwrap();
    let bundle = folder.path().join("ca.pem");
    std::fs::write(&bundle, pem).unwrap();
    let client = SystemHttp::new(MapEnv::new());
    let uri = format!("https://localhost:{}/", address.port());

    let error = client.send(get(uri.clone()), &RequestOptions::default().direct()).await.unwrap_err();
    assert_eq!(error.kind(), HttpErrorKind::Connect, "the system does not know this certificate");

    let options = RequestOptions::default().direct().with_ca_bundle(Some(Arc::from(bundle)));
    assert_eq!(client.send(get(uri), &options).await.unwrap().body(), "ok");
}
