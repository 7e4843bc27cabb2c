//! The Messages API: the container takes OpenAI's own body, so that every parameter and message can be sent.
#![expect(clippy::print_stdout, reason = "an example shows what it got")]

use sagewire::{ChatRequest, Client, Message};
use sagewire_examples::Endpoint;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let endpoint = Endpoint::open().await?;
    let client = Client::builder().sagemaker(endpoint.sagemaker()?.build()?).build();

    let messages = [Message::system("Answer in one sentence."), Message::user("Hello, how are you?")];
    let request =
        ChatRequest::new(endpoint.model("sagemaker_chat/messages"), messages).with_temperature(0.2).with_max_tokens(80);
    let reply = client.chat(request).await?;

    println!("{}", reply.value.content());
    if let Some(usage) = &reply.value.usage {
        println!("{} + {} tokens", usage.prompt_tokens, usage.completion_tokens);
    }
    println!("{}", endpoint.last_request());
    Ok(())
}
