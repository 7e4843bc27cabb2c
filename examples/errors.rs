//! What can go wrong and what a program does about it: kinds, not words.
#![expect(clippy::print_stdout, reason = "an example shows what it got")]

use sagewire::{CallContext, ChatRequest, ErrorKind, Message, Retries};
use sagewire_emulator::{AwsError, Scripted};
use sagewire_examples::Endpoint;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let endpoint = Endpoint::open().await?;
    let client = endpoint.client()?; // on AWS: `Client::from_env()?`

    let failures = [
        AwsError::throttling(),
        AwsError::model_error(
            400,
            r#"{"error": "Input validation error: inputs tokens + max_new_tokens must be <= 4096"}"#,
        ),
        AwsError::model_error(500, "CUDA out of memory"),
        AwsError::access_denied("not authorized to perform: sagemaker:InvokeEndpoint"),
        AwsError::expired_token(),
    ];
    for failure in failures {
        if let Some(emulator) = endpoint.emulator() {
            emulator.enqueue("tgi", Scripted::error(failure));
        }
        let request = ChatRequest::new(endpoint.model("sagemaker/tgi"), [Message::user("Hello, how are you?")]);
        // One attempt, to see each failure: by default the provider tries again what may work.
        let context = CallContext::new().with_retries(Retries::Caller);
        let Err(error) = client.chat_with(request, &context).await else {
            println!("answered: a fresh signature was enough");
            continue;
        };
        let advice = match error.kind() {
            ErrorKind::ContextTooLong => "shorten the prompt",
            _ if error.is_retryable() => "try again",
            _ => "tell the operator",
        };
        println!("{}: {advice}\n  {error}", error.kind());
    }
    Ok(())
}
