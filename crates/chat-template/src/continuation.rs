//! `continue_final_message`: a prompt that ends inside the last message.
//!
//! As `transformers` does it: a mark is added to the last message's text, the conversation is
//! rendered, and the prompt is cut at the mark.

use serde_json::Value as Json;

use crate::conversation::ConversationError;
use crate::python::text::{is_space, strip};

/// The mark, and the blank that tells whether the template trims its messages.
const MARK: &str = "CONTINUE_FINAL_MESSAGE_TAG";
const MARK_WITH_BLANK: &str = "CONTINUE_FINAL_MESSAGE_TAG ";

/// The messages with the mark in the last one, and the text before the mark.
pub(crate) fn mark(messages: &[Json], template: &str) -> Result<(Vec<Json>, String), ConversationError> {
    let mut marked = messages.to_vec();
    let last = marked.last_mut().ok_or(ConversationError::Empty)?;
    let content = last.get_mut("content").filter(|content| !content.is_null());
    let content = content.ok_or(ConversationError::NothingToContinue)?;
    if !template.contains("content") {
        return Err(ConversationError::CannotContinue);
    }
    let text = match content {
        Json::String(text) => Some(text),
        // The last part that has a text.
        Json::Array(parts) => parts.iter_mut().rev().find_map(|part| match part.get_mut("text") {
            Some(Json::String(text)) => Some(text),
            _ => None,
        }),
        _ => None,
    };
    let text = text.ok_or(ConversationError::NothingToContinue)?;
    let before = text.clone();
    text.push_str(MARK_WITH_BLANK);
    Ok((marked, before))
}

/// Cuts the prompt at the mark.
pub(crate) fn cut(mut prompt: String, text: &str) -> Result<String, ConversationError> {
    let at = prompt.rfind(MARK).filter(|_| prompt.contains(strip(text))).ok_or(ConversationError::CannotContinue)?;
    let spacing_kept = prompt.get(at..).is_some_and(|rest| rest.starts_with(MARK_WITH_BLANK));
    prompt.truncate(at);
    if !spacing_kept {
        // The template trims its messages: what it would have trimmed without the mark goes too.
        prompt.truncate(prompt.trim_end_matches(is_space).len());
    }
    Ok(prompt)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_mark_goes_behind_the_last_text() {
        let (marked, before) = mark(&[json!({"content": "Sure, "})], "content").unwrap();
        assert_eq!(
            (marked[0]["content"].as_str(), before.as_str()),
            (Some("Sure, CONTINUE_FINAL_MESSAGE_TAG "), "Sure, ")
        );
        let parts = json!({"content": [{"type": "text", "text": "a"}, {"type": "image"}]});
        let (marked, _) = mark(&[parts], "content").unwrap();
        assert_eq!(marked[0]["content"][0]["text"], "aCONTINUE_FINAL_MESSAGE_TAG ");
    }

    #[test]
    fn a_message_without_text_cannot_be_continued() {
        for message in
            [json!({"content": null}), json!({}), json!({"content": [{"type": "image"}]}), json!({"content": 1})]
        {
            assert_eq!(mark(&[message], "content").unwrap_err(), ConversationError::NothingToContinue);
        }
        assert_eq!(mark(&[json!({"content": "a"})], "").unwrap_err(), ConversationError::CannotContinue);
    }

    #[test]
    fn the_cut_respects_trimming() {
        assert_eq!(cut("A: Sure, CONTINUE_FINAL_MESSAGE_TAG <end>".to_owned(), "Sure, ").unwrap(), "A: Sure, ");
        assert_eq!(cut("A: Sure, CONTINUE_FINAL_MESSAGE_TAG<end>".to_owned(), "Sure, ").unwrap(), "A: Sure,");
        assert!(cut("A: <end>".to_owned(), "Sure").is_err());
    }
}
