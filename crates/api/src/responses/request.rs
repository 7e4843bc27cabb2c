//! The request: <https://platform.openai.com/docs/api-reference/responses/create>
//!
//! Owns its parameters and what each becomes in chat; items and tools have files of their own.

use sagewire_types::{ChatRequest, Error, ErrorKind, StreamOptions, json::exact};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value, json};

use super::{answer::ResponseForm, items, tools::Tools};
use crate::{conversation::Conversation, effort, extra};

/// Parameters that change nothing on a model of one's own. They are accepted, because agents send
/// them by default.
const WITHOUT_MEANING: &[&str] = &[
    "client_metadata",
    "context_management",
    "max_tool_calls",
    "moderation",
    "prompt_cache_options",
    "prompt_cache_retention",
    "service_tier",
    "stream_options",
    "top_logprobs",
];

/// Parameters that would change the answer, and that only OpenAI's service has. `null` and `false`
/// are what a request without them means.
const OF_THE_SERVICE: &[&str] = &["background", "conversation", "prompt"];

/// A request to `POST /v1/responses`.
///
/// ```
/// use sagewire_api::responses::ResponsesRequest;
///
/// let request: ResponsesRequest =
///     serde_json::from_str(r#"{"model":"m","max_output_tokens":9,"instructions":"Be brief.","input":"Hello"}"#)?;
/// let chat = request.into_chat()?.chat;
/// assert_eq!(
///     serde_json::to_string(&chat)?,
///     r#"{"model":"m","messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"Hello"}],"max_tokens":9}"#
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct ResponsesRequest {
    /// Which model answers.
    #[serde(default)]
    pub model: String,
    /// Whether the answer is a stream of events.
    #[serde(default)]
    pub stream: Option<bool>,
    /// Whether the answer shall be stored; `None` means yes.
    #[serde(default)]
    pub store: Option<bool>,
    #[serde(default, deserialize_with = "input")]
    input: Vec<Value>,
    #[serde(default)]
    include: Option<Vec<String>>,
    /// Whether the items of the answer before are there.
    #[serde(skip)]
    is_continued: bool,
    #[serde(flatten)]
    asked: Asked,
    /// Everything else: parameters of the container or of the gateway.
    #[serde(flatten)]
    extra: Map<String, Value>,
}

/// What a request asks for and its answer repeats.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Asked {
    /// What the model is told before the conversation.
    #[serde(default)]
    pub instructions: Option<String>,
    /// The most tokens to generate, thoughts included.
    #[serde(default)]
    pub max_output_tokens: Option<u64>,
    /// The caller's own notes.
    #[serde(default, deserialize_with = "or_default", serialize_with = "exact")]
    pub metadata: Map<String, Value>,
    /// Whether the model may make several calls at once.
    #[serde(default = "yes", deserialize_with = "or_yes")]
    pub parallel_tool_calls: bool,
    /// The answer that this one goes on from.
    #[serde(default)]
    pub previous_response_id: Option<String>,
    /// A key for a cache: containers have caches of their own.
    #[serde(default)]
    pub prompt_cache_key: Option<String>,
    /// How the model thinks.
    #[serde(default, serialize_with = "exact")]
    pub reasoning: Option<Map<String, Value>>,
    /// The caller's own user, for abuse tracking.
    #[serde(default)]
    pub safety_identifier: Option<String>,
    /// How random the sampling is, 0 to 2.
    #[serde(default)]
    pub temperature: Option<f64>,
    /// The form of the text.
    #[serde(default = "plain_text", deserialize_with = "or_plain_text", serialize_with = "exact")]
    pub text: Map<String, Value>,
    /// Whether and which tool must be called.
    #[serde(default = "auto", deserialize_with = "or_auto", serialize_with = "exact")]
    pub tool_choice: Value,
    /// The tools that the model may call.
    #[serde(default, deserialize_with = "or_default", serialize_with = "exact")]
    pub tools: Vec<Value>,
    /// Sample from the most likely tokens that make up this share of the probability.
    #[serde(default)]
    pub top_p: Option<f64>,
    /// Whether a conversation that is too long may be cut: containers decide themselves.
    #[serde(default = "disabled", deserialize_with = "or_disabled")]
    pub truncation: String,
    /// The caller's own user.
    #[serde(default)]
    pub user: Option<String>,
}

/// A request as a chat request, and what the way back needs to know.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct TranslatedRequest {
    /// The chat request.
    pub chat: ChatRequest,
    /// The types of the tools that were left out because no container runs them, such as
    /// `web_search`.
    pub ignored_tools: Vec<String>,
    /// How the answer is written.
    pub form: ResponseForm,
}

impl ResponsesRequest {
    /// The answer that this request goes on from.
    #[must_use]
    pub fn previous_response_id(&self) -> Option<&str> {
        self.asked.previous_response_id.as_deref()
    }

    /// The items of the input, with those that were put before them.
    #[must_use]
    pub fn input(&self) -> &[Value] {
        &self.input
    }

    /// Puts the items of the answer that this request goes on from, and of what that answered,
    /// before its own.
    pub fn continue_from(&mut self, items: impl IntoIterator<Item = Value>) {
        self.is_continued = true;
        let own = std::mem::take(&mut self.input);
        self.input = items.into_iter().chain(own).collect();
    }

