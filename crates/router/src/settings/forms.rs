//! The forms of LiteLLM's `router_settings`.
//!
//! Owns reading what serde cannot derive: fallbacks as a list of mappings, aliases as texts,
//! policies by the names of failures, and strategies by their names.

use std::{borrow::Cow, collections::BTreeMap, fmt, marker::PhantomData};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer},
};

use super::ModelGroupAlias;
use crate::{FailurePolicy, FailureSort, Strategy};

/// Model name to other models' names.
type Fallbacks = BTreeMap<String, Vec<String>>;

/// A list of mappings with one key each, or one mapping.
pub(super) fn fallbacks<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Fallbacks, D::Error> {
    struct Form;

    impl<'de> Visitor<'de> for Form {
        type Value = Fallbacks;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list of `{model: [models]}`")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Fallbacks, A::Error> {
            let mut all = Fallbacks::new();
            while let Some(item) = items.next_element::<Fallbacks>()? {
                for (model, next) in item {
                    all.entry(model).or_default().extend(next);
                }
            }
            Ok(all)
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Fallbacks, A::Error> {
            Fallbacks::deserialize(MapAccessDeserializer::new(map))
        }
    }

    deserializer.deserialize_any(Form)
}

pub(super) fn strategy<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Strategy, D::Error> {
    String::deserialize(deserializer)?
        .parse()
        .map_err(|_| D::Error::custom(format!("must be one of `{}`", Strategy::NAMES.join("`, `"))))
}

pub(super) fn strategies(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "enum": Strategy::NAMES })
}

impl<'de> Deserialize<'de> for ModelGroupAlias {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Form;

        /// The longer form.
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct AliasEntry {
            model: String,
            #[serde(default)]
            hidden: bool,
        }

        impl<'de> Visitor<'de> for Form {
            type Value = ModelGroupAlias;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a model's name or `{model: name, hidden: true}`")
            }

            fn visit_str<E: Error>(self, name: &str) -> Result<ModelGroupAlias, E> {
                Ok(name.into())
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ModelGroupAlias, A::Error> {
                let AliasEntry { model, hidden } = AliasEntry::deserialize(MapAccessDeserializer::new(map))?;
                Ok(ModelGroupAlias { model_name: model, hidden })
            }
        }

        deserializer.deserialize_any(Form)
    }
}

/// LiteLLM's keys of a policy, in the order of [`FailureSort::ALL`].
pub(super) trait Keys {
    const KEYS: &'static [&'static str];
    /// What a key's number is, before the failure that it is about.
    const MEANING: &'static str;
}

macro_rules! keys {
    ($suffix:literal) => {
        &[
            concat!("BadRequestError", $suffix),
            concat!("AuthenticationError", $suffix),
            concat!("TimeoutError", $suffix),
            concat!("RateLimitError", $suffix),
            concat!("NotFoundError", $suffix),
            concat!("ServiceUnavailableError", $suffix),
            concat!("BadGatewayError", $suffix),
            concat!("InternalServerError", $suffix),
        ]
    };
}

/// `retry_policy`.
pub(super) struct Retries;

impl Keys for Retries {
    const KEYS: &'static [&'static str] = keys!("Retries");
    const MEANING: &'static str = "The number of retries after";
}

/// `allowed_fails_policy`.
pub(super) struct AllowedFails;

impl Keys for AllowedFails {
    const KEYS: &'static [&'static str] = keys!("AllowedFails");
    const MEANING: &'static str = "The failures in a row before the deployment cools down, of";
}

/// A policy with these keys.
pub(super) struct Named<S>(FailurePolicy, PhantomData<S>);

impl<'de, S: Keys> Deserialize<'de> for Named<S> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Form<S>(PhantomData<S>);

        impl<'de, S: Keys> Visitor<'de> for Form<S> {
            type Value = FailurePolicy;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a mapping of failures to numbers")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<FailurePolicy, A::Error> {
                let mut policy = FailurePolicy::new();
                while let Some(name) = map.next_key::<String>()? {
                    let sort = FailureSort::ALL.into_iter().zip(S::KEYS).find(|(_, key)| **key == name);
                    let (sort, _) = sort.ok_or_else(|| A::Error::unknown_field(&name, S::KEYS))?;
                    policy = policy.with(sort, map.next_value()?);
                }
                Ok(policy)
            }
        }

        deserializer.deserialize_map(Form(PhantomData::<S>)).map(|policy| Self(policy, PhantomData))
    }
}

impl<S: Keys> JsonSchema for Named<S> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        S::MEANING.into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let properties: serde_json::Map<_, _> = FailureSort::ALL
            .into_iter()
            .zip(S::KEYS)
            .map(|(sort, key)| {
                let description = format!("{} {}.", S::MEANING, sort.meaning());
                let schema = serde_json::json!({ "type": "integer", "minimum": 0, "description": description });
                ((*key).to_owned(), schema)
            })
            .collect();
        json_schema!({ "type": "object", "properties": properties, "additionalProperties": false })
    }
}

pub(super) fn policy<'de, S: Keys, D: Deserializer<'de>>(deserializer: D) -> Result<FailurePolicy, D::Error> {
    Named::<S>::deserialize(deserializer).map(|Named(policy, _)| policy)
}

pub(super) fn policies<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, FailurePolicy>, D::Error> {
    let policies = BTreeMap::<String, Named<Retries>>::deserialize(deserializer)?;
    Ok(policies.into_iter().map(|(model, Named(policy, _))| (model, policy)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keys_are_the_names_of_the_failures_in_their_order() {
        for (sort, (retries, fails)) in FailureSort::ALL.into_iter().zip(Retries::KEYS.iter().zip(AllowedFails::KEYS)) {
            assert_eq!(retries.strip_suffix("Retries"), Some(sort.as_str()));
            assert_eq!(fails.strip_suffix("AllowedFails"), Some(sort.as_str()));
        }
        assert_eq!((Retries::KEYS.len(), AllowedFails::KEYS.len()), (FailureSort::ALL.len(), FailureSort::ALL.len()));
    }
}
