use proptest::prelude::*;
use sagewire_types::{ChatResponse, ErrorKind, Usage};
use serde_json::{Value, json};

use super::*;

fn chat(body: Value) -> Value {
    serde_json::to_value(serde_json::from_value::<MessagesRequest>(body).unwrap().into_chat().unwrap().chat).unwrap()
}

fn refused(body: Value) -> Error {
    serde_json::from_value::<MessagesRequest>(body).unwrap().into_chat().unwrap_err()
}

fn hello() -> Value {
    json!([{"role": "user", "content": "Hello"}])
}

#[test]
fn what_claude_code_sends_by_default_becomes_a_plain_chat_request() {
    let body = include_str!("../../../fixtures/claude_code.json");
    let request: MessagesRequest = serde_json::from_str(body).unwrap();
    let Translated { chat, ignored_tools, .. } = request.into_chat().unwrap();
    assert_eq!(ignored_tools, ["web_search_20250305"]);
    let expected: Value = serde_json::from_str(include_str!("../../../fixtures/claude_code.chat.json")).unwrap();
    assert_eq!(serde_json::to_value(chat).unwrap(), expected);
}

#[test]
fn each_parameter_has_its_place() {
    let body = json!({
        "model": "m", "messages": hello(), "max_tokens": 7, "temperature": 0.5, "top_p": 0.9, "top_k": 4, "stream": true,
        "stop_sequences": ["a", "b"], "metadata": {"user_id": "u"}, "output_config": {"effort": "max", "format": {"type": "json_schema", "schema": {"type": "object"}}},
        "min_p": 0.1, "service_tier": "auto", "stream_options": {"include_usage": false}, "stop": "c", "seed": 1,
    });
    assert_eq!(
        chat(body),
        json!({
            "model": "m", "messages": hello(), "max_tokens": 7, "temperature": 0.5, "top_p": 0.9, "top_k": 4, "stream": true,
            "stream_options": {"include_usage": true}, "stop": ["a", "b"], "user": "u", "reasoning_effort": "high",
            "response_format": {"type": "json_schema", "json_schema": {"name": "answer", "schema": {"type": "object"}, "strict": true}},
            "min_p": 0.1, "seed": 1,
        })
    );
}

