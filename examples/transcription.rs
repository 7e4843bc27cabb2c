//! A recording as text, and what each family of servers of transcription is sent for it.
#![expect(clippy::print_stdout, reason = "an example shows what it got")]

use sagewire::{AudioForm, AudioKind, CallContext, Settings, TranscribeRequest, TranscriptionDialect};
use sagewire_emulator::Scripted;
use sagewire_examples::Endpoint;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let endpoint = Endpoint::open().await?;
    let client = endpoint.client()?; // on AWS: `Client::from_env()?`
    let model = endpoint.model("sagemaker/embedding");

    // A tenth of a second of silence; on your machine, the bytes of a file.
    let recording = [b"RIFF", &[0; 3200][..]].concat();
    let fields = [("response_format", "json")];
    let form = AudioForm::new(AudioKind::of(Some("audio/wav"), None), &recording, fields)?;
    for family in [TranscriptionDialect::Vllm, TranscriptionDialect::WhisperX, TranscriptionDialect::HuggingFace] {
        // The emulated endpoint answers as a container of the family would. One of yours has one family:
        // set that.
        if let Some(emulator) = endpoint.emulator() {
            emulator.enqueue("embedding", Scripted::ok(r#"{"text": "..."}"#));
        }
        let context = CallContext::new().with(Settings::new().with_transcription_dialect(family));
        let reply = client.transcribe_with(TranscribeRequest::new(&model, form.clone()), &context).await?;
        println!("{family}: {}", String::from_utf8_lossy(&reply.value.bytes));
    }
    Ok(())
}
