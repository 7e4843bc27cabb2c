//! An answer as it is made: SageMaker's own response stream, token by token, and a stream from a
//! container that cannot stream.
#![expect(clippy::print_stdout, reason = "an example shows what it got")]

use std::io::Write as _;

use futures_util::StreamExt as _;
use sagewire::{CallContext, ChatRequest, Message, Settings, StreamOptions};
use sagewire_examples::Endpoint;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let endpoint = Endpoint::open().await?;
    let client = endpoint.client()?; // on AWS: `Client::from_env()?`

    for model in endpoint.models(["sagemaker/tgi", "sagemaker_chat/messages"]) {
        let request = ChatRequest::new(model, [Message::user("Hello, how are you?")])
            .with_temperature(0.2)
            .with_max_tokens(80)
            .with_stream_options(StreamOptions::with_usage());

        // An error before the first chunk is this call's; after it, the stream yields the error and ends.
        let mut stream = client.chat_stream(request).await?;
        while let Some(chunk) = stream.next().await {
            let chunk = chunk?;
            print!("{}", chunk.content());
            std::io::stdout().flush()?;
            if let Some(usage) = chunk.usage {
                print!("\n{} tokens", usage.total_tokens);
            }
        }
        println!();
    }

    // LiteLLM's `fake_stream`: the whole answer is asked for, and cut into chunks here.
    let request = ChatRequest::new(endpoint.model("sagemaker/tgi"), [Message::user("Hello, how are you?")]);
    let context = CallContext::new().with(Settings::new().with_fake_stream(true));
    let reply = client.chat_stream_with(request, &context).await?.collect_reply().await?;
    println!("{}\n{}", reply.value.content(), endpoint.last_request());
    Ok(())
}
