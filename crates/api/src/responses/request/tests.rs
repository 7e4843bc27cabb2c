use proptest::prelude::*;
use sagewire_types::{ChatResponse, ErrorKind, Usage};

use super::*;
use crate::responses::Head;

fn translate(body: Value) -> TranslatedRequest {
    serde_json::from_value::<ResponsesRequest>(body).unwrap().into_chat().unwrap()
}

fn chat(body: Value) -> Value {
    serde_json::to_value(translate(body).chat).unwrap()
}

fn refused(body: Value) -> Error {
    serde_json::from_value::<ResponsesRequest>(body).unwrap().into_chat().unwrap_err()
}

fn hello() -> Value {
    json!([{"role": "user", "content": "Hello"}])
}

#[test]
fn what_codex_sends_by_default_becomes_a_plain_chat_request() {
    let request: ResponsesRequest = serde_json::from_str(include_str!("../../../fixtures/codex.json")).unwrap();
    let TranslatedRequest { chat, ignored_tools, .. } = request.into_chat().unwrap();
    assert_eq!(ignored_tools, ["web_search"]);
    let expected: Value = serde_json::from_str(include_str!("../../../fixtures/codex.chat.json")).unwrap();
    assert_eq!(serde_json::to_value(chat).unwrap(), expected);
}

#[test]
fn each_parameter_has_its_place() {
    let schema = json!({"type": "object"});
    let body = json!({
        "model": "m", "input": "Hello", "max_output_tokens": 7, "temperature": 0.5, "top_p": 0.9, "stream": true, "user": "u",
        "reasoning": {"effort": "max", "summary": "auto"}, "metadata": {"a": "b"}, "truncation": "auto", "include": [], "store": false,
        "text": {"format": {"type": "json_schema", "name": "n", "schema": schema, "strict": true}, "verbosity": "low"},
        "service_tier": "auto", "prompt_cache_key": "k", "background": false, "prompt": null, "min_p": 0.1,
    });
    assert_eq!(
        chat(body),
        json!({
            "model": "m", "messages": hello(), "max_tokens": 7, "temperature": 0.5, "top_p": 0.9, "stream": true,
            "stream_options": {"include_usage": true}, "user": "u", "reasoning_effort": "high",
            "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": schema, "strict": true}}, "min_p": 0.1,
        })
    );
    let json_mode = json!({"model": "m", "input": hello(), "text": {"format": {"type": "json_object"}}});
    assert_eq!(chat(json_mode)["response_format"], json!({"type": "json_object"}));
    let nulls = json!({
        "model": "m", "input": "Hello", "instructions": null, "tools": null, "tool_choice": null, "metadata": null, "text": null,
        "reasoning": null, "parallel_tool_calls": null, "truncation": null, "include": null, "stream": null,
    });
    assert_eq!(chat(nulls), json!({"model": "m", "messages": hello()}));
}

#[test]
fn what_has_no_meaning_for_a_container_is_accepted_and_not_sent() {
    for (name, value) in [
        ("background", json!(false)),
        ("client_metadata", json!({"a": "b"})),
        ("context_management", json!([{"type": "compaction"}])),
        ("conversation", Value::Null),
        ("include", json!(["reasoning.encrypted_content", "message.output_text.logprobs"])),
        ("instructions", json!("")),
        ("max_tool_calls", json!(3)),
        ("metadata", json!({"a": "b"})),
        ("moderation", json!({})),
        ("parallel_tool_calls", json!(true)),
        ("prompt_cache_key", json!("k")),
        ("prompt_cache_options", json!({})),
        ("prompt_cache_retention", json!("24h")),
        ("reasoning", json!({"summary": "detailed"})),
        ("service_tier", json!("auto")),
        ("store", json!(false)),
        ("stream_options", json!({"include_obfuscation": false})),
        ("text", json!({"verbosity": "low"})),
        ("tool_choice", json!("auto")),
        ("top_logprobs", json!(2)),
        ("truncation", json!("auto")),
    ] {
        let mut body = json!({"model": "m", "input": "Hello"});
        body[name] = value;
        assert_eq!(chat(body), json!({"model": "m", "messages": hello()}), "{name}");
    }
    // Of the two names of the caller's own user the older one counts.
    let users = json!({"model": "m", "input": "Hello", "safety_identifier": "s"});
    assert_eq!(chat(users.clone())["user"], "s");
    assert_eq!(translate(users).form.asked.safety_identifier.as_deref(), Some("s"));
}

