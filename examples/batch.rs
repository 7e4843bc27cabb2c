//! Answers a file of requests in the format of OpenAI's batches, with one result for each line.
//!
//! `cargo run -p sagewire-examples --example batch`
#![expect(clippy::print_stdout, reason = "an example shows what it got")]

use std::sync::Arc;

use futures_util::{StreamExt, stream};
use sagewire::{
    Client, SageMaker,
    batch::{End, Endpoint, Input, NewBatch, NewFile, Owner, ProviderEngine, RunOptions, Runner, Store},
    credentials::seam::World,
};
use sagewire_emulator::{EXAMPLE_ACCESS_KEY_ID, EXAMPLE_SECRET_ACCESS_KEY, Emulator};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let emulator = Emulator::start().await?;
    let sagemaker = SageMaker::builder()
        .endpoint_url(emulator.url())
        .region("us-east-1")
        .keys(EXAMPLE_ACCESS_KEY_ID, EXAMPLE_SECRET_ACCESS_KEY)
        .build()?;
    let provider = Arc::new(Client::builder().sagemaker(sagemaker).build());

    // What is in this directory outlives the process: a batch that was begun is gone on with.
    let folder = tempfile::tempdir()?;
    let store = Store::directory(folder.path(), Arc::clone(World::system().clock()))?;
    let owner = Owner::new("me")?;

    let line = |number: u32| {
        let question = format!("What is {number} times {number}?");
        let body = serde_json::json!({ "messages": [{ "role": "user", "content": question }] });
        serde_json::json!({ "custom_id": number.to_string(), "method": "POST", "url": Endpoint::ChatCompletions.as_str(), "body": body })
    };
    let lines = stream::iter((1..=20).map(|number| Ok(format!("{}\n", line(number)).into())));
    let file = store.upload(&owner, NewFile::new("questions.jsonl", "batch"), lines).await?;
    let batch = store.create(&owner, NewBatch::new(Input::File(file.id))).await?;

    let engine = ProviderEngine::new(provider).with_model("sagemaker_chat/messages");
    let end = Runner::new(store.clone()).run(&owner, &batch.id, &engine, &RunOptions::default()).await?;
    let End::Ended(batch) = end else { return Ok(()) };
    println!("{} of {} lines were answered", batch.request_counts.completed, batch.request_counts.total);
    if let Some(output) = &batch.output_file_id {
        let (_, mut content) = store.content(&owner, output).await?;
        while let Some(piece) = content.next().await {
            print!("{}", String::from_utf8_lossy(&piece?));
        }
    }
    emulator.shutdown().await;
    Ok(())
}
