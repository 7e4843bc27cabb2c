//! Tables of the guide that say what the code says: each is made anew, and compared.
//!
//! Owns the comparison. The crates that are published cannot make it: the guide is no part of their
//! packages.

use std::{fs, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use libtest_mimic::{Failed, Trial};
use sagewire_chat_template::catalog::{self, Entry};
use sagewire_emulator::{Fault, FaultName};
use sagewire_proxy::{App, ServedModel, config};
use sagewire_tests::page::{self, Page};
use sagewire_types::{Answer, Call, CallContext, Error, ErrorKind, Provider};

use crate::Outcome;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        Trial::test("tables::errors_as_the_proxy_answers_them", errors),
        Trial::test("tables::keys_of_the_configuration", keys),
        Trial::test("tables::schema_of_the_configuration", schema),
        Trial::test("tables::families_of_chat_templates", families),
        Trial::test("tables::faults_of_the_emulator", faults),
    ]
}

/// The table of `docs/proxy.md` has a row for each kind, and it is what a caller gets.
fn errors() -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut lacking = Vec::new();
    for kind in ErrorKind::ALL.iter().copied() {
        let (status, error_type, code) = runtime.block_on(answered(kind))?;
        let row = format!("| `{kind}` | {status} | `{error_type}` | `{code}` |");
        if !Page::named("docs/proxy.md").text.lines().any(|line| line == row) {
            lacking.push(row);
        }
    }
    if lacking.is_empty() { Ok(()) } else { Err(format!("docs/proxy.md lacks {}", lacking.join("\n")).into()) }
}

/// Status, type and code, as a proxy answers whose model fails so.
async fn answered(kind: ErrorKind) -> Result<(u16, String, String), Failed> {
    let app = App::builder().provider(Arc::new(Fails(kind))).model(ServedModel::new("m")).build()?;
    let body = r#"{"model": "m", "messages": [{"role": "user", "content": "Hello"}]}"#;
    let request = http::Request::post("/v1/chat/completions").header("content-type", "application/json");
    let response = app.answer(request.body(Full::new(Bytes::from(body)))?).await;
    let status = response.status().as_u16();
    let body = response.into_body().collect().await?.to_bytes();
    let answer: serde_json::Value = serde_json::from_slice(&body)?;
    let text = |name: &str| answer["error"][name].as_str().unwrap_or("null").to_owned();
    Ok((status, text("type"), text("code")))
}

#[derive(Debug)]
struct Fails(ErrorKind);

#[async_trait]
impl Provider for Fails {
    async fn call(&self, _: Call, _: &CallContext) -> Result<Answer, Error> {
        Err(Error::new(self.0, "it fails"))
    }
}

fn keys() -> Outcome {
    if Page::named("docs/configuration.md").text == config::key_tables() {
        return Ok(());
    }
    let command = "cargo run -p sagewire-proxy --example config_reference -- keys > docs/configuration.md";
    Err(format!("run `{command}`").into())
}

fn schema() -> Outcome {
    if fs::read_to_string(page::root().join("docs/config.schema.json"))? == config::json_schema() {
        return Ok(());
    }
    let command = "cargo run -p sagewire-proxy --example config_reference -- schema > docs/config.schema.json";
    Err(format!("run `{command}`").into())
}

fn families() -> Outcome {
    let row = |entry: &Entry| {
        let patterns = entry.patterns().iter().map(|pattern| format!("`{}`", pattern.replace('|', "\\|")));
        let patterns = patterns.collect::<Vec<_>>().join("<br>");
        format!("| `{}` | {} | {patterns} |", entry.name(), entry.description().replace('|', "\\|"))
    };
    let expected: Vec<_> = catalog::entries().iter().map(row).collect();
    compare("docs/chat-templates.md", "| Family | Models | Patterns |", &expected)
}

fn faults() -> Outcome {
    let row = |FaultName { name, example, value, meaning, .. }: FaultName| {
        if example.is_empty() {
            format!("| `{name}` | | {meaning} |")
        } else {
            format!("| `{name}={example}` | {value} | {meaning} |")
        }
    };
    compare("docs/emulator.md", "| fault | its value | what happens |", &Fault::names().map(row).collect::<Vec<_>>())
}

/// The rows of the table with this head are the expected ones.
fn compare(name: &str, head: &str, expected: &[String]) -> Outcome {
    let table = Page::named(name).text.lines().skip_while(|line| *line != head).skip(2);
    let rows: Vec<_> = table.take_while(|line| line.starts_with('|')).collect();
    if rows == expected {
        return Ok(());
    }
    Err(format!("the table in {name} should be:\n{}", expected.join("\n")).into())
}
