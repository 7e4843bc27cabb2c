//! Input that cannot work fails with an error of its own that says what to do, and before anything
//! is sent.

use std::{fmt, net::TcpListener, sync::Arc};

use http::{HeaderMap, HeaderName, HeaderValue};
use sagewire::{
    CallContext, ChatRequest, Client, CompletionRequest, EmbedRequest, Error, ErrorKind, InvocationHeaders, Message,
    Provider, SageMaker, Settings, credentials::seam::World,
};
use sagewire_emulator::Scripted;
use sagewire_tests::{
    endpoint::{builder_for, client_with, question, sentences, start, tries, world_with},
    transport::{Answer, CountingTransport, ScriptedTransport},
};
use serde_json::json;

/// What a refusal must be.
struct Refusal {
    kind: ErrorKind,
    param: Option<&'static str>,
    /// A part of the sentence that says what to do.
    says: &'static str,
}

fn refusal(kind: ErrorKind, param: impl Into<Option<&'static str>>, says: &'static str) -> Refusal {
    Refusal { kind, param: param.into(), says }
}

impl Refusal {
    fn check(&self, what: impl fmt::Debug, error: &Error) {
        assert_eq!((error.kind(), error.param()), (self.kind, self.param), "{what:?}: {error}");
        assert!(error.to_string().contains(self.says), "{what:?}: {error}");
        assert!(!error.is_retryable(), "{what:?}: {error}");
    }
}

/// A client whose requests are counted; none should be sent.
fn counted(settings: Settings) -> (Arc<CountingTransport>, Client) {
    let transport = CountingTransport::new(ScriptedTransport::new([Answer::json(200, "[]")]));
    let sagemaker = builder_for("http://endpoint.invalid").settings(settings).transport(transport.clone());
    (transport, Client::builder().sagemaker(sagemaker.build().unwrap()).build())
}

/// Asks in every way that the request allows: whole and streamed.
async fn refused(client: &Client, request: ChatRequest) -> [Error; 2] {
    [client.chat(request.clone()).await.unwrap_err(), client.chat_stream(request).await.unwrap_err()]
}

#[tokio::test]
async fn a_wrong_model_is_refused() {
    use ErrorKind::InvalidRequest;
    let (transport, client) = counted(Settings::default());
    let long = format!("sagemaker/{}", "a".repeat(64));
    let cases = [
        ("", refusal(InvalidRequest, "model", "expected `prefix/name`")),
        ("sagemaker", refusal(InvalidRequest, "model", "expected `prefix/name`")),
        ("sagemaker/", refusal(InvalidRequest, "model", "expected `prefix/name`")),
        ("/endpoint", refusal(InvalidRequest, "model", "expected `prefix/name`")),
        ("openai/gpt", refusal(InvalidRequest, "model", "its prefix must be one of `sagemaker/`")),
        ("sagemaker/bad name", refusal(InvalidRequest, "model", "1 to 63 letters, digits or single hyphens")),
        ("sagemaker/under_score", refusal(InvalidRequest, "model", "1 to 63 letters, digits or single hyphens")),
        ("sagemaker/-a", refusal(InvalidRequest, "model", "1 to 63 letters, digits or single hyphens")),
        ("sagemaker_chat/a/../b", refusal(InvalidRequest, "model", "1 to 63 letters, digits or single hyphens")),
        ("sagemaker/é😀", refusal(InvalidRequest, "model", "1 to 63 letters, digits or single hyphens")),
        (long.as_str(), refusal(InvalidRequest, "model", "1 to 63 letters, digits or single hyphens")),
    ];
    for (model, expected) in cases {
        for error in refused(&client, question(model)).await {
            expected.check(model, &error);
        }
        expected.check(model, &client.embed(EmbedRequest::new(model, "a")).await.unwrap_err());
        let completion = CompletionRequest::new(model, "a");
        expected.check(model, &client.complete(completion.clone()).await.unwrap_err());
        expected.check(model, &client.complete_stream(completion).await.unwrap_err());
    }
    assert_eq!(transport.count(), 0);
}

