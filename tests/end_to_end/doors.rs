//! The other ways into AWS: the OpenAI-compatible route, inference routers and global inference
//! gateways, of an emulator that checks tokens and signatures.

use futures_util::StreamExt as _;
use sagewire::{
    AsyncInvocation, CallContext, ChatDialect, Client, CompletionRequest, EmbedRequest, ErrorKind, Settings,
    credentials::Credentials,
};
use sagewire_emulator::{Account, AwsError, Emulator, Operation, Received, Scripted};
use sagewire_tests::endpoint::{client, client_with, question, sagemaker, signing_with};
use serde_json::{Value, json};

/// The example account, as AWS's messages name it.
const ACCOUNT_ID: &str = "123456789012";

async fn start() -> Emulator {
    let arn = |region: &str, endpoint: &str| json!({"ResourceArn": format!("arn:aws:sagemaker:{region}:{ACCOUNT_ID}:endpoint/{endpoint}")});
    let account = json!({
        "inference_routers": [{"InferenceRouterName": "r", "RoutingTargets": [
            {"Name": "chat", "Destinations": [arn("eu-west-1", "tgi"), arn("us-east-1", "messages")]},
            {"Name": "text", "Destinations": [arn("eu-west-1", "tgi")]},
            {"Name": "vectors", "Destinations": [arn("us-east-1", "embedding")]},
        ]}],
        "global_inference_gateways": [{"Id": "k3x9p2m7q1ab", "Name": "g", "Models": {"Qwen/Qwen3-8B": "messages"}}],
    });
    let account = Account::from_json(&account.to_string()).unwrap();
    Emulator::builder().account(account).start().await.unwrap()
}

fn last(emulator: &Emulator) -> Received {
    emulator.received().pop().unwrap()
}

fn body(received: &Received) -> Value {
    serde_json::from_slice(&received.body).unwrap()
}

