//! Every field with odd values: what nothing depends on costs nothing, and a text is never lost in
//! silence.

use proptest::{collection::vec, prelude::*, sample::Index};
use serde_json::{Value, json};

use super::*;
use crate::{ChatDialect, DecodeContext, EmbeddingDialect, embedding::EmbedContext};

/// What a reply says, whatever stands beside it.
type Said = Result<Vec<String>, String>;

fn sample(reply: ReplyKind) -> Value {
    let call = json!({"index": 0, "id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}});
    let usage = json!({"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3});
    match reply {
        ReplyKind::Chat => {
            let message =
                json!({"role": "assistant", "content": "text", "reasoning_content": "thought", "tool_calls": [call]});
            json!({"id": "i", "object": "chat.completion", "created": 1, "model": "m", "usage": usage,
                "choices": [{"index": 0, "message": message, "finish_reason": "stop", "logprobs": {"content": []}}]})
        }
        ReplyKind::ChatChunk => {
            let delta =
                json!({"role": "assistant", "content": "text", "reasoning_content": "thought", "tool_calls": [call]});
            json!({"id": "i", "object": "chat.completion.chunk", "created": 1, "model": "m", "usage": usage,
                "choices": [{"index": 0, "delta": delta, "finish_reason": null, "logprobs": {"content": []}}]})
        }
        ReplyKind::Completion => {
            json!({"id": "i", "object": "text_completion", "created": 1, "model": "m", "usage": usage,
                "choices": [{"index": 0, "text": "text", "finish_reason": "stop", "logprobs": {"tokens": []}}]})
        }
        ReplyKind::Text => {
            json!({"generated_text": "text", "details": {"finish_reason": "length", "generated_tokens": 1,
            "input_length": 1, "prefill": [], "tokens": [{"id": 1, "text": "text", "logprob": -0.5, "special": false}]}})
        }
        ReplyKind::TextRecord => {
            json!({"index": 1, "token": {"id": 1, "text": "text", "logprob": -0.5, "special": false},
            "top_tokens": [], "details": {"finish_reason": "length", "generated_tokens": 1, "input_length": 1}})
        }
        ReplyKind::Embeddings => json!({"object": "list", "model": "m", "usage": usage,
            "data": [{"index": 0, "embedding": [0.5, 1.5]}]}),
    }
}

fn said(reply: ReplyKind, text: &str) -> Said {
    let mut context = DecodeContext::new("id", "m", 0);
    (context.logprobs, context.include_usage) = (true, true);
    let streamed = |dialect: ChatDialect, stream: String| {
        let mut decoder = dialect.implementation().stream_decoder(context.clone());
        let mut collector = sagewire_types::ChunkCollector::new();
        let mut chunks = Vec::new();
        let result = decoder.push(stream.as_bytes(), &mut chunks).and_then(|()| decoder.finish(&mut chunks));
        chunks.into_iter().for_each(|chunk| collector.push(chunk));
        result.map(|()| collector.finish())
    };
    let chat = match reply {
        ReplyKind::Chat | ReplyKind::Completion => {
            ChatDialect::Messages.implementation().decode(text.as_bytes(), &context)
        }
        ReplyKind::ChatChunk => streamed(ChatDialect::Messages, format!("data: {text}\n\ndata: [DONE]\n\n")),
        ReplyKind::Text => ChatDialect::Tgi.implementation().decode(text.as_bytes(), &context),
        ReplyKind::TextRecord => streamed(ChatDialect::Tgi, format!("data: {text}\n\n")),
        ReplyKind::Embeddings => {
            let context = EmbedContext::new("m", &sagewire_types::EmbedRequest::new("m", "text"));
            let reply = EmbeddingDialect::OpenAi.implementation().decode(&text.as_bytes().to_vec().into(), &context);
            return reply
                .map_err(|error| error.to_string())
                .map(|response| response.data.iter().map(|item| format!("{:?}", item.floats())).collect());
        }
    };
    let chat = chat.map_err(|error| error.to_string())?;
    let [choice] = chat.choices.as_slice() else { return Err(format!("{} choices", chat.choices.len())) };
    let message = &choice.message;
    let calls = message.tool_calls.iter().map(|call| call.function.arguments.clone());
    let texts = [message.content.clone(), message.reasoning_content.clone()];
    assert!(choice.finish_reason.is_some(), "{text}: an answer without an end");
    Ok(texts.into_iter().flatten().chain(calls).collect())
}

/// The reply with this text in the place of a field's value.
fn with(field: &Field, value: &str) -> String {
    let mut reply = sample(field.reply);
    let pointer = format!("/{}", field.path.replace("[]", "/0").replace('.', "/"));
    *reply.pointer_mut(&pointer).unwrap_or_else(|| panic!("the sample has no {}", field.path)) = json!("\u{1}");
    reply.to_string().replace("\"\\u0001\"", value)
}

const ODD: [&str; 16] = [
    "null",
    "\"\"",
    "\"text of another kind\"",
    "[]",
    "[1]",
    "{}",
    "{\"a\":[1]}",
    "true",
    "false",
    "0",
    "-1",
    "1.5",
    "1e300",
    "\"7\"",
    "NaN",
    "-Infinity",
];

#[test]
fn what_nothing_depends_on_costs_nothing() {
    for field in FIELDS.iter().filter(|field| field.effect == Effect::Missing) {
        let expected = said(field.reply, &sample(field.reply).to_string());
        assert!(expected.is_ok(), "{expected:?}");
        for value in ODD {
            // A special token is not part of the text.
            if field.path == "token.special" && value == "true" {
                continue;
            }
            let text = with(field, value);
            assert_eq!(said(field.reply, &text), expected, "{} of {}: {text}", field.path, field.reply.as_str());
        }
    }
}

#[test]
fn what_an_answer_depends_on_is_never_lost_in_silence() {
    for field in FIELDS.iter().filter(|field| field.effect == Effect::Fails) {
        for value in ["{\"odd\":\"the text is here\"}", "7", "true"] {
            // A message and a function may have fields that we do not know, such as `refusal`; one call may
            // stand in place of a list.
            if ["message", "function", "arguments", "tool_calls"].iter().any(|name| field.path.ends_with(name))
                && value.starts_with('{')
            {
                continue;
            }
            let text = with(field, value);
            assert!(said(field.reply, &text).is_err(), "{} of {}: {text}", field.path, field.reply.as_str());
        }
    }
}

#[test]
fn the_guide_has_the_same_table() {
    const BEGIN: &str = "<!-- the fields of replies, written by a test -->\n";
    const END: &str = "<!-- end of the fields -->";
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/containers.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(BEGIN).unwrap();
    let (found, after) = rest.split_once(END).unwrap();
    let expected = table();
    if crate::fixtures::folder::is_blessing() {
        std::fs::write(&path, format!("{before}{BEGIN}{expected}{END}{after}")).unwrap();
    } else {
        assert_eq!(found, expected);
    }
}

/// The table of the guide.
fn table() -> String {
    let kinds = [
        ReplyKind::Chat,
        ReplyKind::ChatChunk,
        ReplyKind::Completion,
        ReplyKind::Text,
        ReplyKind::TextRecord,
        ReplyKind::Embeddings,
    ];
    let paths = |kind, effect| {
        let paths = FIELDS.iter().filter(|field| field.reply == kind && field.effect == effect);
        paths.map(|field| format!("`{}`", field.path)).collect::<Vec<_>>().join(", ")
    };
    let row = |kind: ReplyKind| {
        format!("| {} | {} | {} |\n", kind.as_str(), paths(kind, Effect::Missing), paths(kind, Effect::Fails))
    };
    let head = "\n| reply | counts as missing | fails the answer |\n|---|---|---|\n";
    format!("{head}{}\n", kinds.map(row).concat())
}

/// The members of all objects in the order that these numbers give.
fn reordered(value: Value, order: &mut impl Iterator<Item = u8>) -> Value {
    match value {
        Value::Object(object) => {
            let mut members: Vec<_> =
                object.into_iter().map(|(name, value)| (order.next(), name, reordered(value, order))).collect();
            members.sort_by_key(|(place, ..)| *place);
            Value::Object(members.into_iter().map(|(_, name, value)| (name, value)).collect())
        }
        Value::Array(items) => items.into_iter().map(|item| reordered(item, order)).collect(),
        other => other,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn odd_values_in_many_fields_and_any_order_lose_no_text_and_invent_none(
        place in any::<Index>(),
        odd in vec((any::<Index>(), any::<Index>()), 0..10),
        order in vec(any::<u8>(), 1..40),
    ) {
        let kind = place.get(FIELDS).reply;
        let fields: Vec<_> =
            FIELDS.iter().filter(|field| field.reply == kind && field.effect == Effect::Missing).collect();
        let (mut reply, mut values) = (sample(kind), Vec::new());
        for (field, value) in odd {
            let (field, value) = (field.get(&fields), *value.get(&ODD));
            let pointer = format!("/{}", field.path.replace("[]", "/0").replace('.', "/"));
            // A special token is not part of the text.
            if field.path == "token.special" && value == "true" {
                continue;
            }
            // A field of what has been replaced already is gone.
            if let Some(found) = reply.pointer_mut(&pointer) {
                *found = json!(format!("\u{1}{}", values.len()));
                values.push(value);
            }
        }
        let mut text = reordered(reply, &mut order.iter().copied().cycle()).to_string();
        for (place, value) in values.iter().enumerate() {
            text = text.replace(&format!("\"\\u0001{place}\""), value);
        }
        prop_assert_eq!(said(kind, &text), said(kind, &sample(kind).to_string()), "{}", text);
    }
}

#[test]
fn a_mark_before_a_reply_and_an_absent_error_beside_it_are_passed_over() {
    for error in ["null", "false", "\"\"", "{}", "[]", "0"] {
        for (reply, stream) in [(ReplyKind::Chat, false), (ReplyKind::ChatChunk, true)] {
            let text = sample(reply).to_string().replacen('{', &format!("{{\"error\":{error},"), 1);
            let mark = if stream { "" } else { "\u{feff}" };
            assert_eq!(said(reply, &format!("{mark}{text}")), said(reply, &sample(reply).to_string()), "{text}");
        }
    }
    let text = sample(ReplyKind::Chat).to_string().replacen('{', "{\"error\":false,", 1);
    let context = DecodeContext::new("id", "m", 0);
    let answer = ChatDialect::Messages.implementation().decode(text.as_bytes(), &context).unwrap();
    assert!(!answer.extra.contains_key("error"));
}
