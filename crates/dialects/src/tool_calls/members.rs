//! Lists and members in notations near JSON, read as JSON.

use super::xml::Arguments;

/// How deep lists and objects may nest.
pub(super) const DEEPEST: usize = 64;

/// The items of a list up to its bracket as JSON, and what follows. `value` reads one as JSON and
/// returns what follows it.
pub(super) fn list<'t>(
    text: &'t str,
    value: impl Fn(&'t str) -> Option<(String, &'t str)>,
) -> Option<(String, &'t str)> {
    let mut rest = text.trim_start();
    let mut items = Vec::new();
    loop {
        if let Some(rest) = rest.strip_prefix(']') {
            return Some((format!("[{}]", items.join(", ")), rest));
        }
        let (json, behind) = value(rest)?;
        items.push(json);
        rest = next_item(behind, ']')?;
    }
}

/// The members up to this bracket as a JSON object, and what follows. `member` reads a name and a
/// value as JSON and returns what follows them.
pub(super) fn object<'t, N: AsRef<str>>(
    text: &'t str,
    close: char,
    member: impl Fn(&'t str) -> Option<(N, String, &'t str)>,
) -> Option<(String, &'t str)> {
    let mut rest = text.trim_start();
    let mut members = Arguments::default();
    loop {
        if let Some(rest) = rest.strip_prefix(close) {
            return Some((members.finish(), rest));
        }
        let (name, json, behind) = member(rest)?;
        members.add(name.as_ref(), &json);
        rest = next_item(behind, close)?;
    }
}

/// What follows the comma, or the bracket that closes.
fn next_item(text: &str, close: char) -> Option<&str> {
    let text = text.trim_start();
    match text.strip_prefix(',') {
        Some(rest) => Some(rest.trim_start()),
        None => text.starts_with(close).then_some(text),
    }
}
