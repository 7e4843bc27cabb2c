//! Routes that the container itself has, such as vLLM's: scores, speech and images, passed on as they
//! are.
#![expect(clippy::print_stdout, reason = "an example shows what it got")]

use sagewire::ForwardRequest;
use sagewire_emulator::Scripted;
use sagewire_examples::Endpoint;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let endpoint = Endpoint::open().await?;
    let client = endpoint.client()?; // on AWS: `Client::from_env()?`
    let model = endpoint.model("sagemaker/embedding");

    let calls = [
        (
            "/v1/score",
            r#"{"text_1": "a llama", "text_2": ["a car", "a camelid"]}"#,
            r#"{"data": [{"index": 0, "score": 0.1}]}"#,
        ),
        ("/v1/audio/speech", r#"{"input": "Hello there", "voice": "alloy"}"#, "RIFF..."),
        ("/v1/images/generations", r#"{"prompt": "a llama", "n": 1}"#, r#"{"data": [{"b64_json": "aGk="}]}"#),
    ];
    for (path, body, answer) in calls {
        // The emulated endpoint answers as a container with the route would.
        if let Some(emulator) = endpoint.emulator() {
            emulator.enqueue("embedding", Scripted::ok(answer));
        }
        let reply = client.forward(ForwardRequest::new(&model, path, body)).await?;
        println!("{path}: {} bytes", reply.value.bytes.len());
        println!("{}", endpoint.last_request());
    }
    Ok(())
}
