//! A stream from a container that cannot stream: the whole answer is asked for, and cut into chunks here.
#![expect(clippy::print_stdout, reason = "an example shows what it got")]

use futures_util::StreamExt as _;
use sagewire::{ChatRequest, Client, Message, Settings};
use sagewire_examples::Endpoint;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let endpoint = Endpoint::open().await?;
    let mut settings = Settings::default();
    settings.fake_stream = Some(true);
    let client = Client::builder().sagemaker(endpoint.sagemaker()?.settings(settings).build()?).build();

    let request = ChatRequest::new(endpoint.model("sagemaker/tgi"), [Message::user("Hello, how are you?")])
        .with_temperature(0.2)
        .with_max_tokens(80);
    let mut stream = client.chat_stream(request).await?;
    let mut chunks = 0;
    while let Some(chunk) = stream.next().await {
        print!("{}", chunk?.content());
        chunks += 1;
    }
    println!("\n{chunks} chunks out of one whole reply:\n{}", endpoint.last_request());
    Ok(())
}
