//! The temperature 0: by default a text container gets 0.1, as most of them refuse 0; a setting sends it as it is.
#![expect(clippy::print_stdout, reason = "an example shows what it got")]

use sagewire::{CallContext, ChatRequest, Client, Message, Provider, Settings};
use sagewire_examples::Endpoint;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let endpoint = Endpoint::open().await?;
    let client = Client::builder().sagemaker(endpoint.sagemaker()?.build()?).build();
    let request = ChatRequest::new(endpoint.model("sagemaker/tgi"), [Message::user("Hello, how are you?")])
        .with_temperature(0.0)
        .with_max_tokens(80);

    let reply = client.chat(request.clone()).await?;
    println!("{}\n{}\n", reply.value.content(), endpoint.last_request());

    // For this call alone; a provider takes the same settings for all of its calls.
    let mut settings = Settings::default();
    settings.allow_zero_temperature = Some(true);
    let context = CallContext::new().with(settings);
    match Provider::chat(&client, request, &context).await {
        Ok(reply) => println!("{}", reply.value.content()),
        // The emulated container is one of those that refuse it.
        Err(error) => println!("{error}"),
    }
    println!("{}", endpoint.last_request());
    Ok(())
}
