//! Which models answer in place of another.

use sagewire_router::RouterSettings;
use sagewire_types::{CallContext, ChatRequest, ErrorKind, Message, Provider};

use crate::scripted::{Scripted, ask, ask_for, decided, deployment, ok, request, router, settings};

#[tokio::test(start_paused = true)]
async fn fallbacks_answer_in_their_order_after_the_models_own_deployments() {
    let (a, b, c, d) = (
        Scripted::always(ErrorKind::Connection),
        Scripted::always(ErrorKind::Permission),
        Scripted::always(ErrorKind::Permission),
        Scripted::always(ok()),
    );
    let router = router(
        settings().with_fallbacks("m", ["second", "third"]),
        [
            deployment("m", "a", &a).with_order(0),
            deployment("m", "b", &b).with_order(1),
            deployment("third", "d", &d),
            deployment("second", "c", &c),
        ],
    );
    let reply = router.chat(request("m"), &CallContext::new()).await.unwrap();
    assert_eq!((reply.value.model.as_str(), c.count()), ("d", 1));
    assert_eq!(decided(&reply.meta, "fallback"), ["m -> third"]);
    assert_eq!(decided(&reply.meta, "model_group"), ["third"]);
}

#[tokio::test(start_paused = true)]
async fn each_model_has_one_attempt_beyond_the_retries() {
    let (a, b) = (Scripted::always(ErrorKind::Connection), Scripted::always(ok()));
    let router = router(
        settings().with_num_retries(0).with_fallbacks("m", ["other"]),
        [deployment("m", "a", &a), deployment("other", "b", &b)],
    );
    assert_eq!(ask(&router).await.unwrap(), "b");
    assert_eq!(a.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn fallbacks_have_fallbacks_and_circles_end() {
    let down = || Scripted::always(ErrorKind::Connection);
    let (a, b, c) = (down(), down(), down());
    let router = router(
        settings()
            .with_num_retries(0)
            .with_fallbacks("m", ["second"])
            .with_fallbacks("second", ["third"])
            .with_fallbacks("third", ["m"]),
        [deployment("m", "a", &a), deployment("second", "b", &b), deployment("third", "c", &c)],
    );
    let error = ask(&router).await.unwrap_err();
    assert_eq!((a.count(), b.count(), c.count(), error.attempts()), (1, 1, 1, 3));
}

#[tokio::test(start_paused = true)]
async fn a_model_without_fallbacks_of_its_own_has_the_default_ones() {
    let (a, b) = (Scripted::always(ErrorKind::Connection), Scripted::always(ok()));
    let router =
        router(settings().with_default_fallbacks(["other"]), [deployment("m", "a", &a), deployment("other", "b", &b)]);
    assert_eq!(ask(&router).await.unwrap(), "b");
    let error = ask_for(&router, "unknown").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

#[tokio::test(start_paused = true)]
async fn a_model_whose_deployments_all_cool_down_is_passed_over() {
    let (a, b) = (Scripted::always(ErrorKind::Connection), Scripted::always(ok()));
    let router = router(
        settings().with_allowed_fails(0).with_num_retries(0).with_fallbacks("m", ["other"]),
        [deployment("m", "a", &a), deployment("other", "b", &b)],
    );
    ask(&router).await.unwrap();
    let reply = router.chat(request("m"), &CallContext::new()).await.unwrap();
    assert_eq!((reply.value.model.as_str(), reply.meta.attempts, a.count()), ("b", 1, 1));
    assert_eq!(decided(&reply.meta, "skipped"), ["a: cooling down for 5.0 s"]);
}

fn larger() -> RouterSettings {
    settings().with_context_window_fallbacks("m", ["middle", "large"]).with_fallbacks("m", ["other"])
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_too_long_goes_to_larger_models_alone() {
    let too_long = || Scripted::always(ErrorKind::ContextTooLong);
    let (a, second, middle, large, other) = (too_long(), too_long(), too_long(), Scripted::always(ok()), too_long());
    let router = router(
        larger(),
        [
            deployment("m", "a", &a).with_order(0),
            deployment("m", "a2", &second).with_order(1),
            deployment("middle", "b", &middle),
            deployment("large", "c", &large),
            deployment("other", "d", &other),
        ],
    );
    let reply = router.chat(request("m"), &CallContext::new()).await.unwrap();
    assert_eq!((reply.value.model.as_str(), a.count(), second.count(), other.count()), ("c", 1, 0, 0));
    assert_eq!(decided(&reply.meta, "context_window_fallback"), ["m -> large"]);
    assert_eq!(decided(&reply.meta, "fallback"), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_larger_model_needs_no_retries() {
    let (a, b) = (Scripted::always(ErrorKind::ContextTooLong), Scripted::always(ok()));
    let router = router(
        settings().with_num_retries(0).with_context_window_fallbacks("m", ["large"]),
        [deployment("m", "a", &a), deployment("large", "b", &b)],
    );
    assert_eq!(ask(&router).await.unwrap(), "b");
}

#[tokio::test(start_paused = true)]
async fn too_long_for_all_is_the_last_models_error() {
    let too_long = || Scripted::always(ErrorKind::ContextTooLong);
    let providers = [(); 4].map(|()| too_long());
    let names = [("m", "a"), ("middle", "b"), ("large", "c"), ("other", "d")];
    let router =
        router(larger(), names.iter().zip(&providers).map(|((name, id), provider)| deployment(name, id, provider)));
    let error = ask(&router).await.unwrap_err();
    assert_eq!((error.kind(), error.attempts(), providers[3].count()), (ErrorKind::ContextTooLong, 3, 0));
}

#[tokio::test(start_paused = true)]
async fn pre_call_checks_save_the_attempt_and_an_estimate_alone_refuses_nothing() {
    let long = ChatRequest::new("m", [Message::user("x".repeat(4000))]);
    let checked = larger().with_pre_call_checks(true);
    let build = |settings: RouterSettings, small: &std::sync::Arc<Scripted>, large: &std::sync::Arc<Scripted>| {
        let unused = Scripted::always(ok());
        router(
            settings,
            [
                deployment("m", "small", small).with_max_input_tokens(100),
                deployment("middle", "b", &unused).with_max_input_tokens(500),
                deployment("large", "c", large).with_max_input_tokens(8000),
                deployment("other", "d", &unused),
            ],
        )
    };
    let (small, large) = (Scripted::always(ok()), Scripted::always(ok()));
    let router = build(checked.clone(), &small, &large);
    assert_eq!(router.chat(long.clone(), &CallContext::new()).await.unwrap().value.model, "c");
    assert_eq!(ask(&router).await.unwrap(), "small");

    let mut without = checked;
    without.context_window_fallbacks.clear();
    let router = build(without, &small, &large);
    assert_eq!(router.chat(long, &CallContext::new()).await.unwrap().value.model, "small");
}

#[tokio::test(start_paused = true)]
async fn within_a_model_pre_call_checks_prefer_what_is_large_enough() {
    let (small, large) = (Scripted::always(ok()), Scripted::always(ok()));
    let router = router(
        settings().with_pre_call_checks(true),
        [
            deployment("m", "small", &small).with_max_input_tokens(100).with_order(0),
            deployment("m", "large", &large).with_order(1),
        ],
    );
    let long = ChatRequest::new("m", [Message::user("x".repeat(4000))]);
    assert_eq!(router.chat(long, &CallContext::new()).await.unwrap().value.model, "large");
    assert_eq!(ask(&router).await.unwrap(), "small");
}

#[tokio::test(start_paused = true)]
async fn an_alias_answers_and_falls_back_as_its_model() {
    let (a, b) = (Scripted::always(ErrorKind::Connection), Scripted::always(ok()));
    let router = router(
        settings().with_alias("gpt-4", "m").with_fallbacks("m", ["other"]),
        [deployment("m", "a", &a), deployment("other", "b", &b)],
    );
    assert_eq!(ask_for(&router, "gpt-4").await.unwrap(), "b");
}
