//! The fields of replies: which of them an answer depends on.
//!
//! Owns the list. Tests try every field of it with odd values, and compare it with the table in
//! `docs/containers.md`. The reading itself is that of `sagewire_types::lenient` for fields on
//! which nothing depends.

/// What is made of a field that is null, empty or of another type than it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Effect {
    /// It counts as missing. Nothing depends on it: whole floats and texts of digits are numbers in
    /// it.
    Missing,
    /// The answer fails: its text, thoughts, calls or vectors would be lost.
    Fails,
}

/// A field of a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Field {
    /// The kind of reply.
    pub reply: ReplyKind,
    /// Its path, such as `choices[].index`.
    pub path: &'static str,
    /// What is made of an odd value.
    pub effect: Effect,
}

/// The kinds of replies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReplyKind {
    /// OpenAI's `chat.completion`.
    Chat,
    /// OpenAI's `chat.completion.chunk`.
    ChatChunk,
    /// OpenAI's `text_completion`.
    Completion,
    /// Generated text with its details.
    Text,
    /// A token's record in a stream of generated text.
    TextRecord,
    /// OpenAI's list of embeddings.
    Embeddings,
}

impl ReplyKind {
    /// The kind in words.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::ChatChunk => "chat, streamed",
            Self::Completion => "completions",
            Self::Text => "generated text",
            Self::TextRecord => "generated text, streamed",
            Self::Embeddings => "embeddings",
        }
    }
}

macro_rules! fields {
    ($($reply:ident: missing $missing:tt fails $fails:tt)*) => {
        fields!(@ [] $($reply Missing $missing $reply Fails $fails)*);
    };
    (@ [$($done:expr,)*] $reply:ident $effect:ident [$($path:literal),* $(,)?] $($rest:tt)*) => {
        fields!(@ [$($done,)* $(Field { reply: ReplyKind::$reply, path: $path, effect: Effect::$effect },)*] $($rest)*);
    };
    (@ [$($done:expr,)*]) => {
        /// The fields that are read, by the kind of reply. Fields that are not listed pass as they are, if they are not null.
        pub static FIELDS: &[Field] = &[$($done,)*];
    };
}

fields! {
    Chat: missing [
        "id", "object", "created", "model", "usage", "usage.prompt_tokens", "usage.completion_tokens", "usage.total_tokens",
        "choices[].index", "choices[].finish_reason", "choices[].logprobs", "choices[].message.role",
        "choices[].message.tool_calls[].id", "choices[].message.tool_calls[].type",
        "choices[].message.tool_calls[].function.name",
    ] fails [
        "choices", "choices[].message", "choices[].message.content", "choices[].message.reasoning_content",
        "choices[].message.tool_calls", "choices[].message.tool_calls[].function",
        "choices[].message.tool_calls[].function.arguments",
    ]
    ChatChunk: missing [
        "id", "object", "created", "model", "usage", "usage.prompt_tokens", "usage.completion_tokens", "usage.total_tokens",
        "choices[].index", "choices[].logprobs", "choices[].delta.role",
        "choices[].delta.tool_calls[].index", "choices[].delta.tool_calls[].id", "choices[].delta.tool_calls[].type",
        "choices[].delta.tool_calls[].function.name",
    ] fails [
        "choices", "choices[].delta.content", "choices[].delta.reasoning_content", "choices[].delta.tool_calls",
        "choices[].delta.tool_calls[].function", "choices[].delta.tool_calls[].function.arguments",
    ]
    Completion: missing [
        "id", "object", "created", "model", "usage", "usage.prompt_tokens", "usage.completion_tokens", "usage.total_tokens",
        "choices[].index", "choices[].finish_reason", "choices[].logprobs",
    ] fails ["choices", "choices[].text"]
    Text: missing [
        "details", "details.finish_reason", "details.generated_tokens", "details.input_length", "details.prefill",
        "details.tokens",
    ] fails ["generated_text"]
    TextRecord: missing [
        "index", "token.id", "token.logprob", "token.special", "top_tokens", "details.generated_tokens",
        "details.input_length",
    ] fails ["token.text"]
    Embeddings: missing ["object", "model", "usage", "usage.prompt_tokens", "usage.total_tokens", "data[].index"]
        fails ["data", "data[].embedding"]
}

#[cfg(test)]
mod tests;
