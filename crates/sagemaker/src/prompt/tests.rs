use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use sagewire_chat_template::{ChatTemplate, Limits, SpecialTokens};
use sagewire_credentials::seam::{HttpClient, HttpError, MapEnv, RequestOptions, World};
use sagewire_types::{CallContext, ChatResponse, Content, ContentPart, Message, Provider};
use serde_json::json;

use super::*;
use crate::{Body, SageMaker, Settings, TemplateChoice, Timeouts, Transport, TransportError};

mod tools;

const KWARGS: &str = "chat_template_kwargs";

/// An endpoint that keeps the bodies it is sent, and always writes the same text.
#[derive(Clone, Debug, Default)]
struct Kept {
    bodies: Arc<Mutex<Vec<Value>>>,
    text: &'static str,
}

#[async_trait]
impl Transport for Kept {
    async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<Body>, TransportError> {
        self.bodies.lock().unwrap().push(serde_json::from_slice(request.body()).unwrap());
        let reply = Bytes::from(json!([{ "generated_text": self.text }]).to_string());
        Ok(http::Response::new(Body::new(futures_util::stream::iter([Ok(reply)]))))
    }
}

async fn send(world: World, settings: Settings, request: ChatRequest) -> Result<Value, Error> {
    Ok(ask(world, settings, request, "ok").await?.0)
}

/// The body that a container is sent, and what becomes of the text that it answers.
async fn ask(
    world: World,
    settings: Settings,
    request: ChatRequest,
    text: &'static str,
) -> Result<(Value, ChatResponse), Error> {
    let kept = Kept { text, ..Kept::default() };
    let provider = SageMaker::builder().world(world).region("us-east-1").keys("id", "secret").transport(kept.clone());
    let reply = provider.settings(settings).build()?.chat(request, &CallContext::new()).await?;
    let bodies = kept.bodies.lock().unwrap();
    assert_eq!(bodies.len(), 1);
    Ok((bodies[0].clone(), reply.value))
}

fn jinja(source: &str) -> Settings {
    let template = ChatTemplate::from_jinja(source, SpecialTokens::new().with("bos_token", "<s>")).unwrap();
    Settings { template: Some(TemplateChoice::Template(template)), ..Settings::default() }
}

fn question() -> ChatRequest {
    ChatRequest::new("sagemaker/e", [Message::user("hi")])
}

