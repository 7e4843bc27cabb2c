//! Calls with a tag for each argument: Qwen3 Coder, Seed OSS, MiniMax M2, DeepSeek V3.2 and GLM
//! 4.5.
//!
//! The tags are not XML: nothing in a value is escaped.

use serde_json::Value;

use super::{
    ToolCallReading,
    block::Call,
    schema::{self, Untyped},
};

/// `name><parameter=key>value</parameter>`. A line break on each side of a value is the form's.
pub(super) fn function(body: &str, reading: &ToolCallReading) -> Option<Vec<Call>> {
    parameters(body, "<parameter=", "</parameter>", reading)
}

/// `"name"><parameter name="key">value</parameter>`.
pub(super) fn invoke(body: &str, reading: &ToolCallReading) -> Option<Vec<Call>> {
    parameters(body, "<parameter name=", "</parameter>", reading)
}

/// `"name"><｜DSML｜parameter name="key" string="true">value</｜DSML｜parameter>`: the tag says
/// whether a value is a string or JSON.
pub(super) fn dsml(body: &str, reading: &ToolCallReading) -> Option<Vec<Call>> {
    parameters(body, "<｜DSML｜parameter name=", "</｜DSML｜parameter>", reading)
}

fn parameters(body: &str, open: &str, close: &str, reading: &ToolCallReading) -> Option<Vec<Call>> {
    let (name, mut rest) = body.split_once('>')?;
    let name = unquoted(name);
    let mut arguments = Arguments::default();
    loop {
        rest = rest.trim_start();
        if rest.is_empty() {
            break;
        }
        let (tag, behind) = rest.strip_prefix(open)?.split_once('>')?;
        let (key, attributes) = key_of(tag);
        // Models forget to close a tag before the next one.
        let next = behind.find(open).unwrap_or(behind.len());
        let (value, behind) = match behind.find(close) {
            Some(at) if at < next => (behind.get(..at)?, behind.get(at + close.len()..)?),
            _ => (behind.get(..next)?, behind.get(next..)?),
        };
        let json = match attributes.trim() {
            r#"string="true""# => Value::from(value).to_string(),
            r#"string="false""# => schema::value(value, name, key, Untyped::Json, reading),
            _ => schema::value(within_lines(value), name, key, Untyped::Text, reading),
        };
        arguments.add(key, &json);
        rest = behind;
    }
    is_name(name).then(|| vec![Call { name: name.to_owned(), arguments: arguments.finish() }])
}

/// `name<arg_key>key</arg_key><arg_value>value</arg_value>`.
pub(super) fn glm(body: &str, reading: &ToolCallReading) -> Option<Vec<Call>> {
    let (name, mut rest) = body.split_at(body.find("<arg_key>").unwrap_or(body.len()));
    let name = name.trim();
    let mut arguments = Arguments::default();
    while !rest.trim_start().is_empty() {
        let (key, behind) = rest.trim_start().strip_prefix("<arg_key>")?.split_once("</arg_key>")?;
        let (value, behind) = behind.trim_start().strip_prefix("<arg_value>")?.split_once("</arg_value>")?;
        let key = key.trim();
        arguments.add(key, &schema::value(value, name, key, Untyped::Json, reading));
        rest = behind;
    }
    is_name(name).then(|| vec![Call { name: name.to_owned(), arguments: arguments.finish() }])
}

/// The JSON text of an object that is written member by member.
#[derive(Debug, Default)]
pub(super) struct Arguments(String);

impl Arguments {
    pub(super) fn add(&mut self, key: &str, json: &str) {
        self.0.push_str(if self.0.is_empty() { "{" } else { ", " });
        self.0.push_str(&Value::from(key).to_string());
        self.0.push_str(": ");
        self.0.push_str(json);
    }

    pub(super) fn finish(mut self) -> String {
        self.0.push_str(if self.0.is_empty() { "{}" } else { "}" });
        self.0
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(|char: char| char.is_whitespace() || "<>{}\"".contains(char))
}

/// The key in a tag, and what else the tag has.
fn key_of(tag: &str) -> (&str, &str) {
    let tag = tag.trim();
    match tag.strip_prefix('"').and_then(|rest| rest.split_once('"')) {
        Some(found) => found,
        None => (unquoted(tag), ""),
    }
}

fn unquoted(text: &str) -> &str {
    text.trim().trim_matches(|char| char == '"' || char == '\'')
}

/// A value without a line break on each side.
fn within_lines(value: &str) -> &str {
    let value = value.strip_prefix('\n').unwrap_or(value);
    value.strip_suffix('\n').unwrap_or(value)
}
