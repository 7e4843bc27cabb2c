//! `sagewire demo`: what the library does, on an emulated endpoint that checks every signature.

use std::{io::Write, time::Duration};

use clap::Args;
use futures_util::StreamExt;
use sagewire::{ChatRequest, Client, EmbedRequest, Message, SageMaker, StreamOptions};
use sagewire_emulator::{EXAMPLE_ACCESS_KEY_ID, EXAMPLE_SECRET_ACCESS_KEY, Emulator, EmulatorBuilder, Rerank};
use tokio::time::Instant;

use crate::{Failure, announce::say, terminal::harmless};

/// The wait before each part of a demo's stream, of which a token has about five: the speed of a
/// model, so that a person sees the answer grow.
const PACE: Duration = Duration::from_millis(5);

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sagewire demo --once
  sagewire demo

Without `--once` the emulator runs until Ctrl-C, so that you can try it with any AWS client.")]
pub(crate) struct DemoArguments {
    /// Ends after the three calls
    #[arg(long)]
    once: bool,
}

/// The emulator of `demo`, and of every command's `--demo`.
pub(crate) async fn emulator() -> Result<Emulator, Failure> {
    builder().start().await.map_err(Failure::work)
}

fn builder() -> EmulatorBuilder {
    Emulator::builder().endpoint("reranker", Rerank).pace(PACE)
}

pub(crate) async fn run(arguments: DemoArguments) -> Result<(), Failure> {
    let emulator = emulator().await?;
    say!("An emulated SageMaker Runtime listens on {}\n", emulator.url());

    let sagemaker = SageMaker::builder()
        .endpoint_url(emulator.url())
        .region("us-east-1")
        .keys(EXAMPLE_ACCESS_KEY_ID, EXAMPLE_SECRET_ACCESS_KEY)
        .build()?;
    let client = Client::builder().sagemaker(sagemaker).build();

    chat(&client, &emulator).await?;
    streamed_chat(&client, &emulator).await?;
    embedding(&client, &emulator).await?;

    let received = emulator.received();
    let refused = received.iter().filter(|request| !request.accepted).count();
    if refused > 0 {
        return Err(Failure::work(format!("the endpoint refused {refused} of {} signatures", received.len())));
    }
    say!("All {} requests carried a signature that the endpoint verified.", received.len());
    if arguments.once {
        emulator.shutdown().await;
        return Ok(());
    }
    say!("\nThe emulator runs until Ctrl-C. Try it with any AWS client:\n");
    say!("{}", emulator.exports());
    say!("cargo run -p sagewire-examples --example stream");
    tokio::signal::ctrl_c().await.map_err(Failure::work)?;
    emulator.shutdown().await;
    Ok(())
}

async fn chat(client: &Client, emulator: &Emulator) -> Result<(), Failure> {
    say!("1. A chat with a text container, `sagemaker/tgi`");
    let begun = Instant::now();
    let request = ChatRequest::new("sagemaker/tgi", [Message::user("Hello, how are you?")]).with_max_tokens(80);
    let reply = client.chat(request).await?;
    let took = begun.elapsed();
    show_request(emulator);
    say!("   answer:  {}", reply.value.content());
    let reason = reply.value.choices.first().and_then(|choice| choice.finish_reason.as_ref());
    say!(
        "   finish:  {}, request id {}",
        reason.map_or("-", |reason| reason.as_str()),
        reply.meta.request_id.as_deref().unwrap_or("-")
    );
    say!("   time:    {took:.1?}\n");
    Ok(())
}

async fn streamed_chat(client: &Client, emulator: &Emulator) -> Result<(), Failure> {
    say!("2. A streamed chat with a Messages container, `sagemaker_chat/messages`");
    let mut request =
        ChatRequest::new("sagemaker_chat/messages", [Message::user("Tell me about llamas.")]).with_max_tokens(80);
    request.stream_options = Some(StreamOptions::with_usage());
    let begun = Instant::now();
    let mut stream = client.chat_stream(request).await?;
    let first = begun.elapsed();
    show_request(emulator);
    write!(std::io::stdout(), "   answer:  ").map_err(Failure::output)?;
    let (mut chunks, mut usage) = (0, None);
    while let Some(chunk) = stream.next().await {
        let chunk = chunk?;
        chunks += 1;
        let mut out = std::io::stdout().lock();
        write!(out, "{}", harmless(chunk.content())).and_then(|()| out.flush()).map_err(Failure::output)?;
        usage = chunk.usage.or(usage);
    }
    say!("");
    if let Some(usage) = usage {
        say!("   usage:   {} + {} = {} tokens", usage.prompt_tokens, usage.completion_tokens, usage.total_tokens);
    }
    say!("   time:    {first:.1?} to the first of {chunks} chunks, {:.1?} in all\n", begun.elapsed());
    Ok(())
}

async fn embedding(client: &Client, emulator: &Emulator) -> Result<(), Failure> {
    say!("3. Embeddings, `sagemaker/embedding`");
    let begun = Instant::now();
    let request = EmbedRequest::new("sagemaker/embedding", ["good morning from sagewire", "this is another item"]);
    let reply = client.embed(request).await?;
    let took = begun.elapsed();
    show_request(emulator);
    for embedding in &reply.value.data {
        let numbers = embedding.floats();
        let beginning: Vec<_> = numbers.iter().take(4).map(|number| format!("{number:.4}")).collect();
        say!("   vector {}: [{}, ...] of {} numbers", embedding.index, beginning.join(", "), numbers.len());
    }
    say!("   time:    {took:.1?}\n");
    Ok(())
}

/// What the endpoint saw, without the signature itself.
fn show_request(emulator: &Emulator) {
    let Some(request) = emulator.received().pop() else { return };
    say!("   request: {} {}", request.method, request.path);
    say!("   body:    {}", String::from_utf8_lossy(&request.body));
    let signed =
        request.header("authorization").and_then(|value| value.split("SignedHeaders=").nth(1)?.split(',').next());
    say!("   signed:  {} ({})", signed.unwrap_or("nothing"), if request.accepted { "verified" } else { "refused" });
}
