//! YAML as a tree that remembers where each value stood.
//!
//! Owns the tree and how it is read; what keys mean is the sections'.

use std::fmt;

use serde::{Deserialize, Deserializer, de};
use serde_json::{Map, Number, Value};
use serde_saphyr::Spanned;

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
    /// A value from the environment is text even where a number is meant.
    pub(super) from_environment: bool,
}

#[derive(Clone)]
pub(super) enum Yaml {
    Null,
    Flag(bool),
    Number(Number),
    Text(String),
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
        Self { yaml: Yaml::Map(Vec::new()), place, from_environment: false }
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
            Yaml::Null | Yaml::Flag(_) | Yaml::Number(_) | Yaml::Text(_) => {}
        }
    }

    /// The value of this key, where this is a mapping that has it.
    pub(super) fn value(&self, key: &str) -> Option<&Self> {
        self.entries()?.iter().find(|entry| entry.key == key).map(|entry| &entry.node)
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

    /// Text that must stay text: a number that was written without quotes counts, as it does for LiteLLM.
    pub(super) fn as_text(&self) -> Option<String> {
        match &self.yaml {
            Yaml::Text(text) => Some(text.clone()),
            Yaml::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }

    pub(super) fn as_flag(&self) -> Option<bool> {
        match &self.yaml {
            Yaml::Flag(flag) => Some(*flag),
            Yaml::Text(text) if self.from_environment => match text.trim().to_ascii_lowercase().as_str() {
                "true" | "yes" | "on" | "1" => Some(true),
                "false" | "no" | "off" | "0" => Some(false),
                _ => None,
            },
            _ => None,
        }
    }

    pub(super) fn as_count(&self) -> Option<u64> {
        match &self.yaml {
            Yaml::Number(number) => number.as_u64(),
            Yaml::Text(text) if self.from_environment => text.trim().parse().ok(),
            _ => None,
        }
    }

    pub(super) fn as_number(&self) -> Option<f64> {
        let number = match &self.yaml {
            Yaml::Number(number) => number.as_f64(),
            Yaml::Text(text) if self.from_environment => text.trim().parse().ok(),
            _ => None,
        };
        number.filter(|number| number.is_finite())
    }

    /// What the value is, for a message. The value itself is never shown: it may be a secret.
    pub(super) fn kind(&self) -> &'static str {
        match &self.yaml {
            Yaml::Null => "nothing",
            Yaml::Flag(_) => "true or false",
            Yaml::Number(_) => "a number",
            Yaml::Text(_) if self.from_environment => "a text from the environment",
            Yaml::Text(_) => "a text",
            Yaml::List(_) => "a list",
            Yaml::Map(_) => "a mapping",
        }
    }

    pub(super) fn to_json(&self) -> Value {
        match &self.yaml {
            Yaml::Null => Value::Null,
            Yaml::Flag(flag) => Value::Bool(*flag),
            Yaml::Number(number) => Value::Number(number.clone()),
            Yaml::Text(text) => Value::String(text.clone()),
            Yaml::List(items) => Value::Array(items.iter().map(Self::to_json).collect()),
            Yaml::Map(entries) => Value::Object(
                entries.iter().map(|entry| (entry.key.clone(), entry.node.to_json())).collect::<Map<_, _>>(),
            ),
        }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<Yaml>::deserialize(deserializer)?;
        Ok(Self { yaml: spanned.value, place: spanned.referenced.into(), from_environment: false })
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
        Ok(Yaml::Number(number.into()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Yaml, E> {
        Ok(Yaml::Number(number.into()))
    }

    fn visit_i128<E: de::Error>(self, number: i128) -> Result<Yaml, E> {
        Number::from_i128(number).map(Yaml::Number).ok_or_else(|| E::custom("this number is too large"))
    }

    fn visit_u128<E: de::Error>(self, number: u128) -> Result<Yaml, E> {
        Number::from_u128(number).map(Yaml::Number).ok_or_else(|| E::custom("this number is too large"))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Yaml, E> {
        Number::from_f64(number).map(Yaml::Number).ok_or_else(|| E::custom("this number is not finite"))
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
        assert_eq!(node.to_json(), serde_json::json!({"a": [{"b": 1, "c": ["x", 2.5, null, true]}]}));
    }

    #[test]
    fn a_value_from_the_environment_may_be_a_number_or_a_flag() {
        let taken =
            |text: &str| Node { yaml: Yaml::Text(text.to_owned()), place: Place::default(), from_environment: true };
        assert_eq!(taken("30").as_count(), Some(30));
        assert_eq!(taken("0.5").as_number(), Some(0.5));
        assert_eq!(taken("True").as_flag(), Some(true));
        assert_eq!(taken("NaN").as_number(), None);
        let written = Node { from_environment: false, ..taken("30") };
        assert_eq!(written.as_count(), None);
    }
}
