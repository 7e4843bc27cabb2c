//! The ids that keep calls together, `prefix_aware_id` and `session_id`, derived from whom a call is
//! from and what it says.
//!
//! Owns who a caller is, as far as it matters for these ids, and how an id is made. AWS and the
//! container see a digest: no name, no text and no header of a caller.
//!
//! <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html#API_runtime_InvokeEndpoint_RequestSyntax>

use std::{borrow::Cow, fmt, fmt::Write as _};

use http::{HeaderMap, HeaderName, HeaderValue};
use sagewire_types::{Call, CallContext, Extension, Message, ModelId, Role};
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::{
    Settings,
    request::{Operation, door::Door},
    settings::id_source::IdSource,
};

/// So many bytes of a digest are an id: 32 hexadecimal digits, which AWS's patterns and lengths
/// allow.
const BYTES: usize = 16;

/// Who a call is from, as an extension of the call's [`CallContext`]. A gateway fills it; ids are
/// derived from it as a deployment's `prefix_aware_id_from` and `session_id_from` say.
///
/// ```
/// use sagewire_sagemaker::CallerIdentity;
/// use sagewire_types::CallContext;
///
/// let context = CallContext::new().with(CallerIdentity::new().with_key("team-search"));
/// assert!(context.get::<CallerIdentity>().is_some());
/// ```
#[derive(Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct CallerIdentity {
    /// The name of the caller's key; never the key itself.
    pub key: Option<String>,
    /// The headers of its request that ids are derived from.
    pub headers: HeaderMap,
}

impl CallerIdentity {
    /// A caller of whom nothing is known.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the name of its key.
    #[must_use]
    pub fn with_key(mut self, name: impl Into<String>) -> Self {
        self.key = Some(name.into());
        self
    }

    /// Adds a header of its request.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }
}

impl Extension for CallerIdentity {}

/// Headers are the caller's own: their names are enough.
impl fmt::Debug for CallerIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headers: Vec<_> = self.headers.keys().collect();
        f.debug_struct("CallerIdentity").field("key", &self.key).field("headers", &headers).finish()
    }
}

/// Sets the ids that the settings derive and do not set, where AWS takes them.
pub(crate) fn derive(settings: &mut Cow<'_, Settings>, call: &Call, context: &CallContext) {
    if settings.prefix_aware_id_from.is_none() && settings.session_id_from.is_none() {
        return;
    }
    // A model that cannot be read is refused later.
    let Ok(model) = call.model().parse::<ModelId>() else { return };
    let operation = if settings.async_inference == Some(true) { Operation::Async } else { Operation::Invoke };
    let is_taken = |parameter: &str| (Door::of(&model).takes)(parameter, operation);
    let nobody = CallerIdentity::default();
    let caller = context.get::<CallerIdentity>().unwrap_or(&nobody);
    let headers = &settings.headers;
    let prefix = settings.prefix_aware_id_from.as_ref();
    let prefix = prefix.filter(|_| headers.prefix_aware_id.is_none() && is_taken("prefix_aware_id"));
    let prefix = prefix.and_then(|source| Some(id(&["prefix", &value(source, call, caller)?])));
    let session = settings.session_id_from.as_ref();
    let session = session.filter(|_| headers.session_id.is_none() && is_taken("session_id"));
    // The sessions of one caller are not another's, even if both say the same.
    let owner = caller.key.as_deref().unwrap_or_default();
    let session = session.and_then(|source| Some(id(&["session", owner, &value(source, call, caller)?])));
    if prefix.is_some() || session.is_some() {
        let headers = &mut settings.to_mut().headers;
        headers.prefix_aware_id = prefix.or(headers.prefix_aware_id.take());
        headers.session_id = session.or(headers.session_id.take());
    }
}

/// What an id is made of. Nothing if the call does not have it.
fn value(source: &IdSource, call: &Call, caller: &CallerIdentity) -> Option<String> {
    match source {
        IdSource::Key => caller.key.clone(),
        IdSource::Header(name) => {
            let value = caller.headers.get(name)?.to_str().ok().filter(|value| !value.is_empty())?;
            Some(format!("{name}:{value}"))
        }
        IdSource::Conversation => beginning(call).map(|mut beginning| {
            remove_cache_marks(&mut beginning);
            beginning.to_string()
        }),
    }
}