#[test]
fn the_answer_repeats_what_was_asked() {
    let tool = json!({"type": "function", "name": "f", "parameters": {"type": "object"}, "strict": true});
    let body = json!({
        "model": "m", "input": "x", "instructions": "i", "tools": [tool], "tool_choice": "required", "temperature": 0.5,
        "parallel_tool_calls": false, "metadata": {"a": "b"}, "text": {"verbosity": "low"}, "reasoning": {"effort": "low"},
        "truncation": "auto", "prompt_cache_key": "k", "safety_identifier": "s", "user": "u", "max_output_tokens": 9, "top_p": 0.5,
    });
    let form = translate(body).form;
    let response = ChatResponse::text("m", "hi", sagewire_types::FinishReason::Stop);
    let answer = form.response(&Head::new("resp_1", "alias", 7), &response, &Usage::reported(1, 2)).unwrap();
    assert_eq!(
        serde_json::to_value(answer).unwrap(),
        json!({
            "id": "resp_1", "object": "response", "created_at": 7, "status": "completed", "background": false, "error": null,
            "incomplete_details": null, "model": "alias", "store": false,
            "output": [{"type": "message", "id": "msg_1_0", "status": "completed", "role": "assistant", "content": [
                {"type": "output_text", "annotations": [], "logprobs": [], "text": "hi"},
            ]}],
            "usage": {
                "input_tokens": 1, "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0}, "output_tokens": 2,
                "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 3,
            },
            "instructions": "i", "max_output_tokens": 9, "metadata": {"a": "b"}, "parallel_tool_calls": false,
            "previous_response_id": null, "prompt_cache_key": "k", "reasoning": {"effort": "low"}, "safety_identifier": "s",
            "temperature": 0.5, "text": {"verbosity": "low", "format": {"type": "text"}}, "tool_choice": "required", "tools": [tool],
            "top_p": 0.5, "truncation": "auto", "user": "u",
        })
    );
}

