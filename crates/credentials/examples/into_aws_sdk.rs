//! Hands the default chain to a client of the official AWS SDK.
//!
//! ```text
//! AWS_ACCESS_KEY_ID=AKIDEXAMPLE AWS_SECRET_ACCESS_KEY=secret AWS_REGION=eu-west-1 \
//!     cargo run -p sagewire-credentials --features aws-interop --example into_aws_sdk
//! ```
//!
//! In place of the network stands a connector that prints where the client's `GetCallerIdentity`
//! would have gone and with which key it is signed, and answers it. Nothing secret is printed.

use std::error::Error;
use std::sync::Arc;

use aws_sdk_sts::config::{BehaviorVersion, Region};
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use sagewire_credentials::interop::IntoAwsSdk;
use sagewire_credentials::seam::World;
use sagewire_credentials::{CachedProvider, DefaultChain, resolve_region};

const ANSWER: &str = "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult>\
    <Arn>arn:aws:iam::123456789012:user/example</Arn><UserId>AIDAEXAMPLE</UserId><Account>123456789012</Account>\
    </GetCallerIdentityResult></GetCallerIdentityResponse>";

/// Stands in for the network.
#[derive(Debug)]
struct Printer;

impl HttpConnector for Printer {
    #[expect(clippy::print_stdout, reason = "an example shows what it did")]
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        // `AWS4-HMAC-SHA256 Credential=<key id>/<date>/<region>/<service>/aws4_request, ..`: the
        // signature comes later.
        let scope = request.headers().get("authorization").and_then(|value| value.split(',').next());
        println!("{} {}: {}", request.method(), request.uri(), scope.unwrap_or("not signed"));
        HttpConnectorFuture::ready(answer())
    }
}

fn answer() -> Result<HttpResponse, ConnectorError> {
    let answer = http::Response::new(ANSWER.into());
    answer.try_into().map_err(|error: aws_smithy_runtime_api::http::HttpError| ConnectorError::user(error.into()))
}

#[tokio::main(flavor = "current_thread")]
#[expect(clippy::print_stdout, reason = "an example shows what it did")]
async fn main() -> Result<(), Box<dyn Error>> {
    let world = World::system();
    let region = resolve_region(&world, None, None).await?;
    let ours = CachedProvider::new(&world, Arc::new(DefaultChain::new(&world)));

    let config = aws_sdk_sts::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(region.to_string()))
        .credentials_provider(IntoAwsSdk::new(Arc::new(ours)))
        .http_client(http_client_fn(|_, _| SharedHttpConnector::new(Printer)))
        .build();
    let identity = aws_sdk_sts::Client::from_conf(config).get_caller_identity().send().await?;
    println!("answered: {}", identity.arn().unwrap_or_default());
    Ok(())
}
