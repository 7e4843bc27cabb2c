//! The token in all its forms, present, replaced, and missing.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::{WebIdentityCredentials, WebIdentityToken};
use crate::error::describe;
use crate::seam::{HttpFn, MapEnv, MapFiles, World};
use crate::{Credentials, CredentialsError, ErrorKind, ProvideCredentials};

const ROLE: &str = "arn:aws:iam::123456789012:role/app";
const ANSWER: &str = "<R><Credentials><AccessKeyId>ASIA</AccessKeyId><SecretAccessKey>s</SecretAccessKey>\
    <SessionToken>t</SessionToken><Expiration>2080-01-01T00:00:00Z</Expiration></Credentials></R>";

fn env() -> MapEnv {
    MapEnv::from([
        ("AWS_REGION", "eu-west-1"),
        ("AWS_ROLE_ARN", ROLE),
        ("AWS_WEB_IDENTITY_TOKEN_FILE", "/token"),
        ("AWS_ROLE_SESSION_NAME", "pod"),
        ("TOKEN", "from-env"),
        ("TOKEN_PATH", "/token"),
    ])
}

fn world(env: MapEnv, files: &MapFiles) -> (World, Arc<Mutex<Vec<String>>>) {
    let forms = Arc::<Mutex<Vec<String>>>::default();
    let kept = Arc::clone(&forms);
    let http = HttpFn::new(move |request, _| {
        kept.lock().unwrap().push(String::from_utf8(request.body().to_vec()).unwrap());
        Ok(http::Response::new(ANSWER.into()))
    });
    (World::builder().with_env(env).with_files(files.clone()).with_http(http).build(), forms)
}

#[tokio::test]
async fn the_file_is_read_again_at_each_call() {
    let files = MapFiles::new().with("/token", "first\n");
    let (world, forms) = world(env(), &files);
    let source = WebIdentityCredentials::from_env(&world);
    let keys = source.provide_credentials().await.unwrap();
    assert_eq!((keys.access_key_id(), keys.source()), ("ASIA", "WebIdentityToken"));
    files.insert("/token", "second");
    source.provide_credentials().await.unwrap();
    let forms = forms.lock().unwrap();
    assert!(forms[0].contains("RoleSessionName=pod&WebIdentityToken=first"), "{forms:?}");
    assert!(forms[1].ends_with("WebIdentityToken=second"), "{forms:?}");
}

#[tokio::test]
async fn what_the_builder_says_comes_before_the_variables() {
    let (world, forms) = world(env(), &MapFiles::new().with("/token", "t"));
    let source =
        WebIdentityCredentials::from_env(&world).with_session_name("mine").with_duration(Duration::from_secs(900));
    source.provide_credentials().await.unwrap();
    assert!(forms.lock().unwrap()[0].contains("RoleSessionName=mine&DurationSeconds=900"));
}

#[tokio::test]
async fn all_forms_of_the_parameter_are_read() {
    let files = MapFiles::new().with("/token", "from-file");
    for (form, token) in [
        ("oidc/file//token", "from-file"),
        ("oidc/env/TOKEN", "from-env"),
        ("oidc/env_path/TOKEN_PATH", "from-file"),
        (" eyJh.eyJz.c2ln ", "eyJh.eyJz.c2ln"),
    ] {
        let (world, forms) = world(env(), &files);
        let source = WebIdentityCredentials::new(&world, ROLE, WebIdentityToken::parse(form).unwrap());
        source.provide_credentials().await.unwrap();
        assert!(forms.lock().unwrap()[0].ends_with(&format!("WebIdentityToken={token}")), "{form}");
    }
}

#[test]
fn other_forms_are_refused_unseen() {
    for form in [
        "/var/run/hidden",
        "hidden",
        "os.environ/hidden",
        "oidc/file/",
        "oidc/google/hidden",
        "oidc/hidden",
        "a..c",
        "",
    ] {
        let error = WebIdentityToken::parse(form).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidConfiguration);
        assert!(!format!("{error} {error:?}").contains("hidden"), "{error}");
    }
    let token = WebIdentityToken::parse("eyJh.eyJz.c2ln").unwrap();
    assert!(!format!("{token:?} {token:#?}").contains("c2ln"));
}

async fn fails(env: MapEnv, files: MapFiles) -> CredentialsError {
    let world = World::builder().with_env(env).with_files(files).build();
    let outcome: Result<Credentials, _> = WebIdentityCredentials::from_env(&world).provide_credentials().await;
    outcome.unwrap_err()
}

#[tokio::test]
async fn a_token_that_is_missing_empty_or_no_token_is_named() {
    let error = fails(env(), MapFiles::new()).await;
    assert_eq!(error.kind(), ErrorKind::InvalidConfiguration);
    assert!(describe(&error).contains("failed to read `/token`: No such file"), "{}", describe(&error));

    let error = fails(env(), MapFiles::new().with("/token", " \n")).await;
    assert!(error.to_string().contains("`/token` is empty"), "{error}");

    let error = fails(env(), MapFiles::new().with("/token", "\u{ff}\u{0}hidden words")).await;
    assert!(error.to_string().contains("check the file"), "{error}");
    assert!(!format!("{error:?}").contains("hidden"));

    let error = fails(env(), MapFiles::new().with("/token", vec![b'a'; 100_000])).await;
    assert!(describe(&error).contains("more than 65536 bytes"), "{}", describe(&error));
}

#[tokio::test]
async fn needs_token_file_and_role() {
    let unset = fails(MapEnv::from([("AWS_ROLE_ARN", ROLE)]), MapFiles::new()).await;
    assert_eq!(unset.kind(), ErrorKind::NotConfigured);
    let no_role = fails(MapEnv::from([("AWS_WEB_IDENTITY_TOKEN_FILE", "/token")]), MapFiles::new()).await;
    assert_eq!(no_role.kind(), ErrorKind::InvalidConfiguration);
    assert!(no_role.to_string().contains("`AWS_ROLE_ARN` is not"), "{no_role}");
}
