//! What a container's failure means.
//!
//! Owns the table from statuses, types, codes and sentences to kinds. A context that is too long is
//! known by all four. A sentence may quote what the caller wrote: quoted words do not count.

use sagewire_types::ErrorKind;

/// Types and codes by which containers say that prompt and answer exceed the model's context.
const TOO_LONG_NAMES: &[&str] = &["context_length_exceeded", "exceed_context_size_error", "context_window_exceeded"];

/// Sentences by which they say so, in lower case. One of the [`LENGTH_WORDS`] must be beside them.
const TOO_LONG: &[&str] = &[
    // TGI and TEI
    "must be <= ",
    "must have less than ",
    // vLLM
    "maximum context length",
    "maximum input length",
    "model's context length",
    "cannot be greater than max_model_len",
    "exceeds the model's max",
    "longer than the maximum model length",
    "decoder prompt (length",
    "must be at least 1, got -",
    // SGLang
    "exceeds the maximum allowed length",
    // llama.cpp
    "exceeds the available context size",
    // TensorRT-LLM
    "should not exceed max_num_tokens",
    // others
    "input is too long",
    "prompt is too long",
    "too many tokens",
];

const LENGTH_WORDS: &[&str] = &["token", "length", "max_model_len", "context size"];

/// The kind of a failure.
pub(super) fn of(status: Option<u16>, reason: &str, name: Option<&str>, code: Option<&str>) -> ErrorKind {
    let is_named = |names: &[&str]| {
        [name, code].into_iter().flatten().any(|said| names.iter().any(|name| said.eq_ignore_ascii_case(name)))
    };
    if is_named(TOO_LONG_NAMES) {
        return ErrorKind::ContextTooLong;
    }
    if is_named(&["NotFoundError", "not_found_error", "model_not_found"]) || status == Some(404) {
        return ErrorKind::NotFound;
    }
    if is_named(&["overloaded", "overloaded_error"]) {
        return ErrorKind::Overloaded;
    }
    if says_too_long(reason) {
        return ErrorKind::ContextTooLong;
    }
    if is_named(&[
        "validation",
        "template_error",
        "tool_error",
        "BadRequestError",
        "invalid_request_error",
        "UnprocessableEntityError",
    ]) {
        return ErrorKind::InvalidRequest;
    }
    match status {
        Some(400 | 413 | 415 | 422) => ErrorKind::InvalidRequest,
        Some(429 | 503 | 529) => ErrorKind::Overloaded,
        // SageMaker reports a container that did not answer in time with the status 0.
        Some(0 | 408 | 504) => ErrorKind::Timeout,
        _ => ErrorKind::ModelFailed,
    }
}

fn says_too_long(reason: &str) -> bool {
    let said = without_quoted_words(&reason.to_lowercase());
    TOO_LONG.iter().any(|mark| said.contains(mark)) && LENGTH_WORDS.iter().any(|word| said.contains(word))
}

/// The text without what is quoted in it, unless that is a single word such as the name of a
/// parameter.
fn without_quoted_words(text: &str) -> String {
    let mut said = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['"', '\'', '`']) {
        let (before, quoted) = rest.split_at(at);
        said.push_str(before);
        let (quote, inside) = quoted.split_at(1);
        // An apostrophe is within a word.
        let opens = !before.ends_with(char::is_alphanumeric);
        let end = inside.find(quote).filter(|_| opens);
        match end.and_then(|end| Some((inside.get(..end)?, inside.get(end + 1..)?))) {
            Some((words, behind)) => {
                if !words.contains(char::is_whitespace) {
                    said.push_str(words);
                }
                rest = behind;
            }
            None => rest = inside,
        }
        if !opens {
            said.push_str(quote);
        }
    }
    said.push_str(rest);
    said
}
