//! Lists that claim to be complete: variables, variants of errors, metrics.
//!
//! Owns what each is compared with. What the sources say is found by their text: a new variable or
//! error without its entry is a finding.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use sagewire_tests::page::{self, Page};

use crate::sources::{literals, sources};

fn is_variable(text: &str) -> bool {
    let allowed = |character: char| character.is_ascii_uppercase() || character.is_ascii_digit() || character == '_';
    let is_whole = text.contains('_') && !text.ends_with('_');
    is_whole && text.starts_with(|first: char| first.is_ascii_uppercase()) && text.chars().all(allowed)
}

/// Texts in upper case that are no variables: error codes of AWS, a session's word, marks inside
/// templates, labels of a classifier.
const NO_VARIABLES: [&str; 11] = [
    "CARGO_MANIFEST_DIR",
    "CARGO_PKG_VERSION",
    "CLIENT_ERROR_FROM_MODEL",
    "CONTINUE_FINAL_MESSAGE_TAG",
    "CUSTOM_AWS_REGION_NAME",
    "INTERNAL_FAILURE_FROM_MODEL",
    "LABEL_0",
    "LABEL_1",
    "NEW_SESSION",
    "S3_URI",
    "TOKEN_PATH",
];

/// Variables of containers, which are read in the descriptions of an account's models and not in
/// the environment.
const OF_CONTAINERS: [&str; 14] = [
    "HF_MODEL_ID",
    "HF_TASK",
    "MESSAGES_API_ENABLED",
    "OPTION_MODEL_ID",
    "OPTION_TASK",
    "SERVING_LOAD_MODELS",
    "SM_LLAMA_CPP_HF_REPO",
    "SM_LLAMA_CPP_MODEL",
    "SM_SGLANG_MODEL_PATH",
    "SM_VLLM_CONVERT",
    "SM_VLLM_MODEL",
    "SM_VLLM_RUNNER",
    "SM_VLLM_SERVED_MODEL_NAME",
    "SM_VLLM_TASK",
];

/// Variables of [OpenTelemetry](https://opentelemetry.io/docs/specs/otel/protocol/exporter/) that its crates read.
const OPENTELEMETRY: [&str; 18] = [
    "BSP_MAX_EXPORT_BATCH_SIZE",
    "BSP_MAX_QUEUE_SIZE",
    "BSP_SCHEDULE_DELAY",
    "EXPORTER_OTLP_HEADERS",
    "EXPORTER_OTLP_INSECURE",
    "EXPORTER_OTLP_METRICS_ENDPOINT",
    "EXPORTER_OTLP_METRICS_PROTOCOL",
    "EXPORTER_OTLP_METRICS_TIMEOUT",
    "EXPORTER_OTLP_PROTOCOL",
    "EXPORTER_OTLP_TIMEOUT",
    "EXPORTER_OTLP_TRACES_ENDPOINT",
    "EXPORTER_OTLP_TRACES_PROTOCOL",
    "EXPORTER_OTLP_TRACES_TIMEOUT",
    "METRICS_EXPORTER",
    "METRIC_EXPORT_INTERVAL",
    "RESOURCE_ATTRIBUTES",
    "SERVICE_NAME",
    "TRACES_EXPORTER",
];

/// The page lists exactly the variables that the sources name.
pub(crate) fn environment_variables() -> Vec<String> {
    let mut read: BTreeSet<String> = BTreeSet::new();
    for (_, text) in sources() {
        read.extend(literals(&text).filter(|text| is_variable(text)).map(str::to_owned));
    }
    // The tests' and the examples' own.
    let root = page::root();
    let others = ["tests", "examples", "benches", "crates"].map(|name| page::files_below(&root.join(name), "rs"));
    for path in others.into_iter().flatten() {
        let text = fs::read_to_string(path).unwrap();
        read.extend(
            literals(&text).filter(|text| is_variable(text) && text.starts_with("SAGEWIRE_")).map(str::to_owned),
        );
    }
    // Read by the libraries below: clap, the verifier of certificates, and OpenTelemetry's exporters.
    read.extend(["NO_COLOR", "SSL_CERT_FILE", "SSL_CERT_DIR"].map(str::to_owned));
    read.extend(OPENTELEMETRY.map(|name| format!("OTEL_{name}")));
    for name in NO_VARIABLES.iter().chain(&OF_CONTAINERS) {
        read.remove(*name);
    }
    let rows = Page::named("docs/environment-variables.md").text.lines().filter(|line| line.starts_with("| `"));
    let listed: BTreeSet<_> = rows
        .filter_map(|row| row.split('|').nth(1))
        .flat_map(|cell| cell.split('`').skip(1).step_by(2))
        .map(str::to_owned)
        .collect();
    let missing = read.difference(&listed).map(|name| format!("docs/environment-variables.md lacks {name}"));
    let unread = listed.difference(&read).filter(|name| is_variable(name));
    let unread = unread.map(|name| format!("docs/environment-variables.md lists {name}, which nothing reads"));
    missing.chain(unread).collect()
}

