use super::*;
use crate::container::ReplyBody;

async fn ask(body: &Value) -> (u16, String, String) {
    let reply = Messages::new().context_length(200).invoke(Invocation::new(body.to_string())).await;
    let ReplyBody::Whole(bytes) = reply.body else { panic!("{reply:?}") };
    (reply.status, reply.content_type, String::from_utf8(bytes.to_vec()).unwrap())
}

async fn answer_to(body: Value) -> Value {
    let (status, content_type, text) = ask(&body).await;
    assert_eq!((status, content_type.as_str()), (200, "application/json"), "{text}");
    serde_json::from_str(&text).unwrap()
}

/// Every chunk before `[DONE]`.
async fn chunks_of(mut body: Value) -> Vec<Value> {
    body["stream"] = json!(true);
    let (status, content_type, text) = ask(&body).await;
    assert_eq!((status, content_type.as_str()), (200, "text/event-stream; charset=utf-8"));
    let mut events: Vec<&str> =
        text.split_terminator("\n\n").map(|event| event.strip_prefix("data: ").unwrap()).collect();
    assert_eq!(events.pop(), Some("[DONE]"));
    events.into_iter().map(|event| serde_json::from_str(event).unwrap()).collect()
}

fn hello() -> Value {
    json!({"model": "llama", "messages": [{"role": "system", "content": "Be kind"}, {"role": "user", "content": "Hello?"}]})
}

fn with(mut body: Value, members: &Value) -> Value {
    for (name, value) in members.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

fn content(answer: &Value) -> &str {
    answer["choices"][0]["message"]["content"].as_str().unwrap()
}

#[tokio::test]
async fn a_chat_is_answered_as_vllm_does() {
    let answer = answer_to(hello()).await;
    assert!(answer["id"].as_str().unwrap().starts_with("chatcmpl-"));
    assert_eq!(
        (&answer["object"], &answer["model"], &answer["created"]),
        (&json!("chat.completion"), &json!("llama"), &json!(0))
    );
    assert!(content(&answer).starts_with("You asked: “Hello?”"));
    let choice = &answer["choices"][0];
    assert_eq!(
        (&choice["finish_reason"], &choice["stop_reason"], &choice["logprobs"]),
        (&json!("stop"), &Value::Null, &Value::Null)
    );
    let usage = &answer["usage"];
    assert_eq!(
        usage["total_tokens"].as_u64().unwrap(),
        usage["prompt_tokens"].as_u64().unwrap() + usage["completion_tokens"].as_u64().unwrap()
    );
    assert_eq!(answer, answer_to(hello()).await);
}

#[tokio::test]
async fn limits_and_stop_strings_end_it() {
    let short = answer_to(with(hello(), &json!({"max_tokens": 4}))).await;
    assert_eq!(
        (&short["choices"][0]["finish_reason"], &short["usage"]["completion_tokens"]),
        (&json!("length"), &json!(4))
    );
    let newer = answer_to(with(hello(), &json!({"max_tokens": 4, "max_completion_tokens": 2}))).await;
    assert_eq!(newer["usage"]["completion_tokens"], 2);
    let stopped = answer_to(with(hello(), &json!({"stop": "friend"}))).await;
    assert_eq!(
        (&stopped["choices"][0]["finish_reason"], &stopped["choices"][0]["stop_reason"]),
        (&json!("stop"), &json!("friend"))
    );
    assert!(content(&stopped).ends_with("Here is a "));
    let kept = answer_to(with(hello(), &json!({"stop": ["friend"], "include_stop_str_in_output": true}))).await;
    assert!(content(&kept).ends_with("Here is a friend"));
    let on_and_on = answer_to(with(hello(), &json!({"max_tokens": 150, "ignore_eos": true}))).await;
    assert_eq!(
        (&on_and_on["choices"][0]["finish_reason"], &on_and_on["usage"]["completion_tokens"]),
        (&json!("length"), &json!(150))
    );
}

#[tokio::test]
async fn a_stream_says_the_same() {
    let whole = answer_to(hello()).await;
    let chunks = chunks_of(with(hello(), &json!({"stream_options": {"include_usage": true}}))).await;
    assert_eq!(chunks[0]["choices"][0]["delta"], json!({"role": "assistant", "content": ""}));
    let said: String = chunks.iter().filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str()).collect();
    assert_eq!(said, content(&whole));
    let [.., finish, usage] = chunks.as_slice() else { panic!("{chunks:?}") };
    assert_eq!(finish["choices"][0]["finish_reason"], "stop");
    assert_eq!((&usage["choices"], &usage["usage"]), (&json!([]), &whole["usage"]));
    let plain = chunks_of(hello()).await;
    assert!(plain.iter().all(|chunk| chunk.get("usage").is_none()));
    let running = chunks_of(with(hello(), &json!({"stream_options": {"continuous_usage_stats": true}}))).await;
    assert_eq!(running.last().unwrap()["usage"], whole["usage"]);
}

