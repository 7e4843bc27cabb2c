use proptest::prelude::*;
use sagewire_types::{ChatResponse, ChunkCollector, ErrorKind};
use serde_json::{Value, json};

use super::*;
use crate::messages::MessagesRequest;

fn form(extra: Value) -> AnswerForm {
    let mut body = json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]});
    body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    serde_json::from_value::<MessagesRequest>(body).unwrap().into_chat().unwrap().form
}

fn thinking() -> AnswerForm {
    form(json!({"thinking": {"type": "adaptive"}, "stop_sequences": ["END"]}))
}

fn chunk(delta: Value, finish: Value) -> ChatChunk {
    serde_json::from_value(
        json!({"id": "chatcmpl-1", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}),
    )
    .unwrap()
}

fn call(index: u32, id: &str, name: &str, arguments: &str) -> Value {
    let mut call = json!({"index": index, "function": {"arguments": arguments}});
    if !name.is_empty() {
        call["id"] = json!(id);
        call["function"]["name"] = json!(name);
    }
    json!({"tool_calls": [call]})
}

fn run(form: AnswerForm, chunks: &[ChatChunk]) -> (Vec<Event>, Result<(), Error>) {
    let mut stream = MessageStream::new(form, "alias", 5);
    let mut events = Vec::new();
    for chunk in chunks {
        if let Err(error) = stream.push(chunk, &mut events) {
            return (events, Err(error));
        }
    }
    let outcome = stream.finish(&mut events);
    (events, outcome)
}

