//! A tree of the file as serde reads it.
//!
//! Owns the deserializer, which knows the place of every value, takes texts where numbers and flags
//! are wanted, and shows no value in its errors; and reading a struct to the end although something
//! in it is wrong, so that all problems are reported at once.

use std::{cell::Cell, fmt};

use serde::{
    Deserializer,
    de::{
        self, DeserializeOwned, DeserializeSeed, Expected, IntoDeserializer, Unexpected, Visitor,
        value::{StrDeserializer, StringDeserializer},
    },
    forward_to_deserialize_any,
};

use super::{
    environment::Path,
    nearest::nearest,
    node::{Entry, Node, Place, Yaml},
    problem::Report,
    unused,
};

/// How many problems of one section are reported. Each costs another reading.
const MAX_PROBLEMS: usize = 50;

/// Reads a struct whose fields all have defaults. What is wrong is reported and left out; a key of
/// LiteLLM's without effect is a warning.
pub(super) fn read<T: DeserializeOwned + Default>(node: &Node, path: &Path, report: &mut Report) -> T {
    let mut node = node.clone();
    let mut problems = 0;
    let mut removed = Vec::new();
    while problems < MAX_PROBLEMS {
        let rejection = match T::deserialize(&node) {
            Ok(value) => return value,
            Err(rejection) => rejection,
        };
        let steps: Vec<_> = rejection.path.into_iter().rev().collect();
        let place = rejection.place.unwrap_or(node.place);
        let at = steps.iter().fold(path.clone(), |path, step| match step {
            Step::Key(key) => path.key(key),
            Step::Item(index) => path.index(*index),
        });
        // It was wrong, which has been reported, or its value is in an environment that is not known.
        let is_known = rejection.missing.is_some_and(|field| {
            let is_elsewhere =
                find(&node, &steps).and_then(|node| node.value(field)).is_some_and(|node| node.from_environment);
            is_elsewhere || removed.contains(&at.key(field).to_string())
        });
        removed.push(at.to_string());
        match steps.last() {
            _ if is_known => {}
            Some(Step::Key(key))
                if rejection.is_unknown_key
                    && let Some(reason) = unused::reason(&at.section(), key) =>
            {
                report.warning(place, at.keys(), format!("{at} has no effect: {reason}"));
            }
            _ => {
                problems += 1;
                report.problem(place, format!("{at} {}", rejection.rule));
            }
        }
        if !remove(&mut node, &steps) {
            break;
        }
    }
    T::default()
}

/// What a path leads to.
fn find<'n>(node: &'n Node, steps: &[Step]) -> Option<&'n Node> {
    steps.iter().try_fold(node, |node, step| match step {
        Step::Key(key) => node.value(key),
        Step::Item(index) => node.items()?.get(*index),
    })
}

/// Takes what a path leads to out of the tree. An item of a list stays as nothing, so that the
/// others keep their places.
fn remove(node: &mut Node, steps: &[Step]) -> bool {
    match (steps, &mut node.yaml) {
        ([Step::Key(key)], Yaml::Map(_)) => node.take(key).is_some(),
        ([Step::Key(key), rest @ ..], Yaml::Map(entries)) => {
            entries.iter_mut().find(|entry| entry.key == *key).is_some_and(|entry| remove(&mut entry.node, rest))
        }
        ([Step::Item(index)], Yaml::List(items)) => items
            .get_mut(*index)
            .is_some_and(|item| !matches!(std::mem::replace(&mut item.yaml, Yaml::Null), Yaml::Null)),
        ([Step::Item(index), rest @ ..], Yaml::List(items)) => {
            items.get_mut(*index).is_some_and(|item| remove(item, rest))
        }
        _ => false,
    }
}

/// One step from a section to a value in it.
#[derive(Clone, Debug)]
enum Step {
    Key(String),
    Item(usize),
}

