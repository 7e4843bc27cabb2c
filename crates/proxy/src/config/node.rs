//! YAML as a tree that remembers where each value stood.
//!
//! Owns the tree and how it is read; what keys mean is the sections'.

use std::{fmt, ops::Range};

use sagewire::sagemaker::parameters::Kind;
use serde::{Deserialize, Deserializer, de};
use serde_json::{Map, Number, Value};
use serde_saphyr::Spanned;

use super::scalar;

/// A line and a column of a file, both from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    /// Which of the files that were read: 0 is the configuration itself, the others are included.
    pub(super) file: usize,
    pub(super) line: u64,
    pub(super) column: u64,
}

impl From<serde_saphyr::Location> for Place {
    fn from(location: serde_saphyr::Location) -> Self {
        Self { file: 0, line: location.line(), column: location.column() }
    }
}

/// A value, where it stands, and whether it was taken from the environment.
#[derive(Clone)]
pub(super) struct Node {
    pub(super) yaml: Yaml,
    pub(super) place: Place,
    /// Whether it was taken from the environment: a message says so.
    pub(super) from_environment: bool,
    /// Where its own text is in the file, as bytes.
    pub(super) span: Option<Range<usize>>,
}

#[derive(Clone)]
pub(super) enum Yaml {
    Null,
    Flag(bool),
    /// A number, and its own text for keys that want one.
    Number(Number, String),
    Text(String),
    /// The value of a variable that is not set.
    Unset(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// A key and its value.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) place: Place,
    pub(super) node: Node,
}

/// The values are not shown: any of them may be a secret.
impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}:{}", self.kind(), self.place.line, self.place.column)
    }
}

impl Node {
    /// A mapping of nothing.
    pub(super) fn empty() -> Self {
        let place = Place { file: 0, line: 1, column: 1 };
        Self { yaml: Yaml::Map(Vec::new()), place, from_environment: false, span: None }
    }

    /// Types the scalars that were written without quotes anew, from their own text in `source`.
    pub(super) fn retype(&mut self, source: &str) {
        match &mut self.yaml {
            Yaml::List(items) => items.iter_mut().for_each(|item| item.retype(source)),
            Yaml::Map(entries) => entries.iter_mut().for_each(|entry| entry.node.retype(source)),
            scalar => {
                let Some(span) = self.span.take() else { return };
                let before = source.get(..span.start).unwrap_or_default();
                let written = source.get(span).map(str::trim);
                if let Some(text) = written.filter(|text| is_plain(text) && !is_block(before)) {
                    *scalar = scalar::plain(text);
                }
            }
        }
    }

    /// The value of this key, for which an empty mapping is added if there is none. `None` if this
    /// is no mapping.
    pub(super) fn mapping(&mut self, key: &str) -> Option<&mut Self> {
        if self.value(key).is_none_or(Self::is_null) {
            self.take(key);
            let node = Self { place: self.place, ..Self::empty() };
            let Yaml::Map(entries) = &mut self.yaml else { return None };
            entries.push(Entry { key: key.to_owned(), place: node.place, node });
        }
        self.value_mut(key)
    }

    /// Takes a key out of this mapping.
    pub(super) fn take(&mut self, key: &str) -> Option<Entry> {
        let Yaml::Map(entries) = &mut self.yaml else { return None };
        let index = entries.iter().position(|entry| entry.key == key)?;
        Some(entries.remove(index))
    }

    /// The same, as what stands in this file.
    pub(super) fn of_file(mut self, file: usize) -> Self {
        self.set_file(file);
        self
    }

    fn set_file(&mut self, file: usize) {
        self.place.file = file;
        match &mut self.yaml {
            Yaml::List(items) => items.iter_mut().for_each(|item| item.set_file(file)),
            Yaml::Map(entries) => {
                for entry in entries {
                    entry.place.file = file;
                    entry.node.set_file(file);
                }
            }
            Yaml::Null | Yaml::Flag(_) | Yaml::Number(..) | Yaml::Text(_) | Yaml::Unset(_) => {}
        }
    }

    /// The value of this key, where this is a mapping that has it.
    pub(super) fn value(&self, key: &str) -> Option<&Self> {
        self.entries()?.iter().find(|entry| entry.key == key).map(|entry| &entry.node)
    }

    pub(super) fn value_mut(&mut self, key: &str) -> Option<&mut Self> {
        let Yaml::Map(entries) = &mut self.yaml else { return None };
        entries.iter_mut().find(|entry| entry.key == key).map(|entry| &mut entry.node)
    }

    pub(super) fn entries(&self) -> Option<&[Entry]> {
        match &self.yaml {
            Yaml::Map(entries) => Some(entries),
            _ => None,
        }
    }

