//! One of several models on an endpoint, named by its inference component: in a header that is
//! signed, never in the body.
#![expect(clippy::print_stdout, reason = "an example shows what it got")]

use sagewire::{CallContext, ChatRequest, Message, Settings};
use sagewire_examples::Endpoint;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let endpoint = Endpoint::open().await?;
    let client = endpoint.client()?; // on AWS: `Client::from_env()?`

    let context = CallContext::new().with(Settings::new().with_inference_component("my-model"));
    let request = ChatRequest::new(endpoint.model("sagemaker/tgi"), [Message::user("Hello, how are you?")])
        .with_temperature(0.2)
        .with_max_tokens(80);
    let reply = client.chat_with(request, &context).await?;

    println!("{}", reply.value.content());
    println!("{}", endpoint.last_request());
    Ok(())
}
