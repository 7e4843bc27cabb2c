//! Everything that a program needs is in the facade.

use std::sync::Arc;

use sagewire::{
    Answer, Call, CallContext, ChatRequest, ChatResponse, Client, CompletionRequest, EmbedRequest, Error, ErrorKind,
    Extension, FinishReason, ForwardRequest, Message, Provider, Reply,
};
use sagewire_tests::endpoint::{question, sagemaker, start};

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

/// Whom a call is for.
#[derive(Clone, Copy)]
struct Tenant(&'static str);

impl Extension for Tenant {}

/// Answers with what its call's context holds.
#[derive(Debug)]
struct Contextual;

#[async_trait::async_trait]
impl Provider for Contextual {
    async fn call(&self, call: Call, context: &CallContext) -> Result<Answer, Error> {
        let said = format!("{} for {}", call.operation(), context.get().map_or("nobody", |Tenant(name)| name));
        match call {
            Call::Chat(request) => Ok(Reply::new(ChatResponse::text(request.model, said, FinishReason::Stop)).into()),
            _ => Err(Error::new(ErrorKind::Unsupported, said)),
        }
    }
}

#[tokio::test]
async fn every_operation_is_there_with_a_context_and_without() {
    let client = Client::builder().provider("mine", Arc::new(Contextual)).build();
    let alice = CallContext::new().with(Tenant("alice"));
    let chat = || ChatRequest::new("mine/m", [Message::user("hi")]);
    let completion = || CompletionRequest::new("mine/m", "hi");
    let embedding = || EmbedRequest::new("mine/m", "hi");
    let forward = || ForwardRequest::new("mine/m", "/v1/rerank", "{}");
    assert_eq!(client.chat(chat()).await.unwrap().value.content(), "chat for nobody");
    assert_eq!(client.chat_with(chat(), &alice).await.unwrap().value.content(), "chat for alice");
    // What the provider does not have it names, with whom it was for.
    macro_rules! refused {
        ($operation:ident, $with:ident, $request:expr) => {
            let name = stringify!($operation);
            let error = client.$operation($request).await.unwrap_err();
            assert_eq!(error.message(), format!("{name} for nobody"));
            let error = client.$with($request, &alice).await.unwrap_err();
            assert_eq!(error.message(), format!("{name} for alice"));
        };
    }
    refused!(chat_stream, chat_stream_with, chat());
    refused!(complete, complete_with, completion());
    refused!(complete_stream, complete_stream_with, completion());
    refused!(embed, embed_with, embedding());
    refused!(forward, forward_with, forward());
    refused!(forward_stream, forward_stream_with, forward());
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
