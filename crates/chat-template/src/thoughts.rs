//! Thoughts that a prompt leaves open: the answer then begins inside of them.

/// How thoughts begin and end in the formats models are trained on.
const MARKS: [(&str, &str); 7] = [
    ("<think>", "</think>"),
    ("[THINK]", "[/THINK]"),
    ("<seed:think>", "</seed:think>"),
    ("<|START_THINKING|>", "<|END_THINKING|>"),
    ("<|channel>thought", "<channel|>"),
    ("<thought>", "</thought>"),
    ("<longcat_think>", "</longcat_think>"),
];

/// What ends the thought that a prompt begins and leaves open, if it does: the text before it in an
/// answer is thought.
///
/// ```
/// use sagewire_chat_template::open_thought;
///
/// assert_eq!(open_thought("<|im_start|>assistant\n<think>\n"), Some("</think>"));
/// assert_eq!(open_thought("<|im_start|>assistant\n<think>\n\n</think>\n\n"), None);
/// ```
#[must_use]
pub fn open_thought(prompt: &str) -> Option<&'static str> {
    let prompt = prompt.trim_end();
    MARKS.iter().find(|(begin, _)| prompt.ends_with(begin)).map(|(_, end)| *end)
}
