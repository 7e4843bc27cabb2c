#![doc = include_str!("../README.md")]

pub mod messages;
pub mod responses;

mod blocks;
mod conversation;
mod effort;
mod extra;
mod form;
mod thoughts;

/// The value without each of its fields in turn, however deep, with the place of the missing one.
#[cfg(test)]
fn without_each_field(value: &serde_json::Value) -> Vec<(String, serde_json::Value)> {
    use serde_json::Value;

    let mut spoiled = Vec::new();
    let mut within = |name: &str, inner: &Value| {
        for (place, inner) in without_each_field(inner) {
            let mut whole = value.clone();
            if let Some(field) = whole.pointer_mut(&format!("/{name}")) {
                *field = inner;
            }
            spoiled.push((format!("/{name}{place}"), whole));
        }
    };
    match value {
        Value::Object(fields) => fields.iter().for_each(|(name, inner)| within(name, inner)),
        Value::Array(items) => items.iter().enumerate().for_each(|(place, inner)| within(&place.to_string(), inner)),
        _ => {}
    }
    for name in value.as_object().into_iter().flatten().map(|(name, _)| name) {
        let mut without = value.clone();
        without.as_object_mut().map(|fields| fields.remove(name));
        spoiled.push((format!("/{name}"), without));
    }
    spoiled
}