async fn prompt(settings: Settings, request: ChatRequest) -> Result<String, Error> {
    let body = send(World::builder().build(), settings, request).await?;
    Ok(body["inputs"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn the_templates_variables_are_the_callers_and_do_not_reach_the_container() {
    let settings = || jinja("{{ bos_token }}{{ enable_thinking }}{{ add_generation_prompt }}");
    let kwargs = json!({"enable_thinking": false});
    for request in [
        question().with_parameter(KWARGS, kwargs.clone()).with_parameter("top_k", 3),
        question().with_parameter("extra_body", json!({KWARGS: kwargs, "parameters": {"top_k": 3}})),
        question()
            .with_parameter(KWARGS, Value::Null)
            .with_parameter("extra_body", json!({KWARGS: kwargs, "parameters": {"top_k": 3}})),
    ] {
        let body = send(World::builder().build(), settings(), request).await.unwrap();
        assert_eq!(body, json!({"inputs": "<s>FalseTrue", "parameters": {"details": true, "top_k": 3}}));
    }
    let defaults =
        Settings { defaults: Some(Arc::new(ChatRequest::default().with_parameter(KWARGS, kwargs))), ..settings() };
    assert_eq!(prompt(defaults, question()).await.unwrap(), "<s>FalseTrue");
}

#[tokio::test]
async fn variables_that_cannot_be_are_the_callers_fault() {
    for kwargs in [json!("x"), json!([1]), json!({"messages": []})] {
        let error = prompt(jinja("x"), question().with_parameter(KWARGS, kwargs)).await.unwrap_err();
        assert_eq!((error.kind(), error.param()), (ErrorKind::InvalidRequest, Some(KWARGS)), "{error}");
    }
}

#[tokio::test]
async fn a_refusal_is_the_conversations_fault_and_a_bad_template_the_operators() {
    for (source, kind, param) in [
        ("{{ raise_exception('only users') }}", ErrorKind::InvalidRequest, "messages"),
        ("{{ messages[5].content }}", ErrorKind::InvalidRequest, "messages"),
        ("{{ messages.append(1) }}", ErrorKind::Configuration, "chat_template"),
        ("{{ 'x'.index('y') }}", ErrorKind::Configuration, "chat_template"),
    ] {
        let error = prompt(jinja(source), question()).await.unwrap_err();
        assert_eq!((error.kind(), error.param()), (kind, Some(param)), "{source}: {error}");
        assert!(std::error::Error::source(&error).is_some());
        if source.contains("only users") {
            assert!(error.to_string().contains("only users"), "{error}");
        }
    }
}

#[tokio::test]
async fn every_form_of_content_has_a_prompt_and_images_have_none() {
    let parts = Content::Parts(vec![ContentPart::text("a"), ContentPart::text("b")]);
    let mut silent = Message::assistant("");
    silent.content = None;
    let request = ChatRequest::new("sagemaker/e", [Message::user(parts), silent, Message::user("c")]);
    assert_eq!(prompt(Settings::default(), request).await.unwrap(), "ab c");

    let image = Content::Parts(vec![ContentPart::image_url("data:,x")]);
    let error = prompt(Settings::default(), ChatRequest::new("sagemaker/e", [Message::user(image)])).await.unwrap_err();
    assert_eq!((error.kind(), error.param()), (ErrorKind::Unsupported, Some("messages")));
}

/// A Hub that never answers.
#[derive(Debug)]
struct Silent;

#[async_trait]
impl HttpClient for Silent {
    async fn send(&self, _: http::Request<Bytes>, _: &RequestOptions) -> Result<http::Response<Bytes>, HttpError> {
        std::future::pending().await
    }
}

#[tokio::test(start_paused = true)]
async fn a_look_up_takes_no_longer_than_the_call_may() {
    let world = World::builder().with_env(MapEnv::new()).with_http(Silent).build();
    let settings = Settings {
        hf_model_name: Some("acme/model".to_owned()),
        hub_access: Some(true),
        timeouts: Timeouts { total: Some(Duration::from_secs(7)), ..Timeouts::default() },
        ..Settings::default()
    };
    let before = tokio::time::Instant::now();
    let error = send(world, settings, question()).await.unwrap_err();
    assert_eq!((error.kind(), before.elapsed().as_secs()), (ErrorKind::Timeout, 7));
}

#[tokio::test]
async fn what_shapes_the_prompt_reaches_the_template_and_not_the_container() {
    let settings = || {
        jinja(
            "{{ add_generation_prompt }}{% for d in documents or [] %}[{{ d.text }}]{% endfor %}{{ messages[-1].content }}!",
        )
    };
    let cases = [
        (json!({"add_generation_prompt": false}), "Falsehi!"),
        (json!({"documents": [{"text": "d"}]}), "True[d]hi!"),
        (json!({"continue_final_message": true}), "Falsehi"),
        (json!({"documents": null, "add_generation_prompt": null}), "Truehi!"),
    ];
    for (given, expected) in cases {
        for within in [false, true] {
            let given = if within { json!({ "extra_body": given }) } else { given.clone() };
            let request = given
                .as_object()
                .unwrap()
                .iter()
                .fold(question(), |request, (name, value)| request.with_parameter(name.as_str(), value.clone()));
            let body = send(World::builder().build(), settings(), request).await.unwrap();
            assert_eq!(body, json!({"inputs": expected, "parameters": {"details": true}}), "{given}");
        }
    }
    for (name, value) in [
        ("documents", json!("d")),
        ("documents", json!([1])),
        ("add_generation_prompt", json!(1)),
        ("continue_final_message", json!("yes")),
    ] {
        let error = prompt(settings(), question().with_parameter(name, value)).await.unwrap_err();
        assert_eq!((error.kind(), error.param()), (ErrorKind::InvalidRequest, Some(name)), "{error}");
    }
}

/// A template whose rendering would take hours, as far as its own limits go.
fn endless() -> Settings {
    let loops = "{% for a in range(100000) %}".repeat(4) + "{{ a }}" + &"{% endfor %}".repeat(4);
    let limits = Limits::default().fuel(u64::MAX).output_bytes(usize::MAX);
    let template = ChatTemplate::from_jinja_within(
        &loops.replace("{{ a }}", "{% if a|string == '' %}{% endif %}"),
        SpecialTokens::new(),
        limits,
    );
    Settings { template: Some(TemplateChoice::Template(template.unwrap())), ..Settings::default() }
}

#[tokio::test(start_paused = true)]
async fn a_rendering_holds_up_no_other_task_and_ends_with_the_call() {
    let settings =
        Settings { timeouts: Timeouts { total: Some(Duration::from_secs(7)), ..Timeouts::default() }, ..endless() };
    let call = tokio::spawn(send(World::builder().build(), settings, question()));
    // The call is on its way, and this task goes on.
    tokio::task::yield_now().await;
    tokio::time::advance(Duration::from_secs(8)).await;
    assert_eq!(call.await.unwrap().unwrap_err().kind(), ErrorKind::Timeout);
}

#[tokio::test]
async fn a_rendering_ends_when_its_caller_is_gone() {
    let renderings = Renderings::default();
    let Some(TemplateChoice::Template(template)) = endless().template else { unreachable!() };
    let rendering = || Rendering {
        template: template.clone(),
        messages: vec![json!({"role": "user", "content": "hi"})],
        tools: Vec::new(),
        parameters: PromptParameters::default(),
        now: std::time::UNIX_EPOCH,
    };
    // More than there are places for: each is given up while it waits or renders, and gives its place
    // back.
    for _ in 0..8 {
        assert!(tokio::time::timeout(Duration::ZERO, renderings.render(rendering(), None)).await.is_err());
    }
    let short =
        ChatTemplate::from_jinja("{% for a in range(99999) %}{{ a }}{% endfor %}", SpecialTokens::new()).unwrap();
    let done = renderings.render(Rendering { template: short, ..rendering() }, None).await.unwrap();
    assert!(done.starts_with("0123") && done.ends_with("99998"));
}