/// How a conversation begins: everything up to the first message of the user, which all calls of
/// the conversation repeat.
fn beginning(call: &Call) -> Option<Value> {
    match call {
        Call::Chat(request) | Call::ChatStream(request) => {
            let is_users = |message: &Message| message.role == Role::User;
            let length = request.messages.iter().position(is_users).map_or(request.messages.len(), |place| place + 1);
            serde_json::to_value(request.messages.get(..length)?).ok()
        }
        Call::Forward(request) | Call::ForwardStream(request) => of_body(&request.body),
        _ => None,
    }
}

/// The same of a body of a container's own route: `OpenAI`'s Responses, Anthropic's Messages, or
/// chat.
fn of_body(body: &[u8]) -> Option<Value> {
    #[derive(Deserialize)]
    #[serde(default)]
    #[derive(Default)]
    struct Body {
        system: Value,
        instructions: Value,
        messages: Vec<Value>,
        input: Value,
        previous_response_id: Option<String>,
    }
    let body: Body = serde_json::from_slice(body).ok()?;
    // What came before is known to the container alone.
    if body.previous_response_id.is_some() {
        return None;
    }
    let (mut messages, text) = match body.input {
        Value::Array(items) => (items, Value::Null),
        text => (body.messages, text),
    };
    let first = messages.iter().position(|message| message.get("role").and_then(Value::as_str) == Some("user"));
    messages.truncate(first.map_or(messages.len(), |place| place + 1));
    if messages.is_empty() && text.is_null() {
        return None;
    }
    Some(Value::Array(vec![body.system, body.instructions, text, Value::Array(messages)]))
}

/// Removes the marks of Anthropic's prompt caching, which wander as a conversation grows.
fn remove_cache_marks(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.shift_remove("cache_control");
            members.values_mut().for_each(remove_cache_marks);
        }
        Value::Array(items) => items.iter_mut().for_each(remove_cache_marks),
        _ => {}
    }
}

