//! Texts as vectors, and what each family of embedding containers is sent for the same two texts.
#![expect(clippy::print_stdout, reason = "an example shows what it got")]

use sagewire::{CallContext, EmbedRequest, EmbeddingDialect, Settings};
use sagewire_emulator::Scripted;
use sagewire_examples::Endpoint;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let endpoint = Endpoint::open().await?;
    let client = endpoint.client()?; // on AWS: `Client::from_env()?`
    let model = endpoint.model("sagemaker/embedding");

    let texts = vec!["good morning from sagewire".to_owned(), "this is another item".to_owned()];
    let reply = client.embed(EmbedRequest::new(&model, &texts)).await?;
    for embedding in &reply.value.data {
        let floats = embedding.floats();
        println!("{}: {} numbers, {:?} ...", embedding.index, floats.len(), floats.iter().take(3).collect::<Vec<_>>());
    }

    let families = [
        (EmbeddingDialect::HuggingFace, "[[0.1, 0.2], [0.3, 0.4]]"),
        (EmbeddingDialect::JumpStart, r#"{"embedding": [[0.1, 0.2], [0.3, 0.4]]}"#),
        (
            EmbeddingDialect::OpenAi,
            r#"{"data": [{"index": 0, "embedding": [0.1, 0.2]}, {"index": 1, "embedding": [0.3, 0.4]}]}"#,
        ),
        (EmbeddingDialect::Cohere, r#"{"embeddings": {"float": [[0.1, 0.2], [0.3, 0.4]]}}"#),
    ];
    for (family, answer) in families {
        // The emulated endpoint answers as a container of the family would. One of yours has one family:
        // set that.
        if let Some(emulator) = endpoint.emulator() {
            emulator.enqueue("embedding", Scripted::ok(answer));
        }
        let context = CallContext::new().with(Settings::new().with_embedding_dialect(family));
        let reply = client.embed_with(EmbedRequest::new(&model, &texts), &context).await?;
        println!("{family}: {} vectors\n{}", reply.value.data.len(), endpoint.last_request());
    }
    Ok(())
}
