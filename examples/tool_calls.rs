//! A tool that the model may call: its call, the program's result, and the answer made of it.
#![expect(clippy::print_stdout, reason = "an example shows what it got")]

use sagewire::{ChatRequest, Client, Content, Message, Role, Tool};
use sagewire_examples::Endpoint;
use serde_json::{Value, json};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let endpoint = Endpoint::open().await?;
    let client = Client::builder().sagemaker(endpoint.sagemaker()?.build()?).build();

    let weather = Tool::function(
        "get_weather",
        "The weather of a city now",
        json!({"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}),
    );
    let mut request =
        ChatRequest::new(endpoint.model("sagemaker_chat/messages"), [Message::user("What is the weather in Paris?")])
            .with_tools([weather]);
    let reply = client.chat(request.clone()).await?;

    let message = reply.value.choices.into_iter().next().ok_or("an answer without choices")?.message;
    let mut turn = Message::new(Role::Assistant, message.content.as_deref().unwrap_or_default());
    turn.tool_calls = message.tool_calls.clone();
    request = request.with_message(turn);
    for call in &message.tool_calls {
        let arguments: Value = serde_json::from_str(&call.function.arguments)?;
        println!("the model calls {}({arguments})", call.function.name);
        request = request.with_message(Message::tool(&call.id, Content::from("22 degrees and sunny")));
    }

    println!("{}", client.chat(request).await?.value.content());
    Ok(())
}
