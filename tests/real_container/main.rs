//! Real model servers behind the emulator. Each is asked through sagewire; those that speak
//! OpenAI's APIs are asked directly, too, and the answers are held against each other.
//!
//! | module | server | variables |
//! |---|---|---|
//! | `model_server` | AWS's multi-model-server with its inference toolkit | `SAGEWIRE_CONTAINER_PYTHON`, `SAGEWIRE_JAVA` |
//! | `toolkit` | the Hugging Face inference toolkit on that server, with a tiny model made on the spot | `SAGEWIRE_TOOLKIT_PYTHON`, `SAGEWIRE_JAVA` |
//! | `infinity` | Infinity's embeddings, with the same model | `SAGEWIRE_TOOLKIT_PYTHON` |
//! | `vllm` | vLLM on the CPU, with the same model | `SAGEWIRE_VLLM_PYTHON` |
//!
//! A test whose server is not named is ignored. `.ci/clients` prepares the servers.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may stop at the first surprise"
)]

mod comparison;
mod infinity;
mod model_server;
mod process;
mod toolkit;
mod vllm;

use std::process::ExitCode;

use libtest_mimic::Arguments;

fn main() -> ExitCode {
    let servers = [model_server::trials(), toolkit::trials(), infinity::trials(), vllm::trials()];
    let trials = servers.into_iter().flatten().collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}
