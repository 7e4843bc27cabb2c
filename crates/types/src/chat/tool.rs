//! Tools a model may call, and the calls it makes.
//!
//! Owns their shapes, in requests, replies and stream deltas; it runs no tool.

use std::fmt;

use serde::{
    Deserialize, Deserializer, Serialize, Serializer, de, de::DeserializeOwned, de::Error as _, ser::SerializeMap,
};
use serde_json::{Map, Value, json, value::RawValue};

use crate::{json::compact, lenient::Lenient, nulls::Nulls, open_object::open_object};

/// A tool the model may call.
///
/// <https://platform.openai.com/docs/api-reference/chat/create#chat_create-tools>
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Tool {
    /// `function`, or another type a container knows.
    pub kind: String,
    /// The function, if the type is `function`.
    pub function: Option<FunctionDefinition>,
    /// Everything else, in its order.
    pub extra: Map<String, Value>,
    nulls: Nulls,
}

open_object!(Tool with nulls of [function] {
    "type" => kind: String, |kind| kind.ok_or_else(|| A::Error::missing_field("type"));
    "function" => function: Option<FunctionDefinition>, |function| Ok(function.flatten());
});

impl Serialize for Tool {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { kind, function, extra, nulls } = self;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("type", kind)?;
        nulls.write(&mut map, 0, "function", function.as_ref())?;
        for (name, value) in extra {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl Tool {
    /// A function with a description and the JSON schema of its arguments.
    #[must_use]
    pub fn function(name: impl Into<String>, description: impl Into<String>, parameters: Value) -> Self {
        let function = FunctionDefinition {
            name: name.into(),
            description: Some(description.into()),
            parameters: Some(parameters),
            extra: Map::new(),
            nulls: Nulls::default(),
        };
        Self { kind: function_kind(), function: Some(function), extra: Map::new(), nulls: Nulls::default() }
    }
}

/// What a function is called, does and takes.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct FunctionDefinition {
    /// Its name.
    pub name: String,
    /// What it does, for the model to read.
    pub description: Option<String>,
    /// The JSON schema of its arguments.
    pub parameters: Option<Value>,
    /// Everything else, such as `strict`.
    pub extra: Map<String, Value>,
    nulls: Nulls,
}

open_object!(FunctionDefinition with nulls of [description, parameters] {
    "name" => name: String, |name| name.ok_or_else(|| A::Error::missing_field("name"));
    "description" => description: Option<String>, |description| Ok(description.flatten());
    "parameters" => parameters: Option<Value>, |parameters| Ok(parameters.flatten());
});

impl Serialize for FunctionDefinition {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { name, description, parameters, extra, nulls } = self;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("name", name)?;
        nulls.write(&mut map, 0, "description", description.as_ref())?;
        nulls.write(&mut map, 1, "parameters", parameters.as_ref())?;
        for (name, value) in extra {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

/// Whether and which tool the model must call.
///
/// <https://platform.openai.com/docs/api-reference/chat/create#chat_create-tool_choice>
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ToolChoice {
    /// The model decides.
    Auto,
    /// No tool is called.
    None,
    /// Some tool must be called.
    Required,
    /// The function of this name must be called.
    Function(String),
    /// Any other form, kept as it came.
    Other(Value),
}

impl Serialize for ToolChoice {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Auto => serializer.serialize_str("auto"),
            Self::None => serializer.serialize_str("none"),
            Self::Required => serializer.serialize_str("required"),
            Self::Function(name) => json!({ "type": "function", "function": { "name": name } }).serialize(serializer),
            Self::Other(value) => value.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for ToolChoice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        Ok(match value.as_str() {
            Some("auto") => Self::Auto,
            Some("none") => Self::None,
            Some("required") => Self::Required,
            _ => match value.pointer("/function/name").and_then(Value::as_str) {
                Some(name) if value.as_object().is_some_and(|object| object.len() == 2) => {
                    Self::Function(name.to_owned())
                }
                _ => Self::Other(value),
            },
        })
    }
}

/// A call the model asks for.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ToolCall {
    /// The id that the tool message answers. Some containers give none: then it is empty.
    pub id: String,
    /// `function`, unless a container says otherwise.
    #[serde(rename = "type")]
    pub kind: String,
    /// Which function, with which arguments.
    pub function: FunctionCall,
    /// Everything else, in its order.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

open_object!(ToolCall with nulls {
    "id" => id: Lenient<String>, |id| Ok(Lenient::of(id).unwrap_or_default());
    "type" => kind: Lenient<String>, |kind| Ok(Lenient::of(kind).unwrap_or_else(function_kind));
    "function" => function: FunctionCall, |function| function.ok_or_else(|| A::Error::missing_field("function"));
});

impl ToolCall {
    /// A call of this function with arguments as JSON text.
    #[must_use]
    pub fn function(id: impl Into<String>, name: impl Into<String>, arguments: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            kind: function_kind(),
            function: FunctionCall { name: name.into(), arguments: arguments.into() },
            extra: Map::new(),
        }
    }

    /// The arguments as the program's own type. No text at all, which some models write for a
    /// function without parameters, counts as `{}`.
    ///
    /// ```
    /// use sagewire_types::ToolCall;
    ///
    /// #[derive(serde::Deserialize)]
    /// struct Weather {
    ///     city: String,
    /// }
    ///
    /// let call = ToolCall::function("call_1", "get_weather", r#"{"city": "Paris"}"#);
    /// assert_eq!(call.arguments::<Weather>()?.city, "Paris");
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    ///
    /// # Errors
    /// If the model wrote something else than JSON, or other arguments than `T` has.
    pub fn arguments<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        let text = self.function.arguments.trim();
        serde_json::from_str(if text.is_empty() { "{}" } else { text })
    }
}

