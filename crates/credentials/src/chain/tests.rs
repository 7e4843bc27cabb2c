//! When the chain moves on, when it ends, and what it reports. AWS's own cases are in `tests/`.

use super::{ChainSource, DefaultChain};
use crate::explain::Outcome;
use crate::seam::{HttpError, HttpErrorKind, HttpFn, MapEnv, MapFiles, World};
use crate::{ErrorKind, ProvideCredentials};

/// A machine with these variables and this config file that is not on EC2.
fn world(env: MapEnv, config: &str) -> World {
    let http = HttpFn::new(|_, _| Err(HttpError::new(HttpErrorKind::ConnectTimeout, "no connection")));
    let files = MapFiles::new().with("/h/.aws/config", config);
    World::builder().with_env(env.with("HOME", "/h")).with_files(files).with_http(http).build()
}

#[tokio::test]
async fn nothing_anywhere_names_every_place_and_says_what_to_do() {
    let error = DefaultChain::new(&world(MapEnv::new(), "")).provide_credentials().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotConfigured);
    let tried: Vec<_> = error.attempts().iter().map(|attempt| &*attempt.source).collect();
    assert_eq!(tried, ["Environment", "Profile", "WebIdentityToken", "Container", "InstanceMetadata"]);
    let text = error.to_string();
    for part in ["set `AWS_ACCESS_KEY_ID`", "`AWS_WEB_IDENTITY_TOKEN_FILE` is not set", "169.254.169.254"] {
        assert!(text.contains(part), "{text}");
    }
}

#[tokio::test]
async fn a_source_that_is_configured_and_fails_ends_the_chain() {
    let env = MapEnv::from([("AWS_PROFILE", "p"), ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/x")]);
    let world = world(env, "[profile p]\nrole_arn = arn:aws:iam::1:role/a\n");
    let error = DefaultChain::new(&world).provide_credentials().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidConfiguration);
    assert_eq!(error.provider_name(), Some("Profile"));
    assert_eq!(error.attempts().len(), 2);
    assert!(error.to_string().contains("Profile (invalid configuration: "), "{error}");
}

#[tokio::test]
async fn sources_can_be_left_out_and_the_profile_named() {
    let env = MapEnv::from([("AWS_ACCESS_KEY_ID", "env"), ("AWS_SECRET_ACCESS_KEY", "s")]);
    let world = world(env, "[profile p]\naws_access_key_id = profile\naws_secret_access_key = s\n");
    let chain = DefaultChain::new(&world).with_profile("p");
    assert_eq!(chain.provide_credentials().await.unwrap().access_key_id(), "env");
    let chain = chain.without(ChainSource::Environment);
    assert_eq!(chain.provide_credentials().await.unwrap().access_key_id(), "profile");
}

#[tokio::test]
async fn explains_what_was_looked_at_and_why() {
    let config = "[default]\naws_access_key_id = AKIDEXAMPLEEXAMPLE12\naws_secret_access_key = hidden\n";
    let explained = DefaultChain::new(&world(MapEnv::new(), config)).explain().await;
    assert_eq!(
        explained.to_string(),
        "Environment: not configured: neither `AWS_ACCESS_KEY_ID` nor `AWS_SECRET_ACCESS_KEY` is set\n  \
           variable AWS_ACCESS_KEY_ID: not set\n  \
           variable AWS_SECRET_ACCESS_KEY: not set\n  \
           variable SECRET_ACCESS_KEY: not set\n\
         Profile: found credentials (Profile), key id ..LE12, without expiry\n  \
           variable HOME: set\n  \
           variable AWS_CONFIG_FILE: not set\n  \
           variable AWS_SHARED_CREDENTIALS_FILE: not set\n  \
           variable AWS_PROFILE: not set\n  \
           variable AWS_DEFAULT_PROFILE: not set\n  \
           file /h/.aws/config: 82 bytes\n  \
           file /h/.aws/credentials: No such file or directory (os error 2)\n\
         WebIdentityToken: not reached\n\
         Container: not reached\n\
         InstanceMetadata: not reached\n"
    );
    assert!(matches!(&explained.conclusion().unwrap().outcome, Outcome::Found { source, .. } if source == "Profile"));
}

#[tokio::test]
async fn explains_failures_and_requests() {
    let world = world(MapEnv::from([("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://example.com/?token=hidden")]), "");
    let explained = DefaultChain::new(&world).explain().await;
    let text = explained.to_string();
    assert!(
        text.contains(
            "Container: invalid configuration: invalid `AWS_CONTAINER_CREDENTIALS_FULL_URI`: expected an https"
        ),
        "{text}"
    );
    assert!(text.contains("InstanceMetadata: not reached"), "{text}");

    let explained = DefaultChain::new(&world).without(ChainSource::Container).explain().await.to_string();
    assert!(explained.contains("PUT http://169.254.169.254/latest/api/token: no connection"), "{explained}");
    assert!(!format!("{text} {explained}").contains("hidden"));
}
