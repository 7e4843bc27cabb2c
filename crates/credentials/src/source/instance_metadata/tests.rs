//! The instance's role: found, missing, refused, and handed out too late.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::InstanceMetadataCredentials;
use crate::seam::{FixedClock, HttpFn, World};
use crate::{Credentials, CredentialsError, ErrorKind, ProvideCredentials};

/// 2021-08-16T20:52:53Z.
fn expiry() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_629_147_173)
}

async fn fetch(now: SystemTime, role: &'static str, body: &'static str) -> Result<Credentials, CredentialsError> {
    let http = HttpFn::new(move |request, _| {
        Ok(http::Response::new(match request.uri().path() {
            "/latest/api/token" => "token".into(),
            "/latest/meta-data/iam/security-credentials/" => role.into(),
            "/latest/meta-data/iam/security-credentials/app" => body.into(),
            other => panic!("{other}"),
        }))
    });
    let world = World::builder().with_http(http).with_clock(FixedClock(now)).build();
    InstanceMetadataCredentials::new(&world).provide_credentials().await
}

const KEYS: &str = r#"{"Code": "Success", "AccessKeyId": "ASIA", "SecretAccessKey": "s", "Token": "t", "Expiration": "2021-08-16T20:52:53Z"}"#;

#[tokio::test]
async fn gives_the_first_role_of_the_instance() {
    let keys = fetch(expiry() - Duration::from_secs(1), "app\nother", KEYS).await.unwrap();
    assert_eq!((keys.access_key_id(), keys.source(), keys.expiry()), ("ASIA", "InstanceMetadata", Some(expiry())));
}

#[tokio::test]
async fn expired_credentials_are_used_for_ten_to_fifteen_minutes_more() {
    let now = expiry() + Duration::from_secs(3600);
    let keys = fetch(now, "app", KEYS).await.unwrap();
    let left = keys.expiry().unwrap().duration_since(now).unwrap();
    assert!((600..=900).contains(&left.as_secs()), "{left:?}");
}

#[tokio::test]
async fn what_is_wrong_is_named() {
    let unauthorized = r#"{"Code": "AssumeRoleUnauthorizedAccess", "Message": "no"}"#;
    for (role, body, word) in [
        ("app", unauthorized, "trust policy must name ec2.amazonaws.com"),
        ("app", r#"{"Code": "Odd {hidden}"}"#, "Oddhidden"),
        ("app", "<html>", "line 1"),
        ("", "", "named no role"),
        ("../../x", "", "named no role"),
    ] {
        let error = fetch(UNIX_EPOCH, role, body).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Provider);
        assert!(error.to_string().contains(word), "{error}");
    }
}
