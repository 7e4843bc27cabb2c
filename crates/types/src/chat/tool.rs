//! Tools a model may call, and the calls it makes.
//!
//! Owns their shapes, in requests, replies and stream deltas; it runs no tool.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::{Map, Value, json};

/// A tool the model may call.
///
/// <https://platform.openai.com/docs/api-reference/chat/create#chat_create-tools>
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Tool {
    /// `function`, or another type a container knows.
    #[serde(rename = "type")]
    pub kind: String,
    /// The function, where the type is `function`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub function: Option<FunctionDefinition>,
    /// Everything else, in its order.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
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
        };
        Self { kind: "function".to_owned(), function: Some(function), extra: Map::new() }
    }
}

/// What a function is called, does and takes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FunctionDefinition {
    /// Its name.
    pub name: String,
    /// What it does, for the model to read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The JSON schema of its arguments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameters: Option<Value>,
    /// Everything else, such as `strict`.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ToolCall {
    /// The id that the tool message answers. Some containers give none: then it is empty.
    #[serde(default, deserialize_with = "super::null_as_default")]
    pub id: String,
    /// `function`, unless a container says otherwise.
    #[serde(rename = "type", default = "function_kind")]
    pub kind: String,
    /// Which function, with which arguments.
    pub function: FunctionCall,
    /// Everything else, in its order.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

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
}

/// The function of a [`ToolCall`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FunctionCall {
    /// Its name.
    #[serde(default)]
    pub name: String,
    /// Its arguments as JSON text. A container that sends an object is understood: the object's text is kept.
    #[serde(default, deserialize_with = "json_text")]
    pub arguments: String,
}

/// A piece of a [`ToolCall`] in a stream; pieces of one `index` belong together.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ToolCallDelta {
    /// Which of the message's calls this piece belongs to.
    #[serde(default)]
    pub index: u32,
    /// The call's id, in its first piece.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The call's type, in its first piece.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The function's name and the next piece of its arguments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub function: Option<FunctionCallDelta>,
    /// Everything else, in its order.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// The function's part of a [`ToolCallDelta`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FunctionCallDelta {
    /// The function's name, in the first piece.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The next piece of the arguments' JSON text.
    #[serde(default, deserialize_with = "optional_json_text", skip_serializing_if = "Option::is_none")]
    pub arguments: Option<String>,
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

/// A string as it stands; an object, which some containers send, as its JSON text.
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

    fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        let object = Map::<String, Value>::deserialize(de::value::MapAccessDeserializer::new(map))?;
        Ok(Some(Value::Object(object).to_string()))
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
            (r#"{"name":"f","arguments":null}"#, ""),
        ] {
            assert_eq!(serde_json::from_str::<FunctionCall>(json).unwrap().arguments, text);
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