fn weather() -> Value {
    let parameters = json!({"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]});
    json!({
        "messages": [{"role": "user", "content": [{"type": "text", "text": "What is the weather in Paris?"}]}],
        "tools": [{"type": "function", "function": {"name": "get_weather", "parameters": parameters}}],
    })
}

#[tokio::test]
async fn tools_are_called_whole_and_streamed() {
    let answer = answer_to(weather()).await;
    let choice = &answer["choices"][0];
    assert_eq!((&choice["finish_reason"], &choice["message"]["content"]), (&json!("tool_calls"), &Value::Null));
    let call = &choice["message"]["tool_calls"][0];
    assert_eq!((&call["type"], &call["function"]["name"]), (&json!("function"), &json!("get_weather")));
    assert_eq!(call["function"]["arguments"], r#"{"city":"Paris"}"#);

    let chunks = chunks_of(weather()).await;
    let deltas: Vec<&Value> = chunks
        .iter()
        .map(|chunk| &chunk["choices"][0]["delta"]["tool_calls"][0])
        .filter(|delta| !delta.is_null())
        .collect();
    assert!(deltas[0]["id"].as_str().unwrap().starts_with("chatcmpl-tool-"));
    assert_eq!(deltas[0]["function"], json!({"name": "get_weather", "arguments": ""}));
    assert!(deltas.len() > 2 && deltas[1].get("id").is_none());
    let arguments: String = deltas.iter().map(|delta| delta["function"]["arguments"].as_str().unwrap()).collect();
    assert_eq!(call["function"]["arguments"], arguments);
    assert_eq!(chunks.last().unwrap()["choices"][0]["finish_reason"], "tool_calls");

    let mut told = weather();
    let result = json!({"role": "tool", "tool_call_id": call["id"], "content": "sunny, 21 °C"});
    told["messages"].as_array_mut().unwrap().extend([choice["message"].clone(), result]);
    assert_eq!(content(&answer_to(told).await), "The tool says: “sunny, 21 °C” That is all I know ☕.");
}

#[tokio::test]
async fn json_choices_and_log_probabilities() {
    let answer = answer_to(with(hello(), &json!({"response_format": {"type": "json_object"}}))).await;
    assert_eq!(content(&answer), r#"{"answer":"Hello?"}"#);
    let answer = answer_to(with(hello(), &json!({"n": 2, "logprobs": true}))).await;
    assert_eq!(answer["choices"].as_array().unwrap().len(), 2);
    assert_ne!(answer["choices"][0]["message"], answer["choices"][1]["message"]);
    let probabilities = answer["choices"][0]["logprobs"]["content"].as_array().unwrap();
    let said: String = probabilities.iter().map(|token| token["token"].as_str().unwrap()).collect();
    assert_eq!(said, content(&answer));
}

#[tokio::test]
async fn a_prompt_is_completed() {
    let answer = answer_to(json!({"prompt": ["Hi", "Ho"], "max_tokens": 5, "echo": true})).await;
    assert_eq!((&answer["object"], answer["choices"].as_array().unwrap().len()), (&json!("text_completion"), 2));
    assert!(answer["choices"][1]["text"].as_str().unwrap().starts_with("HoYou asked"));
    assert_eq!(answer["usage"]["completion_tokens"], 10);
    assert_eq!(answer_to(json!({"prompt": "Hi"})).await["usage"]["completion_tokens"], 16);
    let chunks = chunks_of(json!({"prompt": [1, 2], "max_tokens": 3, "stream_options": {"include_usage": true}})).await;
    assert_eq!(chunks.len(), 3 + 1 + 1);
    assert_eq!(chunks[3]["choices"][0]["finish_reason"], "length");
}

#[tokio::test]
async fn what_vllm_refuses_is_refused_in_its_form() {
    let cases = [
        (
            with(hello(), &json!({"temperature": -1.0})),
            Some("temperature"),
            "temperature must be non-negative, got -1.0. (parameter=temperature, value=-1.0)",
        ),
        (
            with(hello(), &json!({"top_p": 1.5})),
            Some("top_p"),
            "top_p must be in (0, 1], got 1.5. (parameter=top_p, value=1.5)",
        ),
        (
            with(hello(), &json!({"presence_penalty": 3.0})),
            Some("presence_penalty"),
            "presence_penalty must be in [-2, 2], got 3.0. (parameter=presence_penalty, value=3.0)",
        ),
        (with(hello(), &json!({"n": 0})), Some("n"), "n must be at least 1, got 0. (parameter=n, value=0)"),
        (
            with(hello(), &json!({"max_tokens": 0})),
            Some("max_tokens"),
            "max_tokens must be at least 1, got 0. (parameter=max_tokens, value=0)",
        ),
        (
            with(hello(), &json!({"max_tokens": 4000})),
            Some("max_tokens"),
            "max_tokens=4000 cannot be greater than max_model_len=200. Please request fewer output tokens. (parameter=max_tokens, value=4000)",
        ),
        (json!({"messages": []}), Some("messages"), "messages must not be empty (parameter=messages)"),
        (
            json!({"inputs": "Hi"}),
            Some("prompt"),
            "Either prompt or prompt_embeds must be provided and non-empty. (parameter=prompt)",
        ),
        (
            json!({"prompt": ""}),
            Some("prompt"),
            "Either prompt or prompt_embeds must be provided and non-empty. (parameter=prompt)",
        ),
    ];
    for (body, parameter, message) in cases {
        let (status, content_type, text) = ask(&body).await;
        assert_eq!((status, content_type.as_str()), (400, "application/json"), "{text}");
        let expected =
            json!({"error": {"message": message, "type": "BadRequestError", "param": parameter, "code": 400}});
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), expected);
    }
    let long = json!({"messages": [{"role": "user", "content": "word ".repeat(300)}]});
    assert!(ask(&long).await.2.contains("maximum context length is 200 tokens"));
    let reply = Messages::new().invoke(Invocation::new("{")).await;
    assert_eq!(reply.status, 400);
    assert_eq!(ask(&json!({"messages": "Hi"})).await.0, 400);
}