#[test]
fn what_has_no_meaning_for_a_container_is_accepted_and_not_sent() {
    for (name, value) in [
        ("context_management", json!({"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]})),
        ("cache_control", json!({"type": "ephemeral", "ttl": "1h"})),
        ("betas", json!(["interleaved-thinking-2025-05-14"])),
        ("container", json!("container_1")),
        ("diagnostics", json!({})),
        ("inference_geo", json!("us")),
        ("mcp_servers", json!([])),
        ("service_tier", json!("auto")),
        ("speed", json!("fast")),
        ("thinking", json!({"type": "adaptive"})),
        ("output_config", json!({})),
        ("metadata", json!({"user_id": null})),
        ("stop_sequences", json!([])),
        ("thread", Value::Null),
    ] {
        let mut body = json!({"model": "m", "messages": hello()});
        body[name] = value;
        assert_eq!(chat(body), json!({"model": "m", "messages": hello()}), "{name}");
    }
    let marked = json!({"type": "text", "text": "Hello", "cache_control": {"type": "ephemeral"}, "citations": null});
    let body = json!({"model": "m", "system": [marked], "messages": [{"role": "user", "content": [marked]}]});
    assert_eq!(
        chat(body)["messages"],
        json!([{"role": "system", "content": "Hello"}, {"role": "user", "content": "Hello"}])
    );
}

#[test]
fn a_budget_of_thoughts_is_an_effort() {
    for (thinking, effort) in [
        (json!({"type": "enabled", "budget_tokens": 1024}), json!("low")),
        (json!({"type": "enabled", "budget_tokens": 4096}), json!("medium")),
        (json!({"type": "enabled", "budget_tokens": 32000}), json!("high")),
        (json!({"type": "adaptive"}), Value::Null),
        (json!({"type": "disabled"}), Value::Null),
    ] {
        let body = json!({"model": "m", "messages": hello(), "thinking": thinking});
        assert_eq!(chat(body)["reasoning_effort"], effort, "{thinking}");
    }
}

#[test]
fn tools_and_choices() {
    let weather = json!({"name": "weather", "description": "d", "input_schema": {"type": "object"}, "cache_control": {"type": "ephemeral"}, "strict": true});
    let function = json!({"type": "function", "function": {"name": "weather", "description": "d", "parameters": {"type": "object"}, "strict": true}});
    for (choice, expected) in [
        (json!({"type": "auto"}), json!("auto")),
        (json!({"type": "any"}), json!("required")),
        (json!({"type": "none"}), json!("none")),
        (
            json!({"type": "tool", "name": "weather", "disable_parallel_tool_use": true}),
            json!({"type": "function", "function": {"name": "weather"}}),
        ),
    ] {
        let sent = chat(json!({"model": "m", "messages": hello(), "tools": [weather], "tool_choice": choice}));
        assert_eq!((&sent["tools"], &sent["tool_choice"]), (&json!([function]), &expected));
        let expected = if choice["type"] == "tool" { json!(false) } else { Value::Null };
        assert_eq!(sent["parallel_tool_calls"], expected);
    }
    // Without a tool that is left there is nothing to choose.
    let body = json!({"model": "m", "messages": hello(), "tools": [{"type": "web_search_20250305", "name": "web_search"}], "tool_choice": {"type": "auto"}});
    assert_eq!(chat(body), json!({"model": "m", "messages": hello()}));
}

#[test]
fn a_conversation_with_results_images_errors_and_thoughts() {
    let body = json!({"model": "m", "messages": [
        {"role": "user", "content": [{"type": "text", "text": "look"}, {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AA"}}]},
        {"role": "assistant", "content": [
            {"type": "thinking", "thinking": "hm", "signature": "foreign"},
            {"type": "redacted_thinking", "data": "foreign"},
            {"type": "thinking", "thinking": "", "signature": crate::thoughts::seal(" more")},
            {"type": "text", "text": "I call."},
            {"type": "tool_use", "id": "t1", "name": "f", "input": {"b": 1, "a": [true]}},
            {"type": "tool_use", "id": "t2", "name": "g", "input": {}},
        ]},
        {"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "t1", "content": [{"type": "text", "text": "ok"}]},
            {"type": "tool_result", "tool_use_id": "t2", "is_error": true, "content": "no such file"},
            {"type": "text", "text": "go on"},
        ]},
    ]});
    assert_eq!(
        chat(body)["messages"],
        json!([
            {"role": "user", "content": [{"type": "text", "text": "look"}, {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}}]},
            {"role": "assistant", "content": "I call.", "reasoning_content": "hm more", "tool_calls": [
                {"id": "t1", "type": "function", "function": {"name": "f", "arguments": "{\"b\":1,\"a\":[true]}"}},
                {"id": "t2", "type": "function", "function": {"name": "g", "arguments": "{}"}},
            ]},
            {"role": "tool", "tool_call_id": "t1", "content": "ok"},
            {"role": "tool", "tool_call_id": "t2", "content": "Error: no such file"},
            {"role": "user", "content": "go on"},
        ])
    );
}

#[test]
fn what_cannot_be_said_in_chat_is_refused_by_name() {
    let user = |block: Value| json!({"model": "m", "messages": [{"role": "user", "content": [block]}]});
    for (body, kind, says) in [
        (json!({"model": "m", "messages": hello(), "thread": {"type": "create"}}), ErrorKind::Unsupported, "`thread`"),
        (json!({"model": "m", "messages": []}), ErrorKind::InvalidRequest, "`messages` is empty"),
        (user(json!({"type": "container_upload", "file_id": "f"})), ErrorKind::Unsupported, "container_upload"),
        (user(json!({"type": "image", "source": {"type": "file", "file_id": "f"}})), ErrorKind::Unsupported, "base64"),
        (
            user(json!({"type": "tool_use", "id": "a", "name": "b", "input": {}})),
            ErrorKind::InvalidRequest,
            "assistant",
        ),
        (
            json!({"model": "m", "messages": hello(), "tools": [{"name": "f"}]}),
            ErrorKind::InvalidRequest,
            "input_schema",
        ),
        (
            json!({"model": "m", "messages": hello(), "tool_choice": {"type": "tool", "name": "f"}}),
            ErrorKind::InvalidRequest,
            "`f`",
        ),
    ] {
        let error = refused(body);
        assert!(error.kind() == kind && error.message().contains(says), "{error}");
        assert!(error.param().is_some(), "{error}");
    }
}

proptest! {
    #[test]
    fn an_answer_that_is_sent_back_is_what_the_model_said(
        thoughts in prop::option::of(".{1,12}"),
        text in prop::option::of(".{1,20}"),
        calls in prop::collection::vec(("[a-z]{1,5}", ".{0,8}"), 0..4),
        omitted: bool,
    ) {
        let calls: Vec<_> = calls.iter().enumerate().map(|(place, (name, value))| json!({
            "id": format!("call-{place}"), "type": "function", "function": {"name": name, "arguments": json!({"value": value}).to_string()},
        })).collect();
        let mut said = json!({"role": "assistant"});
        if let Some(text) = &text {
            said["content"] = json!(text);
        }
        if !calls.is_empty() {
            said["tool_calls"] = json!(calls);
        }
        if let Some(thoughts) = &thoughts {
            said["reasoning_content"] = json!(thoughts);
        }
        let thinking = if omitted { json!({"type": "adaptive", "display": "omitted"}) } else { json!({"type": "adaptive"}) };
        let asked = |messages: Value| json!({"model": "m", "thinking": thinking, "messages": messages});
        let form = serde_json::from_value::<MessagesRequest>(asked(hello())).unwrap().into_chat().unwrap().form;
        let response: ChatResponse = serde_json::from_value(json!({"choices": [{"message": said, "finish_reason": "stop"}]})).unwrap();
        let answer = form.message(&response, "m", &Usage::reported(1, 1)).unwrap();
        let turns = json!([hello()[0], {"role": "assistant", "content": answer.content}]);
        let messages = chat(asked(turns))["messages"].clone();
        let is_empty = thoughts.is_none() && text.is_none() && calls.is_empty();
        prop_assert_eq!(messages.get(1).cloned(), (!is_empty).then_some(said));
    }
}
