//! The metadata service that is there, refuses, tires, or never answers.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use super::Imds;
use crate::config::SharedConfig;
use crate::seam::{HttpClient, HttpError, HttpErrorKind, HttpFn, MapEnv, RequestOptions, Route, World};
use crate::{CredentialsError, ErrorKind};

async fn get(env: MapEnv, http: impl HttpClient + 'static) -> Result<String, CredentialsError> {
    let world = World::builder().with_env(env).with_http(http).build();
    let config = SharedConfig::load(&world, None).await;
    Imds::new(&config)?.get("/path").await
}

fn answer(status: u16, body: &'static str) -> Result<http::Response<Bytes>, HttpError> {
    Ok(http::Response::builder().status(status).body(body.into()).unwrap())
}

#[tokio::test]
async fn gets_a_token_and_sends_it() {
    let http = HttpFn::new(|request, options| {
        assert_eq!(options.route, Route::Direct);
        assert_eq!(options.connect_timeout, Duration::from_secs(1));
        match request.method().as_str() {
            "PUT" => {
                assert_eq!(request.uri(), "http://[fd00:ec2::254]/latest/api/token");
                assert_eq!(request.headers()["x-aws-ec2-metadata-token-ttl-seconds"], "21600");
                answer(200, "the-token")
            }
            _ => {
                assert_eq!(request.headers()["x-aws-ec2-metadata-token"], "the-token");
                assert!(!format!("{request:?}").contains("the-token"));
                answer(200, "text")
            }
        }
    });
    let env = MapEnv::from([("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "ipv6")]);
    assert_eq!(get(env, http).await.unwrap(), "text");
}

#[tokio::test(start_paused = true)]
async fn a_token_that_ran_out_is_replaced_and_trouble_is_outlasted() {
    let script = Mutex::new(vec![
        ("GET", 200, "text"),
        ("PUT", 200, "second"),
        ("GET", 401, ""),
        ("GET", 500, ""),
        ("PUT", 200, "first"),
    ]);
    let http = HttpFn::new(move |request, _| {
        let (method, status, body) = script.lock().unwrap().pop().unwrap();
        assert_eq!(request.method().as_str(), method);
        answer(status, body)
    });
    assert_eq!(get(MapEnv::new(), http).await.unwrap(), "text");
}

#[tokio::test(start_paused = true)]
async fn an_unreachable_service_is_not_configured_and_is_asked_once() {
    for kind in [HttpErrorKind::ConnectTimeout, HttpErrorKind::Connect] {
        let calls = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&calls);
        let http = HttpFn::new(move |_, _| {
            counted.fetch_add(1, Ordering::Relaxed);
            Err(HttpError::new(kind, "no connection"))
        });
        let error = get(MapEnv::new(), http).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotConfigured);
        assert!(error.to_string().contains("169.254.169.254"), "{error}");
        assert_eq!(calls.load(Ordering::Relaxed), 1);
    }
}

/// A host that does not answer, as a real client sees it: it gives up by the limits it was given.
#[derive(Debug)]
struct Silent {
    /// Whether a connection is made, on which nothing comes.
    connects: bool,
    calls: Arc<AtomicU32>,
}

#[async_trait]
impl HttpClient for Silent {
    async fn send(
        &self,
        _: http::Request<Bytes>,
        options: &RequestOptions,
    ) -> Result<http::Response<Bytes>, HttpError> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let (kind, limit) = match self.connects {
            true => (HttpErrorKind::Timeout, options.timeout),
            false => (HttpErrorKind::ConnectTimeout, options.connect_timeout),
        };
        tokio::time::sleep(limit).await;
        Err(HttpError::new(kind, "no answer"))
    }
}

#[tokio::test(start_paused = true)]
async fn a_host_that_is_not_there_costs_one_second_and_one_try() {
    let start = tokio::time::Instant::now();
    let calls = Arc::<AtomicU32>::default();
    let error = get(MapEnv::new(), Silent { connects: false, calls: Arc::clone(&calls) }).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotConfigured);
    // On the paused clock, which rounds up to milliseconds.
    assert_eq!(start.elapsed().as_secs(), 1);
    assert_eq!(calls.load(Ordering::Relaxed), 1);
}

#[tokio::test(start_paused = true)]
async fn a_silent_service_ends_within_its_time() {
    let start = tokio::time::Instant::now();
    let calls = Arc::<AtomicU32>::default();
    let error = get(MapEnv::new(), Silent { connects: true, calls: Arc::clone(&calls) }).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(start.elapsed() <= Duration::from_secs(30), "on the paused clock");
    assert_eq!(calls.load(Ordering::Relaxed), 4);
}

#[tokio::test]
async fn a_refusal_says_what_to_change() {
    let error = get(MapEnv::new(), HttpFn::new(|_, _| answer(403, ""))).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Provider);
    assert!(error.to_string().contains("hop limit"), "{error}");
}

#[tokio::test]
async fn settings_are_checked() {
    let never = || HttpFn::new(|_, _| panic!("nothing may be sent"));
    let error = get(MapEnv::from([("AWS_EC2_METADATA_DISABLED", "True")]), never()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotConfigured);
    for (variable, value) in
        [("AWS_EC2_METADATA_SERVICE_ENDPOINT", "169.254.169.254"), ("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "IPv5")]
    {
        let error = get(MapEnv::from([(variable, value)]), never()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidConfiguration);
        assert!(error.to_string().contains(variable), "{error}");
    }
}
