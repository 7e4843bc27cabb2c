//! An answer as it is made: SageMaker's own response stream, token by token, of a text container and of one that takes messages.
#![expect(clippy::print_stdout, reason = "an example shows what it got")]

use std::io::Write as _;

use futures_util::StreamExt as _;
use sagewire::{ChatRequest, Client, Message, StreamOptions};
use sagewire_examples::Endpoint;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let endpoint = Endpoint::open().await?;
    let client = Client::builder().sagemaker(endpoint.sagemaker()?.build()?).build();

    // With `SAGEWIRE_MODEL`, both are that one.
    let mut models = ["sagemaker/tgi", "sagemaker_chat/messages"].map(|model| endpoint.model(model)).to_vec();
    models.dedup();
    for model in models {
        let mut request =
            ChatRequest::new(model, [Message::user("Hello, how are you?")]).with_temperature(0.2).with_max_tokens(80);
        request.stream_options = Some(StreamOptions::with_usage());

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
    Ok(())
}
