//! The facade is thin, and everything that a program needs is in it.

use std::{fs, path::Path, sync::Arc};

use sagewire::{
    Answer, Call, CallContext, ChatRequest, ChatResponse, Client, Error, ErrorKind, FinishReason, Message, Provider,
    Reply,
};
use sagewire_tests::endpoint::{question, sagemaker, start};

const MOST_LINES: usize = 120;

#[test]
fn it_has_at_most_120_lines() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/sagewire/src");
    let files: Vec<_> = fs::read_dir(source).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(files.iter().all(|file| file.is_file()), "the facade has no folders: {files:?}");
    let lines: usize = files.iter().map(|file| fs::read_to_string(file).unwrap().lines().count()).sum();
    assert!((1..=MOST_LINES).contains(&lines), "{lines} lines");
}

/// Answers with its own name.
#[derive(Debug)]
struct Named(&'static str);

#[async_trait::async_trait]
impl Provider for Named {
    async fn call(&self, call: Call, _: &CallContext) -> Result<Answer, Error> {
        Ok(Reply::new(ChatResponse::text(call.model(), self.0, FinishReason::Stop)).into())
    }
}

#[tokio::test]
async fn each_prefix_reaches_its_own_provider() {
    let emulator = start().await;
    let client = Client::builder()
        .sagemaker(sagemaker(&emulator))
        .provider("mine", Arc::new(Named("one")))
        .provider("yours", Arc::new(Named("two")))
        .build();
    for (model, answer) in [("mine/m", "one"), ("yours/a/b", "two")] {
        let reply = client.chat(ChatRequest::new(model, [Message::user("hi")])).await.unwrap();
        assert_eq!((reply.value.content(), reply.value.model.as_str()), (answer, model));
    }
    assert!(emulator.received().is_empty());
    client.chat(question("sagemaker/tgi")).await.unwrap();
    client.chat(question("sagemaker_chat/messages")).await.unwrap();
    assert_eq!(emulator.received().len(), 2);
    let error = client.chat(question("other/m")).await.unwrap_err();
    assert_eq!((error.kind(), error.param()), (ErrorKind::InvalidRequest, Some("model")));
    for prefix in sagewire::SageMaker::PREFIXES.into_iter().chain(["mine", "yours"]) {
        assert!(error.to_string().contains(&format!("`{prefix}/`")), "{error}");
    }
}

#[tokio::test]
async fn a_client_is_a_provider_among_others() {
    let inner = Client::builder().provider("mine", Arc::new(Named("inner"))).build();
    let outer = Client::builder().provider("mine", Arc::new(inner)).build();
    let reply = outer.chat(ChatRequest::new("mine/m", [Message::user("hi")])).await.unwrap();
    assert_eq!(reply.value.content(), "inner");
}

/// Answers with what its call's context holds.
#[derive(Debug)]
struct Contextual;

#[async_trait::async_trait]
impl Provider for Contextual {
    async fn call(&self, call: Call, context: &CallContext) -> Result<Answer, Error> {
        let tenant = context.get::<&str>().copied().unwrap_or("nobody");
        Ok(Reply::new(ChatResponse::text(call.model(), tenant, FinishReason::Stop)).into())
    }
}

#[tokio::test]
async fn a_client_may_have_a_context_and_a_call_made_through_the_trait_has_its_own() {
    let client = Client::builder().provider("mine", Arc::new(Contextual)).build();
    let mine = client.with_context(CallContext::new().with("alice"));
    let request = || ChatRequest::new("mine/m", [Message::user("hi")]);
    for (client, answer) in [(&client, "nobody"), (&mine, "alice")] {
        assert_eq!(client.chat(request()).await.unwrap().value.content(), answer);
    }
    let own = CallContext::new().with("bob");
    assert_eq!(Provider::chat(&mine, request(), &own).await.unwrap().value.content(), "bob");
}

/// Under their full names, so that each is seen to be there.
mod re_exports {
    /// A type under two names.
    trait Same<T> {}
    impl<T> Same<T> for T {}
    fn is<A: Same<B>, B>() {}

    #[test]
    fn what_it_re_exports_are_the_crates_own_types() {
        is::<sagewire::ChatRequest, sagewire_types::ChatRequest>();
        is::<sagewire::EmbedRequest, sagewire_types::EmbedRequest>();
        is::<sagewire::CompletionRequest, sagewire_types::CompletionRequest>();
        is::<sagewire::CallContext, sagewire_types::CallContext>();
        is::<sagewire::Error, sagewire_types::Error>();
        is::<Box<dyn sagewire::Provider>, Box<dyn sagewire_types::Provider>>();
        is::<sagewire::SageMaker, sagewire_sagemaker::SageMaker>();
        is::<sagewire::SageMakerBuilder, sagewire_sagemaker::SageMakerBuilder>();
        is::<sagewire::Settings, sagewire_sagemaker::Settings>();
        is::<sagewire::Timeouts, sagewire_sagemaker::Timeouts>();
        is::<sagewire::InvocationHeaders, sagewire_sagemaker::InvocationHeaders>();
        is::<sagewire::ParameterPolicy, sagewire_sagemaker::ParameterPolicy>();
        is::<sagewire::credentials::Credentials, sagewire_credentials::Credentials>();
        is::<sagewire::credentials::seam::World, sagewire_credentials::seam::World>();
    }
}
