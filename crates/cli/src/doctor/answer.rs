//! Whether the endpoint answers, in which dialect, and which request it was given.

use std::sync::Arc;

use sagewire::{ChatDialect, Error, ErrorKind};
use tokio::time::Instant;

use super::{
    fix::{Case, fix},
    probe::{self, Kind, Probe},
    report::Step,
    skipped,
    watch::Log,
};

const REQUEST: &str = "request";
const ANSWER: &str = "answer";

/// The dialects that are tried where the one that is set is not understood, and how each is chosen.
const CHAT: [(&str, &str); 4] = [
    ("messages", "write the model as `sagemaker_chat/{}`"),
    ("tgi", "write the model as `sagemaker/{}`"),
    ("lmi", "write the model as `sagemaker/{}` with `dialect: lmi` (`--dialect lmi`)"),
    ("jumpstart", "write the model as `sagemaker/{}` with `dialect: jumpstart` (`--dialect jumpstart`)"),
];
const RERANK: [(&str, &str); 3] = [
    ("tei", "rank with `sagemaker/{}` and `rerank_dialect: tei`"),
    ("vllm", "rank with `sagemaker/{}` and `rerank_dialect: vllm`"),
    ("cohere", "rank with `sagemaker/{}` and `rerank_dialect: cohere`"),
];
const TRANSCRIPTION: [(&str, &str); 3] = [
    ("huggingface", "transcribe with `sagemaker/{}` and `transcription_dialect: huggingface`"),
    ("whisperx", "transcribe with `sagemaker/{}` and `transcription_dialect: whisperx`"),
    ("vllm", "transcribe with `sagemaker/{}` and `transcription_dialect: vllm`"),
];
const EMBEDDING: [(&str, &str); 3] = [
    ("tei", "embed with `sagemaker/{}` and `embedding_dialect: tei`"),
    ("openai", "embed with `sagemaker/{}` and `embedding_dialect: openai`"),
    ("jumpstart", "embed with `sagemaker/{}` and `embedding_dialect: jumpstart`"),
];

pub(super) async fn ask(case: &Case<'_>, no_invoke: bool, log: &Log) -> Vec<Step> {
    let Some(model) = &case.subject.model else {
        return vec![skipped(ANSWER, "name a model to have it asked: `sagewire doctor sagemaker/<endpoint>`")];
    };
    let (Some(_), Some(_), Ok(settings)) = (&case.region, &case.target, case.subject.settings()) else {
        return vec![
            skipped(REQUEST, "there is no region or URL to send it to"),
            skipped(ANSWER, "nothing could be asked"),
        ];
    };
    let kind = case.subject.kind;
    if no_invoke || case.keys.is_none() {
        let mut probe = Probe::watched(model, settings, case.world, None, log);
        if case.keys.is_none() {
            probe = probe.with_placeholder_keys();
        }
        let held_back = probe.ask(kind, None).await;
        let why = match no_invoke {
            true => "not asked, as `--no-invoke` says",
            false => "not asked, as there are no credentials",
        };
        return vec![request_step(log, held_back.err(), case.keys.is_some()).requested(), skipped(ANSWER, why)];
    }
    let network = match probe::network(case.world) {
        Ok(network) => network,
        Err(error) => {
            let fix = "correct or unset AWS_CA_BUNDLE, which names the certificates to trust";
            return vec![Step::failed(REQUEST, super::with_causes(&error), fix)];
        }
    };
    let probe = Probe::watched(model, settings, case.world, Some(Arc::clone(&network)), log);
    let begun = Instant::now();
    let result = probe.ask(kind, None).await;
    let took = begun.elapsed();
    let answer = match &result {
        Ok(meta) => {
            let what = kind.answer();
            let variant = meta.invoked_production_variant.as_deref().map(|variant| format!(", variant {variant}"));
            let id = meta.request_id.as_deref().unwrap_or("-");
            Step::ok(ANSWER, format!("{what} in the dialect {}, after {} ms", spoken(case, kind), took.as_millis()))
                .with_details([format!("request {id}{}", variant.unwrap_or_default())])
        }
        Err(error) if may_be_the_dialect(error) && !log.has_page() => ask_again(&probe, kind, error, case, log).await,
        Err(error) => failed(error, case, log).await,
    };
    let unsent = result.err().filter(|_| log.first_sent().is_none());
    vec![request_step(log, unsent, true), answer]
}

