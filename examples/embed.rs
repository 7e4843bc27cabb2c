//! Texts as vectors.
#![expect(clippy::print_stdout, reason = "an example shows what it got")]

use sagewire::{Client, EmbedRequest};
use sagewire_examples::Endpoint;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let endpoint = Endpoint::open().await?;
    let client = Client::builder().sagemaker(endpoint.sagemaker()?.build()?).build();

    let texts = ["good morning from sagewire", "this is another item"];
    let reply = client.embed(EmbedRequest::new(endpoint.model("sagemaker/embedding"), texts)).await?;

    for embedding in &reply.value.data {
        let numbers = embedding.vector.to_floats()?;
        println!(
            "{}: {} numbers, {:?} ...",
            embedding.index,
            numbers.len(),
            numbers.iter().take(3).collect::<Vec<_>>()
        );
    }
    Ok(())
}
