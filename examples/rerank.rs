//! Documents by their relevance, and what each family of rerankers is sent for the same two texts.
#![expect(clippy::print_stdout, reason = "an example shows what it got")]

use sagewire::{CallContext, RerankDialect, RerankRequest, Settings};
use sagewire_emulator::Scripted;
use sagewire_examples::Endpoint;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let endpoint = Endpoint::open().await?;
    let client = endpoint.client()?; // on AWS: `Client::from_env()?`
    let model = endpoint.model("sagemaker/embedding");
    let request = RerankRequest::new(&model, "what is a llama?", ["a car has four wheels", "a llama is a camelid"]);

    let families = [
        (RerankDialect::Tei, r#"[{"index": 1, "score": 0.98}, {"index": 0, "score": 0.01}]"#),
        (
            RerankDialect::Vllm,
            r#"{"results": [{"index": 1, "relevance_score": 0.98}, {"index": 0, "relevance_score": 0.01}]}"#,
        ),
        (
            RerankDialect::Cohere,
            r#"{"results": [{"index": 1, "relevance_score": 0.98}, {"index": 0, "relevance_score": 0.01}], "meta": {"billed_units": {"search_units": 1}}}"#,
        ),
    ];
    for (family, answer) in families {
        // The emulated endpoint answers as a container of the family would. One of yours has one family:
        // set that.
        if let Some(emulator) = endpoint.emulator() {
            emulator.enqueue("embedding", Scripted::ok(answer));
        }
        let context = CallContext::new().with(Settings::new().with_rerank_dialect(family));
        let reply = client.rerank_with(request.clone(), &context).await?;
        for result in &reply.value.results {
            println!("{family}: document {} has the score {}", result.index, result.relevance_score);
        }
        println!("{}", endpoint.last_request());
    }
    Ok(())
}
