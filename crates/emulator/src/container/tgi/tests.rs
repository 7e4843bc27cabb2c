use super::*;
use crate::container::ReplyBody;

async fn ask(body: &Value) -> (u16, String, String) {
    let reply = Tgi::new().max_total_tokens(500).invoke(Invocation::new(body.to_string())).await;
    let ReplyBody::Whole(bytes) = reply.body else { panic!("{reply:?}") };
    (reply.status, reply.content_type, String::from_utf8(bytes.to_vec()).unwrap())
}

async fn answer_to(body: Value) -> Value {
    let (status, content_type, text) = ask(&body).await;
    assert_eq!((status, content_type.as_str()), (200, "application/json"), "{text}");
    serde_json::from_str(&text).unwrap()
}

/// The data of every event.
fn events(text: &str) -> Vec<&str> {
    assert!(text.ends_with("\n\n"));
    text.split_terminator("\n\n").map(|event| event.strip_prefix("data:").unwrap().trim_start()).collect()
}

#[tokio::test]
async fn generate_answers_an_array() {
    let answer = answer_to(json!({"inputs": "<s>[INST] What is a llama? [/INST]"})).await;
    assert_eq!(answer.as_array().unwrap().len(), 1);
    let text = answer[0]["generated_text"].as_str().unwrap();
    assert!(text.starts_with("You asked: “What is a llama?”"), "{text}");
    assert!(answer[0].get("details").is_none());
    let full = answer_to(json!({"inputs": "Hi", "parameters": {"return_full_text": true}})).await;
    assert!(full[0]["generated_text"].as_str().unwrap().starts_with("HiYou asked"));
}

#[tokio::test]
async fn details_tell_why_it_ended() {
    let parameters = json!({"details": true, "max_new_tokens": 5, "seed": 7, "decoder_input_details": true});
    let answer = answer_to(json!({"inputs": "Hi there", "parameters": parameters})).await;
    let details = &answer[0]["details"];
    assert_eq!(
        (&details["finish_reason"], &details["generated_tokens"], &details["seed"]),
        (&json!("length"), &json!(5), &json!(7))
    );
    assert_eq!(details["tokens"].as_array().unwrap().len(), 5);
    assert_eq!(details["prefill"][0]["logprob"], Value::Null);
    assert_eq!(details["prefill"][1]["text"], " there");

    let parameters = json!({"details": true, "stop": ["friend"]});
    let answer = answer_to(json!({"inputs": "Hi", "parameters": parameters})).await;
    assert_eq!(answer[0]["details"]["finish_reason"], "stop_sequence");
    // TGI keeps the stop string in the text.
    assert!(answer[0]["generated_text"].as_str().unwrap().ends_with("a friend"));

    let answer = answer_to(json!({"inputs": "Hi", "parameters": {"details": true}})).await;
    assert_eq!(answer[0]["details"]["finish_reason"], "eos_token");
    let last = answer[0]["details"]["tokens"].as_array().unwrap().last().unwrap();
    assert_eq!((&last["text"], &last["special"]), (&json!("</s>"), &json!(true)));
}

#[tokio::test]
async fn the_answers_beside_the_best_are_in_its_details() {
    let parameters = json!({"details": true, "best_of": 3, "do_sample": true, "max_new_tokens": 2});
    let answer = answer_to(json!({"inputs": "Hi", "parameters": parameters})).await;
    let others = answer[0]["details"]["best_of_sequences"].as_array().unwrap();
    assert_eq!(others.len(), 2);
    assert_eq!(
        (&others[0]["generated_text"], &others[0]["generated_tokens"]),
        (&answer[0]["generated_text"], &json!(2))
    );
}

#[tokio::test]
async fn a_stream_has_one_event_per_token_and_no_done() {
    let body = json!({"inputs": "Hi", "stream": true, "parameters": {"max_new_tokens": 40}});
    let (status, content_type, text) = ask(&body).await;
    assert_eq!((status, content_type.as_str()), (200, "text/event-stream"));
    let events: Vec<Value> = events(&text).into_iter().map(|event| serde_json::from_str(event).unwrap()).collect();
    let (last, before) = events.split_last().unwrap();
    assert!(before.iter().all(|event| event["generated_text"].is_null() && event["details"].is_null()));
    assert_eq!(events[0]["index"], 1);
    let said: String = events
        .iter()
        .filter(|event| event["token"]["special"] == false)
        .map(|event| event["token"]["text"].as_str().unwrap())
        .collect();
    assert_eq!(last["generated_text"], said);
    assert_eq!(last["details"]["generated_tokens"], events.len());
    assert_eq!(last["details"]["input_length"], 1);
    let whole = answer_to(json!({"inputs": "Hi", "parameters": {"max_new_tokens": 40}})).await;
    assert_eq!(whole[0]["generated_text"], said);
}

