//! What a router serves, and what it refuses to be built from.

use std::sync::Arc;

use sagewire_router::{BuildError, Deployment, ModelGroupAlias, Router, RouterSettings};
use sagewire_types::{Error, ErrorKind, Provider};

use crate::scripted::{Scripted, ask_for, deployment, ok, router, settings};

#[tokio::test(start_paused = true)]
async fn a_star_passes_the_requests_own_model_on_and_an_exact_name_wins() {
    let (exact, chat, any) = (Scripted::always(ok()), Scripted::always(ok()), Scripted::always(ok()));
    let any: Arc<dyn Provider> = any;
    let router = router(
        settings(),
        [
            Deployment::new("*", "sagemaker/*", any),
            deployment("sagemaker_chat/*", "sagemaker_chat/*", &chat),
            deployment("sagemaker_chat/known", "exact", &exact),
        ],
    );
    assert_eq!(ask_for(&router, "sagemaker_chat/ep").await.unwrap(), "sagemaker_chat/ep");
    assert_eq!(ask_for(&router, "sagemaker_chat/known").await.unwrap(), "exact");
    assert_eq!(ask_for(&router, "ep").await.unwrap(), "sagemaker/ep");
    assert_eq!((exact.count(), chat.count()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn the_longest_of_several_patterns_wins_in_whatever_order_they_were_added() {
    let a = Scripted::always(ok());
    for names in [["*", "sagemaker/*", "sagemaker/eu-*"], ["sagemaker/eu-*", "sagemaker/*", "*"]] {
        let router = router(settings(), names.map(|name| deployment(name, name, &a)));
        let served = |model| router.deployments(model).map(|deployment| deployment.id.clone()).collect::<Vec<_>>();
        assert_eq!(served("sagemaker/eu-1"), ["sagemaker/eu-*"]);
        assert_eq!(served("sagemaker/us-1"), ["sagemaker/*"]);
        assert_eq!(served("us-1"), ["*"]);
    }
}

#[tokio::test(start_paused = true)]
async fn an_unknown_model_is_not_found_and_the_error_names_what_is_served() {
    let a = Scripted::always(ok());
    let hidden = ModelGroupAlias { model_name: "llama".to_owned(), hidden: true };
    let router = router(
        settings().with_alias("small", "llama").with_alias("secret-name", hidden),
        [deployment("llama", "a", &a), deployment("sagemaker/*", "sagemaker/*", &a)],
    );
    let error = ask_for(&router, "gpt").await.unwrap_err();
    assert_eq!((error.kind(), error.param(), error.attempts()), (ErrorKind::NotFound, Some("model"), 0));
    assert_eq!(error.to_string(), "unknown model `gpt`; expected one of `llama`, `sagemaker/*`, `small`");
    assert_eq!(router.models().collect::<Vec<_>>(), ["llama", "sagemaker/*", "small"]);
    assert_eq!(ask_for(&router, "secret-name").await.unwrap(), "a");
    assert_eq!(a.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_alias_wins_over_a_model_of_the_same_name() {
    let (a, b) = (Scripted::always(ok()), Scripted::always(ok()));
    let router = router(settings().with_alias("old", "new"), [deployment("old", "a", &a), deployment("new", "b", &b)]);
    assert_eq!(ask_for(&router, "old").await.unwrap(), "b");
    assert_eq!(router.models().collect::<Vec<_>>(), ["new", "old"]);
}

#[test]
fn deployments_without_an_id_are_numbered_within_their_model() {
    let a: Arc<dyn Provider> = Scripted::always(ok());
    let named = |name: &str| Deployment::new(name, "m", Arc::clone(&a));
    let router = router(settings(), [named("x"), named("y"), named("x").with_id("own"), named("x")]);
    let ids: Vec<_> = router.deployments("x").map(|deployment| deployment.id.as_str()).collect();
    assert_eq!(ids, ["x-1", "own", "x-3"]);
    assert_eq!(router.deployments("nobody").count(), 0);
    assert_eq!(format!("{router:?}"), r#"{"x": ["x-1", "own", "x-3"], "y": ["y-1"]}"#);
}

fn refused(settings: RouterSettings, deployments: Vec<Deployment>) -> BuildError {
    Router::builder().deployments(deployments).settings(settings).build().unwrap_err()
}

#[test]
fn what_could_not_work_is_refused_with_its_name() {
    let a: Arc<dyn Provider> = Scripted::always(ok());
    let new = |name: &str, model: &str| Deployment::new(name, model, Arc::clone(&a));
    let m = || new("m", "ep");
    assert_eq!(refused(settings(), vec![]), BuildError::NoDeployments);
    assert_eq!(refused(settings(), vec![new("m", "")]), BuildError::NoModel { model_name: "m".to_owned() });
    assert_eq!(
        refused(settings(), vec![m().with_id("x"), m().with_id("x")]),
        BuildError::DuplicateId { id: "x".to_owned() }
    );
    assert_eq!(
        refused(settings(), vec![m(), new("n", "ep").with_id("m-1")]),
        BuildError::DuplicateId { id: "m-1".to_owned() }
    );
    assert_eq!(refused(settings(), vec![new("a*b*", "ep")]), BuildError::Pattern { name: "a*b*".to_owned() });
    assert_eq!(refused(settings(), vec![new("m", "ep-*")]), BuildError::Pattern { name: "ep-*".to_owned() });
    for weight in [-1.0, f64::NAN, f64::INFINITY] {
        assert_eq!(
            refused(settings(), vec![m().with_weight(weight)]),
            BuildError::Weight { model_name: "m".to_owned() }
        );
    }
    let zero = |limit| BuildError::Zero { model_name: "m".to_owned(), limit };
    assert_eq!(refused(settings(), vec![m().with_rpm(0)]), zero("rpm"));
    assert_eq!(refused(settings(), vec![m().with_max_parallel_requests(0)]), zero("max_parallel_requests"));
    for (settings, setting) in [
        (settings().with_fallbacks("m", ["gone"]), "fallbacks"),
        (settings().with_fallbacks("gone", ["m"]), "fallbacks"),
        (settings().with_context_window_fallbacks("m", ["gone"]), "context_window_fallbacks"),
        (settings().with_default_fallbacks(["gone"]), "default_fallbacks"),
        (settings().with_alias("other", "gone"), "model_group_alias"),
    ] {
        let error = refused(settings, vec![m()]);
        assert_eq!(error, BuildError::UnknownModel { setting, name: "gone".to_owned() });
        let error = Error::from(error);
        assert_eq!(error.kind(), ErrorKind::Configuration);
        assert!(error.to_string().contains("`gone`"), "{error}");
    }
}
