//! From a profile to its credentials. Which source and roles a profile asks for is tested with
//! [`crate::profile`]; here it is carried out.

use std::sync::{Arc, Mutex};

use bytes::Bytes;

use super::ProfileCredentials;
use crate::error::describe;
use crate::seam::{HttpFn, MapEnv, MapFiles, World};
use crate::{Credentials, CredentialsError, ErrorKind, ProvideCredentials};

/// Signs its keys after the role assumed, and keeps who asked for what.
async fn load(env: MapEnv, config: &str) -> (Result<Credentials, CredentialsError>, Vec<String>) {
    let calls = Arc::<Mutex<Vec<String>>>::default();
    let kept = Arc::clone(&calls);
    let http = HttpFn::new(move |request, _| {
        let form = String::from_utf8(request.body().to_vec()).unwrap();
        let role = form.split("role%2F").nth(1).unwrap().split('&').next().unwrap().to_owned();
        let signer = request.headers()["authorization"].to_str().unwrap().split(['=', '/']).nth(1).unwrap().to_owned();
        kept.lock().unwrap().push(format!("{signer} at {} for {form}", request.uri().host().unwrap()));
        let body = format!(
            "<R><Credentials><AccessKeyId>{role}</AccessKeyId><SecretAccessKey>s</SecretAccessKey>\
             <SessionToken>t</SessionToken><Expiration>2080-01-01T00:00:00Z</Expiration></Credentials></R>"
        );
        Ok(http::Response::new(Bytes::from(body)))
    });
    let files = MapFiles::new().with("/h/.aws/config", config);
    let world = World::builder().with_env(env.with("HOME", "/h")).with_files(files).with_http(http).build();
    let outcome = ProfileCredentials::new(&world).provide_credentials().await;
    let calls = calls.lock().unwrap().clone();
    (outcome, calls)
}

const CHAIN: &str = "
[profile top]
role_arn = arn:aws:iam::123456789012:role/top
source_profile = middle
external_id = ext
role_session_name = me
duration_seconds = 900
region = eu-west-2
[profile middle]
role_arn = arn:aws:iam::123456789012:role/middle
source_profile = keys
region = eu-west-3
[profile keys]
aws_access_key_id = base
aws_secret_access_key = s
";

#[tokio::test]
async fn roles_are_assumed_one_with_the_other_in_the_selected_profiles_region() {
    let (keys, calls) = load(MapEnv::from([("AWS_PROFILE", "top")]), CHAIN).await;
    let keys = keys.unwrap();
    assert_eq!((keys.access_key_id(), keys.source()), ("top", "Profile"));
    assert!(
        calls[0].starts_with("base at sts.eu-west-2.amazonaws.com") && calls[0].contains("role%2Fmiddle"),
        "{calls:?}"
    );
    assert!(calls[1].starts_with("middle at sts.eu-west-2.amazonaws.com"), "{calls:?}");
    for part in ["RoleSessionName=me", "DurationSeconds=900", "ExternalId=ext"] {
        assert!(calls[1].contains(part) && !calls[0].contains(part), "{calls:?}");
    }
}

#[tokio::test]
async fn the_region_and_the_endpoint_of_the_environment_come_first() {
    let env = MapEnv::from([("AWS_PROFILE", "middle"), ("AWS_REGION", "us-east-2")]);
    let (_, calls) = load(env.clone(), CHAIN).await;
    assert!(calls[0].contains("at sts.us-east-2.amazonaws.com"), "{calls:?}");
    let (_, calls) = load(env.with("AWS_ENDPOINT_URL_STS", "http://sts.test"), CHAIN).await;
    assert!(calls[0].contains("at sts.test"), "{calls:?}");
}

#[tokio::test]
async fn what_cannot_work_is_refused_before_anything_is_sent() {
    for (config, kind, word) in [
        ("", ErrorKind::NotConfigured, "no profile is defined"),
        ("[default]\nregion = a\n", ErrorKind::NotConfigured, "has no credentials"),
        (
            "[default]\nrole_arn = arn:aws:iam::1:role/a\nsource_profile = default\n",
            ErrorKind::InvalidConfiguration,
            "is its own `source_profile`",
        ),
        (
            "[default]\nrole_arn = arn:aws:iam::1:role/a\nsource_profile = b\n[profile b]\nrole_arn = arn:aws:iam::1:role/b\nsource_profile = default\n",
            ErrorKind::InvalidConfiguration,
            "forms a loop",
        ),
        (
            "[default]\nrole_arn = arn:aws:iam::1:role/a\nsource_profile = b\nmfa_serial = arn:aws:iam::1:mfa/me\n",
            ErrorKind::InvalidConfiguration,
            "mfa_serial",
        ),
        (
            "[default]\nrole_arn = app\nsource_profile = b\nregion = eu-west-1\n[profile b]\naws_access_key_id = a\naws_secret_access_key = b\n",
            ErrorKind::InvalidConfiguration,
            "ARN",
        ),
        (
            "[default]\nrole_arn = arn:aws:iam::1:role/a\ncredential_source = Environment\n",
            ErrorKind::Provider,
            "AWS_ACCESS_KEY_ID",
        ),
        (
            "[default]\nweb_identity_token_file = /none\nrole_arn = arn:aws:iam::1:role/a\n",
            ErrorKind::InvalidConfiguration,
            "/none",
        ),
        ("[default]\nlogin_session = arn\n", ErrorKind::Provider, "aws login"),
        ("[default]\ncredential_process = keys\n", ErrorKind::Provider, "does not run processes"),
    ] {
        let (outcome, calls) = load(MapEnv::new(), config).await;
        let error = outcome.unwrap_err();
        assert_eq!(error.kind(), kind, "{config}");
        assert!(describe(&error).contains(word), "{word}: {}", describe(&error));
        assert!(calls.is_empty());
    }
}

#[tokio::test]
async fn a_config_file_of_six_megabytes_is_read() {
    let mut config = "# a comment that goes on and on\n".repeat(200_000);
    config.push_str("[default]\naws_access_key_id = last\naws_secret_access_key = s\n");
    assert!(config.len() > 6_000_000);
    let (keys, _) = load(MapEnv::new(), &config).await;
    assert_eq!(keys.unwrap().access_key_id(), "last");
}
