//! One of several models on an endpoint, named by its inference component: in a header that is signed, never in the body.
#![expect(clippy::print_stdout, reason = "an example shows what it got")]

use sagewire::{CallContext, ChatRequest, Client, Message, Provider, Settings};
use sagewire_examples::Endpoint;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let endpoint = Endpoint::open().await?;
    let client = Client::builder().sagemaker(endpoint.sagemaker()?.build()?).build();

    let mut settings = Settings::default();
    settings.headers.inference_component = Some("my-model".to_owned());
    let context = CallContext::new().with(settings);
    let request = ChatRequest::new(endpoint.model("sagemaker/tgi"), [Message::user("Hello, how are you?")])
        .with_temperature(0.2)
        .with_max_tokens(80);
    let reply = Provider::chat(&client, request, &context).await?;

    println!("{}", reply.value.content());
    println!("{}", endpoint.last_request());
    Ok(())
}
