//! Credentials and region that the program holds itself, in place of those that are found.
#![expect(clippy::print_stdout, reason = "an example shows what it got")]

use std::sync::Arc;

use sagewire::{
    ChatRequest, Client, Message, SageMaker,
    credentials::{Credentials, StaticCredentials},
};
use sagewire_emulator::Emulator;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // An endpoint that accepts one temporary session and nothing else. On AWS there would be no endpoint URL below.
    let emulator = Emulator::builder().session("ASIAMYSESSION", "my-secret", "my-token").start().await?;

    let credentials = Credentials::new("ASIAMYSESSION", "my-secret").with_session_token("my-token");
    let sagemaker = SageMaker::builder()
        .credentials(Arc::new(StaticCredentials::new(credentials)))
        .region("eu-central-1")?
        .endpoint_url(emulator.url())
        .build()?;
    let client = Client::builder().sagemaker(sagemaker).build();

    let request = ChatRequest::new("sagemaker/tgi", [Message::user("Hello, how are you?")]);
    println!("{}", client.chat(request).await?.value.content());
    for request in emulator.received() {
        println!("signed by {:?} for {:?}", request.access_key_id, request.region);
    }
    Ok(())
}
