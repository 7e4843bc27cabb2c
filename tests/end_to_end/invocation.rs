//! SageMaker's own headers, sessions and asynchronous inferences: what is sent is signed, and what
//! comes back is typed.

use std::time::Duration;

use async_trait::async_trait;
use futures_util::StreamExt as _;
use sagewire::{CallContext, ErrorKind, Provider, Settings};
use sagewire_emulator::{Container, ContainerReply, Emulator, Invocation};
use sagewire_sagemaker::{AsyncInvocation, ConnectTimeout};
use sagewire_tests::{
    endpoint::{builder_for, question, sagemaker, start},
    replies::{tgi_reply, tgi_stream},
    transport::{Answer, ScriptedTransport, part},
};

/// Answers, and speaks of itself in the headers.
#[derive(Debug)]
struct Talkative;

#[async_trait]
impl Container for Talkative {
    async fn invoke(&self, invocation: Invocation) -> ContainerReply {
        let reply = if invocation.is_streaming() {
            ContainerReply::new(200, "text/event-stream", tgi_stream(&["One"]))
        } else {
            ContainerReply::new(200, "application/json", tgi_reply("One"))
        };
        reply.with_custom_attributes("seen=true").closing_session("closed-1")
    }
}

fn signed(request: &sagewire_emulator::Received) -> String {
    let authorization = request.header("authorization").unwrap();
    authorization.split("SignedHeaders=").nth(1).unwrap().split(',').next().unwrap().to_owned()
}

#[tokio::test]
async fn every_header_is_sent_signed_and_every_header_of_the_reply_is_typed() {
    let emulator = Emulator::builder().endpoint("e", Talkative).start().await.unwrap();
    let sagemaker = sagemaker(&emulator);
    let mut settings = Settings::default();
    let headers = &mut settings.headers;
    headers.inference_component = Some("component".to_owned());
    headers.target_variant = Some("blue".to_owned());
    headers.target_container_hostname = Some("second".to_owned());
    headers.inference_id = Some("id 1".to_owned());
    headers.custom_attributes = Some("accept_eula=true".to_owned());
    headers.prefix_aware_id = Some("prefix".to_owned());
    let streamed = CallContext::new().with(settings.clone());
    settings.headers.target_model = Some("model.tar.gz".to_owned());
    settings.headers.enable_explanations = Some("`true`".to_owned());
    let whole = CallContext::new().with(settings);

    let reply = sagemaker.chat(question("sagemaker/e"), &whole).await.unwrap();
    let stream = sagemaker.chat_stream(question("sagemaker/e"), &streamed).await.unwrap();
    for meta in [&reply.meta, &stream.meta] {
        assert!(meta.request_id.is_some() && meta.invoked_production_variant.is_some(), "{meta:?}");
        assert_eq!(meta.custom_attributes.as_deref(), Some("seen=true"));
    }
    assert_eq!(reply.meta.closed_session_id.as_deref(), Some("closed-1"));
    drop(stream.collect::<Vec<_>>().await);

    let received = emulator.received();
    let common = [
        ("x-amzn-sagemaker-inference-component", "component"),
        ("x-amzn-sagemaker-target-variant", "blue"),
        ("x-amzn-sagemaker-target-container-hostname", "second"),
        ("x-amzn-sagemaker-inference-id", "id 1"),
        ("x-amzn-sagemaker-custom-attributes", "accept_eula=true"),
        ("x-amzn-sagemaker-prefix-aware-id", "prefix"),
    ];
    let on_whole = [
        ("accept", "application/json"),
        ("x-amzn-sagemaker-target-model", "model.tar.gz"),
        ("x-amzn-sagemaker-enable-explanations", "`true`"),
    ];
    let on_stream = [("x-amzn-sagemaker-accept", "application/json")];
    let expected: [(usize, Vec<_>, &str); 2] = [
        (0, common.iter().chain(&on_whole).collect(), "x-amzn-sagemaker-accept"),
        (1, common.iter().chain(&on_stream).collect(), "x-amzn-sagemaker-target-model"),
    ];
    for (place, headers, absent) in expected {
        let (request, signed) = (&received[place], signed(&received[place]));
        for (name, value) in headers {
            assert_eq!(request.header(name), Some(*value), "{name}");
            let is_sagemakers = name.starts_with("x-amzn-");
            assert!(!is_sagemakers || signed.split(';').any(|signed| signed == *name), "{name} is not among {signed}");
        }
        assert_eq!(request.header(absent), None);
        assert!(request.accepted);
    }
}

#[tokio::test]
async fn a_session_is_opened_kept_and_named_with_its_end() {
    let emulator = start().await;
    let sagemaker = sagemaker(&emulator);
    let session = |id: &str| {
        let mut settings = Settings::default();
        settings.headers.session_id = Some(id.to_owned());
        CallContext::new().with(settings)
    };
    let opened = sagemaker.chat(question("sagemaker/tgi"), &session("NEW_SESSION")).await.unwrap();
    let new = opened.meta.new_session.unwrap();
    assert!(!new.id.is_empty() && new.expires.is_some_and(|expires| expires.ends_with('Z')));
    let kept = sagemaker.chat(question("sagemaker/tgi"), &session(&new.id)).await.unwrap();
    assert_eq!(kept.meta.new_session, None);
    assert_eq!(emulator.received()[1].header("x-amzn-sagemaker-session-id"), Some(new.id.as_str()));
}

