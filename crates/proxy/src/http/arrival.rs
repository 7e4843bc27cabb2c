//! What the server knows of a request beside its bytes: where its connection arrived, and when it
//! will be cut off.
//!
//! Owns the extensions that carry it, and the checks that need it. A request that comes by
//! `App::answer` has none of them.

use std::net::SocketAddr;

use http::{Extensions, HeaderMap, StatusCode, Uri, Version, header};
use sagewire_types::{Error, ErrorKind};
use tokio::sync::watch;

use super::error::ApiError;

/// What the server knows of a request's connection.
#[derive(Clone, Debug)]
pub(crate) struct Arrival {
    /// The address of this machine at which it arrived.
    pub(crate) local: SocketAddr,
    pub(crate) stopping: Stopping,
}

/// How far the end of a server has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// It takes connections.
    Open,
    /// It takes no more, and lets requests end.
    Draining,
    /// What has not ended is cut off now.
    CutOff,
}

/// Says when a request under way is cut off.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stopping(Option<watch::Receiver<Phase>>);

impl Stopping {
    pub(crate) fn new(phase: watch::Receiver<Phase>) -> Self {
        Self(Some(phase))
    }

    pub(super) fn of(extensions: &Extensions) -> Self {
        extensions.get::<Arrival>().map(|arrival| arrival.stopping.clone()).unwrap_or_default()
    }

    /// Ends when what is under way is cut off.
    pub(super) async fn cut_off(mut self) {
        let is_told = match &mut self.0 {
            Some(phase) => phase.wait_for(|phase| *phase == Phase::CutOff).await.is_ok(),
            None => false,
        };
        // A server that is gone cuts nothing off any more.
        if !is_told {
            std::future::pending::<()>().await;
        }
    }

    /// What the callers of such requests are told.
    pub(super) fn error() -> Error {
        Error::new(ErrorKind::Cancelled, "the proxy is stopping; send the request again").with_retryable(true)
    }
}

/// HTTP/1.1 requires [one `Host`](https://www.rfc-editor.org/rfc/rfc9112#section-3.2-6).
pub(super) fn check_host(version: Version, headers: &HeaderMap) -> Result<(), ApiError> {
    let hosts = headers.get_all(header::HOST).iter().count();
    if version == Version::HTTP_11 && hosts == 0 || hosts > 1 {
        return Err(ApiError::refused(
            StatusCode::BAD_REQUEST,
            "invalid_host",
            format!("the request has {hosts} `Host` headers: send exactly one"),
        ));
    }
    Ok(())
}

/// The host that a request names, without its port; nothing is left of one that is not ASCII.
pub(super) fn host<'r>(uri: &'r Uri, headers: &'r HeaderMap) -> Option<&'r str> {
    if let Some(host) = uri.host() {
        return Some(host);
    }
    let host = headers.get(header::HOST)?.to_str().unwrap_or_default();
    Some(match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) && !name.ends_with(':') => name,
        _ => host,
    })
}

/// Whether a web page of another site cannot give this machine such a name: an address, or
/// `localhost`.
pub(super) fn is_own_name(host: &str) -> bool {
    let host = host.trim_end_matches('.');
    let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let is_localhost = |name: &str| name.eq_ignore_ascii_case("localhost");
    let is_name = host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'));
    address.parse::<std::net::IpAddr>().is_ok() || is_name && host.rsplit('.').next().is_some_and(is_localhost)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_and_localhost_are_this_machines_own() {
        for own in ["127.0.0.1", "[::1]", "localhost", "LOCALHOST", "app.localhost", "10.0.0.1", "localhost."] {
            assert!(is_own_name(own), "{own}");
        }
        for foreign in [
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "",
            "xlocalhost",
            "evil.example/.localhost",
            "evil.example?.localhost",
            "evil.example#.localhost",
        ] {
            assert!(!is_own_name(foreign), "{foreign}");
        }
    }

    #[test]
    fn a_host_is_told_from_its_port() {
        let named = |value: &str| {
            let headers = HeaderMap::from_iter([(header::HOST, value.parse().unwrap())]);
            host(&Uri::from_static("/models"), &headers).map(str::to_owned)
        };
        assert_eq!(named("a.example:4000").as_deref(), Some("a.example"));
        assert_eq!(named("[::1]:4000").as_deref(), Some("[::1]"));
        assert_eq!(named("localhost").as_deref(), Some("localhost"));
        let uri = Uri::from_static("http://b.example:1/models");
        assert_eq!(host(&uri, &HeaderMap::new()), Some("b.example"));
    }
}
