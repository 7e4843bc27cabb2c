//! How long one prompt takes: a conversation of a system message and three turns, through the
//! models' own templates (from the recorded vectors, if they are there) and through the catalog's.
//!
//! `side_by_side.py` beside this file compares with minijinja alone, Python's jinja2 and
//! `transformers`.

#![expect(clippy::unwrap_used, reason = "a benchmark may stop at the first surprise")]

use std::hint::black_box;
use std::path::{Path, PathBuf};

use criterion::{Criterion, criterion_group, criterion_main};
use sagewire_chat_template::{ChatTemplate, Conversation, SpecialTokens, catalog};
use serde_json::Value;

fn conversation() -> Vec<Value> {
    serde_json::from_str(include_str!("conversation.json")).unwrap()
}

fn original(name: &str) -> Option<ChatTemplate> {
    #[expect(clippy::disallowed_methods, reason = "the benchmark's own configuration")]
    let vectors = std::env::var_os("SAGEWIRE_VECTORS").map(PathBuf::from);
    let vectors = vectors.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/vectors"));
    let source = std::fs::read_to_string(vectors.join("chat-templates/templates").join(name)).ok()?;
    let tokens = SpecialTokens::new().with("bos_token", "<|begin_of_text|>").with("eos_token", "<|im_end|>");
    Some(ChatTemplate::from_jinja(&source, tokens).unwrap())
}

fn render(c: &mut Criterion) {
    let messages = conversation();
    let conversation = Conversation::new(&messages);
    let clock = || std::time::UNIX_EPOCH;
    let mut run = |name: &str, template: &ChatTemplate| {
        c.bench_function(name, |b| b.iter(|| template.render(black_box(&conversation), &clock).unwrap()));
    };
    for (name, file) in
        [("Llama-3.1", "meta-llama-Llama-3.1-8B-Instruct.jinja"), ("Qwen2.5", "Qwen-Qwen2.5-7B-Instruct.jinja")]
    {
        if let Some(template) = original(file) {
            run(&format!("original/{name}"), &template);
        }
    }
    for name in ["llama-3.1", "qwen-2.5", "mistral-v1"] {
        run(&format!("catalog/{name}"), &catalog::by_name(name).unwrap().template());
    }
}

fn compile(c: &mut Criterion) {
    let source = catalog::by_name("llama-3.1").unwrap().source();
    c.bench_function("compile/llama-3.1", |b| {
        b.iter(|| ChatTemplate::from_jinja(black_box(&source), SpecialTokens::new()).unwrap());
    });
}

criterion_group!(benches, render, compile);
criterion_main!(benches);
