//! Details of whole answers: asked for where nobody says otherwise, and not asked for again where a
//! container refuses them.

use sagewire::{
    CallContext, ChatRequest, CompletionRequest, ErrorKind, FinishReason, Message, Provider, Retries, SageMaker,
    Settings,
};
use sagewire_emulator::{AwsError, Emulator, Scripted, Tgi, Toolkit};
use sagewire_sagemaker::DetailsPolicy;
use sagewire_tests::{
    endpoint::{builder_for, question, sagemaker, start, stream},
    replies::tgi_reply,
    transport::{Answer, ScriptedTransport},
};
use serde_json::{Value, json};

async fn with_toolkit() -> (Emulator, SageMaker) {
    let emulator = Emulator::builder().endpoint("toolkit", Toolkit::new()).endpoint("tgi", Tgi::new()).start().await;
    let emulator = emulator.unwrap();
    let sagemaker = sagemaker(&emulator);
    (emulator, sagemaker)
}

/// The toolkit's pipeline knows neither stop texts nor seeds.
fn plain(model: &str) -> ChatRequest {
    ChatRequest::new(model, [Message::user("Tell me what a llama is, please.")]).with_max_tokens(5)
}

fn with_policy(policy: DetailsPolicy) -> CallContext {
    let mut settings = Settings::default();
    settings.details = Some(policy);
    CallContext::new().with(settings)
}

/// What each request asked for by `details`.
fn asked(emulator: &Emulator) -> Vec<Value> {
    let received = emulator.received();
    let body = |body: &[u8]| serde_json::from_slice::<Value>(body).unwrap()["parameters"]["details"].clone();
    received.iter().map(|request| body(&request.body)).collect()
}

fn refusal() -> Answer {
    let refusal = json!({
        "ErrorCode": "CLIENT_ERROR_FROM_MODEL",
        "OriginalStatusCode": 400,
        "OriginalMessage": "{\"code\": 400, \"type\": \"InternalServerException\", \"message\": \"The following `model_kwargs` are not used by the model: ['details']\"}",
        "Message": "Received client error (400) from primary with message \"...\"",
    });
    Answer::json(424, refusal.to_string()).with_header("x-amzn-errortype", "ModelError")
}

fn sent(transport: &ScriptedTransport) -> Vec<Value> {
    transport
        .each(|sent| serde_json::from_slice::<Value>(sent.request.body()).unwrap()["parameters"]["details"].clone())
}

#[tokio::test]
async fn a_whole_answer_of_tgi_tells_length_from_stop_and_counts_its_tokens() {
    let emulator = start().await;
    let sagemaker = sagemaker(&emulator);
    for (limit, reason) in [(5, FinishReason::Length), (400, FinishReason::Stop)] {
        let request = question("sagemaker/tgi").with_max_tokens(limit);
        let reply = sagemaker.chat(request, &CallContext::new()).await.unwrap();
        assert_eq!(reply.value.choices[0].finish_reason, Some(reason));
        let tokens = reply.value.usage.unwrap().completion_tokens;
        assert!(if limit == 5 { tokens == 5 } else { tokens > 5 }, "{tokens}");
    }
    let completion = CompletionRequest::new("sagemaker/tgi", "What is a llama?");
    let reply = sagemaker.complete(completion, &CallContext::new()).await.unwrap();
    assert!(reply.value.usage.unwrap().completion_tokens > 0);
    assert_eq!(asked(&emulator), [json!(true), json!(true), json!(true)]);
}

#[tokio::test]
async fn several_answers_come_as_choices() {
    let emulator = start().await;
    let mut request = question("sagemaker/tgi");
    request.n = Some(3);
    let reply = sagemaker(&emulator).chat(request, &CallContext::new()).await.unwrap();
    assert_eq!(reply.value.choices.iter().map(|choice| choice.index).collect::<Vec<_>>(), [0, 1, 2]);
}

