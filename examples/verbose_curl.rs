//! The raw request (LiteLLM's `set_verbose`), as a curl command that signs with the keys of the
//! shell that runs it. No key stands in it.
#![expect(clippy::print_stdout, reason = "an example shows what it got")]

use std::io;

use sagewire::{ChatRequest, Client, Message, Settings};
use sagewire_examples::Endpoint;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Whatever a program does with its log: the records have the target `sagewire::wire`.
    let log = tracing_subscriber::fmt().with_env_filter("off,sagewire::wire=info").with_writer(io::stdout);
    log.with_ansi(false).with_level(false).with_target(false).without_time().init();

    let endpoint = Endpoint::open().await?;
    let sagemaker = endpoint.sagemaker().settings(Settings::new().with_verbose(true)).build()?;
    let client = Client::builder().sagemaker(sagemaker).build();

    let request = ChatRequest::new(endpoint.model("sagemaker_chat/messages"), [Message::user("Hello, how are you?")])
        .with_max_tokens(20);
    println!("{}", client.chat(request).await?.value.content());
    Ok(())
}
