//! Endpoints that are scaled to zero: waited for with one probe for all calls, where that is asked
//! for.

use std::time::Duration;

use futures_util::future::join_all;
use sagewire::{CallContext, ErrorKind, Provider, Retries, Settings};
use sagewire_tests::{
    endpoint::{builder_for, question},
    replies::tgi_reply,
    transport::{Answer, ScriptedTransport},
};
use serde_json::json;

const NO_CAPACITY: &str =
    "Inference Component has no capacity to process this request. ApplicationAutoScaling may be in-progress.";

fn no_capacity() -> Answer {
    Answer::error(400, "ValidationError", NO_CAPACITY)
}

/// A call under a router, which makes no tries of its own.
fn patient(seconds: u64) -> CallContext {
    let mut settings = Settings::default();
    settings.wait_for_capacity = Some(Duration::from_secs(seconds));
    CallContext::new().with_retries(Retries::Caller).with(settings)
}

#[tokio::test(start_paused = true)]
async fn all_calls_wait_behind_one_probe() {
    const CALLS: usize = 20;
    // Each is refused once; then two probes, of which the second finds capacity.
    let script = (0..=CALLS).map(|_| no_capacity()).chain([Answer::json(200, tgi_reply("awake"))]);
    let transport = ScriptedTransport::new(script);
    let sagemaker = builder_for("http://endpoint.invalid").transport(transport.clone()).build().unwrap();
    let context = patient(600);
    let calls = (0..CALLS).map(|_| sagemaker.chat(question("sagemaker/e"), &context));
    for reply in join_all(calls).await {
        assert_eq!(reply.unwrap().value.content(), "awake");
    }
    // The prober's last probe is its own call; the others follow it.
    assert_eq!(transport.count(), CALLS + 2 + (CALLS - 1));
    let times = transport.each(|sent| sent.at);
    assert!(
        times[CALLS] - times[0] >= Duration::from_secs(2) && times[CALLS + 1] - times[CALLS] >= Duration::from_secs(4)
    );
}

#[tokio::test(start_paused = true)]
async fn the_wait_ends_with_patience_and_says_what_to_do() {
    let transport = ScriptedTransport::new([no_capacity()]);
    let sagemaker = builder_for("http://endpoint.invalid").transport(transport.clone()).build().unwrap();
    let begun = tokio::time::Instant::now();
    let error = sagemaker.chat_stream(question("sagemaker_chat/e"), &patient(20)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ModelNotReady);
    assert!(error.to_string().contains("wait_for_capacity") && begun.elapsed() <= Duration::from_secs(20), "{error}");
    assert!(transport.count() > 1);
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_unasked_or_for_what_a_container_says() {
    let echo = json!({"Message": NO_CAPACITY, "OriginalStatusCode": 400, "OriginalMessage": NO_CAPACITY}).to_string();
    let echo = Answer::json(424, echo).with_header("x-amzn-errortype", "ModelError");
    for (answer, context) in [(no_capacity(), CallContext::new().with_retries(Retries::Caller)), (echo, patient(600))] {
        let transport = ScriptedTransport::new([answer]);
        let sagemaker = builder_for("http://endpoint.invalid").transport(transport.clone()).build().unwrap();
        let begun = tokio::time::Instant::now();
        sagemaker.chat(question("sagemaker/e"), &context).await.unwrap_err();
        assert_eq!((transport.count(), begun.elapsed()), (1, Duration::ZERO));
    }
}