#[tokio::test]
async fn a_provider_without_a_client_knows_its_own_prefixes() {
    let (transport, _) = counted(Settings::default());
    let sagemaker = builder_for("http://endpoint.invalid").transport(transport.clone()).build().unwrap();
    let expected = refusal(ErrorKind::InvalidRequest, "model", "write `sagemaker/endpoint`");
    expected.check("chat", &sagemaker.chat(question("azure/endpoint"), &CallContext::new()).await.unwrap_err());
    expected.check(
        "embed",
        &sagemaker.embed(EmbedRequest::new("azure/endpoint", "a"), &CallContext::new()).await.unwrap_err(),
    );
    assert_eq!(transport.count(), 0);
}

#[tokio::test]
async fn nothing_to_answer_is_refused() {
    let (transport, client) = counted(Settings::default());
    let expected = refusal(ErrorKind::InvalidRequest, "messages", "add at least one");
    for error in refused(&client, ChatRequest::new("sagemaker/e", [])).await {
        expected.check("no messages", &error);
    }
    let error = client.embed(EmbedRequest::new("sagemaker/e", Vec::<String>::new())).await.unwrap_err();
    refusal(ErrorKind::InvalidRequest, "input", "add at least one").check("no input", &error);
    assert_eq!(transport.count(), 0);
}

#[tokio::test]
async fn a_setting_among_the_parameters_is_refused_and_its_value_is_not_repeated() {
    let (transport, client) = counted(Settings::default());
    for name in ["aws_secret_access_key", "aws_region_name", "model_id", "sagemaker_base_url", "api_key", "dialect"] {
        let says: &'static str = "is set where the deployment is configured";
        let param: &'static str = name;
        for request in [
            question("sagemaker/e").with_parameter(name, "the-value"),
            question("sagemaker_chat/e").with_parameter(name, "the-value"),
            question("sagemaker_chat/e").with_parameter("extra_body", json!({ name: "the-value" })),
        ] {
            for error in refused(&client, request).await {
                refusal(ErrorKind::InvalidRequest, param, says).check(name, &error);
                assert!(!format!("{error:?}").contains("the-value"));
            }
        }
        let mut embedding = EmbedRequest::new("sagemaker/e", "a");
        embedding.extra.insert(name.to_owned(), "the-value".into());
        refusal(ErrorKind::InvalidRequest, param, says).check(name, &client.embed(embedding).await.unwrap_err());
    }
    assert_eq!(transport.count(), 0);
}

#[tokio::test]
async fn a_parameter_that_the_container_cannot_carry_is_refused_by_name() {
    let (transport, client) = counted(Settings::default());
    let mut request = question("sagemaker/e");
    request.presence_penalty = Some(1.0);
    for error in refused(&client, request).await {
        refusal(ErrorKind::Unsupported, "presence_penalty", "sagemaker_chat/").check("presence_penalty", &error);
    }
    assert_eq!(transport.count(), 0);
}

#[tokio::test]
async fn content_that_a_text_container_cannot_read_is_refused() {
    let (transport, client) = counted(Settings::default());
    let message: Message = serde_json::from_value(json!({
        "role": "user",
        "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}],
    }))
    .unwrap();
    for error in refused(&client, ChatRequest::new("sagemaker/e", [message])).await {
        refusal(ErrorKind::Unsupported, "messages", "sagemaker_chat/").check("an image", &error);
    }
    assert_eq!(transport.count(), 0);
}

/// Sets one of SageMaker's headers.
type SetHeader = fn(&mut InvocationHeaders, String);

