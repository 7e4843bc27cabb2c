//! Every endpoint that LiteLLM's page names: JumpStart puts the model's id into the endpoint's
//! name, and by it the prompt gets the model's own template.
#![expect(clippy::print_stdout, reason = "an example shows what it got")]

use sagewire::{ChatRequest, Client, Message, SageMaker};
use sagewire_emulator::{EXAMPLE_ACCESS_KEY_ID, EXAMPLE_SECRET_ACCESS_KEY, Emulator, Tgi};

const ENDPOINTS: [&str; 7] = [
    "my-deployment",
    "jumpstart-dft-meta-textgeneration-llama-2-7b",
    "jumpstart-dft-meta-textgeneration-llama-2-7b-f",
    "jumpstart-dft-meta-textgeneration-llama-2-13b",
    "jumpstart-dft-meta-textgeneration-llama-2-13b-f",
    "jumpstart-dft-meta-textgeneration-llama-2-70b",
    "jumpstart-dft-meta-textgeneration-llama-2-70b-b-f",
];

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // An emulator of its own, with endpoints of these names.
    let emulator = ENDPOINTS.into_iter().fold(Emulator::builder(), |builder, name| builder.endpoint(name, Tgi::new()));
    let emulator = emulator.start().await?;
    let builder = SageMaker::builder().endpoint_url(emulator.url()).region("us-east-1");
    let sagemaker = builder.keys(EXAMPLE_ACCESS_KEY_ID, EXAMPLE_SECRET_ACCESS_KEY).build()?;
    let client = Client::builder().sagemaker(sagemaker).build();

    for endpoint in ENDPOINTS {
        let messages = [Message::system("Be brief."), Message::user("Hello, how are you?")];
        let reply =
            client.chat(ChatRequest::new(format!("sagemaker/{endpoint}"), messages).with_max_tokens(20)).await?;
        let sent = emulator.received().pop().ok_or("nothing was sent")?.json()?;
        // The chat models' names end with `-f`. The others are base models, which know no template: their
        // messages are joined.
        println!("{endpoint}\n  {}\n  {}", sent.get("inputs").ok_or("no inputs were sent")?, reply.value.content());
    }
    Ok(())
}
