//! Credentials from a source of one's own, kept and renewed by the cache that the built-in sources have.
#![expect(clippy::print_stdout, reason = "an example shows what it got")]

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use sagewire::{
    ChatRequest, Client, Message, SageMaker,
    credentials::{CachedProvider, Credentials, CredentialsError, ProvideCredentials, seam::World},
};
use sagewire_emulator::Emulator;

/// Stands for a vault or a broker, which gives out sessions of an hour.
#[derive(Debug)]
struct Vault {
    clock: World,
}

#[async_trait]
impl ProvideCredentials for Vault {
    async fn provide_credentials(&self) -> Result<Credentials, CredentialsError> {
        println!("the vault is asked");
        let expiry: SystemTime = self.clock.now() + Duration::from_secs(3600);
        Ok(Credentials::new("ASIAMYSESSION", "my-secret")
            .with_session_token("my-token")
            .with_expiry(expiry)
            .with_source("vault"))
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let emulator = Emulator::builder().session("ASIAMYSESSION", "my-secret", "my-token").start().await?;
    let world = World::system();
    let vault = CachedProvider::new(&world, Arc::new(Vault { clock: world.clone() }));
    let sagemaker = SageMaker::builder()
        .credentials(Arc::new(vault))
        .region("eu-central-1")?
        .endpoint_url(emulator.url())
        .build()?;
    let client = Client::builder().sagemaker(sagemaker).build();

    // Two calls, one session.
    for question in ["Hello, how are you?", "And now?"] {
        println!(
            "{}",
            client.chat(ChatRequest::new("sagemaker/tgi", [Message::user(question)])).await?.value.content()
        );
    }
    println!(
        "{} requests, each with a verified signature",
        emulator.received().iter().filter(|request| request.accepted).count()
    );
    Ok(())
}
