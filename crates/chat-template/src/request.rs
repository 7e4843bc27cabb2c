//! What a request in OpenAI's form says about its prompt besides the messages.
//!
//! The names are vLLM's, which clients of open models send.
//! <https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html#chat-api>

use serde_json::{Map, Value};

use crate::conversation::{Conversation, ConversationError};

/// The parameters that shape a prompt and that no text container knows: `add_generation_prompt`,
/// `continue_final_message`, `documents` and `chat_template_kwargs`.
///
/// ```
/// use sagewire_chat_template::PromptParameters;
/// use serde_json::json;
///
/// let mut request = json!({"temperature": 0.5, "chat_template_kwargs": {"enable_thinking": false}});
/// let request = request.as_object_mut().ok_or("not an object")?;
/// let parameters = PromptParameters::take(request)?;
/// assert_eq!(request.len(), 1);
/// let messages = [json!({"role": "user", "content": "Hi"})];
/// let conversation = parameters.conversation(&messages)?;
/// assert!(conversation.kwargs.is_some() && conversation.add_generation_prompt);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct PromptParameters {
    /// Whether the prompt ends with the start of an answer; by default unless the last message is
    /// continued.
    pub add_generation_prompt: Option<bool>,
    /// Whether the prompt ends inside the last message.
    pub continue_final_message: bool,
    /// Documents for retrieval.
    pub documents: Option<Vec<Value>>,
    /// Variables of the template.
    pub kwargs: Option<Map<String, Value>>,
}

impl PromptParameters {
    /// The names of the parameters.
    pub const NAMES: [&'static str; 4] =
        ["add_generation_prompt", "continue_final_message", "documents", "chat_template_kwargs"];

    /// Takes the parameters out of a request's. A null is as good as none.
    ///
    /// # Errors
    /// [`ConversationError::BadParameter`] for a value of the wrong type.
    pub fn take(parameters: &mut Map<String, Value>) -> Result<Self, ConversationError> {
        let [add, goes_on, documents, kwargs] = Self::NAMES
            .map(|name| parameters.shift_remove(name).filter(|value| !value.is_null()).map(|value| (name, value)));
        let flag = |given: Option<(&'static str, Value)>| match given {
            None => Ok(None),
            Some((_, Value::Bool(flag))) => Ok(Some(flag)),
            Some((name, _)) => Err(bad(name, "true or false")),
        };
        Ok(Self {
            add_generation_prompt: flag(add)?,
            continue_final_message: flag(goes_on)?.unwrap_or(false),
            documents: match documents {
                None => None,
                Some((_, Value::Array(documents))) => Some(documents),
                Some((name, _)) => return Err(bad(name, "a list of objects")),
            },
            kwargs: match kwargs {
                None => None,
                Some((_, Value::Object(kwargs))) => Some(kwargs),
                Some((name, _)) => return Err(bad(name, "an object")),
            },
        })
    }

    /// These parameters, and those of `other` where there are none here.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            add_generation_prompt: self.add_generation_prompt.or(other.add_generation_prompt),
            continue_final_message: self.continue_final_message || other.continue_final_message,
            documents: self.documents.or(other.documents),
            kwargs: self.kwargs.or(other.kwargs),
        }
    }

    /// A conversation of these messages.
    ///
    /// # Errors
    /// [`ConversationError::ConflictingEndings`] if both endings were asked for.
    pub fn conversation<'a>(&'a self, messages: &'a [Value]) -> Result<Conversation<'a>, ConversationError> {
        if self.continue_final_message && self.add_generation_prompt == Some(true) {
            return Err(ConversationError::ConflictingEndings);
        }
        let mut conversation = Conversation::new(messages);
        conversation.continue_final_message = self.continue_final_message;
        conversation.add_generation_prompt = self.add_generation_prompt.unwrap_or(!self.continue_final_message);
        conversation.documents = self.documents.as_deref();
        conversation.kwargs = self.kwargs.as_ref();
        Ok(conversation)
    }
}

impl std::fmt::Debug for PromptParameters {
    // Documents stay out of logs, as messages do.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PromptParameters")
            .field("add_generation_prompt", &self.add_generation_prompt)
            .field("continue_final_message", &self.continue_final_message)
            .field("documents", &self.documents.as_ref().map(Vec::len))
            .field("kwargs", &self.kwargs.as_ref().map(Map::len))
            .finish()
    }
}

fn bad(name: &'static str, expected: &'static str) -> ConversationError {
    ConversationError::BadParameter { name, expected }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn take(json: Value) -> Result<PromptParameters, ConversationError> {
        let Value::Object(mut parameters) = json else { panic!("not an object") };
        let taken = PromptParameters::take(&mut parameters);
        assert!(PromptParameters::NAMES.iter().all(|name| !parameters.contains_key(*name)));
        taken
    }

    #[test]
    fn parameters_are_taken_and_nulls_are_none() {
        let given = json!({"add_generation_prompt": false, "documents": [{"text": "d"}], "chat_template_kwargs": null, "top_k": 1});
        let parameters = take(given).unwrap();
        assert_eq!((parameters.add_generation_prompt, parameters.kwargs.is_some()), (Some(false), false));
        let other = take(json!({"chat_template_kwargs": {"a": 1}, "documents": []})).unwrap();
        let both = parameters.or(other);
        assert_eq!((both.documents.map(|all| all.len()), both.kwargs.map(|all| all.len())), (Some(1), Some(1)));
    }

    #[test]
    fn wrong_types_are_named() {
        for name in PromptParameters::NAMES {
            let error = take(json!({ name: 1 })).unwrap_err();
            assert!(matches!(error, ConversationError::BadParameter { name: named, .. } if named == name));
        }
    }

    #[test]
    fn a_continued_message_begins_no_answer() {
        let messages = [json!({"role": "assistant", "content": "Sure"})];
        let parameters = take(json!({"continue_final_message": true})).unwrap();
        assert!(!parameters.conversation(&messages).unwrap().add_generation_prompt);
        let both = take(json!({"continue_final_message": true, "add_generation_prompt": true})).unwrap();
        assert!(matches!(both.conversation(&messages), Err(ConversationError::ConflictingEndings)));
    }
}
