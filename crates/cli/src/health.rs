//! `sagewire health`: whether a running proxy is ready for requests.
//!
//! It is for containers that have neither a shell nor curl.

use std::{path::PathBuf, sync::Arc, time::Duration};

use bytes::Bytes;
use clap::Args;
use sagewire::credentials::seam::{HttpErrorKind, RequestOptions, World};
use url::Url;

use crate::{Failure, announce::say};

/// The path that is asked, unless the URL has one. It needs no key.
const READINESS: &str = "/health/readiness";

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sagewire health
  sagewire health http://127.0.0.1:8000 --timeout 2
  sagewire health http://127.0.0.1:4000/health/liveliness
  sagewire health https://proxy.example.com --ca-bundle ca.pem

The HEALTHCHECK of the container image runs it. HTTP_PROXY and HTTPS_PROXY are ignored.

Exit codes: 0 ready, 1 not ready or no answer, 2 the arguments are invalid.")]
pub(crate) struct HealthArguments {
    /// The URL of the proxy. Without a path, `/health/readiness` is asked
    #[arg(value_name = "URL", env = "SAGEWIRE_HEALTH_URL", default_value = "http://127.0.0.1:4000", value_parser = url)]
    url: Url,
    /// The time limit for the answer
    #[arg(long, value_name = "SECONDS", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=3600))]
    timeout: u64,
    /// Trusts the certificates of this file instead of the system's
    #[arg(long, value_name = "FILE")]
    ca_bundle: Option<PathBuf>,
}

fn url(text: &str) -> Result<Url, String> {
    const FORM: &str = "expected a URL such as `http://host:port`";
    let mut url: Url = text.parse().map_err(|_| FORM.to_owned())?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(FORM.to_owned());
    }
    if url.path() == "/" {
        url.set_path(READINESS);
    }
    Ok(url)
}

pub(crate) async fn run(arguments: HealthArguments) -> Result<(), Failure> {
    let address = arguments.url.as_str();
    let request = http::Request::get(address).body(Bytes::new()).map_err(Failure::usage)?;
    let limit = Duration::from_secs(arguments.timeout);
    let options = RequestOptions::default()
        .with_timeouts(limit, limit)
        .direct()
        .with_ca_bundle(arguments.ca_bundle.map(|path| Arc::from(path.as_path())));
    let response = World::system().http().send(request, &options).await.map_err(|error| match error.kind() {
        HttpErrorKind::Configuration => Failure::usage(error),
        _ => {
            let hint = "check that `sagewire serve` runs there; the first line it prints is its URL";
            Failure::work(error).about(address).with_hint(hint)
        }
    })?;
    if response.status().is_success() {
        say!("ready");
        return Ok(());
    }
    Err(Failure::work(format!("not ready: HTTP {}", response.status())).about(address))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_without_a_path_is_asked_for_readiness() {
        for (given, asked) in [
            ("http://127.0.0.1:4000", "http://127.0.0.1:4000/health/readiness"),
            ("https://proxy.example.com/", "https://proxy.example.com/health/readiness"),
            ("http://proxy/health/liveliness", "http://proxy/health/liveliness"),
        ] {
            assert_eq!(url(given).unwrap().as_str(), asked);
        }
        for wrong in ["127.0.0.1:4000", "localhost:4000", "ftp://proxy", "", "http://"] {
            assert!(url(wrong).is_err(), "{wrong}");
        }
    }
}
