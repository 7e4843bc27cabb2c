//! `--probe`: one short request to each model, so that a guess becomes knowledge.

use std::time::Duration;

use futures_util::{StreamExt, stream};
use sagewire::{
    AudioForm, CallContext, ChatRequest, EmbedRequest, Error, Message, Provider, RerankRequest, SageMaker, Settings,
    TranscribeRequest, credentials::seam::World,
};
use sagewire_discovery::{Found, Serves};
use serde_json::Value;
use tokio::time::Instant;

use crate::{Failure, terminal};

/// How many models are asked at the same time.
const AT_ONCE: usize = 4;

/// How long a model may take. It is awake.
const LIMIT: Duration = Duration::from_secs(30);

/// What came of asking a model.
#[derive(Debug)]
pub(super) struct Finding {
    pub(super) name: String,
    pub(super) outcome: String,
}

/// Asks every model that can be called and is awake, if the person agrees. An asynchronous endpoint
/// answers when its queue comes to it: it is not asked.
pub(super) async fn ask(
    found: &[Found],
    profile: Option<&str>,
    world: &World,
    is_agreed: bool,
) -> Result<Vec<Finding>, Failure> {
    let answers_now =
        |found: &&Found| found.is_callable() && !found.deployment.asleep && !found.deployment.asynchronous;
    let awake: Vec<_> = found.iter().filter(answers_now).collect();
    let question = format!("Send one short request to each of {} models?", awake.len());
    if awake.is_empty() || !(is_agreed || super::confirm(&question)?) {
        return Ok(Vec::new());
    }
    Ok(stream::iter(awake).map(|found| finding(found, profile, world)).buffered(AT_ONCE).collect().await)
}

async fn finding(found: &Found, profile: Option<&str>, world: &World) -> Finding {
    let begun = Instant::now();
    let outcome = match tokio::time::timeout(LIMIT, one(found, profile, world)).await {
        Ok(Ok(())) => format!("it answered within {:.1} s", begun.elapsed().as_secs_f64()),
        Ok(Err(error)) => format!("it failed: {error}"),
        Err(_) => format!("no answer within {} s", LIMIT.as_secs()),
    };
    terminal::aside(format_args!("{}: {outcome}", found.name));
    Finding { name: found.name.clone(), outcome }
}

async fn one(found: &Found, profile: Option<&str>, world: &World) -> Result<(), Error> {
    let mut params = found.deployment.litellm_params(&found.region);
    if let Some(profile) = profile {
        params.insert("aws_profile_name".to_owned(), profile.into());
    }
    let model = params.get("model").and_then(Value::as_str).unwrap_or_default().to_owned();
    let settings = Settings::from_litellm_params(params, world)?;
    let provider = SageMaker::builder().world(world.clone()).settings(settings).build()?;
    let context = CallContext::new();
    match found.deployment.serves {
        Serves::Embeddings(_) => provider.embed(EmbedRequest::new(model, "hi"), &context).await.map(|_| ()),
        Serves::Rerank(_) => provider.rerank(RerankRequest::new(model, "hi", ["hi"]), &context).await.map(|_| ()),
        Serves::Transcription(_) => {
            let request = TranscribeRequest::new(model, AudioForm::silence()?);
            provider.transcribe(request, &context).await.map(|_| ())
        }
        _ => {
            let request = ChatRequest::new(model, [Message::user("hi")]).with_max_tokens(1);
            provider.chat(request, &context).await.map(|_| ())
        }
    }
}