#[tokio::test]
async fn an_asynchronous_inference_gives_its_id_and_where_its_result_will_be() {
    let emulator = start().await;
    let sagemaker = sagemaker(&emulator);
    let mut settings = Settings::default();
    settings.headers.inference_id = Some("mine".to_owned());
    settings.headers.custom_attributes = Some("a=b".to_owned());
    let context = CallContext::new().with(settings);

    let mut far = AsyncInvocation::at("sagemaker/tgi", "s3://bucket/input.json");
    far.accept = Some("application/json".to_owned());
    far.request_ttl = Some(Duration::from_secs(60));
    far.invocation_timeout = Some(Duration::from_secs(3600));
    far.s3_output_path_extension = Some("a/b".to_owned());
    far.filename = Some("c.json".to_owned());
    let receipt = sagemaker.invoke_async(far, &context).await.unwrap();
    assert_eq!(receipt.value.inference_id, "mine");
    assert!(receipt.value.output_location.is_some_and(|location| location.contains("c.json")));
    assert!(receipt.meta.request_id.is_some());

    let near = AsyncInvocation::inline("sagemaker/tgi", r#"{"inputs": "hi"}"#);
    let receipt = sagemaker.invoke_async(near, &CallContext::new()).await.unwrap().value;
    assert!(
        !receipt.inference_id.is_empty() && receipt.output_location.is_some() && receipt.failure_location.is_some()
    );

    let received = emulator.received();
    let headers = [
        ("x-amzn-sagemaker-inputlocation", "s3://bucket/input.json"),
        ("x-amzn-sagemaker-content-type", "application/json"),
        ("x-amzn-sagemaker-accept", "application/json"),
        ("x-amzn-sagemaker-requestttlseconds", "60"),
        ("x-amzn-sagemaker-invocationtimeoutseconds", "3600"),
        ("x-amzn-sagemaker-s3outputpathextension", "a/b"),
        ("x-amzn-sagemaker-filename", "c.json"),
        ("x-amzn-sagemaker-inference-id", "mine"),
        ("x-amzn-sagemaker-custom-attributes", "a=b"),
    ];
    for (name, value) in headers {
        assert_eq!(received[0].header(name), Some(value), "{name}");
        assert!(signed(&received[0]).contains(name), "{name} is not signed");
    }
    assert_eq!((received[0].path.as_str(), received[0].body.len()), ("/endpoints/tgi/async-invocations", 0));
    assert_eq!(received[1].body, r#"{"inputs": "hi"}"#);
}

#[tokio::test]
async fn an_asynchronous_inference_that_aws_would_refuse_is_not_sent() {
    let emulator = start().await;
    let sagemaker = sagemaker(&emulator);
    let inline = || AsyncInvocation::inline("sagemaker/tgi", "{}");
    let with = |change: fn(&mut AsyncInvocation)| {
        let mut invocation = inline();
        change(&mut invocation);
        invocation
    };
    let cases = [
        ("input", AsyncInvocation::at("sagemaker/tgi", "ftp://bucket/x")),
        ("input", AsyncInvocation::inline("sagemaker/tgi", vec![b' '; 128_001])),
        ("request_ttl", with(|invocation| invocation.request_ttl = Some(Duration::from_secs(59)))),
        ("invocation_timeout", with(|invocation| invocation.invocation_timeout = Some(Duration::from_secs(3601)))),
        ("filename", with(|invocation| invocation.filename = Some("x".repeat(33)))),
        ("s3_output_path_extension", with(|invocation| invocation.s3_output_path_extension = Some(String::new()))),
        ("accept", with(|invocation| invocation.accept = Some("\n".to_owned()))),
    ];
    for (param, invocation) in cases {
        let error = sagemaker.invoke_async(invocation, &CallContext::new()).await.unwrap_err();
        assert_eq!((error.kind(), error.param()), (ErrorKind::InvalidRequest, Some(param)));
    }
    let mut settings = Settings::default();
    settings.headers.inference_component = Some("component".to_owned());
    let error = sagemaker.invoke_async(inline(), &CallContext::new().with(settings)).await.unwrap_err();
    assert_eq!(error.param(), Some("model_id"));
    assert_eq!(emulator.received().len(), 0);
}

#[tokio::test]
async fn a_url_with_a_path_is_used_as_it_stands_for_streams_too() {
    let plain = Answer::Reply(
        200,
        vec![("content-type", "text/event-stream".to_owned())],
        vec![sagewire_tests::transport::Piece::Bytes(tgi_stream(&["One", " two"]).into())],
    );
    let framed = Answer::stream([part(tgi_stream(&["One", " two"]))]);
    let transport = ScriptedTransport::new([plain, framed]);
    let sagemaker = builder_for("http://host.invalid/invocations").transport(transport.clone()).build().unwrap();
    for _ in 0..2 {
        let stream = sagemaker.chat_stream(question("sagemaker/any name"), &CallContext::new()).await.unwrap();
        assert_eq!(stream.collect_reply().await.unwrap().value.content(), "One two");
    }
    assert_eq!(transport.each(|sent| sent.request.uri().to_string()), vec!["http://host.invalid/invocations"; 2]);
}

#[tokio::test]
async fn the_limit_for_connecting_is_a_setting_of_a_call_too() {
    let transport = ScriptedTransport::new([Answer::json(200, tgi_reply("fine"))]);
    let sagemaker = builder_for("http://endpoint.invalid").transport(transport.clone()).build().unwrap();
    let mut settings = Settings::default();
    settings.timeouts.connect = Some(Duration::from_millis(70));
    for context in [CallContext::new(), CallContext::new().with(settings)] {
        sagemaker.chat(question("sagemaker/e"), &context).await.unwrap();
    }
    let limits = transport.each(|sent| sent.request.extensions().get::<ConnectTimeout>().map(|limit| limit.0));
    assert_eq!(limits, [None, Some(Duration::from_millis(70))]);
}
