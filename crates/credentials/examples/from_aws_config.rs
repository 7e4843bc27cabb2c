//! Takes a provider of the official `aws-config` in, and puts this crate's cache over it.
//!
//! ```text
//! AWS_ACCESS_KEY_ID=AKIDEXAMPLEEXAMPLE12 AWS_SECRET_ACCESS_KEY=secret \
//!     cargo run -p sagewire-credentials --features aws-interop --example from_aws_config
//! ```

use std::error::Error;
use std::sync::Arc;

use aws_config::environment::EnvironmentVariableCredentialsProvider;
use sagewire_credentials::interop::FromAwsSdk;
use sagewire_credentials::seam::World;
use sagewire_credentials::{CachedProvider, ProvideCredentials};

#[tokio::main(flavor = "current_thread")]
#[expect(clippy::print_stdout, reason = "an example shows what it did")]
async fn main() -> Result<(), Box<dyn Error>> {
    let theirs = EnvironmentVariableCredentialsProvider::new();
    let provider = CachedProvider::new(&World::system(), Arc::new(FromAwsSdk::new(theirs)));
    let credentials = provider.provide_credentials().await?;
    println!("{credentials:?}");
    Ok(())
}