async fn streamed(client: &Client, model: &str) -> (String, Vec<(&'static str, String)>) {
    let stream = client.chat_stream(question(model)).await.unwrap();
    let decisions = stream.meta.decisions.clone();
    let chunks: Vec<_> = stream.map(Result::unwrap).collect().await;
    (chunks.iter().map(sagewire::ChatChunk::content).collect(), decisions)
}

#[tokio::test]
async fn the_openai_route_takes_a_bearer_token_and_streams_plainly() {
    let emulator = start().await;
    let client = client(&emulator);
    let reply = client.chat(question("sagemaker_openai/messages")).await.unwrap();
    assert!(!reply.value.content().is_empty());
    let sent = last(&emulator);
    assert_eq!((sent.path.as_str(), sent.accepted), ("/endpoints/messages/openai/v1/chat/completions", true));
    let authorization = sent.headers["authorization"].to_str().unwrap().to_owned();
    assert!(authorization.starts_with("Bearer sagemaker-api-key-"), "a token in place of a signature");
    assert!(!sent.headers.contains_key("x-amz-date"));
    assert_eq!((&body(&sent)["model"], sent.region.as_deref()), (&json!(""), Some("us-east-1")));

    let (text, decisions) = streamed(&client, "sagemaker_openai/messages/part").await;
    assert_eq!((text, decisions.is_empty()), (reply.value.content().to_owned(), true));
    let sent = last(&emulator);
    assert_eq!(sent.path, "/endpoints/messages/inference-components/part/openai/v1/chat/completions");
    assert_eq!(sent.headers["authorization"], authorization.as_str(), "the token is kept");
    assert!(!sent.headers.contains_key("x-amzn-sagemaker-inference-component"));
}

#[tokio::test]
async fn the_openai_route_s_errors_are_told_as_any_other_and_name_no_account() {
    let emulator = start().await;
    let report = r#"{"object":"error","message":"`top_k` must be positive","code":400}"#;
    let cold =
        "Inference Component has no capacity to process this request. ApplicationAutoScaling may be in-progress.";
    for (error, kind, says) in [
        (AwsError::model_error(400, report), ErrorKind::InvalidRequest, "`top_k` must be positive"),
        (AwsError::validation(cold), ErrorKind::ModelNotReady, "scaled to zero"),
        (AwsError::throttling(), ErrorKind::Throttled, "ask more slowly"),
    ] {
        emulator.enqueue("messages", Scripted::error(error));
        let client = client_with(&emulator, sagewire_tests::endpoint::tries(1));
        let error = client.chat(question("sagemaker_openai/messages")).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        let message = error.message();
        assert!(message.contains(says) && !message.contains(ACCOUNT_ID) && !message.contains("console"), "{message}");
    }
    let error = client(&emulator).chat(question("sagemaker_openai/none")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    let wrong = signing_with(Credentials::new("AKIDWRONG", "a-wrong-secret"));
    let error = client_with(&emulator, wrong).chat(question("sagemaker_openai/messages")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Permission, "{error}");
    assert!(!format!("{error} {error:?}").contains("sagemaker-api-key-"), "{error:?}");
}

#[tokio::test]
async fn the_openai_route_has_chat_completions_alone() {
    let emulator = start().await;
    let client = client(&emulator);
    let model = "sagemaker_openai/messages";
    let errors = [
        client.complete(CompletionRequest::new(model, "a")).await.unwrap_err(),
        client.complete_stream(CompletionRequest::new(model, "a")).await.unwrap_err(),
        client.embed(EmbedRequest::new(model, "a")).await.unwrap_err(),
        client_with(&emulator, Settings::new().with_dialect(ChatDialect::Tgi)).chat(question(model)).await.unwrap_err(),
    ];
    for (error, param) in errors.into_iter().zip(["model", "model", "model", "dialect"]) {
        assert_eq!(error.param(), Some(param), "{error}");
    }
    assert!(emulator.received().is_empty());
}

#[tokio::test]
async fn an_inference_router_says_who_answered_and_its_streams_are_made_of_whole_replies() {
    let emulator = start().await;
    let client = client(&emulator);
    let reply = client.chat(question("sagemaker_router/r/chat")).await.unwrap();
    let sent = last(&emulator);
    assert_eq!(sent.path, "/inference-routers/r/invocations");
    assert_eq!(sent.headers["x-amzn-sagemaker-routing-target-name"], "chat");
    assert!(sent.headers["authorization"].to_str().unwrap().contains("x-amzn-sagemaker-routing-target-name"), "signed");
    assert_eq!(body(&sent)["model"], "chat");
    let arn = format!("arn:aws:sagemaker:us-east-1:{ACCOUNT_ID}:endpoint/messages");
    assert_eq!(reply.meta.invoked_resource_arn.as_deref(), Some(arn.as_str()));
    assert!(reply.meta.decisions.contains(&("routing_reason", "local-preferred".to_owned())), "{:?}", reply.meta);

    let (text, decisions) = streamed(&client, "sagemaker_router/r/chat").await;
    assert_eq!(text, reply.value.content());
    assert!(decisions.contains(&("simulated_stream", "true".to_owned())), "{decisions:?}");
    let completion = CompletionRequest::new("sagemaker_router/r/chat", "Once");
    let mut stream = client.complete_stream(completion).await.unwrap();
    assert!(!stream.next().await.unwrap().unwrap().choices[0].text.is_empty());

    // Every dialect and family goes through it.
    let tgi = client_with(
        &emulator,
        Settings::new().with_dialect(ChatDialect::Tgi).with_hf_model_name("mistralai/Mistral-7B-Instruct-v0.2"),
    );
    let reply = tgi.chat(question("sagemaker_router/r/text")).await.unwrap();
    assert!(body(&last(&emulator)).get("inputs").is_some());
    assert!(reply.meta.decisions.contains(&("routing_reason", "capacity-available".to_owned())), "{:?}", reply.meta);
    let vectors = client.embed(EmbedRequest::new("sagemaker_router/r/vectors", "a")).await.unwrap();
    assert_eq!(vectors.value.data.len(), 1);
}

#[tokio::test]
async fn an_inference_router_takes_asynchronous_calls_and_refuses_what_it_does_not_have() {
    let emulator = start().await;
    let invocation = AsyncInvocation::at("sagemaker_router/r/chat", "s3://bucket/input.json");
    let receipt = sagemaker(&emulator).invoke_async(invocation, &CallContext::new()).await.unwrap();
    assert!(receipt.value.output_location.unwrap().starts_with("s3://"));
    let arn = format!("arn:aws:sagemaker:us-east-1:{ACCOUNT_ID}:endpoint/messages");
    assert_eq!(receipt.meta.invoked_resource_arn.as_deref(), Some(arn.as_str()));
    assert!(receipt.meta.decisions.contains(&("routing_reason", "local-preferred".to_owned())), "{:?}", receipt.meta);
    assert_eq!(emulator.calls(Operation::InvokeInferenceRouterAsync), 1);
    let client = client(&emulator);
    for model in ["sagemaker_router/r/none", "sagemaker_router/none/chat"] {
        assert!(!client.chat(question(model)).await.unwrap_err().is_retryable(), "{model}");
    }
    let component = client_with(&emulator, Settings::new().with_inference_component("c"));
    let error = component.chat(question("sagemaker_router/r/chat")).await.unwrap_err();
    assert_eq!(error.param(), Some("model_id"), "{error}");
}

#[tokio::test]
async fn a_gateway_is_told_the_model_and_the_customer() {
    let emulator = start().await;
    let model = "sagemaker_gateway/k3x9p2m7q1ab/Qwen/Qwen3-8B";
    let settings = Settings::new().with_customer_identity_token("header.payload.canary").with_hf_model_name("other");
    let client = client_with(&emulator, settings);
    let reply = client.chat(question(model)).await.unwrap();
    let sent = last(&emulator);
    assert_eq!(sent.path, "/global-inference-gateway/k3x9p2m7q1ab/invocations");
    assert_eq!(sent.headers["x-amzn-sagemaker-customer-identity-token"], "header.payload.canary");
    assert!(sent.headers["authorization"].to_str().unwrap().contains("customer-identity-token"), "signed");
    assert_eq!(body(&sent)["model"], "Qwen/Qwen3-8B", "it is routed by the body's model");
    let (text, _) = streamed(&client, model).await;
    assert_eq!(text, reply.value.content());
    assert_eq!(last(&emulator).path, "/global-inference-gateway/k3x9p2m7q1ab/invocations-response-stream");

    let error = client.chat(question("sagemaker_gateway/k3x9p2m7q1ab/none")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    for (code, status, attempts) in
        [("BadGatewayException", 502, 1), ("GatewayTimeoutException", 504, 1), ("ServiceUnavailableException", 503, 3)]
    {
        for _ in 0..attempts {
            let text = "inference gateway (model server): header.payload.canary";
            emulator.enqueue("messages", Scripted::error(AwsError::modelled(code, status, text)));
        }
        let error = client.chat(question(model)).await.unwrap_err();
        assert_eq!(error.attempts(), attempts, "{code}: {error}");
        assert!(!format!("{error} {error:?}").contains("canary"), "{error:?}");
    }
}