/// Reads events as a client does, and checks their order.
fn read(events: &[Event]) -> Message {
    let mut events = events.iter().filter(|event| **event != Event::Ping);
    let Some(Event::MessageStart { message }) = events.next() else { panic!("no message_start") };
    let mut message = message.clone();
    let (mut open, mut arguments, mut stopped) = (None, String::new(), false);
    for event in events {
        assert!(!stopped, "{event:?} after message_stop");
        match event {
            Event::ContentBlockStart { index, content_block } => {
                assert_eq!((open, *index), (None, message.content.len()));
                open = Some(*index);
                message.content.push(content_block.clone());
            }
            Event::ContentBlockDelta { index, delta } => {
                assert_eq!(open, Some(*index));
                match (message.content.last_mut().unwrap(), delta) {
                    (ContentBlock::Text { text }, Delta::TextDelta { text: more }) => text.push_str(more),
                    (ContentBlock::Thinking { thinking, .. }, Delta::ThinkingDelta { thinking: more }) => {
                        thinking.push_str(more);
                    }
                    (ContentBlock::Thinking { signature, .. }, Delta::SignatureDelta { signature: more }) => {
                        signature.push_str(more);
                    }
                    (ContentBlock::ToolUse { .. }, Delta::InputJsonDelta { partial_json }) => {
                        arguments.push_str(partial_json);
                    }
                    wrong => panic!("{wrong:?}"),
                }
            }
            Event::ContentBlockStop { index } => {
                assert_eq!(open.take(), Some(*index));
                if let ContentBlock::ToolUse { input, name, .. } = message.content.last_mut().unwrap() {
                    *input = crate::blocks::arguments(name, &std::mem::take(&mut arguments)).unwrap();
                }
            }
            Event::MessageDelta { delta, usage } => {
                assert_eq!(open, None);
                message.stop_reason = Some(delta.stop_reason);
                message.stop_sequence.clone_from(&delta.stop_sequence);
                message.usage = *usage;
            }
            Event::MessageStop => {
                assert!(message.stop_reason.is_some());
                stopped = true;
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(stopped);
    message
}

#[test]
fn thoughts_text_and_calls_are_blocks_in_order() {
    let usage: ChatChunk = serde_json::from_value(json!({"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 4, "prompt_tokens_details": {"cached_tokens": 6}}})).unwrap();
    let chunks = [
        chunk(json!({"role": "assistant", "reasoning_content": "hm"}), Value::Null),
        chunk(json!({"reasoning_content": "m"}), Value::Null),
        chunk(json!({"content": "Hel"}), Value::Null),
        chunk(json!({"content": "lo"}), Value::Null),
        chunk(call(0, "c1", "f", ""), Value::Null),
        chunk(call(0, "", "", "{\"a\":"), Value::Null),
        chunk(call(0, "", "", "1}"), Value::Null),
        chunk(call(1, "c2", "g", ""), Value::Null),
        chunk(json!({}), json!("tool_calls")),
        usage,
    ];
    let (events, outcome) = run(thinking(), &chunks);
    outcome.unwrap();
    let message = serde_json::to_value(read(&events)).unwrap();
    assert_eq!(
        message,
        json!({
            "id": "msg_1", "type": "message", "role": "assistant", "model": "alias",
            "content": [
                {"type": "thinking", "thinking": "hmm", "signature": crate::thoughts::seal("")},
                {"type": "text", "text": "Hello"},
                {"type": "tool_use", "id": "c1", "name": "f", "input": {"a": 1}},
                {"type": "tool_use", "id": "c2", "name": "g", "input": {}},
            ],
            "stop_reason": "tool_use", "stop_sequence": null,
            "usage": {"input_tokens": 3, "cache_creation_input_tokens": null, "cache_read_input_tokens": 6, "output_tokens": 4},
        })
    );
    let first = serde_json::to_value(&events[0]).unwrap();
    assert_eq!(first["message"]["usage"]["input_tokens"], 5);
}

#[test]
fn interleaved_calls_are_put_in_order() {
    let chunks = [
        chunk(call(0, "c1", "f", ""), Value::Null),
        chunk(call(1, "c2", "g", "{\"b\""), Value::Null),
        chunk(call(0, "", "", "{\"a\":1"), Value::Null),
        chunk(json!({"content": "text"}), Value::Null),
        chunk(call(1, "", "", ":2}"), Value::Null),
        chunk(call(0, "", "", "}"), json!("stop")),
    ];
    let (events, outcome) = run(thinking(), &chunks);
    outcome.unwrap();
    let message = read(&events);
    assert_eq!(
        serde_json::to_value(&message.content).unwrap(),
        json!([
            {"type": "tool_use", "id": "c1", "name": "f", "input": {"a": 1}},
            {"type": "tool_use", "id": "c2", "name": "g", "input": {"b": 2}},
            {"type": "text", "text": "text"},
        ])
    );
    assert_eq!(message.stop_reason, Some(StopReason::ToolUse));
}

#[test]
fn thoughts_are_shown_as_asked() {
    let chunks = [
        chunk(json!({"reasoning_content": "secret plan"}), Value::Null),
        chunk(json!({"content": "a"}), json!("stop")),
    ];
    let hidden = read(&run(form(json!({})), &chunks).0);
    assert_eq!(serde_json::to_value(hidden.content).unwrap(), json!([{"type": "text", "text": "a"}]));
    let omitted = read(&run(form(json!({"thinking": {"type": "adaptive", "display": "omitted"}})), &chunks).0);
    let Some(ContentBlock::Thinking { thinking, signature }) = omitted.content.first() else { panic!("{omitted:?}") };
    assert_eq!((thinking.as_str(), crate::thoughts::open(signature).as_deref()), ("", Some("secret plan")));
}

#[test]
fn each_finish_reason_has_its_stop_reason() {
    for (reason, stopped_at, expected) in [
        ("stop", Value::Null, StopReason::EndTurn),
        ("stop", json!("END"), StopReason::StopSequence),
        ("stop", json!("not asked for"), StopReason::EndTurn),
        ("stop", json!(7), StopReason::EndTurn),
        ("length", Value::Null, StopReason::MaxTokens),
        ("content_filter", Value::Null, StopReason::Refusal),
        ("odd", Value::Null, StopReason::EndTurn),
    ] {
        let last: ChatChunk = serde_json::from_value(
            json!({"choices": [{"delta": {"content": "x"}, "finish_reason": reason, "stop_reason": stopped_at}]}),
        )
        .unwrap();
        let message = read(&run(thinking(), &[last]).0);
        assert_eq!(message.stop_reason, Some(expected));
        assert_eq!(message.stop_sequence.is_some(), expected == StopReason::StopSequence);
    }
}

#[test]
fn nothing_is_complete_that_is_not() {
    for (chunks, kind) in [
        (vec![], ErrorKind::StreamBroken),
        (vec![chunk(json!({"content": "half"}), Value::Null)], ErrorKind::StreamBroken),
        (vec![chunk(call(0, "c", "f", "{\"a\":"), json!("tool_calls"))], ErrorKind::Decode),
        (vec![chunk(call(0, "c", "f", "[1]"), json!("tool_calls"))], ErrorKind::Decode),
        (vec![chunk(call(0, "", "", "{}"), json!("tool_calls"))], ErrorKind::Decode),
        (
            vec![
                chunk(call(0, "c", "f", "{}"), Value::Null),
                chunk(json!({"content": "x"}), Value::Null),
                chunk(call(0, "", "", "{}"), json!("stop")),
            ],
            ErrorKind::Decode,
        ),
    ] {
        let (events, outcome) = run(thinking(), &chunks);
        assert_eq!(outcome.unwrap_err().kind(), kind, "{chunks:?}");
        assert!(
            !events.iter().any(|event| matches!(event, Event::MessageStop | Event::MessageDelta { .. })),
            "{events:?}"
        );
    }
    // An answer that reached its limit inside of a call says so.
    let (events, outcome) = run(thinking(), &[chunk(call(0, "c", "f", "{\"a\":"), json!("length"))]);
    outcome.unwrap();
    let stop = serde_json::to_value(&events[events.len() - 2]).unwrap();
    assert_eq!(stop["delta"]["stop_reason"], "max_tokens");
}

#[test]
fn a_whole_answer_with_a_call_that_cannot_be_used_is_an_error_or_cut() {
    let answer = |arguments: &str, reason: &str| -> ChatResponse {
        serde_json::from_value(json!({"id": "x", "choices": [{"finish_reason": reason, "message": {"content": "a", "tool_calls": [{"id": "", "type": "function", "function": {"name": "f", "arguments": arguments}}]}}]})).unwrap()
    };
    let usage = sagewire_types::Usage::reported(1, 2);
    let message = |arguments, reason| thinking().message(&answer(arguments, reason), "m", &usage);
    assert_eq!(message("{", "tool_calls").unwrap_err().kind(), ErrorKind::Decode);
    let cut = message("{", "length").unwrap();
    assert_eq!((cut.content.len(), cut.stop_reason), (1, Some(StopReason::MaxTokens)));
    let whole = serde_json::to_value(message("", "stop").unwrap()).unwrap();
    assert_eq!(whole["content"][1], json!({"type": "tool_use", "id": "toolu_x_1", "name": "f", "input": {}}));
    assert_eq!(whole["stop_reason"], "tool_use");
    let none: ChatResponse = serde_json::from_value(json!({"choices": []})).unwrap();
    assert_eq!(thinking().message(&none, "m", &usage).unwrap_err().kind(), ErrorKind::Decode);
}

/// Cuts a text into pieces of these lengths.
fn cut(text: &str, lengths: &[usize]) -> Vec<String> {
    let letters: Vec<char> = text.chars().collect();
    let (mut pieces, mut at) = (Vec::new(), 0);
    for length in lengths.iter().cycle() {
        if at >= letters.len() {
            break;
        }
        let end = (at + length.max(&1)).min(letters.len());
        pieces.push(letters[at..end].iter().collect());
        at = end;
    }
    pieces
}

proptest! {
    #[test]
    fn a_stream_cut_anywhere_says_what_the_whole_answer_says(
        thoughts in ".{0,12}",
        text in ".{0,20}",
        calls in prop::collection::vec(("[a-z]{1,5}", ".{0,8}"), 0..4),
        lengths in prop::collection::vec(1_usize..6, 1..5),
    ) {
        let mut chunks = Vec::new();
        for piece in cut(&thoughts, &lengths) {
            chunks.push(chunk(json!({"reasoning_content": piece}), Value::Null));
        }
        for piece in cut(&text, &lengths) {
            chunks.push(chunk(json!({"content": piece}), Value::Null));
        }
        for (index, (name, value)) in calls.iter().enumerate() {
            let index = u32::try_from(index).unwrap();
            chunks.push(chunk(call(index, &format!("c{index}"), name, ""), Value::Null));
            for piece in cut(&json!({"value": value}).to_string(), &lengths) {
                chunks.push(chunk(call(index, "", "", &piece), Value::Null));
            }
        }
        chunks.push(chunk(json!({}), json!(if calls.is_empty() { "stop" } else { "tool_calls" })));
        let (events, outcome) = run(thinking(), &chunks);
        prop_assert!(outcome.is_ok());
        let mut collector = ChunkCollector::new();
        for chunk in chunks {
            collector.push(chunk);
        }
        let whole = thinking().message(&collector.finish(), "alias", &sagewire_types::Usage::estimated(5, 0)).unwrap();
        prop_assert_eq!(read(&events), whole);
    }
}