/// Why a value was not taken.
#[derive(Debug)]
pub(super) struct Rejection {
    place: Option<Place>,
    /// The way to it, the last step first.
    path: Vec<Step>,
    /// What follows the value's name in a sentence. It shows no value.
    rule: String,
    /// Whether it is about a key that no field has.
    is_unknown_key: bool,
    /// The key that must be there and is not.
    missing: Option<&'static str>,
}

impl Rejection {
    fn wanted(node: &Node, wanted: &dyn fmt::Display) -> Self {
        Self { place: Some(node.place), ..de::Error::custom(node.rejection(wanted)) }
    }

    fn at(mut self, place: Place, step: Step) -> Self {
        self.place.get_or_insert(place);
        self.path.push(step);
        self
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.rule)
    }
}

impl std::error::Error for Rejection {}

impl de::Error for Rejection {
    fn custom<T: fmt::Display>(rule: T) -> Self {
        Self { place: None, path: Vec::new(), rule: rule.to_string(), is_unknown_key: false, missing: None }
    }

    fn invalid_type(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::custom(format!("must be {expected}, not {}", kind(unexpected)))
    }

    fn invalid_value(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::custom(format!("must be {expected}"))
    }

    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Self {
        Self::custom(format!("must be one of `{}`", expected.join("`, `")))
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        let hint = match nearest(field, expected.iter().copied()) {
            _ if field.starts_with('-') => {
                "write a space after the `-`, and indent what belongs to the item".to_owned()
            }
            Some(known) => format!("did you mean `{known}`?"),
            None => "remove it, or see docs/configuration.md for the known keys".to_owned(),
        };
        Self { is_unknown_key: true, ..Self::custom(format!("is not a known key: {hint}")) }
    }

    fn missing_field(field: &'static str) -> Self {
        Self { missing: Some(field), ..Self::custom(format!("has no `{field}`")) }
    }
}

fn kind(unexpected: Unexpected<'_>) -> &'static str {
    match unexpected {
        Unexpected::Bool(_) => "true or false",
        Unexpected::Unsigned(_) | Unexpected::Signed(_) | Unexpected::Float(_) => "a number",
        Unexpected::Unit | Unexpected::Option => "nothing",
        Unexpected::Seq => "a list",
        Unexpected::Map => "a mapping",
        _ => "a string",
    }
}

/// A method of a scalar's type.
macro_rules! scalars {
    ($($method:ident $visit:ident $read:expr, $wanted:literal;)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Rejection> {
            match $read(self) {
                Some(value) => visitor.$visit(value),
                None => Err(Rejection::wanted(self, &$wanted)),
            }
        })*
    };
}

