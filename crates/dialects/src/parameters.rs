//! Which of OpenAI's parameters a dialect can carry, and what happens to the others.
//!
//! Owns the policy (`drop_params`, `allowed_openai_params`, `additional_drop_params`), whether
//! details are asked for (`details`), and the list of parameters by name; how a parameter looks in
//! a body is each dialect's.

mod nested;

use std::str::FromStr;

use sagewire_types::{
    ChatRequest, CompletionRequest, EmbedRequest, Error, ErrorKind, OTHER_OPENAI_PARAMETERS, ToolChoice,
};
use serde_json::{Map, Value};

/// What happens to parameters of OpenAI's that a container cannot carry.
///
/// <https://docs.litellm.ai/docs/completion/drop_params>
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ParameterPolicy {
    /// Leaves them out instead of refusing the request.
    pub drop_params: bool,
    /// Passes these on as they are, although the dialect does not know them.
    pub allowed_openai_params: Vec<String>,
    /// Leaves these out, whether the dialect knows them or not; parameters that only a container
    /// knows too. A path such as `tools[*].function.strict` leaves out a field inside of a
    /// parameter.
    pub additional_drop_params: Vec<String>,
}

impl ParameterPolicy {
    /// Refuses what a container cannot carry, and passes on the rest.
    #[must_use]
    pub const fn refusing() -> Self {
        Self { drop_params: false, allowed_openai_params: Vec::new(), additional_drop_params: Vec::new() }
    }
}

/// Whether text containers are asked for the details of their answers: the finish reason and the
/// count of tokens.
///
/// A request that sets `details` itself is sent as it is.
///
/// <https://huggingface.co/docs/text-generation-inference/reference/api_reference>
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DetailsPolicy {
    /// They are asked for. A container that refuses them is asked once more without, at once, and
    /// is not asked for them again.
    #[default]
    Auto,
    /// They are asked for. A container that refuses them is an error.
    Always,
    /// They are not asked for: whole answers of TGI end with `stop`, and have no count of tokens.
    Never,
}

impl DetailsPolicy {
    /// Its names in a configuration.
    pub const NAMES: [&str; 3] = ["auto", "true", "false"];
}

impl FromStr for DetailsPolicy {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text.to_ascii_lowercase().as_str() {
            "auto" => Ok(Self::Auto),
            "true" => Ok(Self::Always),
            "false" => Ok(Self::Never),
            _ => {
                let message = format!("`details` must be one of `{}`", Self::NAMES.join("`, `"));
                Err(Error::new(ErrorKind::Configuration, message).with_param("details"))
            }
        }
    }
}

/// Applies the policy: afterwards `request` holds only parameters that the dialect carries, and the
/// result those that are to be passed on as they are.
///
/// # Errors
/// `Unsupported`, naming the parameter and a route that carries it.
pub(crate) fn apply_policy(
    request: &mut ChatRequest,
    supported: &[&str],
    policy: &ParameterPolicy,
    dialect: &str,
) -> Result<Vec<(String, Value)>, Error> {
    drop_named(request, policy);
    let mut passed_on = Vec::new();
    for name in NAMES.iter().copied().chain(OTHER_OPENAI_PARAMETERS.iter().copied()) {
        if supported.contains(&name) {
            continue;
        }
        if !is_set(request, name) {
            clear(request, name);
        } else if policy.allowed_openai_params.iter().any(|allowed| allowed == name) {
            passed_on.push((name.to_owned(), take(request, name)));
        } else if BOOKKEEPING.contains(&name) || asks_for_nothing(request, name) {
            clear(request, name);
        } else if policy.drop_params {
            tracing::debug!(target: "sagewire::parameters", parameter = name, dialect, "left out: the dialect cannot carry it");
            clear(request, name);
        } else {
            return Err(unsupported(name, dialect));
        }
    }
    Ok(passed_on)
}

