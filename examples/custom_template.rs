//! The prompt of a text container: by the model's name on Hugging Face, by a template of one's own, and by affixes for each role.
#![expect(clippy::print_stdout, reason = "an example shows what it got")]

use sagewire::{
    CallContext, ChatRequest, Client, Message, Provider, Settings, TemplateChoice,
    chat_template::{ChatTemplate, RoleTemplate, SpecialTokens},
};
use sagewire_examples::Endpoint;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let endpoint = Endpoint::open().await?;
    let client = Client::builder().sagemaker(endpoint.sagemaker()?.build()?).build();

    // LiteLLM's `hf_model_name`: the template that is built in, or in Hugging Face's cache on disk.
    let mut by_name = Settings::default();
    by_name.hf_model_name = Some("meta-llama/Llama-2-7b-chat-hf".to_owned());

    let jinja = "{{ bos_token }}{% for m in messages %}[{{ m.role }}] {{ m.content }}\n{% endfor %}[assistant]";
    let template = ChatTemplate::from_jinja(jinja, SpecialTokens::new().with("bos_token", "<s>"))?;
    let mut own = Settings::default();
    own.template = Some(TemplateChoice::Template(template));

    // LiteLLM's `register_prompt_template` and `roles`.
    let roles = RoleTemplate::new().role("user", "### Question\n", "\n").final_prompt_value("### Answer\n");
    let mut by_role = Settings::default();
    by_role.template = Some(TemplateChoice::Template(ChatTemplate::from_roles(roles)));

    for settings in [by_name, own, by_role] {
        let request = ChatRequest::new(endpoint.model("sagemaker/tgi"), [Message::user("Hello, how are you?")])
            .with_max_tokens(20);
        let reply = Provider::chat(&client, request, &CallContext::new().with(settings)).await?;
        println!("{}\n{}\n", endpoint.last_request(), reply.value.content());
    }
    Ok(())
}
