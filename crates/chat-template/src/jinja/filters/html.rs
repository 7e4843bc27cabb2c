//! Filters about HTML and URLs. Prompts rarely need them; templates that use them render as in
//! Jinja2.

use std::fmt::Write as _;

use minijinja::value::Value;
use minijinja::{Environment, Error, State};

use super::entities::unescape;
use crate::jinja::operators::items_of;
use crate::python::args::{Args, as_str, bind};
use crate::python::budget::{afford_bytes, charge_items};
use crate::python::dict::entries;
use crate::python::error::{runtime_error, type_error, undefined_error, value_error};
use crate::python::kind::{Kind, kind};
use crate::python::repr::str_of;

pub(super) fn register(env: &mut Environment<'static>) {
    env.add_filter("safe", |state: &State<'_, '_>, value: &Value| {
        str_of(state, value).map(|text| Value::from_safe_string(text.into_owned()))
    });
    env.add_filter("escape", escape);
    env.add_filter("e", escape);
    env.add_filter("forceescape", |state: &State<'_, '_>, value: &Value| {
        escape_html(state, &str_of(state, value)?).map(Value::from_safe_string)
    });
    env.add_filter("striptags", |state: &State<'_, '_>, value: &Value| {
        let text = str_of(state, value)?;
        afford_bytes(state, text.len())?;
        Ok::<_, Error>(Value::from(strip_tags(&text)))
    });
    env.add_filter("urlencode", url_encode);
    env.add_filter("urlize", |_: &State<'_, '_>, _: Args<'_>| -> Result<Value, Error> {
        Err(runtime_error("the urlize filter is not supported: it makes HTML links, which no prompt needs"))
    });
    env.add_filter("xmlattr", xml_attributes);
}

/// HTML escapes as `markupsafe` writes them, if the fuel can pay for them.
pub(in crate::jinja) fn escape_html(state: &State<'_, '_>, text: &str) -> Result<String, Error> {
    let special = text.bytes().filter(|byte| matches!(byte, b'&' | b'<' | b'>' | b'\'' | b'"')).count();
    afford_bytes(state, text.len().saturating_add(special.saturating_mul(4)))?;
    Ok(escaped(text))
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\'' => out.push_str("&#39;"),
            '"' => out.push_str("&#34;"),
            c => out.push(c),
        }
    }
    out
}

/// `escape(value)`: what is safe already stays as it is.
fn escape(state: &State<'_, '_>, value: &Value) -> Result<Value, Error> {
    if value.is_safe() {
        return Ok(value.clone());
    }
    escape_html(state, &str_of(state, value)?).map(Value::from_safe_string)
}

/// Removes comments and tags, makes white space single blanks, and reads entities back.
fn strip_tags(text: &str) -> String {
    let without_comments = strip_between(text, "<!--", "-->");
    let without_tags = strip_between(&without_comments, "<", ">");
    let words: Vec<&str> = without_tags.split(crate::python::text::is_space).filter(|word| !word.is_empty()).collect();
    unescape(&words.join(" "))
}

fn strip_between(text: &str, open: &str, close: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, tail)) = rest.split_once(open) {
        let Some((_, after)) = tail.split_once(close) else { break };
        out.push_str(before);
        rest = after;
    }
    out.push_str(rest);
    out
}

/// `urlencode(value)`: text quoted, a mapping or pairs as a query string.
fn url_encode(state: &State<'_, '_>, value: &Value) -> Result<Value, Error> {
    let pairs = match kind(value) {
        Kind::Dict => {
            charge_items(state, value.len().unwrap_or(0))?;
            entries(value)
        }
        Kind::List | Kind::Tuple | Kind::View | Kind::Generator => {
            let mut pairs = Vec::new();
            for item in items_of(state, value)? {
                let parts = items_of(state, &item)?;
                let [key, value] = parts.as_slice() else { return Err(value_error("urlencode() needs pairs")) };
                pairs.push((key.clone(), value.clone()));
            }
            pairs
        }
        _ => return quote(state, value, false).map(Value::from),
    };
    let mut query = String::new();
    for (key, value) in &pairs {
        let (key, value) = (quote(state, key, true)?, quote(state, value, true)?);
        afford_bytes(state, query.len() + key.len() + value.len())?;
        if !query.is_empty() {
            query.push('&');
        }
        let _ = write!(query, "{key}={value}");
    }
    Ok(Value::from(query))
}

fn quote(state: &State<'_, '_>, value: &Value, in_query: bool) -> Result<String, Error> {
    let text = str_of(state, value)?;
    afford_bytes(state, text.len().saturating_mul(3))?;
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'_' | b'.' | b'-' | b'~' => out.push(char::from(byte)),
            b'/' if !in_query => out.push('/'),
            b' ' if in_query => out.push('+'),
            _ => {
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
    Ok(out)
}

/// `xmlattr(d, autospace=True)`.
fn xml_attributes(state: &State<'_, '_>, args: Args<'_>) -> Result<Value, Error> {
    let args: &[Value] = &args;
    let bound = bind("xmlattr", ["d", "autospace"], args)?;
    let mut out = String::new();
    let dict = bound.or_none(0);
    match kind(&dict) {
        Kind::Dict => charge_items(state, dict.len().unwrap_or(0))?,
        Kind::Undefined => return Err(undefined_error("the mapping of attributes is undefined")),
        _ => return Err(type_error("xmlattr() needs a mapping")),
    }
    for (key, value) in entries(&dict) {
        if value.is_none() || value.is_undefined() {
            continue;
        }
        let key = as_str(&key)?;
        if key.contains(|c: char| crate::python::text::is_space(c) || matches!(c, '/' | '>' | '=')) {
            return Err(value_error("Invalid character in attribute name"));
        }
        let value = if value.is_safe() {
            value.as_str().unwrap_or_default().to_owned()
        } else {
            escape_html(state, &str_of(state, &value)?)?
        };
        afford_bytes(state, out.len() + key.len() + value.len())?;
        if !out.is_empty() {
            out.push(' ');
        }
        let _ = write!(out, "{}=\"{value}\"", escape_html(state, key)?);
    }
    if bound.truth(1, true) && !out.is_empty() {
        out.insert(0, ' ');
    }
    Ok(Value::from(out))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_go_and_text_stays() {
        assert_eq!(strip_tags("<!-- x --><b>a</b>\n  &lt;c&gt; < d"), "a <c> < d");
        assert_eq!(escaped("<a href=\"x\">'&'"), "&lt;a href=&#34;x&#34;&gt;&#39;&amp;&#39;");
    }
}
