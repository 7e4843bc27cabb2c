//! HTTP by reqwest, with rustls and ring.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use tokio::sync::Mutex;

use super::files::{CA_BUNDLE_LIMIT, SystemFiles};
use super::proxy;
use crate::error::describe;
use crate::seam::{Env, Files, HttpClient, HttpError, HttpErrorKind, RequestOptions, Route};

/// The machine's network.
///
/// Redirects are not followed. Connections are not kept, since calls for credentials are minutes
/// apart. If the process has no default rustls provider, ring's becomes the default.
#[derive(Clone, Debug)]
pub struct SystemHttp {
    env: Arc<dyn Env>,
    clients: Arc<Mutex<HashMap<ClientKey, reqwest::Client>>>,
}

/// The options that reqwest sets per client and not per request.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct ClientKey {
    connect_timeout: Duration,
    route: Route,
    ca_bundle: Option<Arc<Path>>,
}

impl SystemHttp {
    /// A client that takes its proxies from `env`: `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and
    /// `NO_PROXY`, in upper or lower case. If none is set, the operating system's proxy settings
    /// are used.
    #[must_use]
    pub fn new(env: impl Env + 'static) -> Self {
        Self { env: Arc::new(env), clients: Arc::default() }
    }

    async fn client(&self, options: &RequestOptions) -> Result<reqwest::Client, HttpError> {
        let key = ClientKey {
            connect_timeout: options.connect_timeout,
            route: options.route,
            ca_bundle: options.ca_bundle.clone(),
        };
        let mut clients = self.clients.lock().await;
        if let Some(client) = clients.get(&key) {
            return Ok(client.clone());
        }
        let client = self.build(&key).await?;
        clients.insert(key, client.clone());
        Ok(client)
    }

    async fn build(&self, key: &ClientKey) -> Result<reqwest::Client, HttpError> {
        // An error means that the program has chosen another provider, which is used.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = reqwest::Client::builder()
            .connect_timeout(key.connect_timeout)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("sagewire/", env!("CARGO_PKG_VERSION")))
            .pool_max_idle_per_host(0);
        match key.route {
            Route::Direct => builder = builder.no_proxy(),
            Route::Proxied => {
                for proxy in proxy::from_env(&*self.env)? {
                    builder = builder.proxy(proxy);
                }
            }
        }
        if let Some(path) = &key.ca_bundle {
            builder = builder.tls_certs_only(certificates(path).await?);
        }
        builder.build().map_err(|error| {
            HttpError::new(HttpErrorKind::Configuration, "cannot set up the HTTP client").with_source(error)
        })
    }
}

async fn certificates(path: &Path) -> Result<Vec<reqwest::Certificate>, HttpError> {
    let problem = |what: &str| {
        let path = path.display();
        HttpError::new(
            HttpErrorKind::Configuration,
            format!("the CA bundle `{path}` {what}; correct or unset `AWS_CA_BUNDLE`"),
        )
    };
    let pem =
        SystemFiles.read(path, CA_BUNDLE_LIMIT).await.map_err(|error| problem("cannot be read").with_source(error))?;
    let certificates =
        reqwest::Certificate::from_pem_bundle(&pem).map_err(|error| problem("is not valid PEM").with_source(error))?;
    if certificates.is_empty() { Err(problem("contains no certificate")) } else { Ok(certificates) }
}

#[async_trait]
impl HttpClient for SystemHttp {
    async fn send(
        &self,
        request: http::Request<Bytes>,
        options: &RequestOptions,
    ) -> Result<http::Response<Bytes>, HttpError> {
        let client = self.client(options).await?;
        let mut request = reqwest::Request::try_from(request).map_err(classify)?;
        *request.timeout_mut() = Some(options.timeout);
        let mut response = client.execute(request).await.map_err(classify)?;
        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(classify)? {
            body.extend_from_slice(&chunk);
            if body.len() as u64 > options.max_response {
                let message = format!("the answer is longer than {} bytes", options.max_response);
                return Err(HttpError::new(HttpErrorKind::TooLarge, message));
            }
        }
        let mut answer = http::Response::new(body.freeze());
        *answer.status_mut() = response.status();
        *answer.headers_mut() = std::mem::take(response.headers_mut());
        Ok(answer)
    }
}

fn classify(error: reqwest::Error) -> HttpError {
    let kind = match (error.is_connect(), error.is_timeout()) {
        (true, true) => HttpErrorKind::ConnectTimeout,
        (true, false) => HttpErrorKind::Connect,
        (false, true) => HttpErrorKind::Timeout,
        (false, false) if error.is_builder() => HttpErrorKind::Configuration,
        (false, false) => HttpErrorKind::Broken,
    };
    // A URL may have a query, which reqwest's message would quote.
    HttpError::new(kind, describe(&error.without_url()))
}

#[cfg(test)]
mod tests;
