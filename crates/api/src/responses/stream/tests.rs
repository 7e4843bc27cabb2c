use proptest::prelude::*;
use sagewire_types::{ChatResponse, ChunkCollector, ErrorKind};
use serde_json::json;

use super::*;
use crate::responses::ResponsesRequest;

fn form(extra: Value) -> ResponseForm {
    let mut body = json!({"model": "m", "input": "hi", "tools": [
        {"type": "function", "name": "f"}, {"type": "function", "name": "g"}, {"type": "custom", "name": "c"},
        {"type": "namespace", "name": "ns", "tools": [{"type": "function", "name": "g"}]},
    ]});
    body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    serde_json::from_value::<ResponsesRequest>(body).unwrap().into_chat().unwrap().form
}

fn summary() -> ResponseForm {
    form(json!({"reasoning": {"summary": "auto"}, "include": ["reasoning.encrypted_content"]}))
}

fn head() -> Head {
    Head::new("resp_1", "alias", 7)
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

/// The events of a stream, with those of its failure.
fn run(form: ResponseForm, chunks: &[ChatChunk]) -> (Vec<ResponseEvent>, Result<(), Error>) {
    let mut stream = ResponseStream::new(form, head(), 5);
    let mut events = Vec::new();
    let pushed = chunks.iter().try_for_each(|chunk| stream.push(chunk, &mut events));
    let outcome = pushed.and_then(|()| stream.finish(&mut events));
    if let Err(error) = &outcome {
        events.extend(stream.failure(&ResponseError::new(502, error.message()), None));
    }
    (events, outcome)
}

/// Reads events as a client does, and checks their order.
fn read(events: &[ResponseEvent]) -> Response {
    let (mut output, mut open): (Vec<OutputItem>, Option<(usize, String, Vec<Value>)>) = (Vec::new(), None);
    for (number, event) in events.iter().enumerate() {
        assert_eq!(event.sequence_number, number as u64);
        let wire = serde_json::to_value(event).unwrap();
        assert_eq!(wire["type"], event.kind.name());
        assert_eq!(&serde_json::from_value::<ResponseEvent>(wire.clone()).unwrap(), event);
        match &event.kind {
            EventKind::Created { response } => {
                assert!(number == 0 && response.status == Status::InProgress && response.output.is_empty());
            }
            EventKind::InProgress { .. } => assert_eq!(number, 1),
            EventKind::ItemAdded { output_index, item } => {
                assert!(open.is_none() && *output_index == output.len());
                open = Some((*output_index, item.id().to_owned(), Vec::new()));
            }
            EventKind::ItemDone { output_index, item } => {
                let (index, id, pieces) = open.take().unwrap();
                assert_eq!((index, id.as_str()), (*output_index, item.id()));
                let text: String = pieces.iter().filter_map(|piece| piece["delta"].as_str()).collect();
                let item_json = serde_json::to_value(item).unwrap();
                let told = ["/content/0/text", "/summary/0/text", "/arguments", "/input"];
                assert_eq!(told.iter().find_map(|path| item_json.pointer(path)), Some(&json!(text)));
                let done: Vec<_> = pieces
                    .iter()
                    .filter_map(|piece| piece["type"].as_str())
                    .filter(|kind| kind.ends_with(".done"))
                    .collect();
                let begun =
                    pieces.iter().filter(|piece| piece["type"].as_str().unwrap().ends_with("part.added")).count();
                assert_eq!(done.len(), 1 + begun, "{pieces:?}");
                output.push(item.clone());
            }
            EventKind::Completed { response } | EventKind::Incomplete { response } => {
                assert!(open.is_none() && number + 1 == events.len() && response.usage.is_some());
                assert_eq!(response.output, output);
                return (**response).clone();
            }
            EventKind::Error(_) | EventKind::Failed { .. } => panic!("{event:?}"),
            _ => {
                let (index, id, pieces) = open.as_mut().unwrap();
                assert_eq!((&wire["output_index"], &wire["item_id"]), (&json!(index), &json!(id)));
                pieces.push(wire);
            }
        }
    }
    panic!("no end in {events:?}");
}

fn names(events: &[ResponseEvent]) -> Vec<&str> {
    events.iter().map(|event| event.kind.name().trim_start_matches("response.")).collect()
}

#[test]
fn thoughts_text_and_calls_are_items_in_order() {
    let usage: ChatChunk = serde_json::from_value(json!({"choices": [], "usage": {
        "prompt_tokens": 9, "completion_tokens": 4, "prompt_tokens_details": {"cached_tokens": 6}, "completion_tokens_details": {"reasoning_tokens": 2},
    }})).unwrap();
    let chunks = [
        chunk(json!({"role": "assistant", "reasoning_content": "hm"}), Value::Null),
        chunk(json!({"content": "Hel"}), Value::Null),
        chunk(json!({"content": "lo"}), Value::Null),
        chunk(call(0, "c1", "ns__g", "{\"a\":"), Value::Null),
        chunk(call(0, "", "", "1}"), Value::Null),
        chunk(call(1, "c2", "c", "{\"input\":\"x y\"}"), Value::Null),
        chunk(call(2, "", "f", ""), Value::Null),
        chunk(json!({}), json!("tool_calls")),
        usage,
    ];
    let (events, outcome) = run(summary(), &chunks);
    outcome.unwrap();
    assert_eq!(
        names(&events),
        [
            "created",
            "in_progress",
            "output_item.added",
            "reasoning_summary_part.added",
            "reasoning_summary_text.delta",
            "reasoning_summary_text.done",
            "reasoning_summary_part.done",
            "output_item.done",
            "output_item.added",
            "content_part.added",
            "output_text.delta",
            "output_text.delta",
            "output_text.done",
            "content_part.done",
            "output_item.done",
            "output_item.added",
            "function_call_arguments.delta",
            "function_call_arguments.delta",
            "function_call_arguments.done",
            "output_item.done",
            "output_item.added",
            "custom_tool_call_input.delta",
            "custom_tool_call_input.done",
            "output_item.done",
            "output_item.added",
            "function_call_arguments.delta",
            "function_call_arguments.done",
            "output_item.done",
            "completed",
        ]
    );
    let response = serde_json::to_value(read(&events)).unwrap();
    assert_eq!(
        response["output"],
        json!([
            {"type": "reasoning", "id": "rs_1_0", "summary": [{"type": "summary_text", "text": "hm"}], "encrypted_content": crate::thoughts::seal("hm"), "status": "completed"},
            {"type": "message", "id": "msg_1_1", "status": "completed", "role": "assistant", "content": [{"type": "output_text", "annotations": [], "logprobs": [], "text": "Hello"}]},
            {"type": "function_call", "id": "fc_1_2", "call_id": "c1", "namespace": "ns", "name": "g", "arguments": "{\"a\":1}", "status": "completed"},
            {"type": "custom_tool_call", "id": "ctc_1_3", "call_id": "c2", "name": "c", "input": "x y", "status": "completed"},
            {"type": "function_call", "id": "fc_1_4", "call_id": "call_1_4", "name": "f", "arguments": "{}", "status": "completed"},
        ])
    );
    assert_eq!(
        response["usage"],
        json!({
            "input_tokens": 9, "input_tokens_details": {"cached_tokens": 6, "cache_write_tokens": 0}, "output_tokens": 4,
            "output_tokens_details": {"reasoning_tokens": 2}, "total_tokens": 13,
        })
    );
}

#[test]
fn thoughts_are_content_if_no_summary_is_asked_for() {
    let chunks =
        [chunk(json!({"reasoning_content": "hm"}), Value::Null), chunk(json!({"content": "a"}), json!("stop"))];
    let (events, _) = run(form(json!({})), &chunks);
    let kinds =
        ["output_item.added", "content_part.added", "reasoning_text.delta", "reasoning_text.done", "content_part.done"];
    assert_eq!(names(&events)[2..7], kinds);
    let output = serde_json::to_value(&read(&events).output[0]).unwrap();
    assert_eq!(
        output,
        json!({"type": "reasoning", "id": "rs_1_0", "summary": [], "content": [{"type": "reasoning_text", "text": "hm"}], "status": "completed"})
    );
}

#[test]
fn an_answer_at_its_limit_is_incomplete() {
    for (reason, told) in [("length", "max_output_tokens"), ("content_filter", "content_filter")] {
        let (events, outcome) = run(form(json!({})), &[chunk(json!({"content": "half"}), json!(reason))]);
        outcome.unwrap();
        let response = serde_json::to_value(read(&events)).unwrap();
        assert_eq!(
            (&response["status"], &response["incomplete_details"]["reason"]),
            (&json!("incomplete"), &json!(told))
        );
        assert_eq!(response["output"][0]["status"], "incomplete");
    }
    let (events, outcome) = run(form(json!({})), &[chunk(call(0, "c", "f", "{\"a\":"), json!("length"))]);
    outcome.unwrap();
    let item = serde_json::to_value(&read(&events).output[0]).unwrap();
    assert_eq!((&item["arguments"], &item["status"]), (&json!("{\"a\":"), &json!("incomplete")));
}

#[test]
fn nothing_is_complete_that_is_not() {
    for (chunks, kind, ends) in [
        (vec![], ErrorKind::StreamBroken, vec!["error"]),
        (vec![chunk(json!({"content": "half"}), Value::Null)], ErrorKind::StreamBroken, vec!["error", "failed"]),
        (vec![chunk(call(0, "c", "f", "{\"a\":"), json!("tool_calls"))], ErrorKind::Decode, vec!["error", "failed"]),
        (vec![chunk(call(0, "c", "f", "[1]"), json!("stop"))], ErrorKind::Decode, vec!["error", "failed"]),
        (vec![chunk(call(0, "", "", "{}"), json!("tool_calls"))], ErrorKind::Decode, vec!["error", "failed"]),
    ] {
        let (events, outcome) = run(summary(), &chunks);
        assert_eq!(outcome.unwrap_err().kind(), kind, "{chunks:?}");
        let names = names(&events);
        assert!(names.ends_with(&ends), "{names:?}");
        assert!(!names.iter().any(|name| ["completed", "incomplete"].contains(name)), "{names:?}");
        assert!(events.iter().zip(0..).all(|(event, number)| event.sequence_number == number));
        let last = serde_json::to_value(events.last().unwrap()).unwrap();
        if let Some(response) = last.get("response") {
            assert_eq!((&response["status"], &response["error"]["code"]), (&json!("failed"), &json!("server_error")));
        }
    }
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
        calls in prop::collection::vec(("f|g|c|ns__g", ".{0,8}"), 0..4),
        lengths in prop::collection::vec(1_usize..6, 1..5),
        with_summary: bool,
        broken_after in prop::option::of(0_usize..40),
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
            for piece in cut(&json!({"input": value}).to_string(), &lengths) {
                chunks.push(chunk(call(index, "", "", &piece), Value::Null));
            }
        }
        chunks.push(chunk(json!({}), json!(if calls.is_empty() { "stop" } else { "tool_calls" })));
        let form = || if with_summary { summary() } else { form(json!({})) };
        let (events, outcome) = run(form(), &chunks);
        prop_assert!(outcome.is_ok());
        if let Some(count) = broken_after.filter(|count| *count < chunks.len()) {
            let (broken, outcome) = run(form(), &chunks[..count]);
            prop_assert!(outcome.is_err());
            let end = broken.iter().position(|event| matches!(event.kind, EventKind::Error(_))).unwrap();
            // What had come until then is the beginning of the whole stream.
            prop_assert!(events.starts_with(&broken[..end]));
            prop_assert_eq!(broken[end..].len(), 1 + usize::from(count > 0));
        }
        let mut collector = ChunkCollector::new();
        for chunk in chunks {
            collector.push(chunk);
        }
        let whole: ChatResponse = collector.finish();
        let usage = sagewire_types::Usage::estimated(5, 0);
        prop_assert_eq!(read(&events), form().response(&head(), &whole, &usage).unwrap());
    }
}