#[test]
fn tools_of_every_kind_become_functions_and_come_back() {
    let tools = json!([
        {"type": "function", "name": "f", "description": "d", "parameters": {"type": "object"}, "strict": false},
        {"type": "function", "name": "ns__g", "parameters": null},
        {"type": "namespace", "name": "ns", "description": "Group.", "tools": [
            {"type": "function", "name": "g", "description": "G.", "parameters": {"type": "object"}},
            {"type": "custom", "name": "h"},
        ]},
        {"type": "custom", "name": "sql", "description": "Runs SQL.", "format": {"type": "grammar", "syntax": "lark", "definition": "start: A"}},
        {"type": "web_search"}, {"type": "image_generation"},
    ]);
    let TranslatedRequest { chat, ignored_tools, form } =
        translate(json!({"model": "m", "input": "x", "tools": tools}));
    assert_eq!(ignored_tools, ["web_search", "image_generation"]);
    let functions: Vec<_> = chat.tools.iter().flatten().filter_map(|tool| tool.function.as_ref()).collect();
    let names: Vec<_> = functions.iter().map(|function| function.name.as_str()).collect();
    assert_eq!(names, ["f", "ns__g", "ns__g_2", "ns__h", "sql"]);
    assert_eq!(functions[2].description.as_deref(), Some("G.\n\nGroup."));
    assert_eq!(
        functions[4].description.as_deref(),
        Some("Runs SQL.\n\nThe input must match this grammar, written in lark:\nstart: A")
    );
    assert_eq!(functions[4].parameters.as_ref().unwrap()["required"], json!(["input"]));
    let call = |(name, arguments)| json!({"id": format!("id-{name}"), "type": "function", "function": {"name": name, "arguments": arguments}});
    let calls =
        [("ns__g_2", "{}"), ("ns__h", r#"{"input":"a"}"#), ("sql", r#"{"query":1}"#), ("f", ""), ("unknown", "{}")];
    let calls = calls.map(call);
    let response: ChatResponse =
        serde_json::from_value(json!({"choices": [{"message": {"tool_calls": calls}, "finish_reason": "tool_calls"}]}))
            .unwrap();
    let answer = form.response(&Head::new("resp_1", "m", 0), &response, &Usage::reported(1, 1)).unwrap();
    assert_eq!(
        serde_json::to_value(answer.output).unwrap(),
        json!([
            {"type": "function_call", "id": "fc_1_0", "call_id": "id-ns__g_2", "namespace": "ns", "name": "g", "arguments": "{}", "status": "completed"},
            {"type": "custom_tool_call", "id": "ctc_1_1", "call_id": "id-ns__h", "namespace": "ns", "name": "h", "input": "a", "status": "completed"},
            {"type": "custom_tool_call", "id": "ctc_1_2", "call_id": "id-sql", "name": "sql", "input": "{\"query\":1}", "status": "completed"},
            {"type": "function_call", "id": "fc_1_3", "call_id": "id-f", "name": "f", "arguments": "{}", "status": "completed"},
            {"type": "function_call", "id": "fc_1_4", "call_id": "id-unknown", "name": "unknown", "arguments": "{}", "status": "completed"},
        ])
    );
}

#[test]
fn choices_among_tools() {
    let tools = json!([
        {"type": "function", "name": "f", "parameters": {"type": "object"}}, {"type": "custom", "name": "c"},
        {"type": "namespace", "name": "ns", "tools": [{"type": "function", "name": "g"}]},
    ]);
    let function = |name: &str| json!({"type": "function", "function": {"name": name}});
    for (choice, expected) in [
        (json!("auto"), json!("auto")),
        (json!("none"), json!("none")),
        (json!("required"), json!("required")),
        (json!({"type": "function", "name": "f"}), function("f")),
        (json!({"type": "custom", "name": "c"}), function("c")),
        (json!({"type": "function", "name": "g", "namespace": "ns"}), function("ns__g")),
        (
            json!({"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "f"}]}),
            json!("required"),
        ),
    ] {
        let sent = chat(
            json!({"model": "m", "input": "x", "tools": tools, "tool_choice": choice, "parallel_tool_calls": false}),
        );
        assert_eq!((&sent["tool_choice"], &sent["parallel_tool_calls"]), (&expected, &json!(false)));
        assert_eq!(sent["tools"].as_array().unwrap().len(), if choice["type"] == "allowed_tools" { 1 } else { 3 });
    }
    // Without a tool that is left there is nothing to choose.
    let body = json!({"model": "m", "input": "Hello", "tools": [{"type": "web_search"}], "parallel_tool_calls": false});
    assert_eq!(chat(body), json!({"model": "m", "messages": hello()}));
}

#[test]
fn a_conversation_with_calls_results_images_files_and_thoughts() {
    let body = json!({"model": "m", "instructions": "i", "input": [
        {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": "d"}]},
        {"role": "user", "content": [
            {"type": "input_text", "text": "look"}, {"type": "input_image", "image_url": "data:image/png;base64,AA", "detail": "low"},
            {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,AA"},
        ]},
        {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "hm"}], "encrypted_content": "foreign"},
        {"type": "reasoning", "id": "rs_2", "summary": [], "encrypted_content": crate::thoughts::seal(" more")},
        {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [{"type": "output_text", "text": "I call.", "annotations": []}]},
        {"type": "web_search_call", "id": "ws_1", "status": "completed"},
        {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "f", "arguments": "{\"b\":1}"},
        {"type": "function_call", "call_id": "c2", "name": "g", "namespace": "ns", "arguments": ""},
        {"type": "custom_tool_call", "call_id": "c3", "name": "sql", "input": "SELECT 1"},
        {"type": "function_call_output", "call_id": "c1", "output": "ok"},
        {"type": "function_call_output", "call_id": "c2", "output": [{"type": "input_text", "text": "see"}, {"type": "input_image", "image_url": "data:x", "detail": "auto"}]},
        {"type": "custom_tool_call_output", "call_id": "c3", "output": "1"},
        {"role": "user", "content": "go on"},
    ]});
    let call = |id: &str, name: &str, arguments: &str| json!({"id": id, "type": "function", "function": {"name": name, "arguments": arguments}});
    assert_eq!(
        chat(body)["messages"],
        json!([
            {"role": "system", "content": "i\n\nd"},
            {"role": "user", "content": [
                {"type": "text", "text": "look"}, {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA", "detail": "low"}},
                {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,AA"}},
            ]},
            {"role": "assistant", "content": "I call.", "reasoning_content": "hm more", "tool_calls": [
                call("c1", "f", "{\"b\":1}"), call("c2", "ns__g", "{}"), call("c3", "sql", "{\"input\":\"SELECT 1\"}"),
            ]},
            {"role": "tool", "tool_call_id": "c1", "content": "ok"},
            {"role": "tool", "tool_call_id": "c2", "content": "see"},
            {"role": "tool", "tool_call_id": "c3", "content": "1"},
            {"role": "user", "content": [
                {"type": "text", "text": "Result of the tool call c2:"}, {"type": "image_url", "image_url": {"url": "data:x"}},
                {"type": "text", "text": "go on"},
            ]},
        ])
    );
}

#[test]
fn what_cannot_be_said_in_chat_is_refused_by_name() {
    let item = |item: Value| json!({"model": "m", "input": [item]});
    let content = |part: Value| item(json!({"role": "user", "content": [part]}));
    let tool = |tool: Value| json!({"model": "m", "input": "x", "tools": [tool]});
    for (body, kind, says) in [
        (json!({"model": "m", "input": []}), ErrorKind::InvalidRequest, "`input` is empty"),
        (json!({"model": "m", "input": "x", "background": true}), ErrorKind::Unsupported, "`background`"),
        (json!({"model": "m", "input": "x", "conversation": "c"}), ErrorKind::Unsupported, "`conversation`"),
        (json!({"model": "m", "input": "x", "prompt": {"id": "p"}}), ErrorKind::Unsupported, "`prompt`"),
        (json!({"model": "m", "input": "x", "previous_response_id": "resp_9"}), ErrorKind::InvalidRequest, "resp_9"),
        (item(json!({"type": "item_reference", "id": "msg_9"})), ErrorKind::InvalidRequest, "msg_9"),
        (item(json!({"id": "msg_9"})), ErrorKind::InvalidRequest, "msg_9"),
        (item(json!({"type": "compaction", "encrypted_content": "x"})), ErrorKind::Unsupported, "compaction"),
        (item(json!({"type": "function_call", "name": "f", "arguments": "{}"})), ErrorKind::InvalidRequest, "call_id"),
        (item(json!({"content": "x"})), ErrorKind::InvalidRequest, "`type`"),
        (content(json!({"type": "input_image", "file_id": "f"})), ErrorKind::Unsupported, "image_url"),
        (content(json!({"type": "input_file", "file_id": "f"})), ErrorKind::Unsupported, "file_data"),
        (content(json!({"type": "input_video"})), ErrorKind::Unsupported, "input_video"),
        (
            item(json!({"role": "assistant", "content": [{"type": "input_image", "image_url": "x"}]})),
            ErrorKind::InvalidRequest,
            "only text",
        ),
        (tool(json!({"type": "function"})), ErrorKind::InvalidRequest, "name"),
        (tool(json!({"name": "f"})), ErrorKind::InvalidRequest, "`type`"),
        (
            json!({"model": "m", "input": "x", "tool_choice": {"type": "function", "name": "f"}}),
            ErrorKind::InvalidRequest,
            "`f`",
        ),
        (
            json!({"model": "m", "input": "x", "tool_choice": {"type": "web_search"}}),
            ErrorKind::InvalidRequest,
            "web_search",
        ),
        (json!({"model": "m", "input": "x", "tool_choice": "any"}), ErrorKind::InvalidRequest, "required"),
    ] {
        let error = refused(body);
        assert!(error.kind() == kind && error.message().contains(says), "{error}");
        assert!(error.param().is_some(), "{error}");
    }
}

#[test]
fn stored_items_take_the_place_of_ids() {
    let body =
        json!({"model": "m", "previous_response_id": "resp_1", "input": [{"type": "item_reference", "id": "msg_9"}]});
    let mut request: ResponsesRequest = serde_json::from_value(body).unwrap();
    assert_eq!(request.previous_response_id(), Some("resp_1"));
    request.resolve(|id| (id == "msg_9").then(|| json!({"role": "user", "content": "again"})));
    request.continue_from([json!({"role": "user", "content": "hi"}), json!({"role": "assistant", "content": "hello"})]);
    assert_eq!(request.input().len(), 3);
    let texts: Vec<_> =
        request.into_chat().unwrap().chat.messages.iter().map(|message| message.text().into_owned()).collect();
    assert_eq!(texts, ["hi", "hello", "again"]);
}

proptest! {
    #[test]
    fn an_answer_that_is_sent_back_is_what_the_model_said(
        thoughts in prop::option::of(".{1,12}"),
        text in prop::option::of(".{1,20}"),
        calls in prop::collection::vec(("f|c|ns__g", ".{0,8}"), 0..4),
        summary: bool,
        sealed: bool,
    ) {
        let calls: Vec<_> = calls.iter().enumerate().map(|(place, (name, value))| json!({
            "id": format!("call-{place}"), "type": "function", "function": {"name": name, "arguments": json!({"input": value}).to_string()},
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
        let tools = json!([
            {"type": "function", "name": "f", "parameters": {"type": "object"}}, {"type": "custom", "name": "c"},
            {"type": "namespace", "name": "ns", "tools": [{"type": "function", "name": "g"}]},
        ]);
        let asked = json!({
            "model": "m", "tools": tools, "reasoning": if summary { json!({"summary": "auto"}) } else { Value::Null },
            "include": if sealed { json!(["reasoning.encrypted_content"]) } else { Value::Null },
        });
        let with = |input: Value| { let mut body = asked.clone(); body["input"] = input; body };
        let form = translate(with(json!("hi"))).form;
        let response: ChatResponse = serde_json::from_value(json!({"choices": [{"message": said, "finish_reason": "stop"}]})).unwrap();
        let answer = form.response(&Head::new("resp_1", "m", 0), &response, &Usage::reported(1, 1)).unwrap();
        let mut input = vec![json!({"role": "user", "content": "hi"})];
        input.extend(answer.output.iter().map(|item| serde_json::to_value(item).unwrap()));
        let messages = chat(with(json!(input)))["messages"].clone();
        let empty = thoughts.is_none() && text.is_none() && calls.is_empty();
        prop_assert_eq!(messages.get(1).cloned(), (!empty).then_some(said));
    }
}