/// Leaves out what `additional_drop_params` names.
pub fn drop_named(request: &mut ChatRequest, policy: &ParameterPolicy) {
    for name in &policy.additional_drop_params {
        match nested::Path::parse(name) {
            Some(path) => drop_nested(request, &path),
            None => clear(request, name),
        }
    }
}

fn drop_nested(request: &mut ChatRequest, path: &nested::Path) {
    if let Some(value) = request.extra.get_mut(&path.parameter) {
        return path.remove_from(value);
    }
    let whole = take(request, &path.parameter);
    if whole.is_null() {
        return;
    }
    let mut value = whole.clone();
    path.remove_from(&mut value);
    // A tool cannot be without its type, for one: then the parameter stays as it is.
    if !put(request, &path.parameter, value) {
        put(request, &path.parameter, whole);
    }
}

/// Leaves out a further parameter, or a field inside of one.
fn drop_from(extra: &mut Map<String, Value>, name: &str) {
    match nested::Path::parse(name) {
        Some(path) => {
            if let Some(value) = extra.get_mut(&path.parameter) {
                path.remove_from(value);
            }
        }
        None => {
            extra.shift_remove(name);
        }
    }
}

/// The same for a completion request.
pub(crate) fn drop_named_of_completion(request: &mut CompletionRequest, policy: &ParameterPolicy) {
    for name in &policy.additional_drop_params {
        match name.as_str() {
            "temperature" => request.temperature = None,
            "top_p" => request.top_p = None,
            "n" => request.n = None,
            "stop" => request.stop = None,
            "stream_options" => request.stream_options = None,
            "max_tokens" => request.max_tokens = None,
            "presence_penalty" => request.presence_penalty = None,
            "frequency_penalty" => request.frequency_penalty = None,
            "seed" => request.seed = None,
            "echo" => request.echo = None,
            "logprobs" => request.logprobs = None,
            "user" => request.user = None,
            other => drop_from(&mut request.extra, other),
        }
    }
}

/// The same for an embedding request.
pub fn drop_named_of_embedding(request: &mut EmbedRequest, policy: &ParameterPolicy) {
    for name in &policy.additional_drop_params {
        match name.as_str() {
            "dimensions" => request.dimensions = None,
            "encoding_format" => request.encoding_format = None,
            "user" => request.user = None,
            other => drop_from(&mut request.extra, other),
        }
    }
}

/// What OpenAI's own service keeps its books by, and what is answered here. No answer of a
/// container depends on it: it is left out without a word.
const BOOKKEEPING: &[&str] = &[
    "metadata",
    "prompt_cache_key",
    "prompt_cache_retention",
    "safety_identifier",
    "service_tier",
    "store",
    "stream_options",
    "user",
];

/// Whether a parameter is set to what holds without it, as many programs do.
fn asks_for_nothing(request: &ChatRequest, name: &str) -> bool {
    let no_tools = request.tools.as_ref().is_none_or(Vec::is_empty);
    match name {
        "presence_penalty" => request.presence_penalty == Some(0.0),
        "frequency_penalty" => request.frequency_penalty == Some(0.0),
        "logit_bias" => request.logit_bias.as_ref().is_some_and(Map::is_empty),
        "logprobs" => request.logprobs == Some(false),
        "top_logprobs" => request.top_logprobs == Some(0),
        "n" => request.n == Some(1),
        "tools" => no_tools,
        "tool_choice" => no_tools && matches!(request.tool_choice, Some(ToolChoice::Auto | ToolChoice::None)),
        "parallel_tool_calls" => no_tools,
        "response_format" => {
            request.response_format.as_ref().and_then(|format| format.get("type")).and_then(Value::as_str)
                == Some("text")
        }
        _ => false,
    }
}

/// The error for a parameter that a dialect cannot carry.
pub(crate) fn unsupported(name: &str, dialect: &str) -> Error {
    Error::new(
        ErrorKind::Unsupported,
        format!(
            "`{name}` cannot be sent to a `{dialect}` container: use the route `sagemaker_chat/` if the container speaks the Messages API, \
             leave the parameter out, set `drop_params` to have it left out, or name it in `allowed_openai_params` to have it passed on"
        ),
    )
    .with_param(name)
}

