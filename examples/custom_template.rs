//! The prompt of a text container: by the model's name on Hugging Face, by a template of one's own,
//! and by affixes for each role.
#![expect(clippy::print_stdout, reason = "an example shows what it got")]

use sagewire::{
    CallContext, ChatRequest, Message, Settings,
    chat_template::{ChatTemplate, RoleTemplate, SpecialTokens},
};
use sagewire_examples::Endpoint;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let endpoint = Endpoint::open().await?;
    let client = endpoint.client()?; // on AWS: `Client::from_env()?`

    // LiteLLM's `hf_model_name`: the template that is built in, or in Hugging Face's cache on disk.
    let by_name = Settings::new().with_hf_model_name("meta-llama/Llama-2-7b-chat-hf");

    let jinja = "{{ bos_token }}{% for m in messages %}[{{ m.role }}] {{ m.content }}\n{% endfor %}[assistant]";
    let template = ChatTemplate::from_jinja(jinja, SpecialTokens::new().with("bos_token", "<s>"))?;
    let own = Settings::new().with_template(template);

    // LiteLLM's `register_prompt_template` and `roles`.
    let roles = RoleTemplate::new().role("user", "### Question\n", "\n").final_prompt_value("### Answer\n");
    let by_role = Settings::new().with_template(ChatTemplate::from_roles(roles));

    for settings in [by_name, own, by_role] {
        let request = ChatRequest::new(endpoint.model("sagemaker/tgi"), [Message::user("Hello, how are you?")])
            .with_max_tokens(20);
        let reply = client.chat_with(request, &CallContext::new().with(settings)).await?;
        println!("{}\n{}\n", endpoint.last_request(), reply.value.content());
    }
    Ok(())
}
