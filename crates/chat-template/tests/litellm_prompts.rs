//! The prompts that LiteLLM sent to text endpoints, compared with ours for the same call. The
//! recordings are those of the provider's tests (`crates/sagemaker/tests/litellm`), which say how
//! they are made.
//!
//! [`DIFFERENT`] lists the calls whose prompt differs on purpose, each with its reason: most are
//! faults of LiteLLM. A listed call whose prompt no longer differs fails too.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may stop at the first surprise"
)]

mod vectors;

use std::path::Path;

use libtest_mimic::{Arguments, Failed, Trial};
use sagewire_chat_template::{ChatTemplate, Conversation, RoleTemplate, catalog};
use serde_json::Value;

const DIFFERENT: &[(&str, &str)] = &[
    ("tmpl_custom_kwargs", "LiteLLM ignores bos_token and eos_token of a custom template here; ours writes them"),
    ("tmpl_custom_prompt_dict_kw", "LiteLLM overwrites the argument it documents; ours uses the template"),
    ("tmpl_default_list_content", "LiteLLM fails on content in parts"),
    ("tmpl_default_none_content", "LiteLLM fails on null content"),
    ("tmpl_codellama_base", "LiteLLM sends a null prompt"),
    ("tmpl_falcon_180b_chat", "LiteLLM sends a null prompt"),
    ("tmpl_llama2_chat", "LiteLLM gives the system message an instruction of its own and opens one exchange only"),
    ("tmpl_llama2_chat_13b", "as tmpl_llama2_chat"),
    ("tmpl_tc_llama2_chat", "as tmpl_llama2_chat"),
    ("tmpl_ep_my_Llama_2_chat", "as tmpl_llama2_chat"),
    ("tmpl_llama2_two_turns", "as tmpl_llama2_chat"),
    ("tmpl_llama2_chat_user", "LiteLLM adds a line break that the model's format has not got"),
    ("tmpl_llama2_list_content", "as tmpl_llama2_chat_user"),
    ("tmpl_llama2_tool_role", "LiteLLM writes the tool's result bare; ours is a user turn"),
    ("tmpl_mistral_v01", "LiteLLM writes the text of exceptions into the prompt"),
    ("tmpl_mistral_v01_nosys", "LiteLLM has the model's older template, with other blanks"),
    ("tmpl_mixtral", "LiteLLM could not fetch the model's template and joined the texts"),
    ("tmpl_granite", "as tmpl_mixtral"),
    ("tmpl_hf_fetch_list_template", "LiteLLM does not read a list of named templates"),
    ("tmpl_falcon_instruct", "LiteLLM writes roles in its own spelling and asks for no answer"),
    ("tmpl_mpt_chat", "LiteLLM leaves the line break behind the role out and asks for no answer"),
    ("tmpl_mpt_chat_user", "as tmpl_mpt_chat"),
    ("tmpl_mythomix", "LiteLLM asks for no answer"),
    (
        "tmpl_ep_jumpstart_dft_hf_textgeneration1_mp_20240815_185614",
        "LiteLLM knows no JumpStart ids; a cut name that may be a chat model's or a base model's is taken for the chat model",
    ),
    ("tmpl_phind_user", "LiteLLM asks for no answer"),
    ("tmpl_wizardcoder", "LiteLLM asks for no answer"),
    ("tmpl_wizardcoder_user", "LiteLLM asks for no answer"),
    ("tmpl_llamaguard", "the long safety policy is not built in: give the model's own template"),
    ("tmpl_llamaguard_user", "as tmpl_llamaguard"),
];

fn main() {
    let arguments = Arguments::from_args();
    let recorded = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sagemaker/tests/litellm/recorded");
    libtest_mimic::run(&arguments, trials(&recorded)).exit();
}

fn trials(folder: &Path) -> Vec<Trial> {
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut trials = Vec::new();
    for path in files {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        if name.starts_with("tmpl_") {
            trials.push(Trial::test(name.clone(), move || compare(&name, &path)));
        }
    }
    assert_eq!(trials.len(), 38, "38 prompts are recorded");
    trials
}

fn compare(name: &str, path: &Path) -> Result<(), Failed> {
    let case: Value = serde_json::from_str(&std::fs::read_to_string(path)?)?;
    let messages = case["kwargs"]["messages"].as_array().unwrap();
    let ours = template(&case).render(&Conversation::new(messages), &vectors::recorded_at)?;
    assert!(!ours.is_empty(), "there is always a prompt");
    let theirs = case.pointer("/requests/0/json/inputs").and_then(Value::as_str);
    let listed = DIFFERENT.iter().any(|(listed, _)| *listed == name);
    match theirs {
        Some(theirs) if theirs == ours && listed => Err("is listed as different, but is not".into()),
        Some(theirs) if theirs == ours => Ok(()),
        _ if listed => Ok(()),
        theirs => Err(format!("LiteLLM sent {theirs:?}\n  ours is {ours:?}").into()),
    }
}

/// The template for a call, found in the order of LiteLLM: a custom one, the model's, the
/// endpoint's, a plain join.
fn template(case: &Value) -> ChatTemplate {
    let kwargs = &case["kwargs"];
    let endpoint = kwargs["model"].as_str().unwrap().strip_prefix("sagemaker/").unwrap();
    if let Some(roles) = kwargs.get("roles") {
        return custom(kwargs, roles);
    }
    if let Some(custom_template) = kwargs.pointer("/custom_prompt_dict/my-endpoint") {
        return custom(custom_template, &custom_template["roles"]);
    }
    if case["setup"].as_str().is_some_and(|setup| setup.starts_with("register")) {
        let registered = RoleTemplate::new()
            .role("system", "[SYS]", "[/SYS]")
            .role("user", "[U]", "[/U]")
            .role("assistant", "[A]", "[/A]")
            .initial_prompt_value("<<")
            .final_prompt_value(">>");
        return ChatTemplate::from_roles(registered);
    }
    if let Some(files) = case.get("hf_files").and_then(Value::as_object) {
        let find = |file: &str| files.iter().find(|(path, _)| path.ends_with(file)).map(|(_, content)| content);
        let config = find("tokenizer_config.json").map_or_else(|| "{}".to_owned(), Value::to_string);
        let jinja = find("chat_template.jinja").and_then(Value::as_str);
        if let Ok(template) = ChatTemplate::from_tokenizer_config(config.as_bytes(), jinja) {
            return template.adapting();
        }
    }
    let by_model = kwargs["hf_model_name"].as_str().map(catalog::by_model);
    let entry = by_model.unwrap_or_else(|| catalog::by_endpoint(endpoint));
    entry.map_or_else(ChatTemplate::plain_join, catalog::Entry::template)
}

fn custom(template: &Value, roles: &Value) -> ChatTemplate {
    let text = |json: &Value, key: &str| json.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut custom = RoleTemplate::new()
        .initial_prompt_value(text(template, "initial_prompt_value"))
        .final_prompt_value(text(template, "final_prompt_value"))
        .tokens(text(template, "bos_token"), text(template, "eos_token"));
    for (role, affixes) in roles.as_object().unwrap() {
        custom = custom.role(role, text(affixes, "pre_message"), text(affixes, "post_message"));
    }
    ChatTemplate::from_roles(custom)
}