macro_rules! by_name {
    ($($name:literal => $field:ident),* $(,)?) => {
        /// The parameters that have a field in [`ChatRequest`], by their names on the wire.
        const NAMES: &[&str] = &[$($name),*];

        fn is_set(request: &ChatRequest, name: &str) -> bool {
            match name {
                $($name => request.$field.is_some(),)*
                other => request.extra.get(other).is_some_and(|value| !value.is_null()),
            }
        }

        fn clear(request: &mut ChatRequest, name: &str) {
            match name {
                $($name => request.$field = None,)*
                other => { request.extra.shift_remove(other); }
            }
        }

        fn take(request: &mut ChatRequest, name: &str) -> Value {
            match name {
                $($name => request.$field.take().map(|value| serde_json::json!(value)).unwrap_or_default(),)*
                other => request.extra.shift_remove(other).unwrap_or_default(),
            }
        }

        /// Sets a parameter, if it can have this value.
        fn put(request: &mut ChatRequest, name: &str, value: Value) -> bool {
            match name {
                $($name => match serde_json::from_value(value) {
                    Ok(value) => {
                        request.$field = Some(value);
                        true
                    }
                    Err(_) => false,
                },)*
                other => {
                    request.extra.insert(other.to_owned(), value);
                    true
                }
            }
        }
    };
}

by_name! {
    "temperature" => temperature,
    "top_p" => top_p,
    "n" => n,
    "stop" => stop,
    "max_tokens" => max_tokens,
    "max_completion_tokens" => max_completion_tokens,
    "presence_penalty" => presence_penalty,
    "frequency_penalty" => frequency_penalty,
    "logit_bias" => logit_bias,
    "logprobs" => logprobs,
    "top_logprobs" => top_logprobs,
    "seed" => seed,
    "response_format" => response_format,
    "tools" => tools,
    "tool_choice" => tool_choice,
    "parallel_tool_calls" => parallel_tool_calls,
    "reasoning_effort" => reasoning_effort,
    "stream_options" => stream_options,
    "user" => user,
}

#[cfg(test)]
mod tests {
    use sagewire_types::{Message, Tool, ToolChoice};
    use serde_json::json;

    use super::*;

    fn request() -> ChatRequest {
        let mut request = ChatRequest::new("sagemaker/e", [Message::user("hi")]).with_temperature(0.5);
        request.tools = Some(vec![Tool::function("f", "", json!({}))]);
        request.tool_choice = Some(ToolChoice::Auto);
        request.with_parameter("top_k", 4).with_parameter("verbosity", "low")
    }

    #[test]
    fn the_refusal_names_the_parameter_and_the_route_that_carries_it() {
        let error = apply_policy(&mut request(), &["temperature"], &ParameterPolicy::default(), "tgi").unwrap_err();
        assert_eq!((error.kind(), error.param()), (ErrorKind::Unsupported, Some("tools")));
        assert!(error.to_string().contains("sagemaker_chat/") && error.to_string().contains("drop_params"), "{error}");
    }

    #[test]
    fn dropped_parameters_are_gone_and_the_containers_own_stay() {
        let mut request = request();
        let policy = ParameterPolicy { drop_params: true, ..ParameterPolicy::default() };
        assert_eq!(apply_policy(&mut request, &["temperature"], &policy, "tgi").unwrap(), []);
        assert_eq!((request.tools, request.tool_choice, request.temperature), (None, None, Some(0.5)));
        assert_eq!(serde_json::to_value(request.extra).unwrap(), json!({"top_k": 4}));
    }

    #[test]
    fn allowed_parameters_are_passed_on_and_additional_ones_dropped_first() {
        let mut request = request();
        let policy = ParameterPolicy {
            drop_params: true,
            allowed_openai_params: vec!["tool_choice".into(), "verbosity".into()],
            additional_drop_params: vec!["top_k".into(), "temperature".into()],
        };
        let passed_on = apply_policy(&mut request, &["temperature"], &policy, "tgi").unwrap();
        assert_eq!(passed_on, [("tool_choice".into(), json!("auto")), ("verbosity".into(), json!("low"))]);
        assert_eq!((request.temperature, request.extra.len()), (None, 0));
    }

