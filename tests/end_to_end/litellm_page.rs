//! Every endpoint that LiteLLM's SageMaker page names: the URL it is called at, and the prompt it
//! is given.

use sagewire::{ChatRequest, Client, Message};
use sagewire_emulator::{Emulator, Tgi};
use sagewire_tests::endpoint::sagemaker;

/// The page's endpoints, and what the conversation below becomes for each.
const ENDPOINTS: &[(&str, &str)] = &[
    ("jumpstart-dft-meta-textgeneration-llama-2-7b", "Be brief. Hello, how are you?"),
    ("jumpstart-dft-meta-textgeneration-llama-2-7b-f", CHAT),
    ("jumpstart-dft-meta-textgeneration-llama-2-13b", "Be brief. Hello, how are you?"),
    ("jumpstart-dft-meta-textgeneration-llama-2-13b-f", CHAT),
    ("jumpstart-dft-meta-textgeneration-llama-2-70b", "Be brief. Hello, how are you?"),
    ("jumpstart-dft-meta-textgeneration-llama-2-70b-b-f", CHAT),
    // A name that was cut in `mpt`: the chat model of that family may be behind it.
    ("jumpstart-dft-hf-textgeneration1-mp-20240815-185614", INSTRUCT),
    ("my-deployment-name", "Be brief. Hello, how are you?"),
];

const INSTRUCT: &str = "Be brief.\n\n### Instruction:\nHello, how are you?\n\n### Response:\n";

const CHAT: &str = "<s>[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\nHello, how are you? [/INST]";

#[tokio::test]
async fn each_is_called_at_its_url_with_its_models_prompt() {
    let mut builder = Emulator::builder();
    for (endpoint, _) in ENDPOINTS {
        builder = builder.endpoint(*endpoint, Tgi::new());
    }
    let emulator = builder.start().await.unwrap();
    let client = Client::builder().sagemaker(sagemaker(&emulator)).build();
    for (endpoint, prompt) in ENDPOINTS {
        emulator.clear_received();
        let messages = [Message::system("Be brief."), Message::user("Hello, how are you?")];
        // The page's own parameters: TGI refuses a `top_p` of 1 and a temperature of 0.
        let request = ChatRequest::new(format!("sagemaker/{endpoint}"), messages)
            .with_temperature(0.0)
            .with_top_p(1.0)
            .with_max_tokens(80)
            .with_parameter("top_k", 1);
        client.chat(request).await.unwrap();
        let received = emulator.received();
        assert_eq!(received.len(), 1, "{endpoint}");
        assert_eq!(received[0].path, format!("/endpoints/{endpoint}/invocations"));
        let body = received[0].json().unwrap();
        assert_eq!(body["inputs"], *prompt, "{endpoint}");
        let parameters = serde_json::json!({"details": true, "temperature": 0.1, "max_new_tokens": 80, "top_k": 1});
        assert_eq!(body["parameters"], parameters, "{endpoint}");
    }
}
