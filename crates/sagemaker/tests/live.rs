//! Calls to real endpoints of an AWS account, opt-in.
//!
//! `SAGEWIRE_LIVE_ENDPOINT=sagemaker_chat/my-endpoint` runs a chat, a stream and an error against
//! it; `SAGEWIRE_LIVE_EMBEDDING=sagemaker/my-embedder` an embedding; `SAGEWIRE_LIVE_COMPONENT`
//! names the inference component of both. Credentials and region are AWS's usual ones. It costs
//! what these calls cost. What is not set is reported as ignored: everything else is proven on the
//! emulator and on recorded traffic.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};
use sagewire_sagemaker::{SageMaker, Settings};
use sagewire_types::{CallContext, ChatRequest, EmbedRequest, ErrorKind, Message, Provider};

#[expect(clippy::disallowed_methods, reason = "the test's own settings, read once at its start")]
fn setting(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let (chat, embedding) = (setting("SAGEWIRE_LIVE_ENDPOINT"), setting("SAGEWIRE_LIVE_EMBEDDING"));
    let trials = vec![
        trial("chat", &chat, |model| run(whole(model))),
        trial("stream", &chat, |model| run(streamed(model))),
        trial("an_endpoint_that_is_not_there", &chat, |_| run(missing())),
        trial("embedding", &embedding, |model| run(embedded(model))),
    ];
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn trial(name: &str, model: &Option<String>, test: fn(String) -> Result<(), Failed>) -> Trial {
    let given = model.clone();
    let trial = Trial::test(format!("live::{name}"), move || given.map_or(Ok(()), test));
    trial.with_ignored_flag(model.is_none())
}

fn run(test: impl Future<Output = Result<(), Failed>>) -> Result<(), Failed> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test)
}

fn provider() -> Result<SageMaker, Failed> {
    let mut settings = Settings::default();
    settings.headers.inference_component = setting("SAGEWIRE_LIVE_COMPONENT");
    Ok(SageMaker::builder().settings(settings).build()?)
}

fn question(model: String) -> ChatRequest {
    ChatRequest::new(model, [Message::user("Say hello in one word.")]).with_max_tokens(16)
}

async fn whole(model: String) -> Result<(), Failed> {
    let reply = provider()?.chat(question(model), &CallContext::new()).await?;
    if reply.value.content().is_empty() || reply.meta.request_id.is_none() {
        return Err(format!("no answer or no request id: {reply:?}").into());
    }
    Ok(())
}

async fn streamed(model: String) -> Result<(), Failed> {
    let reply = provider()?.chat_stream(question(model), &CallContext::new()).await?.collect_reply().await?;
    if reply.value.content().is_empty() || reply.value.choices.iter().any(|choice| choice.finish_reason.is_none()) {
        return Err(format!("no answer or no end: {reply:?}").into());
    }
    Ok(())
}

async fn missing() -> Result<(), Failed> {
    let model = "sagemaker/sagewire-no-such-endpoint".to_owned();
    match provider()?.chat(question(model), &CallContext::new()).await {
        Err(error) if error.kind() == ErrorKind::NotFound && error.request_id().is_some() => Ok(()),
        other => Err(format!("{other:?}").into()),
    }
}

async fn embedded(model: String) -> Result<(), Failed> {
    let reply =
        provider()?.embed(EmbedRequest::new(model, ["good morning", "good night"]), &CallContext::new()).await?;
    let lengths: Vec<usize> = reply.value.data.iter().map(|item| item.floats().len()).collect();
    match lengths.as_slice() {
        [first, second] if first == second && *first > 0 => Ok(()),
        _ => Err(format!("vectors of lengths {lengths:?}").into()),
    }
}