    #[test]
    fn a_path_drops_a_field_inside_of_a_parameter() {
        let schema = json!({"type": "object", "additionalProperties": false});
        let tool = json!({"type": "function", "function": {"name": "f", "strict": true, "parameters": schema}});
        let mut request =
            ChatRequest::new("sagemaker_chat/e", [Message::user("hi")]).with_parameter("a", json!({"b": 1, "c": 2}));
        request.tools = serde_json::from_value(json!([tool])).unwrap();
        let dropped = [
            "tools[*].function.strict",
            "tools[*].function.parameters.additionalProperties",
            "a.b",
            "absent.b",
            // Neither can be left out.
            "tools[*].type",
            "messages[0].content",
        ];
        let policy = ParameterPolicy {
            additional_drop_params: dropped.map(str::to_owned).to_vec(),
            ..ParameterPolicy::default()
        };
        drop_named(&mut request, &policy);
        assert_eq!(
            serde_json::to_value(&request).unwrap(),
            json!({
                "model": "sagemaker_chat/e",
                "messages": [{"role": "user", "content": "hi"}],
                "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}],
                "a": {"c": 2},
            })
        );
        let mut embed = EmbedRequest::new("m", "p");
        embed.extra.insert("a".to_owned(), json!({"b": 1, "c": 2}));
        drop_named_of_embedding(&mut embed, &policy);
        assert_eq!(embed.extra["a"], json!({"c": 2}));
    }

    #[test]
    fn what_asks_for_nothing_is_no_reason_to_refuse() {
        let mut request = ChatRequest::new("sagemaker/e", [Message::user("hi")]);
        request.presence_penalty = Some(0.0);
        request.frequency_penalty = Some(0.0);
        request.logit_bias = Some(Map::new());
        request.logprobs = Some(false);
        request.top_logprobs = Some(0);
        request.n = Some(1);
        request.tools = Some(Vec::new());
        request.tool_choice = Some(ToolChoice::None);
        request.parallel_tool_calls = Some(true);
        request.response_format = Some(json!({"type": "text"}));
        let mut request = request.with_parameter("metadata", json!({"a": 1})).with_parameter("audio", Value::Null);
        apply_policy(&mut request, &[], &ParameterPolicy::default(), "tgi").unwrap();
        assert_eq!(request, ChatRequest::new("sagemaker/e", [Message::user("hi")]));
    }

    #[test]
    fn named_parameters_are_dropped_from_every_kind_of_request() {
        let names = ["dimensions", "temperature", "echo", "top_k"].map(str::to_owned).to_vec();
        let policy = ParameterPolicy { additional_drop_params: names, ..ParameterPolicy::default() };
        let mut completion = CompletionRequest::new("m", "p");
        (completion.temperature, completion.echo) = (Some(1.0), Some(true));
        completion.extra.insert("top_k".to_owned(), json!(1));
        drop_named_of_completion(&mut completion, &policy);
        assert_eq!(completion, CompletionRequest::new("m", "p"));
        let mut embed = EmbedRequest::new("m", "p");
        embed.dimensions = Some(2);
        embed.extra.insert("top_k".to_owned(), json!(1));
        drop_named_of_embedding(&mut embed, &policy);
        assert_eq!(embed, EmbedRequest::new("m", "p"));
    }

    #[test]
    fn the_setting_is_read_from_its_text() {
        for (text, policy) in
            [("auto", DetailsPolicy::Auto), ("True", DetailsPolicy::Always), ("false", DetailsPolicy::Never)]
        {
            assert_eq!(text.parse::<DetailsPolicy>().unwrap(), policy);
        }
        assert_eq!("maybe".parse::<DetailsPolicy>().unwrap_err().param(), Some("details"));
    }
}
