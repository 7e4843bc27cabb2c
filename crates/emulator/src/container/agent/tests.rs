use serde_json::{Value, json};

use super::*;
use crate::container::ReplyBody;

async fn ask(agent: Agent, route: Option<&str>, body: &Value) -> (u16, String) {
    let mut invocation = Invocation::new(body.to_string());
    invocation.custom_attributes = route.map(|route| format!("accept_eula=true,route={route}"));
    let reply = agent.invoke(invocation).await;
    let ReplyBody::Whole(body) = reply.body else { panic!("a body in parts") };
    (reply.status, String::from_utf8(body.to_vec()).unwrap())
}

async fn json(agent: Agent, route: Option<&str>, body: &Value) -> Value {
    let (status, text) = ask(agent, route, body).await;
    assert_eq!(status, 200, "{text}");
    serde_json::from_str(&text).unwrap()
}

fn shell() -> Value {
    json!({"type": "object", "properties": {"cmd": {"type": "string"}, "why": {"type": "string"}}, "required": ["cmd", "why"]})
}

#[tokio::test]
async fn the_task_is_done_in_three_turns_of_chat() {
    let tools = json!([{"type": "function", "function": {"name": "run", "parameters": shell()}}]);
    let mut messages = vec![json!({"role": "user", "content": "Write a greeting."})];
    for (turn, calls) in [(0, 1), (1, 2), (2, 0)] {
        let answer = json(Agent::new(), None, &json!({"messages": messages, "tools": tools})).await;
        let message = answer["choices"][0]["message"].clone();
        let made = message["tool_calls"].as_array().unwrap();
        assert_eq!(made.len(), calls, "{turn}: {message}");
        assert!(message["reasoning"].is_string());
        for call in made {
            let arguments: Value = serde_json::from_str(call["function"]["arguments"].as_str().unwrap()).unwrap();
            assert!(arguments["cmd"].as_str().unwrap().contains("greeting.txt") && arguments["why"].is_string());
        }
        if turn == 2 {
            assert_eq!(message["content"], "Done. The tools said: result 0 | result 1");
        }
        let results: Vec<_> = made.iter().enumerate().map(|(place, call)| json!({"role": "tool", "tool_call_id": call["id"], "content": format!("result {place}")})).collect();
        messages.push(message);
        messages.extend(results);
    }
}

#[tokio::test]
async fn the_task_is_done_in_three_turns_of_a_prompt() {
    let agent = Agent::new().with_prompts();
    let tool = json!({"type": "function", "function": {"name": "run", "parameters": shell()}});
    let mut prompt = format!(
        "<|im_start|>system\nSignatures are within <tools></tools>:\n<tools>\n{tool}\n</tools>\n\nCalls are within <tool_call></tool_call>.<|im_end|>\n\
         <|im_start|>user\nWrite a greeting.<|im_end|>\n<|im_start|>assistant\n"
    );
    for (turn, calls) in [(0, 1), (1, 2), (2, 0)] {
        let answer = json(agent, None, &json!({ "inputs": prompt })).await;
        let text = answer[0]["generated_text"].as_str().unwrap();
        assert_eq!(
            text.matches("<tool_call>\n{\"name\": \"run\", \"arguments\": {\"cmd\":").count(),
            calls,
            "{turn}: {text}"
        );
        assert!(text.starts_with("<think>\n"), "{text}");
        let (_, stream) = ask(agent, None, &json!({"inputs": prompt, "stream": true})).await;
        let last = stream.trim_end().rsplit("data:").next().unwrap();
        assert_eq!(serde_json::from_str::<Value>(last).unwrap()["generated_text"], text);
        if turn == 2 {
            assert!(text.ends_with("Done. The tools said: result 0 | result 1"), "{text}");
        }
        let results: String =
            (0..calls).map(|place| format!("\n<tool_response>\nresult {place}\n</tool_response>")).collect();
        prompt.push_str(&format!("{text}<|im_end|>\n<|im_start|>user{results}<|im_end|>\n<|im_start|>assistant\n"));
    }
    let (status, text) = ask(agent, None, &json!({"messages": []})).await;
    assert!(status == 422 && text.contains("inputs"), "{text}");
}

