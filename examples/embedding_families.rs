//! What kinds of embedding containers there are, and what each is sent for the same two texts.
#![expect(clippy::print_stdout, reason = "an example shows what it got")]

use sagewire::{CallContext, Client, EmbedRequest, Provider, Settings};
use sagewire_emulator::Scripted;
use sagewire_examples::Endpoint;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let endpoint = Endpoint::open().await?;
    let client = Client::builder().sagemaker(endpoint.sagemaker()?.build()?).build();

    let families = [
        ("hf", "[[0.1, 0.2], [0.3, 0.4]]"),
        ("jumpstart", r#"{"embedding": [[0.1, 0.2], [0.3, 0.4]]}"#),
        ("openai", r#"{"data": [{"index": 0, "embedding": [0.1, 0.2]}, {"index": 1, "embedding": [0.3, 0.4]}]}"#),
        ("cohere", r#"{"embeddings": {"float": [[0.1, 0.2], [0.3, 0.4]]}}"#),
    ];
    for (family, answer) in families {
        // The emulated endpoint answers as a container of the family would. One of yours has one family: set that.
        if let Some(emulator) = endpoint.emulator() {
            emulator.enqueue("embedding", Scripted::ok(answer));
        }
        let mut settings = Settings::default();
        settings.embedding_dialect = Some(family.to_owned());
        let request = EmbedRequest::new(endpoint.model("sagemaker/embedding"), ["good morning", "good night"]);
        let reply = Provider::embed(&client, request, &CallContext::new().with(settings)).await?;
        println!("{family}: {} vectors\n{}", reply.value.data.len(), endpoint.last_request());
    }
    Ok(())
}
