//! Calls as Python writes them: `name(key="value", other=[1, True])`, on lines or in a list. Olmo 3
//! and LFM2.

use serde_json::Value;

use super::{
    ToolCallReading,
    block::Call,
    members::{self, DEEPEST},
};

/// The calls of a block: separated by lines or commas, perhaps in brackets.
pub(super) fn calls(body: &str, _: &ToolCallReading) -> Option<Vec<Call>> {
    let body = body.trim();
    let mut rest = match body.strip_prefix('[') {
        Some(inner) => inner.strip_suffix(']')?,
        None => body,
    };
    let mut calls = Vec::new();
    loop {
        rest = rest.trim_start_matches(|char: char| char.is_whitespace() || char == ',');
        if rest.is_empty() {
            return Some(calls);
        }
        let (found, behind) = call(rest)?;
        calls.push(found);
        rest = behind;
    }
}

fn call(text: &str) -> Option<(Call, &str)> {
    let (name, rest) = text.split_once('(')?;
    let name = name.trim();
    let is_name =
        |name: &str| !name.is_empty() && name.chars().all(|char| char.is_alphanumeric() || "_.-".contains(char));
    if !is_name(name) {
        return None;
    }
    let (arguments, rest) = members::object(rest, ')', |rest| {
        let (key, behind) = rest.split_once('=')?;
        let (json, behind) = value(behind.trim_start(), DEEPEST)?;
        Some((Some(key.trim()).filter(|key| is_name(key))?, json, behind))
    })?;
    Some((Call { name: name.to_owned(), arguments }, rest))
}

/// The value at the beginning of a text as JSON, and what follows.
fn value(text: &str, depth: usize) -> Option<(String, &str)> {
    let depth = depth.checked_sub(1)?;
    match text.bytes().next()? {
        b'"' | b'\'' => string(text).map(|(string, rest)| (Value::from(string).to_string(), rest)),
        b'[' => members::list(text.get(1..)?, |item| value(item, depth)),
        b'{' => members::object(text.get(1..)?, '}', |rest| {
            let (key, behind) = string(rest)?;
            let (json, behind) = value(behind.trim_start().strip_prefix(':')?.trim_start(), depth)?;
            Some((key, json, behind))
        }),
        _ => {
            let end = text.find(|char: char| ",)]}".contains(char) || char.is_whitespace())?;
            let (word, rest) = text.split_at(end);
            let json = match word {
                "True" => "true",
                "False" => "false",
                "None" => "null",
                word => serde_json::from_str::<serde::de::IgnoredAny>(word).is_ok().then_some(word)?,
            };
            Some((json.to_owned(), rest))
        }
    }
}

/// A [string literal](https://docs.python.org/3/reference/lexical_analysis.html#string-and-bytes-literals) without prefix.
fn string(text: &str) -> Option<(String, &str)> {
    let quote = text.chars().next().filter(|quote| ['"', '\''].contains(quote))?;
    let mut string = String::new();
    let mut chars = text.char_indices().skip(1);
    while let Some((at, char)) = chars.next() {
        if char == quote {
            return Some((string, text.get(at + 1..)?));
        }
        if char != '\\' {
            string.push(char);
            continue;
        }
        let (_, escaped) = chars.next()?;
        let digits = match escaped {
            'n' => {
                string.push('\n');
                continue;
            }
            't' => {
                string.push('\t');
                continue;
            }
            'r' => {
                string.push('\r');
                continue;
            }
            '\n' => continue,
            '\\' | '\'' | '"' => {
                string.push(escaped);
                continue;
            }
            'x' => 2,
            'u' => 4,
            'U' => 8,
            // Python keeps a backslash that escapes nothing.
            other => {
                string.push('\\');
                string.push(other);
                continue;
            }
        };
        let mut code = 0;
        for _ in 0..digits {
            code = code * 16 + chars.next()?.1.to_digit(16)?;
        }
        string.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
    }
    None
}
