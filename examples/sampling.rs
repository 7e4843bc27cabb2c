//! Temperature, top p and other parameters of OpenAI's, in the container's own words.
#![expect(clippy::print_stdout, reason = "an example shows what it got")]

use sagewire::{ChatRequest, Client, Message};
use sagewire_examples::Endpoint;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let endpoint = Endpoint::open().await?;
    let client = Client::builder().sagemaker(endpoint.sagemaker()?.build()?).build();

    let request = ChatRequest::new(endpoint.model("sagemaker/tgi"), [Message::user("Hello, how are you?")])
        .with_temperature(0.7)
        .with_top_p(1.0)
        .with_stop(["\n\n"]);
    let reply = client.chat(request).await?;

    println!("{}", reply.value.content());
    // TGI refuses a top p of 1, which limits nothing: it is left out. `stop` is a list there, whatever it was here.
    println!("{}", endpoint.last_request());
    Ok(())
}
