//! Lists that claim to be complete: pages in the summary, variables, kinds of errors, metrics.
//!
//! Owns what each is compared with. What the sources say is found by their text: a new variable or
//! error without its entry fails here.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
};

use libtest_mimic::Trial;
use sagewire_types::ErrorKind;

use crate::{
    Outcome,
    page::{self, Page},
};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        Trial::test("lists::pages_in_the_summary", pages_in_the_summary),
        Trial::test("lists::environment_variables", environment_variables),
        Trial::test("lists::error_kinds", error_kinds),
        Trial::test("lists::typed_errors", typed_errors),
        Trial::test("lists::metrics", metrics),
    ]
}

fn page(name: &str) -> &'static Page {
    page::all().iter().find(|page| page.name == name).unwrap()
}

pub(crate) fn none(missing: &[String], what: &str) -> Outcome {
    if missing.is_empty() { Ok(()) } else { Err(format!("{what}: {}", missing.join(", ")).into()) }
}

/// A page with Rust is among those that rustdoc compiles: in `tests/src/guide.rs`, or as the front
/// page of its own crate.
pub(crate) fn is_compiled(page: &Page) -> Outcome {
    let beside = page.path.with_file_name("src").join("lib.rs");
    let own = fs::read_to_string(beside).is_ok_and(|text| text.contains("doc = include_str!(\"../README.md\")"));
    let guide = fs::read_to_string(page::root().join("tests/src/guide.rs"))?;
    if own || guide.contains(&format!("include_str!(\"../../{}\")", page.name)) {
        return Ok(());
    }
    Err(format!("{} has Rust that nothing compiles: add it to tests/src/guide.rs", page.name).into())
}

/// The summary lists every page of the guide. Records for the project's own engineers in
/// `docs/internal/` are not part of it.
fn pages_in_the_summary() -> Outcome {
    let summary = &page("docs/SUMMARY.md").text;
    let pages = page::all().iter().filter_map(|page| page.name.strip_prefix("docs/"));
    let is_listed = |name: &str| name == "SUMMARY.md" || summary.contains(&format!("({name})"));
    let missing: Vec<_> =
        pages.filter(|name| !name.starts_with("internal/") && !is_listed(name)).map(str::to_owned).collect();
    none(&missing, "docs/SUMMARY.md lacks these pages")
}

/// The files of the crates, without their tests. What follows the first inner test module is left
/// out.
pub(crate) fn sources() -> Vec<(PathBuf, String)> {
    let mut sources = Vec::new();
    for folder in page::crates() {
        for path in page::files_below(&folder.join("src"), "rs") {
            let is_test = path.file_name().is_some_and(|name| name == "tests.rs" || name == "fixture.rs")
                || path.components().any(|part| part.as_os_str() == "tests");
            if !is_test {
                let text = fs::read_to_string(&path).unwrap();
                let end = text.find("#[cfg(test)]\nmod tests").unwrap_or(text.len());
                sources.push((path, text.get(..end).unwrap_or(&text).to_owned()));
            }
        }
    }
    assert!(sources.len() > 100, "only {} sources", sources.len());
    sources
}

/// The texts between quotes.
fn literals(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| !line.trim_start().starts_with("//")).flat_map(|line| line.split('"').skip(1).step_by(2))
}

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
fn environment_variables() -> Outcome {
    let mut read: BTreeSet<String> = BTreeSet::new();
    for (_, text) in sources() {
        read.extend(literals(&text).filter(|text| is_variable(text)).map(str::to_owned));
    }
    // The tests' and the examples' own.
    let root = page::root();
    let others = ["tests", "examples", "benches", "crates"].map(|name| page::files_below(&root.join(name), "rs"));
    for path in others.into_iter().flatten() {
        let text = fs::read_to_string(path)?;
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
    let rows = page("docs/environment-variables.md").text.lines().filter(|line| line.starts_with("| `"));
    let listed: BTreeSet<_> = rows
        .filter_map(|row| row.split('|').nth(1))
        .flat_map(|cell| cell.split('`').skip(1).step_by(2))
        .map(str::to_owned)
        .collect();
    let missing: Vec<_> = read.difference(&listed).cloned().collect();
    none(&missing, "docs/environment-variables.md lacks")?;
    let unread: Vec<_> = listed.difference(&read).filter(|name| is_variable(name)).cloned().collect();
    none(&unread, "docs/environment-variables.md lists what nothing reads")
}

/// Each kind of the one error has its entry.
fn error_kinds() -> Outcome {
    let anchors = &page("docs/errors.md").anchors;
    let words = ErrorKind::ALL.iter().map(|kind| kind.as_str());
    let missing: Vec<_> = words.filter(|word| !anchors.contains(*word)).map(str::to_owned).collect();
    none(&missing, "docs/errors.md has no heading for")
}

/// Each variant of each public error has its row, below a heading with the error's name.
fn typed_errors() -> Outcome {
    let page = &page("docs/typed-errors.md").text;
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
    none(&missing, "docs/typed-errors.md lacks")
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
fn metrics() -> Outcome {
    let mut kept: BTreeSet<String> = BTreeSet::new();
    for (path, text) in sources() {
        if path.components().any(|part| part.as_os_str() == "proxy") {
            let names = literals(&text).filter(|text| is_metric(text));
            kept.extend(names.map(str::to_owned));
        }
    }
    assert!(kept.len() > 15, "{kept:?}");
    let listed = named_metrics(&page("docs/operations.md").text);
    let missing: Vec<_> = kept.difference(&listed).cloned().collect();
    none(&missing, "docs/operations.md lacks the metrics")?;
    let mut asked = listed;
    // Alerts, and the queries of the dashboard.
    for ending in ["yaml", "json"] {
        for file in page::files_below(&page::root().join("deploy"), ending) {
            asked.extend(named_metrics(&fs::read_to_string(file)?));
        }
    }
    let unknown: Vec<_> = asked.difference(&kept).cloned().collect();
    none(&unknown, "nothing keeps these metrics")
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
