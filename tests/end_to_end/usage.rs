//! Counts of tokens: as a container reports them, else estimated and marked so.

use futures_util::StreamExt;
use sagewire::{CallContext, CompletionRequest, Provider, SageMaker, StreamOptions, Usage};
use sagewire_tests::{
    endpoint::{builder_for, client_over, question, sagemaker, start, stream},
    replies::{openai_event, openai_stream},
    transport::{Answer, ScriptedTransport, part},
};
use serde_json::{Value, json};

fn refusal() -> Answer {
    let refusal = json!({
        "ErrorCode": "CLIENT_ERROR_FROM_MODEL",
        "OriginalStatusCode": 422,
        "OriginalMessage": "{\"detail\":[{\"type\":\"extra_forbidden\",\"loc\":[\"body\",\"stream_options\"],\"msg\":\"Extra inputs are not permitted\"}]}",
        "Message": "Received client error (422) from primary with message \"...\"",
    });
    Answer::json(424, refusal.to_string()).with_header("x-amzn-errortype", "ModelError")
}

fn streamed(text: &str) -> Answer {
    Answer::stream([part(openai_stream(&[text]))])
}

fn asked(transport: &ScriptedTransport) -> Vec<Value> {
    transport.each(|sent| serde_json::from_slice::<Value>(sent.request.body()).unwrap()["stream_options"].clone())
}

#[tokio::test]
async fn a_prompt_that_a_text_container_does_not_count_is_estimated() {
    let emulator = start().await;
    let sagemaker = sagemaker(&emulator);
    let chat = sagemaker.chat(question("sagemaker/tgi"), &CallContext::new()).await.unwrap().value.usage.unwrap();
    let completion = CompletionRequest::new("sagemaker/tgi", "What is a llama?");
    let completion = sagemaker.complete(completion, &CallContext::new()).await.unwrap().value.usage.unwrap();
    for usage in [chat, completion] {
        assert!(usage.prompt_tokens > 0 && usage.completion_tokens > 0 && usage.estimated, "{usage:?}");
        assert_eq!(usage.total_tokens, usage.prompt_tokens + usage.completion_tokens);
    }
}

#[tokio::test]
async fn a_reported_usage_is_not_an_estimate() {
    let emulator = start().await;
    let reply = sagemaker(&emulator).chat(question("sagemaker_chat/messages"), &CallContext::new()).await.unwrap();
    assert!(!reply.value.usage.unwrap().estimated);
}

#[tokio::test]
async fn a_container_that_refuses_to_report_a_streams_usage_is_not_asked_again_and_its_tokens_are_estimated() {
    let transport = ScriptedTransport::new([refusal(), streamed("I am fine."), streamed("I am fine.")]);
    let client = client_over(transport.clone(), Default::default());
    let mut request = question("sagemaker_chat/e");
    request.stream_options = Some(StreamOptions::with_usage());
    for _ in 0..2 {
        let streamed = stream(&client, request.clone()).await;
        assert!(streamed.error.is_none() && streamed.text() == "I am fine.", "{streamed:?}");
        let usage = streamed.chunks.last().unwrap().usage.clone();
        assert_eq!(usage, Some(Usage::estimated(request.estimated_tokens(), 3)));
    }
    assert_eq!(asked(&transport), [json!({"include_usage": true}), Value::Null, Value::Null]);
}

#[tokio::test]
async fn completions_are_sent_without_the_refused_option_too() {
    let stream_of = |text: &str| {
        let event = json!({"id": "c", "object": "text_completion", "created": 7, "model": "m",
            "choices": [{"index": 0, "text": text, "finish_reason": "stop"}]});
        Answer::stream([part(format!("data: {event}\n\ndata: [DONE]\n\n"))])
    };
    let transport = ScriptedTransport::new([refusal(), stream_of("Fine."), stream_of("Fine.")]);
    let sagemaker: SageMaker = builder_for("http://endpoint.invalid").transport(transport.clone()).build().unwrap();
    let mut request = CompletionRequest::new("sagemaker_chat/e", "How are you?");
    request.stream_options = Some(StreamOptions::with_usage());
    for attempts in [2, 1] {
        let stream = sagemaker.complete_stream(request.clone(), &CallContext::new()).await.unwrap();
        assert_eq!(stream.meta.attempts, attempts);
        let pieces: Vec<_> = stream.map(|piece| piece.unwrap()).collect().await;
        assert_eq!(pieces.last().unwrap().usage, Some(Usage::estimated(3, 2)));
    }
    assert_eq!(asked(&transport), [json!({"include_usage": true}), Value::Null, Value::Null]);
}

#[tokio::test]
async fn a_failure_for_another_reason_is_the_calls() {
    let other = json!({"ErrorCode": "CLIENT_ERROR_FROM_MODEL", "OriginalStatusCode": 400, "OriginalMessage": "unknown field `seed`", "Message": "..."});
    let answer = Answer::json(424, other.to_string()).with_header("x-amzn-errortype", "ModelError");
    let transport = ScriptedTransport::new([answer]);
    let client = client_over(transport.clone(), Default::default());
    let mut request = question("sagemaker_chat/e");
    request.stream_options = Some(StreamOptions::with_usage());
    assert!(stream(&client, request).await.error.is_some());
    assert_eq!(transport.count(), 1);
}

#[tokio::test]
async fn a_streams_usage_is_neither_asked_for_nor_shown_without_the_wish() {
    let last = openai_event(json!([]));
    let transport = ScriptedTransport::new([Answer::stream([part(openai_stream(&["Fine."])), part(last)])]);
    let client = client_over(transport.clone(), Default::default());
    let streamed = stream(&client, question("sagemaker_chat/e")).await;
    assert!(streamed.error.is_none() && streamed.chunks.iter().all(|chunk| chunk.usage.is_none()), "{streamed:?}");
    assert_eq!(asked(&transport), [Value::Null]);
}
