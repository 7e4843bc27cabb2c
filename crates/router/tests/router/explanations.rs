//! What a router tells about its decisions, and what it must never tell.

use std::sync::Arc;

use async_trait::async_trait;
use sagewire_router::{Deployment, LastAttempt, Router, decision};
use sagewire_types::{Answer, Call, CallContext, ChatRequest, Error, ErrorKind, Provider};

use crate::scripted::{Scripted, ask, decided, everything, ok, ordered, request, settings};

#[tokio::test(start_paused = true)]
async fn a_reply_tells_how_it_came() {
    let (a, b) = (Scripted::always(ErrorKind::Throttled), Scripted::always(ok()));
    let router = ordered(settings(), &[&a, &b]);
    let meta = router.chat(request("m"), &CallContext::new()).await.unwrap().meta;
    let expected = [
        (decision::DEPLOYMENT, "b".to_owned()),
        (decision::MODEL_GROUP, "m".to_owned()),
        (decision::FAILED, "a: throttled".to_owned()),
    ];
    assert_eq!((meta.decisions.as_slice(), meta.attempts), (&expected[..], 2));
    let stream = router.chat_stream(request("m"), &CallContext::new()).await.unwrap();
    assert_eq!(stream.meta.decisions, expected);
}

#[tokio::test(start_paused = true)]
async fn an_error_tells_what_was_tried_and_keeps_what_the_last_provider_said() {
    let (a, b) = (Scripted::always(ErrorKind::Connection), Scripted::always(ErrorKind::NotFound));
    let error = ask(&ordered(settings().with_num_retries(1), &[&a, &b])).await.unwrap_err();
    assert_eq!(error.to_string(), "scripted not_found (tried `a` connection, `b` not_found)");
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::NotFound, 2));
    let source = std::error::Error::source(&error).unwrap();
    let last = source.downcast_ref::<LastAttempt>().unwrap();
    assert_eq!((last.deployment(), last.error().to_string().as_str()), ("b", "scripted not_found"));
}

#[tokio::test(start_paused = true)]
async fn what_providers_decided_below_stays_after_the_routers_own() {
    let inner_provider = Scripted::always(ok());
    let inner: Arc<dyn Provider> = Arc::new(ordered(settings(), &[&inner_provider]));
    let router = Router::builder().deployment(Deployment::new("outer", "m", inner)).build().unwrap();
    let meta = router.chat(request("outer"), &CallContext::new()).await.unwrap().meta;
    assert_eq!(decided(&meta, decision::DEPLOYMENT), ["outer-1", "a"]);
    assert_eq!(meta.attempts, 1);
}

/// Holds what must not be told.
#[derive(Debug)]
struct Secretive {
    #[expect(dead_code, reason = "it is there to be seen in a careless Debug")]
    key: &'static str,
}

const SECRETS: [&str; 3] = ["wJalrXUtnFEMI", "hidden-endpoint", "the prompt"];

#[async_trait]
impl Provider for Secretive {
    async fn call(&self, _: Call, _: &CallContext) -> Result<Answer, Error> {
        Err(Error::new(ErrorKind::ServiceFailed, "the service failed: ask again").with_attempts(1))
    }
}

#[tokio::test(start_paused = true)]
async fn neither_errors_nor_debug_tell_endpoints_prompts_or_the_provider() {
    let deployment =
        || Deployment::new("m", format!("sagemaker/{}", SECRETS[1]), Arc::new(Secretive { key: SECRETS[0] }));
    let router = Router::builder().deployments([deployment(), deployment()]).build().unwrap();
    let request = ChatRequest::new("m", [sagewire_types::Message::user(SECRETS[2])]);
    let error = router.chat(request, &CallContext::new()).await.unwrap_err();
    let told = format!("{} {router:?} {router:#?} {:?}", everything(&error), router.health().await);
    for secret in SECRETS {
        assert!(!told.contains(secret), "{told}");
    }
    assert!(told.contains("m-1") && told.contains("m-2"), "{told}");
    // A deployment shows its own model to its holder, and never its provider.
    let shown = format!("{:?} {:#?}", deployment(), deployment());
    assert!(shown.contains(SECRETS[1]) && !shown.contains(SECRETS[0]), "{shown}");
}