    pub(super) fn items(&self) -> Option<&[Node]> {
        match &self.yaml {
            Yaml::List(items) => Some(items),
            _ => None,
        }
    }

    pub(super) fn text(&self) -> Option<&str> {
        match &self.yaml {
            Yaml::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn is_null(&self) -> bool {
        matches!(self.yaml, Yaml::Null)
    }

    /// The value where a text is wanted: a number is the text that was written.
    pub(super) fn as_text(&self) -> Option<String> {
        match &self.yaml {
            Yaml::Text(text) | Yaml::Number(_, text) => Some(text.clone()),
            _ => None,
        }
    }

    pub(super) fn as_flag(&self) -> Option<bool> {
        self.as_kind(Kind::Flag)?.as_bool()
    }

    pub(super) fn as_count(&self) -> Option<u64> {
        self.as_kind(Kind::Count)?.as_u64()
    }

    pub(super) fn as_number(&self) -> Option<f64> {
        self.as_kind(Kind::Number)?.as_f64()
    }

    /// A scalar as a value of this kind.
    fn as_kind(&self, kind: Kind) -> Option<Value> {
        let is_scalar = matches!(self.yaml, Yaml::Flag(_) | Yaml::Number(..) | Yaml::Text(_));
        is_scalar.then(|| self.to_json()).filter(|value| kind.accepts(value)).map(|value| kind.typed(value))
    }

    /// The first variable in this value, and all inside it, that is not set.
    pub(super) fn unset(&self) -> Option<&str> {
        match &self.yaml {
            Yaml::Unset(name) => Some(name),
            Yaml::List(items) => items.iter().find_map(Self::unset),
            Yaml::Map(entries) => entries.iter().find_map(|entry| entry.node.unset()),
            Yaml::Null | Yaml::Flag(_) | Yaml::Number(..) | Yaml::Text(_) => None,
        }
    }

    /// Why the value is not what was wanted, to be put after its name.
    pub(super) fn rejection(&self, wanted: &dyn fmt::Display) -> String {
        match self.unset() {
            Some(name) => {
                format!("needs the environment variable `{name}`, which is not set: set it before you start the proxy")
            }
            None => format!("must be {wanted}{}", self.instead(&wanted.to_string())),
        }
    }

    /// What the value is in place of what was wanted, to be put after that. A wrong number is still a
    /// number, and a wrong name a string.
    fn instead(&self, wanted: &str) -> String {
        match &self.yaml {
            Yaml::Number(..) => String::new(),
            Yaml::Text(text) if wanted.starts_with("one of ") => {
                let is_shown = !self.from_environment && is_plain_word(text);
                if is_shown { format!(", not `{text}`") } else { String::new() }
            }
            _ => format!(", not {}", self.kind()),
        }
    }

    /// What kind of value it is, for a message.
    pub(super) fn kind(&self) -> &'static str {
        match &self.yaml {
            Yaml::Null | Yaml::Unset(_) => "nothing",
            Yaml::Flag(_) => "true or false",
            Yaml::Number(..) => "a number",
            Yaml::Text(_) if self.from_environment => "a string from the environment",
            Yaml::Text(_) => "a string",
            Yaml::List(_) => "a list",
            Yaml::Map(_) => "a mapping",
        }
    }

    pub(super) fn to_json(&self) -> Value {
        match &self.yaml {
            Yaml::Null | Yaml::Unset(_) => Value::Null,
            Yaml::Flag(flag) => Value::Bool(*flag),
            Yaml::Number(number, _) => Value::Number(number.clone()),
            Yaml::Text(text) => Value::String(text.clone()),
            Yaml::List(items) => Value::Array(items.iter().map(Self::to_json).collect()),
            Yaml::Map(entries) => Value::Object(
                entries.iter().map(|entry| (entry.key.clone(), entry.node.to_json())).collect::<Map<_, _>>(),
            ),
        }
    }
}

/// Whether a text is a name such as those of settings. It is shown if one of several is wanted; a
/// secret is not so plain.
fn is_plain_word(text: &str) -> bool {
    const LONGEST: usize = 24;
    text.len() <= LONGEST && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_' || byte == b'-')
}

/// Whether a scalar was written without quotes, and on one line: others are texts whatever they
/// hold.
fn is_plain(text: &str) -> bool {
    !text.starts_with(['"', '\'', '|', '>', '!', '&', '*']) && !text.contains('\n')
}

/// Whether the text before a scalar ends in the head of a block: `|`, `>-` and the like, on a line
/// before.
fn is_block(before: &str) -> bool {
    let head = before.trim_end();
    before.get(head.len()..).is_some_and(|blank| blank.contains('\n'))
        && head.trim_end_matches(|c: char| matches!(c, '+' | '-') || c.is_ascii_digit()).ends_with(['|', '>'])
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<Yaml>::deserialize(deserializer)?;
        let span = spanned.defined.span();
        let span = span.byte_offset().zip(span.byte_len()).and_then(|(start, length)| {
            let [start, length] = [start, length].map(|number| usize::try_from(number).ok());
            start.zip(length).map(|(start, length)| start..start.saturating_add(length))
        });
        Ok(Self { yaml: spanned.value, place: spanned.referenced.into(), from_environment: false, span })
    }
}

