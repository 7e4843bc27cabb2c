//! Which parameter wins, what comes from variables, and what is refused.

use std::sync::{Arc, Mutex};
use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;

use super::AwsParams;
use crate::seam::{HttpFn, MapEnv, MapFiles, TokioClock, World};
use crate::{Credentials, CredentialsError, ErrorKind, ProvideCredentials, Secret, SessionTag};

const ROLE: &str = "arn:aws:iam::123456789012:role/app";
const JWT: &str = "eyJh.eyJz.c2ln";

/// A world whose STS gives keys called after the action, and that keeps the forms it was sent.
fn world(env: MapEnv) -> (World, Arc<Mutex<Vec<String>>>) {
    let forms = Arc::<Mutex<Vec<String>>>::default();
    let kept = Arc::clone(&forms);
    let http = HttpFn::new(move |request, _| {
        let form = String::from_utf8(request.body().to_vec()).unwrap();
        let action = form.split('&').next().unwrap().trim_start_matches("Action=").to_owned();
        let key = request.headers().get("authorization").map_or("unsigned", |value| value.to_str().unwrap());
        let signer = key.split(['=', '/']).nth(1).unwrap_or("nobody").to_owned();
        kept.lock().unwrap().push(format!("{} {signer} {form}", request.uri()));
        let body = format!(
            "<R><Credentials><AccessKeyId>{action}</AccessKeyId><SecretAccessKey>s</SecretAccessKey>\
             <SessionToken>t</SessionToken><Expiration>2001-09-09T02:46:40Z</Expiration></Credentials></R>"
        );
        Ok(http::Response::new(Bytes::from(body)))
    });
    let config = "[profile dev]\naws_access_key_id = dev-key\naws_secret_access_key = s\nregion = eu-west-3\n";
    let world = World::builder()
        .with_env(env.with("HOME", "/h"))
        .with_files(MapFiles::new().with("/h/.aws/config", config).with("/token", JWT))
        .with_http(http)
        .with_clock(TokioClock::starting_at(UNIX_EPOCH + Duration::from_secs(1_000_000_000)))
        .build();
    (world, forms)
}

fn env() -> MapEnv {
    MapEnv::from([("AWS_REGION", "eu-west-1"), ("AWS_EC2_METADATA_DISABLED", "true")])
}

fn env_keys() -> MapEnv {
    env().with("AWS_ACCESS_KEY_ID", "env-key").with("AWS_SECRET_ACCESS_KEY", "s").with("AWS_SESSION_TOKEN", "env-token")
}

fn with_keys() -> AwsParams {
    AwsParams {
        aws_access_key_id: Some("param-key".to_owned()),
        aws_secret_access_key: Some("param-secret".into()),
        ..AwsParams::default()
    }
}

async fn provide(params: AwsParams, env: MapEnv) -> Result<(Credentials, Vec<String>), CredentialsError> {
    let (world, forms) = world(env);
    let credentials = params.provider(&world)?.provide_credentials().await?;
    let forms = forms.lock().unwrap().clone();
    Ok((credentials, forms))
}

#[tokio::test]
async fn keys_given_never_take_a_session_token_from_a_variable() {
    let (keys, _) = provide(with_keys(), env_keys()).await.unwrap();
    assert_eq!((keys.access_key_id(), keys.session_token()), ("param-key", None));

    let given = AwsParams { aws_session_token: Some("param-token".into()), ..with_keys() };
    let (keys, _) = provide(given, env_keys()).await.unwrap();
    assert_eq!(keys.session_token(), Some("param-token"));
}

#[tokio::test]
async fn keys_in_variables_keep_their_token() {
    let (keys, _) = provide(AwsParams::default(), env_keys()).await.unwrap();
    assert_eq!((keys.access_key_id(), keys.session_token()), ("env-key", Some("env-token")));
}

#[tokio::test]
async fn the_order_is_web_identity_role_profile_keys_chain() {
    let profile = || Some("dev".to_owned());
    let role = || Some(ROLE.to_owned());
    let all = AwsParams {
        aws_profile_name: profile(),
        aws_role_name: role(),
        aws_web_identity_token: Some("oidc/file//token".into()),
        ..with_keys()
    };
    let (keys, forms) = provide(all.clone(), env_keys()).await.unwrap();
    assert_eq!(keys.access_key_id(), "AssumeRoleWithWebIdentity");
    assert!(forms[0].contains(&format!("WebIdentityToken={JWT}")) && !forms[0].contains("Policy"), "{forms:?}");

    let with_role = AwsParams { aws_web_identity_token: None, ..all };
    let (keys, forms) = provide(with_role.clone(), env_keys()).await.unwrap();
    assert_eq!(keys.access_key_id(), "AssumeRole");
    assert!(forms[0].contains(" param-key "), "signed with the keys given: {forms:?}");

    let with_profile = AwsParams { aws_role_name: None, ..with_role };
    assert_eq!(provide(with_profile, env_keys()).await.unwrap().0.access_key_id(), "dev-key");

    assert_eq!(provide(with_keys(), env_keys()).await.unwrap().0.access_key_id(), "param-key");
    assert_eq!(provide(AwsParams::default(), env_keys()).await.unwrap().0.access_key_id(), "env-key");
}

