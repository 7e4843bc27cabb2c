//! Two deployments of a model and a fallback: the first is down, the second answers, and the reply
//! says what was decided.
#![expect(clippy::print_stdout, reason = "an example shows what it got")]

use std::sync::Arc;

use sagewire::{CallContext, ChatRequest, Message, Provider};
use sagewire_emulator::{AwsError, Scripted};
use sagewire_examples::Endpoint;
use sagewire_router::{Deployment, Router, RouterSettings};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let endpoint = Endpoint::open().await?;
    let client: Arc<dyn Provider> = Arc::new(endpoint.client()?);
    let (tgi, messages) = (endpoint.model("sagemaker/tgi"), endpoint.model("sagemaker_chat/messages"));

    let router = Router::builder()
        .deployment(Deployment::new("llama", &tgi, Arc::clone(&client)).with_id("llama-a").with_order(1))
        .deployment(Deployment::new("llama", &messages, Arc::clone(&client)).with_id("llama-b").with_order(2))
        .deployment(Deployment::new("small", &messages, client).with_id("small"))
        .settings(RouterSettings::default().with_fallbacks("llama", ["small"]))
        .build()?;

    // On the emulator the first endpoint fails once.
    if let Some(emulator) = endpoint.emulator() {
        emulator.enqueue("tgi", Scripted::error(AwsError::service_unavailable()));
    }
    let reply =
        router.chat(ChatRequest::new("llama", [Message::user("Hello, how are you?")]), &CallContext::new()).await?;

    println!("{}", reply.value.content());
    for (name, value) in &reply.meta.decisions {
        println!("{name}: {value}");
    }
    Ok(())
}