/// After a container's own failure: once more as before, where it may pass, and then in every other
/// dialect.
async fn ask_again(probe: &Probe, kind: Kind, error: &Error, case: &Case<'_>, log: &Log) -> Step {
    let said = super::with_causes(error);
    if error.kind() == ErrorKind::ModelFailed && probe.ask(kind, None).await.is_ok() {
        let fix =
            "the container failed once and answered when it was asked again: see its log where that happens often";
        return Step::warning(ANSWER, format!("{} at the second try. At the first: {said}", kind.answer()), fix);
    }
    let Some((found, choice)) = other_dialect(probe, kind, dialect(case, kind).as_deref()).await else {
        return failed(error, case, log).await;
    };
    let endpoint = case.subject.endpoint().unwrap_or_default();
    let spoken = spoken(case, kind);
    let summary = format!("the container does not understand the dialect {spoken}, and answers in `{found}`: {said}");
    Step::failed(ANSWER, summary, format!("wrong dialect: {}", choice.replace("{}", &endpoint)))
}

async fn failed(error: &Error, case: &Case<'_>, log: &Log) -> Step {
    let mut details = Vec::new();
    if let Some(upstream) = error.upstream() {
        let status = upstream.status.map(|status| format!("status {status}"));
        let code = upstream.code.clone();
        let id = upstream.request_id.as_deref().map(|id| format!("request {id}"));
        let facts: Vec<_> = [status, code, id].into_iter().flatten().collect();
        details.push(facts.join(", "));
        if let Some(message) = upstream.original_message.as_deref().or(upstream.message.as_deref()) {
            details.push(message.chars().take(600).collect());
        }
    }
    details.retain(|detail| !detail.is_empty());
    Step::failed(ANSWER, super::with_causes(error), fix(error, case, log.has_page()).await).with_details(details)
}

/// The request as it was, or would have been, sent.
fn request_step(log: &Log, error: Option<Error>, is_signed: bool) -> Step {
    let Some(sent) = log.first_sent() else {
        let why = error.map_or_else(|| "no request was made".to_owned(), |error| super::with_causes(&error));
        return Step::failed(REQUEST, why, "fix the cause; nothing has been sent");
    };
    let signature = |name: &str| matches!(name, "authorization" | "x-amz-date" | "x-amz-content-sha256");
    let headers = sent.headers.iter().filter(|(name, _)| is_signed || !signature(name));
    let mut details: Vec<_> = headers.map(|(name, value)| format!("{name}: {value}")).collect();
    if !is_signed {
        details.push("(and a signature, for which there are no credentials)".to_owned());
    }
    Step::ok(REQUEST, format!("{} {}", sent.method, sent.url)).with_details(details)
}

/// The dialect that was spoken, as far as the settings say.
fn dialect(case: &Case<'_>, kind: Kind) -> Option<String> {
    let settings = case.subject.settings().unwrap_or_default();
    let by_prefix = || case.subject.prefix().and_then(|prefix| ChatDialect::of_prefix(&prefix));
    let by_prefix = || (kind == Kind::Chat).then(by_prefix).flatten().map(|dialect| dialect.to_string());
    kind.set_in(&settings).or_else(by_prefix)
}

/// The same, for sentences.
fn spoken(case: &Case<'_>, kind: Kind) -> String {
    dialect(case, kind).map_or_else(|| "that the endpoint's name chooses".to_owned(), |dialect| format!("`{dialect}`"))
}

/// Whether the container itself refused or answered something unknown: then it may speak another
/// dialect.
fn may_be_the_dialect(error: &Error) -> bool {
    let from_container = error
        .upstream()
        .is_some_and(|upstream| upstream.code.as_deref() == Some("ModelError") || upstream.original_status.is_some());
    match error.kind() {
        ErrorKind::Decode | ErrorKind::Unsupported => true,
        ErrorKind::InvalidRequest | ErrorKind::ModelFailed | ErrorKind::NotFound => from_container,
        _ => false,
    }
}

/// The first dialect but `spoken` in which the container answers.
async fn other_dialect(probe: &Probe, kind: Kind, spoken: Option<&str>) -> Option<(&'static str, &'static str)> {
    let chat = CHAT.into_iter().map(|row| (Kind::Chat, row));
    let embedding = EMBEDDING.into_iter().map(|row| (Kind::Embedding, row));
    let order: Vec<_> = match kind {
        Kind::Chat => chat.chain(embedding).collect(),
        Kind::Embedding => embedding.chain(chat).collect(),
        Kind::Rerank => RERANK.into_iter().map(|row| (kind, row)).collect(),
        Kind::Transcription => TRANSCRIPTION.into_iter().map(|row| (kind, row)).collect(),
    };
    for (tried, (name, choice)) in order {
        let is_new = tried != kind || Some(name) != spoken;
        if is_new && probe.ask(tried, Some(name)).await.is_ok() {
            return Some((name, choice));
        }
    }
    None
}
