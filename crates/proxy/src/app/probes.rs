//! Whether deployments answer: real calls, few and never by accident.
//!
//! Owns the probes, their budget, and what the last one of each deployment found. Nothing here runs
//! unless the operator asks for it: by `?probe=true`, or by `background_health_checks`.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use sagewire_types::{
    AudioForm, CallContext, ChatRequest, CompletionRequest, EmbedRequest, Error, ForwardRequest, Message,
    RerankRequest, TranscribeRequest,
};
use tokio::time::Instant;

use crate::{
    app::{App, Probe, ServedDeployment, State},
    config::Mode,
    http::disclosure::Disclosure,
};

/// What the last probe of a deployment found.
#[derive(Clone, Debug)]
pub(crate) struct Finding {
    pub(crate) at_unix: u64,
    /// What went wrong, as the operator may see it.
    pub(crate) error: Option<String>,
    pub(crate) took: Duration,
}

/// The last findings, and how many probes were made of late.
#[derive(Debug, Default)]
pub(crate) struct HealthRecords {
    findings: Mutex<HashMap<String, Finding>>,
    minute: Mutex<Option<(Instant, u64)>>,
}

impl HealthRecords {
    pub(crate) fn of(&self, id: &str) -> Option<Finding> {
        self.findings.lock().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }

    fn put(&self, id: &str, finding: Finding) {
        self.findings.lock().unwrap_or_else(PoisonError::into_inner).insert(id.to_owned(), finding);
    }

    /// Whether another probe is within the budget; if so, it is counted.
    fn spend(&self, per_minute: u64) -> bool {
        let now = Instant::now();
        let mut minute = self.minute.lock().unwrap_or_else(PoisonError::into_inner);
        let (began, used) = match *minute {
            Some((began, used)) if now.duration_since(began) < Duration::from_secs(60) => (began, used),
            _ => (now, 0),
        };
        let allowed = used < per_minute;
        *minute = Some((began, used + u64::from(allowed)));
        allowed
    }
}

/// Probes every deployment once, one after another, as far as the budget goes. Says how many were
/// left out.
pub(crate) async fn probe_all(state: &State) -> usize {
    let mut left_out = 0;
    for deployment in
        state.models.iter().filter(|model| !model.is_wildcard() && !model.is_alias).flat_map(|model| &model.deployments)
    {
        let Some(probe) = &deployment.probe else { continue };
        if state.lasting.health.spend(state.settings.health_check.max_probes_per_minute) {
            let finding = probe_one(state, deployment, probe).await;
            state.lasting.health.put(&deployment.id, finding);
        } else {
            left_out += 1;
        }
    }
    left_out
}

async fn probe_one(state: &State, deployment: &ServedDeployment, probe: &Probe) -> Finding {
    let started = Instant::now();
    let limit = state.settings.health_check.timeout;
    let context = probe.context.clone().with_deadline((started + limit).into_std());
    let asked = async {
        match deployment.mode.unwrap_or_default() {
            Mode::Embedding => {
                probe.provider.embed(EmbedRequest::new(&deployment.model, "hi"), &context).await.map(|_| ())
            }
            Mode::Completion => {
                let mut request = CompletionRequest::new(&deployment.model, "hi");
                request.max_tokens = Some(1);
                probe.provider.complete(request, &context).await.map(|_| ())
            }
            Mode::Rerank => {
                probe.provider.rerank(RerankRequest::new(&deployment.model, "hi", ["hi"]), &context).await.map(|_| ())
            }
            Mode::AudioSpeech => forward(deployment, probe, &context, "/v1/audio/speech", r#"{"input":"hi"}"#).await,
            Mode::ImageGeneration => {
                let body = r#"{"prompt":"a dot","n":1,"size":"256x256"}"#;
                forward(deployment, probe, &context, "/v1/images/generations", body).await
            }
            Mode::AudioTranscription => transcribe(deployment, probe, &context).await,
            Mode::Chat => {
                let request = ChatRequest::new(&deployment.model, [Message::user("hi")]).with_max_tokens(1);
                probe.provider.chat(request, &context).await.map(|_| ())
            }
        }
    };
    let error = match tokio::time::timeout(limit, asked).await {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(shown(&error)),
        Err(_) => Some(format!("no answer within {} seconds", limit.as_secs_f64())),
    };
    Finding { at_unix: state.clock.unix(), error, took: started.elapsed() }
}

/// Asks for the text of a moment of silence.
async fn transcribe(deployment: &ServedDeployment, probe: &Probe, context: &CallContext) -> Result<(), Error> {
    let request = TranscribeRequest::new(&deployment.model, AudioForm::silence()?);
    probe.provider.transcribe(request, context).await.map(|_| ())
}

/// Asks a route of the container's own.
async fn forward(
    deployment: &ServedDeployment,
    probe: &Probe,
    context: &CallContext,
    path: &str,
    body: &'static str,
) -> Result<(), Error> {
    let request = ForwardRequest::new(&deployment.model, path, body).checked();
    probe.provider.forward(request, context).await.map(|_| ())
}

fn shown(error: &Error) -> String {
    format!("{}: {}", error.kind(), Disclosure::none().message(error))
}

/// Probes every deployment at this interval until the future is dropped. `current` gives the app of
/// the moment.
pub(crate) async fn probe_in_background(current: impl Fn() -> App) {
    /// How often a reload that turns the probes on is noticed.
    const IDLE: Duration = Duration::from_secs(5);
    loop {
        let app = current();
        match app.background_health_checks() {
            Some(interval) => {
                probe_all(app.state()).await;
                tokio::time::sleep(interval).await;
            }
            None => tokio::time::sleep(IDLE).await,
        }
    }
}