impl<'de> Deserialize<'de> for Yaml {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(YamlVisitor)
    }
}

struct YamlVisitor;

impl<'de> de::Visitor<'de> for YamlVisitor {
    type Value = Yaml;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }

    fn visit_unit<E>(self) -> Result<Yaml, E> {
        Ok(Yaml::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Yaml, E> {
        Ok(Yaml::Flag(flag))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Yaml, E> {
        Ok(Yaml::Number(number.into(), number.to_string()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Yaml, E> {
        Ok(Yaml::Number(number.into(), number.to_string()))
    }

    fn visit_i128<E>(self, number: i128) -> Result<Yaml, E> {
        let text = number.to_string();
        Ok(Number::from_i128(number)
            .map_or_else(|| Yaml::Text(text.clone()), |number| Yaml::Number(number, text.clone())))
    }

    fn visit_u128<E>(self, number: u128) -> Result<Yaml, E> {
        let text = number.to_string();
        Ok(Number::from_u128(number)
            .map_or_else(|| Yaml::Text(text.clone()), |number| Yaml::Number(number, text.clone())))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Yaml, E> {
        Number::from_f64(number)
            .map(|value| Yaml::Number(value, number.to_string()))
            .ok_or_else(|| E::custom("this number is not finite"))
    }

    fn visit_str<E>(self, text: &str) -> Result<Yaml, E> {
        Ok(Yaml::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Yaml, E> {
        Ok(Yaml::Text(text))
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut list: A) -> Result<Yaml, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(Yaml::List(items))
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Yaml, A::Error> {
        let mut entries = Vec::new();
        while let Some(key) = map.next_key::<Spanned<String>>()? {
            let node = map.next_value()?;
            entries.push(Entry { key: key.value, place: key.referenced.into(), node });
        }
        Ok(Yaml::Map(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_knows_its_place() {
        let node: Node = serde_saphyr::from_str("a:\n  - b: 1\n    c: [x, 2.5, null, yes]\n").unwrap();
        let entry = &node.entries().unwrap()[0];
        assert_eq!((entry.place.line, entry.place.column), (1, 1));
        let inner = entry.node.items().unwrap()[0].entries().unwrap();
        assert_eq!((inner[1].place.line, inner[1].place.column), (3, 5));
        assert_eq!((inner[1].node.place.line, inner[1].node.place.column), (3, 8));
        let json = serde_json::json!({"a": [{"b": 1, "c": ["x", 2.5, null, true]}]});
        assert_eq!(node.to_json(), json);
    }

    #[test]
    fn scalars_keep_their_text_and_are_typed_as_pyyaml_types_them() {
        let yaml = "a: 012345678901\nb: 1e5\nc: n\nd: yes\ne: '60'\nf: 017\ng: 2.50\nh: \"yes\"\ni: |\n  7\no: >-\n  1e3\n  2\np: |-\n  yes\nj: ~\nk:\nl: &x 1e3\nm: *x\nn: [y, 1_000] # 7\n";
        let mut node: Node = serde_saphyr::from_str(yaml).unwrap();
        node.retype(yaml);
        assert_eq!(
            node.to_json(),
            serde_json::json!({
                "a": "012345678901", "b": "1e5", "c": "n", "d": true, "e": "60", "f": 15, "g": 2.5, "h": "yes", "i": "7\n", "o": "1e3 2", "p": "yes", "j": null,
                "k": null, "l": "1e3", "m": "1e3", "n": ["y", 1000],
            })
        );
        let text = |key: &str| node.value(key).unwrap().as_text();
        assert_eq!((text("a").as_deref(), text("f").as_deref()), (Some("012345678901"), Some("017")));
        assert_eq!((text("g").as_deref(), text("d")), (Some("2.50"), None));
        assert_eq!((node.value("e").unwrap().as_count(), node.value("h").unwrap().as_flag()), (Some(60), Some(true)));
        assert_eq!(
            (node.value("a").unwrap().as_number(), node.value("n").unwrap().as_count()),
            (Some(12_345_678_901.0), None)
        );
    }
}
