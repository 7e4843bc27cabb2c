//! Parameters: OpenAI's in the container's own words, those that only the container knows, and the
//! temperature 0.
#![expect(clippy::print_stdout, reason = "an example shows what it got")]

use sagewire::{CallContext, ChatRequest, Message, Settings};
use sagewire_examples::Endpoint;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let endpoint = Endpoint::open().await?;
    let client = endpoint.client()?; // on AWS: `Client::from_env()?`
    let question = || ChatRequest::new(endpoint.model("sagemaker/tgi"), [Message::user("Hello, how are you?")]);

    // TGI refuses a top p of 1, which limits nothing: it is left out. `stop` is a list there, whatever
    // it was here.
    let request = question().with_temperature(0.7).with_top_p(1.0).with_stop(["\n\n"]);
    println!("{}\n{}\n", client.chat(request).await?.value.content(), endpoint.last_request());

    // A parameter that OpenAI does not have and the container does goes into the body as it is.
    let request = question().with_parameter("top_k", 1).with_parameter("repetition_penalty", 1.1);
    println!("{}\n{}\n", client.chat(request).await?.value.content(), endpoint.last_request());

    // By default a text container gets 0.1 in place of 0, as most of them refuse 0; a setting sends it
    // as it is.
    let cold = || question().with_temperature(0.0).with_max_tokens(80);
    println!("{}\n{}\n", client.chat(cold()).await?.value.content(), endpoint.last_request());
    let context = CallContext::new().with(Settings::new().with_allow_zero_temperature(true));
    match client.chat_with(cold(), &context).await {
        Ok(reply) => println!("{}", reply.value.content()),
        // The emulated container is one of those that refuse it.
        Err(error) => println!("{error}"),
    }
    println!("{}", endpoint.last_request());
    Ok(())
}
