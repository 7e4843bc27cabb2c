//! One signature, here and in AWS's `aws-sigv4`, for the request that sagewire sends most: an
//! `InvokeEndpoint` call with temporary credentials. The signing key is cached here; the official
//! crate has no cache.
//!
//! `cargo bench -p sagewire-sigv4` prints criterion's figures and then, measured in turns within
//! one run, the ratio of the two.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a bench prints what the clock says, and may stop at the first surprise"
)]

use std::{
    hint::black_box,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use aws_credential_types::Credentials;
use aws_sigv4::http_request as official;
use aws_smithy_runtime_api::client::identity::Identity;
use criterion::{BenchmarkId, Criterion, Throughput};
use http::{Request, request::Parts};
use sagewire_sigv4::{Payload, Signer, SigningParams, SigningSettings};

const ID: &str = "ASIAIOSFODNN7EXAMPLE";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const REGION: &str = "us-east-1";
const SERVICE: &str = "sagemaker";
const SIZES: [(&str, usize); 2] = [("1 KiB", 1024), ("128 KiB", 128 * 1024)];

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let bench = Bench::new();
    let mut group = criterion.benchmark_group("sign");
    for (name, size) in SIZES {
        let body = vec![b'x'; size];
        group.throughput(Throughput::Bytes(size as u64));
        group.bench_function(BenchmarkId::new("sagewire-sigv4", name), |b| b.iter(|| bench.ours(&body)));
        group.bench_function(BenchmarkId::new("aws-sigv4", name), |b| b.iter(|| bench.theirs(&body)));
    }
    group.finish();
    criterion.final_summary();
    for (name, size) in SIZES {
        bench.print_ratio(name, &vec![b'x'; size]);
    }
}

struct Bench {
    head: Parts,
    signer: Signer,
    token: String,
    identity: Identity,
    time: SystemTime,
}

impl Bench {
    fn new() -> Self {
        let (head, ()) = Request::post(
            "https://runtime.sagemaker.us-east-1.amazonaws.com/endpoints/my-endpoint/invocations-response-stream",
        )
        .header("content-type", "application/json")
        .header("accept", "application/json")
        .header("user-agent", "sagewire")
        .header("x-amzn-sagemaker-accept", "application/json")
        .header("x-amzn-sagemaker-inference-component", "llama-3-8b")
        .body(())
        .unwrap()
        .into_parts();
        // As long as those that STS gives out.
        let token = "IQoJb3JpZ2luX2VjE".repeat(50);
        let identity = Credentials::from_keys(ID, SECRET, Some(token.clone())).into();
        let time = UNIX_EPOCH + Duration::from_secs(1_767_225_600);
        Self { head, signer: Signer::new(), token, identity, time }
    }

    fn ours(&self, body: &[u8]) -> Parts {
        let mut head = self.head.clone();
        let params = SigningParams {
            access_key_id: ID,
            secret_access_key: SECRET,
            session_token: Some(&self.token),
            region: REGION,
            service: SERVICE,
            time: self.time,
            settings: SigningSettings::default(),
        };
        self.signer.sign(&mut head, Payload::Bytes(body), &params).unwrap();
        head
    }

    fn theirs(&self, body: &[u8]) -> Request<()> {
        let mut request = Request::from_parts(self.head.clone(), ());
        let params = aws_sigv4::sign::v4::SigningParams::builder()
            .identity(&self.identity)
            .region(REGION)
            .name(SERVICE)
            .time(self.time)
            .settings(official::SigningSettings::default())
            .build()
            .unwrap()
            .into();
        let uri = request.uri().to_string();
        let headers = request.headers().iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap()));
        let signable = official::SignableRequest::new(
            request.method().as_str(),
            uri,
            headers,
            official::SignableBody::Bytes(body),
        )
        .unwrap();
        let (instructions, _) = official::sign(signable, &params).unwrap().into_parts();
        instructions.apply_to_request_http1x(&mut request);
        request
    }

    /// Takes turns, so that whatever else the machine does weighs on both alike, and compares the
    /// medians.
    fn print_ratio(&self, name: &str, body: &[u8]) {
        const TURNS: usize = 101;
        const CALLS: u32 = 100;
        let time = |call: &dyn Fn()| {
            let start = Instant::now();
            (0..CALLS).for_each(|_| call());
            start.elapsed() / CALLS
        };
        let mut pairs: Vec<_> = (0..TURNS)
            .map(|_| {
                let ours = time(&|| drop(black_box(self.ours(black_box(body)))));
                (ours, time(&|| drop(black_box(self.theirs(black_box(body))))))
            })
            .collect();
        pairs.sort_by_key(|(ours, _)| *ours);
        let ours = pairs.get(TURNS / 2).unwrap().0;
        pairs.sort_by_key(|(_, theirs)| *theirs);
        let theirs = pairs.get(TURNS / 2).unwrap().1;
        let ratio = ours.as_secs_f64() / theirs.as_secs_f64();
        println!("{name}: sagewire-sigv4 {ours:?}, aws-sigv4 {theirs:?}, ratio {ratio:.2}");
    }
}
