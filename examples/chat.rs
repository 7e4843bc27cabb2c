//! A question and its whole answer.
#![expect(clippy::print_stdout, reason = "an example shows what it got")]

use sagewire::{ChatRequest, Client, Message};
use sagewire_examples::Endpoint;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let endpoint = Endpoint::open().await?;
    // On AWS alone, `Client::from_env()?` is enough.
    let client = Client::builder().sagemaker(endpoint.sagemaker()?.build()?).build();

    let request = ChatRequest::new(endpoint.model("sagemaker/tgi"), [Message::user("Hello, how are you?")])
        .with_temperature(0.2)
        .with_max_tokens(80);
    let reply = client.chat(request).await?;

    println!("{}", reply.value.content());
    println!("request id: {}", reply.meta.request_id.as_deref().unwrap_or("unknown"));
    Ok(())
}