    /// The ids of the stored items that the input refers to, in order.
    pub fn references(&self) -> impl Iterator<Item = &str> {
        self.input.iter().filter_map(items::reference)
    }

    /// Puts stored items in the place of references to them. `find` is given the id.
    pub fn resolve(&mut self, mut find: impl FnMut(&str) -> Option<Value>) {
        for item in &mut self.input {
            if let Some(found) = items::reference(item).and_then(&mut find) {
                *item = found;
            }
        }
    }

    /// The same request in chat's terms.
    ///
    /// # Errors
    /// `InvalidRequest` or `Unsupported`, naming the parameter.
    pub fn into_chat(self) -> Result<TranslatedRequest, Error> {
        let Self { model, stream, input, include, is_continued, asked, mut extra, .. } = self;
        if let Some(id) = asked.previous_response_id.as_ref().filter(|_| !is_continued) {
            let message = format!("no stored response `{}`; send the whole conversation in `input`", beginning(id));
            return Err(Error::invalid("previous_response_id", message));
        }
        for name in OF_THE_SERVICE {
            if !matches!(extra.remove(*name), None | Some(Value::Null | Value::Bool(false))) {
                let message =
                    format!("unsupported parameter `{name}`: a model on SageMaker does not have it; remove it");
                return Err(Error::new(ErrorKind::Unsupported, message).with_param(*name));
            }
        }
        let mut tools = Tools::default();
        tools.add(&asked.tools)?;
        let mut conversation = Conversation::default();
        if let Some(instructions) = asked.instructions.as_ref().filter(|text| !text.is_empty()) {
            conversation.instruct(instructions.clone());
        }
        for item in &input {
            items::add(item, &mut conversation, &mut tools)?;
        }
        let messages = conversation.finish();
        if messages.is_empty() {
            return Err(Error::invalid("input", "`input` is empty; add a text or at least one message"));
        }
        let mut chat = ChatRequest::new(model, messages);
        let (ignored_tools, names) = tools.put(Some(&asked.tool_choice), &mut chat)?;
        // To allow several calls is what every container does by itself.
        chat.parallel_tool_calls = (chat.tools.is_some() && !asked.parallel_tool_calls).then_some(false);
        chat.temperature = asked.temperature;
        chat.top_p = asked.top_p;
        chat.max_tokens = asked.max_output_tokens;
        chat.stream = stream;
        if stream == Some(true) {
            chat.stream_options = Some(StreamOptions::with_usage());
        }
        chat.user = asked.user.clone().or_else(|| asked.safety_identifier.clone());
        chat.response_format = asked.text.get("format").and_then(response_format);
        let reasoning = |name: &str| asked.reasoning.as_ref().and_then(|reasoning| reasoning.get(name)?.as_str());
        chat.reasoning_effort = reasoning("effort").map(|effort| effort::level(effort).to_owned());
        extra.retain(|name, _| !WITHOUT_MEANING.contains(&name.as_str()));
        chat.extra = extra;
        extra::into_fields(&mut chat)?;
        let form = ResponseForm {
            names,
            summary: reasoning("summary").or_else(|| reasoning("generate_summary")).is_some(),
            sealed: include.is_some_and(|include| include.iter().any(|what| what == "reasoning.encrypted_content")),
            asked,
        };
        Ok(TranslatedRequest { chat, ignored_tools, form })
    }
}

/// As much of an id as helps to recognize it.
pub(super) fn beginning(id: &str) -> String {
    id.chars().take(64).collect()
}

/// `text.format` as `response_format`; `None` for plain text.
fn response_format(format: &Value) -> Option<Value> {
    match format.get("type")?.as_str()? {
        "json_schema" => {
            let mut schema = format.as_object()?.clone();
            schema.remove("type");
            Some(json!({ "type": "json_schema", "json_schema": schema }))
        }
        "text" => None,
        _ => Some(format.clone()),
    }
}

/// A text is a message of the user's.
fn input<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Value>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "expected `input` to be a text or a list of items")]
    enum Input {
        Text(String),
        Items(Vec<Value>),
        Nothing(()),
    }
    Ok(match Input::deserialize(deserializer)? {
        Input::Text(text) => vec![json!({
            "type": "message", "role": "user", "content": [{ "type": "input_text", "text": text }],
        })],
        Input::Items(items) => items,
        Input::Nothing(()) => Vec::new(),
    })
}

fn or_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(deserializer: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

fn or_yes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_else(yes))
}

fn or_auto<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Value, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_else(auto))
}

fn or_disabled<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_else(disabled))
}

fn or_plain_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Map<String, Value>, D::Error> {
    let mut text: Map<String, Value> = or_default(deserializer)?;
    text.retain(|_, value| !value.is_null());
    text.entry("format").or_insert_with(|| json!({ "type": "text" }));
    Ok(text)
}

fn yes() -> bool {
    true
}

fn auto() -> Value {
    Value::from("auto")
}

fn disabled() -> String {
    "disabled".to_owned()
}

fn plain_text() -> Map<String, Value> {
    Map::from_iter([("format".to_owned(), json!({ "type": "text" }))])
}

#[cfg(test)]
mod tests;
