//! What a model's own template knows of OpenAI's messages, as far as it can be told without a
//! conversation.
//!
//! Everything that is guessed about a template is guessed here: by words in its text, and by one
//! small rendering.

use std::time::UNIX_EPOCH;

use serde_json::json;

use crate::conversation::Conversation;
use crate::jinja::program::Program;
use crate::limits::KeepGoing;
use crate::special_tokens::SpecialTokens;
use crate::variables::{NullContent, variables};

/// What a template knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Habits {
    /// The role `developer`; otherwise such messages are given as `system`.
    pub(crate) developer: bool,
    /// Tool calls of earlier turns; otherwise they are given as text.
    pub(crate) tool_calls: bool,
    /// Content in parts; otherwise it is given as one text.
    pub(crate) parts: bool,
    /// Content that is none; otherwise null content is given as no content at all, lest `None` be
    /// printed.
    pub(crate) null_content: bool,
}

impl Habits {
    /// The habits of a program.
    pub(crate) fn of(program: &Program, tokens: &SpecialTokens) -> Self {
        let text = program.text();
        Self {
            developer: text.contains("developer"),
            tool_calls: text.contains("tool_calls"),
            parts: takes_parts(program, tokens),
            null_content: asks_for_none(text),
        }
    }
}

/// Whether content is compared with none anywhere: `message.content is none`, `message['content']
/// is not none`.
fn asks_for_none(text: &str) -> bool {
    let behind = text.match_indices("content").filter_map(|(at, found)| text.get(at + found.len()..));
    behind
        .map(|rest| rest.trim_start_matches(['\'', '"', ']', ' ']))
        .filter_map(|rest| ["is not ", "is ", "== ", "!= "].iter().find_map(|test| rest.strip_prefix(test)))
        .any(|rest| ["none", "None", "null"].iter().any(|none| rest.trim_start().starts_with(none)))
}

/// Whether the text of a part is printed, and nothing of the part around it.
fn takes_parts(program: &Program, tokens: &SpecialTokens) -> bool {
    const SAID: &str = "sagewire-probe";
    let messages = [json!({"role": "user", "content": [{"type": "text", "text": SAID}]})];
    let conversation = Conversation::new(&messages);
    let Ok(variables) = variables(&conversation, &messages, tokens, NullContent::Kept) else { return false };
    let rendered = program.run(variables, &|| UNIX_EPOCH, &KeepGoing::new(|steps| steps < 100_000));
    rendered.is_ok_and(|prompt| {
        let quoted = [format!("'{SAID}'"), format!("\"{SAID}\"")];
        prompt.contains(SAID) && !quoted.iter().any(|quoted| prompt.contains(quoted))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn habits(source: &str) -> Habits {
        Habits::of(&Program::compile(source, &crate::Limits::default()).unwrap(), &SpecialTokens::new())
    }

    #[test]
    fn words_in_the_text_tell_what_is_known() {
        let plain = habits("{% for m in messages %}{{ m.content }}{% endfor %}");
        let nothing = Habits { developer: false, tool_calls: false, parts: false, null_content: false };
        assert_eq!(plain, nothing);
        let all = habits(
            "{% for m in messages %}{% if m.role == 'developer' or m.tool_calls or tools %}{% endif %}\
             {% if m['content'] is not none %}{% for part in m.content %}{{ part.text }}{% endfor %}{% endif %}{% endfor %}",
        );
        let everything = Habits { developer: true, tool_calls: true, parts: true, null_content: true };
        assert_eq!(all, everything);
        assert!(habits("{% if messages[0].content == none %}{% endif %}").null_content);
        assert!(!habits("{% if tools is not none %}{{ messages[0].content is string }}{% endif %}").null_content);
    }

    #[test]
    fn parts_are_taken_where_their_text_alone_is_printed() {
        for source in [
            "{{ messages[0].content }}",
            "{{ messages|tojson }}",
            "{{ messages[0].content|trim }}",
            "x",
            "{{ none() }}",
        ] {
            assert!(!habits(source).parts, "{source}");
        }
        assert!(habits("{{ messages[0].content|map(attribute='text')|join }}").parts);
    }
}