fn id(parts: &[&str]) -> String {
    let mut digest = Sha256::new();
    for part in parts {
        // With its length, so that no two lists of parts are alike.
        digest.update(part.len().to_be_bytes());
        digest.update(part);
    }
    let mut text = String::with_capacity(2 * BYTES);
    for byte in digest.finalize().iter().take(BYTES) {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use sagewire_types::{ChatRequest, EmbedRequest, ForwardRequest};
    use serde_json::json;

    use super::*;

    fn ids(settings: &Settings, call: &Call, caller: &CallerIdentity) -> (Option<String>, Option<String>) {
        let mut settings = Cow::Borrowed(settings);
        derive(&mut settings, call, &CallContext::new().with(caller.clone()));
        (settings.headers.prefix_aware_id.clone(), settings.headers.session_id.clone())
    }

    fn both(source: &str) -> Settings {
        let source: IdSource = source.parse().unwrap();
        Settings { prefix_aware_id_from: Some(source.clone()), session_id_from: Some(source), ..Settings::default() }
    }

    fn chat(model: &str, messages: impl Into<Vec<Message>>) -> Call {
        Call::Chat(Box::new(ChatRequest::new(model, messages)))
    }

    fn turns(turns: usize) -> Vec<Message> {
        let further = (1..turns).flat_map(|turn| [Message::assistant(format!("{turn}")), Message::user("more")]);
        [Message::system("Be brief."), Message::user("Hi")].into_iter().chain(further).collect()
    }

    #[test]
    fn a_conversation_keeps_its_ids_and_another_has_others() {
        let settings = both("conversation");
        let nobody = CallerIdentity::new();
        let of = |messages| ids(&settings, &chat("sagemaker_chat/e", messages), &nobody);
        let first = of(turns(1));
        assert_eq!(of(turns(5)), first);
        let (prefix, session) = first.clone();
        assert_ne!(prefix, session);
        for id in [prefix.unwrap(), session.unwrap()] {
            assert!(id.len() == 2 * BYTES && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
        }
        assert_ne!(of(vec![Message::system("Be brief."), Message::user("Ho")]), first);
        assert_ne!(of(vec![Message::user("Hi")]), first);
    }

    #[test]
    fn routes_of_the_container_have_conversations_too() {
        let settings = both("conversation");
        let of = |path: &str, body: Value| {
            let request = ForwardRequest::new("sagemaker_chat/e", path, body.to_string());
            ids(&settings, &Call::Forward(Box::new(request)), &CallerIdentity::new()).0
        };
        let user = |mark: bool| {
            let mut part = json!({"type": "text", "text": "Hi"});
            if mark {
                part["cache_control"] = json!({"type": "ephemeral"});
            }
            json!({"role": "user", "content": [part]})
        };
        let first = of("/v1/messages", json!({"system": "s", "messages": [user(true)]}));
        let later =
            json!({"system": "s", "messages": [user(false), {"role": "assistant", "content": "Ho"}, user(true)]});
        assert!(first.is_some());
        assert_eq!(of("/v1/messages", later), first);
        let text = of("/v1/responses", json!({"instructions": "s", "input": "Hi"}));
        assert!(text.is_some() && text != first);
        for body in [json!({"input": "Hi", "previous_response_id": "r"}), json!({"text": "Hi"}), json!([1])] {
            assert_eq!(of("/v1/responses", body), None);
        }
    }

    #[test]
    fn keys_and_headers_are_digests_and_sessions_are_a_callers_own() {
        let one = CallerIdentity::new()
            .with_key("team-one")
            .with_header(HeaderName::from_static("x-user"), HeaderValue::from_static("alice"));
        let two = CallerIdentity { key: Some("team-two".to_owned()), ..one.clone() };
        let call = chat("sagemaker_chat/e", turns(1));
        for source in ["key", "header:X-User", "conversation"] {
            let settings = both(source);
            let ((prefix, session), (other_prefix, other_session)) =
                (ids(&settings, &call, &one), ids(&settings, &call, &two));
            assert_ne!(session, other_session, "{source}");
            assert_eq!(prefix == other_prefix, source != "key", "{source}");
            let sent = format!("{prefix:?}{session:?}");
            assert!(!sent.contains("team") && !sent.contains("alice"), "{sent}");
        }
        assert!(!format!("{one:?}").contains("alice"));
        let nobody = CallerIdentity::new();
        for source in ["key", "header:x-user"] {
            assert_eq!(ids(&both(source), &call, &nobody), (None, None), "{source}");
        }
        let embed = Call::Embed(Box::new(EmbedRequest::new("sagemaker/e", "a")));
        assert_eq!(ids(&both("conversation"), &embed, &one), (None, None));
        assert!(ids(&both("key"), &embed, &one).0.is_some());
    }

    #[test]
    fn an_id_that_is_set_stays_and_none_is_sent_where_aws_takes_none() {
        let caller = CallerIdentity::new().with_key("k");
        let mut settings = both("key");
        settings.headers.session_id = Some("mine".to_owned());
        let (prefix, session) = ids(&settings, &chat("sagemaker_chat/e", turns(1)), &caller);
        assert_eq!((prefix.is_some(), session.as_deref()), (true, Some("mine")));
        for (model, asynchronous, expected) in [
            ("sagemaker_chat/e", false, (true, true)),
            ("sagemaker_chat/e", true, (false, false)),
            ("sagemaker_openai/e", false, (true, false)),
            ("sagemaker_router/r/t", false, (true, false)),
            ("sagemaker_gateway/g/m", false, (false, false)),
        ] {
            let settings = Settings { async_inference: Some(asynchronous), ..both("key") };
            let (prefix, session) = ids(&settings, &chat(model, turns(1)), &caller);
            assert_eq!((prefix.is_some(), session.is_some()), expected, "{model}");
        }
    }
}
