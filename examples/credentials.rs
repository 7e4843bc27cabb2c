//! Credentials of the program's own: keys that it has, and a source such as a vault, which is asked
//! again shortly before its keys expire.
#![expect(clippy::print_stdout, reason = "an example shows what it got")]

use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use sagewire::{
    ChatRequest, Client, Message, SageMaker,
    credentials::{Credentials, CredentialsError, ProvideCredentials, StaticCredentials},
};
use sagewire_emulator::Emulator;

/// Stands for a vault or a broker, which gives out sessions of an hour.
#[derive(Debug)]
struct Vault;

#[async_trait]
impl ProvideCredentials for Vault {
    async fn provide_credentials(&self) -> Result<Credentials, CredentialsError> {
        println!("the vault is asked");
        #[expect(clippy::disallowed_methods, reason = "a vault has a clock of its own")]
        let expiry = SystemTime::now() + Duration::from_secs(3600);
        Ok(session().with_expiry(expiry).with_source("vault"))
    }
}

fn session() -> Credentials {
    Credentials::new("ASIAMYSESSION", "my-secret").with_session_token("my-token")
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // An endpoint that accepts one temporary session and nothing else. On AWS there would be no
    // endpoint URL below.
    let emulator = Emulator::builder().session("ASIAMYSESSION", "my-secret", "my-token").start().await?;
    let builder = || SageMaker::builder().region("eu-central-1").endpoint_url(emulator.url());

    let keys = builder().credentials(StaticCredentials::new(session())).build()?;
    let vault = builder().credentials(Vault).build()?;
    for sagemaker in [keys, vault] {
        let client = Client::builder().sagemaker(sagemaker).build();
        // Two calls, one session.
        for question in ["Hello, how are you?", "And now?"] {
            let request = ChatRequest::new("sagemaker/tgi", [Message::user(question)]);
            println!("{}", client.chat(request).await?.value.content());
        }
    }
    for request in emulator.received() {
        println!("signed by {:?} for {:?}", request.access_key_id, request.region);
    }
    Ok(())
}
