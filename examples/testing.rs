//! A program under test, against scripted replies and faults: the emulator as a test tool.
#![expect(clippy::print_stdout, reason = "an example shows what it got")]

use sagewire::{ChatRequest, Client, Error, ErrorKind, Message, SageMaker};
use sagewire_emulator::{EXAMPLE_ACCESS_KEY_ID, EXAMPLE_SECRET_ACCESS_KEY, Emulator, Fault, Scripted};

/// What is to be tested: a program's own function.
async fn summary(client: &Client, text: &str) -> Result<String, Error> {
    let messages = [Message::system("Summarise in one sentence."), Message::user(text)];
    let request = ChatRequest::new("sagemaker_chat/messages", messages).with_max_tokens(60);
    let answer = client.chat_stream(request).await?.collect_reply().await?;
    Ok(answer.value.content().to_owned())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let emulator = Emulator::start().await?;
    let builder = SageMaker::builder().endpoint_url(emulator.url()).region("us-east-1");
    let sagemaker = builder.keys(EXAMPLE_ACCESS_KEY_ID, EXAMPLE_SECRET_ACCESS_KEY).build()?;
    let client = Client::builder().sagemaker(sagemaker).build();

    // A reply, word for word, cut where it hurts.
    let event = r#"data: {"choices": [{"index": 0, "delta": {"content": "Llamas spit."}, "finish_reason": "stop"}]}"#;
    let (first, second) = event.split_at(31);
    emulator.enqueue("messages", Scripted::stream([first.to_owned(), format!("{second}\n\ndata: [DONE]\n\n")]));
    let answer = summary(&client, "Llamas are known to spit.").await?;
    assert_eq!(answer, "Llamas spit.");

    // A broken connection is an error, never half a summary.
    emulator.inject("messages", Fault::CutAt(2000));
    let error =
        summary(&client, "Llamas are known to spit.").await.err().ok_or("half a summary was taken for whole")?;
    assert!(matches!(error.kind(), ErrorKind::StreamBroken | ErrorKind::Connection), "{error}");

    // What was asked.
    let asked = emulator.received().first().ok_or("nothing was asked")?.json()?;
    assert_eq!(asked.pointer("/messages/0/content"), Some(&"Summarise in one sentence.".into()));
    println!("the summary holds: {answer}\nand a broken one is: {error}");
    Ok(())
}
