//! Tools that the model may call: its calls, the program's results, and the answer made of them.
#![expect(clippy::print_stdout, reason = "an example shows what it got")]

use sagewire::{ChatRequest, Message, Tool, ToolChoice};
use sagewire_examples::Endpoint;
use serde::Deserialize;
use serde_json::json;

#[derive(Deserialize)]
struct Weather {
    city: String,
}

fn weather_in(city: &str) -> String {
    format!("22 degrees and sunny in {city}")
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let endpoint = Endpoint::open().await?;
    let client = endpoint.client()?; // on AWS: `Client::from_env()?`

    let weather = Tool::function(
        "get_weather",
        "The weather of a city now",
        json!({"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}),
    );
    let question = Message::user("What is the weather in Paris?");
    let mut request = ChatRequest::new(endpoint.model("sagemaker_chat/messages"), [question])
        .with_tools([weather])
        .with_tool_choice(ToolChoice::Auto);

    loop {
        let answer = client.chat(request.clone()).await?.value;
        let turn = answer.into_message().ok_or("the model gave no answer")?;
        if turn.tool_calls.is_empty() {
            println!("{}", turn.text());
            return Ok(());
        }
        request = request.with_message(turn.clone());
        for call in &turn.tool_calls {
            let Weather { city } = call.arguments()?;
            println!("the model calls {}({city})", call.function.name);
            request = request.with_message(Message::tool(&call.id, weather_in(&city)));
        }
    }
}