#[tokio::test]
async fn a_header_that_aws_would_refuse_is_refused_by_name() {
    let set: [(&'static str, SetHeader, usize); 9] = [
        ("model_id", |headers, value| headers.inference_component = Some(value), 63),
        ("target_model", |headers, value| headers.target_model = Some(value), 1024),
        ("target_variant", |headers, value| headers.target_variant = Some(value), 63),
        ("target_container_hostname", |headers, value| headers.target_container_hostname = Some(value), 63),
        ("session_id", |headers, value| headers.session_id = Some(value), 256),
        ("inference_id", |headers, value| headers.inference_id = Some(value), 64),
        ("custom_attributes", |headers, value| headers.custom_attributes = Some(value), 1024),
        ("enable_explanations", |headers, value| headers.enable_explanations = Some(value), 64),
        ("prefix_aware_id", |headers, value| headers.prefix_aware_id = Some(value), 64),
    ];
    for (param, set, longest) in set {
        for value in
            [String::new(), "a\r\nx-evil: 1".to_owned(), "a\0".to_owned(), "é".to_owned(), "a".repeat(longest + 1)]
        {
            let mut settings = Settings::default();
            set(&mut settings.headers, value.clone());
            let (transport, client) = counted(settings);
            let error = client.chat(question("sagemaker/e")).await.unwrap_err();
            refusal(ErrorKind::InvalidRequest, param, "must be").check((param, &value), &error);
            assert!(!error.to_string().contains("x-evil"), "{error}");
            assert_eq!(transport.count(), 0);
        }
    }
}

#[tokio::test]
async fn what_only_whole_replies_have_is_refused_on_streams() {
    let only_whole: [(&'static str, SetHeader, &str); 3] = [
        ("target_model", |headers, value| headers.target_model = Some(value), "model.tar.gz"),
        ("enable_explanations", |headers, value| headers.enable_explanations = Some(value), "`true`"),
        ("session_id", |headers, value| headers.session_id = Some(value), "NEW_SESSION"),
    ];
    for (param, set, value) in only_whole {
        let mut settings = Settings::default();
        set(&mut settings.headers, value.to_owned());
        let (transport, client) = counted(settings);
        let error = client.chat_stream(question("sagemaker_chat/e")).await.unwrap_err();
        refusal(ErrorKind::InvalidRequest, param, "whole repl").check(param, &error);
        assert_eq!(transport.count(), 0);
    }
}

#[tokio::test]
async fn a_header_of_the_signature_or_the_connection_is_refused() {
    for name in [
        "authorization",
        "host",
        "content-length",
        "transfer-encoding",
        "connection",
        "x-amz-date",
        "x-amz-security-token",
    ] {
        let mut settings = Settings::default();
        settings.extra_headers =
            HeaderMap::from_iter([(HeaderName::from_static(name), HeaderValue::from_static("the-value"))]);
        let (transport, client) = counted(settings);
        let error = client.chat(question("sagemaker/e")).await.unwrap_err();
        refusal(ErrorKind::InvalidRequest, "extra_headers", "leave it out").check(name, &error);
        assert!(error.to_string().contains(name) && !error.to_string().contains("the-value"), "{error}");
        assert_eq!(transport.count(), 0);
    }
}

async fn asked(sagemaker: &SageMaker) -> Error {
    sagemaker.chat(question("sagemaker/e"), &CallContext::new()).await.unwrap_err()
}

fn over(world: World, transport: &Arc<CountingTransport>) -> sagewire::SageMakerBuilder {
    SageMaker::builder().world(world).transport(transport.clone())
}

#[tokio::test]
async fn missing_credentials_and_regions_are_named_with_what_to_set() {
    let (transport, _) = counted(Settings::default());
    let no_instance = ("AWS_EC2_METADATA_DISABLED", "true");
    let no_region = over(world_with([no_instance]), &transport).keys("id", "secret").build().unwrap();
    refusal(ErrorKind::Configuration, "aws_region_name", "set `aws_region_name`, `AWS_REGION`")
        .check("no region", &asked(&no_region).await);

    let no_keys = over(world_with([no_instance, ("AWS_REGION", "us-east-1")]), &transport).build().unwrap();
    let error = asked(&no_keys).await;
    refusal(ErrorKind::Authentication, None, "no AWS credentials").check("no credentials", &error);
    assert!(error.to_string().contains("AWS_ACCESS_KEY_ID"), "{error}");

    let half = world_with([no_instance, ("AWS_REGION", "us-east-1"), ("AWS_ACCESS_KEY_ID", "id")]);
    let error = asked(&over(half, &transport).build().unwrap()).await;
    assert!(sentences(&error).concat().contains("AWS_SECRET_ACCESS_KEY"), "{error}");
    assert!([ErrorKind::Configuration, ErrorKind::Authentication].contains(&error.kind()), "{error:?}");
    assert_eq!(transport.count(), 0);
}

#[tokio::test]
async fn a_wrong_region_or_url_is_named() {
    for region in ["", "us east 1", "us-east-1/../..", "é", "host.example#"] {
        let error = SageMaker::builder().region(region).build().unwrap_err();
        refusal(ErrorKind::Configuration, "aws_region_name", "").check(region, &error);
        if region.is_empty() {
            continue;
        }
        let (transport, _) = counted(Settings::default());
        let world = world_with([("AWS_REGION", region)]);
        let error = asked(&over(world, &transport).keys("id", "secret").build().unwrap()).await;
        refusal(ErrorKind::Configuration, "aws_region_name", "").check(region, &error);
        assert_eq!(transport.count(), 0);
    }
    for url in ["host", "ftp://host", "http://", "https://user:pass-word@host", "http://[::1", "http://a b"] {
        let (transport, _) = counted(Settings::default());
        let error = asked(&builder_for(url).transport(transport.clone()).build().unwrap()).await;
        refusal(ErrorKind::Configuration, "sagemaker_base_url", "https://host").check(url, &error);
        assert!(!format!("{error:?}{:?}", sentences(&error)).contains("pass-word"));
        assert_eq!(transport.count(), 0);
    }
}

/// A port on this machine where nobody listens.
fn closed_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[tokio::test]
async fn a_host_that_cannot_be_reached_is_named_with_what_to_check() {
    let port = closed_port();
    for url in
        [format!("http://127.0.0.1:{port}"), format!("https://127.0.0.1:{port}"), "http://host.invalid".to_owned()]
    {
        let sagemaker = builder_for(&url).settings(tries(1)).build().unwrap();
        let error = asked(&sagemaker).await;
        assert_eq!(
            (error.kind(), error.is_retryable(), error.attempts()),
            (ErrorKind::Connection, true, 1),
            "{error:?}"
        );
        assert!(error.to_string().contains("check the region, the endpoint URL"), "{error}");
        assert!(sentences(&error).len() > 1, "the cause is kept: {error:?}");
    }
}

#[tokio::test]
async fn a_reply_in_no_known_form_is_named_and_not_repeated() {
    let emulator = start().await;
    let client = client_with(&emulator, tries(3));
    let secret_text = "the patient's name";
    let replies = [
        (Scripted::reply(200, "text/html", format!("<html>{secret_text}")), "a web page"),
        (Scripted::ok(""), "invalid JSON"),
        (Scripted::ok(format!("{{\"answers\": [\"{secret_text}\"]}}")), "shape"),
        (Scripted::ok("[]"), "shape"),
        (Scripted::ok("null"), "shape"),
        (Scripted::ok("7"), "shape"),
        (Scripted::ok("{\"choices\": 1}"), "shape"),
        (Scripted::ok(vec![0xff, 0xfe, b'{']), "not text"),
    ];
    for (script, says) in replies {
        for model in ["sagemaker/e", "sagemaker_chat/e"] {
            emulator.clear_received();
            emulator.enqueue("e", script.clone());
            let error = client.chat(question(model)).await.unwrap_err();
            refusal(ErrorKind::Decode, None, says).check((model, &script), &error);
            let received = emulator.received();
            assert_eq!((received.len(), error.attempts()), (1, 1), "{error:?}");
            assert_eq!(error.request_id(), Some(received[0].request_id.as_str()));
            assert!(!sentences(&error).concat().contains(secret_text), "{error:?}");
        }
        emulator.enqueue("e", script.clone());
        let error = client.embed(EmbedRequest::new("sagemaker/e", ["a"])).await;
        if let Err(error) = error {
            assert_eq!(error.kind(), ErrorKind::Decode, "{script:?}: {error}");
        }
    }
}

#[tokio::test]
async fn a_stream_of_something_else_is_an_error_before_its_first_chunk() {
    let emulator = start().await;
    let client = client_with(&emulator, tries(1));
    let scripts = [
        (
            Scripted::reply(200, "application/vnd.amazon.eventstream", "no frame at all, but long enough"),
            ErrorKind::StreamBroken,
        ),
        // Plain text in place of JSON is what a container says when it fails.
        (Scripted::reply(200, "application/json", "no JSON"), ErrorKind::ModelFailed),
        (Scripted::stream(["data: {\"predictions\": []}\n\n"]), ErrorKind::Decode),
        (Scripted::stream(["hello\n"]), ErrorKind::ModelFailed),
        (Scripted::stream(Vec::<String>::new()), ErrorKind::StreamBroken),
    ];
    for (script, kind) in scripts {
        for model in ["sagemaker/e", "sagemaker_chat/e"] {
            emulator.enqueue("e", script.clone());
            let error = client.chat_stream(question(model)).await.unwrap_err();
            assert_eq!(error.kind(), kind, "{model} {script:?}: {error}");
            assert!(error.request_id().is_some());
        }
    }
}