/// The function of a [`ToolCall`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FunctionCall {
    /// Its name.
    #[serde(default, deserialize_with = "name")]
    pub name: String,
    /// Its arguments as JSON text. A container that sends an object is understood: the object's
    /// text is kept.
    #[serde(default, deserialize_with = "json_text")]
    pub arguments: String,
}

/// A piece of a [`ToolCall`] in a stream; pieces of one `index` belong together.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ToolCallDelta {
    /// Which of the message's calls this piece belongs to, from 0. `None` if a container did not
    /// say: every piece of our own streams has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index: Option<u32>,
    /// The call's id, in its first piece.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The call's type, in its first piece.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The function's name and the next piece of its arguments.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub function: Option<FunctionCallDelta>,
    /// Everything else that is not null, in its order.
    #[serde(flatten, serialize_with = "crate::json::exact_fields")]
    pub extra: Map<String, Value>,
}

open_object!(ToolCallDelta without nulls {
    "index" => index: Lenient<u32>, |index| Ok(Lenient::of(index));
    "id" => id: Lenient<String>, |id| Ok(Lenient::of(id));
    "type" => kind: Lenient<String>, |kind| Ok(Lenient::of(kind));
    "function" => function: Option<FunctionCallDelta>, |function| Ok(function.flatten());
});

/// The function's part of a [`ToolCallDelta`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FunctionCallDelta {
    /// The function's name, in the first piece.
    #[serde(default, deserialize_with = "optional_name", skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The next piece of the arguments' JSON text.
    #[serde(default, deserialize_with = "optional_json_text", skip_serializing_if = "Option::is_none")]
    pub arguments: Option<String>,
}

fn name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(optional_name(deserializer)?.unwrap_or_default())
}

fn optional_name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Lenient::deserialize(deserializer).map(|Lenient(name)| name)
}

fn function_kind() -> String {
    "function".to_owned()
}

fn json_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(optional_json_text(deserializer)?.unwrap_or_default())
}

fn optional_json_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    deserializer.deserialize_any(JsonTextVisitor)
}

/// A string as it is; an object or a list, which some containers send, as its JSON text.
struct JsonTextVisitor;

impl<'de> de::Visitor<'de> for JsonTextVisitor {
    type Value = Option<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("arguments as JSON text or as an object")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Some(text.to_owned()))
    }

    fn visit_string<E: de::Error>(self, text: String) -> Result<Self::Value, E> {
        Ok(Some(text))
    }

    fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut text = "{".to_owned();
        while let Some((name, value)) = map.next_entry::<String, Box<RawValue>>()? {
            if text.len() > 1 {
                text.push(',');
            }
            text.push_str(&Value::from(name).to_string());
            text.push(':');
            text.push_str(&compact(&value).map_err(A::Error::custom)?);
        }
        text.push('}');
        Ok(Some(text))
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut text = "[".to_owned();
        while let Some(item) = list.next_element::<Box<RawValue>>()? {
            if text.len() > 1 {
                text.push(',');
            }
            text.push_str(&compact(&item).map_err(A::Error::custom)?);
        }
        text.push(']');
        Ok(Some(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_may_be_text_an_object_or_null() {
        for (json, text) in [
            (r#"{"name":"f","arguments":"{\"a\": 1}"}"#, r#"{"a": 1}"#),
            (r#"{"name":"f","arguments":{"b":2,"a":1}}"#, r#"{"b":2,"a":1}"#),
            (r#"{"name":"f","arguments":[1]}"#, "[1]"),
            (r#"{"name":"f","arguments":null}"#, ""),
            (r#"{"name":null,"arguments":"{}"}"#, "{}"),
        ] {
            assert_eq!(serde_json::from_str::<FunctionCall>(json).unwrap().arguments, text);
        }
    }

    #[test]
    fn arguments_are_read_into_a_type() {
        let read = |arguments: &str| ToolCall::function("c", "f", arguments).arguments::<Map<String, Value>>();
        assert_eq!(read(r#" {"a": 1} "#).unwrap(), Map::from_iter([("a".to_owned(), 1.into())]));
        assert_eq!((read("").unwrap(), read(" ").unwrap()), (Map::new(), Map::new()));
        for wrong in ["{\"a\": ", "[1]", "Paris"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_tool_is_sent_as_it_was_written() {
        for json in [
            r#"{"type":"function","function":{"name":"f","description":null,"parameters":null,"strict":null}}"#,
            r#"{"type":"function","function":{"name":"f","parameters":{"b":1.10,"a":null}}}"#,
            r#"{"type":"web_search","function":null,"x":1}"#,
            r#"{"type":"x"}"#,
        ] {
            let tool: Tool = serde_json::from_str(json).unwrap();
            assert_eq!(serde_json::to_string(&tool).unwrap(), json.replace("1.10", "1.1"));
        }
    }

    #[test]
    fn each_tool_choice_survives_a_round_trip() {
        for json in [
            r#""auto""#,
            r#""none""#,
            r#""required""#,
            r#"{"type":"function","function":{"name":"f"}}"#,
            r#"{"type":"allowed_tools","allowed_tools":{"mode":"auto"}}"#,
            r#""a-new-mode""#,
        ] {
            let choice: ToolChoice = serde_json::from_str(json).unwrap();
            assert_eq!(serde_json::to_string(&choice).unwrap(), json);
        }
    }
}