#[tokio::test]
async fn a_role_without_keys_takes_its_source_from_the_profile_or_the_chain() {
    let role = AwsParams { aws_role_name: Some(ROLE.to_owned()), ..AwsParams::default() };
    let (_, forms) = provide(role.clone(), env_keys()).await.unwrap();
    assert!(forms[0].contains(" env-key "), "{forms:?}");
    let with_profile = AwsParams { aws_profile_name: Some("dev".to_owned()), ..role };
    let (_, forms) = provide(with_profile, env_keys()).await.unwrap();
    assert!(forms[0].contains(" dev-key "), "{forms:?}");
}

#[tokio::test]
async fn every_parameter_has_a_variable() {
    let env = env_keys()
        .with("AWS_ROLE_NAME", ROLE)
        .with("AWS_SESSION_NAME", "env-session")
        .with("AWS_EXTERNAL_ID", "env-external")
        .with("AWS_STS_ENDPOINT", "http://sts.test:1");
    let (keys, forms) = provide(AwsParams::default(), env.clone()).await.unwrap();
    assert_eq!(keys.access_key_id(), "AssumeRole");
    for part in ["http://sts.test:1", "RoleSessionName=env-session", "ExternalId=env-external"] {
        assert!(forms[0].contains(part), "{part}: {forms:?}");
    }
    let token = env.with("AWS_WEB_IDENTITY_TOKEN", JWT);
    let (keys, _) = provide(AwsParams::default(), token).await.unwrap();
    assert_eq!(keys.access_key_id(), "AssumeRoleWithWebIdentity");
    let (keys, _) = provide(AwsParams::default(), env_keys().with("AWS_PROFILE_NAME", "dev")).await.unwrap();
    assert_eq!(keys.access_key_id(), "dev-key");
}

#[tokio::test]
async fn parameters_of_the_session_are_sent() {
    let params = AwsParams {
        aws_role_name: Some(ROLE.to_owned()),
        aws_session_name: Some("me".to_owned()),
        aws_external_id: Some("ext".to_owned()),
        aws_session_tags: Some(vec![SessionTag::new("team", "a")]),
        aws_region_name: Some("us-west-2".to_owned()),
        ..with_keys()
    };
    let (_, forms) = provide(params, env()).await.unwrap();
    for part in ["https://sts.us-west-2.", "RoleSessionName=me", "ExternalId=ext", "Tags.member.1.Key=team"] {
        assert!(forms[0].contains(part), "{part}: {forms:?}");
    }
}

