//! Replies that do not keep to the form: nulls, values of other types and members in any order, in
//! the fields on which nothing depends.
//!
//! Owns the odd values; the list of those fields is `sagewire_dialects::fields`.

use sagewire_dialects::fields::{Effect, FIELDS, ReplyKind};
use serde_json::{Map, Value, json};

/// What replaces the value of a field, as JSON or as what containers write in its place.
const ODD: [&str; 14] = [
    "null",
    "\"\"",
    "\"odd\"",
    "[]",
    "[1]",
    "{}",
    "{\"a\":[null]}",
    "true",
    "false",
    "-1",
    "0.0",
    "\"0\"",
    "NaN",
    "-Infinity",
];

/// Fields that distinguish one choice or call from another: a number there is that number.
const NUMBERED: [&str; 2] = ["choices[].index", "choices[].delta.tool_calls[].index"];

/// The values of `ODD` that are not numbers.
const NOT_A_NUMBER: &[&str] = ODD.first_chunk::<9>().unwrap();

/// Draws from bytes: the same bytes make the same reply. After the last byte every draw is the first
/// of its choices.
#[derive(Clone, Debug)]
pub struct Draw<'a>(pub &'a [u8]);

impl Draw<'_> {
    /// A number below this one.
    pub fn below(&mut self, count: usize) -> usize {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        usize::from(*first) % count
    }

    /// One of these.
    pub fn pick<'b, T>(&mut self, of: &'b [T]) -> &'b T {
        &of[self.below(of.len())]
    }
}

/// The reply's text with odd values in up to seven of the fields on which nothing depends, and with
/// the members of its objects in another order. Fields for which `keeps` is true stay as they are.
#[must_use]
pub fn distorted(mut reply: Value, kind: ReplyKind, keeps: fn(&str) -> bool, draw: &mut Draw<'_>) -> String {
    let fields: Vec<&str> = FIELDS
        .iter()
        .filter(|field| field.reply == kind && field.effect == Effect::Missing && !keeps(field.path))
        // A special token is not part of the text.
        .filter(|field| field.path != "token.special")
        .map(|field| field.path)
        .collect();
    let mut values = Vec::new();
    for _ in 0..draw.below(8) {
        let path = *draw.pick(&fields);
        let value = *draw.pick(if NUMBERED.contains(&path) { NOT_A_NUMBER } else { &ODD });
        if let Some(found) = reply.pointer_mut(&format!("/{}", path.replace("[]", "/0").replace('.', "/"))) {
            *found = json!(format!("\u{1}{}", values.len()));
            values.push(value);
        }
    }
    let mut text = reordered(reply, draw).to_string();
    for (place, value) in values.iter().enumerate() {
        text = text.replace(&format!("\"\\u0001{place}\""), value);
    }
    text
}

/// The value with the members of its objects in another order.
fn reordered(value: Value, draw: &mut Draw<'_>) -> Value {
    match value {
        Value::Object(object) => {
            let mut members: Vec<_> = object.into_iter().collect();
            let mut out = Map::new();
            while !members.is_empty() {
                let (name, value) = members.remove(draw.below(members.len()));
                out.insert(name, reordered(value, draw));
            }
            Value::Object(out)
        }
        Value::Array(items) => items.into_iter().map(|item| reordered(item, draw)).collect(),
        other => other,
    }
}