impl<'de> Deserializer<'de> for &'de Node {
    type Error = Rejection;

    scalars! {
        deserialize_bool visit_bool Node::as_flag, "`true` or `false`";
        deserialize_u8 visit_u64 Node::as_count, "a non-negative integer";
        deserialize_u16 visit_u64 Node::as_count, "a non-negative integer";
        deserialize_u32 visit_u64 Node::as_count, "a non-negative integer";
        deserialize_u64 visit_u64 Node::as_count, "a non-negative integer";
        deserialize_f32 visit_f64 Node::as_number, "a number";
        deserialize_f64 visit_f64 Node::as_number, "a number";
        deserialize_str visit_string Node::as_text, "a string";
        deserialize_string visit_string Node::as_text, "a string";
        deserialize_identifier visit_string Node::as_text, "a string";
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Rejection> {
        match &self.yaml {
            Yaml::Null => visitor.visit_unit(),
            Yaml::Unset(_) => Err(Rejection::wanted(self, &"a value")),
            Yaml::Flag(flag) => visitor.visit_bool(*flag),
            Yaml::Number(number, _) => match (number.as_u64(), number.as_i64(), number.as_f64()) {
                (Some(number), ..) => visitor.visit_u64(number),
                (None, Some(number), _) => visitor.visit_i64(number),
                (None, None, number) => visitor.visit_f64(number.unwrap_or_default()),
            },
            Yaml::Text(text) => visitor.visit_borrowed_str(text),
            Yaml::List(_) => self.deserialize_seq(visitor),
            Yaml::Map(_) => self.deserialize_map(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Rejection> {
        if self.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Rejection> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Rejection> {
        let items = self.items().ok_or_else(|| Rejection::wanted(self, &"a list"))?;
        visitor.visit_seq(Items { items: items.iter().enumerate() })
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Rejection> {
        self.visit_entries(None, visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Rejection> {
        self.visit_entries(Some(fields), visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Rejection> {
        let wrong = || Rejection::wanted(self, &format!("one of `{}`", variants.join("`, `")));
        let name = self.text().filter(|name| variants.contains(name)).ok_or_else(wrong)?;
        let name: StrDeserializer<'_, Rejection> = name.into_deserializer();
        visitor.visit_enum(name)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Rejection> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i64 i128 u128 char bytes byte_buf unit unit_struct tuple tuple_struct
    }
}

impl Node {
    /// Visits the entries of a mapping. One without a value is as good as none, unless its key is
    /// not one of the struct's fields.
    fn visit_entries<'de, V: Visitor<'de>>(
        &'de self,
        fields: Option<&'static [&'static str]>,
        visitor: V,
    ) -> Result<V::Value, Rejection> {
        let entries = self.entries().ok_or_else(|| Rejection::wanted(self, &"a mapping of keys to values"))?;
        let last = Cell::new(None);
        visitor.visit_map(Entries { entries: entries.iter(), fields, value: None, last: &last }).map_err(|rejection| {
            match last.get() {
                // It is about a key that the visitor itself looked at.
                Some(entry) if rejection.place.is_none() => rejection.at(entry.place, Step::Key(entry.key.clone())),
                _ => rejection,
            }
        })
    }
}

struct Items<'de> {
    items: std::iter::Enumerate<std::slice::Iter<'de, Node>>,
}

impl<'de> de::SeqAccess<'de> for Items<'de> {
    type Error = Rejection;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Rejection> {
        // What was wrong has been reported, and is nothing now.
        let Some((index, item)) = self.items.by_ref().find(|(_, item)| !item.is_null()) else { return Ok(None) };
        seed.deserialize(item).map(Some).map_err(|rejection| rejection.at(item.place, Step::Item(index)))
    }
}

struct Entries<'de, 'a> {
    entries: std::slice::Iter<'de, Entry>,
    fields: Option<&'static [&'static str]>,
    value: Option<&'de Entry>,
    last: &'a Cell<Option<&'de Entry>>,
}

impl<'de> de::MapAccess<'de> for Entries<'de, '_> {
    type Error = Rejection;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Rejection> {
        let is_known = |key: &str| self.fields.is_none_or(|fields| fields.contains(&key));
        self.value = self.entries.by_ref().find(|entry| !entry.node.is_null() || !is_known(&entry.key));
        self.last.set(self.value);
        let Some(entry) = self.value else { return Ok(None) };
        let key: StringDeserializer<Rejection> = entry.key.clone().into_deserializer();
        seed.deserialize(key).map(Some).map_err(|rejection| rejection.at(entry.place, Step::Key(entry.key.clone())))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Rejection> {
        let entry = self.value.take().ok_or_else(|| de::Error::custom("has a value without a key"))?;
        seed.deserialize(&entry.node).map_err(|rejection| rejection.at(entry.node.place, Step::Key(entry.key.clone())))
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, time::Duration};

    use sagewire_router::RouterSettings;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Sample {
        flag: bool,
        count: u32,
        text: String,
        more: Vec<Sample>,
        map: BTreeMap<String, u64>,
    }

    fn sample<T: DeserializeOwned + Default>(yaml: &str) -> (T, Vec<String>) {
        let mut node: Node = serde_saphyr::from_str(yaml).unwrap();
        node.retype(yaml);
        let mut report = Report::default();
        let value = read(&node, &Path::default().key("s"), &mut report);
        (value, report.problems.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn texts_are_taken_for_numbers_and_flags_and_numbers_for_texts() {
        let (value, problems) = sample::<Sample>("flag: 'True'\ncount: \"60\"\ntext: 0123456789\nmap: {a: 7.0}\n");
        let map = BTreeMap::from([("a".to_owned(), 7)]);
        assert_eq!(value, Sample { flag: true, count: 60, text: "0123456789".to_owned(), map, ..Sample::default() });
        assert!(problems.is_empty(), "{problems:?}");
    }

    #[test]
    fn every_problem_is_reported_at_its_place_and_the_rest_is_read() {
        let yaml = "flag: hush\ncount: -1\ncuont: 2\ntext: [hush]\nmore: [7, {flag: on, count: hush}, {text: b}]\nmap: {a: hush, b: 2}\n";
        let (value, problems) = sample::<Sample>(yaml);
        assert_eq!(
            problems,
            [
                "line 1, column 7: `s.flag` must be `true` or `false`, not a string",
                "line 2, column 8: `s.count` must be a non-negative integer",
                "line 3, column 1: `s.cuont` is not a known key: did you mean `count`?",
                "line 4, column 7: `s.text` must be a string, not a list",
                "line 5, column 8: `s.more[0]` must be a mapping of keys to values",
                "line 5, column 29: `s.more[1].count` must be a non-negative integer, not a string",
                "line 6, column 10: `s.map.a` must be a non-negative integer, not a string",
            ]
        );
        let more =
            vec![Sample { flag: true, ..Sample::default() }, Sample { text: "b".to_owned(), ..Sample::default() }];
        assert_eq!(value, Sample { more, map: BTreeMap::from([("b".to_owned(), 2)]), ..Sample::default() });
    }

    #[test]
    fn more_problems_than_anyone_reads_end_the_reading() {
        let yaml: String = (0..200).map(|number| format!("unknown_{number}: 1\n")).collect();
        let (value, problems) = sample::<Sample>(&yaml);
        assert_eq!((value, problems.len()), (Sample::default(), MAX_PROBLEMS));
    }

    #[test]
    fn the_routers_settings_are_read_in_litellms_forms() {
        let (settings, problems) = sample::<RouterSettings>(
            "routing_strategy: least-busy\nmax_retries: '4'\ncooldown_time: 0.5\nfallbacks: [{a: [b]}, {a: [c]}]\ncontext_window_fallbacks: {a: [d]}\nmodel_group_alias: {x: a, y: {model: b, hidden: true}}\nretry_policy: {RateLimitErrorRetries: 5}\n",
        );
        assert!(problems.is_empty(), "{problems:?}");
        assert_eq!((settings.strategy.as_str(), settings.num_retries), ("least-busy", 4));
        assert_eq!(settings.cooldown_time, Duration::from_millis(500));
        assert_eq!(settings.fallbacks["a"], ["b", "c"]);
        assert_eq!(settings.context_window_fallbacks["a"], ["d"]);
        assert!(settings.model_group_alias["y"].hidden && settings.model_group_alias["x"].model_name == "a");
        let (_, problems) = sample::<RouterSettings>(
            "routing_strategy: fastest\nretry_after: -1\nfallbacks: m\nretry_policy: {RateLimitErrorRetry: 5}\nmodel_group_alias: {a: [m]}\n",
        );
        assert_eq!(problems.len(), 5, "{problems:#?}");
        assert!(problems[0].starts_with("line 1, column 19: `s.routing_strategy` must be one of `simple-shuffle`"));
        assert_eq!(problems[1], "line 2, column 14: `s.retry_after` must be a number of seconds from 0");
        assert_eq!(problems[2], "line 3, column 12: `s.fallbacks` must be a list of `{model: [models]}`, not a string");
        assert!(problems[3].contains("`s.retry_policy.RateLimitErrorRetry` is not a known key"), "{}", problems[3]);
        assert!(problems[4].contains("`s.model_group_alias.a` must be a model's name or"), "{}", problems[4]);
    }
}
