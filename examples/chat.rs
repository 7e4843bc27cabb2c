//! A question and its whole answer, from a container that takes one text and from one that takes
//! OpenAI's messages.
#![expect(clippy::print_stdout, reason = "an example shows what it got")]

use sagewire::{ChatRequest, Message};
use sagewire_examples::Endpoint;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let endpoint = Endpoint::open().await?;
    let client = endpoint.client()?; // on AWS: `Client::from_env()?`

    for model in endpoint.models(["sagemaker/tgi", "sagemaker_chat/messages"]) {
        let request = ChatRequest::new(model, [Message::user("Hello, how are you?")])
            .with_system("Answer in one sentence.")
            .with_temperature(0.2)
            .with_max_tokens(80);
        let reply = client.chat(request).await?;

        println!("{}", reply.value.content());
        if let Some(usage) = &reply.value.usage {
            println!("{} + {} tokens", usage.prompt_tokens, usage.completion_tokens);
        }
        println!("request id: {}", reply.meta.request_id.as_deref().unwrap_or("unknown"));
        println!("{}", endpoint.last_request());
    }
    Ok(())
}
