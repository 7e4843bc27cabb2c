//! HTTPS.

use std::{fs, path::Path, sync::Arc};

use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, RootCertStore, pki_types::ServerName};
use sagewire_proxy::{Server, ServerError, ServerOptions, TlsError, config::TlsFiles};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::{client::app, double::Double};

/// A certificate for `localhost`, written into the folder.
fn certificate(folder: &Path) -> (TlsFiles, rcgen::Certificate) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let files = TlsFiles { certificate_file: folder.join("certificate.pem"), private_key_file: folder.join("key.pem") };
    fs::write(&files.certificate_file, made.cert.pem()).unwrap();
    fs::write(&files.private_key_file, made.signing_key.serialize_pem()).unwrap();
    (files, made.cert)
}

async fn connect(
    address: std::net::SocketAddr,
    trusted: &rcgen::Certificate,
    protocol: &[u8],
) -> std::io::Result<tokio_rustls::client::TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![protocol.to_vec()];
    let stream = TcpStream::connect(address).await.unwrap();
    TlsConnector::from(Arc::new(config)).connect(ServerName::try_from("localhost").unwrap(), stream).await
}

fn options(files: &TlsFiles) -> ServerOptions {
    let mut options = ServerOptions::default();
    options.tls = Some(files.clone());
    options
}

#[tokio::test]
async fn both_versions_are_served_and_a_renewed_certificate_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let (files, first) = certificate(folder.path());
    let app = app(&Arc::new(Double::default())).build().unwrap();
    let server = Server::bind(([127, 0, 0, 1], 0).into(), app, options(&files)).await.unwrap();
    let (address, handle) = (server.local_addr(), server.handle());
    tokio::spawn(server.serve(std::future::pending()));
    let request = || {
        http::Request::get("https://localhost/health/liveliness")
            .header("host", "localhost")
            .body(String::new())
            .unwrap()
    };

    let stream = connect(address, &first, b"http/1.1").await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    assert_eq!(sender.send_request(request()).await.unwrap().status(), 200);

    let stream = connect(address, &first, b"h2").await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let executor = hyper_util::rt::TokioExecutor::new();
    let (mut sender, connection) = hyper::client::conn::http2::handshake(executor, TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    assert_eq!(sender.send_request(request()).await.unwrap().status(), 200);

    let (_, second) = certificate(folder.path());
    handle.reload_certificate().unwrap();
    assert!(connect(address, &first, b"h2").await.is_err(), "the old certificate is still served");
    connect(address, &second, b"h2").await.unwrap();

    fs::write(&files.certificate_file, "nonsense").unwrap();
    assert!(matches!(handle.reload_certificate(), Err(ServerError::Tls(TlsError::NoCertificate { .. }))));
    connect(address, &second, b"h2").await.unwrap();
}

#[tokio::test]
async fn files_that_are_of_no_use_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let (files, _) = certificate(folder.path());
    let app = || app(&Arc::new(Double::default())).build().unwrap();
    let missing = TlsFiles { private_key_file: folder.path().join("missing.pem"), ..files.clone() };
    let error = Server::bind(([127, 0, 0, 1], 0).into(), app(), options(&missing)).await.unwrap_err();
    assert!(
        matches!(&error, ServerError::Tls(TlsError::File { path, .. }) if path.ends_with("missing.pem")),
        "{error}"
    );
    // Neither a device, which has no end, nor a folder is read.
    for path in [std::path::PathBuf::from("/dev/zero"), folder.path().to_owned()] {
        let odd = TlsFiles { certificate_file: path.clone(), ..files.clone() };
        let error = Server::bind(([127, 0, 0, 1], 0).into(), app(), options(&odd)).await.unwrap_err();
        assert!(matches!(&error, ServerError::Tls(TlsError::File { path: named, .. }) if *named == path), "{error}");
    }
    let swapped = TlsFiles { certificate_file: files.private_key_file.clone(), ..files };
    let error = Server::bind(([127, 0, 0, 1], 0).into(), app(), options(&swapped)).await.unwrap_err();
    assert!(matches!(&error, ServerError::Tls(TlsError::NoCertificate { .. })), "{error}");
}

#[tokio::test]
async fn a_caller_that_closed_its_sending_side_is_answered() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    let folder = tempfile::tempdir().unwrap();
    let (files, trusted) = certificate(folder.path());
    let double = Arc::new(Double::default());
    let server =
        Server::bind(([127, 0, 0, 1], 0).into(), app(&double).build().unwrap(), options(&files)).await.unwrap();
    let address = server.local_addr();
    tokio::spawn(server.serve(std::future::pending()));
    let body = r#"{"model":"hang","messages":[{"role":"user","content":"hi"}]}"#;
    let head = format!("POST /chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\n\r\n", body.len());
    let mut stream = connect(address, &trusted, b"http/1.1").await.unwrap();
    stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    double.began.notified().await;
    double.go_on.notify_one();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    assert!(String::from_utf8(answer).unwrap().contains("HTTP/1.1 200 OK\r\n"));
    // One that has gone.
    let mut stream = connect(address, &trusted, b"http/1.1").await.unwrap();
    stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
    double.began.notified().await;
    stream.shutdown().await.unwrap();
    drop(stream);
    double.gave_up.notified().await;
}

#[tokio::test]
async fn plain_bytes_to_a_tls_port_end_the_connection() {
    let folder = tempfile::tempdir().unwrap();
    let (files, trusted) = certificate(folder.path());
    let app = app(&Arc::new(Double::default())).build().unwrap();
    let server = Server::bind(([127, 0, 0, 1], 0).into(), app, options(&files)).await.unwrap();
    let address = server.local_addr();
    tokio::spawn(server.serve(std::future::pending()));
    let mut plain = TcpStream::connect(address).await.unwrap();
    tokio::io::AsyncWriteExt::write_all(&mut plain, b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    let _ = tokio::io::AsyncReadExt::read_to_end(&mut plain, &mut answer).await;
    assert!(!answer.starts_with(b"HTTP/"), "{answer:?}");
    connect(address, &trusted, b"http/1.1").await.unwrap();
}