#[tokio::test]
async fn native_routes_answer_in_their_own_form() {
    let agent = Agent::new().with_native_routes();
    let tools = json!([{"type": "namespace", "name": "ns", "tools": [{"type": "function", "name": "run", "parameters": shell()}]}]);
    let response = json(agent, Some("/v1/responses"), &json!({"model": "m", "input": "Write.", "tools": tools})).await;
    let kinds: Vec<_> =
        response["output"].as_array().unwrap().iter().map(|item| item["type"].as_str().unwrap()).collect();
    assert_eq!((kinds, &response["model"]), (vec!["reasoning", "message", "function_call"], &json!("m")));
    assert_eq!(response["output"][2]["namespace"], "ns");
    let item = |kind: &str| json!({"type": kind, "call_id": "c", "output": "x"});
    let input = [
        item("function_call"),
        item("function_call_output"),
        item("function_call"),
        item("function_call"),
        item("function_call_output"),
    ];
    let done = json(agent, Some("/v1/responses"), &json!({"input": input, "tools": tools})).await;
    assert_eq!(done["output"][1]["content"][0]["text"], "Done. The tools said: x");

    let tools = json!([{"name": "write", "input_schema": {"type": "object", "properties": {"file_path": {"type": "string"}, "content": {"type": "string"}}}}]);
    let body = json!({"messages": [{"role": "user", "content": "Write."}], "tools": tools, "max_tokens": 9});
    let message = json(agent, Some("/v1/messages"), &body).await;
    assert_eq!((&message["type"], &message["stop_reason"]), (&json!("message"), &json!("tool_use")));
    assert_eq!(message["content"][2]["input"]["file_path"], "greeting.txt");
    let count = json(agent, Some("/v1/messages/count_tokens"), &body).await;
    assert_eq!(count["input_tokens"], message["usage"]["input_tokens"]);
    assert_eq!(ask(agent, Some("/v1/rerank"), &body).await.0, 404);
}

#[tokio::test]
async fn streams_say_what_whole_answers_say() {
    let agent = Agent::new().with_native_routes();
    let chat = json!({"messages": [{"role": "user", "content": "Hi"}], "input": "Hi"});
    for (route, text, end) in [
        (None, "/choices/0/delta/content", "data: [DONE]"),
        (Some("/v1/messages"), "/delta/text", "event: message_stop"),
        (Some("/v1/responses"), "/delta", "event: response.completed"),
    ] {
        let whole = json(agent, route, &chat).await;
        let mut body = chat.clone();
        body["stream"] = json!(true);
        let (_, stream) = ask(agent, route, &body).await;
        let data = stream.lines().filter_map(|line| serde_json::from_str::<Value>(line.strip_prefix("data: ")?).ok());
        let said: String = data
            .filter(|event| event["type"] != "response.reasoning_text.delta")
            .filter_map(|event| Some(event.pointer(text)?.as_str()?.to_owned()))
            .collect();
        assert!(said.starts_with("You asked: “Hi”") && whole.to_string().contains(&said), "{said}");
        assert!(stream.contains(end), "{stream}");
    }
}

#[tokio::test]
async fn a_container_without_routes_takes_the_body_for_chat() {
    let (status, text) = ask(Agent::new(), Some("/v1/responses"), &json!({"input": "Hi"})).await;
    assert!(status == 400 && text.contains("messages"), "{text}");
    let messages = json!({"messages": [{"role": "user", "content": "Hi"}]});
    assert_eq!(json(Agent::new(), Some("/v1/messages"), &messages).await["object"], "chat.completion");
}