/// Each variant of each public error has its row, below a heading with the error's name.
pub(crate) fn typed_errors() -> Vec<String> {
    let page = &Page::named("docs/typed-errors.md").text;
    let mut sections: BTreeMap<&str, &str> = BTreeMap::new();
    for section in page.split("\n## ").skip(1) {
        let (heading, rest) = section.split_once('\n').unwrap_or((section, ""));
        sections.insert(heading.split('`').nth(1).unwrap_or(heading), rest);
    }
    let mut missing = Vec::new();
    let mut seen = 0;
    for (path, text) in sources() {
        for (name, variants) in public_errors(&text) {
            seen += 1;
            // The kinds of the one error have a page of their own.
            if path.ends_with("types/src/error/kind.rs") {
                continue;
            }
            let Some(section) = sections.get(name.as_str()) else {
                missing.push(name);
                continue;
            };
            let lacks = variants.iter().filter(|variant| !section.contains(&format!("| `{variant}` |")));
            missing.extend(lacks.map(|variant| format!("{name}::{variant}")));
        }
    }
    assert!(seen > 15, "only {seen} errors were found");
    missing.iter().map(|name| format!("docs/typed-errors.md lacks {name}")).collect()
}

/// The public enumerations whose name ends in `Error` or `ErrorKind`, and their variants.
fn public_errors(text: &str) -> Vec<(String, Vec<String>)> {
    let mut errors = Vec::new();
    for rest in text.split("\npub enum ").skip(1) {
        let (name, body) = rest.split_once(" {\n").unwrap_or((rest, ""));
        let is_error = name.ends_with("Error") || name.ends_with("ErrorKind");
        if !is_error || name.len() > 40 {
            continue;
        }
        let body = body.split("\n}").next().unwrap_or_default();
        let lines = body.lines().filter_map(|line| line.strip_prefix("    "));
        let variants = lines
            .filter(|line| line.starts_with(|first: char| first.is_ascii_uppercase()))
            .map(|line| line.chars().take_while(char::is_ascii_alphanumeric).collect())
            .collect();
        errors.push((name.to_owned(), variants));
    }
    errors
}

/// The page on operations lists exactly the metrics there are, and alerts ask for no other.
pub(crate) fn metrics() -> Vec<String> {
    let mut kept: BTreeSet<String> = BTreeSet::new();
    for (path, text) in sources() {
        if path.components().any(|part| part.as_os_str() == "proxy") {
            let names = literals(&text).filter(|text| is_metric(text));
            kept.extend(names.map(str::to_owned));
        }
    }
    assert!(kept.len() > 15, "{kept:?}");
    let listed = named_metrics(&Page::named("docs/operations.md").text);
    let missing: Vec<_> =
        kept.difference(&listed).map(|name| format!("docs/operations.md lacks the metric {name}")).collect();
    let mut asked = listed;
    // Alerts, and the queries of the dashboard.
    for ending in ["yaml", "json"] {
        for file in page::files_below(&page::root().join("deploy"), ending) {
            asked.extend(named_metrics(&fs::read_to_string(file).unwrap()));
        }
    }
    let unknown = asked.difference(&kept).map(|name| format!("nothing keeps the metric {name}"));
    missing.into_iter().chain(unknown).collect()
}

fn is_metric(text: &str) -> bool {
    // The names of crates and sections begin so, too.
    const NO_METRICS: [&str; 3] = ["sagewire_settings", "sagewire_proxy", "sagewire_router"];
    text.strip_prefix("sagewire_").is_some_and(|rest| !rest.is_empty())
        && !NO_METRICS.iter().any(|name| text.starts_with(name))
        && text.chars().all(|character| character.is_ascii_lowercase() || character == '_')
}

fn named_metrics(text: &str) -> BTreeSet<String> {
    let words = text.split(|character: char| !(character.is_ascii_lowercase() || character == '_'));
    let bare = |word: &str| {
        let histogram = ["_bucket", "_count", "_sum"].into_iter().find_map(|end| word.strip_suffix(end));
        histogram.unwrap_or(word).to_owned()
    };
    words.filter(|word| is_metric(word)).map(bare).collect()
}