#[tokio::test]
async fn what_tgi_refuses_is_refused_with_its_words() {
    let cases = [
        (json!({"top_p": 1.0}), "`top_p` must be > 0.0 and < 1.0"),
        (json!({"top_p": 0.0}), "`top_p` must be > 0.0 and < 1.0"),
        (json!({"temperature": 0.0}), "`temperature` must be strictly positive"),
        (json!({"repetition_penalty": -1.0}), "`repetition_penalty` must be strictly positive"),
        (json!({"frequency_penalty": 2.5}), "`frequency_penalty` must be >= -2.0 and <= 2.0"),
        (json!({"typical_p": 1}), "`typical_p` must be > 0.0 and < 1.0"),
        (json!({"top_k": 0}), "`top_k` must be strictly positive"),
        (json!({"max_new_tokens": 0}), "`max_new_tokens` must be strictly positive"),
        (json!({"best_of": 0}), "`best_of` must be strictly positive"),
        (json!({"best_of": 2}), "you must use sampling when `best_of` is > 1"),
        (json!({"best_of": 2, "do_sample": true, "seed": 1}), "`seed` must not be set when `best_of` > 1"),
        (json!({"stop": ["1", "2", "3", "4", "5"]}), "`stop` supports up to 4 stop sequences. Given: 5"),
        (
            json!({"max_new_tokens": 500}),
            "`inputs` tokens + `max_new_tokens` must be <= 500. Given: 1 `inputs` tokens and 500 `max_new_tokens`",
        ),
    ];
    for (parameters, complaint) in cases {
        let expected = json!({"error": format!("Input validation error: {complaint}"), "error_type": "validation"});
        let (status, content_type, text) = ask(&json!({"inputs": "Hi", "parameters": parameters})).await;
        assert_eq!((status, content_type.as_str()), (422, "application/json"));
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), expected);
        // A stream has begun by then.
        let (status, content_type, text) =
            ask(&json!({"inputs": "Hi", "parameters": parameters, "stream": true})).await;
        assert_eq!((status, content_type.as_str()), (200, "text/event-stream"));
        let only = events(&text);
        let told: Value = serde_json::from_str(only[0]).unwrap();
        assert_eq!((only.len(), &told["error_type"]), (1, &json!("validation")));
    }
    assert_eq!(ask(&json!({"inputs": ""})).await.0, 422);
    let (status, content_type, text) = ask(&json!({"inputs": ["a"]})).await;
    assert_eq!((status, content_type.as_str()), (422, "text/plain; charset=utf-8"));
    assert!(text.contains("untagged enum SagemakerRequest"));
    let reply = Tgi::new().invoke(Invocation::new("{")).await;
    assert_eq!(reply.status, 400);
}

#[tokio::test]
async fn chat_and_completion_bodies_are_answered_too() {
    let chat = json!({"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 6, "n": 3});
    let answer = answer_to(chat.clone()).await;
    assert_eq!(
        (&answer["object"], &answer["id"], &answer["model"]),
        (&json!("chat.completion"), &json!(""), &json!("tgi"))
    );
    assert_eq!(answer["choices"][0]["finish_reason"], "length");
    assert_eq!((answer["choices"].as_array().unwrap().len(), &answer["usage"]["completion_tokens"]), (1, &json!(6)));

    let mut streamed = chat;
    streamed["stream"] = json!(true);
    let (_, _, text) = ask(&streamed).await;
    let events = events(&text);
    assert_eq!(events.last(), Some(&"[DONE]"));
    let first: Value = serde_json::from_str(events[0]).unwrap();
    assert_eq!(first["choices"][0]["delta"]["role"], "assistant");

    let answer = answer_to(json!({"prompt": "Hi", "max_tokens": 3})).await;
    assert_eq!((&answer["object"], &answer["usage"]["completion_tokens"]), (&json!("text_completion"), &json!(3)));
    for body in [
        json!({"messages": [{"role": "user", "content": "Hi"}], "top_p": 1.0}),
        json!({"messages": []}),
        json!({"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 0}),
        json!({"prompt": ""}),
    ] {
        assert_eq!(ask(&body).await.0, 422, "{body}");
    }
}