#[tokio::test]
async fn ten_thousand_callers_at_expiry_cause_one_sts_call() {
    tokio::time::pause();
    let (world, forms) = world(env_keys().with("AWS_ROLE_NAME", ROLE));
    let provider = AwsParams::default().provider(&world).unwrap();
    provider.provide_credentials().await.unwrap();
    assert_eq!(forms.lock().unwrap().len(), 1);
    // 60 seconds are left of the hour, the time in which callers wait.
    tokio::time::advance(Duration::from_secs(3540)).await;
    let callers: Vec<_> = (0..10_000)
        .map(|_| {
            let provider = Arc::clone(&provider);
            tokio::spawn(async move { provider.provide_credentials().await.is_ok() })
        })
        .collect();
    for caller in callers {
        assert!(caller.await.unwrap());
    }
    assert_eq!(forms.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn a_role_that_the_source_has_already_is_kept() {
    let denial = "<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>";
    for (caller, kept) in [("assumed-role/app/s", true), ("assumed-role/other/s", false), ("user/app", false)] {
        let http = HttpFn::new(move |request, _| {
            let asks_who = request.body().starts_with(b"Action=GetCallerIdentity");
            let identity = format!(
                "<R><GetCallerIdentityResult><Arn>arn:aws:sts::123456789012:{caller}</Arn><UserId>u</UserId>\
                 <Account>123456789012</Account></GetCallerIdentityResult></R>"
            );
            let (status, body) = if asks_who { (200, identity) } else { (403, denial.to_owned()) };
            Ok(http::Response::builder().status(status).body(body.into()).unwrap())
        });
        let world = World::builder().with_env(env_keys()).with_http(http).build();
        let role = "arn:aws:iam::123456789012:role/path/app".to_owned();
        let params = AwsParams { aws_role_name: Some(role), ..AwsParams::default() };
        let outcome = params.provider(&world).unwrap().provide_credentials().await;
        assert_eq!(outcome.is_ok(), kept, "{caller}: {outcome:?}");
        if let Ok(keys) = outcome {
            assert_eq!(keys.access_key_id(), "env-key");
        }
    }
}

#[tokio::test]
async fn parameters_that_cannot_be_used_are_refused_before_anything_is_sent() {
    let half = AwsParams { aws_secret_access_key: None, ..with_keys() };
    let token_alone = AwsParams { aws_session_token: Some("hidden".into()), ..AwsParams::default() };
    let identity_alone = AwsParams { aws_web_identity_token: Some(JWT.into()), ..AwsParams::default() };
    let no_arn = AwsParams { aws_role_name: Some("app".to_owned()), ..with_keys() };
    let no_token = AwsParams {
        aws_role_name: Some(ROLE.to_owned()),
        aws_web_identity_token: Some("hidden/path".into()),
        ..AwsParams::default()
    };
    let google = AwsParams { aws_web_identity_token: Some("oidc/google/aud".into()), ..no_token.clone() };
    let region = AwsParams { aws_region_name: Some("a/b".to_owned()), ..with_keys() };
    let empty = AwsParams { aws_secret_access_key: Some(" ".into()), ..with_keys() };
    for (params, word) in [
        (half, "aws_secret_access_key"),
        (token_alone, "aws_access_key_id"),
        (identity_alone, "aws_role_name"),
        (no_arn, "ARN"),
        (no_token, "oidc/file"),
        (google, "oidc/file"),
        (region, "region"),
        (empty, "empty"),
    ] {
        let error = params.provider(&world(env()).0).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidConfiguration);
        assert!(crate::error::describe(&error).contains(word), "{word}: {error}");
        assert!(!format!("{error} {error:?}").contains("hidden"));
    }
}

#[tokio::test]
async fn a_profile_that_is_not_there_is_an_error_and_no_reason_to_look_elsewhere() {
    let params = AwsParams { aws_profile_name: Some("absent".to_owned()), ..with_keys() };
    let error = provide(params, env_keys()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidConfiguration);
    assert!(crate::error::describe(&error).contains("unknown profile `absent`"), "{error:?}");
}

#[tokio::test]
async fn the_profiles_region_counts_for_sts_too() {
    let env = MapEnv::from([("AWS_EC2_METADATA_DISABLED", "true")]);
    for token in [None, Some(JWT.into())] {
        let params = AwsParams {
            aws_role_name: Some(ROLE.to_owned()),
            aws_profile_name: Some("dev".to_owned()),
            aws_web_identity_token: token,
            ..with_keys()
        };
        let (_, forms) = provide(params, env.clone()).await.unwrap();
        assert!(forms[0].starts_with("https://sts.eu-west-3."), "{forms:?}");
    }
}

#[tokio::test]
async fn the_region_comes_from_parameter_variables_and_the_profile_named() {
    let (world, _) = world(MapEnv::new());
    let dev = AwsParams { aws_profile_name: Some("dev".to_owned()), ..AwsParams::default() };
    assert_eq!(dev.region(&world).await.unwrap().as_str(), "eu-west-3");
    let given = AwsParams { aws_region_name: Some("us-west-2".to_owned()), ..dev };
    assert_eq!(given.region(&world).await.unwrap().as_str(), "us-west-2");
}

#[tokio::test]
async fn debug_shows_no_secret_and_explanations_neither() {
    let params = AwsParams {
        aws_session_token: Some("param-token".into()),
        aws_role_name: Some(ROLE.to_owned()),
        ..with_keys()
    };
    let explained = params.explain(&world(env()).0).await;
    let shown = format!("{params:?} {params:#?} {explained} {explained:?}");
    for secret in ["param-secret", "param-token", "param-key"] {
        assert!(!shown.contains(secret), "{shown}");
    }
    let lines: Vec<_> = explained.to_string().lines().map(str::to_owned).collect();
    assert_eq!(lines[0], format!("Parameters: decided: {ROLE}, assumed with the keys given"));
    assert!(lines.iter().any(|line| line.starts_with("AssumeRole: found credentials")), "{lines:?}");
    assert!(lines.iter().any(|line| line == "  POST https://sts.eu-west-1.amazonaws.com/: status 200"), "{lines:?}");
}

#[test]
fn is_read_from_configuration() {
    let params: AwsParams = serde_json::from_str(
        r#"{"aws_access_key_id": "id", "aws_secret_access_key": "s", "aws_session_tags": [{"Key": "a", "Value": "b"}]}"#,
    )
    .unwrap();
    assert_eq!(params.aws_secret_access_key, Some(Secret::new("s")));
    assert_eq!(params.aws_session_tags, Some(vec![SessionTag::new("a", "b")]));
    assert_eq!(params.aws_role_name, None);
}
