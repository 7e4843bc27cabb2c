//! A parameter that OpenAI does not have and the container does: it goes into the body as it is.
#![expect(clippy::print_stdout, reason = "an example shows what it got")]

use sagewire::{ChatRequest, Client, Message};
use sagewire_examples::Endpoint;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let endpoint = Endpoint::open().await?;
    let client = Client::builder().sagemaker(endpoint.sagemaker()?.build()?).build();

    let request = ChatRequest::new(endpoint.model("sagemaker/tgi"), [Message::user("Hello, how are you?")])
        .with_parameter("top_k", 1)
        .with_parameter("repetition_penalty", 1.1);
    let reply = client.chat(request).await?;

    println!("{}", reply.value.content());
    println!("{}", endpoint.last_request());
    Ok(())
}
