//! A conversation of another API as messages of chat completions.
//!
//! Owns what chat templates ask for: one system message at the beginning, one message a turn, and
//! results of tools directly after their calls. Many templates refuse a conversation of any other
//! form.

use sagewire_types::{Content, ContentPart, Message, Role, ToolCall};
use serde_json::{Value, json};

/// The field of an assistant's message with its thoughts.
const THOUGHTS: &str = "reasoning_content";

/// The messages so far.
#[derive(Debug, Default)]
pub(crate) struct Conversation {
    system: Vec<String>,
    messages: Vec<Message>,
    /// Images of results: a tool's message holds text alone, so they follow in a user's message
    /// after the last result.
    images: Vec<ContentPart>,
}

impl Conversation {
    /// Instructions. Before the first turn they are part of the system message; later ones are
    /// marked and join the user's turn.
    pub(crate) fn instruct(&mut self, text: String) {
        if self.messages.is_empty() {
            self.system.push(text);
        } else {
            self.user(vec![ContentPart::text(format!("<system-reminder>\n{text}\n</system-reminder>"))]);
        }
    }

    /// What the user says.
    pub(crate) fn user(&mut self, parts: Vec<ContentPart>) {
        self.show_images();
        self.add_user(parts);
    }

    fn add_user(&mut self, mut parts: Vec<ContentPart>) {
        if let Some(last) = self.messages.last_mut().filter(|last| last.role == Role::User) {
            let mut before = match last.content.take() {
                Some(Content::Parts(parts)) => parts,
                Some(Content::Text(text)) => vec![ContentPart::text(text)],
                None => Vec::new(),
            };
            before.append(&mut parts);
            last.content = Some(Content::Parts(before));
            return;
        }
        let content = match parts.as_mut_slice() {
            [only] if only.kind == "text" => Content::Text(only.text.take().unwrap_or_default()),
            _ => Content::Parts(parts),
        };
        self.messages.push(Message::user(content));
    }

    /// What the model said.
    pub(crate) fn say(&mut self, text: &str) {
        let message = self.assistant();
        let before = message.content.get_or_insert_with(|| Content::Text(String::new()));
        if let Content::Text(before) = before {
            before.push_str(text);
        }
    }

    /// What the model thought.
    pub(crate) fn think(&mut self, text: &str) {
        let thoughts = self.assistant().extra.entry(THOUGHTS).or_insert_with(|| Value::from(""));
        if let Value::String(thoughts) = thoughts {
            thoughts.push_str(text);
        }
    }

    /// What the model asked for.
    pub(crate) fn call(&mut self, call: ToolCall) {
        self.assistant().tool_calls.push(call);
    }

    /// What a tool gave.
    pub(crate) fn result(&mut self, call_id: String, parts: Vec<ContentPart>) {
        let (texts, others): (Vec<_>, Vec<_>) = parts.into_iter().partition(|part| part.kind == "text");
        let text = texts.into_iter().filter_map(|part| part.text).collect::<Vec<_>>().join("\n");
        if !others.is_empty() {
            self.images.push(ContentPart::text(format!("Result of the tool call {call_id}:")));
            self.images.extend(others);
        }
        self.messages.push(Message::tool(call_id, text));
    }

    /// The messages.
    pub(crate) fn finish(mut self) -> Vec<Message> {
        self.show_images();
        if !self.system.is_empty() {
            self.messages.insert(0, Message::system(self.system.join("\n\n")));
        }
        self.messages
    }

    fn assistant(&mut self) -> &mut Message {
        self.show_images();
        if self.messages.last().is_none_or(|last| last.role != Role::Assistant) {
            let mut message = Message::default();
            message.role = Role::Assistant;
            self.messages.push(message);
        }
        let last = self.messages.len().saturating_sub(1);
        #[expect(clippy::indexing_slicing, reason = "a message was just found or added")]
        &mut self.messages[last]
    }

    fn show_images(&mut self) {
        if !self.images.is_empty() {
            let images = std::mem::take(&mut self.images);
            self.add_user(images);
        }
    }
}

/// A part that is not text, of this kind and content.
pub(crate) fn part(kind: &str, content: Value) -> ContentPart {
    let mut part = ContentPart::text("");
    part.kind = kind.to_owned();
    part.text = None;
    part.extra.insert(kind.to_owned(), content);
    part
}

/// An image at this address, which may be a data URL, at this level of detail.
pub(crate) fn image(url: &str, detail: Option<&str>) -> ContentPart {
    let mut content = json!({ "url": url });
    if let (Some(detail), Value::Object(content)) = (detail, &mut content) {
        content.insert("detail".to_owned(), Value::from(detail));
    }
    part("image_url", content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instructions_lead_or_join_the_users_turn() {
        let mut conversation = Conversation::default();
        conversation.instruct("a".to_owned());
        conversation.instruct("b".to_owned());
        conversation.user(vec![ContentPart::text("hi")]);
        conversation.instruct("c".to_owned());
        assert_eq!(
            serde_json::to_value(conversation.finish()).unwrap(),
            json!([
                {"role": "system", "content": "a\n\nb"},
                {"role": "user", "content": [{"type": "text", "text": "hi"}, {"type": "text", "text": "<system-reminder>\nc\n</system-reminder>"}]},
            ])
        );
    }

    #[test]
    fn results_follow_their_calls_and_their_images_follow_the_last_result() {
        let mut conversation = Conversation::default();
        conversation.user(vec![ContentPart::text("look")]);
        conversation.think("hm");
        conversation.call(ToolCall::function("1", "f", "{}"));
        conversation.call(ToolCall::function("2", "g", "{}"));
        conversation.result("1".to_owned(), vec![ContentPart::text("a"), image("data:x", None)]);
        conversation.result("2".to_owned(), vec![ContentPart::text("b")]);
        conversation.user(vec![ContentPart::text("and?")]);
        let call =
            |id: &str, name: &str| json!({"id": id, "type": "function", "function": {"name": name, "arguments": "{}"}});
        assert_eq!(
            serde_json::to_value(conversation.finish()).unwrap(),
            json!([
                {"role": "user", "content": "look"},
                {"role": "assistant", "tool_calls": [call("1", "f"), call("2", "g")], "reasoning_content": "hm"},
                {"role": "tool", "content": "a", "tool_call_id": "1"},
                {"role": "tool", "content": "b", "tool_call_id": "2"},
                {"role": "user", "content": [
                    {"type": "text", "text": "Result of the tool call 1:"},
                    {"type": "image_url", "image_url": {"url": "data:x"}},
                    {"type": "text", "text": "and?"},
                ]},
            ])
        );
    }
}
