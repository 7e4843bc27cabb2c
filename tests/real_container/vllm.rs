//! vLLM on the CPU, with a tiny random model: real formats, and nonsense for words.
//!
//! A new case is a new file of `vllm/chat` or `vllm/pooling`. Chat cases are asked whole and as a
//! stream; those of the Responses and Messages APIs are forwarded to vLLM's own routes.

use std::{path::Path, process::Command};

use libtest_mimic::Trial;

use crate::{
    comparison::{self, Subject},
    process::{self, Process},
};

pub(crate) fn trials() -> Vec<Trial> {
    let python = sagewire_test_programs::vllm();
    let chat = Subject {
        folder: "vllm/chat",
        litellm_params: "model: sagemaker_chat/tiny, dialect: vllm, hf_model_name: tiny",
        ready: "/ping",
        behind: |emulator, address| emulator.forward("tiny", format!("http://{address}")),
        start: |python| start(python, CHAT),
    };
    let pooling = Subject {
        folder: "vllm/pooling",
        litellm_params: "model: sagemaker/tiny, dialect: vllm, rerank_dialect: vllm, embedding_dialect: openai",
        start: |python| start(python, POOLING),
        ..chat
    };
    [chat, pooling].into_iter().flat_map(|subject| comparison::trials(subject, &python)).collect()
}

/// Prefixes that are cached change the last digits of probabilities.
const CHAT: &[&str] = &[
    "--enable-auto-tool-choice",
    "--tool-call-parser=hermes",
    "--reasoning-parser=qwen3",
    "--no-enable-prefix-caching",
];
const POOLING: &[&str] = &["--runner=pooling", "--convert=embed"];

fn start(python: &Path, arguments: &[&str]) -> Process {
    let folder = process::folder();
    process::tiny_model(python, folder.path(), &[]);
    let port = process::free_port();
    let mut command = Command::new(python.with_file_name("vllm"));
    command
        .args(["serve", "./tiny", "--served-model-name=tiny", "--load-format=dummy", "--enforce-eager"])
        .args(["--max-model-len=4096", "--host=127.0.0.1", &format!("--port={port}")])
        .args(arguments)
        .env("VLLM_TARGET_DEVICE", "cpu")
        .env("VLLM_CPU_KVCACHE_SPACE", "1")
        // What it would compile takes minutes on a busy machine, after which the engine is taken for dead.
        .env("TORCHDYNAMO_DISABLE", "1")
        .env("VLLM_EXECUTE_MODEL_TIMEOUT_SECONDS", "1800")
        // Nothing is fetched, and nothing is reported.
        .env("HF_HUB_OFFLINE", "1")
        .env("VLLM_NO_USAGE_STATS", "1")
        .env("DO_NOT_TRACK", "1");
    Process::start(command, port, folder)
}