#[tokio::test]
async fn a_container_that_refuses_details_is_asked_without_and_never_for_them_again() {
    let (emulator, sagemaker) = with_toolkit().await;
    let first = sagemaker.chat(plain("sagemaker/toolkit"), &CallContext::new()).await.unwrap();
    let second = sagemaker.chat(plain("sagemaker/toolkit"), &CallContext::new()).await.unwrap();
    assert_eq!((first.meta.attempts, second.meta.attempts), (2, 1));
    assert!(first.value.content().starts_with("You asked"), "{:?}", first.value.content());
    assert_eq!(first.value.content(), second.value.content());
    assert_eq!(asked(&emulator), [json!(true), Value::Null, Value::Null]);
    assert!(emulator.received().iter().all(|request| request.accepted), "each is signed anew");

    // Another component may be another container.
    let mut settings = Settings::default();
    settings.headers.inference_component = Some("other".to_owned());
    let other = CallContext::new().with(settings);
    let third = sagemaker.chat(plain("sagemaker/toolkit"), &other).await.unwrap();
    assert_eq!(third.meta.attempts, 2);
    let tgi = sagemaker.chat(plain("sagemaker/tgi"), &CallContext::new()).await.unwrap();
    assert_eq!((tgi.meta.attempts, tgi.value.choices[0].finish_reason.clone()), (1, Some(FinishReason::Length)));
}

#[tokio::test]
async fn a_caller_that_tries_itself_is_spared_the_refusal_once() {
    let (emulator, sagemaker) = with_toolkit().await;
    let context = CallContext::new().with_retries(Retries::Caller);
    let reply = sagemaker.chat(plain("sagemaker/toolkit"), &context).await.unwrap();
    assert_eq!(reply.meta.attempts, 2);

    // A second refusal is an error.
    let request = plain("sagemaker/toolkit").with_parameter("watermark", true);
    let other = builder_for(emulator.url()).build().unwrap();
    let error = other.chat(request, &context).await.unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::InvalidRequest, 2));
    assert!(error.to_string().contains("['watermark']"), "{error}");

    // What failed for another reason says nothing about details.
    emulator.clear_received();
    other.chat(plain("sagemaker/toolkit"), &context).await.unwrap();
    assert_eq!(asked(&emulator), [json!(true), Value::Null]);
}

#[tokio::test]
async fn the_operator_and_the_caller_decide_for_themselves() {
    let (emulator, sagemaker) = with_toolkit().await;
    let model = "sagemaker/toolkit";
    let error = sagemaker.chat(plain(model), &with_policy(DetailsPolicy::Always)).await.unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::InvalidRequest, 1));
    sagemaker.chat(plain(model), &with_policy(DetailsPolicy::Never)).await.unwrap();
    let own = plain(model).with_parameter("details", true);
    let error = sagemaker.chat(own, &CallContext::new()).await.unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::InvalidRequest, 1));
    assert_eq!(asked(&emulator), [json!(true), Value::Null, json!(true)]);
}

#[tokio::test]
async fn a_stream_is_not_asked_for_details_and_shows_no_echo() {
    let (emulator, sagemaker) = with_toolkit().await;
    let client = sagewire::Client::builder().sagemaker(sagemaker).build();
    let streamed = stream(&client, plain("sagemaker/toolkit")).await;
    assert!(streamed.error.is_none() && streamed.text().starts_with("You asked"), "{streamed:?}");
    assert_eq!(asked(&emulator), [Value::Null]);
}

#[tokio::test]
async fn an_expired_token_and_a_refusal_are_both_spared() {
    let (emulator, sagemaker) = with_toolkit().await;
    emulator.enqueue("toolkit", Scripted::error(AwsError::expired_token()));
    let context = CallContext::new().with_retries(Retries::Caller);
    let reply = sagemaker.chat(plain("sagemaker/toolkit"), &context).await.unwrap();
    assert_eq!((reply.meta.attempts, asked(&emulator)), (3, vec![json!(true), json!(true), Value::Null]));
}

#[tokio::test(start_paused = true)]
async fn the_tries_before_the_refusal_are_counted_and_a_failed_second_try_is_not_remembered() {
    let busy = || Answer::error(503, "ServiceUnavailable", "busy");
    let transport = ScriptedTransport::new([
        busy(),
        busy(),
        refusal(),
        busy(),
        refusal(),
        Answer::json(200, tgi_reply("fine")),
        Answer::json(200, tgi_reply("fine")),
    ]);
    let sagemaker = builder_for("http://endpoint.invalid").transport(transport.clone()).build().unwrap();
    let error = sagemaker.chat(question("sagemaker/e"), &CallContext::new()).await.unwrap_err();
    assert_eq!((error.kind(), error.attempts(), transport.count()), (ErrorKind::ServiceFailed, 4, 4));
    for attempts in [2, 1] {
        let reply = sagemaker.chat(question("sagemaker/e"), &CallContext::new()).await.unwrap();
        assert_eq!(reply.meta.attempts, attempts);
    }
    let (with, without) = (json!(true), Value::Null);
    assert_eq!(
        sent(&transport),
        [with.clone(), with.clone(), with.clone(), without.clone(), with, without.clone(), without]
    );
}
