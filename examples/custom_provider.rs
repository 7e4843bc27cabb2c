//! A provider of your own behind a prefix of its own, whole and streamed, beside SageMaker's.
#![expect(clippy::print_stdout, reason = "an example shows what it got")]

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::{StreamExt as _, stream};
use sagewire::{
    Answer, Call, CallContext, ChatChunk, ChatRequest, ChatResponse, ChatStream, ChunkChoice, Client, Error,
    FinishReason, Message, Provider, Reply, ReplyMeta,
};
use sagewire_examples::Endpoint;

/// Repeats what was said last.
#[derive(Debug)]
struct Parrot;

#[async_trait]
impl Provider for Parrot {
    async fn call(&self, call: Call, _: &CallContext) -> Result<Answer, Error> {
        match call {
            Call::Chat(request) => {
                let said = last_text(&request)?;
                Ok(Reply::new(ChatResponse::text(request.model, said, FinishReason::Stop)).into())
            }
            Call::ChatStream(request) => {
                let (id, model): (Arc<str>, Arc<str>) = ("parrot-1".into(), request.model.as_str().into());
                let words: Vec<_> = last_text(&request)?.split_inclusive(' ').map(ChunkChoice::text).collect();
                let choices = words.into_iter().chain([ChunkChoice::finished(FinishReason::Stop)]);
                let chunks: Vec<_> =
                    choices.map(|choice| Ok(ChatChunk::new(id.clone(), model.clone(), 0, vec![choice]))).collect();
                Ok(ChatStream::new(ReplyMeta::default(), stream::iter(chunks)).into())
            }
            other => Err(other.unsupported()),
        }
    }
}

fn last_text(request: &ChatRequest) -> Result<String, Error> {
    let last = request.messages.last().ok_or_else(|| Error::invalid("messages", "say something to repeat"))?;
    Ok(last.text().into_owned())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let endpoint = Endpoint::open().await?;
    let client =
        Client::builder().sagemaker(endpoint.sagemaker().build()?).provider("parrot", Arc::new(Parrot)).build();

    for model in ["parrot/grey".to_owned(), endpoint.model("sagemaker/tgi")] {
        let request = ChatRequest::new(&model, [Message::user("Hello, how are you?")]).with_max_tokens(80);
        println!("{model}: {}", client.chat(request.clone()).await?.value.content());
        print!("{model}, streamed:");
        let mut chunks = client.chat_stream(request).await?;
        while let Some(chunk) = chunks.next().await {
            print!(" [{}]", chunk?.content());
        }
        println!();
    }
    Ok(())
}
